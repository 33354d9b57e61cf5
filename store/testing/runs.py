"""Synthetic runs for tests: small, deterministic, written through the real writer."""

from __future__ import annotations

import contextlib
import random
import unittest.mock
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore

from store.format.derivation import Derivation
from store.format.names import Array, activation_path
from store.format.operations import Clip, MaxPool, Operation, Reshape
from store.format.parts import stored_path
from store.format.spec import UPDATE_COUNT_PATH, LayerSpec, ProbeSpec, RunSpec, WeightSpec
from store.live.writer import RunWriter
from store.reading.run import open_run

CLASSES = 4
PROBES = 6


def image_run_spec(name: str = "synthetic", *, units: int = 3, side: int = 8) -> RunSpec:
    """Describe a tiny convolutional classifier of seven layers, one of each usual kind.

    Parameters
    ----------
    name : str
        Of the run.
    units : int
        Channels of the convolution.
    side : int
        Pixels of an image along each side; even.

    Returns
    -------
    RunSpec
        With `PROBES` probes of `CLASSES` classes.
    """
    half = side // 2
    image = ("probe", "y", "x", "unit")
    layers = (
        LayerSpec("image", "InputLayer", "input"),
        LayerSpec(
            "conv1",
            "Conv2D",
            "conv",
            {"filters": units, "kernel_size": [3, 3], "padding": "same"},
            ("image",),
            image,
            (PROBES, side, side, units),
            weights=(
                WeightSpec("kernel", ("kernel_y", "kernel_x", "in_unit", "unit"), (3, 3, 1, units)),
                WeightSpec("bias", ("unit",), (units,)),
            ),
            parameters=10 * units,
        ),
        LayerSpec(
            "relu1", "ReLU", "activation", {}, ("conv1",), image, (PROBES, side, side, units)
        ),
        LayerSpec(
            "pool1",
            "MaxPooling2D",
            "pooling",
            {"pool_size": [2, 2]},
            ("relu1",),
            image,
            (PROBES, half, half, units),
        ),
        LayerSpec(
            "flatten",
            "Flatten",
            "reshape",
            {},
            ("pool1",),
            ("probe", "unit"),
            (PROBES, half * half * units),
        ),
        LayerSpec(
            "dense",
            "Dense",
            "dense",
            {"units": CLASSES},
            ("flatten",),
            ("probe", "unit"),
            (PROBES, CLASSES),
            weights=(
                WeightSpec("kernel", ("in_unit", "unit"), (half * half * units, CLASSES)),
                WeightSpec("bias", ("unit",), (CLASSES,)),
            ),
            parameters=(half * half * units + 1) * CLASSES,
        ),
        LayerSpec(
            "softmax",
            "Softmax",
            "softmax",
            {},
            ("dense",),
            ("probe", "unit"),
            (PROBES, CLASSES),
        ),
    )
    rng = np.random.default_rng(7)
    probe = ProbeSpec(
        inputs={"input": rng.random((PROBES, side, side, 1), np.float32)},
        kind="image",
        dims={"input": ("probe", "y", "x", "channel")},
        labels=np.arange(PROBES) % CLASSES,
        class_names=["ant", "bee", "cat", "dog"],
    )
    return RunSpec(name, layers, probe, {"class_name": "Sequential"}, outputs=("softmax",))


def derived_run_spec(name: str = "derived", *, units: int = 3, side: int = 8) -> RunSpec:
    """Describe the classifier of `image_run_spec` without storing what follows.

    Parameters
    ----------
    name, units, side
        As for `image_run_spec`.

    Returns
    -------
    RunSpec
        Its ReLU, pooling and flattening follow, one from the other, from its convolution.
    """
    half = side // 2
    pool = MaxPool((2, 2, 1), (2, 2, 1), ((0, 0),) * 3)
    operations: dict[str, Operation] = {
        "relu1": Clip(lower=0.0),
        "pool1": pool,
        "flatten": Reshape((half * half * units,)),
    }
    spec = image_run_spec(name, units=units, side=side)
    layers = (
        replace(layer, derivation=Derivation(operations[layer.name], layer.inbound))
        if layer.name in operations
        else layer
        for layer in spec.layers
    )
    return replace(spec, layers=tuple(layers))


def text_run_spec(name: str = "synthetic text", *, tokens: int = 5, units: int = 4) -> RunSpec:
    """Describe a tiny recurrent classifier: input, embedding, LSTM, one sigmoid unit.

    Parameters
    ----------
    name : str
        Of the run.
    tokens : int
        Length of a sentence; at most 5.
    units : int
        Of the embedding and of the LSTM.

    Returns
    -------
    RunSpec
        With two sentences as probes.
    """
    vocabulary = ["", "[UNK]", "not", "a", "good", "film", "<b>bad</b>"]
    sequence = ("probe", "token", "unit")
    layers = (
        LayerSpec("tokens", "InputLayer", "input"),
        LayerSpec(
            "embedding",
            "Embedding",
            "embedding",
            {},
            ("tokens",),
            sequence,
            (2, tokens, units),
            weights=(WeightSpec("embeddings", ("word", "unit"), (len(vocabulary), units)),),
            parameters=len(vocabulary) * units,
        ),
        LayerSpec(
            "lstm",
            "LSTM",
            "recurrent",
            {"units": units},
            ("embedding",),
            ("probe", "unit"),
            (2, units),
            weights=(
                WeightSpec("kernel", ("in_unit", "gate_unit"), (units, 4 * units)),
                WeightSpec("recurrent_kernel", ("unit", "gate_unit"), (units, 4 * units)),
                WeightSpec("bias", ("gate_unit",), (4 * units,)),
            ),
            parameters=8 * units * units + 4 * units,
        ),
        LayerSpec(
            "output",
            "Dense",
            "dense",
            {"units": 1, "activation": "sigmoid"},
            ("lstm",),
            ("probe", "unit"),
            (2, 1),
            weights=(
                WeightSpec("kernel", ("in_unit", "unit"), (units, 1)),
                WeightSpec("bias", ("unit",), (1,)),
            ),
            parameters=units + 1,
        ),
    )
    ids = np.array([[2, 3, 4, 5, 0], [6, 5, 0, 0, 0]], np.int32)[:, :tokens]
    probe = ProbeSpec(
        inputs={"input": ids},
        kind="text",
        dims={"input": ("probe", "token")},
        labels=np.array([1, 0]),
        class_names=["negative", "positive"],
        texts=["not a good film", "<b>bad</b> film"],
        vocabulary=vocabulary,
    )
    return RunSpec(name, layers, probe, {"class_name": "Sequential"}, outputs=("output",))


def parts_run_spec(name: str = "synthetic parts") -> RunSpec:
    """Describe a tiny training of three models, whose layers partly have the same names.

    Parameters
    ----------
    name : str
        Of the run.

    Returns
    -------
    RunSpec
        ``reader`` is as `text_run_spec`, ``critic`` as `derived_run_spec`; of ``average``, whose
        layers are the critic's, there are only weights.
    """
    critic = replace(derived_run_spec(), class_name="Sequential")
    bare = [replace(layer, output_dims=(), output_shape=()) for layer in image_run_spec().layers]
    average = replace(critic, layers=tuple(bare), probe=None, outputs=())
    reader = replace(text_run_spec(), class_name="Functional")
    return RunSpec(name, (), parts={"reader": reader, "critic": critic, "average": average})


def frames_at(spec: RunSpec, step: int) -> dict[str, Array]:
    """Frames of one step: random, but a function of the array's name and the step alone.

    Parameters
    ----------
    spec : RunSpec
        The run's description.
    step : int
        Optimizer updates done.

    Returns
    -------
    dict of str to ndarray
        By path, as `RunWriter.append` takes them. Outputs of softmax and sigmoid layers are
        probabilities; what follows from others does.
    """
    return {
        stored_path(path, part): frame
        for part, model in spec.models().items()
        for path, frame in _model_frames(model, step).items()
    }


def _model_frames(spec: RunSpec, step: int) -> dict[str, Array]:
    frames: dict[str, Array] = {}
    for layer in spec.layers:
        for array in layer.array_specs():
            rng = np.random.default_rng([step, *array.path.encode()])
            values = rng.normal(size=array.frame_shape).astype(np.float32)
            probabilities = layer.kind == "softmax" or layer.config.get("activation") == "sigmoid"
            if probabilities and array.path.endswith("/activation"):
                values = np.abs(values) / (np.abs(values).sum(axis=-1, keepdims=True) + 0.5)
                if layer.kind == "softmax":
                    values /= values.sum(axis=-1, keepdims=True)
            frames[array.path] = values.astype(array.dtype)
            if array.derivation is not None:
                sources = [frames[activation_path(name)] for name in array.derivation.sources]
                frames[array.path] = following_frame(array.derivation, sources)
    for part in spec.beside_layers:
        for array in part.array_specs():
            rng = np.random.default_rng([step, *array.path.encode()])
            values = np.asarray(rng.random(array.frame_shape)).astype(array.dtype)
            frames[array.path] = values + 1 if array.path == UPDATE_COUNT_PATH else values
    return frames


def following_frame(derivation: Derivation, sources: Sequence[Array]) -> Array:
    """Give the frame that follows from those of the sources: (probe, ...)."""
    shapes = [source.shape for source in sources]
    box = tuple(slice(0, size) for size in derivation.operation.shape(*shapes))
    blocks = [source[np.newaxis] for source in sources]
    frame: Array = derivation.compute(box, shapes, blocks)[0]
    return frame


def append_steps(writer: RunWriter, *steps: int) -> None:
    """Append the frames of `frames_at` at each step.

    Parameters
    ----------
    writer : RunWriter
        An open writer.
    *steps : int
        Increasing, and larger than what the run holds.
    """
    for step in steps:
        frames = frames_at(writer.spec, step)
        writer.append(step, epoch=step / 10, wall_time=step / 2, frames=frames)


def assert_holds(path: Path, spec: RunSpec, steps: Sequence[int]) -> None:
    """Assert that a run holds exactly these steps, each with the frames of `frames_at`.

    Parameters
    ----------
    path : Path
        The run.
    spec : RunSpec
        What it was recorded with.
    steps : sequence of int
        All of its steps.
    """
    run = open_run(path)
    np.testing.assert_array_equal(run.steps, steps)
    for index, step in enumerate(steps):
        for name, frame in frames_at(spec, step).items():
            np.testing.assert_array_equal(run.read(name, (index,)), frame)


def write_run(
    path: str | Path,
    spec: RunSpec | None = None,
    *,
    steps: Sequence[int] = (0, 1, 2, 5, 10, 20, 50, 100),
    updates_per_epoch: int = 20,
    finished: bool = True,
    **options: Any,
) -> Path:
    """Record a synthetic run and return its path.

    Parameters
    ----------
    path : str or Path
        Where to write it.
    spec : RunSpec, optional
        By default `image_run_spec`.
    steps : sequence of int
        Recorded steps; metrics are written for every update up to the last one.
    updates_per_epoch : int
        Optimizer updates an epoch.
    finished : bool
        Whether the run is marked as ended.
    **options
        Passed to `RunWriter.create`.

    Returns
    -------
    Path
        Directory of the run, in the live form.
    """
    spec = spec or image_run_spec()
    writer = RunWriter.create(path, spec, **options)
    recorded = set(steps)
    for update in range(max(steps, default=-1) + 1):
        epoch = update / updates_per_epoch
        if update:
            row = {"loss": 2.0 / (1 + update), "accuracy": update / (update + 10)}
            if update % updates_per_epoch == 0:
                row["val_loss"] = 2.5 / (1 + update)
            writer.append_metrics(update, row)
        if update in recorded:
            writer.append(
                update, epoch=epoch, wall_time=0.05 * update, frames=frames_at(spec, update)
            )
    writer.close(finished=finished)
    return Path(path)


def seeded(seed: int) -> random.Random:
    """Random choices that can be repeated.

    Parameters
    ----------
    seed : int
        The same seed gives the same choices.

    Returns
    -------
    Random
        Of the standard library.
    """
    return random.Random(seed)  # noqa: S311 - no secret depends on it


@contextlib.contextmanager
def small_files() -> Iterator[None]:
    """Lay arrays out in tiny files, so that a few steps cross every boundary.

    Frames above 32 bytes lie in shards of at most 4 steps, those above 256 bytes in several
    blocks. Runs written inside are read inside.
    """
    with unittest.mock.patch.multiple(
        "store.format.live_layout",
        DENSE_FRAME_BYTES=32,
        DENSE_CHUNK_BYTES=64,
        SHARD_STEPS=4,
        SHARD_INDEX_BYTES=256,
        BLOCK_BYTES=256,
    ):
        yield


class CountingStore(LocalStore):
    """A run's directory as a Zarr store that notes what is read from it.

    All that zarr-python reads it reads by `get`, or by `get_sync` in versions that have it; what
    asks for several ranges joins those that lie close together, and then asks these two.

    Parameters
    ----------
    root : str or Path
        Directory of the run.

    Attributes
    ----------
    reads : list of (str, ByteRequest or None)
        Key and byte range of every read that found something, in order.
    """

    def __init__(self, root: str | Path) -> None:
        super().__init__(root, read_only=True)
        self.reads: list[tuple[str, ByteRequest | None]] = []

    def chunk_reads(self) -> list[str]:
        """Keys of what was read, without the metadata documents.

        Returns
        -------
        list of str
            In the order of the reads.
        """
        return [key for key, _ in self.reads if not key.endswith("zarr.json")]

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read a key, and note it in `reads`.

        Parameters
        ----------
        key, prototype, byte_range
            As for every Zarr store.

        Returns
        -------
        Buffer or None
            None: there is nothing under the key.
        """
        return self._noted(await super().get(key, prototype, byte_range), key, byte_range)

    def get_sync(
        self,
        key: str,
        *,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read a key, and note it in `reads`.

        Parameters
        ----------
        key, prototype, byte_range
            As for every Zarr store.

        Returns
        -------
        Buffer or None
            None: there is nothing under the key.
        """
        found = super().get_sync(key, prototype=prototype, byte_range=byte_range)
        return self._noted(found, key, byte_range)

    def _noted(
        self, found: Buffer | None, key: str, byte_range: ByteRequest | None
    ) -> Buffer | None:
        if found is not None:
            self.reads.append((key, byte_range))
        return found

"""Reading a run: every path gives the same values, and damage is an error, never a crash."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from store.errors import RunFormatError, SpecError
from store.format.spec import LayerSpec, RunSpec, WeightSpec
from store.live.writer import RunWriter
from store.reading.arrays import normalized
from store.reading.live import CompressedArray, MappedFiles, OneFileArray, RawArray, local_reader
from store.reading.run import open_run
from store.storage.files import MAX_OPEN_FILES
from store.storage.sources import DirectorySource
from store.testing import CountingStore, frames_at, image_run_spec, text_run_spec, write_run

SPEC = image_run_spec(units=8, side=16)
STEPS = (*range(0, 140, 2), 1000)
ACTIVATION = "layers/conv1/activation"


@pytest.fixture(scope="module", params=[None, "lz4"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reader")
    return write_run(folder / "run.zarr", SPEC, steps=STEPS, compression=request.param)


OWN = image_run_spec()


# -- values ----------------------------------------------------------------------------------


@pytest.mark.slow
@given(data=st.data())
def test_any_index_gives_what_numpy_gives(path: Path, data: st.DataObject) -> None:
    expected = np.stack([frames_at(SPEC, step)[ACTIVATION] for step in STEPS])
    index = tuple(
        data.draw(st.integers(-size, size - 1) | st.slices(size)) for size in expected.shape
    )
    index = index[: data.draw(st.integers(0, len(index)))]
    np.testing.assert_array_equal(open_run(path).read(ACTIVATION, index), expected[index])


class CountingSource(DirectorySource):
    """Counts the bytes that are read of its files."""

    read_bytes = 0

    def open(self, key: str) -> tuple[FileIO, os.stat_result]:
        source = self

        class Counted(FileIO):
            def readinto(self, buffer: Any) -> int | None:
                count = super().readinto(buffer)
                source.read_bytes += count or 0
                return count

        file, status = super().open(key)
        with file:
            return Counted(os.dup(file.fileno())), status


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a frame of several blocks, between which there are checksums."""
    name = "layers/wide/weights/kernel"
    kernel = (WeightSpec("kernel", ("in_unit", "unit"), (12, 100_000)),)
    path = tmp_path_factory.mktemp("blocks") / "run.zarr"
    with RunWriter.create(
        path, RunSpec("wide", (LayerSpec("wide", "Dense", "dense", weights=kernel),))
    ) as to:
        for step in range(3):
            frame = (np.arange(1_200_000, dtype=np.float32) + step).reshape(12, -1)
            to.append(step, epoch=0, wall_time=0, frames={name: frame})
    return path


@pytest.mark.parametrize(
    "rows", [0, 7, -1, slice(2, 9, 3), slice(9, 2, -2), slice(5, 5), slice(None)]
)
def test_of_a_step_the_rows_that_are_wanted_are_read_alone(blocks: Path, rows: int | slice) -> None:
    source, run = CountingSource(blocks), open_run(blocks)
    name = "layers/wide/weights/kernel"
    reader = local_reader(source, name, run.nodes[name], MappedFiles())
    assert isinstance(reader, RawArray)
    assert reader._placement.blocks > 1
    frame = (np.arange(1_200_000, dtype=np.float32) + 2).reshape(12, -1)
    np.testing.assert_array_equal(reader.read((2, rows, slice(3, 5))), frame[rows, 3:5])
    taken = np.arange(12)[rows]
    hull = np.ptp(taken) + 1 if np.size(taken) else 0
    assert source.read_bytes == hull * 100_000 * 4


def test_the_fast_paths_serve_the_live_form(path: Path) -> None:
    run = open_run(path)
    compressed = run.attributes["compression"] == "lz4"
    assert type(run.array(ACTIVATION)) is (CompressedArray if compressed else RawArray)
    assert type(run.array("step")) is RawArray
    assert type(run.array("probe/input")) is OneFileArray


def test_every_reader_agrees(path: Path) -> None:
    run = open_run(path)
    counting = CountingStore(path)
    for name, node in run.nodes.items():
        if node["node_type"] == "array":
            plain = zarr.open_array(counting, path=name, mode="r", zarr_format=3)
            index = tuple(slice(None, None, 3) for _ in node["shape"])
            np.testing.assert_array_equal(run.read(name, index), plain[index])
    assert counting.chunk_reads()


def test_a_frame_is_one_block_for_a_generic_reader(path: Path) -> None:
    counting = CountingStore(path)
    _ = zarr.open_array(counting, path=ACTIVATION, mode="r", zarr_format=3)[3]
    # The index and one block, both from the file of that step.
    assert counting.chunk_reads() == [f"{ACTIVATION}/c.0.0.0.0.0"] * 2


def test_arrays_are_named_and_labelled(path: Path) -> None:
    run = open_run(path)
    activation = run.activations("conv1")
    assert activation.dims == ("step", "probe", "y", "x", "unit")
    assert activation["step"].values.tolist() == list(STEPS)
    assert activation.sel(step=999, method="nearest")["step"] == 1000
    kernel = run.weights("conv1", "kernel")
    assert kernel.dims == ("step", "kernel_y", "kernel_x", "in_unit", "unit")
    assert kernel.attrs["trainable"]
    assert list(run.layers) == [layer.name for layer in SPEC.layers]
    assert run.layers["dense"].inbound == ("flatten",)
    assert run.layers["conv1"].weights == {"kernel": (3, 3, 1, 8), "bias": (8,)}


def test_a_layer_takes_another_one_as_it_is_or_says_otherwise(tmp_path: Path) -> None:
    layers = (
        LayerSpec("first", "InputLayer", "input"),
        LayerSpec("plain", "Dense", "dense", inbound=("first",)),
        LayerSpec("doubled", "Dense", "dense", inbound=("plain",), operations_between=True),
        LayerSpec("sum", "Add", "merge", inbound=("plain", "doubled")),
    )
    RunWriter.create(tmp_path / "run.zarr", RunSpec("between", layers)).close()
    found = open_run(tmp_path / "run.zarr").layers.values()
    assert [layer.operations_between for layer in found] == [False, False, True, False]
    assert [layer.source for layer in found] == [None, "first", None, None]


def test_what_a_call_was_given_comes_back_and_is_checked(tmp_path: Path) -> None:
    arguments = {"query": "a", "value": "b", "key": None, "mask": ["a", None], "causal": True}
    layers = (
        LayerSpec("a", "InputLayer", "input"),
        LayerSpec("b", "InputLayer", "input"),
        LayerSpec("at", "MultiHeadAttention", "attention", inbound=("a", "b"), arguments=arguments),
    )
    path = tmp_path / "run.zarr"
    RunWriter.create(path, RunSpec("given", layers)).close()
    found = open_run(path).layers
    assert found["at"].arguments == arguments
    assert found["a"].arguments == {}
    strange = dataclasses.replace(layers[2], arguments={"query": "c", "mask": ["d"]})
    with pytest.raises(SpecError, match=r"(?s)'query' is of unknown layer 'c'.*'mask'.*'d'"):
        RunWriter.create(tmp_path / "other.zarr", RunSpec("given", (*layers[:2], strange)))
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(text.replace('"causal":true', '"causal":{}'))
    with pytest.raises(RunFormatError, match="arguments are not layers"):
        open_run(path)


def test_probe_and_configuration_come_back(tmp_path: Path) -> None:
    spec = text_run_spec()
    run = open_run(write_run(tmp_path / "run.zarr", spec))
    probe = run.probe
    assert probe is not None
    assert spec.probe is not None
    assert probe.fingerprint() == spec.probe.fingerprint()
    assert (probe.kind, probe.texts, probe.vocabulary) == ("text", *_texts(spec))
    assert run.model_config == spec.model_config
    assert run.outputs == ("output",)


def _texts(spec: RunSpec) -> tuple[Any, Any]:
    assert spec.probe is not None
    return spec.probe.texts, spec.probe.vocabulary


def test_a_run_without_probe_layers_or_steps(tmp_path: Path) -> None:
    RunWriter.create(tmp_path / "run.zarr", RunSpec("empty", ())).close()
    run = open_run(tmp_path / "run.zarr")
    assert (len(run), run.probe, run.model_config, list(run.layers)) == (0, None, None, [])
    assert run.steps.tolist() == []
    assert dict(run.metrics.sizes) == {"update": 0}
    assert list(run.tree.children) == ["layers"]


@pytest.mark.parametrize(
    ("index", "message"),
    [((5,), "Position 5"), ((-6,), "Position -6"), ((0, 8), "Position 8"), ((0,) * 3, "2 dim")],
)
def test_an_index_out_of_bounds(index: Any, message: str) -> None:
    with pytest.raises(IndexError, match=message):
        normalized(index, (5, 8))


# -- growing ---------------------------------------------------------------------------------


def test_what_is_not_committed_does_not_exist(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run.zarr", SPEC)
    for step in range(3):
        writer.append(step, epoch=0, wall_time=0, frames=frames_at(SPEC, step))
    writer.commit()
    writer.append(3, epoch=0, wall_time=0, frames=frames_at(SPEC, 3))
    run = open_run(tmp_path / "run.zarr")
    with pytest.raises(IndexError, match="Position 3"):
        run.read(ACTIVATION, (3,))
    assert run.read(ACTIVATION, (slice(None), 0, 0, 0, 0)).shape == (3,)
    assert not run.refresh()
    writer.commit()
    old = run.activations("conv1")
    assert run.refresh()
    assert (old.sizes["step"], run.activations("conv1").sizes["step"]) == (3, 4)
    # A map made while the file was shorter is not used for what has grown since.
    np.testing.assert_array_equal(
        run.read(ACTIVATION, (slice(None),))[3], frames_at(SPEC, 3)[ACTIVATION]
    )
    writer.close()


def test_a_run_recorded_anew_at_the_same_path_is_not_mixed_with_the_old(own: Path) -> None:
    run = open_run(own)
    history = run.read(ACTIVATION, (slice(None), 0, 0, 0, 0))
    assert run.probe is not None
    spec = text_run_spec()
    write_run(own, spec, steps=(0, 5), overwrite=True)
    assert run.refresh()
    assert run.steps.tolist() == [0, 5]
    assert run.probe.kind == "text"
    write_run(own, OWN, steps=(7, 9), overwrite=True)
    run.refresh()
    expected = [frames_at(OWN, step)[ACTIVATION][0, 0, 0, 0] for step in (7, 9)]
    assert run.read(ACTIVATION, (slice(None), 0, 0, 0, 0)).tolist() == expected
    assert expected != history[:2].tolist()


def test_threads_read_while_another_refreshes(tmp_path: Path) -> None:
    spec = image_run_spec()
    writer = RunWriter.create(tmp_path / "run.zarr", spec)
    run = open_run(tmp_path / "run.zarr")
    done = threading.Event()
    faults: list[BaseException] = []

    def read() -> None:
        try:
            while not done.is_set():
                # Steps and values of different commits would not fit together.
                kernel = run.weights("conv1", "kernel")
                assert kernel.values.shape[0] == len(kernel["step"])
                run.refresh()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for step in range(60):
        writer.append(step, epoch=0, wall_time=0, frames=frames_at(spec, step))
        writer.commit()
    done.set()
    for thread in threads:
        thread.join()
    writer.close()
    assert faults == []


# -- cost ------------------------------------------------------------------------------------


@contextlib.contextmanager
def opened_files() -> Iterator[list[str]]:
    """Files that are opened for reading inside."""
    names: list[str] = []
    active = True

    def note(event: str, details: Any) -> None:
        if active and event == "open" and isinstance(details[0], str | Path):
            names.append(str(details[0]))

    sys.addaudithook(note)  # there is no way to remove it
    try:
        yield names
    finally:
        active = False


def long_run(path: Path, steps: int) -> Path:
    layer = LayerSpec("dense", "Dense", "dense", weights=(WeightSpec("bias", (), ()),))
    writer = RunWriter.create(path, RunSpec("long", (layer,)))
    for step in range(steps):
        writer.append(step, epoch=0, wall_time=0, frames={"layers/dense/weights/bias": step})
    writer.close()
    return path


def test_opening_reads_one_file_however_long_the_run(tmp_path: Path) -> None:
    cost = {}
    for steps in (100, 10_000):
        path = long_run(tmp_path / f"{steps}.zarr", steps)
        open_run(path)  # imports and caches
        tracemalloc.start()
        with opened_files() as names:
            run = open_run(path)
        cost[steps] = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(run) == steps
        assert {Path(name).name for name in names} == {path.name, "zarr.json"}
    assert cost[10_000] < 1.2 * cost[100]


def test_maps_are_bounded(tmp_path: Path) -> None:
    layer = LayerSpec("dense", "Dense", "dense", weights=(WeightSpec("w", ("unit",), (1025,)),))
    writer = RunWriter.create(tmp_path / "run.zarr", RunSpec("shards", (layer,)))
    array = writer._arrays["layers/dense/weights/w"]
    steps = array.placement.steps * (MAX_OPEN_FILES + 2)
    frame = np.zeros(1025, np.float32)
    for step in range(steps):
        frame[0] = step
        writer.append(step, epoch=0, wall_time=0, frames={"layers/dense/weights/w": frame})
    writer.close()
    run = open_run(tmp_path / "run.zarr")
    history = run.read("layers/dense/weights/w", (slice(None), 0))
    assert history.tolist() == list(range(steps))
    assert len(run._readers._maps._maps) == MAX_OPEN_FILES

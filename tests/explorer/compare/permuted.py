"""A network of three layers, and the same one with its units in another order, as two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.compare.pair import RunPair
from explorer.data.run import RunData
from store import open_run
from store.live.writer import RunWriter
from store.testing import CLASSES, PROBES, image_run_spec

Array = npt.NDArray[Any]

UNITS, SIDE = 3, 8
STEPS = (0, 1, 2, 5, 10)
# Unit number in the first run of each unit of the second.
CONV, DENSE = np.array([2, 0, 1]), np.array([1, 3, 0, 2])
# Where the convolution's units go: after it they keep their places.
MAPS = ("conv1", "relu1", "pool1")


def frames_of(step: int) -> dict[str, Array]:
    """Weights of a step, and what they make of the probe: (array of the run, values)."""
    rng = np.random.default_rng(step)
    image = next(iter(image_run_spec().probe.inputs.values()))  # type: ignore[union-attr]
    kernel, bias = rng.normal(size=(3, 3, 1, UNITS)), rng.normal(size=UNITS)
    half = SIDE // 2
    matrix, offset = rng.normal(size=(half * half * UNITS, CLASSES)), rng.normal(size=CLASSES)
    padded = np.pad(image[..., 0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    conv = np.einsum("pyxij,iju->pyxu", windows, kernel[:, :, 0]) + bias
    relu = np.maximum(conv, 0)
    pool = relu.reshape(PROBES, half, 2, half, 2, UNITS).max(axis=(2, 4))
    flat = pool.reshape(PROBES, -1)
    dense = flat @ matrix + offset
    odds = np.exp(dense - dense.max(axis=1, keepdims=True))
    made = {
        "layers/conv1/activation": conv,
        "layers/relu1/activation": relu,
        "layers/pool1/activation": pool,
        "layers/flatten/activation": flat,
        "layers/dense/activation": dense,
        "layers/softmax/activation": odds / odds.sum(axis=1, keepdims=True),
        "layers/conv1/weights/kernel": kernel,
        "layers/conv1/weights/bias": bias,
        "layers/dense/weights/kernel": matrix,
        "layers/dense/weights/bias": offset,
    }
    return {name: values.astype(np.float32) for name, values in made.items()}


def turned(frames: dict[str, Array]) -> dict[str, Array]:
    """The same network with its units in another order."""
    maps = np.arange(SIDE * SIDE // 4 * UNITS).reshape(-1, UNITS)[:, CONV].ravel()
    order: dict[str, Any] = {
        **{f"layers/{name}/activation": (..., CONV) for name in MAPS},
        "layers/flatten/activation": (..., maps),
        "layers/dense/activation": (..., DENSE),
        "layers/softmax/activation": (..., DENSE),
        "layers/conv1/weights/kernel": (..., CONV),
        "layers/conv1/weights/bias": (CONV,),
        "layers/dense/weights/kernel": np.ix_(maps, DENSE),
        "layers/dense/weights/bias": (DENSE,),
    }
    return {name: np.ascontiguousarray(values[order[name]]) for name, values in frames.items()}


def permuted_pair(folder: Path) -> RunPair:
    """Record both."""
    runs = []
    for name, change in (("a", lambda frames: frames), ("b", turned)):
        writer = RunWriter.create(folder / f"{name}.zarr", image_run_spec(name))
        for step in STEPS:
            frames = change(frames_of(step))
            writer.append(step, epoch=step / 10, wall_time=step / 2, frames=frames)
        writer.close()
        runs.append(RunData(open_run(folder / f"{name}.zarr")))
    return RunPair(*runs)

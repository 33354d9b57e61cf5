from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import open_run
from store.errors import LayerNotFoundError, SpecError
from store.format.names import Array
from store.format.spec import ArraySpec
from store.live.writer import RunWriter
from store.testing import frames_at, image_run_spec, text_run_spec
from store.tools.estimate import (
    Narrowing,
    estimate,
    live_bytes,
    narrowed,
    recorded_bytes,
    steps_within,
)

ACTIVATION = "layers/conv1/activation"


def cut(values: Array, array: ArraySpec, narrowing: Narrowing) -> Array:
    if array.path.endswith("/activation") and "unit" in array.dims:
        axis = array.dims.index("unit") - 1
        values = values.take(range(0, values.shape[axis], narrowing.every_unit), axis)
    return values.astype(array.dtype)


def record(path: Path, steps: int, narrowing: Narrowing) -> Path:
    whole = image_run_spec(side=24)
    spec = narrowed(whole, narrowing)
    arrays = {array.path: array for array in spec.array_specs() if "/" in array.path}
    with RunWriter.create(path, spec) as writer:
        for step in range(steps):
            frames = frames_at(whole, step)
            frames = {p: cut(frames[p], array, narrowing) for p, array in arrays.items()}
            writer.append(step, epoch=0, wall_time=0, frames=frames)
    return path


@pytest.mark.parametrize(
    "narrowing",
    [
        Narrowing(),
        Narrowing(layers=["conv*", "dense"], every_unit=2),
        Narrowing(activation_dtype="float16", weights=False),
        Narrowing(activations=False, weight_dtype="float16"),
    ],
)
def test_the_estimate_is_what_a_recording_takes(tmp_path: Path, narrowing: Narrowing) -> None:
    steps = 67
    path = record(tmp_path / "run.zarr", steps, narrowing)
    spec = narrowed(image_run_spec(side=24), narrowing)
    found = estimate(spec, steps)
    run = open_run(path)
    by_kind = {"activation": 0, "weights": 0}
    for name, node in run.nodes.items():
        if name.startswith("layers/") and node["node_type"] == "array":
            frame = run.read(name, (0,))
            by_kind["weights" if "/weights/" in name else "activation"] += frame.nbytes
    assert (found.activation_bytes, found.weight_bytes) == tuple(by_kind.values())
    assert found.other_bytes == 3 * 8, "steps, epochs, seconds"
    assert found.step_bytes == sum(by_kind.values()) + found.other_bytes
    taken = 0
    for array in spec.array_specs():
        sizes = [file.stat().st_size for file in (path / array.path).glob("c.*")]
        is_dense = array.frame_bytes <= 4096  # its file has full size from the start, mostly holes
        assert live_bytes(array, steps) <= sum(sizes)
        assert is_dense or live_bytes(array, steps) == sum(sizes)
        taken += live_bytes(array, steps)
    assert run.tree.groups
    assert recorded_bytes(spec, steps) == taken
    assert found.total_bytes > taken


def test_knobs_choose_layers_units_and_types(tmp_path: Path) -> None:
    narrowing = Narrowing(layers=["conv1", "pool?"], every_unit=2, activation_dtype="float16")
    run = open_run(record(tmp_path / "run.zarr", 2, narrowing))
    assert [name for name, layer in run.layers.items() if layer.has_activation] == [
        "conv1",
        "pool1",
    ]
    stored = run.activations("conv1")
    whole = frames_at(image_run_spec(side=24), 1)[ACTIVATION]
    assert stored.dtype == np.float16
    np.testing.assert_array_equal(stored.sel(step=1), whole[..., ::2].astype(np.float16))
    assert run.layers["conv1"].weights["kernel"] == (3, 3, 1, 3)


def test_floats_are_never_widened_and_integers_let_be() -> None:
    spec = narrowed(text_run_spec(), Narrowing(weight_dtype="float64", activation_dtype="float32"))
    assert {array.dtype for array in spec.array_specs() if "/" in array.path} == {"float32"}


def test_steps_are_counted_once() -> None:
    assert estimate(image_run_spec(), [0, 1, 1, 5]).steps == 3


@given(budget=st.integers(0, 10**9))
def test_as_many_steps_as_fit(budget: int) -> None:
    spec = image_run_spec()
    count = steps_within(spec, budget)
    step = estimate(spec, 1).step_bytes
    assert count * step <= budget < (count + 1) * step


def test_wrong_knobs_are_explained() -> None:
    spec = image_run_spec()
    with pytest.raises(LayerNotFoundError, match="Did you mean 'conv1'"):
        narrowed(spec, Narrowing(layers=["conv"]))
    with pytest.raises(SpecError, match="float16, float32, float64"):
        narrowed(spec, Narrowing(weight_dtype="int8"))
    with pytest.raises(SpecError, match="every_unit"):
        narrowed(spec, Narrowing(every_unit=0))


def test_a_scalar_takes_no_index() -> None:
    assert live_bytes(ArraySpec("a", ("step",), (), "float64"), 10) == 80

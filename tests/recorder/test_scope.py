"""Options that make a recording smaller: less of the model, fewer bits, a budget of bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe, Recorder, every_epoch, every_n_steps
from recorder.scope import ByteBudget, parse_bytes
from store import open_run
from store.errors import LayerNotFoundError, SpecError
from store.packed.pack import pack
from tests.recorder.keras.test_callback import fit
from tests.recorder.networks import conv_model, images, renewed

PROBES = 4


def record(path: Path, schedule: Any = None, **scale: Any) -> Any:
    """Record a short training; the whole of it is the same for every scale."""
    schedule = schedule or every_n_steps(4)
    callback = Recorder(path, Probe(images()[0][:PROBES]), schedule=schedule, **scale)
    fit(renewed(conv_model), images(), callback)
    assert callback.report.fault is None
    return open_run(path), callback


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return record(tmp_path_factory.mktemp("whole") / "run.zarr")[0]


def with_activation(run: Any) -> list[str]:
    return [name for name, layer in run.layers.items() if layer.has_activation]


def with_weights(run: Any) -> list[str]:
    return [name for name, layer in run.layers.items() if layer.weights]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scale", "activations", "weights"),
    [
        ({"layers": "conv"}, ["conv"], ["conv"]),
        ({"layers": ["!conv", "!soft*"], "weights": False}, None, []),
        ({"activations": False}, [], ["conv", "logits"]),
        ({"activations": ["conv", "pool"], "weights": "logits"}, ["conv", "pool"], ["logits"]),
    ],
)
def test_layers_and_kinds_are_chosen_and_the_graph_stays_whole(
    tmp_path: Path, whole: Any, scale: dict[str, Any], activations: Any, weights: list[str]
) -> None:
    run, _ = record(tmp_path / "run.zarr", **scale)
    if activations is None:
        activations = [name for name in with_activation(whole) if name not in ("conv", "softmax")]
    assert with_activation(run) == activations
    assert with_weights(run) == weights
    assert list(run.layers) == list(whole.layers)
    for name in activations:
        np.testing.assert_allclose(
            run.activations(name).values, whole.activations(name).values, rtol=1e-6
        )
    for name in weights:
        for weight in run.layers[name].weights:
            np.testing.assert_array_equal(
                run.weights(name, weight).values, whole.weights(name, weight).values
            )


def test_every_kth_unit_keeps_its_true_number(tmp_path: Path, whole: Any) -> None:
    path = tmp_path / "run.zarr"
    record(path, every_unit=3, dtype={"activation": "float16"})
    pack(path, tmp_path / "packed.zarr")
    for opened in (open_run(path), open_run(tmp_path / "packed.zarr")):
        stored = opened.activations("conv")
        assert stored.attrs["unit_stride"] == 3
        assert list(stored["unit"].values) == [0, 3]
        expected = whole.activations("conv")
        np.testing.assert_array_equal(
            stored.sel(unit=3).values, expected.isel(unit=3).values.astype(np.float16)
        )
        assert opened.weights("conv", "kernel").shape == whole.weights("conv", "kernel").shape
        assert opened.weights("conv", "kernel").dtype == np.float32
    assert "unit" not in whole.activations("conv").coords


def test_one_dtype_serves_both_kinds(tmp_path: Path) -> None:
    run, _ = record(tmp_path / "run.zarr", dtype="float16")
    assert run.activations("conv").dtype == run.weights("conv", "kernel").dtype == np.float16


@pytest.mark.parametrize(
    ("scale", "error", "message"),
    [
        ({"layer": "conv"}, TypeError, "unexpected keyword argument 'layer'"),
        ({"dtype": {"weight": "float16"}}, SpecError, "Did you mean 'weights'"),
        ({"byte_budget": "two"}, SpecError, "for instance '500 MB'"),
        ({"layers": "cnv"}, LayerNotFoundError, "Did you mean 'conv'"),
        ({"activations": "!cnv"}, LayerNotFoundError, "Did you mean 'conv'"),
        ({"dtype": "int8"}, SpecError, "'float16', 'float32', 'float64', got 'int8'"),
        (
            {"every_unit": 0},
            SpecError,
            "every_unit=... expects a whole number of at least 1, got 0",
        ),
        ({"byte_budget": 10}, SpecError, "the byte_budget is 10 B"),
    ],
)
def test_what_is_wrong_is_said_before_the_training(
    tmp_path: Path, scale: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        record(tmp_path / "run.zarr", **scale)
    assert not (tmp_path / "run.zarr").exists()


@pytest.mark.slow
def test_a_byte_budget_is_kept_and_what_it_cost_is_noted(tmp_path: Path) -> None:
    _, unlimited = record(tmp_path / "all.zarr", every_n_steps(1))
    step_bytes = unlimited.report.nbytes // unlimited.report.steps
    schedule = every_n_steps(1) | every_epoch()
    run, callback = record(tmp_path / "run.zarr", schedule, byte_budget=10 * step_bytes)
    assert callback.report.nbytes <= 10 * step_bytes
    steps = list(run.steps)
    assert steps[:4] == [0, 1, 2, 3]
    assert {4, 8, 12} <= set(steps), "the ends of epochs, and the last step"
    assert run.attributes["skipped"] == {"byte_budget": 13 - len(steps)}
    assert callback.report.skipped == run.attributes["skipped"]
    assert "to stay within the byte budget" in str(callback.report)


@pytest.mark.parametrize("length", [300, None])
@pytest.mark.parametrize("limit", [2, 3, 10, 60])
def test_a_budget_lasts_to_the_end(limit: int, length: int | None) -> None:
    budget = ByteBudget(limit, length)
    taken = [0]
    for step in range(1, 300):
        if budget.allows(step, len(taken), epoch_end=step % 50 == 0):
            taken.append(step)
    assert len(taken) < limit, "the last step has its place"
    if limit == 60:
        assert taken[:30] == list(range(30))
        assert max(np.diff(taken)) < 60
        assert {50, 100} <= set(taken)


@pytest.mark.parametrize("size", ["2 XB", "-1", True, -5, "1e3"])
def test_sizes_that_are_none(size: Any) -> None:
    with pytest.raises(SpecError, match="byte_budget"):
        parse_bytes(size)

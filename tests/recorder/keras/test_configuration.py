"""Configurations that cannot be had are left out and said, and nothing else is left out."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe, Recorder
from recorder.keras.configuration import configuration, json_safe
from recorder.keras.quiet import quietly
from store import open_run
from store.tools.info import describe, render

INPUTS = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)


def cyclic() -> Any:
    config: dict[str, Any] = {}
    config["itself"] = config
    return config


class BeyondExceptionError(BaseException):
    pass


def fails(error: BaseException) -> Any:
    def ask() -> Any:
        raise error

    return ask


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (fails(AttributeError("no attribute 'factor'")), "AttributeError: no attribute 'factor'"),
        (fails(OSError("could not get source code")), "OSError: could not get source code"),
        (fails(BeyondExceptionError("odd")), "BeyondExceptionError: odd"),
        (fails(RuntimeError("a\n  long " + "tale " * 100)), "RuntimeError: a long tale"),
        (cyclic, "RecursionError"),
        (lambda: {"number": 10**5000}, "ValueError"),
        (lambda: {"table": list(range(10**6))}, "more than 262,144 characters"),
    ],
)
def test_what_cannot_be_had_is_left_out_with_the_reason(ask: Any, reason: str) -> None:
    found = configuration("Twice", ask)
    assert found.value is None
    assert found.left_out is not None
    assert "Twice" in found.left_out
    assert reason in found.left_out
    assert len(found.left_out) < 300


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_process_is_no_fault_of_a_configuration(end: type[BaseException]) -> None:
    with pytest.raises(end):
        configuration("Twice", fails(end()))


def test_what_json_does_not_hold_becomes_a_text_that_is_the_same_in_each_process() -> None:
    class Rule:
        __name__ = 3  # as that of a mock may be

    safe = json_safe({"rule": Rule(), "table": np.zeros((100, 100)), "few": np.arange(3)})
    assert safe["table"] == "ndarray of shape (100, 100)"
    assert safe["few"] == [0, 1, 2]
    assert "0x" not in safe["rule"]
    json.dumps(safe, allow_nan=False)


def test_quietly_keeps_back_warnings_and_logs_of_this_thread_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = [*warnings.filters]
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with quietly():
            warnings.warn("unsafe", stacklevel=1)
            logging.getLogger("absl").warning("unsafe")
            logging.getLogger("trainlapse.recorder").warning("ours")
        warnings.warn("heard", stacklevel=1)
    assert [str(each.message) for each in seen] == ["heard"]
    assert [each.getMessage() for each in caplog.records] == ["ours"]
    assert warnings.filters == before


def test_a_warning_that_was_shown_once_is_not_shown_again_for_our_sake() -> None:
    registry: dict[Any, Any] = {}

    def warn() -> None:
        warnings.warn_explicit("said", UserWarning, "train.py", 1, registry=registry)

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        warn()
        with quietly():
            pass
        warn()
    assert len(seen) == 1


# -- in a training ---------------------------------------------------------------------------


def warmup() -> Any:
    import keras

    class Warmup(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            return 1e-3 * keras.ops.minimum(keras.ops.cast(step, "float32") / 10.0, 1.0)

    return Warmup()


def broken_part(kind: str) -> Any:
    """Make a class of Keras's whose objects fail to tell their configuration."""
    import keras

    class Broken(_base(kind)):  # type: ignore[misc]
        def get_config(self) -> Any:
            raise RuntimeError("told by nobody")

        def call(self, *given: Any) -> Any:
            return given[0] * 1.0 if kind == "layer" else keras.ops.mean((given[0] - given[1]) ** 2)

        def __call__(self, *given: Any, **options: Any) -> Any:
            if kind == "regularizer":
                return 1e-3 * keras.ops.sum(given[0] ** 2)
            if kind == "initializer":
                return keras.ops.ones(given[0])
            return super().__call__(*given, **options)

    return Broken


def _base(kind: str) -> type:
    import keras

    bases: dict[str, type] = {
        "layer": keras.layers.Layer,
        "optimizer": keras.optimizers.SGD,
        "loss": keras.losses.Loss,
        "metric": keras.metrics.MeanSquaredError,
        "regularizer": keras.regularizers.Regularizer,
        "initializer": keras.initializers.Initializer,
    }
    return bases[kind]


def trained(path: Path, model: Any) -> Recorder:
    recorder = Recorder(path, Probe(INPUTS[:4]))
    model.fit(INPUTS, INPUTS[:, :1], batch_size=8, verbose=0, callbacks=[recorder])
    return recorder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("layer", "layers/odd"),
        ("optimizer", "optimizer"),
        ("loss", "loss"),
        ("metric", None),
        ("regularizer", "layers/dense"),
        ("initializer", "layers/dense"),
    ],
)
def test_a_part_without_a_configuration_is_noted_and_all_else_is_recorded(
    tmp_path: Path, kind: str, place: str | None
) -> None:
    import keras

    broken = broken_part(kind)
    odd = [broken(name="odd")] if kind == "layer" else []
    options = {
        "regularizer": lambda: {"kernel_regularizer": broken()},
        "initializer": lambda: {"kernel_initializer": broken()},
    }.get(kind, dict)()
    dense = keras.layers.Dense(1, name="dense", **options)
    model = keras.Sequential([keras.Input((3,)), *odd, dense])
    model.compile(
        broken(0.1) if kind == "optimizer" else "sgd",
        broken() if kind == "loss" else "mse",
        metrics=[broken()] if kind == "metric" else None,
    )
    assert trained(tmp_path / "run.zarr", model).report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [0, 1, 2]
    kernel = run.weights("dense", "kernel").isel(step=-1).values
    np.testing.assert_array_equal(kernel, dense.kernel.numpy())
    if place is None:
        assert run.left_out == {}
        return
    assert "told by nobody" in run.left_out[place]
    assert "told by nobody" in render(describe(run))
    if kind == "optimizer":
        assert run.attributes["optimizer"] == {"class": "Broken"}
    if kind == "loss":
        assert run.attributes["loss"] == "Broken"


@pytest.mark.slow
def test_a_schedule_without_a_configuration_leaves_out_the_optimizers_alone(
    tmp_path: Path,
) -> None:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="dense")])
    model.compile(keras.optimizers.Adam(warmup()), "mse")
    assert trained(tmp_path / "run.zarr", model).report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert set(run.left_out) == {"optimizer"}
    assert run.attributes["optimizer"] == {"class": "Adam"}
    assert run.model_config is not None
    assert run.model_config["config"]["layers"][-1]["config"]["units"] == 1


@pytest.mark.slow
def test_lambdas_without_a_source_give_no_more_warnings_than_the_training_alone(
    tmp_path: Path,
) -> None:
    import keras

    # As typed at a prompt: nobody can find the source of these.
    loss = eval("lambda t, p: keras.losses.mean_squared_error(t, p)", {"keras": keras})  # noqa: S307
    twice = eval("lambda x: x * 2.0")  # noqa: S307

    def build() -> Any:
        dense = keras.layers.Dense(1, activation=twice, name="dense")
        model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2), dense])
        model.compile("sgd", loss)
        return model

    heard = []
    for with_recorder in (False, True):
        model = build()
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            if with_recorder:
                assert trained(tmp_path / "run.zarr", model).report.fault is None
            else:
                model.fit(INPUTS, INPUTS[:, :1], batch_size=8, verbose=0)
        heard.append(sorted(str(each.message) for each in seen))
    assert heard[0] == heard[1]
    run = open_run(tmp_path / "run.zarr")
    assert run.attributes["loss"] in ("<lambda>", {"class_name": "__lambda__"})
    assert sys.executable not in json.dumps(run.attributes)

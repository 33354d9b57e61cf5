"""How far single updates move each variable: against the whole history of a training in NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import LoopRecorder, Probe, adaptive, at_steps, every_epoch, every_n_steps
from recorder.backend import UpdateNorm
from recorder.schedule import Schedule
from store import open_run
from store.errors import ArgumentError
from store.format.names import weight_path
from tests.recorder import numpy_training as training
from tests.recorder.numpy_backend import NumpyBackend, NumpySubject, Perceptron

UPDATES = 40


def trained(net: Perceptron) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Do one update after the other; give its number and its gradients."""
    x, y = training.data()
    for step in range(1, UPDATES + 1):
        before = {name: values.copy() for name, values in net.weights.items()}
        training.update(net.weights, x, y)
        rate = training.RATE / len(x)
        yield step, [(before[name] - net.weights[name]) / rate for name in net.weights]


def recorded(path: Path, schedule: Schedule | None, *, every: int = 1, **options: Any) -> Any:
    """Record a training that tells of every so many updates."""
    net = Perceptron(training.SIZES, training.SEED)
    probe = Probe(training.data()[0][: training.PROBES])
    settings = {"schedule": schedule, "model": net, "backend": NumpyBackend(), **options}
    with LoopRecorder(path, probe, **settings) as recorder:
        for step, gradients in trained(net):
            if step % every == 0:
                recorder.record(step, gradients=gradients)
    assert recorder.report.fault is None
    return open_run(path)


def moments() -> list[dict[str, np.ndarray]]:
    """Give the weights after each update, from step 0 on, in float64."""
    net = Perceptron(training.SIZES, training.SEED)

    def now() -> dict[str, np.ndarray]:
        return {name: values.astype(float) for name, values in net.weights.items()}

    return [now(), *(now() for _ in trained(net))]


def assert_single_updates(run: Any, steps: Sequence[int], *, every: int = 1) -> None:
    """Assert what is known of the updates that led to these steps."""
    history = moments()
    for step in steps:
        found = run.updates.sel(step=step)
        assert int(found["count"]) == every, step
        for name, after in history[step].items():
            mine = found.sel(variable=weight_path(*name.split("/")))
            before = history[step - every][name]
            move = after - before
            assert float(mine["norm"]) == pytest.approx(np.sqrt((move**2).sum()), rel=1e-9)
            assert float(mine["weight"]) == pytest.approx(np.sqrt((before**2).sum()), rel=1e-9)
            if step >= 2 * every:
                last = before - history[step - 2 * every][name]
                cosine = (move * last).sum() / np.sqrt((move**2).sum() * (last**2).sum())
                assert float(mine["cosine"]) == pytest.approx(cosine, rel=1e-6)
            else:
                assert np.isnan(mine["cosine"])


def known(run: Any) -> list[int]:
    """List the steps at which an update was measured."""
    return [int(step) for step in run.steps[np.asarray(run.updates["count"]) > 0]]


@pytest.mark.parametrize("schedule", [None, adaptive("10 kB") | every_epoch()])
def test_steps_that_are_chosen_afterwards_are_measured_all(
    schedule: Schedule | None, tmp_path: Path
) -> None:
    run = recorded(tmp_path / "run.zarr", schedule)
    assert run.steps[-1] == UPDATES
    assert 3 < len(run) < UPDATES
    assert_single_updates(run, run.steps[1:])
    assert known(run) == list(run.steps[1:]), "no update leads to step 0"


def test_the_measure_is_of_one_update_whatever_lies_between_recorded_steps(tmp_path: Path) -> None:
    steps = [1, 2, 3, 10, 11, 35]
    run = recorded(tmp_path / "run.zarr", at_steps(steps))
    assert_single_updates(run, steps)
    assert known(run) == steps, "nothing told beforehand that the training would end at 40"
    last = run.updates.isel(step=-1)
    assert all(np.isnan(last[name]).all() for name in ("norm", "weight", "cosine", "gradient"))


def test_weights_are_held_before_recorded_updates_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[float] = []
    hold = NumpySubject.hold_weights

    def counted(self: Any) -> Any:
        held.append(float(self._model.weights["dense1/kernel"].sum()))
        return hold(self)

    monkeypatch.setattr(NumpySubject, "hold_weights", counted)
    recorded(tmp_path / "run.zarr", at_steps([20]))
    history = moments()
    wanted = [
        float(history[step]["dense1/kernel"].astype(np.float32).sum()) for step in (18, 19, 20)
    ]
    np.testing.assert_allclose(held, wanted, rtol=1e-6)  # twice before, and once after


def test_updates_that_are_told_of_together_are_measured_as_one(tmp_path: Path) -> None:
    run = recorded(tmp_path / "run.zarr", every_n_steps(1), every=5)
    assert list(run.steps) == [0, *range(5, UPDATES + 1, 5)]
    assert_single_updates(run, run.steps[1:], every=5)


def test_gradients_of_a_loop_are_measured(tmp_path: Path) -> None:
    run = recorded(tmp_path / "run.zarr", every_n_steps(4))
    rate = training.RATE / len(training.data()[0])
    found = run.updates.sel(step=run.steps[1:])
    np.testing.assert_allclose(found["gradient"], found["norm"] / rate, rtol=1e-4)


@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 2)])
def test_norms_are_those_of_numpy(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorder.backend.BLOCK_VALUES", 4)  # several parts, the last one smaller
    random = np.random.default_rng(4)
    earlier, before, after, gradient = (random.normal(size=shape) for _ in range(4))
    found = UpdateNorm.between(before, after, earlier=earlier, gradient=gradient)
    move, last = (after - before).ravel(), (before - earlier).ravel()
    assert found.update == pytest.approx(np.linalg.norm(move))
    assert found.weight == pytest.approx(np.linalg.norm(before))
    assert found.gradient == pytest.approx(np.linalg.norm(gradient))
    cosine = move @ last / np.linalg.norm(move) / np.linalg.norm(last)
    assert found.cosine == pytest.approx(cosine)
    still = UpdateNorm.between(before, before, earlier=earlier)
    assert still.update == 0
    assert np.isnan(still.cosine)


def test_broken_weights_have_broken_norms() -> None:
    found = UpdateNorm.between([1.0, 2.0], [np.inf, np.nan], earlier=[np.inf, 1.0])
    assert found.weight == pytest.approx(np.sqrt(5))
    assert np.isnan(found.update)
    assert np.isnan(found.cosine)
    assert np.isnan(UpdateNorm.between([np.inf], [np.inf]).update)


def test_a_run_without_them_has_no_group(tmp_path: Path) -> None:
    for name, options in {"off": {"updates": False}, "no weights": {"weights": False}}.items():
        run = recorded(tmp_path / f"{name}.zarr", None, **options)
        assert run.updates is None
        assert "updates" not in run.nodes


def test_a_recording_that_goes_on_measures_from_its_second_update_on(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    net = Perceptron(training.SIZES, training.SEED)
    probe = Probe(training.data()[0][: training.PROBES])
    options: dict[str, Any] = {"model": net, "backend": NumpyBackend()}
    steps = trained(net)
    for first in (True, False):
        resume = False if first else 10
        with LoopRecorder(path, probe, schedule=every_n_steps(1), resume=resume, **options) as rec:
            for step, _ in steps:
                rec.record(step)
                if step == 10:
                    break
    run = open_run(path)
    assert_single_updates(run, [*range(1, 11), *range(12, UPDATES + 1)])
    assert int(run.updates["count"].sel(step=11)) == 1
    assert np.isnan(run.updates["cosine"].sel(step=11)).all(), "the update before was not seen"


def test_a_run_of_an_older_version_goes_on_without_them(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    recorded(path, every_n_steps(10), updates=False)
    net = Perceptron(training.SIZES, training.SEED)
    probe = Probe(training.data()[0][: training.PROBES])
    with LoopRecorder(
        path, probe, model=net, backend=NumpyBackend(), schedule=every_n_steps(10), resume=UPDATES
    ) as recorder:
        recorder.record(UPDATES + 10)
    assert recorder.report.fault is None
    run = open_run(path)
    assert run.steps[-1] == UPDATES + 10
    assert run.updates is None


NUMBERS = [np.zeros((6, 5)), np.zeros(5), np.zeros((5, 2)), np.zeros(2)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a", "b", "c", "d"], "expects numbers, or None, for each trainable variable, got 'a'"),
        ([*NUMBERS[:3], np.array(["x"])], "expects numbers, or None, for each trainable"),
        ([*NUMBERS[:3], [[1], [2, 3]]], "expects numbers, or None, for each trainable"),
        ([*NUMBERS[:3], object()], "expects numbers, or None, for each trainable"),
        (dict(zip("abcd", NUMBERS, strict=True)), "expects numbers, or None, for each trainable"),
        (5, "expects one gradient, or None, for each trainable variable, got 5"),
        ("text", "expects one gradient, or None, for each trainable"),
        (NUMBERS[:3], "expects one gradient, or None, for each trainable variable"),
    ],
)
def test_what_is_no_gradient_is_said_to_be_none(
    given: Any, said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And not to be a fault of the recorder that should be reported."""
    net = Perceptron(training.SIZES, training.SEED)
    probe = Probe(training.data()[0][: training.PROBES])
    with LoopRecorder(tmp_path / "run.zarr", probe, model=net, backend=NumpyBackend()) as recorder:
        recorder.record(1, gradients=given)
    assert isinstance(recorder.report.fault, ArgumentError)
    (message,) = [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]
    assert f"record(gradients=...) {said}" in message
    assert "report this" not in message


def test_gradients_may_be_lists_of_numbers_and_none(tmp_path: Path) -> None:
    net = Perceptron(training.SIZES, training.SEED)
    probe = Probe(training.data()[0][: training.PROBES])
    with LoopRecorder(tmp_path / "run.zarr", probe, model=net, backend=NumpyBackend()) as recorder:
        recorder.record(1, gradients=iter([[[3.0]], 4, None, NUMBERS[3]]))
    assert recorder.report.fault is None
    found = open_run(tmp_path / "run.zarr").updates["gradient"].sel(step=1)
    np.testing.assert_array_equal(found, [3, 4, np.nan, 0])

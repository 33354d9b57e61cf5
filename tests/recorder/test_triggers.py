"""Schedules that look at the training: by change of the weights, and by events."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import Probe, Recorder, adaptive, at_steps, every_epoch, on_event
from recorder.keras.sampling import sample_of
from recorder.schedule import Observation
from recorder.triggers import LEAST_HISTORY
from recorder.weight_sample import SAMPLED
from store import open_run
from tests.recorder.networks import conv_model, images, renewed

STEP_BYTES = 1000


class Weights:
    """Stands for a network whose one weight moves as it is told, beside a constant of 1."""

    def __init__(self) -> None:
        self.value = 0.0

    def now(self) -> np.ndarray:
        return np.array([1.0, self.value])

    def change_since(self, before: np.ndarray) -> float:
        return float(abs(self.value - before[1]))


def recorded(schedule: Any, moves: Sequence[float]) -> list[int]:
    (watch,) = (trigger.watch(STEP_BYTES) for trigger in schedule.triggers())
    weights, found = Weights(), [0]
    watch.recorded(Observation(0, {}, weights))
    for step, move in enumerate(moves, start=1):
        weights.value += move
        observation = Observation(step, {}, weights)
        if watch.wants(observation):
            watch.recorded(observation)
            found.append(step)
    return found


def test_weights_that_rest_are_not_recorded_again() -> None:
    assert recorded(adaptive(10**6), [0.0] * 50) == [0]


def test_it_is_denser_where_the_weights_move_fast() -> None:
    moves = [0.01] * 100 + [0.0005] * 100 + [0.01] * 100
    steps = np.array(recorded(adaptive(10**7, change=0.005), moves))
    slow = ((steps > 100) & (steps <= 200)).sum()
    fast = (steps <= 100).sum()
    assert fast >= 100
    assert 8 <= slow <= 12


@given(st.integers(2, 60), st.lists(st.floats(0, 10), max_size=300), st.sampled_from([1e-3, 1e-6]))
def test_the_budget_is_never_passed(budget: int, moves: list[float], change: float) -> None:
    found = recorded(adaptive(budget * STEP_BYTES, change=change), moves)
    assert len(found) < budget, "there is no room for the last step"


def test_a_long_training_is_covered_to_its_end() -> None:
    found = recorded(adaptive(40 * STEP_BYTES), [0.01] * 10_000)
    assert 30 <= len(found) < 40
    assert found[-1] > 3_000
    gaps = np.diff(found)
    assert (np.diff(gaps) >= 0).all(), "it only becomes coarser when the weights move evenly"


def events(values: Sequence[float], **options: Any) -> list[int]:
    (trigger,) = on_event(**options).triggers()
    watch = trigger.watch(STEP_BYTES)
    return [
        step
        for step, value in enumerate(values)
        if watch.wants(Observation(step, {"loss": value}, None))
    ]


def test_a_jump_of_the_loss_is_an_event_and_a_few_steps_after_it() -> None:
    values = [1.0] * 20 + [9.0] + [1.0] * 20
    assert events(values, after=2) == [20, 21, 22]
    assert events(values, after=0) == [20]
    assert events(values, factor=10.0) == []


def test_a_loss_that_falls_or_wavers_is_no_event() -> None:
    generator = np.random.default_rng(0)
    falling = np.exp(-np.arange(200) / 50) * generator.uniform(0.7, 1.3, 200)
    assert events(list(falling)) == []


def test_a_loss_that_stays_high_is_one_event() -> None:
    assert events([1.0] * 20 + [9.0] * 100, after=0) == [20]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_an_event_from_the_first_step_on(value: float) -> None:
    assert events([1.0, value, value, 1.0, value], after=0) == [1, 4]


def test_what_is_usual_must_be_known_first() -> None:
    assert events([1.0] * (LEAST_HISTORY - 1) + [99.0]) == []
    assert events([1.0] * LEAST_HISTORY + [99.0], after=0) == [LEAST_HISTORY]


def test_negative_losses_have_jumps_too() -> None:
    assert events([-2.0] * 20 + [-1.0] + [5.0], after=0) == [21]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: adaptive("many"), r"adaptive\(budget=...\) is 'many'"),
        (lambda: adaptive(100, change=0), r"adaptive\(change=...\) expects a number above 0"),
        (lambda: on_event(factor=1), r"on_event\(factor=...\) expects a number above 1, got 1"),
        (lambda: on_event(after=-1), r"on_event\(after=...\) expects a whole number of at least 0"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_triggers_combine_with_other_schedules() -> None:
    schedule = at_steps([3]) | adaptive("1 MB") | every_epoch() | on_event("val_loss")
    assert len(schedule.triggers()) == 2
    assert schedule.due(3, False)
    assert schedule.due(4, True)
    assert not schedule.due(4, False)


def test_the_change_of_a_sample_is_that_of_all_weights() -> None:
    import keras

    generator = np.random.default_rng(0)
    shapes = [(300, 400), (7,), (SAMPLED * 3 - 1,), ()]
    values = [generator.normal(size=shape).astype(np.float32) for shape in shapes]
    variables = [keras.Variable(value) for value in values]
    sample = sample_of(variables)
    before = sample.now()
    assert len(before) < sum(value.size for value in values) / 20
    assert sample.change_since(before) == 0.0
    moved = [value + 0.1 * generator.normal(size=value.shape) for value in values]
    for variable, value in zip(variables, moved, strict=True):
        variable.assign(value)
    pairs = list(zip(moved, values, strict=True))
    exact = math.sqrt(sum(((m - v) ** 2).sum() for m, v in pairs)) / math.sqrt(
        sum((v**2).sum() for v in values)
    )
    assert sample.change_since(before) == pytest.approx(exact, rel=0.1)


def test_a_spike_in_a_real_training_is_recorded(tmp_path: Path) -> None:
    x, y = images(32)
    x[-1] *= 1e4  # a broken example, in the last of 32 batches
    schedule = on_event(after=0, factor=20.0)
    recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]), schedule=schedule)
    model = renewed(conv_model)
    model.fit(x, y, batch_size=1, epochs=2, shuffle=False, verbose=0, callbacks=[recorder])
    # Keras reports the mean over the epoch; the jump is that of the batch alone.
    assert 32 in open_run(tmp_path / "run.zarr").steps
    assert 31 not in open_run(tmp_path / "run.zarr").steps


def test_an_adaptive_training_keeps_within_its_bytes(tmp_path: Path) -> None:
    x, y = images(32)
    recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]), schedule=adaptive("100 kB"))
    model = renewed(conv_model)
    model.fit(x, y, batch_size=1, epochs=2, verbose=0, callbacks=[recorder])
    run = open_run(tmp_path / "run.zarr")
    assert recorder.report.nbytes <= 100_000
    assert 5 < len(run) < 64
    assert (run.steps[0], run.steps[-1]) == (0, 64)
    assert np.diff(run.steps)[0] < np.diff(run.steps)[-2]

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.schedule import (
    at_steps,
    default_schedule,
    due_since,
    every_epoch,
    every_n_steps,
    log_spaced,
)


def steps_of(schedule, last, epoch=10**9):
    return [s for s in range(last + 1) if schedule.due(s, s > 0 and s % epoch == 0)]


@given(st.integers(1, 50), st.integers(0, 10_000))
def test_every_n_steps_is_due_at_multiples(n, step):
    assert every_n_steps(n).due(step, False) == (step % n == 0)


def test_every_epoch_is_due_at_the_end_of_epochs_only():
    assert every_epoch().due(63, True)
    assert not every_epoch().due(63, False)


@given(st.integers(1, 60))
def test_log_spaced_steps_are_the_rounded_powers(per_decade):
    expected = {0} | {round(10 ** (k / per_decade)) for k in range(4 * per_decade + 1)}
    assert steps_of(log_spaced(per_decade), 2000) == sorted(s for s in expected if s <= 2000)


@given(st.integers(1, 60), st.integers(1, 10_000))
def test_log_spaced_gaps_grow_no_faster_than_their_ratio(per_decade, step):
    schedule = log_spaced(per_decade)
    following = next(s for s in range(step + 1, 100 * step + 100) if schedule.due(s, False))
    # The next point is at most a ratio away, and each of both is rounded by at most a half.
    assert following <= math.ceil((step + 1) * 10 ** (1 / per_decade)) + 1


def test_the_default_records_about_fifty_steps_of_lenet():
    recorded = steps_of(default_schedule(), 630, epoch=63)
    assert 45 <= len(recorded) <= 60
    assert set(range(12)) <= set(recorded)
    assert {63 * epoch for epoch in range(11)} <= set(recorded)
    assert len(steps_of(default_schedule(), 10_000)) == pytest.approx(70, abs=3)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 300), st.booleans())
def test_a_combination_is_due_when_a_part_is(n, m, step, epoch_end):
    parts = [every_n_steps(n), log_spaced(m), every_epoch()]
    combined = parts[0] | parts[1] | parts[2]
    assert combined.due(step, epoch_end) == any(part.due(step, epoch_end) for part in parts)


def test_schedules_read_as_they_are_written():
    schedule = log_spaced(per_decade=7) | every_n_steps(5) | every_epoch()
    assert repr(schedule) == "log_spaced(per_decade=7) | every_n_steps(5) | every_epoch()"
    assert schedule == log_spaced(7) | (every_n_steps(5) | every_epoch())


@given(st.integers(1, 20), st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_no_due_step_is_missed_when_steps_are_skipped(n, jumps):
    schedule, step, found = every_n_steps(n), 0, 0
    for jump in jumps:
        previous, step = step, step + jump
        due = due_since(schedule, previous, step, epoch_end=False)
        assert due == (step // n > previous // n)
        found += due
    assert found <= step // n


@pytest.mark.parametrize("wrong", [0, -3, 2.5, True, "7"])
@pytest.mark.parametrize("make", [every_n_steps, log_spaced])
def test_a_wrong_count_is_refused_with_what_was_passed(make, wrong):
    with pytest.raises(ValueError, match=f"at least 1, got {wrong!r}"):
        make(wrong)


def test_only_schedules_combine():
    with pytest.raises(TypeError):
        every_epoch() | 5


@given(st.sets(st.integers(0, 200)))
def test_listed_steps_are_due_and_no_others(steps):
    assert steps_of(at_steps(steps), 200) == sorted(steps)


def test_a_listed_step_between_two_callbacks_is_not_missed():
    assert due_since(at_steps([7]), 4, 8, epoch_end=False)
    assert not due_since(at_steps([7]), 8, 12, epoch_end=False)


@pytest.mark.parametrize("wrong", [-1, 2.0, True, "3"])
def test_a_wrong_step_is_refused(wrong):
    with pytest.raises(ValueError, match=f"a whole number of at least 0, got {wrong!r}"):
        at_steps([1, wrong])

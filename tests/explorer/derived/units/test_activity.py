"""Dead, selective and always on units, and when they turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.units.activity import (
    ALWAYS_ON,
    DEAD,
    SELECTIVE,
    UNKNOWN,
    Activity,
    Event,
    activity_of,
    turning_points,
    unit_states,
    unsaturated,
)

frames = st.integers(1, 3).flatmap(
    lambda units: st.lists(
        hnp.arrays(
            np.float32,
            st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2), st.just(units)),
            elements=st.sampled_from([-1, 0, 0, 0.5, 2, np.nan, np.inf]),
        ),
        min_size=1,
        max_size=4,
    )
)


@given(frames)
def test_states_are_what_a_loop_over_the_values_finds(history):
    found = unit_states(iter(history))
    for step, frame in enumerate(history):
        for unit in range(frame.shape[-1]):
            known = [value for value in frame[..., unit].ravel() if not np.isnan(value)]
            active = [value > 0 for value in known]
            share = np.mean(active) if known else np.nan
            expected = (
                UNKNOWN if not known
                else DEAD if not any(active)
                else ALWAYS_ON if all(active)
                else SELECTIVE
            )  # fmt: skip
            assert found.state[step, unit] == expected
            np.testing.assert_allclose(found.active_share[step, unit], share, rtol=1e-6)
            mean = np.mean(known) if known else np.nan
            np.testing.assert_allclose(found.mean[step, unit], mean, rtol=1e-6)
    assert (found.state.dtype, found.mean.dtype) == (np.uint8, np.float32)


def test_a_dense_layer_has_no_positions():
    found = unit_states([np.array([[0, 1, 3], [0, 0, 5]], np.float32)])
    assert found.state.tolist() == [[DEAD, SELECTIVE, ALWAYS_ON]]
    assert found.active_share.tolist() == [[0, 0.5, 1]]
    assert found.mean.tolist() == [[0, 0.5, 4]]


def test_no_more_than_one_frame_is_asked_for_ahead():
    alive = []

    def one_after_the_other():
        for step in range(3):
            alive.append(step)
            yield np.full((1, 2), step, np.float32)
            alive.remove(step)

    assert unit_states(one_after_the_other()).state.tolist() == [[DEAD] * 2, *[[ALWAYS_ON] * 2] * 2]
    assert alive == []


def test_a_saturated_tanh_is_dead():
    history = [np.array([[1.0, 0.3, -0.999], [-1.0, 0.99, 0.2]])]
    found = unit_states(history, activity=activity_of("tanh"))
    assert found.state.tolist() == [[DEAD, SELECTIVE, SELECTIVE]]
    assert found.active_share.tolist() == [[0, 0.5, 0.5]]


@pytest.mark.parametrize(
    ("activity", "values", "active"),
    [
        (Activity(), [-1, 0, 1e-9, np.inf], [0, 0, 1, 1]),
        (Activity(0.5), [0.5, 0.6], [0, 1]),
        (activity_of("relu6"), [0, 3, 6], [0, 1, 0]),
        (activity_of("linear"), [-1, 0, 1, np.nan, -np.inf], [1, 0, 1, 0, 1]),
        (activity_of(None), [-1, 0], [1, 0]),
        (activity_of("sigmoid"), [0, 0.005, 0.5, 0.995, 1], [0, 0, 1, 0, 0]),
        (activity_of("hard_sigmoid"), [0, 0.005, 1], [0, 1, 0]),
        (activity_of("a function of one's own"), [-1, 1], [0, 1]),
        (unsaturated(-2, 2, margin=0.25), [-1, -0.9, 0.9, 1], [0, 1, 1, 0]),
    ],
)
def test_which_values_are_active(activity, values, active):
    assert activity(np.array(values)).tolist() == [bool(value) for value in active]


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_saturated_means_that_hardly_any_gradient_passes(name):
    """Keras's function, its slope by differences: at most 4 % of the steepest where not active."""
    from scipy.special import expit

    inputs = np.linspace(-12, 12, 100_001)
    values = np.tanh(inputs) if name == "tanh" else expit(inputs)
    slope = np.gradient(values, inputs)
    active = activity_of(name)(values)
    assert slope[~active].max() < 0.04 * slope.max() < slope[active].min() * 1.02


@pytest.mark.parametrize(
    ("activity", "text"),
    [
        (Activity(), "above 0"),
        (activity_of("relu6"), "between 0 and 6"),
        (activity_of("linear"), "below -1e-06 or above 1e-06"),
    ],
)
def test_a_caption_says_what_counts(activity, text):
    assert activity.text == text


# -- turning points ---------------------------------------------------------------------------

states = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 6), st.integers(1, 3)),
    elements=st.sampled_from([DEAD, SELECTIVE, ALWAYS_ON, UNKNOWN]),
)


@given(states)
def test_turning_points_are_what_a_loop_finds(state):
    found = turning_points(state)
    events = []
    for unit, column in enumerate(state.T):
        before = None
        for step, now in enumerate(column):
            if now == UNKNOWN:
                continue
            if before is not None and (now == DEAD) != (before == DEAD):
                events.append((step, unit, "died" if now == DEAD else "woke"))
            before = now
        lasts = [step for step in range(len(column)) if (column[step:] == DEAD).all()]
        assert found.dead_since[unit] == (lasts[0] if lasts else -1)
    assert list(found.events) == [Event(unit, step, kind) for step, unit, kind in sorted(events)]


def test_a_unit_that_dies_wakes_and_dies_for_good():
    state = np.array([[SELECTIVE, DEAD, SELECTIVE, DEAD, DEAD], [DEAD] * 5], np.uint8).T
    found = turning_points(state)
    assert found.events == (Event(0, 1, "died"), Event(0, 2, "woke"), Event(0, 3, "died"))
    assert found.dead_since.tolist() == [3, 0]

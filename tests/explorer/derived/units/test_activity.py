"""Dead, selective and always on units, and when they turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.network.activations import NAMED
from explorer.derived.units.activity import (
    ALWAYS_ON,
    CONSTANT,
    DEAD,
    SATURATED,
    SELECTIVE,
    STAYED,
    UNKNOWN,
    Event,
    Judged,
    turning_points,
    unit_states,
    unseen_share,
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


def judged(values, name="relu"):
    """Values of a function, with its slopes there."""
    function = NAMED[name]
    values = np.asarray(values, np.float32)
    return Judged(values, function.slope_of_value(values) / function.steepest)


def states_of(values, name="relu"):
    return unit_states([judged(values, name)], can_die=NAMED[name].can_die).state[0].tolist()


@given(frames)
def test_states_are_what_a_loop_over_the_values_finds(history):
    found = unit_states(map(judged, history), can_die=True)
    for step, frame in enumerate(history):
        for unit in range(frame.shape[-1]):
            known = [value for value in frame[..., unit].ravel() if not np.isnan(value)]
            active = [value > 0 for value in known]
            share = np.mean(active) if known else np.nan
            is_one = len(known) > 1 and len(set(known)) == 1 and np.isfinite(known[0])
            expected = (
                UNKNOWN if not known
                else DEAD if not any(active)
                else CONSTANT if is_one
                else ALWAYS_ON if all(active)
                else SELECTIVE
            )  # fmt: skip
            assert found.state[step, unit] == expected
            np.testing.assert_allclose(found.active_share[step, unit], share, rtol=1e-6)
            mean = np.mean(known) if known else np.nan
            np.testing.assert_allclose(found.mean[step, unit], mean, rtol=1e-6)
    assert (found.state.dtype, found.mean.dtype) == (np.uint8, np.float32)


def test_a_dense_layer_has_no_positions():
    found = unit_states([judged([[0, 1, 3], [0, 0, 5]])], can_die=True)
    assert found.state.tolist() == [[DEAD, SELECTIVE, ALWAYS_ON]]
    assert found.active_share.tolist() == [[0, 0.5, 1]]
    assert found.mean.tolist() == [[0, 0.5, 4]]


def test_no_more_than_one_frame_is_asked_for_ahead():
    alive = []

    def one_after_the_other():
        for step in range(3):
            alive.append(step)
            yield judged([[step, step], [2 * step, 2 * step]])
            alive.remove(step)

    found = unit_states(one_after_the_other(), can_die=True)
    assert found.state.tolist() == [[DEAD] * 2, *[[ALWAYS_ON] * 2] * 2]
    assert alive == []


SILENT = [-4.0, -3.0, -2.5]


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("relu", DEAD),
        ("relu6", DEAD),
        ("sparse_plus", DEAD),
        ("leaky_relu", ALWAYS_ON),
        ("elu", SELECTIVE),
        ("selu", SELECTIVE),
        ("softplus", SELECTIVE),
        ("sigmoid", ALWAYS_ON),
        ("tanh", SATURATED),
        ("hard_tanh", DEAD),
        ("softsign", SELECTIVE),
    ],
)
def test_what_a_unit_is_whose_sums_are_all_negative(name, state):
    """Of a ReLU it is dead; of the others it learns, though some are hardly moved any more."""
    values = NAMED[name].value(np.array(SILENT)[:, None])
    assert states_of(values, name) == [state]


def test_far_below_zero_an_elu_is_saturated_and_no_more():
    values = NAMED["elu"].value(np.array([[-6.0], [-8.0]]))
    assert states_of(values, "elu") == [SATURATED]


def test_a_slope_that_is_rounded_to_0_is_no_death():
    """Beyond 9 the slope of tanh in float32 is 0; the unit is constant, which is what is seen."""
    assert states_of(np.tanh([[11.0], [12.0]]), "tanh") == [CONSTANT]
    assert states_of([[1.0, 0.3, -0.999], [-1.0, 0.99, 0.2]], "tanh") == [
        SATURATED,
        SELECTIVE,
        SELECTIVE,
    ]


def test_a_unit_that_says_the_same_to_every_probe_is_constant():
    values = [[0.3, 0.3, 0.3], [0.3, 0.3 * (1 + 1e-7), 0.31]]
    assert states_of(values, "tanh") == [CONSTANT, CONSTANT, ALWAYS_ON]
    assert states_of([[0.3]], "tanh") == [ALWAYS_ON]  # one value is no series


def test_the_rule_of_three_counts_whole_probes():
    """Against the exact bound: with it, n in a row without any happen once in 20 times."""
    for count in (20, 50, 300):
        assert (1 - unseen_share(count)) ** count == pytest.approx(0.05, abs=0.012)
    assert unseen_share(50) == 0.06
    assert unseen_share(2) == unseen_share(0) == 1


# -- turning points ---------------------------------------------------------------------------

states = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 9), st.integers(1, 3)),
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
        lasts = lasts if lasts and len(column) - 1 - lasts[0] >= STAYED else []
        assert found.dead_since[unit] == (lasts[0] if lasts else -1)
    assert list(found.events) == [Event(unit, step, kind) for step, unit, kind in sorted(events)]


def test_a_unit_that_dies_wakes_and_dies_for_good():
    dies = [SELECTIVE, DEAD, SELECTIVE, *[DEAD] * (STAYED + 1)]
    found = turning_points(np.array([dies, [DEAD] * len(dies)], np.uint8).T)
    assert found.events == (Event(0, 1, "died"), Event(0, 2, "woke"), Event(0, 3, "died"))
    assert found.dead_since.tolist() == [3, 0]


def test_with_few_later_records_nobody_knows_whether_a_unit_stays_dead():
    found = turning_points(np.array([[SELECTIVE, *[DEAD] * STAYED]], np.uint8).T)
    assert found.events == (Event(0, 1, "died"),)
    assert found.dead_since.tolist() == [-1]

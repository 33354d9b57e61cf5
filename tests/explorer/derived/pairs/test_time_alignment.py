"""One axis for two runs: by their clocks, by anchors, by what they reached."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.pairs.time_alignment import (
    CLOCKS,
    align_by_anchors,
    align_by_clock,
    align_by_metric,
)
from explorer.derived.time.batch_values import batch_values
from explorer.derived.time.timeline import Timeline


def run(*steps, per_epoch=10.0, pace=0.1):
    steps = np.array(steps, np.int64)
    return Timeline(steps, steps / per_epoch, steps * pace)


def falling(updates, *, half=100.0, floor=0.0):
    return 2.3 * 0.5 ** (updates / half) + floor


step_lists = st.lists(st.integers(0, 500), min_size=1, max_size=25, unique=True).map(sorted)
# A clock needs two different times, or a single step.
PACES = st.sampled_from([0.1, 0.25, 3.0])


def check(alignment, first, second):
    """What holds for every alignment."""
    assert (np.diff(alignment.coordinates) > 0).all()
    assert (np.diff(alignment.first) >= 0).all()
    assert (np.diff(alignment.second) >= 0).all()
    assert set(alignment.first) == set(range(len(first.steps)))
    assert set(alignment.second) == set(range(len(second.steps)))
    assert np.isfinite(alignment.first_off).all()
    assert np.isfinite(alignment.second_off).all()


# -- clocks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", CLOCKS)
@given(a=step_lists, b=step_lists, pace=PACES)
def test_the_nearest_is_the_nearest_and_nothing_goes_back(clock, a, b, pace):
    first, second = run(*a), run(*b, per_epoch=7.0, pace=pace)
    found = align_by_clock(first, second, clock)
    check(found, first, second)
    ours, theirs = first.positions(clock), second.positions(clock)
    for k, place in enumerate(found.coordinates):
        for own, shown, off, beyond in (
            (ours, found.first[k], found.first_off[k], found.first_beyond[k]),
            (theirs, found.second[k], found.second_off[k], found.second_beyond[k]),
        ):
            apart = np.abs(own - place)
            assert apart[shown] == pytest.approx(apart.min(), abs=1e-6)
            assert off == pytest.approx(own[shown] - place, abs=1e-6)
            assert beyond == (place > own[-1] + 1e-6 or place < own[0] - 1e-6)
    for position in (*ours, *theirs):
        assert np.abs(found.coordinates - position).min() < 1e-6


def test_where_a_run_has_ended_its_last_step_is_held_and_marked():
    found = align_by_clock(run(0, 10, 20), run(0, 15, 40, 80), "step")
    assert found.coordinates.tolist() == [0, 10, 15, 20, 40, 80]
    assert found.first.tolist() == [0, 1, 1, 2, 2, 2]
    assert found.second.tolist() == [0, 1, 1, 1, 2, 3]
    assert found.first_off.tolist() == [0, 0, -5, 0, -20, -60]
    assert found.second_off.tolist() == [0, 5, 0, -5, 0, 0]
    assert found.first_beyond.tolist() == [False] * 4 + [True] * 2
    assert not found.second_beyond.any()
    assert (found.label, found.unit) == ("step (updates)", "steps")


def test_positions_that_differ_by_rounding_alone_are_one():
    thirds = Timeline(np.arange(4), np.arange(4) * 0.1, np.arange(4) * 1.0)
    same = Timeline(np.arange(4), np.array([0, 0.1, 0.2, 0.3]), np.arange(4) * 1.0)
    assert thirds.epochs[3] != same.epochs[3]
    found = align_by_clock(thirds, same, "epoch")
    assert len(found) == 4
    assert not found.first_off.any()
    assert not found.second_off.any()
    assert not (found.first_beyond | found.second_beyond).any()


def test_exact_is_where_both_recorded():
    found = align_by_clock(run(0, 10, 20), run(0, 15, 20, 30), "step")
    assert found.coordinates[found.exact].tolist() == [0, 20]


def test_a_run_that_began_later_is_marked_before_its_beginning():
    found = align_by_clock(run(0, 50, 100), run(50, 100), "step")
    assert found.second_beyond.tolist() == [True, False, False]
    assert found.second_off.tolist() == [50, 0, 0]


def test_a_long_axis_is_thinned_evenly_and_keeps_its_ends():
    first, second = run(*range(0, 9000, 2)), run(*range(1, 9000, 2))
    found = align_by_clock(first, second, "step", most=100)
    assert len(found) == 100
    assert found.coordinates[[0, -1]].tolist() == [0, 8999]
    assert np.diff(found.coordinates).max() <= 92


def test_the_position_of_a_step_is_where_it_is_shown_most_exactly():
    found = align_by_clock(run(0, 10, 20), run(0, 1, 2, 8, 12, 20), "step")
    for index in range(3):
        position = found.position_of(index, side="first")
        assert (found.first[position], found.first_off[position]) == (index, 0)
    for index in range(6):
        position = found.position_of(index, side="second")
        assert (found.second[position], found.second_off[position]) == (index, 0)
    thin = align_by_clock(run(*range(100)), run(*range(100)), "step", most=3)
    assert thin.first[thin.position_of(40, side="first")] == 50


def test_wall_time_begins_with_the_first_step_however_long_that_took():
    first = Timeline(np.array([0, 9]), np.array([0, 1.0]), np.array([0.02, 4]))
    second = Timeline(np.array([0, 9]), np.array([0, 1.0]), np.array([0.3, 5]))
    found = align_by_clock(first, second, "wall_time")
    assert found.coordinates.tolist() == [0, 4, 5]
    assert not found.second_beyond.any()


def test_gaps_of_a_clock_are_filled_and_what_goes_back_waits():
    broken = Timeline(np.array([0, 10, 20, 30]), np.array([0, np.nan, 2, 1.5]), np.zeros(4))
    found = align_by_clock(broken, run(0, 10, 20), "epoch")
    assert found.coordinates.tolist() == [0, 1, 2]
    assert found.first.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("first", "second", "clock", "message"),
    [
        (run(0, 1), run(), "step", "second run has recorded no step"),
        (run(0, 1, pace=0), run(0, 1), "wall_time", "first run .* by wall_time: it stood still"),
        (run(0, 1), run(0, 1, per_epoch=np.nan), "epoch", "second run .* by epoch: all NaN"),
        (run(0, 1), run(0, 1), "hour", "'step', 'epoch', 'wall_time' was expected"),
    ],
)
def test_a_clock_that_tells_nothing_is_refused(first, second, clock, message):
    with pytest.raises(ValueError, match=message):
        align_by_clock(first, second, clock)


def test_two_runs_of_a_single_step():
    for clock in CLOCKS:
        found = align_by_clock(run(0), run(0), clock)
        assert (len(found), found.first.tolist(), found.second.tolist()) == (1, [0], [0])


# -- anchors ----------------------------------------------------------------------------------


def test_between_and_after_anchors_both_runs_go_evenly():
    first, second = run(*range(0, 401, 10)), run(*range(0, 301, 10))
    found = align_by_anchors(first, second, ((100, 20), (200, 70)))
    check(found, first, second)

    def shown(step):
        return second.steps[found.second[found.position_of(step // 10, side="first")]]

    assert shown(0) == 0
    assert shown(50) == 10
    assert shown(100) == 20
    assert shown(140) == 40
    assert shown(200) == 70
    assert shown(400) == 170  # the pace is kept: half
    late = found.second > 17
    assert late.any()
    assert (found.first_beyond == late).all()
    assert (found.first[late] == 40).all()
    assert not found.second_beyond.any()


def test_a_run_waits_at_an_anchor_at_its_beginning():
    first, second = run(0, 100, 200), run(0, 50, 100, 150, 200)
    found = align_by_anchors(first, second, ((0, 100), (100, 200)))
    check(found, first, second)
    waits = found.second < 2
    assert (found.first[waits] == 0).all()
    assert found.first_beyond[waits].all()
    assert not found.first_beyond[found.position_of(2, side="second")]


@given(
    a=step_lists, b=step_lists,
    points=st.lists(st.integers(0, 600), min_size=4, max_size=4, unique=True),
)  # fmt: skip
def test_any_anchors_give_an_axis_that_passes_through_them(a, b, points):
    first, second = run(*sorted({0, *a})), run(*sorted({0, *b}))
    (a1, a2), (b1, b2) = sorted(points[:2]), sorted(points[2:])
    found = align_by_anchors(first, second, ((a1, b1), (a2, b2)))
    check(found, first, second)
    for k, place in enumerate(found.coordinates):
        # The mean of both wanted steps is the place.
        wanted = [
            run.steps[shown] - off
            for run, shown, off in (
                (first, found.first[k], found.first_off[k]),
                (second, found.second[k], found.second_off[k]),
            )
        ]
        assert np.mean(wanted) == pytest.approx(place, abs=1e-5)
        if wanted[0] >= a1 and wanted[1] >= b1:
            expected = b1 + (wanted[0] - a1) * (b2 - b1) / (a2 - a1)
            assert wanted[1] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "anchors", [((0, 0), (0, 5)), ((5, 5), (9, 1)), ((-1, 0), (5, 5)), ((0, 0), (np.nan, 5))]
)
def test_anchors_that_do_not_grow_are_refused(anchors):
    with pytest.raises(ValueError, match="with a < c"):
        align_by_anchors(run(0, 10), run(0, 10), anchors)


# -- a metric ---------------------------------------------------------------------------------


@pytest.mark.parametrize("growing", [False, True])
@given(stretch=st.sampled_from([0.5, 1, 2, 3.5, 10]))
def test_a_curve_and_its_stretched_copy_find_their_stretch(growing, stretch):
    first, second = run(*range(0, 401, 20)), run(*(np.arange(0, 401, 20) * stretch).astype(int))
    a = np.arange(0, 401)
    b = np.arange(0, int(400 * stretch) + 1)
    sign = -1 if growing else 1
    found = align_by_metric(
        first, second, (a, sign * falling(a)), (b, sign * falling(b / stretch)),
        name="accuracy" if growing else "loss",
    )  # fmt: skip
    check(found, first, second)
    wanted_a = first.steps[found.first] - found.first_off
    wanted_b = second.steps[found.second] - found.second_off
    np.testing.assert_allclose(wanted_b, wanted_a * stretch, atol=max(2, 2 * stretch))
    assert not found.first_beyond[1:-1].any()
    assert not found.second_beyond[1:-1].any()


def test_noise_moves_the_stretch_little():
    noise = np.random.default_rng(0)
    a, b = np.arange(1000), np.arange(3000)
    noisy = [
        (t, falling(t / s, half=300) + noise.normal(0, 0.03, len(t))) for t, s in ((a, 1), (b, 3))
    ]
    first, second = run(*range(0, 1000, 20)), run(*range(0, 3000, 20))
    found = align_by_metric(first, second, *noisy, name="loss")
    wanted_a = first.steps[found.first] - found.first_off
    wanted_b = second.steps[found.second] - found.second_off
    # A noise of 0.03 is what the curve falls by in some 10 steps at first, in 60 at the end.
    assert np.abs(wanted_b / 3 - wanted_a).max() < 60
    assert np.abs(wanted_b / 3 - wanted_a).mean() < 15


def test_the_same_training_is_beside_itself_however_long_its_epochs_are():
    """Logged with epochs of 50 updates and of 1,000, as means over the epoch so far."""
    updates = np.arange(1, 2001)
    values = 2.3 * np.exp(-updates / 300) + 0.2
    values += np.random.default_rng(0).normal(size=2000) * 0.05
    steps = run(*np.unique(np.geomspace(1, 2000, 70).round().astype(int)))
    curves = []
    for length in (50, 1000):
        samples = 64 * ((updates - 1) % length + 1)
        sums = np.concatenate([np.cumsum(part) for part in np.split(64 * values, 2000 // length)])
        curves.append((sums / samples, samples))
    as_logged = align_by_metric(
        steps, steps, *((updates, means) for means, _ in curves), name="loss"
    )
    apart = steps.steps[as_logged.second] / steps.steps[as_logged.first]
    assert apart.max() > 1.5  # what the means would say
    found = align_by_metric(
        steps, steps, *((updates, batch_values(*curve)) for curve in curves), name="loss"
    )
    assert found.first.tolist() == found.second.tolist()
    assert found.best is None
    assert not (found.first_beyond | found.second_beyond).any()


def test_best_values_that_differ_are_told():
    steps, t = run(*range(0, 401, 20)), np.arange(401)
    short = (t[:200], falling(t[:200]))
    found = align_by_metric(steps, steps, (t, falling(t)), short, name="loss")
    assert found.best == pytest.approx((falling(390), falling(195)), rel=0.02)
    back = align_by_metric(steps, steps, short, (t, falling(t)), name="loss")
    assert back.best == found.best[::-1]
    growing = [(at, -values) for at, values in ((t, falling(t)), short)]
    found = align_by_metric(steps, steps, *growing, name="accuracy")
    assert found.best == pytest.approx((-falling(390), -falling(195)), rel=0.02)
    assert align_by_clock(steps, steps, "step").best is None


def test_values_that_one_run_never_reaches_are_marked():
    first, second = run(*range(0, 401, 20)), run(*range(0, 401, 20))
    t = np.arange(401)
    found = align_by_metric(first, second, (t, falling(t)), (t, falling(t) + 0.5), name="loss")
    check(found, first, second)
    lowest = falling(400) + 0.5
    reached = 100 * np.log2(2.3 / lowest)
    wanted = first.steps[found.first] - found.first_off
    late = wanted > reached + 1
    assert late.any()
    assert found.second_beyond[late].all()
    # Where the second run starts, with a worse value, it has what the first never had.
    assert found.first_beyond[0]
    assert not found.second_beyond[0]
    middle = (wanted > 1) & (wanted < reached - 1)
    assert not found.second_beyond[middle].any()
    np.testing.assert_allclose(
        falling(wanted[middle]),
        falling(second.steps[found.second[middle]] - found.second_off[middle]) + 0.5,
        atol=0.02,
    )


def test_before_the_first_value_of_a_metric_both_runs_go_evenly():
    """One run is evaluated from step 100 on: what the other had before, it never had."""
    t = np.arange(401)
    steps = run(*range(0, 401, 10))
    found = align_by_metric(steps, steps, (t[100:], falling(t[100:])), (t, falling(t)), name="loss")
    check(found, steps, steps)
    assert found.first.tolist() == found.second.tolist()
    assert found.first_beyond.tolist() == (found.coordinates < 99.9).tolist()
    assert not found.second_beyond.any()


def test_a_cropped_run_is_marked_outside_of_its_steps():
    t = np.arange(0, 401, 100)
    whole, cropped = run(*range(0, 401, 10)), run(*range(205, 401, 10))
    found = align_by_metric(whole, cropped, (t, falling(t)), (t, falling(t)), name="loss")
    check(found, whole, cropped)
    outside = (found.coordinates < 204.9) | (found.coordinates > 395.1)  # it ends at 395
    assert found.second_beyond.tolist() == outside.tolist()
    assert not found.first_beyond.any()


def test_a_run_that_diverged_is_aligned_as_far_as_it_got():
    t = np.arange(401)
    broken = falling(t)
    broken[150:] = np.nan
    steps = run(*range(0, 401, 10))
    found = align_by_metric(steps, steps, (t, falling(t)), (t, broken), name="loss")
    check(found, steps, steps)
    wanted = steps.steps[found.first] - found.first_off
    early = wanted < 145
    np.testing.assert_allclose(
        wanted[early], (steps.steps[found.second] - found.second_off)[early], atol=8
    )
    assert found.second_beyond[wanted > 155].all()


def test_a_constant_curve_meets_the_other_at_its_value():
    t = np.arange(101)
    steps = run(*range(0, 101, 10))
    found = align_by_metric(
        steps, steps, (t, falling(t, half=20)), (t, np.full(101, 0.575)), name="loss"
    )
    check(found, steps, steps)
    # 0.575 is a quarter of 2.3: two halvings.
    meets = np.abs(found.coordinates - 20).argmin()
    assert steps.steps[found.first[meets]] == 40
    assert found.second_beyond[found.coordinates > 21].all()


def test_curves_of_one_value():
    found = align_by_metric(
        run(0), run(0, 5), (np.array([1]), np.array([0.5])),
        (np.array([1, 5]), np.array([0.5, 0.4])), name="loss",
    )  # fmt: skip
    check(found, run(0), run(0, 5))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full(3, np.nan), "second run has no finite value of 'loss'"),
        (np.array([9.0, 8, 7]), "first goes through 1 to 3, the second through 7 to 9"),
    ],
)
def test_runs_that_share_no_value_are_refused(values, message):
    t = np.arange(3)
    with pytest.raises(ValueError, match=message):
        align_by_metric(
            run(0, 1, 2), run(0, 1, 2), (t, np.array([3.0, 2, 1])), (t, values), name="loss"
        )


curves = st.lists(
    st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, 1e300, np.nan, np.inf, -np.inf]),
    min_size=1, max_size=12,
)  # fmt: skip


@given(a=curves, b=curves, recorded=step_lists)
def test_whatever_the_metrics_are_the_axis_is_whole_or_refused(a, b, recorded):
    first, second = run(0, 3, 7), run(*recorded)
    curves = [(np.arange(1, len(c) + 1), np.array([2.0, *c[1:]])) for c in (a, b)]
    check(align_by_metric(first, second, *curves, name="loss"), first, second)

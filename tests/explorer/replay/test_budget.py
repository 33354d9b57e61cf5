"""What is left out first when a file may not grow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.replay.budget import FEWEST_STEPS, DoesNotFitError, fitted
from explorer.replay.contents import Contents

STEPS = 60
UPDATES = [step * step for step in range(STEPS)]
COST = {"a": 5, "b": 3, "c": 1}
ALL = Contents(("a", "b", "c"), tuple(range(4)), tuple(range(STEPS)))
SHELL = 100


def size(part: Contents) -> int:
    frames = sum(COST[layer] for layer in part.layers) * len(part.probes)
    return SHELL + frames * len(part.steps)


LEAST = size(Contents(("c",), (0,), (0, 1)))


def fit(most: int) -> Contents:
    return fitted(ALL, UPDATES, size, most)


def test_what_fits_stays_whole():
    assert fit(size(ALL)) == ALL


def test_steps_go_first_evenly_in_their_logarithm():
    part = fit(size(ALL) * 3 // 4)
    assert replace(part, steps=ALL.steps) == ALL
    assert FEWEST_STEPS <= len(part.steps) < STEPS
    assert part.steps[0] == 0
    assert part.steps[-1] == STEPS - 1
    early = sum(step < STEPS // 2 for step in part.steps)
    assert early > len(part.steps) / 2 - 1  # the later half is where steps are dense


def test_probes_go_next_the_last_ones_first():
    part = fit(size(replace(ALL, steps=ALL.steps[:FEWEST_STEPS])) - 1)
    assert part.layers == ALL.layers
    assert part.probes == (0, 1, 2)
    assert len(part.steps) == FEWEST_STEPS


def test_layers_go_next_the_largest_first():
    part = fit(size(Contents(("b", "c"), (0,), ALL.steps[:FEWEST_STEPS])))
    assert part.layers == ("b", "c")
    assert part.probes == (0,)


def test_before_and_after_are_the_last_to_stay():
    assert fit(LEAST) == Contents(("c",), (0,), (0, STEPS - 1))


def test_what_is_too_small_for_anything_says_the_least():
    with pytest.raises(DoesNotFitError, match=rf"c for probe 0 at 2 steps, takes about {LEAST} b"):
        fit(LEAST - 1)


def test_a_lone_step_and_a_run_without_activations_are_the_least_themselves():
    one = Contents(("c",), (0,), (0,))
    with pytest.raises(DoesNotFitError, match="at 1 step,"):
        fitted(one, UPDATES, size, 1)
    with pytest.raises(DoesNotFitError, match="the least possible, probe 0 at 2 steps"):
        fitted(Contents((), (), ALL.steps), UPDATES, size, 1)


@given(st.integers(LEAST, size(ALL)), st.integers(LEAST, size(ALL)))
def test_it_fits_it_is_the_same_again_and_more_room_never_holds_a_coarser_part(one, other):
    less, more = sorted((one, other))
    assert size(fit(less)) <= less
    assert fit(less) == fit(less)
    assert len(fit(less).layers) <= len(fit(more).layers)
    if len(fit(less).layers) == len(fit(more).layers):
        assert len(fit(less).probes) <= len(fit(more).probes)


@given(
    st.sets(st.integers(0, STEPS - 1), max_size=STEPS),
    st.integers(LEAST, size(ALL)),
    st.integers(1, STEPS),
)
def test_preferred_steps_go_after_all_others(preferred, most, count):
    wanted = replace(ALL, steps=ALL.steps[:count])
    part = fitted(wanted, UPDATES, size, most, preferred)
    assert size(part) <= most
    ends = {wanted.steps[0], wanted.steps[-1]}
    gone = (preferred & set(wanted.steps)) - set(part.steps) - ends
    others = set(part.steps) - preferred - ends
    assert not (gone and others)
    plain = fitted(wanted, UPDATES, size, most)
    assert (part.layers, part.probes, len(part.steps)) == (
        plain.layers,
        plain.probes,
        len(plain.steps),
    )

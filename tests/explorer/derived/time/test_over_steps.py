"""Rows a step, and since when a condition holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.time.over_steps import NEVER, by_step, carry_forward, first, first_stable

conditions = hnp.arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 4)))


@given(conditions)
def test_first_and_first_stable_are_what_a_loop_finds(condition):
    for unit, column in enumerate(condition.T):
        holds = [step for step, value in enumerate(column) if value]
        lasts = [step for step in range(len(column)) if column[step:].all()]
        assert first(condition)[unit] == (holds[0] if holds else NEVER)
        assert first_stable(condition)[unit] == (lasts[0] if lasts else NEVER)


def test_without_steps_nothing_ever_happened():
    none = np.zeros((0, 3), bool)
    assert first(none).tolist() == first_stable(none).tolist() == [NEVER] * 3


@given(conditions, st.data())
def test_the_last_known_value_is_carried_forward(known, data):
    values = data.draw(hnp.arrays(np.int8, known.shape))
    found = carry_forward(values, known)
    for step, unit in np.ndindex(*known.shape):
        before = [past for past in range(step + 1) if known[past, unit]]
        assert found[step, unit] == values[before[-1] if before else 0, unit]


def test_no_frame_is_refused():
    assert by_step([np.array([1, 2])]).tolist() == [[1, 2]]
    with pytest.raises(ValueError, match="No frames were passed"):
        by_step(iter(()))

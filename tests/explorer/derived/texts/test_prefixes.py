"""All beginnings of a text, and what they change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.texts.prefixes import changes, decided_at, padding_side, prefixes
from explorer.derived.time.over_steps import NEVER


def test_beginnings_are_padded_as_the_text_is() -> None:
    assert prefixes(np.array([5, 6, 7, 0])).tolist() == [[5, 0, 0, 0], [5, 6, 0, 0], [5, 6, 7, 0]]
    before = prefixes(np.array([0, 0, 6, 7]), "before")
    assert before.tolist() == [[0, 0, 0, 6], [0, 0, 6, 7]]
    assert prefixes(np.zeros(3, int)).shape == (0, 3)


@given(
    st.lists(st.integers(1, 9), max_size=6), st.integers(0, 3), st.sampled_from(["before", "after"])
)
def test_the_last_beginning_is_the_text(text, padding, side):
    row = [*[0] * padding, *text] if side == "before" else [*text, *[0] * padding]
    found = prefixes(np.array(row, np.int32), side)
    assert found.dtype == np.int32
    assert len(found) == len(text)
    for length, prefix in enumerate(found.tolist(), start=1):
        words = prefix[-length:] if side == "before" else prefix[:length]
        assert words == text[:length]
        assert sum(prefix) == sum(words)
    if text:
        assert found[-1].tolist() == row


def test_the_side_of_the_padding() -> None:
    assert padding_side(np.array([[1, 2, 0], [1, 0, 0], [0, 0, 0]])) == "after"
    assert padding_side(np.array([[1, 2, 3], [0, 0, 1], [0, 0, 0]])) == "before"
    assert padding_side(np.array([[1, 2, 3]])) == "after"
    assert padding_side(np.array([[9, 9, 3]]), padding=9) == "before"


def test_changes_add_up_to_the_last_probability() -> None:
    probabilities = np.array([[[0.5, 0.5], [0.2, 0.8], [0.6, 0.4]]])
    found = changes(probabilities)
    assert np.isnan(found[0, 0]).all()
    np.testing.assert_allclose(found[0, 1:], [[-0.3, 0.3], [0.4, -0.4]])
    empty = np.array([[0.9, 0.1]])
    whole = changes(probabilities, empty)
    np.testing.assert_allclose(empty + whole.sum(axis=1), probabilities[:, -1])


@pytest.mark.parametrize(
    ("second", "token"),
    [([0.1, 0.2, 0.3], 0), ([0.1, 0.9, 0.2], 2), ([0.9, 0.2, 0.8], 2), ([0.1, 0.9, 0.9], 1)],
)
def test_the_token_that_decides(second: list[float], token: int) -> None:
    probabilities = np.stack([1 - np.array(second), second], axis=-1)
    assert decided_at(probabilities) == token
    assert decided_at(np.stack([probabilities, probabilities[:, ::-1]])).tolist() == [token] * 2


def test_undecided() -> None:
    probabilities = np.array([[0.2, 0.8], [np.nan, np.nan], [0.1, 0.9], [0.2, 0.8]])
    assert decided_at(probabilities) == 2
    assert decided_at(probabilities[:2]) == NEVER
    assert decided_at(np.zeros((5, 0, 2))).tolist() == [NEVER] * 5

"""Units that are on within a span: scipy's rank test, and texts made for it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from explorer.derived.recurrent.spans import (
    Match,
    onset,
    similar_spans,
    thresholds_for,
    unit_scores,
)
from explorer.derived.time.over_steps import NEVER

TOKENS, UNITS = 12, 5


def random_states() -> np.ndarray:
    states = np.random.default_rng(0).normal(size=(TOKENS, UNITS)).round(1)
    states[:, 0] = 0  # dead
    states[:, 1] = np.arange(TOKENS) >= 4
    states[8:, 1] = 0
    return states


def test_scores_are_the_rank_statistic() -> None:
    states = random_states()
    scores = unit_scores(states, (4, 8))
    inside = (np.arange(TOKENS) >= 4) & (np.arange(TOKENS) < 8)
    ranked = mannwhitneyu(states[inside], states[~inside]).statistic / (4 * 8)
    np.testing.assert_allclose(scores, ranked)
    assert scores[:2].tolist() == [0.5, 1]
    np.testing.assert_allclose(unit_scores(-states, (4, 8)), 1 - scores)
    np.testing.assert_allclose(
        unit_scores(np.stack([states, -states]), (4, 8)), [scores, 1 - scores]
    )


def test_only_tokens_that_count_are_compared() -> None:
    states = random_states()
    read = np.arange(TOKENS) < 7
    np.testing.assert_allclose(
        unit_scores(states, (4, 8), read=read), unit_scores(states[:7], (4, 7))
    )
    near = unit_scores(states, (4, 8), around=2)
    np.testing.assert_allclose(near, unit_scores(states[2:10], (2, 6)))
    assert np.isnan(unit_scores(states, (0, TOKENS))).all()
    assert np.isnan(unit_scores(states, (8, 10), read=read)).all()
    states[0, 3] = np.nan
    assert np.isnan(unit_scores(states, (4, 8))).tolist() == [False, False, False, True, False]


def test_thresholds_lie_between() -> None:
    states = np.array([[0.0, 5, 1], [2, -5, np.nan], [4, -5, 1], [0, 6, 1], [0, 5, 1]])
    np.testing.assert_allclose(thresholds_for(states, (1, 3)), [1.5, 0, np.nan])
    assert np.isnan(thresholds_for(states, (0, 5))).all()


def test_the_same_pattern_is_found_elsewhere() -> None:
    on = np.zeros((3, 8, 2))
    on[0, 2:5] = 1  # the span that is looked for
    on[1, 0:3] = 1
    on[1, 3, 0] = 1  # one unit stays on
    on[1, 6:8] = 1
    on[2, 1:5, 1] = 1  # one unit alone
    found = similar_spans(on, 0.5, length=3)
    assert found == [Match(0, 2, 5, 1.0), Match(1, 6, 8, 1.0), Match(1, 0, 3, 0.5)]
    half = similar_spans(on, np.array([0.5, 0.5]), length=4, share=0.5)
    assert [(match.probe, match.start, match.end) for match in half] == [
        (0, 2, 5),
        (1, 6, 8),
        (1, 0, 4),
        (2, 1, 5),
    ]
    read = np.ones((3, 8), bool)
    read[1, 2:] = False
    assert similar_spans(on, 0.5, length=3, read=read)[1] == Match(1, 0, 2, 1.0)
    assert similar_spans(on, 0.5, length=3, most=1) == found[:1]
    assert similar_spans(on, np.nan, length=3) == []
    assert similar_spans(on[:, :, :0], 0.5, length=3) == []


def test_units_in_the_order_of_their_onset() -> None:
    states = np.array([[0.0, 0, 0.9], [0.2, 0, 0], [0.8, 0, np.nan]])
    assert onset(states, 0.5).tolist() == [2, NEVER, 0]
    assert onset(states, np.array([0.1, 0.0, 1.0])).tolist() == [1, NEVER, NEVER]


@pytest.mark.parametrize("span", [(3, 3), (-1, 2), (2, TOKENS + 1)])
def test_spans_that_are_none(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"A span from token {span[0]} to {span[1]} was passed"):
        unit_scores(random_states(), span)

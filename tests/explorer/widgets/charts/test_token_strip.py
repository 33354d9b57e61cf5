"""The token strip: what it takes, and the arithmetic of its script."""

from __future__ import annotations

import json

import numpy as np
import pytest

from explorer.derived.time.frames import Limits, quantize
from explorer.plots.style import SEQUENTIAL, palette_bytes
from explorer.widgets.charts.token_strip import TokenStrip
from tests.explorer.node import evaluated, js

RNG = np.random.default_rng(0)


def called(expression):
    return evaluated("widgets/charts/token_strip.js", expression)


# -- what it takes ----------------------------------------------------------------------------


def test_arrays_are_cast_to_what_the_browser_draws():
    strip = TokenStrip(
        tokens=["a", "b"],
        values=np.zeros((3, 1, 2)),
        palette=palette_bytes(SEQUENTIAL),
        padding=[True, False],
    )
    assert (strip.values.dtype, strip.padding.dtype) == (np.float32, np.uint8)
    assert (strip.low, strip.high, strip.span) == (None, None, [])
    assert TokenStrip().values is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"values": np.zeros((3, 4))}, "values: expected numbers of shape (step, row, token), got"),
        ({"values": np.zeros((3, 2, 5))}, "values: expected 4 tokens in the last dimension, got 5"),
        ({"rows": ["a"]}, "rows: expected 2, one for each of the 2 rows, got 1."),
        ({"palette": np.zeros(256)}, "palette: expected numbers of shape (768,), got shape (256,)"),
        ({"padding": [1, 0]}, "padding: expected 4, one for each of the 4 tokens, got 2."),
        ({"low": 1.0, "high": 1.0}, "low and high: expected low < high, got 1.0 and 1.0."),
        ({"span": [1]}, "span: expected [start, stop] within the 4 tokens, got [1]."),
        ({"span": [2, 2]}, "span: expected [start, stop]"),
        ({"span": [2, 5]}, "span: expected [start, stop]"),
        ({"span": [-1, 2]}, "span: expected [start, stop]"),
        ({"span": [0.5, 2]}, "span: expected [start, stop]"),
    ],
    ids=lambda value: str(next(iter(value.items()))[0]) if isinstance(value, dict) else "",
)
def test_parameters_are_held_to_each_other(parameters, message):
    base = {"tokens": list("abcd"), "values": np.zeros((3, 2, 4))}
    with pytest.raises(ValueError) as error:
        TokenStrip(**{**base, **parameters})
    assert message in str(error.value)


def test_another_text_changes_everything_that_depends_on_it():
    strip = TokenStrip(tokens=list("abc"), values=np.zeros((1, 1, 3)), span=[1, 3])
    strip.param.update(tokens=["x"], values=np.zeros((1, 2, 1)), rows=["i", "f"], span=[0, 1])
    with pytest.raises(ValueError, match="values: expected 2 tokens"):
        strip.tokens = ["x", "y"]


# -- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("padding", "stretches"),
    [
        ("[1, 1, 0, 0]", [(0, 2, True), (2, 4, False)]),
        ("[0, 1, 0, 1]", [(0, 1, False), (1, 2, True), (2, 3, False), (3, 4, True)]),
        ("[1, 1, 1, 1]", [(0, 4, True)]),
        ("null", [(0, 4, False)]),
    ],
)
def test_padding_and_words_are_told_apart(padding, stretches):
    found = called(f"stretchesOf(4, {padding})")
    assert [(part["start"], part["stop"], part["padded"]) for part in found] == stretches
    assert called(f"stretchesOf(0, {padding})") == []


@pytest.mark.parametrize(
    ("start", "move", "end"), [(-1, 1, 2), (2, 1, 3), (3, 1, 7), (7, 1, 7), (7, -1, 3), (2, -1, 2)]
)
def test_an_arrow_key_leads_past_folded_tokens(start, move, end):
    assert called(f"neighbour([2, 3, 7], {start}, {move})") == end


# -- colours ----------------------------------------------------------------------------------


def test_codes_of_colours_are_those_of_the_frames():
    values = np.array([*RNG.normal(size=100), -9, 9, 0, np.nan, np.inf, -np.inf])
    for low, high in [(-1.0, 1.0), (0.0, 0.3)]:
        found = called(f"{js(values)}.map((value) => codeOf(value, {low}, {high}))")
        expected = quantize(values, Limits(low, high, signed=low < 0)).astype(int)
        assert np.abs(np.array(found) - expected).max() <= 1  # of equal distance, either is nearest
        assert (np.array(found) == expected).mean() > 0.95
        assert found[-3:] == [0, 255, 1]


@pytest.mark.parametrize(
    ("values", "signed", "ends"),
    [
        ([1, 3, np.nan, np.inf], False, [1, 3]),
        ([-1, 3], True, [-3, 3]),
        ([-5, 3], True, [-5, 5]),
        ([-5, -3], True, [-5, 5]),
        ([2, 2], False, [2, 3]),
        ([0, 0], True, [-1, 1]),
        ([np.nan], False, [0, 1]),
        ([], True, [-1, 1]),
    ],
    ids=str,
)
def test_limits_of_colours_span_the_values_and_of_signed_ones_both_sides(values, signed, ends):
    found = called(f"endsOf({js(values)}, 0, {len(values)}, {json.dumps(signed)})")
    assert found == ends

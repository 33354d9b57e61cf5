"""Step lines: what they take, and the arithmetic of their script."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.plots.style import LINES
from explorer.widgets.charts.step_lines import StepLines
from tests.explorer.node import evaluated, js

RNG = np.random.default_rng(0)


def called(expression):
    return evaluated("widgets/charts/step_lines.js", expression)


# -- what they take ---------------------------------------------------------------------------


def test_arrays_are_cast_to_what_the_browser_draws():
    lines = StepLines(x=range(4), y=np.zeros((3, 2, 4)))
    assert (lines.x.dtype, lines.y.dtype) == (np.float64, np.float32)
    assert lines.colours == list(LINES)
    assert StepLines(y=np.full((1, 1, 1), np.nan)).x is None
    assert StepLines().y is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"y": np.zeros((2, 5))}, "y: expected numbers of shape (step, series, position), got"),
        ({"x": np.zeros((5, 1))}, "x: expected numbers of shape (position,), got shape (5, 1)."),
        ({"x": range(4)}, "x: expected 5, one for each of the 5 positions of y, got 4."),
        ({"x": [0, 1, 2, 4, 3]}, "x: expected finite values that rise"),
        ({"x": [0, 1, 2, 3, np.nan]}, "x: expected finite values that rise"),
        ({"names": ["a"]}, "names: expected 2, one for each of the 2 series, got 1."),
        ({"x_labels": list("abcd")}, "x_labels: expected 5, one for each of the 5 positions"),
        ({"ids": [1, 2]}, "ids: expected 5, one for each of the 5 positions, got 2."),
        (
            {"ids": [1, 2, 3, 4, 5], "picks": "series"},
            "ids: expected 2, one for each of the 2 series, got 5.",
        ),
        ({"colours": []}, "colours: expected at least one, got none."),
        ({"y_limits": [1]}, "y_limits: expected 2, one for each of the ends of the axis, got 1."),
        ({"y_limits": [1, 1]}, "y_limits: expected low < high"),
        ({"kind": "dots"}, "kind"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_parameters_are_held_to_each_other(parameters, message):
    with pytest.raises(ValueError) as error:
        StepLines(**{"y": np.zeros((3, 2, 5)), **parameters})
    assert message in str(error.value)


def test_what_depends_on_each_other_changes_together():
    lines = StepLines(x=range(4), y=np.zeros((3, 2, 4)), names=["a", "b"])
    lines.param.update(x=range(7), y=np.zeros((3, 1, 7)), names=["a"])
    with pytest.raises(ValueError, match="x: expected 2"):
        lines.y = np.zeros((3, 1, 2))


# -- axes -------------------------------------------------------------------------------------


def test_ends_span_the_finite_values_of_a_stretch_with_room_around():
    values = RNG.normal(size=40)
    values[[3, 30]] = [np.nan, np.inf]
    known = values[10:30]
    low, high = known.min(), known.max()
    room = 0.05 * (high - low)
    found = called(f"endsOf({js(values)}, 10, 30)")
    np.testing.assert_allclose(found, [low - room, high + room])


@pytest.mark.parametrize(
    ("values", "rules", "ends"),
    [
        ([2, 4], "{zero: true}", [0, 4.2]),
        ([-4, -2], "{zero: true}", [-4.2, 0]),
        ([-4, 4], "{zero: true}", [-4.4, 4.4]),
        ([0, 0], "{zero: true}", [0, 1]),
        ([], "{zero: true}", [0, 1]),
        ([np.nan], "{}", [0, 1]),
        ([3], "{}", [2.7, 3.3]),
        ([1, 100, 0, -5], "{log: true}", [10**-0.1, 10**2.1]),
        ([1, 100, 0, -5], "{log: true, zero: true}", [10**-0.1, 10**2.1]),
        ([0, -1], "{log: true}", [0.1, 1]),
    ],
    ids=str,
)
def test_bars_stand_on_zero_and_a_logarithm_needs_what_is_above(values, rules, ends):
    found = called(f"endsOf({js(values)}, 0, {len(values)}, {rules})")
    np.testing.assert_allclose(found, ends)


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (1, 1000, ["1", "10", "100", "1000"]),
        (0.5, 30, ["0.5", "1", "2", "5", "10", "20"]),
        (3, 4, []),
        (1e-9, 1e-5, ["1e-9", "1e-8", "1e-7", "1e-6", "1e-5"]),
        (1e-20, 1e20, ["1e-20", "1e-11", "0.01", "1e7", "1e16"]),
    ],
)
def test_logarithmic_ticks_are_powers_of_ten(low, high, texts):
    ticks = called(f"logTicks({low}, {high}, 5)")
    assert [tick["text"] for tick in ticks] == texts
    assert [tick["value"] for tick in ticks] == [float(text) for text in texts]


# -- places -----------------------------------------------------------------------------------


def test_a_place_reaches_half_way_to_its_neighbours():
    xs = np.sort(RNG.normal(size=9))
    edges = np.array(called(f"edgesOf({js(xs)})"))
    np.testing.assert_allclose(edges[1:-1], (xs[1:] + xs[:-1]) / 2)
    np.testing.assert_allclose(edges[[0, -1]] + edges[[1, -2]], 2 * xs[[0, -1]])
    assert called("edgesOf([3])") == [2.5, 3.5]

"""Pictures of units' states, of norms and of all layers: what they would draw."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pytest

from explorer.derived.units.activity import ALWAYS_ON, DEAD, SELECTIVE, UNKNOWN
from explorer.plots.layers import (
    LEAST_HEIGHT,
    MOST_HEIGHT,
    layer_heatmap,
    layers_height,
    shortened,
)
from explorer.plots.norms import MOST_TICKS, RULE_OF_THUMB, log_places, ratio_curve, size_curves
from explorer.plots.style import CURSOR_NAME
from explorer.plots.unit_states import ALWAYS_ON_COLOUR, DEAD_COLOUR, state_heatmap

PLACES = np.arange(4.0)
EDGES = np.arange(5) - 0.5


def figure_of(element):
    return hv.render(element, backend="bokeh")


def image_values(element):
    """Values of an image, (step, row), one column in the middle of each step."""
    picture = np.flipud(element.dimension_values(2, flat=False))
    columns = (np.arange(4) + 0.5) / 4 * picture.shape[1]
    return np.flipud(picture)[:, columns.astype(int)].T


# -- states of units ----------------------------------------------------------------------------


def test_dead_and_always_active_units_lie_beyond_the_colours_of_shares():
    share = np.array([[0, 0.25, 1, np.nan]] * 4, np.float32)
    state = np.array([[DEAD, SELECTIVE, ALWAYS_ON, UNKNOWN]] * 4, np.uint8)
    picture = state_heatmap(share, state, x_edges=EDGES, x_label="step", positions=PLACES)
    np.testing.assert_array_equal(image_values(picture)[0], [-1, 0.25, 2, np.nan])
    mapper = figure_of(picture).renderers[0].glyph.color_mapper
    assert (mapper.low, mapper.high) == (0, 1)
    assert (mapper.low_color, mapper.high_color) == (DEAD_COLOUR, ALWAYS_ON_COLOUR)


def test_a_share_that_is_nearly_none_is_not_drawn_as_dead():
    share = np.full((4, 1), 1e-9, np.float32)
    state = np.full((4, 1), SELECTIVE, np.uint8)
    picture = state_heatmap(share, state, x_edges=EDGES, x_label="step", positions=PLACES)
    assert image_values(picture).min() >= 0


# -- norms --------------------------------------------------------------------------------------


def test_the_ratio_has_a_logarithmic_axis_with_the_rule_of_thumb_and_a_cursor():
    ratio = np.array([np.nan, 1e-2, 0, 1e-4])
    figure = figure_of(ratio_curve(PLACES, ratio, index=2, x_label="step"))
    assert type(figure.y_scale).__name__ == "LogScale"
    (line,) = figure.select({"name": "rule-of-thumb"})
    assert (line.location, line.dimension) == (RULE_OF_THUMB, "width")
    (cursor,) = figure.select({"name": CURSOR_NAME})
    assert cursor.location == 2
    assert figure.y_range.start < 1e-4 < 1e-2 < figure.y_range.end
    drawn = figure.renderers[0].data_source.data["y"]
    np.testing.assert_array_equal(np.isnan(drawn), [True, False, True, False])


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [[np.nan] * 4, [0.0] * 4, [np.inf] * 4], ids=["nan", "0", "inf"])
def test_a_ratio_without_a_place_on_the_axis_still_shows_the_rule(ratio):
    figure = figure_of(ratio_curve(PLACES, np.array(ratio), x_label="step"))
    assert figure.y_range.start < RULE_OF_THUMB < figure.y_range.end


def test_norms_leave_the_title_of_the_axis_to_the_picture_below():
    figure = figure_of(size_curves(PLACES, PLACES, PLACES / 2, x_label="step"))
    assert figure.xaxis[0].axis_label == ""
    assert [item.label.value for item in figure.legend[0].items] == [
        "norm",
        "distance from the start",
    ]


@pytest.mark.parametrize("low", [1e-9, 3e-4, 0.7])
@pytest.mark.parametrize("span", [1.6, 3, 40, 1e4, 1e12])
def test_ticks_of_a_logarithmic_axis_are_few_round_and_within(low, span):
    places = log_places(low, low * span)
    assert len(places) <= MOST_TICKS
    assert places == sorted(set(places))
    assert all(low <= place <= low * span for place in places)
    assert {f"{place:.3e}"[:5] for place in places} <= {"1.000", "2.000", "5.000"}
    assert places or span < 2.5  # neighbours among 1, 2, 5 are no further apart


# -- layers -------------------------------------------------------------------------------------


def test_the_first_layer_is_on_top_and_has_its_name():
    values = np.array([[0.0, 1, 2]] * 4)
    picture = layer_heatmap(
        values,
        ["conv1", "relu1", "a_very_long_name_of_a_layer"],
        x_edges=EDGES,
        x_label="step",
        value_label="share",
        positions=PLACES,
    )
    np.testing.assert_array_equal(image_values(picture)[0], [2, 1, 0])
    figure = figure_of(picture)
    named = {int(row): str(name) for row, name in figure.yaxis[0].major_label_overrides.items()}
    assert named == {2: "conv1", 1: "relu1", 0: "a_very_lo…_a_layer"}
    assert figure.yaxis[0].axis_label == ""


def test_heights_grow_with_the_layers_within_bounds():
    assert layers_height(1) == LEAST_HEIGHT
    assert LEAST_HEIGHT < layers_height(20) < layers_height(25) < MOST_HEIGHT
    assert layers_height(500) == MOST_HEIGHT


def test_of_very_many_layers_some_have_their_names():
    names = [f"layer{number}" for number in range(200)]
    picture = layer_heatmap(
        np.zeros((4, 200)),
        names,
        x_edges=EDGES,
        x_label="step",
        value_label="share",
        positions=PLACES,
    )
    figure = figure_of(picture)
    shown = figure.yaxis[0].major_label_overrides
    assert 20 < len(shown) < 60
    assert shown[199] == "layer0"


def test_short_names_stay_whole():
    assert shortened("conv2d_transpose_1") == "conv2d_transpose_1"
    assert len(shortened("x" * 50)) == 18

"""What is drawn: data, limits, labels, and the cursor that the browser moves."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pytest

from explorer.plots.curves import metric_curves, probability_curves
from explorer.plots.matrices import PICTURE_COLUMNS, time_heatmap
from explorer.plots.style import (
    CURSOR_NAME,
    DIVERGING,
    EPOCHS_NAME,
    JUMPS_NAME,
    KIND_COLOURS,
    SEQUENTIAL,
    ClockIndex,
    palette,
    palette_bytes,
    time_cursor,
)
from store.format.names import LAYER_KINDS

POSITIONS = np.array([0.0, 1.0, 5.0])


def cursors(figure):
    return list(figure.select({"name": CURSOR_NAME}))


def test_every_layer_kind_has_a_colour():
    assert set(KIND_COLOURS) == set(LAYER_KINDS)


@pytest.mark.parametrize("name", [SEQUENTIAL, DIVERGING])
def test_a_palette_is_the_same_in_figures_and_in_the_browser(name):
    colours = palette(name)
    data = palette_bytes(name)
    assert (len(colours), data.shape, data.dtype) == (256, (768,), np.uint8)
    for colour, rgb in zip(colours, data.reshape(256, 3).tolist(), strict=True):
        assert colour.lower() == "#{:02x}{:02x}{:02x}".format(*rgb)


def test_the_sequential_palette_grows_lighter_and_the_diverging_one_is_palest_at_zero():
    def light(name):
        return palette_bytes(name).reshape(256, 3) @ [0.2126, 0.7152, 0.0722]

    assert (np.diff(light(SEQUENTIAL)) > -0.5).all()
    assert abs(int(light(DIVERGING).argmax()) - 127.5) < 10


# -- curves -----------------------------------------------------------------------------------


def test_metric_curves_hold_their_points_and_a_cursor():
    series = {
        "training": (np.array([1.0, 2, 5]), np.array([3.0, np.nan, 1.0])),
        "validation": (np.array([5.0]), np.array([2.0])),
    }
    element = metric_curves(series, y_label="loss", x_label="epoch", cursor=POSITIONS, index=1)
    curves = {curve.label: curve for curve in element if isinstance(curve, hv.Curve)}
    for name, (x, y) in series.items():
        np.testing.assert_array_equal(curves[name]["x"], x)
        np.testing.assert_array_equal(curves[name]["y"], y)
    figure = hv.render(element)
    assert (figure.xaxis[0].axis_label, figure.yaxis[0].axis_label) == ("epoch", "loss")
    (cursor,) = cursors(figure)
    assert cursor.tags[0].tolist() == [0.0, 1.0, 5.0]
    assert (cursor.location, cursor.dimension) == (1.0, "height")
    assert [item.label["value"] for item in figure.legend[0].items] == ["training", "validation"]


def test_the_cursors_first_step_is_in_sight_though_metrics_begin_after_it():
    series = {"training": (np.array([1.0, 5.0]), np.array([3.0, 1.0]))}
    figure = hv.render(metric_curves(series, y_label="loss", x_label="step", cursor=POSITIONS))
    assert (figure.x_range.start, figure.x_range.end) == (0, 5)


def test_a_loss_that_explodes_leaves_finite_axes():
    series = {"training": (np.arange(4.0), np.array([2.0, np.inf, np.nan, 1.0]))}
    figure = hv.render(metric_curves(series, y_label="loss", x_label="step", cursor=POSITIONS))
    assert 0 < figure.y_range.start < figure.y_range.end < 3


def test_probability_curves_name_the_classes_and_mark_the_true_one():
    shares = np.array([[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]])
    element = probability_curves(
        shares, ["cat", "<b>dog</b>"], positions=POSITIONS, x_label="step", truth=1
    )
    assert {curve.label for curve in element} == {"cat", "<b>dog</b> (true)"}
    for number, label in enumerate(["cat", "<b>dog</b> (true)"]):
        (curve,) = [curve for curve in element if curve.label == label]
        np.testing.assert_array_equal(curve["x"], POSITIONS)
        np.testing.assert_array_equal(curve["probability"], shares[:, number])
    figure = hv.render(element)
    assert figure.y_range.start < 0 < 1 < figure.y_range.end
    widths = [renderer.glyph.line_width for renderer in figure.renderers]
    assert widths == [1.5, 3]
    assert cursors(figure)[0].tags[0].tolist() == POSITIONS.tolist()


def test_of_many_classes_those_that_matter_are_drawn_and_the_true_one_always():
    shares = np.full((3, 50), 0.001)
    shares[1, 7], shares[2, 30] = 0.9, 0.8
    element = probability_curves(
        shares, [f"c{number}" for number in range(50)],
        positions=POSITIONS, x_label="step", truth=49, most=2,
    )  # fmt: skip
    assert {curve.label for curve in element} == {"c7", "c30", "c49 (true)"}


def test_nan_probabilities_are_drawn_as_gaps():
    element = probability_curves(
        np.array([[0.5, 0.5], [np.nan, np.nan], [0.1, 0.9]]), ["a", "b"],
        positions=POSITIONS, x_label="step",
    )  # fmt: skip
    figure = hv.render(element)
    assert np.isnan(figure.renderers[0].data_source.data["probability"][1])


# -- heat maps --------------------------------------------------------------------------------


def heatmap(values, **options):
    rows = values.shape[1]
    return time_heatmap(
        values,
        x_edges=np.array([-0.5, 0.5, 3.0, 7.0]),
        y_edges=np.arange(rows + 1) - 0.5,
        x_label="step",
        y_label="unit",
        value_label="activation",
        positions=POSITIONS,
        **options,
    )


def test_a_heat_map_shows_each_step_where_it_lies_and_rows_upwards():
    values = np.array([[1.0, 10], [2, 20], [3, 30]])
    element = heatmap(values)
    assert [dim.label for dim in element.kdims] == ["step", "unit"]
    assert element.bounds.lbrt() == (-0.5, -0.5, 7.0, 1.5)
    assert element.vdims[0].label == "activation"
    for step, x in enumerate(POSITIONS):
        for row in (0, 1):
            assert element[x, row] == values[step, row]
    # Each step takes as much of the width as lies between its edges: 1, 2.5 and 4 of 7.5.
    shown = element.dimension_values("value", flat=False)[0]
    counts = [int((shown == value).sum()) for value in (1, 2, 3)]
    np.testing.assert_allclose(counts, np.array([1, 2.5, 4]) / 7.5 * PICTURE_COLUMNS, atol=1)


def test_a_heat_map_has_limits_a_bar_and_a_cursor():
    figure = hv.render(heatmap(np.ones((3, 2)), limits=(-4, 4), signed=True, index=2))
    (picture,) = figure.renderers
    mapper = picture.glyph.color_mapper
    assert (mapper.low, mapper.high) == (-4, 4)
    assert mapper.palette == list(palette(DIVERGING))
    (cursor,) = cursors(figure)
    assert (cursor.location, cursor.tags[0].tolist()) == (5.0, POSITIONS.tolist())


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (np.array([[0.0, np.nan], [2, 5], [1, np.inf]]), (0, 5)),
        (np.full((3, 2), np.nan), (0, 1)),
        (np.full((3, 2), 7.0), (7, 8)),
    ],
    ids=["partly", "nothing known", "constant"],
)
def test_limits_come_from_what_is_finite(values, limits):
    mapper = hv.render(heatmap(values)).renderers[0].glyph.color_mapper
    assert (mapper.low, mapper.high) == limits
    assert mapper.nan_color in ("rgba(0, 0, 0, 0)", "transparent")


# -- the cursor -------------------------------------------------------------------------------


def test_a_figure_gets_one_cursor_however_often_it_is_drawn():
    from bokeh.plotting import figure

    class Plot:
        state = figure()

    hook = time_cursor(POSITIONS, 99)
    hook(Plot, None)
    hook(Plot, None)
    (cursor,) = cursors(Plot.state)
    assert cursor.location == 5.0  # beyond the last step: the last step
    assert cursor.level == "overlay"
    assert set(Plot.state.js_event_callbacks) == {"tap", "pan"}


def test_a_run_without_steps_has_no_cursor():
    from bokeh.plotting import figure

    class Plot:
        state = figure()

    time_cursor(np.array([]), 0)(Plot, None)
    assert not cursors(Plot.state)


def test_ends_of_epochs_are_marked_in_every_picture_over_time():
    places = np.array([1.0, 2.0])
    for index, expected in ((ClockIndex(0, "main", places), [1, 2]), (ClockIndex(0, "main"), None)):
        drawn = hv.render(
            metric_curves(
                {"a": (np.arange(3.0), np.arange(3.0))},
                y_label="y", x_label="x", cursor=np.arange(3.0), index=index,
            )
        )  # fmt: skip
        marks = drawn.select_one({"name": EPOCHS_NAME})
        if expected is None:
            assert marks is None
        else:
            assert list(marks.data_source.data["x"]) == expected
        assert (drawn.x_range.start, drawn.x_range.end) == (0, 2)


def test_jumps_of_the_weights_are_marked_too():
    index = ClockIndex(0, "main", jumps=np.array([0.5]))
    series = {"a": (np.arange(3.0), np.arange(3.0))}
    drawn = hv.render(
        metric_curves(series, y_label="y", x_label="x", cursor=np.arange(3.0), index=index)
    )
    marks = drawn.select_one({"name": JUMPS_NAME})
    assert list(marks.data_source.data["x"]) == [0.5]
    assert marks.glyph.line_dash != []
    assert drawn.select_one({"name": EPOCHS_NAME}) is None

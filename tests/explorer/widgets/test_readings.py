"""What each widget shows, read as labelled numbers."""

from __future__ import annotations

import numpy as np
import panel as pn
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.time.frames import Limits, quantize
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.charts.probability_bars import ProbabilityBars
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.flow import Flow
from explorer.widgets.pictures.frame_grid import FrameGrid
from explorer.widgets.pictures.pool_switches import PoolSwitches
from explorer.widgets.pictures.unit_focus import UnitFocus
from explorer.widgets.readings import reading
from explorer.widgets.shaping import QUANTIZED, Steps, distinct, identifier, stacked, values_of

UPDATES = np.array([0, 10, 25, 70])
STEPS = Steps([1, 3], UPDATES)


# -- names and codes --------------------------------------------------------------------------


@given(st.text(max_size=30))
def test_an_identifier_is_one_that_netcdf_and_python_take(text):
    name = identifier(text)
    assert name.isidentifier()
    assert name.isascii()


def test_names_are_kept_apart():
    assert distinct("unit", "unit", "step", "unit") == (
        "unit",
        "other_unit",
        "step",
        "other_other_unit",
    )


@given(
    st.floats(-1e30, 1e30),
    st.floats(1e-6, 1e30),
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
def test_a_code_stands_for_the_values_that_it_was_made_of(low, span, shares):
    high = low + span
    if not low < high:
        return
    values = np.array([low * (1 - share) + high * share for share in shares])
    found = values_of(quantize(values, Limits(low, high, signed=False)), low, high)
    half_a_step = (high - low) / 254 / 2
    rounding = 4e-7 * max(abs(low), abs(high))
    assert np.abs(found - values).max() <= half_a_step * 1.001 + rounding


def test_code_zero_is_nan_and_the_widest_limits_do_not_overflow():
    found = values_of(np.array([0, 1, 128, 255], np.uint8), -1.7e308, 1.7e308)
    np.testing.assert_array_equal(found, np.array([np.nan, -np.inf, 0, np.inf], np.float32))


def test_frames_of_several_sizes_are_filled_up_with_nan():
    found = stacked([np.ones((2, 1)), np.zeros((1, 3))])
    nan = np.nan
    np.testing.assert_array_equal(
        found, [[[1, nan, nan], [1, nan, nan]], [[0, 0, 0], [nan, nan, nan]]]
    )


# -- widgets ----------------------------------------------------------------------------------


def frames(index):
    return np.arange(1, 13, dtype=np.uint8).reshape(2, 2, 3) + index


def test_tiles_are_units_over_two_axes():
    grid = FrameGrid(frames, 4, low=0.0, high=254.0, selects="unit", value_name="Output (°C)")
    read = reading(grid, STEPS)
    assert dict(read.sizes) == {"step": 2, "unit": 2, "y": 2, "x": 3}
    np.testing.assert_array_equal(read.step, [10, 70])
    np.testing.assert_allclose(read.output, np.stack([frames(1), frames(3)]) - 1.0)
    told = {"quantized": QUANTIZED, "low": 0.0, "high": 254.0, "long_name": "Output (°C)"}
    assert read.output.attrs == told


def test_values_stand_in_for_their_colours():
    exact = {1: np.full((2, 2, 3), 0.1), 3: np.full((2, 2, 3), 0.3)}
    limits = Limits(0.0, 1.0, signed=False)
    grid = FrameGrid(
        lambda index: quantize(exact[index], limits), 4, selects="unit", value_name="output"
    )
    read = reading(grid, STEPS)
    np.testing.assert_array_equal(read.output, np.stack([exact[1], exact[3]]))
    assert "quantized" not in read.output.attrs
    assert grid.payload(1)["frame"].dtype == np.uint8  # the page still gets colours


def test_units_without_extent_are_one_number_each():
    grid = FrameGrid(
        lambda _: np.ones((5, 1, 1), np.uint8),
        4,
        selects="unit",
        value_name="output",
        tile_ids=[4, 3, 2, 1, 0],
    )
    read = reading(grid, STEPS)
    assert read.output.dims == ("step", "unit")
    np.testing.assert_array_equal(read.unit, [4, 3, 2, 1, 0])


def test_a_still_film_strip_has_no_step():
    grid = FrameGrid(
        lambda _: frames(0), 4, still=True, captions=["0", "70"], selects="step", tile_ids=[0, 3]
    )
    read = reading(grid, STEPS)
    assert read.value.dims == ("tile", "y", "x")
    assert list(read.caption.values) == ["0", "70"]


def test_captions_and_ids_may_change_with_the_step():
    def provide(index):
        return {"frame": frames(0), "captions": [f"a{index}", f"b{index}"], "tile_ids": [index, 9]}

    read = reading(FrameGrid(provide, 4, selects="probe"), STEPS)
    assert read.caption.values.tolist() == [["a1", "b1"], ["a3", "b3"]]
    assert read.probe_id.values.tolist() == [[1, 9], [3, 9]]


def test_a_matrix_has_named_rows_and_columns():
    grid = FrameGrid(
        lambda index: np.full((1, 2, 3), index + 1, np.uint8),
        4,
        mode="matrix",
        y_name="true class",
        x_name="class",
        y_labels=["no", "yes"],
        x_labels=["no", "yes", "?"],
        tile_ids=[7, 8],
        high=254.0,
    )
    read = reading(grid, STEPS)
    assert read.value.dims == ("step", "true_class", "class")
    assert read.value.values[:, 0, 0].tolist() == [1, 3]
    assert read.true_class.values.tolist() == [7, 8]
    assert read.class_name.values.tolist() == ["no", "yes", "?"]


def test_rows_and_columns_of_one_name_are_kept_apart():
    grid = FrameGrid(lambda _: np.ones((1, 2, 2), np.uint8), 4, mode="matrix", x_name="unit")
    assert reading(grid, STEPS).value.dims == ("step", "unit", "other_unit")


def test_a_map_is_read_with_its_limits():
    focus = UnitFocus(lambda i: np.full((2, 3), i, np.uint8), 4, low=-1.0, high=1.0)
    read = reading(focus, Steps([0, 1], UPDATES))
    assert np.isnan(read.activation.values[0]).all()
    np.testing.assert_array_equal(read.activation.values[1], np.full((2, 3), -1.0))


@pytest.mark.parametrize("chooses", [True, False])
def test_both_maps_of_a_pooling_and_what_it_keeps(chooses):
    def provide(index):
        return {
            "before": np.full((2, 4), 1 + index, np.uint8),
            "after": np.full((1, 2), 255, np.uint8),
            "kept": np.array([0, -1] if chooses else [], np.int32),
            "note": "",
        }

    read = reading(PoolSwitches(provide, 4, low=0.0, high=254.0), STEPS)
    assert dict(read.sizes) == {"step": 2, "y": 2, "x": 4, "window_y": 1, "window_x": 2}
    assert read.before.values[:, 0, 0].tolist() == [1.0, 3.0]
    if chooses:
        assert read.kept.values.tolist() == [[[0, -1]], [[0, -1]]]
    else:
        assert "kept" not in read


def test_the_way_through_the_network_names_its_layers():
    def provide(index):
        return {
            "units": np.array([[1, -1], [0, 2]], np.int32),
            "contributions": np.full((2, 2), index, np.float32),
            "values": np.zeros((2, 2), np.float32),
            "links": np.ones((2, 2, 2), np.float32),
            "pixels": np.zeros(8, np.uint8),
            "evidence": np.full((3, 3), 128, np.uint8),
            "target": 4,
        }

    flow = Flow(
        provide,
        4,
        columns=[{"layer": "input"}, {"layer": "conv"}, {"layer": "dense"}],
        links=[["input", "conv"], ["conv", "dense"]],
    )
    read = reading(flow, STEPS)
    assert read.layer.values.tolist() == ["conv", "dense"]
    assert read.contributions.values[:, 0, 0].tolist() == [1, 3]
    assert read.links.dims == ("step", "link", "from_row", "to_row")
    assert read.from_layer.values.tolist() == ["input", "conv"]
    assert read.to_layer.values.tolist() == ["conv", "dense"]
    assert np.abs(read.evidence).max() == 0


def test_rows_of_a_table_say_at_which_step():
    minus = "\N{MINUS SIGN}1,200.5"
    table = StepTable(
        lambda index: {"rows": [[f"unit {index}", minus], ["other", ""]][: index or None]},
        4,
        columns=["unit", "count"],
        numeric=[1],
    )
    read = reading(table, STEPS)
    assert read.step.values.tolist() == [10, 70, 70]
    assert read.unit.values.tolist() == ["unit 1", "unit 3", "other"]
    np.testing.assert_array_equal(read["count"], [-1200.5, -1200.5, np.nan])


def test_a_numeric_column_that_holds_other_texts_stays_text():
    table = StepTable(lambda _: {"rows": [["12 %"], ["3"]]}, 4, columns=["share"], numeric=[0])
    assert reading(table, Steps([0], UPDATES)).share.values.tolist() == ["12 %", "3"]


def test_lines_carry_their_axes():
    y = np.arange(16, dtype=np.float32).reshape(4, 2, 2)
    lines = StepLines(y=y, x=[0.5, 2.0], names=["a", "b"], x_name="lag", y_name="share (%)")
    read = reading(lines, STEPS)
    np.testing.assert_array_equal(read.share, y[[1, 3]])
    assert read.lag.values.tolist() == [0.5, 2.0]
    assert read.series.values.tolist() == ["a", "b"]


def test_a_lone_step_of_lines_holds_for_all_unless_the_run_has_no_other():
    lines = StepLines(y=np.ones((1, 1, 2)), x_labels=["p", "q"])
    assert reading(lines, STEPS).value.dims == ("series", "position")
    assert reading(lines, Steps([0], UPDATES[:1])).value.dims == ("step", "series", "position")


def test_points_are_where_they_are_and_marked():
    positions = np.arange(16, dtype=np.float32).reshape(4, 2, 2)
    shapes = np.array([[0, 1], [1, 1], [2, 0], [0, 2]], np.uint8)
    cloud = PointCloud(
        positions=positions, shapes=shapes, labels=["p", "q"], selects="probe", point_ids=[5, 3]
    )
    read = reading(cloud, STEPS)
    np.testing.assert_array_equal(read.x, positions[[1, 3], :, 0])
    np.testing.assert_array_equal(read.y, positions[[1, 3], :, 1])
    assert read.mark.values.tolist() == [["wrong", "wrong"], ["right", "unknown"]]
    assert read.probe.values.tolist() == [5, 3]


def test_tokens_stand_beside_their_values():
    values = np.arange(12, dtype=np.float32).reshape(4, 1, 3)
    strip = TokenStrip(tokens=["a", "b", "c"], values=values, rows=["gate"], value_name="opening")
    read = reading(strip, STEPS)
    np.testing.assert_array_equal(read.opening, values[[1, 3]])
    assert read.text.values.tolist() == ["a", "b", "c"]


def test_bars_are_probabilities_of_classes():
    values = np.arange(8, dtype=np.float32).reshape(4, 2)
    read = reading(ProbabilityBars(values=values, class_names=["no", "yes"]), STEPS)
    np.testing.assert_array_equal(read.probability, values[[1, 3]])
    assert read["class"].values.tolist() == ["no", "yes"]


@pytest.mark.parametrize(
    "widget",
    [Choice(), StepLines(), PointCloud(), TokenStrip(), ProbabilityBars(), pn.pane.HTML("x")],
    ids=lambda widget: type(widget).__name__,
)
def test_what_shows_no_numbers_has_none(widget):
    assert reading(widget, STEPS) is None

"""What HoloViews draws of colour codes: the values that they stand for, each tile in its place."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.time.frames import Limits, quantize
from explorer.plots import style
from explorer.plots.mosaic import MOST_WIDTH, mosaic, mosaic_picture, values_of

PALETTE = style.palette_bytes(style.DIVERGING)


def picture(codes, **options):
    given = {"low": -2.0, "high": 2.0, "palette": PALETTE, "value_label": "activation"}
    return mosaic_picture(codes, **given | options)


@given(st.lists(st.floats(-3, 5) | st.just(float("nan")), min_size=1, max_size=30))
def test_values_come_back_within_half_a_colour(values):
    limits = Limits(-3.0, 5.0, signed=True)
    back = values_of(quantize(np.array(values), limits), limits.low, limits.high)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, values, atol=8 / 254 / 2 + 1e-6)


@given(st.integers(1, 12), st.integers(1, 9), st.integers(1, 9), st.none() | st.integers(1, 5))
def test_every_tile_is_there_once_in_reading_order(count, height, width, columns):
    tiles = np.arange(count * height * width, dtype=float).reshape(count, height, width)
    whole = mosaic(tiles, columns)
    assert np.nansum(whole) == tiles.sum()
    assert np.isfinite(whole).sum() == tiles.size
    corners = [np.argwhere(whole == tile[0, 0])[0].tolist() for tile in tiles]
    assert corners == sorted(corners)
    for (top, left), tile in zip(corners, tiles, strict=True):
        np.testing.assert_array_equal(whole[top : top + height, left : left + width], tile)


def test_a_picture_shows_its_values_from_above_with_a_fixed_scale():
    codes = np.array([[[1, 128], [255, 0]]], np.uint8)
    image = picture(codes, label="Maps")
    np.testing.assert_allclose(image.dimension_values("value", flat=False)[::-1],
                               [[-2, 0], [2, np.nan]])  # fmt: skip
    figure = hv.render(image, backend="bokeh")
    assert image.vdims[0].label == "activation"
    assert image.vdims[0].range == (-2.0, 2.0)
    assert figure.title.text == "Maps"
    assert figure.frame_width == figure.frame_height


@pytest.mark.parametrize("shape", [(1, 1, 1), (40, 3, 3), (2, 500, 2), (3, 2, 900)])
def test_cells_are_square_and_the_figure_fits(shape):
    image = picture(np.full(shape, 7, np.uint8))
    figure = hv.render(image, backend="bokeh")
    rows, columns = image.dimension_values("value", flat=False).shape
    assert figure.frame_width <= MOST_WIDTH
    assert figure.frame_width / columns == pytest.approx(figure.frame_height / rows, abs=1)


def test_a_matrix_has_named_rows_and_columns():
    codes = np.arange(1, 7, dtype=np.uint8).reshape(1, 2, 3)
    image = picture(codes, axes=("token", "unit"), x_labels=["a", "<b>", "c"], y_labels=["u", "v"])
    figure = hv.render(image, backend="bokeh")
    assert (figure.xaxis[0].axis_label, figure.yaxis[0].axis_label) == ("token", "unit")
    assert list(figure.xaxis[0].major_label_overrides.values()) == ["a", "<b>", "c"]
    assert figure.yaxis[0].major_label_overrides == {1: "u", 0: "v"}
    assert image[0, 1] == pytest.approx(values_of(codes, -2, 2)[0, 0, 0])


def test_nan_alone_and_one_value_alone_are_drawn():
    for codes, low, high in ((np.zeros((2, 3, 3)), 0.0, 1.0), (np.ones((1, 1, 1)), 4.0, 4.0)):
        hv.render(picture(codes.astype(np.uint8), low=low, high=high), backend="bokeh")


def test_an_axis_of_a_matrix_may_have_no_name():
    image = picture(np.array([[[1, 128], [255, 0]]], np.uint8), axes=("unit", ""))
    assert image.dimensions(label=True) == ["x", "y", "value"]

"""The numbers that each kind of widget shows, as labelled arrays."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.charts.probability_bars import ProbabilityBars
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from explorer.widgets.pictures.flow import Flow
from explorer.widgets.pictures.frame_grid import FrameGrid
from explorer.widgets.pictures.pool_switches import PoolSwitches
from explorer.widgets.pictures.sentence import SentencePicture
from explorer.widgets.pictures.unit_focus import UnitFocus
from explorer.widgets.shaping import (
    STEP,
    Array,
    Steps,
    decoded,
    distinct,
    identifier,
    picture_dataset,
    stacked,
)


@functools.singledispatch
def reading(widget: Any, steps: Steps) -> xr.Dataset | None:  # noqa: ARG001
    """Read the numbers that a widget shows at some steps.

    Parameters
    ----------
    widget : Widget
        Part of a card.
    steps : Steps
        Recorded steps.

    Returns
    -------
    Dataset or None
        Variables over ``step`` and the widget's own dimensions, with the names of its axes;
        without ``step`` if it shows the same at all steps. None for a widget without numbers.
    """
    return None


@reading.register
def _frame_grid(widget: FrameGrid, steps: Steps) -> xr.Dataset:
    payloads = steps.payloads(widget)
    frames = stacked([payload["frame"] for payload in payloads])
    value = identifier(widget.value_name)
    coordinates: dict[str, Any] = {}
    if not widget.still:
        coordinates[STEP] = steps.coordinate
    if widget.mode == "matrix":
        value, _, row, column = distinct(
            value, STEP, identifier(widget.y_name), identifier(widget.x_name)
        )
        tiles: tuple[str, ...] = (STEP, "picture", row, column)
        coordinates[row] = widget.tile_ids
        coordinates[f"{row}_name"] = (row, widget.y_labels)
        coordinates[f"{column}_name"] = (column, widget.x_labels)
    else:
        tile = "unit" if widget.selects == "unit" and widget.places == 1 else "tile"
        tiles = (STEP, tile, "y", "x")
        if widget.tile_ids and widget.selects in ("unit", "probe"):
            coordinates[widget.selects] = (tile, widget.tile_ids)
        coordinates["caption"] = (tile, widget.captions)
    variable = decoded(frames, tiles, widget.low, widget.high)
    texts = [widget.value_name, widget.x_name, widget.y_name]
    made = picture_dataset(widget.label, {value: variable}, coordinates, texts)
    if widget.mode == "tiles":
        for name, key in (("caption", "captions"), (f"{widget.selects or 'tile'}_id", "tile_ids")):
            if key in payloads[0]:
                changing = [list(payload[key]) for payload in payloads]
                if len({len(texts) for texts in changing}) == 1:
                    made.coords[name] = ((STEP, tiles[1]), np.array(changing))
    # A single matrix, and units without a map, need no dimension of length 1.
    for alone in (["picture"], ["y", "x"]):
        if all(made.sizes.get(dim) == 1 for dim in alone):
            made = made.squeeze(alone, drop=True)
    return made.isel({STEP: 0}) if widget.still else made


@reading.register
def _unit_focus(widget: UnitFocus, steps: Steps) -> xr.Dataset:
    frames = stacked([payload["frame"] for payload in steps.payloads(widget)])
    variable = decoded(frames, (STEP, "y", "x"), widget.low, widget.high)
    return picture_dataset(
        widget.label,
        {identifier(widget.value_name): variable},
        {STEP: steps.coordinate},
        [widget.value_name],
    )


@reading.register
def _pool_switches(widget: PoolSwitches, steps: Steps) -> xr.Dataset:
    payloads = steps.payloads(widget)
    planes = {"before": ("y", "x"), "after": ("window_y", "window_x")}
    variables: dict[str, Any] = {
        name: decoded(
            stacked([payload[name] for payload in payloads]),
            (STEP, *plane),
            widget.low,
            widget.high,
        )
        for name, plane in planes.items()
    }
    kept = stacked([payload["kept"] for payload in payloads])
    if kept.shape[1]:
        kept = kept.reshape(variables["after"][1].shape)
        variables["kept"] = (
            (STEP, *planes["after"]),
            kept,
            {"long_name": "position kept; -1: none"},
        )
    return picture_dataset(widget.label, variables, {STEP: steps.coordinate})


@reading.register
def _flow(widget: Flow, steps: Steps) -> xr.Dataset:
    payloads = steps.payloads(widget)
    dims = {
        "units": ("column", "row"),
        "contributions": ("column", "row"),
        "values": ("column", "row"),
        "links": ("link", "from_row", "to_row"),
    }
    variables: dict[str, Any] = {
        name: ((STEP, *axes), stacked([payload[name] for payload in payloads]))
        for name, axes in dims.items()
    }
    codes = stacked([payload["evidence"] for payload in payloads])
    axes, shares, about = decoded(codes, (STEP, "y", "x"), -1.0, 1.0)
    about["long_name"] = "share of the strongest evidence"
    variables["evidence"] = (axes, shares, about)
    names = [str(column.get("layer", "")) for column in widget.columns]
    names = names[len(names) - variables["units"][1].shape[1] :]  # without the input
    variables["target"] = (STEP, [int(payload["target"]) for payload in payloads])
    coordinates = {
        STEP: steps.coordinate,
        "layer": ("column", names),
        "from_layer": ("link", [source for source, _ in widget.links]),
        "to_layer": ("link", [layer for _, layer in widget.links]),
    }
    return picture_dataset(widget.label, variables, coordinates)


@reading.register
def _sentence(widget: SentencePicture, steps: Steps) -> xr.Dataset:
    payloads = steps.payloads(widget)
    layers = [str(band["title"]) for band in widget.bands]
    about = {
        "units": "number of the unit that has a row at this step",
        "adds": "contribution of the unit to the explained class",
        "values": "output of the unit; NaN where it has one for each word",
    }
    variables: dict[str, Any] = {
        name: ((STEP, "row"), stacked([payload[name] for payload in payloads]), {"long_name": text})
        for name, text in about.items()
    }
    totals = stacked([payload["totals"] for payload in payloads])
    variables["totals"] = (
        (STEP, "layer"),
        totals,
        {"long_name": "contribution of all units of a layer to the explained class"},
    )
    variables["target"] = (STEP, [int(payload["target"]) for payload in payloads])
    rows = [
        str(name)
        for name, band in zip(layers, widget.bands, strict=True)
        for _ in range(band["rows"])
    ]
    coordinates = {STEP: steps.coordinate, "layer": layers, "row_layer": ("row", rows)}
    return picture_dataset(widget.label, variables, coordinates)


@reading.register
def _step_table(widget: StepTable, steps: Steps) -> xr.Dataset:
    rows: list[list[str]] = []
    places: list[Any] = []
    for update, payload in zip(steps.coordinate, steps.payloads(widget), strict=False):
        rows.extend([str(text) for text in row] for row in payload["rows"])
        places.extend([update] * len(payload["rows"]))
    variables: dict[str, Any] = {}
    names = [identifier(column, f"column_{number}") for number, column in enumerate(widget.columns)]
    for number, name in enumerate(distinct(*names)):
        texts = [row[number] for row in rows]
        numbers = _numbers(texts) if number in widget.numeric else None
        variables[name] = ("row", np.array(texts, str) if numbers is None else numbers)
    at = None if widget.still else ("row", np.array(places, steps.updates.dtype))
    return picture_dataset(widget.label, variables, {STEP: at}, widget.columns)


def _numbers(texts: Sequence[str]) -> Array | None:
    """Read texts as numbers, an empty one as NaN; None if one of them is no number."""
    plain = [text.strip().replace(",", "").replace("\N{MINUS SIGN}", "-") for text in texts]
    try:
        return np.array([float(text) if text else np.nan for text in plain])
    except ValueError:
        return None


@reading.register
def _step_lines(widget: StepLines, steps: Steps) -> xr.Dataset | None:
    if widget.y is None:
        return None
    place, value, _ = distinct(identifier(widget.x_name, "x"), identifier(widget.y_name), STEP)
    values, dims = _over_steps(widget.y, steps, "series", "position")
    coordinates: dict[str, Any] = {
        "series": widget.names or [str(number) for number in range(widget.y.shape[1])],
        f"{place}_name": ("position", widget.x_labels),
        place: None if widget.x is None else ("position", widget.x),
        STEP: steps.coordinate if STEP in dims else None,
    }
    texts = [widget.x_name, widget.y_name]
    return picture_dataset(widget.label, {value: (dims, values)}, coordinates, texts)


def _over_steps(array: Array, steps: Steps, *dims: str) -> tuple[Array, tuple[str, ...]]:
    """Take some steps of an array over all steps. An array with one step is the same at all."""
    if len(array) == 1 and len(steps.updates) != 1:
        return array[0], dims
    return steps.of(array), (STEP, *dims)


@reading.register
def _point_cloud(widget: PointCloud, steps: Steps) -> xr.Dataset | None:
    if widget.positions is None:
        return None
    positions, dims = _over_steps(widget.positions, steps, "point")
    x, y, *_ = distinct(
        identifier(widget.x_name, "x"), identifier(widget.y_name, "y"), "point", STEP
    )
    variables: dict[str, Any] = {x: (dims, positions[..., 0]), y: (dims, positions[..., 1])}
    if widget.shapes is not None:
        marks = np.array([identifier(name) for name in widget.shape_names])
        variables["mark"] = (dims, marks[_over_steps(widget.shapes, steps, "point")[0]])
    coordinates = {
        STEP: steps.coordinate if STEP in dims else None,
        widget.selects or "id": ("point", widget.point_ids),
        "label": ("point", [str(label) for label in widget.labels]),
    }
    texts = [widget.x_name, widget.y_name]
    return picture_dataset(widget.label, variables, coordinates, texts)


@reading.register
def _token_strip(widget: TokenStrip, steps: Steps) -> xr.Dataset | None:
    if widget.values is None:
        return None
    values, dims = _over_steps(widget.values, steps, "row", "token")
    coordinates = {
        STEP: steps.coordinate if STEP in dims else None,
        "text": ("token", [str(token) for token in widget.tokens]),
        "row": widget.rows,
    }
    (name,) = distinct(STEP, "row", "token", "text", identifier(widget.value_name))[-1:]
    return picture_dataset(widget.label, {name: (dims, values)}, coordinates, [widget.value_name])


@reading.register
def _bars(widget: ProbabilityBars, steps: Steps) -> xr.Dataset | None:
    if widget.values is None:
        return None
    variables = {"probability": ((STEP, "class"), steps.of(widget.values))}
    coordinates = {STEP: steps.coordinate, "class": list(widget.class_names)}
    return picture_dataset("Class probabilities", variables, coordinates)

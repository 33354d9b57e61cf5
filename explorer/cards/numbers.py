"""Read the numbers behind a card from its widgets and HoloViews pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
import xarray as xr

from explorer.derived.time.timeline import LABELS
from explorer.plots.sources import Source, source_of
from explorer.views.base import Scene, View
from explorer.widgets.base import Widget
from explorer.widgets.readings import reading
from explorer.widgets.shaping import STEP, Steps, TimeAxis, distinct, identifier, picture_dataset
from store.errors import TrainlapseError


class NoNumbersError(TrainlapseError, ValueError):
    """The card has no numbers to save."""


def numbers_of(body: Any, steps: Steps) -> list[xr.Dataset]:
    """Read the numbers behind each picture of a card.

    Parameters
    ----------
    body : Viewable
        What a view drew. Hidden pictures are left out.
    steps : Steps
        Recorded steps to read. A picture of the whole training is read as a whole.

    Returns
    -------
    list of Dataset
        One for each picture, with its title in the attribute ``title``. A variable that is known
        only from 8-bit colours has the attribute ``quantized``.

    Raises
    ------
    NoNumbersError
        The card is empty, or nothing is recorded.
    """
    found: list[xr.Dataset] = []
    if len(steps.indices):
        for leaf in _leaves(body):
            if isinstance(leaf, Widget):
                read = reading(leaf, steps)
                found.extend([] if read is None else [read])
            else:
                found.extend(_pictures(leaf, steps))
    found = [read for read in found if read.sizes and all(read.sizes.values())]
    if not found:
        raise NoNumbersError("There are no numbers behind this picture.")
    return found


def widgets_of(body: Any) -> list[Widget]:
    """Widgets of what a view drew that are on screen, in order."""
    return [leaf for leaf in _leaves(body) if isinstance(leaf, Widget)]


def _leaves(item: Any) -> Iterator[Any]:
    """Widgets and HoloViews objects that are on screen, in order."""
    if not getattr(item, "visible", True):
        return
    if isinstance(item, pn.pane.HoloViews):
        if item.object is not None:
            yield item.object
    elif isinstance(item, Widget):
        yield item
    else:
        for child in getattr(item, "objects", None) or []:
            yield from _leaves(child)


def _pictures(picture: Any, steps: Steps) -> Iterator[xr.Dataset]:
    """Read the elements of a picture: what it was drawn from, or a table of what it holds."""
    elements = []
    for element in picture.traverse(lambda found: found, [hv.Element]):
        source = source_of(element)
        if source is not None:
            yield _over_time(source, steps)
        elif not isinstance(element, hv.element.Annotation) and len(element):
            elements.append(element)
    yield from _tables(elements, steps)


def _over_time(source: Source, steps: Steps) -> xr.Dataset:
    """Read the values of a heat map over time."""
    value, _, row = distinct(identifier(source.value_label), STEP, identifier(source.row_label))
    variables = {value: ((STEP, row), steps.of(source.values))}
    coordinates = {STEP: steps.coordinate, row: (row, np.asarray(source.rows))}
    texts = [source.value_label, source.row_label]
    return picture_dataset(source.value_label, variables, coordinates, texts)


def _tables(elements: Iterable[Any], steps: Steps) -> list[xr.Dataset]:
    """Read elements: one table for all that have the same columns."""
    tables: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for element in elements:
        texts = tuple(str(dimension.label) for dimension in element.dimensions())
        columns = [np.asarray(element.dimension_values(each)) for each in element.dimensions()]
        series = tables.setdefault(texts, {})
        label = str(element.label) or str(len(series))
        # The dots on a curve repeat its values.
        named = dict(zip(distinct(*texts), columns, strict=True))
        if label not in series or not _same(series[label], named):
            series[distinct(*series, label)[-1]] = named
    return [_table(texts, series, steps) for texts, series in tables.items()]


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(np.array_equal(one[name], other[name], equal_nan=_float(one[name])) for name in one)


def _float(values: Any) -> bool:
    return bool(values.dtype.kind in "fc")


def _table(texts: tuple[str, ...], series: dict[str, dict[str, Any]], steps: Steps) -> xr.Dataset:
    """Read series with the same columns: over the recorded steps, or else a row a point."""
    columns = [list(each.values()) for each in series.values()]
    axis = steps.axis
    is_time = axis is not None and texts[0].startswith(axis.label)
    updates = [axis.updates_at(each[0]) for each in columns] if axis and is_time else [None]
    title = identifier(texts[-1]).replace("_", " ")
    if all(each is not None and np.array_equal(each, steps.updates) for each in updates):
        named = dict(zip(series, (each[1:] for each in columns), strict=True))
        return _recorded(title, texts[1:], named, steps)
    first = identifier(texts[0])
    if all(each is not None for each in updates):
        first = "update"
        columns = [[at, *each[1:]] for at, each in zip(updates, columns, strict=True)]
    elif is_time or first == STEP:
        first = "place"  # on an axis whose places are of no step
    names = distinct(first, *map(identifier, texts[1:]))
    variables: dict[str, Any] = {}
    if len(series) > 1:
        lengths = [len(each[0]) for each in columns]
        variables[distinct(*names, "series")[-1]] = ("row", np.repeat(list(series), lengths))
    for name, values in zip(names, zip(*columns, strict=True), strict=True):
        joined = np.concatenate(values)
        variables[name] = ("row", joined.astype(str) if joined.dtype.kind == "O" else joined)
    return picture_dataset(title, variables, {}, texts)


def _recorded(
    title: str, texts: Sequence[str], series: Mapping[str, Sequence[Any]], steps: Steps
) -> xr.Dataset:
    """Make a dataset of curves that have a value at each recorded step."""
    names = distinct(STEP, "series", *map(identifier, texts))[2:]
    alone = len(series) == 1
    variables = {}
    for at, name in enumerate(names):
        values = np.stack([steps.of(columns[at]) for columns in series.values()], axis=1)
        variables[name] = (STEP, values[:, 0]) if alone else ((STEP, "series"), values)
    coordinates = {STEP: steps.coordinate, "series": None if alone else list(series)}
    return picture_dataset(title, variables, coordinates, texts)


def numbers_behind(
    view: View, scene: Scene, body: Any, indices: Sequence[int]
) -> tuple[list[xr.Dataset], dict[str, Any]]:
    """Read the numbers of what a view drew, at some recorded steps.

    Parameters
    ----------
    view : View
        The view.
    scene : Scene
        The run and the selection that the body was drawn for.
    body : Viewable
        What `view` drew.
    indices : sequence of int
        Positions of recorded steps.

    Returns
    -------
    parts : list of Dataset
        As from `numbers_of`.
    about : dict
        Run, view, selection and caption, as texts and numbers.

    Raises
    ------
    NoNumbersError
        As of `numbers_of`.
    """
    steps = Steps(indices, view.moments(scene), _time_axis(scene))
    about: dict[str, Any] = {"run": scene.data.run.name, "view": view.title}
    used = {*view.depends, *view.follows}
    if view.region in ("stage", "layer"):
        used.add("layer")
    about |= {name: getattr(scene.selected, name) for name in sorted(used)}
    return numbers_of(body, steps), {**about, "caption": view.caption(scene)}


def _time_axis(scene: Scene) -> TimeAxis:
    """Tell where recorded steps lie on the axis of time, and then the updates of metrics."""
    timeline, axis = scene.data.timeline, scene.selected.axis
    updates = np.concatenate([timeline.steps, scene.data.run.metrics["update"].values])
    return TimeAxis(LABELS[axis], updates, timeline.convert(updates, axis))

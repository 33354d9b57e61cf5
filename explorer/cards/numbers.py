"""Read the numbers behind a card from its widgets and HoloViews pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
import xarray as xr

from explorer.views.base import Scene, View
from explorer.widgets.base import Widget
from explorer.widgets.readings import reading
from explorer.widgets.shaping import Steps, distinct, identifier, picture_dataset
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
                found.extend(_tables(leaf))
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


def _tables(picture: Any) -> list[xr.Dataset]:
    """Read the elements of a picture: one table for all that have the same columns."""
    tables: dict[tuple[str, ...], dict[str, dict[str, Any]]] = {}
    for element in picture.traverse(lambda found: found, [hv.Element]):
        if isinstance(element, hv.element.Annotation) or not len(element):
            continue
        dimensions = element.dimensions()
        names = distinct(*(identifier(str(dimension.label)) for dimension in dimensions))
        columns = {
            name: np.asarray(element.dimension_values(dimension))
            for name, dimension in zip(names, dimensions, strict=True)
        }
        series = tables.setdefault(names, {})
        label = str(element.label) or str(len(series))
        # The dots on a curve repeat its values.
        if label not in series or not _same(series[label], columns):
            series[distinct(*series, label)[-1]] = columns
    return [_table(names, series) for names, series in tables.items()]


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(np.array_equal(one[name], other[name], equal_nan=_float(one[name])) for name in one)


def _float(values: Any) -> bool:
    return bool(values.dtype.kind in "fc")


def _table(names: tuple[str, ...], series: dict[str, dict[str, Any]]) -> xr.Dataset:
    variables: dict[str, Any] = {}
    if len(series) > 1:
        lengths = [len(columns[names[0]]) for columns in series.values()]
        variables[distinct(*names, "series")[-1]] = ("row", np.repeat(list(series), lengths))
    for name in names:
        joined = np.concatenate([columns[name] for columns in series.values()])
        variables[name] = ("row", joined.astype(str) if joined.dtype.kind == "O" else joined)
    return picture_dataset(names[-1].replace("_", " "), variables, {})


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
    steps = Steps(indices, view.moments(scene), view.exact(scene))
    about: dict[str, Any] = {"run": scene.data.run.name, "view": view.title}
    used = {*view.depends, *view.follows}
    if view.region in ("stage", "layer"):
        used.add("layer")
    about |= {name: getattr(scene.selected, name) for name in sorted(used)}
    return numbers_of(body, steps), {**about, "caption": view.caption(scene)}

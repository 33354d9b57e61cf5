"""A run in a notebook: the explorer as a cell's output, and its pictures as HoloViews objects."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import holoviews as hv
import numpy as np
import panel as pn

from explorer.data.absence import Absence
from explorer.data.run import RunData
from explorer.plots import style
from explorer.plots.mosaic import mosaic_picture
from explorer.selection import Selection, select_in
from explorer.session.session import Explorer
from explorer.views.base import Region, Scene, View, WithLegend, drawn, fits
from explorer.views.registry import views
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Run, open_run
from store.errors import SpecError, did_you_mean

# Room beside the graph of layers; a notebook's column is narrower than a page.
GRAPH_PX = 252
GRAPH_HEIGHT_PX = 640
# As on a page of that width, cards stand one below the other.
NARROW = "@container (max-width: 999px) { :host { --tl-columns: 1; } }"

_numbers = itertools.count(1)


class _Cell(Explorer):
    """An explorer on a page that it does not own: with a clock of its own."""

    def __init__(self, data: RunData, query: dict[str, Any]) -> None:
        self.channel = f"cell-{next(_numbers)}"
        super().__init__(data, query)


def explore(run: Run | str | Path, **selection: Any) -> pn.Column:
    """Show a run in a notebook: the time control, the network, and every view.

    Parameters
    ----------
    run : Run, str or Path
        An open run, or whatever `store.open_run` opens.
    **selection
        Where to begin, as in the page's address: ``step, layer, unit, probe, target, axis, tab``.

    Returns
    -------
    Column
        A Panel object, which a notebook shows as it is. ``.servable()`` makes it a page.

    Notes
    -----
    Keys are heard while the cell's output is in use. Drawing needs a running kernel; for a file
    that needs none, use ``trainlapse export``.

    Examples
    --------
    >>> explore("runs/lenet.zarr", layer="conv1", step=100)  # doctest: +SKIP
    """
    _bring_scripts()
    cell = _Cell(RunData(_opened(run)), selection)
    _on_its_own(cell.transport)
    network = pn.Column(cell.graph, width=GRAPH_PX, height=GRAPH_HEIGHT_PX, margin=(0, 14, 0, 0))
    return pn.Column(
        cell.transport,
        pn.Row(network, cell.body, sizing_mode="stretch_width", margin=0, stylesheets=[NARROW]),
        sizing_mode="stretch_width",
        stylesheets=[_colours()],
        styles={
            "background": "var(--tl-page)",
            "padding": "10px",
            "border-radius": "10px",
            "container-type": "inline-size",
        },
    )


def titles(run: Run | str | Path, **selection: Any) -> list[str]:
    """Titles of the views that a run, and the selected layer, have.

    Parameters
    ----------
    run : Run, str or Path
        As for `explore`.
    **selection
        As for `explore`.

    Raises
    ------
    SpecError
        The run does not have what is selected.
    """
    scene = _scene(_opened(run), selection)
    return [view.title for view in _fitting(scene) if view.requirement(scene) is None]


def picture(run: Run | str | Path, title: str, **selection: Any) -> hv.Element | hv.Layout:
    """One view as a HoloViews object: to show, to combine with others, to save.

    Parameters
    ----------
    run : Run, str or Path
        As for `explore`.
    title : str
        Heading of the view, one of `titles`.
    **selection
        As for `explore`; without a step, the last one.

    Returns
    -------
    HoloViews object
        A layout, if the view consists of several pictures.

    Raises
    ------
    SpecError
        There is no such view, the run lacks what it needs, or it is painted by the browser alone.

    Examples
    --------
    >>> picture("runs/lenet.zarr", "Feature maps", layer="conv1", step=0)  # doctest: +SKIP
    """
    _bring_scripts()
    style.register()
    scene = _scene(_opened(run), selection)
    fitting = {view.title: view for view in _fitting(scene)}
    if title not in fitting:
        raise SpecError(f"There is no view {title!r} of this. {did_you_mean(title, fitting)}")
    view = fitting[title]
    made = drawn(view, scene)
    if isinstance(made, Absence):
        raise SpecError(f"{title} cannot be drawn: {made}")
    found = list(_pictures(pn.panel(made), scene.index))
    if not found:
        raise SpecError(f"{title} is painted by the browser alone; explore(run) shows it.")
    return found[0] if len(found) == 1 else hv.Layout(found).cols(1)


# -- inside ------------------------------------------------------------------------------------


def _bring_scripts() -> None:
    """Give a notebook's page the scripts that draw, from here: others would ask another host."""
    if "IPython" not in sys.modules:
        return
    if not getattr(hv.extension, "_loaded", False):
        hv.extension("bokeh", logo=False, inline=True)  # how pictures are shown, too
    pn.extension(inline=True)


def _opened(run: Run | str | Path) -> Run:
    return run if isinstance(run, Run) else open_run(run)


def _scene(run: Run, wanted: dict[str, Any]) -> Scene:
    unknown = [name for name in wanted if name not in (*_PARAMETERS, "axis")]
    if unknown:
        raise SpecError(
            f"{unknown[0]!r} cannot be selected. {did_you_mean(unknown[0], _PARAMETERS)}"
        )
    selection, warnings = select_in(run, wanted)
    if warnings:
        raise SpecError(" ".join(warnings))
    data = RunData(run)
    steps = data.timeline.steps
    index = int(steps.searchsorted(selection.step)) if len(steps) else 0
    return Scene(data, selection.key(), index)


_PARAMETERS = [name for name in Selection.param if name not in ("name", "axis")]


def _fitting(scene: Scene) -> Iterator[View]:
    """Give the views that are meant for this run and layer."""
    every = (view for region in get_args(Region) for view in views(region))
    return (view for view in every if fits(view, scene.data, scene.selected.layer))


def _pictures(made: Any, index: int) -> Iterator[hv.Element]:
    """Every picture in a Panel object that HoloViews can draw too."""
    if isinstance(made, WithLegend):
        yield made.picture
        return
    if isinstance(made, pn.pane.HoloViews):
        yield made.object
    elif isinstance(made, FrameGrid):
        yield _twin(made, index)
    for child in getattr(made, "objects", None) or []:
        yield from _pictures(child, index)


def _twin(grid: FrameGrid, index: int) -> hv.Image:
    """Draw what a grid shows at a recorded step."""
    matrix = grid.mode == "matrix"
    return mosaic_picture(
        np.asarray(grid.payload(index)["frame"]),
        low=float(grid.low),
        high=float(grid.high),
        palette=grid.palette,
        value_label=grid.value_name,
        label=grid.label,
        axes=(grid.x_name, grid.y_name) if matrix else None,
        x_labels=grid.x_labels,
        y_labels=grid.y_labels,
    )


def _on_its_own(widget: Any) -> None:
    """Keep a widget's hands off the keys and the address of a page that is somebody else's."""
    if "whole_page" in widget.param:
        widget.whole_page = False


def _colours() -> str:
    """Colours of the explorer's page, light, for this part of another one."""
    sheet = (Path(__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")
    match = re.match(r"\s*:root\s*\{(.*?)\}", sheet, re.DOTALL)
    return f":host {{{match[1] if match else ''} color: var(--tl-text); }}"

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
from explorer.selection import Selection, chosen_part, select_in
from explorer.session.session import Explorer
from explorer.views.base import Region, Scene, View, WithLegend, drawn, fits
from explorer.views.registry import views
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Run, open_run
from store.errors import SpecError, did_you_mean

# Width and height of the layer graph.
GRAPH_PX = 252
GRAPH_HEIGHT_PX = 640
# In a narrow cell cards stand one below the other, as on a narrow page.
NARROW = "@container (max-width: 999px) { :host { --tl-columns: 1; } }"

_numbers = itertools.count(1)


class _Cell(Explorer):
    """The explorer in a cell of a notebook. Each cell has a clock of its own."""

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
        What is selected at first, as in the page's address: ``step``, ``layer``, ``unit``,
        ``probe``, ``target``, ``axis``, ``tab``; and ``part`` of a run of several models, by
        default the first that has activations.

    Returns
    -------
    panel.Column
        A Panel object, which a notebook shows as it is. ``.servable()`` makes it a page.

    Raises
    ------
    RunNotFoundError, RunFormatError, SchemaVersionError, RemoteError
        The run cannot be opened, see `store.open_run`.

    Notes
    -----
    Keys work while the cell's output has the focus. Drawing needs a running kernel; for a file
    that needs none, use ``trainlapse export``.

    Examples
    --------
    >>> explore("runs/lenet.zarr", layer="conv1", step=100)  # doctest: +SKIP
    """
    _load_scripts()
    cell = _Cell(RunData(_opened(run, selection)), selection)
    _leave_page_alone(cell.transport)
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
    """List the titles of the views that can be drawn of a run and the selected layer.

    Parameters
    ----------
    run : Run, str or Path
        As for `explore`.
    **selection
        As for `explore`.

    Returns
    -------
    list of str
        Titles, as `picture` takes them.

    Raises
    ------
    SpecError
        The run does not have what is selected.
    RunNotFoundError, RunFormatError, SchemaVersionError, RemoteError
        The run cannot be opened, see `store.open_run`.
    """
    scene = _scene(_opened(run, selection), selection)
    return [view.title for view in _fitting(scene) if view.requirement(scene) is None]


def picture(run: Run | str | Path, title: str, **selection: Any) -> hv.Element | hv.Layout:
    """Draw one view as a HoloViews object: to show, to combine with others, to save.

    Parameters
    ----------
    run : Run, str or Path
        As for `explore`.
    title : str
        Title of the view, one of `titles`.
    **selection
        As for `explore`. By default the last step.

    Returns
    -------
    holoviews.Element or holoviews.Layout
        A layout if the view has several pictures.

    Raises
    ------
    SpecError
        There is no such view, the run lacks what it needs, or only the browser can draw it.
    RunNotFoundError, RunFormatError, SchemaVersionError, RemoteError
        The run cannot be opened, see `store.open_run`.

    Examples
    --------
    >>> picture("runs/lenet.zarr", "Feature maps", layer="conv1", step=0)  # doctest: +SKIP
    """
    _load_scripts()
    style.register()
    scene = _scene(_opened(run, selection), selection)
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


def _load_scripts() -> None:
    """Put the scripts that draw into a notebook's page, which else loads them from another host."""
    if "IPython" not in sys.modules:
        return
    if not getattr(hv.extension, "_loaded", False):
        hv.extension("bokeh", logo=False, inline=True)  # HoloViews objects need it as well
    pn.extension(inline=True)


def _opened(run: Run | str | Path, wanted: dict[str, Any]) -> Run:
    return chosen_part(run if isinstance(run, Run) else open_run(run), wanted)


def _scene(run: Run, wanted: dict[str, Any]) -> Scene:
    unknown = [name for name in wanted if name not in (*_PARAMETERS, "axis", "part")]
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
    """Return the views that are meant for the run and the layer of a scene."""
    every = (view for region in get_args(Region) for view in views(region))
    return (view for view in every if fits(view, scene.data, scene.selected.layer))


def _pictures(made: Any, index: int) -> Iterator[hv.Element]:
    """Pictures in a Panel object, as HoloViews objects, if HoloViews can draw them."""
    if isinstance(made, WithLegend):
        yield made.picture
        return
    if isinstance(made, pn.pane.HoloViews):
        yield made.object
    elif isinstance(made, FrameGrid):
        yield _grid_image(made, index)
    for child in getattr(made, "objects", None) or []:
        yield from _pictures(child, index)


def _grid_image(grid: FrameGrid, index: int) -> hv.Image:
    """Draw with HoloViews what a grid shows at a recorded step."""
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


def _leave_page_alone(widget: Any) -> None:
    """Keep a widget from using the keys and the address of the notebook's page."""
    if "whole_page" in widget.param:
        widget.whole_page = False


def _colours() -> str:
    """Style sheet with the light colours of the explorer's page, for a part of another page."""
    sheet = (Path(__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")
    match = re.match(r"\s*:root\s*\{(.*?)\}", sheet, re.DOTALL)
    return f":host {{{match[1] if match else ''} color: var(--tl-text); }}"

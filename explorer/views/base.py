"""What a view is: it says what it needs, computes, and draws."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import holoviews as hv
import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data import RunData
from explorer.derived.timeline import LABELS, log_ticks
from explorer.plots import style
from explorer.plots.legend import entries, without_legend
from explorer.state import Moment
from explorer.widgets.legend import legend
from store import Layer


@dataclass(frozen=True)
class Scene:
    """What a view draws: a run, a selection, and where the slider is.

    Attributes
    ----------
    data : RunData
        The run.
    moment : Moment
        Layer, probe and time axis.
    index : int
        Position of the step on screen; cursors start there.
    channel : str
        Clock of the page.
    """

    data: RunData
    moment: Moment
    index: int = 0
    channel: str = "main"

    @property
    def layer(self) -> Layer:
        """The selected layer."""
        return self.data.run.layers[self.moment.layer]

    @property
    def positions(self) -> npt.NDArray[np.float64]:
        """Place of each recorded step on the time axis."""
        return self.data.timeline.positions(self.moment.axis)

    def time_options(self) -> dict[str, Any]:
        """Arguments that every plot over time takes."""
        options: dict[str, Any] = {"x_label": LABELS[self.moment.axis], "index": self.index}
        if self.moment.axis == "log_step" and len(self.data.timeline.steps):
            options["ticks"] = log_ticks(float(self.data.timeline.steps[-1]))
        return options


Region = Literal["run", "joint", "stage", "layer", "learning", "training"]


class View(abc.ABC):
    """One picture.

    `compute` runs in a worker thread and may be slow; `draw` runs in the session and must be
    quick. A view draws once for a selection: what moves with the step moves in the browser.

    Attributes
    ----------
    title : str
        Heading.
    region : {"run", "joint", "stage", "layer", "learning", "training"}
        Where it stands. On every tab: what is true of the whole run. On the tab of layers: all
        layers jointly; the selected layer's main picture, beside the probe (one view a layer);
        its other pictures. On tabs of their own: what was learned when, and how the training went.
    kinds : frozenset of str or None
        Layer kinds that it serves; None: all.
    depends : tuple of str
        Fields of `Moment` that it depends on; it is drawn anew when one of them changes.
    follows : tuple of str
        Fields of `Moment` to which the drawn picture is adapted in place, by `follow`.
    order : int
        Place among the views, smallest first.
    width : int
        Columns that it takes, of twelve.
    """

    title: ClassVar[str]
    region: ClassVar[Region]
    kinds: ClassVar[frozenset[str] | None] = None
    depends: ClassVar[tuple[str, ...]] = ()
    follows: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[int] = 100
    width: ClassVar[int] = 6

    def applies(self, data: RunData) -> bool:
        """Whether the view is meant for this kind of run at all."""
        return True

    def serves(self, layer: Layer) -> bool:
        """Whether the view is meant for this kind of layer at all."""
        return self.kinds is None or layer.kind in self.kinds

    def requirement(self, scene: Scene) -> str | None:
        """Say what is missing and the remedy, in a sentence; None if the view can be drawn."""
        return None

    @abc.abstractmethod
    def caption(self, scene: Scene) -> str:
        """Say what is shown, with units, and how to read it."""

    def compute(self, scene: Scene) -> Any:
        """Compute everything that `draw` needs, in a worker thread."""
        return None

    @abc.abstractmethod
    def draw(self, scene: Scene, computed: Any) -> Any:
        """Make a Panel object or something that Panel shows."""

    def follow(self, scene: Scene, body: Any) -> None:
        """Adapt what `draw` made to a change of a field in `follows`."""
        raise NotImplementedError

    def key(self, moment: Moment) -> tuple[Any, ...]:
        """Give the values that the drawing is made for."""
        return tuple(getattr(moment, name) for name in self.depends)


NO_STEPS = "No step has been recorded yet."


def needs_steps(scene: Scene, least: int = 1) -> str | None:
    """Require a number of recorded steps."""
    count = len(scene.data.run)
    if count >= least:
        return None
    if count == 0:
        return NO_STEPS
    return f"This needs {least} recorded steps, the run has {count}. Record at a denser schedule."


def needs_activation(scene: Scene) -> str | None:
    """Require a recorded activation of the selected layer."""
    if scene.layer.has_activation:
        return needs_steps(scene)
    if scene.layer.kind == "input":
        return "An input layer hands on the probe itself; there is nothing to see beside it."
    return f"The activation of {scene.layer.name} was not recorded."


def needs_every_activation(data: RunData) -> str | None:
    """Require the recorded activation of every layer but the inputs."""
    silent = [
        name
        for name, layer in data.run.layers.items()
        if not layer.has_activation and layer.kind != "input"
    ]
    if not silent:
        return None
    return f"The activation of {', '.join(silent[:3])} was not recorded. Record every layer."


def needs_network(data: RunData) -> str | None:
    """Require that every layer can be evaluated and differentiated."""
    unsupported = data.network.unsupported
    if not unsupported:
        return None
    name, why = next(iter(unsupported.items()))
    return f"{name} cannot be followed: {why}"


def plot_pane(element: hv.Element | hv.Overlay) -> pn.pane.HoloViews | WithLegend:
    """Show a picture; with a legend below it if it asks for one."""
    return WithLegend(element) if entries(element) else figure_pane(element)


class WithLegend(pn.Column):
    """A picture and below it its legend, which wraps: inside of a figure it could not.

    Parameters
    ----------
    picture : Overlay
        Curves with names.

    Attributes
    ----------
    picture : Overlay
        As it was given, with a legend of its own.
    """

    def __init__(self, picture: hv.Overlay) -> None:
        self.picture = picture
        super().__init__(
            figure_pane(without_legend(picture)),
            legend(entries(picture), "line"),
            sizing_mode="stretch_width",
            margin=0,
        )


def figure_pane(element: hv.Element | hv.Overlay) -> pn.pane.HoloViews:
    """Pane of a picture whose axes are its own."""
    return pn.pane.HoloViews(
        element, theme=style.LOOK, linked_axes=False, sizing_mode="stretch_width", margin=0
    )

"""What a view is: it says what it needs, computes, and draws, or says why there is no picture.

For when there is a card, and what is on it, see `explorer.data.absence`.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import holoviews as hv
import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import (
    RECORD_WEIGHTS,
    Absence,
)
from explorer.data.run import RunData
from explorer.derived.time.timeline import LABELS, log_ticks
from explorer.plots import style
from explorer.plots.legend import entries, without_legend
from explorer.selection import SelectionKey
from explorer.widgets.charts.legend import legend
from store import Layer

# Pictures that stay in the page, so that going back to a layer is instant.
KEPT_PICTURES = 3
# Sentences that a card keeps, of selections that have nothing to show.
KEPT_SENTENCES = 1024


# A card that still shows another selection is dimmed, after a delay: quick changes do not flash.
DIMMED = """
[aria-busy="true"] {
  opacity: 0.4;
  pointer-events: none;
  transition: opacity 0.12s linear 0.2s;
}
"""


@dataclass(frozen=True)
class Scene:
    """What a view draws: a run, a selection, and where the slider is.

    Attributes
    ----------
    data : RunData
        The run.
    selected : SelectionKey
        Layer, probe and time axis.
    index : int
        Position of the step on screen; cursors start there.
    channel : str
        Clock of the page.
    """

    data: RunData
    selected: SelectionKey
    index: int = 0
    channel: str = "main"

    @property
    def layer(self) -> Layer:
        """The selected layer."""
        return self.data.run.layers[self.selected.layer]

    @property
    def positions(self) -> npt.NDArray[np.float64]:
        """Place of each recorded step on the time axis."""
        return self.data.timeline.positions(self.selected.axis)

    @property
    def lines(self) -> list[str]:
        """Colours of curves, in turn: the run's own first, if it stands beside another one."""
        return list(style.lines_at(self.index))

    @property
    def categories(self) -> list[str]:
        """Colours of what is no run, gates for instance: the same in both runs of a pair."""
        return list(style.categories_at(self.index))

    def time_options(self) -> dict[str, Any]:
        """Arguments that every plot over time takes."""
        axis, timeline = self.selected.axis, self.data.timeline
        epochs = timeline.epoch_ends(axis) if axis != "epoch" else style.NO_PLACES
        jumps = timeline.before(self.data.weight_jumps, axis)
        dotted = "; dotted: epochs" if len(epochs) else ""
        dashed = "; dashed: weights set" if len(jumps) else ""
        options: dict[str, Any] = {
            "x_label": LABELS[axis] + dotted + dashed,
            "index": style.ClockIndex.of(self.index, epochs, jumps),
        }
        if axis == "log_step" and len(timeline.steps):
            options["ticks"] = log_ticks(float(timeline.steps[-1]))
        return options


@dataclass(frozen=True)
class Unfinished:
    """What a view has computed so far; others get their turn before it goes on.

    Attributes
    ----------
    share : float
        How much that is, from 0 to 1.
    go_on : callable
        Computes more: gives what `View.compute` may give.
    so_far : object, optional
        What `View.draw` can draw meanwhile; None: nothing new.
    """

    share: float
    go_on: Callable[[], Any]
    so_far: Any = None


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
        Fields of `SelectionKey` that it depends on; it is drawn anew when one of them changes.
    follows : tuple of str
        Fields of `SelectionKey` to which the drawn picture is adapted in place, by `follow`.
    order : int
        Place among the views, smallest first.
    width : int
        Columns that it takes, of twelve.
    """

    title: str
    region: ClassVar[Region]
    kinds: ClassVar[frozenset[str] | None] = None
    depends: ClassVar[tuple[str, ...]] = ()
    follows: ClassVar[tuple[str, ...]] = ()
    order: int = 100
    width: ClassVar[int] = 6

    @classmethod
    def instances(cls) -> list[View]:
        """Make the views of this class: one, or one of each of several things."""
        return [cls()]

    def applies(self, data: RunData) -> bool:
        """Whether the view is meant for this kind of run at all."""
        return True

    def serves(self, layer: Layer) -> bool:
        """Whether the view is meant for this kind of layer at all."""
        return self.kinds is None or layer.kind in self.kinds

    def requirement(self, scene: Scene) -> Absence | None:
        """Say what is missing, and the remedy if there is one; None if the view can be drawn.

        Asked of every card on the page for each selection: it must be quick.
        """
        return None

    def prepare(self, scene: Scene) -> None:
        """Ask for what only the session's thread may be asked for, just before `compute`."""
        return

    @abc.abstractmethod
    def caption(self, scene: Scene) -> str:
        """Say what is shown, with units, and how to read it."""

    def compute(self, scene: Scene) -> Any:
        """Compute everything that `draw` needs, in a worker thread.

        Loops over recorded steps say how far they are, see `explorer.derived.time.headway`.

        Returns
        -------
        object
            For `draw`; or `Nothing`, if there is nothing to draw; or `Unfinished`.
        """
        return None

    def moments(self, scene: Scene) -> npt.NDArray[Any]:
        """Give what numbers call each position of the slider: the updates done by then."""
        return scene.data.timeline.steps

    @abc.abstractmethod
    def draw(self, scene: Scene, computed: Any) -> Any:
        """Make a Panel object or something that Panel shows."""

    def follow(self, scene: Scene, body: Any) -> None:
        """Adapt what `draw` made to a change of a field in `follows`."""
        raise NotImplementedError

    def key(self, selected: SelectionKey) -> tuple[Any, ...]:
        """Give the values that the drawing is made for."""
        return tuple(getattr(selected, name) for name in self.depends)


def fits(view: View, data: RunData, layer: str) -> bool:
    """Whether a view is meant for this kind of run and, if it is of a layer, for that layer."""
    if not view.applies(data):
        return False
    if view.region not in ("stage", "layer"):
        return True
    return layer in data.run.layers and view.serves(data.run.layers[layer])


def drawn(view: View, scene: Scene) -> Any:
    """Draw a view on the spot: give what it draws, or the `Absence` that stands in its place."""
    missing = view.requirement(scene)
    if missing is not None:
        return missing
    view.prepare(scene)
    computed = view.compute(scene)
    while isinstance(computed, Unfinished):
        computed = computed.go_on()
    return computed if isinstance(computed, Absence) else view.draw(scene, computed)


# Layers that a sentence names.
MOST_NAMED = 3


def named(layers: Sequence[str]) -> str:
    """Name some layers."""
    return ", ".join(layers[:MOST_NAMED]) + (" and others" if len(layers) > MOST_NAMED else "")


def weights_not_recorded(data: RunData, layers: Sequence[str]) -> str:
    """Say that the weights of layers were not recorded, and the remedy."""
    if not any(layer.weights for layer in data.run.layers.values()):
        return f"No weights were recorded. {RECORD_WEIGHTS}"
    return f"The weights of {named(layers)} were not recorded. {RECORD_WEIGHTS}"


def has_lost_weights(layer: Layer) -> bool:
    """Whether a layer has weights, but none was recorded."""
    return layer.parameters > 0 and not layer.weights


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


@dataclasses.dataclass(frozen=True)
class Failure:
    """What went wrong, in place of a result."""

    message: str

    def __str__(self) -> str:
        return f"This picture cannot be drawn: {self.message}"

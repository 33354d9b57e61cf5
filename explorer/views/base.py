"""What a view is: it says what it needs, computes, and draws, or says why there is no picture.

For when there is a card, and what is on it, see `explorer.absence`.
"""

from __future__ import annotations

import abc
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import holoviews as hv
import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.absence import (
    DENSER,
    GIVE_LABELS,
    GIVE_PROBE,
    RECORD_LAYERS,
    RECORD_WEIGHTS,
    Absence,
    Lack,
    Nothing,
    Unfit,
)
from explorer.data import RunData
from explorer.derived.plain import only_value
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


@dataclass(frozen=True)
class Unfinished:
    """What a view has computed so far; others get their turn before it goes on.

    Attributes
    ----------
    share : float
        How much that is, from 0 to 1.
    go_on : callable
        Computes more: gives what `View.compute` may give.
    """

    share: float
    go_on: Callable[[], Any]


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

        Loops over recorded steps say how far they are, see `explorer.derived.headway`.

        Returns
        -------
        object
            For `draw`; or `Nothing`, if there is nothing to draw; or `Unfinished`.
        """
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


NO_STEPS = "No step has been recorded yet."
# Layers that a sentence names.
MOST_NAMED = 3


def needs_steps(scene: Scene, least: int = 1) -> Lack | None:
    """Require a number of recorded steps."""
    count = len(scene.data.run)
    if count >= least:
        return None
    if count == 0:
        return Lack(NO_STEPS)
    recorded = "1 step was" if count == 1 else f"{count} steps were"
    return Lack(f"This needs {least} recorded steps; {recorded} recorded. {DENSER}")


def needs_activation(scene: Scene) -> Absence | None:
    """Require a recorded activation of the selected layer."""
    if scene.layer.has_activation:
        return needs_steps(scene)
    if scene.layer.kind == "input":
        return Unfit("An input layer hands on the probe itself; there is nothing to see beside it.")
    return Lack(not_recorded(scene.data, [scene.layer.name]))


def not_recorded(data: RunData, layers: Sequence[str]) -> str:
    """Say that the activation of layers was not recorded, and the remedy."""
    if data.run.probe is None:
        return GIVE_PROBE
    if not any(layer.has_activation for layer in data.run.layers.values()):
        return f"No activation was recorded. {RECORD_LAYERS}"
    return f"The activation of {named(layers)} was not recorded. {RECORD_LAYERS}"


def named(layers: Sequence[str]) -> str:
    """Name some layers."""
    return ", ".join(layers[:MOST_NAMED]) + (" and others" if len(layers) > MOST_NAMED else "")


def needs_input(data: RunData) -> Absence | None:
    """Require a probe whose only input is kept with the run."""
    probe = data.run.probe
    if probe is None:
        return Lack(GIVE_PROBE)
    if len(probe.inputs) > 1:
        return Unfit(f"The network takes {len(probe.inputs)} inputs; this is for one.")
    return Lack("The probe's inputs were not kept with this run.") if not probe.inputs else None


def needs_weights(scene: Scene) -> Absence | None:
    """Require recorded weights of the selected layer."""
    name = scene.layer.name
    if scene.layer.weights:
        return None
    if scene.data.network.first_call(name) != name:
        return Unfit(f"{name} is called again, with the weights of its first call.")
    return Lack(weights_not_recorded(scene.data, [name]))


def weights_not_recorded(data: RunData, layers: Sequence[str]) -> str:
    """Say that the weights of layers were not recorded, and the remedy."""
    if not any(layer.weights for layer in data.run.layers.values()):
        return f"No weights were recorded. {RECORD_WEIGHTS}"
    return f"The weights of {named(layers)} were not recorded. {RECORD_WEIGHTS}"


def has_lost_weights(layer: Layer) -> bool:
    """Whether a layer has weights, but none was recorded."""
    return layer.parameters > 0 and not layer.weights


def needs_every_weight(data: RunData) -> Lack | None:
    """Require recorded weights of every layer that has any."""
    lost = [
        name
        for name, layer in data.run.layers.items()
        if has_lost_weights(layer) and data.network.first_call(name) == name
    ]
    return Lack(weights_not_recorded(data, lost)) if lost else None


def needs_every_activation(data: RunData) -> Lack | None:
    """Require the recorded activation of every layer but the inputs."""
    silent = [
        name
        for name, layer in data.run.layers.items()
        if not layer.has_activation and layer.kind != "input"
    ]
    return Lack(not_recorded(data, silent)) if silent else None


def needs_classifier(data: RunData) -> Absence | None:
    """Require one output that says how probable each class is."""
    if data.reading is not None:
        return None
    layers = data.run.layers
    outputs = [layers[name] for name in data.run.outputs if name in layers]
    recorded = [output for output in outputs if output.has_activation]
    if outputs and not recorded:
        return Lack(not_recorded(data, [output.name for output in outputs]))
    if len(recorded) > 1:
        return Unfit(f"The network has {len(recorded)} outputs; this is for one.")
    return Unfit("The network is no classifier: its output is not the probability of each class.")


def needs_classes(data: RunData) -> Absence | None:
    """Require a classifier, and the class of each probe."""
    missing = needs_classifier(data)
    if missing is None and data.class_labels is None:
        return Lack(f"The classes of the probes are not known. {GIVE_LABELS}")
    return missing


def needs_network(data: RunData) -> Unfit | None:
    """Require that every layer can be evaluated and differentiated."""
    unsupported = data.network.unsupported
    if not unsupported:
        return None
    name, why = next(iter(unsupported.items()))
    return Unfit(f"{name} cannot be followed: {why}")


def nothing_in(values: npt.NDArray[Any], what: str) -> Nothing | None:
    """Say that values over all steps are one, of which there is nothing to see but that.

    Parameters
    ----------
    values : ndarray
        Of any shape; what is not finite does not count.
    what : str
        What they are, in the singular, as the beginning of a sentence.
    """
    value = only_value(values)
    if value is None:
        return None
    if np.isnan(value):
        return Nothing(f"{what} is not a number at any recorded step.")
    known = "" if np.isfinite(values).all() else " at which it is a number"
    return Nothing(f"{what} is {value:.4g} at every recorded step{known}.")


def sentence_pane(sentence: str) -> pn.pane.HTML:
    """Show a sentence in place of one of several pictures on a card."""
    return pn.pane.HTML(
        f'<p style="margin:6px 0;color:var(--tl-text)">{html.escape(sentence)}</p>',
        margin=0,
        sizing_mode="stretch_width",
    )


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

"""The explorer's widgets as plain values, with which their scripts run without Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from panel.custom import JSComponent

from explorer.data.metrics import METRIC_GROUPS, metric_curve, smoothed_curve
from explorer.data.run import RunData
from explorer.derived.time.timeline import first_from, usual_axis
from explorer.plots.style import CHANNEL, LINES, class_colour
from explorer.replay import tour
from explorer.replay.contents import Contents
from explorer.selection import TABS, UNCHOSEN, SelectionKey, default_layer, unit_families
from explorer.views.base import Scene, View
from explorer.views.layer.activation import FeatureMaps, UnitHeatmap
from explorer.widgets.base import Widget
from explorer.widgets.charts.probability_bars import ProbabilityBars
from explorer.widgets.page.layer_graph import LayerGraph
from explorer.widgets.page.probe_picker import ProbePicker
from explorer.widgets.pictures.frame_grid import FrameGrid
from explorer.widgets.time.moments import Moments
from explorer.widgets.time.transport import Transport

State = dict[str, Any]

# Components of the page; its script, host.js, imports theirs.
WIDGETS: tuple[type[Widget], ...] = (
    Transport,
    Moments,
    LayerGraph,
    ProbePicker,
    ProbabilityBars,
    FrameGrid,
)
# Views of a layer's main picture; the first one that serves the layer is used.
STAGE: tuple[View, ...] = (FeatureMaps(), UnitHeatmap())
# Points of a curve at the most: more than a card is wide in pixels.
MOST_POINTS = 1000


def values_of(widget: Widget) -> State:
    """Return the values of a widget's own parameters, by name."""
    own = [name for name in type(widget).param if name not in JSComponent.param]
    return {name: getattr(widget, name) for name in own}


def view_of(data: RunData, layer: str) -> View:
    """Return the main view of a layer."""
    return next(view for view in STAGE if view.serves(data.run.layers[layer]))


def scene_of(data: RunData, layer: str, probe: int) -> Scene:
    """Scene of a layer's main picture for one probe."""
    return Scene(data, SelectionKey(layer, probe, "step"))


def picture(data: RunData, layer: str, probe: int) -> State:
    """Return caption and widget of a layer's picture for one probe, without its frames."""
    view, scene = view_of(data, layer), scene_of(data, layer, probe)
    grid = view.draw(scene, view.compute(scene))
    return {"caption": view.caption(scene), "grid": values_of(grid)}


def transport(data: RunData, contents: Contents) -> State:
    """Return the values of the time control, for the steps in the file."""
    at = list(contents.steps)
    choice = {"layer": start_layer(data, contents), "probe": 0, "unit": 0, "tab": TABS[0]}
    clocks = data.timeline
    return values_of(
        Transport(
            steps=clocks.steps[at].astype(np.float64),
            epochs=clocks.epochs[at].astype(np.float64),
            wall_times=clocks.wall_times[at].astype(np.float64),
            ending=data.has_ending and at[-1:] == [len(clocks.steps) - 1],
            jumps=first_from(clocks.steps[at], data.weight_jumps),
            choice=choice | {"target": UNCHOSEN},
            families=unit_families(data.run),
            axis=usual_axis(clocks.steps[at]),
            channel=CHANNEL,
        )
    )


def moments(data: RunData, bookmarks: tour.Tour, contents: Contents) -> State | None:
    """Return the values of the tour, which is read-only; None if no moment is in the file."""
    described = tour.described(data, bookmarks, contents)
    return values_of(Moments(moments=described, channel=CHANNEL)) if described else None


def start_layer(data: RunData, contents: Contents) -> str:
    """Return the name of the layer that is selected at first."""
    usual = default_layer(data.run)
    if usual in contents.layers or not contents.layers:
        return usual
    return contents.layers[0]


def graph(data: RunData) -> State:
    """Return the values of the layer graph, without quantities: those are computed in Python."""
    return values_of(LayerGraph.of(data.run.layers, channel=CHANNEL))


def picker(data: RunData, contents: Contents) -> State:
    """Return the values of the probe picker. Probes without inputs are shown by their numbers."""
    kept, probe = list(contents.probes), data.run.probe
    if probe is None or not probe.size:
        made = ProbePicker(labels=[""] * len(kept), texts=[f"probe {number}" for number in kept])
        return values_of(made)
    whole = ProbePicker.of(probe, class_names=data.class_names, channel=CHANNEL)
    if whole.images is not None:
        whole.images = whole.images[kept]
    elif whole.texts:
        whole.texts = [whole.texts[number] for number in kept]
    else:
        whole.texts = [f"probe {number}" for number in kept]
    whole.labels = [whole.labels[number] for number in kept]
    verdicts = data.verdicts()
    if verdicts is not None:
        cut = np.ix_(contents.steps, contents.probes)
        whole.param.update(predicted=verdicts.predicted[cut], correct=verdicts.marks[cut])
    whole.ids = kept
    return values_of(whole)


def bars(data: RunData) -> State | None:
    """Return the values of the probability bars, without probabilities; None for no classifier."""
    if data.reading is None:
        return None
    colours = [class_colour(number) for number in range(len(data.class_names))]
    made = ProbabilityBars(class_names=data.class_names, colours=colours, channel=CHANNEL)
    return values_of(made)


def predictions(data: RunData, contents: Contents) -> list[State]:
    """Return probabilities and true class of each probe; empty for no classifier."""
    found: list[State] = []
    for probe in contents.probes if data.reading is not None else ():
        values = data.probabilities(probe)
        assert values is not None  # of a classifier
        true = data.true_class(probe)
        truth = -1 if true is None else true
        found.append({"values": values[list(contents.steps)], "truth": truth})
    return found


def charts(data: RunData) -> list[State]:
    """Return the curves of loss and metrics, without groups that have none."""
    found = []
    for group in METRIC_GROUPS:
        series = [_series(data, name, at) for at, name in enumerate(group.names(data))]
        if series:
            found.append({"title": group.title, "y_name": group.y_label, "series": series})
    return found


def undrawn(data: RunData) -> list[str]:
    """Return the names of the metrics that no chart shows."""
    drawn = {name for group in METRIC_GROUPS for name in group.names(data)}
    return [str(name) for name in data.metrics if name not in drawn]


def _series(data: RunData, name: str, at: int) -> State:
    """Return the curve of one metric, thinned, with its positions on each time axis."""
    updates, values = smoothed_curve(data, name) or metric_curve(data, name, MOST_POINTS)
    places: dict[str, npt.NDArray[np.float64]] = {
        axis: data.timeline.convert(updates, axis) for axis in ("step", "epoch", "wall_time")
    }
    with np.errstate(over="ignore"):  # a loss beyond float32 is drawn as infinite
        shown = values.astype(np.float32)
    colour = LINES[at % len(LINES)]
    return {"name": name, "colour": colour, "places": places, "values": shown}

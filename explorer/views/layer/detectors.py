"""Units that separate one class from all others, and since when they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import MORE_PROBES, Absence, Lack, Nothing
from explorer.data.detections import (
    Detections,
    detections_of,
    on_larger_set,
    turns_of_detections,
)
from explorer.data.larger_set import larger_set, said_of_examples, steps_read
from explorer.data.responses import answering_layer, left_out, units_left_out
from explorer.data.run import RunData
from explorer.derived.predictions.labels import NO_CLASS
from explorer.derived.time.over_steps import NEVER, first, first_stable
from explorer.derived.time.plain import only_value
from explorer.derived.time.timeline import edges
from explorer.derived.units.selectivity import (
    DETECTOR_AUC,
    FEWEST,
    SHUFFLES,
)
from explorer.plots.matrices import time_heatmap
from explorer.views.alternatives import Alternatives, Chosen
from explorer.views.base import Scene, Unfinished, View, plot_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_activation, needs_classed_examples, needs_steps
from explorer.views.turns import in_turns
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, scrolled
from store import Layer

Array = npt.NDArray[Any]

HEIGHT = 240
# The table scrolls.
TABLE_HEIGHT = 210
# A table that can still be read.
MOST_ROWS = 100
# AUC of a unit that does not separate the classes.
CHANCE = 0.5
# By how a unit's positions become one value, and what is coloured.
LARGEST, MEAN, INDEX = "largest", "mean", "index"
OPTIONS = {LARGEST: "AUC, largest answer", MEAN: "AUC, mean answer", INDEX: "selectivity index"}
ALONE = {LARGEST: "AUC of the best class", INDEX: "selectivity index"}


def rows_of(found: Detections, steps: Array) -> Callable[[int], Mapping[str, Any]]:
    """Make what lists the detectors of a recorded step.

    Parameters
    ----------
    found : Detections
        What the units tell.
    steps : ndarray (step,)
        Optimizer updates at each recorded step.
    """
    auc, preferred = found.selectivity.auc, found.selectivity.preferred
    names, numbers, looked = found.class_names, found.units, steps[found.steps]

    def provide(index: int) -> Mapping[str, Any]:
        now = found.nearest[index]
        classes = preferred[now]
        units = np.flatnonzero(classes != NO_CLASS)
        # That of its class of now, at every step: (look, unit).
        detects = auc[:, units, classes[units]] >= DETECTOR_AUC
        units, detects = units[detects[now]], detects[:, detects[now]]
        values = auc[now, units, classes[units]]
        since, lost = first_stable(detects[: now + 1]), first(~detects[now:])
        order = np.lexsort((units, since, -values))[:MOST_ROWS]
        rows = [
            [
                str(numbers[units[at]]),
                names[classes[units[at]]],
                f"{values[at]:.3f}",
                f"{int(looked[since[at]]):,}",
                "the end" if lost[at] == NEVER else f"{int(looked[now + lost[at]]):,}",
            ]
            for at in order
        ]
        chooses = [{"unit": int(numbers[units[at]])} for at in order]
        if len(units) > len(order):
            rows.append(["", f"and {len(units) - len(order):,} more", "", "", ""])
            chooses.append({})
        return {"rows": rows, "chooses": chooses}

    return provide


def few_of_class(labels: Array) -> str | None:
    """Say that no class has enough examples, and enough others; None: one has."""
    sizes = np.bincount(labels[labels >= 0], minlength=2)
    if ((sizes >= FEWEST) & (sizes.sum() - sizes >= FEWEST)).any():
        return None
    return (
        f"Which units detect a class cannot be told of fewer than {FEWEST} probes a class; there "
        f"are {sizes.max()} at most. {MORE_PROBES}"
    )


def needs_enough(data: RunData) -> Lack | None:
    """Require a class with enough examples, and enough others."""
    few = None if larger_set(data) is not None else few_of_class(_labels(data))
    return None if few is None else Lack(few)


def _labels(data: RunData) -> Array:
    return np.zeros(0, np.int64) if data.class_labels is None else data.class_labels


@register
class ClassDetectors(View):
    """AUC of every unit over training, and which units detect a class at the step on screen."""

    title = "Class detectors"
    region = "layer"
    depends = ("layer", "axis")
    order = 53
    width = 6

    def __init__(self) -> None:
        self._shown = LARGEST

    def serves(self, layer: Layer) -> bool:
        return layer.kind != "input"

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene, least=2) or needs_classed_examples(scene.data)
        return missing or needs_activation(scene) or needs_enough(scene.data)

    def caption(self, scene: Scene) -> str:
        layer = scene.selected.layer
        answering = answering_layer(scene.data, layer)
        after, card = "", "“What excites the unit most”"
        if answering != layer:
            after, card = f" after {answering}", f"{card} of {answering}"
        probe, larger = scene.data.run.probe, on_larger_set(scene.data, layer)
        ink = ", ink for instance" if probe is not None and probe.kind == "image" else ""
        shown = ", which shows the probes" if larger else ""
        how = f"its value{after}"
        if len(scene.layer.output_shape) > 1:
            how = (
                f"its largest value over positions{after}, as in {card}{shown}; its mean says "
                f"rather how much there is of anything{ink}"
            )
        left = units_left_out if larger else left_out
        return (
            "AUC: how often a unit gives more for an example of a class than for one of another "
            "(0.5: no better than chance, 1: always); coloured is its best class. What it gives "
            f"is {how}. From {DETECTOR_AUC:g} on it is a detector. By chance: with the labels of "
            f"these examples shuffled {SHUFFLES} times; the AUC is what a best class exceeds in 1 "
            "of 20 cases. At step 0 nothing is learned; what detects there, the inputs alone bring "
            f"about. Classes of fewer than {FEWEST} examples are left out. "
            f"{_examples(scene.data, layer)}{left(scene.data, layer)}"
        )

    def compute(self, scene: Scene) -> Chosen | Nothing | Unfinished:
        turns = turns_of_detections(scene.data, scene.selected.layer)
        return in_turns(turns, lambda: self._computed(scene))

    def _computed(self, scene: Scene) -> Chosen | Nothing:
        name = self._shown if self._shown in _options(scene) else LARGEST
        alone = len(scene.layer.output_shape) == 1
        return Chosen.of(name, _detections(scene, name), alone=alone)

    def draw(self, scene: Scene, computed: Chosen) -> Alternatives:
        options = _options(scene)
        made = computed.made
        if isinstance(made, Detections) and not np.isfinite(made.selectivity.index).any():
            options.pop(INDEX)
        return Alternatives(
            scene.data,
            options,
            computed.name if computed.name in options else LARGEST,
            computed.made,
            compute=lambda name: _detections(scene, name),
            draw=lambda name, made: _body(scene, made, name),
            chosen=lambda name: setattr(self, "_shown", name),
            title="Show",
            channel=scene.channel,
        )


def _options(scene: Scene) -> dict[str, str]:
    return dict(OPTIONS if len(scene.layer.output_shape) > 1 else ALONE)


def _examples(data: RunData, layer: str) -> str:
    """Say of which examples the numbers are, how many of a class, and at which steps."""
    if on_larger_set(data, layer):
        steps = (
            " “Since” and “until” are of those." if len(steps_read(data)) < len(data.run) else ""
        )
        return f"{said_of_examples(data)}{steps}"
    labels = _labels(data)
    sizes = np.unique(labels[labels >= 0], return_counts=True)[1]
    low, high = int(sizes.min()), int(sizes.max())
    each = f"{low}" if low == high else f"{low} to {high}"
    return f"Measured on the {len(labels):,} probes, {each} of each class."


def _detections(scene: Scene, name: str) -> Detections | Nothing:
    data, layer = scene.data, scene.selected.layer
    few = None if on_larger_set(data, layer) else few_of_class(_labels(data))
    if few is not None:
        return Nothing(few)
    found = detections_of(data, layer, "mean" if name == MEAN else "max")
    value = only_value(found.best)
    if value is None:
        return found
    if np.isnan(value):
        return Nothing(f"No unit of {layer} gives a number, for any example, at any step.")
    if value > CHANCE:
        return Nothing(f"Each unit of {layer} has an AUC of {value:.3g} at every recorded step.")
    return Nothing(
        f"No unit of {layer} tells a class from the others any better than chance, at any "
        "recorded step."
    )


def _body(scene: Scene, computed: Detections, name: str) -> pn.Column:
    """Make the picture, what was counted, and the list of detectors."""
    shared: dict[str, Any] = {
        "channel": scene.channel,
        "sizing_mode": "stretch_width",
        "margin": 0,
    }
    key = f"{scene.data.run.id}|detectors|{scene.selected.layer}|{name}"
    counts = StepTable(
        lambda index: {"rows": [_counted(computed, index)]},
        len(scene.data.run),
        key=f"{key}|counts",
        columns=["detectors now", "at the first step", "by chance", "of units", "AUC by chance"],
        numeric=[0, 1, 2, 3, 4],
        label=f"How many units of {scene.selected.layer} detect a class",
        **shared,
    )
    table = StepTable(
        rows_of(computed, scene.data.timeline.steps),
        len(scene.data.run),
        key=key,
        columns=["unit", "class", "AUC", "since step", "until step"],
        numeric=[0, 2, 3, 4],
        empty=f"No unit detects a class at this step: all AUC are below {DETECTOR_AUC:g}.",
        label=f"Units of {scene.selected.layer} that detect a class",
        **shared,
    )
    return below(_picture(scene, computed, name), counts, scrolled(table, TABLE_HEIGHT))


def _counted(found: Detections, index: int) -> list[str]:
    now, at_first, by_chance, units = found.counts(index)
    best = found.selectivity.best_by_chance[found.nearest[index]]
    reached = f"{best:.2f}" if np.isfinite(best) else ""
    return [f"{now:,}", f"{at_first:,}", f"{by_chance:.2g}", f"{units:,}", reached]


def _picture(scene: Scene, computed: Detections, name: str) -> Any:
    values = computed.selectivity.index if name == INDEX else computed.best
    return plot_pane(
        time_heatmap(
            values[computed.nearest],
            x_edges=edges(scene.positions),
            y_edges=_unit_edges(computed.units),
            y_label="unit",
            value_label="selectivity index" if name == INDEX else "AUC of the best class",
            positions=scene.positions,
            limits=(0.0, 1.0) if name == INDEX else (0.5, 1.0),
            height=HEIGHT,
            **scene.time_options(),
        )
    )


def _unit_edges(units: Array) -> Array:
    """Borders of the rows; of evenly spread units each row stands for its neighbours too."""
    return np.linspace(units[0] - 0.5, units[-1] + 0.5, len(units) + 1)

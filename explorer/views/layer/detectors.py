"""Units that separate one class from all others, and since when they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import MORE_PROBES, Absence, Lack, Nothing
from explorer.data.responses import Pool, Responses, answering_layer, left_out, responses_of
from explorer.data.run import RunData
from explorer.derived.predictions.labels import NO_CLASS
from explorer.derived.time.over_steps import NEVER, first, first_stable
from explorer.derived.time.plain import only_value
from explorer.derived.time.timeline import edges
from explorer.derived.units.selectivity import (
    DETECTOR_AUC,
    FEWEST,
    SHUFFLES,
    Selectivity,
    class_selectivity,
)
from explorer.plots.matrices import time_heatmap
from explorer.views.alternatives import Alternatives, Chosen
from explorer.views.base import Scene, View, plot_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_responses, needs_steps, no_responses
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, scrolled
from store import Layer
from store.format.names import activation_path

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


@dataclass(frozen=True)
class Detection:
    """How well each unit tells the classes apart, at every step.

    Attributes
    ----------
    responses : Responses
        What the units give.
    selectivity : Selectivity
        What that says of the classes.
    """

    responses: Responses
    selectivity: Selectivity

    @property
    def best(self) -> Array:
        """AUC of the class that each unit tells best at each step: (step, unit)."""
        known = np.where(np.isnan(self.selectivity.auc), -np.inf, self.selectivity.auc)
        best = known.max(axis=-1, initial=-np.inf)
        return np.where(np.isneginf(best), np.nan, best)

    def counts(self, index: int) -> list[str]:
        """Count the detectors of a step, of the first one, and of shuffled labels."""
        detects = np.nan_to_num(self.best) >= DETECTOR_AUC
        chance = self.selectivity.by_chance[index] * detects.shape[1]
        now, at_first = (f"{np.count_nonzero(detects[at]):,}" for at in (index, 0))
        return [now, at_first, f"{chance:.2g}", f"{detects.shape[1]:,}"]

    def rows(self, steps: Array) -> Callable[[int], Mapping[str, Any]]:
        """Make what lists the detectors of a recorded step.

        Parameters
        ----------
        steps : ndarray (step,)
            Optimizer updates at each recorded step.
        """
        auc, preferred = self.selectivity.auc, self.selectivity.preferred
        names, numbers = self.responses.class_names, self.responses.units

        def provide(index: int) -> Mapping[str, Any]:
            classes = preferred[index]
            units = np.flatnonzero(classes != NO_CLASS)
            # That of its class of now, at every step: (step, unit).
            detects = auc[:, units, classes[units]] >= DETECTOR_AUC
            units, detects = units[detects[index]], detects[:, detects[index]]
            values = auc[index, units, classes[units]]
            since, lost = first_stable(detects[: index + 1]), first(~detects[index:])
            order = np.lexsort((units, since, -values))[:MOST_ROWS]
            rows = [
                [
                    str(numbers[units[at]]),
                    names[classes[units[at]]],
                    f"{values[at]:.3f}",
                    f"{int(steps[since[at]]):,}",
                    "the end" if lost[at] == NEVER else f"{int(steps[index + lost[at]]):,}",
                ]
                for at in order
            ]
            chooses = [{"unit": int(numbers[units[at]])} for at in order]
            if len(units) > len(order):
                rows.append(["", f"and {len(units) - len(order):,} more", "", "", ""])
                chooses.append({})
            return {"rows": rows, "chooses": chooses}

        return provide


def detection_of(data: RunData, layer: str, pool: Pool = "max") -> Detection:
    """Find out how well each unit of a layer tells the classes; call it in the worker thread."""
    answering = answering_layer(data, layer)
    responses = responses_of(data, answering, pool)
    classes, labels = len(responses.class_names), responses.labels
    kept = data.derived(
        f"detectors by {pool} of {activation_path(answering)}, {len(responses.units)} units",
        lambda: asdict(
            class_selectivity(iter(responses.values), labels, classes=classes, fewest=FEWEST)
        ),
    )
    return Detection(responses, Selectivity(**kept))


def needs_enough(data: RunData) -> Lack | None:
    """Require a class with enough probes, and enough others."""
    labels = data.class_labels
    assert labels is not None
    sizes = np.bincount(labels[labels >= 0], minlength=2)
    if ((sizes >= FEWEST) & (sizes.sum() - sizes >= FEWEST)).any():
        return None
    return Lack(
        f"Which units detect a class cannot be told of fewer than {FEWEST} probes a class; there "
        f"are {sizes.max()} at most. {MORE_PROBES}"
    )


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
        missing = needs_responses(scene) or needs_steps(scene, least=2)
        return missing or needs_enough(scene.data)

    def caption(self, scene: Scene) -> str:
        labels, layer = scene.data.class_labels, scene.selected.layer
        assert labels is not None
        answering = answering_layer(scene.data, layer)
        after, card = "", "“What excites the unit most”"
        if answering != layer:
            after, card = f" after {answering}", f"{card} of {answering}"
        probe = scene.data.run.probe
        ink = ", ink for instance" if probe is not None and probe.kind == "image" else ""
        how = f"its value{after}"
        if len(scene.layer.output_shape) > 1:
            how = (
                f"its largest value over positions{after}, as in {card}; its mean says rather how "
                f"much there is of anything{ink}"
            )
        return (
            "AUC: how often a unit gives more for a probe of a class than for one of another (0.5: "
            f"chance, 1: always). What it gives is {how}. From {DETECTOR_AUC:g} on it is a "
            f"detector. By chance: with the labels of these {len(labels)} probes shuffled "
            f"{SHUFFLES} times. At step 0 nothing is learned; what detects there, the inputs alone "
            f"bring about. Classes of fewer than {FEWEST} probes are left out."
            f"{left_out(scene.data, layer)}"
        )

    def compute(self, scene: Scene) -> Chosen | Nothing:
        name = self._shown if self._shown in _options(scene) else LARGEST
        alone = len(scene.layer.output_shape) == 1
        return Chosen.of(name, _detection(scene, name), alone=alone)

    def draw(self, scene: Scene, computed: Chosen) -> Alternatives:
        options = _options(scene)
        made = computed.made
        if isinstance(made, Detection) and not np.isfinite(made.selectivity.index).any():
            options.pop(INDEX)
        return Alternatives(
            scene.data,
            options,
            computed.name if computed.name in options else LARGEST,
            computed.made,
            compute=lambda name: _detection(scene, name),
            draw=lambda name, made: _body(scene, made, name),
            chosen=lambda name: setattr(self, "_shown", name),
            title="Show",
            channel=scene.channel,
        )


def _options(scene: Scene) -> dict[str, str]:
    return dict(OPTIONS if len(scene.layer.output_shape) > 1 else ALONE)


def _detection(scene: Scene, name: str) -> Detection | Nothing:
    layer = scene.selected.layer
    found = detection_of(scene.data, layer, "mean" if name == MEAN else "max")
    none = no_responses(found.responses, layer)
    value = only_value(found.best)
    if none is not None or value is None:
        return none or found
    if value > CHANCE:
        return Nothing(f"Each unit of {layer} has an AUC of {value:.3g} at every recorded step.")
    return Nothing(
        f"No unit of {layer} tells a class from the others any better than chance, at any "
        "recorded step."
    )


def _body(scene: Scene, computed: Detection, name: str) -> pn.Column:
    """Make the picture, what was counted, and the list of detectors."""
    shared: dict[str, Any] = {
        "channel": scene.channel,
        "sizing_mode": "stretch_width",
        "margin": 0,
    }
    key = f"{scene.data.run.id}|detectors|{scene.selected.layer}|{name}"
    counts = StepTable(
        lambda index: {"rows": [computed.counts(index)]},
        len(computed.responses.values),
        key=f"{key}|counts",
        columns=["detectors now", "at the first step", "by chance", "of units"],
        numeric=[0, 1, 2, 3],
        label=f"How many units of {scene.selected.layer} detect a class",
        **shared,
    )
    table = StepTable(
        computed.rows(scene.data.timeline.steps),
        len(computed.responses.values),
        key=key,
        columns=["unit", "class", "AUC", "since step", "until step"],
        numeric=[0, 2, 3, 4],
        empty=f"No unit detects a class at this step: all AUC are below {DETECTOR_AUC:g}.",
        label=f"Units of {scene.selected.layer} that detect a class",
        **shared,
    )
    return below(_picture(scene, computed, name), counts, scrolled(table, TABLE_HEIGHT))


def _picture(scene: Scene, computed: Detection, name: str) -> Any:
    values = computed.selectivity.index if name == INDEX else computed.best
    return plot_pane(
        time_heatmap(
            values,
            x_edges=edges(scene.positions),
            y_edges=_unit_edges(computed.responses.units),
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

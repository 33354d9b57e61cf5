"""Units that separate one class from all others, and since when they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing
from explorer.data.responses import Responses, left_out, responses_of
from explorer.data.run import RunData
from explorer.derived.predictions.labels import NO_CLASS
from explorer.derived.time.over_steps import NEVER, first, first_stable
from explorer.derived.time.plain import only_value
from explorer.derived.time.timeline import edges
from explorer.derived.units.selectivity import (
    DETECTOR_AUC,
    Selectivity,
    class_auc,
    class_selectivity,
)
from explorer.plots.matrices import time_heatmap
from explorer.views.alternatives import Alternatives
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
# Random units that are tried, to see how many count as detectors by chance.
TRIALS = 2000
# AUC of a unit that does not separate the classes.
CHANCE = 0.5
OPTIONS = {"auc": "AUC of the best class", "index": "selectivity index"}


@dataclass(frozen=True)
class Detection:
    """How well each unit tells the classes apart, at every step.

    Attributes
    ----------
    responses : Responses
        What the units give.
    selectivity : Selectivity
        What that says of the classes.
    chance : float
        Share of meaningless units that would count as detectors.
    """

    responses: Responses
    selectivity: Selectivity
    chance: float

    @property
    def best(self) -> Array:
        """AUC of the class that each unit tells best at each step: (step, unit)."""
        known = np.where(np.isnan(self.selectivity.auc), -np.inf, self.selectivity.auc)
        best = known.max(axis=-1, initial=-np.inf)
        return np.where(np.isneginf(best), np.nan, best)

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


def detection_of(data: RunData, layer: str) -> Detection:
    """Find out how well each unit of a layer tells the classes; call it in the worker thread."""
    responses = responses_of(data, layer)
    classes, labels = len(responses.class_names), responses.labels
    kept = data.derived(
        f"selectivity of {activation_path(layer)}, {len(responses.units)} units",
        lambda: asdict(class_selectivity(iter(responses.means), labels, classes=classes)),
    )
    return Detection(responses, Selectivity(**kept), chance_of_detection(labels, classes))


def chance_of_detection(labels: Array, classes: int) -> float:
    """Share of random units that would count as detectors of some class.

    With few probes of a class chance alone puts them in front; with many it hardly can.

    Parameters
    ----------
    labels : ndarray of int (probe,)
        Class of each probe.
    classes : int
        How many classes there are.
    """
    values = np.random.default_rng(0).standard_normal((len(labels), TRIALS))
    auc = class_auc(values, labels, classes=classes)
    return float((np.nan_to_num(auc).max(axis=1, initial=0) >= DETECTOR_AUC).mean())


@register
class ClassDetectors(View):
    """AUC of every unit over training, and which units detect a class at the step on screen."""

    title = "Class detectors"
    region = "layer"
    depends = ("layer", "axis")
    order = 53
    width = 6

    def __init__(self) -> None:
        self._shown = "auc"

    def serves(self, layer: Layer) -> bool:
        return layer.kind != "input"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_responses(scene) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        labels = scene.data.class_labels
        assert labels is not None
        classes = len(scene.data.class_names)
        chance = chance_of_detection(labels, classes)
        return (
            "AUC: how often a probe of a class gets more from the unit than one of another class "
            f"(0.5: chance, 1: always). From {DETECTOR_AUC:g} on the unit is a detector; with "
            f"{len(labels)} probes, {_percent(chance)} of units would be by chance alone."
            f"{left_out(scene.data, scene.selected.layer)}"
        )

    def compute(self, scene: Scene) -> Detection | Nothing:
        layer = scene.selected.layer
        found = detection_of(scene.data, layer)
        none = no_responses(found.responses, layer)
        value = only_value(found.best)
        if none is not None or value is None:
            return none or found
        if value > CHANCE:
            return Nothing(
                f"Each unit of {layer} has an AUC of {value:.3g} at every recorded step."
            )
        return Nothing(
            f"No unit of {layer} tells a class from the others any better than chance, at any "
            "recorded step."
        )

    def draw(self, scene: Scene, computed: Detection) -> pn.Column:
        known = np.isfinite(computed.selectivity.index).any()
        options = OPTIONS if known else {"auc": OPTIONS["auc"]}
        table = StepTable(
            computed.rows(scene.data.timeline.steps),
            len(computed.responses.means),
            key=f"{scene.data.run.id}|detectors|{scene.selected.layer}",
            columns=["unit", "class", "AUC", "since step", "until step"],
            numeric=[0, 2, 3, 4],
            empty=f"No unit detects a class at this step: all AUC are below {DETECTOR_AUC:g}.",
            label=f"Units of {scene.selected.layer} that detect a class",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        first_shown = self._shown if self._shown in options else "auc"
        pictures = Alternatives(
            scene.data,
            options,
            first_shown,
            computed,
            compute=lambda _: computed,
            draw=lambda name, made: _picture(scene, made, name),
            chosen=lambda name: setattr(self, "_shown", name),
            title="Colour",
            channel=scene.channel,
        )
        return below(pictures, scrolled(table, TABLE_HEIGHT))


def _picture(scene: Scene, computed: Detection, name: str) -> Any:
    values = computed.best if name == "auc" else computed.selectivity.index
    return plot_pane(
        time_heatmap(
            values,
            x_edges=edges(scene.positions),
            y_edges=_unit_edges(computed.responses.units),
            y_label="unit",
            value_label="AUC of the best class" if name == "auc" else "selectivity index",
            positions=scene.positions,
            limits=(0.5, 1.0) if name == "auc" else (0.0, 1.0),
            height=HEIGHT,
            **scene.time_options(),
        )
    )


def _unit_edges(units: Array) -> Array:
    """Borders of the rows; of evenly spread units each row stands for its neighbours too."""
    return np.linspace(units[0] - 0.5, units[-1] + 0.5, len(units) + 1)


def _percent(share: float) -> str:
    return "under 0.1 %" if share < 0.001 else f"{100 * share:.2g} %"

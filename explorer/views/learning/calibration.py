"""Whether the network is as sure as it is right."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import panel as pn

from explorer.data.absence import Nothing
from explorer.data.examples import Examples, examples_of
from explorer.derived.predictions.calibration import (
    Calibration,
    Reliability,
    calibration_over_steps,
)
from explorer.plots.curves import metric_curves
from explorer.plots.style import NEUTRAL
from explorer.views.base import Scene, plot_pane
from explorer.views.learning.judged import Judged, no_predictions
from explorer.views.registry import register
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.page.beside import below, beside
from explorer.widgets.page.text import text_pane

HEIGHT = 250
COUNT_HEIGHT = 130


ERRORS = ("expected_error", "by_chance", "brier")


class Sureness(NamedTuple):
    """What the card draws: the examples and their calibration."""

    examples: Examples
    calibration: Calibration


@register
class CalibrationView(Judged):
    """Reliability diagram of the step on screen, and calibration errors over training."""

    title = "As sure as it is right?"
    order = 30

    def caption(self, scene: Scene) -> str:
        examples = examples_of(scene.data, self.chosen_source(scene))
        assert examples is not None
        noun = examples.noun
        return (
            f"Of {examples.described}. Left, at this step: {noun}s by the probability of the class "
            "that the network says, and the share of them that is right. Bars below the diagonal: "
            "it is surer than it is right (over-confident); above: less sure. Healthy: on the "
            f"diagonal. A bar of few {noun}s says little."
        )

    def measure(self, examples: Examples) -> Sureness | Nothing:
        def make() -> dict[str, Any]:
            made = calibration_over_steps(examples.probabilities(), examples.labels)
            return {**asdict(made.reliability), **{name: getattr(made, name) for name in ERRORS}}

        key = f"calibration on the {examples.source}, and by chance"
        kept = dict(examples.data.derived(key, make))
        if not kept["count"].any():
            return no_predictions(examples)
        errors = {name: kept.pop(name) for name in ERRORS}
        return Sureness(examples, Calibration(Reliability(**kept), **errors))

    def picture(self, scene: Scene, measured: Sureness) -> pn.Column:
        examples, calibration = measured
        diagram = calibration.reliability
        middles = (diagram.edges[1:] + diagram.edges[:-1]) / 2
        options: dict[str, Any] = {
            "x": middles,
            "kind": "bars",
            "x_name": "probability of what the network says",
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
        }
        right = StepLines(
            y=diagram.right[:, None],
            names=["share right"],
            y_name="share right",
            y_limits=[0.0, 1.0],
            diagonal=True,
            colours=scene.lines,
            if_zero=f"No {examples.noun} is right at this step.",
            label="Share right by confidence",
            height=HEIGHT,
            **options,
        )
        counts = StepLines(
            y=diagram.count[:, None],
            names=[f"{examples.noun}s"],
            y_name=f"{examples.noun}s",
            colours=[NEUTRAL],
            label=f"{examples.noun}s by confidence".capitalize(),
            height=COUNT_HEIGHT,
            **options,
        )
        errors = plot_pane(
            metric_curves(
                {
                    "expected calibration error": (scene.positions, calibration.expected_error),
                    "… of a perfect one, by chance": (scene.positions, calibration.by_chance),
                    "Brier score": (scene.positions, calibration.brier),
                },
                y_label="error",
                cursor=scene.positions,
                y_range=_from_zero(calibration),
                height=HEIGHT,
                **scene.time_options(),
            )
        )
        note = text_pane(
            "Expected calibration error: the mean distance of the bars from "
            f"the diagonal, weighted by their {examples.noun}s. With {len(examples):,} "
            f"{examples.noun}s it is above 0 by chance alone: the second curve is the mean of a "
            "perfectly calibrated network that is as sure at each step. Down there, nothing is "
            "wrong. "
            "Brier score: the mean squared distance of all probabilities from the truth, 0 to 2; "
            "it also falls as more answers get right.",
            margin=(0, 0, 0, 6),
        )
        return beside(below(right, counts), below(errors, note), shares=(5, 6))


def _from_zero(calibration: Calibration) -> tuple[float, float]:
    both = np.concatenate([getattr(calibration, name) for name in ERRORS])
    known = both[np.isfinite(both)]
    return 0.0, 1.05 * max(0.05, float(known.max(initial=0)))

"""How well each of several tags is found, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Lack
from explorer.data.examples import NOUNS, ROLES, ExampleSource, answers_at
from explorer.data.run import RunData
from explorer.derived.predictions.reading import OutputReading
from explorer.derived.predictions.tags import tag_scores
from explorer.derived.time.headway import counted
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import option, options_row
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, beside

Array = npt.NDArray[Any]

THRESHOLDS = ("0.3", "0.5", "0.7")
MOST_TAGS = 40
HEIGHT = 260
NO_TAGS = "Which tags hold is not known. Record with a probe, or evaluation, that has labels."


@dataclass(frozen=True)
class Tagged:
    """Scores of each tag at every step, by threshold: (step, 3, tag): precision, recall, F1."""

    source: ExampleSource
    truth: Array
    names: list[str]
    scores: Mapping[str, Array]


def truth_of(data: RunData) -> tuple[ExampleSource, Array] | None:
    """Find examples whose tags are known, a larger set first: (example, tag)."""
    reading = data.answer
    if not isinstance(reading, OutputReading) or reading.is_choice:
        return None
    for source, role in ROLES.items():
        kept = data.run.evaluations.get(role)
        if kept is not None and "label" in kept:
            labels = np.asarray(kept["label"].values)
            if labels.ndim == 2 and labels.shape[1] == reading.classes:
                return source, labels
    probe = data.run.probe
    if probe is None or probe.labels is None:
        return None
    labels = np.asarray(probe.labels)
    if labels.ndim != 2 or labels.shape[1] != reading.classes:
        return None
    return "probe", labels


@register
class TagsFound(View):
    """Precision, recall and F1 of each tag at this step, and over the training."""

    title = "How well each tag is found"
    region = "learning"
    depends = ("axis",)
    order = 2
    width = 12

    def __init__(self) -> None:
        self._threshold = "0.5"

    def applies(self, data: RunData) -> bool:
        reading = data.answer
        return isinstance(reading, OutputReading) and not reading.is_choice

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene)
        return missing or (None if truth_of(scene.data) is not None else Lack(NO_TAGS))

    def caption(self, scene: Scene) -> str:
        found = truth_of(scene.data)
        assert found is not None
        source, truth = found
        return (
            f"Over {len(truth):,} {NOUNS[source]}. Precision: how many of those that got a tag "
            "have it; recall: how many of those that have it got it; F1: their harmonic mean. A "
            "tag is given where its probability is above the threshold. Who gives a tag always "
            "has its share as precision, and a recall of 1. Healthy: both near 1."
        )

    def compute(self, scene: Scene) -> Tagged:
        found = truth_of(scene.data)
        assert found is not None
        source, truth = found

        def make() -> dict[str, Array]:
            rows: dict[str, list[Array]] = {each: [] for each in THRESHOLDS}
            for index in counted(range(len(scene.data.run))):
                chances = answers_at(scene.data, source, index)
                for each in THRESHOLDS:
                    one = tag_scores(chances, truth, float(each))
                    rows[each].append(np.stack([one.precision, one.recall, one.f1]))
            return {each: np.array(values) for each, values in rows.items()}

        kept = scene.data.derived(f"scores of the tags on the {source}", make)
        probe = scene.data.run.probe
        given = list((probe.class_names if probe else None) or [])
        count = truth.shape[1]
        names = given if len(given) == count else [f"tag {number}" for number in range(count)]
        return Tagged(source, truth, names, kept)

    def draw(self, scene: Scene, computed: Tagged) -> pn.Column:
        found = computed
        positives = (found.truth > 0.5).sum(axis=0)
        shown = np.argsort(-positives, kind="stable")[:MOST_TAGS]

        def rows(index: int) -> Mapping[str, Any]:
            precision, recall, f1 = found.scores[self._threshold][index]
            return {
                "rows": [
                    [
                        found.names[tag],
                        f"{positives[tag]:,} ({positives[tag] / len(found.truth):.0%})",
                        *(_number(each[tag]) for each in (precision, recall, f1)),
                    ]
                    for tag in shown.tolist()
                ],
                "chooses": [{}] * len(shown),
            }

        def key() -> str:
            return f"{scene.data.run.id}|tags|{found.source}|{self._threshold}"

        table = StepTable(
            rows,
            len(scene.data.run),
            key=key(),
            columns=["tag", "have it", "precision", "recall", "F1"],
            numeric=[1, 2, 3, 4],
            rows=len(shown),
            label="Scores of each tag",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        curves = pn.Column(sizing_mode="stretch_width", margin=0)

        def show() -> None:
            means = np.nan_to_num(found.scores[self._threshold]).mean(axis=-1)
            curves[:] = [_curves(scene, means)]

        def choose(threshold: str) -> None:
            self._threshold = threshold
            table.change(key(), rows)
            show()

        show()
        choice = option(
            "threshold", {each: each for each in THRESHOLDS}, self._threshold, partial(choose)
        )
        return below(options_row([choice]), beside(table, curves))


def _number(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "none"


def _curves(scene: Scene, means: Array) -> Any:
    names = ("precision", "recall", "F1")
    return plot_pane(
        metric_curves(
            {f"mean {name}": (scene.positions, means[:, at]) for at, name in enumerate(names)},
            y_label="mean over the tags",
            cursor=scene.positions,
            y_range=(0.0, 1.02),
            height=HEIGHT,
            **scene.time_options(),
        )
    )

"""What became of the heads: how narrow they are, where they look, and since when."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import panel as pn

from explorer.data.absence import Absence, Nothing
from explorer.data.attention import MEASURES, AttentionLayer, Heads
from explorer.derived.attention.heads import appeared
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import option, options_row, sentence_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_scores, needs_steps
from explorer.widgets.page.beside import below

# What a head must reach and keep to be said to do it: half of what it takes.
LEAST = 0.5
# Narrow is a head whose breadth is below this.
NARROW = 0.5
HEIGHT = 240

MEANING = {
    "entropy": "1: all that may be attended to has the same share; 0: one place has all",
    "previous": "mean share of the place just before",
    "itself": "mean share of the place itself",
    "first": "mean share of the first place, where heads look that have nothing to look at",
    "fixed": "1: scores are the same whatever the probe holds; lower: they depend on it",
    "induction": (
        "on random tokens that are repeated, mean share of the token that came after the same one "
        "before (Olsson et al. 2022)"
    ),
}


@register
class HeadsOverTraining(View):
    """A curve for each head: breadth, previous place, first place, by place alone, induction."""

    title = "What the heads do, over the training"
    region = "layer"
    kinds = frozenset({"attention"})
    depends = ("layer", "axis")
    order = 12
    width = 6

    def __init__(self) -> None:
        self._measure = "entropy"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_scores(scene) or needs_steps(scene, 2)

    def caption(self, scene: Scene) -> str:
        layer = AttentionLayer(scene.data, scene.selected.layer)
        known = scene.data.run.probe
        count = known.size if known else 0
        return (
            f"One curve for each head of {layer.name}, mean over the places of up to {count} "
            f"probes. Below, since which step a head has kept at least {LEAST:g} of what is shown "
            f"(breadth: below {NARROW:g}); chance is a head that attends to all places alike."
        )

    def compute(self, scene: Scene) -> Heads | Nothing:
        layer = AttentionLayer(scene.data, scene.selected.layer)
        found = layer.measured()
        if any(np.isfinite(values).any() for values in found.values.values()):
            return found
        return Nothing(f"The scores of {layer.name} are no numbers at any recorded step.")

    def draw(self, scene: Scene, computed: Heads) -> pn.Column:
        found = computed
        known = {
            name: title
            for name, title in MEASURES.items()
            if name in found.values and np.isfinite(found.values[name]).any()
        }
        if self._measure not in known:
            self._measure = next(iter(known))
        body = pn.Column(sizing_mode="stretch_width", margin=0)

        def show() -> None:
            name = self._measure
            body[:] = [_curves(scene, found, name), sentence_pane(_said(scene, found, name))]

        def choose(name: str) -> None:
            self._measure = name
            show()

        show()
        return below(options_row([option("shows", known, self._measure, partial(choose))]), body)


def _curves(scene: Scene, found: Heads, name: str) -> Any:
    values = found.values[name]
    places = scene.positions[found.sampling.indices]
    series = {f"head {head}": (places, values[:, head]) for head in range(values.shape[1])}
    chance = found.chance.get(name, np.nan)
    if np.isfinite(chance) and name != "entropy":
        series["chance"] = (places, np.full(len(places), chance))
    top = max(1.02, float(np.nanmax(values)) if np.isfinite(values).any() else 1.02)
    return plot_pane(
        metric_curves(
            series,
            y_label=MEASURES[name],
            cursor=scene.positions,
            y_range=(min(0.0, float(np.nanmin(values))), top),
            height=HEIGHT,
            **scene.time_options(),
        )
    )


def _said(scene: Scene, found: Heads, name: str) -> str:
    """Say what is measured, what chance is, and since when which head does it."""
    values = found.values[name]
    steps = scene.data.timeline.steps[found.sampling.indices]
    since = []
    for head in range(values.shape[1]):
        history = 1 - values[:, head] if name == "entropy" else values[:, head]
        at = appeared(history, 1 - NARROW if name == "entropy" else LEAST)
        if at is not None:
            since.append(f"head {head} since step {steps[at]:,}")
    chance = found.chance.get(name, float("nan"))
    by_chance = f" Chance: {chance:.3g}." if np.isfinite(chance) else ""
    verb = "Narrow" if name == "entropy" else "At least half"
    which = ", ".join(since) if since else "no head to the end"
    return f"{MEANING[name][0].upper()}{MEANING[name][1:]}.{by_chance} {verb}: {which}."

"""How the weights of a layer spread, at every step."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import panel as pn

from explorer.derived.distributions import Distribution, distribution_over_steps
from explorer.derived.timeline import edges
from explorer.plots.matrices import time_heatmap
from explorer.views.base import Scene, View, needs_steps, plot_pane
from explorer.views.registry import register
from store import Layer
from store.schema import weight_path

# Weights that say most about a layer, in this order; else the largest variable is shown.
MAIN_WEIGHTS = ("kernel", "embeddings", "gamma")


def main_weight(layer: Layer) -> str | None:
    """Choose the variable whose distribution stands for a layer's."""
    for name in MAIN_WEIGHTS:
        if name in layer.weights:
            return name
    sizes = {name: int(np.prod(shape)) for name, shape in layer.weights.items()}
    return max(sizes, key=lambda name: sizes[name]) if sizes else None


@register
class WeightDistribution(View):
    """Histogram of the layer's main weight as a heat map over steps."""

    title = "Weight distribution"
    region = "layer"
    depends = ("layer", "axis")
    order = 30
    width = 6

    def serves(self, layer: Layer) -> bool:
        return main_weight(layer) is not None

    def requirement(self, scene: Scene) -> str | None:
        return needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        weight = main_weight(scene.layer)
        assert weight is not None
        shape = " × ".join(str(size) for size in scene.layer.weights[weight])
        return (
            f"{weight} ({shape}): each column is the histogram of one recorded step. "
            "Brighter: more weights there (logarithmic)."
        )

    def compute(self, scene: Scene) -> Distribution:
        data, layer, weight = scene.data, scene.moment.layer, main_weight(scene.layer)
        assert weight is not None
        kept = data.derived(
            f"distribution of {weight_path(layer, weight)}",
            lambda: asdict(distribution_over_steps(lambda: data.weight_frames(layer, weight))),
        )
        return Distribution(**kept)

    def draw(self, scene: Scene, computed: Distribution) -> Any:
        with np.errstate(divide="ignore"):
            shown = np.log10(100 * computed.share)
        shown[np.isneginf(shown)] = np.nan
        picture = plot_pane(
            time_heatmap(
                shown,
                x_edges=edges(scene.positions),
                y_edges=computed.edges,
                y_label="weight",
                value_label="log₁₀ of % of weights",
                positions=scene.positions,
                height=300,
                **scene.time_options(),
            )
        )
        spoiled = np.flatnonzero(computed.not_finite)
        if not len(spoiled):
            return picture
        first = int(scene.data.timeline.steps[spoiled[0]])
        sentence = (
            f"NaN or infinite weights are left out: there are some at {len(spoiled)} of the "
            f"recorded steps, first at step {first:,}."
        )
        note = pn.pane.HTML(f'<p role="alert" style="margin:6px 0 0">{sentence}</p>', margin=0)
        return pn.Column(picture, note, sizing_mode="stretch_width", margin=0)

"""How sharply the loss is curved, against what its learning rate can bear."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.data.absence import Absence
from explorer.data.replayed import (
    Replayed,
    curved_examples,
    edge_of_stability,
    sharpness_at,
    steps_seen,
)
from explorer.derived.network.curvature import Eigenvalue
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, plot_pane
from explorer.views.registry import register
from explorer.views.replaying import Measured, Replaying
from explorer.views.requirements import needs_cross_entropy, needs_steps


@register
class SharpnessView(Replaying):
    """Largest eigenvalue of the Hessian, and the edge of stability of plain gradient descent."""

    title = "Sharpness of the loss"
    region = "training"
    order = 70

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_steps(scene, least=2) or needs_cross_entropy(scene.data)

    def caption(self, scene: Scene) -> str:
        of, optimizer = Replayed.of(scene.data), scene.data.run.attributes.get("optimizer") or {}
        assert of is not None
        count, bound = len(curved_examples(of)), edge_of_stability(scene.data)
        edge = (
            f"{optimizer.get('class', 'The optimizer')} gives each weight a step of its own size, "
            "so no single bound holds for it and none is drawn. Healthy: after a first rise it "
            "falls or levels off."
            if bound is None
            else f"Above the line, {bound[1]}, descent on all examples at once no longer settles "
            "in a valley, but jumps out of it. Healthy: the sharpness rises up to the line and "
            "stays near it, or below with small batches (Cohen 2021)."
        )
        return (
            f"Largest eigenvalue of the Hessian of the cross-entropy of {count} of "
            f"{of.examples.described} at {len(steps_seen(scene.data))} recorded steps, log₁₀, "
            "without dropout and penalties, with the moving statistics of normalizations. Where it "
            f"is not above 0 there is a gap. {edge}"
        )

    def at_step(self, of: Replayed, index: int) -> Eigenvalue:
        return sharpness_at(of, index)

    def nothing(self, found: list[Eigenvalue]) -> str | None:
        if any(one.value > 0 for one in found):
            return None
        return "The largest eigenvalue is not above 0 at any of the steps."

    def draw(self, scene: Scene, computed: Measured) -> Any:
        places = scene.positions[computed.steps]
        series = {"sharpness": (places, _powers([one.value for one in computed.found]))}
        bound = edge_of_stability(scene.data)
        if bound is not None:
            at = np.isin(steps_seen(scene.data), computed.steps)
            series[bound[1]] = (places, _powers(bound[0][at]))
        return plot_pane(
            metric_curves(
                series,
                y_label="log₁₀ (eigenvalue)",
                cursor=scene.positions,
                **scene.time_options(),
            )
        )


def _powers(values: Any) -> Any:
    known = np.asarray(values, np.float64)
    return np.log10(np.where(known > 0, known, np.nan))

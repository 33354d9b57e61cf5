"""How sharply the loss is curved, against what its learning rate can bear."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from explorer.data.absence import Absence, Nothing
from explorer.data.replayed import (
    Replayed,
    curved_examples,
    edge_of_stability,
    sharpness_of,
    steps_seen,
)
from explorer.derived.network.curvature import Eigenvalue
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, View, plot_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_cross_entropy, needs_steps


class Measured(NamedTuple):
    """What the card draws: positions of the steps that were looked at, and what was found."""

    steps: Any
    found: list[Eigenvalue]


@register
class SharpnessView(View):
    """Largest eigenvalue of the Hessian, and the edge of stability of plain gradient descent."""

    title = "Sharpness of the loss"
    region = "training"
    depends = ("axis",)
    order = 70
    width = 6

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_steps(scene, least=2) or needs_cross_entropy(scene.data)

    def caption(self, scene: Scene) -> str:
        of, optimizer = Replayed.of(scene.data), scene.data.run.attributes.get("optimizer") or {}
        assert of is not None
        count, bound = len(curved_examples(of)), edge_of_stability(scene.data)
        edge = (
            f"{optimizer.get('class', 'The optimizer')} is not plain gradient descent: it has no "
            "such edge at 2 / learning rate. Healthy: after a first rise it falls or levels off."
            if bound is None
            else f"Above {bound[1]} descent on all examples would leave the valley; it rises up to "
            "there and hovers, while small batches keep it lower (Cohen 2021)."
        )
        return (
            f"Largest eigenvalue of the Hessian of the cross-entropy of {count} of "
            f"{of.examples.described} at {len(steps_seen(scene.data))} recorded steps, log₁₀, "
            "without dropout and penalties, with the moving statistics of normalizations. Where it "
            f"is not above 0 there is a gap. {edge}"
        )

    def compute(self, scene: Scene) -> Measured | Nothing:
        of = Replayed.of(scene.data)
        assert of is not None
        try:
            found = sharpness_of(of)
        except NotDerivableError as error:
            return Nothing(str(error))
        if not any(one.value > 0 for one in found):
            return Nothing("The largest eigenvalue is not above 0 at any of the steps.")
        return Measured(steps_seen(scene.data), found)

    def draw(self, scene: Scene, computed: Measured) -> Any:
        places = scene.positions[computed.steps]
        series = {"sharpness": (places, _powers([one.value for one in computed.found]))}
        bound = edge_of_stability(scene.data)
        if bound is not None:
            series[bound[1]] = (places, _powers(bound[0]))
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

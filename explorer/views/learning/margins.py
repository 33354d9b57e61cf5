"""How sure the network is of each example's own class, and what each costs it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.data.absence import MORE_EXAMPLES, Absence, Nothing
from explorer.data.example_dynamics import dynamics_of
from explorer.data.examples import Examples, examples_of
from explorer.derived.predictions.dynamics import Dynamics
from explorer.derived.predictions.labels import too_few
from explorer.derived.time.timeline import edges
from explorer.plots.curves import metric_curves
from explorer.plots.verdicts import margin_map
from explorer.views.base import Scene, plot_pane
from explorer.views.learning.judged import Judged, no_predictions
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.widgets.page.beside import beside

Array = npt.NDArray[Any]
HEIGHT = 330
# Curves by the share of the examples whose loss is lower, highest first.
QUANTILES = {"hardest 5 %": 0.95, "harder quarter": 0.75, "median": 0.5, "easier quarter": 0.25}
# A loss of 0 has no place on a logarithmic axis; float32 tells no less apart from it.
LEAST_LOSS = 1e-7


class Margins(NamedTuple):
    """What the card draws: the examples and what the training makes of each."""

    examples: Examples
    each: Dynamics


@register
class MarginsView(Judged):
    """Margin of each example at every step, and the losses of harder and easier ones."""

    title = "Margins and losses"
    order = 24
    preferred = "train"

    def requirement(self, scene: Scene) -> Absence | None:
        return super().requirement(scene) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        examples = examples_of(scene.data, self.chosen_source(scene))
        assert examples is not None
        return (
            f"Of {examples.described}. Left, a row for each: the probability of its own class, "
            "less that of the most probable other one. Below 0 it is wrong; around 0 undecided. "
            "The lowest at the end are at the bottom. Right: cross-entropy, log₁₀ of nats, at the "
            "border of the hardest 5 %, of the harder quarter, and so on. Healthy: all fall. The "
            "hardest that rise while the median falls are examples that the network turns against, "
            "often by wrong labels; of held-out ones a rise is over-confidence."
        )

    def measure(self, examples: Examples) -> Margins | Nothing:
        few = too_few(examples.labels)
        if few is not None:
            return Nothing(f"{few} {MORE_EXAMPLES}")
        each = dynamics_of(examples)
        return (
            Margins(examples, each) if np.isfinite(each.margin).any() else no_predictions(examples)
        )

    def picture(self, scene: Scene, measured: Margins) -> Any:
        examples, each = measured
        last = np.where(np.isnan(each.margin[-1]), -np.inf, each.margin[-1])
        figure = plot_pane(
            margin_map(
                each.margin[:, np.argsort(-last, kind="stable")],
                y_label=f"{examples.noun}s, surest at the end on top",
                x_edges=edges(scene.positions),
                positions=scene.positions,
                height=HEIGHT,
                **scene.time_options(),
            )
        )
        losses = np.log10(np.maximum(each.loss, LEAST_LOSS))
        curves = plot_pane(
            metric_curves(
                {
                    name: (scene.positions, _quantile(losses, share))
                    for name, share in QUANTILES.items()
                },
                y_label="log₁₀ (cross-entropy)",
                cursor=scene.positions,
                height=HEIGHT,
                **scene.time_options(),
            )
        )
        return beside(figure, curves)


def _quantile(losses: Array, share: float) -> Array:
    """Quantile over the examples at each step; NaN where any is not a number."""
    return np.asarray(np.quantile(losses, share, axis=1))

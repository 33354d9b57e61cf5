"""How noisy the gradient is: the batch size beyond which averaging pays little."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.data.absence import Absence
from explorer.data.replayed import BATCHES, Replayed, batch_size, noise_scale_at, steps_seen
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, plot_pane
from explorer.views.registry import register
from explorer.views.replaying import Measured, Replaying
from explorer.views.requirements import needs_cross_entropy, needs_steps

# Fewer examples leave batches of which one gradient says nothing.
LEAST_EXAMPLES = 100


@register
class NoiseScaleView(Replaying):
    """Gradient noise scale over the training."""

    title = "Noise of the gradient"
    region = "training"
    order = 71

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_steps(scene, least=2) or needs_cross_entropy(scene.data)

    def caption(self, scene: Scene) -> str:
        of = Replayed.of(scene.data)
        assert of is not None
        return (
            f"Gradient noise scale (McCandlish 2018) of {of.examples.described} at "
            f"{len(steps_seen(scene.data))} recorded steps, log₁₀ of examples: from the gradients "
            f"of {BATCHES} batches of {batch_size(of)} and of all of them, without dropout. A "
            "batch much smaller is mostly noise, and one much larger wastes examples. Healthy: it "
            "grows as the loss falls. It is a rough estimate, above all where it nears the number "
            "of examples; a gap: all of the gradient may be noise."
        )

    def too_few(self, of: Replayed) -> str | None:
        if len(of.examples) >= LEAST_EXAMPLES:
            return None
        return f"Too few: {of.examples.described}, at least {LEAST_EXAMPLES} are needed."

    def at_step(self, of: Replayed, index: int) -> float:
        return noise_scale_at(of, index)

    def nothing(self, found: list[float]) -> str | None:
        if (np.array(found) > 0).any():
            return None
        return "At none of the steps is the gradient told apart from its noise."

    def draw(self, scene: Scene, computed: Measured) -> Any:
        found = np.array(computed.found)
        scales = np.where(found > 0, found, np.nan)
        return plot_pane(
            metric_curves(
                {"noise scale": (scene.positions[computed.steps], np.log10(scales))},
                y_label="log₁₀ (examples)",
                cursor=scene.positions,
                **scene.time_options(),
            )
        )

"""What the network says about the selected probe, over the whole training."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.absence import Absence, Nothing
from explorer.plots.curves import probability_curves
from explorer.views.base import Scene, View, needs_classifier, needs_steps, plot_pane
from explorer.views.metrics import COMPACT_HEIGHT
from explorer.views.registry import register


@register
class Probabilities(View):
    """Probability of each class for the selected probe, with the time cursor."""

    title = "Probabilities of the probe"
    region = "run"
    depends = ("probe", "axis")
    order = 12
    width = 4

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_steps(scene) or needs_classifier(scene.data) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        assert scene.data.reading is not None
        return scene.data.reading.source

    def compute(self, scene: Scene) -> npt.NDArray[np.float32] | Nothing:
        probe = scene.moment.probe
        values = scene.data.probabilities(probe)
        assert values is not None  # of a classifier
        if np.isfinite(values).any():
            return values
        return Nothing(
            f"What the network says to probe {probe} is not a number at any recorded step."
        )

    def draw(self, scene: Scene, computed: npt.NDArray[np.float32]) -> Any:
        labels = scene.data.class_labels
        return plot_pane(
            probability_curves(
                computed,
                scene.data.class_names,
                positions=scene.positions,
                truth=None if labels is None else int(labels[scene.moment.probe]),
                height=COMPACT_HEIGHT,
                **scene.time_options(),
            )
        )

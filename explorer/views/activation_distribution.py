"""How the activations of a layer, or of one of its units, spread at every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from explorer.absence import Absence
from explorer.data import RunData
from explorer.derived.distributions import Distribution, distribution_over_steps
from explorer.summaries import positions_seen, unit_frames
from explorer.views.base import Scene, needs_activation, needs_steps
from explorer.views.registry import register
from explorer.views.weight_distribution import UNIT, Spread
from store import Layer
from store.schema import activation_path


@register
class ActivationDistribution(Spread):
    """Histogram of activations over all probes and positions as a heat map over steps."""

    title = "Activation distribution"
    order = 35
    one, many = "activation", "activations"

    def serves(self, layer: Layer) -> bool:
        return layer.kind != "input"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_activation(scene) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        seen, count = positions_seen(scene.data, scene.moment.layer)
        where = "" if count == 1 else " and positions"
        if seen < count:
            where = f" and {seen:,} of {count:,} positions"
        return (
            f"Each column is the histogram of one recorded step, over all probes{where}. "
            "Brighter: more activations there (logarithmic)."
        )

    def distribution(self, scene: Scene, of: str) -> Distribution:
        data, layer, unit = scene.data, scene.moment.layer, scene.moment.unit
        if of == UNIT:
            return distribution_over_steps(lambda: _of_unit(data, layer, unit))
        kept = data.derived(
            f"distribution of {activation_path(layer)}",
            lambda: asdict(distribution_over_steps(lambda: unit_frames(data, layer))),
        )
        return Distribution(**kept)


def _of_unit(data: RunData, layer: str, unit: int) -> Iterator[npt.NDArray[np.float32]]:
    return (frame[..., unit] for frame in unit_frames(data, layer))

"""How the activations of a layer, or of one of its units, spread at every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.alternatives import Alternatives
from explorer.data import RunData
from explorer.derived.distributions import Distribution, distribution_over_steps
from explorer.summaries import positions_seen, unit_frames
from explorer.views.base import Scene, View, needs_activation, needs_steps
from explorer.views.registry import register
from explorer.views.weight_distribution import distribution_picture
from store import Layer
from store.schema import activation_path

LAYER, UNIT = "layer", "unit"


@register
class ActivationDistribution(View):
    """Histogram of activations over all probes and positions as a heat map over steps."""

    title = "Activation distribution"
    region = "layer"
    depends = ("layer", "axis")
    follows = ("unit",)
    order = 35
    width = 6

    def __init__(self) -> None:
        self._of = LAYER

    def serves(self, layer: Layer) -> bool:
        return layer.kind != "input"

    def requirement(self, scene: Scene) -> str | None:
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

    def compute(self, scene: Scene) -> Distribution:
        return self._distribution(scene, self._of)

    def draw(self, scene: Scene, computed: Distribution) -> Any:
        return Alternatives(
            scene.data,
            {LAYER: "whole layer", UNIT: f"unit {scene.moment.unit}"},
            self._of,
            computed,
            compute=lambda of: self._distribution(scene, of),
            draw=lambda _, made: _picture(scene, made),
            chosen=lambda of: setattr(self, "_of", of),
            channel=scene.channel,
        )

    def follow(self, scene: Scene, body: Any) -> None:
        body.renew(
            UNIT,
            f"unit {scene.moment.unit}",
            compute=lambda of: self._distribution(scene, of),
            draw=lambda _, made: _picture(scene, made),
        )

    def _distribution(self, scene: Scene, of: str) -> Distribution:
        data, layer, unit = scene.data, scene.moment.layer, scene.moment.unit
        if of == UNIT:
            return distribution_over_steps(lambda: _of_unit(data, layer, unit))
        kept = data.derived(
            f"distribution of {activation_path(layer)}",
            lambda: asdict(distribution_over_steps(lambda: unit_frames(data, layer))),
        )
        return Distribution(**kept)


def _picture(scene: Scene, made: Distribution) -> Any:
    return distribution_picture(scene, made, "activation", "activations")


def _of_unit(data: RunData, layer: str, unit: int) -> Iterator[npt.NDArray[np.float32]]:
    return (frame[..., unit] for frame in unit_frames(data, layer))

"""The selected layer's activation of the selected probe at the step on screen."""

from __future__ import annotations

from typing import Any

from explorer.absence import Absence
from explorer.derived.frames import Limits
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View, needs_activation
from explorer.views.registry import register
from explorer.widgets.frame_grid import FrameGrid
from store import Layer

HEIGHT = 400
# Kinds whose output is a stack of pictures when it has two spatial dimensions.
SPATIAL = 3


class _Activation(View):
    region = "stage"
    depends = ("layer", "probe")
    order = 20
    width = 12

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_activation(scene)

    def compute(self, scene: Scene) -> Limits:
        return scene.data.limits(scene.moment.layer, scene.moment.probe)

    def draw(self, scene: Scene, computed: Limits) -> Any:
        data, layer, probe = scene.data, scene.moment.layer, scene.moment.probe
        picture = data.picture(layer)
        return FrameGrid(
            lambda index: data.frame(layer, index, probe),
            len(data.run),
            key=f"{data.run.id}|{layer}|{probe}",
            mode=picture.mode,
            palette=palette_bytes(DIVERGING if computed.signed else SEQUENTIAL),
            low=computed.low,
            high=computed.high,
            places=picture.places,
            selects="unit" if picture.places else "",
            value_name="activation",
            x_labels=tokens_of(scene) if picture.mode == "matrix" else [],
            label=f"{self.title} of {layer}, probe {probe}",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
        )


def _has_maps(layer: Layer) -> bool:
    return len(layer.output_shape) >= SPATIAL


def tokens_of(scene: Scene) -> list[str]:
    """Words of the selected probe, where the layer still has one column a token."""
    probe = scene.data.run.probe
    if probe is None or probe.kind != "text" or not probe.vocabulary or not probe.inputs:
        return []
    ids = next(iter(probe.inputs.values()))[scene.moment.probe]
    if scene.layer.output_shape[:1] != ids.shape:
        return []
    words = probe.vocabulary
    return [words[int(i)] if 0 <= int(i) < len(words) else f"#{int(i)}" for i in ids]


@register
class FeatureMaps(_Activation):
    """A tile a unit, for layers whose output has two spatial dimensions."""

    title = "Feature maps"

    def serves(self, layer: Layer) -> bool:
        return _has_maps(layer)

    def caption(self, scene: Scene) -> str:
        maps, height, width = scene.data.picture(scene.moment.layer).shape
        units = scene.data.units(scene.moment.layer)
        places = "" if maps == units else f" at each of {maps // units} places"
        return (
            f"Output of each of the {units} units{places} for probe {scene.moment.probe}, "
            f"{height} × {width} positions. Colours mean the same at every step; hover for values."
        )


@register
class UnitHeatmap(_Activation):
    """A cell a unit, or a matrix of tokens and units."""

    title = "Unit activations"

    def serves(self, layer: Layer) -> bool:
        return not _has_maps(layer)

    def caption(self, scene: Scene) -> str:
        picture = scene.data.picture(scene.moment.layer)
        if picture.mode == "matrix":
            return (
                f"Output for probe {scene.moment.probe}: a row for each of the {picture.shape[1]} "
                f"units, a column for each of the {picture.shape[2]} tokens. Hover for values."
            )
        return (
            f"Output of each of the {picture.shape[0]} units for probe {scene.moment.probe}, "
            "in reading order. Colours mean the same at every step; hover for values."
        )

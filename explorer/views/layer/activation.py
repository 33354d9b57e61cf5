"""The selected layer's activation of the selected probe at the step on screen."""

from __future__ import annotations

from typing import Any

from explorer.data.absence import Absence
from explorer.data.places import place_noun
from explorer.data.unit_orders import unit_orders
from explorer.derived.time.frames import Limits
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.parts import tokens_of
from explorer.views.registry import register
from explorer.views.requirements import needs_activation
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer

HEIGHT = 400
# Units beside each other that can be told apart; of more, a page is shown.
PAGE = 256
# Kinds whose output is a stack of pictures when it has two spatial dimensions.
SPATIAL = 3
Orders = dict[str, list[int]]


class _Activation(View):
    region = "stage"
    depends = ("layer", "probe")
    order = 20
    width = 12

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_activation(scene)

    def compute(self, scene: Scene) -> tuple[Limits, Orders]:
        data, layer, probe = scene.data, scene.selected.layer, scene.selected.probe
        picture = data.picture(layer)
        is_large = picture.mode == "tiles" and picture.places == 1 and picture.shape[0] > PAGE
        return data.limits(layer, probe), unit_orders(data, layer, probe) if is_large else {}

    def draw(self, scene: Scene, computed: tuple[Limits, Orders]) -> Any:
        data, layer, probe = scene.data, scene.selected.layer, scene.selected.probe
        picture = data.picture(layer)
        limits, orders = computed
        return FrameGrid(
            lambda index: data.frame(layer, index, probe),
            len(data.run),
            key=f"{data.run.id}|{layer}|{probe}",
            mode=picture.mode,
            palette=palette_bytes(DIVERGING if limits.signed else SEQUENTIAL),
            low=limits.low,
            high=limits.high,
            places=picture.places,
            page=PAGE,
            orders=orders,
            selects="unit" if picture.places else "",
            value_name="activation",
            x_labels=tokens_of(scene) if picture.mode == "matrix" else [],
            x_name=place_noun(data, scene.layer),
            label=f"{self.title} of {layer}, probe {probe}",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
        )


def _paged(scene: Scene) -> str:
    """Say what the orders of a layer of many units go by; empty where all have room."""
    data, layer = scene.data, scene.selected.layer
    if data.units(layer) <= PAGE or data.picture(layer).mode != "tiles":
        return ""
    return (
        f" {PAGE} units a page. In order of their mean magnitude (activity), of its change from "
        "one to the next of up to 5 recorded steps, or of what they contribute to the true class "
        "(activation × gradient): means over these steps, so that each unit keeps its place."
    )


def _has_maps(layer: Layer) -> bool:
    return len(layer.output_shape) >= SPATIAL


@register
class FeatureMaps(_Activation):
    """A tile a unit, for layers whose output has two spatial dimensions."""

    title = "Feature maps"

    def serves(self, layer: Layer) -> bool:
        return _has_maps(layer)

    def caption(self, scene: Scene) -> str:
        maps, height, width = scene.data.picture(scene.selected.layer).shape
        units = scene.data.units(scene.selected.layer)
        places = "" if maps == units else f" at each of {maps // units} places"
        return (
            f"Output of each of the {units} units{places} for probe {scene.selected.probe}, "
            f"{height} × {width} positions. Colours mean the same at every step; hover for values."
        ) + _paged(scene)


@register
class UnitHeatmap(_Activation):
    """A cell a unit, or a matrix of places and units."""

    title = "Unit activations"

    def serves(self, layer: Layer) -> bool:
        return not _has_maps(layer)

    def caption(self, scene: Scene) -> str:
        picture = scene.data.picture(scene.selected.layer)
        if picture.mode == "matrix":
            return (
                f"Output for probe {scene.selected.probe}: a row for each of the "
                f"{picture.shape[1]} units, a column for each of the {picture.shape[2]} "
                f"{place_noun(scene.data, scene.layer)}s. "
                "Hover for values."
            )
        return (
            f"Output of each of the {picture.shape[0]} units for probe {scene.selected.probe}, "
            "in reading order. Colours mean the same at every step; hover for values."
        ) + _paged(scene)

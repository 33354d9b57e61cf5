"""The selected unit's feature map, enlarged and laid over the probe, and what each place sees."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.data.absence import Absence, Unfit
from explorer.data.units import MAP_AXES, Sight, images, sight_of, unit_limits, unit_values
from explorer.derived.time.frames import Limits, quantize
from explorer.plots.pictures import grey_codes
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.registry import register
from explorer.views.requirements import needs_activation
from explorer.widgets.pictures.unit_focus import UnitFocus
from store import Layer
from store.format.names import UNIT_DIM, activation_path

HEIGHT = 300


@register
class Unit(View):
    """One map as large as it gets: over the probe, and beside it alone."""

    title = "The unit on the probe"
    region = "layer"
    depends = ("layer", "unit", "probe")
    order = 12
    width = 6

    def serves(self, layer: Layer) -> bool:
        return len(layer.output_shape) == MAP_AXES

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_activation(scene) or needs_maps(scene)

    def caption(self, scene: Scene) -> str:
        selected = scene.selected
        what = f"Unit {selected.unit} of {selected.layer} on probe {selected.probe}"
        if images(scene.data) is None:
            return f"{what}. The probe is not one image, so the map is shown alone."
        sight = sight_of(scene.data, scene.layer)
        if sight.fault is not None:
            return (
                f"{what}, stretched over it: where each position lies is not known. {sight.fault}"
            )
        if sight.is_whole:
            return f"{what}, stretched over it: each position sees the whole input."
        rows, columns = (int(np.ptp(part, axis=1).max()) for part in (sight.rows, sight.columns))
        return (
            f"{what}. A position sees up to {rows} × {columns} pixels, its receptive field: hover "
            "to see it; dashed, that of the largest output."
        )

    def compute(self, scene: Scene) -> tuple[Limits, Sight]:
        limits = unit_limits(
            scene.data, scene.selected.layer, scene.selected.unit, scene.selected.probe
        )
        return limits, sight_of(scene.data, scene.layer)

    def draw(self, scene: Scene, computed: tuple[Limits, Sight]) -> Any:
        limits, sight = computed
        data, selected = scene.data, scene.selected
        given = images(data)
        return UnitFocus(
            lambda index: quantize(
                unit_values(data, selected.layer, index, selected.unit, selected.probe), limits
            ),
            len(data.run),
            key=f"{data.run.id}|{selected.layer}|unit {selected.unit}|{selected.probe}",
            picture=None if given is None else grey_codes(given)[selected.probe],
            size=list(sight.size),
            extent=sight.extent,
            rows=sight.rows,
            columns=sight.columns,
            palette=palette_bytes(DIVERGING if limits.signed else SEQUENTIAL),
            low=limits.low,
            high=limits.high,
            signed=limits.signed,
            label=f"Unit {selected.unit} of {selected.layer} on probe {selected.probe}",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
        )


def needs_maps(scene: Scene) -> Unfit | None:
    """Require feature maps: an activation with two spatial dimensions and units."""
    dims = scene.data.run.array(activation_path(scene.selected.layer)).dims[2:]
    if len(dims) == MAP_AXES and UNIT_DIM in dims:
        return None
    return Unfit(
        f"The output of {scene.selected.layer} has the dimensions {', '.join(dims)}, which are no "
        "feature maps (y, x, unit)."
    )

"""How large a layer's weights are, how far they have come, and how large an update is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing
from explorer.data.layers import by_unit, main_weight
from explorer.data.summaries import weight_norms
from explorer.data.updates import how_measured, update_sizes
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.norms import Norms, unit_norms
from explorer.derived.time.timeline import edges
from explorer.plots.matrices import time_heatmap
from explorer.plots.norms import ratio_curve, size_curves
from explorer.views.alternatives import Alternatives, Chosen
from explorer.views.base import Scene, View, figure_pane, has_lost_weights, plot_pane
from explorer.views.parts import sentence_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_steps, needs_weights, nothing_in
from explorer.widgets.page.beside import below
from store import Layer
from store.format.names import weight_path

Array = npt.NDArray[Any]

HEIGHT = 300
LAYER, UNITS = "layer", "units"
# Rows beyond this are thinner than a pixel.
MOST_UNITS = 512


class _OfLayer(NamedTuple):
    """Norms of the main weight, and how large updates are beside it: (step,)."""

    norms: Norms
    ratios: Array


@register
class WeightNorms(View):
    """Norm, distance from the start and update ratio of the main weight; the norm of each unit."""

    title = "Norms and update ratio"
    region = "layer"
    depends = ("layer", "axis")
    order = 50
    width = 6

    def __init__(self) -> None:
        self._of = LAYER

    def serves(self, layer: Layer) -> bool:
        return main_weight(layer) is not None or has_lost_weights(layer)

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_weights(scene) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        weight = main_weight(scene.layer)
        units = self._units(scene)
        shown = f" Of {units:,} units {MOST_UNITS} are shown." if units > MOST_UNITS else ""
        return (
            f"{weight}: L2 norm, and distance from the first recorded step. Below, how far an "
            "optimizer update moves it, relative to its norm: about 0.001 (dashed) is the "
            "customary rule of thumb. Healthy: the norm levels off. "
            f"{how_measured(scene.data)}{shown}"
        )

    def compute(self, scene: Scene) -> Chosen | Nothing:
        of = self._of if self._units(scene) > 1 else LAYER
        # If the layer has nothing to show, its units have not.
        return Chosen.of(of, self._computed(scene, of), alone=of == LAYER)

    def draw(self, scene: Scene, computed: Chosen) -> Any:
        of, found = computed
        options = {LAYER: "whole layer"}
        if self._units(scene) > 1:
            options[UNITS] = "each unit"
        return Alternatives(
            scene.data,
            options,
            of,
            found,
            compute=lambda of: self._computed(scene, of),
            draw=lambda of, made: _curves(scene, made) if of == LAYER else _units(scene, made),
            chosen=lambda of: setattr(self, "_of", of),
            channel=scene.channel,
        )

    def _computed(self, scene: Scene, of: str) -> _OfLayer | Array | Nothing:
        data, name, weight = scene.data, scene.selected.layer, main_weight(scene.layer)
        assert weight is not None
        if of == LAYER:
            norms, updates = weight_norms(data, name), update_sizes(data, name)
            assert norms is not None
            assert updates is not None
            none = nothing_in(norms.norm, f"The norm of {weight} of {name}")
            # One norm all the time may be that of weights which turn.
            is_still = none is not None and not (norms.from_start > 0).any()
            return _OfLayer(norms, updates.ratio) if none is None or not is_still else none

        def make() -> dict[str, Array]:
            frames = (by_unit(scene.layer, frame) for frame in data.weight_frames(name, weight))
            return {"norm": unit_norms(frame for frame in frames if frame is not None)}

        found = data.derived(f"unit norms of {weight_path(name, weight)}", make)["norm"]
        return nothing_in(found, f"The norm of each unit of {name}") or found

    def _units(self, scene: Scene) -> int:
        weight = main_weight(scene.layer)
        if weight is None or not len(scene.data.run):
            return 0
        own = by_unit(scene.layer, scene.data.weight(scene.selected.layer, weight, 0))
        return 0 if own is None else own.shape[-1]


def _curves(scene: Scene, found: _OfLayer) -> pn.Column:
    norms, ratios = found
    options: dict[str, Any] = {"height": HEIGHT // 2, **scene.time_options()}
    sizes = size_curves(scene.positions, norms.norm, norms.from_start, **options)
    if not (ratios > 0).any():
        return below(plot_pane(sizes), sentence_pane("No update has moved it."), gap=0)
    ratio = ratio_curve(scene.positions, ratios, **options)
    return below(plot_pane(sizes), plot_pane(ratio), gap=0)


def _units(scene: Scene, norms: Array) -> pn.pane.HoloViews:
    kept = sample_indices(norms.shape[1], MOST_UNITS)
    return figure_pane(
        time_heatmap(
            norms[:, kept],
            x_edges=edges(scene.positions),
            y_edges=np.arange(len(kept) + 1) - 0.5,
            y_label="unit",
            value_label="L2 norm of its weights",
            positions=scene.positions,
            height=HEIGHT,
            **scene.time_options(),
        )
    )

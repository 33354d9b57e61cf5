"""Every unit's activation of the selected probe over the whole training."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Nothing, Unfit
from explorer.data.windows import padded_positions
from explorer.derived.time.frames import TAIL, robust_limits
from explorer.derived.time.timeline import edges
from explorer.plots.matrices import time_heatmap
from explorer.views.base import Scene, View, plot_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_activation, needs_steps, nothing_in

# Rows beyond this are thinner than a pixel.
MOST_UNITS = 512


@register
class UnitHistory(View):
    """A row a unit, a column a step: when did each unit begin to answer to this probe."""

    title = "Units over training"
    region = "layer"
    depends = ("layer", "probe", "axis")
    order = 40
    width = 6

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_activation(scene) or needs_steps(scene, least=2)
        if missing is not None:
            return missing
        units = scene.data.units(scene.selected.layer)
        if units <= MOST_UNITS:
            return None
        return Unfit(f"{units:,} units are more rows than a screen has pixels for ({MOST_UNITS}).")

    def caption(self, scene: Scene) -> str:
        how = "A" if len(scene.layer.output_shape) == 1 else "Mean over positions; a"
        if _places(scene) is not None:
            how = "Mean over positions but those of padding; a"
        return (
            f"{how} row for each unit, a column for each recorded step, "
            f"for probe {scene.selected.probe}: when did each unit begin to answer to it? Colours "
            f"end at the quantiles {TAIL:.1%} and {1 - TAIL:.1%} of what is shown."
        )

    def compute(self, scene: Scene) -> npt.NDArray[Any] | Nothing:
        layer, probe = scene.selected.layer, scene.selected.probe
        history = scene.data.unit_history(layer, probe, _places(scene))
        what = "What every unit" if history.shape[1] > 1 else "What the unit"
        return nothing_in(history, f"{what} of {layer} gives for probe {probe}") or history

    def draw(self, scene: Scene, computed: npt.NDArray[Any]) -> Any:
        limits = robust_limits([computed])
        return plot_pane(
            time_heatmap(
                computed,
                x_edges=edges(scene.positions),
                y_edges=np.arange(computed.shape[1] + 1) - 0.5,
                y_label="unit",
                value_label="activation",
                positions=scene.positions,
                limits=(limits.low, limits.high),
                signed=limits.signed,
                height=300,
                **scene.time_options(),
            )
        )


def _places(scene: Scene) -> npt.NDArray[np.bool_] | None:
    """Say which positions of the probe count: those of its text; None if all do."""
    row = scene.data.probe_input(scene.selected.probe)
    padded = None if row is None else padded_positions(scene.data, scene.layer, row[None])
    own = None if padded is None else padded[0]
    return None if own is None or own.all() or not own.any() else ~own

"""The weights of a layer of attention, head by head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Unfit
from explorer.data.kernels import some_of, symmetric
from explorer.data.run import RunData
from explorer.derived.attention.circuits import PARTS, head_matrices
from explorer.derived.time.frames import Limits, quantize, robust_limits, sample_indices
from explorer.plots.style import DIVERGING, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.parts import option, options_row
from explorer.views.registry import register
from explorer.views.requirements import needs_weights
from explorer.widgets.page.beside import below
from explorer.widgets.pictures.frame_grid import FrameGrid

Codes = npt.NDArray[np.uint8]

HEIGHT = 340
SAMPLES = 12

ABOUT = {
    "query": "a row for each unit that comes in, a column for each unit of the head",
    "key": "a row for each unit that comes in, a column for each unit of the head",
    "value": "a row for each unit that comes in, a column for each unit of the head",
    "attention_output": "a row for each unit of the head, a column for each unit that goes out",
    "attends": "query times key: which unit of a place (row) makes it attend to which (column)",
    "moves": "value times output: which unit of a place attended to (row) adds to which (column)",
}


@dataclass(frozen=True)
class HeadWeights:
    """Weights of a layer, and the ends of their colours by part."""

    data: RunData
    layer: str
    limits: dict[str, Limits]

    @classmethod
    def of(cls, data: RunData, layer: str) -> HeadWeights:
        """Look at some steps; call it in the worker thread."""
        owner = data.network.first_call(layer)
        samples: dict[str, list[npt.NDArray[Any]]] = {}
        for index in sample_indices(len(data.run), SAMPLES):
            weights = data.weights(owner, index)
            for part in PARTS:
                samples.setdefault(part, []).append(some_of(head_matrices(weights, part)))
        return cls(
            data,
            owner,
            {part: symmetric(robust_limits(values)) for part, values in samples.items()},
        )

    def provider(self, part: str) -> Callable[[int], Codes]:
        """Make what gives the matrices of a recorded step, one for each head."""
        return lambda index: quantize(
            head_matrices(self.data.weights(self.layer, index), part), self.limits[part]
        )


@register
class AttentionWeights(View):
    """Query, key, value and output of every head, and what they make together."""

    title = "Query, key, value and output"
    region = "layer"
    kinds = frozenset({"attention"})
    depends = ("layer",)
    order = 16
    width = 12

    def __init__(self) -> None:
        self._part = "query"

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_weights(scene)
        if missing is not None:
            return missing
        owner = scene.data.run.layers[scene.data.network.first_call(scene.layer.name)]
        needed = {f"{part}.kernel" for part in ("query", "key", "value", "attention_output")}
        if not needed <= owner.weights.keys():
            return Unfit(f"{scene.layer.name} has no projections of its own.")
        return None

    def caption(self, scene: Scene) -> str:
        return (
            f"Weights of {scene.layer.name}, a picture for each head, zero in the middle of the "
            "colours. " + "; ".join(f"{PARTS[part]}: {text}" for part, text in ABOUT.items()) + "."
        )

    def compute(self, scene: Scene) -> HeadWeights:
        return HeadWeights.of(scene.data, scene.selected.layer)

    def draw(self, scene: Scene, computed: HeadWeights) -> pn.Column:
        weights = computed
        first = head_matrices(scene.data.weights(weights.layer, 0), self._part)

        def key() -> str:
            return f"{scene.data.run.id}|{weights.layer}|heads|{self._part}"

        def looks() -> dict[str, Any]:
            limits = weights.limits[self._part]
            count = len(head_matrices(scene.data.weights(weights.layer, 0), self._part))
            captions = [f"head {head}" for head in range(count)]
            return {"low": limits.low, "high": limits.high, "captions": captions}

        grid = FrameGrid(
            weights.provider(self._part),
            len(scene.data.run),
            key=key(),
            mode="tiles",
            palette=palette_bytes(DIVERGING),
            places=0,
            value_name="weight",
            label=f"Weights of {len(first)} heads of {scene.layer.name}",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
            **looks(),
        )

        def choose(part: str) -> None:
            self._part = part
            grid.change(key(), weights.provider(part), **looks())

        return below(
            options_row([option("weights", dict(PARTS), self._part, partial(choose))]), grid, gap=6
        )

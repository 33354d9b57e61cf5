"""Where what a place holds comes from, through all layers of attention up to the selected one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Unfit
from explorer.data.attention import AttentionLayer
from explorer.derived.attention.patches import mosaic
from explorer.derived.texts.words import Text
from explorer.derived.time.frames import Limits, quantize, robust_limits, sample_indices
from explorer.plots.style import SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.parts import heading
from explorer.views.registry import register
from explorer.views.requirements import needs_scores
from explorer.widgets.page.beside import below, beside
from explorer.widgets.pictures.frame_grid import FrameGrid

Codes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

HEIGHT = 400
SAMPLES = 8


@dataclass(frozen=True)
class Origins:
    """Rollout up to a layer for one probe.

    Attributes
    ----------
    layer : AttentionLayer
        The last layer.
    probe : int
        The probe.
    text : Text
        Words at the places, or their numbers.
    grid : (int, int) or None
        Rows and columns of patches, where the places are such.
    limits, mean_limits : Limits
        Ends of the colours: of each place's origins, and of their mean.
    """

    layer: AttentionLayer
    probe: int
    text: Text
    grid: tuple[int, int] | None
    limits: Limits
    mean_limits: Limits

    @classmethod
    def of(cls, layer: AttentionLayer, probe: int) -> Origins:
        """Look at some steps; call it in the worker thread."""
        indices = sample_indices(len(layer.data.run), SAMPLES)
        samples = [layer.rollout(index, probe).astype(np.float32) for index in indices]
        means = [sample.mean(axis=0) for sample in samples]
        highs = [max(robust_limits(each).high, 1e-6) for each in (samples, means)]
        found = [Limits(0.0, high, signed=False) for high in highs]
        return cls(layer, probe, layer.text(probe, layer.shape[1]), layer.grid, *found)

    def picture(self, index: int) -> Floats:
        """Give what each place is made of: (1, y, x)."""
        found = self.layer.rollout(index, self.probe)
        if self.grid is not None:
            return mosaic(found, *self.grid)[None]
        shown = self.text.shown
        return np.asarray(found[None, shown, shown], np.float32)

    def mean(self, index: int) -> Floats:
        """Give the mean over all places: (1, y, x), of patches; (1, 1, place) of words."""
        found = self.layer.rollout(index, self.probe)
        if self.grid is not None:
            return np.asarray(found.mean(axis=0).reshape(1, *self.grid), np.float32)
        shown = self.text.shown
        return np.asarray(found[shown, shown].mean(axis=0)[None, None], np.float32)


@register
class AttentionRollout(View):
    """Rollout of the attention of all layers up to the selected one."""

    title = "Where it comes from, through all attention before"
    region = "layer"
    kinds = frozenset({"attention"})
    depends = ("layer", "probe")
    order = 14
    width = 6

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_scores(scene)
        if missing is not None:
            return missing
        layer = AttentionLayer(scene.data, scene.selected.layer)
        if not layer.is_of_itself:
            return Unfit(f"The places of {layer.name} attend to those of another layer.")
        if len(layer.before()) < 2:
            return Unfit(f"{layer.name} is the first layer of attention: nothing lies before it.")
        return None

    def caption(self, scene: Scene) -> str:
        layer, probe = AttentionLayer(scene.data, scene.selected.layer), scene.selected.probe
        names = ", ".join(each.name for each in layer.before())
        count = layer.shape[1]
        return (
            f"Share of each place of the input in each place after {layer.name}, for probe "
            f"{probe}: rollout, the product of {names}, each the mean of its heads and, by half, "
            f"what passes by it (Abnar and Zuidema 2020). All alike, a share is {1 / count:.3g}. "
            "It leaves out what values and dense layers do: it says where from, not for what."
        )

    def compute(self, scene: Scene) -> Origins:
        return Origins.of(AttentionLayer(scene.data, scene.selected.layer), scene.selected.probe)

    def draw(self, scene: Scene, computed: Origins) -> pn.Column:
        origins, name = computed, computed.layer.name
        shared: dict[str, Any] = {
            "palette": palette_bytes(SEQUENTIAL),
            "mode": "matrix",
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
            "places": 0,
            "value_name": "share",
        }
        labels = [] if origins.grid else origins.text.labels

        def grid(
            what: str, picture: Callable[[int], Floats], limits: Limits, **looks: Any
        ) -> FrameGrid:
            return FrameGrid(
                lambda index: quantize(picture(index), limits),
                len(scene.data.run),
                key=f"{scene.data.run.id}|{name}|{what}|{origins.probe}",
                label=f"Rollout up to {name}, probe {origins.probe}: {what}",
                low=limits.low,
                high=limits.high,
                **looks,
                **shared,
            )

        of_each = grid(
            "of each place",
            origins.picture,
            origins.limits,
            height=HEIGHT,
            square=bool(origins.grid),
            x_labels=labels,
            y_labels=labels,
            x_name="from",
            y_name="in",
        )
        of_all = grid(
            "mean",
            origins.mean,
            origins.mean_limits,
            height=HEIGHT if origins.grid else 110,
            square=bool(origins.grid),
            x_labels=labels,
            x_name="from",
            y_name="",
        )
        first = below(heading("In each place"), of_each, gap=4)
        second = below(heading("In all places, on average"), of_all, gap=4)
        return beside(first, second) if origins.grid else below(first, second)

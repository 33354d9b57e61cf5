"""What each place attends to: all heads of a layer small, one of them large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence
from explorer.data.attention import AttentionLayer
from explorer.derived.attention.patches import mosaic
from explorer.derived.texts.words import Text
from explorer.derived.time.frames import Limits, quantize
from explorer.plots.style import SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.parts import option, options_row
from explorer.views.registry import register
from explorer.views.requirements import needs_scores
from explorer.widgets.page.beside import below, beside
from explorer.widgets.pictures.frame_grid import FrameGrid

Codes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

HEIGHT = 460
# The small pictures beside the large one.
SMALL_HEIGHT = 300


@dataclass(frozen=True)
class ScoreMaps:
    """The scores of a layer for one probe, as pictures.

    Attributes
    ----------
    layer : AttentionLayer
        The layer.
    probe : int
        The probe.
    queries, keys : Text
        Words at the places, or their numbers.
    limits : Limits
        Ends of the colours.
    grid : (int, int) or None
        Rows and columns of patches, where the places are such.
    """

    layer: AttentionLayer
    probe: int
    queries: Text
    keys: Text
    limits: Limits
    grid: tuple[int, int] | None

    @classmethod
    def of(cls, layer: AttentionLayer, probe: int) -> ScoreMaps:
        """Look at some steps; call it in the worker thread."""
        _, queries, keys = layer.shape
        texts = layer.text(probe, queries), layer.text(probe, keys)
        return cls(layer, probe, *texts, layer.limits(probe), layer.grid)

    def pictures(self, index: int) -> Floats:
        """Give a picture of each head at a recorded step: (head, y, x)."""
        scores = self.layer.scores(index, self.probe)[0]
        if self.grid is not None:
            return mosaic(scores, *self.grid)
        return np.asarray(scores[:, self.queries.shown, self.keys.shown])

    def of_all(self, index: int) -> Codes:
        """Give the colours of all heads."""
        return quantize(self.pictures(index), self.limits)

    def of_one(self, head: int) -> Callable[[int], Codes]:
        """Make what gives the colours of one head."""
        return lambda index: quantize(self.pictures(index)[head : head + 1], self.limits)

    @property
    def looks(self) -> dict[str, Any]:
        """Give colours of both, and the labels of the large one."""
        return {
            "palette": palette_bytes(SEQUENTIAL),
            "low": self.limits.low,
            "high": self.limits.high,
        }

    @property
    def labels(self) -> dict[str, Any]:
        """Give the words beside the large one."""
        if self.grid is not None:
            return {"x_name": "column", "y_name": "row", "square": True}
        return {
            "x_labels": self.keys.labels,
            "y_labels": self.queries.labels,
            "x_name": "attended to",
            "y_name": "from",
        }


@register
class AttentionMap(View):
    """Scores of one head over the words or patches of a probe, and those of all heads beside."""

    title = "What each place attends to"
    region = "layer"
    kinds = frozenset({"attention"})
    depends = ("layer", "probe")
    order = 10
    width = 12

    def __init__(self) -> None:
        self._head = "0"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_scores(scene)

    def caption(self, scene: Scene) -> str:
        layer, probe = AttentionLayer(scene.data, scene.selected.layer), scene.selected.probe
        heads, queries, keys = layer.shape
        if layer.grid is not None:
            rows, columns = layer.grid
            how = (
                f"At the place of each of the {rows} × {columns} patches lies a small picture of "
                "all patches: how much it takes from each of them."
            )
        else:
            how = "A row for each place that attends, a column for each that it attends to."
        causal = " Nothing after a place is attended to." if layer.is_causal else ""
        return (
            f"Scores of {heads} head{'s' if heads > 1 else ''} of {layer.name} on probe {probe}, "
            f"derived exactly from what it takes and its weights. {how} A row's scores add up to "
            f"1; all alike, they would be {1 / keys:.3g}.{causal}"
            f"{layer.text(probe, queries).remark}"
        )

    def compute(self, scene: Scene) -> ScoreMaps:
        return ScoreMaps.of(AttentionLayer(scene.data, scene.selected.layer), scene.selected.probe)

    def draw(self, scene: Scene, computed: ScoreMaps) -> pn.Column:
        maps, name = computed, computed.layer.name
        heads = maps.layer.shape[0]
        self._head = self._head if int(self._head) < heads else "0"

        def key(head: str) -> str:
            return f"{scene.data.run.id}|{name}|scores|{maps.probe}|{head}"

        shared: dict[str, Any] = {
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
            "places": 0,
            "value_name": "score",
            **maps.looks,
        }
        large = FrameGrid(
            maps.of_one(int(self._head)),
            len(scene.data.run),
            key=key(self._head),
            mode="matrix",
            label=f"Scores of a head of {name}, probe {maps.probe}",
            height=HEIGHT,
            **maps.labels,
            **shared,
        )

        def choose(head: str) -> None:
            self._head = head
            large.change(key(head), maps.of_one(int(head)))

        if heads == 1:
            return below(large, gap=6)
        small = FrameGrid(
            maps.of_all,
            len(scene.data.run),
            key=key("all"),
            mode="tiles",
            captions=[f"head {head}" for head in range(heads)],
            label=f"Scores of all heads of {name}, probe {maps.probe}",
            height=SMALL_HEIGHT,
            **shared,
        )
        choice = option("head", {str(h): str(h) for h in range(heads)}, self._head, partial(choose))
        return beside(below(options_row([choice]), large, gap=6), small, shares=(3, 2))

    def exact(self, scene: Scene) -> Callable[[int], npt.NDArray[Any]] | None:
        layer, probe = AttentionLayer(scene.data, scene.selected.layer), scene.selected.probe
        return lambda index: layer.scores(index, probe)[0]

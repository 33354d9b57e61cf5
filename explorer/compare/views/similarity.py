"""How alike the layers of both runs are by their activations: all pairs, and counterparts."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.compare.counterparts import candidates, set_by_hand
from explorer.compare.differences import (
    FEWEST_UNBIASED,
    MOST_LAYERS,
    Likeness,
    layers_seen,
    likeness_of_all,
    likeness_over_time,
    pairs_seen,
)
from explorer.compare.settings import NOTHING
from explorer.compare.views.base import PairView, register
from explorer.compare.views.layer_curves import MOST_CURVES, curves_of_layers
from explorer.data.absence import SAME_PROBE, Absence, Lack, Nothing
from explorer.data.texts import texts_of
from explorer.derived.time.frames import Limits, quantize
from explorer.plots.style import SEQUENTIAL, palette_bytes
from explorer.views.base import Scene
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below
from explorer.widgets.page.layer_pairs import LayerPairs
from explorer.widgets.page.text import text_pane
from explorer.widgets.pictures.frame_grid import FrameGrid

HEIGHT = 400
SHARES = Limits(0.0, 1.0, signed=False)
NO_NUMBER = "How alike the layers see is not a number at any moment."


class _OfProbes(PairView):
    aligned = True

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is not None:
            return missing
        if not len(self.pair.probes):
            return Lack(SAME_PROBE)
        if len(self.pair.probes) < 2:
            return Lack("The runs share one probe; this needs two. Record both with the same.")
        if not all(layers_seen(data) for data in self.runs):
            return Lack("One of the runs has no recorded activation. Give its recorder a probe.")
        return None

    @property
    def estimate(self) -> str:
        """Name what is done about the bias of few probes."""
        return "unbiased" if len(self.pair.probes) >= FEWEST_UNBIASED else "biased: few probes"

    @property
    def padding(self) -> str:
        """Say that texts are compared as the layers see them, if they are filled up."""
        texts = texts_of(self.pair.first)
        if texts is None or texts.padding is None or not (texts.ids == texts.padding).any():
            return ""
        return " Layers are compared at every position, those of padding too."

    def by_chance(self, found: Likeness) -> Any:
        """Say how far CKA scatters with as many probes."""
        if np.isnan(found.chance):
            return text_pane("How far CKA scatters by chance is not known here.", role="note")
        return text_pane(
            f"With {len(self.pair.probes)} probes CKA scatters: of layers that have nothing in "
            f"common (probes shuffled, at the last moment) 1 in 20 reaches {found.chance:.2f}.",
            role="note",
        )


@register
class AllWithAll(_OfProbes):
    """A matrix of layers by layers that follows the slider."""

    title = "Layers of A and of B: how alike they see"
    order = 30
    width = 6

    def caption(self, scene: Scene) -> str:
        left_out = max(len(layers_seen(data)) for data in self.runs) - MOST_LAYERS
        only = f" The first {MOST_LAYERS} layers are shown." if left_out > 0 else ""
        return (
            f"Linear CKA ({self.estimate}) over the {len(self.pair.probes)} shared probes: 1, the "
            "layers tell the probes apart in the same way; 0 or below (drawn as 0), no more alike "
            f"than by chance.{self.padding} A row for each layer of A, a column for each of "
            f"B.{only}"
        )

    def compute(self, scene: Scene) -> Likeness | Nothing:
        found = likeness_of_all(self.pair, self.alignment, self.comparison.key)
        return found if np.isfinite(found.values).any() else Nothing(NO_NUMBER)

    def draw(self, scene: Scene, computed: Likeness) -> Any:
        ours, theirs = (layers_seen(data)[:MOST_LAYERS] for data in self.runs)
        grid = FrameGrid(
            lambda index: quantize(computed.values[nearest(computed.positions, index)], SHARES)[
                None
            ],
            len(self.alignment),
            key=f"{self.pair.key}|cka|{self.comparison.key}",
            mode="matrix",
            palette=palette_bytes(SEQUENTIAL),
            low=SHARES.low,
            high=SHARES.high,
            bounded=True,
            x_labels=theirs,
            y_labels=ours,
            x_name="layer of B",
            y_name="layer of A",
            value_name="CKA",
            square=True,
            label="CKA of all layers of A with all layers of B",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
        )
        return below(grid, self.by_chance(computed))


@register
class EachWithItsOwn(_OfProbes):
    """A table of the layers that belong together; it follows the slider."""

    title = "Which layer belongs to which"
    order = 31
    width = 6
    columns = ("layer of A", "of B", "why", "CKA", "most alike in B", "CKA")

    def requirement(self, scene: Scene) -> Absence | None:
        return None  # of layers that are not alike, or have no activation, the names are shown

    def caption(self, scene: Scene) -> str:
        alone = sum(pair.first is None or pair.second is None for pair in self.pair.layers.pairs)
        said = f" {alone} layers have no counterpart." if alone else ""
        return (
            "What is chosen in one run is shown of the layer beside it in the other. Click a row "
            f"to choose its layer.{said} Layers of one name and kind go together, others by their "
            "kind and place; below that can be set by hand."
        )

    def compute(self, scene: Scene) -> Likeness | None:
        missing = super().requirement(scene)
        return None if missing else likeness_of_all(self.pair, self.alignment, self.comparison.key)

    def draw(self, scene: Scene, computed: Likeness | None) -> Any:
        ours, theirs = (layers_seen(data)[:MOST_LAYERS] for data in self.runs)

        def provide(index: int) -> dict[str, Any]:
            rows, chooses = [], []
            matrix = (
                None if computed is None else computed.values[nearest(computed.positions, index)]
            )
            for a, b, why in self.pair.layers.pairs:
                own, best, most = "", "", ""
                if matrix is not None and a in ours:
                    likeness = matrix[ours.index(a)]
                    own = _share(likeness[theirs.index(b)]) if b in theirs else ""
                    if np.isfinite(likeness).any():
                        at = int(np.nanargmax(likeness))
                        best, most = theirs[at], _share(likeness[at])
                rows.append(
                    [a or NOTHING, b or NOTHING, "" if why == "none" else why, own, best, most]
                )
                chooses.append({"layer": a} if a else {})
            return {"rows": rows, "chooses": chooses}

        listing = StepTable(
            provide,
            max(1, len(self.alignment) if self.comparison.alignment else 0),
            key=f"{self.pair.key}|layers|{self.comparison.key}",
            columns=list(self.columns),
            numeric=[3, 5],
            still=computed is None,
            empty="The runs have no layers.",
            label=self.title,
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        by_hand = LayerPairs(
            rows=[
                [row.layer, row.counterpart, row.why, list(row.alike), list(row.others)]
                for row in candidates(self.pair)
            ],
            by_hand=set_by_hand(self.pair),
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        return below(listing, by_hand)


@register
class OverTime(_OfProbes):
    """A curve for each pair of layers."""

    title = "How alike layers see, over time"
    order = 32
    width = 6

    def caption(self, scene: Scene) -> str:
        count = len(pairs_seen(self.pair))
        only = f" The first {MOST_CURVES} of {count}." if count > MOST_CURVES else ""
        return (
            f"Linear CKA ({self.estimate}, {len(self.pair.probes)} shared probes) of each layer "
            "with the one that belongs to it. Untrained layers of other seeds are not at 0: both "
            f"see the same inputs through random weights.{self.padding}{only}"
        )

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is None and not pairs_seen(self.pair):
            return Nothing("No layer of A with a recorded activation has a counterpart in B.")
        return missing

    def compute(self, scene: Scene) -> Likeness | Nothing:
        found = likeness_over_time(self.pair, self.alignment, self.comparison.key)
        return found if np.isfinite(found.values).any() else Nothing(NO_NUMBER)

    def draw(self, scene: Scene, computed: Likeness) -> Any:
        names = [a if a == b else f"{a} / {b}" for a, b in pairs_seen(self.pair)]
        low = min(-0.05, float(np.nanmin(computed.values)) - 0.02)
        curves = curves_of_layers(self, scene, names, computed, y_label="CKA", y_range=(low, 1.05))
        return below(curves, self.by_chance(computed))


def nearest(positions: Any, index: int) -> int:
    """Give the computed position that is nearest to one of the slider."""
    return int(np.abs(positions - index).argmin())


def _share(value: float) -> str:
    return "NaN" if np.isnan(value) else f"{value:.2f}"

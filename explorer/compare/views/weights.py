"""How much the weights of both runs differ, and since which step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.compare.differences import (
    Likeness,
    Parting,
    pairs_weighed,
    parting,
    weights_over_time,
)
from explorer.compare.views.base import PairView, register
from explorer.compare.views.layer_curves import curves_of_layers
from explorer.data.absence import Absence, Nothing
from explorer.views.base import Scene
from explorer.widgets.page.beside import below
from explorer.widgets.page.text import text_pane

# Layers that a sentence names.
MOST_NAMED = 4


@dataclass(frozen=True)
class _Apart:
    distances: Likeness
    parting: Parting


@register
class WeightsApart(PairView):
    """A curve for each pair of layers, and a sentence about their parting."""

    title = "How far weights are apart"
    order = 40
    width = 6
    aligned = True

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is None and not pairs_weighed(self.pair):
            return Nothing(
                "No layer of A has a counterpart in B with weights of the same names and shapes; "
                "how alike they see can be compared all the same."
            )
        return missing

    def caption(self, scene: Scene) -> str:
        return (
            "Distance of each layer's weights, unit by unit as they are numbered, over the mean of "
            "their sizes in A and B. 0: equal. 2: opposite. Random weights of other seeds are "
            "nearly at right angles: 1.41 if both are equally large (biases and scales begin "
            "equal), and more, up to 2, the more their sizes differ; so above 1.41 look at the "
            "norms, too."
        )

    def compute(self, scene: Scene) -> _Apart | Nothing:
        distances = weights_over_time(self.pair, self.alignment, self.comparison.key)
        found = parting(self.pair)
        if not (distances.values > 0).any():
            known = np.isfinite(distances.values).any()
            return Nothing(parted(found, []) if known else "The weights are not finite.")
        return _Apart(distances, found)

    def draw(self, scene: Scene, computed: _Apart) -> Any:
        names = [a if a == b else f"{a} / {b}" for a, b in pairs_weighed(self.pair)]
        curves = curves_of_layers(
            self, scene, names, computed.distances, y_label="relative distance"
        )
        weighed = sum(bool(layer.weights) for layer in self.runs[0].run.layers.values())
        said = parted(computed.parting, names)
        if len(names) < weighed:
            said += (
                f" That is of {len(names)} out of {weighed} layers; shapes of the others differ."
            )
        return below(text_pane(said, "finding"), curves)


def listed(names: Sequence[str]) -> str:
    """Name layers, the first of many."""
    if len(names) > MOST_NAMED:
        return f"{len(names)} layers ({', '.join(names[:MOST_NAMED])} ...)"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def parted(found: Parting, names: list[str]) -> str:
    """Say where and when two runs part, in a sentence."""
    divergence, steps = found.divergence, found.steps
    if divergence.status == "nothing to compare":
        return "The runs have recorded no step in common, so it is not known where they part."
    if divergence.status == "no shared initialization":
        apart = [name for name, since in zip(names, divergence.since, strict=True) if since == 0]
        alike = [name for name in names if name not in apart]
        at = f"at step {steps[0]:,}"
        if not alike:
            return f"They do not share their initialization: every layer differs {at} already."
        return (
            f"They share a part of their initialization: {listed(alike)} begin"
            f"{'s' if len(alike) == 1 else ''} alike, but {listed(apart)} "
            f"differ{'s' if len(apart) == 1 else ''} {at} already."
        )
    if divergence.status == "never":
        return (
            f"They never part: at all {len(steps)} steps that both recorded, weights are equal "
            f"within {divergence.tolerance:g} of their size."
        )
    assert divergence.position is not None  # as they parted
    assert divergence.layer is not None
    before = steps[divergence.position - 1]
    return (
        f"They begin alike and part between steps {before:,} and {steps[divergence.position]:,}, "
        f"first in {names[divergence.layer]} (by more than {divergence.tolerance:g} of the "
        "weights' size)."
    )

"""Whether the last features of each class become one point, and these points a simplex."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.data.absence import Absence, Unfit
from explorer.data.replayed import Replayed, collapse_at, head_of, steps_seen
from explorer.derived.predictions.labels import too_few
from explorer.derived.units.collapse import Collapse
from explorer.plots.curves import metric_curves
from explorer.views.base import Scene, plot_pane
from explorer.views.registry import register
from explorer.views.replaying import Measured, Replaying
from explorer.views.requirements import needs_replayed, needs_steps

# Curves by the measure of each.
NAMES = {
    "within": "NC1 within classes",
    "angles": "NC2 angles",
    "lengths": "NC2 lengths",
    "duality": "NC3 kernel and means",
    "nearest": "NC4 nearest mean",
}


@register
class CollapseView(Replaying):
    """The four measures of neural collapse over the training."""

    title = "Neural collapse"
    region = "learning"
    order = 40

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene, least=2) or needs_replayed(scene.data)
        if missing is not None:
            return missing
        head = head_of(scene.data)
        if head is None:
            return Unfit("The classes do not come from one dense layer.")
        if scene.data.run.layers[head].config.get("units") == 1:
            return Unfit("One unit gives both classes, so there is no vector for each class.")
        return None

    def caption(self, scene: Scene) -> str:
        of = Replayed.of(scene.data)
        assert of is not None
        return (
            f"Of {of.examples.described} at {len(steps_seen(scene.data))} recorded steps, in what "
            f"{head_of(scene.data)} takes (Papyan 2020): spread within the classes over that "
            "between them (NC1), how far class means are from a simplex of equal angles and "
            "lengths (NC2), distance of the kernel from them (NC3), and the share of answers that "
            "are not the nearest mean (NC4); log₁₀, in which a value of 0 leaves a gap. In a "
            "training that goes on after every training example is right all of them fall, and it "
            "is no fault if they do not before."
        )

    def too_few(self, of: Replayed) -> str | None:
        few = too_few(of.examples.labels)
        missing = len(of.examples.class_names) - len(np.unique(of.examples.labels))
        return few or (f"Too few: {missing} of the classes have no example." if missing else None)

    def at_step(self, of: Replayed, index: int) -> Collapse:
        head = head_of(of.data)
        assert head is not None
        return collapse_at(of, head, index)

    def nothing(self, found: list[Collapse]) -> str | None:
        if np.isfinite([one.within for one in found]).any():
            return None
        return "The features are not finite, or the same for all classes, at any of the steps."

    def draw(self, scene: Scene, computed: Measured) -> Any:
        places = scene.positions[computed.steps]
        series = {}
        for name, title in NAMES.items():
            values = np.array([getattr(one, name) for one in computed.found])
            series[title] = (places, np.log10(np.where(values > 0, values, np.nan)))
        return plot_pane(
            metric_curves(series, y_label="log₁₀", cursor=scene.positions, **scene.time_options())
        )

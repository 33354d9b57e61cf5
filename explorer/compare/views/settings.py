"""Where the settings of both trainings differ."""

from __future__ import annotations

from typing import Any

from explorer.compare.settings import differing_settings
from explorer.compare.tables import Row, table
from explorer.compare.views.base import PairView, register
from explorer.data.absence import Nothing
from explorer.plots.style import RUNS
from explorer.views.base import Scene


@register
class Settings(PairView):
    """Optimizer, loss, seeds, schedule, versions, layers: a row for each difference."""

    title = "Settings that differ"
    order = 20
    width = 6
    saves = False

    def caption(self, scene: Scene) -> str:
        _, same = differing_settings(self.pair)
        return f"Of both recordings; {same} other settings are the same."

    def compute(self, scene: Scene) -> list[Row] | Nothing:
        return differing_settings(self.pair)[0] or Nothing(
            "Every recorded setting is the same in both."
        )

    def draw(self, scene: Scene, computed: list[Row]) -> Any:
        return table(computed, RUNS)

"""Both runs in numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.compare.settings import NOTHING
from explorer.compare.tables import Row, table
from explorer.compare.views.base import PairView, register
from explorer.data.metrics import LEARNING_RATE, metric_values, smoothed_curve
from explorer.data.run import RunData
from explorer.derived.pairs.progress import grows, progress
from explorer.plots.style import RUNS
from explorer.views.base import Scene


@register
class Summary(PairView):
    """Length, size, and last and best value of each metric."""

    title = "Both runs in numbers"
    order = 10
    width = 6

    def caption(self, scene: Scene) -> str:
        return (
            "Of each metric its last and its best value, of a running median where it was measured "
            "at every batch; the run that came further is set strong."
        )

    def draw(self, scene: Scene, computed: Any) -> Any:
        facts = [_facts(data) for data in self.runs]
        rows: list[Row] = [(name, facts[0][name], facts[1][name]) for name in facts[0]]
        strong: list[int | None] = [None] * len(rows)
        for name in dict.fromkeys(str(name) for data in self.runs for name in data.metrics):
            (last, best), (other_last, other_best) = (
                _last_and_best(data, name) for data in self.runs
            )
            judged = not name.startswith(LEARNING_RATE)
            texts = [
                f"{_number(value)} (best {_number(peak)})" if judged else _number(value)
                for value, peak in ((last, best), (other_last, other_best))
            ]
            rows.append((name.replace("_", " "), texts[0], texts[1]))
            strong.append(better(name, best, other_best) if judged else None)
        return table(rows, RUNS, strong)


def _facts(data: RunData) -> dict[str, str]:
    run, timeline = data.run, data.timeline
    count = len(run)
    last = [f"{values[-1]:.4g}" if count else NOTHING for values in (run.epochs, run.wall_times)]
    return {
        "steps": f"{int(timeline.steps[-1]):,}" if count else NOTHING,
        "epochs": last[0],
        "time (s)": last[1],
        "recorded steps": f"{count:,}",
        "layers": f"{len(run.layers):,}",
        "parameters": f"{sum(layer.parameters for layer in run.layers.values()):,}",
        "probes": f"{run.probe.size:,}" if run.probe else "0",
        "finished": "yes" if run.finished else "no",
        "not finite since step": NOTHING
        if run.not_finite_since is None
        else f"{run.not_finite_since:,}",
        "weights set before step": ", ".join(f"{step:,}" for step in run.weight_jumps) or NOTHING,
    }


def _last_and_best(data: RunData, name: str) -> tuple[float, float]:
    """Give the last known value of a metric, and the best one; NaN where there is none."""
    if name not in data.metrics:
        return np.nan, np.nan
    updates, values = metric_values(data, name)
    known = ~np.isnan(values)
    if not known.any():
        return np.nan, np.nan
    ended = values[known][-1]
    smoothed = smoothed_curve(data, name)
    last = ended if smoothed is None or not np.isfinite(ended) else smoothed[1][-1]
    levels = progress(updates, values, growing=grows(name)).levels
    if not len(levels):
        return float(last), np.nan
    return float(last), float(levels[-1] if grows(name) else -levels[-1])


def better(name: str, first: float, second: float) -> int | None:
    """Give the run with the better value of a metric, 0 or 1; None if neither is."""
    if np.isnan(first) or np.isnan(second) or first == second:
        return None
    return int((second > first) == grows(name))


def _number(value: float) -> str:
    return NOTHING if np.isnan(value) else f"{value:.4g}"

"""Both runs in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.compare.examples import CommonExamples
from explorer.compare.settings import NOTHING
from explorer.compare.tables import Row, table
from explorer.compare.views.base import PairView, register
from explorer.data.example_dynamics import dynamics_of
from explorer.data.examples import Examples, examples_of
from explorer.data.metrics import LEARNING_RATE, VALIDATION, metric_values, smoothed_curve
from explorer.data.run import RunData
from explorer.derived.pairs.difference import paired_difference
from explorer.derived.pairs.progress import grows
from explorer.derived.predictions.verdicts import RIGHT, UNKNOWN
from explorer.plots.style import RUNS
from explorer.views.base import Scene

Array = npt.NDArray[Any]
# Two means of the same examples that are further apart differ in 1 of 20 trials by chance.
FAR_ERRORS = 2


@dataclass(frozen=True)
class Measured:
    """One number of both runs.

    Attributes
    ----------
    name : str
        What is measured, and on what.
    texts : (str, str)
        Of A and of B.
    better : int or None
        The run that is better by more than chance brings about; None: neither, or not asked.
    """

    name: str
    texts: tuple[str, str]
    better: int | None = None


@register
class Summary(PairView):
    """Length and size of both, and how good each is: on held-out examples, where there are any."""

    title = "Both runs in numbers"
    order = 10
    width = 6
    saves = False

    def caption(self, scene: Scene) -> str:
        judged = {
            "evaluation": "Set strong: the run that is better on the same held-out examples, by "
            f"more than {FAR_ERRORS} standard errors of the difference, example by example.",
            "validation": "Set strong: the better validation value, which may be by chance: the "
            "number of examples is not known. Record both with one Evaluation to know.",
            "training": "There is no value on held-out examples that both have. Set strong: the "
            "better value in training, which says little of new examples.",
        }[self._judged_by]
        return (
            f"At the last recorded step, and at its best. {judged} What was logged while training "
            "is a running median of batches, at weights that still moved."
        )

    def compute(self, scene: Scene) -> list[Measured]:
        return [*self._on_examples(), *self._logged()]

    def draw(self, scene: Scene, computed: list[Measured]) -> Any:
        facts = [_facts(data) for data in self.runs]
        rows: list[Row] = [(name, facts[0][name], facts[1][name]) for name in facts[0]]
        strong: list[int | None] = [None] * len(rows)
        rows += [(one.name, *one.texts) for one in computed]
        return table(rows, RUNS, strong + [one.better for one in computed])

    @property
    def _same(self) -> CommonExamples | None:
        """Held-out examples that both have answered."""
        found = self.pair.examples
        return found if found is not None and found.source == "evaluation" else None

    @property
    def _judged_by(self) -> Literal["evaluation", "validation", "training"]:
        if self._same is not None:
            return "evaluation"
        is_validated = any(name.startswith(VALIDATION) for name in self.pair.metrics)
        return "validation" if is_validated else "training"

    def _on_examples(self) -> Iterator[Measured]:
        """Accuracy and loss on the held-out examples: those in common, else those of each."""
        sets = [examples_of(data, "evaluation") for data in self.runs]
        if sets == [None, None]:
            return
        same = self._same
        chosen: list[Any] = [slice(None)] * 2 if same is None else list(same.numbers)
        found = [
            None if one is None else _on_each(one, numbers)
            for one, numbers in zip(sets, chosen, strict=True)
        ]
        if same is not None:
            of = f"{len(same):,} held-out examples, the same in both"
        else:
            of = "held-out examples of each run, not the same"
        for quality, more in (("accuracy", True), ("cross-entropy", False)):
            values = [None if one is None else one[quality] for one in found]
            texts = [NOTHING if one is None else _last_and_best_of(one, more) for one in values]
            better = None
            if same is not None and values[0] is not None and values[1] is not None:
                better = surely_better(values[0][-1], values[1][-1], more=more)
            yield Measured(f"{quality} ({of})", (texts[0], texts[1]), better)

    def _logged(self) -> Iterator[Measured]:
        """Metrics as logged: in validation first."""
        names = dict.fromkeys(str(name) for data in self.runs for name in data.metrics)
        by = self._judged_by
        for name in sorted(names, key=lambda name: not name.startswith(VALIDATION)):
            values = [_last_and_best(data, name) for data in self.runs]
            in_validation = name.startswith(VALIDATION)
            said = name.removeprefix(VALIDATION).replace("_", " ")
            if name.startswith(LEARNING_RATE):  # of each optimizer, where there are several
                texts = [_number(last) for last, _ in values]
                yield Measured(said, (texts[0], texts[1]))
                continue
            texts = [f"{_number(last)} (best {_number(best)})" for last, best in values]
            is_judged = by == ("validation" if in_validation else "training")
            first, second = (best for _, best in values)
            yield Measured(
                f"{said} ({'in validation' if in_validation else 'while training'})",
                (texts[0], texts[1]),
                better(name, first, second) if is_judged else None,
            )


def _on_each(examples: Examples, chosen: Any) -> dict[str, Array]:
    """Say of each example whether it is right, and its loss: (step, example) each."""
    marks = examples.verdicts().marks[:, chosen]
    right = np.where(marks == UNKNOWN, np.nan, marks == RIGHT)
    return {"accuracy": right, "cross-entropy": dynamics_of(examples).loss[:, chosen]}


def _last_and_best_of(values: Array, more: bool) -> str:
    """Say the last mean with its standard error, the examples, and the best mean."""
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(known, values, 0).sum(axis=1) / counts
    if not np.isfinite(means).any():
        return NOTHING
    best = np.nanmax(means) if more else np.nanmin(means)
    last = values[-1][known[-1]]
    if not len(last):
        return f"{NOTHING} (best {_number(float(best))})"
    error = last.std(ddof=1) / np.sqrt(len(last)) if len(last) > 1 else np.nan
    return f"{_number(means[-1])} \u00b1 {error:.2g}, n {len(last):,} (best {_number(float(best))})"


def surely_better(first: Array, second: Array, *, more: bool) -> int | None:
    """Give the run that is better on the same examples, 0 or 1; None if that may be by chance.

    Parameters
    ----------
    first, second : ndarray (example,)
        A value of each example in either run.
    more : bool
        Whether more is better.
    """
    apart, error = paired_difference(first, second)
    if not abs(apart) > FAR_ERRORS * error:
        return None
    return int((apart > 0) == more)


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
    """Give the last known value of a metric, and the best one; NaN where there is none.

    Both are of one curve, the running median where batches make it noisy: so that the best is never
    behind the last.
    """
    if name not in data.metrics:
        return np.nan, np.nan
    _, values = metric_values(data, name)
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan, np.nan
    smoothed = smoothed_curve(data, name)
    curve = known if smoothed is None else smoothed[1]
    finite = curve[np.isfinite(curve)]
    best = np.nan if not len(finite) else finite.max() if grows(name) else finite.min()
    # A training that broke down ends in what is no number, whatever the median says.
    last = curve[-1] if np.isfinite(known[-1]) else known[-1]
    return float(last), float(best)


def better(name: str, first: float, second: float) -> int | None:
    """Give the run with the better value of a metric, 0 or 1; None if neither is."""
    if np.isnan(first) or np.isnan(second) or first == second:
        return None
    return int((second > first) == grows(name))


def _number(value: float) -> str:
    return NOTHING if np.isnan(value) else f"{value:.4g}"

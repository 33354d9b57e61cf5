"""Two runs and what holds between them, for all sessions: layers, probes, colours, time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from explorer.compare.examples import CommonExamples, common_examples
from explorer.compare.outputs import CommonOutputs, common_outputs
from explorer.compare.probes import SharedProbes, shared_probes
from explorer.data.metrics import LEARNING_RATE, VALIDATION, is_epoch_mean, metric_values
from explorer.data.run import Measure, RunData
from explorer.derived.pairs.layer_mapping import LayerMapping, map_layers
from explorer.derived.pairs.progress import grows
from explorer.derived.pairs.time_alignment import (
    Alignment,
    Clock,
    align_by_anchors,
    align_by_clock,
    align_by_metric,
)
from explorer.derived.time.frames import Limits
from store.errors import did_you_mean
from store.reading.cache import Arrays

Anchors = tuple[tuple[float, float], tuple[float, float]]

CLOCK_MODES: dict[Clock, str] = {"step": "step", "epoch": "epoch", "wall_time": "time"}
METRIC = "metric:"
ANCHORS = "anchors"


class RunPair:
    """Two runs beside each other.

    Parameters
    ----------
    first, second : RunData
        The runs, A and B.
    overrides : mapping of str to (str or None), optional
        Layers of B for layers of A, set by hand.

    Attributes
    ----------
    layers : LayerMapping
        Which layer belongs to which.
    tied : tuple of RunData
        The same runs; pictures of both have colours, and ends, that mean the same.
    """

    def __init__(
        self, first: RunData, second: RunData, overrides: Mapping[str, str | None] | None = None
    ) -> None:
        self.first, self.second = first, second
        ours, theirs = first.run.layers, second.run.layers
        self.layers: LayerMapping = map_layers(ours.values(), theirs.values(), overrides)
        self.tied = (TiedData(self, 0), TiedData(self, 1))

    @functools.cached_property
    def probes(self) -> SharedProbes:
        """What of the probes is shared."""
        return shared_probes(self.first.run.probe, self.second.run.probe)

    @functools.cached_property
    def examples(self) -> CommonExamples | None:
        """By which examples the answers of both are compared; None without any."""
        return common_examples(self.first, self.second, self.probes)

    @functools.cached_property
    def outputs(self) -> CommonOutputs | None:
        """By which inputs the outputs of both are compared, whatever these stand for."""
        return common_outputs(self.first, self.second, self.probes)

    @property
    def key(self) -> str:
        """Names both runs as they are now, for what is kept of them."""
        together = ",".join(f"{a}={b}" for a, b in self.layers.together)
        return f"{self.first.run.version}|{self.second.run.version}|{together}"

    def derived(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """Give expensive arrays of both runs, kept as those of one run are."""
        return self.first.derived(f"pair|{self.key}|{key}", make)

    # -- time --------------------------------------------------------------------------------

    @functools.cached_property
    def metrics(self) -> list[str]:
        """Names of the metrics that both runs reach values of, those of held-out examples first."""
        names = [str(name) for name in self.first.metrics if name in self.second.metrics]
        return sorted(
            (name for name in names if not name.startswith(LEARNING_RATE)),
            key=lambda name: not name.startswith(VALIDATION),
        )

    @functools.cached_property
    def modes(self) -> dict[str, str]:
        """How the runs can be put beside each other in time: text by name."""
        spoken = {METRIC + name: f"equal {self._spoken(name)}" for name in self.metrics}
        clocks: dict[str, str] = dict(CLOCK_MODES)  # type: ignore[arg-type]  # of narrower keys
        return {**clocks, **spoken, ANCHORS: "two points"}

    def align(self, mode: str, anchors: Anchors | None = None) -> Alignment:
        """Put the runs beside each other in time.

        Parameters
        ----------
        mode : str
            One of `modes`.
        anchors : pair of (step of A, step of B), optional
            For the mode ``anchors``; by default the first and the last steps.

        Raises
        ------
        ValueError
            That is not possible with these runs; the text says why.
        """
        if mode not in self.modes:
            raise ValueError(f"There is no alignment {mode!r}. {did_you_mean(mode, self.modes)}")
        ours, theirs = self.first.timeline, self.second.timeline
        if mode == ANCHORS:
            return align_by_anchors(ours, theirs, anchors or self.ends())
        if mode.startswith(METRIC):
            name = mode.removeprefix(METRIC)
            curves = [metric_values(data, name) for data in (self.first, self.second)]
            return align_by_metric(ours, theirs, *curves, name=name)
        return align_by_clock(ours, theirs, mode)  # type: ignore[arg-type]  # one of the clocks

    def said_of(self, mode: str, alignment: Alignment) -> str:
        """Say what the runs do not have in common in time; empty if nothing is to be said.

        Parameters
        ----------
        mode : str
            One of `modes`.
        alignment : Alignment
            As `align` gives it.
        """
        said = []
        ends = [run.steps[-1] for run in (self.first.timeline, self.second.timeline)]
        if mode.startswith(METRIC):
            name = mode.removeprefix(METRIC)
            if alignment.best is not None:
                a, b = alignment.best
                late = "B" if (b > a) != grows(name) else "A"
                other, worst, best = ("A", b, a) if late == "B" else ("B", a, b)
                said.append(
                    f"{late} never reaches what {other} does: its best {self._spoken(name)} is "
                    f"{worst:.3g}, that of {other} {best:.3g}. From there on {late} is held."
                )
            vague = [
                letter
                for letter, data in (("A", self.first), ("B", self.second))
                if not name.startswith(VALIDATION) and not is_epoch_mean(data, name)
            ]
            if vague:
                said.append(
                    f"{' and '.join(vague)}: {name} as logged. If fit logged it, these are means "
                    "over the epoch so far, which lag behind by half an epoch."
                )
        elif ends[0] != ends[1]:
            said.append(
                f"A ends at step {ends[0]:,}, B at step {ends[1]:,}. Where one has ended, its last "
                "step is held."
            )
        return " ".join(said)

    def _spoken(self, name: str) -> str:
        return name.replace(VALIDATION, "validation ", 1).replace("_", " ")

    def ends(self) -> Anchors:
        """First and last recorded steps of both."""
        ours, theirs = self.first.timeline.steps, self.second.timeline.steps
        if not len(ours) or not len(theirs):
            raise ValueError("One of the runs has recorded no step yet; wait for its first one.")
        return (float(ours[0]), float(theirs[0])), (float(ours[-1]), float(theirs[-1]))

    # -- colours -----------------------------------------------------------------------------

    def partner(
        self, side: int, what: str, layer: str, measure: Measure, probe: int | None
    ) -> Limits | None:
        """Give the limits of what stands beside a picture; None if nothing does.

        As of `RunData.common_limits`, of which `side` is the run.
        """
        across = self.layers.to_first if side else self.layers.to_second
        beside = across(layer)
        if beside is None:
            return None
        if probe is not None:
            probe = (self.probes.to_first if side else self.probes.to_second)(probe)
            if probe is None:
                return None
        return (self.second, self.first)[side].common_limits(what, beside, measure, probe)


class TiedData(RunData):
    """One run of a pair, in colours that mean the same as in the other.

    Parameters
    ----------
    pair : RunPair
        Both runs.
    side : {0, 1}
        Which of them it is.
    """

    def __init__(self, pair: RunPair, side: int) -> None:
        base = (pair.first, pair.second)[side]
        super().__init__(base.run)
        self.worker, self._derived = base.worker, base._derived
        self._pair, self._side, self._base = pair, side, base

    def common_limits(
        self, what: str, layer: str, measure: Measure, probe: int | None = None
    ) -> Limits | None:
        """Limits that hold in both runs."""
        own = self._base.common_limits(what, layer, measure, probe)
        beside = self._pair.partner(self._side, what, layer, measure, probe)
        return own if own is None or beside is None else joint_limits(own, beside)


def joint_limits(one: Limits, other: Limits) -> Limits:
    """Limits wide enough for two pictures."""
    low, high = min(one.low, other.low), max(one.high, other.high)
    if one.signed or other.signed:
        bound = max(-low, high)
        return Limits(-bound, bound, signed=True)
    return Limits(low, high, signed=False)

"""One time axis for two runs of different length and cadence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from explorer.derived.pairs.progress import Progress, grows, progress
from explorer.derived.time.timeline import LABELS, Timeline

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

Clock = Literal["step", "epoch", "wall_time"]
CLOCKS: tuple[Clock, ...] = get_args(Clock)
Mode = Literal["step", "epoch", "wall_time", "metric", "anchors"]
MODES: tuple[Mode, ...] = get_args(Mode)
Side = Literal["first", "second"]

UNITS: dict[Clock, str] = {"step": "steps", "epoch": "epochs", "wall_time": "s"}

# A slider has no more distinct positions.
MOST_POSITIONS = 2000
# Ends of two curves that differ by less, as a share of what both go through, count as equal.
NEGLIGIBLE = 0.01
# Share of the axis that is the rounding of its positions.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Alignment:
    """Positions on an axis that two runs have in common, and what each run shows there.

    Attributes
    ----------
    coordinates : ndarray (position,), float64
        Where the positions lie; they grow.
    first, second : ndarray (position,), int64
        Index of the recorded step that each run shows: the nearest one, of two that are equally
        near the earlier. It never goes back.
    first_off, second_off : ndarray (position,), float64
        The run's own clock at what is shown, less what the position asks for, in `unit`: above 0
        it was recorded later, below 0 earlier.
    first_beyond, second_beyond : ndarray of bool (position,)
        Where the run has no such moment: not yet begun, ended, or never that good or bad. Its
        nearest step is held there all the same.
    label : str
        Name of the axis.
    unit : str
        Unit of the `off` values.
    best : (float, float) or None
        Of runs aligned by a metric, the best value that each reaches; None if they are equal.
    """

    coordinates: Float64
    first: Int64
    second: Int64
    first_off: Float64
    second_off: Float64
    first_beyond: Bool
    second_beyond: Bool
    label: str
    unit: str
    best: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.coordinates)

    @property
    def exact(self) -> Bool:
        """Positions at which both runs have recorded just what is asked for: (position,)."""
        return np.asarray((self.first_off == 0) & (self.second_off == 0))

    def position_of(self, step_index: int, *, side: Side) -> int:
        """Position that shows a recorded step of one run, as exactly as any.

        Parameters
        ----------
        step_index : int
            Index of the recorded step.
        side : {"first", "second"}
            Of which run.

        Returns
        -------
        int
            Where several positions show it, the one that asks for it most nearly. Where none
            does, which a thinned axis may bring about, one that shows its nearest neighbour.
        """
        shown, off = (
            (self.first, self.first_off) if side == "first" else (self.second, self.second_off)
        )
        return int(np.lexsort((np.abs(off), np.abs(shown - step_index)))[0])


@dataclass(frozen=True)
class _Path:
    """Corner points of the way through both runs: (corner,) each, nowhere falling.

    `first_span` and `second_span` are the places between which each run has a moment of its own.
    """

    places: Float64
    first: Float64
    second: Float64
    first_span: tuple[float, float] = (-np.inf, np.inf)
    second_span: tuple[float, float] = (-np.inf, np.inf)


def align_by_clock(
    first: Timeline, second: Timeline, clock: Clock, *, most: int = MOST_POSITIONS
) -> Alignment:
    """Put equal steps, epochs or wall times of two runs beside each other.

    Parameters
    ----------
    first, second : Timeline
        Clocks of the runs.
    clock : {"step", "epoch", "wall_time"}
        Which of them. Wall times count from step 0.
    most : int
        Positions to give at most. Of more, some are left out evenly.

    Returns
    -------
    Alignment
        With a position wherever one of the runs recorded.

    Raises
    ------
    ValueError
        If a run has recorded no step, or if that clock stood still or was never known.
    """
    if clock not in CLOCKS:
        raise ValueError(
            f"Clock {clock!r} was passed; one of {', '.join(map(repr, CLOCKS))} was expected."
        )
    own = _positions(first, clock, "first"), _positions(second, clock, "second")
    corners = np.unique([position for run in own for position in (run[0], run[-1])])
    path = _Path(corners, corners, corners)
    return _follow(path, *own, label=LABELS[clock], unit=UNITS[clock], most=most)


def align_by_anchors(
    first: Timeline,
    second: Timeline,
    anchors: tuple[tuple[float, float], tuple[float, float]],
    *,
    most: int = MOST_POSITIONS,
) -> Alignment:
    """Put two steps of one run beside two steps of the other, and the rest evenly between.

    Up to the first anchor both runs go evenly from their first steps; after the second anchor
    they keep the pace that they have between the anchors, each to its end.

    Parameters
    ----------
    first, second : Timeline
        Clocks of the runs.
    anchors : pair of (step of the first run, step of the second run)
        The earlier one first; both steps grow from the one to the other.
    most : int
        Positions to give at most.

    Returns
    -------
    Alignment
        Coordinates are the mean of both runs' steps.

    Raises
    ------
    ValueError
        If the anchors do not grow or lie before a run's first step, or if a run has no step.
    """
    own = _positions(first, "step", "first"), _positions(second, "step", "second")
    points = np.asarray(anchors, np.float64)
    begin = np.array([run[0] for run in own])
    grow = points.shape == (2, 2) and (points[1] > points[0]).all() and (points[0] >= begin).all()
    if not (grow and np.isfinite(points).all()):
        raise ValueError(
            f"Anchors {anchors!r} were passed; ((a, b), (c, d)) with a < c, both steps of the "
            f"first run, and b < d, both of the second, was expected, none before their first "
            f"steps {begin[0]:g} and {begin[1]:g}. Choose two moments that follow each other in "
            "both runs."
        )
    pace = points[1] - points[0]
    left = [run[-1] - reached for run, reached in zip(own, points[1], strict=True)]
    end = points[1] + pace * max(0.0, *(left / pace))
    path = _through(np.array([begin, *points, end]))
    label = "step (mean of both runs), through two anchors"
    return _follow(path, *own, label=label, unit="steps", most=most)


def align_by_metric(
    first: Timeline,
    second: Timeline,
    first_curve: tuple[Array, Array],
    second_curve: tuple[Array, Array],
    *,
    name: str,
    growing: bool | None = None,
    most: int = MOST_POSITIONS,
) -> Alignment:
    """Put the moments beside each other at which two runs first reach the same value of a metric.

    What counts is the best value so far, as of `progress.progress`. Values that only one run
    has, at the beginning and at the end, have no counterpart: there both runs go evenly to their
    first and last steps, and the one that never has such a value is marked `beyond`. Of Keras's
    means over an epoch, pass the values of batches (`batch_values.batch_values`): a mean is as
    late as its epoch is long.

    Parameters
    ----------
    first, second : Timeline
        Clocks of the runs.
    first_curve, second_curve : (updates, values), ndarray (n,) each
        The metric in each run; what is not finite is left out.
    name : str
        The metric's name.
    growing : bool, optional
        Whether it grows as a network learns; by default that follows from the name.
    most : int
        Positions to give at most.

    Returns
    -------
    Alignment
        Coordinates are the mean of both runs' steps.

    Raises
    ------
    ValueError
        If a run has no finite value or no step, or if no value occurs in both.
    """
    own = _positions(first, "step", "first"), _positions(second, "step", "second")
    rising = grows(name) if growing is None else growing
    sign = 1 if rising else -1
    curves = [progress(*curve, growing=rising) for curve in (first_curve, second_curve)]
    low, high = _shared_levels(*curves, name=name, sign=sign)
    levels = np.unique(np.concatenate([curve.levels for curve in curves]))
    levels = levels[(levels >= low) & (levels <= high)]
    reached = np.stack([np.interp(levels, c.levels, c.updates) for c in curves], axis=1)
    begin = [min(run[0], moment) for run, moment in zip(own, reached[0], strict=True)]
    end = [max(run[-1], moment) for run, moment in zip(own, reached[-1], strict=True)]
    path = _through(np.array([begin, *reached, end]))
    shared = reached.mean(axis=1)[[0, -1]]
    slack = NEGLIGIBLE * float(np.ptp(np.concatenate([curve.levels for curve in curves])))
    spans = [
        (
            shared[0] if curve.levels[0] > other.levels[0] else -np.inf,
            shared[1] if curve.levels[-1] < other.levels[-1] - slack else np.inf,
        )
        for curve, other in (curves, curves[::-1])
    ]
    path = _Path(path.places, path.first, path.second, *spans)
    label = f"step (mean of both runs) at equal {name}"
    found = _follow(path, *own, label=label, unit="steps", most=most)
    if abs(curves[0].levels[-1] - curves[1].levels[-1]) <= slack:
        return found
    first_best, second_best = (float(sign * curve.levels[-1]) for curve in curves)
    return replace(found, best=(first_best, second_best))


def _shared_levels(
    first: Progress, second: Progress, *, name: str, sign: int
) -> tuple[float, float]:
    """Lowest and highest level that both runs have."""
    for curve, side in ((first, "first"), (second, "second")):
        if not len(curve.levels):
            raise ValueError(
                f"The {side} run has no finite value of {name!r}. Choose another metric, or align "
                "the runs by step or epoch."
            )
    low = max(first.levels[0], second.levels[0])
    high = min(first.levels[-1], second.levels[-1])
    if low > high:
        (a, b), (c, d) = (sorted(sign * run.levels[[0, -1]]) for run in (first, second))
        raise ValueError(
            f"The runs have no value of {name!r} in common: the first goes through {a:.4g} to "
            f"{b:.4g}, the second through {c:.4g} to {d:.4g}. Choose another metric, or align the "
            "runs by step or epoch."
        )
    return float(low), float(high)


def _positions(run: Timeline, clock: Clock, side: Side) -> Float64:
    """Read a clock that never goes back, with gaps filled along the steps."""
    if not len(run.steps):
        raise ValueError(f"The {side} run has recorded no step yet; wait for its first one.")
    values = run.positions(clock)
    known = np.isfinite(values)
    stands = len(values) > 1 and known.any() and np.ptp(values[known]) == 0
    if not known.any() or stands:
        raise ValueError(
            f"The {side} run has no clock by {clock}: {'it stood still' if stands else 'all NaN'}. "
            "Align the runs by step."
        )
    filled = np.interp(run.steps, run.steps[known], values[known])
    if clock == "wall_time" and run.steps[0] == 0:
        filled[0] = min(0.0, filled[0])  # the first step is the start, not what it took to record
    return np.asarray(np.maximum.accumulate(filled))


def _through(points: Float64) -> _Path:
    """Path through points (corner, run), placed at the mean of both runs."""
    points = np.maximum.accumulate(points, axis=0)
    return _Path(points.mean(axis=1), points[:, 0], points[:, 1])


def _follow(
    path: _Path, first: Float64, second: Float64, *, label: str, unit: str, most: int
) -> Alignment:
    """Go along a path, and stop wherever one of the runs recorded."""
    places = np.concatenate(
        [np.interp(first, path.first, path.places), np.interp(second, path.second, path.places)]
    )
    places = np.unique(places)
    slack = ROUNDING * max(1.0, float(np.abs(places).max()))
    places = places[np.diff(places, prepend=-np.inf) > slack]
    if len(places) > most:
        places = places[np.linspace(0, len(places) - 1, max(2, most)).round().astype(np.int64)]
    columns = []
    for recorded, clock, shared in (
        (first, path.first, path.first_span),
        (second, path.second, path.second_span),
    ):
        wanted = np.interp(places, path.places, clock)
        shown = _nearest(recorded, wanted)
        off = recorded[shown] - wanted
        off[np.abs(off) <= ROUNDING * max(1.0, float(np.abs(wanted).max()))] = 0
        begin, end = _span(recorded, clock, path.places)
        begin, end = max(begin, shared[0]), min(end, shared[1])
        columns.append((shown, off, (places < begin - slack) | (places > end + slack)))
    (shown_a, off_a, beyond_a), (shown_b, off_b, beyond_b) = columns
    return Alignment(
        places, shown_a, shown_b, off_a, off_b, beyond_a, beyond_b, label=label, unit=unit
    )


def _nearest(recorded: Float64, wanted: Float64) -> Int64:
    """Index of the nearest recorded position; of two that are equally near the earlier."""
    after = np.clip(np.searchsorted(recorded, wanted), 0, len(recorded) - 1)
    before = np.maximum(after - 1, 0)
    slack = ROUNDING * max(1.0, float(np.abs(wanted).max()))
    nearer = wanted - recorded[before] <= recorded[after] - wanted + slack
    return np.where(nearer, before, after).astype(np.int64)


def _span(recorded: Float64, clock: Float64, places: Float64) -> tuple[float, float]:
    """Places at which a run leaves its first recorded step and arrives at its last."""
    left = int(np.searchsorted(clock, recorded[0], side="right")) - 1
    arrived = int(np.searchsorted(clock, recorded[-1]))
    leaves = np.interp(recorded[0], clock[left : left + 2], places[left : left + 2])
    behind = slice(max(0, arrived - 1), arrived + 1)
    arrives = np.interp(recorded[-1], clock[behind], places[behind])
    return float(leaves), float(arrives)

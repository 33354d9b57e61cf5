"""A bounded queue, and one thread that computes the arrays of each taken step and writes them.

Nothing is ever dropped: when the queue is full the training waits, and the wait is counted. A
fault in the thread ends the recording, never the training.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from store.errors import RunClosedError
from store.format.names import Array
from store.format.spec import RunSpec
from store.live.metrics_table import EpochMeans
from store.live.writer import RunWriter
from store.reading.run import Run, open_run

# A taken step holds its memory until it is written. So many may wait that a short delay of the disk
# does not stop the training, and so few that they take little memory beside it.
QUEUE_STEPS = 8
QUEUE_BYTES = 256 * 2**20
# How often an idle thread looks whether a commit is due, in seconds.
IDLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class TakenStep:
    """One step on its way to the disk.

    Attributes
    ----------
    step : int
        Optimizer updates done.
    epoch, wall_time : float
        Epochs done, and seconds since the start.
    frames : callable
        Gives the arrays by array path; called by the thread.
    nbytes : int
        Memory that is held until then.
    """

    step: int
    epoch: float
    wall_time: float
    frames: Callable[[], Mapping[str, Any]]
    nbytes: int


@dataclass(frozen=True, slots=True)
class MetricsRow:
    """Metrics of one update on their way to the disk."""

    update: int
    values: Mapping[str, float]
    means: EpochMeans | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A scheduled step that was left out, to be counted in the run."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """The network when the training had ended: kept where it is not that of the last step.

    Attributes
    ----------
    wall_time : float
        Seconds since the start.
    frames : callable
        Gives the arrays by array path; called by the thread.
    """

    wall_time: float
    frames: Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class WeightJump:
    """The frames of a step and of all later ones hold weights that were set, not updated."""

    step: int


@dataclass(frozen=True, slots=True)
class TakenUp:
    """The model as a recording takes a run up again, and the weights of the run's last step."""

    step: int
    frames: Callable[[], Mapping[str, Any]]
    weights: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Commit:
    """Asks for a commit: readers then see all that was handed over before."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds of the training from a step on; why something of it is not known."""

    step: int
    holds: Mapping[str, Any]
    left_out: Mapping[str, str] = field(default_factory=dict)


Entry = TakenStep | MetricsRow | Skipped | Facts | WeightJump | TakenUp | Ending | Commit


class BackgroundWriter:
    """Feeds a `RunWriter` from a thread of its own.

    Parameters
    ----------
    writer : RunWriter
        The run to append to; from now on only the thread touches it.
    queue_steps, queue_bytes : int
        The training waits while more than this is on its way. One step always fits.

    Attributes
    ----------
    fault : Exception or None
        What ended the recording.
    waited : float
        Seconds that the training waited for the queue.
    busy : float
        Seconds that the thread was at work, beside the training.
    """

    def __init__(
        self,
        writer: RunWriter,
        *,
        queue_steps: int = QUEUE_STEPS,
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self.fault: Exception | None = None
        self.waited = 0.0
        self.busy = 0.0
        self._writer = writer
        self._limits = (queue_steps, queue_bytes)
        self._waiting: deque[Entry] = deque()
        self._steps = 0
        self._bytes = 0
        self._busy = False
        self._closing = False
        self._draining = False
        self._changed = threading.Condition()
        # A daemon, so that a training that died does not keep the process; `close` is also
        # called when the interpreter exits.
        self._thread = threading.Thread(target=self._run, name="trainlapse-writer", daemon=True)
        writer.on_take_over(self._give_way)
        self._thread.start()

    @property
    def spec(self) -> RunSpec:
        """The run's description, as it is written now."""
        return self._writer.spec

    def put(self, entry: Entry) -> None:
        """Hand over one entry; wait while the queue is full."""
        if not isinstance(entry, TakenStep):
            # The thread need not wake for it, and adding to a deque needs no lock.
            if self.fault is None and not self._closing:
                self._waiting.append(entry)
            return
        nbytes = entry.nbytes
        with self._changed:
            if not self._fits(nbytes):
                began = time.perf_counter()
                self._wait_for(lambda: self._fits(nbytes))
                self.waited += time.perf_counter() - began
            if self.fault is not None or self._closing:
                return
            self._waiting.append(entry)
            self._steps += 1
            self._bytes += nbytes
            self._changed.notify_all()

    def drain(self) -> None:
        """Wait until all that was handed over is written."""
        with self._changed:
            self._draining = True
            self._changed.notify_all()
            self._wait_for(lambda: not (self._waiting or self._busy))
            self._draining = False

    def flush(self) -> None:
        """Wait until readers see all that was handed over."""
        self.put(Commit())
        self.drain()

    def close(self, *, finished: bool) -> None:
        """Write what waits, end the thread and close the run; again does nothing.

        Parameters
        ----------
        finished : bool
            Whether the training ended as intended.
        """
        with self._changed:
            already, self._closing = self._closing, True
            self._changed.notify_all()
        if already:
            return
        self._thread.join()
        try:
            # After a fault this still commits the steps that are whole, and frees the run.
            self._writer.close(finished=finished and self.fault is None)
        except Exception as fault:  # the disk may be full for the commit, too
            self.fault = self.fault or fault

    def _give_way(self) -> None:
        """End the recording, since another recorder of this process takes over its run.

        So it is in a notebook: the traceback of an interrupted cell keeps the recorder of that
        cell, and the cell is run again.
        """
        self.close(finished=False)
        self.fault = self.fault or RunClosedError(
            f"Another recorder of this process has taken over {self._writer.path}."
        )

    def _wait_for(self, reached: Callable[[], bool]) -> None:
        """Wait for the thread, unless it has a fault or is gone: a training must never hang."""
        while not (self.fault is not None or reached()):
            if not self._thread.is_alive():
                raise RuntimeError("The thread that writes the run has ended.")
            self._changed.wait(IDLE_SECONDS)

    def _fits(self, nbytes: int) -> bool:
        steps, limit = self._limits
        return self._steps == 0 or (self._steps < steps and self._bytes + nbytes <= limit)

    def _run(self) -> None:
        try:
            while (entries := self._take()) is not None:
                began = time.perf_counter()
                for entry in entries:
                    self._write(entry)
                self._writer.commit_if_due()
                self.busy += time.perf_counter() - began
                del entries
        except Exception as fault:
            with self._changed:
                self.fault = fault
                self._waiting.clear()
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _take(self) -> list[Entry] | None:
        """Give everything up to the next step; nothing when idle; None when closed and empty.

        Metrics alone do not wake the thread: they wait for the next step or until `IDLE_SECONDS`
        are over, since the training must wait for the interpreter's lock whenever the thread wakes.
        """
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._urgent, IDLE_SECONDS)
            if not self._waiting:
                return None if self._closing else []
            self._busy = True
            taken: list[Entry] = []
            while self._waiting:
                taken.append(self._waiting.popleft())
                if isinstance(taken[-1], TakenStep):
                    break
            return taken

    @property
    def _urgent(self) -> bool:
        return self._steps > 0 or self._closing or (self._draining and bool(self._waiting))

    def _write_ending(self, ending: Ending) -> None:
        self._writer.commit()
        run = open_run(self._writer.path)
        if not len(run):
            return
        frames = {path: as_array(value) for path, value in ending.frames().items()}
        if not _is_last_step(run, frames):
            self._writer.keep_ending(frames, wall_time=ending.wall_time)

    def _write(self, entry: Entry) -> None:
        if isinstance(entry, MetricsRow):
            if self._writer.not_finite_since is None and not is_finite_loss(entry.values):
                self._writer.note_not_finite(entry.update)
            self._writer.append_metrics(entry.update, entry.values, means=entry.means)
            return
        if isinstance(entry, Commit):
            self._writer.commit()
            return
        if isinstance(entry, Facts):
            self._writer.note_facts(entry.step, entry.holds, entry.left_out)
            return
        if isinstance(entry, Ending):
            self._write_ending(entry)
            return
        if isinstance(entry, Skipped):
            self._writer.note_skipped(entry.reason)
            return
        if isinstance(entry, WeightJump):
            self._writer.note_weight_jump(entry.step)
            return
        frames = {path: as_array(value) for path, value in entry.frames().items()}
        if isinstance(entry, TakenUp):
            if any(differ(frames[path], values) for path, values in entry.weights.items()):
                self._writer.note_weight_jump(entry.step + 1)
            return
        if self._writer.not_finite_since is None and not are_finite_weights(frames):
            self._writer.note_not_finite(entry.step)
        self._writer.append(entry.step, epoch=entry.epoch, wall_time=entry.wall_time, frames=frames)
        with self._changed:
            self._steps -= 1
            self._bytes -= entry.nbytes
            self._changed.notify_all()


def _is_last_step(run: Run, frames: Mapping[str, Array]) -> bool:
    """Whether frames are those of a run's last step: by their weights, if it has any."""
    last = len(run) - 1
    weights = [path for path in frames if "/weights/" in path]
    for path in weights or frames:
        recorded = run.read(path, (last,))
        with np.errstate(over="ignore"):
            now = frames[path].astype(recorded.dtype)
        if recorded.tobytes() != now.tobytes():
            return False
    return True


def as_array(tensor: Any) -> Array:
    """View a tensor in the computer's memory as an array, without a copy where that works."""
    try:
        return np.asarray(memoryview(tensor))
    except (TypeError, ValueError, BufferError):
        return np.asarray(tensor)


def differ(values: Array, recorded: Array) -> bool:
    """Whether a weight is another than the one recorded, perhaps with fewer digits.

    Examples
    --------
    >>> differ(np.float32([0.1, np.nan]), np.float16([0.1, np.nan]))
    False
    """
    narrowed = values.astype(recorded.dtype)
    return not np.array_equal(narrowed, recorded, equal_nan=recorded.dtype.kind == "f")


def is_finite_loss(metrics: Mapping[str, float]) -> bool:
    """Whether every loss among the metrics is a finite number.

    Other metrics may well be NaN, for instance a precision that has nothing to count.

    Examples
    --------
    >>> is_finite_loss({"loss": 0.5, "precision": float("nan")})
    True
    >>> is_finite_loss({"critic_loss": float("inf")})
    False
    """
    return all(
        math.isfinite(value)
        for name, value in metrics.items()
        if name == "loss" or name.endswith("_loss")
    )


def are_finite_weights(frames: Mapping[str, Array]) -> bool:
    """Whether every weight of a step is a finite number.

    Parameters
    ----------
    frames : mapping of str to ndarray
        Arrays by path, as a run holds them.
    """
    return all(_is_finite(values) for path, values in frames.items() if "/weights/" in path)


def _is_finite(values: Array) -> bool:
    if values.dtype.kind != "f":
        return True
    # The sum takes one pass and no copy. Where it is finite, all values are; where it is not, a sum
    # of finite values may have overflowed, so each value is looked at.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())

"""A bounded queue and one thread that turns snapshots into arrays and writes them.

Nothing is ever dropped: when the queue is full the training waits, and the wait is counted. A
fault in the thread ends the recording, never the training.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from store.schema import Array
from store.writer import RunWriter

# Snapshots hold their memory until they are written: enough of them to ride out a slow disk for
# a moment, few enough to stay small beside the training itself.
QUEUE_STEPS = 8
QUEUE_BYTES = 256 * 2**20
# How often an idle thread looks whether a commit is due, in seconds.
IDLE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Snapshot:
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


class BackgroundWriter:
    """Feeds a `RunWriter` from a thread of its own.

    Parameters
    ----------
    writer : RunWriter
        The run to append to; from now on only the thread touches it.
    queue_steps, queue_bytes : int
        The training waits while more than this is on its way. One snapshot always fits.

    Attributes
    ----------
    fault : Exception or None
        What ended the recording.
    waited : float
        Seconds that the training waited for the queue.
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
        self._writer = writer
        self._limits = (queue_steps, queue_bytes)
        self._waiting: deque[Snapshot | MetricsRow] = deque()
        self._steps = 0
        self._bytes = 0
        self._busy = False
        self._closing = False
        self._draining = False
        self._changed = threading.Condition()
        # A daemon, so that a training that died does not keep the process; `close` is also
        # called when the interpreter exits.
        self._thread = threading.Thread(target=self._run, name="trainlapse-writer", daemon=True)
        self._thread.start()

    def put(self, entry: Snapshot | MetricsRow) -> None:
        """Hand over one entry; wait while the queue is full."""
        steps, nbytes = (1, entry.nbytes) if isinstance(entry, Snapshot) else (0, 0)
        with self._changed:
            if steps and not self._fits(nbytes):
                began = time.perf_counter()
                self._changed.wait_for(lambda: self.fault is not None or self._fits(nbytes))
                self.waited += time.perf_counter() - began
            if self.fault is not None or self._closing:
                return
            self._waiting.append(entry)
            self._steps += steps
            self._bytes += nbytes
            if steps:
                self._changed.notify_all()

    def drain(self) -> None:
        """Wait until all that was handed over is written."""
        with self._changed:
            self._draining = True
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self.fault is not None or not (self._waiting or self._busy)
            )
            self._draining = False

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

    def _fits(self, nbytes: int) -> bool:
        steps, limit = self._limits
        return self._steps == 0 or (self._steps < steps and self._bytes + nbytes <= limit)

    def _run(self) -> None:
        try:
            while (entries := self._take()) is not None:
                for entry in entries:
                    self._write(entry)
                self._writer.commit_if_due()
                del entries
        except Exception as fault:
            with self._changed:
                self.fault = fault
                self._waiting.clear()
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _take(self) -> list[Snapshot | MetricsRow] | None:
        """Everything up to the next snapshot; nothing when idle; None when closed and empty.

        Metrics alone do not wake the thread: they wait for the next snapshot or for the idle
        moment, since every waking costs the training a moment of the interpreter's lock.
        """
        with self._changed:
            self._busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._urgent, IDLE_SECONDS)
            if not self._waiting:
                return None if self._closing else []
            self._busy = True
            taken: list[Snapshot | MetricsRow] = []
            while self._waiting:
                taken.append(self._waiting.popleft())
                if isinstance(taken[-1], Snapshot):
                    break
            return taken

    @property
    def _urgent(self) -> bool:
        return self._steps > 0 or self._closing or (self._draining and bool(self._waiting))

    def _write(self, entry: Snapshot | MetricsRow) -> None:
        if isinstance(entry, MetricsRow):
            self._writer.append_metrics(entry.update, entry.values)
            return
        frames = {path: as_array(value) for path, value in entry.frames().items()}
        self._writer.append(entry.step, epoch=entry.epoch, wall_time=entry.wall_time, frames=frames)
        with self._changed:
            self._steps -= 1
            self._bytes -= entry.nbytes
            self._changed.notify_all()


def as_array(tensor: Any) -> Array:
    """View a tensor in the computer's memory as an array, without a copy where that works."""
    try:
        return np.asarray(memoryview(tensor))
    except (TypeError, ValueError, BufferError):
        return np.asarray(tensor)

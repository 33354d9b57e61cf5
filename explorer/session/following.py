"""A run that is still being recorded: its new steps are read while pages show it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable

import panel as pn

from explorer.data.run import RunData
from explorer.widgets.time.follow_switch import FollowSwitch
from explorer.worker import in_worker
from store import Run, open_run
from store.errors import TrainlapseError
from store.storage.sources import DirectorySource

logger = logging.getLogger(__name__)

# How often a page checks whether the run has grown: one call to the file system.
POLL_MS = 1000
# A page that took t seconds to redraw rests for this many times t before it redraws again.
REST_FACTOR = 3

Signature = tuple[int, int, int]


class Latest:
    """The newest reading of a run, shared by all of its pages.

    A reading never changes: what is being computed ends with the steps that it began with. A run
    that has grown is opened again. A run in a zip file or at an address does not grow.

    Parameters
    ----------
    run : Run
        An open run, or a part of one, which may still be recorded.

    Attributes
    ----------
    data : RunData
        The newest reading. If another recording has replaced this one, it is of that one.
    """

    def __init__(self, run: Run) -> None:
        self.data = RunData(run)
        self._lock = threading.Lock()
        self._signature = self._signature_now()
        with contextlib.suppress(TrainlapseError, OSError):
            run.refresh()  # it may have grown since it was opened

    def has_changed(self) -> bool:
        """Whether `read` would return a newer reading; costs one call to the file system."""
        now = self._signature_now()
        return now is not None and now != self._signature

    def read(self) -> RunData:
        """Return the newest reading; the run is opened again if it has changed.

        If it cannot be read now, because it is being replaced, the last reading is returned.
        """
        with self._lock:
            signature = self._signature_now()
            if signature is None or signature == self._signature:
                return self.data
            try:
                run = _reopened(self.data.run)
            except (TrainlapseError, OSError) as error:
                logger.warning("%s cannot be read now: %s", self.data.run.location, error)
                return self.data
            self._signature = signature
            self.data = RunData(run, self.data.tried)
            return self.data

    def _signature_now(self) -> Signature | None:
        """Signature of the root document; None if the run cannot grow, or is gone."""
        source = self.data.run.source
        if not isinstance(source, DirectorySource):
            return None
        try:
            status = (source.directory / "zarr.json").stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _reopened(run: Run) -> Run:
    """Open a run, or a part of one, again."""
    whole = open_run(run.location)
    return whole.parts[run.part] if run.part else whole


class Following:
    """Updates one page to the newest reading of a run, as long as the page is open.

    Parameters
    ----------
    latest : Latest
        The run.
    data : RunData
        The reading that the page shows now.
    adopt : callable
        Takes a newer reading, of more steps or fewer, and shows it on the page.
    is_busy : callable
        Returns whether the page is still drawing.
    channel : str
        Name of the page's clock.

    Attributes
    ----------
    widget : FollowSwitch
        Shows whether the run is being recorded, and keeps the slider at its newest step.
    """

    def __init__(
        self,
        latest: Latest,
        data: RunData,
        adopt: Callable[[RunData], None],
        is_busy: Callable[[], bool] = lambda: False,
        channel: str = "main",
    ) -> None:
        self._latest = latest
        self._data = data
        self._adopt = adopt
        self._is_busy = is_busy
        self._reading = False
        self._rests_until = 0.0
        self._began = 0.0
        self.widget = FollowSwitch(
            count=len(data.run),
            live=is_recorded(data.run),
            channel=channel,
            align="center",
            margin=(0, 0, 0, 8),
        )
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            pn.state.add_periodic_callback(self.poll, period=POLL_MS)

    def poll(self) -> None:
        """Update the page if the run has grown, and the page has rested since the last update."""
        if self.widget.reload or self._reading or self._is_busy():
            return
        if self._began:  # the last update has been drawn
            self._rests_until = time.monotonic() + REST_FACTOR * (time.monotonic() - self._began)
            self._began = 0.0
        is_behind = self._data is not self._latest.data or self._latest.has_changed()
        if not is_behind or time.monotonic() < self._rests_until:
            return
        self._reading = True
        in_worker(self._data, self._latest.read, self._take)

    def _take(self, data: RunData) -> None:
        self._reading = False
        if data is self._data:
            return
        before, self._data = self._data, data
        if data.run.id != before.run.id or _has_other_parts(before.run, data.run):
            self.widget.reload += 1  # the page was built for other layers, or another recording
            return
        self._began = time.monotonic()
        self._adopt(data)
        self.widget.param.update(count=len(data.run), live=is_recorded(data.run))


def is_recorded(run: Run) -> bool:
    """Whether a run is marked as being recorded; that of a killed process stays marked so."""
    return run.attributes["form"] == "live" and run.finished is None


def _has_other_parts(before: Run, after: Run) -> bool:
    """Whether a page of one reading lacks parts that a page of the other would have."""
    return (not len(before)) != (not len(after)) or list(before.layers) != list(after.layers)

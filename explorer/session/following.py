"""A run that is still being recorded: found to have grown, and read anew while pages show it."""

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

# Looking is one call to the file system.
LOOK_MS = 1000
# Drawing everything anew takes a while; of the time at most this part goes into it.
REST_FACTOR = 3

Signature = tuple[int, int, int]


class Latest:
    """The newest reading of a run, for all of its pages.

    A reading is never changed, so that what is under way finishes on the steps that it began with;
    a run that has grown is opened again. A run in a zip file or far away does not grow.

    Parameters
    ----------
    run : Run
        An open run, perhaps still being recorded.

    Attributes
    ----------
    data : RunData
        The newest reading; of another recording, if that has taken the place of this one.
    """

    def __init__(self, run: Run) -> None:
        self.data = RunData(run)
        self._lock = threading.Lock()
        self._signature = self._look()
        with contextlib.suppress(TrainlapseError, OSError):
            run.refresh()  # it may have grown since it was opened

    def has_changed(self) -> bool:
        """Whether `read` would find anything new; costs one call to the file system."""
        now = self._look()
        return now is not None and now != self._signature

    def read(self) -> RunData:
        """Open the run again if it has changed, and give the newest reading of it.

        A run that cannot be read at this moment, since it is being replaced, is as it was.
        """
        with self._lock:
            signature = self._look()
            if signature is None or signature == self._signature:
                return self.data
            try:
                run = open_run(self.data.run.location)
            except (TrainlapseError, OSError) as error:
                logger.warning("%s cannot be read now: %s", self.data.run.location, error)
                return self.data
            self._signature = signature
            self.data = RunData(run)
            return self.data

    def _look(self) -> Signature | None:
        """Give what tells root documents apart; None: none grows there, or it is gone."""
        source = self.data.run.source
        if not isinstance(source, DirectorySource):
            return None
        try:
            status = (source.directory / "zarr.json").stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


class Following:
    """Keeps one page at the newest reading of a run, while the page is open.

    Parameters
    ----------
    latest : Latest
        The run.
    data : RunData
        The reading that the page shows now.
    adopt : callable
        Shows a newer reading, of more steps or fewer, on the page.
    is_busy : callable
        Whether the page is still drawing an earlier one.
    channel : str
        Clock of the page.

    Attributes
    ----------
    widget : FollowSwitch
        Says whether the run is being recorded, and keeps the slider at its newest step.
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
            pn.state.add_periodic_callback(self.look, period=LOOK_MS)

    def look(self) -> None:
        """Take over what is new, unless the page has not got over the last time yet."""
        if self.widget.reload or self._reading or self._is_busy():
            return
        if self._began:  # the page is at rest again: this is how long it took
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
            self.widget.reload += 1  # the page was built for another one
            return
        self._began = time.monotonic()
        self._adopt(data)
        self.widget.param.update(count=len(data.run), live=is_recorded(data.run))


def is_recorded(run: Run) -> bool:
    """Whether a recording says that it has not ended; one that was killed says so for ever."""
    return run.attributes["form"] == "live" and run.finished is None


def _has_other_parts(before: Run, after: Run) -> bool:
    """Whether a page of the one run has not all that one of the other would have."""
    return (not len(before)) != (not len(after)) or list(before.layers) != list(after.layers)

"""The runs of a folder as a page: a list that is there at once and fills while runs are read."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import panel as pn

from explorer.server.runs import RunRegistry, number_or_reason
from explorer.widgets.page.run_list import RunList
from store.tools.folder import RunSummary, find_runs, summarize

logger = logging.getLogger(__name__)

# How often rows that were read meanwhile are sent to the page.
REPORT_S = 0.4

Signature = tuple[int, int]


class RunFolder:
    """The runs of a folder, read once as long as they do not change.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Whoever opens a run does not wait until all are read.
        self.reader = ThreadPoolExecutor(1, thread_name_prefix="run-list")
        self.opener = ThreadPoolExecutor(1, thread_name_prefix="run-list-opens")
        self._known: dict[Path, tuple[Signature, RunSummary]] = {}
        self._lock = threading.Lock()

    def find(self) -> list[Path]:
        """Find the runs that are there now; none where the folder is gone."""
        return find_runs(self.path) if self.path.is_dir() else []

    def row(self, path: Path, summary: RunSummary | None = None) -> dict[str, Any]:
        """Describe a run for the page; without a summary it is still to be read."""
        found = {} if summary is None else dataclasses.asdict(summary)
        return {
            **found,
            "path": str(path),
            "where": path.relative_to(self.path).as_posix(),
            "state": "" if summary is None else summary.state,
        }

    def summary(self, path: Path) -> RunSummary:
        """Describe a run; it is read again where its root document has changed."""
        signature = _signature(path)
        with self._lock:
            known = self._known.get(path)
        # A recording that dies leaves its document as it was.
        if known is not None and known[0] == signature and known[1].state != "recording":
            return known[1]
        try:
            summary = summarize(path)
        except Exception as error:  # one run must not hide the others
            logger.exception("%s cannot be described", path)
            summary = RunSummary(path, reason=f"{type(error).__name__}: {error}")
        with self._lock:
            self._known[path] = (signature, summary)
        return summary

    def read(self, paths: list[Path], report: Callable[[list[dict[str, Any]]], None]) -> None:
        """Describe runs one after the other, and report the rows that are ready now and then.

        Parameters
        ----------
        paths : list of Path
            The runs.
        report : callable
            Takes rows; called in this thread.
        """
        ready: list[dict[str, Any]] = []
        reported = time.monotonic()
        for path in paths:
            ready.append(self.row(path, self.summary(path)))
            if time.monotonic() - reported >= REPORT_S:
                report(ready)
                ready, reported = [], time.monotonic()
        report(ready)


def run_list(folder: RunFolder, registry: RunRegistry) -> RunList:
    """Make the list of a visitor, and connect it with the runs of the server.

    Parameters
    ----------
    folder : RunFolder
        The runs that are listed.
    registry : RunRegistry
        Opens those that are asked for; what is listed may be opened.
    """
    registry.allow(folder.path)
    paths = folder.find()
    widget = RunList(
        rows=[folder.row(path) for path in paths],
        folder=str(folder.path),
        sizing_mode="stretch_width",
        margin=0,
    )

    def show(rows: list[dict[str, Any]]) -> None:
        newer = {row["path"]: row for row in rows}
        widget.rows = [newer.get(row["path"], row) for row in widget.rows]

    _beside(folder.reader, lambda report: folder.read(paths, report), show)

    def on_asked(event: Any) -> None:
        locations, count = [str(each) for each in event.new[0]], event.new[1]

        def open_all(report: Callable[[Any], None]) -> None:
            listed = {str(path) for path in folder.find()}
            unknown = [each for each in locations if each not in listed]
            if unknown:
                report(f"{unknown[0]} is not there any more.")
                return
            report([number_or_reason(registry.add, each) for each in locations])

        def use(found: str | list[int | str]) -> None:
            reasons = (
                [found] if isinstance(found, str) else [n for n in found if isinstance(n, str)]
            )
            if reasons:
                widget.said = [reasons[0], count]
            else:
                widget.opened = [found, count]

        _beside(folder.opener, open_all, use)

    widget.param.watch(on_asked, "asked")
    return widget


def _beside(
    thread: ThreadPoolExecutor,
    work: Callable[[Callable[[Any], None]], None],
    then: Callable[[Any], None],
) -> None:
    """Work in another thread; what it reports is used in the session.

    Without a server both happen at once, in this thread.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        work(then)
        return

    def report(found: Any) -> None:
        document.add_next_tick_callback(lambda: then(found))

    def begin() -> None:
        thread.submit(work, report)

    pn.state.onload(begin)  # a change before the page has loaded would not reach it


def _signature(path: Path) -> Signature:
    document = path / "zarr.json" if path.is_dir() else path
    try:
        status = document.stat()
    except OSError:
        return (0, 0)
    return status.st_mtime_ns, status.st_size

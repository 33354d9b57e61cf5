"""The runs that a server shows: those that it was started with, and those that were added."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from explorer.data.run import RunData
from explorer.session.following import Latest
from explorer.widgets.page.another_run import AnotherRun
from explorer.worker import in_worker
from store import Run, open_run
from store.errors import TrainlapseError

logger = logging.getLogger(__name__)


# Where a run that was added is shown alone, with its number as a parameter.
ADDED = "/run"
NUMBER = "number"


class RunRegistry:
    """Runs by their numbers, counted from 1; they stay as long as the server.

    Parameters
    ----------
    runs : sequence of Run
        Those that the server was started with.
    paths : sequence of str
        Path of each one's page.

    Attributes
    ----------
    every : list of Latest
        The runs.
    """

    def __init__(self, runs: Sequence[Run], paths: Sequence[str]) -> None:
        self.every = [Latest(run) for run in runs]
        self._paths = list(paths)
        self._lock = threading.Lock()

    @property
    def switch(self) -> list[tuple[str, str]]:
        """Path and name of each run."""
        with self._lock:
            names = disambiguated_names([latest.data.run for latest in self.every])
            return list(zip(self._paths, names, strict=True))

    def add(self, location: str) -> int:
        """Open another run, and give its number; that of one that is there is its own.

        Parameters
        ----------
        location : str
            Path or address, as of `store.open_run`.

        Raises
        ------
        ValueError
            It cannot be opened; the text says why.
        """
        location = location.strip().strip("'\"")
        if not location:
            raise ValueError("Type the path of a run, such as runs/lenet.zarr, or its address.")
        try:
            run = open_run(location)
        except (TrainlapseError, OSError, ValueError) as error:
            raise ValueError(str(error)) from error
        with self._lock:
            for number, latest in enumerate(self.every, start=1):
                if _place(latest.data.run) == _place(run):
                    return number
            self.every.append(Latest(run))
            self._paths.append(f"{ADDED}?{NUMBER}={len(self.every)}")
            return len(self.every)

    def number(self, text: str, name: str) -> int:
        """Read the number of a run.

        Parameters
        ----------
        text : str
            The number, as it is in an address.
        name : str
            The parameter that it is of.

        Raises
        ------
        ValueError
            There is no such run.
        """
        count = len(self.every)
        if not (text.isdecimal() and 1 <= int(text) <= count):
            raise ValueError(
                f"There is no run {text!r} to show ({name} in the address); this server shows "
                f"{count}, counted from 1."
            )
        return int(text)


def _place(run: Run) -> str:
    """Give where a run is, however its path was written."""
    is_address = "://" in run.location
    return run.location if is_address else str(Path(run.location).expanduser().resolve())


def disambiguated_names(runs: Sequence[Run]) -> list[str]:
    """Names of runs; those of one name with the end of the place where they are.

    Parameters
    ----------
    runs : sequence of Run
        The runs.
    """
    names = [run.name for run in runs]
    ends = [run.location.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1] for run in runs]
    return [
        f"{name} ({end})" if names.count(name) > 1 else name
        for name, end in zip(names, ends, strict=True)
    ]


def another_run(data: RunData, add: Callable[[str], int]) -> AnotherRun:
    """Make the field.

    Parameters
    ----------
    data : RunData
        Run of the page, in whose worker others are opened.
    add : callable
        Takes a path or address and gives the number of the run; ValueError says why not.
    """
    widget = AnotherRun(width=0, height=0, margin=0)

    def work(location: str) -> int | str:
        try:
            return add(location)
        except ValueError as error:
            return str(error)
        except Exception as error:
            logger.exception("%s cannot be opened", location)
            return f"{location} cannot be opened: {type(error).__name__}: {error}"

    def on_asked(event: Any) -> None:
        location, count = str(event.new[0]), event.new[1]

        def use(found: int | str) -> None:
            if isinstance(found, str):
                widget.said = ""  # the same sentence twice is news, too
                widget.said = found
            else:
                widget.opened = [found, count]

        in_worker(data, lambda: work(location), use)

    widget.param.watch(on_asked, "asked")
    return widget

"""The runs that a server shows: those that it was started with, and those added on a page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer.data.run import RunData
from explorer.selection import chosen_part
from explorer.server.allowed import AllowedPlaces
from explorer.session.following import Latest
from explorer.widgets.page.another_run import AnotherRun
from explorer.worker import in_worker
from store import Run, open_run
from store.errors import TrainlapseError
from store.format.names import utf8
from store.storage.location import expanded

logger = logging.getLogger(__name__)


# Path of the page of a run that was added, and the parameter that holds the run's number.
ADDED = "/run"
NUMBER = "number"


class RunRegistry:
    """The runs of a server by number, counted from 1. None is ever removed.

    Parameters
    ----------
    runs : sequence of Run
        The runs that the server was started with.
    paths : sequence of str
        Path of each run's page.
    of_folder : bool
        Whether the server lists the runs of a folder, from which others are added.
    allow : sequence of str or Path
        Folders and addresses from which more runs may be added, besides those where `runs` lie.

    Attributes
    ----------
    every : list of Latest
        The newest reading of each run, in the order of their numbers.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        paths: Sequence[str],
        *,
        of_folder: bool = False,
        allow: Sequence[str | Path] = (),
    ) -> None:
        self.of_folder = of_folder
        self.every = [Latest(run) for run in runs]
        self._paths = list(paths)
        self._allowed = AllowedPlaces(allow)
        for run in runs:
            self._allowed.add_beside(run.location)
        self._parts: dict[tuple[int, str], Latest] = {}
        self._lock = threading.Lock()

    @property
    def switch(self) -> list[tuple[str, str]]:
        """Path and name of each run, for the switch in the header."""
        with self._lock:
            names = disambiguated_names([latest.data.run for latest in self.every])
            return list(zip(self._paths, names, strict=True))

    def allow(self, folder: Path) -> None:
        """Let the runs of a folder be added."""
        self._allowed.add(folder)

    def add(self, location: str) -> int:
        """Open a run and return its number. A run that is open already keeps its number.

        Parameters
        ----------
        location : str
            Path or address, as for `store.open_run`.

        Raises
        ------
        ValueError
            The run cannot be opened, or may not be; the message says why.
        """
        location = location.strip().strip("'\"")
        if not location:
            raise ValueError("Type the path of a run, such as runs/lenet.zarr, or its address.")
        self._allowed.check(location)
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

    def latest(self, number: int, query: Mapping[str, Any]) -> Latest:
        """Give the newest reading of a run, or of the part of it that an address asks for.

        Parameters
        ----------
        number : int
            Number of the run.
        query : mapping
            Parameters of the page's address.
        """
        whole = self.every[number - 1]
        run = chosen_part(whole.data.run, query)
        if run is whole.data.run:
            return whole
        with self._lock:
            key = (number, run.part)
            if key not in self._parts:
                self._parts[key] = Latest(run)
            return self._parts[key]

    def number(self, text: str, name: str) -> int:
        """Read the number of a run from the page's address.

        Parameters
        ----------
        text : str
            Value of the parameter.
        name : str
            Name of the parameter, for the message of an error.

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
    """Address of a run, or its absolute path: the same however the path was written."""
    is_address = "://" in run.location
    return run.location if is_address else str(expanded(run.location).resolve())


def disambiguated_names(runs: Sequence[Run]) -> list[str]:
    """Names of runs; where several have the same, each with the last part of its location.

    Parameters
    ----------
    runs : sequence of Run
        The runs.

    Returns
    -------
    list of str
        A name for each run, such as ``lenet (seed-1.zarr)``.
    """
    names = [run.name for run in runs]
    ends = [run.location.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1] for run in runs]
    ends = [utf8(end).decode() for end in ends]  # a page holds no half characters
    return [
        f"{name} ({end})" if names.count(name) > 1 else name
        for name, end in zip(names, ends, strict=True)
    ]


def number_or_reason(add: Callable[[str], int], location: str) -> int | str:
    """Open a run: its number, or the sentence why it cannot be opened.

    Parameters
    ----------
    add : callable
        As for `another_run`.
    location : str
        Path or address.
    """
    try:
        return add(location)
    except ValueError as error:
        return str(error)
    except Exception as error:
        logger.exception("%s cannot be opened", location)
        return f"{location} cannot be opened: {type(error).__name__}: {error}"


def another_run(data: RunData, add: Callable[[str], int]) -> AnotherRun:
    """Make the widget that asks for the path of a run, and connect it with a registry.

    Parameters
    ----------
    data : RunData
        Run of the page; others are opened in its worker thread.
    add : callable
        Takes a path or address, returns the number of the run; as `RunRegistry.add`.
    """
    widget = AnotherRun(width=0, height=0, margin=0)

    def on_asked(event: Any) -> None:
        location, count = str(event.new[0]), event.new[1]

        def use(found: int | str) -> None:
            if isinstance(found, str):
                widget.said = ""  # so that the browser gets the same sentence a second time
                widget.said = found
            else:
                widget.opened = [found, count]

        in_worker(data, lambda: number_or_reason(add, location), use)

    widget.param.watch(on_asked, "asked")
    return widget

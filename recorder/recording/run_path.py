"""Where trainings are recorded: a path, or a pattern that gives each of them a run of its own."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recorder import arguments
from recorder.workers import this_worker
from store.errors import ArgumentError, did_you_mean
from store.format.names import safe_name
from store.storage.location import expanded, on_disk

# What may stand in braces: the next free number, the day such as 2025-04-30, the time of day such
# as 14-05-59, the model's name, and the number of the process where several train together.
FIELDS = ("n", "date", "time", "model", "worker")
# These differ from one training to the next, so that they name no run that is there already.
_FRESH = ("n", "date", "time")
_WIDTH = re.compile(r"\d{1,2}d?")
# Stands for the number while the other fields are filled in; no path of a file system has it.
_NUMBER = "\0"


class RunPath:
    """A path as it was given to a recorder, with fields in braces or without.

    Parameters
    ----------
    given : str or path-like
        Such as ``"runs/lenet.zarr"`` or ``"runs/{model}-{n:03}.zarr"``. A brace is written twice.
    argument : str
        What an error calls it.

    Raises
    ------
    ArgumentError
        It is an address, a field does not exist, or braces do not close.

    Examples
    --------
    >>> RunPath("runs/{num}.zarr")
    Traceback (most recent call last):
    ...
    store.errors.ArgumentError: path has no field 'num'. Did you mean 'n'? There are: n, date, \
time, model, worker. A brace that is meant as such is written twice: {{ or }}.
    >>> next(RunPath("runs/{model}.zarr").candidates("lenet")).name
    'lenet.zarr'
    """

    def __init__(self, given: str | os.PathLike[str], argument: str = "path") -> None:
        self._given = os.fspath(given)
        if not self._given or _NUMBER in self._given:
            arguments.refuse(argument, self._given, "a path")
        on_disk(self._given)
        self._fields: set[str] = set()
        self._width = 0
        try:
            pieces = [*string.Formatter().parse(self._given)]
        except ValueError as error:
            raise ArgumentError(f"{argument} is {self._given!r}: {error}. {_TWICE}") from None
        for _, field, form, conversion in pieces:
            if field is None:
                continue
            if field not in FIELDS:
                near = did_you_mean(field, FIELDS)
                raise ArgumentError(f"{argument} has no field {field!r}. {near} {_TWICE}")
            numbered = field == "n" and form and _WIDTH.fullmatch(form)
            if conversion or (form and not numbered):
                said = f"{{{field}{f'!{conversion}' if conversion else ''}:{form or ''}}}"
                raise ArgumentError(
                    f"{argument} has {said}: only a number takes a form, {{n:03}} for instance."
                )
            if numbered and form:
                self._width = max(self._width, int(form.removesuffix("d")))
            self._fields.add(field)
        self._pieces = pieces

    @classmethod
    def exactly(cls, path: Path) -> RunPath:
        """Take a path as it is, whatever its characters."""
        return cls(os.fspath(path).replace("{", "{{").replace("}", "}}"))

    def __str__(self) -> str:
        return self._given

    def __repr__(self) -> str:
        return f"RunPath({self._given!r})"

    @property
    def is_fresh(self) -> bool:
        """Whether each training gets a path that is new."""
        return bool(self._fields.intersection(_FRESH))

    @property
    def is_numbered(self) -> bool:
        """Whether each training gets the next free number."""
        return "n" in self._fields

    @property
    def names_worker(self) -> bool:
        """Whether each of several processes that train together gets a path of its own."""
        return "worker" in self._fields

    @property
    def only(self) -> Path | None:
        """The one path that this is; None where fields are to be filled in."""
        return None if self._fields else expanded(self._filled({}))

    def candidates(self, model: str) -> Iterator[Path]:
        """Give the paths at which a training may be recorded, the most wanted first.

        Parameters
        ----------
        model : str
            Name of the model.
        """
        now = dt.datetime.now()
        values = {
            "n": _NUMBER,
            "date": f"{now:%Y-%m-%d}",
            "time": f"{now:%H-%M-%S}",
            "model": safe_name(model),
            "worker": str(this_worker().number),
        }
        filled = str(expanded(self._filled(values)))
        if _NUMBER not in filled:
            yield Path(filled)
            return
        for number in itertools.count(_highest(Path(filled)) + 1):
            yield Path(filled.replace(_NUMBER, f"{number:0{self._width}d}"))

    def further(self, model: str) -> Iterator[Path]:
        """Give the paths for one more training: where there is no number, one is added to the name.

        Parameters
        ----------
        model : str
            Name of the model.
        """
        for path in self.candidates(model):
            yield path
        for number in itertools.count(2):
            yield path.with_name(f"{path.stem}-{number}{path.suffix}")

    def _filled(self, values: dict[str, Any]) -> str:
        return "".join(
            literal + (values[field] if field is not None else "")
            for literal, field, _, _ in self._pieces
        )


_TWICE = "A brace that is meant as such is written twice: {{ or }}."


def _highest(path: Path) -> int:
    """Give the highest number that is there in the place of `_NUMBER`; 0 where there is none."""
    place = next(place for place, part in enumerate(path.parts) if _NUMBER in part)
    folder, name = Path(*path.parts[:place]), path.parts[place]
    first, *rest = name.split(_NUMBER)
    again = "".join(r"(?:\1)" + re.escape(part) for part in rest[1:])
    pattern = re.compile(re.escape(first) + r"(\d+)" + re.escape(rest[0]) + again)
    try:
        there = [pattern.fullmatch(entry.name) for entry in folder.iterdir()]
    except OSError:
        return 0
    return max((int(match[1]) for match in there if match), default=0)


class PathsTaken(set[Path]):
    """The paths at which a recorder and its copies in this process have recorded.

    They share it: what runs several trainings gives each a copy of the callback, and one must not
    replace what another has recorded.
    """

    def __deepcopy__(self, memo: Any) -> PathsTaken:
        return self

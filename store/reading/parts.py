"""The parts of a run by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from store.errors import PartNotFoundError, did_you_mean

Opened = TypeVar("Opened")


class Parts(Mapping[str, Opened]):
    """The parts of a run by name, in order.

    Parameters
    ----------
    parts : mapping of str to Run
        Each as a run.

    Raises
    ------
    PartNotFoundError
        On asking for a part that is not there; the message suggests the nearest name.
    """

    def __init__(self, parts: Mapping[str, Opened]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, name: str) -> Opened:
        try:
            return self._parts[name]
        except KeyError:
            raise PartNotFoundError(
                f"The run has no part {name!r}. {did_you_mean(str(name), self._parts)}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

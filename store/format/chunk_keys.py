"""Names of the files that hold an array's chunks, as its ``chunk_key_encoding`` says.

A name is made of what a run claims, so only the two encodings of Zarr v3 are known, each with the
two separators that the specification has: no other could be told from a way out of the run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

_SEPARATORS = (".", "/")
# By name of the encoding: what begins a name, and the separator where none is given.
_ENCODINGS = {"default": (("c",), "/"), "v2": ((), ".")}


@dataclass(frozen=True, slots=True)
class ChunkKeys:
    """How a chunk's place in the grid becomes the name of its file.

    Attributes
    ----------
    head : tuple of str
        What comes before the numbers.
    separator : {".", "/"}
        What stands in between.
    """

    head: tuple[str, ...]
    separator: str

    @classmethod
    def of(cls, encoding: Any) -> Self:
        """Read the encoding in an array's metadata.

        Raises
        ------
        ValueError
            It is not one of those known here.
        """
        if isinstance(encoding, dict) and encoding.keys() <= {"name", "configuration"}:
            head, usual = _ENCODINGS.get(str(encoding.get("name")), ((), ""))
            settings = encoding.get("configuration", {})
            if isinstance(settings, dict) and settings.keys() <= {"separator"}:
                separator = settings.get("separator", usual)
                if separator in _SEPARATORS and usual:
                    return cls(head, separator)
        raise ValueError(f"chunk_key_encoding {encoding!r:.200} is not known here")

    def key(self, position: Iterable[int]) -> str:
        """Name of a chunk's file below its array.

        Examples
        --------
        >>> ChunkKeys.of({"name": "default"}).key((1, 0))
        'c/1/0'
        >>> ChunkKeys.of({"name": "v2"}).key(())
        '0'
        """
        return self.separator.join([*self.head, *map(str, position)]) or "0"


# What Trainlapse writes: all files of an array in one folder.
PLAIN_KEYS = ChunkKeys(("c",), ".")

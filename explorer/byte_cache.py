"""Arrays in memory by key, within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Generic, TypeVar

import numpy.typing as npt

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]
T = TypeVar("T", Array, Arrays)


class ByteCache(Generic[T]):
    """Arrays by key, the least recently used dropped once they pass a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._arrays: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Array or arrays of a key, made at the first request."""
        with self._lock:
            found = self._arrays.get(key)
            if found is not None:
                self._arrays.move_to_end(key)
                return found
        made = make()
        with self._lock:
            if key not in self._arrays:
                self._arrays[key] = made
                self._bytes += _bytes_of(made)
            while self._bytes > self._most and len(self._arrays) > 1:
                _, oldest = self._arrays.popitem(last=False)
                self._bytes -= _bytes_of(oldest)
        return made


def _bytes_of(kept: Array | Arrays) -> int:
    return sum(part.nbytes for part in (kept.values() if isinstance(kept, Mapping) else [kept]))

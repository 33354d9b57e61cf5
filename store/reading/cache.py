"""Caches bounded in bytes, shared by the threads of one run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from cachetools import LRUCache

from store.format.names import Array

# Decoded blocks and shard indexes of one open run.
CACHE_BYTES = 64 * 1024**2
Arrays = Mapping[str, Array]
T = TypeVar("T", Array, Arrays)


class ArrayCache:
    """Arrays by key; the least recently used are dropped first.

    Parameters
    ----------
    limit_bytes : int
        Bytes that are kept at most.
    """

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._kept: LRUCache[Hashable, Array] = LRUCache(limit_bytes, getsizeof=_bytes_of)
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Array | None:
        """Array kept under `key`, if any."""
        with self._lock:
            return self._kept.get(key)

    def put(self, key: Hashable, values: Array) -> None:
        """Keep an array, if it is small enough to leave room for others."""
        if _bytes_of(values) > self._kept.maxsize // 2:
            return
        with self._lock:
            self._kept[key] = values


class ByteCache(Generic[T]):
    """Arrays by key, made at the first request; the least recently used are dropped first.

    One that is larger than the whole cache is kept alone, until another is made.

    Parameters
    ----------
    most_bytes : int
        Bytes that are kept at most, but for that one.
    """

    def __init__(self, most_bytes: int) -> None:
        self._kept: LRUCache[Hashable, T] = LRUCache(
            most_bytes, getsizeof=lambda made: min(_bytes_of(made), most_bytes)
        )
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Array or arrays of a key; those who ask at once get the same."""
        with self._lock:
            found = self._kept.get(key)
        if found is not None:
            return found
        made = make()
        with self._lock:
            return self._kept.setdefault(key, made)

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._kept


def _bytes_of(kept: Array | Arrays) -> int:
    return sum(part.nbytes for part in (kept.values() if isinstance(kept, Mapping) else [kept]))

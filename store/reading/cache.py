"""A cache bounded in bytes, shared by the threads of one run."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from store.format.names import Array

# Decoded blocks and shard indexes of one open run.
CACHE_BYTES = 64 * 1024**2
Arrays = Mapping[str, Array]
T = TypeVar("T", Array, Arrays)


class ArrayCache:
    """Arrays by key; the least recently used are dropped first."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit = limit_bytes
        self._items: OrderedDict[Hashable, Array] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Array | None:
        """Array kept under `key`, if any."""
        with self._lock:
            found = self._items.get(key)
            if found is not None:
                self._items.move_to_end(key)
            return found

    def put(self, key: Hashable, values: Array) -> None:
        """Keep an array, if it is small enough to leave room for others."""
        size = values.nbytes
        if size > self._limit // 2:
            return
        with self._lock:
            old = self._items.pop(key, None)
            self._bytes += size - (old.nbytes if old is not None else 0)
            self._items[key] = values
            while self._bytes > self._limit:
                _, dropped = self._items.popitem(last=False)
                self._bytes -= dropped.nbytes

    @property
    def nbytes(self) -> int:
        """Bytes kept."""
        return self._bytes


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

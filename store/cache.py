"""A cache bounded in bytes, shared by the threads of one run."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from store.schema import Array

# Decoded blocks and shard indexes of one open run.
CACHE_BYTES = 64 * 1024**2


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

"""Caches keep what was used last, within their bytes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from store.reading.cache import ArrayCache, ByteCache


def megabyte(value):
    return np.full(1_000_000, value, np.uint8)


def test_a_cache_keeps_what_was_used_last_within_its_bytes():
    cache, made = ByteCache(2_000_000), []

    def get(key):
        return cache.get(key, lambda: made.append(key) or megabyte(key))

    for key in (1, 2, 1, 3):  # 2 is the one that was not used for longest
        assert get(key)[0] == key
    assert made == [1, 2, 3]
    get(1)
    get(3)
    assert made == [1, 2, 3]
    get(2)
    assert made == [1, 2, 3, 2]


def test_an_array_larger_than_the_cache_is_handed_out_all_the_same():
    cache = ByteCache(10)
    assert cache.get("large", lambda: megabyte(7)).sum() == 7_000_000
    assert cache.get("small", lambda: np.zeros(3)).shape == (3,)


def test_an_array_larger_than_the_cache_is_kept_until_another_is_made():
    cache, made = ByteCache(10), []

    def get(key):
        return cache.get(key, lambda: made.append(key) or megabyte(key))

    get(1)
    get(1)
    assert made == [1]
    get(2)
    get(1)
    assert made == [1, 2, 1]


def test_threads_that_make_the_same_at_once_get_the_same_array():
    cache, start = ByteCache(1000), threading.Barrier(2)

    def make():
        start.wait(timeout=10)  # both are making it
        return np.zeros(3)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: cache.get("frame", make), range(2))
    assert first is second


def test_arrays_put_are_there_until_later_ones_need_their_bytes():
    cache = ArrayCache(3_000_000)
    for key in (1, 2, 3):
        cache.put(key, megabyte(key))
    assert cache.get(1)[0] == 1
    cache.put(4, megabyte(4))
    assert cache.get(2) is None  # not used since it was put
    assert [cache.get(key)[0] for key in (1, 3, 4)] == [1, 3, 4]
    cache.put(4, megabyte(5))  # in place of the other, in its bytes
    assert [cache.get(key)[0] for key in (1, 3, 4)] == [1, 3, 5]


def test_an_array_that_would_leave_no_room_for_others_is_not_put():
    cache = ArrayCache(3_000_000)
    cache.put("small", megabyte(1))
    cache.put("large", np.zeros(1_500_001, np.uint8))
    assert cache.get("large") is None
    assert cache.get("small") is not None
    none = ArrayCache(0)
    none.put("small", np.zeros(1))
    assert none.get("small") is None


def test_a_fault_is_not_kept():
    cache = ByteCache(100)

    def fail():
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        cache.get("frame", fail)
    assert cache.get("frame", lambda: np.ones(1)) == 1


def test_threads_share_a_cache():
    cache, start, wrong = ByteCache(5000), threading.Barrier(8), []

    def work(seed):
        start.wait()
        for key in np.random.default_rng(seed).integers(0, 40, 500).tolist():
            found = cache.get(key, lambda key=key: np.full(1000, key, np.uint8))
            if not (found == key).all():
                wrong.append(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    # Whatever the order was, what is kept adds up to what it counts, and fits.
    made = []
    for key in range(40):
        cache.get(key, lambda key=key: made.append(key) or np.full(1000, key, np.uint8))
    assert len(made) >= 35


def test_arrays_by_name_count_with_all_of_their_bytes():
    cache, made = ByteCache(3_000_000), []

    def get(key):
        return cache.get(
            key, lambda: made.append(key) or {"a": megabyte(key), "b": megabyte(key + 1)}
        )

    first = get(1)
    assert {name: int(part[0]) for name, part in first.items()} == {"a": 1, "b": 2}
    assert get(1) is first
    get(5)  # two megabytes more: the first are let go
    assert get(5)["b"][0] == 6
    assert get(1) is not first
    assert made == [1, 5, 1]


def test_nothing_at_all_may_be_kept():
    """A run may have nothing to derive: that is known, too, and made once."""
    cache, made = ByteCache(100), []
    for _ in range(2):
        assert cache.get("none", lambda: made.append(1) or {}) == {}
    assert made == [1]
    for _ in range(2):
        assert cache.get("empty", lambda: made.append(2) or np.zeros(0)).size == 0
    assert made == [1, 2]

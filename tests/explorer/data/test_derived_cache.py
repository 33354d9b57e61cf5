"""Derived arrays on disk: kept, bounded, and never able to break what they serve."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from explorer.data.derived_cache import DerivedCache, default_folder


class Counted:
    """Makes arrays and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.times += 1
        return {"a": np.arange(6.0).reshape(2, 3), "b": np.array([np.nan, np.inf])}


def test_an_entry_is_made_once_and_read_back_equal(tmp_path: Path) -> None:
    make = Counted()
    for _ in range(2):  # a new object: what another process would see
        found = DerivedCache("run", tmp_path).get("distribution|conv1", make)
        np.testing.assert_array_equal(found["a"], make()["a"])
        np.testing.assert_array_equal(found["b"], [np.nan, np.inf])
        make.times -= 1
    assert make.times == 1


@pytest.mark.parametrize(("version", "key"), [("other", "k"), ("run", "l"), ("run|k", "")])
def test_another_version_or_key_is_another_entry(tmp_path: Path, version: str, key: str) -> None:
    make = Counted()
    DerivedCache("run", tmp_path).get("k", make)
    DerivedCache(version, tmp_path).get(key, make)
    assert make.times == 2


@pytest.mark.parametrize("damage", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_a_damaged_entry_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    make = Counted()
    cache = DerivedCache("run", tmp_path)
    cache.get("k", make)
    (entry,) = tmp_path.glob("*.npz")
    entry.write_bytes(damage)
    np.testing.assert_array_equal(cache.get("k", make)["a"], np.arange(6.0).reshape(2, 3))
    assert make.times == 2


def test_a_folder_that_cannot_be_written_costs_only_the_time(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("in the way")
    make = Counted()
    cache = DerivedCache("run", taken)
    cache.get("k", make)
    assert cache.get("k", make)["a"].shape == (2, 3)
    assert taken.read_text() == "in the way"


def test_the_oldest_entries_go_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    cache = DerivedCache("run", tmp_path, most_bytes=25_000)

    def entry(name: str) -> None:
        before = set(tmp_path.glob("*.npz"))
        cache.get(name, lambda: {"a": rng.random(1000)})  # 8 kB, does not compress
        for new in set(tmp_path.glob("*.npz")) - before:
            os.utime(new, (len(before), len(before)))

    for name in ("first", "second", "third", "fourth"):
        entry(name)
    sizes = [path.stat().st_size for path in tmp_path.glob("*.npz")]
    assert len(sizes) == 3
    assert sum(sizes) <= 25_000
    make = Counted()
    cache.get("first", make)
    assert make.times == 1


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRAINLAPSE_CACHE", str(tmp_path))
    assert default_folder() == tmp_path

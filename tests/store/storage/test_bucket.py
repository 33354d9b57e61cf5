"""Buckets of strangers: how much of them is read, and in whose words they fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from store.errors import RemoteError, TrainlapseError
from store.storage import bucket
from store.storage.bucket import BucketSource
from store.storage.open_source import open_source

obstore = pytest.importorskip("obstore", reason="needs the extra 'remote'")


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> BucketSource:
    """A bucket with a thousand bytes in one object."""
    objects = obstore.store.MemoryStore()
    objects.put("large", bytes(1000))
    monkeypatch.setattr(obstore.store, "from_url", lambda *_, **__: objects)
    monkeypatch.setattr(bucket, "MOST_REMOTE_BYTES", 999)
    return BucketSource("s3://bucket/run")


def test_an_object_that_is_read_whole_has_an_end(source: BucketSource) -> None:
    with pytest.raises(RemoteError, match="bucket/run/large is larger than any file"):
        source.read("large")


@pytest.mark.parametrize(("start", "length"), [(0, 1000), (1, None), (-999, None)])
def test_parts_of_an_object_are_read(source: BucketSource, start: int, length: int | None) -> None:
    assert source.read("large", start, length) == bytes(1000 if length else 999)


def test_a_list_that_breaks_off(source: BucketSource, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> Iterator[Any]:
        yield [{"path": "large", "size": 1000}]
        raise obstore.exceptions.GenericError("the server hung up")

    monkeypatch.setattr(obstore, "list", broken)
    with pytest.raises(RemoteError, match="cannot be listed: the server hung up"):
        source.sizes()


@pytest.mark.parametrize(
    "address",
    ["s3://", "s3://[", "s3://a b/x", "s3://\ud800/x", "az://", "gs://a/%ff/x"],
)
def test_what_is_no_address_of_a_bucket(address: str) -> None:
    with pytest.raises(TrainlapseError):
        open_source(address)

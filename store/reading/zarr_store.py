"""Let zarr-python, and xarray through it, read a run from any source."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype

from store.format.names import HISTORY_PREFIX
from store.storage.sources import Source

_READ_ONLY = "A run is opened for reading only."


class SourceStore(Store):
    """Read-only Zarr store over a `Source`; shows each array once, without its history twin.

    Parameters
    ----------
    source : Source
        Holds the run.
    root : bytes
        The run's root document.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, source: Source, root: bytes) -> None:
        super().__init__(read_only=True)
        self._source = source
        document = without_history(root)
        self._root = json.dumps(document).encode()
        self._paths = list(document["consolidated_metadata"]["metadata"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceStore) and other._source is self._source

    def __repr__(self) -> str:
        return f"SourceStore({self._source.location!r})"

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Content of a key, or a part of it; None if there is none."""
        if key == "zarr.json":
            return prototype.buffer.from_bytes(self._root)
        part: tuple[int, int | None]
        match byte_range:
            case RangeByteRequest():
                part = (byte_range.start, byte_range.end - byte_range.start)
            case OffsetByteRequest():
                part = (byte_range.offset, None)
            case SuffixByteRequest():
                part = (-byte_range.suffix, None)
            case _:
                part = (0, None)
        try:
            content = await asyncio.to_thread(self._source.read, key, *part)
        except FileNotFoundError:
            return None
        return prototype.buffer.from_bytes(content)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Several parts."""
        wanted = [self.get(key, prototype, byte_range) for key, byte_range in key_ranges]
        return list(await asyncio.gather(*wanted))

    async def exists(self, key: str) -> bool:
        """Whether there is something under a key."""
        if key == "zarr.json":
            return True
        try:
            await asyncio.to_thread(self._source.read, key, 0, 1)
        except FileNotFoundError:
            return False
        return True

    async def set(self, key: str, value: Buffer) -> None:  # noqa: ARG002
        """Refuse."""
        raise PermissionError(_READ_ONLY)

    async def delete(self, key: str) -> None:  # noqa: ARG002
        """Refuse."""
        raise PermissionError(_READ_ONLY)

    async def list(self) -> AsyncIterator[str]:
        """Metadata documents: the root names all there is."""
        for path in ("", *self._paths):
            yield f"{path}/zarr.json".lstrip("/")

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Metadata documents below a prefix."""
        async for key in self.list():
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Children of a group."""
        head = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        children = {
            path.removeprefix(head).split("/")[0] for path in self._paths if path.startswith(head)
        }
        for child in ("zarr.json", *sorted(children)):
            yield child


def without_history(root: bytes) -> dict[str, Any]:
    """Root document that lists no history twins."""
    document: dict[str, Any] = json.loads(root)
    consolidated = document["consolidated_metadata"]
    nodes = consolidated["metadata"]
    kept = {path: node for path, node in nodes.items() if not f"{path}/".startswith(HISTORY_PREFIX)}
    return {**document, "consolidated_metadata": {**consolidated, "metadata": kept}}

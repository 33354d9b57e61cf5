"""What a TensorFlow checkpoint claims about its tensors, held against the bytes of its files.

TensorFlow reserves whatever the checkpoint says, and ends the process where there is no memory. The
``.index`` file is a table in the format of LevelDB (``tensorflow/core/lib/io/format.h``): key and
value by turns, in blocks. A value says where in which ``.data`` file a tensor lies
(``tensor_bundle.proto``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from store.errors import CheckpointError

INDEX_SUFFIX = ".index"
_FOOTER_BYTES = 48
_MAGIC = bytes.fromhex("57fb808b247547db")
# A byte that says how the block is compressed, and a checksum.
_TRAILER_BYTES = 5
# A key is the path of an object; each may begin with the one before, so that a few bytes make it
# longer and longer.
_MOST_KEY_BYTES = 4096
_MOST_VARINT_BYTES = 10


def check_bundle(prefix: Path) -> None:
    """Hold what a checkpoint says of its tensors against its files.

    Parameters
    ----------
    prefix : Path
        Path of the checkpoint, without the suffixes of its files.

    Raises
    ------
    CheckpointError
        It claims more than is there.
    ValueError
        Its index is no table.
    """
    import tensorflow as tf
    from tensorflow.core.protobuf import tensor_bundle_pb2 as schema

    table = _table(prefix.with_name(prefix.name + INDEX_SUFFIX).read_bytes())
    _, first = next(table, (b"", b""))
    shards = schema.BundleHeaderProto.FromString(first).num_shards
    total = sum(_shard(prefix, number, shards).stat().st_size for number in range(shards))
    for key, value in table:
        entry = schema.BundleEntryProto.FromString(value)
        count = math.prod(dimension.size for dimension in entry.shape.dim)
        dtype = tf.as_dtype(entry.dtype)
        claimed = count if dtype == tf.string else count * dtype.size
        if dtype == tf.string and claimed <= total:
            with _shard(prefix, entry.shard_id, shards).open("rb") as file:
                file.seek(entry.offset)
                claimed = sum(_varint(file) for _ in range(count))
        if claimed > total:
            name = key.decode(errors="replace")
            raise CheckpointError(f"{name} would take {claimed:,} bytes, of {total:,} in all.")


def _shard(prefix: Path, number: int, count: int) -> Path:
    return prefix.with_name(f"{prefix.name}.data-{number:05d}-of-{count:05d}")


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the keys and values of a table in order."""
    footer = _Bytes(content, len(content) - _FOOTER_BYTES, len(content))
    if content[-len(_MAGIC) :] != _MAGIC:
        raise ValueError("its index is no table of TensorFlow")
    _handle(footer)  # of what describes the table
    end = 0
    for _, value in _block(content, *_handle(footer)):
        start, size = _handle(_Bytes(value, 0, len(value)))
        if start < end:
            raise ValueError("the blocks of its index overlap")
        end = start + size
        yield from _block(content, start, size)


def _block(content: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Give the keys and values of a block. A key leaves out what it shares with the one before."""
    if start + size + _TRAILER_BYTES > len(content):
        raise ValueError("a block of its index is not there")
    if content[start + size]:
        raise ValueError("its index is compressed, which TensorFlow's are not")
    restarts = int.from_bytes(content[start + size - 4 : start + size], "little")
    if 4 + 4 * restarts > size:
        raise ValueError("a block of its index is cut off")
    block = _Bytes(content, start, start + size - 4 - 4 * restarts)
    key = b""
    while block:
        shared, own, length = _varint(block), _varint(block), _varint(block)
        key = key[:shared] + block.read(own)
        if len(key) > _MOST_KEY_BYTES:
            raise ValueError("a key of its index is longer than any path")
        yield key, block.read(length)


class _Bytes:
    """Part of a content, read from its start on."""

    def __init__(self, content: bytes, start: int, end: int) -> None:
        self._content, self._at, self._end = content, start, end

    def __bool__(self) -> bool:
        return self._at < self._end

    def read(self, count: int) -> bytes:
        """Give the next bytes.

        Raises
        ------
        ValueError
            There are not so many.
        """
        if count > self._end - self._at:
            raise ValueError("its index is cut off")
        self._at += count
        return self._content[self._at - count : self._at]


def _handle(source: _Bytes) -> tuple[int, int]:
    """Read where a block starts, and its bytes."""
    return _varint(source), _varint(source)


def _varint(source: _Bytes | IO[bytes]) -> int:
    """Read a number: seven bits a byte, the lowest first; the eighth says that more follow."""
    value = 0
    for place in range(_MOST_VARINT_BYTES):
        (byte,) = source.read(1)
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value
    raise ValueError("a number of it is longer than any")

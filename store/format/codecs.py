"""Turn a chunk into bytes and back: chains of the few Zarr v3 codecs that runs are made of.

A chain is ``transpose`` (time last), ``bytes`` (little endian), a compressor of
`store.format.compressors` and ``crc32c``; each but ``bytes`` may be left out. A run has no other
chain, so that none is read that could make gigabytes of a few bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import google_crc32c
import numpy as np

from store.errors import ChunkDamagedError
from store.format.compressors import COMPRESSORS, Compressor
from store.format.metadata import Document
from store.format.names import Array

BYTES_CODEC: Document = {"name": "bytes", "configuration": {"endian": "little"}}
CRC_CODEC: Document = {"name": "crc32c"}
CRC_BYTES = 4


def live_chain(dtype: str, compressor: Compressor | None, *, has_checksum: bool) -> list[Document]:
    """Codecs of a chunk that is written while a training runs.

    Parameters
    ----------
    dtype : str
        Data type by name.
    compressor : Compressor or None
        What makes the chunk small; None: plain bytes.
    has_checksum : bool
        Whether a checksum stands behind the bytes.

    Returns
    -------
    list of Document
        As they stand in the array's metadata.
    """
    item_bytes = np.dtype(dtype).itemsize
    chain = [BYTES_CODEC if item_bytes > 1 else {"name": "bytes"}]
    if compressor is not None:
        chain.append(compressor.document(item_bytes))
    return [*chain, CRC_CODEC] if has_checksum else chain


def packed_chain(
    dtype: str, compressor: Compressor, *, ndim: int, time_last: bool
) -> list[Document]:
    """Codecs of a chunk of the packed form.

    Parameters
    ----------
    dtype : str
        Data type by name.
    compressor : Compressor
        What makes the chunk small.
    ndim : int
        Dimensions of the array.
    time_last : bool
        Store the first axis as the innermost one: neighbours in time compress well.

    Returns
    -------
    list of Document
        As they stand in the array's metadata.
    """
    transpose = {"name": "transpose", "configuration": {"order": [*range(1, ndim), 0]}}
    chain = live_chain(dtype, compressor, has_checksum=True)
    return [transpose, *chain] if time_last else chain


class Chain:
    """The codecs of one chunk, ready to use; safe to share between threads.

    Parameters
    ----------
    documents : sequence of Document
        As they stand in the array's metadata.
    dtype : dtype
        Of the array.
    chunk_shape : tuple of int
        Shape of every chunk.

    Raises
    ------
    ValueError
        The chain has a codec, or an order of codecs, that is not ours.
    """

    def __init__(
        self, documents: Sequence[Document], dtype: np.dtype[Any], chunk_shape: tuple[int, ...]
    ) -> None:
        self._dtype = dtype.newbyteorder("<")
        self._shape = chunk_shape
        self.chunk_bytes = math.prod(chunk_shape) * dtype.itemsize
        left = [(document["name"], document.get("configuration", {})) for document in documents]
        self._order = self._take_order(left)
        if not left or left.pop(0) not in [
            ("bytes", BYTES_CODEC["configuration"]),
            ("bytes", {}),
        ]:
            raise ValueError("no little-endian bytes codec")
        self._compressor: Compressor | None = None
        if left and left[0][0] in COMPRESSORS:
            name, configuration = left.pop(0)
            self._compressor = COMPRESSORS[name](configuration)
        self.is_compressed = self._compressor is not None
        self.has_checksum = bool(left) and left[0][0] == "crc32c"
        if len(left) != self.has_checksum:
            raise ValueError(f"codecs {[name for name, _ in left]} are not known here")

    def encode(self, values: Array) -> bytes:
        """Bytes of one whole chunk."""
        if self._order is not None:
            values = values.transpose(self._order)
        flat = np.ascontiguousarray(values, self._dtype).reshape(-1)
        content = flat.tobytes() if self._compressor is None else self._compressor.encode(flat)
        return content + checksum(content) if self.has_checksum else content

    def decode(self, content: bytes, into: Array | None = None) -> Array:
        """Values of one chunk.

        Parameters
        ----------
        content : bytes
            As encoded.
        into : ndarray, optional
            Array of the chunk's shape to decode into, where that spares a copy.

        Returns
        -------
        ndarray
            Of the chunk's shape; where the chunk was decoded into `into`, a view of it.

        Raises
        ------
        ChunkDamagedError
            The bytes are not those of a sound chunk.
        """
        if self.has_checksum:
            content = checked(content)
        if self._compressor is None:
            if len(content) != self.chunk_bytes:
                raise ChunkDamagedError(f"has {len(content)} bytes, expected {self.chunk_bytes}")
            flat = np.frombuffer(content, self._dtype)
        else:
            if into is not None and self._order is None and into.flags.c_contiguous:
                flat = into.reshape(-1)
            else:
                flat = np.empty(math.prod(self._shape), self._dtype)
            self._compressor.decode(content, flat)
        if self._order is None:
            return flat.reshape(self._shape)
        stored = flat.reshape([self._shape[axis] for axis in self._order])
        return stored.transpose(np.argsort(self._order))

    def _take_order(self, left: list[tuple[str, Mapping[str, Any]]]) -> tuple[int, ...] | None:
        if not left or left[0][0] != "transpose":
            return None
        order = tuple(left.pop(0)[1]["order"])
        if sorted(order) != list(range(len(self._shape))):
            raise ValueError(f"transpose order {order} does not fit {len(self._shape)} dimensions")
        return order


def checksum(content: bytes | Array) -> bytes:
    """CRC-32C of some bytes, as it stands behind them: 4 bytes, little endian.

    (A contiguous array is not copied; google-crc32c takes no memoryview.)
    """
    return int(google_crc32c.value(content)).to_bytes(CRC_BYTES, "little")


def checked(content: bytes) -> bytes:
    """Bytes without the checksum at their end, once it was found right.

    Raises
    ------
    ChunkDamagedError
        The checksum is not that of the bytes.
    """
    body, tail = content[:-CRC_BYTES], content[-CRC_BYTES:]
    if len(tail) != CRC_BYTES or checksum(body) != tail:
        raise ChunkDamagedError("fails its checksum")
    return body

"""Turn a chunk into bytes and back: the few Zarr v3 codecs that runs are made of.

A chain is ``transpose`` (time last), ``bytes``, ``blosc`` and ``crc32c``, each but ``bytes``
optional. Any other chain is left to zarr-python.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
from numcodecs import blosc

from store.errors import ChunkDamagedError
from store.format.metadata import BYTES_CODEC, Document
from store.format.names import Array

CRC_BYTES = 4
CRC_CODEC: Document = {"name": "crc32c"}


class Compression(NamedTuple):
    """A codec inside Blosc, its level from 1 to 9, and how bytes are sorted before it."""

    name: str
    level: int
    shuffle: str


# Measured on recordings of a CNN and an LSTM (size against raw; decoded MB/s of one thread).
# Weights: 0.87, 5000 MB/s; zstd level 1 with shuffled bytes 0.91, 600 MB/s.
WEIGHT_FRAMES = Compression("lz4", 5, "bitshuffle")
# Activations: 0.32 to 0.50, 2400 MB/s; zstd level 3 0.31 to 0.47, 900; lz4 0.38 to 0.56, 1000.
ACTIVATION_FRAMES = Compression("lz4hc", 5, "shuffle")
# Time as the innermost axis: 0.34 to 0.69, 2700 MB/s; level 1 is larger by 4 % and decodes
# slower, level 5 is smaller by 1 % and takes twice as long to write.
HISTORIES = Compression("zstd", 3, "shuffle")
# Axes, metrics, texts, inputs: small, so that only their size counts.
OTHERS = Compression("zstd", 5, "shuffle")

_SHUFFLES = {"noshuffle": blosc.NOSHUFFLE, "shuffle": blosc.SHUFFLE, "bitshuffle": blosc.BITSHUFFLE}
# Where a blosc header says how many bytes it decodes to.
_BLOSC_HEADER_BYTES = 16
_BLOSC_SIZE = struct.Struct("<I")


def packed_chain(
    dtype: str, compression: Compression, *, ndim: int, time_last: bool
) -> list[Document]:
    """Codec documents of one chunk of the packed form.

    Parameters
    ----------
    dtype : str
        Data type by name.
    compression : Compression
        What makes it small.
    ndim : int
        Dimensions of the array.
    time_last : bool
        Store the first axis as the innermost one: neighbours in time compress well.
    """
    item_bytes = np.dtype(dtype).itemsize
    chain: list[Document] = []
    if time_last:
        chain.append({"name": "transpose", "configuration": {"order": [*range(1, ndim), 0]}})
    chain.append(BYTES_CODEC if item_bytes > 1 else {"name": "bytes"})
    chain.append(
        {
            "name": "blosc",
            "configuration": {
                "cname": compression.name,
                "clevel": compression.level,
                "shuffle": compression.shuffle if item_bytes > 1 else "noshuffle",
                "typesize": item_bytes,
                "blocksize": 0,
            },
        }
    )
    return [*chain, CRC_CODEC]


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
        self._blosc = self._take_blosc(left)
        self.has_checksum = bool(left) and left[0][0] == "crc32c"
        if len(left) != self.has_checksum:
            raise ValueError(f"codecs {[name for name, _ in left]} are not known here")

    @property
    def is_raw(self) -> bool:
        """Whether an encoded chunk is just its bytes."""
        return self._blosc is None and self._order is None and not self.has_checksum

    def encode(self, values: Array) -> bytes:
        """Bytes of one whole chunk."""
        if self._order is not None:
            values = values.transpose(self._order)
        content: bytes = np.ascontiguousarray(values, self._dtype).tobytes()
        if self._blosc is not None:
            content = blosc.compress(np.frombuffer(content, self._dtype), *self._blosc)
        if self.has_checksum:
            content += checksum(content)
        return content

    def decode(self, content: bytes, into: Array | None = None) -> Array:
        """Values of one chunk.

        Parameters
        ----------
        content : bytes
            As encoded.
        into : ndarray, optional
            Array of the chunk's shape to decode into, where that spares a copy.

        Raises
        ------
        ChunkDamagedError
            The bytes are not those of a sound chunk.
        """
        if self.has_checksum:
            content = checked(content)
        if self._blosc is not None:
            flat = self._decompress(content, into)
        else:
            if len(content) != self.chunk_bytes:
                raise ChunkDamagedError(f"has {len(content)} bytes, expected {self.chunk_bytes}")
            flat = np.frombuffer(content, self._dtype)
        if self._order is None:
            return flat.reshape(self._shape)
        stored = flat.reshape([self._shape[axis] for axis in self._order])
        return stored.transpose(np.argsort(self._order))

    def _decompress(self, content: bytes, into: Array | None) -> Array:
        # The header is looked at first: a damaged one may claim gigabytes.
        if len(content) < _BLOSC_HEADER_BYTES:
            raise ChunkDamagedError("is cut short")
        (size,) = _BLOSC_SIZE.unpack_from(content, 4)
        (stored,) = _BLOSC_SIZE.unpack_from(content, 12)
        if size != self.chunk_bytes or stored != len(content):
            raise ChunkDamagedError(f"decodes to {size} bytes, expected {self.chunk_bytes}")
        if into is not None and self._order is None and into.flags.c_contiguous:
            flat = into.reshape(-1)
        else:
            flat = np.empty(math.prod(self._shape), self._dtype)
        try:
            blosc.decompress(content, flat)
        except (RuntimeError, ValueError) as error:
            raise ChunkDamagedError(f"cannot be decompressed ({error})") from error
        return flat

    def _take_order(self, left: list[tuple[str, Mapping[str, Any]]]) -> tuple[int, ...] | None:
        if not left or left[0][0] != "transpose":
            return None
        order = tuple(left.pop(0)[1]["order"])
        if sorted(order) != list(range(len(self._shape))):
            raise ValueError(f"transpose order {order} does not fit {len(self._shape)} dimensions")
        return order

    def _take_blosc(
        self, left: list[tuple[str, Mapping[str, Any]]]
    ) -> tuple[bytes, int, int, int] | None:
        if not left or left[0][0] != "blosc":
            return None
        settings = left.pop(0)[1]
        return (
            settings["cname"].encode(),
            settings["clevel"],
            _SHUFFLES[settings["shuffle"]],
            settings["blocksize"],
        )


def checksum(content: bytes) -> bytes:
    """CRC-32C as it stands after what it protects."""
    return int(google_crc32c.value(content)).to_bytes(CRC_BYTES, "little")


def checked(content: bytes) -> bytes:
    """Bytes without the checksum at their end, once it was found right."""
    body, tail = content[:-CRC_BYTES], content[-CRC_BYTES:]
    if len(tail) != CRC_BYTES or checksum(body) != tail:
        raise ChunkDamagedError("fails its checksum")
    return body

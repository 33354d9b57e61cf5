"""What makes the chunks of a run small: the one place where compressors are registered.

To add a compressor, write a class that fulfils `Compressor`, enter it in `COMPRESSORS` under the
name of its Zarr codec, and choose it below for some arrays. Writing, reading and verifying follow.
SCHEMA.md says which codecs a run may use.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from numcodecs import blosc

from store.errors import ChunkDamagedError
from store.format.metadata import Document
from store.format.names import Array


class Compressor(Protocol):
    """Turns the elements of a chunk into few bytes, and back without loss."""

    def document(self, item_bytes: int) -> Document:
        """Zarr metadata of the codec, for elements of so many bytes."""
        ...

    def at_level(self, level: int) -> Self:
        """Give the same compressor at another level, from 1 (quick) to 9 (small)."""
        ...

    def encode(self, values: Array) -> bytes:
        """Compress a one-dimensional, contiguous array."""
        ...

    def decode(self, content: bytes, into: Array) -> None:
        """Decompress into a one-dimensional, contiguous array of exactly the right size.

        Raises
        ------
        ChunkDamagedError
            The bytes are damaged, or those of an array of another size. A compressor finds out
            before it reserves memory: a damaged header may claim gigabytes.
        """
        ...


@dataclass(frozen=True, slots=True)
class Blosc:
    """Blosc: sorts the bytes of neighbouring elements, then compresses blocks of them.

    Attributes
    ----------
    cname : str
        Algorithm inside Blosc: ``lz4``, ``lz4hc``, ``zstd`` and others.
    level : int
        From 1 (quick) to 9 (small).
    shuffle : {"noshuffle", "shuffle", "bitshuffle"}
        How bytes are sorted. Elements of one byte have nothing to sort.
    blocksize : int
        Bytes of an internal block; 0 lets Blosc choose.
    """

    cname: str
    level: int
    shuffle: str
    blocksize: int = 0

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> Self:
        """Make the compressor that the metadata of an array describes."""
        shuffle = configuration["shuffle"]
        if shuffle not in _SHUFFLES:
            raise ValueError(f"shuffle {shuffle!r} is not one of {', '.join(_SHUFFLES)}")
        return cls(
            configuration["cname"], configuration["clevel"], shuffle, configuration["blocksize"]
        )

    def document(self, item_bytes: int) -> Document:
        """Zarr metadata of the codec."""
        return {
            "name": "blosc",
            "configuration": {
                "cname": self.cname,
                "clevel": self.level,
                "shuffle": self.shuffle if item_bytes > 1 else "noshuffle",
                "typesize": item_bytes,
                "blocksize": self.blocksize,
            },
        }

    def at_level(self, level: int) -> Self:
        """Give the same compressor at another level."""
        return replace(self, level=level)

    def encode(self, values: Array) -> bytes:
        """Compress an array."""
        content: bytes = blosc.compress(
            values, self.cname.encode(), self.level, _SHUFFLES[self.shuffle], self.blocksize
        )
        return content

    def decode(self, content: bytes, into: Array) -> None:
        """Decompress into an array, whose size the header must name."""
        if len(content) < _HEADER.size:
            raise ChunkDamagedError("is cut short")
        _, decoded_bytes, _, stored_bytes = _HEADER.unpack_from(content)
        if decoded_bytes != into.nbytes or stored_bytes != len(content):
            raise ChunkDamagedError(f"decodes to {decoded_bytes} bytes, expected {into.nbytes}")
        try:
            blosc.decompress(content, into)
        except (RuntimeError, ValueError) as error:
            raise ChunkDamagedError(f"cannot be decompressed ({error})") from error


_SHUFFLES = {"noshuffle": blosc.NOSHUFFLE, "shuffle": blosc.SHUFFLE, "bitshuffle": blosc.BITSHUFFLE}
# Versions and flags, bytes decoded, bytes of an internal block, bytes stored.
_HEADER = struct.Struct("<4sIII")

# Every compressor that Trainlapse reads, by the name of its Zarr codec.
COMPRESSORS: Mapping[str, Callable[[Mapping[str, Any]], Compressor]] = {"blosc": Blosc.of}

# -- what is used where ------------------------------------------------------------------------

# While recording, by the name of the option ``compression``.
LIVE_COMPRESSORS: Mapping[str, Compressor] = {"lz4": Blosc("lz4", 5, "shuffle")}

# In the packed form. Measured on recordings of a CNN and an LSTM (size against raw; decoded MB/s
# of one thread). Weights: 0.87, 5000 MB/s; zstd level 1 with shuffled bytes 0.91, 600 MB/s.
WEIGHT_FRAMES = Blosc("lz4", 5, "bitshuffle")
# Activations: 0.32 to 0.50, 2400 MB/s; zstd level 3 0.31 to 0.47, 900; lz4 0.38 to 0.56, 1000.
ACTIVATION_FRAMES = Blosc("lz4hc", 5, "shuffle")
# Time as the innermost axis: 0.34 to 0.69, 2700 MB/s; level 1 is larger by 4 % and decodes
# slower, level 5 is smaller by 1 % and takes twice as long to write.
HISTORIES = Blosc("zstd", 3, "shuffle")
# Axes, metrics, texts, inputs: small, so that only their size counts.
OTHERS = Blosc("zstd", 5, "shuffle")

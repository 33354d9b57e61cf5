"""A compressor that is registered serves writing, reading and verifying; damage is seen."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import zarr
from numcodecs.zstd import Zstd as ZstdOfNumcodecs

import store.packed.writer
from store.errors import ChunkDamagedError
from store.format.compressors import COMPRESSORS, LIVE_COMPRESSORS, Blosc
from store.format.metadata import Document
from store.format.names import Array
from store.format.spec import LayerSpec, RunSpec, WeightSpec
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.reading.live import CompressedArray
from store.reading.packed import ChunkedArray
from store.reading.run import open_run
from store.testing import append_steps, assert_holds
from store.tools.verify import verify

# Frames above 4 KiB, so that the live form may compress them.
WEIGHT = WeightSpec("kernel", ("in_unit", "unit"), (64, 32))
SPEC = RunSpec("large", (LayerSpec("dense", "Dense", "dense", weights=(WEIGHT,)),))
PATH = "layers/dense/weights/kernel"


@dataclass(frozen=True)
class Zstd:
    """Zarr's codec ``zstd``, without Blosc around it."""

    level: int

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> Self:
        return cls(configuration["level"])

    def document(self, item_bytes: int) -> Document:  # noqa: ARG002
        return {"name": "zstd", "configuration": {"level": self.level, "checksum": False}}

    def at_level(self, level: int) -> Self:
        return replace(self, level=level)

    def encode(self, values: Array) -> bytes:
        return bytes(ZstdOfNumcodecs(self.level).encode(values))

    def decode(self, content: bytes, into: Array) -> None:
        try:
            ZstdOfNumcodecs(self.level).decode(content, into)
        except (RuntimeError, ValueError) as error:
            raise ChunkDamagedError(f"cannot be decompressed ({error})") from error


@pytest.fixture
def zstd(monkeypatch: pytest.MonkeyPatch) -> Zstd:
    monkeypatch.setitem(COMPRESSORS, "zstd", Zstd.of)  # type: ignore[misc]
    return Zstd(3)


def test_a_compressor_that_is_registered_serves_the_packed_form(
    tmp_path: Path, zstd: Zstd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.packed.writer, "WEIGHT_FRAMES", zstd)
    with RunWriter.create(tmp_path / "run.zarr", SPEC) as writer:
        append_steps(writer, *range(12))
    path = pack(tmp_path / "run.zarr").path
    assert_holds(path, SPEC, list(range(12)))
    run = open_run(path)
    assert isinstance(run.array(PATH), ChunkedArray)
    assert verify(run).is_sound
    by_zarr = zarr.open_group(path, mode="r", zarr_format=3)[PATH]
    assert isinstance(by_zarr, zarr.Array)
    np.testing.assert_array_equal(by_zarr[...], run.read(PATH, ()))
    chunk = next(file for file in (path / PATH).iterdir() if file.name.startswith("c."))
    content = bytearray(chunk.read_bytes())
    content[40] ^= 0xFF
    chunk.write_bytes(content)
    assert [finding.path for finding in verify(open_run(path)).findings] == [PATH]


def test_a_compressor_that_is_registered_serves_the_live_form(
    tmp_path: Path, zstd: Zstd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIVE_COMPRESSORS, "zstd", zstd)  # type: ignore[misc]
    path = tmp_path / "run.zarr"
    with RunWriter.create(path, SPEC, compression="zstd") as writer:  # type: ignore[arg-type]
        append_steps(writer, *range(3))
    with RunWriter.resume(path, SPEC) as writer:
        append_steps(writer, 3)
    assert_holds(path, SPEC, [0, 1, 2, 3])
    run = open_run(path)
    assert isinstance(run.array(PATH), CompressedArray)
    assert verify(run).is_sound


@pytest.mark.parametrize("compressor", [Blosc("lz4", 5, "bitshuffle"), Blosc("zstd", 3, "shuffle")])
@pytest.mark.parametrize("field", [4, 12])
def test_a_header_of_blosc_that_claims_gigabytes_takes_no_memory(
    compressor: Blosc, field: int
) -> None:
    values = np.arange(1000, dtype="<f4")
    sound = compressor.encode(values)
    into = np.empty_like(values)
    compressor.decode(sound, into)
    np.testing.assert_array_equal(into, values)
    claiming = bytearray(sound)
    struct.pack_into("<I", claiming, field, 2**32 - 1)
    for content in (bytes(claiming), sound[:10], sound[:-1], b""):
        with pytest.raises(ChunkDamagedError):
            compressor.decode(content, into)
    with pytest.raises(ChunkDamagedError, match="decodes to 4000 bytes, expected 2000"):
        compressor.decode(sound, into[:500])

"""One growing array, written in place step by step; `store.format.live_layout` has its files."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from store.errors import RunFormatError, SpecError
from store.format.codecs import Chain, checksum
from store.format.compressors import Compressor
from store.format.live_layout import INDEX_ENTRY_BYTES, place
from store.format.metadata import Document
from store.format.names import BEGINS, Array
from store.format.spec import ArraySpec
from store.storage.confined import folder, make_folder, open_file
from store.storage.files import OpenFiles, write_all

# An index entry of all ones: this inner chunk does not exist.
MISSING = b"\xff"
# Offset and length of an inner chunk.
_ENTRY = struct.Struct("<QQ")


class LiveArray:
    """Appends frames to one array's files.

    A frame is written first, then the shard's index entry that points to it; both lie past what
    is committed, so no reader looks at them before the run's next commit.

    Parameters
    ----------
    root : Path
        Directory of the run.
    spec : ArraySpec
        What the array is.
    files : OpenFiles
        Shared by all arrays of the run.
    compressor : Compressor or None
        What makes sharded frames small; None: they are stored as they are.
    has_checksums : bool
        Whether checksums stand behind sharded frames.

    Attributes
    ----------
    begins : int
        First step number that is written; those before it follow from other arrays.
    """

    def __init__(
        self,
        root: Path,
        spec: ArraySpec,
        files: OpenFiles,
        compressor: Compressor | None,
        *,
        has_checksums: bool = True,
    ) -> None:
        self.spec = spec
        self.begins = 0
        item_bytes = np.dtype(spec.dtype).itemsize
        self.placement = place(spec.frame_shape, item_bytes, has_checksums=has_checksums)
        self.is_compressed = compressor is not None and not self.placement.is_dense
        self._root = root
        self._directory = root / spec.path
        self._files = files
        self._dtype = np.dtype(spec.dtype).newbyteorder("<")
        self._compressor = compressor
        self._chain = Chain(
            self.placement.chain(spec.dtype, compressor), self._dtype, self.placement.block_shape
        )
        self._at = (-1, self._directory)
        # Byte at which the next compressed block goes, by file number.
        self._ends: dict[int, int] = {}

    def document(self) -> Document:
        """Zarr metadata of the array, with no step."""
        begins = {BEGINS: self.begins} if self.begins else {}
        return self.placement.document(
            self.spec.dtype, self.spec.dims, {**self.spec.attributes, **begins}, self._compressor
        )

    def make_directory(self) -> None:
        """Make room for the array's files."""
        make_folder(self._root, self.spec.path)

    def prepare(self, frame: Any) -> Array:
        """Frame as it will be written; raises `SpecError` where it does not fit."""
        values = np.asarray(frame)
        if values.shape != self.spec.frame_shape:
            raise SpecError(
                f"{self.spec.path}: got a frame of shape {values.shape}, "
                f"the run was created for {self.spec.frame_shape}"
            )
        if values.dtype == self._dtype:
            return np.ascontiguousarray(values)
        if not np.can_cast(values.dtype, self._dtype, "same_kind"):
            raise SpecError(
                f"{self.spec.path}: got a frame of data type {values.dtype}, which does not fit "
                f"the {self.spec.dtype} that the run was created for"
            )
        with np.errstate(over="ignore"):  # too large for the data type: infinite, as it should
            return np.ascontiguousarray(values, self._dtype)

    def write(self, index: int, frame: Array) -> None:
        """Write a frame from `prepare` as step number `index`."""
        number, slot = self.placement.locate(index)
        path = self._path(number)
        file = self._files.get(path)
        if slot == 0 or index == self.begins:
            self._initialize(number)
        if self.placement.is_dense:
            write_all(file, frame.reshape(-1).view(np.uint8).data, self.placement.offset(slot))
        else:
            entries = (
                self._write_compressed(file, number, frame)
                if self.is_compressed
                else self._write_raw(file, slot, frame)
            )
            write_all(file, entries, slot * self.placement.blocks * INDEX_ENTRY_BYTES)
        self._files.touched(path)

    def write_scalars(self, index: int, values: Sequence[float] | Array) -> None:
        """Write scalars of a dense array from step number `index` on, in one write a file."""
        content = np.asarray(values, self._dtype)
        done = 0
        while done < len(content):
            number, slot = self.placement.locate(index + done)
            part = content[done : done + self.placement.steps - slot]
            if slot == 0:
                self._initialize(number)
            path = self._path(number)
            write_all(self._files.get(path), part.tobytes(), self.placement.offset(slot))
            self._files.touched(path)
            done += len(part)

    def fill(self, length: int, value: float) -> None:
        """Write `value` as each of the first `length` scalars of a dense array."""
        self.write_scalars(0, np.full(length, value))

    def check(self, length: int) -> None:
        """Raise `RunFormatError` unless the file of the last of `length` steps is whole."""
        if length <= self.begins:
            return
        number, slot = self.placement.locate(length - 1)
        path = self._path(number)
        least = self.placement.index_bytes if self.is_compressed else self.placement.end(slot + 1)
        try:
            with self._open(number) as file:
                size = os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            size = -1
        if size < least:
            raise RunFormatError(
                f"{path} is {'missing' if size < 0 else 'cut short'}: the run is damaged and "
                "cannot be resumed. Salvage it first: trainlapse verify --help"
            )

    def read_scalars(self, length: int) -> Array:
        """First `length` values of a dense array of scalars."""
        size = self.placement.steps
        starts = range(0, length, size)
        parts = []
        for start in starts:
            with self._open(start // size) as file:
                parts.append(np.fromfile(file, self._dtype, size))
        values = np.concatenate(parts)[:length] if parts else np.empty(0, self._dtype)
        if len(values) != length:
            raise RunFormatError(f"{self._directory} is cut short; the run is damaged.")
        return values

    def truncate(self, length: int) -> None:
        """Forget steps from `length` on, so that a resumed run cannot show orphans."""
        number, slot = self.placement.locate(length)
        self._ends.clear()
        for stale in folder(self._root, self.spec.path).glob("c.*"):
            digits = stale.name.split(".")[1]
            if digits.isdecimal() and int(digits) >= number + (slot > 0):
                # Windows keeps a file that a reader has mapped. It does no harm: whoever
                # writes these steps anew begins with an empty index.
                with contextlib.suppress(PermissionError):
                    stale.unlink()
        if slot and length > self.begins and not self.placement.is_dense:
            entry_bytes = self.placement.blocks * INDEX_ENTRY_BYTES
            file = self._files.get(self._path(number))
            rest = (self.placement.steps - slot) * entry_bytes
            write_all(file, MISSING * rest, slot * entry_bytes)
            self._files.touched(self._path(number))

    def _path(self, number: int) -> Path:
        if number != self._at[0]:  # making a path takes as long as a small write
            self._at = (number, self._directory / self.placement.chunk_key(number))
        return self._at[1]

    def _open(self, number: int) -> FileIO:
        return open_file(self._root, f"{self.spec.path}/{self.placement.chunk_key(number)}")

    def _initialize(self, number: int) -> None:
        """Give a new file its full dense size, or its empty index."""
        file = self._files.get(self._path(number))
        if self.placement.is_dense:
            file.truncate(self.placement.steps * self.placement.frame_bytes)
        else:
            write_all(file, MISSING * self.placement.index_bytes, 0)
            self._ends[number] = self.placement.index_bytes

    def _write_raw(self, file: FileIO, slot: int, frame: Array) -> bytes:
        placement = self.placement
        start = placement.offset(slot)
        entries = []
        for block in frame.reshape(placement.blocks, -1).view(np.uint8):
            write_all(file, block.data, start)
            if placement.has_checksums:
                write_all(file, checksum(block), start + placement.block_bytes)
            entries.append(_ENTRY.pack(start, placement.stored_block_bytes))
            start += placement.block_stride
        return b"".join(entries)

    def _write_compressed(self, file: FileIO, number: int, frame: Array) -> bytes:
        end = self._ends.get(number) or self._end_of_committed(number)
        entries = []
        for block in frame.reshape(self.placement.blocks, -1):
            encoded = self._chain.encode(block)
            write_all(file, encoded, end)
            entries.append(_ENTRY.pack(end, len(encoded)))
            end += len(encoded)
        self._ends[number] = end
        return b"".join(entries)

    def _end_of_committed(self, number: int) -> int:
        """First byte after the last block that the index of a resumed shard points to."""
        index = read_index(self._path(number), self.placement.steps, self.placement.blocks)
        present = index[index[:, 0] != np.iinfo(np.uint64).max]
        end = max((int(start) + int(size) for start, size in present), default=0)
        if end > self._path(number).stat().st_size:
            raise RunFormatError(f"{self._path(number)}: the index points past the file's end.")
        return max(end, self.placement.index_bytes)


def read_index(path: Path, steps: int, blocks: int) -> Array:
    """Index at the start of a live shard.

    Returns
    -------
    ndarray (steps * blocks, 2), uint64
        Offset and length of each inner chunk; all ones where there is none.
    """
    size = steps * blocks * INDEX_ENTRY_BYTES
    with open_file(path.parent, path.name) as file:
        content = file.read(size)
    return np.frombuffer(content, "<u8").reshape(-1, 2)

"""Ways to keep a training, side by side: what `storage.py` measures."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from pathlib import Path

import h5py
import numpy as np
import zarr

from store import RunWriter, open_run
from store.format.names import Array
from store.format.spec import RunSpec
from store.packed.pack import pack

Frames = dict[str, Array]
Index = tuple[int | slice, ...]


class Store(ABC):
    """One way to keep frames, written step by step and read back."""

    name = ""

    def __init__(self, folder: Path, first: Frames, spec: RunSpec) -> None:
        self.folder = folder / type(self).__name__
        self.folder.mkdir()
        self.first = first
        self.spec = spec
        self.steps = 0

    @abstractmethod
    def write(self, step: int, frames: Frames) -> None:
        """Append a step."""

    @abstractmethod
    def read(self, path: str, index: Index) -> Array:
        """Read from an array."""

    def close(self) -> None:  # noqa: B027 (most have nothing to end)
        """End the recording."""

    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


class Npz(Store):
    """A NumPy archive for each step."""

    name = "npz a step"

    def write(self, step: int, frames: Frames) -> None:
        """Append a step."""
        named = {path.replace("/", "|"): frame for path, frame in frames.items()}
        np.savez(self.folder / f"{step}.npz", **named)
        self.steps = step + 1

    def read(self, path: str, index: Index) -> Array:
        """Read from an array."""
        name = path.replace("/", "|")
        first, rest = index[0], index[1:]
        if isinstance(first, int):
            return self._step(first, name)[rest]
        return np.stack([self._step(step, name)[rest] for step in range(self.steps)])

    def _step(self, step: int, name: str) -> Array:
        with np.load(self.folder / f"{step}.npz") as file:
            return file[name]


class WeightsH5(Store):
    """A file for each step that holds the weights alone, as Keras saves them."""

    name = "weights.h5 a step"

    def write(self, step: int, frames: Frames) -> None:
        """Append a step."""
        with h5py.File(self.folder / f"{step}.weights.h5", "w") as file:
            for path, frame in frames.items():
                if "/weights/" in path:
                    file[path] = frame
        self.steps = step + 1

    def read(self, path: str, index: Index) -> Array:
        """Read from an array."""
        first, rest = index[0], index[1:]
        steps = [first] if isinstance(first, int) else range(self.steps)
        parts = []
        for step in steps:
            with h5py.File(self.folder / f"{step}.weights.h5") as file:
                parts.append(file[path][rest])
        return parts[0] if isinstance(first, int) else np.stack(parts)


class Hdf5(Store):
    """One HDF5 file, a chunk for each frame."""

    name = "HDF5, frame chunks"

    def __init__(self, folder: Path, first: Frames, spec: RunSpec) -> None:
        super().__init__(folder, first, spec)
        self.file = h5py.File(self.folder / "run.h5", "w")
        for path, frame in first.items():
            shape, most = (0, *frame.shape), (None, *frame.shape)
            self.file.create_dataset(
                path, shape, frame.dtype, chunks=(1, *frame.shape), maxshape=most
            )

    def write(self, step: int, frames: Frames) -> None:
        """Append a step."""
        for path, frame in frames.items():
            self.file[path].resize(step + 1, axis=0)
            self.file[path][step] = frame

    def close(self) -> None:
        """End the recording."""
        self.file.close()
        self.file = h5py.File(self.folder / "run.h5")

    def read(self, path: str, index: Index) -> Array:
        """Read from an array."""
        return self.file[path][index]


class PlainZarr(Store):
    """A Zarr array for each tensor, a chunk file for each frame."""

    name = "zarr-python"

    def __init__(self, folder: Path, first: Frames, spec: RunSpec) -> None:
        super().__init__(folder, first, spec)
        self.group = zarr.open_group(self.folder / "run.zarr", mode="w", zarr_format=3)
        for path, frame in first.items():
            shape = (0, *frame.shape)
            self.group.create_array(path, shape=shape, chunks=(1, *frame.shape), dtype=frame.dtype)
        self.arrays = {path: self.group[path] for path in first}

    def write(self, step: int, frames: Frames) -> None:
        """Append a step."""
        for path, frame in frames.items():
            array = self.arrays[path]
            array.resize((step + 1, *frame.shape))
            array[step] = frame

    def read(self, path: str, index: Index) -> Array:
        """Read from an array."""
        return self.arrays[path][index]


class Live(Store):
    """The form in which recordings are written."""

    name = "live"

    def __init__(self, folder: Path, first: Frames, spec: RunSpec) -> None:
        super().__init__(folder, first, spec)
        self.writer = RunWriter.create(self.folder / "run.zarr", spec)

    def write(self, step: int, frames: Frames) -> None:
        """Append a step."""
        self.writer.append(step, epoch=step / 100, wall_time=step / 10, frames=frames)
        self.writer.commit_if_due()

    def close(self) -> None:
        """End the recording."""
        self.writer.close()
        self.run = open_run(self.folder / "run.zarr")

    def read(self, path: str, index: Index) -> Array:
        """Read from an array."""
        return self.run.read(path, index)


class Packed(Store):
    """Made from the live form at the end; writing a step is the live form's."""

    name = "packed"

    def write(self, step: int, frames: Frames) -> None:
        """Append a step."""
        del step, frames

    def build(self, live: Live) -> str:
        """Pack the live run, and tell how long it took."""
        start = time.perf_counter()
        report = pack(live.folder / "run.zarr", self.folder / "run.zarr")
        seconds = time.perf_counter() - start
        self.run = open_run(self.folder / "run.zarr")
        self.frames_share = report.frames_bytes / report.raw_bytes
        self.share = report.bytes / report.raw_bytes
        return (
            f"packing and verifying {report.raw_bytes / 1e6:.0f} MB took {seconds:.1f} s "
            f"({report.raw_bytes / 1e6 / seconds:.0f} MB/s)"
        )

    def read(self, path: str, index: Index) -> Array:
        """Read from an array."""
        return self.run.read(path, index)


STORES = (Npz, WeightsH5, Hdf5, PlainZarr, Live, Packed)

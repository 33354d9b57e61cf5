"""Read an array whose small frames have their checksums in an array beside it."""

from __future__ import annotations

import numpy as np

from store.errors import ChunkDamagedError
from store.format.frame_checksums import frame_checksums
from store.format.names import Array
from store.reading.arrays import ArrayReader, Index, normalized


class CheckedFrames:
    """An array along the steps that raises where a frame is not what was written.

    Parameters
    ----------
    path : str
        The array's path, for messages.
    frames : ArrayReader
        The array.
    checksums : ArrayReader
        Those of a run, (step, checked_array).
    column : int
        Which of them are the array's.
    """

    def __init__(self, path: str, frames: ArrayReader, checksums: ArrayReader, column: int) -> None:
        self.shape = frames.shape
        self.dtype = frames.dtype
        self.dims = frames.dims
        self._path = path
        self._frames = frames
        self._checksums = checksums
        self._column = column

    def read(self, index: Index) -> Array:
        """Elements at `index`, as a new array.

        Raises
        ------
        ChunkDamagedError
            A frame does not have its checksum.
        """
        first, *rest = normalized(index, self.shape)
        steps = slice(first, first + 1) if isinstance(first, int) else first
        frames, sound = self._read(steps)
        if not sound.all():
            bad = np.arange(self.shape[0])[steps][~sound]
            raise ChunkDamagedError(f"{self._path}: the frame of step {bad[0]} fails its checksum.")
        return np.asarray(frames[(0 if isinstance(first, int) else slice(None), *rest)])

    def damaged(self, start: int, stop: int) -> Array:
        """Positions of damaged frames among some steps: (frame,), int64."""
        _, sound = self._read(slice(start, stop))
        return np.flatnonzero(~sound) + start

    def _read(self, steps: slice) -> tuple[Array, Array]:
        frames = self._frames.read((steps,))
        return frames, frame_checksums(frames) == self._checksums.read((steps, self._column))

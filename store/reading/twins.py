"""The packed form keeps an array twice; a read goes to whichever twin decodes less."""

from __future__ import annotations

from collections.abc import Mapping

from store.errors import ChunkDamagedError
from store.format.metadata import Document
from store.format.names import HISTORY_PREFIX, Array
from store.reading.arrays import ArrayReader, Index
from store.reading.cache import ArrayCache
from store.reading.packed import ChunkedArray
from store.storage.sources import Source


class TwinArray:
    """An array stored frame by frame and history by history.

    Parameters
    ----------
    frames, history : ChunkedArray
        The same elements, laid out for one step and for one element.
    """

    def __init__(self, frames: ChunkedArray, history: ChunkedArray) -> None:
        self.shape, self.dtype, self.dims = frames.shape, frames.dtype, frames.dims
        self.frames, self.history = frames, history

    def read(self, index: Index) -> Array:
        """Elements at `index`; where one twin is damaged, from the other one."""
        order = sorted((self.frames, self.history), key=lambda twin: twin.cost(index))
        try:
            return order[0].read(index)
        except ChunkDamagedError as damage:
            try:
                return order[1].read(index)
            except ChunkDamagedError:
                raise damage from None


def packed_reader(
    source: Source, path: str, nodes: Mapping[str, Document], cache: ArrayCache
) -> ArrayReader | None:
    """Reader for an array in chunks, with its twin if it has a fitting one.

    Parameters
    ----------
    source : Source
        Holds the run.
    path : str
        The array's path.
    nodes : mapping of str to Document
        Every node of the run.
    cache : ArrayCache
        Shared by the arrays of the run.

    Returns
    -------
    ArrayReader or None
        None where zarr-python must read the array.
    """
    frames = ChunkedArray.or_none(source, path, nodes[path], cache)
    twin = nodes.get(HISTORY_PREFIX + path)
    if frames is None or twin is None or twin["node_type"] != "array":
        return frames
    history = ChunkedArray.or_none(source, HISTORY_PREFIX + path, twin, cache)
    same = history is not None and (
        (history.shape, history.dtype, history.dims) == (frames.shape, frames.dtype, frames.dims)
    )
    return TwinArray(frames, history) if history is not None and same else frames

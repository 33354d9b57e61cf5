"""A run with one step more: the network after the training, where its weights were changed."""

from __future__ import annotations

import numpy as np

from store.format.names import AFTER_GROUP, AFTER_PREFIX, STEP_DIM, Array
from store.reading.arrays import ArrayReader, Index, normalized
from store.reading.commit import CommittedRun
from store.reading.readers import Readers
from store.reading.run import Run


class EndedRun(Run):
    """A run whose last step is the network after the training, where the run holds one.

    That step's number is one more than the last recorded one, its epoch is the same. What is not
    known of it (single updates) is NaN, or 0. `nodes` and `tree` are those of the run itself.

    Parameters
    ----------
    run : Run
        An open run.

    Examples
    --------
    ::

        run = EndedRun(open_run("runs/averaged.zarr"))
        run.weights("conv1", "kernel").isel(step=-1)  # the averaged kernel
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run.source, run.part)
        self._readers = _EndedReaders(run.source, run.part, checks_frames=False)

    @property
    def has_ending(self) -> bool:
        """Whether the last step is the network after the training."""
        return AFTER_GROUP in self.nodes

    def __len__(self) -> int:
        return super().__len__() + self.has_ending

    def _part(self, now: CommittedRun, name: str) -> Run:
        return EndedRun(super()._part(now, name))

    def _axis(self, now: CommittedRun, name: str) -> Array:
        ending = now.nodes.get(AFTER_GROUP)
        values = super()._axis(now, name)
        if ending is None:
            return values
        longer = now.axes.get(AFTER_PREFIX + name)
        if longer is None:
            last = values[-1] if len(values) else 0
            known = {"step": last + 1, "wall_time": ending["attributes"]["wall_time"]}
            longer = np.append(values, values.dtype.type(known.get(name, last)))
            longer.flags.writeable = False
            now.axes[AFTER_PREFIX + name] = longer
        return longer


class _EndedReaders(Readers):
    """Readers of arrays with one frame more."""

    def make(self, now: CommittedRun, path: str) -> ArrayReader:
        """Make the reader of an array anew; raises as `of` does."""
        reader = super().make(now, path)
        if AFTER_GROUP not in now.nodes or reader.dims[:1] != (STEP_DIM,):
            return reader
        if path in ("step", "epoch", "wall_time"):
            return reader  # see `EndedRun._axis`
        after = AFTER_PREFIX + path
        last = super().make(now, after) if after in now.nodes else None
        return _WithEnding(reader, last)


class _WithEnding:
    """An array along the steps with one frame more."""

    def __init__(self, steps: ArrayReader, ending: ArrayReader | None) -> None:
        self.shape = (steps.shape[0] + 1, *steps.shape[1:])
        self.dtype = steps.dtype
        self.dims = steps.dims
        self._steps = steps
        self._ending = ending

    def read(self, index: Index) -> Array:
        first, *rest = normalized(index, self.shape)
        last = self.shape[0] - 1
        if isinstance(first, int):
            return self._last(tuple(rest)) if first == last else self._steps.read((first, *rest))
        positions = range(self.shape[0])[first]
        if last not in positions:
            return self._steps.read((first, *rest))
        earlier = [position for position in positions if position != last]
        parts = [self._last(tuple(rest))[np.newaxis]]
        if earlier:
            stride = earlier[1] - earlier[0] if len(earlier) > 1 else 1
            stop = earlier[-1] + (1 if stride > 0 else -1)
            read = self._steps.read((slice(earlier[0], None if stop < 0 else stop, stride), *rest))
            parts.insert(0 if positions[-1] == last else 1, read)
        return np.concatenate(parts)

    def _last(self, rest: Index) -> Array:
        if self._ending is not None:
            return self._ending.read(rest)
        unknown = np.nan if self.dtype.kind == "f" else 0
        # Of the shape that is asked for, without an array as large as the frame.
        return np.broadcast_to(np.array(unknown, self.dtype), self.shape[1:])[rest].copy()

"""Drive the real store beside a perfect one in memory, through crashes and resumptions."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from store.format.names import Array
from store.format.spec import RunSpec
from store.live.writer import Compression, RunWriter
from store.packed.pack import pack
from store.reading.run import Run, open_run
from store.testing import strategies
from store.testing.runs import small_files

METRICS = ("loss", "Loss", "accuracy/top 5", "update", "step")

Row = dict[str, float]


class RunMachine(RuleBasedStateMachine):
    """Append, commit, crash, resume and read; everything that is read must equal the model."""

    def __init__(self) -> None:
        super().__init__()
        self._patches = small_files()
        self._patches.__enter__()
        self.folder = Path(tempfile.mkdtemp(prefix="trainlapse-"))
        self.path = self.folder / "run.zarr"
        self.writer: RunWriter | None = None
        self.steps: list[tuple[int, dict[str, Array]]] = []
        self.committed = 0
        self.rows: list[tuple[int, Row]] = []
        self.committed_rows = 0
        self.published: set[str] = set()
        self.reader: Run | None = None

    def teardown(self) -> None:
        """Remove the run."""
        if self.writer is not None:
            self.writer.abandon()
        shutil.rmtree(self.folder)
        self._patches.__exit__(None, None, None)

    @initialize(spec=strategies.run_specs(), compression=st.sampled_from((None, "lz4")))
    def create(self, spec: RunSpec, compression: Compression) -> None:
        """Start an empty run."""
        self.spec = spec
        self.writer = RunWriter.create(self.path, spec, compression=compression)

    @precondition(lambda self: self.writer)
    @rule(gap=st.integers(1, 3), seed=st.integers(0, 2**31))
    def append(self, gap: int, seed: int) -> None:
        """Append a step of random bits."""
        assert self.writer is not None
        step = self.steps[-1][0] + gap if self.steps else gap - 1
        frames = {
            array.path: strategies.random_frame(array, seed)
            for layer in self.spec.layers
            for array in layer.array_specs()
        }
        self.writer.append(step, epoch=step / 2, wall_time=step * 3.0, frames=frames)
        self.steps.append((step, frames))

    @precondition(lambda self: self.writer)
    @rule(
        gap=st.integers(0, 2),
        values=st.dictionaries(st.sampled_from(METRICS), st.floats(allow_nan=False), max_size=3),
    )
    def append_metrics(self, gap: int, values: Row) -> None:
        """Append a row of metrics, or merge it into the last one."""
        assert self.writer is not None
        update = self.rows[-1][0] + gap if self.rows else gap
        self.writer.append_metrics(update, values)
        if self.rows and self.rows[-1][0] == update:
            self.rows[-1][1].update(values)
        else:
            self.rows.append((update, dict(values)))

    @precondition(lambda self: self.writer)
    @rule()
    def commit(self) -> None:
        """Make everything visible."""
        assert self.writer is not None
        self.writer.commit()
        self._note_commit()

    @precondition(lambda self: self.writer)
    @rule()
    def crash(self) -> None:
        """Let the process die: what was not committed is lost."""
        assert self.writer is not None
        self.writer.abandon()
        self.writer = None
        self._forget()

    @precondition(lambda self: self.writer)
    @rule(finished=st.booleans())
    def close(self, finished: bool) -> None:
        """End the recording in order."""
        assert self.writer is not None
        self.writer.close(finished=finished)
        self.writer = None
        self._note_commit()
        assert (open_run(self.path).finished is not None) == finished

    @precondition(lambda self: self.writer is None)
    @rule(back=st.none() | st.integers(0, 4))
    def resume(self, back: int | None) -> None:
        """Go on, from the last commit or from an earlier step."""
        after = None
        if back is not None and self.steps:
            after = self.steps[max(0, len(self.steps) - 1 - back)][0]
        self.writer = RunWriter.resume(self.path, self.spec, after_step=after)
        if after is not None:
            self.steps = [entry for entry in self.steps if entry[0] <= after]
            self.rows = [row for row in self.rows if row[0] <= after]
        self._note_commit()
        assert self.writer.last_step == (self.steps[-1][0] if self.steps else None)

    @invariant()
    def readers_see_what_is_committed(self) -> None:
        """Hold a run opened now, and one opened long ago and refreshed, to the commit."""
        if not self.path.exists():
            return
        if self.reader is None:
            self.reader = open_run(self.path)
        else:
            self.reader.refresh()
        for run in (self.reader, open_run(self.path)):
            self._check_steps(run)
            self._check_metrics(run)

    @precondition(lambda self: self.writer is None)
    @rule()
    def pack(self) -> None:
        """Pack a copy: it holds the same, and the run itself does not change."""
        packed = self.folder / "packed.zarr"
        pack(self.path, packed, overwrite=True)
        run = open_run(packed)
        self._check_steps(run)
        self._check_metrics(run)

    @precondition(lambda self: self.committed)
    @rule(data=st.data())
    def read_part(self, data: st.DataObject) -> None:
        """Read a part of one array: by position, with strides, backwards, and through Zarr."""
        paths = sorted(self.steps[0][1])
        if not paths:
            return
        path = data.draw(st.sampled_from(paths))
        expected = np.stack([frames[path] for _, frames in self.steps[: self.committed]])
        index = tuple(
            data.draw(st.integers(-size, size - 1) | st.slices(size)) for size in expected.shape
        )
        same(open_run(self.path).read(path, index), expected[index])
        whole = zarr.open_group(self.path, mode="r", zarr_format=3, use_consolidated=True)[path]
        assert isinstance(whole, zarr.Array)
        same(whole[...], expected)

    def _check_steps(self, run: Run) -> None:
        visible = self.steps[: self.committed]
        assert run.steps.tolist() == [step for step, _ in visible]
        assert run.epochs.tolist() == [step / 2 for step, _ in visible]
        assert len(run) == len(visible)
        if visible:
            for path, frame in visible[-1][1].items():
                same(run.read(path, (-1,)), frame)

    def _check_metrics(self, run: Run) -> None:
        metrics = run.metrics
        visible = self.rows[: self.committed_rows]
        assert metrics["update"].values.tolist() == [update for update, _ in visible]
        found = {str(name).removeprefix("metrics/") for name in metrics.data_vars}
        assert found == {name if name != "update" else "update_2" for name in self.published}
        for name in self.published:
            values = metrics["metrics/update_2" if name == "update" else name].values
            same(values, np.array([row.get(name, math.nan) for _, row in visible], float))

    def _note_commit(self) -> None:
        self.committed, self.committed_rows = len(self.steps), len(self.rows)
        self.published |= {name for _, row in self.rows for name in row}

    def _forget(self) -> None:
        del self.steps[self.committed :]
        del self.rows[self.committed_rows :]
        # A merge into a committed row is visible at once, but not an array made for it.
        for _, row in self.rows:
            for name in row.keys() - self.published:
                del row[name]


def same(actual: Any, expected: Array) -> None:
    """Assert that arrays are equal bit for bit, NaN payloads included."""
    actual = np.asarray(actual)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    assert actual.tobytes() == expected.tobytes()

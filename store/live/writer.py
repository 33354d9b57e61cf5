"""Write a run, step by step: the live form.

The life of a step: every array appends its frame in place, past what readers can see; then the
root ``zarr.json`` with the new lengths replaces the old one. That replacement is the commit.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from store.errors import RunClosedError, StepOrderError
from store.format.compressors import LIVE_COMPRESSORS
from store.format.derived_layers import source_paths
from store.format.facts import LATEST, always_frozen, in_force, kept, noted
from store.format.frame_checksums import checked_paths, checksum_spec, frame_checksums
from store.format.metadata import Document
from store.format.names import (
    AFTER_GROUP,
    AFTER_PREFIX,
    BEGINS,
    CHECKSUMS,
    STEP_DIM,
    UPDATE_DIM,
    Array,
    StaticArray,
    activation_path,
)
from store.format.parts import split_path
from store.format.spec import TRAINABLE, UPDATES_GROUP, RunSpec
from store.format.spec_check import check_complete, validate
from store.live.array import LiveArray
from store.live.commit import RunDocuments, described, timestamp
from store.live.metrics_table import EpochMeans, MetricsTable
from store.live.resuming import (
    as_recorded,
    broken_since,
    check_same,
    identity_of,
    jumps_until,
    past_attributes,
)
from store.storage.files import OpenFiles
from store.storage.location import (
    check_free,
    on_disk,
    read_root,
    remove_hierarchy,
    remove_run,
    remove_temporaries,
)
from store.storage.run_lock import RunLock

# A commit rewrites the root document (a millisecond or more), so it is shared by several steps.
COMMIT_SECONDS, COMMIT_STEPS = 0.5, 64
# Readers that ignore the root's consolidated metadata see the lengths of this long ago.
REFRESH_SECONDS = 5.0

Compression = Literal["lz4"] | None
Durability = Literal["process", "power"]


class RunWriter:
    """Appends steps and metrics to one run. Use `create` or `resume`; one thread only.

    `recorder.Recorder` does this for a Keras training. Steps are appended to files that readers do
    not look at yet; `commit` makes them visible. Leaving the ``with`` block commits, too.

    An activation that the description says to follow from others is compared at each step and not
    written; from the first step on at which it does not follow exactly, it is.

    Attributes
    ----------
    path : Path
        Directory of the run.
    spec : RunSpec
        The run's description; of layers it says which still follow.
    last_step : int or None
        The last step appended.
    committed : int
        Number of steps that readers see.
    bytes_appended : int
        Uncompressed bytes of all frames written by this writer.
    skipped : dict of str to int
        Steps that the schedule wanted and that were left out, by reason; kept with the run.
    not_finite_since : int or None
        The step at which the loss or a weight was first NaN or infinite.
    facts : list of dict
        What held since which step, as `store.format.facts` has it.
    left_out : dict of str to str
        Why something could not be recorded, by its path in the run.
    weight_jumps : list of int
        Steps from which on the weights are others than updates made them.

    Examples
    --------
    ::

        import numpy as np
        from store import RunWriter, open_run
        from store.format.spec import LayerSpec, RunSpec, WeightSpec

        kernel = WeightSpec("kernel", ("in_unit", "unit"), (3, 2))
        layer = LayerSpec("dense", "Dense", "dense", weights=(kernel,))
        with RunWriter.create("runs/own.zarr", RunSpec("my own", (layer,))) as writer:
            for step in range(10):
                frames = {"layers/dense/weights/kernel": np.full((3, 2), step, np.float32)}
                writer.append(step, epoch=step / 5, wall_time=float(step), frames=frames)
                writer.append_metrics(step, {"loss": 1 / (1 + step)})
                writer.commit_if_due()
        print(open_run("runs/own.zarr").weights("dense", "kernel").sel(step=9).values)
    """

    def __init__(
        self,
        path: Path,
        spec: RunSpec,
        lock: RunLock,
        *,
        compression: Compression,
        durability: Durability,
        identity: Mapping[str, Any],
        has_checksums: bool,
    ) -> None:
        self.path = path
        self.spec = spec
        self.last_step: int | None = None
        self.committed = 0
        self.bytes_appended = 0
        self.skipped: dict[str, int] = {}
        self.not_finite_since: int | None = None
        self.facts: list[dict[str, Any]] = []
        self.left_out = dict(spec.left_out)
        self.weight_jumps: list[int] = []
        self._lock = lock
        self._compression: Compression = compression
        self._sync = durability == "power"
        self._identity = dict(identity)
        self._finished: str | None = None
        self._files = OpenFiles(path, durable=self._sync)
        compressor = LIVE_COMPRESSORS[compression] if compression is not None else None
        arrays = [
            LiveArray(path, array, self._files, compressor, has_checksums=has_checksums)
            for array in spec.array_specs()
        ]
        self._arrays = {each.spec.path: each for each in arrays if each.spec.derivation is None}
        # Activations that followed from others so far, and are not written.
        self._following = {each.spec.path: each for each in arrays if each.spec.derivation}
        # Of all small frames; None: the run is of an earlier version, and goes on as it began.
        self._checksums = (
            LiveArray(path, checksum_spec(spec.array_specs()), self._files, None)
            if has_checksums
            else None
        )
        self._metrics = MetricsTable(path, self._files)
        self._documents = RunDocuments(path, spec, durable=self._sync)
        self._steps = 0
        self._dirty = False
        self._committed_at = self._refreshed_at = time.monotonic()
        self._closed = self._disk_failed = False

    @classmethod
    def create(
        cls,
        path: str | Path,
        spec: RunSpec,
        *,
        overwrite: bool = False,
        compression: Compression = None,
        durability: Durability = "process",
    ) -> Self:
        """Start a new run.

        Parameters
        ----------
        path : str or Path
            Directory to create.
        spec : RunSpec
            Everything that is known before the first step.
        overwrite : bool
            Replace a run that is already there (never anything else).
        compression : {None, "lz4"}
            Codec of large frames while recording; None is fastest to write and to scrub.
        durability : {"process", "power"}
            What a commit survives: the death of the process, or also a power failure.

        Returns
        -------
        RunWriter
            Of the new run, which has no step yet.

        Raises
        ------
        RunExistsError
            The path is taken.
        RunLockedError
            Another process is recording there, or a writer of this one that does not give way.
        SpecError
            The description is inconsistent.
        """
        validate(spec)
        directory = on_disk(path).absolute()  # the process may go to another folder
        check_free(directory, overwrite=overwrite)
        directory.mkdir(parents=True, exist_ok=True)
        lock = RunLock(directory, take_over=True)
        try:
            check_free(directory, overwrite=overwrite)  # another writer may just have ended
            remove_run(directory)
            writer = cls(
                directory,
                spec,
                lock,
                compression=compression,
                durability=durability,
                identity={"run_id": uuid.uuid4().hex, "created": timestamp(), "resumed": []},
                has_checksums=True,
            )
            with writer._abandoned_on_error():
                for array in writer._along_steps():
                    array.make_directory()
                writer._documents.write_static()
                writer.commit()
        except BaseException:
            lock.release()
            raise
        return writer

    @classmethod
    def resume(
        cls,
        path: str | Path,
        spec: RunSpec,
        *,
        after_step: int | None = None,
        durability: Durability = "process",
    ) -> Self:
        """Go on with a run whose recording ended or was killed.

        Parameters
        ----------
        path : str or Path
            Directory of the run.
        spec : RunSpec
            The same layers and weights as before.
        after_step : int, optional
            Drop recorded steps later than this one, for a training that resumes from an
            earlier checkpoint. By default every committed step is kept.
        durability : {"process", "power"}
            As in `create`.

        Returns
        -------
        RunWriter
            Of the run; `last_step` says after which step it goes on.

        Raises
        ------
        RunNotFoundError, RunFormatError
            There is no sound run.
        RunLockedError
            Another process is recording there, or a writer of this one that does not give way.
        SpecError
            The run was recorded with other layers, weights or probes, or it is packed.
        """
        validate(spec)
        directory = on_disk(path).absolute()
        read_root(directory)  # first: a lock file would make any folder look like a run's
        lock = RunLock(directory, take_over=True)
        try:
            root = read_root(directory)  # the last writer may just have ended
            remove_temporaries(directory)
            attributes = past_attributes(root, directory)
            compression = attributes.get("compression")
            writer = cls(
                directory,
                as_recorded(spec, root),
                lock,
                compression=compression if compression in LIVE_COMPRESSORS else None,
                durability=durability,
                identity=identity_of(attributes, timestamp()),
                has_checksums=CHECKSUMS in root["consolidated_metadata"]["metadata"],
            )
            writer.skipped.update(attributes.get("skipped", {}))
            writer.not_finite_since = broken_since(attributes, after_step)
            writer.facts = kept(attributes.get("facts", []), after_step)
            writer.left_out = {**attributes.get("left_out", {}), **spec.left_out}
            writer.weight_jumps += jumps_until(attributes, after_step)
            with writer._abandoned_on_error():
                writer._adopt(root, after_step)
        except BaseException:
            lock.release()
            raise
        return writer

    def append(
        self, step: int, *, epoch: float, wall_time: float, frames: Mapping[str, Any]
    ) -> None:
        """Append one step; readers see it after the next commit.

        Parameters
        ----------
        step : int
            Optimizer updates done; larger than the last one.
        epoch : float
            Epochs done.
        wall_time : float
            Seconds since the training started.
        frames : mapping of str to array_like
            A frame for each array of every layer, by `ArraySpec.path`.

        Raises
        ------
        StepOrderError, SpecError
            The step or a frame does not fit; nothing was written.
        OSError
            The disk refused. Nothing of the step counts; it may be appended again.
        """
        self._check_open()
        if step < 0:
            raise StepOrderError(f"Step {step} is negative: steps count optimizer updates from 0.")
        if self.last_step is not None and step <= self.last_step:
            raise StepOrderError(
                f"Step {step} cannot follow step {self.last_step}: steps must increase."
            )
        time_axis = {"step": step, "epoch": epoch, "wall_time": wall_time}
        given = {**frames, **time_axis}
        every = {**self._arrays, **self._following}
        check_complete(given, every)
        prepared = {path: array.prepare(given[path]) for path, array in every.items()}
        for path in [path for path in self._following if not self._follows(path, prepared)]:
            self._write_from(self._steps, path)
        for path, array in self._arrays.items():
            array.write(self._steps, prepared[path])
        if self._checksums is not None:
            small = checked_paths(self._checksums.spec.attributes)
            self._checksums.write(self._steps, frame_checksums(prepared[path] for path in small))
        self.bytes_appended += sum(prepared[path].nbytes for path in self._arrays)
        self._steps += 1
        self.last_step = step
        self._dirty = True

    def append_metrics(
        self, update: int, values: Mapping[str, float], *, means: EpochMeans | None = None
    ) -> None:
        """Append one row of metrics, at a cadence of their own.

        Parameters
        ----------
        update : int
            Optimizer updates done. A row for the same update as the last one is merged into it.
        values : mapping of str to float
            Metrics by name; one that is missing is NaN in this row.
        means : EpochMeans, optional
            Which of them are means over the epoch so far. A metric that is one in its first row is
            one until a row comes in which it is none, and not afterwards.
        """
        self._check_open()
        self._metrics.append(update, values, means)
        self._dirty = True

    def keep_ending(self, frames: Mapping[str, Any], *, wall_time: float) -> None:
        """Keep the frames of the ended training, which are not those of the last step.

        Parameters
        ----------
        frames : mapping of str to array_like
            As for `append`; those of single updates are left out.
        wall_time : float
            Seconds since the training started.
        """
        self._check_open()
        arrays: dict[str, StaticArray] = {}
        for path, array in {**self._arrays, **self._following}.items():
            if path in frames and not split_path(path)[1].startswith(f"{UPDATES_GROUP}/"):
                frame = array.prepare(frames[path]).reshape(array.spec.frame_shape)
                dims, attributes = array.spec.dims[1:], dict(array.spec.attributes)
                arrays[AFTER_PREFIX + path] = frame, dims, attributes
        attributes = {"step": self.last_step, "wall_time": wall_time}
        self._documents.write_ending(arrays, attributes)
        self._dirty = True

    def note_skipped(self, reason: str) -> None:
        """Count one step that the schedule wanted and that is left out.

        Parameters
        ----------
        reason : str
            Why, for instance ``byte_budget``; SCHEMA.md lists the reasons.
        """
        self._check_open()
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        self._dirty = True

    def note_not_finite(self, step: int) -> None:
        """Note that the loss or a weight is no longer a finite number.

        Parameters
        ----------
        step : int
            The step at which that was first seen.
        """
        self._check_open()
        self.not_finite_since = step
        self._dirty = True

    def note_weight_jump(self, step: int) -> None:
        """Note that the weights were set, not updated: loaded, restored, averaged.

        Parameters
        ----------
        step : int
            The first step whose weights, if they are recorded, come after that.
        """
        self._check_open()
        if step not in self.weight_jumps[-1:]:
            self.weight_jumps.append(step)
            self._dirty = True

    def note_facts(
        self, step: int, holds: Mapping[str, Any], left_out: Mapping[str, str] | None = None
    ) -> None:
        """Note what holds of the training from a step on; what held before need not be left out.

        Parameters
        ----------
        step : int
            Optimizer updates done.
        holds : mapping of str to JSON
            Facts by name; SCHEMA.md lists them.
        left_out : mapping of str to str, optional
            Why something of them is not known, by name.
        """
        self._check_open()
        facts = noted(self.facts, step, holds)
        if facts != self.facts:
            self.facts = facts
            self._mark_trained()
            self._dirty = True
        if left_out:
            self.left_out |= left_out
            self._dirty = True

    def commit(self) -> None:
        """Make everything appended visible to readers, at once and whole.

        Raises
        ------
        RunClosedError
            The writer is closed, or the disk failed before.
        RunNotFoundError
            The run's directory was removed or replaced meanwhile.
        OSError
            The disk refused; readers see the commit before.
        """
        self._check_open()
        self._lock.check()
        fault: OSError | None = None
        try:
            self._metrics.flush()
        except OSError as error:  # the steps themselves are written, and must not be lost
            fault = error
        try:
            self._files.sync()
        except OSError:
            # The system may have dropped what it could not store, and says so only once.
            self._disk_failed = True
            raise
        self._documents.publish(self._growing(), self._lengths(), self._attributes())
        self.committed = self._steps
        self._dirty = fault is not None
        self._committed_at = time.monotonic()
        if self._committed_at - self._refreshed_at >= REFRESH_SECONDS:
            self._documents.refresh(self._growing(), self._lengths())
            self._refreshed_at = self._committed_at
        if fault is not None:
            raise fault

    def commit_if_due(self) -> None:
        """Commit if something waits and the last commit is long enough ago."""
        waited = time.monotonic() - self._committed_at
        many = self._steps - self.committed >= COMMIT_STEPS
        if self._dirty and (many or waited >= COMMIT_SECONDS):
            self.commit()

    def close(self, *, finished: bool = True) -> None:
        """Commit, and release the run; calling it again does nothing.

        Parameters
        ----------
        finished : bool
            Whether the training ended as intended.
        """
        if self._closed:
            return
        try:
            if not self._disk_failed:
                self._finished = timestamp() if finished else None
                self.commit()
                self._documents.refresh(self._growing(), self._lengths(), sync=self._sync)
                self._lock.remove()
        finally:
            self.abandon()

    def on_take_over(self, give_way: Callable[[], None]) -> None:
        """Say what ends the writing when another writer of this process takes the run over.

        Without it, this writer keeps the run and the other is refused.

        Parameters
        ----------
        give_way : callable
            Closes this writer; called from the other's thread.
        """
        self._lock.give_way = give_way

    def abandon(self) -> None:
        """Release the run without a commit, as if the process died here."""
        self._closed = True
        self._files.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(finished=kind is None)

    # -- inside ------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed:
            raise RunClosedError(f"The writer of {self.path} is closed; use RunWriter.resume.")
        if self._disk_failed:
            raise RunClosedError(
                f"The disk of {self.path} failed to store what was written. What was committed "
                "is sound; close this writer and use RunWriter.resume."
            )

    @contextlib.contextmanager
    def _abandoned_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.abandon()
            raise

    def _follows(self, path: str, frames: Mapping[str, Array]) -> bool:
        """Whether a frame follows exactly from those of the same step."""
        derivation = self._following[path].spec.derivation
        assert derivation is not None
        sources = [frames[source] for source in source_paths(derivation, path)]
        return derivation.gives(sources, frames[path])

    def _write_from(self, begins: int, path: str) -> None:
        """Write an activation from a step number on, since it does not follow there."""
        array = self._following.pop(path)
        array.begins = begins
        array.make_directory()
        self._arrays[path] = array
        part, own = split_path(path)
        models = self.spec.models()
        layers = (
            replace(layer, derivation=None) if activation_path(layer.name) == own else layer
            for layer in models[part].layers
        )
        models[part] = replace(models[part], layers=tuple(layers))
        self.spec = self.spec.of_models(models)

    def _growing(self) -> list[LiveArray]:
        return [*self._along_steps(), *self._metrics.arrays]

    def _along_steps(self) -> list[LiveArray]:
        checksums = [] if self._checksums is None else [self._checksums]
        return [*self._arrays.values(), *checksums]

    def _lengths(self) -> dict[str, int]:
        return {STEP_DIM: self._steps, UPDATE_DIM: self._metrics.rows}

    def _mark_trained(self) -> None:
        """Say of each variable whether it is trained at any time."""
        frozen = always_frozen(self.facts)
        if frozen is None:
            return
        for path, array in self._arrays.items():
            attributes, trained = array.spec.attributes, path not in frozen
            if attributes.get(TRAINABLE, trained) != trained:
                array.spec = replace(array.spec, attributes={**attributes, TRAINABLE: trained})

    def _attributes(self) -> dict[str, Any]:
        latest = in_force(self.facts)
        return {
            **described(self.spec),
            **{name: latest[name] for name in LATEST if name in latest},
            "facts": self.facts,
            "left_out": self.left_out,
            **self._identity,
            "finished": self._finished,
            "committed": self._steps,
            "compression": self._compression,
            "skipped": dict(self.skipped),
            "not_finite_since": self.not_finite_since,
            "weight_jumps": list(self.weight_jumps),
        }

    def _adopt(self, root: Document, after_step: int | None) -> None:
        """Take over the arrays of an existing run, without what is past its commit."""
        nodes: Mapping[str, Document] = root["consolidated_metadata"]["metadata"]
        for path in [path for path in self._following if path in nodes]:
            self._write_from(nodes[path]["attributes"][BEGINS], path)
        check_same(self.spec, root, self._along_steps(), self.path)
        self._documents.adopt_static(nodes)
        self._mark_trained()
        self._steps = nodes["step"]["shape"][0]
        for array in self._along_steps():
            array.check(self._steps)
        self._metrics.adopt(nodes)
        steps = self._arrays["step"].read_scalars(self._steps)
        if after_step is not None:
            self._steps = int(np.searchsorted(steps, after_step, side="right"))
        for array in self._arrays.values():
            array.begins = min(array.begins, self._steps)
        self._metrics.keep(after_step)
        self.last_step = int(steps[self._steps - 1]) if self._steps else None
        # First the shorter lengths, then the removal: a reader never sees a step that is gone.
        self.commit()
        remove_hierarchy(self.path / AFTER_GROUP)
        for array in self._growing():
            array.truncate(self._lengths()[array.spec.dims[0]])

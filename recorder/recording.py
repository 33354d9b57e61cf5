"""One recording under way: which steps, from which model, into which run.

Knows nothing of callbacks; `recorder.Recorder` tells it what happens in the training and keeps
its faults away from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder import settings
from recorder.background import BackgroundWriter, MetricsRow, Snapshot
from recorder.capture import Trace, storable, trace
from recorder.probe import Probe
from recorder.schedule import Schedule, due_since
from recorder.structure import Structure, describe
from store.errors import SpecError, StepOrderError
from store.schema import RunSpec
from store.writer import Compression, Durability, RunWriter


@dataclass(frozen=True, slots=True)
class Options:
    """What a user decides about a recording."""

    path: Path
    probe: Probe
    schedule: Schedule
    name: str
    notes: str = ""
    overwrite: bool = False
    compression: Compression = None
    durability: Durability = "process"


class Recording:
    """Records one model, from its first step to its last, over several fits if need be.

    Attributes
    ----------
    options : Options
        What the user decided.
    step : int
        Optimizer updates seen.
    steps_recorded, bytes_recorded : int
        What was handed over to be written.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.step = 0
        self.steps_recorded = 0
        self.bytes_recorded = 0
        self._epoch = 0.0
        self._last_recorded: int | None = None
        self._model: Any = None
        self._trace: Trace | None = None
        self._structure: Structure | None = None
        self._spec: RunSpec | None = None
        self._frame_bytes = 0
        self._held_bytes = 0  # of a snapshot that waits to be written
        self._background: BackgroundWriter | None = None
        self._created = False
        self._started_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether steps can be recorded now."""
        return self._background is not None

    @property
    def background(self) -> BackgroundWriter | None:
        """The thread that writes, while the recording is open."""
        return self._background

    @property
    def wall_time(self) -> float:
        """Seconds since the training started."""
        return 0.0 if self._started_at is None else time.perf_counter() - self._started_at

    def open(self, model: Any) -> None:
        """Trace the model and open the run: a new one, or the one that this recording began.

        Raises
        ------
        SpecError
            The probe does not fit the model, or the model is not the one recorded before.
        RunExistsError, RunLockedError, OSError
            The run cannot be written there.
        Exception
            Anything else is a fault of the recorder.
        """
        if self.is_open:
            return
        if model is not self._model:
            self._look_at(model)
        assert self._spec is not None
        if self._created:
            writer = RunWriter.resume(
                self.options.path, self._spec, durability=self.options.durability
            )
        else:
            writer = self._create(self._spec)
        self._created = True
        self._background = BackgroundWriter(writer)
        if self._started_at is None:
            self._started_at = time.perf_counter()

    def advance(
        self, step: int, epoch: float, metrics: Mapping[str, Any], *, epoch_end: bool = False
    ) -> bool:
        """Note that the training has come to a step; record it when the schedule wants it.

        Parameters
        ----------
        step : int
            Optimizer updates done.
        epoch : float
            Epochs done.
        metrics : mapping of str to float
            Metrics by name; what is not a number is left out.
        epoch_end : bool
            Whether an epoch ends here.

        Returns
        -------
        bool
            Whether the step was recorded now.
        """
        if step < self.step:
            raise StepOrderError(
                f"Step {step} cannot follow step {self.step}: steps must increase. Count the "
                "optimizer updates over the whole training, not those of an epoch."
            )
        previous, self.step, self._epoch = self.step, step, epoch
        self.note_metrics(metrics)
        due = due_since(self.options.schedule, previous, step, epoch_end=epoch_end)
        return due and self.record_now()

    def note_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Note metrics of the present step."""
        values = _numbers(metrics)
        if values and self._background is not None:
            self._background.put(MetricsRow(self.step, values))

    def record_now(self) -> bool:
        """Record the present step, whatever the schedule; tell whether it was not yet recorded."""
        if self._last_recorded == self.step or self._background is None:
            return False
        assert self._trace is not None
        assert self._structure is not None
        self._background.put(
            Snapshot(
                step=self.step,
                epoch=self._epoch,
                wall_time=self.wall_time,
                frames=_take_frames(self._trace, self._structure),
                nbytes=self._held_bytes,
            )
        )
        self._last_recorded = self.step
        self.steps_recorded += 1
        self.bytes_recorded += self._frame_bytes
        return True

    def close(self, *, finished: bool) -> Exception | None:
        """Write what waits and close the run; give what went wrong, if anything did."""
        background, self._background = self._background, None
        if background is None:
            return None
        background.close(finished=finished)
        return background.fault

    def _create(self, spec: RunSpec) -> RunWriter:
        options = self.options
        try:
            return RunWriter.create(
                options.path,
                spec,
                overwrite=options.overwrite,
                compression=options.compression,
                durability=options.durability,
            )
        except SpecError as error:
            # The description was made here: that it is wrong is not the user's mistake.
            raise RuntimeError(f"The model could not be described. {error}") from error

    def _look_at(self, model: Any) -> None:
        probe = self.options.probe
        probe.check_fits(model)
        try:
            traced = trace(model, probe.inputs)
        except Exception as error:
            raise SpecError(
                f"The probe cannot be sent through the model {model.name!r}: {error}\n"
                "Pass the probe in the form that model.predict() accepts. To record a part of "
                "a model that cannot be called as a whole, pass Recorder(..., model=part)."
            ) from error
        self._trace = traced
        self._structure = describe(model, traced, probe.inputs)
        self._spec = RunSpec(
            name=self.options.name,
            layers=self._structure.layers,
            probe=probe.to_spec(),
            model_config=settings.model_config(model),
            outputs=self._structure.outputs,
            optimizer=settings.optimizer_config(model),
            loss=settings.loss_config(model),
            schedule=repr(self.options.schedule),
            seed=settings.random_seed(),
            versions=settings.versions(),
            notes=self.options.notes,
        )
        sizes = {array.path: array.frame_bytes for array in self._spec.array_specs()}
        self._frame_bytes = sum(sizes.values())
        # Activations are computed when their turn comes, unless they must be taken early.
        early = [] if traced.is_pure else [path for path in sizes if path.endswith("/activation")]
        self._held_bytes = sum(sizes[path] for path in [*self._structure.weight_paths, *early])
        self._model = model


def _take_frames(traced: Trace, structure: Structure) -> Callable[[], dict[str, Any]]:
    """Read the variables now; the rest follows from them when the result is called."""
    weights = traced.read()
    early = None if traced.is_pure else traced.activations(weights)

    def frames() -> dict[str, Any]:
        activations = traced.activations(weights) if early is None else early
        return structure.frames(activations, [storable(value) for value in weights])

    return frames


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Metrics as floats; arrays, texts and the like are left out."""
    values = {}
    for name, value in metrics.items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        values[name] = number
    return values

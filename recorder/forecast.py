"""What a recording will take, measured on the model itself before the training begins."""

from __future__ import annotations

import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder import arguments
from recorder.backend import BACKEND, Backend, backend_of
from recorder.evaluation import Evaluation, one_of_each_role
from recorder.probe import Probe, check_probe
from recorder.recording.background import as_array
from recorder.recording.options import Options
from recorder.recording.recorded_model import Take, joined
from recorder.recording.recorded_parts import PartsMeter, Recorded, look_at
from recorder.recording.run_path import RunPath
from recorder.recording.updates import UpdateMeter
from recorder.schedule import SCHEDULES, Schedule, default_schedule
from recorder.scope import Globs, Kind, RecordingScope, parse_bytes
from store.live.writer import RunWriter
from store.tools import estimate as sizes
from store.tools.info import human_bytes

# Steps that are recorded to see how long one takes, after one that warms up.
TRIALS = 5
# Larger frames are tried less often: an estimate should not fill a disk.
TRIAL_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RecordingEstimate:
    """Size and cost of a recording.

    Attributes
    ----------
    size : store.tools.estimate.Estimate
        Bytes of a step by kind, and of all steps, in the live and the packed form.
    updates : int
        Optimizer updates of the training.
    read_ms : float
        Milliseconds a recorded step that the training itself waits for: reading the variables.
    background_ms : float
        Milliseconds a recorded step in the recorder's thread: forward pass and writing.
    open_ms : float
        Milliseconds before the first step: tracing the model and creating the run.
    byte_budget : int or None
        Most bytes, if that was limited: steps are then left out.
    """

    size: sizes.Estimate
    updates: int
    read_ms: float
    background_ms: float
    open_ms: float
    byte_budget: int | None = None

    @property
    def step_ms(self) -> float:
        """Milliseconds a recorded step, if no processor is free to do it beside the training."""
        return self.read_ms + self.background_ms

    def __str__(self) -> str:
        size = self.size
        lines = [
            f"a step     {human_bytes(size.step_bytes)}: activations "
            f"{human_bytes(size.activation_bytes)}, weights {human_bytes(size.weight_bytes)}, "
            f"predictions and updates {human_bytes(size.other_bytes)}",
            f"the run    {size.steps} of {self.updates} steps: {human_bytes(size.total_bytes)}, "
            f"packed about {human_bytes(size.packed_bytes)}",
            f"its time   {self.step_ms:.1f} ms a recorded step, measured: {self.read_ms:.1f} ms in "
            f"the training, {self.background_ms:.1f} ms beside it",
            f"           {self.open_ms / 1000:.1f} s to begin, "
            f"{size.steps * self.step_ms / 1000:.1f} s for all steps",
        ]
        if self.byte_budget is not None and size.total_bytes > self.byte_budget:
            lines.append(
                f"budget     {human_bytes(self.byte_budget)}: scheduled steps will be left out"
            )
        return "\n".join(lines)


def estimate(
    model: Any,
    probe: Probe | Mapping[str, Probe],
    schedule: Schedule | None = None,
    *,
    steps: int,
    steps_per_epoch: int | None = None,
    evaluation: Evaluation | Sequence[Evaluation] | None = None,
    layers: Globs = "*",
    activations: bool | Globs = True,
    weights: bool | Globs = True,
    every_unit: int = 1,
    dtype: str | Mapping[Kind, str] | None = None,
    byte_budget: int | str | None = None,
    updates: bool = True,
    derive: bool = True,
    backend: Backend | None = None,
) -> RecordingEstimate:
    """Say what recording a model will take, by recording a few steps of it as it is.

    Two to six steps are written into a temporary folder, which is removed; of large frames only
    two. Nothing of the model changes.

    Parameters
    ----------
    model : model
        A Keras model, or one that `backend` knows, or several by name.
    probe : Probe or mapping of str to Probe
        The fixed inputs, or those of each part.
    schedule : Schedule, optional
        As for `Recorder`. Steps that `adaptive` and `on_event` will record are not counted, since
        nobody knows them before the training.
    steps : int
        Optimizer updates that the training will do.
    steps_per_epoch : int, optional
        Updates an epoch, for `every_epoch`; by default one epoch is all there is.
    evaluation, layers, activations, weights, every_unit, dtype, byte_budget, updates, derive, \
backend : optional
        As for `Recorder`, with the same defaults: by default all of the model is recorded.

    Raises
    ------
    SpecError, LayerNotFoundError
        The probe does not fit the model, a value is wrong, or a pattern matches no layer.
    ArgumentError
        `steps` is less than 1, another argument is of another kind, or no backend knows the model.
    """
    check_probe("estimate(probe=...)", probe)
    if schedule is not None:
        arguments.instance("estimate(schedule=...)", schedule, Schedule, SCHEDULES)
    steps = arguments.whole("estimate(steps=...)", steps, least=1)
    if steps_per_epoch is not None:
        steps_per_epoch = arguments.whole("estimate(steps_per_epoch=...)", steps_per_epoch, least=1)
    scope = RecordingScope(
        layers=layers,
        activations=activations,
        weights=weights,
        every_unit=every_unit,
        dtype={} if dtype is None else dtype,
        byte_budget=byte_budget,
        derive=derive,
    )
    if backend is not None:
        arguments.instance("estimate(backend=...)", backend, Backend, BACKEND)
    chosen_backend = backend_of(model) if backend is None else backend
    chosen_schedule = default_schedule() if schedule is None else schedule
    evaluations = one_of_each_role(evaluation, "estimate(evaluation=...)")
    updates = arguments.flag("estimate(updates=...)", updates)
    with tempfile.TemporaryDirectory(prefix="trainlapse-") as folder:
        trial = Path(folder) / "trial.zarr"
        options = Options(
            path=RunPath.exactly(trial),
            probe=probe,
            schedule=chosen_schedule,
            name="trial",
            scope=scope,
            evaluations=evaluations,
            updates=updates,
        )
        prepare_ms, recorded = _timed(lambda: look_at(chosen_backend, model, options))
        spec = recorded.spec
        create_ms, writer = _timed(lambda: RunWriter.create(trial, spec))
        with writer:
            read_ms, background_ms = _trial_steps(recorded, writer)
    count = len(planned_steps(chosen_schedule, steps, steps_per_epoch))
    return RecordingEstimate(
        sizes.estimate(spec, count, updates=steps),
        steps,
        read_ms,
        background_ms,
        prepare_ms + create_ms,
        None if byte_budget is None else parse_bytes(byte_budget),
    )


def planned_steps(schedule: Schedule, steps: int, steps_per_epoch: int | None = None) -> list[int]:
    """List the steps that a schedule will record, the first and the last among them.

    Examples
    --------
    >>> from recorder.schedule import every_epoch, every_n_steps
    >>> planned_steps(every_n_steps(4) | every_epoch(), 10, steps_per_epoch=5)
    [0, 4, 5, 8, 10]
    """
    epoch = steps if steps_per_epoch is None else steps_per_epoch
    between = [step for step in range(1, steps) if schedule.due(step, step % epoch == 0)]
    return [0, *between, steps]


def _trial_steps(recorded: Recorded, writer: RunWriter) -> tuple[float, float]:
    """Record a few steps; give the milliseconds of reading, and of the rest."""
    frame_bytes = sizes.estimate(writer.spec, 1).step_bytes
    count = 1 + max(1, min(TRIALS, TRIAL_BYTES // max(1, frame_bytes)))
    meter = recorded.update_meter()
    reading, working = [], []
    for step in range(count):
        taken_ms, take = _timed(functools.partial(_take, recorded, meter, step))
        written_ms, _ = _timed(functools.partial(_write, writer, step, take))
        reading.append(taken_ms)
        working.append(written_ms)
    # The first step also optimizes the traced function.
    return statistics.median(reading[1:]), statistics.median(working[1:])


def _take(recorded: Recorded, meter: UpdateMeter | PartsMeter | None, step: int) -> Take:
    """Read what the training waits for at one recorded step."""
    take = recorded.take_frames()
    if meter is None:
        return take
    take = joined(take, meter.measure(step))
    meter.before_update(step, hold=True)
    return take


def _write(writer: RunWriter, step: int, take: Callable[[], Mapping[str, Any]]) -> None:
    frames = {path: as_array(value) for path, value in take().items()}
    writer.append(step, epoch=0.0, wall_time=0.0, frames=frames)


def _timed(function: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = function()
    return 1000 * (time.perf_counter() - began), result

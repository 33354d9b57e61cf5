"""One recording under way: which steps, from which model, into which run.

Knows nothing of callbacks; `recorder.Recorder` tells it what happens in the training and keeps
its faults away from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from recorder.backend import Backend, backend_of
from recorder.recording.background import BackgroundWriter, MetricsRow, Skipped, TakenStep
from recorder.recording.cost import Cost
from recorder.recording.options import Options
from recorder.recording.recorded_model import joined
from recorder.recording.recorded_parts import PartsMeter, Recorded, look_at
from recorder.recording.resuming import check_arguments
from recorder.recording.updates import UpdateMeter
from recorder.schedule import Observation, Watch, due_since
from recorder.scope import ByteBudget, byte_budget
from recorder.weight_sample import WeightSample
from store.errors import SpecError, StepOrderError
from store.format.names import Array
from store.format.spec import RunSpec
from store.live.metrics_table import EpochMeans
from store.live.writer import RunWriter
from store.reading.run import open_run
from store.storage.location import is_run
from store.tools.info import models_of

# Gives the gradients of one update, as `recorder.backend.MeasuresUpdates` takes them; of several
# models by the name of each.
Gradients = Callable[[], Any]


class Recording:
    """Records one model, from its first step to its last, over several fits if need be.

    Parameters
    ----------
    options : Options
        What the user decided.
    backend : Backend, optional
        Looks into the models; by default the one that knows the class of each.
    cost : Cost, optional
        Time that the recording takes from the training.

    Attributes
    ----------
    options : Options
        What the user decided.
    step : int
        Optimizer updates seen.
    steps_recorded, bytes_recorded : int
        What was handed over to be written.
    skipped : dict of str to int
        Scheduled steps that were left out, by reason.
    cost : Cost
        Time that the recording takes from the training.
    """

    def __init__(
        self, options: Options, *, backend: Backend | None = None, cost: Cost | None = None
    ) -> None:
        self._backend = backend
        self.options = options
        self.cost = Cost() if cost is None else cost
        self.skipped: dict[str, int] = {}
        self._budget: ByteBudget | None = None
        self._left_out: str | None = None  # why the present step was not recorded
        self.step = 0
        self.steps_recorded = 0
        self.bytes_recorded = 0
        self._epoch = 0.0
        self._last_recorded: int | None = None
        self._recorded: Recorded | None = None
        self._background: BackgroundWriter | None = None
        self._created = False
        self._started_at: float | None = None
        self._sample: WeightSample | None = None
        self._watches: list[Watch] = []
        self._mark: Array | None = None  # a sample of the weights when `mark` was called
        self._meter: UpdateMeter | PartsMeter | None = None
        self._stride = 1  # updates from the last call of `advance` to the one before

    @property
    def is_open(self) -> bool:
        """Whether steps can be recorded now."""
        return self._background is not None

    @property
    def models(self) -> Mapping[str, Any]:
        """What is recorded, by the names of the run's parts; the only model by ""."""
        return {} if self._recorded is None else self._recorded.models

    @property
    def background(self) -> BackgroundWriter | None:
        """The thread that writes, while the recording is open."""
        return self._background

    @property
    def epoch(self) -> float:
        """Epochs done."""
        return self._epoch

    @property
    def has_triggers(self) -> bool:
        """Whether the schedule watches metrics or weights."""
        return bool(self._watches)

    @property
    def wall_time(self) -> float:
        """Seconds since the training started."""
        return 0.0 if self._started_at is None else time.perf_counter() - self._started_at

    def open(self, model: Any, step: int | None = None) -> None:
        """Look at the model and open the run: a new one, or one that is to go on.

        Parameters
        ----------
        model : Any
            What to record, as its framework knows it.
        step : int, optional
            Optimizer updates that the model has done, if that is known.

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
        if self._recorded is None or model is not self._recorded.model:
            self._recorded = self._look_at(model)
        spec = self._recorded.spec
        if self._created:
            writer = self._resume(spec, None)
        elif self.options.resume is not False and is_run(self.options.path):
            writer = self._take_up(spec, step)
        else:
            writer = self._create(spec)
        if step is not None:
            self.step = max(self.step, step)
        self._created = True
        self._meter = self._recorded.update_meter()
        self._background = BackgroundWriter(writer)
        if self._started_at is None:
            self._started_at = time.perf_counter()

    def begin(self, epoch: float) -> None:
        """Record the first step, after a number of epochs done."""
        self._epoch = epoch
        self.record_now()

    def before_update(self, updates: int | None = None, *, epoch_ends: bool | None = None) -> None:
        """Note that the training goes on; hold the weights if what follows may be recorded.

        Parameters
        ----------
        updates : int, optional
            Optimizer updates that the training does before it tells of them; by default as many
            as it did last.
        epoch_ends : bool, optional
            Whether an epoch ends with these updates or with as many that follow; by default that
            is not known.
        """
        if self._meter is None:
            return
        # One step further than these updates, since the cosine asks for the update before.
        ahead = self.step + 2 * (self._stride if updates is None else updates)
        unknown = epoch_ends is None
        hold = (
            self.has_triggers
            or epoch_ends is True
            or due_since(self.options.schedule, self.step, ahead, epoch_end=unknown)
        )
        self._meter.before_update(self.step, hold=hold)

    def advance(
        self,
        step: int,
        epoch: float,
        metrics: Mapping[str, Any],
        *,
        alone: Mapping[str, float] | None = None,
        means: EpochMeans | None = None,
        epoch_end: bool = False,
        gradients: Gradients | None = None,
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
        alone : mapping of str to float, optional
            The same of this update alone, where those are means.
        means : EpochMeans, optional
            Which metrics are means over the epoch so far.
        epoch_end : bool
            Whether an epoch ends here.
        gradients : callable, optional
            Gives the gradients of the last update; called when the step is recorded.

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
        if step > self.step:
            self._count_left_out()
            self._stride = step - self.step
        previous, self.step, self._epoch = self.step, step, epoch
        values = self.note_metrics(metrics, means)
        due = due_since(self.options.schedule, previous, step, epoch_end=epoch_end)
        if self._watches and step > previous:
            observation = Observation(step, values if alone is None else alone, self._sample)
            # Every one is asked: each has to see every step.
            wanted = [watch.wants(observation) for watch in self._watches]
            due = due or any(wanted)
        if not due:
            return False
        if self._last_recorded == step:
            return False
        if (reason := self._reason_to_skip(epoch_end=epoch_end)) is not None:
            self._left_out = reason
            return False
        return self.record_now(gradients)

    def expect(self, updates: int) -> None:
        """Hear how many updates the training will do, over which a byte budget is spread."""
        if self._budget is not None:
            self._budget.last_step = self.step + updates

    def _reason_to_skip(self, *, epoch_end: bool) -> str | None:
        budget = self._budget
        if budget is not None and not budget.allows(
            self.step, self.steps_recorded, epoch_end=epoch_end
        ):
            return "byte_budget"
        return None if epoch_end or self.cost.allows() else "cost_limit"

    def _count_left_out(self) -> None:
        """Count the present step if it was left out, now that it is past."""
        reason, self._left_out = self._left_out, None
        if reason is not None and self._background is not None:
            self.skipped[reason] = self.skipped.get(reason, 0) + 1
            self._background.put(Skipped(reason))

    def note_metrics(
        self, metrics: Mapping[str, Any], means: EpochMeans | None = None
    ) -> dict[str, float]:
        """Note metrics of the present step; give those that are numbers."""
        values = _numbers(metrics)
        if values and self._background is not None:
            self._background.put(MetricsRow(self.step, values, means))
        return values

    def mark(self) -> None:
        """Remember the weights of the step just noted, so that `settle` sees later changes."""
        if self._sample is not None:
            self._mark = self._sample.now()

    def settle(self) -> None:
        """Before the end: weights that changed since `mark` belong to one step more."""
        if self._mark is None or self._sample is None:
            return
        if not np.array_equal(self._sample.now(), self._mark, equal_nan=True):
            self.step += 1
        self._mark = None

    def record_now(self, gradients: Gradients | None = None) -> bool:
        """Record the present step, whatever the schedule; tell whether it was not yet recorded."""
        if self._last_recorded == self.step or self._background is None:
            return False
        assert self._recorded is not None
        began = time.perf_counter()
        take, nbytes = self._recorded.take_frames(), self._recorded.held_bytes
        if self._meter is not None:
            given = None if gradients is None else gradients()
            take = joined(take, self._meter.measure(self.step, given))
            nbytes += self._meter.held * self._recorded.weight_bytes
        self._background.put(
            TakenStep(
                step=self.step,
                epoch=self._epoch,
                wall_time=self.wall_time,
                frames=take,
                nbytes=nbytes,
            )
        )
        self.cost.note_step(time.perf_counter() - began)
        self._left_out = None  # left out before, and recorded at the end of the epoch
        self._last_recorded = self.step
        self.steps_recorded += 1
        self.bytes_recorded += self._recorded.frame_bytes
        for watch in self._watches:
            watch.recorded(Observation(self.step, {}, self._sample))
        return True

    def close(self, *, finished: bool) -> Exception | None:
        """Write what waits and close the run; give what went wrong, if anything did."""
        self._count_left_out()
        self._meter = None
        background, self._background = self._background, None
        if background is None:
            return None
        background.close(finished=finished)
        return background.fault

    def _resume(self, spec: RunSpec, after_step: int | None) -> RunWriter:
        return RunWriter.resume(
            self.options.path, spec, after_step=after_step, durability=self.options.durability
        )

    def _take_up(self, spec: RunSpec, step: int | None) -> RunWriter:
        """Go on with a run that an earlier process recorded, after a step or after its last."""
        before = open_run(self.options.path)
        steps = before.steps
        if step == 0 and len(steps) and steps[-1] > 0:
            raise SpecError(
                f"The run at {self.options.path} holds steps up to {steps[-1]}, but the model's "
                "optimizer has done no update. Load the checkpoint before the training begins, "
                "pass the step as resume=..., or pass overwrite=True to begin again."
            )
        assert self._recorded is not None
        check_arguments(before, self._recorded, self.options)
        if all(model.updates is None for model in models_of(before)):
            # Recorded without, or by a version that did not measure them.
            self._recorded = self._recorded.without_updates()
            spec = self._recorded.spec
        writer = self._resume(spec, step)
        run = open_run(self.options.path)
        if len(run):
            self._epoch = float(run.epochs[-1])
            self._started_at = time.perf_counter() - float(run.wall_times[-1])
        self._last_recorded = writer.last_step
        if step is None:
            self.step = max(self.step, writer.last_step or 0)
        return writer

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
            # A backend made the description: a fault in it is not the user's.
            raise RuntimeError(f"The model could not be described. {error}") from error

    def _look_at(self, model: Any) -> Recorded:
        backend = backend_of(model) if self._backend is None else self._backend
        recorded = look_at(backend, model, self.options)
        if self._budget is None:
            self._budget = byte_budget(self.options.scope, recorded.spec)
        self._sample = recorded.sample_weights()
        if not self._watches:
            triggers = self.options.schedule.triggers()
            self._watches = [trigger.watch(recorded.frame_bytes) for trigger in triggers]
        return recorded


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Metrics as floats; arrays, texts and the like are left out."""
    values = {}
    for name, value in metrics.items():
        if type(value) is float:  # as Keras gives them: asking more would cost more than noting
            values[name] = value
            continue
        if np.ndim(value):
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        values[name] = number
    return values

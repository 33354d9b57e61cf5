"""One recording under way: which steps, from which model, into which run.

Knows nothing of callbacks; `recorder.Recorder` tells it what happens in the training and keeps
its faults away from it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from recorder.backend import Backend, backend_of
from recorder.recording.background import (
    BackgroundWriter,
    Ending,
    Facts,
    MetricsRow,
    Skipped,
    TakenStep,
    TakenUp,
    WeightJump,
)
from recorder.recording.continuity import Continuity
from recorder.recording.cost import Cost
from recorder.recording.options import Options
from recorder.recording.recorded_model import joined
from recorder.recording.recorded_parts import PartsMeter, Recorded, look_at
from recorder.recording.resuming import check_arguments
from recorder.recording.run_path import PathsTaken
from recorder.recording.updates import UpdateMeter
from recorder.schedule import Observation, Watch, due_since
from recorder.scope import ByteBudget, byte_budget, steps_left
from recorder.weight_sample import WeightSample
from store.errors import RunExistsError, RunLockedError, SpecError, StepOrderError, listed
from store.format.facts import NOT_TRAINED
from store.format.names import Array
from store.format.parts import full_name
from store.format.spec import RunSpec
from store.live.metrics_table import EpochMeans
from store.live.writer import RunWriter
from store.reading.run import open_run
from store.storage.location import is_run
from store.tools import trust
from store.tools.info import models_of

log = logging.getLogger("trainlapse.recorder")

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
    taken : PathsTaken, optional
        Where the same recorder has recorded other trainings; this one gets a path of its own.

    Attributes
    ----------
    options : Options
        What the user decided.
    path : Path or None
        Directory of the run, as it was given; None until it is opened.
    location : Path or None
        The same in full: the process may go to another folder.
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
        self,
        options: Options,
        *,
        backend: Backend | None = None,
        cost: Cost | None = None,
        taken: PathsTaken | None = None,
    ) -> None:
        self._backend = backend
        self.options = options
        self.path: Path | None = None
        self.location: Path | None = None
        self._taken = PathsTaken() if taken is None else taken
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
        # Layers and weights: held, so that nothing new gets the identity of one of them.
        self._made_of: list[object] = []
        self._background: BackgroundWriter | None = None
        self._created = False
        self._started_at: float | None = None
        self._sample: WeightSample | None = None
        self._continuity: Continuity | None = None
        # Of a run that is taken up again, those of its last step.
        self._left_weights: Mapping[str, Array] | None = None
        self._watches: list[Watch] = []
        self._mark: Array | None = None  # a sample of the weights when `mark` was called
        self._meter: UpdateMeter | PartsMeter | None = None
        self._held: TakenStep | None = None  # the present step, in case it is the last
        self._facts: dict[str, tuple[int, Any]] = {}
        self._not_trained: list[str] | None = None
        self._stride = 1  # updates from the last call of `advance` to the one before

    @property
    def is_open(self) -> bool:
        """Whether steps can be recorded now."""
        return self._background is not None

    @property
    def sample(self) -> WeightSample | None:
        """Samples the weights of what is recorded; None before the run is opened."""
        return self._sample

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
            self._made_of = self._recorded.made_of()
        writer = self._writer(self._recorded, step)
        if step is not None:
            self.step = max(self.step, step)
        self._created = True
        self._facts, self._not_trained = {}, None
        self.location = writer.path
        self._taken.add(writer.path)
        self._meter = self._recorded.update_meter()
        self._background = BackgroundWriter(writer)
        if self._left_weights is not None:
            assert writer.last_step is not None
            frames = self._recorded.take_frames()
            self._background.put(TakenUp(writer.last_step, frames, self._left_weights))
            self._left_weights = None
        if self._started_at is None:
            self._started_at = time.perf_counter()

    def begin(self, epoch: float) -> None:
        """Record the first step, after a number of epochs done."""
        self._epoch = epoch
        self.note_facts(self.options.training)
        self._note_trained()
        self.record_now()
        self.leave()

    def why_another(self, model: Any, *, counts_again: bool) -> str | None:
        """Say why what a model begins is another training; None: this one goes on.

        Parameters
        ----------
        model : Any
            The model, as its framework knows it.
        counts_again : bool
            Whether its optimizer has done fewer updates than when it was last seen, which is also
            so when a model is compiled again in the midst of its training.
        """
        if self._recorded is None:
            return None
        if model is not self._recorded.model:
            return "the model is another one"
        if set(map(id, self._recorded.made_of())) != set(map(id, self._made_of)):
            return "the model is made of other layers or weights"
        continuity = self._continuity
        if continuity is None or continuity.is_as_left():
            return None
        if continuity.is_at_start():
            return "its weights are those of the start again"
        if counts_again and not continuity.is_known():
            return "its updates are counted from the start again, and its weights are others"
        return None

    def leave(self) -> None:
        """Remember the weights as an update left them: others may now load or swap them."""
        if self._continuity is not None and self.is_open and not self._continuity.is_left:
            self._continuity.leave()

    def _note_jump(self) -> None:
        """Note in the run when the weights are no longer those that an update left."""
        if self._continuity is not None and self._continuity.go_on():
            self._put_jump()

    def _put_jump(self) -> None:
        if self._background is not None:
            shown = self._last_recorded == self.step  # this step has the weights from before
            self._background.put(WeightJump(self.step + 1 if shown else self.step))

    def go_on(self) -> None:
        """Note that a training that was interrupted goes on, perhaps from an earlier state."""
        continuity = self._continuity
        if continuity is None or continuity.is_left:
            return
        if continuity.is_known() and not continuity.is_as_left():
            self._put_jump()
            continuity.leave()

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
        self._note_jump()
        self._held = None
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

    def note_facts(
        self,
        holds: Mapping[str, Any],
        *,
        since: int | None = None,
        left_out: Mapping[str, str] | None = None,
    ) -> None:
        """Note what holds of the training, from the present step on or from an earlier one.

        Parameters
        ----------
        holds : mapping of str to JSON
            Facts by name, as SCHEMA.md lists them.
        since : int, optional
            A step; by default the present one.
        left_out : mapping of str to str, optional
            Why something of them is not known, by name.
        """
        step = self.step if since is None else since
        known = {name: (step, value) for name, value in holds.items()}
        if self._background is not None and self._facts != self._facts | known:
            self._facts |= known
            self._background.put(Facts(step, holds, left_out or {}))

    def _note_trained(self) -> None:
        """Note which variables are trained: that may change at any moment."""
        assert self._recorded is not None
        now = self._recorded.not_trained()
        if now is not None and now != self._not_trained and self._background is not None:
            self._not_trained = now
            self._background.put(Facts(self.step, {NOT_TRAINED: now}))

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

    def hold(self, gradients: Gradients | None = None) -> None:
        """Hold the present step until the next update: the training may end here.

        What ends a training may change the weights before it tells of the end.
        """
        if self._last_recorded != self.step and self._background is not None:
            self._held = self._take_step(gradients)

    def keep_ending(self) -> None:
        """Keep the network as it is after the training, where that is not the last step."""
        if self._background is not None and self._recorded is not None:
            self._background.put(Ending(self.wall_time, self._recorded.take_frames()))

    def flush(self) -> None:
        """Wait until readers see all that was recorded."""
        if self._background is not None:
            self._background.flush()

    def record_now(self, gradients: Gradients | None = None) -> bool:
        """Record the present step, whatever the schedule; tell whether it was not yet recorded."""
        if self._last_recorded == self.step or self._background is None:
            return False
        assert self._recorded is not None
        began = time.perf_counter()
        self._note_trained()
        taken, self._held = self._held, None
        if taken is None or taken.step != self.step:
            self._note_jump()  # since the update before; what is swapped in and out again is none
            taken = self._take_step(gradients)
        self._background.put(taken)
        self.cost.note_step(time.perf_counter() - began)
        self._left_out = None  # left out before, and recorded at the end of the epoch
        self._last_recorded = self.step
        self.steps_recorded += 1
        self.bytes_recorded += self._recorded.frame_bytes
        for watch in self._watches:
            watch.recorded(Observation(self.step, {}, self._sample))
        return True

    def _take_step(self, gradients: Gradients | None) -> TakenStep:
        assert self._recorded is not None
        self._keep_up()
        take, nbytes = self._recorded.take_frames(), self._recorded.held_bytes
        if self._meter is not None:
            given = None if gradients is None else gradients()
            take = joined(take, self._meter.measure(self.step, given))
            nbytes += self._meter.held * self._recorded.weight_bytes
        return TakenStep(self.step, self._epoch, self.wall_time, take, nbytes)

    def close(self, *, finished: bool) -> Exception | None:
        """Write what waits and close the run; give what went wrong, if anything did."""
        self._count_left_out()
        self._meter = self._held = None
        background, self._background = self._background, None
        if background is None:
            return None
        background.close(finished=finished)
        return background.fault

    def _keep_up(self) -> None:
        """Hear which layers the run stores, which is decided while it is written."""
        assert self._recorded is not None
        assert self._background is not None
        spec = self._background.spec
        if spec is self._recorded.spec:
            return
        self._recorded = self._recorded.written_as(spec)
        if self._budget is not None:
            left = steps_left(self.options.scope, spec, self.bytes_recorded)
            self._budget.limit = self.steps_recorded + left

    def _writer(self, recorded: Recorded, step: int | None) -> RunWriter:
        if self.location is not None:
            return self._resume(self.location, recorded.spec, None)
        where, taken = self.options.path, self._taken
        if taken or where.is_fresh:
            writer = self._create(recorded, where.further(recorded.whole.name))
            if where.only is not None:  # nobody asked for a second one
                log.warning(
                    "Another training begins, and is recorded into %s. A path such as %s gives "
                    "each one a run with a number.",
                    self.path,
                    where.only.with_name("{n}" + where.only.suffix),
                )
            return writer
        if self.options.resume is not False and is_run(
            path := next(where.candidates(recorded.whole.name))
        ):
            return self._take_up(path, recorded.spec, step)
        return self._create(recorded, where.candidates(recorded.whole.name))

    def _resume(self, path: Path, spec: RunSpec, after_step: int | None) -> RunWriter:
        return RunWriter.resume(
            path,
            self._named(spec, path),
            after_step=after_step,
            durability=self.options.durability,
        )

    def _named(self, spec: RunSpec, path: Path) -> RunSpec:
        return replace(spec, name=self.options.name or path.stem)

    def _take_up(self, path: Path, spec: RunSpec, step: int | None) -> RunWriter:
        """Go on with a run that was recorded before, after a step or after its last."""
        before = open_run(path)
        assert self._recorded is not None
        models = before.parts or {"": before}
        recorded = self._recorded.going_on_in(models)
        renamed = recorded.named_as({name: model.layers for name, model in models.items()})
        if renamed is not recorded:
            log.warning(
                "Layers are numbered otherwise than in the run at %s: %s. They are recorded under "
                "the run's names.",
                path,
                listed(
                    f"{now} is {then}"
                    for now, then in zip(_layers_of(spec), _layers_of(renamed.spec), strict=True)
                    if now != then
                ),
            )
        self._recorded, spec = renamed, renamed.spec
        steps = before.steps
        if step == 0 and len(steps) and steps[-1] > 0:
            raise SpecError(
                f"The run at {path} holds steps up to {steps[-1]}, but the model's "
                "optimizer has done no update. Load the checkpoint before the training begins, "
                "pass the step as resume=..., or pass overwrite=True to begin again."
            )
        check_arguments(before, self._recorded, self.options)
        if all(model.updates is None for model in models_of(before)):
            # Recorded without, or by a version that did not measure them.
            self._recorded = self._recorded.without_updates()
            spec = self._recorded.spec
        writer = self._resume(path, spec, step)
        self.path = path
        run = open_run(path)
        trust.sign_like(run, before)
        if len(run):
            self._epoch = float(run.epochs[-1])
            self._started_at = time.perf_counter() - float(run.wall_times[-1])
        self._last_recorded = writer.last_step
        if step is not None and step == writer.last_step:  # else updates lie between
            self._left_weights = {
                array.path: run.read(array.path, (len(run) - 1,))
                for array in spec.array_specs()
                if "/weights/" in array.path
            }
        if step is None:
            self.step = max(self.step, writer.last_step or 0)
        return writer

    def _create(self, recorded: Recorded, paths: Iterator[Path]) -> RunWriter:
        """Create a run at the first of the paths that is free."""
        options = self.options
        refusal: Exception | None = None
        for path in paths:
            if path.absolute() in self._taken:
                continue
            try:
                writer = RunWriter.create(
                    path,
                    self._named(recorded.spec, path),
                    # A free number is never another's, who may just be beginning there.
                    overwrite=options.overwrite and not options.path.is_numbered,
                    compression=options.compression,
                    durability=options.durability,
                )
            except (RunExistsError, RunLockedError) as error:
                refusal = error
            except SpecError as error:
                # A backend made the description: a fault in it is not the user's.
                raise RuntimeError(f"The model could not be described. {error}") from error
            else:
                self.path = path
                _sign(path)
                return writer
        assert refusal is not None
        raise refusal

    def _look_at(self, model: Any) -> Recorded:
        backend = backend_of(model) if self._backend is None else self._backend
        recorded = look_at(backend, model, self.options)
        if self._budget is None:
            self._budget = byte_budget(self.options.scope, recorded.spec)
        self._sample = recorded.sample_weights()
        self._continuity = Continuity(self._sample)
        if not self._watches:
            triggers = self.options.schedule.triggers()
            self._watches = [trigger.watch(recorded.frame_bytes) for trigger in triggers]
        return recorded


def _sign(path: Path) -> None:
    """Sign a new run; where the signature cannot be kept, it is shown as foreign, and no more."""
    try:
        trust.sign(open_run(path))
    except OSError as fault:
        log.info("The run at %s is not signed: %s", path, fault)


def _layers_of(spec: RunSpec) -> list[str]:
    """Give the names of all layers, with their parts."""
    return [
        full_name(layer.name, part)
        for part, model in spec.models().items()
        for layer in model.layers
    ]


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
        except (TypeError, ValueError, OverflowError):
            continue
        values[name] = number
    return values

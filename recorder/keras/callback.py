"""The recorder as users meet it: a Keras callback, and a context manager for loops of one's own.

This is the one module that imports Keras at its top, since its class must *be* a Keras callback.
The package imports it only when somebody asks for `Recorder`, so that neither ``import recorder``
nor the command line's help loads TensorFlow.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, Unpack

import keras  # noqa: TID253 - see above

from recorder.evaluation import Evaluation
from recorder.keras import settings
from recorder.keras.counting import BatchMetrics, EpochCount, UpdateCount
from recorder.keras.subject import look_at
from recorder.probe import Probe
from recorder.recording.background import BackgroundWriter
from recorder.recording.cost import COST_LIMIT, Cost
from recorder.recording.options import Options
from recorder.recording.packing import pack_quietly
from recorder.recording.recording import Recording
from recorder.recording.report import Report
from recorder.recording.termination import Termination
from recorder.schedule import Schedule, default_schedule
from recorder.scope import RecordingScope, ScopeOptions
from store.errors import RunExistsError, TrainlapseError
from store.live.writer import Compression, Durability
from store.storage.location import is_run

log = logging.getLogger("trainlapse.recorder")


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Record a training: every weight, and the probe's activations in every layer, over time.

    Step 0, before any update, and the last step are always recorded; between them the schedule
    decides. Metrics are recorded at every batch. Whatever goes wrong in the recorder after the
    training has begun is reported once, in the log, and the training goes on.

    A model that is not built before its first batch is built by the probe.

    Parameters
    ----------
    path : str or Path
        Directory of the run, for instance ``runs/lenet.zarr``.
    probe : Probe
        The fixed inputs that are sent through the network at every recorded step.
    schedule : Schedule, optional
        Which steps to record; by default ``log_spaced() | every_epoch()``.
    model : keras.Model, optional
        What to record. Needed in a loop of one's own; a callback records the model that is fitted.
    evaluation : Evaluation, optional
        More examples, of which the predictions are recorded.
    resume : bool or int
        Go on with the run at the path, if there is one, after the updates that the model's
        optimizer has done; or after this step, where those are not known. Later steps in the run
        are dropped.
    name : str, optional
        Name of the run; by default that of its directory.
    overwrite : bool
        Replace a run that is already there.
    notes : str
        Free text, kept with the run.
    compression : {None, "lz4"}
        Codec of the frames while recording; none is fastest.
    durability : {"process", "power"}
        What a recorded step survives: the death of the process, or also a power failure.
    pack : bool
        Pack the run when the training has ended: smaller and checksummed, with quick histories.
        It can then not be recorded any further.
    cost_limit : float
        Share of the training's time that the recorder may take; above it says so, once.
    thin : bool
        Leave out scheduled steps while the recorder is above its limit, never step 0, the last
        step or the end of an epoch. What was left out is counted in `report` and in the run.
    **scale
        What of the model is recorded, and how large the run may become: ``layers``,
        ``activations``, ``weights``, ``every_unit``, ``dtype``, ``byte_budget``, as in
        `recorder.scope.RecordingScope`.

    Raises
    ------
    RunExistsError
        There is a run at the path already.

    Examples
    --------
    As a callback::

        model.fit(x, y, epochs=5, callbacks=[Recorder("runs/lenet.zarr", probe)])

    In a loop of one's own::

        with Recorder("runs/mine.zarr", probe, model=model) as recorder:
            for step, batch in enumerate(batches, start=1):
                loss = train_step(batch)
                recorder.record(step, loss=loss)
    """

    def __init__(
        self,
        path: str | Path,
        probe: Probe,
        *,
        schedule: Schedule | None = None,
        model: Any = None,
        evaluation: Evaluation | None = None,
        resume: bool | int = False,
        name: str | None = None,
        overwrite: bool = False,
        notes: str = "",
        compression: Compression = None,
        durability: Durability = "process",
        pack: bool = False,
        cost_limit: float = COST_LIMIT,
        thin: bool = False,
        **scale: Unpack[ScopeOptions],
    ) -> None:
        super().__init__()
        _check_arguments(probe, schedule, model)
        self._cost = Cost(limit=cost_limit, thin=thin)
        directory = Path(path)
        if is_run(directory) and not overwrite and resume is False:
            raise RunExistsError(
                f"There is a run at {directory} already. Choose another path, or pass "
                "overwrite=True to replace it or resume=True to go on with it."
            )
        self._recording = Recording(
            Options(
                path=directory,
                probe=probe,
                schedule=default_schedule() if schedule is None else schedule,
                name=name or directory.stem,
                notes=notes,
                overwrite=overwrite,
                compression=compression,
                durability=durability,
                scale=RecordingScope.of(scale),
                evaluation=evaluation,
                resume=resume,
            ),
            look_at,
            self._cost,
        )
        self._pack = pack
        self._chosen_model = model
        self._fault: Exception | None = None
        self._waited = self._background_seconds = 0.0
        self._epochs = EpochCount()
        self._updates = UpdateCount()
        self._metrics = BatchMetrics()
        self._is_loop = True  # until a fit says otherwise
        self._termination = Termination()
        self._finalizer: weakref.finalize[Any, Any] | None = None

    # -- in a loop of one's own ---------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._chosen_model is not None and self._open():
            self._safely(self._recording.begin, self._recording.epoch)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._safely(self._recording.settle)
        self._close(finished=kind is None)

    def record(
        self, step: int, *, epoch: float = 0.0, epoch_end: bool = False, **metrics: Any
    ) -> None:
        """Tell the recorder that a step is done; it is recorded when the schedule wants it.

        Parameters
        ----------
        step : int
            Optimizer updates done, counted over the whole training; 0 is recorded on entry.
        epoch : float
            Epochs done.
        epoch_end : bool
            Whether an epoch ends here, for ``every_epoch()``.
        **metrics : float
            Loss and the like.
        """
        if self._chosen_model is None:
            raise TypeError(
                "record() needs to know the model: pass it as Recorder(path, probe, model=model)."
            )
        if self._open():
            self._safely(self._recording.begin, epoch)
        self._safely(self._recording.advance, int(step), epoch, metrics, epoch_end=epoch_end)
        self._safely(self._recording.mark)

    # -- as a callback ------------------------------------------------------------------------

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        self._is_loop = False
        self._epochs.begin_fit()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        # Not earlier: other callbacks may load weights when the training begins.
        opened = self._watched.built and self._open()
        if opened and self._recording.options.resume is not False:
            self._epochs.done = self._recording.epoch
        self._epochs.begin_epoch(epoch, (self.params or {}).get("steps"))
        self._safely(self._updates.begin_epoch, self.model)
        if opened:
            self._safely(self._recording.begin, self._epochs.done)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        if not self._recording.is_open and self._open():
            # The model was not built before its first batch.
            self._safely(self._updates.begin_epoch, self.model)
            self._safely(self._recording.begin, self._epochs.done)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: D102
        self._epochs.end_batch(batch)
        self._safely(self._after_batch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: D102
        self._epochs.end_epoch(self._updates.batch)
        is_last = epoch + 1 == (self.params or {}).get("epochs") or self.model.stop_training
        self._safely(self._after_epoch, logs or {}, is_last)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        self._close(finished=True)

    # -- inside -------------------------------------------------------------------------------

    @property
    def report(self) -> Report:
        """What was recorded so far, and what it cost the training."""
        background = self._recording.background
        return Report(
            steps=self._recording.steps_recorded,
            nbytes=self._recording.bytes_recorded,
            seconds=self._cost.seconds,
            waited=self._waited + (background.waited if background else 0.0),
            wall_seconds=self._cost.wall,
            fault=self._fault,
            background_seconds=self._background_seconds + (background.busy if background else 0.0),
            skipped=dict(self._recording.skipped),
        )

    @property
    def _watched(self) -> Any:
        return self.model if self._chosen_model is None else self._chosen_model

    def _after_batch(self, batch: int, logs: Mapping[str, Any]) -> None:
        recording = self._recording
        step = recording.step + self._updates.end_batch(self.model, batch)
        alone = self._metrics.alone(self.model, logs, batch + 1) if recording.has_triggers else None
        if recording.advance(step, self._epochs.done, logs, alone=alone):
            self._note_learning_rate()

    def _after_epoch(self, logs: Mapping[str, Any], is_last: bool) -> None:
        self._recording.advance(self._recording.step, self._epochs.done, logs, epoch_end=True)
        self._note_learning_rate()
        if is_last:
            # Before other callbacks change the weights (EarlyStopping restores the best ones).
            self._recording.record_now()

    def _note_learning_rate(self) -> None:
        # Asking for it costs more than all other metrics, so it is noted at recorded steps and
        # at the end of epochs only.
        rate = settings.learning_rate(self.model)
        if rate is not None:
            self._recording.note_metrics({"learning_rate": rate})

    def _open(self) -> bool:
        """Open the run, and tell whether that was done now.

        What is wrong with the arguments is raised, before the training begins.
        """
        if self._recording.is_open or self._fault is not None:
            return False
        began = time.perf_counter()
        try:
            self._recording.open(self._watched, self._first_step())
        except (TrainlapseError, OSError):
            raise
        except Exception as fault:  # what the user cannot help must not keep them from training
            self._give_up(fault)
            return False
        background = self._recording.background
        assert background is not None
        # A training that is interrupted never says so to its callbacks: the run is then closed
        # when the recorder goes, at the latest when the interpreter exits.
        self._termination = Termination()
        self._termination.protect(background)
        self._finalizer = weakref.finalize(self, _let_go, background, self._termination)
        self._cost.begin(began)
        self._cost.opening += time.perf_counter() - began
        updates = settings.expected_updates(self.params)
        if updates is not None:
            self._recording.expect(updates)
        return True

    def _first_step(self) -> int | None:
        """Give the updates that the network has done already, as far as that is known."""
        resume = self._recording.options.resume
        if not isinstance(resume, bool):
            return resume
        if self._is_loop:
            # The user counts; 0 says nothing, for an optimizer that Keras does not know.
            return (settings.updates_done(self._watched) or None) if resume else None
        return settings.updates_done(self.model)

    def _close(self, *, finished: bool) -> None:
        was_open = self._recording.is_open
        self._safely(self._recording.record_now)
        background = self._recording.background
        began = time.perf_counter()
        with self._termination.deferred():
            fault = self._recording.close(finished=finished)
        now = time.perf_counter()
        self._cost.recording += now - began
        if background is not None:
            self._waited += background.waited
            self._background_seconds += background.busy
        if fault is not None:
            self._give_up(fault)
        if self._finalizer is not None:
            self._finalizer()  # nothing is left to close; SIGTERM is let go
        self._cost.end(now)
        if was_open:
            log.info("%s: %s", self.report, self._recording.options.path)
        if self._pack and was_open and finished and self._fault is None:
            pack_quietly(self._recording.options.path)

    def _safely(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call a function of the recording; a fault ends the recording, not the training."""
        if self._fault is not None:
            return
        began = time.perf_counter()
        try:
            with self._termination.deferred():
                function(*args, **kwargs)
            background = self._recording.background
            if background is not None and background.fault is not None:
                raise background.fault
        except Exception as fault:
            self._give_up(fault)
        finally:
            self._cost.recording += time.perf_counter() - began
        if self._cost.is_over:
            self._cost.warn_once(log)

    def _give_up(self, fault: Exception) -> None:
        if self._fault is not None:
            return
        self._fault = fault
        self._recording.close(finished=False)
        self._termination.remove()
        log.warning(
            "Recording stopped at step %d, the training goes on. %s: %s\n%s The steps recorded "
            "so far can be explored: trainlapse explore %s",
            self._recording.step,
            type(fault).__name__,
            fault,
            _remedy(fault),
            self._recording.options.path,
        )


def _let_go(background: BackgroundWriter, termination: Termination) -> None:
    background.close(finished=False)
    termination.remove()


def _check_arguments(probe: Probe, schedule: Schedule | None, model: Any) -> None:
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise RuntimeError(
            f"Trainlapse records Keras on TensorFlow, but Keras runs on {backend!r}. Set the "
            "environment variable KERAS_BACKEND=tensorflow before Keras is imported."
        )
    if not isinstance(probe, Probe):
        raise TypeError(
            f"probe must be a Probe, got {type(probe).__name__}. "
            "Wrap the inputs: Probe(x_test[:64], labels=y_test[:64])."
        )
    if schedule is not None and not isinstance(schedule, Schedule):
        raise TypeError(
            "schedule must be made by functions such as every_n_steps(), every_epoch() or "
            f"log_spaced(), joined by |, got {schedule!r}."
        )
    if model is not None and not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model, got {type(model).__name__}.")


def _remedy(fault: Exception) -> str:
    if isinstance(fault, OSError):
        return "Check the free space and the permissions of the disk."
    return "Please report this with the model's summary."

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import keras  # noqa: TID253 - see above

from recorder import settings
from recorder.probe import Probe
from recorder.recording import Options, Recording
from recorder.schedule import Schedule, default_schedule
from store.errors import RunExistsError, TrainlapseError
from store.location import is_run
from store.writer import Compression, Durability

log = logging.getLogger("trainlapse.recorder")


@dataclass(frozen=True, slots=True)
class Report:
    """What a recording did and cost.

    Attributes
    ----------
    steps, nbytes : int
        Steps recorded, and their uncompressed bytes.
    seconds : float
        Time that the training spent in the recorder, waiting included.
    waited : float
        The part of it spent waiting for a full queue.
    wall_seconds : float
        Duration of the training, the recorder included.
    fault : Exception or None
        What ended the recording before the training ended.
    """

    steps: int
    nbytes: int
    seconds: float
    waited: float
    wall_seconds: float
    fault: Exception | None = None

    @property
    def share(self) -> float:
        """Share of the training's duration that was spent in the recorder."""
        return self.seconds / self.wall_seconds if self.wall_seconds else 0.0


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
        name: str | None = None,
        overwrite: bool = False,
        notes: str = "",
        compression: Compression = None,
        durability: Durability = "process",
    ) -> None:
        super().__init__()
        _check_arguments(probe, schedule, model)
        directory = Path(path)
        if is_run(directory) and not overwrite:
            raise RunExistsError(
                f"There is a run at {directory} already. Choose another path, or pass "
                "overwrite=True to replace it."
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
            )
        )
        self._chosen_model = model
        self._fault: Exception | None = None
        self._seconds = self._waited = self._wall_seconds = 0.0
        self._began: float | None = None
        self._epochs = _EpochCount()
        self._finalizer: weakref.finalize[Any, Any] | None = None

    # -- in a loop of one's own ---------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._chosen_model is not None:
            self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Also after an exception the network is in the state of the last step that was reported.
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
        if not self._recording.is_open and self._fault is None:
            self._open()
        self._safely(self._recording.advance, int(step), epoch, metrics, epoch_end=epoch_end)

    # -- as a callback ------------------------------------------------------------------------

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        self._epochs.begin_fit()
        if self._watched.built:
            self._open()

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        self._epochs.begin_epoch(epoch, (self.params or {}).get("steps"))

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        if not self._recording.is_open and self._fault is None:
            self._open()  # the model was not built before its first batch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: D102
        updates = self._epochs.end_batch(batch)
        self._safely(self._after_batch, updates, logs or {})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: D102
        self._epochs.end_epoch()
        is_last = epoch + 1 == (self.params or {}).get("epochs") or self.model.stop_training
        self._safely(self._after_epoch, logs or {}, is_last)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        self._close(finished=True)

    # -- inside -------------------------------------------------------------------------------

    @property
    def report(self) -> Report:
        """What was recorded so far, and what it cost the training."""
        background = self._recording.background
        running = 0.0 if self._began is None else time.perf_counter() - self._began
        return Report(
            steps=self._recording.steps_recorded,
            nbytes=self._recording.bytes_recorded,
            seconds=self._seconds,
            waited=self._waited + (background.waited if background else 0.0),
            wall_seconds=self._wall_seconds + running,
            fault=self._fault,
        )

    @property
    def _watched(self) -> Any:
        return self.model if self._chosen_model is None else self._chosen_model

    def _after_batch(self, updates: int, logs: Mapping[str, Any]) -> None:
        recording = self._recording
        if recording.advance(recording.step + updates, self._epochs.done, logs):
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

    def _open(self) -> None:
        """Open the run; what is wrong with the arguments is raised, before the training begins."""
        began = time.perf_counter()
        try:
            self._recording.open(self._watched)
        except (TrainlapseError, OSError):
            raise
        except Exception as fault:  # what the user cannot help must not keep them from training
            self._give_up(fault)
            return
        background = self._recording.background
        assert background is not None
        # A training that is interrupted never says so to its callbacks: the run is then closed
        # when the recorder goes, at the latest when the interpreter exits.
        self._finalizer = weakref.finalize(self, background.close, finished=False)
        self._began = self._began or began
        self._seconds += time.perf_counter() - began
        self._safely(self._recording.record_now)  # step 0

    def _close(self, *, finished: bool) -> None:
        self._safely(self._recording.record_now)
        if (background := self._recording.background) is not None:
            self._waited += background.waited
        began = time.perf_counter()
        fault = self._recording.close(finished=finished)
        now = time.perf_counter()
        self._seconds += now - began
        if fault is not None:
            self._give_up(fault)
        if self._finalizer is not None:
            self._finalizer.detach()
        if self._began is not None:
            self._wall_seconds += now - self._began
            self._began = None

    def _safely(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call a function of the recording; a fault ends the recording, not the training."""
        if self._fault is not None:
            return
        began = time.perf_counter()
        try:
            function(*args, **kwargs)
            background = self._recording.background
            if background is not None and background.fault is not None:
                raise background.fault
        except Exception as fault:
            self._give_up(fault)
        finally:
            self._seconds += time.perf_counter() - began

    def _give_up(self, fault: Exception) -> None:
        if self._fault is not None:
            return
        self._fault = fault
        self._recording.close(finished=False)
        log.warning(
            "Recording stopped at step %d, the training goes on. %s: %s\n%s The steps recorded "
            "so far can be explored: trainlapse explore %s",
            self._recording.step,
            type(fault).__name__,
            fault,
            _remedy(fault),
            self._recording.options.path,
        )


@dataclass(slots=True)
class _EpochCount:
    """Counts epochs and updates over several fits."""

    done: float = 0.0
    _base: float = 0.0
    _first: bool = True
    _epoch: int = 0
    _batch: int = -1
    _batches: int | None = None

    def begin_fit(self) -> None:
        self._first = True

    def begin_epoch(self, epoch: int, batches: int | None) -> None:
        if self._first:
            # A further fit counts its epochs from 0 again, unless it is told otherwise.
            self._base = max(0.0, self.done - epoch)
            self._first = False
        self._epoch, self._batch = epoch, -1
        if batches is not None:
            self._batches = batches
        self.done = self._base + epoch

    def end_batch(self, batch: int) -> int:
        """Note a batch; give the number of updates since the last one."""
        updates, self._batch = max(1, batch - self._batch), batch
        if self._batches:
            self.done = self._base + self._epoch + min(1.0, (batch + 1) / self._batches)
        return updates

    def end_epoch(self) -> None:
        self._batches = self._batches or self._batch + 1
        self.done = self._base + self._epoch + 1


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
            f"schedule must be made by every_n_steps(), every_epoch() or log_spaced(), "
            f"got {schedule!r}."
        )
    if model is not None and not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model, got {type(model).__name__}.")


def _remedy(fault: Exception) -> str:
    if isinstance(fault, OSError):
        return "Check the free space and the permissions of the disk."
    return "Please report this with the model's summary."

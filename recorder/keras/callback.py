"""The recorder as a Keras callback.

This is the one module that imports Keras at its top, since its class must *be* a Keras callback.
The package imports it only when somebody asks for `Recorder`, so that neither ``import recorder``
nor the command line's help loads TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras  # noqa: TID253 - see above

from recorder.keras import settings
from recorder.keras.backend import KerasBackend, require_tensorflow
from recorder.keras.counting import BatchMetrics, EpochCount, RunningMeans, UpdateCount
from recorder.keras.gradients import GradientNorms
from recorder.keras.parts import has_one_optimizer, trained_variables
from recorder.loop import LoopRecorder, guarded


class _Counts(keras.callbacks.Callback):  # type: ignore[misc]
    """A callback's counts over all of its fits."""

    def __init__(self) -> None:
        require_tensorflow()
        super().__init__()
        self._epochs = EpochCount()
        self._updates = UpdateCount()
        self._metrics = BatchMetrics()
        self._means = RunningMeans()
        self._is_loop = True  # until a fit says otherwise
        self._gradients: GradientNorms | None = None


class Recorder(LoopRecorder, _Counts):
    """Record a training: every weight, and the probe's activations in every layer, over time.

    A Keras callback, and a context manager for loops of one's own. What its arguments mean, what
    they cost and which errors they raise is explained at `__init__`.

    Step 0, before any update, and the last step are always recorded; between them the schedule
    decides. Metrics are recorded at every batch. The recorder copies, and a thread of its own
    computes and writes. Whatever goes wrong in it after the training has begun is reported once,
    in the log, and the training goes on. The trained weights are the same with and without it, to
    the last bit unless `gradients` are asked for.

    A model that is not built before its first batch is built by the probe.

    Examples
    --------
    As a callback::

        from recorder import Probe, Recorder

        probe = Probe(x_test[:64], labels=y_test[:64])
        recorder = Recorder("runs/lenet.zarr", probe)
        model.fit(x, y, epochs=5, callbacks=[recorder])
        print(recorder.report)

    In a loop of one's own::

        with Recorder("runs/mine.zarr", probe, model=model) as recorder:
            for step, batch in enumerate(batches, start=1):
                loss = train_step(batch)
                recorder.record(step, loss=loss)

    A large model: the convolutions only, in half precision, within 2 GB::

        Recorder("runs/large.zarr", probe, layers="conv*", dtype="float16", byte_budget="2 GB")
    """

    @guarded
    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        self._is_loop = False
        self._epochs.begin_fit()

    @guarded
    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        # Not earlier: other callbacks may load weights when the training begins.
        opened = self._is_built and not self._waits_for_first_update() and self._open()
        if opened and self._recording.options.resume is not False:
            self._epochs.done = self._recording.epoch
        self._epochs.begin_epoch(epoch, (self.params or {}).get("steps"))
        self._means.begin_epoch()
        self._safely(self._updates.begin_epoch, self.model)
        if opened:
            self._safely(self._recording.begin, self._epochs.done)

    @guarded
    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        if not self._waits_for_first_update() and self._open():
            # The model was not built before its first batch.
            self._safely(self._updates.begin_epoch, self.model)
            self._safely(self._recording.begin, self._epochs.done)
        self._safely(self._before_batch, batch)

    @guarded
    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: D102
        self._epochs.end_batch(batch)
        after = self._begin_late if self._late else self._after_batch
        self._safely(after, batch, logs or {})

    @guarded
    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: D102
        self._epochs.end_epoch(self._updates.batch)
        is_last = epoch + 1 == (self.params or {}).get("epochs") or self.model.stop_training
        self._safely(self._after_epoch, logs or {}, is_last)

    @guarded
    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        self._close(finished=True)

    # -- inside -------------------------------------------------------------------------------

    @property
    def _watched(self) -> Any:
        return self.model if self._chosen_model is None else self._chosen_model

    @property
    def _is_built(self) -> bool:
        watched = self._watched
        each = watched.values() if isinstance(watched, Mapping) else [watched]
        return all(model.built for model in each)

    def _first_step(self) -> int | None:
        if self._is_loop or not isinstance(self._recording.options.resume, bool):
            return super()._first_step()
        return KerasBackend().updates_done(self.model)

    def _open(self) -> bool:
        opened = super()._open()
        if opened and self._recording.options.gradients and not self._is_loop:
            watched = self._recording.models.values()
            variables = [each for model in watched for each in trained_variables(model)]
            self._gradients = GradientNorms(self.model, variables)
            self._gradients.begin()
        updates = settings.expected_updates(self.params) if opened else None
        if updates is not None:
            self._recording.expect(updates)
        return opened

    def _let_model_go(self) -> None:
        if self._gradients is not None:
            self._gradients.end()

    def _last_gradients(self) -> Any:
        if self._gradients is None:
            return None
        models = self._recording.models
        found = {
            name: self._gradients.latest(trained_variables(model)) for name, model in models.items()
        }
        return found.get("", found)

    def _before_batch(self, batch: int) -> None:
        if self._gradients is not None:
            self._gradients.announce()
        batches = int(self.model.steps_per_execution)
        self._recording.before_update(
            batches, epoch_ends=self._epochs.ends_within(batch, 2 * batches)
        )

    def _begin_late(self, batch: int, logs: Mapping[str, Any]) -> None:
        step = self._recording.step + self._updates.end_batch(self.model, batch)
        self._open_late(step, self._epochs.done)
        self._recording.note_metrics(logs)

    def _after_batch(self, batch: int, logs: Mapping[str, Any]) -> None:
        recording = self._recording
        step = recording.step + self._updates.end_batch(self.model, batch)
        as_keras = settings.trains_as_keras(self.model)
        wanted = as_keras or recording.has_triggers
        counts = settings.mean_counts(self.model) if wanted else {}
        recorded = recording.advance(
            step,
            self._epochs.done,
            logs,
            alone=self._metrics.alone(logs, counts) if recording.has_triggers else None,
            means=self._means.now(counts.get("loss") if as_keras else None, counts),
            gradients=self._last_gradients,
        )
        if recorded:
            self._note_learning_rate()

    def _after_epoch(self, logs: Mapping[str, Any], is_last: bool) -> None:
        self._recording.advance(
            self._recording.step,
            self._epochs.done,
            logs,
            epoch_end=True,
            gradients=self._last_gradients,
        )
        self._note_learning_rate()
        if is_last:
            # Before other callbacks change the weights (EarlyStopping restores the best ones).
            self._recording.record_now(self._last_gradients)

    def _note_learning_rate(self) -> None:
        if not has_one_optimizer(self.model):
            return  # each has a rate of its own
        # Asking for it costs more than all other metrics, so it is noted at recorded steps and
        # at the end of epochs only.
        rate = settings.learning_rate(self.model)
        if rate is not None:
            self._recording.note_metrics({"learning_rate": rate})

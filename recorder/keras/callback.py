"""The recorder as a Keras callback.

This is the one module that imports Keras at its top, since its class must *be* a Keras callback.
The package imports it only when somebody asks for `Recorder`, so that neither ``import recorder``
nor the command line's help loads TensorFlow.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import keras  # noqa: TID253 - see above

from recorder.keras import settings
from recorder.keras.backend import KerasBackend, require_tensorflow
from recorder.keras.counting import BatchMetrics, EpochCount, RunningMeans, UpdateCount
from recorder.keras.ending import when_all_have_ended
from recorder.keras.facts import TrainingFacts
from recorder.keras.freezing import trained_variables
from recorder.keras.gradients import GradientNorms
from recorder.loop import LoopRecorder, guarded


class _Counts(keras.callbacks.Callback):  # type: ignore[misc]
    """A callback's counts over all of its fits."""

    def __init__(self) -> None:
        require_tensorflow()
        super().__init__()
        self._count_anew()
        # Of one fit; each looks and counts anew.
        self._facts: TrainingFacts | None = None
        self._since: int | None = None  # the step at which this fit began
        self._has_batch_size = False
        self._others_to_end: Callable[[], bool] | None = None
        self._awaits_others = False

    def _count_anew(self) -> None:
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

    Several fits of one model are one training, in one run. Another model, other layers in it, or
    weights as they were at the start, begin another one, which gets a run of its own. In a run it
    is noted where the weights were set and not updated: where they are loaded, swapped or restored
    between the end of an epoch or a recorded step and the next update. Between other batches, and
    in loops of one's own, that is not seen.

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

    A cross-validation: one run for each fold, ``runs/1.zarr`` and so on::

        recorder = Recorder("runs/{n}.zarr", probe)
        for train, test in folds:
            model = build_model()
            model.fit(x[train], y[train], validation_data=(x[test], y[test]), callbacks=[recorder])
    """

    _of_training: ClassVar[frozenset[str]] = LoopRecorder._of_training | {
        *("_epochs", "_updates", "_metrics", "_means", "_is_loop", "_gradients"),
        *("_facts", "_since", "_has_batch_size", "_others_to_end", "_awaits_others"),
        *("_model", "params"),  # Keras sets them when a training begins
    }

    @guarded
    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        self._is_loop = False
        self._epochs.begin_fit()
        self._has_batch_size = False
        self._safely(self._look_at_facts)
        this, self._awaits_others = weakref.ref(self), False
        self._others_to_end = when_all_have_ended(self, lambda: _tell(this))

    @guarded
    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        # Not earlier: other callbacks may load weights when the training begins.
        if self._epochs.fit_begins:
            self._meet(counts_again=self._updates.counts_again(self.model))
        opened = self._is_built and not self._waits_for_first_update() and self._open()
        if opened and self._recording.options.resume is not False:
            self._epochs.done = self._recording.epoch
        self._epochs.begin_epoch(epoch, (self.params or {}).get("steps"))
        self._means.begin_epoch()
        self._safely(self._count_updates)
        if opened:
            self._safely(self._recording.begin, self._epochs.done)
        self._safely(self._note_facts)

    @guarded
    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002, D102
        if not self._waits_for_first_update() and self._open():
            # The model was not built before its first batch.
            self._safely(self._count_updates)
            self._safely(self._recording.begin, self._epochs.done)
            self._safely(self._note_facts)
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
        self._safely(self._recording.record_now)  # before other callbacks change the weights
        self._awaits_others = self._others_to_end is not None and self._others_to_end()
        if self._awaits_others:
            self._safely(self._recording.flush)  # one of them may fail
        else:
            self._all_have_ended()

    # -- inside -------------------------------------------------------------------------------

    @guarded
    def _all_have_ended(self) -> None:
        self._others_to_end, self._awaits_others = None, False
        self._safely(self._recording.keep_ending)
        self._close(finished=True)

    def _start_over(self) -> None:
        is_loop = self._is_loop
        self._count_anew()
        self._is_loop = is_loop
        super()._start_over()

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
        if opened and self._is_loop:
            self._look_at_facts()
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

    def _count_updates(self) -> None:
        """Begin to count those of an epoch."""
        is_trained = self._watched is self.model
        self._updates.begin_epoch(self.model, self._recording.sample if is_trained else None)

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
        self._note_learning_rate()
        self._note_facts()

    def _after_batch(self, batch: int, logs: Mapping[str, Any]) -> None:
        recording = self._recording
        step = recording.step + self._updates.end_batch(self.model, batch)
        as_keras = settings.trains_as_keras(self.model)
        wanted = as_keras or recording.has_triggers
        counts = settings.mean_counts(self.model) if wanted else {}
        means = self._means.now(counts.get("loss") if as_keras else None, counts)
        recorded = recording.advance(
            step,
            self._epochs.done,
            logs,
            alone=self._metrics.alone(logs, counts) if recording.has_triggers else None,
            means=means,
            gradients=self._last_gradients,
        )
        if recorded:
            self._note_learning_rate()
            self._note_facts()
        if means is not None and means.samples:
            self._note_batch_size(round(means.samples / (batch + 1)))
        if recorded or self._epochs.ends_within(batch, 1):
            recording.leave()

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
            self._recording.record_now(self._last_gradients)
        else:
            # A callback after this one may stop the training here, and Keras, or it, then change
            # the weights before anything tells of the end.
            self._recording.hold(self._last_gradients)
        self._recording.leave()

    def _note_learning_rate(self) -> None:
        # Asking for it costs more than all other metrics, so it is noted at recorded steps and
        # at the end of epochs only.
        if self._facts is not None:
            self._recording.note_metrics(self._facts.learning_rates())

    def _look_at_facts(self) -> None:
        """Look at what a fit, or a loop, trains with; `compile` may have changed all of it."""
        trained = self._watched if self._is_loop else self.model
        if self._facts is None or self._facts.model is not trained:
            self._facts = TrainingFacts(trained, is_loop=self._is_loop)
        self._facts.look()
        self._since = None

    def _note_facts(self) -> None:
        facts, recording = self._facts, self._recording
        if facts is None or not recording.is_open:
            return
        if self._since is None:
            self._since = recording.step
        since = self._since if facts.is_late else recording.step
        recording.note_facts(facts.now(), since=since, left_out=facts.left_out)

    def _note_batch_size(self, size: int) -> None:
        """Note that of the first batch of a fit; the last one of an epoch may be smaller."""
        if not self._has_batch_size:
            self._recording.note_facts({"batch_size": size}, since=self._since)
        self._has_batch_size = True


def _tell(recorder: weakref.ref[Recorder]) -> None:
    """Tell a recorder, if it is still there and has come to its own end, that all have ended."""
    alive = recorder()
    if alive is not None and alive._awaits_others:
        alive._all_have_ended()

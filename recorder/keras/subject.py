"""A Keras model under recording: traced, described, and narrowed to what is recorded of it."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recorder import arguments
from recorder.backend import UpdateNorm
from recorder.evaluation import Evaluation
from recorder.keras import settings
from recorder.keras.configuration import Configuration, reasons
from recorder.keras.eager import eager_trace, kept_randomness, run_eagerly
from recorder.keras.freezing import Freezing, trained_variables
from recorder.keras.inputs import Feed, check_fits
from recorder.keras.narrowing import narrowed_trace
from recorder.keras.parts import OwnVariables, is_built
from recorder.keras.predictor import Predictor
from recorder.keras.sampling import sample_of
from recorder.keras.structure import Structure, describe
from recorder.keras.trace import Trace, build, storable, trace, trace_of_weights
from recorder.probe import Probe
from recorder.weight_sample import WeightSample
from store.errors import SpecError
from store.format.spec import RunSpec

# Characters of an error of TensorFlow that are shown; whole ones take pages.
MOST_OF_ERROR = 200

log = logging.getLogger("trainlapse.recorder")


@dataclass(frozen=True, slots=True)
class KerasSubject:
    """One model as Keras sees it: what `recorder.backend` asks of a subject.

    Attributes
    ----------
    model : keras.Model
        The model.
    spec : RunSpec
        The description of the model, and of the training that it is in.
    """

    model: Any
    spec: RunSpec
    _trace: Trace
    _structure: Structure
    _predictors: tuple[Predictor, ...]
    _freezing: Freezing

    @property
    def held_bytes(self) -> int:
        """Memory that a step holds until it is written, in bytes.

        Activations are computed when their turn comes, unless they must be taken early.
        """
        held = {path for path in self._structure.weight_paths if path is not None}
        if not self._trace.is_pure:
            held |= {path for path in self._structure.activation_paths if path is not None}
            held |= {
                array.path
                for predictor in self._predictors
                for array in predictor.spec.array_specs()
            }
        return sum(array.frame_bytes for array in self.spec.array_specs() if array.path in held)

    def take_frames(self) -> Callable[[], dict[str, Any]]:
        """Read the variables now; the rest follows from them when the result is called."""
        weights = self._trace.read()
        if self._trace.is_pure:
            return lambda: self._follow(weights)
        early = self._follow(weights)
        return lambda: early

    def sample_weights(self) -> WeightSample:
        """Make what samples the trainable variables."""
        return sample_of(trained_variables(self.model))

    def not_trained(self) -> list[str]:
        """Give the paths of the variables that are not trainable, unless just for the moment."""
        pairs = zip(self._structure.weight_paths, self._trace.variables, strict=True)
        frozen = [(path, id(variable)) for path, variable in pairs if not variable.trainable]
        moved = self._freezing.moved()
        return [path for path, variable in frozen if path is not None and variable not in moved]

    def made_of(self) -> list[Any]:
        """Give the layers and weights that the model has now."""
        layers = () if isinstance(self.model, OwnVariables) else self.model._flatten_layers()
        return [*layers, *self.model.weights]

    def narrowed(self, spec: RunSpec) -> KerasSubject:
        """Give the subject that computes only what a narrower description has."""
        return replace(
            self,
            spec=spec,
            _trace=narrowed_trace(self._trace, self._structure, spec.layers),
            _structure=self._structure.narrowed(spec.layers),
        )

    def hold_weights(self) -> list[Any]:
        """Hold the variables as they are before an update."""
        return self._trace.read()

    def update_norms(
        self,
        before: list[Any],
        gradients: Sequence[Any] | None = None,
        *,
        earlier: list[Any] | None = None,
    ) -> Callable[[], dict[str, UpdateNorm]]:
        """Read the variables after an update; the result measures how far each has moved."""
        after = self._trace.read()
        trainable = trained_variables(self.model)
        frozen = not self.model.trainable_variables
        given = [None] * len(trainable) if gradients is None else gradients
        if isinstance(given, Iterable):  # such as a generator
            given = list(given)
        if not isinstance(given, list) or len(given) != len(trainable):
            arguments.refuse(
                "record(gradients=...)",
                given,
                f"one gradient, or None, for each of the {len(trainable)} trainable variables",
            )
        gradient_of = {
            id(variable): gradient for variable, gradient in zip(trainable, given, strict=True)
        }
        measured = [
            (path, start, end, first, gradient_of[id(variable)])
            for path, variable, start, end, first in zip(
                self._structure.weight_paths,
                self._trace.variables,
                before,
                after,
                [None] * len(before) if earlier is None else earlier,
                strict=True,
            )
            if path is not None and id(variable) in gradient_of
        ]

        def norms() -> dict[str, UpdateNorm]:
            found = {
                path: UpdateNorm.between(
                    storable(start),
                    storable(end),
                    earlier=None if first is None else storable(first),
                    gradient=None if gradient is None else _dense(gradient),
                )
                for path, start, end, first, gradient in measured
            }
            # What moved was trained all the same, before it was frozen again.
            return {path: norm for path, norm in found.items() if norm.update or not frozen}

        return norms

    def _follow(self, weights: list[Any]) -> dict[str, Any]:
        activations = self._trace.activations(weights)
        taken = self._structure.frames(activations, [storable(value) for value in weights])
        for predictor in self._predictors:
            taken.update(predictor.predict(weights))
        return taken


def look_at(model: Any, probe: Probe, evaluations: Sequence[Evaluation] = ()) -> KerasSubject:
    """Trace a model and describe it.

    Parameters
    ----------
    model : keras.Model
        The model; it is built by this, when it is not yet.
    probe : Probe
        The inputs whose activations are recorded.
    evaluations : sequence of Evaluation
        The inputs whose predictions are recorded.

    Raises
    ------
    SpecError
        The probe or an evaluation does not fit the model.
    """
    check_fits(probe, model)
    feed = Feed.of(probe)
    try:
        build(model, feed)
    except Exception as error:
        raise _refusal(model, probe, error) from error
    # To look at a network is not to draw from what its training draws from.
    with kept_randomness():
        traced = _traced(model, probe, feed)
        structure = describe(model, traced, feed)
        for evaluation in evaluations:
            check_fits(evaluation.examples, model)
        predictors = tuple(
            _predictor(model, traced, structure.outputs, evaluation)
            for evaluation in evaluations
            if structure.outputs
        )
    spec = replace(
        _described(model, structure),
        evaluations=tuple(predictor.spec for predictor in predictors),
    )
    return KerasSubject(model, spec, traced, structure, predictors, Freezing(model))


def _described(part: Any, structure: Structure) -> RunSpec:
    """Say what is known of a model and of the training that it is in."""
    is_model = not isinstance(part, OwnVariables)
    config = settings.model_configuration(part) if is_model else Configuration(None)
    optimizer = settings.optimizer_configuration(getattr(part, "optimizer", None))
    loss = settings.loss_configuration(getattr(part, "loss", None))
    return RunSpec(
        name=part.name,
        layers=structure.layers,
        model_config=config.value,
        outputs=structure.outputs,
        optimizer=optimizer.value,
        loss=loss.value,
        seed=settings.random_seed(),
        versions=settings.versions(),
        class_name=type(part).__name__,
        left_out={
            **structure.left_out,
            **reasons({"model/config": config, "optimizer": optimizer, "loss": loss}),
        },
    )


def look_at_weights(part: Any) -> KerasSubject:
    """Describe a model or a layer of which only the weights are recorded.

    Where its inputs are known it is traced on some of their shape, so that its layers are in the
    order of the forward pass and know what they take.

    Parameters
    ----------
    part : keras.Model, keras.layers.Layer or OwnVariables
        It is built.
    """
    feed, traced = None, trace_of_weights(part)
    with kept_randomness(), contextlib.suppress(Exception):  # not called so alone, or by nobody
        if (zeros := Feed.like(part)) is not None:
            feed, traced = zeros, trace(part, zeros)
    holder = part.model if isinstance(part, OwnVariables) else part
    structure = describe(holder, traced, feed)
    bare = tuple(
        replace(layer, output_dims=(), output_shape=(), derivation=None)
        for layer in structure.layers
    )
    spec = replace(_described(part, structure), layers=bare, outputs=structure.outputs)
    return KerasSubject(part, spec, traced, structure, (), Freezing(part)).narrowed(spec)


def takes(part: Any, probe: Probe) -> bool:
    """Whether a built model or layer can be called with a probe.

    Nothing tells of a layer that takes inputs of any shape whether these are meant for it.
    """
    if isinstance(part, OwnVariables) or not is_built(part):
        return False
    try:
        check_fits(probe, part)
    except SpecError:
        return False
    return _runs(part, Feed.of(probe))


def _predictor(
    model: Any, traced: Trace, outputs: Sequence[str], evaluation: Evaluation
) -> Predictor:
    try:
        return Predictor(model, traced, outputs, evaluation)
    except Exception as error:
        if _runs(model, Feed.of(evaluation.examples).rows(evaluation.rows(0))):
            raise  # what is wrong is not the evaluation, but how we trace
        raise _refusal(model, evaluation.examples, error) from error


def _runs(model: Any, feed: Feed) -> bool:
    """Whether a model can be called with some inputs."""
    try:
        run_eagerly(model, feed, [], [])
    except Exception:
        return False
    return True


def _traced(model: Any, probe: Probe, feed: Feed) -> Trace:
    """Trace a model, or else run it eagerly, or else record its weights alone; say which in a word.

    Raises
    ------
    SpecError
        The model itself does not take the probe.
    """
    answers = None if probe.is_along_probes else probe.size or 0
    try:
        return trace(model, feed, answers=answers)
    except Exception as error:
        untraceable = error
    try:
        run_eagerly(model, feed, [], [])
    except Exception as error:
        raise _refusal(model, probe, error) from error
    try:
        traced = eager_trace(model, feed, answers=answers)
    except Exception as error:
        traced = trace_of_weights(model)
        log.warning(
            "The layers of %r cannot be watched (%s): its weights are recorded, no activations.",
            model.name,
            _reason(error),
        )
        return traced
    log.warning(
        "The model %r cannot be traced (%s). It is recorded by running it step by step, on the "
        "thread that trains, which takes longer.",
        model.name,
        _reason(untraceable),
    )
    return traced


def _refusal(model: Any, given: Probe, error: Exception) -> SpecError:
    return SpecError(
        f"The {given.words.called} cannot be sent through the model {model.name!r}: {error}\n"
        f"Pass {given.words.argument('inputs')} in the form that model.predict() accepts. To "
        "record a part of a model that cannot be called as a whole, pass Recorder(..., model=part)."
    )


def _reason(error: Exception) -> str:
    """Give the sentence of an error that says why, in plain characters."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith("Exception encountered when calling")]
    return (said or lines or [type(error).__name__])[0][:MOST_OF_ERROR]


def _dense(gradient: Any) -> Any:
    """Give a gradient as one tensor; an embedding's holds the rows of its batch, some repeated."""
    import tensorflow as tf

    return storable(tf.convert_to_tensor(gradient))

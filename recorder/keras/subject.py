"""A Keras model under recording: traced, described, and narrowed to what is recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recorder import arguments
from recorder.backend import UpdateNorm
from recorder.evaluation import Evaluation
from recorder.keras import settings
from recorder.keras.configuration import Configuration, reasons
from recorder.keras.inputs import check_fits
from recorder.keras.narrowing import narrowed_trace
from recorder.keras.parts import OwnVariables, is_built, trained_variables
from recorder.keras.predictor import Predictor
from recorder.keras.sampling import sample_of
from recorder.keras.structure import Structure, describe
from recorder.keras.trace import Trace, kept_losses, model_inputs, storable, trace, trace_of_weights
from recorder.probe import Probe
from recorder.weight_sample import WeightSample
from store.errors import SpecError
from store.format.names import Array
from store.format.spec import RunSpec


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
        """Give the paths of the variables that are not trainable now."""
        pairs = zip(self._structure.weight_paths, self._trace.variables, strict=True)
        return [path for path, variable in pairs if path is not None and not variable.trainable]

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
    try:
        traced = trace(model, probe.inputs)
    except Exception as error:
        if _takes(model, probe.inputs):
            raise  # what is wrong is not the probe, but how we trace
        raise SpecError(
            f"The probe cannot be sent through the model {model.name!r}: {error}\n"
            "Pass Probe(inputs=...) in the form that model.predict() accepts. To record a part of "
            "a model that cannot be called as a whole, pass Recorder(..., model=part)."
        ) from error
    structure = describe(model, traced, probe.inputs)
    predictors = tuple(
        _predictor(model, traced, structure.outputs, evaluation) for evaluation in evaluations
    )
    spec = replace(
        _described(model, structure),
        evaluations=tuple(predictor.spec for predictor in predictors),
    )
    return KerasSubject(model, spec, traced, structure, predictors)


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
    inputs = _of_its_shape(part)
    try:
        traced = trace(part, inputs) if inputs else trace_of_weights(part)
    except Exception:  # it is not called with these alone, or by nobody
        inputs, traced = {}, trace_of_weights(part)
    holder = part.model if isinstance(part, OwnVariables) else part
    structure = describe(holder, traced, inputs)
    bare = tuple(replace(layer, output_dims=(), output_shape=()) for layer in structure.layers)
    spec = replace(_described(part, structure), layers=bare, outputs=structure.outputs)
    return KerasSubject(part, spec, traced, structure, ()).narrowed(spec)


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
    return _takes(part, probe.inputs)


def _of_its_shape(part: Any) -> dict[str, Array]:
    """Make inputs of the shape that a model takes; none where that is not known."""
    tensors = getattr(part, "inputs", None) or []
    shapes = {tensor.name: (1, *tensor.shape[1:]) for tensor in tensors}
    if any(None in shape for shape in shapes.values()):
        return {}
    return {tensor.name: np.zeros(shapes[tensor.name], str(tensor.dtype)) for tensor in tensors}


def _predictor(
    model: Any, traced: Trace, outputs: Sequence[str], evaluation: Evaluation
) -> Predictor:
    examples = evaluation.examples
    check_fits(examples, model)
    try:
        return Predictor(model, traced, outputs, evaluation)
    except Exception as error:
        if _takes(model, dict(zip(evaluation.names(), evaluation.batch(0), strict=True))):
            raise  # what is wrong is not the evaluation, but how we trace
        raise SpecError(
            f"The {examples.words.called} cannot be sent through the model {model.name!r}: "
            f"{error}\nPass {examples.words.argument('inputs')} in the form that model.predict() "
            "accepts."
        ) from error


def _takes(model: Any, given: Mapping[str, Array]) -> bool:
    """Whether a model can be called with these inputs."""
    import keras
    import tensorflow as tf

    inputs = {name: tf.constant(values) for name, values in given.items()}
    try:
        with keras.StatelessScope(), kept_losses(model):
            model(model_inputs(model, inputs), training=False)
    except Exception:
        return False
    return True


def _dense(gradient: Any) -> Any:
    """Give a gradient as one tensor; an embedding's holds the rows of its batch, some repeated."""
    import tensorflow as tf

    return storable(tf.convert_to_tensor(gradient))

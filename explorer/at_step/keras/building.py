"""The Keras model of a run, built from its configuration; and which variable is which array."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.at_step.inputs import InputSpec, input_specs
from explorer.at_step.keras.trusted import check_trusted
from explorer.at_step.keras.watching import Sight
from explorer.at_step.weights import StepWeights
from explorer.data.run import RunData
from explorer.derived.network.registry import OPERATIONS_CLASS
from store.errors import MissingExtraError, SpecError, listed
from store.format.keras_names import is_recorded_type, weight_names
from store.format.names import safe_name

# Of an axis of an input that may have any length.
ANY_LENGTH = 8


@dataclass(frozen=True)
class Built:
    """A model, and where its weights are in the run.

    Attributes
    ----------
    model : keras.Model
        The model.
    specs : mapping of str to InputSpec
        Its inputs.
    layers : dict of str to keras.layers.Layer
        The layer of each call, by its name in the run, in the order of the calls.
    variables : dict of (str, str) to keras.Variable
        By layer and weight.
    names : dict of str to str
        How the run calls layers that were given another name when the model was built anew.
    """

    model: Any
    specs: Mapping[str, InputSpec]
    layers: dict[str, Any]
    variables: dict[tuple[str, str], Any]
    names: dict[str, str]

    def assign(self, weights: StepWeights) -> None:
        """Give the model the weights of a step."""
        for (layer, name), variable in self.variables.items():
            variable.assign(weights[layer][name])
        self.settle()

    def settle(self) -> None:
        """Let layers that keep what follows from their weights compute it anew."""
        import keras

        for layer in self.layers.values():
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()


def build(data: RunData, custom: Mapping[str, Any]) -> Built:
    """Build the model of a run; its weights are any.

    Raises
    ------
    SpecError
        There is no configuration, it is not trusted, or does not fit what was recorded.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise MissingExtraError(
            f"Keras computes here with TensorFlow; its backend is {keras.backend.backend()}. Set "
            "KERAS_BACKEND=tensorflow."
        )
    run = data.run
    config = run.model_config
    if config is None:
        why = run.left_out.get("model/config", "")
        raise SpecError(f"The model's configuration was not recorded. {why}".strip())
    custom = {**custom, **{keras.saving.get_registered_name(one): one for one in custom.values()}}
    check_trusted(config, custom, _largest(data))
    specs = input_specs(data)
    _check_shapes(data, _shapes(config, custom, specs))
    model = _deserialized(config, custom, specs)
    sight = Sight([layer.name for layer in run.layers.values() if layer.kind == "input"])
    _called(model, specs, sight)
    names = _recorded_names(data, sight)
    called = {names.get(name, name): layer for name, layer in sight.called}
    built = Built(model, specs, called, _variables(model, called), names)
    _check_fits(data, built)
    return built


def arranged(model: Any, specs: Mapping[str, InputSpec], given: Mapping[str, Any]) -> Any:
    """Arrange tensors as a model takes them: in its structure, or by the names of the run."""
    import keras

    if len(given) == 1:
        (only,) = given.values()
        try:
            return keras.tree.pack_sequence_as(model.input, [only])
        except (AttributeError, ValueError):
            return only
    try:
        expected = model.input
    except (AttributeError, ValueError):  # a subclassed model does not say what it takes
        names = {name: specs[name].others[0] for name in given if specs[name].others}
        return {names.get(name, name): value for name, value in given.items()}
    tensors = keras.tree.flatten(expected)
    by_name = [given.get(tensor.name) for tensor in tensors]
    flat = list(given.values()) if any(value is None for value in by_name) else by_name
    return keras.tree.pack_sequence_as(expected, flat)


def _deserialized(
    config: Mapping[str, Any], custom: Mapping[str, Any], specs: Mapping[str, InputSpec]
) -> Any:
    import keras

    try:
        model = keras.saving.deserialize_keras_object(
            json.loads(json.dumps(config)), custom_objects=dict(custom), safe_mode=True
        )
        if not isinstance(model, keras.layers.Layer):
            raise SpecError("The configuration in the run is not that of a model.")
        if not model.built:
            model(arranged(model, specs, _blank(specs)), training=False)
    except SpecError:
        raise
    except Exception as error:  # the user's own classes may raise anything
        said = " ".join(str(error).split())[:300]
        raise SpecError(f"Keras cannot build the model of this run: {said}") from error
    return model


def _blank(specs: Mapping[str, InputSpec]) -> dict[str, Any]:
    """One example of zeros."""
    return {
        name: np.zeros(
            (1, *(ANY_LENGTH if size is None else size for size in spec.shape or ())), spec.dtype
        )
        for name, spec in specs.items()
    }


def _shapes(
    config: Mapping[str, Any], custom: Mapping[str, Any], specs: Mapping[str, InputSpec]
) -> list[tuple[int, ...]]:
    """Give the shapes of a model's variables, for which no memory is taken.

    Keras notes variables without memory for the thread that makes them, and gives them some at the
    end of the next scope: that thread ends here.
    """
    import keras

    def shapes() -> list[tuple[int, ...]]:
        with keras.StatelessScope(initialize_variables=False):
            model = _deserialized(config, custom, specs)
            return sorted(tuple(v.shape) for v in model.weights if 0 not in v.shape)

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(shapes).result()


def _called(model: Any, specs: Mapping[str, InputSpec], sight: Sight) -> None:
    """Let the model be called once, in a graph that never runs."""
    import tensorflow as tf

    signature = [tf.TensorSpec(value.shape, value.dtype) for value in _blank(specs).values()]

    def call(*tensors: Any) -> Any:
        with sight.watching():
            model(arranged(model, specs, dict(zip(specs, tensors, strict=True))), training=False)

    try:
        tf.function(call, autograph=False, input_signature=signature).get_concrete_function()
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise SpecError(f"Keras cannot trace the model of this run: {said}") from error


def _recorded_names(data: RunData, sight: Sight) -> dict[str, str]:
    """Find how the run calls the layers that are called: in both they come in the same order.

    A layer inside of one of the user's own gets a name that Keras numbers: another one each time.
    """
    recorded = [
        layer
        for layer in data.run.layers.values()
        if layer.kind != "input" and layer.class_name != OPERATIONS_CLASS
    ]
    classes = [type(layer).__name__ for _, layer in sight.called]
    if classes != [layer.class_name for layer in recorded]:
        return {}
    return {name: layer.name for (name, _), layer in zip(sight.called, recorded, strict=True)}


def _variables(model: Any, called: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Find each variable under the first call of the innermost layer that holds it, as runs do.

    Calls inside of a layer end before its own.
    """
    weights = [v for v in model.weights if 0 not in v.shape and is_recorded_type(v.dtype)]
    left = {id(variable): variable for variable in weights}
    found: dict[tuple[str, str], Any] = {}
    for name, layer in called.items():
        held = {id(variable) for variable in layer.weights}
        own = [left.pop(key) for key in [*left] if key in held]
        names: list[str] = []
        for weight, variable in zip(weight_names([v.path for v in own]), own, strict=True):
            names.append(safe_name(weight, names))
            found[name, names[-1]] = variable
    return found


def _check_shapes(data: RunData, shapes: list[tuple[int, ...]]) -> None:
    """Compare the shapes of all variables with those of the arrays."""
    layers = data.run.layers.values()
    recorded = sorted(shape for layer in layers for shape in layer.weights.values())
    if shapes != recorded:
        odd = [shape for shape in shapes if shape not in recorded]
        raise SpecError(
            f"The configuration in the run is of a model with other weights than were recorded"
            f"{f': {listed(map(str, odd))}' if odd else ''}."
        )


def _check_fits(data: RunData, built: Built) -> None:
    recorded = {
        (layer.name, name): shape
        for layer in data.run.layers.values()
        for name, shape in layer.weights.items()
    }
    found = {key: tuple(variable.shape) for key, variable in built.variables.items()}
    if found != recorded:
        odd = sorted({"/".join(key) for key, _ in found.items() ^ recorded.items()})
        raise SpecError(
            f"The model of the run was rebuilt with other names than were recorded: {listed(odd)}."
        )


def _largest(data: RunData) -> int:
    """Give the largest size of anything in the run."""
    layers = data.run.layers.values()
    weights = [math.prod(shape) for layer in layers for shape in layer.weights.values()]
    return max([*weights, *(math.prod(layer.output_shape) for layer in layers), 1])

"""Two traced functions: one reads every variable, one gives every activation of the probe.

The model is traced once while `keras.layers.Layer.__call__` is watched: what each layer returned
in the traced graph becomes an output. The trace runs in a `keras.StatelessScope`, where the
variables are inputs of the function. So the training thread only reads the variables, which is one
consistent moment, and the forward pass follows from those values later, on another thread. Nor has
the pass a side effect: a stateful recurrent layer's state is left alone.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from recorder.layers import is_leaf, is_model
from store.schema import DATA_TYPES, Array


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer while the model was traced.

    Attributes
    ----------
    layer : keras.layers.Layer
        The layer; the same one in several calls when it is shared.
    path : str
        Names of the containers and of the layer, joined by "/", without the model's own.
    output : tf.Tensor
        The (first) output, a symbolic tensor of the traced graph.
    inbound : tuple of int or str
        Where its input comes from: numbers of earlier calls, or names of model inputs.
    """

    layer: Any
    path: str
    output: Any
    inbound: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """A traced model.

    Attributes
    ----------
    calls : list of Call
        Calls of layers, in order.
    variables : list of keras.Variable
        The variables that are recorded.
    outputs : list of int
        Which calls give the model's outputs.
    is_pure : bool
        Whether activations follow from the recorded variables alone. When not (a layer keeps
        a ``tf.Variable`` that Keras does not know), they must be taken at the same moment.
    """

    calls: list[Call]
    variables: list[Any]
    outputs: list[int]
    is_pure: bool
    _read: Callable[[], list[Any]]
    _forward: Callable[..., list[Any]]
    _inputs: list[Any]

    def read(self) -> list[Any]:
        """Read all variables at this moment.

        Returns
        -------
        list of tf.Tensor
            TensorFlow copies a variable before it updates one whose value is still held, so
            these tensors stay as they are while the training goes on.
        """
        return list(self._read())

    def activations(self, values: list[Any]) -> list[Any]:
        """Run the probe through the model as it is with the given variables.

        Parameters
        ----------
        values : list of tf.Tensor
            What `read` gave.

        Returns
        -------
        list of tf.Tensor
            One (probe, ...) for each call.
        """
        return list(self._forward(*self._inputs, *values))


def trace(model: Any, inputs: Mapping[str, Array]) -> Trace:
    """Trace a Keras model on the probe, in inference mode.

    Parameters
    ----------
    model : keras.Model
        The model; it is built by this, when it is not yet.
    inputs : mapping of str to ndarray
        The probe's inputs (probe, ...).
    """
    import keras
    import tensorflow as tf

    names = list(inputs)
    constants = [tf.constant(inputs[name]) for name in names]
    if not model.built:
        model(_model_inputs(model, dict(zip(names, constants, strict=True))), training=False)
    variables = [
        variable
        for variable in model.weights
        if _recorded_type(variable.dtype) and 0 not in variable.shape
    ]
    calls: list[Call] = []
    outputs: list[int] = []

    def read() -> list[Any]:
        return [tf.convert_to_tensor(variable.value) for variable in variables]

    def forward(*tensors: Any) -> list[Any]:
        named = dict(zip(names, tensors, strict=False))
        state = list(zip(variables, tensors[len(names) :], strict=True))
        watch = _Watch({tensor.name: name for name, tensor in named.items()})
        with keras.StatelessScope(state_mapping=state), watch.watching():
            result = model(_model_inputs(model, named), training=False)
        outputs[:] = _output_calls(watch, model, result)
        calls[:] = watch.calls
        return [storable(call.output) for call in calls]

    reader = tf.function(read, autograph=False).get_concrete_function()
    signature = [tf.TensorSpec(value.shape, value.dtype) for value in constants]
    signature += [tf.TensorSpec(value.shape, value.dtype) for value in reader.structured_outputs]
    # Unlike tf.function this runs no operation but those that the outputs need.
    with _kept_losses(model):
        function = tf.compat.v1.wrap_function(forward, signature)
    is_pure = all(captured.dtype != tf.resource for captured in function.captured_inputs)
    return Trace(calls, variables, outputs, is_pure, reader, function, constants)


@dataclass(slots=True)
class _Watch:
    """Notes what the layers return during one trace, in this thread only."""

    origins: dict[str, int | str]  # name of a tensor -> the call or model input it comes from
    calls: list[Call] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)
    _inside_leaf: bool = False
    _graph: Any = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        import keras
        import tensorflow as tf

        self._graph = tf.compat.v1.get_default_graph()
        base = keras.layers.Layer
        original = base.__call__
        thread = threading.get_ident()

        def watched(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != thread or self._inside_leaf:
                return original(layer, *args, **kwargs)
            return self._call(original, layer, args, kwargs)

        base.__call__ = watched
        try:
            yield
        finally:
            base.__call__ = original

    def _call(
        self, original: Callable[..., Any], layer: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        before = len(self.calls)
        self._names.append(layer.name)
        self._inside_leaf = is_leaf(layer)
        try:
            result = original(layer, *args, **kwargs)
        finally:
            path = "/".join(self._names[1:])
            self._names.pop()
            self._inside_leaf = False
        if is_model(layer):
            return result
        if len(self.calls) == before:  # nothing inside was noted: follow its arguments
            given = {name: value for name, value in kwargs.items() if not name.endswith("mask")}
            start = self.tensors((args, given))
        else:
            start = self.tensors(result)[:1]
        return self.note(layer, path, result, self.sources(start))

    def note(self, layer: Any, path: str, result: Any, inbound: tuple[int | str, ...]) -> Any:
        """Note one call; give back its result with a first tensor that is its own."""
        import keras
        import tensorflow as tf

        tensors = self.tensors(result)
        if not tensors or not _recorded_type(tensors[0].dtype.name):
            return result
        output = tensors[0]
        if output.name in self.origins:
            # A layer that passes its input on (Dropout in inference mode) gets a tensor of its own.
            own = tf.identity(output)
            mask = getattr(output, "_keras_mask", None)
            if mask is not None:
                own._keras_mask = mask
            result = keras.tree.map_structure(
                lambda value: own if value is output else value, result
            )
            output = own
        self.origins[output.name] = len(self.calls)
        self.calls.append(Call(layer, path, output, inbound))
        return result

    def tensors(self, values: Any) -> list[Any]:
        """Plain tensors of the traced graph, not those of a loop's body."""
        import keras
        import tensorflow as tf

        return [
            value
            for value in keras.tree.flatten(values)
            if isinstance(value, tf.Tensor) and value.graph is self._graph
        ]

    def sources(self, tensors: list[Any]) -> tuple[int | str, ...]:
        """Find the calls and model inputs that tensors come from, through plain operations."""
        found: dict[int | str, None] = {}
        waiting, seen = list(reversed(tensors)), set()
        while waiting:
            tensor = waiting.pop()
            if tensor.name in seen:
                continue
            seen.add(tensor.name)
            origin = self.origins.get(tensor.name)
            if origin is not None:
                found[origin] = None
            else:
                waiting.extend(reversed(tensor.op.inputs))
        return tuple(found)


def _output_calls(watch: _Watch, model: Any, result: Any) -> list[int]:
    """Which calls give the model's outputs; an output made by plain operations becomes one."""
    numbers: list[int] = []
    for value in watch.tensors(result):
        origin = watch.origins.get(value.name)
        if not isinstance(origin, int):
            before = len(watch.calls)
            watch.note(model, model.name, value, watch.sources([value]))
            if len(watch.calls) == before:
                continue
            origin = before
        if origin not in numbers:
            numbers.append(origin)
    return numbers


def _model_inputs(model: Any, named: dict[str, Any]) -> Any:
    """Arrange tensors as the model takes them: one, a list or a dict."""
    import keras

    try:
        expected = model.input
    except (AttributeError, ValueError):  # a subclassed model says nothing about its inputs
        return next(iter(named.values())) if len(named) == 1 else named
    if len(named) == 1:
        return keras.tree.map_structure(lambda _: next(iter(named.values())), expected)
    return keras.tree.map_structure(lambda tensor: named[tensor.name], expected)


@contextlib.contextmanager
def _kept_losses(model: Any) -> Iterator[None]:
    """Leave alone what the layers noted by ``add_loss`` in the training."""
    layers = list(model._flatten_layers())
    kept = [list(layer._losses) for layer in layers]
    try:
        yield
    finally:
        for layer, losses in zip(layers, kept, strict=True):
            layer._losses[:] = losses


def _recorded_type(dtype: str) -> bool:
    return dtype in DATA_TYPES or dtype.startswith(("bfloat16", "float8"))


def storable(tensor: Any) -> Any:
    """Widen what Zarr has no type for (bfloat16)."""
    import tensorflow as tf

    return tensor if tensor.dtype.name in DATA_TYPES else tf.cast(tensor, tf.float32)

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
from dataclasses import dataclass, field, replace
from typing import Any

from recorder.keras.layers import is_leaf, is_model, layer_kind
from recorder.keras.quiet import quietly
from store.format.names import DATA_TYPES, Array

# Operations of TensorFlow that change no value, or its precision alone.
HANDING_ON = ("Identity", "Cast", "StopGradient", "PreventGradient")


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
    mask : int or None
        The call whose mask it obeys.
    operations_between : bool
        Whether what it takes is made of these by plain operations, that are in no layer.
    """

    layer: Any
    path: str
    output: Any
    inbound: tuple[int | str, ...]
    mask: int | None = None
    operations_between: bool = False


class Operations:
    """Stands for plain operations whose result a recurrent layer takes.

    What a recurrent layer does inside is derived from its input, which must be in the run.
    """

    weights: tuple[Any, ...] = ()

    def get_config(self) -> dict[str, Any]:
        """Give no configuration, as a layer without one."""
        return {}


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

    def narrowed(self, wanted: Mapping[int, Callable[[Any], Any]]) -> Trace:
        """Give the trace with these activations only; operations that none needs do not run.

        Parameters
        ----------
        wanted : mapping of int to callable
            What to make of the output of each wanted call, inside the traced graph.
        """
        import tensorflow as tf

        if not wanted:
            return replace(self, _forward=lambda *_: [])

        def forward(*tensors: Any) -> list[Any]:
            outputs = self._forward(*tensors)
            return [change(outputs[call]) for call, change in wanted.items()]

        # TensorFlow inlines the whole pass into this one and drops what nothing needs. (Cutting
        # the graph by its `prune` instead makes every call six times as slow.)
        given = [*self._inputs, *self._read()]
        signature = [tf.TensorSpec(value.shape, value.dtype) for value in given]
        narrow = tf.function(forward, autograph=False, input_signature=signature)
        return replace(self, _forward=narrow.get_concrete_function())


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
        model(model_inputs(model, dict(zip(names, constants, strict=True))), training=False)
    variables = _recorded_variables(model)
    calls: list[Call] = []
    outputs: list[int] = []

    def forward(*tensors: Any) -> list[Any]:
        named = dict(zip(names, tensors, strict=False))
        state = list(zip(variables, tensors[len(names) :], strict=True))
        watch = _Watch({tensor.name: name for name, tensor in named.items()})
        with keras.StatelessScope(state_mapping=state), watch.watching():
            result = model(model_inputs(model, named), training=False)
        outputs[:] = _output_calls(watch, model, result)
        calls[:] = watch.calls
        return [storable(call.output) for call in calls]

    reader = variable_reader(variables)
    given = [*constants, *reader()]
    signature = [tf.TensorSpec(value.shape, value.dtype) for value in given]
    # Unlike tf.function this runs no operation but those that the outputs need.
    with kept_losses(model), quietly():
        function = tf.compat.v1.wrap_function(forward, signature)
    is_pure = all(captured.dtype != tf.resource for captured in function.captured_inputs)
    return Trace(calls, variables, outputs, is_pure, reader, function, constants)


def trace_of_weights(part: Any) -> Trace:
    """Give the trace of what is not sent through: no call, and the variables.

    Parameters
    ----------
    part : keras.Model, keras.layers.Layer or object
        Has ``weights``.
    """
    variables = _recorded_variables(part)
    return Trace([], variables, [], True, variable_reader(variables), lambda *_: [], [])


def _recorded_variables(part: Any) -> list[Any]:
    return [
        variable
        for variable in part.weights
        if _recorded_type(variable.dtype) and 0 not in variable.shape
    ]


@dataclass(slots=True)
class _Watch:
    """Notes what the layers return during one trace, in this thread only."""

    origins: dict[str, int | str]  # name of a tensor -> the call or model input it comes from
    calls: list[Call] = field(default_factory=list)
    _masks: list[tuple[Any, int]] = field(default_factory=list)  # masks, and who made each
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
        self._names.append(layer.name)
        mask = self._mask(args, kwargs)
        self._inside_leaf = is_leaf(layer)
        if self._inside_leaf and layer_kind(layer) == "recurrent":
            self._note_input(args, kwargs, mask)
        before = len(self.calls)
        try:
            result = original(layer, *args, **kwargs)
        finally:
            # What is looked at may itself be a single layer.
            path = "/".join(self._names[1:]) or layer.name
            self._names.pop()
            self._inside_leaf = False
        if is_model(layer):
            return result
        if len(self.calls) == before:  # nothing inside was noted: follow its arguments
            given = {name: value for name, value in kwargs.items() if not name.endswith("mask")}
            start = self.tensors((args, given))
        else:
            start = self.tensors(result)[:1]
        return self.note(
            layer,
            path,
            result,
            self.sources(start),
            self._maker(mask),
            operations_between=not all(map(self._is_handed_on, start)),
        )

    def _mask(self, args: Any, kwargs: Mapping[str, Any]) -> Any:
        """Give the mask of a call's first input, as Keras does; None where there is none."""
        given = self.tensors(kwargs.get("mask"))
        first = self.tensors((args, kwargs))[:1]
        masks = given or self.tensors([getattr(tensor, "_keras_mask", None) for tensor in first])
        return masks[0] if masks else None

    def _note_input(self, args: Any, kwargs: Mapping[str, Any], mask: Any) -> None:
        """Note what a recurrent layer takes, where no layer gives it."""
        path = "/".join(self._names[1:])
        for tensor in self.tensors((args, kwargs))[:1]:
            if tensor.name not in self.origins:
                self.note(Operations(), f"{path}/input", tensor, self.sources([tensor]))
        if mask is not None and self._maker(mask) is None:
            self._masks.append((mask, len(self.calls)))
            self.note(Operations(), f"{path}/mask", mask, self.sources([mask]))

    def _maker(self, mask: Any) -> int | None:
        """Find the call that made a mask.

        A functional model makes it anew for each layer that obeys it, by the same operations.
        """
        made = (number for known, number in self._masks if _is_same(known, mask))
        return None if mask is None else next(made, None)

    def note(
        self,
        layer: Any,
        path: str,
        result: Any,
        inbound: tuple[int | str, ...],
        mask_origin: int | None = None,
        *,
        operations_between: bool = False,
    ) -> Any:
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
        number = len(self.calls)
        self.origins[output.name] = number
        for mask in self.tensors(getattr(output, "_keras_mask", None)):
            if self._maker(mask) is None:
                self._masks.append((mask, number))
        self.calls.append(Call(layer, path, output, inbound, mask_origin, operations_between))
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

    def _is_handed_on(self, tensor: Any) -> bool:
        """Whether a tensor has the values of a call or of a model input."""
        while tensor.name not in self.origins:
            if tensor.op.type not in HANDING_ON:
                return False
            tensor = tensor.op.inputs[0]
        return True


def _is_same(one: Any, other: Any) -> bool:
    """Whether two tensors of a graph have the same value, being made in the same way."""
    if one.name == other.name:
        return True
    first, second = one.op, other.op
    if first.type != second.type or dict(first.node_def.attr) != dict(second.node_def.attr):
        return False
    if not first.inputs:
        return bool(first.type == "Const")  # its value is one of the attributes
    return len(first.inputs) == len(second.inputs) and all(
        _is_same(mine, theirs) for mine, theirs in zip(first.inputs, second.inputs, strict=True)
    )


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


def model_inputs(model: Any, named: dict[str, Any]) -> Any:
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
def kept_losses(model: Any) -> Iterator[None]:
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


def variable_reader(variables: list[Any]) -> Callable[[], list[Any]]:
    """Give what reads all variables, in the calling thread.

    Plain operations, which wait for no other thread: a traced function takes a millisecond and
    more while TensorFlow's threads are busy.

    Parameters
    ----------
    variables : list of keras.Variable
        What is read.
    """
    import tensorflow as tf

    values = [variable.value for variable in variables]
    if all(type(value).__name__ == "ResourceVariable" for value in values):
        read = tf.raw_ops.ReadVariableOp
        places = [(value.handle, value.dtype) for value in values]
        return lambda: [read(resource=handle, dtype=dtype) for handle, dtype in places]
    # Over several devices a variable is several.
    traced = tf.function(
        lambda: [tf.convert_to_tensor(v.value) for v in variables], autograph=False
    )
    return lambda: list(traced())

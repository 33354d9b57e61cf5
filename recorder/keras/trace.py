"""Two functions: one reads every variable, one gives every activation of the probe.

The model is traced once while `keras.layers.Layer.__call__` is watched: what each layer returned
in the traced graph becomes an output. The trace runs in a `keras.StatelessScope`, where the
variables are inputs of the function. So the training thread only reads the variables, which is one
consistent moment, and the forward pass follows from those values later, on another thread. Nor has
the pass a side effect: a stateful recurrent layer's state is left alone.

A model that cannot be traced (NumPy in its ``call``) runs eagerly instead, each time anew, see
`recorder.keras.eager`.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from recorder.keras.inputs import Feed
from recorder.keras.layers import layer_kind
from recorder.keras.parts import is_built
from recorder.keras.quiet import quietly
from store.format.keras_names import is_leaf, is_model, is_recorded_type
from store.format.names import DATA_TYPES

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
    arguments : mapping of str to (Source, list of Source, bool, int or float)
        What it was given, by the names of its arguments; empty where that is one tensor alone.
    """

    layer: Any
    path: str
    output: Any
    inbound: tuple[int | str, ...]
    mask: int | None = None
    operations_between: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an argument comes from: a call, by number, a model input, by name, or neither."""

    origin: int | str | None


class Operations:
    """Stands for plain operations whose result a recurrent or an attention layer takes.

    What such a layer does inside is derived from its inputs, which must be in the run.
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
    shapes : list of tuple of int
        Shape of the output of each call.
    axes : list of (int or None)
        Which axis of each output has an entry for each probe; None: none has.
    is_eager : bool
        Whether the pass runs operation by operation, since it cannot be traced.
    """

    calls: list[Call]
    variables: list[Any]
    outputs: list[int]
    is_pure: bool
    _read: Callable[[], list[Any]]
    _forward: Callable[..., list[Any]]
    _inputs: list[Any]
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    axes: list[int | None] = field(default_factory=list)
    is_eager: bool = False

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
            One for each call, in the shape that the call gave it.
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

        if self.is_eager:
            return replace(self, _forward=forward)
        # TensorFlow inlines the whole pass into this one and drops what nothing needs. (Cutting
        # the graph by its `prune` instead makes every call six times as slow.)
        given = [*self._inputs, *self._read()]
        signature = [tf.TensorSpec(value.shape, value.dtype) for value in given]
        narrow = tf.function(forward, autograph=False, input_signature=signature)
        return replace(self, _forward=narrow.get_concrete_function())


def trace(model: Any, feed: Feed, *, answers: int | None = None) -> Trace:
    """Trace a Keras model on the probe, in inference mode.

    Parameters
    ----------
    model : keras.Model
        The model; it is built by this, when it is not yet.
    feed : Feed
        The probe's inputs.
    answers : int, optional
        How many probes there are, where the inputs have no entry for each (the nodes and edges of
        a graph): the model's own outputs then have one, if they are as many.
    """
    build(model, feed)
    variables = recorded_variables(model)
    calls, outputs, function = _traced(model, variables, feed)
    is_pure = all(captured.dtype.name != "resource" for captured in function.captured_inputs)
    traced = Trace(
        calls, variables, outputs, is_pure, variable_reader(variables), function, feed.components
    )
    shapes = _shapes(calls, traced.activations, traced.read)
    if answers is not None:
        axes = axes_of_answers(shapes, outputs, answers)
        return replace(traced, shapes=shapes, axes=axes)
    larger = None
    with contextlib.suppress(Exception):  # a model may take batches of one size only
        other = feed.one_more()
        more_calls, _, more = _traced(model, variables, other)
        if [call.path for call in more_calls] == [call.path for call in calls]:
            larger = _shapes(
                more_calls, lambda values: more(*other.components, *values), traced.read
            )
    return replace(traced, shapes=shapes, axes=probe_axes(shapes, larger, feed.size))


def build(model: Any, feed: Feed) -> None:
    """Build a model by the probe, if it or a layer in it is not built yet.

    As a training builds it, by tracing: nothing is run, so that what its call draws from
    generators of random numbers, or counts, is still to be drawn and counted by the training.
    """
    import tensorflow as tf

    if _is_whole(model):
        return

    def passed() -> None:
        model(feed.arranged(model), training=False)

    with contextlib.suppress(Exception), kept_losses(model):
        tf.function(passed, autograph=False).get_concrete_function()
        return
    if not _is_whole(model):
        passed()  # what it computes cannot be traced


def _is_whole(model: Any) -> bool:
    """Whether a model is built, and what it holds: it may be said to be, and its layers are not."""
    return bool(model.built) and all(map(is_built, model._flatten_layers()))


def recorded_variables(model: Any) -> list[Any]:
    """Give the variables that are recorded: those of numbers that are not empty."""
    return [
        variable
        for variable in model.weights
        if is_recorded_type(variable.dtype) and 0 not in variable.shape
    ]


def probe_axes(
    shapes: Sequence[tuple[int, ...]], larger: Sequence[tuple[int, ...]] | None, size: int
) -> list[int | None]:
    """Find the axis of each output that has an entry for each probe.

    It is the one that grows by one when there is one probe more. An axis that only happens to be
    as long as there are probes (four nodes and four probes) does not grow.

    Parameters
    ----------
    shapes : sequence of tuple of int
        Shape of each output.
    larger : sequence of tuple of int or None
        The same with one probe more. None for a model that takes batches of one size only: its
        first axes that are as long as there are probes are then taken for theirs.
    size : int
        How many probes there are.

    Examples
    --------
    >>> probe_axes([(4, 3), (4, 4, 3), (8, 3)], [(5, 3), (4, 5, 3), (10, 3)], 4)
    [0, 1, None]
    """
    if larger is None:
        return [0 if shape[:1] == (size,) else None for shape in shapes]
    return [
        next(
            (
                axis
                for axis, (before, after) in enumerate(zip(shape, other, strict=False))
                if (before, after) == (size, size + 1)
            ),
            None,
        )
        for shape, other in zip(shapes, larger, strict=True)
    ]


def axes_of_answers(
    shapes: Sequence[tuple[int, ...]], outputs: Sequence[int], answers: int
) -> list[int | None]:
    """Find the outputs of a model that has an answer for each probe, and for nothing else."""
    return [
        0 if number in outputs and shape[:1] == (answers,) else None
        for number, shape in enumerate(shapes)
    ]


def _traced(model: Any, variables: Sequence[Any], feed: Feed) -> tuple[list[Call], list[int], Any]:
    """Trace the pass of some inputs; give its calls, which are outputs, and the function."""
    import keras
    import tensorflow as tf

    calls: list[Call] = []
    outputs: list[int] = []
    signature = feed.signature()

    def forward(*tensors: Any) -> list[Any]:
        given = tensors[: len(signature)]
        state = list(zip(variables, tensors[len(signature) :], strict=True))
        watch = Watch({tensor.name: name for tensor, name in zip(given, feed.origins, strict=True)})
        with keras.StatelessScope(state_mapping=state), watch.watching():
            result = model(feed.made_of(given).arranged(model), training=False)
        outputs[:] = watch.output_calls(model, result)
        calls[:] = watch.calls
        return [storable(call.output) for call in calls]

    held = [tf.TensorSpec(variable.shape, variable.dtype) for variable in variables]
    # Unlike tf.function this runs no operation but those that the outputs need.
    with kept_losses(model), quietly():
        function = tf.compat.v1.wrap_function(forward, [*signature, *held])
    return calls, outputs, function


def _shapes(
    calls: Sequence[Call],
    activations: Callable[[list[Any]], Sequence[Any]],
    read: Callable[[], list[Any]],
) -> list[tuple[int, ...]]:
    """Shapes of the outputs; the graph knows nearly all of them."""
    known = [call.output.shape for call in calls]
    if not all(shape.is_fully_defined() for shape in known):
        known = [value.shape for value in activations(read())]
    return [tuple(int(size) for size in shape) for shape in known]


def trace_of_weights(part: Any) -> Trace:
    """Give the trace of what nothing is sent through: no call, and the variables.

    Parameters
    ----------
    part : keras.Model, keras.layers.Layer or object
        Has ``weights``.
    """
    variables = recorded_variables(part)
    return Trace([], variables, [], True, variable_reader(variables), lambda *_: [], [])


@dataclass(slots=True)
class Watch:
    """Notes what the layers return during one pass, traced or eager, in this thread only."""

    origins: dict[Hashable, int | str]  # which tensor comes from which call or model input
    calls: list[Call] = field(default_factory=list)
    _kept: list[Any] = field(default_factory=list)  # so that none gets the key of another
    _masks: list[tuple[Any, int]] = field(default_factory=list)  # masks, and who made each
    _names: list[str] = field(default_factory=list)
    _inside_leaf: bool = False
    _graph: Any = None  # None while the pass is eager

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the layers that are called within."""
        import keras
        import tensorflow as tf

        self._graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
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
        arguments = self._arguments(layer, args, kwargs) if self._inside_leaf else {}
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
            arguments=arguments,
        )

    def _arguments(self, layer: Any, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Say what a call is given, and by which masks, before it takes masks off its inputs."""
        signature = inspect.signature(layer.call)
        # Keras takes some for itself (`training`) that the layer does not know.
        known = {name: value for name, value in kwargs.items() if name in signature.parameters}
        try:
            given = signature.bind(*args, **known).arguments
        except TypeError:  # Keras will say so itself
            return {}
        values = {
            name: value
            for name, value in given.items()
            if not name.endswith("mask") and self.tensors(value)
        }
        attends = layer_kind(layer) == "attention"
        found: dict[str, Any] = {
            name: _mapped(value, partial(self._source_of, noted_as=name if attends else None))
            for name, value in values.items()
        }
        if attends:
            found |= self._masks_given(given, values, [*signature.parameters])
        found |= {
            name: value
            for name, value in given.items()
            if name != "training" and isinstance(value, bool | int | float)
        }
        return {} if [type(value) for value in found.values()] == [Source] else found

    def _source_of(self, tensor: Any, noted_as: str | None) -> Source:
        """Find which call gave a tensor; where none did, note it by a name, if there is one."""
        key = self._key(_values_of(tensor))
        if key not in self.origins and noted_as is not None:
            path = "/".join([*self._names[1:], noted_as])
            self.note(Operations(), path, tensor, self.sources([_values_of(tensor)]))
        return Source(self.origins.get(key))

    def _masks_given(
        self, given: Mapping[str, Any], values: Mapping[str, Any], names: Sequence[str]
    ) -> dict[str, Any]:
        """Find what an attention layer leaves out: by the masks of its inputs, and by one more."""
        found: dict[str, Any] = {}
        for number, (name, value) in enumerate(values.items()):
            argument = "mask" if number == 0 and "mask" in names else f"{name}_mask"
            if argument not in names:
                continue
            masks = given.get(argument)
            if masks is None:
                masks = _mapped(value, lambda one: getattr(one, "_keras_mask", None))
            if self.tensors(masks):
                found[argument] = _mapped(masks, partial(self._maker_of, argument=argument))
        if given.get("attention_mask") is not None:
            found["attention_mask"] = self._more_masked(given["attention_mask"], values)
        return found

    def _maker_of(self, mask: Any, argument: str) -> Source:
        """Find which call made the mask of an input; note it where none did."""
        if mask is not None and self._maker(mask) is None:
            self._masks.append((mask, len(self.calls)))
            path = "/".join([*self._names[1:], argument])
            self.note(Operations(), path, mask, self.sources([mask]))
        return Source(self._maker(mask))

    def _more_masked(self, mask: Any, values: Mapping[str, Any]) -> Source:
        """Find which call gave a mask of pairs of places; note it for each probe where none did."""
        import tensorflow as tf

        if not self.tensors(mask) or self._key(mask) not in self.origins:
            mask = tf.convert_to_tensor(mask)  # a constant may be an array
            size = tf.shape(self.tensors(list(values.values()))[0])[:1]
            whole = mask if len(mask.shape) > 2 else mask[None]
            mask = tf.broadcast_to(whole, tf.concat([size, tf.shape(whole)[1:]], 0))
        return self._source_of(mask, "attention_mask")

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
            if self._key(tensor) not in self.origins:
                self.note(Operations(), f"{path}/input", tensor, self.sources([tensor]))
        if mask is not None and self._maker(mask) is None:
            self._masks.append((mask, len(self.calls)))
            self.note(Operations(), f"{path}/mask", mask, self.sources([mask]))

    def _maker(self, mask: Any) -> int | None:
        """Find the call that made a mask.

        A functional model makes it anew for each layer that obeys it, by the same operations, and
        a layer that adds up what has one mask makes one of twice the same.
        """
        mask = _merged(mask)
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
        arguments: Mapping[str, Any] | None = None,
    ) -> Any:
        """Note one call; give back its result with a first tensor that is its own."""
        import keras
        import tensorflow as tf

        outputs = self._outputs(result)
        if not outputs or not is_recorded_type(outputs[0].dtype.name):
            return result
        output = outputs[0]
        if self._key(_values_of(output)) in self.origins:
            # A layer that passes its input on (Dropout in inference mode) gets a tensor of its own.
            own = tf.nest.map_structure(tf.identity, output, expand_composites=True)
            mask = getattr(output, "_keras_mask", None)
            if mask is not None:
                own._keras_mask = mask
            result = keras.tree.map_structure(
                lambda value: own if value is output else value, result
            )
            output = own
        number = len(self.calls)
        self.origins[self._key(_values_of(output))] = number
        self._kept.append(output)
        for mask in self.tensors(getattr(output, "_keras_mask", None)):
            if self._maker(mask) is None:
                self._masks.append((mask, number))
        self.calls.append(
            Call(
                layer,
                path,
                _dense(output),
                inbound,
                mask_origin,
                operations_between,
                arguments or {},
            )
        )
        return result

    def tensors(self, values: Any) -> list[Any]:
        """Plain tensors of this pass; of ragged and sparse ones what holds their values.

        Those of a loop's body, or of a function that is traced meanwhile, are not among them.
        """
        return [_values_of(output) for output in self._outputs(values)]

    def sources(self, tensors: list[Any]) -> tuple[int | str, ...]:
        """Find the calls and model inputs that tensors come from, through plain operations.

        An eager tensor does not tell what it was made of: then only tensors that came straight
        from a call are found.
        """
        found: dict[int | str, None] = {}
        waiting, seen = list(reversed(tensors)), set()
        while waiting:
            tensor = waiting.pop()
            key = self._key(tensor)
            if key in seen:
                continue
            seen.add(key)
            origin = self.origins.get(key)
            if origin is not None:
                found[origin] = None
            elif self._graph is not None:
                waiting.extend(reversed(tensor.op.inputs))
        return tuple(found)

    def _is_handed_on(self, tensor: Any) -> bool:
        """Whether a tensor has the values of a call or of a model input.

        An eager one that comes straight from neither does not tell what it was made of.
        """
        while self._key(tensor) not in self.origins:
            if self._graph is None or tensor.op.type not in HANDING_ON:
                return False
            tensor = tensor.op.inputs[0]
        return True

    def output_calls(self, model: Any, result: Any) -> list[int]:
        """Which calls give the model's outputs; an output made by plain operations becomes one."""
        numbers: list[int] = []
        for value in self.tensors(result):
            origin = self.origins.get(self._key(value))
            if not isinstance(origin, int):
                before = len(self.calls)
                self.note(model, model.name, value, self.sources([value]))
                if len(self.calls) == before:
                    continue
                origin = before
            if origin not in numbers:
                numbers.append(origin)
        return numbers

    def _outputs(self, values: Any) -> list[Any]:
        """Tensors of this pass, ragged and sparse ones as they are."""
        import keras
        import tensorflow as tf

        return [
            value
            for value in keras.tree.flatten(values)
            if isinstance(value, tf.Tensor | tf.RaggedTensor | tf.SparseTensor)
            and self._is_ours(_values_of(value))
        ]

    def _is_ours(self, tensor: Any) -> bool:
        import tensorflow as tf

        if self._graph is None:
            return not tf.is_symbolic_tensor(tensor)
        return tf.is_symbolic_tensor(tensor) and tensor.graph is self._graph

    def _key(self, tensor: Any) -> Hashable:
        """Tell tensors apart: an eager one has no name. The calls keep those alive that count."""
        return id(tensor) if self._graph is None else tensor.name


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Change a value, or each one of a list."""
    return [change(one) for one in value] if isinstance(value, list | tuple) else change(value)


def _values_of(value: Any) -> Any:
    """Give the plain tensor that holds the values of a ragged or sparse one, or is one."""
    import tensorflow as tf

    if isinstance(value, tf.RaggedTensor):
        return value.flat_values
    return value.values if isinstance(value, tf.SparseTensor) else value


def _dense(value: Any) -> Any:
    """Give a ragged tensor filled up with zeros, a sparse one with its zeros."""
    import tensorflow as tf

    if isinstance(value, tf.RaggedTensor):
        return value.to_tensor()
    return tf.sparse.to_dense(value) if isinstance(value, tf.SparseTensor) else value


def _merged(mask: Any) -> Any:
    """Give a mask in place of one that is made of twice the same."""
    import tensorflow as tf

    while tf.is_symbolic_tensor(mask) and mask.op.type in ("LogicalOr", "LogicalAnd"):
        first, second = mask.op.inputs
        if not _is_same(first, second):
            break
        mask = first
    return mask


def _is_same(one: Any, other: Any) -> bool:
    """Whether two tensors of a graph have the same value, being made in the same way."""
    import tensorflow as tf

    if one is other or not (tf.is_symbolic_tensor(one) and tf.is_symbolic_tensor(other)):
        return one is other
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

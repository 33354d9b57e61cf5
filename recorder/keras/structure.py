"""From a traced model to the store's description of its layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recorder.keras.derivations import derivation_of
from recorder.keras.inputs import Feed
from recorder.keras.layers import (
    activation_dims,
    is_channels_first,
    is_over_time,
    layer_configuration,
    layer_kind,
    whole_dims,
)
from recorder.keras.trace import Call, Source, Trace
from recorder.keras.weights import weight_specs
from store.format.derivation import Derivation
from store.format.keras_names import is_leaf, is_model
from store.format.names import DATA_TYPES, layer_path, safe_name, weight_path
from store.format.spec import LayerSpec


@dataclass(frozen=True, slots=True)
class Structure:
    """What is recorded of a model, and to which array each tensor of a step goes.

    Attributes
    ----------
    layers : tuple of LayerSpec
        Inputs first, then the layers in the order of their calls.
    outputs : tuple of str
        Names of the layers that give the model's outputs.
    activation_paths : tuple of (str or None)
        Array path of each activation that `Trace.activations` gives; None: not recorded.
    probe_axes : tuple of int
        Which axis of each of these has an entry for each probe: in the run it is the first.
    weight_paths : tuple of (str or None)
        Array path of each variable that `Trace.read` gives; None: not recorded.
    left_out : mapping of str to str
        Why a layer has no configuration, by the layer's path.
    """

    layers: tuple[LayerSpec, ...]
    outputs: tuple[str, ...]
    activation_paths: tuple[str | None, ...]
    probe_axes: tuple[int, ...]
    weight_paths: tuple[str | None, ...]
    left_out: Mapping[str, str]

    def frames(self, activations: Sequence[Any], weights: Sequence[Any]) -> dict[str, Any]:
        """Assign the tensors of a step to the arrays of the run."""
        pairs = [
            *zip(
                self.activation_paths,
                map(_probe_first, activations, self.probe_axes),
                strict=True,
            ),
            *zip(self.weight_paths, weights, strict=True),
        ]
        return {path: value for path, value in pairs if path is not None}

    def narrowed(self, layers: Sequence[LayerSpec]) -> Structure:
        """Give the structure with the same layers, some of whose arrays are not recorded.

        Its `activation_paths` are those of `Trace.narrowed`: none is None.
        """
        kept = {array.path for layer in layers for array in layer.array_specs()}
        places = zip(self.activation_paths, self.probe_axes, strict=True)
        left = [(path, axis) for path, axis in places if path in kept]
        return replace(
            self,
            layers=tuple(layers),
            activation_paths=tuple(path for path, _ in left),
            probe_axes=tuple(axis for _, axis in left),
            weight_paths=tuple(path if path in kept else None for path in self.weight_paths),
        )


def _probe_first(activation: Any, axis: int) -> Any:
    return activation if axis == 0 else np.moveaxis(np.asarray(activation), axis, 0)


def describe(model: Any, traced: Trace, feed: Feed | None) -> Structure:
    """Describe the layers of a traced model.

    Parameters
    ----------
    model : keras.Model
        The model.
    traced : Trace
        Its trace on the probe.
    feed : Feed or None
        The probe's inputs; None: only weights are recorded.
    """
    return _Description(model, traced, feed).structure()


class _Description:
    """The state that describing one model needs."""

    def __init__(self, model: Any, traced: Trace, feed: Feed | None) -> None:
        self._model = model
        self._trace = traced
        self._taken: list[str] = []
        self._inputs = {} if feed is None else _input_layers(model, feed, self._taken)
        self._names = [_claim(call.path, self._taken) for call in traced.calls]
        self._owners = _owners(traced)
        self._weight_paths = [""] * len(traced.variables)
        self._left_out: dict[str, str] = {}
        self._channels_first: list[bool] = []

    def structure(self) -> Structure:
        """Describe inputs, calls, and layers that hold variables but were not seen to be called."""
        layers = list(self._inputs.values())
        layers += [self._called(number) for number in range(len(self._names))]
        for layer, path, indices in _uncalled(self._model, self._trace, self._owners):
            layers.append(self._layer(_claim(path, self._taken), layer, indices))
        kept = {layer.name: layer.output_path for layer in layers if layer.output_dims}
        return Structure(
            layers=tuple(layers),
            outputs=tuple(self._names[number] for number in self._trace.outputs),
            activation_paths=tuple(kept.get(name) for name in self._names),
            probe_axes=tuple(axis or 0 for axis in self._trace.axes),
            weight_paths=tuple(self._weight_paths),
            left_out=self._left_out,
        )

    def _called(self, number: int) -> LayerSpec:
        call, shape = self._trace.calls[number], self._trace.shapes[number]
        axis = self._trace.axes[number]
        self._channels_first.append(self._is_channels_first(call))
        dims: tuple[str, ...] = ()
        if axis is None and 0 not in shape:
            dims = whole_dims(shape)
        elif axis is not None and 0 not in shape:
            shape = (shape[axis], *shape[:axis], *shape[axis + 1 :])
            dims = activation_dims(
                _kind(call.layer),
                shape,
                channels_first=self._channels_first[number],
                over_time=is_over_time(call.layer),
            )
        inbound = tuple(self._source(source) for source in call.inbound)
        return self._layer(
            self._names[number],
            call.layer,
            [index for index, owner in enumerate(self._owners) if owner == number],
            inbound=inbound,
            derivation=self._derivation(number, inbound) if dims else None,
            mask_from=None if call.mask is None else self._names[call.mask],
            operations_between=call.operations_between,
            arguments={name: self._argument(value) for name, value in call.arguments.items()},
            output_dims=dims,
            output_shape=shape if dims else (),
            output_dtype=_stored_type(call.output.dtype.name),
        )

    def _derivation(self, number: int, inbound: tuple[str, ...]) -> Derivation | None:
        trace, call = self._trace, self._trace.calls[number]
        sources = [source for source in call.inbound if isinstance(source, int)]
        if not sources or len(sources) < len(call.inbound):  # an input of the model is no layer
            return None
        probe_first = all(trace.axes[each] == 0 for each in (number, *sources))
        if call.operations_between or not probe_first or trace.is_eager:
            return None
        found = derivation_of(call.layer, inbound, trace.shapes[sources[0]], trace.shapes[number])
        # What is widened to be stored was rounded more coarsely than a reader would round.
        widened = call.output.dtype.name not in DATA_TYPES
        return None if found and widened and not found.operation.keeps_order else found

    def _layer(self, name: str, layer: Any, indices: Sequence[int], **output: Any) -> LayerSpec:
        """Describe one layer, and note where its variables go."""
        variables = [self._trace.variables[index] for index in indices]
        taken = dict(
            zip(output.get("output_dims", ()), output.get("output_shape", ()), strict=True)
        )
        types = [_stored_type(variable.dtype) for variable in variables]
        weights = weight_specs(layer, variables, types, taken)
        for index, spec in zip(indices, weights, strict=True):
            self._weight_paths[index] = weight_path(name, spec.name)
        config = layer_configuration(layer)
        if config.left_out is not None:
            self._left_out[layer_path(name)] = config.left_out
        return LayerSpec(
            name=name,
            class_name=type(layer).__name__,
            kind=_kind(layer),
            config=config.value or {},
            weights=weights,
            parameters=sum(math.prod(spec.shape) for spec in weights),
            **output,
        )

    def _source(self, source: int | str) -> str:
        return self._names[source] if isinstance(source, int) else self._inputs[source].name

    def _argument(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._argument(one) for one in value]
        if not isinstance(value, Source):
            return value
        return None if value.origin is None else self._source(value.origin)

    def _is_channels_first(self, call: Call) -> bool:
        own = is_channels_first(call.layer)
        if own is not None:
            return own
        return any(
            self._channels_first[source] for source in call.inbound if isinstance(source, int)
        )


def _kind(layer: Any) -> str:
    return "other" if is_model(layer) else layer_kind(layer)


def _claim(path: str, taken: list[str]) -> str:
    name = safe_name(path, taken)
    taken.append(name)
    return name


def _input_layers(model: Any, feed: Feed, taken: list[str]) -> dict[str, LayerSpec]:
    """One layer of kind "input" for each input of the probe, by the probe's name for it."""
    by_name = feed.tensors_of(model)
    layers = {}
    for name in feed.names:
        history = getattr(by_name.get(name), "_keras_history", None)
        layer = getattr(history, "operation", None)
        layers[name] = LayerSpec(
            name=_claim(name if layer is None else layer.name, taken),
            class_name="InputLayer",
            kind="input",
            config={} if layer is None else layer_configuration(layer).value or {},
        )
    return layers


def _owners(traced: Trace) -> list[int | None]:
    """Give each variable to the first call of the innermost layer that has it.

    A shared layer's variables are stored once, with its first call.
    """
    index_of = {id(variable): index for index, variable in enumerate(traced.variables)}
    owners: list[int | None] = [None] * len(traced.variables)
    # Calls are noted when they end, so inner layers come before the layer that holds them.
    for number, call in enumerate(traced.calls):
        for variable in _own_variables(call.layer):
            index = index_of.get(id(variable))
            if index is not None and owners[index] is None:
                owners[index] = number
    return owners


def _own_variables(layer: Any) -> list[Any]:
    """Variables that are recorded with a layer: all of a leaf's, else those of no layer inside."""
    if is_leaf(layer):
        return list(layer.weights)
    inner = {id(held) for child in getattr(layer, "_layers", []) for held in child.weights}
    return [variable for variable in layer.weights if id(variable) not in inner]


def _uncalled(
    model: Any, traced: Trace, owners: Sequence[int | None]
) -> list[tuple[Any, str, list[int]]]:
    """Find layers whose output no call gave (run in a loop, or never), with their variables."""
    groups: dict[int, tuple[Any, str, list[int]]] = {}
    for index, variable in enumerate(traced.variables):
        if owners[index] is None:
            layer, path = _holder(model, variable)
            groups.setdefault(id(layer), (layer, path, []))[2].append(index)
    return list(groups.values())


def _holder(model: Any, variable: Any) -> tuple[Any, str]:
    """Find the layer that holds a variable: the outermost of Keras's own, else the innermost."""
    layer, names = model, [model.name]
    while True:
        inner = next(
            (
                child
                for child in getattr(layer, "_layers", [])
                if any(held is variable for held in child.weights)
            ),
            None,
        )
        if inner is None or (layer is not model and is_leaf(layer)):
            return layer, "/".join(names[1:]) or model.name
        layer = inner
        names.append(inner.name)


def _stored_type(dtype: str) -> str:
    return dtype if dtype in DATA_TYPES else "float32"

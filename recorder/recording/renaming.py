"""The names that a run has for the layers of a model, where Keras has numbered them on.

Keras numbers layers without a name over the whole process: a cell of a notebook that builds a model
again makes ``dense_2`` of what was ``dense``. Both are the same layer of the same network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from store.format.layers import Layer, Layers
from store.format.spec import EvaluationSpec, LayerSpec, PredictionSpec, RunSpec, WeightSpec

_NUMBER = re.compile(r"_\d+(?=\.|$)")


class Renaming:
    """From the names that a model has now to those of its run.

    Parameters
    ----------
    spec : RunSpec
        The model as it is called now.
    recorded : Layers
        The layers of the run.

    Attributes
    ----------
    layers : dict of str to str
        Names of the run by names of now, where they differ. Empty where all are the same, and where
        the networks are not: then it is not this that makes them fit.
    paths : dict of str to str
        The same of arrays.
    """

    def __init__(self, spec: RunSpec, recorded: Layers) -> None:
        pairs = [*zip(spec.layers, recorded.values(), strict=False)]
        fits = len(spec.layers) == len(recorded) and all(_is_same(*pair) for pair in pairs)
        self._pairs = {ours.name: theirs for ours, theirs in pairs} if fits else {}
        self._weights = {ours.name: _weight_names(ours, theirs) for ours, theirs in pairs if fits}
        self.layers = {
            name: theirs.name for name, theirs in self._pairs.items() if name != theirs.name
        }
        self.paths: dict[str, str] = {}

    def applied(self, spec: RunSpec) -> RunSpec:
        """Describe the model under the names of its run."""
        layers = tuple(map(self._layer, spec.layers))
        evaluations = tuple(map(self._evaluation, spec.evaluations))
        named = replace(
            spec,
            layers=layers,
            outputs=tuple(map(self._name, spec.outputs)),
            evaluations=evaluations,
        )
        pairs = zip(spec.array_specs(), named.array_specs(), strict=True)
        self.paths = {ours.path: theirs.path for ours, theirs in pairs if ours.path != theirs.path}
        if spec.updates is None:
            return named
        variables = tuple(self.paths.get(path, path) for path in spec.updates.variables)
        return replace(named, updates=replace(spec.updates, variables=variables))

    def _name(self, name: str) -> str:
        return self.layers.get(name, name)

    def _argument(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._argument(one) for one in value]
        return self._name(value) if isinstance(value, str) else value

    def _layer(self, layer: LayerSpec) -> LayerSpec:
        theirs = self._pairs[layer.name]
        called = {key: theirs.config[key] for key in ("name",) if key in theirs.config}
        derivation = layer.derivation
        sources = () if derivation is None else tuple(map(self._name, derivation.sources))
        return replace(
            layer,
            name=theirs.name,
            config={**layer.config, **called},
            inbound=tuple(map(self._name, layer.inbound)),
            mask_from=None if layer.mask_from is None else self._name(layer.mask_from),
            arguments={name: self._argument(value) for name, value in layer.arguments.items()},
            derivation=None if derivation is None else replace(derivation, sources=sources),
            weights=tuple(self._weight(layer.name, weight) for weight in layer.weights),
        )

    def _weight(self, layer: str, weight: WeightSpec) -> WeightSpec:
        name = self._weights[layer].get(weight.name, weight.name)
        # A dimension that stands for another size beside the layer's output is called after it.
        dims = tuple(
            dim.removesuffix(weight.name) + name if dim.endswith(f"_of_{weight.name}") else dim
            for dim in weight.dims
        )
        return replace(weight, name=name, dims=dims)

    def _evaluation(self, evaluation: EvaluationSpec) -> EvaluationSpec:
        predictions = tuple(map(self._prediction, evaluation.predictions))
        return replace(evaluation, predictions=predictions)

    def _prediction(self, prediction: PredictionSpec) -> PredictionSpec:
        output = self._name(prediction.output)
        kind, dot, called = prediction.name.partition(".")
        name = f"{kind}.{output}" if dot and called == prediction.output else prediction.name
        return replace(prediction, output=output, name=name)


def _is_same(ours: LayerSpec, theirs: Layer) -> bool:
    """Whether two layers are the same, whatever their numbers."""
    shapes = {weight.name: weight.shape for weight in ours.weights}
    names = _weight_names(ours, theirs)
    return (
        _unnumbered(ours.name) == _unnumbered(theirs.name)
        and ours.class_name == theirs.class_name
        and ours.parameters == theirs.parameters
        and tuple(ours.attributes()["output_shape"]) == theirs.output_shape
        and {names.get(name, name): shape for name, shape in shapes.items()} == theirs.weights
    )


def _weight_names(ours: LayerSpec, theirs: Layer) -> Mapping[str, str]:
    """Give the names of a layer's variables in the run: those of a wrapped layer have numbers."""
    known = {_unnumbered(name): name for name in theirs.weights}
    return {
        weight.name: known.get(_unnumbered(weight.name), weight.name) for weight in ours.weights
    }


def _unnumbered(name: str) -> str:
    """Leave out the numbers that tell layers of one class apart.

    Examples
    --------
    >>> _unnumbered("block_2.dense_13")
    'block.dense'
    """
    return _NUMBER.sub("", name)

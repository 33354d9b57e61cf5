"""Keras layers and models beside the networks that should repeat them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node

Array = np.ndarray
PROBES = 3


def _close(found: Any, expected: Any, tolerance: float = 1e-4) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    scale = max(float(np.nanmax(np.abs(expected), initial=0)), 1e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


@pytest.fixture(scope="session")
def close() -> Callable[..., None]:
    """Compare to a share of the greatest value; NaN only where NaN is expected."""
    return _close


@pytest.fixture(scope="session")
def randomized() -> Callable[..., None]:
    """Give every variable values of its own, biases and statistics too."""
    return _randomized


@dataclass(frozen=True)
class Recorded:
    """A Keras model as a run would describe it."""

    model: Any
    network: Network
    weights: dict[str, dict[str, Array]]
    inputs: dict[str, Array]
    trace: Any
    names: tuple[str, ...]

    @property
    def output(self) -> str:
        return self.names[-1]

    def by_keras(self) -> dict[str, Array]:
        """Activation of every layer."""
        values = self.trace.activations(self.trace.read())
        return dict(zip(self.names, map(np.asarray, values), strict=True))

    def gradients(self, seed: Array) -> dict[str, Array]:
        """Gradient at every layer's output, from one at the model's, in TensorFlow's graph."""
        import tensorflow as tf

        outputs = [call.output for call in self.trace.calls]
        graph = outputs[-1].graph
        with graph.as_default():
            found = tf.gradients(outputs[-1], outputs[:-1], grad_ys=tf.constant(seed))
        known = [(name, gradient) for name, gradient in zip(self.names, found, strict=False)]
        names = [name for name, gradient in known if gradient is not None]
        tensors = [gradient for _, gradient in known if gradient is not None]
        given = [*self.trace._inputs, *self.trace.read()]
        values = self.trace._forward.prune(self.trace._forward.inputs[: len(given)], tensors)(
            *given
        )
        return dict(zip(names, map(np.asarray, values), strict=True))


def _randomized(layer: Any, seed: int = 0) -> None:
    generator = np.random.default_rng(seed)
    for variable in layer.weights:
        values = generator.normal(scale=0.5, size=variable.shape)
        if "variance" in variable.name or "gamma" in variable.name:
            values = np.abs(values) + 0.5
        variable.assign(values.astype(variable.dtype))


@pytest.fixture(scope="session")
def recorded() -> Callable[..., Recorded]:
    """Describe a model by the recorder: names, inbound layers and masks are those of a run."""
    from recorder import Probe
    from recorder.keras.inputs import Feed
    from recorder.keras.structure import describe
    from recorder.keras.trace import trace

    def make(model: Any, inputs: Mapping[str, Array]) -> Recorded:
        several = len(inputs) > 1
        feed = Feed.of(Probe(dict(inputs) if several else next(iter(inputs.values()))))
        traced = trace(model, feed)
        structure = describe(model, traced, feed)
        nodes = [
            Node(
                spec.name,
                spec.class_name,
                spec.config,
                spec.inbound,
                spec.mask_from,
                spec.operations_between,
                arguments=spec.arguments,
            )
            for spec in structure.layers
        ]
        network = Network(nodes)
        variables = [np.asarray(value) for value in traced.read()]
        weights: dict[str, dict[str, Array]] = {}
        for path, values in zip(structure.weight_paths, variables, strict=True):
            assert path is not None
            _, layer, _, name = path.split("/")
            weights.setdefault(layer, {})[name] = values
        given = dict(zip(network.inputs, inputs.values(), strict=True))
        names = [path.split("/")[1] for path in structure.activation_paths if path]
        return Recorded(model, network, weights, given, traced, tuple(names))

    return make


@pytest.fixture(scope="session")
def single() -> Callable[..., tuple[Network, dict[str, dict[str, Array]], dict[str, Array]]]:
    """Make a network of one Keras layer, which is built and gets random weights."""
    from recorder.keras.layers import layer_configuration
    from store.format.keras_names import weight_names

    def make(
        layer: Any, inputs: Sequence[Array], is_masked: bool = False
    ) -> tuple[Network, dict[str, dict[str, Array]], dict[str, Array]]:
        layer(inputs[0] if len(inputs) == 1 else list(inputs))
        _randomized(layer)
        names = [f"input{number}" for number in range(len(inputs))]
        nodes = [Node(name, "InputLayer") for name in names]
        if is_masked:
            nodes.append(Node("masking", "Masking", {}, ("input0",)))
        maker = "masking" if is_masked else None
        config = layer_configuration(layer).value
        nodes.append(Node("layer", type(layer).__name__, config, tuple(names), maker))
        paths = weight_names([variable.path for variable in layer.weights])
        values = [np.asarray(variable) for variable in layer.weights]
        weights = {"layer": dict(zip(paths, values, strict=True))}
        return Network(nodes), weights, dict(zip(names, inputs, strict=True))

    return make

"""A backend for perceptrons written in NumPy: what another framework needs to be recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from recorder import Evaluation, Probe
from recorder.backend import UpdateNorm
from recorder.weight_sample import WeightSample
from store.format.names import UNIT_DIM, activation_path, weight_path
from store.format.spec import LayerSpec, RunSpec, WeightSpec

Weights = Mapping[str, np.ndarray]


class Perceptron:
    """Dense layers with tanh between them; `weights` maps "layer/variable" to float32 arrays."""

    def __init__(self, sizes: Sequence[int], seed: int) -> None:
        random = np.random.default_rng(seed)
        self.layers = [f"dense{number}" for number in range(1, len(sizes))]
        self.weights: dict[str, np.ndarray] = {}
        for layer, (before, after) in zip(self.layers, pairwise(sizes), strict=True):
            kernel = random.normal(size=(before, after)) / np.sqrt(before)
            self.weights[f"{layer}/kernel"] = kernel.astype(np.float32)
            self.weights[f"{layer}/bias"] = np.zeros(after, np.float32)

    def outputs(self, x: np.ndarray, weights: Weights | None = None) -> dict[str, np.ndarray]:
        """Give every layer's output (example, unit), with these weights or with its own."""
        weights, found = self.weights if weights is None else weights, {}
        for layer in self.layers:
            x = x @ weights[f"{layer}/kernel"] + weights[f"{layer}/bias"]
            x = found[layer] = x if layer == self.layers[-1] else np.tanh(x)
        return found


class NumpySubject:
    """One perceptron, its probe and its evaluations."""

    def __init__(self, model: Perceptron, probe: Probe, evaluations: Sequence[Evaluation]) -> None:
        self._model, self._evaluations = model, evaluations
        self._x = probe.inputs["input"]
        outputs, last = model.outputs(self._x), model.layers[-1]
        units = outputs[last].shape[1:]
        self.spec = RunSpec(
            name="perceptron",
            layers=(LayerSpec("input", "Input", "input"), *map(self._layer, outputs.items())),
            outputs=(last,),
            evaluations=tuple(each.to_spec([last], [(units, "float32")]) for each in evaluations),
        )
        self.held_bytes = sum(values.nbytes for values in model.weights.values())

    def take_frames(self) -> Callable[[], dict[str, Any]]:
        weights = {name: values.copy() for name, values in self._model.weights.items()}
        return lambda: self._follow(weights)

    def hold_weights(self) -> Weights:
        return {name: values.copy() for name, values in self._model.weights.items()}

    def update_norms(
        self, before: Weights, gradients: Sequence[Any] | None = None, *, earlier: Any = None
    ) -> Callable[[], dict[str, UpdateNorm]]:
        after = self.hold_weights()
        given = [None] * len(after) if gradients is None else gradients
        slopes = {name: np.copy(slope) for name, slope in zip(after, given, strict=True)}
        return lambda: {
            weight_path(*name.split("/")): UpdateNorm.between(
                before[name],
                after[name],
                earlier=earlier and earlier[name],
                gradient=None if gradients is None else slopes[name],
            )
            for name in after
        }

    def sample_weights(self) -> WeightSample:
        held = list(self._model.weights.values())
        return WeightSample(
            [values.shape for values in held],
            lambda strides: (
                lambda: np.concatenate(
                    [values.ravel()[::stride] for values, stride in zip(held, strides, strict=True)]
                )
            ),
        )

    def _layer(self, named: tuple[str, np.ndarray]) -> LayerSpec:
        name, output = named
        kernel, bias = (self._model.weights[f"{name}/{part}"] for part in ("kernel", "bias"))
        before = ["input", *self._model.layers][self._model.layers.index(name)]
        return LayerSpec(
            name,
            "Dense",
            "dense",
            inbound=(before,),
            output_dims=("probe", UNIT_DIM),
            output_shape=output.shape,
            weights=(
                WeightSpec("kernel", ("in_unit", UNIT_DIM), kernel.shape),
                WeightSpec("bias", (UNIT_DIM,), bias.shape),
            ),
            parameters=kernel.size + bias.size,
        )

    def _follow(self, weights: Weights) -> dict[str, Any]:
        frames = {weight_path(*name.split("/")): values for name, values in weights.items()}
        for layer, output in self._model.outputs(self._x, weights).items():
            frames[activation_path(layer)] = output
        last = self._model.layers[-1]
        for evaluation, described in zip(self._evaluations, self.spec.evaluations, strict=True):
            frames |= evaluation.predictions(
                lambda inputs: [self._model.outputs(inputs[0], weights)[last]], described
            )
        return frames


class NumpyBackend:
    """Looks into perceptrons."""

    def look_at(
        self, model: Perceptron, probe: Probe, evaluations: Sequence[Evaluation]
    ) -> NumpySubject:
        return NumpySubject(model, probe, evaluations)

    def updates_done(self, model: Perceptron) -> int | None:  # noqa: ARG002 - it counts none
        return None

"""Examples sent through the network in NumPy, with the weights of any recorded step."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, softmax

from explorer.data.examples import Examples, ExampleSource, examples_of
from explorer.data.run import RunData
from explorer.derived.network.curvature import Eigenvalue, noise_scale, top_eigenvalue
from explorer.derived.predictions.labels import too_few
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.units.collapse import Collapse, collapse
from store.format.names import weight_path

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]
StepWeights = dict[str, dict[str, Array]]

# What the training learns from comes first: the loss that it lowers is of those.
SOURCES: tuple[ExampleSource, ...] = ("train", "evaluation", "probe")
# Recorded steps that are looked at: each takes a pass of all examples, forwards and backwards.
MOST_STEPS = 16
# Examples whose loss is differentiated: for the sharpness some forty times at each step.
MOST_CURVED = 100
# Batches of the noise scale.
BATCHES = 10
# How far the output may be from the softmax of what the last layer sums up.
SAME = 1e-3


@dataclass(frozen=True)
class Replayed:
    """Labelled examples whose inputs were kept.

    Attributes
    ----------
    examples : Examples
        Which.
    output : str
        The layer that says how probable each class is.
    """

    examples: Examples
    output: str

    @classmethod
    def of(cls, data: RunData, sources: Sequence[ExampleSource] = SOURCES) -> Replayed | None:
        """Take a set that has inputs and labels; None where there is none.

        Parameters
        ----------
        data : RunData
            The run.
        sources : sequence of {"evaluation", "train", "probe"}
            The first with enough examples of each class is taken, else the first of all.
        """
        if len(data.run.outputs) != 1:
            return None
        known = [examples_of(data, source) for source in sources]
        sets = [one for one in known if one is not None and one.has_inputs]
        large = [one for one in sets if too_few(one.labels) is None]
        return next((cls(one, data.run.outputs[0]) for one in [*large, *sets]), None)

    @cached_property
    def inputs(self) -> Array:
        """What the network is given: (example, ...)."""
        given = self.examples.inputs()
        assert given is not None
        return given[0]

    @property
    def data(self) -> RunData:
        """The run."""
        return self.examples.data

    def weights(self, index: int) -> StepWeights:
        """Read all weights at a recorded step, by layer and name."""
        return {layer: self.data.weights(layer, index) for layer in self.data.run.layers}

    def gradient(self, weights: StepWeights, chosen: Array) -> StepWeights:
        """Differentiate the mean cross-entropy of some examples by the trainable weights.

        In inference mode: without dropout, and with the moving statistics of normalizations.
        Penalties on weights are left out.

        Raises
        ------
        NotDerivableError
            The output is no softmax or sigmoid, or a layer cannot be differentiated.
        """
        network, output = self.data.network, self.output
        found = network.forward(self.inputs[chosen], weights)
        if output not in found:
            network.forward(self.inputs[chosen], weights, wanted=[output])  # says why
        logits = network.logits(output, found, weights)
        probabilities = expit(logits) if logits.shape[-1] == 1 else softmax(logits, axis=-1)
        read = self.examples.reading.probabilities(found[output])
        if not np.allclose(read[..., -probabilities.shape[-1] :], probabilities, atol=SAME):
            raise NotDerivableError(
                f"The output of {output!r} is not read as a softmax or sigmoid of what it sums up."
            )
        labels = self.examples.labels[chosen]
        truth = np.eye(self.examples.reading.classes)[labels][:, -probabilities.shape[-1] :]
        seed = (probabilities - truth) / len(chosen)
        by = network.weight_gradients(found, weights, {output: seed}, before_activation=True)
        return {
            layer: {name: values for name, values in own.items() if self._is_trained(layer, name)}
            for layer, own in by.items()
        }

    def _is_trained(self, layer: str, weight: str) -> bool:
        node = self.data.run.nodes[weight_path(layer, weight)]
        return bool(node["attributes"].get("trainable", True))


def has_cross_entropy(data: RunData) -> bool:
    """Whether the training lowers a cross-entropy, as far as the run says."""
    loss = json.dumps(data.run.attributes.get("loss") or "crossentropy").lower()
    return "crossentropy" in loss and "focal" not in loss


def edge_of_stability(data: RunData) -> tuple[Array, str] | None:
    """Give the sharpness above which gradient descent leaves a valley, at `steps_seen`.

    Of plain gradient descent 2 / learning rate; with momentum beta (Polyak's) 2 (1 + beta) /
    learning rate, and with Nesterov's (2 + 2 beta) / (1 + 2 beta) / learning rate (Cohen et al.
    2021, appendix B). Optimizers that scale each weight have no such value.

    Returns
    -------
    bound : ndarray (step,), float64
        NaN where the learning rate is not known.
    name : str
        The formula.
    None
        The optimizer has no such bound, or is not known.
    """
    optimizer = data.run.attributes.get("optimizer") or {}
    if optimizer.get("class") != "SGD":
        return None
    beta = float(optimizer.get("momentum") or 0)
    factor, name = 2 * (1 + beta), "2 / learning rate" if not beta else "2 (1 + momentum) / rate"
    if beta and optimizer.get("nesterov"):
        factor, name = factor / (1 + 2 * beta), "2 (1 + momentum) / (1 + 2 momentum) / rate"
    return factor / _rates(data, optimizer.get("learning_rate")), name


def _rates(data: RunData, configured: Any) -> Float64:
    """Learning rate at `steps_seen`: that noted last, else the one of the configuration."""
    steps = data.run.steps[steps_seen(data)]
    start = float(configured) if isinstance(configured, int | float) else np.nan
    if "learning_rate" not in data.metrics:
        return np.full(len(steps), start)
    noted = data.metrics["learning_rate"].dropna("update")
    last = np.searchsorted(noted["update"].values, steps, side="right") - 1
    known = np.concatenate([noted.values, [start]])  # -1: not noted yet
    return np.asarray(known[last], np.float64)


def steps_seen(data: RunData) -> Array:
    """Choose the recorded steps that are looked at, evenly spread over them: positions."""
    return np.asarray(sample_indices(len(data.run), MOST_STEPS))


def sharpness_at(of: Replayed, index: int) -> Eigenvalue:
    """Find the largest eigenvalue of the loss's Hessian at a recorded step; in the worker thread.

    Raises
    ------
    NotDerivableError
        See `Replayed.gradient`.
    """
    kept = _kept(of, "sharpness", index, lambda: _sharpness(of, index)._asdict())
    return Eigenvalue(float(kept["value"]), int(kept["products"]), bool(kept["settled"]))


def curved_examples(of: Replayed) -> Array:
    """Choose the examples whose loss is differentiated twice, evenly spread over the set."""
    return np.asarray(sample_indices(len(of.examples), MOST_CURVED))


def _sharpness(of: Replayed, index: int) -> Eigenvalue:
    weights, chosen = of.weights(index), curved_examples(of)
    first = of.gradient(weights, chosen)
    keys = [(layer, name) for layer, own in first.items() for name in own]
    shapes = [weights[layer][name].shape for layer, name in keys]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def gradient(flat: Float64) -> Float64:
        moved = {layer: dict(own) for layer, own in weights.items()}
        for (layer, name), shape, part in zip(keys, shapes, np.split(flat, ends), strict=True):
            moved[layer][name] = part.reshape(shape)
        return _flat(of.gradient(moved, chosen), keys)

    return top_eigenvalue(gradient, _flat(weights, keys))


def noise_scale_at(of: Replayed, index: int) -> float:
    """Estimate the gradient noise scale at a recorded step; in the worker thread.

    Raises
    ------
    NotDerivableError
        See `Replayed.gradient`.
    """
    return float(_kept(of, "noise scale", index, lambda: {"scale": _noise(of, index)})["scale"])


def _noise(of: Replayed, index: int) -> float:
    size, weights = batch_size(of), of.weights(index)
    order = np.random.default_rng(0).permutation(len(of.examples))
    batches = order[: BATCHES * size].reshape(BATCHES, size)
    found = [of.gradient(weights, batch) for batch in counted(batches)]
    keys = [(layer, name) for layer, own in found[0].items() for name in own]
    return noise_scale(np.stack([_flat(one, keys) for one in found]), size)


def batch_size(of: Replayed) -> int:
    """Count the examples of a small batch of the noise scale."""
    return len(of.examples) // BATCHES


def collapse_at(of: Replayed, head: str, index: int) -> Collapse:
    """Measure neural collapse at a recorded step; in the worker thread.

    Parameters
    ----------
    of : Replayed
        The examples.
    head : str
        The dense layer that gives the classes.
    index : int
        Position of the step.

    Raises
    ------
    NotDerivableError
        A layer cannot be computed.
    """
    network = of.data.network
    (source,) = network.node(head).inbound

    def make() -> dict[str, float]:
        weights = of.weights(index)
        found = network.forward(of.inputs, weights, wanted=[source, of.output])
        said = of.examples.reading.probabilities(found[of.output]).argmax(axis=-1)
        kernel = weights[network.first_call(head)]["kernel"]
        return asdict(collapse(found[source], of.examples.labels, kernel, said))

    kept = _kept(of, "collapse", index, make)
    return Collapse(**{name: float(value) for name, value in kept.items()})


def head_of(data: RunData) -> str | None:
    """Find the dense layer that gives the classes; None where there is none of the usual form."""
    name: str | None = data.run.outputs[0] if len(data.run.outputs) == 1 else None
    while name is not None:
        layer = data.run.layers[name]
        if layer.source is None:
            return None
        if layer.class_name == "Dense":
            return name
        # An activation function of its own may stand behind it.
        name = layer.source if layer.kind in ("softmax", "activation") else None
    return None


def _kept(
    of: Replayed, what: str, index: int, make: Callable[[], Mapping[str, float]]
) -> dict[str, Array]:
    """Keep a few numbers of a recorded step: each step takes a while."""
    key = f"{what} on the {of.examples.source} at {index}"
    return dict(
        of.data.derived(key, lambda: {name: np.array(value) for name, value in make().items()})
    )


def _flat(values: StepWeights, keys: list[tuple[str, str]]) -> Float64:
    parts = [np.asarray(values[layer][name], np.float64).ravel() for layer, name in keys]
    return np.concatenate(parts)

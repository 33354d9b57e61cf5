"""Keras's own forward pass, noted layer by layer while a training runs."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from store.format.keras_names import is_leaf, is_model
from store.reading.run import Run
from tests.recorder.networks import values_of

# Half precisions are rounded once less where TensorFlow fuses a bias into its convolution.
TOLERANCES = {"float32": 1e-5, "float16": 5e-3, "bfloat16": 5e-2}


@dataclass
class Moment:
    """What a network was at one step.

    Attributes
    ----------
    outputs : dict of str to list of ndarray
        What each layer gave, call after call, by the layer's name.
    weights : dict of str to ndarray
        Every variable, by its Keras path.
    """

    outputs: dict[str, list[np.ndarray]]
    weights: dict[str, np.ndarray]


@dataclass
class Witness:
    """Notes the moments of a training beside the recorder, by other means.

    The recorder traces a graph; this runs the network eagerly, with each layer's own ``call``
    replaced by one that notes its result.
    """

    model: Any
    inputs: Any
    moments: dict[int, Moment] = field(default_factory=dict)

    def note(self, step: int) -> None:
        outputs: dict[str, list[np.ndarray]] = {}
        with noting_calls(self.model, outputs):
            self.model(self.inputs, training=False)
        weights = {variable.path: values_of(variable) for variable in self.model.weights}
        self.moments[step] = Moment(outputs, weights)

    def callback(self, stride: int = 1, start: int = 0) -> Any:
        """Callback that notes step `start` and every batch; `stride` updates lie between two."""
        import keras

        witness = self

        class Notes(keras.callbacks.Callback):
            step = start

            def on_train_batch_begin(self, *_: Any, **__: Any) -> None:
                if self.step == start and self.model.built:
                    witness.note(start)

            def on_train_batch_end(self, *_: Any, **__: Any) -> None:
                self.step += stride
                witness.note(self.step)

        return Notes()


@contextlib.contextmanager
def noting_calls(model: Any, outputs: dict[str, list[np.ndarray]]) -> Iterator[None]:
    layers = [layer for layer in seen_layers(model) if not is_model(layer)]
    try:
        for layer in layers:
            layer.call = noting(layer, layer.call, outputs)
        yield
    finally:
        for layer in layers:
            del layer.call


def noting(layer: Any, call: Any, outputs: dict[str, list[np.ndarray]]) -> Any:
    import keras

    @functools.wraps(call)
    def noted(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        first = keras.tree.flatten(result)[0]
        # A ragged tensor has rows of one length in a run.
        first = first.to_tensor() if hasattr(first, "to_tensor") else first
        # NumPy has no bfloat16 of its own: widened, as the recorder does.
        wide = keras.ops.cast(first, "float32") if first.dtype == "bfloat16" else first
        outputs.setdefault(layer.name, []).append(np.array(wide))
        return result

    return noted


def seen_layers(layer: Any) -> Iterator[Any]:
    """Layers whose output a user sees: not those inside of Keras's own layers."""
    for child in layer._layers:
        yield child
        if not is_leaf(child):
            yield from seen_layers(child)


def check(run: Run, witness: Witness, precision: str = "float32") -> None:
    """Compare every recorded step of a run with what the witness saw."""
    assert len(run.steps), "nothing was recorded"
    for step in run.steps:
        moment = witness.moments[int(step)]
        check_activations(run, int(step), moment, TOLERANCES[precision])
        check_weights(run, int(step), moment)


def check_activations(run: Run, step: int, moment: Moment, tolerance: float) -> None:
    found: dict[str, list[np.ndarray]] = {}
    for name, layer in run.layers.items():
        if layer.has_activation:
            values = np.asarray(run.activations(name).sel(step=step))
            found.setdefault(keras_name(name), []).append(values)
    for name, calls in moment.outputs.items():
        assert name in found, f"{name} was not recorded"
        assert len(found[name]) == len(calls), f"calls of {name}"
        for recorded, expected in zip(found[name], calls, strict=True):
            np.testing.assert_allclose(
                recorded.astype(np.float32),
                expected.astype(np.float32),
                rtol=tolerance,
                atol=tolerance / 10,
                err_msg=f"{name} at step {step}",
            )


def keras_name(name: str) -> str:
    """Name of a layer in Keras: without its containers, and without the number of its call."""
    return re.sub(r"(?<=\D)_[2-9]$", "", name.rsplit(".", maxsplit=1)[-1])


def check_weights(run: Run, step: int, moment: Moment) -> None:
    left = dict(moment.weights)
    for name, layer in run.layers.items():
        for weight in layer.weights:
            *containers, last = name.split(".")
            own = [keras_name(last), *weight.split(".")]
            matching = [path for path in left if is_within(own, path.split("/"))]
            assert matching, f"{name}/{weight} is no variable of the network"
            path = max(matching, key=lambda path: likeness(path.split("/"), containers))
            expected = left.pop(path)
            if expected.dtype.name == "bfloat16":
                expected = expected.astype(np.float32)
            recorded = np.asarray(run.weights(name, weight).sel(step=step))
            np.testing.assert_array_equal(recorded, expected, err_msg=f"{name} at step {step}")
    assert not left, "variables that were not recorded"


def is_within(wanted: list[str], segments: list[str]) -> bool:
    """Whether the wanted segments appear in this order, the last at the end."""
    rest = iter(segments)
    return segments[-1] == wanted[-1] and all(part in rest for part in wanted)


def likeness(segments: list[str], containers: list[str]) -> tuple[int, int]:
    """How well a path fits the blocks that a layer lies in; Keras leaves out the outer ones."""
    return sum(name in segments for name in containers), -len(segments)

"""The network in Keras: its model is traced once, and gets the weights of a step with each pass."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from cachetools import LRUCache

from explorer.at_step.engine import Passage
from explorer.at_step.keras.building import Built, arranged, build
from explorer.at_step.keras.watching import Sight
from explorer.at_step.targets import Head, Seed
from explorer.at_step.weights import StepWeights
from explorer.data.run import RunData
from explorer.derived.network.node import Array, as_float
from store.errors import SpecError

# Models that are kept, and functions that are kept of each.
MODELS = 4
FUNCTIONS = 64

_engines: LRUCache[Hashable, KerasEngine] = LRUCache(MODELS)
_lock = threading.Lock()


def keras_engine(data: RunData, custom: Mapping[str, Any]) -> KerasEngine:
    """Give the engine of a run's model: the same one as before where the model is the same."""
    content = json.dumps([data.run.model_config, list(data.run.outputs)], sort_keys=True)
    key = (
        data.run.id,
        hashlib.sha256(content.encode()).hexdigest(),
        tuple(sorted((name, id(given)) for name, given in custom.items())),
    )
    with _lock:
        if key not in _engines:
            _engines[key] = KerasEngine(build(data, custom), data.run.outputs)
        return _engines[key]


def model_with(data: RunData, custom: Mapping[str, Any], weights: StepWeights) -> Any:
    """Build a model of a run that nobody else has, with some weights."""
    built = build(data, custom)
    built.assign(weights)
    return built.model


class KerasEngine:
    """Computes a network with Keras and TensorFlow.

    Each pass runs in a `keras.StatelessScope` in which the weights are given with the input: to
    switch a step traces nothing anew, and states of layers are left alone.

    Parameters
    ----------
    built : Built
        The model.
    outputs : sequence of str
        Names of what it gives, in order.
    """

    name = "keras"

    def __init__(self, built: Built, outputs: Sequence[str]) -> None:
        self._built = built
        self._outputs = tuple(outputs)
        self._functions: LRUCache[Hashable, Callable[..., dict[str, Any]]] = LRUCache(FUNCTIONS)
        self._held: tuple[StepWeights | None, list[Any]] = (None, [])
        self._lock = threading.RLock()
        self.traces = 0

    @property
    def layers(self) -> Sequence[str]:
        """All layers that are called, inputs first; outputs that no layer gives, last."""
        names = [*self._built.specs, *self._built.layers]
        return [*names, *(output for output in self._outputs if output not in names)]

    def forward(self, passage: Passage, wanted: Sequence[str]) -> dict[str, Array]:
        """Give outputs of layers: (example, ...), float32, by name."""

        def find(pass_: _Pass) -> dict[str, Any]:
            return {name: pass_.found(name) for name in wanted}

        values = self._run(passage, ("forward", tuple(wanted)), find)
        return {name: values[name] for name in wanted}

    def logits(self, passage: Passage, head: Head) -> Array:
        """Give what the function that ends an output is applied to: (example, ...), float32."""

        def find(pass_: _Pass) -> dict[str, Any]:
            return {head.output: pass_.sight.logits}

        return self._run(passage, ("logits", head.output), find, head=head)[head.output]

    def gradient(
        self, passage: Passage, head: Head, seed: Seed, wrt: Sequence[str]
    ) -> dict[str, Array]:
        """Take a gradient at an output back to layers; those without influence are left out."""

        def find(pass_: _Pass) -> dict[str, Any]:
            logits, output = pass_.sight.logits, pass_.answers[head.output]
            found = pass_.tape.gradient(
                logits if seed.before_activation else output,
                {name: pass_.found(name) for name in wrt},
                output_gradients=pass_.seed,
            )
            return {name: value for name, value in found.items() if value is not None}

        key = ("gradient", head.output, seed.before_activation, tuple(wrt))
        return self._run(passage, key, find, head=head, seed=seed.values)

    # -- inside --------------------------------------------------------------------------------

    def _run(
        self,
        passage: Passage,
        key: Hashable,
        find: Callable[[_Pass], dict[str, Any]],
        *,
        head: Head | None = None,
        seed: Array | None = None,
    ) -> dict[str, Array]:
        """Send a passage through the traced function of this kind, traced where there is none."""
        import tensorflow as tf

        with self._lock:
            full = (key, passage.edits, tuple(passage.start))
            if full not in self._functions:
                has_seed = seed is not None
                self._functions[full] = self._traced(passage, find, head, has_seed=has_seed)
            given = [
                tf.constant(values, self._built.specs[name].dtype)
                for name, values in passage.inputs.items()
            ]
            given += [tf.constant(as_float(values)) for values in passage.start.values()]
            given += [] if seed is None else [tf.constant(as_float(seed))]
            found = self._functions[full](*given, *self._tensors(passage.weights))
        return {name: as_float(np.asarray(value)) for name, value in found.items()}

    def _tensors(self, weights: StepWeights) -> list[Any]:
        """Give the weights as tensors; of the same step those that were made for the last pass."""
        import tensorflow as tf

        if self._held[0] is not weights:
            tensors = [
                tf.constant(weights[layer][name], variable.dtype)
                for (layer, name), variable in self._built.variables.items()
            ]
            self._held = (weights, tensors)
        return self._held[1]

    def _traced(
        self,
        passage: Passage,
        find: Callable[[_Pass], dict[str, Any]],
        head: Head | None,
        *,
        has_seed: bool,
    ) -> Callable[..., dict[str, Any]]:
        import keras
        import tensorflow as tf

        ending = None
        if head is not None and head.hides_logits:
            ending = (head.maker, self._built.layers[head.maker])
        model, specs = self._built.model, self._built.specs
        variables, names = list(self._built.variables.values()), self._built.names
        inputs, starts = list(passage.inputs), list(passage.start)
        shapes = [specs[name].shape or passage.inputs[name].shape[1:] for name in inputs]
        signature = [
            tf.TensorSpec([None, *shape], specs[name].dtype)
            for name, shape in zip(inputs, shapes, strict=True)
        ]
        signature += [tf.TensorSpec([None, *passage.start[name].shape[1:]]) for name in starts]
        signature += [tf.TensorSpec(None)] * has_seed
        signature += [tf.TensorSpec(variable.shape, variable.dtype) for variable in variables]

        def call(*tensors: Any) -> dict[str, Any]:
            self.traces += 1
            left = iter(tensors)
            given = {name: next(left) for name in inputs}
            start = {name: next(left) for name in starts}
            seed = next(left) if has_seed else None
            scope = keras.StatelessScope(state_mapping=list(zip(variables, left, strict=True)))
            with tf.GradientTape() if has_seed else contextlib.nullcontext() as tape:
                sight = Sight(inputs, passage.edits, start, tape, ending, names)
                if tape is not None:
                    tape.watch([each for each in given.values() if each.dtype.is_floating])
                with scope, sight.watching():
                    self._built.settle()
                    answer = model(arranged(model, specs, given), training=False)
            answers = dict(zip(self._outputs, _tensors_of(answer), strict=True))
            return find(_Pass(given, sight, answers, tape, seed))

        traced = tf.function(call, autograph=False, input_signature=signature)
        try:
            traced.get_concrete_function()
        except SpecError:
            raise
        except Exception as error:  # the user's own layers may do anything
            said = " ".join(str(error).split())[:300]
            raise SpecError(f"Keras cannot trace the model of this run: {said}") from error
        return cast("Callable[..., dict[str, Any]]", traced)


@dataclass(frozen=True, slots=True)
class _Pass:
    """One traced pass: what was given, seen and answered; with a tape, a gradient at an output."""

    given: Mapping[str, Any]
    sight: Sight
    answers: Mapping[str, Any]
    tape: Any
    seed: Any

    def found(self, name: str) -> Any:
        """Give the output of a layer, or an input."""
        for known in (self.given, self.sight.outputs):
            if name in known:
                return known[name]
        return self.answers[name]


def _tensors_of(answer: Any) -> list[Any]:
    """Give the outputs of a model, each once, as a run names them."""
    import keras

    found: dict[int, Any] = {id(value): value for value in keras.tree.flatten(answer)}
    return list(found.values())

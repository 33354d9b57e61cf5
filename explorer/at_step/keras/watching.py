"""Layers of a Keras model while it is called: their names in the run, their outputs, and edits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from explorer.derived.network.editing import Edit
from store.errors import SpecError
from store.format.keras_names import is_leaf, is_model, is_recorded_type
from store.format.names import safe_name

# Layers that are an activation function alone.
FUNCTION_LAYERS = frozenset({"Activation", "Softmax"})


class Sight:
    """Sees the calls of layers during one pass, and names them as a recording does.

    Parameters
    ----------
    inputs : sequence of str
        Names of the input layers, which come first in a run.
    edits : sequence of Edit
        What is done to outputs.
    start : mapping of str to tf.Tensor
        Outputs that are taken in place of those computed.
    tape : tf.GradientTape, optional
        What takes gradients by outputs: of words, nothing before them has one.
    ending : (str, keras.layers.Layer), optional
        The call, by name, whose logits are wanted, and its layer.
    names : mapping of str to str, optional
        How the run calls a layer that was given another name when its model was built anew.

    Attributes
    ----------
    called : list of (str, keras.layers.Layer)
        The layers by name, in the order in which their calls end.
    outputs : dict of str to tf.Tensor
        What each gave.
    logits : tf.Tensor or None
        What the function that ends that call was applied to.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        edits: Sequence[Edit] = (),
        start: Mapping[str, Any] | None = None,
        tape: Any = None,
        ending: tuple[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._taken = list(inputs)
        self._edits = edits
        self._start = start or {}
        self._tape = tape
        self._ending = ending
        self._names = names or {}
        self._path: list[str] = []
        self._inside_leaf = False
        self.called: list[tuple[str, Any]] = []
        self.outputs: dict[str, Any] = {}
        self.logits: Any = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the layers that this thread calls within."""
        import keras

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
        self, original: Callable[..., Any], layer: Any, args: Any, kwargs: Mapping[str, Any]
    ) -> Any:
        self._path.append(layer.name)
        try:
            if is_model(layer):
                return original(layer, *args, **kwargs)
            with self._changed(layer, "/".join(self._path[1:]) or layer.name):
                return original(layer, *args, **kwargs)
        finally:
            self._path.pop()

    @contextlib.contextmanager
    def _changed(self, layer: Any, path: str) -> Iterator[None]:
        """Put what is done to a layer's output into its `call`: Keras adds masks after that."""
        own = layer.call

        def call(*args: Any, **kwargs: Any) -> Any:
            self._inside_leaf = is_leaf(layer)
            try:
                result, logits = self._result(layer, own, args, kwargs)
            finally:
                self._inside_leaf = False
            return self._noted(layer, path, result, logits)

        layer.call = call
        try:
            yield
        finally:
            del layer.call

    def _result(
        self, layer: Any, own: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]
    ) -> tuple[Any, Any]:
        """Call a layer; of the one that is asked for its logits, tell those too."""
        import keras

        if self._ending is None or self._ending[1] is not layer:
            return own(*args, **kwargs), None
        if type(layer).__name__ in FUNCTION_LAYERS:
            return own(*args, **kwargs), next(iter(keras.tree.flatten((args, kwargs))))
        inner = getattr(layer, "layer", layer)
        function = getattr(inner, "activation", None)
        if not callable(function):
            return own(*args, **kwargs), None
        inner.activation = keras.activations.linear
        try:
            logits = own(*args, **kwargs)
        finally:
            inner.activation = function
        return keras.tree.map_structure(function, logits), logits

    def _noted(self, layer: Any, path: str, result: Any, logits: Any) -> Any:
        import keras
        import tensorflow as tf

        outputs = [value for value in keras.tree.flatten(result) if isinstance(value, tf.Tensor)]
        if not outputs or not is_recorded_type(outputs[0].dtype.name):
            return result
        own = safe_name(path, self._taken)
        self._taken.append(own)
        name = self._names.get(own, own)
        # Each layer has a tensor of its own, also one that passes its input on.
        output = tf.identity(outputs[0])
        for edit in self._edits:
            if edit.layer == name:
                factor, constant = (tf.cast(v, output.dtype) for v in (edit.factor, edit.constant))
                output = output * factor + constant
        if name in self._start:
            output = tf.cast(self._start[name], output.dtype)
        if self._tape is not None:
            self._tape.watch(output)
        self.called.append((name, layer))
        self.outputs[name] = output
        if self._ending is not None and name == self._ending[0]:
            if logits is None:
                raise SpecError(
                    f"The logit of {name!r} is not known: its {type(layer).__name__} layer has no "
                    "activation of its own."
                )
            self.logits = logits
        return keras.tree.map_structure(
            lambda value: output if value is outputs[0] else value, result
        )

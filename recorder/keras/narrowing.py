"""Narrow a traced model to what is recorded of it: the rest is not computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from recorder.keras.structure import Structure
from recorder.keras.trace import Trace
from store.format.spec import LayerSpec


def narrowed_trace(traced: Trace, structure: Structure, layers: Sequence[LayerSpec]) -> Trace:
    """Give a trace whose activations are those that the narrowed layers describe.

    Parameters
    ----------
    traced : Trace
        The whole model.
    structure : Structure
        What `traced` gives.
    layers : sequence of LayerSpec
        What of it is recorded.
    """
    by_path = {layer.output_path: layer for layer in layers if layer.output_dims}
    return traced.narrowed(
        {
            call: _cast(by_path[path])
            for call, path in enumerate(structure.activation_paths)
            if path in by_path
        }
    )


def _cast(layer: LayerSpec) -> Callable[[Any], Any]:
    """Convert a layer's output to the data type that is recorded.

    Units are picked by the recording, as a view: TensorFlow would take 30 times as long.
    """

    def cast(output: Any) -> Any:
        import tensorflow as tf

        return tf.cast(output, layer.output_dtype)

    return cast

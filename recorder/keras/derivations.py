"""How the outputs of Keras's own layers may follow from what they take.

By class and configuration exactly: a class derived from one of Keras's may compute something else.
Whether a layer's output does follow is compared at every recorded step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from recorder.keras.layers import is_channels_first
from store.format.derivation import Derivation
from store.format.keras_names import is_keras_class
from store.format.operations import (
    Add,
    Clip,
    Concatenate,
    Crop,
    Identity,
    Maximum,
    MaxPool,
    Minimum,
    Multiply,
    Operation,
    Pad,
    Repeat,
    Reshape,
    Subtract,
    Transpose,
)

Shape = tuple[int, ...]

# Layers that give back what they take, in inference mode.
_PASS_ON = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    "Identity",
)


def derivation_of(
    layer: Any, sources: Sequence[str], taken: Shape, given: Shape
) -> Derivation | None:
    """Say how a layer's output may follow; None where it does not.

    Parameters
    ----------
    layer : keras.layers.Layer
        The layer.
    sources : sequence of str
        Names of the layers whose output it takes.
    taken, given : tuple of int
        Shapes of the first of these, and of its own output: (probe, ...).
    """
    cls = type(layer)
    find = _OPERATIONS.get(cls.__name__) if is_keras_class(cls) else None
    operation = None if find is None or len(taken) < 2 else find(layer, taken, given)
    if operation is None or len(sources) != operation.arity:
        return None
    return Derivation(operation, tuple(sources))


def _relu(layer: Any, taken: Shape, given: Shape) -> Operation | None:  # noqa: ARG001
    if layer.negative_slope or layer.threshold:
        return None
    return Clip(0.0, None if layer.max_value is None else float(layer.max_value))


def _activation(layer: Any, taken: Shape, given: Shape) -> Operation | None:  # noqa: ARG001
    function = layer.activation
    if function.__module__.split(".")[0] != "keras":
        return None
    known = {"relu": Clip(0.0), "relu6": Clip(0.0, 6.0), "linear": Identity()}
    return known.get(function.__name__)


def _concatenate(layer: Any, taken: Shape, given: Shape) -> Operation | None:  # noqa: ARG001
    axis = layer.axis % len(taken)
    return Concatenate(axis - 1) if axis else None


def _max_pool(layer: Any, taken: Shape, given: Shape) -> Operation:
    window, strides = _whole(layer.pool_size), _whole(layer.strides)
    sizes = zip(_places(layer, taken), _places(layer, given), window, strides, strict=True)
    padding = [(0, 0)] * len(window)
    if layer.padding == "same":
        missing = [max((b - 1) * stride + size - a, 0) for a, b, size, stride in sizes]
        padding = [(total // 2, total - total // 2) for total in missing]
    return MaxPool(
        _arranged(layer, window, 1), _arranged(layer, strides, 1), _arranged(layer, padding, (0, 0))
    )


def _flatten(layer: Any, taken: Shape, given: Shape) -> Operation | None:
    moves = is_channels_first(layer) and len(taken) > 2
    return None if moves else _reshape(layer, taken, given)


def _reshape(layer: Any, taken: Shape, given: Shape) -> Operation | None:  # noqa: ARG001
    return Reshape(given[1:]) if len(given) > 1 else None


def _permute(layer: Any, taken: Shape, given: Shape) -> Operation:  # noqa: ARG001
    return Transpose(tuple(axis - 1 for axis in _whole(layer.dims)))


def _pad(layer: Any, taken: Shape, given: Shape) -> Operation:  # noqa: ARG001
    return Pad(_arranged(layer, _pairs(layer.padding), (0, 0)))


def _crop(layer: Any, taken: Shape, given: Shape) -> Operation:  # noqa: ARG001
    return Crop(_arranged(layer, _pairs(layer.cropping), (0, 0)))


def _repeat(layer: Any, taken: Shape, given: Shape) -> Operation | None:  # noqa: ARG001
    if getattr(layer, "interpolation", "nearest") != "nearest":
        return None
    times = layer.size if isinstance(layer.size, Sequence) else [layer.size]
    return Repeat(_arranged(layer, _whole(times), 1))


def _always(operation: Operation) -> Callable[[Any, Shape, Shape], Operation]:
    return lambda *_: operation


def _whole(sizes: Sequence[Any]) -> Shape:
    return tuple(map(int, sizes))


def _pairs(amounts: Any) -> list[Shape]:
    """Give (before, behind) along each place; Keras gives one pair where there is one place."""
    pairs = amounts if isinstance(amounts[0], Sequence) else [amounts]
    return [_whole(pair) for pair in pairs]


def _places(layer: Any, shape: Shape) -> Shape:
    """Sizes of the axes that are neither probes nor units."""
    return shape[2:] if is_channels_first(layer) else shape[1:-1]


def _arranged(layer: Any, places: Sequence[Any], unit: Any) -> tuple[Any, ...]:
    """Arrange parameters of the places, and that of the units, as the axes are."""
    return (unit, *places) if is_channels_first(layer) else (*places, unit)


_OPERATIONS: dict[str, Callable[[Any, Shape, Shape], Operation | None]] = {
    **dict.fromkeys(_PASS_ON, _always(Identity())),
    "ReLU": _relu,
    "Activation": _activation,
    "Add": _always(Add()),
    "Subtract": _always(Subtract()),
    "Multiply": _always(Multiply()),
    "Maximum": _always(Maximum()),
    "Minimum": _always(Minimum()),
    "Concatenate": _concatenate,
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D", "MaxPooling3D"), _max_pool),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"), _pad),
    **dict.fromkeys(("Cropping1D", "Cropping2D", "Cropping3D"), _crop),
    **dict.fromkeys(("UpSampling1D", "UpSampling2D", "UpSampling3D"), _repeat),
}

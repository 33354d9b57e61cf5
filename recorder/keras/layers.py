"""What a Keras layer is for the explorer: its kind, configuration and the names of its axes.

Kinds go by the names of Keras's own classes among a layer's ancestors, so that a subclass of
``Conv2D`` is a convolution too, and nothing here imports Keras.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recorder.keras.configuration import Configuration, configuration
from store.format.keras_names import is_keras_class, is_model
from store.format.names import PROBE_DIM, UNIT_DIM

KIND_BY_CLASS = {
    "InputLayer": "input",
    "BaseConv": "conv",
    "BaseConvTranspose": "conv",
    "BaseDepthwiseConv": "conv",
    "BaseSeparableConv": "conv",
    "Softmax": "softmax",
    "Activation": "activation",
    "ReLU": "activation",
    "LeakyReLU": "activation",
    "PReLU": "activation",
    "ELU": "activation",
    "BasePooling": "pooling",
    "BaseGlobalPooling": "pooling",
    "BaseAdaptivePooling": "pooling",
    "Dense": "dense",
    "EinsumDense": "dense",
    "RNN": "recurrent",
    "Bidirectional": "recurrent",
    "Embedding": "embedding",
    "ReversibleEmbedding": "embedding",
    "BatchNormalization": "normalization",
    "LayerNormalization": "normalization",
    "GroupNormalization": "normalization",
    "RMSNormalization": "normalization",
    "UnitNormalization": "normalization",
    "Normalization": "normalization",
    "MultiHeadAttention": "attention",
    "GroupedQueryAttention": "attention",
    "Attention": "attention",
    "Merge": "merge",
    "Flatten": "reshape",
    "Reshape": "reshape",
    "Permute": "reshape",
    "RepeatVector": "reshape",
    "Cropping1D": "reshape",
    "Cropping2D": "reshape",
    "Cropping3D": "reshape",
    "UpSampling1D": "reshape",
    "UpSampling2D": "reshape",
    "UpSampling3D": "reshape",
    "ZeroPadding1D": "reshape",
    "ZeroPadding2D": "reshape",
    "ZeroPadding3D": "reshape",
    "Dropout": "regularization",
    "AlphaDropout": "regularization",
    "GaussianDropout": "regularization",
    "GaussianNoise": "regularization",
    "ActivityRegularization": "regularization",
}

_SPATIAL = {1: ("token",), 2: ("y", "x"), 3: ("z", "y", "x")}


def wrapped_layer(layer: Any) -> Any:
    """Give the layer inside ``TimeDistributed``, ``SpectralNormalization`` and their like."""
    names = {cls.__name__ for cls in type(layer).__mro__ if is_keras_class(cls)}
    return layer.layer if "Wrapper" in names and hasattr(layer, "layer") else layer


def is_over_time(layer: Any) -> bool:
    """Whether a layer calls another one at each step of time, as ``TimeDistributed`` does."""
    return any(
        cls.__name__ == "TimeDistributed" and is_keras_class(cls) for cls in type(layer).__mro__
    )


def layer_kind(layer: Any) -> str:
    """Find a layer's kind, one of `store.format.names.LAYER_KINDS`."""
    inner = wrapped_layer(layer)
    for cls in type(inner).__mro__:
        kind = KIND_BY_CLASS.get(cls.__name__) if is_keras_class(cls) else None
        if kind == "activation" and _activation_name(inner) == "softmax":
            return "softmax"
        if kind is not None:
            return kind
    return "other"


def layer_configuration(layer: Any) -> Configuration:
    """Give a layer's configuration, an object; or why there is none."""
    if is_model(layer):
        return Configuration({})  # the model's own configuration is stored whole, once
    name = type(layer).__name__
    found = configuration(name, layer.get_config)
    if found.left_out is None and not isinstance(found.value, dict):
        return Configuration(None, f"The configuration of {name} is not an object.")
    return found


def is_channels_first(layer: Any) -> bool | None:
    """Whether units come before the spatial axes; None for a layer that does not say."""
    data_format = getattr(wrapped_layer(layer), "data_format", None)
    return None if data_format is None else data_format == "channels_first"


def activation_dims(
    kind: str, shape: Sequence[int], *, channels_first: bool = False, over_time: bool = False
) -> tuple[str, ...]:
    """Name the axes of a layer's output, the probe first.

    What a layer gives `over_time`, picture by picture, is no volume.

    Examples
    --------
    >>> activation_dims("conv", (64, 24, 24, 6))
    ('probe', 'y', 'x', 'unit')
    >>> activation_dims("recurrent", (24, 40, 32))
    ('probe', 'token', 'unit')
    """
    inner = len(shape) - 2
    if inner < 0:
        return (PROBE_DIM,)
    if inner == 0:
        return (PROBE_DIM, UNIT_DIM)
    if (over_time or kind == "recurrent") and inner > 1 and inner - 1 in _SPATIAL:
        # A recurrent layer over images (ConvLSTM2D) that returns its sequence.
        places: tuple[str, ...] = ("token", *(_SPATIAL[inner - 1] if inner > 2 else ("y",)))
    else:
        places = _SPATIAL.get(inner) or tuple(f"dim_{axis}" for axis in range(1, inner + 1))
    return (PROBE_DIM, UNIT_DIM, *places) if channels_first else (PROBE_DIM, *places, UNIT_DIM)


def whole_dims(shape: Sequence[int]) -> tuple[str, ...]:
    """Name the axes of an output that has no entry for each probe.

    Examples
    --------
    >>> whole_dims((12, 4, 3))
    ('dim_0', 'dim_1', 'unit')
    """
    return (*(f"dim_{axis}" for axis in range(len(shape) - 1)), *(UNIT_DIM,) * bool(shape))


def _activation_name(layer: Any) -> str | None:
    return getattr(getattr(layer, "activation", None), "__name__", None)

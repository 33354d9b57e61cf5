"""What a network is made of: layers as a run describes them, and what computes one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.derived.recurrent.equations import NotDerivableError

Array = npt.NDArray[Any]
Function = Callable[[Array], Array]
LayerWeights = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Node:
    """One call of a layer, as a run describes it.

    Attributes
    ----------
    name, class_name : str
        Name in the run, and Keras class.
    config : mapping
        Keras configuration.
    inbound : tuple of str
        Layers whose output this one takes.
    mask_from : str or None
        The layer whose mask this one obeys.
    """

    name: str
    class_name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inbound: tuple[str, ...] = ()
    mask_from: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What one layer works on.

    Attributes
    ----------
    class_name, config
        As in `Node`.
    inputs : tuple of ndarray (batch, ...)
        What it takes: float32, or integers where those were given.
    weights : mapping of str to ndarray
        Its weights at one step, by their names in the run.
    mask : ndarray of bool (batch, token) or None
        The mask that it obeys.
    """

    class_name: str
    config: Mapping[str, Any]
    inputs: tuple[Array, ...]
    weights: LayerWeights
    mask: Array | None = None

    @property
    def x(self) -> Array:
        """The first input (batch, ...), float32."""
        return as_float(self.inputs[0])

    def weight(self, name: str) -> Array:
        """Give a weight in float32.

        Raises
        ------
        NotDerivableError
            It is not among the weights given.
        """
        if name not in self.weights:
            given = ", ".join(self.weights) or "none"
            raise NotDerivableError(
                f"The weight {name!r} is needed and was not given (given: {given}). "
                "Pass every weight of the layer at one step."
            )
        return as_float(self.weights[name])

    def optional(self, name: str, option: str) -> Array | None:
        """Give a weight that the layer has if an option of its configuration is on."""
        return self.weight(name) if self.config.get(option, True) else None


class LayerOp:
    """How a Keras layer computes, up to its activation function; this one passes its input on.

    Attributes
    ----------
    least, most : int
        Count of inputs.
    is_affine : bool
        Whether the output is a linear function of the inputs plus a constant.
    units : {"kept", "folded", "mixed"}
        Whether each unit of the output comes from the unit of the same number; or from the unit
        of its number modulo their count, as if the units were the fastest axis; or from several.
    is_activated : bool
        Whether an activation function named in the configuration follows.
    obeys_mask : bool
        Whether a mask changes what is computed.
    """

    least: int = 1
    most: int = 1
    is_affine: bool = True
    units: Literal["kept", "folded", "mixed"] = "kept"
    is_activated: bool = False
    obeys_mask: bool = False

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say in a sentence what in a configuration cannot be repeated; None: nothing."""
        if config.get("data_format") == "channels_first":
            return "Its channels come before its places (channels_first), which is not repeated."
        if config.get("lora_rank"):
            return "It adds low-rank weights (lora_rank), which is not repeated."
        if "Quantized" in str(config.get("dtype")):
            return "It is quantized: its weights are not those that it computes with."
        return None

    def forward(self, call: Call) -> Array:
        """Compute the output (batch, ...), before the activation function."""
        return call.x

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Take a gradient at what `forward` gives to each input."""
        return (gradient.reshape(call.inputs[0].shape),)


def as_float(values: Array) -> Array:
    """Give an array in float32, itself if it is that."""
    return np.asarray(values, np.float32)


def pair(value: Any, count: int) -> tuple[int, ...]:
    """Read an option that is one number for all axes, or one for each."""
    return (int(value),) * count if isinstance(value, int) else tuple(int(size) for size in value)

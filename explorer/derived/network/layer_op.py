"""How one Keras layer computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from explorer.derived.network.activations import LINEAR, Activation, named_activation
from explorer.derived.network.node import Array, Call, Field, OutputPart
from explorer.derived.recurrent.equations import NotDerivableError


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
    mask_arguments : tuple of str
        Arguments of the call that are masks, each with its own part in what is computed: in
        `Call.masks`.
    """

    least: int = 1
    most: int = 1
    is_affine: bool = True
    units: Literal["kept", "folded", "mixed"] = "kept"
    is_activated: bool = False
    obeys_mask: bool = False
    mask_arguments: tuple[str, ...] = ()

    def fault(self, config: Mapping[str, Any]) -> str | None:
        """Say in a sentence what in a configuration cannot be repeated; None: nothing."""
        if config.get("data_format") == "channels_first":
            return "Its channels come before its places (channels_first), which is not repeated."
        if config.get("lora_rank"):
            return "It adds low-rank weights (lora_rank), which is not repeated."
        if "Quantized" in str(config.get("dtype")):
            return "It is quantized: its weights are not those that it computes with."
        return None

    def activation(self, config: Mapping[str, Any]) -> Activation:
        """Find the activation function that ends the layer; the linear one where there is none.

        Raises
        ------
        NotDerivableError
            See `explorer.derived.network.activations.named_activation`.
        """
        return named_activation(config.get("activation")) if self.is_activated else LINEAR

    def config_fault(self, config: Mapping[str, Any]) -> str | None:
        """Say in a sentence what cannot be repeated, the activation function included."""
        fault = self.fault(config)
        if fault is None:
            try:
                self.activation(config)
            except NotDerivableError as error:
                return str(error)
        return fault

    def forward(self, call: Call) -> Array:
        """Compute the output (batch, ...), float32, before the activation function.

        Raises
        ------
        NotDerivableError
            A weight that it needs was not given.
        """
        return call.x

    def backward(self, call: Call, gradient: Array) -> tuple[Array, ...]:
        """Take a gradient at what `forward` gives to each input.

        Parameters
        ----------
        call : Call
            As for `forward`.
        gradient : ndarray (batch, ...)
            In the shape of the output.

        Returns
        -------
        tuple of ndarray (batch, ...)
            One for each input, in its shape.
        """
        return (gradient.reshape(call.inputs[0].shape),)

    def weight_gradients(self, call: Call, gradient: Array) -> dict[str, Array]:
        """Take a gradient at what `forward` gives to the weights that a training would change.

        Parameters
        ----------
        call : Call
            As for `forward`.
        gradient : ndarray (batch, ...)
            In the shape of the output.

        Returns
        -------
        dict of str to ndarray
            By the names of the weights, in their shapes, summed over the batch; empty of a layer
            without weights.

        Raises
        ------
        NotDerivableError
            The layer has weights whose gradient is not repeated.
        """
        del gradient
        if any(np.issubdtype(values.dtype, np.floating) for values in call.weights.values()):
            raise NotDerivableError("The gradient by its weights is not repeated.")
        return {}  # what is left counts draws of random numbers

    def slope(self, call: Call) -> Array:
        """Give the slope of the function that ends the layer, at each value of the output.

        Raises
        ------
        NotDerivableError
            The function does not take each element alone.
        """
        slope = self.activation(call.config).slope
        if slope is None:
            raise NotDerivableError("Its function is one of all units together.")
        return slope(self.forward(call))

    def sees(self, part: OutputPart) -> Field:
        """Give the places of the input that a part of the output depends on: here the same ones.

        They may lie beyond the border, in the padding. Not asked where the output has another
        number of axes than the input: there, all places count.
        """
        return part.field

"""What a network is made of: layers as a run describes them, and what one of them is asked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.recurrent.equations import NotDerivableError

Array = npt.NDArray[Any]
LayerWeights = Mapping[str, Array]
# On each axis, from which place to before which.
Field = tuple[tuple[int, int], ...]
# A network may be asked about texts or images of other sizes than the recorded ones: so many times
# as large as those, or as what they are made of, may be what a configuration makes of them.
MOST_GROWTH = 16
# What is smaller than this is no burden: 64 MB.
SMALL_VALUES = 16 * 1024 * 1024


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
    operations_between : bool
        Whether plain operations lie between those layers and this one.
    output_shape : tuple of int or None
        Shape of what was recorded of one example, if that is known.
    arguments : mapping of str to (str, None, bool, int, float or list)
        What its call was given, see `store.format.layers.Layer`.
    """

    name: str
    class_name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inbound: tuple[str, ...] = ()
    mask_from: str | None = None
    operations_between: bool = False
    output_shape: tuple[int, ...] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes(self) -> tuple[str, ...]:
        """Layers whose outputs are its tensors, in order: one twice where it is given twice."""
        given = [
            source
            for name, value in self.arguments.items()
            if not name.endswith("mask") and not isinstance(value, bool | int | float)
            for source in (value if isinstance(value, list) else [value])
        ]
        # Of a tensor that no layer gives, the run names the layers that it is made of.
        return tuple(given) if {*given} == {*self.inbound} else self.inbound

    @property
    def masks_given(self) -> tuple[str, ...]:
        """Layers that its call was given the masks of."""
        return tuple(
            maker
            for name, value in self.arguments.items()
            if name.endswith("mask")
            for maker in (value if isinstance(value, list) else [value])
            if isinstance(maker, str)
        )


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
    output_shape : tuple of int or None
        As in `Node`.
    masks : mapping of str to ndarray of bool
        Masks by arguments of the call, of a layer that obeys several.
    options : mapping of str to (bool, int or float)
        Arguments of the call that are no tensors.
    """

    class_name: str
    config: Mapping[str, Any]
    inputs: tuple[Array, ...]
    weights: LayerWeights
    mask: Array | None = None
    output_shape: tuple[int, ...] | None = None
    masks: Mapping[str, Array] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def x(self) -> Array:
        """The first input (batch, ...), float32."""
        return as_float(self.inputs[0])

    def hold(self, shape: Sequence[int]) -> None:
        """Hold the output (batch, ...) that a configuration asks for against what was recorded.

        Raises
        ------
        NotDerivableError
            It is far larger than that, and than the input.
        """
        known = len(self.x) * math.prod(self.output_shape or ())
        if math.prod(shape) > max(MOST_GROWTH * max(known, self.x.size), SMALL_VALUES):
            raise NotDerivableError(
                f"Its configuration makes {tuple(shape[1:])} of {self.x.shape[1:]}, out of all "
                f"proportion to what was recorded."
            )

    def weight(self, name: str) -> Array:
        """Give a weight in float32, in Keras's shape.

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


@dataclass(frozen=True, slots=True)
class OutputPart:
    """A part of a layer's output, of which is asked what of the input it depends on.

    Attributes
    ----------
    config
        As in `Node`.
    field : tuple of (int, int)
        The part: on each axis of places, from which to before which.
    lengths, outputs : tuple of int
        Lengths of the axes of places, of the input and of the output: equally many.
    """

    config: Mapping[str, Any]
    field: Field
    lengths: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def whole(self) -> Field:
        """All places of the input."""
        return tuple((0, length) for length in self.lengths)

    @property
    def along_axis(self) -> Field:
        """What is seen along the option ``axis``: one place, if that is the axis of units alone."""
        axis = self.config.get("axis", -1)
        axes = set(axis) if isinstance(axis, list | tuple) else {axis}
        return self.field if axes <= {-1, len(self.lengths) + 1} else self.whole


def as_float(values: Array) -> Array:
    """Give an array in float32, itself if it is that."""
    return np.asarray(values, np.float32)


def pair(value: Any, count: int) -> tuple[int, ...]:
    """Read an option that is one number for all axes, or one for each."""
    return (int(value),) * count if isinstance(value, int) else tuple(int(size) for size in value)

"""How a layer's activation follows from those of others, instead of being stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from store.format.names import Array
from store.format.operations import OPERATIONS, Box, Operation, Shape

# A check goes through a frame by parts of this size, that stay in a processor's cache.
CHECK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Derivation:
    """An operation, and the layers whose activations it takes.

    Attributes
    ----------
    operation : Operation
        What makes the activation.
    sources : tuple of str
        Names of layers, in the operation's order.
    """

    operation: Operation
    sources: tuple[str, ...]

    def attributes(self) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "operation": self.operation.name,
            "sources": list(self.sources),
            "parameters": self.operation.parameters(),
        }

    @classmethod
    def parse(cls, attributes: Any) -> Derivation | None:
        """Read what `attributes` gave; None where the operation is not known to this version.

        Raises
        ------
        ValueError
            It is damaged.
        """
        if not isinstance(attributes, Mapping):
            raise ValueError("is not an object")
        name, sources = attributes.get("operation"), attributes.get("sources")
        if not isinstance(name, str):
            raise ValueError("has no operation")
        if name not in OPERATIONS:
            return None
        parameters = attributes.get("parameters")
        if not isinstance(sources, list) or not all(isinstance(each, str) for each in sources):
            raise ValueError("sources is not a list of layer names")
        if len(sources) != OPERATIONS[name].arity:
            raise ValueError(f"{name} does not take {len(sources)} sources")
        if not isinstance(parameters, Mapping):
            raise ValueError("parameters is not an object")
        try:
            operation = OPERATIONS[name](**{key: _tuples(each) for key, each in parameters.items()})
        except TypeError:
            raise ValueError(f"{name} does not have these parameters") from None
        return cls(operation, tuple(sources))

    def gives(self, sources: Sequence[Array], frame: Array) -> bool:
        """Whether a frame is exactly what follows from the sources' frames.

        Every value is compared: -0 equals 0, and NaN any NaN.

        Parameters
        ----------
        sources : sequence of ndarray (probe, ...)
            In the order of the sources.
        frame : ndarray (probe, ...)
            What the layer gave.
        """
        if any(source.dtype != frame.dtype for source in sources):
            return False
        shapes = [source.shape for source in sources]
        parts = max(1, max(frame.nbytes, *(source.nbytes for source in sources)) // CHECK_BYTES)
        probes = max(1, len(frame) // parts)
        for start in range(0, len(frame), probes):
            part = slice(start, min(len(frame), start + probes))
            box = (part, *(slice(0, size) for size in frame.shape[1:]))
            blocks = [
                source[needed][np.newaxis]
                for source, needed in zip(sources, self.operation.needs(box, *shapes), strict=True)
            ]
            if not same_values(self.compute(box, shapes, blocks)[0], frame[part]):
                return False
        return True

    def compute(self, box: Box, shapes: Sequence[Shape], blocks: Sequence[Array]) -> Array:
        """Compute a part of the activation, as `Operation.apply` says; numbers may overflow."""
        with np.errstate(all="ignore"):
            return self.operation.apply(box, shapes, blocks)


def same_values(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same values: -0 is 0, and NaN is NaN.

    Examples
    --------
    >>> same_values(np.array([0.0, np.nan]), np.array([-0.0, np.nan]))
    True
    """
    return np.array_equal(one, other) or (
        one.dtype.kind == "f" and np.array_equal(one, other, equal_nan=True)
    )


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value

"""Operations by which a layer's activation follows exactly from others; SCHEMA.md lists them.

A frame has the probes first. Parameters count the axes behind them, so that a run of fewer probes
has the same ones. Blocks are parts of several frames: (step, probe, ...). An operation says which
part of its sources a part of its result needs, so that the history of one unit reads little.
"""

from __future__ import annotations

import functools
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from store.format.names import Array

Shape = tuple[int, ...]
# Start and stop along each axis of a frame.
Box = tuple[slice, ...]

# Axes of a block before those that parameters count: steps and probes.
LEADING = 2


@dataclass(frozen=True, slots=True)
class Operation(ABC):
    """What makes one frame of others; its fields are its parameters.

    Attributes
    ----------
    name : str
        As runs write it.
    arity : int
        How many frames it takes.
    keeps_order : bool
        Whether it only picks and compares values. Then rounding what it takes rounds what it gives.
    floats_only : bool
        Whether it computes with floats alone; others it would turn into another data type.
    """

    name: ClassVar[str]
    arity: ClassVar[int] = 1
    keeps_order: ClassVar[bool] = True
    floats_only: ClassVar[bool] = False

    def parameters(self) -> dict[str, Any]:
        """Give the parameters as JSON."""
        return asdict(self)

    @abstractmethod
    def shape(self, *sources: Shape) -> Shape:
        """Shape of the frame that follows from frames of these shapes.

        Raises
        ------
        ValueError
            Such frames do not fit.
        """

    @abstractmethod
    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:
        """Which part of each source a part of the result needs; it may be empty."""

    @abstractmethod
    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:
        """Compute a part of the result.

        Parameters
        ----------
        box : tuple of slice
            That part of the frame.
        sources : sequence of tuple of int
            Shapes of the sources' frames.
        blocks : sequence of ndarray (step, probe, ...)
            What `needs` says of each source.
        """


class _Same(Operation):
    """Element by element, of one frame."""

    __slots__ = ()

    def shape(self, *sources: Shape) -> Shape:
        return sources[0]

    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:  # noqa: ARG002
        return (box,)


@dataclass(frozen=True, slots=True)
class Identity(_Same):
    """The same values: dropout in inference mode."""

    name = "identity"

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: ARG002, D102
        return blocks[0]


@dataclass(frozen=True, slots=True)
class Clip(_Same):
    """No value below or above a bound; NaN stays. ReLU has the lower bound 0."""

    lower: float | None = None
    upper: float | None = None
    name = "clip"
    floats_only = True

    def __post_init__(self) -> None:
        for bound in (self.lower, self.upper):
            if bound is not None and not _is_number(bound):
                raise ValueError(f"bound {bound!r:.200} is not a number")

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: ARG002, D102
        values = blocks[0]
        if self.lower is not None:
            values = np.maximum(values, self.lower)
        return values if self.upper is None else np.minimum(values, self.upper)


class _OfTwo(Operation):
    """Element by element, of two frames; one of size 1 along an axis serves for all along it."""

    __slots__ = ()
    arity = 2
    function: ClassVar[np.ufunc]

    def shape(self, *sources: Shape) -> Shape:
        one, other = sources
        if len(one) != len(other) or one[0] != other[0]:
            raise ValueError(f"frames {one} and {other} do not fit")
        return np.broadcast_shapes(one, other)

    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:
        return tuple(
            tuple(
                part if size > 1 or part.start == part.stop else slice(0, 1)
                for part, size in zip(box, source, strict=True)
            )
            for source in sources
        )

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: ARG002
        return np.asarray(type(self).function(*blocks))


@dataclass(frozen=True, slots=True)
class Add(_OfTwo):
    """Sum of two."""

    name = "add"
    keeps_order = False
    floats_only = True
    function = np.add


@dataclass(frozen=True, slots=True)
class Subtract(_OfTwo):
    """First less second."""

    name = "subtract"
    keeps_order = False
    floats_only = True
    function = np.subtract


@dataclass(frozen=True, slots=True)
class Multiply(_OfTwo):
    """Product of two."""

    name = "multiply"
    keeps_order = False
    floats_only = True
    function = np.multiply


@dataclass(frozen=True, slots=True)
class Maximum(_OfTwo):
    """Larger of two."""

    name = "maximum"
    function = np.maximum


@dataclass(frozen=True, slots=True)
class Minimum(_OfTwo):
    """Smaller of two."""

    name = "minimum"
    function = np.minimum


@dataclass(frozen=True, slots=True)
class Concatenate(Operation):
    """One frame behind the other along an axis."""

    axis: int
    name = "concatenate"
    arity = 2

    def __post_init__(self) -> None:
        if not _is_whole(self.axis):
            raise ValueError(f"axis {self.axis!r:.200} is not a whole number")

    def shape(self, *sources: Shape) -> Shape:  # noqa: D102
        at, (one, other) = self.axis + 1, sources
        if at >= len(one) or one[:at] + one[at + 1 :] != other[:at] + other[at + 1 :]:
            raise ValueError(f"frames {one} and {other} do not fit along axis {self.axis}")
        return (*one[:at], one[at] + other[at], *one[at + 1 :])

    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:  # noqa: D102
        at, (one, other) = self.axis + 1, sources
        first, second = _clipped(box[at], 0, one[at]), _clipped(box[at], -one[at], other[at])
        return (*box[:at], first, *box[at + 1 :]), (*box[:at], second, *box[at + 1 :])

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: ARG002, D102
        return np.concatenate(blocks, axis=self.axis + LEADING)


@dataclass(frozen=True, slots=True)
class MaxPool(Operation):
    """Largest value of each window; what lies outside of the frame does not count.

    Attributes
    ----------
    window, strides : tuple of int
        Along each axis.
    padding : tuple of (int, int)
        By how much the first window begins before the frame, and the last may end behind it.
    """

    window: Shape
    strides: Shape
    padding: tuple[tuple[int, int], ...]
    name = "max_pool"

    def __post_init__(self) -> None:
        _check_sizes(self.window, least=1)
        _check_sizes(self.strides, least=1)
        _check_pairs(self.padding)
        if not len(self.window) == len(self.strides) == len(self.padding):
            raise ValueError("window, strides and padding differ in length")
        if any(max(pair) >= size for pair, size in zip(self.padding, self.window, strict=True)):
            raise ValueError(f"with padding {self.padding} a window {self.window} may be empty")

    def shape(self, *sources: Shape) -> Shape:  # noqa: D102
        (source,) = sources
        if len(source) != len(self.window) + 1:
            raise ValueError(f"frame {source} does not have the axes of window {self.window}")
        sizes = [
            (size + sum(pair) - window) // stride + 1
            for size, window, stride, pair in zip(
                source[1:], self.window, self.strides, self.padding, strict=True
            )
        ]
        if min(sizes) < 1:
            raise ValueError(f"frame {source} is smaller than window {self.window}")
        return (source[0], *sizes)

    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:  # noqa: D102
        (source,) = sources
        parts = [
            _clipped(
                slice(
                    part.start * stride,
                    (part.stop - 1) * stride + window if part.stop > part.start else 0,
                ),
                -pair[0],
                size,
            )
            for part, window, stride, pair, size in zip(
                box[1:], self.window, self.strides, self.padding, source[1:], strict=True
            )
        ]
        return ((box[0], *parts),)

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: ARG002, D102
        values = blocks[0]
        for axis, (window, stride, pair) in enumerate(
            zip(self.window, self.strides, self.padding, strict=True)
        ):
            if window > 1 or stride > 1:
                first = max(pair[0], box[axis + 1].start * stride)
                values = _largest(values, axis + LEADING, box[axis + 1], window, stride, first)
        return values


@dataclass(frozen=True, slots=True)
class Reshape(Operation):
    """The same values in the same order, in another shape."""

    target: Shape
    name = "reshape"

    def __post_init__(self) -> None:
        _check_sizes(self.target, least=1)

    def shape(self, *sources: Shape) -> Shape:  # noqa: D102
        (source,) = sources
        if len(source) < 2 or math.prod(source[1:]) != math.prod(self.target):
            raise ValueError(f"frame {source} cannot have the shape {self.target}")
        return (source[0], *self.target)

    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:  # noqa: D102
        (source,) = sources
        if any(part.start >= part.stop for part in box[1:]):
            return ((box[0], *(slice(0, 0) for _ in source[1:])),)
        first = np.unravel_index(_flat([part.start for part in box[1:]], self.target), source[1:])
        last = np.unravel_index(_flat([part.stop - 1 for part in box[1:]], self.target), source[1:])
        # Along the axes where they agree that place alone; along the next from one to the other.
        parts, together = [], True
        for start, stop, size in zip(first, last, source[1:], strict=True):
            parts.append(slice(int(start), int(stop) + 1) if together else slice(0, size))
            together = together and start == stop
        return ((box[0], *parts),)

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: D102
        (inside,), (block,) = self.needs(box, *sources), blocks
        wanted = tuple(part.stop - part.start for part in box[1:])
        flat = block.reshape(*block.shape[:LEADING], math.prod(block.shape[LEADING:]))
        if math.prod(wanted) == flat.shape[-1]:
            return flat.reshape(*block.shape[:LEADING], *wanted)
        strides = [math.prod(self.target[axis + 1 :]) for axis in range(len(self.target))]
        grid = np.ix_(
            *(
                np.arange(part.start, part.stop) * stride
                for part, stride in zip(box[1:], strides, strict=True)
            )
        )
        places = np.asarray(sum(grid)) - _flat([part.start for part in inside[1:]], sources[0][1:])
        return np.asarray(flat[..., places])


@dataclass(frozen=True, slots=True)
class Transpose(Operation):
    """Axes in another order."""

    axes: Shape
    name = "transpose"

    def __post_init__(self) -> None:
        _check_sizes(self.axes)
        if sorted(self.axes) != list(range(len(self.axes))):
            raise ValueError(f"axes {self.axes} are not an order")

    def shape(self, *sources: Shape) -> Shape:  # noqa: D102
        (source,) = sources
        if len(source) != len(self.axes) + 1:
            raise ValueError(f"frame {source} does not have the axes {self.axes}")
        return (source[0], *(source[axis + 1] for axis in self.axes))

    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:  # noqa: ARG002, D102
        parts = dict(zip(self.axes, box[1:], strict=True))
        return ((box[0], *(parts[axis] for axis in range(len(self.axes)))),)

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: ARG002, D102
        return blocks[0].transpose(*range(LEADING), *(axis + LEADING for axis in self.axes))


@dataclass(frozen=True, slots=True)
class Pad(Operation):
    """Zeros around the values: (before, behind) along each axis."""

    amounts: tuple[tuple[int, int], ...]
    name = "pad"

    def __post_init__(self) -> None:
        _check_pairs(self.amounts)

    def shape(self, *sources: Shape) -> Shape:  # noqa: D102
        (source,) = sources
        sizes = [size + sum(pair) for size, pair in _each(source, self.amounts)]
        return (source[0], *sizes)

    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:  # noqa: D102
        (source,) = sources
        parts = [
            _clipped(part, -pair[0], size)
            for part, (size, pair) in zip(box[1:], _each(source, self.amounts), strict=True)
        ]
        return ((box[0], *parts),)

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: D102
        (inside,), (block,) = self.needs(box, *sources), blocks
        sizes = (part.stop - part.start for part in box[1:])
        values = np.zeros((*block.shape[:LEADING], *sizes), block.dtype)
        target = [
            slice(there.start + pair[0] - part.start, there.stop + pair[0] - part.start)
            for part, there, pair in zip(box[1:], inside[1:], self.amounts, strict=True)
        ]
        if block.size:
            values[(slice(None), slice(None), *target)] = block
        return values


@dataclass(frozen=True, slots=True)
class Crop(Operation):
    """Values cut off: (before, behind) along each axis."""

    amounts: tuple[tuple[int, int], ...]
    name = "crop"

    def __post_init__(self) -> None:
        _check_pairs(self.amounts)

    def shape(self, *sources: Shape) -> Shape:  # noqa: D102
        (source,) = sources
        sizes = [size - sum(pair) for size, pair in _each(source, self.amounts)]
        if min(sizes) < 1:
            raise ValueError(f"nothing is left of frame {source}")
        return (source[0], *sizes)

    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:  # noqa: ARG002, D102
        parts = [
            slice(part.start + pair[0], part.stop + pair[0])
            for part, pair in zip(box[1:], self.amounts, strict=True)
        ]
        return ((box[0], *parts),)

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: ARG002, D102
        return blocks[0]


@dataclass(frozen=True, slots=True)
class Repeat(Operation):
    """Each value so many times along each axis, one beside the other."""

    times: Shape
    name = "repeat"

    def __post_init__(self) -> None:
        _check_sizes(self.times, least=1)

    def shape(self, *sources: Shape) -> Shape:  # noqa: D102
        (source,) = sources
        return (source[0], *(size * times for size, times in _each(source, self.times)))

    def needs(self, box: Box, *sources: Shape) -> tuple[Box, ...]:  # noqa: ARG002, D102
        parts = [
            slice(part.start // times, max(part.start // times, -(-part.stop // times)))
            for part, times in zip(box[1:], self.times, strict=True)
        ]
        return ((box[0], *parts),)

    def apply(self, box: Box, sources: Sequence[Shape], blocks: Sequence[Array]) -> Array:  # noqa: ARG002, D102
        values = blocks[0]
        for axis, (part, times) in enumerate(zip(box[1:], self.times, strict=True), LEADING):
            if times > 1:
                extra, size = part.start % times, part.stop - part.start
                repeated = np.repeat(values, times, axis=axis)
                values = repeated[(slice(None),) * axis + (slice(extra, extra + size),)]
        return values


OPERATIONS: Mapping[str, type[Operation]] = {
    operation.name: operation
    for operation in (
        Identity,
        Clip,
        Add,
        Subtract,
        Multiply,
        Maximum,
        Minimum,
        Concatenate,
        MaxPool,
        Reshape,
        Transpose,
        Pad,
        Crop,
        Repeat,
    )
}


def _largest(values: Array, axis: int, part: slice, window: int, stride: int, first: int) -> Array:
    """Largest value of each window along one axis.

    Parameters
    ----------
    values : ndarray
        The part of the source that the windows lie in.
    axis : int
        Along which they lie.
    part : slice
        Which windows.
    window, stride : int
        Their size, and the distance from one to the next.
    first : int
        Place of the first value, counted from where window 0 begins.
    """
    size, count = values.shape[axis], part.stop - part.start
    ahead = (slice(None),) * axis
    whole: list[Array] = []
    partial: list[tuple[tuple[slice, ...], Array]] = []
    # Those at which any window has a value: with padding a window may be far larger than the frame.
    least, most = first - (part.stop - 1) * stride, first + size - part.start * stride
    for offset in range(max(0, least), min(window, most)):
        # Windows whose value at this offset lies among the values.
        start = max(part.start, -(-(first - offset) // stride))
        stop = min(part.stop, (first + size - 1 - offset) // stride + 1)
        if start >= stop:
            continue
        place = start * stride + offset - first
        piece = values[(*ahead, slice(place, place + (stop - start - 1) * stride + 1, stride))]
        if stop - start == count:
            whole.append(piece)
        else:
            partial.append(((*ahead, slice(start - part.start, stop - part.start)), piece))
    if whole:
        largest = functools.reduce(np.maximum, whole)
        largest = largest.copy() if partial and len(whole) == 1 else largest
    else:
        shape = (*values.shape[:axis], count, *values.shape[axis + 1 :])
        largest = np.full(shape, _least(values.dtype), values.dtype)
    for where, piece in partial:
        np.maximum(largest[where], piece, out=largest[where])
    return largest


def _least(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return -np.inf
    return False if dtype.kind == "b" else np.iinfo(dtype).min


def _flat(place: Sequence[int], shape: Shape) -> int:
    """Position of a place in a frame's values, probes left aside."""
    return int(np.ravel_multi_index(tuple(place), shape))


def _clipped(part: slice, shift: int, size: int) -> slice:
    """Move a range and cut it to those places that there are; it may become empty."""
    start = min(max(part.start + shift, 0), size)
    return slice(start, max(start, min(part.stop + shift, size)))


def _each(source: Shape, parameters: Sequence[Any]) -> list[tuple[int, Any]]:
    """Sizes of a frame's axes behind the probes, each with its parameter."""
    if len(source) != len(parameters) + 1:
        raise ValueError(f"frame {source} does not have the {len(parameters)} axes of parameters")
    return list(zip(source[1:], parameters, strict=True))


def _is_whole(value: Any, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_number(value: Any) -> bool:
    """Whether a value is a finite number that a float can hold."""
    most = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -most <= value <= most


def _check_sizes(sizes: Any, *, least: int = 0) -> None:
    if not isinstance(sizes, tuple) or not sizes or not all(_is_whole(s, least) for s in sizes):
        raise ValueError(f"{sizes!r:.200} are not whole numbers of at least {least}")


def _check_pairs(pairs: Any) -> None:
    if not isinstance(pairs, tuple) or not pairs:
        raise ValueError(f"{pairs!r:.200} are not pairs of whole numbers")
    for pair in pairs:
        _check_sizes(pair)
        if len(pair) != 2:
            raise ValueError(f"{pair!r:.200} is not a pair")

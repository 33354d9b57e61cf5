"""Which part of the input one place of a layer sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.network import convolution, merging, pooling
from explorer.derived.network.graph import Graph
from explorer.derived.network.node import Node, pair
from explorer.derived.network.shapes import edges
from explorer.derived.network.windows import Windows, windows_of
from explorer.derived.recurrent.equations import GATES, NotDerivableError

Array = npt.NDArray[Any]


Shape = Sequence[int]
# From where to before where, on one axis.
Bounds = tuple[int, int]
Field = tuple[Bounds, ...]


def receptive_field(
    network: Graph,
    layer: str,
    place: Sequence[int],
    shapes: Mapping[str, Shape],
    *,
    on: str | None = None,
) -> tuple[int, ...]:
    """Find the part of the input that one place of a layer depends on.

    Parameters
    ----------
    network : Graph
        The layers; a `Network` is one.
    layer : str
        The layer.
    place : sequence of int
        Its place without the unit: (y, x) of a feature map, (token,) of a sequence, () of a layer
        without places.
    shapes : mapping of str to sequence of int
        Shape of one probe's activation, of every layer on the way and of the input:
        (place, ..., unit), of tokens (token,).
    on : str, optional
        The layer whose places are asked for; by default the input that the layer depends on.

    Returns
    -------
    tuple of int
        ``(y0, y1, x0, x1)`` or ``(token0, token1)``: from `y0` to before `y1`. What lies in the
        padding is cut off; all are 0 if nothing but padding is seen. Bounds, so what a dilated
        kernel leaves out in between is within.

    Raises
    ------
    ValueError
        There is no such place, or several inputs and `on` was not given.
    NotDerivableError
        A layer on the way cannot be repeated here.

    Notes
    -----
    The arithmetic is that of Araujo et al. 2019 ("Computing receptive fields of convolutional
    neural networks", Distill, doi:10.23915/distill.00021), place by place.
    """
    place = tuple(int(at) for at in place)
    lengths = tuple(shapes[network.node(layer).name][:-1])
    fits = len(place) == len(lengths)
    if not fits or any(not 0 <= at < length for at, length in zip(place, lengths, strict=True)):
        raise ValueError(
            f"Layer {layer!r} has no place {place}: its places are {lengths}, each from 0."
        )
    plane = _plane(network, layer, on)
    between = network.ancestors([layer]) & network.descendants([plane])
    fields: dict[str, Field] = {layer: tuple((at, at + 1) for at in place)}
    for name in reversed(network.nodes):
        if name not in fields or name == plane:
            continue
        for source in between.intersection(network.nodes[name].inbound):
            if name in network.unsupported:
                raise NotDerivableError(f"Layer {name!r}: {network.unsupported[name]}")
            seen = _seen(network.nodes[name], fields[name], shapes[source], shapes[name])
            fields[source] = _union(fields.get(source), seen)
    field = fields.get(plane, ())
    if any(start >= stop for start, stop in field):
        return (0, 0) * len(field)
    return tuple(edge for bounds in field for edge in bounds)


def _plane(network: Graph, layer: str, on: str | None) -> str:
    before = network.ancestors([layer])
    if on is not None:
        if network.node(on).name not in before:
            raise ValueError(f"Layer {layer!r} does not depend on {on!r}.")
        return on
    found = [name for name in network.inputs if name in before]
    if len(found) != 1:
        raise ValueError(
            f"Layer {layer!r} depends on {len(found)} inputs ({', '.join(found)}); say which one "
            "with `on`."
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class _Step:
    """One layer on the way.

    Attributes
    ----------
    node : Node
        The layer.
    field : tuple of (int, int)
        The part of its output that is looked at.
    lengths, outputs : tuple of int
        Places of its input and of its output.
    """

    node: Node
    field: Field
    lengths: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def windows(self) -> Windows:
        return windows_of(self.node.config, len(self.lengths))


def _seen(node: Node, field: Field, before: Shape, after: Shape) -> Field:
    """Part of a layer's input that a part of its output depends on."""
    if node.class_name == "Embedding":  # its input has no axis of units
        return field
    lengths, outputs = tuple(before[:-1]), tuple(after[:-1])
    if any(start >= stop for start, stop in field):
        return tuple((0, 0) for _ in lengths)
    step = _Step(node, field, lengths, outputs)
    op = _FIELDS.get(node.class_name, _same) if len(lengths) == len(outputs) else _whole
    # What lies outside is padding.
    return tuple(
        (min(max(start, 0), length), max(min(stop, length), 0))
        for (start, stop), length in zip(op(step), lengths, strict=True)
    )


def _union(one: Field | None, other: Field) -> Field:
    if one is None or any(start >= stop for start, stop in one):
        return other
    if any(start >= stop for start, stop in other):
        return one
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(one, other, strict=True))


def _same(step: _Step) -> Field:
    return step.field


def _whole(step: _Step) -> Field:
    return tuple((0, length) for length in step.lengths)


def _along_units(step: _Step) -> Field:
    """Over the units' axis alone a normalization sees one place, else all of them."""
    axis = step.node.config.get("axis", -1)
    axes = set(axis) if isinstance(axis, list | tuple) else {axis}
    return step.field if axes <= {-1, len(step.lengths) + 1} else _whole(step)


def _repeated(step: _Step) -> Field:
    """Merge: an axis of length one is seen from every place of another input."""
    return tuple(
        (0, 1) if length == 1 else bounds
        for bounds, length in zip(step.field, step.lengths, strict=True)
    )


def _window(step: _Step) -> Field:
    windows = step.windows
    rows = zip(step.field, windows.strides, windows.spans, windows.pads(step.lengths), strict=True)
    return tuple(
        (start * stride - pad, (stop - 1) * stride - pad + span)
        for (start, stop), stride, span, (pad, _) in rows
    )


def _transposed_window(step: _Step) -> Field:
    windows = step.windows
    rows = zip(step.field, windows.strides, windows.spans, windows.pads(step.outputs), strict=True)
    return tuple(
        (-((span - 1 - start - pad) // stride), (stop - 1 + pad) // stride + 1)
        for (start, stop), stride, span, (pad, _) in rows
    )


def _padded(step: _Step) -> Field:
    sides = edges(step.node.config, "padding", len(step.lengths))
    return _moved(step.field, [-before for before, _ in sides])


def _cropped(step: _Step) -> Field:
    sides = edges(step.node.config, "cropping", len(step.lengths))
    return _moved(step.field, [before for before, _ in sides])


def _moved(field: Field, ways: Sequence[int]) -> Field:
    return tuple((start + way, stop + way) for (start, stop), way in zip(field, ways, strict=True))


def _enlarged(step: _Step) -> Field:
    sizes = pair(step.node.config["size"], len(step.lengths))
    return tuple(
        (start // size, (stop - 1) // size + 1)
        for (start, stop), size in zip(step.field, sizes, strict=True)
    )


def _read(step: _Step) -> Field:
    """Read tokens: the state at one of them has seen those before it."""
    ((_, stop),), (length,) = step.field, step.lengths
    # Backwards, the states come in the order in which they were reached.
    return ((length - stop, length),) if step.node.config.get("go_backwards") else ((0, stop),)


def _each_token(step: _Step) -> Field:
    return (step.field[0], *_whole(step)[1:])


def _turned(step: _Step) -> Field:
    dims = step.node.config["dims"]
    if dims[-1] != len(dims):
        return _whole(step)
    order = [dims.index(axis + 1) for axis in range(len(step.lengths))]
    return tuple(step.field[at] for at in order)


_FIELDS: dict[str, Callable[[_Step], Field]] = {
    **dict.fromkeys((*convolution.LAYER_OPS, *pooling.LAYER_OPS), _window),
    **{name: _transposed_window for name in convolution.LAYER_OPS if name.endswith("Transpose")},
    **{name: _whole for name in pooling.LAYER_OPS if name.startswith("Global")},
    **dict.fromkeys(merging.LAYER_OPS, _repeated),
    **dict.fromkeys(("Concatenate", "LayerNormalization", "Softmax"), _along_units),
    **dict.fromkeys(("Flatten", "Reshape", "Dot", "Bidirectional"), _whole),
    **dict.fromkeys(GATES, _read),
    **{f"ZeroPadding{axes}D": _padded for axes in (1, 2, 3)},
    **{f"Cropping{axes}D": _cropped for axes in (1, 2, 3)},
    **{f"UpSampling{axes}D": _enlarged for axes in (1, 2, 3)},
    "TimeDistributed": _each_token,
    "Permute": _turned,
}


def extent(spans: Array, length: int) -> tuple[float, float]:
    """Place of a map on an axis of its input: each position at the middle of what it sees.

    Parameters
    ----------
    spans : ndarray of int (position, 2)
        What each position sees, beyond the border too.
    length : int
        Length of the input's axis.

    Returns
    -------
    start, stop : float
        Outer borders of the first and the last position. The whole axis, if all positions see the
        same; a lone position covers what it sees.

    Examples
    --------
    >>> extent([[-1, 2], [0, 3], [1, 4], [2, 5]], 4)
    (0.0, 4.0)
    """
    middles = np.asarray(spans, np.float64).mean(axis=1)
    if len(middles) < 2:
        return (float(spans[0][0]), float(spans[0][1])) if len(middles) else (0.0, float(length))
    half = (middles[-1] - middles[0]) / (len(middles) - 1) / 2
    if half <= 0:
        return 0.0, float(length)
    return float(middles[0] - half), float(middles[-1] + half)

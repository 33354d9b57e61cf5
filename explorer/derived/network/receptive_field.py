"""Which part of the input one place of a layer sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.network.graph import Graph
from explorer.derived.network.node import Field, Node, OutputPart
from explorer.derived.network.registry import layer_ops
from explorer.derived.recurrent.equations import NotDerivableError

Array = npt.NDArray[Any]
Shape = Sequence[int]


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


def _seen(node: Node, field: Field, before: Shape, after: Shape) -> Field:
    """Part of a layer's input that a part of its output depends on."""
    if node.class_name == "Embedding":  # its input has no axis of units
        return field
    lengths, outputs = tuple(before[:-1]), tuple(after[:-1])
    if any(start >= stop for start, stop in field):
        return tuple((0, 0) for _ in lengths)
    part = OutputPart(node.config, field, lengths, outputs)
    is_placed = len(lengths) == len(outputs)
    seen = layer_ops()[node.class_name].sees(part) if is_placed else part.whole
    # What lies outside is padding.
    return tuple(
        (min(max(start, 0), length), max(min(stop, length), 0))
        for (start, stop), length in zip(seen, lengths, strict=True)
    )


def _union(one: Field | None, other: Field) -> Field:
    if one is None or any(start >= stop for start, stop in one):
        return other
    if any(start >= stop for start, stop in other):
        return one
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in zip(one, other, strict=True))


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

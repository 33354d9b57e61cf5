"""One unit: its values, their limits, and what each position of its map sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.run import SAMPLES, RunData
from explorer.derived.network.graph import Graph
from explorer.derived.network.node import Node, pair
from explorer.derived.network.operations.shapes import edges
from explorer.derived.network.receptive_field import extent, receptive_field
from explorer.derived.network.windows import windows_of
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import Limits, robust_limits, sample_indices
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]
# A feature map has a height, a width and units.
MAP_AXES = 3
WINDOWED = (
    "Conv2D",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "MaxPooling2D",
    "AveragePooling2D",
)


@dataclass(frozen=True)
class Sight:
    """What each place of a layer's maps sees of the network's input.

    Attributes
    ----------
    rows, columns : ndarray of int (position, 2)
        Rows of the input that each row of a map sees, and columns: from, to before.
    reach : tuple of ndarray of int (position, 2)
        The same of rows and of columns, but with what lies beyond the border, in the padding.
    size : tuple of int
        Height and width of the input.
    fault : str or None
        Why it is not known, in a sentence; each place then counts as seeing the whole input.
    """

    rows: Array
    columns: Array
    reach: tuple[Array, Array]
    size: tuple[int, int]
    fault: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether each place sees the whole input."""
        whole = np.array([0, self.size[0]]), np.array([0, self.size[1]])
        return bool((self.rows == whole[0]).all() and (self.columns == whole[1]).all())

    @property
    def extent(self) -> list[float]:
        """Where a map lies on the input: top, left, bottom, right."""
        (top, bottom), (left, right) = map(extent, self.reach, self.size)
        return [top, left, bottom, right]


def unit_values(
    data: RunData, layer: str, index: int, unit: int, probe: int | slice = slice(None)
) -> Array:
    """Read one unit's activation at a recorded step, of one probe or of all.

    Returns
    -------
    ndarray (place, ...) or (probe, place, ...)
    """
    path = activation_path(layer)
    dims = data.run.array(path).dims[2:]
    places = tuple(unit if dim == UNIT_DIM else slice(None) for dim in dims)
    return data.read(path, (index, probe, *places))


def unit_limits(data: RunData, layer: str, unit: int, probe: int) -> Limits:
    """Colour limits of one unit's values for a probe, the same at every step."""
    indices = sample_indices(len(data.run), SAMPLES)
    return robust_limits(unit_values(data, layer, index, unit, probe) for index in indices)


def images(data: RunData) -> Array | None:
    """Give the probes as (probe, y, x, channel); None if they are not one image each."""
    given, probe = data.input(), data.run.probe
    if given is None or probe is None or probe.kind != "image":
        return None
    return as_images(given, list(next(iter(probe.dims.values()))))


def image_of(data: RunData, probe: int) -> Array | None:
    """Give one probe, or an input that was tried, as (y, x, channel); None if it is no image."""
    row = data.probe_input(probe)
    if images(data) is None or row is None or data.run.probe is None:
        return None
    shown = as_images(row[None], list(next(iter(data.run.probe.dims.values()))))
    return None if shown is None else shown[0]


def as_images(given: Array, dims: Sequence[str]) -> Array | None:
    """Give inputs as (example, y, x, channel); None if they are not one image each."""
    pictures = (
        np.moveaxis(given, dims.index("channel"), -1) if "channel" in dims else given[..., None]
    )
    return pictures if pictures.ndim == MAP_AXES + 1 else None


def sight_of(data: RunData, layer: Layer) -> Sight:
    """Find what each place of a layer's maps sees, along rows and along columns."""

    def make() -> dict[str, Array]:
        sight = _look(data, layer)
        parts = {"rows": sight.rows, "columns": sight.columns, "size": np.array(sight.size)}
        reach = {"reach_y": sight.reach[0], "reach_x": sight.reach[1]}
        return {**parts, **reach, "fault": np.array(sight.fault or "")}

    # Deep networks take seconds.
    kept = data.derived(f"what is seen by {activation_path(layer.name)}", make)
    height, width = kept["size"].tolist()
    reach = kept["reach_y"], kept["reach_x"]
    fault = str(kept["fault"]) or None
    return Sight(kept["rows"], kept["columns"], reach, (height, width), fault)


def _look(data: RunData, layer: Layer) -> Sight:
    dims = data.run.array(activation_path(layer.name)).dims[2:]
    places = [size for dim, size in zip(dims, layer.output_shape, strict=True) if dim != UNIT_DIM]
    given = images(data)
    height, width = places if given is None else given.shape[1:3]
    shapes = {
        name: given.shape[1:] if each.kind == "input" and given is not None else each.output_shape
        for name, each in data.run.layers.items()
    }
    try:
        if given is None:
            raise ValueError("The probe is not one image.")
        network = data.network
        before = network.ancestors([layer.name]) - set(network.inputs)
        unknown = sorted(name for name in before if not shapes[name])
        if unknown:
            raise ValueError(f"The activation of {unknown[0]}, on the way there, was not recorded.")
        fields = [
            [receptive_field(network, layer.name, (y, 0), shapes)[:2] for y in range(places[0])],
            [receptive_field(network, layer.name, (0, x), shapes)[2:] for x in range(places[1])],
        ]
        rows, columns = map(np.array, fields)
        down, across = (_reach(network, layer.name, shapes, axis) for axis in (0, 1))
    except (NotDerivableError, ValueError, IndexError) as error:
        rows, columns = np.tile([0, height], (places[0], 1)), np.tile([0, width], (places[1], 1))
        return Sight(rows, columns, (rows, columns), (height, width), str(error))
    reach = rows if down is None else down, columns if across is None else across
    return Sight(rows, columns, reach, (height, width))


def _reach(
    network: Graph, layer: str, shapes: Mapping[str, Sequence[int]], axis: int
) -> Array | None:
    """Follow windows on one axis back to the input, beyond its border; None if others intervene."""
    places = np.arange(shapes[layer][axis])
    reach = {layer: np.stack([places, places + 1], axis=1)}
    for name in reversed(network.nodes):
        node = network.nodes[name]
        if name not in reach or not node.inbound:
            continue
        for source in node.inbound:
            far = _stepped_back(node, reach[name], shapes[source][:2], shapes[name][:2], axis)
            if far is None:
                return None
            near = reach.get(source, far)
            starts, ends = np.minimum(near[:, 0], far[:, 0]), np.maximum(near[:, 1], far[:, 1])
            reach[source] = np.stack([starts, ends], axis=1)
    return reach[next(iter(name for name in network.inputs if name in reach))]


def _stepped_back(
    node: Node, spans: Array, before: Sequence[int], after: Sequence[int], axis: int
) -> Array | None:
    """Give what spans of a layer's output see of its input; None of a layer that is not read."""
    if node.class_name in WINDOWED:
        windows = windows_of(node.config, 2)
        stride, pad = windows.strides[axis], windows.pads(before)[axis][0]
        return np.asarray(spans * stride - pad + np.array([0, windows.spans[axis] - stride]))
    if node.class_name == "Conv2DTranspose":
        windows = windows_of(node.config, 2)
        stride, pad = windows.strides[axis], windows.pads(after)[axis][0]
        starts = -((windows.spans[axis] - 1 - spans[:, 0] - pad) // stride)
        return np.stack([starts, (spans[:, 1] - 1 + pad) // stride + 1], axis=1)
    if node.class_name == "UpSampling2D":
        size = pair(node.config["size"], 2)[axis]
        return np.stack([spans[:, 0] // size, (spans[:, 1] - 1) // size + 1], axis=1)
    if node.class_name == "ZeroPadding2D":
        return np.asarray(spans - edges(node.config, "padding", 2)[axis][0])
    return spans if tuple(before) == tuple(after) else None

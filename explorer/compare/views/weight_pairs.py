"""Variables of a layer that two runs have in common, and what their axes stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.compare.pair import RunPair
from explorer.compare.views.pairing import Inputs, Pairing, of_units
from explorer.data.kernels import has_kernels, read_kernel
from explorer.data.recurrent import RecurrentLayer
from explorer.data.run import RunData
from explorer.derived.pairs.subtraction import subtracted
from explorer.derived.pairs.time_alignment import Alignment
from explorer.derived.pairs.unit_matching import Matching
from explorer.derived.recurrent.equations import NotDerivableError, part_of
from explorer.derived.recurrent.quantities import TITLES, is_gate
from store.format.names import weight_path

Array = npt.NDArray[Any]
Read = Callable[[int], Array]
Role = Literal["unit", "input", "state", "row", ""]

ROLES: dict[str, Role] = {"unit": "unit", "in_unit": "input"}
# A GRU may have two biases a gate.
ON = ("", ", on the state")
RECURRENT_PARTS: dict[str, tuple[str, tuple[Role, ...]]] = {
    "recurrent": ("recurrent kernel", ("row", "state", "unit")),
    "input": ("kernel", ("row", "input", "unit")),
    "bias": ("bias", ("row", "unit")),
}
# Rows that are the same for a unit and for its negative: gates, and what normalizes by size.
SIGNLESS_ROWS = frozenset(
    [
        *(f"{gate}{part}" for name, gate in TITLES.items() if is_gate(name) for part in ON),
        "gamma",
        "moving_variance",
    ]
)


@dataclass(frozen=True)
class Variable:
    """A variable, or several of one shape, of a layer of both runs.

    Attributes
    ----------
    title : str
        Its name.
    axes : tuple of str
        What each axis stands for: units of the layer, its inputs, units of its state, things that
        ``rows`` names; empty: places, equal in both.
    read : (callable, callable)
        Gives it at a recorded step, of A and of B.
    rows : tuple of str
        Names along the axis ``row``: gates, or variables.
    units : (ndarray of int, ndarray of int) or None
        The layer's units that the variable has, of A and of B; None: all.
    """

    title: str
    axes: tuple[Role, ...]
    read: tuple[Read, Read]
    rows: tuple[str, ...] = ()
    units: tuple[Array, Array] | None = None

    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shapes in A and in B."""
        return self.read[0](0).shape, self.read[1](0).shape

    def difference(
        self, alignment: Alignment, position: int, units: Pairing, inputs: Inputs
    ) -> Array:
        """B less A at a position, in A's order; NaN where one of them has no counterpart."""
        ours = self.read[0](int(alignment.first[position]))
        theirs = self.read[1](int(alignment.second[position]))
        pairs: dict[int, Matching] = {}
        for axis, role in enumerate(self.axes):
            counts = ours.shape[axis], theirs.shape[axis]
            if role == "input":
                pairs[axis] = inputs.at(position, counts)
            elif role in ("unit", "state"):
                pairs[axis] = of_units(units.at(position), self.units, counts)
        found = subtracted(ours, theirs, pairs)
        still = [at for at, row in enumerate(self.rows) if row in SIGNLESS_ROWS]
        if still:
            axis = self.axes.index("unit")
            pairs[axis] = pairs[axis].unturned
            found[still] = subtracted(ours[still], theirs[still], pairs)
        return found

    def fault(self) -> str | None:
        """Say why the two cannot be subtracted; None if they can."""
        shapes = self.shapes()
        open_axes = [role in ("unit", "input", "state") for role in self.axes]
        kept = [
            tuple(-1 if free else size for free, size in zip(open_axes, shape, strict=False))
            for shape in shapes
        ]
        if len(shapes[0]) == len(shapes[1]) and kept[0] == kept[1]:
            return None
        spoken = [" × ".join(map(str, shape)) for shape in shapes]
        return f"{self.title} is {spoken[0]} in A and {spoken[1]} in B: they cannot be subtracted."


def variables_of(pair: RunPair, first: str, second: str) -> list[Variable]:
    """Find what of two layers can be subtracted, their main weights first.

    Parameters
    ----------
    pair : RunPair
        The runs.
    first, second : str
        The layer in A and in B.
    """
    kinds = pair.first.run.layers[first].kind, pair.second.run.layers[second].kind
    if kinds == ("recurrent", "recurrent"):
        try:
            return list(_recurrent(pair, first, second))
        except NotDerivableError:
            pass  # a cell of its own: its variables as they are
    return list(_plain(pair, first, second))


def _recurrent(pair: RunPair, first: str, second: str) -> Iterator[Variable]:
    """Gates of both directions: the state's weights, the input's, and biases."""
    layers = RecurrentLayer(pair.first, first), RecurrentLayer(pair.second, second)
    gates = [layer.gates(0) for layer in layers]

    def read(layer: RecurrentLayer, way: str, part: str, names: tuple[str, ...], at: int) -> Array:
        found = layer.gates(at)[way]
        values = np.stack([_known(part_of(found[name], part)) for name in names])
        # A GRU may have two biases a gate, that of its state being the second.
        return values.reshape(-1, values.shape[-1]) if part == "bias" else values

    ways = [way for way in gates[0] if way in gates[1]]
    for part, (title, axes) in RECURRENT_PARTS.items():
        for way in ways:
            names = tuple(name for name in gates[0][way] if name in gates[1][way])
            if not names or any(part_of(of[way][names[0]], part) is None for of in gates):
                continue
            rows = tuple(TITLES.get(name, name) for name in names)
            if part == "bias" and _known(part_of(gates[0][way][names[0]], part)).ndim == 2:
                rows = tuple(f"{row}{side}" for row in rows for side in ON)
            told = [title, *([rows[0]] if len(names) == 1 < len(gates[0][way]) else [])]
            yield Variable(
                ", ".join(told if len(ways) == 1 else [*told, way]),
                axes,
                (
                    partial(read, layers[0], way, part, names),
                    partial(read, layers[1], way, part, names),
                ),
                rows,
                (layers[0].units(way), layers[1].units(way)),
            )


def _known(values: Array | None) -> Array:
    assert values is not None  # `_recurrent` has looked
    return values


def _plain(pair: RunPair, first: str, second: str) -> Iterator[Variable]:
    """Kernels and matrices, then all that has a value for each unit in one."""
    ours, theirs = pair.first.run.layers[first], pair.second.run.layers[second]
    shared = [name for name in ours.weights if name in theirs.weights]
    done: set[str] = set()
    if has_kernels(ours) and has_kernels(theirs):
        done = {name for name in shared if name.endswith("kernel")}
        kernels = (
            partial(read_kernel, pair.first, first),
            partial(read_kernel, pair.second, second),
        )
        shape = kernels[0](0).shape
        # A depthwise kernel has one channel, whatever the number of units.
        channel: Role = "input" if shape[-2] > 1 else ""
        places: list[Role] = ["" for _ in shape[:-2]]
        yield Variable("kernel", (*places, channel, "unit"), kernels)
    vectors = []
    for name in shared:
        if name in done:
            continue
        dims = _dims(pair.first, first, name)
        if dims != _dims(pair.second, second, name):
            continue
        if dims == ("unit",):
            vectors.append(name)
        elif len(dims) == 2:
            axes = tuple(ROLES.get(dim, "") for dim in dims)
            yield Variable(name, axes, _readers(pair, first, second, name))
    # Those of a layer that has some for each input, too, are of several sizes.
    sizes = [{layer.weights[name] for name in vectors} for layer in (ours, theirs)]
    if all(len(of_one) == 1 for of_one in sizes):
        yield Variable(
            ", ".join(vectors),
            ("row", "unit"),
            (
                partial(_stacked, pair.first, first, vectors),
                partial(_stacked, pair.second, second, vectors),
            ),
            tuple(vectors),
        )


def _readers(pair: RunPair, first: str, second: str, name: str) -> tuple[Read, Read]:
    return partial(pair.first.weight, first, name), partial(pair.second.weight, second, name)


def _stacked(data: RunData, layer: str, names: list[str], index: int) -> Array:
    return np.stack([data.weight(layer, name, index) for name in names])


def _dims(data: RunData, layer: str, name: str) -> tuple[str, ...]:
    """Names of a variable's axes."""
    return tuple(data.run.array(weight_path(layer, name)).dims[1:])

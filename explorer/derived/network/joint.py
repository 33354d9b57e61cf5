"""A probe's way through a network: the units that contribute most, and their links.

What a unit contributes to a class is gradient x activation, see `network.contributions`. Columns
are linked where one takes the other's output. What passes from unit i to unit j of the next column
is the part of i's contribution that flows through j: the gradient of the logit at j alone, taken
back to i by the layers' own derivatives, times the activation of i. So it holds of every layer that
the network can be taken back through, and the links out of a unit, to all columns that take it, add
up to what it contributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.derived.network.contributions import class_gradients
from explorer.derived.network.engine import Arrays, Network, StepWeights
from explorer.derived.network.evidence import evidence_map, fused_evidence
from explorer.derived.network.graph import Graph
from explorer.derived.network.node import as_float

Array = npt.NDArray[Any]

# Layers that begin a column; what follows one without mixing its units belongs to it.
CORE_KINDS = frozenset({"conv", "pooling", "dense", "recurrent", "merge", "attention", "embedding"})
FOLLOWING_KINDS = frozenset({"activation", "normalization", "regularization", "softmax"})
MAP_DIMENSIONS = 3
# Partners of a chosen unit that are shown on either side.
PARTNERS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """Layers that are shown as one.

    Attributes
    ----------
    core : str
        The layer that computes.
    layer : str
        The layer whose output is shown: the core, or what follows it.
    kind : {"map", "vector", "classes"}
        A picture a unit, a number a unit, or the classes.
    members : tuple of str
        All layers of the column.
    """

    core: str
    layer: str
    kind: Literal["map", "vector", "classes"]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """What a probe's way looks like at one step.

    Attributes
    ----------
    contributions : dict of str to ndarray (1, ..., unit)
        Of every unit at every place, by layer: the input, and the layer of each column but the
        last.
    units : list of ndarray (row,), int64
        Units shown of each column, strongest first; fewer than rows where there are no more.
    links : dict of (layer, layer) to ndarray (row, row), float64
        What passes from each unit shown of one layer to each of another, for each of `passages`;
        of an input, from all its units together. To a class, what speaks for its own logit.
    """

    contributions: Mapping[str, Array]
    units: list[Array]
    links: dict[tuple[str, str], Array]


def columns_of(
    layers: Sequence[tuple[str, str, tuple[int, ...]]], followers: Mapping[str, Sequence[str]]
) -> list[Column]:
    """Group the layers of a network into columns.

    Parameters
    ----------
    layers : sequence of (name, kind, output shape)
        In network order; inputs and layers without a recorded activation left out.
    followers : mapping of str to sequence of str
        Layers that take each layer's output.

    Returns
    -------
    list of Column
        A network's last layer is in a column, whatever its kind.

    Examples
    --------
    >>> layers = [("conv", "conv", (8, 8, 4)), ("relu", "activation", (8, 8, 4))]
    >>> columns_of(layers, {"conv": ["relu"], "relu": []})[0].layer
    'relu'
    """
    groups: list[list[str]] = []
    shapes = {name: shape for name, _, shape in layers}
    ends = [name for name in shapes if not followers.get(name)]
    for name, layer_kind, shape in layers:
        # A branch of the network may lie between a layer and the one that follows it.
        group = next((each for each in groups if [*followers.get(each[-1], ())] == [name]), None)
        if group and layer_kind in FOLLOWING_KINDS and shapes[group[-1]] == shape:
            group.append(name)
        elif (layer_kind in CORE_KINDS or name in ends) and shape:
            groups.append([name])
    columns = []
    kind: Literal["map", "vector", "classes"]
    for group in groups:
        is_end = group[-1] in ends and len(shapes[group[-1]]) == 1
        has_maps = len(shapes[group[-1]]) >= MAP_DIMENSIONS
        kind = "classes" if is_end else "map" if has_maps else "vector"
        columns.append(Column(group[0], group[-1], kind, tuple(group)))
    return columns


def passages(network: Graph, columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Find which columns take which: (layer of the one, layer of the other), the inputs too.

    Layers between them, which have no column, are passed. An embedding takes nothing: the number
    of a token has no gradient.
    """
    shown = [*network.inputs, *(column.layer for column in columns)]
    found = []
    for column in columns:
        others = {*shown} - {column.layer}
        between = [network.nodes[name] for name in network.ancestors([column.layer], others)]
        taken = {
            source for node in between for source in node.inbound if node.class_name != "Embedding"
        }
        found += [(source, column.layer) for source in shown if source in taken & others]
    return found


def trace(
    network: Network,
    activations: Mapping[str, Array],
    weights: Mapping[str, Mapping[str, Array]],
    columns: Sequence[Column],
    target: int,
    *,
    rows: int,
    classes: Array,
    chosen: tuple[str, int] | None = None,
) -> Way:
    """Follow what speaks for a class, from the input to the output.

    Parameters
    ----------
    network : Network
        The network.
    activations : mapping of str to ndarray (1, ..., unit)
        Of every layer on the way, for one probe, the input too.
    weights : mapping
        Of every layer, at the same step.
    columns : sequence of Column
        The last one holds the classes.
    target : int
        The class.
    rows : int
        Units to show of each column.
    classes : ndarray (class,)
        Probability of each class; the most probable are shown, and the target.
    chosen : (layer, unit), optional
        A unit that is shown in any case, with its strongest sources and targets.

    Raises
    ------
    NotDerivableError
        A layer on the way cannot be repeated.
    """
    shown = [column.layer for column in columns[:-1]]
    way_back = [*network.inputs, *shown, *(column.core for column in columns[:-1])]
    gradients = class_gradients(
        network, activations, weights, columns[-1].layer, target, wanted=way_back
    )
    with np.errstate(all="ignore"):  # what diverged shows as NaN
        contributions = {
            name: as_float(activations[name]) * gradients[name]
            for name in (*network.inputs, *shown)
            if name in gradients
        }
        pairs = passages(network, columns)
        flow = _Flow(network, activations, weights, columns, gradients, pairs)
        picked = [_strongest(unit_sums(contributions[layer]), rows) for layer in shown]
        picked.append(_classes(classes, target, rows))
        if chosen is not None:
            _include(chosen, flow, picked, rows)
        return Way(contributions, picked, flow.links(picked))


def fused(way: Way, columns: Sequence[Column], source: str) -> Array:
    """Where the evidence lies on the input, of all layers with places together: (y, x) float32.

    Parameters
    ----------
    way : Way
        What was traced.
    columns : sequence of Column
        Its columns; those of kind "map" count, and the input.
    source : str
        The input.
    """
    layers = [source, *(column.layer for column in columns if column.kind == "map")]
    maps = [evidence_map(way.contributions[name]) for name in layers if name in way.contributions]
    height, width = np.shape(way.contributions[source])[1:3]
    return np.asarray(fused_evidence(maps, (height, width))[0])


def unit_sums(contribution: Array) -> npt.NDArray[np.float64]:
    """Sum over everything but the unit: (unit,)."""
    return np.asarray(
        contribution.reshape(-1, contribution.shape[-1]).sum(axis=0, dtype=np.float64)
    )


def _strongest(strengths: Array, rows: int) -> Array:
    sizes = np.nan_to_num(np.abs(strengths), nan=-1.0)
    return np.argsort(-sizes, kind="stable")[:rows]


def _classes(probabilities: Array, target: int, rows: int) -> Array:
    shown = _strongest(probabilities, rows)
    if target not in shown:
        shown[-1] = target
    return shown


@dataclass(frozen=True, slots=True)
class _Flow:
    """What passes between the columns, for one probe at one step."""

    network: Network
    activations: Arrays
    weights: StepWeights
    columns: Sequence[Column]
    gradients: Arrays
    pairs: Sequence[tuple[str, str]]

    def links(self, picked: Sequence[Array]) -> dict[tuple[str, str], Array]:
        """Give what passes between the units picked of each column."""
        units = {column.layer: part for column, part in zip(self.columns, picked, strict=True)}
        into = {column.layer: self.into(column, units[column.layer]) for column in self.columns}
        return {
            (source, layer): into[layer][source][units[source]]
            if source in units
            else into[layer][source].sum(axis=0, keepdims=True)
            for source, layer in self.pairs
        }

    def into(
        self, column: Column, units: Array, sources: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """Give what passes through some units of a column: (source unit, unit) by source."""
        if sources is None:
            sources = self.sources(column)
        is_last = column is self.columns[-1]
        back = self._classes_back if is_last else self._units_back
        return {
            source: _over_places(gradient * as_float(self.activations[source])).T
            for source, gradient in back(column, units, sources).items()
        }

    def sources(self, column: Column) -> list[str]:
        """Give what a column takes: layers of columns, and inputs."""
        return [source for source, layer in self.pairs if layer == column.layer]

    def out_of(self, column: Column, unit: int) -> dict[str, Array]:
        """Give what the units of the columns behind lose without a unit: (unit,) by layer.

        That is what passes from it, if the layers between are linear. Where they are not, it tells
        which units take most, no more.
        """
        silenced = as_float(self.activations[column.layer]).copy()
        silenced[..., unit] = 0
        found = {}
        for other in self.columns[:-1]:
            if (column.layer, other.layer) in self.pairs:
                call = self.network.call(other.core, self.activations, self.weights)
                whole = self.network.op(other.core).forward(call)
                gradient = self.network.before_activation(
                    other.core, call, self.activations, self.gradients[other.core]
                )
                lost = whole - self._at_core(other, {column.layer: silenced})
                found[other.layer] = unit_sums(lost * gradient)
        return found

    def _units_back(self, column: Column, units: Array, sources: Sequence[str]) -> Arrays:
        """Take the gradient at each of some units alone back to the sources: (row, ...) each."""
        count, whole = len(units), self.gradients[column.layer]
        seed = np.zeros((count, *whole.shape[1:]), np.float32)
        seed[np.arange(count), ..., units] = np.moveaxis(whole[0][..., units], -1, 0)
        return self.network.backward(
            self._repeated(count),
            self.weights,
            {column.layer: seed},
            wanted=sources,
            ends=self._others(column),
        )

    def _classes_back(self, column: Column, units: Array, sources: Sequence[str]) -> Arrays:
        """Take the gradient of the logit of each of some classes back: (row, ...) each."""
        return class_gradients(
            self.network,
            self._repeated(len(units)),
            self.weights,
            column.layer,
            units,
            wanted=sources,
            ends=self._others(column),
        )

    def _repeated(self, count: int) -> Arrays:
        """Give the probe's activations as those of so many probes."""
        return {
            name: np.broadcast_to(values, (count, *np.shape(values)[1:]))
            for name, values in self.activations.items()
        }

    def _at_core(self, column: Column, changed: Arrays) -> Array:
        """Compute a column's core, before its activation function, of changed sources."""
        known = self._others(column) | {*self.network.inputs}
        between = self.network.ancestors([column.core], known) - {column.core}
        start = {name: values for name, values in self.activations.items() if name not in between}
        found = self.network.forward({}, self.weights, start={**start, **changed})
        return self.network.logits(column.core, found, self.weights)

    def _others(self, column: Column) -> set[str]:
        return {other.layer for other in self.columns} - {column.layer}


def _over_places(values: Array) -> npt.NDArray[np.float64]:
    """Sum over everything but the batch and the unit: (batch, unit)."""
    return np.asarray(
        values.reshape(len(values), -1, values.shape[-1]).sum(axis=1, dtype=np.float64)
    )


def _include(chosen: tuple[str, int], flow: _Flow, picked: list[Array], rows: int) -> None:
    """Show a chosen unit, and its strongest partners in the columns that it is linked to."""
    layer, unit = chosen
    column = next((column for column in flow.columns if layer in column.members), None)
    if column is None or column is flow.columns[-1]:
        return
    shown = {other.layer for other in flow.columns}
    sources = [source for source in flow.sources(column) if source in shown]
    partners = flow.out_of(column, unit)
    if sources:
        into = flow.into(column, np.array([unit]), sources)
        partners |= {source: part[:, 0] for source, part in into.items()}
    for at, other in enumerate(flow.columns):
        if other is column:
            picked[at] = _with(picked[at], [unit], rows)
        elif other.layer in partners:
            wanted = _strongest(partners[other.layer], PARTNERS).tolist()
            picked[at] = _with(picked[at], wanted, rows)


def _with(picked: Array, wanted: Sequence[int], rows: int) -> Array:
    """Put units in place of the weakest, keeping the order of the others."""
    missing = [unit for unit in wanted if unit not in picked]
    kept = picked.tolist()
    while len(kept) + len(missing) > rows:
        kept.remove(next(unit for unit in reversed(kept) if unit not in wanted))
    return np.array([*kept, *missing], np.int64)

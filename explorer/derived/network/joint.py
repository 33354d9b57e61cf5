"""A probe's way through a network: the units that contribute most, and their links.

What a unit contributes to a class is gradient x activation, see `network.contributions`. What
passes from unit i to unit j of the next column is the part of it that flows through j: where the
next column sums up ``w a`` it is w times the gradient of the logit at w, added up over the weights
between i and j. So the links out of a unit add up to what it contributes; the links into one to
that too, but for its bias.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.derived.network.contributions import class_gradients
from explorer.derived.network.engine import Network
from explorer.derived.network.evidence import evidence_map, fused_evidence
from explorer.derived.network.windows import windows_of

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
    links : list of ndarray (row, row), float64
        What passes from each unit of a column to each of the next.
    """

    contributions: Mapping[str, Array]
    units: list[Array]
    links: list[Array]


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

    Examples
    --------
    >>> layers = [("conv", "conv", (8, 8, 4)), ("relu", "activation", (8, 8, 4))]
    >>> columns_of(layers, {"conv": ["relu"], "relu": []})[0].layer
    'relu'
    """
    groups: list[list[str]] = []
    shapes = {name: shape for name, _, shape in layers}
    for name, layer_kind, shape in layers:
        last = groups[-1][-1] if groups else None
        follows = last is not None and list(followers.get(last, ())) == [name]
        if follows and layer_kind in FOLLOWING_KINDS and last and shapes[last] == shape:
            groups[-1].append(name)
        elif layer_kind in CORE_KINDS and shape:
            groups.append([name])
    ends = [name for name in shapes if not followers.get(name)]
    columns = []
    kind: Literal["map", "vector", "classes"]
    for group in groups:
        is_end = group[-1] in ends and len(shapes[group[-1]]) == 1
        has_maps = len(shapes[group[-1]]) >= MAP_DIMENSIONS
        kind = "classes" if is_end else "map" if has_maps else "vector"
        columns.append(Column(group[0], group[-1], kind, tuple(group)))
    return columns


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
    cores = [column.core for column in columns]
    shown = [column.layer for column in columns[:-1]]
    gradients = class_gradients(
        network,
        activations,
        weights,
        columns[-1].layer,
        target,
        wanted=[*network.inputs, *cores[:-1], *shown],
    )
    with np.errstate(all="ignore"):  # what diverged shows as NaN
        contributions = {
            name: np.asarray(activations[name], np.float32) * gradient
            for name, gradient in gradients.items()
        }
        links = [
            _links(network, activations, weights, gradients, source, column, len(classes))
            for source, column in pairwise(columns)
        ]
    picked = [_strongest(unit_sums(contributions[layer]), rows) for layer in shown]
    picked.append(_classes(classes, target, rows))
    if chosen is not None:
        _include(chosen, columns, picked, links, rows)
    return Way(
        {name: contributions[name] for name in (*network.inputs, *shown) if name in contributions},
        picked,
        [link[np.ix_(*pair)] for link, pair in zip(links, pairwise(picked), strict=True)],
    )


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


def _links(
    network: Network,
    activations: Mapping[str, Array],
    weights: Mapping[str, Mapping[str, Array]],
    gradients: Mapping[str, Array],
    source: Column,
    column: Column,
    classes: int,
) -> npt.NDArray[np.float64]:
    """Give what passes from every unit of one column to every unit of the next: (unit, unit)."""
    units = np.shape(activations[source.layer])[-1]
    is_last = column.kind == "classes"
    size = classes if is_last else np.shape(activations[column.layer])[-1]
    call = network.call(column.core, activations, weights)
    kernel = call.weights.get("kernel")
    if is_last and call.class_name == "Dense" and kernel is not None:
        # To each class what speaks for its own logit.
        terms = call.x.reshape(-1, kernel.shape[0]).sum(axis=0)[:, None] * kernel
        terms = np.concatenate([-terms, terms], axis=1) if kernel.shape[1] == 1 else terms
        return _folded(terms, units)
    if is_last or column.core not in gradients:
        return np.zeros((units, size))
    gradient = network.before_activation(column.core, call, activations, gradients[column.core])
    if kernel is not None and call.class_name == "Dense":
        rows = call.x.reshape(-1, kernel.shape[0])
        return _folded(kernel * (rows.T @ gradient.reshape(-1, kernel.shape[1])), units)
    is_convolution = call.class_name.startswith("Conv")
    if kernel is not None and is_convolution and call.x.shape[-1] == kernel.shape[-2] == units:
        seen = windows_of(call.config, call.x.ndim - 2).content(call.x)
        rows = seen.reshape(-1, kernel[..., 0].size)
        return _folded(kernel.reshape(-1, size) * (rows.T @ gradient.reshape(-1, size)), units)
    if network.op(column.core).units == "kept" and size == units:
        passed = np.asarray(activations[source.layer], np.float32) * gradients[source.layer]
        return np.diag(unit_sums(passed))
    return np.zeros((units, size))


def _folded(terms: Array, units: int) -> npt.NDArray[np.float64]:
    """Sum over the places of each source, whose units are the faster axis: (unit, unit)."""
    return np.asarray(terms.reshape(-1, units, terms.shape[-1]).sum(axis=0, dtype=np.float64))


def _include(
    chosen: tuple[str, int],
    columns: Sequence[Column],
    picked: list[Array],
    links: Sequence[Array],
    rows: int,
) -> None:
    """Show a chosen unit, and in the neighbouring columns its strongest partners."""
    layer, unit = chosen
    at = next((at for at, column in enumerate(columns) if layer in column.members), None)
    if at is None or at == len(columns) - 1:
        return
    picked[at] = _with(picked[at], [unit], rows)
    if at > 0:
        picked[at - 1] = _with(
            picked[at - 1], _strongest(links[at - 1][:, unit], PARTNERS).tolist(), rows
        )
    if at + 1 < len(columns) - 1:
        picked[at + 1] = _with(picked[at + 1], _strongest(links[at][unit], PARTNERS).tolist(), rows)


def _with(picked: Array, wanted: Sequence[int], rows: int) -> Array:
    """Put units in place of the weakest, keeping the order of the others."""
    missing = [unit for unit in wanted if unit not in picked]
    kept = picked.tolist()
    while len(kept) + len(missing) > rows:
        kept.remove(next(unit for unit in reversed(kept) if unit not in wanted))
    return np.array([*kept, *missing], np.int64)

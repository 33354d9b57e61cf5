"""How strongly a unit is linked to the units before and after it, for one probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from explorer.derived.network.engine import Arrays, Network, StepWeights
from explorer.derived.network.layer_op import LayerOp
from explorer.derived.network.node import Array, Call, as_float
from explorer.derived.network.registry import INPUT_CLASS, layer_ops
from explorer.derived.recurrent.equations import NotDerivableError

# Units that are set to zero at once, each in a copy of the probe.
SILENCED = 64


@dataclass(frozen=True, slots=True)
class Links:
    """How strongly one unit is linked to others.

    Attributes
    ----------
    sources, targets : dict of str to ndarray (unit,), float32
        By layer, the strength of every unit. A source's strength is what the unit's sums, added
        up over all places, would lose without it; a target's is what its sums would lose without
        the unit. Of linear layers those are the terms ``activation * weight``; bias aside, the
        sources add up to the unit's sums.
    """

    sources: Mapping[str, Array]
    targets: Mapping[str, Array]


def strongest(strengths: Array, count: int) -> Array:
    """Give the units with the strongest links, by absolute value: indices (at most `count`,).

    Units without a link and NaN are left out; of equal ones the first comes first.
    """
    sizes = np.abs(strengths)
    order = np.argsort(-np.nan_to_num(sizes, nan=0, posinf=np.inf), kind="stable")[:count]
    return order[sizes[order] > 0]


def strongest_links(
    network: Network,
    layer: str,
    unit: int,
    activations: Arrays,
    weights: StepWeights,
    *,
    probe: int = 0,
    masks: Arrays | None = None,
    through: bool = True,
) -> Links:
    """Compute how strongly a unit is linked to those before and after it.

    Parameters
    ----------
    network : Network
        The layers.
    layer : str
        The layer of the unit.
    unit : int
        Its index on the layer's last axis.
    activations, weights, masks
        As for `Network.backward`; the activations of the layers after it are needed too.
    probe : int
        Index in the batch.
    through : bool
        Whether layers that keep the units apart (pooling, activation, dropout, normalization;
        ``Flatten``, ``Concatenate``) are passed, up to the next layer that mixes them. Else the
        links lead to the very next layers.

    Returns
    -------
    Links
        Layers that cannot be repeated here are left out of the targets; an embedding has no
        sources.

    Raises
    ------
    ValueError
        There is no such unit.
    NotDerivableError
        The layer cannot be repeated here, or an activation is missing.

    Notes
    -----
    Strengths of layers that are not linear (recurrent, maximum) are those of silencing units one
    at a time (occlusion, Zeiler and Fergus 2014, arXiv:1311.2901); they need not add up.
    """
    one = {name: np.asarray(values)[probe : probe + 1] for name, values in activations.items()}
    its_masks = {name: mask[probe : probe + 1] for name, mask in (masks or {}).items()}
    walk = _Walk(network, one, weights, its_masks, through)
    if layer in one and not 0 <= unit < one[layer].shape[-1]:
        raise ValueError(
            f"Layer {layer!r} has no unit {unit}: its units are 0 to {one[layer].shape[-1] - 1}."
        )
    with np.errstate(all="ignore"):  # what diverged shows as NaN
        return Links(walk.sources(layer, unit), walk.targets(layer, unit))


@dataclass(frozen=True, slots=True)
class _Walk:
    network: Network
    activations: Arrays
    weights: StepWeights
    masks: Arrays
    through: bool

    # -- before ------------------------------------------------------------------------------

    def sources(self, layer: str, unit: int) -> dict[str, Array]:
        if self.network.node(layer).class_name in (INPUT_CLASS, "Embedding"):
            return {}
        op, call = self._layer(layer)
        strengths = _taken(op, call, unit)
        total: dict[str, Array] = {}
        for source, values in zip(self.network.nodes[layer].inbound, strengths, strict=True):
            _add(total, self._back(source, values) if self.through else {source: values})
        return total

    def _back(self, layer: str, strengths: Array) -> dict[str, Array]:
        """Carry strengths back to the units that a layer only passes on."""
        inbound = self.network.nodes[layer].inbound
        total: dict[str, Array] = {}
        if self._joins(layer):
            edges = np.cumsum([self._units(source) for source in inbound])[:-1]
            for source, part in zip(inbound, np.split(strengths, edges), strict=True):
                _add(total, self._back(source, part))
            return total
        owners = self._owners(layer)
        if owners is None:
            return {layer: strengths}
        gathered = np.bincount(owners, strengths, minlength=self._units(inbound[0]))
        return self._back(inbound[0], as_float(gathered))

    # -- after -------------------------------------------------------------------------------

    def targets(self, layer: str, unit: int) -> dict[str, Array]:
        chosen = np.arange(self._units(layer)) == unit
        return self._onwards(layer, chosen)

    def _onwards(self, layer: str, chosen: Array) -> dict[str, Array]:
        """Follow some units of a layer to the layers that take them."""
        total: dict[str, Array] = {}
        for follower in self.network.followers[layer]:
            if follower in self.network.unsupported:
                continue
            owners = self._owners(follower) if self.through else None
            if self.through and self._joins(follower):
                parts = [
                    chosen if source == layer else np.zeros(self._units(source), bool)
                    for source in self.network.nodes[follower].inbound
                ]
                _add(total, self._onwards(follower, np.concatenate(parts)))
            elif owners is not None:
                _add(total, self._onwards(follower, chosen[owners]))
            else:
                op, call = self._layer(follower)
                number = self.network.nodes[follower].inbound.index(layer)
                _add(total, {follower: _given(op, call, number, chosen)})
        return total

    # -- layers ------------------------------------------------------------------------------

    def _layer(self, layer: str) -> tuple[LayerOp, Call]:
        call = self.network.call(layer, self.activations, self.weights, self.masks)
        return self.network.op(layer), call

    def _units(self, layer: str) -> int:
        if layer not in self.activations:
            raise NotDerivableError(
                f"The activation of {layer!r} is needed and was not given (given: "
                f"{', '.join(self.activations) or 'none'}). Compute it with `Network.forward`."
            )
        return int(self.activations[layer].shape[-1])

    def _joins(self, layer: str) -> bool:
        """Whether a layer lays units side by side."""
        node = self.network.nodes[layer]
        if node.class_name != "Concatenate" or layer in self.network.unsupported:
            return False
        return node.config.get("axis", -1) in (-1, self.activations[layer].ndim - 1)

    def _owners(self, layer: str) -> Array | None:
        """Give the unit before a layer that each of its units passes on; None: it mixes them."""
        node = self.network.nodes[layer]
        op = layer_ops().get(node.class_name)
        if op is None or layer in self.network.unsupported or len(node.inbound) != 1:
            return None
        units, before = self._units(layer), self._units(node.inbound[0])
        if op.units == "mixed" or units % before or (op.units == "kept" and units != before):
            return None
        return np.arange(units) % before


def _taken(op: LayerOp, call: Call, unit: int) -> list[Array]:
    """Strength of every unit of each input for one unit of a layer."""
    inputs = [as_float(each) for each in call.inputs]
    call = replace(call, inputs=tuple(inputs))
    whole = op.forward(call)
    if op.is_affine:
        seed = np.zeros_like(whole)
        seed[..., unit] = 1
        parts = op.backward(call, seed)
        return [_over_places(part * each) for part, each in zip(parts, inputs, strict=True)]
    sums = whole[..., unit].sum()
    return [sums - _without(op, call, number, unit) for number in range(len(inputs))]


def _without(op: LayerOp, call: Call, number: int, unit: int) -> Array:
    """Compute the sums of one unit without each unit of one input: (unit,)."""
    units = call.inputs[number].shape[-1]
    sums = []
    for start in range(0, units, SILENCED):
        silenced = np.arange(start, min(units, start + SILENCED))
        many = _repeated(call, len(silenced))
        many.inputs[number][np.arange(len(silenced)), ..., silenced] = 0
        output = op.forward(many)[..., unit]
        sums.append(output.reshape(len(silenced), -1).sum(axis=1))
    return np.concatenate(sums)


def _given(op: LayerOp, call: Call, number: int, chosen: Array) -> Array:
    """Compute what the sums of each unit would lose without some units of one input."""
    inputs = [as_float(each) for each in call.inputs]
    if op.is_affine:  # of these units alone: no difference of large sums
        inputs = [each if at == number else np.zeros_like(each) for at, each in enumerate(inputs)]
        inputs[number] = np.where(chosen, inputs[number], 0)
        less = [np.zeros_like(each) for each in inputs]
    else:
        less = list(inputs)
        less[number] = np.where(chosen, 0, inputs[number])
    more_output, less_output = (
        op.forward(replace(call, inputs=tuple(each))) for each in (inputs, less)
    )
    return _over_places(more_output - less_output)


def _repeated(call: Call, count: int) -> Call:
    mask = None if call.mask is None else np.repeat(call.mask, count, axis=0)
    inputs = tuple(np.repeat(each, count, axis=0) for each in call.inputs)
    return replace(call, inputs=inputs, mask=mask)


def _over_places(values: Array) -> Array:
    return as_float(values.reshape(-1, values.shape[-1]).sum(axis=0))


def _add(total: dict[str, Array], more: Mapping[str, Array]) -> None:
    for layer, strengths in more.items():
        total[layer] = total[layer] + strengths if layer in total else strengths

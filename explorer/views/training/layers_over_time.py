"""All layers over training: which learn when, which fall silent, which tell classes apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Lack, Nothing, Unfit
from explorer.data.layer_quantities import LAYER_QUANTITIES, LayerQuantity
from explorer.data.summaries import positions_seen, text_positions
from explorer.derived.network.blocks import Block
from explorer.derived.time.plain import only_value
from explorer.derived.time.timeline import edges
from explorer.plots.layers import (
    AXIS_HEIGHT,
    MOST_HEIGHT,
    ROW_HEIGHT,
    layer_heatmap,
    layers_height,
)
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene, Unfinished, View, named, plot_pane, weights_not_recorded
from explorer.views.registry import register
from explorer.views.requirements import needs_classed_examples, needs_steps, not_recorded
from explorer.views.turns import in_turns
from store import Layer

Float32 = npt.NDArray[np.float32]
# So many rows have room for their names.
MOST_ROWS = (MOST_HEIGHT - AXIS_HEIGHT) // ROW_HEIGHT
BLOCKS, LAYERS = "blocks", "layers"
_FOLDS = " A block has one row, the median of its layers; behind its name, how many have a row."


class Table(NamedTuple):
    """A number for each layer and step.

    Attributes
    ----------
    values : ndarray (step, layer), float32
        Layers that have such a number, in network order.
    names : tuple of str
        Their names.
    """

    values: Float32
    names: tuple[str, ...]


@register
class LayersOverTime(View):
    """A quantity of all layers as a heat map: a row a layer.

    Parameters
    ----------
    quantity : LayerQuantity
        One with a title.
    order : int
        Place among the views.
    """

    region = "training"
    depends = ("axis",)
    width = 6
    order = 40

    def __init__(self, quantity: LayerQuantity, order: int = order) -> None:
        assert quantity.title is not None
        self.quantity = quantity
        self.title = quantity.title
        self.order = order

    @classmethod
    def instances(cls) -> list[View]:
        titled = [quantity for quantity in LAYER_QUANTITIES.values() if quantity.title is not None]
        return [cls(quantity, cls.order + at) for at, quantity in enumerate(titled)]

    def requirement(self, scene: Scene) -> Absence | None:
        missing: Absence | None = needs_steps(scene)
        if missing is None and self.quantity.needs_classes:
            missing = needs_classed_examples(scene.data)
        missing = missing or needs_steps(scene, least=2)
        missing = missing or self.quantity.lacks(scene.data)
        if missing is None and not any(map(self.quantity.is_recorded, layers_of(scene))):
            return self._absence(scene)
        return missing

    def caption(self, scene: Scene) -> str:
        about = self.quantity
        healthy = f". Healthy: {about.healthy}" if about.healthy else ""
        note = about.note(scene.data)
        measured = ""
        if about.reads == "activation":
            larger = about.measured_on(scene.data)
            measured = f" {larger}" if larger else _measured_on(scene, note)
            measured += _padding(scene, counts=about.counts_padding)
        noted = f" {note}" if note else ""
        folds = _FOLDS if _is_deep(scene) else ""
        run = "The network runs from top to bottom."
        return f"{about.meaning}{healthy}.{noted} {run}{folds}{measured}"

    def compute(self, scene: Scene) -> Table | Unfinished | Nothing:
        return in_turns(self.quantity.turns(scene.data), lambda: self._table(scene))

    def _table(self, scene: Scene) -> Table | Nothing:
        quantity, layers = self.quantity, layers_of(scene)
        values = quantity.of_layers(scene.data)
        if quantity.logarithmic:
            with np.errstate(divide="ignore", invalid="ignore"):
                powers = np.log10(values)
            values = np.where(np.isfinite(powers), powers, np.float32(np.nan))
        kept = [at for at, layer in enumerate(layers) if quantity.is_recorded(layer)]
        told = [at for at in kept if (values[:, at] > quantity.least).any()]
        value = only_value(values[:, told or kept])
        if value is not None:
            which = "each layer" if told == kept else named([layers[at].name for at in told])
            return Nothing(quantity.unknown if np.isnan(value) else quantity.said_of(value, which))
        if not told:
            return Nothing(quantity.said_of(quantity.least, ""))
        return Table(values[:, told], tuple(layers[at].name for at in told))

    def draw(self, scene: Scene, computed: Table) -> Any:
        # The same height for all of these cards, so that they stand in rows.
        rows = [layer.name for layer in layers_of(scene) if _has_row(layer)]
        if not _is_deep(scene):
            return self._picture(scene, computed, len(rows))
        blocks = scene.data.blocks
        folded = by_block(computed, blocks)
        count = len(block_rows(rows, blocks))
        tables = {BLOCKS: (folded, count), LAYERS: (computed, len(rows))}
        return Alternatives(
            scene.data,
            {BLOCKS: "blocks", LAYERS: "layers"},
            BLOCKS,
            tables[BLOCKS],
            compute=tables.__getitem__,
            draw=lambda _, made: self._picture(scene, *made),
            title="Rows",
            channel=scene.channel,
        )

    def _picture(self, scene: Scene, table: Table, rows: int) -> Any:
        return plot_pane(
            layer_heatmap(
                table.values,
                table.names,
                x_edges=edges(scene.positions),
                value_label=self.quantity.label,
                positions=scene.positions,
                limits=self._limits(table.values),
                signed=self.quantity.signed,
                height=layers_height(rows),
                **scene.time_options(),
            )
        )

    def _absence(self, scene: Scene) -> Absence:
        """Say that no layer has a row, and why."""
        concerned = [layer.name for layer in layers_of(scene) if self.quantity.concerns(layer)]
        if not concerned and self.quantity.unfit:
            return Unfit(self.quantity.unfit)
        if self.quantity.reads == "weights":
            return Lack(weights_not_recorded(scene.data, concerned))
        return Lack(not_recorded(scene.data, concerned))

    def _limits(self, values: Float32) -> tuple[float, float] | None:
        """Values of the lowest and the highest colour; None: those of the table."""
        if self.quantity.limits is None:
            return None
        low, high = self.quantity.limits
        known = values[np.isfinite(values)]
        return min(low, float(known.min(initial=low))), max(high, float(known.max(initial=high)))


def layers_of(scene: Scene) -> list[Layer]:
    """Layers of the run, in network order."""
    return list(scene.data.run.layers.values())


def _is_deep(scene: Scene) -> bool:
    """Whether rows of all layers have no room for their names, and blocks would give it."""
    rows = sum(map(_has_row, layers_of(scene)))
    return rows > MOST_ROWS and bool(scene.data.blocks)


def block_rows(names: Sequence[str], blocks: Iterable[Block]) -> dict[str, list[int]]:
    """Give the rows that blocks and layers out of blocks have, and which of `names` are in each.

    A block is called by its name and by how many of the names are in it.
    """
    block_of = {layer: block for block in blocks for layer in block.layers}
    held: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        held.setdefault(block_of[name].layers[0] if name in block_of else name, []).append(at)
    return {
        f"{block_of[name].name} ({len(rows)})" if name in block_of else name: rows
        for name, rows in held.items()
    }


def by_block(table: Table, blocks: Iterable[Block]) -> Table:
    """Fold the rows of each block to one: the median of its layers that have a value then."""
    rows = block_rows(table.names, blocks)
    parts = [median_of(table.values[:, at]) for at in rows.values()]
    return Table(np.stack(parts, axis=1), tuple(rows))


def median_of(values: Float32) -> Float32:
    """Median over the layers that have a value: (step,); NaN where none has."""
    known = np.ma.masked_invalid(values)
    return np.asarray(np.ma.median(known, axis=1).filled(np.nan), np.float32)


def _has_row(layer: Layer) -> bool:
    return layer.has_activation or bool(layer.weights)


def _padding(scene: Scene, *, counts: bool) -> str:
    """Say whether positions of padding count, in runs that have some."""
    recorded = [one.name for one in layers_of(scene) if one.has_activation]
    if all(text_positions(scene.data, name) is None for name in recorded):
        return ""
    return " Padding counts: the layers compute there, too." if counts else " Padding is left out."


def _measured_on(scene: Scene, note: str) -> str:
    """Say how many probes there are, unless a note does, and which positions are looked at."""
    probe = scene.data.run.probe
    probes = f"{probe.size} probes" if probe is not None and probe.size else ""
    count = f" Measured on the {probes}." if probes and probes not in note else ""
    seen = [positions_seen(scene.data, one.name) for one in layers_of(scene) if one.has_activation]
    if all(some == count for some, count in seen):
        return count
    return f"{count} Of large layers, evenly spread positions are looked at."

"""Activation of a layer of B less that of the layer of A, for one probe, unit by unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.compare.pair import RunPair
from explorer.compare.views.base import PairView, register
from explorer.compare.views.pairing import Pairing, of_units
from explorer.data.absence import SAME_PROBE, Absence, Lack, Nothing
from explorer.data.kernels import symmetric
from explorer.data.recurrent import RecurrentLayer, quantity_of
from explorer.derived.pairs.subtraction import subtracted
from explorer.derived.pairs.time_alignment import Alignment
from explorer.derived.pairs.unit_matching import Matching
from explorer.derived.recurrent.quantities import is_gate
from explorer.derived.time.frames import FrameLayout, Limits, picture_of, quantize, robust_limits
from explorer.plots.style import DIVERGING, palette_bytes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.parts import option, options_row, tokens_of
from explorer.views.requirements import not_recorded
from explorer.views.room import MOST_CAPTIONS
from explorer.widgets.page.beside import below
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]
Frames = Callable[[int], tuple[Array, Array]]

HEIGHT = 300
# Of units without extent: cells are no larger than so many pixels anyway.
CELLS_HEIGHT = 120
OUTPUT = "output"


@dataclass(frozen=True)
class Quantity:
    """A quantity that both layers have for one probe.

    Attributes
    ----------
    title : str
        What it is.
    dims : tuple of str
        Names of a frame's axes, the units last, if there are any.
    read : callable
        Gives the frames of A and B at a position of the common axis.
    units : (ndarray of int, ndarray of int) or None
        Units of either layer that the frames have; None: all.
    x_labels : list of str
        Names of the tokens.
    turns : bool
        Whether it has another sign for a unit's negative; a gate has not.
    """

    title: str
    dims: tuple[str, ...]
    read: Frames
    units: tuple[Array, Array] | None = None
    x_labels: tuple[str, ...] = ()
    turns: bool = True

    @property
    def has_units(self) -> bool:
        """Whether frames have an axis of units."""
        return UNIT_DIM in self.dims

    def difference(self, position: int, pairs: Matching, blanks: int = 0) -> Array:
        """B less A at a position, in A's order; NaN for units that are alone."""
        ours, theirs = self.read(position)
        if not self.has_units:
            return subtracted(ours, theirs, {})
        axis = ours.ndim - 1
        pairs = of_units(pairs, self.units, (ours.shape[axis], theirs.shape[axis]))
        pairs = pairs if self.turns else pairs.unturned
        return subtracted(ours, theirs, {axis: pairs}, more={axis: blanks} if blanks else {})


def output_of(
    pair: RunPair, alignment: Alignment, layers: tuple[str, str], probe: int
) -> Quantity | Absence:
    """Find the recorded activation of both, or why it cannot be compared.

    Parameters
    ----------
    pair : RunPair
        The runs.
    alignment : Alignment
        How they stand beside each other in time.
    layers : (str, str)
        The layer in A and in B.
    probe : int
        Probe of A.
    """
    (a, b), facing = layers, pair.probes.to_second(probe)
    if facing is None:
        return Nothing(f"B was not shown probe {probe} of A. Choose one that both runs have.")
    dims, shapes = [], []
    for data, layer in ((pair.first, a), (pair.second, b)):
        if not data.run.layers[layer].has_activation:
            return Lack(not_recorded(data, [layer]))
        reader = data.run.array(activation_path(layer))
        named = dict(zip(reader.dims[2:], reader.shape[2:], strict=True))
        units = named.pop(UNIT_DIM, None)
        dims.append((*named, UNIT_DIM) if units is not None else tuple(named))
        shapes.append(tuple(named.values()))
    if dims[0] != dims[1] or shapes[0] != shapes[1]:
        spoken = [" × ".join(map(str, shape)) or "no" for shape in shapes]
        return Nothing(
            f"{a} of A gives each unit {spoken[0]} positions, {b} of B {spoken[1]}: they cannot be "
            "subtracted. How alike the layers see is compared all the same."
        )

    def read(position: int) -> tuple[Array, Array]:
        return (
            pair.first.activations(a, int(alignment.first[position]), probe)[0],
            pair.second.activations(b, int(alignment.second[position]), facing)[0],
        )

    return Quantity("output", dims[0], read)


def states_of(
    pair: RunPair, alignment: Alignment, layers: tuple[str, str], probe: int
) -> dict[str, Quantity]:
    """Find states and gates at every token that both layers have, by direction and name.

    None for layers that are not recurrent, or whose states are not known or of other lengths.
    """
    facing = pair.probes.to_second(probe)
    kinds = pair.first.run.layers[layers[0]].kind, pair.second.run.layers[layers[1]].kind
    if facing is None or kinds != ("recurrent", "recurrent"):
        return {}
    ours, theirs = RecurrentLayer(pair.first, layers[0]), RecurrentLayer(pair.second, layers[1])
    if not (ours.cells and theirs.cells):
        return {}
    text, other = ours.text(probe), theirs.text(facing)
    if len(text.words) != len(other.words):
        return {}

    def reader(way: str, name: str) -> Frames:
        def read(position: int) -> tuple[Array, Array]:
            a, b = (
                quantity_of(layer.states(int(shown[position]), at)[way], name)[0][text.shown]
                for layer, shown, at in (
                    (ours, alignment.first, probe),
                    (theirs, alignment.second, facing),
                )
            )
            return a, b

        return read

    ways = [way for way in ours.directions if way in theirs.directions]
    return {
        f"{way} {name}": Quantity(
            title if len(ways) == 1 else f"{title}, {way}",
            ("token", UNIT_DIM),
            reader(way, name),
            (ours.units(way), theirs.units(way)),
            tuple(text.labels),
            turns=not is_gate(name),
        )
        for way in ways
        for name, title in ours.quantities(way).items()
        if name in theirs.quantities(way)
    }


@dataclass(frozen=True)
class ActivationDifferences:
    """What holds at every step.

    Attributes
    ----------
    quantities : dict of str to Quantity
        What can be shown, the first of them at first.
    limits : dict of str to Limits
        Ends of their colours, about zero.
    """

    quantities: dict[str, Quantity]
    limits: dict[str, Limits]

    @classmethod
    def of(
        cls, quantities: dict[str, Quantity], sampled: dict[int, Matching]
    ) -> ActivationDifferences:
        """Look at some steps; call it in the worker thread."""
        limits = {
            name: symmetric(
                robust_limits(quantity.difference(at, pairs) for at, pairs in sampled.items())
            )
            for name, quantity in quantities.items()
        }
        return cls(quantities, limits)

    def picture(self, name: str, pairing: Pairing) -> tuple[FrameLayout, int]:
        """Layout of the frames, and how many blank units there are at the end."""
        quantity = self.quantities[name]
        shape = quantity.difference(0, pairing.at(0)).shape
        found = picture_of(quantity.dims, shape)
        tiles = found.mode == "tiles"
        is_cells = tiles and found.shape[1:] == (1, 1)
        named = found.mode == "matrix" or (
            found.places == 1 and not is_cells and found.shape[0] + pairing.blanks <= MOST_CAPTIONS
        )
        if not named or quantity.units is not None:
            return found, 0
        return picture_of(quantity.dims, (*shape[:-1], shape[-1] + pairing.blanks)), pairing.blanks

    def provider(self, name: str, pairing: Pairing) -> Callable[[int], Any]:
        """Make what gives the picture at a position."""
        quantity, limits = self.quantities[name], self.limits[name]
        picture, blanks = self.picture(name, pairing)
        captioned = self.looks(name, pairing)["captions"]

        def provide(position: int) -> Any:
            values = quantity.difference(position, pairing.at(position), blanks)
            codes = np.ascontiguousarray(quantize(picture.arrange(values), limits))
            if pairing.held or not captioned:
                return codes
            return {"frame": codes, "captions": pairing.names(position)}

        return provide

    def looks(self, name: str, pairing: Pairing) -> dict[str, Any]:
        """Give layout, colours and labels."""
        quantity, limits = self.quantities[name], self.limits[name]
        picture, blanks = self.picture(name, pairing)
        matrix, tiles = picture.mode == "matrix", picture.shape[0]
        is_cells = not matrix and picture.shape[1:] == (1, 1)
        names = pairing.names(0) if quantity.has_units and quantity.units is None else []
        if quantity.units is not None:
            ids = quantity.units[0].tolist()
            names = pairing.names_of(0, quantity.units[0])
        else:
            ids = list(range(picture.shape[1] if matrix else tiles // max(1, picture.places)))
            ids = ids[: len(ids) - blanks]
        captioned = not matrix and not is_cells and picture.places == 1 and tiles <= MOST_CAPTIONS
        if matrix and not pairing.held:  # rows keep their names while the slider moves
            names = [str(unit) for unit in ids] + ["of B"] * blanks
        if not matrix:
            ids = [unit for unit in ids for _ in range(picture.places)]
        return {
            "mode": picture.mode,
            "places": picture.places,
            "selects": "unit" if picture.places else "",
            "low": limits.low,
            "high": limits.high,
            "tile_ids": ids,
            "captions": names if captioned else [],
            "y_labels": names if matrix else [],
            "x_labels": list(quantity.x_labels) if matrix else [],
            "height": CELLS_HEIGHT if is_cells else HEIGHT,
        }


@register
class ActivationDifference(PairView):
    """Feature maps, units, or units by tokens: B less A, following the slider."""

    title = "B \u2212 A: what the layer says to the probe"
    region = "layer"
    order = 1
    width = 12
    aligned = True
    depends = ("layer", "probe")

    def __init__(self, comparison: Any) -> None:
        super().__init__(comparison)
        self._name = ""
        self._sampled: dict[int, Matching] = {}

    def serves(self, layer: Layer) -> bool:
        return layer.kind != "input"

    def key(self, selected: SelectionKey) -> tuple[Any, ...]:
        known = selected.layer in self.runs[0].run.layers
        return (*super().key(selected), self.comparison.pairs_key(selected.layer) if known else "")

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is not None:
            return missing
        layer, second = scene.selected.layer, self.pair.layers.to_second(scene.selected.layer)
        if second is None:
            return Nothing(f"B has no layer for {layer}.")
        if not len(self.pair.probes):
            return Lack(SAME_PROBE)
        found = self._quantities(scene)
        return found if isinstance(found, Absence) else None

    def prepare(self, scene: Scene) -> None:
        self._sampled = Pairing(self.comparison, scene.selected.layer).sampled

    def caption(self, scene: Scene) -> str:
        layer, second = scene.selected.layer, self.pair.layers.to_second(scene.selected.layer)
        names = layer if layer == second else f"{layer} of A and {second} of B"
        pairing = Pairing(self.comparison, layer)
        return (
            f"{names}, probe {scene.selected.probe}: red, B gives more than A; blue, less. "
            f"{pairing.sentence(scene.index)} Colours mean the same at every step."
        )

    def compute(self, scene: Scene) -> ActivationDifferences:
        quantities = self._quantities(scene)
        assert not isinstance(quantities, Absence)  # as `requirement` has seen to
        return ActivationDifferences.of(quantities, self._sampled)

    def draw(self, scene: Scene, computed: ActivationDifferences) -> Any:
        pairing = Pairing(self.comparison, scene.selected.layer)
        titles = {name: quantity.title for name, quantity in computed.quantities.items()}
        name = self._name if self._name in titles else next(iter(titles))

        def key(shown: str) -> str:
            return f"{self.pair.key}|difference|{self.key(scene.selected)}|{shown}"

        grid = FrameGrid(
            computed.provider(name, pairing),
            len(self.alignment),
            key=key(name),
            palette=palette_bytes(DIVERGING),
            value_name="B \u2212 A",
            if_zero="No difference at this step, or too little for these colours.",
            label=f"B less A, {scene.selected.layer}, probe {scene.selected.probe}",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
            **computed.looks(name, pairing),
        )
        if len(titles) == 1:
            return grid

        def choose(shown: str) -> None:
            self._name = shown
            grid.change(
                key(shown), computed.provider(shown, pairing), **computed.looks(shown, pairing)
            )

        return below(options_row([option("show", titles, name, choose)]), grid, gap=6)

    def _quantities(self, scene: Scene) -> dict[str, Quantity] | Absence:
        """Find the quantities that both layers have, or why there is none."""
        layer, probe = scene.selected.layer, scene.selected.probe
        layers = layer, self.pair.layers.to_second(layer) or ""
        output = output_of(self.pair, self.alignment, layers, probe)
        states = states_of(self.pair, self.alignment, layers, probe)
        if isinstance(output, Absence):
            return states or output
        if output.dims == ("token", UNIT_DIM) and not output.x_labels:
            words = tuple(tokens_of(scene))
            output = Quantity(output.title, output.dims, output.read, None, words)
        return {**states, OUTPUT: output}

"""Weights of a layer of B less those of the layer of A, units and inputs in one order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.compare.views.base import PairView, register
from explorer.compare.views.pairing import Inputs, Pairing
from explorer.compare.views.weight_pairs import Variable, variables_of
from explorer.data.absence import Absence, Nothing
from explorer.data.kernels import some_of, symmetric
from explorer.derived.pairs.time_alignment import Alignment
from explorer.derived.time.frames import Limits, quantize, robust_limits
from explorer.derived.units.filters import kernel_tiles
from explorer.plots.blocks import block_means, block_names, block_starts
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.parts import option, options_row
from explorer.views.room import (
    LABELS_HEIGHT,
    MOST_CAPTIONS,
    MOST_NUMBERED,
    MOST_SHOWN,
    MOST_SLICES,
    MOST_WEIGHTS,
)
from explorer.widgets.page.beside import below
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]

HEIGHT = 300
ROW_HEIGHT = 22
# Ways to look at a variable with several pictures a unit, or several matrices.
EVERY, RMS = "all", "rms"


@dataclass(frozen=True)
class DifferencePicture:
    """One way to look at the difference of a variable.

    Attributes
    ----------
    variable : Variable
        What is subtracted.
    part : str
        `EVERY`, `RMS`, or the number of a channel or of a gate.
    limits : Limits
        Ends of the colours.
    units, inputs : Pairing, Inputs
        What belongs together.
    alignment : Alignment
        How the runs stand beside each other in time.
    """

    variable: Variable
    part: str
    limits: Limits
    units: Pairing
    inputs: Inputs
    alignment: Alignment

    def values(self, position: int) -> Array:
        """Tiles (tile, y, x), or one matrix (1, unit, input), of B less A."""
        found = self.variable.difference(self.alignment, position, self.units, self.inputs)
        return arranged(self.variable, found, self.part)

    def provide(self, position: int) -> Codes | dict[str, Any]:
        """Give the picture at a position."""
        values = self.values(position)
        if self.is_matrix:
            rows, columns = self._starts(values)
            values = known_means(known_means(values, rows, 1), columns, 2)
        codes = np.ascontiguousarray(quantize(values, self.limits))
        captions = [] if self.units.held else self.captions(len(codes), position)
        return {"frame": codes, "captions": captions} if captions else codes

    @property
    def is_matrix(self) -> bool:
        """Whether it is one matrix, rather than tiles."""
        axes = self.variable.axes
        return len(axes) == 2 or (axes[0] == "row" and self.part != EVERY)

    def captions(self, tiles: int, position: int) -> list[str]:
        """Text under each tile."""
        variable = self.variable
        if self.is_matrix:
            return []
        if variable.axes[0] == "row":
            return list(variable.rows)
        names = self._unit_names(position)
        channels = tiles // max(1, len(names))
        if tiles > MOST_SLICES or len(names) > MOST_CAPTIONS:
            return []
        if channels == 1:
            return names
        return [f"{unit}·{channel}" for unit in range(len(names)) for channel in range(channels)]

    def looks(self) -> dict[str, Any]:
        """Give layout, colours and labels."""
        variable, values = self.variable, self.values(0)
        shared: dict[str, Any] = {
            "palette": palette_bytes(DIVERGING if self.limits.signed else SEQUENTIAL),
            "low": self.limits.low,
            "high": self.limits.high,
            "mode": "matrix" if self.is_matrix else "tiles",
            "captions": self.captions(len(values), 0),
            "tile_ids": [],
            "x_labels": [],
            "y_labels": [],
            "selects": "",
            "places": 0,
            "height": HEIGHT,
        }
        if not self.is_matrix:
            if variable.axes[0] == "row":
                return shared
            units = variable.shapes()[0][-1]
            owners = [unit for unit in range(units) for _ in range(len(values) // units)]
            return {**shared, "tile_ids": owners, "selects": "unit", "places": 1}
        rows, columns = self._starts(values)
        few = len(columns) <= MOST_NUMBERED
        if variable.axes[0] == "row" and len(variable.axes) == 2:
            return {
                **shared,
                "y_labels": list(variable.rows),
                "x_labels": block_names(self._unit_names(0, short=True), columns) if few else [],
                "x_name": "unit",
                "y_name": "",
                "height": min(HEIGHT, ROW_HEIGHT * len(variable.rows) + LABELS_HEIGHT),
            }
        names = self._unit_names(0)
        numbers = [str(at) for at in range(values.shape[2])]
        ids = self._ids()
        return {
            **shared,
            "selects": "unit",
            "tile_ids": ids[rows].tolist(),
            "y_labels": block_names(names, rows),
            "x_labels": block_names(numbers, columns) if few else [],
            "x_name": self._column_name(),
            "y_name": "unit",
            "height": min(HEIGHT, ROW_HEIGHT * len(rows) + LABELS_HEIGHT),
        }

    def _column_name(self) -> str:
        named = {"input": "input", "state": "from unit"}
        return next((named[role] for role in self.variable.axes if role in named), "row")

    def _ids(self) -> Array:
        """Numbers, in A, of the units that the variable has."""
        if self.variable.units is not None:
            return np.asarray(self.variable.units[0])
        return np.arange(self.variable.shapes()[0][-1])

    def _unit_names(self, position: int, *, short: bool = False) -> list[str]:
        """Names of the units, with those that are alone marked; while pairs move, numbers."""
        ids = self._ids()
        if short or (self.is_matrix and not self.units.held):
            return [str(unit) for unit in ids]
        return self.units.names_of(position, ids)

    def _starts(self, values: Array) -> tuple[Array, Array]:
        return block_starts(values.shape[1], MOST_SHOWN), block_starts(values.shape[2], MOST_SHOWN)


def arranged(variable: Variable, values: Array, part: str) -> Array:
    """Lay out a variable, or a difference of two, as tiles or as one matrix.

    Parameters
    ----------
    variable : Variable
        What it is.
    values : ndarray
        Shaped as its ``axes`` say.
    part : str
        As in `DifferencePicture`.

    Returns
    -------
    ndarray (tile, y, x)
        Of a kernel a tile a unit, or a unit and channel. Of gates a tile each, a row a unit. Of
        anything else one matrix, a row a unit; of what has one value a unit, a column a unit.
    """
    axes = variable.axes
    if axes[0] == "row":
        if len(axes) == 2:
            return values[None]
        turned = np.swapaxes(values, 1, 2)
        return turned if part == EVERY else turned[int(part)][None]
    if len(axes) == 2:
        return values.T[None] if axes[1] == "unit" else values[None]
    tiles = kernel_tiles(values)
    if len(axes) == 3:  # over time: a row a channel
        return np.ascontiguousarray(tiles[:, :, 0])
    if part == RMS:
        return root_mean_square(tiles, axis=1)
    if part == EVERY:
        return tiles.reshape(-1, *tiles.shape[2:])
    return tiles[:, int(part)]


def root_mean_square(values: Array, axis: int) -> Array:
    """Root mean square of what is known, NaN where nothing is."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore", over="ignore"):
        squares = np.where(known, np.square(values), 0).sum(axis=axis)
        return np.asarray(np.sqrt(squares / known.sum(axis=axis)))


def known_means(values: Array, starts: Array, axis: int) -> Array:
    """Mean of each block of what is known of it, NaN where nothing is; see `block_means`."""
    if len(starts) == values.shape[axis]:
        return values
    known = ~np.isnan(values)
    sums = block_means(np.where(known, values, 0), starts, axis)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / block_means(known.astype(np.float64), starts, axis))


def parts_of_variable(variable: Variable) -> dict[str, str]:
    """Name the ways to look at a variable, the first of them at first."""
    shape = variable.shapes()[0]
    if variable.axes[0] == "row":
        if len(variable.axes) == 2 or len(variable.rows) == 1:
            return {EVERY if len(variable.axes) == 2 else "0": "all"}
        return {EVERY: "all", **{str(at): row for at, row in enumerate(variable.rows)}}
    channels = shape[-2]
    if len(shape) < 4 or channels == 1:
        return {EVERY: "all"}
    options = {RMS: "all (RMS)"}
    if channels * shape[-1] <= MOST_SLICES:
        options = {EVERY: "all (unit·channel)", **options}
    return options | {str(at): f"channel {at}" for at in range(channels)}


@dataclass(frozen=True)
class Shown:
    """What can be shown of two layers: variables, and the ends of their colours.

    Attributes
    ----------
    variables : list of Variable
        What can be subtracted.
    signed, rms : list of Limits
        Of each the ends for single values, and for their size over channels.
    """

    variables: list[Variable]
    signed: list[Limits]
    rms: list[Limits]


@register
class WeightDifference(PairView):
    """Kernels as pictures, matrices, gates: B less A, following the slider."""

    title = "B \u2212 A: weights"
    region = "layer"
    order = 2
    width = 12
    aligned = True
    depends = ("layer",)

    def __init__(self, comparison: Any) -> None:
        super().__init__(comparison)
        self._title, self._part = "", ""
        self._pairs: tuple[Pairing, Inputs] | None = None

    def serves(self, layer: Layer) -> bool:
        return bool(layer.weights)

    def key(self, selected: SelectionKey) -> tuple[Any, ...]:
        layer, own = selected.layer, super().key(selected)
        second = self.pair.layers.to_second(layer)
        if layer not in self.runs[0].run.layers or second is None:
            return own
        inputs = Inputs(self.comparison, layer, second).key(self.comparison)
        return (*own, self.comparison.pairs_key(layer), inputs)

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is not None:
            return missing
        layer, second = scene.selected.layer, self.pair.layers.to_second(scene.selected.layer)
        if second is None:
            return Nothing(f"B has no layer for {layer}.")
        variables = variables_of(self.pair, layer, second)
        faults = [variable.fault() for variable in variables]
        if not variables or all(faults):
            first = next((fault for fault in faults if fault), "")
            return Nothing(first or f"{layer} of A and {second} of B have no variable in common.")
        largest = max(int(np.prod(variable.shapes()[0])) for variable in variables)
        if largest > MOST_WEIGHTS:
            return Nothing(
                f"The {largest:,} weights are more than can be subtracted while the slider moves "
                f"({MOST_WEIGHTS:,}); how far they are apart is on another card."
            )
        return None

    def prepare(self, scene: Scene) -> None:
        self._pairs = self._pairs_now(scene)

    def caption(self, scene: Scene) -> str:
        layer, second = scene.selected.layer, self.pair.layers.to_second(scene.selected.layer) or ""
        units, inputs = self._pairs_now(scene)
        names = layer if layer == second else f"{layer} of A and {second} of B"
        variables = variables_of(self.pair, layer, second)
        faults = [fault for variable in variables if (fault := variable.fault())]
        return " ".join(
            [
                f"{names}: red, the weight of B is greater; blue, that of A.",
                units.sentence(scene.index),
                *(
                    [inputs.sentence(scene.index)]
                    if any("input" in one.axes for one in variables)
                    else []
                ),
                *faults,
            ]
        )

    def compute(self, scene: Scene) -> Shown:
        layer, second = scene.selected.layer, self.pair.layers.to_second(scene.selected.layer) or ""
        assert self._pairs is not None  # as `requirement` has seen to
        units, inputs = self._pairs
        found = variables_of(self.pair, layer, second)
        variables = [variable for variable in found if variable.fault() is None]
        signed, rms = [], []
        for variable in variables:
            sampled = [
                variable.difference(self.alignment, at, units, inputs) for at in units.sampled
            ]
            signed.append(symmetric(robust_limits(some_of(values) for values in sampled)))
            has_rms = RMS in parts_of_variable(variable)
            sizes = (arranged(variable, values, RMS) for values in sampled)
            rms.append(robust_limits(sizes) if has_rms else signed[-1])
        return Shown(variables, signed, rms)

    def draw(self, scene: Scene, computed: Shown) -> Any:
        units, inputs = self._pairs_now(scene)
        layer = scene.selected.layer
        titles = {str(at): one.title for at, one in enumerate(computed.variables)}
        at = next((at for at, title in titles.items() if title == self._title), "0")

        def picture(at: str, part: str) -> DifferencePicture:
            limits = (computed.rms if part == RMS else computed.signed)[int(at)]
            return DifferencePicture(
                computed.variables[int(at)], part, limits, units, inputs, self.alignment
            )

        def key(at: str, part: str) -> str:
            return f"{self.pair.key}|weights|{self.key(scene.selected)}|{at}|{part}"

        def parts(at: str) -> dict[str, str]:
            return parts_of_variable(computed.variables[int(at)])

        part = self._part if self._part in parts(at) else next(iter(parts(at)))
        now = {"at": at, "part": part}
        shown = picture(at, part)
        grid = FrameGrid(
            shown.provide,
            len(self.alignment),
            key=key(at, part),
            value_name="B \u2212 A",
            if_zero="No difference at this step, or too little for these colours.",
            label=f"Weights of B less those of A, {layer}",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
            **shown.looks(),
        )

        def choose(name: str, value: str) -> None:
            now[name] = value
            if name == "at":
                self._title = titles[value]
                if now["part"] not in parts(value):
                    now["part"] = next(iter(parts(value)))
                pieces.visible = len(parts(value)) > 1
                pieces.param.update(options=parts(value), value=now["part"])
            else:
                self._part = value
            shown = picture(**now)
            grid.change(key(**now), shown.provide, **shown.looks())

        variables = option("variable", titles, at, partial(choose, "at"))
        pieces = option("of it", parts(at), part, partial(choose, "part"))
        pieces.visible = len(parts(at)) > 1
        most = max(len(parts(at)) for at in titles)
        if most == 1 and len(titles) == 1:
            return grid
        row = options_row([variables])
        if most > 1:
            row.append(pieces)
        return below(row, grid, gap=6)

    def _pairs_now(self, scene: Scene) -> tuple[Pairing, Inputs]:
        layer, second = scene.selected.layer, self.pair.layers.to_second(scene.selected.layer) or ""
        return Pairing(self.comparison, layer), Inputs(self.comparison, layer, second)

"""The weights between two layers as a matrix, and those of one unit as pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Unfit
from explorer.data.kernels import some_of, symmetric
from explorer.data.layers import main_weight
from explorer.data.maps import GATES, Maps, maps_before, unit_names
from explorer.data.run import RunData
from explorer.derived.time.frames import Limits, quantize, robust_limits, sample_indices
from explorer.derived.units.similarity import leaf_order
from explorer.plots.blocks import block_means, block_names, block_starts
from explorer.plots.style import DIVERGING, palette_bytes
from explorer.views.base import Scene, View, has_lost_weights
from explorer.views.registry import register
from explorer.views.requirements import needs_steps, needs_weights
from explorer.views.room import LABELS_HEIGHT, MOST_NUMBERED, MOST_SHOWN, MOST_WEIGHTS, ROW_HEIGHT
from explorer.widgets.page.beside import beside
from explorer.widgets.page.choice import Choice
from explorer.widgets.page.text import paragraph
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]


HEIGHT = 360
# As high as a choice.
TITLE_HEIGHT = 25
# Rows or columns beyond this are not put in another order: it would take minutes.
MOST_ORDERED = 2048
SAMPLES = 12
ORDERS = {"number": "number", "alike": "alike, at the end"}
# Kinds of layers whose main weight is a matrix.
MATRICES = ("dense", "embedding", "recurrent")


@dataclass(frozen=True)
class Matrix:
    """What holds for a layer's weights at every step.

    Attributes
    ----------
    layer : Layer
        The layer.
    weight : str
        The variable: (in_unit, unit).
    limits : Limits
        Values of the lowest and the highest colour.
    rows, columns : ndarray of int
        Order of the units, and of the inputs, in which those that are alike lie together.
    names : tuple of str
        Name of each unit.
    maps : Maps or None
        How the inputs lie in feature maps, if they do.
    """

    layer: Layer
    weight: str
    limits: Limits
    rows: Array
    columns: Array
    names: tuple[str, ...]
    maps: Maps | None

    @classmethod
    def of(cls, data: RunData, layer: Layer) -> Matrix:
        """Look at some steps; call it in the worker thread."""
        weight = main_weight(layer)
        assert weight is not None
        limits = data.common_limits("main weight", layer.name, main_limits)
        assert limits is not None  # the layer has weights, and there are steps
        last = data.weight(layer.name, weight, len(data.run) - 1)
        return cls(
            layer,
            weight,
            limits,
            _alike(last.T),
            _alike(last),
            unit_names(data, layer, last.shape[1]),
            maps_before(data, layer, len(last)),
        )

    @property
    def units(self) -> int:
        """Units that can be selected: a gate has as many rows as the layer has units."""
        blocks = len(GATES.get(self.layer.class_name, ("",)))
        return len(self.names) // blocks

    def provider(self, data: RunData, order: str) -> Callable[[int], Codes]:
        """Make what gives the matrix of a recorded step, a row a unit."""
        rows, columns = self._starts()
        by_row, by_column = (self.rows, self.columns) if order == "alike" else (None, None)

        def provide(index: int) -> Codes:
            values = data.weight(self.layer.name, self.weight, index).T
            if by_row is not None and by_column is not None:
                values = values[by_row][:, by_column]
            small = block_means(block_means(values, rows), columns, axis=1)
            return quantize(small, self.limits)[None]

        return provide

    def looks(self, order: str) -> dict[str, Any]:
        """Give the labels of rows and columns."""
        rows, columns = self._starts()
        numbers = [str(number) for number in range(len(self.columns))]
        few = len(columns) <= MOST_NUMBERED
        units = np.arange(len(self.rows))
        names = list(self.names)
        if order == "alike":
            units, names = self.rows, [names[unit] for unit in self.rows]
            numbers = [numbers[at] for at in self.columns]
        return {
            "tile_ids": (units[rows] % self.units).tolist(),
            "y_labels": block_names(names, rows),
            # In their own order the tip numbers them, without texts that run into each other.
            "x_labels": block_names(numbers, columns) if order == "alike" or few else [],
        }

    def pictures(self, data: RunData, unit: int) -> Callable[[int], Codes]:
        """Make what gives one unit's weights as pictures, one for each channel."""
        maps = self.maps
        assert maps is not None

        def provide(index: int) -> Codes:
            weights = data.weight(self.layer.name, self.weight, index)[:, unit]
            return np.ascontiguousarray(quantize(maps.pictures(weights), self.limits))

        return provide

    def _starts(self) -> tuple[Array, Array]:
        return (
            block_starts(len(self.rows), MOST_SHOWN),
            block_starts(len(self.columns), MOST_SHOWN),
        )


def _alike(rows: Array) -> npt.NDArray[np.int64]:
    """Put rows that are alike side by side, if they are not too many."""
    if len(rows) > MOST_ORDERED:
        return np.arange(len(rows))
    return leaf_order(rows, metric="correlation")


def main_limits(data: RunData, layer: str, _: int | None = None) -> Limits | None:
    """Colour limits of a layer's main weight, about zero; None if it has none."""
    weight = main_weight(data.run.layers[layer])
    if weight is None or not len(data.run):
        return None
    indices = sample_indices(len(data.run), SAMPLES)
    return symmetric(robust_limits(some_of(data.weight(layer, weight, at)) for at in indices))


class MatrixPane(pn.Column):
    """The matrix, and beside it the selected unit's weights as pictures.

    Parameters
    ----------
    scene : Scene
        Run, layer and unit.
    matrix : Matrix
        What holds at every step.
    order : str
        One of `ORDERS`.
    chosen : callable
        Hears of the order that is chosen.
    """

    def __init__(
        self, scene: Scene, matrix: Matrix, order: str, chosen: Callable[[str], None]
    ) -> None:
        self._data, self._matrix = scene.data, matrix
        self._key = f"{scene.data.run.id}|{scene.selected.layer}|{matrix.weight}"
        options: dict[str, Any] = {
            "palette": palette_bytes(DIVERGING),
            "low": matrix.limits.low,
            "high": matrix.limits.high,
            "value_name": "weight",
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
        }
        count = len(scene.data.run)
        rows = len(block_starts(len(matrix.rows), MOST_SHOWN))
        self.grid = FrameGrid(
            matrix.provider(scene.data, order),
            count,
            key=f"{self._key}|{order}",
            mode="matrix",
            selects="unit",
            x_name="input",
            label=f"Weights of {scene.selected.layer}",
            height=min(HEIGHT, ROW_HEIGHT * rows + LABELS_HEIGHT),
            **options,
            **matrix.looks(order),
        )
        self.choice = Choice(title="order", options=ORDERS, value=order, margin=0)
        self.choice.param.watch(lambda event: self._reorder(event.new, chosen), "value")
        self.pictures: FrameGrid | None = None
        parts = [pn.Column(self.choice, self.grid, sizing_mode="stretch_width", margin=0)]
        if matrix.maps is not None:
            self._title = pn.pane.HTML(
                "", margin=0, sizing_mode="stretch_width", height=TITLE_HEIGHT
            )
            self.pictures = FrameGrid(
                lambda _: np.zeros((1, 1, 1), np.uint8),
                count,
                label=f"Weights of one unit of {scene.selected.layer} as pictures",
                height=HEIGHT,
                **options,
            )
            side = pn.Column(self._title, self.pictures, sizing_mode="stretch_width", margin=0)
            parts.append(side)
        super().__init__(
            beside(*parts, shares=(3, 2) if matrix.maps else (1,)),
            sizing_mode="stretch_width",
            margin=0,
        )
        self.show_unit(scene.selected.unit)

    def show_unit(self, unit: int) -> None:
        """Show the pictures of another unit."""
        if self.pictures is None or self._matrix.maps is None:
            return
        provide = self._matrix.pictures(self._data, unit)
        self.pictures.change(f"{self._key}|unit {unit}", provide)
        name, source = self._matrix.names[unit], self._matrix.maps.source
        of = f"unit {unit}" if name == str(unit) else f"unit {unit} ({name})"
        self._title.object = paragraph(f"What {of} looks for: its weights on each unit of {source}")

    def _reorder(self, order: str, chosen: Callable[[str], None]) -> None:
        chosen(order)
        matrix = self._matrix
        self.grid.change(
            f"{self._key}|{order}", matrix.provider(self._data, order), **matrix.looks(order)
        )


@register
class DenseWeights(View):
    """The main weight of a layer as a matrix, if it has two axes."""

    title = "Weights"
    region = "layer"
    depends = ("layer",)
    follows = ("unit",)
    order = 10
    width = 12

    def __init__(self) -> None:
        self._order = "alike"

    def serves(self, layer: Layer) -> bool:
        weight = main_weight(layer)
        if weight is None:
            return layer.kind in MATRICES and has_lost_weights(layer)
        return len(layer.weights[weight]) == 2

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_weights(scene) or needs_steps(scene)
        count = 0 if missing else int(np.prod(_shape(scene.layer), dtype=np.int64))
        most = f"more than can be drawn while the slider moves ({MOST_WEIGHTS:,})"
        return Unfit(f"The {count:,} weights are {most}.") if count > MOST_WEIGHTS else missing

    def caption(self, scene: Scene) -> str:
        layer = scene.layer
        inputs, units = _shape(layer)
        source = f"unit of {layer.inbound[0]}" if len(layer.inbound) == 1 else "input"
        signs = "Red, above zero: raises the unit's sum where the input is positive; blue, below."
        if layer.kind == "embedding":
            probe = scene.data.run.probe
            is_text = probe is None or probe.kind == "text"
            source = "word" if is_text else "number that it looks up"
            signs = "Red: above zero, blue: below."
        gates = " and gate" if len(GATES.get(layer.class_name, "1")) > 1 else ""
        sizes = {"units": -(-units // MOST_SHOWN), "inputs": -(-inputs // MOST_SHOWN)}
        averaged = [f"{size} {what}" for what, size in sizes.items() if size > 1]
        blocks = (
            f" A cell is the mean of {' × '.join(averaged)}, in which signs may cancel."
            if averaged
            else ""
        )
        return (
            f"{main_weight(layer)} ({inputs} × {units}): a row for each unit{gates} of "
            f"{layer.name}, a column for each {source}. {signs} "
            f"Click a row to choose its unit.{blocks}"
        )

    def compute(self, scene: Scene) -> Matrix:
        return Matrix.of(scene.data, scene.layer)

    def draw(self, scene: Scene, computed: Matrix) -> MatrixPane:
        return MatrixPane(
            scene, computed, self._order, lambda order: setattr(self, "_order", order)
        )

    def follow(self, scene: Scene, body: Any) -> None:
        body.show_unit(scene.selected.unit)


def _shape(layer: Layer) -> tuple[int, int]:
    weight = main_weight(layer)
    assert weight is not None
    inputs, units = layer.weights[weight]
    return inputs, units

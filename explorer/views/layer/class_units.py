"""Which classes excite each unit of a layer at the step on screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing
from explorer.data.responses import SAMPLES, Responses, left_out, responses_of
from explorer.derived.time.frames import Limits, quantize, robust_limits, sample_indices
from explorer.derived.units.similarity import leaf_order
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.registry import register
from explorer.views.requirements import needs_responses, no_responses
from explorer.widgets.page.beside import below
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]


HEIGHT = 430
# Of so many units that rows would be thinner than two pixels.
TALL_HEIGHT, TALL_FROM = 620, 200
ORDERS = {"number": "number", "alike": "alike, at the end"}
COLUMNS = {"class": "class means", "probe": "every probe"}


@dataclass(frozen=True)
class _ClassRows:
    """What holds at every step: responses, order of the rows, limits for either choice."""

    responses: Responses
    alike: Array
    limits: dict[str, Limits]

    @classmethod
    def of(cls, responses: Responses) -> _ClassRows:
        """Look at some steps."""
        indices = sample_indices(len(responses.values), SAMPLES)
        return cls(
            responses,
            leaf_order(responses.by_class(-1), metric="correlation"),
            {
                "class": robust_limits(responses.by_class(index) for index in indices),
                "probe": robust_limits(responses.values[index] for index in indices),
            },
        )

    def rows(self, order: str) -> Array:
        """Give the rows in an order."""
        return self.alike if order == "alike" else np.arange(len(self.responses.units))

    def columns(self) -> Array:
        """Give the probes by class."""
        return np.argsort(self.responses.labels, kind="stable")

    def provider(self, order: str, columns: str) -> Callable[[int], Codes]:
        """Make what gives the picture of a recorded step."""
        rows, probes, responses = self.rows(order), self.columns(), self.responses
        limits = self.limits[columns]

        def provide(index: int) -> Codes:
            if columns == "class":
                values = responses.by_class(index)
            else:
                values = responses.values[index][probes].T
            return quantize(values[rows], limits)[None]

        return provide

    def looks(self, order: str, columns: str) -> dict[str, Any]:
        """Give colours and labels."""
        responses, limits = self.responses, self.limits[columns]
        units = responses.units[self.rows(order)]
        names = responses.class_names
        if columns == "probe":
            names = [f"{names[responses.labels[probe]]} #{probe}" for probe in self.columns()]
        return {
            "palette": palette_bytes(DIVERGING if limits.signed else SEQUENTIAL),
            "low": limits.low,
            "high": limits.high,
            "tile_ids": units.tolist(),
            "y_labels": [str(unit) for unit in units],
            "x_labels": list(names),
        }


def _sizes(scene: Scene) -> str:
    """Say how many probes a class has."""
    labels = scene.data.class_labels
    assert labels is not None  # see `needs_responses`
    sizes = np.unique(labels[labels >= 0], return_counts=True)[1]
    low, high = int(sizes.min()), int(sizes.max())
    return f"{low} of each" if low == high else f"{low} to {high} of each"


@register
class ClassUnits(View):
    """A row a unit, a column a class or a probe: what each unit answers to."""

    title = "Units by class"
    region = "layer"
    depends = ("layer",)
    order = 52
    width = 6

    def __init__(self) -> None:
        self._order, self._columns = "alike", "class"

    def serves(self, layer: Layer) -> bool:
        return layer.kind != "input"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_responses(scene)

    def caption(self, scene: Scene) -> str:
        layer = scene.layer
        where = " and over positions" if len(layer.output_shape) > 1 else ""
        return (
            f"Activation of each unit of {layer.name}, averaged over the probes of a class{where} "
            f"({_sizes(scene)}): a unit that is bright for one class and dark for the others "
            "answers to it, or seems to, where a class has few probes. Click a row to "
            f"choose its unit.{left_out(scene.data, layer.name)}"
        )

    def compute(self, scene: Scene) -> _ClassRows | Nothing:
        responses = responses_of(scene.data, scene.selected.layer)
        return no_responses(responses, scene.selected.layer) or _ClassRows.of(responses)

    def draw(self, scene: Scene, computed: _ClassRows) -> pn.Column:
        data, layer = scene.data, scene.selected.layer

        def key() -> str:
            return f"{data.run.id}|{layer}|units by class|{self._order}|{self._columns}"

        tall = len(computed.responses.units) > TALL_FROM
        grid = FrameGrid(
            computed.provider(self._order, self._columns),
            len(data.run),
            key=key(),
            mode="matrix",
            selects="unit",
            x_name="column",
            value_name="activation",
            label=f"Units of {layer} by class",
            channel=scene.channel,
            height=TALL_HEIGHT if tall else HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
            **computed.looks(self._order, self._columns),
        )

        def choose(name: str, value: str) -> None:
            setattr(self, name, value)
            looks = computed.looks(self._order, self._columns)
            grid.change(key(), computed.provider(self._order, self._columns), **looks)

        order = Choice(title="rows", options=ORDERS, value=self._order, margin=0)
        columns = Choice(title="columns", options=COLUMNS, value=self._columns, margin=0)
        order.param.watch(lambda event: choose("_order", event.new), "value")
        columns.param.watch(lambda event: choose("_columns", event.new), "value")
        options = pn.Row(order, columns, margin=0, styles={"gap": "14px", "flex-wrap": "wrap"})
        return below(options, grid, gap=6)

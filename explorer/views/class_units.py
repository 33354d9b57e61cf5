"""Which classes excite each unit of a layer at the step on screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.absence import Absence, Nothing
from explorer.data import RunData
from explorer.derived.frames import Limits, quantize, robust_limits, sample_indices
from explorer.derived.over_steps import by_step
from explorer.derived.plain import only_value
from explorer.derived.selectivity import class_means, unit_means
from explorer.derived.similarity import leaf_order
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.summaries import positions_seen, unit_frames
from explorer.views.base import Scene, View, needs_activation, needs_classes, needs_steps
from explorer.views.registry import register
from explorer.widgets.beside import below
from explorer.widgets.choice import Choice
from explorer.widgets.frame_grid import FrameGrid
from store import Layer
from store.schema import activation_path

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]

HEIGHT = 430
# Of so many units that rows would be thinner than two pixels.
TALL_HEIGHT, TALL_FROM = 620, 200
# Rows beyond this are thinner than a pixel.
MOST_UNITS = 512
FEWEST_UNITS = 16
# Values over all steps and probes, or classes, that are kept of a layer: 64 MB.
MOST_VALUES = 2**24
SAMPLES = 24
ORDERS = {"number": "number", "alike": "alike, at the end"}
COLUMNS = {"class": "class means", "probe": "every probe"}


@dataclass(frozen=True)
class Responses:
    """What each unit gives for each probe.

    Attributes
    ----------
    means : ndarray (step, probe, unit), float32
        Mean activation over positions.
    units : ndarray of int (unit,)
        Number of each unit.
    labels : ndarray of int (probe,)
        Class of each probe.
    class_names : list of str
        Name of each class.
    """

    means: Array
    units: Array
    labels: Array
    class_names: list[str]

    def by_class(self, index: int) -> Array:
        """Mean over the probes of each class at a step: (unit, class)."""
        return class_means(self.means[index], self.labels, classes=len(self.class_names))


def responses_of(data: RunData, layer: str) -> Responses:
    """Read what each unit of a layer gives for each probe; call it in the worker thread."""
    units = shown_units(data, layer)
    labels = data.class_labels
    assert labels is not None
    return Responses(unit_means_of(data, layer, units), units, labels, data.class_names)


def shown_units(data: RunData, layer: str) -> npt.NDArray[np.int64]:
    """Choose the units that are looked at: all, or evenly spread ones of very many."""
    steps, probes = data.run.array(activation_path(layer)).shape[:2]
    each = max(1, steps * max(probes, len(data.class_names)))
    most = min(MOST_UNITS, max(FEWEST_UNITS, MOST_VALUES // each))
    return np.array(sample_indices(data.units(layer), most), np.int64)


def unit_means_of(data: RunData, layer: str, units: Array) -> Array:
    """Average units over their positions, for every probe at every step: (step, probe, unit)."""

    def make() -> dict[str, Array]:
        with np.errstate(over="ignore"):  # beyond float32 is infinite
            frames = (frame[..., units] for frame in unit_frames(data, layer))
            return {"means": by_step(unit_means(frame).astype(np.float32) for frame in frames)}

    key = f"unit means of {activation_path(layer)}, {len(units)} units"
    return data.derived(key, make)["means"]


def needs_responses(scene: Scene) -> Absence | None:
    """Require a recorded activation of the layer, and a class for each probe."""
    return needs_steps(scene) or needs_classes(scene.data) or needs_activation(scene)


def no_responses(responses: Responses, layer: str) -> Nothing | None:
    """Say that no unit tells any probe from another at any step."""
    value = only_value(responses.means)
    if value is None:
        return None
    given = "nothing that is a number" if np.isnan(value) else f"{value:.4g}"
    return Nothing(f"Each unit of {layer} gives {given} for every probe at every recorded step.")


def left_out(data: RunData, layer: str) -> str:
    """Say in a sentence, with a space before it, which part of a layer is not looked at."""
    units, count = len(shown_units(data, layer)), data.units(layer)
    seen, positions = positions_seen(data, layer)
    parts = [f"{units:,} of {count:,} units"] if units < count else []
    parts += [f"{seen:,} of {positions:,} positions"] if seen < positions else []
    return f" Looked at are {' and '.join(parts)}, evenly spread." if parts else ""


@dataclass(frozen=True)
class _Board:
    """What holds at every step: responses, order of the rows, limits for either choice."""

    responses: Responses
    alike: Array
    limits: dict[str, Limits]

    @classmethod
    def of(cls, responses: Responses) -> _Board:
        """Look at some steps."""
        indices = sample_indices(len(responses.means), SAMPLES)
        return cls(
            responses,
            leaf_order(responses.by_class(-1), metric="correlation"),
            {
                "class": robust_limits(responses.by_class(index) for index in indices),
                "probe": robust_limits(responses.means[index] for index in indices),
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
                values = responses.means[index][probes].T
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
            f"Activation of each unit of {layer.name}, averaged over the probes of a class"
            f"{where}: a unit that is bright for one class alone answers to it. Click a row to "
            f"choose its unit.{left_out(scene.data, layer.name)}"
        )

    def compute(self, scene: Scene) -> _Board | Nothing:
        responses = responses_of(scene.data, scene.moment.layer)
        return no_responses(responses, scene.moment.layer) or _Board.of(responses)

    def draw(self, scene: Scene, computed: _Board) -> pn.Column:
        data, layer = scene.data, scene.moment.layer

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

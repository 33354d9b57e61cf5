"""What a recurrent layer holds at every token: states and gates of all units for one probe."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.absence import GIVE_PROBE, Absence, Lack, Nothing
from explorer.data import SAMPLES, RunData
from explorer.derived.frames import Limits, quantize, robust_limits, sample_indices
from explorer.derived.similarity import leaf_order
from explorer.plots.gates import range_of
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.plots.words import Text
from explorer.recurrent_data import RecurrentLayer, quantity_of
from explorer.views.base import Scene, View, needs_steps
from explorer.views.registry import register
from explorer.widgets.beside import below
from explorer.widgets.choice import Choice
from explorer.widgets.frame_grid import FrameGrid

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]

HEIGHT = 460
# Rows beyond this are thinner than a pixel.
MOST_UNITS = 512
GATES_SENTENCE = " Gates go from 0, shut, to 1, open."
ORDERS = {"number": "number", "alike": "alike, at the end"}


def needs_states(scene: Scene, *, derived: bool = False) -> Absence | None:
    """Require the states of a recurrent layer.

    Parameters
    ----------
    scene : Scene
        The selection.
    derived : bool
        Whether the output at every token, as it was recorded, does not do in their place.
    """
    probe, number = scene.data.run.probe, scene.moment.probe
    if probe is None or not probe.size:
        return Lack(GIVE_PROBE)
    if not len(scene.data.run):
        return needs_steps(scene)
    layer = RecurrentLayer(scene.data, scene.moment.layer)
    if layer.fault is not None and (derived or not layer.gives_sequence):
        return layer.fault
    if not layer.text(number).labels:
        return Nothing(f"Probe {number} is empty: {layer.name} reads no token of it.")
    return None


@dataclass(frozen=True)
class Board:
    """What holds at every step, for one probe.

    Attributes
    ----------
    layer : RecurrentLayer
        The layer.
    probe : int
        The probe.
    text : Text
        Its words.
    limits : dict of (str, str) to Limits
        Ends of the colours by direction and quantity.
    alike : dict of str to ndarray of int (unit,)
        Order of the units in which similar ones lie side by side, by direction.
    """

    layer: RecurrentLayer
    probe: int
    text: Text
    limits: dict[tuple[str, str], Limits]
    alike: dict[str, Array]

    @classmethod
    def of(cls, layer: RecurrentLayer, probe: int) -> Board:
        """Look at some steps; call it in the worker thread."""
        limits = {
            (way, name): limits_of(layer, way, name, probe)
            for way in layer.directions
            for name in layer.quantities(way)
        }
        at_end = layer.states(len(layer.data.run) - 1)
        alike = {
            way: leaf_order(
                states.hidden[..., shown_units(states.hidden.shape[-1])].transpose(2, 0, 1),
                metric="correlation",
            )
            for way, states in at_end.items()
        }
        return cls(layer, probe, layer.text(probe), limits, alike)

    def units(self, way: str, order: str) -> Array:
        """Give the units of a direction in an order."""
        shown = shown_units(len(self.layer.units(way)))
        return shown[self.alike[way]] if order == "alike" else shown

    def provider(self, way: str, name: str, order: str) -> Callable[[int], Codes]:
        """Make what gives the picture of a recorded step."""
        limits, units = self.limits[way, name], self.units(way, order)

        def provide(index: int) -> Codes:
            values = quantity_of(self.layer.states(index, self.probe)[way], name)[0]
            return quantize(values[self.text.shown][:, units].T, limits)[None]

        return provide

    def looks(self, way: str, name: str, order: str) -> dict[str, Any]:
        """Give colours and labels."""
        limits = self.limits[way, name]
        ids = self.layer.units(way)[self.units(way, order)]
        return {
            "palette": palette_bytes(DIVERGING if limits.signed else SEQUENTIAL),
            "low": limits.low,
            "high": limits.high,
            "tile_ids": ids.tolist(),
            "y_labels": [str(unit) for unit in ids],
            "value_name": self.layer.quantities(way)[name],
        }


def shown_units(count: int) -> npt.NDArray[np.int64]:
    """Choose the units that are drawn: all, or evenly spread ones of very many."""
    return np.array(sample_indices(count, MOST_UNITS), np.int64)


def limits_of(layer: RecurrentLayer, way: str, name: str, probe: int) -> Limits:
    """Give the ends of a quantity's colours, for every step.

    Those of a gate are shut and open. A state rarely comes near its bounds: its ends are what it
    reaches in some of the steps.
    """
    bounds = range_of(layer.cells.get(way), name)
    if bounds is not None and not bounds.signed:
        return bounds
    measure = partial(_reached, way, name)
    limits = layer.data.common_limits(f"{way} {name}", layer.name, measure, probe)
    assert limits is not None  # the layer has that quantity
    return limits


def _reached(way: str, name: str, data: RunData, layer: str, probe: int | None) -> Limits | None:
    """Measure a quantity at some steps; None for a layer that does not have it."""
    if data.run.layers[layer].kind != "recurrent" or not len(data.run):
        return None
    held = RecurrentLayer(data, layer)
    is_known = held.fault is None or held.layer.has_activation
    if not is_known or way not in held.directions or name not in held.quantities(way):
        return None
    indices = sample_indices(len(data.run), SAMPLES)
    return robust_limits(quantity_of(held.states(index, probe)[way], name) for index in indices)


@register
class RecurrentStates(View):
    """A row a unit, a column a token: the hidden state, the cell state or a gate."""

    title = "States and gates"
    region = "layer"
    kinds = frozenset({"recurrent"})
    depends = ("layer", "probe")
    order = 10
    width = 12

    def __init__(self) -> None:
        self._way, self._name, self._order = "forward", "hidden", "number"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_states(scene)

    def caption(self, scene: Scene) -> str:
        layer = RecurrentLayer(scene.data, scene.moment.layer)
        text, probe = layer.text(scene.moment.probe), scene.moment.probe
        count = scene.data.units(scene.moment.layer)
        units = f" Shown are {MOST_UNITS} of {count:,} units." if count > MOST_UNITS else ""
        gated = "" if len(layer.quantities(layer.directions[0])) < 3 else GATES_SENTENCE
        return (
            f"What {layer.name} holds after each token of probe {probe}: a row for each unit; "
            f"click one to choose it.{gated}{text.remark}{units}{layer.limitation}"
        )

    def compute(self, scene: Scene) -> Board:
        return Board.of(RecurrentLayer(scene.data, scene.moment.layer), scene.moment.probe)

    def draw(self, scene: Scene, computed: Board) -> pn.Column:
        layer, board = computed.layer, computed
        if self._way not in layer.directions:
            self._way = layer.directions[0]
        if self._name not in layer.quantities(self._way):
            self._name = "hidden"

        def key() -> str:
            shown = f"{self._way}|{self._name}|{self._order}"
            return f"{scene.data.run.id}|{layer.name}|states|{board.probe}|{shown}"

        grid = FrameGrid(
            board.provider(self._way, self._name, self._order),
            len(scene.data.run),
            key=key(),
            mode="matrix",
            selects="unit",
            x_name=board.text.x_name,
            x_labels=board.text.labels,
            label=f"States of {layer.name}, probe {board.probe}",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
            **board.looks(self._way, self._name, self._order),
        )

        def choose(name: str, value: str) -> None:
            setattr(self, name, value)
            now = self._way, self._name, self._order
            grid.change(key(), board.provider(*now), **board.looks(*now))

        shown = [
            option("show", layer.quantities(self._way), self._name, partial(choose, "_name")),
            option(
                "reading",
                {way: way for way in layer.directions},
                self._way,
                partial(choose, "_way"),
            ),
            option("rows", ORDERS, self._order, partial(choose, "_order")),
        ]
        return below(options_row(shown), grid, gap=6)


def option(
    title: str, options: dict[str, str], value: str, chosen: Callable[[str], None]
) -> Choice:
    """Make a choice that tells of what is chosen."""
    choice = Choice(title=title, options=options, value=value, margin=0)
    choice.param.watch(lambda event: chosen(event.new), "value")
    return choice


def options_row(choices: list[Choice]) -> pn.Column:
    """Put choices beside each other, as far as there is room, without those that are none."""
    choices = [choice for choice in choices if len(choice.options) > 1]
    styles = {"display": "flex", "flex-flow": "row wrap", "gap": "6px 16px"}
    return pn.Column(*choices, sizing_mode="stretch_width", margin=0, styles=styles)


def heading(text: str) -> pn.pane.HTML:
    """Name one of several pictures on a card."""
    style = "font-size:12px;font-weight:600;color:var(--tl-muted)"
    return pn.pane.HTML(f'<div style="{style}">{html.escape(text)}</div>', margin=0)

"""What a recurrent layer holds at every token: states and gates of all units for one probe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence
from explorer.data.places import place_noun
from explorer.data.recurrent import RecurrentLayer, limits_of, quantity_of
from explorer.derived.recurrent.quantities import SHARE, SIGNED
from explorer.derived.texts.words import Text
from explorer.derived.time.frames import Limits, quantize
from explorer.derived.units.similarity import leaf_order
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.parts import option, options_row, said_of_gates
from explorer.views.registry import register
from explorer.views.requirements import needs_states
from explorer.views.room import MOST_ROWS, shown_rows
from explorer.widgets.page.beside import below
from explorer.widgets.pictures.frame_grid import FrameGrid

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]


HEIGHT = 460
ORDERS = {"number": "number", "alike": "alike, at the end"}


@dataclass(frozen=True)
class StateRows:
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
    def of(cls, layer: RecurrentLayer, probe: int) -> StateRows:
        """Look at some steps; call it in the worker thread."""
        limits = {
            (way, name): limits_of(layer, way, name, probe)
            for way in layer.directions
            for name in layer.quantities(way)
        }
        at_end = layer.states(len(layer.data.run) - 1)
        alike = {
            way: leaf_order(
                states.hidden[..., shown_rows(states.hidden.shape[-1])].transpose(2, 0, 1),
                metric="correlation",
            )
            for way, states in at_end.items()
        }
        return cls(layer, probe, layer.text(probe), limits, alike)

    def units(self, way: str, order: str) -> Array:
        """Give the units of a direction in an order."""
        shown = shown_rows(len(self.layer.units(way)))
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
            "bounded": limits in (SIGNED, SHARE),
            "tile_ids": ids.tolist(),
            "y_labels": [str(unit) for unit in ids],
            "value_name": self.layer.quantities(way)[name],
        }


@register
class RecurrentStates(View):
    """A row a unit, a column a place: the hidden state, the cell state or a gate."""

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
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        text, probe = layer.text(scene.selected.probe), scene.selected.probe
        count = scene.data.units(scene.selected.layer)
        units = f" Shown are {MOST_ROWS} of {count:,} units." if count > MOST_ROWS else ""
        gated = "" if len(layer.quantities(layer.directions[0])) < 3 else said_of_gates(layer)
        return (
            f"What {layer.name} holds after each {place_noun(scene.data, scene.layer)} of probe "
            f"{probe}: a row for each unit; "
            f"click one to choose it.{gated}{text.remark}{units}{layer.limitation}"
        )

    def compute(self, scene: Scene) -> StateRows:
        return StateRows.of(RecurrentLayer(scene.data, scene.selected.layer), scene.selected.probe)

    def draw(self, scene: Scene, computed: StateRows) -> pn.Column:
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

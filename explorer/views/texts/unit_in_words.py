"""The selected unit of a recurrent layer, word by word: now, and over the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing
from explorer.data.recurrent import RecurrentLayer, limits_of
from explorer.data.run import RunData
from explorer.derived.recurrent.quantities import is_gate
from explorer.derived.texts.words import Text
from explorer.derived.time.frames import Limits
from explorer.derived.time.sampling import Sampling
from explorer.derived.time.timeline import edges
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.plots.token_film import token_film
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import said_of_gates
from explorer.views.registry import register
from explorer.views.requirements import needs_states, nothing_in
from explorer.views.room import MOST_TOKENS
from explorer.widgets.charts.token_strip import TokenStrip
from explorer.widgets.page.beside import below

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Row:
    """One quantity of the unit.

    Attributes
    ----------
    title : str
        Its name, with the direction where there are two.
    quantity : str
        As `RecurrentLayer.quantities` names it.
    values : ndarray (sampled_step, token), float32
        At the tokens that are shown.
    limits : Limits
        Ends of its colours.
    """

    title: str
    quantity: str
    values: Array
    limits: Limits


@dataclass(frozen=True)
class Film:
    """A unit over a text and over the training.

    Attributes
    ----------
    text : Text
        The words.
    sampling : Sampling
        The steps.
    rows : dict of str to Row
        What the unit holds, and its gates.
    """

    text: Text
    sampling: Sampling
    rows: dict[str, Row]

    @classmethod
    def of(cls, layer: RecurrentLayer, unit: int, probe: int) -> Film:
        """Derive a unit at every step; call it in the worker thread."""
        sampling, values = layer.history(probe)
        homes, rows = layer.homes(unit), {}
        for way, number in homes:
            for name, title in layer.quantities(way).items():
                rows[f"{way} {name}"] = Row(
                    title if len(homes) < 2 else f"{title}, {way}",
                    name,
                    values[way][name][:, :, number],
                    limits_of(layer, way, name, probe),
                )
        return cls(layer.text(probe), sampling, rows)

    def strips(self) -> list[list[Row]]:
        """Part the rows into those that share their colours."""
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in self.rows.values():
            groups.setdefault((row.quantity == "cell", is_gate(row.quantity), row.limits), [])
            groups[row.quantity == "cell", is_gate(row.quantity), row.limits].append(row)
        return list(groups.values())


@register
class UnitInWords(View):
    """The words of the probe, coloured by what the unit holds; and the same over the training."""

    title = "The unit over the sentence"
    region = "layer"
    kinds = frozenset({"recurrent"})
    depends = ("layer", "probe", "unit", "axis")
    order = 12
    width = 12

    def __init__(self) -> None:
        self._shown = "hidden"

    def applies(self, data: RunData) -> bool:
        return data.run.probe is None or data.run.probe.kind == "text"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_states(scene)

    def caption(self, scene: Scene) -> str:
        layer, selected = RecurrentLayer(scene.data, scene.selected.layer), scene.selected
        homes = layer.homes(selected.unit)
        inner = ""
        if len(layer.directions) > 1 and len(homes) == 1:
            inner = f" (unit {homes[0][1]} of those that read {homes[0][0]}s)"
        gates = any(is_gate(name) for way, _ in homes for name in layer.quantities(way))
        text = layer.text(selected.probe)
        count = len(text.labels)
        capped = f" Coloured are the first {MOST_TOKENS} tokens." if count > MOST_TOKENS else ""
        return (
            f"Unit {selected.unit} of {layer.name}{inner} while it reads probe {selected.probe}: "
            "each token has the colour of what the unit holds after it, at the step on screen."
            f"{said_of_gates(layer) if gates else ''} Below, one row over the whole training."
            f"{text.remark}{capped}{layer.sampling(selected.probe).remark}{layer.limitation}"
        )

    def compute(self, scene: Scene) -> Film:
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        return Film.of(layer, scene.selected.unit, scene.selected.probe)

    def draw(self, scene: Scene, computed: Film) -> pn.Column:
        options = {name: row.title for name, row in computed.rows.items()}
        named = [name for name, row in computed.rows.items() if row.quantity == self._shown]

        def remember(name: str) -> None:
            self._shown = computed.rows[name].quantity

        shown = (named or list(options))[0]
        film = Alternatives(
            scene.data,
            options,
            shown,
            _filmed(scene, computed, shown),
            compute=lambda name: _filmed(scene, computed, name),
            draw=lambda _, row: _film(scene, computed, row),
            chosen=remember,
            title="over the training",
            channel=scene.channel,
        )
        # Names as wide in every strip, so that the words stand below each other.
        letters = max(len(row.title) for row in computed.rows.values())
        names = (
            f".strip .stage.named {{ grid-template-columns: {letters / 2:g}em minmax(0, 1fr); }}"
        )
        strips = [_strip(scene, computed, rows, names) for rows in computed.strips()]
        return below(*strips, film, gap=12)


def _strip(scene: Scene, film: Film, rows: list[Row], style: str) -> TokenStrip:
    text, selected = film.text, scene.selected
    tokens = slice(0, min(text.shown.stop, text.shown.start + MOST_TOKENS))
    limits = rows[0].limits
    gates = is_gate(rows[0].quantity)
    return TokenStrip(
        tokens=text.words[tokens],
        values=film.sampling.spread(np.stack([row.values[:, tokens] for row in rows], axis=1)),
        rows=[row.title for row in rows],
        palette=palette_bytes(DIVERGING if limits.signed else SEQUENTIAL),
        low=limits.low,
        high=limits.high,
        signed=limits.signed,
        padding=text.padding[tokens],
        separator=text.separator,
        value_name="share let through" if gates else "value",
        label=f"Unit {selected.unit} of {selected.layer} over probe {selected.probe}",
        channel=scene.channel,
        stylesheets=[style],
        sizing_mode="stretch_width",
        margin=0,
    )


def _filmed(scene: Scene, film: Film, name: str) -> Row | Nothing:
    """Give what the unit holds, or a gate, if it is not the same all the time."""
    row, unit = film.rows[name], f"unit {scene.selected.unit}"
    return nothing_in(row.values[:, film.text.shown], f"The {row.title} of {unit}") or row


def _film(scene: Scene, film: Film, row: Row) -> Any:
    return plot_pane(
        token_film(
            film.sampling.spread(row.values)[:, film.text.shown],
            film.text.labels,
            x_edges=edges(scene.positions),
            value_label=row.title,
            positions=scene.positions,
            limits=(row.limits.low, row.limits.high),
            signed=row.limits.signed,
            **scene.time_options(),
        )
    )

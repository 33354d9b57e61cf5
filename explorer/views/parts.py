"""Small parts that several views put on their cards."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import panel as pn

from explorer.data.recurrent import RecurrentLayer
from explorer.derived.time.frames import Limits
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene
from explorer.widgets.page.choice import Choice
from explorer.widgets.page.text import text_pane

# What an open gate does, where its name says the opposite of what Keras computes.
KEEPS = {
    "LSTM": " An open forget gate keeps the cell state, a shut one forgets it.",
    "GRU": " An open update gate keeps the state, a shut one takes the candidate in its place.",
}


def what_gates_keep(layer: RecurrentLayer) -> str:
    """Say in a sentence, with a space before it, which open gate keeps what was there."""
    kinds = dict.fromkeys(cell.kind for cell in layer.cells.values())
    return "".join(KEEPS.get(kind, "") for kind in kinds)


def said_of_gates(layer: RecurrentLayer) -> str:
    """Say the same, and from where to where a gate goes."""
    return f" Gates go from 0, shut, to 1, open.{what_gates_keep(layer)}"


def tokens_of(scene: Scene) -> list[str]:
    """Words of the selected probe, where the layer still has one column a token."""
    probe = scene.data.run.probe
    if probe is None or probe.kind != "text" or not probe.vocabulary or not probe.inputs:
        return []
    ids = scene.data.probe_input(scene.selected.probe)
    if ids is None or scene.layer.output_shape[:1] != ids.shape:
        return []
    words = probe.vocabulary
    return [words[int(i)] if 0 <= int(i) < len(words) else f"#{int(i)}" for i in ids]


def sentence_pane(sentence: str) -> pn.pane.HTML:
    """Show a sentence in place of one of several pictures on a card."""
    return text_pane(sentence, "sentence")


def shares_in_plane(shares: Iterable[float]) -> list[str]:
    """Say for each step how much of its variance a plane holds that is the same at all steps."""
    return [
        f"of this step's variance {share:.0%} lie in the plane" if math.isfinite(share) else ""
        for share in shares
    ]


def metric_label(name: str) -> str:
    """Metric names as a legend reads: ``val_loss`` is "validation", ``loss`` is "training"."""
    base = name.removeprefix("val_")
    prefix = "validation" if name != base else "training"
    return prefix if base in ("loss", "accuracy") else f"{prefix} {base.replace('_', ' ')}"


def colours(limits: Limits) -> dict[str, Any]:
    """Give a widget the palette and the ends of its colours."""
    return {
        "palette": palette_bytes(DIVERGING if limits.signed else SEQUENTIAL),
        "low": limits.low,
        "high": limits.high,
        "signed": limits.signed,
    }


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
    return text_pane(text, "heading", sizing_mode=None)

"""What the network trained with, and since when."""

from __future__ import annotations

from typing import Any

import panel as pn

from explorer.data.run import RunData
from explorer.views.base import Scene, View
from explorer.views.registry import register
from explorer.widgets.markup import render
from store import Run
from store.format.facts import STEP
from store.tools.facts import fact_texts

# Longer texts are cut.
MOST_LETTERS = 300


@register
class Settings(View):
    """The facts of the training, each with the step from which it held."""

    title = "Settings"
    region = "training"
    order = 90

    def applies(self, data: RunData) -> bool:
        return bool(rows_of(data.run))

    def caption(self, scene: Scene) -> str:
        several = len({entry[STEP] for entry in scene.data.run.facts}) > 1
        changed = (
            " They changed while it trained: a row holds until a later one." if several else ""
        )
        return (
            "What the network trained with, for the updates after the step in the first column."
            f"{changed} A learning rate is the one at that step."
        )

    def compute(self, scene: Scene) -> list[tuple[str, str, str]]:
        return rows_of(scene.data.run)

    def draw(self, scene: Scene, computed: list[tuple[str, str, str]]) -> Any:
        shown = render("settings.html", rows=computed, most=MOST_LETTERS)
        return pn.pane.HTML(shown, margin=0, sizing_mode="stretch_width")


def rows_of(run: Run) -> list[tuple[str, str, str]]:
    """Give when, what and which of each fact; then what is not known, and why."""
    facts = [
        (f"{entry['step']:,}", name, text)
        for entry in run.facts
        for name, text in fact_texts(entry)
    ]
    return facts + [("not kept", path, reason) for path, reason in run.left_out.items()]

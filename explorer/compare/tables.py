"""Plain tables of texts, which may come from a stranger's run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import panel as pn

from explorer.widgets.markup import render

# Longer texts are cut: a configuration may hold a whole nested layer.
MOST_LETTERS = 160


class SectionHeading(str):
    """Heading of a part of a table, in place of a row."""

    __slots__ = ()


Row = SectionHeading | tuple[str, str, str]


def table(
    rows: Sequence[Row], colours: Sequence[str], strong: Sequence[int | None] = ()
) -> pn.pane.HTML:
    """Show a name and what each run has under it.

    Parameters
    ----------
    rows : sequence of SectionHeading or (name, of A, of B)
        Texts.
    colours : sequence of str
        Colour of each run.
    strong : sequence of int or None
        For each row the run whose text is set strong.
    """
    shown = render(
        "facts.html", rows=list(zip_longest(rows, strong)), colours=colours, most=MOST_LETTERS
    )
    return pn.pane.HTML(shown, margin=0, sizing_mode="stretch_width")

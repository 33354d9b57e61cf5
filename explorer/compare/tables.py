"""Plain tables of texts, which may come from a stranger's run."""

from __future__ import annotations

import html
from collections.abc import Sequence

import panel as pn

STYLE = """
<style>
.facts { border-collapse: collapse; width: 100%; font-size: 12px; font-variant-numeric: tabular-nums; }
.facts th { text-align: left; font-weight: 600; color: var(--tl-muted); padding: 3px 10px 3px 0; }
.facts td { padding: 3px 10px 3px 0; border-top: 1px solid var(--tl-line); vertical-align: top; overflow-wrap: anywhere; }
.facts td:first-child { color: var(--tl-muted); }
.facts b { color: var(--tl-text); }
.facts .part td { color: var(--tl-text); font-weight: 600; padding-top: 9px; }
.facts th i { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 6px; }
</style>
"""  # noqa: E501

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
    heads = "".join(
        f'<th><i style="background:{colour}"></i>{letter}</th>'
        for letter, colour in zip("AB", colours, strict=True)
    )
    lines = []
    for number, row in enumerate(rows):
        if isinstance(row, SectionHeading):
            lines.append(f'<tr class="part"><td colspan="3">{html.escape(row)}</td></tr>')
            continue
        best = strong[number] if number < len(strong) else None
        cells = [f"<td>{html.escape(_cut(row[0]))}</td>"]
        for side, text in enumerate(row[1:]):
            said = html.escape(_cut(text))
            cells.append(f"<td><b>{said}</b></td>" if side == best else f"<td>{said}</td>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    body = f'<table class="facts"><tr><th></th>{heads}</tr>{"".join(lines)}</table>'
    return pn.pane.HTML(STYLE + body, margin=0, sizing_mode="stretch_width")


def sentence(text: str) -> pn.pane.HTML:
    """Show a finding, as text."""
    style = "padding:6px 10px;border-radius:6px;background:var(--tl-quiet);font-size:13px"
    shown = f'<div style="{style}">{html.escape(text)}</div>'
    return pn.pane.HTML(shown, margin=0, sizing_mode="stretch_width")


def _cut(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"

"""A legend below or above a picture: it wraps, and stays within its card."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import panel as pn

# Samples are coloured boxes: what saves a card as a picture draws boxes and texts.
STYLE = """
.legend { display: flex; flex-wrap: wrap; gap: 1px 14px; font-size: 12px; color: var(--tl-muted); }
.legend > span { display: inline-flex; align-items: center; min-width: 0; }
.legend .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.legend .sample { flex: none; display: inline-flex; gap: 3px; margin-right: 5px; }
.legend .sample span { width: 11px; height: 11px; border-radius: 2px; background: var(--colour); }
.legend .line span { width: 18px; height: 2px; border-radius: 0; }
.legend .dashes span { width: 4px; height: 2px; border-radius: 0; }
"""


def legend(names: Iterable[tuple[Any, ...]], kind: str = "area") -> pn.pane.HTML:
    """Name colours.

    Parameters
    ----------
    names : iterable of (name, colour) or (name, colour, dashed)
        In order; of lines some may be dashed.
    kind : {"area", "line"}
        What has the colours.
    """
    parts = (_entry(kind, *entry) for entry in names)
    text = f'<div class="legend">{"".join(parts)}</div>'
    return pn.pane.HTML(text, stylesheets=[STYLE], sizing_mode="stretch_width", margin=0)


def _entry(kind: str, name: str, colour: str, dashed: bool = False) -> str:
    boxes = "<span></span>" * (3 if dashed else 1)
    look, said = "dashes" if dashed else kind, html.escape(name)
    return (
        f'<span style="--colour:{colour}"><span class="sample {look}">{boxes}</span>'
        f'<span class="name" title="{said}">{said}</span></span>'
    )

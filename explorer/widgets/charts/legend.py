"""A legend below or above a picture, which wraps to the width of its card."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import panel as pn

from explorer.widgets.markup import render

# Samples are coloured boxes, since a card that is saved as SVG has its boxes and texts drawn.
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
    """Make a legend of names and colours.

    Parameters
    ----------
    names : iterable of (name, colour) or (name, colour, dashed)
        Entries in order; `dashed` says whether a line is dashed.
    kind : {"area", "line"}
        Form of the samples.
    """
    entries = [(name, colour, "dashes" if any(dashed) else kind) for name, colour, *dashed in names]
    text = render("legend.html", entries=entries)
    return pn.pane.HTML(text, stylesheets=[STYLE], sizing_mode="stretch_width", margin=0)

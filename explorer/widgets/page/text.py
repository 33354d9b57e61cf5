"""A text on the page, shown as it is: names in it may come from a stranger."""

from __future__ import annotations

from typing import Any, Literal

import panel as pn

from explorer.widgets.markup import render

Look = Literal["sentence", "note", "heading", "quote", "finding", "notice"]

STYLES: dict[Look, str] = {
    "sentence": "margin:6px 0;color:var(--tl-text)",
    "note": "margin:0;color:var(--tl-muted);font-size:12px",
    "heading": "margin:0;color:var(--tl-muted);font-size:12px;font-weight:600",
    "quote": "margin:0;min-height:34px;overflow-wrap:anywhere",
    "finding": "margin:0;padding:6px 10px;border-radius:6px;background:var(--tl-quiet);"
    "font-size:13px",
    "notice": "margin:0;padding:8px 12px;border-radius:8px;border:1px solid var(--tl-line);"
    "background:var(--tl-chosen);color:var(--tl-text)",
}


def paragraph(text: str, look: Look = "note", role: str = "") -> str:
    """HTML of a text.

    Parameters
    ----------
    text : str
        The text; markup in it is shown, not followed.
    look : {"sentence", "note", "heading", "quote", "finding", "notice"}
        "sentence" stands in place of a picture, "note" below one and "heading" above one;
        "quote" keeps the room of two lines; "finding" and "notice" have a background.
    role : str, optional
        ARIA role, such as "status" or "alert".
    """
    return render("text.html", text=text, style=STYLES[look], role=role)


def text_pane(text: str, look: Look = "note", role: str = "", **params: Any) -> pn.pane.HTML:
    """Show a text.

    Parameters
    ----------
    text, look, role
        As of `paragraph`.
    **params
        Those of the pane. By default it has no margin and fills the width.
    """
    params = {"margin": 0, "sizing_mode": "stretch_width", **params}
    return pn.pane.HTML(paragraph(text, look, role), **params)

"""Pictures beside each other: cards in the columns of the page, parts of a card on it."""

from __future__ import annotations

from typing import Any

import panel as pn

# How many columns the page has: twelve, or one if it is narrow; its style sheet says so.
COLUMNS = "var(--tl-columns, 12)"


def columns(width: int, first: int | None = None) -> str:
    """Columns of the page that a card takes, all of them on a narrow page: a ``grid-column``.

    Parameters
    ----------
    width : int
        Columns, out of twelve.
    first : int, optional
        The first of them, from 1; by default the next that are free.
    """
    span = f"span min({width}, {COLUMNS})"
    return span if first is None else f"min({first}, {COLUMNS}) / {span}"


def beside(
    *parts: Any,
    shares: tuple[int, ...] = (),
    least: int = 200,
    most: int | None = None,
    gap: int = 18,
) -> pn.Column:
    """Put pictures side by side; one below the other where a card is too narrow for that.

    Parameters
    ----------
    *parts
        Panel objects that stretch over their width.
    shares : tuple of int
        Share of the width that each has; by default the same.
    least : int
        Pixels that the narrowest one needs beside the others.
    most : int, optional
        Pixels that the first one takes at most; what is left goes to the others.
    gap : int
        Pixels between them.
    """
    shares = shares or (1,) * len(parts)
    places = [f"minmax(0, {share}fr)" for share in shares]
    if most is not None:
        places[0] = f"min({shares[0] / sum(shares):.0%}, {most}px)"
    room = least * sum(shares) // min(shares) + gap * (len(parts) - 1)
    sheet = (
        f":host {{ display: grid; gap: {gap}px; grid-template-columns: {' '.join(places)}; }}"
        f"@container (max-width: {room - 1}px) "
        "{ :host { grid-template-columns: minmax(0, 1fr); } }"
    )
    return pn.Column(*parts, sizing_mode="stretch_width", margin=0, stylesheets=[sheet])


def below(*parts: Any, gap: int = 8) -> pn.Column:
    """Put pictures one below the other, with pixels between them."""
    return pn.Column(*parts, sizing_mode="stretch_width", margin=0, styles={"gap": f"{gap}px"})


def scrolled(part: Any, height: int) -> pn.Column:
    """Let a long list scroll within some pixels of height."""
    styles = {"max-height": f"{height}px", "overflow-y": "auto"}
    return pn.Column(part, sizing_mode="stretch_width", margin=0, styles=styles)

"""Lay out pictures: cards in the columns of the page, and the parts of a card."""

from __future__ import annotations

from typing import Any

import panel as pn

# Number of columns of the page, from its style sheet: twelve, or one on a narrow page.
COLUMNS = "var(--tl-columns, 12)"


def columns(width: int, first: int | None = None) -> str:
    """CSS value of ``grid-column`` for a card; on a narrow page the card takes the whole width.

    Parameters
    ----------
    width : int
        Width in columns, of the twelve that the page has.
    first : int, optional
        First of the columns, counted from 1; by default the next that are free.
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
    """Put pictures side by side, or one below the other on a narrow card.

    Parameters
    ----------
    *parts
        Panel objects that stretch over their width.
    shares : tuple of int
        Relative width of each picture; by default all the same.
    least : int
        Least width of the narrowest picture in pixels; below it they stand one below the other.
    most : int, optional
        Most width of the first picture in pixels; the rest goes to the others.
    gap : int
        Distance between pictures in pixels.
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
    """Put pictures one below the other, with a gap in pixels between them."""
    return pn.Column(*parts, sizing_mode="stretch_width", margin=0, styles={"gap": f"{gap}px"})


def scrolled(part: Any, height: int) -> pn.Column:
    """Let a long list scroll within a height in pixels."""
    styles = {"max-height": f"{height}px", "overflow-y": "auto"}
    return pn.Column(part, sizing_mode="stretch_width", margin=0, styles=styles)

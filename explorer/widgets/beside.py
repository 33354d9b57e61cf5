"""Pictures beside each other on one card."""

from __future__ import annotations

from typing import Any

import panel as pn


def beside(
    *parts: Any, shares: tuple[int, ...] = (), most: int | None = None, gap: int = 18
) -> pn.Column:
    """Put pictures side by side.

    Parameters
    ----------
    *parts
        Panel objects that stretch over their width.
    shares : tuple of int
        Share of the width that each has; by default the same.
    most : int, optional
        Pixels that the first one takes at most; what is left goes to the others.
    gap : int
        Pixels between them.
    """
    shares = shares or (1,) * len(parts)
    columns = [f"minmax(0, {share}fr)" for share in shares]
    if most is not None:
        columns[0] = f"min({shares[0] / sum(shares):.0%}, {most}px)"
    styles = {"display": "grid", "grid-template-columns": " ".join(columns), "gap": f"{gap}px"}
    return pn.Column(*parts, sizing_mode="stretch_width", margin=0, styles=styles)


def below(*parts: Any, gap: int = 8) -> pn.Column:
    """Put pictures one below the other, with pixels between them."""
    return pn.Column(*parts, sizing_mode="stretch_width", margin=0, styles={"gap": f"{gap}px"})


def scrolled(part: Any, height: int) -> pn.Column:
    """Let a long list scroll within some pixels of height."""
    styles = {"max-height": f"{height}px", "overflow-y": "auto"}
    return pn.Column(part, sizing_mode="stretch_width", margin=0, styles=styles)

"""Pictures beside each other on one card."""

from __future__ import annotations

from typing import Any

import panel as pn


def beside(*parts: Any, shares: tuple[int, ...] = (), gap: int = 18) -> pn.Column:
    """Put pictures side by side.

    Parameters
    ----------
    *parts
        Panel objects that stretch over their width.
    shares : tuple of int
        Share of the width that each has; by default the same.
    gap : int
        Pixels between them.
    """
    columns = " ".join(f"minmax(0, {share}fr)" for share in shares or (1,) * len(parts))
    styles = {"display": "grid", "grid-template-columns": columns, "gap": f"{gap}px"}
    return pn.Column(*parts, sizing_mode="stretch_width", margin=0, styles=styles)


def below(*parts: Any, gap: int = 8) -> pn.Column:
    """Put pictures one below the other, with pixels between them."""
    return pn.Column(*parts, sizing_mode="stretch_width", margin=0, styles={"gap": f"{gap}px"})


def scrolled(part: Any, height: int) -> pn.Column:
    """Let a long list scroll within some pixels of height."""
    styles = {"max-height": f"{height}px", "overflow-y": "auto"}
    return pn.Column(part, sizing_mode="stretch_width", margin=0, styles=styles)

"""Names of the curves of a picture, for a legend that stands below it and wraps."""

from __future__ import annotations

from typing import NamedTuple

import holoviews as hv


class Entry(NamedTuple):
    """A name in a legend.

    Attributes
    ----------
    name : str
        What is named.
    colour : str
        Its colour, as ``#rrggbb``.
    dashed : bool
        Whether it is drawn in dashes.
    """

    name: str
    colour: str
    dashed: bool = False


def entries(picture: hv.Element | hv.Overlay) -> list[Entry]:
    """Curves that the legend of a picture names; none if it asks for no legend.

    Parameters
    ----------
    picture : Element or Overlay
        Its option ``show_legend`` says whether it asks for one.
    """
    if not _options(picture, "plot").get("show_legend", False):
        return []
    named: dict[str, Entry] = {}
    for curve in picture.traverse(lambda found: found, [hv.Curve]):
        style = _options(curve, "style")
        dashed = style.get("line_dash", "solid") != "solid"
        named.setdefault(curve.label, Entry(curve.label, str(style["color"]), dashed))
    return list(named.values())


def without_legend(picture: hv.Overlay) -> hv.Overlay:
    """Give a copy of a picture whose legend stands elsewhere."""
    return picture.opts(show_legend=False, backend="bokeh", clone=True)


def _options(element: hv.Element | hv.Overlay, group: str) -> dict[str, object]:
    found: dict[str, object] = hv.Store.lookup_options("bokeh", element, group).kwargs
    return found

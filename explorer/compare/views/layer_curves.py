"""A curve for each layer, or pair of layers, over the axis that both runs have in common."""

from __future__ import annotations

from typing import Any

from explorer.compare.differences import Likeness
from explorer.compare.views.base import PairView
from explorer.plots.overlays import Line, overlay
from explorer.plots.style import CLASSES
from explorer.views.base import Scene, plot_pane

HEIGHT = 260
# Curves differ in colour; a second round of colours is dashed.
MOST_CURVES = 2 * len(CLASSES)


def curves_of_layers(
    view: PairView, scene: Scene, names: list[str], found: Likeness, **options: Any
) -> Any:
    """Draw a curve for each layer over the common axis.

    Parameters
    ----------
    view : PairView
        The view, which knows the axis.
    scene : Scene
        Where the slider is.
    names : list of str
        Names of the layers; the first `MOST_CURVES` are drawn.
    found : Likeness
        Values: (position, layer).
    **options
        As for `explorer.plots.overlays.overlay`.
    """
    positions = view.positions
    lines = [
        Line(
            name,
            positions[found.positions],
            found.values[:, at],
            CLASSES[at % len(CLASSES)],
            at >= len(CLASSES),
        )
        for at, name in enumerate(names[:MOST_CURVES])
    ]
    return plot_pane(
        overlay(
            lines,
            cursor=positions,
            height=HEIGHT,
            **options,
            **view.time_options(scene),
        )
    )

"""Curves as SVG, for a page without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explorer.derived.findings.facts import Series
from explorer.derived.time.timeline import thin

WIDTH, HEIGHT = 640, 220
# Room for numbers at the axes, in pixels.
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 10, 26
MOST_POINTS = 800
TICKS = 5
COLOURS = ("#2a6fb0", "#c8553d", "#3f8f5b", "#7a5ea8")


@dataclass(frozen=True)
class Curve:
    """A curve as a template draws it: its name, its colour, and points of a polyline."""

    name: str
    colour: str
    points: str


@dataclass(frozen=True)
class Picture:
    """Curves over optimizer updates.

    Attributes
    ----------
    title : str
        What is on the vertical axis.
    curves : list of Curve
    across, up : list of (float, str)
        Place and text of the numbers at both axes.
    width, height, left, bottom : float
        In pixels.
    """

    title: str
    curves: list[Curve]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    bottom: float = HEIGHT - BOTTOM


def picture(title: str, series: Mapping[str, Series]) -> Picture | None:
    """Lay curves out; None where there is nothing to draw.

    Parameters
    ----------
    title : str
        What is on the vertical axis.
    series : mapping of str to Series
        By name. What is no number is left out; of many points as many as look the same.
    """
    known = {name: each.finite for name, each in series.items() if len(each.finite) > 1}
    if not known:
        return None
    ends = np.array([[s.updates[0], s.updates[-1]] for s in known.values()], np.float64)
    values = np.concatenate([s.values for s in known.values()])
    # A peak of a few batches must not flatten everything else: it leaves the picture.
    low, high = float(values.min()), float(np.quantile(values, 0.995))
    first, last = float(ends.min()), float(ends.max())
    high, last = (
        (high if high > low else low + (abs(low) or 1)),
        (last if last > first else first + 1),
    )

    def x(update: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (update - first) / (last - first), 1)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - min(value, high)) / (high - low), 1)

    curves = []
    for colour, (name, one) in zip(COLOURS, known.items(), strict=False):
        kept = thin(one.values, MOST_POINTS)
        points = " ".join(
            f"{x(float(update))},{y(float(value))}"
            for update, value in zip(one.updates[kept], one.values[kept], strict=True)
        )
        curves.append(Curve(name, colour, points))
    return Picture(
        title,
        curves,
        across=[(x(each), f"{each:,.0f}") for each in np.linspace(first, last, TICKS)],
        up=[(y(each), f"{each:.3g}") for each in np.linspace(low, high, TICKS)],
    )

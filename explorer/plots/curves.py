"""Curves over training time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

from explorer.plots.style import (
    CLASSES,
    HEIGHT,
    Hook,
    class_colour,
    common,
    legend_of,
    lines_at,
    time_cursor,
    x_ticks,
)

Array = npt.NDArray[Any]

# Of what stands behind a curve.
FAINT = 0.3
# Names of curves that are drawn in dashes begin so.
VALIDATION = "validation"


def metric_curves(
    series: Mapping[str, tuple[Array, Array]],
    *,
    y_label: str,
    x_label: str,
    cursor: Array,
    behind: Mapping[str, tuple[Array, Array]] | None = None,
    index: int = 0,
    ticks: Sequence[tuple[float, str]] | None = None,
    y_range: tuple[float, float] | None = None,
    height: int = HEIGHT,
    hooks: Sequence[Hook] = (),
) -> hv.Overlay:
    """One curve for each series, with a time cursor.

    What was measured in validation is dashed, in the colour of the same in training.

    Parameters
    ----------
    series : mapping of str to (x, y)
        Finite or not; NaN leaves a gap unless a series is sparse, then its points are joined.
    y_label, x_label : str
        Axis labels.
    cursor : ndarray (step,)
        Place of each recorded step on the x axis.
    behind : mapping of str to (x, y), optional
        What some of the series are made of, faint and without a name: values of batches.
    index : int
        Recorded step of the cursor at the start; see `style.lines_at`.
    ticks : sequence of (float, str), optional
        Ticks of the x axis.
    y_range : (float, float), optional
        Fixed limits of the y axis.
    height : int
        Height of the figure in pixels.
    hooks : sequence of callable
        Add to the figure what it has besides.
    """
    layers: list[hv.Element] = []
    x_dim, y_dim = hv.Dimension("x", label=x_label), hv.Dimension("y", label=y_label)
    colours = curve_colours(list(series), index)
    for name, (x, y) in series.items():
        colour = colours[name]
        if behind and name in behind:
            faint = hv.Curve(behind[name], x_dim, y_dim).relabel(name)  # one entry of the legend
            layers.append(faint.opts(color=colour, line_width=1, alpha=FAINT, backend="bokeh"))
        curve = hv.Curve((x, y), x_dim, y_dim)
        dashed = "dashed" if name.startswith(VALIDATION) else "solid"
        layers.append(
            curve.relabel(name).opts(
                color=colour, line_width=1.8, line_dash=dashed, tools=["hover"], backend="bokeh"
            )
        )
        if len(x) <= 30:
            points = hv.Scatter((x, y), x_dim, y_dim)
            layers.append(points.relabel(name).opts(color=colour, size=5, backend="bokeh"))
    return hv.Overlay(layers).opts(
        **common(
            title="",
            height=height,
            hooks=[time_cursor(cursor, index), *hooks],
            **legend_of(len(series)),
            **_x_range([cursor, *(x for x, _ in series.values())]),
            **x_ticks(ticks),
            **({"ylim": y_range} if y_range else _y_range([y for _, y in series.values()])),
        ),
    )


def curve_colours(names: Sequence[str], index: int) -> dict[str, str]:
    """Give each name a colour: one for a metric in training and in validation.

    Examples
    --------
    >>> curve_colours(["training", "validation", "validation top 5"], 0)
    {'training': '#4477aa', 'validation': '#4477aa', 'validation top 5': '#ee6677'}
    """
    of = {name: name.removeprefix(VALIDATION).removeprefix("training").strip() for name in names}
    kinds, lines = list(dict.fromkeys(of.values())), lines_at(index)
    return {name: lines[kinds.index(kind) % len(lines)] for name, kind in of.items()}


def _y_range(values: Sequence[Array]) -> dict[str, Any]:
    """Span from 0 to twice what never changes, which would seem to be 0 between -1 and 1."""
    every = np.concatenate([np.asarray(some, np.float64) for some in values])
    known = every[np.isfinite(every)]
    if not known.size or known.min() != known.max() or not known[0]:
        return {}
    return {"ylim": (min(0.0, 2 * float(known[0])), max(0.0, 2 * float(known[0])))}


def _x_range(places: Sequence[Array]) -> dict[str, Any]:
    """Span all places, the cursor's too: step 0 lies before the first update."""
    every = np.concatenate([np.asarray(values, np.float64) for values in places])
    known = every[np.isfinite(every)]
    if not known.size or known.min() == known.max():
        return {}
    return {"xlim": (float(known.min()), float(known.max()))}


def probability_curves(
    probabilities: Array,
    class_names: Sequence[str],
    *,
    positions: Array,
    x_label: str,
    index: int = 0,
    truth: int | None = None,
    ticks: Sequence[tuple[float, str]] | None = None,
    most: int = len(CLASSES),
    height: int = HEIGHT,
) -> hv.Overlay:
    """Probability of each class for one probe, step by step.

    Parameters
    ----------
    probabilities : ndarray (step, class)
        Rows sum to one.
    class_names : sequence of str
        Names by class number.
    positions : ndarray (step,)
        Place of each recorded step on the x axis.
    x_label : str
        Label of the x axis.
    index : int
        Recorded step of the cursor at the start.
    truth : int, optional
        The true class, drawn stronger.
    ticks : sequence of (float, str), optional
        Ticks of the x axis.
    most : int
        Classes drawn: those that reach the highest probability, and the true one.
    height : int
        Height of the figure in pixels.
    """
    peaks = np.nan_to_num(probabilities, nan=0.0).max(axis=0)
    chosen = set(np.argsort(-peaks, kind="stable")[:most].tolist())
    if truth is not None:
        chosen.add(truth)
    curves = []
    for number in sorted(chosen, key=lambda number: number == truth):
        name = class_names[number] + (" (true)" if number == truth else "")
        curve = hv.Curve(
            (positions, probabilities[:, number]),
            hv.Dimension("x", label=x_label),
            hv.Dimension("probability", range=(0, 1)),
            label=name,
        )
        strong = number == truth
        curves.append(
            curve.opts(
                color=class_colour(number),
                tools=["hover"],
                line_width=3 if strong else 1.5,
                alpha=1 if strong else 0.85,
                backend="bokeh",
            )
        )
    return hv.Overlay(curves).opts(
        **common(
            title="",
            height=height,
            hooks=[time_cursor(positions, index)],
            ylim=(-0.02, 1.02),
            show_legend=False,
            **x_ticks(ticks),
        ),
    )

"""Colours, common options, and the time cursor of every picture."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt
from bokeh.models import CustomJS, CustomLabelingPolicy
from bokeh.models.annotations import Span
from bokeh.themes import Theme
from holoviews.plotting.util import process_cmap

TIME_COLOUR = "#e8590c"
HEIGHT = 230
# Visible on the background of the light theme and of the dark one.
NEUTRAL = "#8b95a1"

# Pixels between labels of neighbouring ticks.
LABELS_APART = 6
# Names of a legend that stand beside each other in a figure.
LEGEND_COLUMNS = 3

# Name by which the browser finds the cursors that follow the time slider.
CURSOR_NAME = "trainlapse-cursor"
# Name of the marks of epochs.
EPOCHS_NAME = "trainlapse-epochs"
JUMPS_NAME = "trainlapse-jumps"
NO_PLACES: npt.NDArray[np.float64] = np.zeros(0)
# The clock of a page, unless it shows several runs.
CHANNEL = "main"

# Colours of two runs: distinct for colour-blind readers, legible on light and dark.
RUNS = ("#2a78bd", "#bd4296")

SEQUENTIAL = "viridis"
DIVERGING = "coolwarm"

# Beside two runs no other curve has a colour that could be taken for theirs.
BESIDE_RUNS = ("#009988", "#999933", "#a06a3b", "#66ccee", "#8b95a1")

# Paul Tol's bright and muted schemes, which colour-blind readers can distinguish.
LINES = ("#4477aa", "#ee6677", "#228833", "#aa3377", "#66ccee", "#ccbb44")
CLASSES = (
    "#6a5acd", "#88ccee", "#44aa99", "#117733", "#999933",
    "#ddcc77", "#cc6677", "#882255", "#aa4499", "#6f7782",
)  # fmt: skip

KIND_COLOURS = {
    "input": "#8b95a1",
    "conv": "#4477aa",
    "activation": "#ccbb44",
    "pooling": "#66ccee",
    "dense": "#aa3377",
    "softmax": "#ee6677",
    "recurrent": "#228833",
    "embedding": "#ee8866",
    "normalization": "#bbcc33",
    "attention": "#99ddff",
    "merge": "#777777",
    "reshape": "#b0b7bf",
    "regularization": "#c8a2c8",
    "other": "#8b95a1",
}


def class_colour(number: int) -> str:
    """Colour of a class, the same in every picture."""
    return CLASSES[number % len(CLASSES)]


# The look of figures among the explorer's cards. They have no ground of their own: the card's is
# seen through them. On a page their texts and lines take the colours of its theme
# (templates/figures.js). A frame would need a ground: without one Bokeh strokes it along the frame
# of the painting before as well, a line across a resized figure.
LOOK = Theme(
    json={
        "attrs": {
            "Axis": {
                "axis_label_text_font_style": "normal",
                "major_tick_in": 0,
                "minor_tick_line_alpha": 0,
            },
            "ColorBar": {"title_text_font_style": "normal"},
            "Plot": {
                "background_fill_color": None,
                "border_fill_color": None,
                "outline_line_color": None,
            },
        }
    }
)
# A colour bar beside a picture.
COLOUR_BAR = {
    "width": 9,
    "padding": 4,
    "title": "",
    "background_fill_alpha": 0,
    "bar_line_color": None,
    "major_tick_line_color": None,
}

Hook = Callable[[Any, Any], None]


class ClockIndex(int):
    """Position of a recorded step that knows on which of the page's clocks it is.

    Every picture over time is told the step at which its cursor starts. Where a page has several
    clocks, this tells the cursor which one to follow, and every picture the colour of the run that
    has this clock; and what it marks: where epochs end, and where the weights were set and not
    updated.
    """

    channel: str
    epochs: npt.NDArray[np.float64]
    jumps: npt.NDArray[np.float64]
    colour: str | None

    def __new__(
        cls,
        index: int,
        channel: str,
        epochs: npt.NDArray[np.float64] = NO_PLACES,
        jumps: npt.NDArray[np.float64] = NO_PLACES,
        colour: str | None = None,
    ) -> ClockIndex:
        """Make the position on a clock; of pictures that mark times, with their places."""
        made = super().__new__(cls, index)
        made.channel, made.epochs, made.jumps, made.colour = channel, epochs, jumps, colour
        return made

    @classmethod
    def of(
        cls, index: int, epochs: npt.NDArray[np.float64], jumps: npt.NDArray[np.float64]
    ) -> ClockIndex:
        """Give a position, on its clock if it has one, the places of what is marked."""
        channel, colour = getattr(index, "channel", CHANNEL), getattr(index, "colour", None)
        return cls(index, channel, epochs, jumps, colour)


def lines_at(index: int) -> tuple[str, ...]:
    """Colours of curves, in turn: of a run that stands beside another one its own comes first.

    Parameters
    ----------
    index : int
        Position of the step on screen; a `ClockIndex` tells whose clock it is on.
    """
    own = getattr(index, "colour", None)
    return LINES if own is None else (own, *BESIDE_RUNS)


def categories_at(index: int) -> tuple[str, ...]:
    """Colours of what has one in both runs of a pair, in turn: none is like that of a run.

    Parameters
    ----------
    index : int
        As for `lines_at`.
    """
    return LINES if getattr(index, "colour", None) is None else BESIDE_RUNS


@functools.cache
def palette(name: str) -> tuple[str, ...]:
    """256 colours of a colour map, as ``#rrggbb``."""
    provider = "colorcet" if name == DIVERGING else "bokeh"
    return tuple(process_cmap(name, 256, provider=provider))


def palette_bytes(name: str) -> npt.NDArray[np.uint8]:
    """Give a colour map to the browser: (768,), red, green and blue in turn."""
    digits = "".join(colour[1:7] for colour in palette(name))
    return np.frombuffer(bytes.fromhex(digits), np.uint8)


def time_cursor(positions: npt.NDArray[np.float64], index: int) -> Hook:
    """Make a hook that adds a cursor and marks to a figure whose x axis is time.

    The browser moves the cursor (its tags hold where each recorded step lies), and a click or a
    drag in the figure moves the slider: no step passes through the server.

    Parameters
    ----------
    positions : ndarray (step,)
        Place of each recorded step on the x axis.
    index : int
        Recorded step at the start; a `ClockIndex` for another clock than `CHANNEL`, and for what
        is marked.
    """
    marks = {
        EPOCHS_NAME: ("dotted", getattr(index, "epochs", NO_PLACES)),
        JUMPS_NAME: ("dashed", getattr(index, "jumps", NO_PLACES)),
    }
    channel = getattr(index, "channel", CHANNEL)
    # An array: Bokeh would look for models in every element of a list, many times.
    places = np.array(positions, np.float64)

    def add(plot: Any, _element: Any) -> None:
        figure = plot.state
        if not len(places) or figure.select_one({"name": CURSOR_NAME}) is not None:
            return
        for name, (dash, at) in marks.items():
            if len(at):
                figure.vspan(
                    x=at,
                    line_color=NEUTRAL,
                    line_alpha=0.5 if dash == "dotted" else 0.9,
                    line_dash=dash,
                    level="underlay",
                    name=name,
                )
        span = Span(
            location=float(places[min(index, len(places) - 1)]),
            dimension="height",
            line_color=TIME_COLOUR,
            line_width=2,
            level="overlay",
            name=CURSOR_NAME,
            tags=[places, channel],
        )
        figure.add_layout(span)
        seek = CustomJS(
            args={"span": span},
            code="""
            const places = span.tags[0];
            let nearest = 0;
            for (let i = 1; i < places.length; i++) {
              const gap = Math.abs(places[i] - cb_obj.x);
              if (gap < Math.abs(places[nearest] - cb_obj.x)) nearest = i;
            }
            const detail = {index: nearest, channel: span.tags[1]};
            window.dispatchEvent(new CustomEvent("trainlapse:goto", {detail}));
            """,
        )
        figure.js_on_event("tap", seek)
        figure.js_on_event("pan", seek)

    return add


def spaced_labels(plot: Any, _element: Any) -> None:
    """Leave out labels of ticks for which there is no room, on every axis of a figure.

    In either order: Bokeh's own policy drops all but one where ticks are listed from above.
    """
    for axis in plot.state.axis:
        if not isinstance(axis.major_label_policy, CustomLabelingPolicy):
            axis.major_label_policy = CustomLabelingPolicy(
                args={"apart": LABELS_APART},
                code="""
                let last = null;
                for (const label of indices) {
                  const gap = (one, other) => Math.max(distance(one, other), distance(other, one));
                  if (last !== null && gap(last, label) < apart) indices.unset(label);
                  else last = label;
                }
                return indices;
                """,
            )


def common(*, hooks: Sequence[Hook] = (), **options: Any) -> dict[str, Any]:
    """Options that every picture shares, overridden by `options`, and its own hooks."""
    return {
        "hooks": [spaced_labels, *hooks],
        "backend": "bokeh",
        "responsive": True,
        "height": HEIGHT,
        "toolbar": None,
        "default_tools": [],
        "show_grid": True,
        "gridstyle": {"grid_line_alpha": 0.6},
        "fontsize": {"labels": "11px", "ticks": "10px", "legend": "10px", "title": "12px"},
        **options,
    }


def legend_of(count: int) -> dict[str, Any]:
    """Options for a legend of so many names; one curve needs none."""
    return {
        "show_legend": count > 1,
        "legend_position": "top",
        "legend_cols": min(count, LEGEND_COLUMNS),
        "legend_opts": {
            "background_fill_alpha": 0,
            "border_line_alpha": 0,
            "padding": 0,
            "margin": 0,
            "spacing": 14,
        },
    }


def x_ticks(ticks: Sequence[tuple[float, str]] | None) -> dict[str, Any]:
    """Option for ticks at given places, or none for the library's own."""
    return {"xticks": list(ticks)} if ticks else {}


def register() -> None:
    """Load HoloViews' Bokeh backend once, without output to a notebook."""
    if "bokeh" not in hv.Store.renderers:
        hv.extension("bokeh", logo=False)


def for_pages() -> None:
    """Register, and draw all figures of this process without the graphics processor.

    A context of it for each small figure costs more than its lines.
    """
    register()
    hv.Store.renderers["bokeh"].webgl = False

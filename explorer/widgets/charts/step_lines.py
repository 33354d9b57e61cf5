"""Curves or bars that change with the step."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.plots.style import LINES
from explorer.widgets.base import Widget, script, styles
from explorer.widgets.numbers import Numbers, check_count


class StepLines(Widget):
    """A small chart of the step on screen. Its limits are the same at all steps.

    Parameters that must fit each other are set together: ``lines.param.update(x=…, y=…)``.

    Raises
    ------
    ValueError
        When parameters are set that do not fit each other.
    """

    x = Numbers(("position",), np.float64, doc="Places on the x axis: (n,) float64; or 0 to n-1.")
    y = Numbers(
        ("step", "series", "position"),
        doc="Values: (step, series, n) float32; NaN leaves a gap. A lone step is always shown.",
    )
    names = param.List(default=[], doc="Name of each series.")
    colours = param.List(default=list(LINES), doc="Colour of each series, repeated as needed.")
    colours_of: param.Selector[str] = param.Selector(
        default="series",
        objects=["series", "x"],
        doc="Whether colours belong to series, or of bars to places, such as classes.",
    )
    kind: param.Selector[str] = param.Selector(
        default="lines",
        objects=["lines", "bars", "steps"],
        doc="Lines, bars side by side, or a staircase that holds half way to the neighbours.",
    )
    y_limits = param.List(default=[], doc="Ends of the y axis, low and high; empty: of all steps.")
    x_name = param.String(default="", doc="Title of the x axis.")
    y_name = param.String(default="", doc="Title of the y axis.")
    x_labels = param.List(default=[], doc="Text under each place on the x axis, for categories.")
    diagonal = param.Boolean(default=False, doc="Whether to draw where y equals x.")
    log_y = param.Boolean(
        default=False, doc="Whether the y axis is logarithmic; what is not above 0 is left out."
    )
    markers = param.Boolean(default=False, doc="Whether lines have a dot at each place.")
    ghost = param.Boolean(
        default=False, doc="Whether the first and the last step are drawn faintly as well."
    )
    selects: param.Selector[str] = param.Selector(
        default="",
        objects=["", "unit", "probe", "target", "layer"],
        doc="What a click chooses.",
    )
    picks: param.Selector[str] = param.Selector(
        default="x", objects=["x", "series"], doc="Whether a click is on a place or on a series."
    )
    ids = param.List(
        default=[], doc="What each place, or series, stands for; by default its number."
    )
    x_hover = param.String(
        default="", doc="Name under which a place's number is shared while hovered, as token."
    )
    if_zero = param.String(default="", doc="Said in place of a step's bars that are all zero.")
    label = param.String(default="", doc="Description for screen readers.")

    _esm = script("step_lines.js")
    _stylesheets = styles("plot")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._check()

    @param.depends("x", "y", "names", "colours", "y_limits", "x_labels", "picks", "ids", watch=True)
    def _check(self) -> None:
        """Check that the parameters fit each other."""
        series, count = (0, 0) if self.y is None else self.y.shape[1:]
        if self.x is not None:
            check_count("x", self.x, count, f"{count} positions of y", none=False)
            if not (np.isfinite(self.x).all() and (np.diff(self.x) > 0).all()):
                raise ValueError(f"x: expected finite values that rise, got {self.x}.")
        check_count("names", self.names, series, f"{series} series")
        check_count("x_labels", self.x_labels, count, f"{count} positions")
        if self.picks == "x":
            check_count("ids", self.ids, count, f"{count} positions")
        else:
            check_count("ids", self.ids, series, f"{series} series")
        if not self.colours:
            raise ValueError("colours: expected at least one, got none.")
        check_count("y_limits", self.y_limits, 2, "ends of the axis")
        if self.y_limits and not self.y_limits[0] < self.y_limits[1]:
            raise ValueError(f"y_limits: expected low < high, got {self.y_limits}.")

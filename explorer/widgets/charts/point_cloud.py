"""A scatter plot that changes with the step: projections, embeddings, eigenvalues."""

from __future__ import annotations

from typing import Any

import numpy as np
import param

from explorer.widgets.base import Widget, script, styles
from explorer.widgets.numbers import Numbers, check_count


class PointCloud(Widget):
    """A scatter plot whose points move with the slider. Its limits are the same at all steps.

    Parameters that must fit each other are set together: ``cloud.param.update(positions=…,
    labels=…)``. `shapes` are not the marks of `explorer.derived.predictions.verdicts`, where 1 is
    right and 0 wrong.

    Raises
    ------
    ValueError
        When parameters are set that do not fit each other.
    """

    positions = Numbers(
        ("step", "point", 2),
        doc="Places: (step, point, 2) float32; NaN hides a point. A lone step is always shown.",
    )
    labels = param.List(default=[], doc="Text of each point; by default what it stands for.")
    colours = param.List(default=[], doc="Colour of each point, as #rrggbb.")
    groups = param.List(default=[], doc="Legend: a name and a colour for each group of points.")
    shapes = Numbers(
        ("step", "point"),
        np.uint8,
        doc="Marks: (step, point) uint8; 0 a disc, 1 a cross (wrong), 2 a ring (unknown).",
    )
    shape_names = param.List(
        default=["right", "wrong", "unknown"], doc="What disc, cross and ring mean."
    )
    selects: param.Selector[str] = param.Selector(
        default="", objects=["", "unit", "probe"], doc="What a click on a point chooses."
    )
    point_ids = param.List(
        default=[], doc="Unit or probe that each point stands for; by default its number."
    )
    x_name = param.String(default="", doc="Title of the x axis.")
    y_name = param.String(default="", doc="Title of the y axis.")
    limits = param.List(
        default=[], doc="Ends of the axes: x low, x high, y low, y high; empty: of all steps."
    )
    equal = param.Boolean(default=False, doc="Whether a unit is as long on both axes.")
    trails = param.Boolean(
        default=False,
        doc="Whether points draw their last steps behind them, and the chosen one its whole way.",
    )
    texts = param.Boolean(
        default=False,
        doc="Whether labels stand beside their points, the first points first, as far as fits.",
    )
    circle = param.Number(
        default=0.0, bounds=(0, None), doc="Radius of a circle about zero; 0 for none."
    )
    remarks = param.List(
        default=[], doc="What is said of each step below the points; a lone text: of every step."
    )
    if_empty = param.String(default="There is no point.", doc="Said if there is none.")
    label = param.String(default="", doc="Description for screen readers.")

    _esm = script("point_cloud.js")
    _stylesheets = styles("plot")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._check()

    @param.depends(
        "positions",
        "labels",
        "colours",
        "shapes",
        "point_ids",
        "limits",
        "groups",
        "remarks",
        watch=True,
    )
    def _check(self) -> None:
        """Check that the parameters fit each other."""
        steps, points = (0, 0) if self.positions is None else self.positions.shape[:2]
        for name in ("labels", "colours", "point_ids"):
            check_count(name, getattr(self, name), points, f"{points} points")
        if self.shapes is not None and self.shapes.shape != (steps, points):
            raise ValueError(
                f"shapes: expected shape {(steps, points)} as of the positions, "
                f"got {self.shapes.shape}."
            )
        if any(len(group) != 2 for group in self.groups):
            raise ValueError(f"groups: expected pairs of name and colour, got {self.groups}.")
        if len(self.remarks) > 1:
            check_count("remarks", self.remarks, steps, f"{steps} steps")
        check_count("limits", self.limits, 4, "ends of the axes")
        if self.limits and not (
            self.limits[0] < self.limits[1] and self.limits[2] < self.limits[3]
        ):
            raise ValueError(
                f"limits: expected x low < x high and y low < y high, got {self.limits}."
            )

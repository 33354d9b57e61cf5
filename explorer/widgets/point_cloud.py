"""Points that move with the step: projections, embeddings, eigenvalues."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import param

from explorer.widgets.base import Widget, script


class Numbers(param.Parameter):  # type: ignore[type-arg]
    """A parameter that holds an array, with named dimensions and a dtype for the browser.

    Parameters
    ----------
    dims : tuple of str or int
        Name of each dimension, or its size where that is fixed.
    dtype : type
        What values are cast to; beyond its range they become infinite.
    **params
        As for any parameter. None stands for no array.

    Raises
    ------
    ValueError
        Something else is set: no numbers, or other dimensions.
    """

    __slots__ = ["dims", "dtype"]

    def __init__(self, dims: tuple[str | int, ...], dtype: Any = np.float32, **params: Any) -> None:
        self.dims = dims
        self.dtype = dtype
        super().__init__(default=None, **params)

    def __set__(self, obj: Any, val: Any) -> None:
        """Cast what is set, or refuse it before anything changes."""
        super().__set__(obj, None if val is None else self.cast(val))

    def cast(self, value: Any) -> npt.NDArray[Any]:
        """Value as a contiguous array of the parameter's dtype."""
        expected = f"{self.name}: expected numbers of shape {self._shape()}"
        given = np.asarray(value)
        if given.dtype.kind not in "buif":
            raise ValueError(f"{expected}, got {given.dtype} values.")
        if given.ndim != len(self.dims) or any(
            dim != size
            for dim, size in zip(self.dims, given.shape, strict=True)
            if isinstance(dim, int)
        ):
            raise ValueError(f"{expected}, got shape {given.shape}.")
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.ascontiguousarray(given, self.dtype)
        if array.dtype.kind == "u" and not (array == given).all():
            raise ValueError(
                f"{self.name}: expected whole numbers from 0 to {np.iinfo(array.dtype).max}, "
                f"got {given.min()} to {given.max()}."
            )
        return array

    def _shape(self) -> str:
        names = ", ".join(str(dim) for dim in self.dims)
        return f"({names})" if len(self.dims) > 1 else f"({names},)"


def check_count(name: str, values: Any, count: int, what: str, *, none: bool = True) -> None:
    """Hold a parameter to one value for each of what it describes.

    Parameters
    ----------
    name : str
        Parameter.
    values : sized
        Its values.
    count : int
        How many there should be.
    what : str
        What they describe, in the plural.
    none : bool
        Whether there may be no value at all.

    Raises
    ------
    ValueError
        There is another number of them.
    """
    if len(values) != count and (len(values) or not none):
        raise ValueError(
            f"{name}: expected {count}, one for each of the {what}, got {len(values)}."
        )


class PointCloud(Widget):
    """A scatter plot whose points move with the slider; its limits hold over all steps.

    Set what depends on each other together, with ``cloud.param.update(positions=…, labels=…)``.
    Its shapes are not the marks of `explorer.derived.predictions`, where 1 is right and 0 wrong.
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
    label = param.String(default="", doc="Description for screen readers.")

    _esm = script("point_cloud.js", "paint")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._check()

    @param.depends(
        "positions", "labels", "colours", "shapes", "point_ids", "limits", "groups", watch=True
    )
    def _check(self) -> None:
        """Hold the parameters to each other."""
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
        check_count("limits", self.limits, 4, "ends of the axes")
        if self.limits and not (
            self.limits[0] < self.limits[1] and self.limits[2] < self.limits[3]
        ):
            raise ValueError(
                f"limits: expected x low < x high and y low < y high, got {self.limits}."
            )

"""Arrays as parameters of components: checked, and cast to the dtype that the browser draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import param


class Numbers(param.Parameter):  # type: ignore[type-arg]
    """A parameter that holds an array, with named dimensions and a dtype for the browser.

    Parameters
    ----------
    dims : tuple of str or int
        Name of each dimension, or its size where that is fixed.
    dtype : type
        Dtype that values are cast to. Floats beyond its range become infinite.
    **params
        Those of `param.Parameter`. The value is None for no array.

    Raises
    ------
    ValueError
        When it is set: the values are no numbers, have another shape, or, cast to unsigned
        integers, would change.
    """

    __slots__ = ["dims", "dtype"]

    def __init__(self, dims: tuple[str | int, ...], dtype: Any = np.float32, **params: Any) -> None:
        self.dims = dims
        self.dtype = dtype
        super().__init__(default=None, **params)

    def __set__(self, obj: Any, val: Any) -> None:
        """Cast the value and set it; nothing changes if that fails."""
        super().__set__(obj, None if val is None else self.cast(val))

    def cast(self, value: Any) -> npt.NDArray[Any]:
        """Cast a value to a contiguous array of the parameter's dtype.

        Raises
        ------
        ValueError
            As of the class.
        """
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
    """Check that a parameter has one value for each item that it describes.

    Parameters
    ----------
    name : str
        Name of the parameter.
    values : sized
        Its values.
    count : int
        Number of items.
    what : str
        The items, in the plural, for the message.
    none : bool
        Whether the parameter may be empty.

    Raises
    ------
    ValueError
        The number of values differs.
    """
    if len(values) != count and (len(values) or not none):
        raise ValueError(
            f"{name}: expected {count}, one for each of the {what}, got {len(values)}."
        )

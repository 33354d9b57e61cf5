"""Store values with fewer bits, and say exactly how far off they then are."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from store.errors import SpecError
from store.format.names import Array

# "float16", or the number of mantissa bits to keep.
Choice = str | int
KINDS = ("activation", "weights")


class Precision:
    """One array's rounding; keeps the largest error that it made.

    Parameters
    ----------
    dtype : str
        Data type of the array as recorded.
    choice : {None, "float16"} or int
        None keeps every bit; a number keeps so many bits of the mantissa.
    where : str
        The array's path, for messages.

    Attributes
    ----------
    dtype : str
        Data type that is stored.
    max_error : float
        Largest difference between a value and what is stored for it.
    """

    def __init__(self, dtype: str, choice: Choice | None, where: str) -> None:
        is_float = np.dtype(dtype).kind == "f"
        self._choice = choice if is_float else None
        self._where = where
        self._lock = threading.Lock()
        self.dtype = "float16" if self._choice == "float16" else dtype
        self.max_error = 0.0
        if isinstance(self._choice, int) and self._choice >= np.finfo(dtype).nmant:
            self._choice = None

    def attributes(self) -> dict[str, Any]:
        """Declare the rounding in the array's metadata."""
        if self._choice is None:
            return {}
        name = self._choice if isinstance(self._choice, str) else f"{self._choice} mantissa bits"
        return {"precision": name, "max_error": self.max_error}

    def __call__(self, values: Array) -> Array:
        """Round values, and remember the largest error."""
        if self._choice is None:
            return values
        if isinstance(self._choice, int):
            rounded = round_mantissa(values, self._choice)
        else:
            with np.errstate(over="ignore"):
                rounded = values.astype(np.float16)
            if np.any(np.isinf(rounded) & np.isfinite(values)):
                raise SpecError(
                    f"{self._where} has values beyond float16's largest, 65504. Keep a number of "
                    "mantissa bits instead, for instance 10."
                )
        finite = np.isfinite(values)
        wide = np.subtract(rounded, values, where=finite, out=np.zeros(values.shape), dtype=float)
        error = float(np.max(np.abs(wide), initial=0.0))
        with self._lock:
            self.max_error = max(self.max_error, error)
        return rounded


def round_mantissa(values: Array, bits: int) -> Array:
    """Round floats to a number of mantissa bits, halves to even; NaN and infinities stay.

    Examples
    --------
    >>> round_mantissa(np.array([1.0, 1.0625, 1.3], np.float32), 3).tolist()
    [1.0, 1.0, 1.25]
    """
    unsigned = np.dtype(f"u{values.dtype.itemsize}")
    drop = np.finfo(values.dtype).nmant - bits
    half = unsigned.type((1 << (drop - 1)) - 1)
    mask = unsigned.type((1 << 8 * values.dtype.itemsize) - (1 << drop))
    raw = np.ascontiguousarray(values).view(unsigned)
    result = ((raw + half + ((raw >> drop) & 1)) & mask).view(values.dtype)
    return np.where(np.isfinite(values) & np.isfinite(result), result, values)


def check(precision: Mapping[str, Choice] | None) -> dict[str, Choice]:
    """Check what a caller asks for.

    Examples
    --------
    >>> check({"activation": "float16"})
    {'activation': 'float16'}
    """
    for kind, choice in (precision or {}).items():
        sound = choice == "float16" or (
            isinstance(choice, int) and not isinstance(choice, bool) and choice >= 1
        )
        if kind not in KINDS or not sound:
            raise SpecError(
                f"precision {kind}={choice} is not known. Expected one of {', '.join(KINDS)} with "
                "float16 or a number of mantissa bits, for instance activation=float16."
            )
    return dict(precision or {})

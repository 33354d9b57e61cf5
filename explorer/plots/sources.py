"""What a picture was drawn from, where the picture itself holds no more than its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_ATTRIBUTE = "trainlapse_source"


@dataclass(frozen=True, slots=True)
class Source:
    """Values over training time, a row for each of several things.

    Attributes
    ----------
    values : ndarray (step, row)
        As they were computed.
    positions : ndarray (step,)
        Place of each step on the time axis.
    rows : sequence of str or ndarray (row,)
        Names of the rows, or their places on the other axis.
    row_label, value_label : str
        What the rows are, and the values.
    """

    values: Array
    positions: Array
    rows: Sequence[str] | Array
    row_label: str
    value_label: str


def with_source(picture: hv.Element, source: Source) -> hv.Element:
    """Keep with a picture what it was drawn from; gives the picture."""
    setattr(picture, _ATTRIBUTE, source)
    return picture


def with_rows(picture: hv.Element, values: Array, rows: Sequence[str] | Array) -> hv.Element:
    """Keep with a picture that has a source other values in its place; gives the picture.

    Parameters
    ----------
    picture : Element
        As from `with_source`.
    values : ndarray (step, row)
        As they were computed, in the order of `rows`: not as they are drawn.
    rows : sequence of str or ndarray (row,)
        As of `Source`; of names that are not as many as the rows, their numbers stand for them.
    """
    source = source_of(picture)
    assert source is not None
    named = rows if len(rows) == values.shape[1] else np.arange(values.shape[1])
    return with_source(picture, replace(source, values=values, rows=named))


def source_of(picture: hv.Element) -> Source | None:
    """Give what a picture was drawn from, if it keeps that."""
    return getattr(picture, _ATTRIBUTE, None)

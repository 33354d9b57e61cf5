"""Outputs that are pictures or masks, against what they should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

# Recommendation ITU-R BT.601: how bright the eye finds red, green and blue.
LUMA = (0.299, 0.587, 0.114)
# What is marked at a pixel: nothing, what is there, what is not, and nothing where something is.
NEITHER, RIGHT, WRONG, MISSED = range(4)


def brightness(pictures: Array) -> npt.NDArray[np.float32]:
    """Give one value for each pixel.

    Parameters
    ----------
    pictures : ndarray (..., y, x, channel)
        Of three or four channels the first three count as red, green and blue; others are averaged.

    Returns
    -------
    ndarray (..., y, x), float32
    """
    values = np.asarray(pictures, np.float32)
    if values.shape[-1] in (3, 4):
        return np.asarray(values[..., :3] @ np.array(LUMA, np.float32))
    return np.asarray(values.mean(axis=-1))


def mask_classes(answers: Array) -> npt.NDArray[np.int64]:
    """Read a mask: the class of each pixel.

    Parameters
    ----------
    answers : ndarray (..., y, x, class)
        A probability or logit for each class, or of one yes or no alone: the probability of yes.

    Returns
    -------
    ndarray (..., y, x), int64
    """
    values = np.asarray(answers)
    found = values[..., 0] > 0.5 if values.shape[-1] == 1 else values.argmax(axis=-1)
    return found.astype(np.int64)


def marks(predicted: Array, truth: Array) -> npt.NDArray[np.int64]:
    """Compare masks pixel by pixel; class 0 is what is not marked.

    Parameters
    ----------
    predicted, truth : ndarray of int (..., y, x)
        Classes.

    Returns
    -------
    ndarray (..., y, x), int64
        `NEITHER`, `RIGHT`, `WRONG` or `MISSED`; a pixel marked as another class is `WRONG`.
    """
    found = np.where(predicted == truth, RIGHT, WRONG)
    found = np.where((predicted == 0) & (truth != 0), MISSED, found)
    return np.asarray(np.where((predicted == 0) & (truth == 0), NEITHER, found), np.int64)


def overlap(predicted: Array, truth: Array) -> Floats:
    """Intersection over union of what is marked, in each picture.

    Parameters
    ----------
    predicted, truth : ndarray of int (..., y, x)
        Classes; of several, the mean over those but 0 that are in either.

    Returns
    -------
    ndarray (...), float64
        NaN where neither marks anything.

    Examples
    --------
    >>> overlap(np.array([[1, 1, 0]]), np.array([[1, 0, 0]])).tolist()
    0.5
    """
    classes = np.unique(np.concatenate([np.unique(predicted), np.unique(truth)]))
    shares = []
    for number in classes[classes != 0]:
        one, other = predicted == number, truth == number
        both, either = (one & other).sum(axis=(-2, -1)), (one | other).sum(axis=(-2, -1))
        shares.append(np.where(either > 0, both / np.maximum(either, 1), np.nan))
    if not shares:
        return np.full(np.shape(predicted)[:-2], np.nan)
    known = np.isfinite(shares)
    sums = np.where(known, shares, 0).sum(axis=0)
    counts = known.sum(axis=0)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))

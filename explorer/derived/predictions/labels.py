"""Class numbers of the probes. A number that is no class, -1 for instance, means: no label."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# In place of a class number: there is no such class.
NO_CLASS = -1
# Fewer examples of a class say nothing of it: a readout, for instance, is tested on two of them.
LEAST_OF_CLASS = 10


def check_labels(labels: Array, probes: int) -> Array:
    """Give the labels back if there is one for each probe.

    Parameters
    ----------
    labels : ndarray of int (probe,)
        Class numbers.
    probes : int
        How many probes there are.

    Raises
    ------
    ValueError
        If they do not fit.
    """
    labels = np.asarray(labels)
    if labels.shape != (probes,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"Labels of shape {labels.shape} and dtype {labels.dtype} were passed for {probes} "
            f"probes; whole numbers of shape ({probes},) were expected. "
            "`predictions.class_numbers` makes them of one-hot rows and floats; "
            f"use {NO_CLASS} for a probe without a label."
        )
    return labels


def memberships(labels: Array, classes: int) -> npt.NDArray[np.bool_]:
    """Say which probe is of which class.

    Parameters
    ----------
    labels : ndarray of int (probe,)
        Class numbers.
    classes : int
        How many classes there are.

    Returns
    -------
    ndarray of bool (class, probe)
        A probe without a label is of no class.
    """
    return np.asarray(labels[None, :] == np.arange(classes)[:, None])


def too_few(labels: Array) -> str | None:
    """Say that a class has too few examples for what is measured of classes; None: enough.

    Examples
    --------
    >>> too_few(np.repeat([0, 1], [12, 4]))
    'Too few: a class has 4 examples, at least 10 of each are needed.'
    """
    numbers = np.asarray(labels)
    counts = np.unique(numbers[numbers >= 0], return_counts=True)[1]
    if len(counts) < 2:
        return "Too few: there are not two classes."
    least = int(counts.min())
    if least >= LEAST_OF_CLASS:
        return None
    count = "1 example" if least == 1 else f"{least} examples"
    return f"Too few: a class has {count}, at least {LEAST_OF_CLASS} of each are needed."

"""Small measures that detectors share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.findings.facts import Facts, Series

Array = npt.NDArray[Any]

# Windows that a curve is split into: its level in each is a median.
WINDOWS = 20


def ramp(value: float, low: float, high: float) -> float:
    """Give 0 up to ``low``, 1 from ``high`` on, and in between what lies between; NaN gives 0.

    Examples
    --------
    >>> ramp(3, 2, 4), ramp(5, 2, 4), ramp(1, 4, 2)
    (0.5, 1.0, 1.0)
    """
    if not np.isfinite(value):
        return 0.0 if np.isnan(value) else float((value > 0) == (high > low))
    return float(np.clip((value - low) / (high - low), 0, 1))


def levels(series: Series, windows: int = WINDOWS) -> Array:
    """Split a curve into windows of equal length; give the median of each: (window,).

    A curve with fewer points has a window for each of them. What is no number is left out.
    """
    known = series.finite.values
    if not len(known):
        return np.zeros(0)
    parts = np.array_split(known, min(windows, len(known)))
    return np.array([np.median(part) for part in parts])


def first_level(series: Series) -> float:
    """Give the value at which a curve begins: the median of its first three values, or NaN."""
    known = series.finite.values
    return float(np.median(known[:3])) if len(known) else np.nan


def last_level(series: Series) -> float:
    """Give the median of the last tenth of a curve, or of its last three values."""
    known = series.finite.values
    return float(np.median(known[-max(3, len(known) // 10) :])) if len(known) else np.nan


def data_loss(facts: Facts) -> Series:
    """Give the loss without what regularizers of main weights add to it."""
    loss = facts.loss
    penalties = [each.penalty for each in facts.layers.values() if len(each.penalty)]
    if not penalties or not len(loss) or not np.any(np.nan_to_num(penalties)):
        return loss
    with np.errstate(all="ignore"):
        added = np.nansum(penalties, axis=0)
        at_update = np.interp(loss.updates, facts.steps[facts.looks], added)
        return Series(loss.updates, loss.values - at_update)


def middle(values: list[float]) -> float:
    """Give the median of what is finite; NaN without any."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else np.nan


def last_known(values: Array) -> float:
    """Give the last value that is finite; NaN without any."""
    known = values[np.isfinite(values)] if len(values) else values
    return float(known[-1]) if len(known) else np.nan


def early(values: Array) -> float:
    """Give the median of the first half of the finite values; NaN without any."""
    known = values[np.isfinite(values)] if len(values) else values
    return float(np.median(known[: max(1, len(known) // 2)])) if len(known) else np.nan


def chance_loss(facts: Facts) -> float:
    """Give the cross-entropy of who knows nothing but how many classes there are; else NaN.

    Where the training's labels were counted, of who knows how frequent each class is.
    """
    if facts.loss_family not in ("one class", "yes or no") or facts.classes < 2:
        return np.nan
    name = (facts.loss_name or "").lower().replace("_", "")
    if "crossentropy" not in name or "focal" in name:
        return np.nan
    counts = facts.label_counts
    if counts is not None and counts.sum() > 0:
        shares = counts[counts > 0] / counts.sum()
        entropy = float(-(shares * np.log(shares)).sum())
    else:
        entropy = float(np.log(facts.classes))
    several = facts.loss_family == "yes or no" and facts.classes > 2
    return np.nan if several else entropy


def right_share(facts: Facts) -> tuple[float, int]:
    """Give the share of probes that are right at the last look, and of how many; NaN if unknown."""
    answers = facts.answers
    if answers is None or answers.shares is None or answers.labels is None:
        return np.nan, 0
    last = answers.shares[-1]
    known = (answers.labels >= 0) & np.isfinite(last).all(axis=-1)
    if not known.any():
        return np.nan, 0
    return float((last.argmax(axis=-1) == answers.labels)[known].mean()), int(known.sum())

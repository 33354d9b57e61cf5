"""What a run keeps of the examples that a training learns from: numbers of them, none of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from recorder import arguments
from recorder.given import inputs_of
from store.format.facts import TRAINING_EXAMPLES, TRAINING_INPUTS, TRAINING_LABELS
from store.format.names import Array

EXPECTED = "a pair of inputs and labels, as model.fit takes them: training=(x, y)"
# Values of one input that are looked at: of more, those of evenly spread examples.
MOST_VALUES = 10_000_000
# Labels that are whole numbers are counted where they are no more different ones than this.
MOST_CLASSES = 1000


def described(argument: str, training: Any) -> dict[str, Any]:
    """Describe the examples that a training learns from.

    Parameters
    ----------
    argument : str
        As an error writes it.
    training : tuple of (inputs, labels), or None
        As ``fit`` takes them; None: nothing is known.

    Returns
    -------
    dict of str to JSON
        Facts, as SCHEMA.md lists them.

    Raises
    ------
    ArgumentError
        It is no such pair, or there are not as many labels as inputs.
    """
    if training is None:
        return {}
    if not isinstance(training, tuple | list) or len(training) != 2:
        arguments.refuse(argument, training, EXPECTED)
    x, y = training
    inputs = {each.name: each for each in inputs_of(x, argument=argument)}
    counts = {each.shape[0] if each.shape else 0 for each in inputs.values()}
    labels = None if y is None else np.asarray(y)
    if labels is not None and labels.ndim:
        counts.add(len(labels))
    if len(counts) != 1 or 0 in counts or (labels is not None and not labels.ndim):
        arguments.refuse(argument, training, f"{EXPECTED}, a label for each example")
    found: dict[str, Any] = {
        TRAINING_EXAMPLES: counts.pop(),
        TRAINING_INPUTS: {
            name: _numbers(each.array)
            for name, each in inputs.items()
            if each.array is not None and each.array.dtype.kind in "fiub"
        },
    }
    if labels is not None and labels.dtype.kind in "fiub" and labels.size:
        found[TRAINING_LABELS] = _labels(labels)
    return found


def _numbers(values: Array) -> dict[str, Any]:
    """Give range and spread of an array (example, ...)."""
    each = max(1, values[:1].size)
    most = max(1, MOST_VALUES // each)
    if len(values) > most:
        values = values[np.linspace(0, len(values) - 1, most).astype(np.int64)]
    wide = np.asarray(values, np.float64)
    finite = np.isfinite(wide)
    known = wide[finite]
    if not known.size:
        return {"examples": len(values), "unknown": 1.0}
    features = wide.reshape(len(wide), -1) if wide.ndim == 2 else known[:, np.newaxis]
    with np.errstate(all="ignore"):
        spreads = np.array([column[np.isfinite(column)].std() for column in features.T])
    varied = spreads[spreads > 0]
    return {
        "examples": len(values),
        "low": float(known.min()),
        "high": float(known.max()),
        "mean": float(known.mean()),
        "deviation": float(known.std()),
        "unknown": float(1 - finite.mean()),
        "widest": float(varied.max()) if len(varied) else 0.0,
        "narrowest": float(varied.min()) if len(varied) else 0.0,
    }


def _labels(labels: Array) -> dict[str, Any]:
    """Count labels where they are classes, else give their range and spread."""
    rows = labels.reshape(len(labels), -1)
    is_one_hot = rows.shape[1] > 1 and np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all()
    single = rows.argmax(axis=1) if is_one_hot else rows[:, 0] if rows.shape[1] == 1 else None
    if single is not None and (single.dtype.kind in "iub" or np.isin(single, (0, 1)).all()):
        classes, counts = np.unique(single, return_counts=True)
        if len(classes) <= MOST_CLASSES:
            names = [str(int(each)) for each in classes]
            return {"counts": dict(zip(names, map(int, counts), strict=True))}
    return {"numbers": _numbers(labels)}

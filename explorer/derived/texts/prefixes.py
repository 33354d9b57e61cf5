"""Read a text token by token: all its prefixes, and which token changed the prediction."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.derived.texts.alignment import text_spans
from explorer.derived.time.over_steps import first_stable

Array = npt.NDArray[Any]
Side = Literal["before", "after"]


def padding_side(ids: Array, padding: int = 0) -> Side:
    """Tell whether texts were padded before or after.

    Parameters
    ----------
    ids : ndarray (probe, token), integer
        Token numbers of all probes: one alone may have no padding.
    padding : int
        Number that pads.

    Returns
    -------
    {"before", "after"}
        ``after`` if no text is shorter than the others.
    """
    texts = text_spans(ids, padding)
    before, after = texts[:, 0].sum(), (ids.shape[1] - texts[:, 1])[texts[:, 1] > 0].sum()
    return "before" if before > after else "after"


def prefixes(ids: Array, side: Side = "after", padding: int = 0) -> Array:
    """List all prefixes of a text, each padded to the full length as in the training.

    Parameters
    ----------
    ids : ndarray (token,), integer
        One text with its padding.
    side : {"before", "after"}
        Where the padding goes; see `padding_side`.
    padding : int
        Number that pads.

    Returns
    -------
    ndarray (prefix, token), the same dtype
        Row n is the text up to its token n: as many rows as the text has tokens, the last one
        being the whole.
    """
    start, end = text_spans(ids[None], padding)[0]
    start = start if side == "before" else 0
    text = ids[start:end]
    rows = np.full((len(text), len(ids)), padding, ids.dtype)
    for row, length in zip(rows, range(1, len(text) + 1), strict=True):
        row[slice(None, length) if side == "after" else slice(-length, None)] = text[:length]
    return rows


def changes(probabilities: Array, empty: Array | None = None) -> Array:
    """Give how much each token changed the probabilities.

    Parameters
    ----------
    probabilities : ndarray (..., prefix, class)
        Of each beginning of a text; steps may come first.
    empty : ndarray (..., class), optional
        Of the text without any token.

    Returns
    -------
    ndarray (..., prefix, class)
        Probability less that of the beginning before. Without `empty`, NaN at the first token:
        there is nothing before it.
    """
    first = np.full_like(probabilities[..., :1, :], np.nan)
    if empty is not None:
        first[..., 0, :] = empty
    return np.diff(probabilities, axis=-2, prepend=first)


def decided_at(probabilities: Array) -> npt.NDArray[np.int64]:
    """Find the token from which on the predicted class is that at the end of the text.

    Parameters
    ----------
    probabilities : ndarray (..., prefix, class)
        As for `changes`.

    Returns
    -------
    ndarray (...), int64
        `explorer.derived.time.over_steps.NEVER` where there is none: no token, or probabilities
        that are not finite at the end.
    """
    if not probabilities.shape[-2]:
        return first_stable(np.zeros((0, *probabilities.shape[:-2]), bool))
    verdicts = probabilities.argmax(axis=-1)
    known = np.isfinite(probabilities).all(axis=-1)
    same = (verdicts == verdicts[..., -1:]) & known
    return first_stable(np.moveaxis(same, -1, 0))

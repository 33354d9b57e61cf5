"""Order units by how well their states separate the words of a span from the other words."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.derived.recurrent.spans import Span, unit_scores

Array = npt.NDArray[Any]


class Findings(NamedTuple):
    """How each unit behaves within a span.

    Attributes
    ----------
    auc : ndarray (unit,)
        How often its state is higher at a word within than at one outside.
    within, outside : ndarray (unit,)
        Mean states.
    """

    auc: Array
    within: Array
    outside: Array

    @property
    def is_high(self) -> npt.NDArray[np.bool_]:
        """Whether each unit is higher within: (unit,)."""
        return np.asarray(self.auc >= 0.5)

    @property
    def strength(self) -> Array:
        """The larger of AUC and 1 - AUC: (unit,). A unit may be low within the span as well."""
        return np.asarray(np.maximum(self.auc, 1 - self.auc))

    def ranked(self) -> npt.NDArray[np.intp]:
        """Order the known units by strength, then by the difference of their means: (unit,)."""
        known = np.flatnonzero(~np.isnan(self.auc))
        gap = np.abs(self.within - self.outside)
        return np.asarray(known[np.lexsort((-gap[known], -self.strength[known]))])


def findings(hidden: Array, span: Span, counted: Array) -> Findings:
    """Rate the units of one text.

    Parameters
    ----------
    hidden : ndarray (token, unit)
        States.
    span : (int, int)
        First token, and the one after the last.
    counted : ndarray of bool (token,)
        Tokens of the text, without its padding.
    """
    places = np.arange(len(hidden))
    within = (places >= span[0]) & (places < span[1])
    sides = hidden[within & counted], hidden[~within & counted]
    means = [side.mean(axis=0) if len(side) else np.full(hidden.shape[1], np.nan) for side in sides]
    return Findings(unit_scores(hidden, span, read=counted), *means)

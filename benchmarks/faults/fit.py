"""Fit the combiner's weights to trainings whose fault is known.

A multinomial logistic regression over suspects and "nothing", in which an observation only counts
for the suspects that `SPEAKS_FOR` names, and never against one. So every weight can be read: by
how much the logarithm of a suspect's odds grows where the observation is there in full.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp

from explorer.derived.findings.weights import CANDIDATES, NOTHING, WEIGHTS

Float64 = npt.NDArray[np.float64]
Strengths = Mapping[str, float]

# Decay of weights, towards what they are before any training is seen, and of biases.
DECAY, BIAS_DECAY = 0.002, 0.01
BEFORE, MOST_BEFORE = 4.0, 2.5
# Where nothing was seen, nothing is wrong.
NOTHING_BEFORE = 3.0
MOST_WEIGHT = 6.0

LINE = 100
HEAD = '''"""The weights by which observations speak for suspects: the one table of the judge.

By how much the logarithm of a suspect's odds grows where an observation is there in full; half of
it where its strength is a half. Fitted by ``python benchmarks/findings.py --fit`` to trainings
whose fault is known: a multinomial logistic regression in which no observation speaks against
anything, so that each number can be read alone (`benchmarks/faults/fit.py`). Which observation may
speak for which suspect is decided by hand: by the entries that there are.
"""

from __future__ import annotations

from explorer.derived.findings.observation import SUSPECTS

# What may be the case: a suspect, or nothing that is worth a word.
NOTHING = "nothing"
CANDIDATES: tuple[str, ...] = (*SUSPECTS, NOTHING)

# How likely each is before anything was seen, in the same logarithm.'''


@dataclass(frozen=True)
class Example:
    """A training: what was seen of it, and what is to blame.

    Attributes
    ----------
    strengths : mapping of str to float
        Of its observations, by kind.
    truth : tuple of str
        Suspects any of which is right; ("nothing",) of a healthy one.
    weight : float
        How much it counts.
    """

    strengths: Strengths
    truth: tuple[str, ...]
    weight: float = 1.0


def fitted(examples: Sequence[Example]) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Fit weights, by kind and suspect, and biases, by suspect."""
    kinds = list(WEIGHTS)
    pairs = [(kind, suspect) for kind in kinds for suspect in WEIGHTS[kind]]
    row = {kind: at for at, kind in enumerate(kinds)}
    column = {suspect: at for at, suspect in enumerate(CANDIDATES)}
    x = np.array([[each.strengths.get(kind, 0.0) for kind in kinds] for each in examples])
    right = np.array([[suspect in each.truth for suspect in CANDIDATES] for each in examples])
    counts = np.array([each.weight for each in examples])
    rows = np.array([row[kind] for kind, _ in pairs])
    columns = np.array([column[suspect] for _, suspect in pairs])

    # Where trainings say nothing: what speaks for few says more of each.
    before = np.concatenate(
        [
            [min(MOST_BEFORE, BEFORE / len(WEIGHTS[kind])) for kind, _ in pairs],
            [NOTHING_BEFORE if suspect == NOTHING else 0.0 for suspect in CANDIDATES],
        ]
    )
    decay = np.concatenate([np.full(len(pairs), DECAY), np.full(len(CANDIDATES), BIAS_DECAY)])

    def loss(values: Float64) -> tuple[float, Float64]:
        table = np.zeros((len(kinds), len(CANDIDATES)))
        table[rows, columns] = values[: len(pairs)]
        bias = values[len(pairs) :]
        scores = x @ table + bias
        shares = np.exp(scores - logsumexp(scores, axis=1, keepdims=True))
        inside = np.where(right, scores, -np.inf)
        among = np.exp(inside - logsumexp(inside, axis=1, keepdims=True))
        total = counts.sum()
        error = float((counts * (logsumexp(scores, axis=1) - logsumexp(inside, axis=1))).sum())
        pull = (shares - among) * counts[:, None] / total
        gradient = np.concatenate([(x.T @ pull)[rows, columns], pull.sum(axis=0)])
        away = values - before
        return (
            error / total + float((decay * away**2).sum()) / 2,
            gradient + decay * away,
        )

    bounds = [(0.0, MOST_WEIGHT)] * len(pairs) + [(-6.0, 6.0)] * len(CANDIDATES)
    found = minimize(loss, before, jac=True, method="L-BFGS-B", bounds=bounds).x
    table: dict[str, dict[str, float]] = {kind: {} for kind in kinds}
    for (kind, suspect), value in zip(pairs, found, strict=False):
        table[kind][suspect] = round(float(value), 2)
    biases = dict(zip(CANDIDATES, np.round(found[len(pairs) :], 2).tolist(), strict=True))
    return table, biases


def written(table: Mapping[str, Mapping[str, float]], biases: Mapping[str, float]) -> str:
    """Give the module that holds the weights, as text."""
    lines = [HEAD, "BIASES: dict[str, float] = {"]
    lines += [f'    "{name}": {biases[name]},' for name in CANDIDATES]
    lines += ["}", "", "WEIGHTS: dict[str, dict[str, float]] = {"]
    for kind, row in table.items():
        entries = [f'"{name}": {value}' for name, value in row.items()]
        whole = f'    "{kind}": {{{", ".join(entries)}}},'
        if len(whole) <= LINE:
            lines.append(whole)
        else:
            each = [f"        {entry}," for entry in entries]
            lines += [f'    "{kind}": {{', *each, "    },"]
    return "\n".join([*lines, "}", ""])

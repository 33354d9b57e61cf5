"""Weigh what detectors saw: which suspects explain it best, and what is worth telling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.derived.findings.finding import Finding
from explorer.derived.findings.observation import SEVERITIES, SUSPECTS, Observation, Severity
from explorer.derived.findings.weights import BIASES, CANDIDATES, NOTHING, WEIGHTS

# A suspect is named at severity fault where it has this share of all explanations, and that nothing
# is wrong has no more than that: `benchmarks/findings.py` says how many healthy trainings reach it.
FAULT_SHARE, FAULT_NOTHING = 0.3, 0.1
# Others are named, as warnings, while nothing being wrong is no more likely than this.
WARNING_NOTHING = 0.5
# How many suspects are named, and the least share of one.
MOST_SUSPECTS, LEAST_SHARE = 3, 0.02
# How much must speak for one.
LEAST_SPOKEN = 0.5
# What no suspect explains is told from this strength on, behind what is explained.
TOLD, UNEXPLAINED = 0.5, 0.3
# What speaks for no more suspects than this is plain enough to name the first of them.
MOST_PLAIN = 3

PLAIN = {
    "learning_rate_high": "a learning rate that is too high",
    "learning_rate_low": "a learning rate that is too low",
    "epochs_few": "too few epochs",
    "hidden_activation": "the activation functions of the hidden layers",
    "output_activation": "the activation function of the output",
    "loss": "the loss",
    "optimizer": "the optimizer",
    "initialization": "the initial weights",
    "input_scale": "the scale of inputs or targets",
    "labels": "labels that do not belong to their inputs",
    "data_small": "too few examples",
    "data_order": "the order of the examples",
    "class_imbalance": "classes with few examples",
    "batch_size": "the batch size",
    "capacity": "a network that is too small",
    "regularization_strong": "regularization that is too strong",
    "overfitting": "overfitting",
    "frozen_layer": "a layer that is not trained",
    "recurrent_memory": "a memory that does not reach far enough",
    "numeric_overflow": "numbers beyond what the precision holds",
}
REMEDIES = {
    "learning_rate_high": "learning_rate: a tenth of what it is",
    "learning_rate_low": "learning_rate: ten times what it is",
    "epochs_few": "epochs: two to three times as many",
    "hidden_activation": "activation='relu' in the hidden layers",
    "output_activation": "softmax for one class, sigmoid for yes or no, none for numbers",
    "loss": "a cross-entropy for classes, 'mse' for numbers",
    "optimizer": "optimizer='adam'",
    "initialization": "kernel_initializer='glorot_uniform', or 'he_normal' with ReLU",
    "input_scale": "inputs near mean 0 and deviation 1",
    "labels": "look at twenty examples with their labels, as the network gets them",
    "data_small": "more examples, or augmentation",
    "data_order": "shuffle=True in fit, or dataset.shuffle(len(dataset))",
    "class_imbalance": "class_weight in fit, or more examples of the rare classes",
    "batch_size": "batch_size=32",
    "capacity": "more units in each layer",
    "regularization_strong": "weaker penalties, Dropout(0.2)",
    "overfitting": "EarlyStopping(patience=3, restore_best_weights=True)",
    "frozen_layer": "layer.trainable = True before compile",
    "recurrent_memory": "LSTM or GRU, return_sequences=True and a mean over time",
    "numeric_overflow": "clipnorm=1.0, and a loss with from_logits=True",
}


@dataclass(frozen=True)
class Judgement:
    """How likely each explanation is.

    Attributes
    ----------
    shares : dict of str to float
        Of each suspect, and of "nothing"; they sum to 1.
    """

    shares: dict[str, float]

    @property
    def nothing(self) -> float:
        """How likely it is that nothing is wrong."""
        return self.shares[NOTHING]

    @property
    def ranked(self) -> list[str]:
        """The suspects, the most likely first."""
        return sorted(SUSPECTS, key=lambda suspect: -self.shares[suspect])


@dataclass(frozen=True)
class Scales:
    """What observations are weighed with.

    Attributes
    ----------
    weights : mapping of str to mapping of str to float
        By kind of observation, and suspect.
    biases : mapping of str to float
        By suspect, and of "nothing".
    """

    weights: Mapping[str, Mapping[str, float]]
    biases: Mapping[str, float]

    def speaks_for(self, suspect: str, kind: str, strength: float) -> float:
        """Give how much an observation speaks for a suspect."""
        return self.weights.get(kind, {}).get(suspect, 0.0) * strength


FITTED = Scales(WEIGHTS, BIASES)


def weigh(observations: Sequence[Observation], scales: Scales = FITTED) -> Judgement:
    """Weigh observations: a softmax over suspects and "nothing" of biases and weights."""
    scores = dict(scales.biases)
    for kind, strength in strengths(observations).items():
        for suspect in scales.weights.get(kind, {}):
            scores[suspect] += scales.speaks_for(suspect, kind, strength)
    values = np.array([scores[name] for name in CANDIDATES])
    shares = np.exp(values - values.max())
    shares = shares / shares.sum()
    return Judgement(dict(zip(CANDIDATES, shares.tolist(), strict=True)))


def strengths(observations: Sequence[Observation]) -> dict[str, float]:
    """Give the greatest strength of each kind."""
    found: dict[str, float] = {}
    for seen in observations:
        found[seen.kind] = max(found.get(seen.kind, 0.0), seen.strength)
    return found


def judge(observations: Sequence[Observation], scales: Scales = FITTED) -> list[Finding]:
    """Make findings of observations, the heaviest first.

    Parameters
    ----------
    observations : sequence of Observation
        Of one training.
    scales : Scales
        By default those that were fitted.

    Returns
    -------
    list of Finding
        First those that name a suspect, in the order of its likelihood within each severity.
    """
    judgement = weigh(observations, scales)
    told: list[Finding] = []
    used: set[int] = set()
    strength = strengths(observations)
    named = _named(judgement, strength, scales)
    # What was seen itself is told before what it may come from.
    leading = max((judgement.shares[suspect] for suspect, _ in named), default=0.0)
    for suspect, severity in named:
        is_seen = strength.get(suspect, 0.0) >= TOLD
        share = leading if is_seen else judgement.shares[suspect]
        best = _speaker(observations, suspect, severity, used, scales)
        if best is None:
            told.append(_unseen(suspect, severity, share, bool(told)))
            continue
        used.add(best)
        told.append(_of(observations[best], severity, share, suspect))
    for at, seen in enumerate(observations):
        if at in used or not seen.sentence or seen.strength < TOLD:
            continue
        share = seen.strength * (1.0 if seen.least == "fault" else UNEXPLAINED)
        told.append(_of(seen, seen.least, share, _plain_suspect(seen, scales)))
    return sorted(told, key=lambda each: (SEVERITIES.index(each.severity), -each.score))


def _named(
    judgement: Judgement, seen: Mapping[str, float], scales: Scales
) -> list[tuple[str, Severity]]:
    """Name the suspects that are worth it, each with its severity."""
    if judgement.nothing > WARNING_NOTHING:
        return []
    named: list[tuple[str, Severity]] = []
    for suspect in sorted(judgement.ranked, key=lambda each: seen.get(each, 0.0) < TOLD):
        share = judgement.shares[suspect]
        if len(named) == MOST_SUSPECTS:
            break
        if share < LEAST_SHARE:
            continue
        # Whatever else is ruled out, something must speak for it.
        if sum(scales.speaks_for(suspect, *each) for each in seen.items()) < LEAST_SPOKEN:
            continue
        is_fault = share >= FAULT_SHARE and judgement.nothing <= FAULT_NOTHING
        named.append((suspect, "fault" if is_fault else "warning"))
    return named


def _speaker(
    observations: Sequence[Observation],
    suspect: str,
    severity: Severity,
    used: set[int],
    scales: Scales,
) -> int | None:
    """Choose the observation that speaks most for a suspect and was not told yet.

    One that is a fault whatever the cause does not make a fault of what only may be the cause.
    """
    order = SEVERITIES.index
    spoken = {
        at: scales.speaks_for(suspect, seen.kind, seen.strength)
        for at, seen in enumerate(observations)
        if seen.sentence and at not in used and order(seen.least) >= order(severity)
    }
    best = max(spoken, key=lambda at: spoken[at], default=None)
    return best if best is not None and spoken[best] > 0 else None


def _plain_suspect(seen: Observation, scales: Scales) -> str | None:
    """Give what a warning speaks for by itself, whatever else was seen: None if for several.

    What was seen may itself be a suspect, as overfitting is.
    """
    if seen.least == "warning" and seen.kind in SUSPECTS:
        return seen.kind
    row = {name: each for name, each in scales.weights.get(seen.kind, {}).items() if each > 0}
    is_plain = seen.least == "warning" and 0 < len(row) <= MOST_PLAIN
    best = max(row, key=row.__getitem__) if is_plain else NOTHING
    return None if best == NOTHING else best


def _of(seen: Observation, severity: Severity, score: float, suspect: str | None) -> Finding:
    remedy = None
    if suspect is not None:
        remedy = seen.remedies.get(suspect) or REMEDIES[suspect]
    return Finding(
        kind=seen.kind,
        severity=severity,
        sentence=_blaming(seen, suspect, severity),
        evidence=seen.evidence,
        remedy=remedy,
        suspects=() if suspect is None else (suspect,),
        step=seen.step,
        layer=seen.layer,
        units=seen.units,
        probes=seen.probes,
        card=seen.card,
        score=round(score, 4),
    )


def _blaming(seen: Observation, suspect: str | None, severity: Severity) -> str:
    if suspect in (None, seen.kind):
        return seen.sentence
    likely = "That speaks for" if severity == "fault" else "It may be"
    return f"{seen.sentence} {likely} {PLAIN[suspect]}."


def _unseen(suspect: str, severity: Severity, share: float, has_others: bool) -> Finding:
    """Name a suspect for which no observation of its own can be told."""
    also = "The same may come from" if has_others else "What was seen fits"
    return Finding(
        kind="explanation",
        severity=severity,
        sentence=f"{also} {PLAIN[suspect]}.",
        remedy=REMEDIES[suspect],
        suspects=(suspect,),
        score=round(share, 4),
    )

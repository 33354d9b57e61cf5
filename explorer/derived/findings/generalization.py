"""Held-out examples against those that the network learns from."""

from __future__ import annotations

import numpy as np

from explorer.derived.findings.facts import Facts, Float64, Series
from explorer.derived.findings.measures import (
    chance_loss,
    data_loss,
    last_level,
    levels,
    ramp,
    right_share,
)
from explorer.derived.findings.observation import Evidence, Observation

REGULARIZE = "EarlyStopping(patience=3, restore_best_weights=True), Dropout, or more examples"
CARD = "Gap between validation and training"
# Fewer probes say little about a share.
FEWEST_PROBES = 10


def overfitting(facts: Facts) -> list[Observation]:
    """See since when the loss on held-out examples rises, and how far it is above the other."""
    held_out = facts.val_loss.finite
    if len(held_out) < 2:
        return []
    values = held_out.values
    best = int(np.argmin(values))
    rise = (float(np.median(values[-2:])) - values[best]) / max(abs(values[best]), 1e-12)
    trained = last_level(data_loss(facts))
    gap = (values[-1] - trained) / max(abs(values[-1]), 1e-12)
    since = int(held_out.updates[best])
    later = len(values) - 1 - best
    return [
        Observation(
            kind="overfitting",
            strength=ramp(rise, 0.05, 0.5) * ramp(later, 0.5, 2),
            sentence=f"The network overfits since step {since:,}: there the loss on held-out "
            f"examples is lowest, {values[best]:.3g}; at the end it is {values[-1]:.3g}, and "
            f"{trained:.3g} on the training's.",
            evidence=(
                Evidence.of("rise of the held-out loss", rise, len(values), "share"),
                Evidence.of("loss of training batches at last", trained),
            ),
            remedies={"overfitting": REGULARIZE, "data_small": "more examples, or augmentation"},
            step=since,
            card=CARD,
        ),
        Observation(kind="loss_gap", strength=ramp(gap, 0.3, 0.95)),
        Observation(kind="held_out_rises", strength=ramp(rise, 0.2, 2.0)),
    ]


def quality_gap(facts: Facts) -> list[Observation]:
    """Compare shares that are right, late and early in the training."""
    late, early, n, of = _gaps(facts)
    held_out, _ = _held_out(facts)
    found: list[Observation] = []
    if np.isfinite(late):
        found += [
            Observation(
                kind="quality_gap",
                strength=ramp(late, 0.08, 0.3),
                sentence=f"Of the training's examples {100 * (held_out + late):.0f} % are right, "
                f"of {of} {100 * held_out:.0f} %.",
                evidence=(
                    Evidence.of("difference of the shares that are right", late, n, "share"),
                ),
                remedies={"overfitting": REGULARIZE, "data_small": "more examples"},
                step=facts.updates,
                card="Accuracy",
            ),
            Observation(kind="trained_below_held_out", strength=ramp(-late, 0.04, 0.2)),
        ]
    if np.isfinite(early):
        found.append(Observation(kind="early_gap", strength=ramp(early, 0.1, 0.4)))
    if np.isfinite(held_out) and facts.classes > 1:
        chance = 1 / facts.classes
        room = (held_out - chance) / (1 - chance)
        found += [
            Observation(kind="held_out_at_chance", strength=ramp(-room, -0.25, -0.05)),
            Observation(kind="held_out_good", strength=ramp(room, 0.3, 0.75)),
        ]
    trained = last_level(facts.quality)
    if np.isfinite(trained) and facts.classes > 1:
        room = (trained - 1 / facts.classes) / (1 - 1 / facts.classes)
        found += [
            Observation(kind="trained_at_chance", strength=ramp(-room, -0.25, -0.05)),
            Observation(kind="trained_good", strength=ramp(room, 0.4, 0.9)),
        ]
    return found


def _held_out(facts: Facts) -> tuple[float, int]:
    """Give the last share of held-out examples, or else of probes, that is right."""
    known = facts.val_quality.finite.values
    if len(known):
        return float(np.median(known[-2:])), 0
    share, n = right_share(facts)
    return (share, n) if n >= FEWEST_PROBES else (np.nan, n)


def _gaps(facts: Facts) -> tuple[float, float, int, str]:
    """Give how far training examples lie above others at the end, and in the first half."""
    trained = facts.quality
    if not len(trained.finite):
        return np.nan, np.nan, 0, ""
    held_out, n = _held_out(facts)
    late = last_level(trained) - held_out
    validated = facts.val_quality.finite
    if len(validated):
        half = max(1, len(validated) // 2)
        near = [_around(trained, int(update)) for update in validated.updates[:half]]
        early = float(np.median(np.array(near) - validated.values[:half]))
        return late, early, len(validated), "held-out examples"
    answers = facts.answers
    if n >= FEWEST_PROBES and answers is not None and answers.shares is not None:
        labels = answers.labels
        assert labels is not None
        right: Float64 = (answers.shares.argmax(axis=-1) == labels).mean(axis=1)
        looks = facts.steps[facts.looks]
        between = (looks > 0) & (looks <= 0.5 * facts.updates)
        if between.any():
            near = [_around(trained, int(step)) for step in looks[between]]
            return late, float(np.median(np.array(near) - right[between])), n, f"{n} probes"
        return late, np.nan, n, f"{n} probes"
    return np.nan, np.nan, 0, ""


def _around(series: Series, update: int) -> float:
    """Give the median of the values of a curve just before an update."""
    known = series.finite
    before = known.values[known.updates <= update]
    return float(np.median(before[-10:])) if len(before) else np.nan


def explained(facts: Facts) -> list[Observation]:
    """See how much of the numbers to be met the network explains on the probes."""
    answers = facts.answers
    if answers is None or answers.targets is None or facts.task != "values":
        return []
    said = np.asarray(answers.raw[-1], np.float64)
    targets = np.asarray(answers.targets, np.float64)
    if targets.size != said.size or len(targets) < FEWEST_PROBES:
        return []
    targets = targets.reshape(said.shape)
    spread = float(np.square(targets - targets.mean(axis=0)).mean())
    if not np.isfinite(said).all() or not np.isfinite(spread) or spread <= 0:
        return []
    share = 1 - float(np.square(said - targets).mean()) / spread
    return [
        Observation(
            kind="explains_nothing",
            strength=ramp(-share, -0.3, 0.0),
            sentence=f"Of the spread of the {len(targets)} probes' targets the network explains "
            f"{100 * max(share, 0):.0f} %: no more than their mean would.",
            evidence=(Evidence.of("explained variance", share, len(targets), "share"),),
            step=facts.updates,
            card="Probabilities of the probe",
            least="warning",
        ),
        Observation(kind="explains_much", strength=ramp(share, 0.4, 0.8)),
    ]


def floor(facts: Facts) -> list[Observation]:
    """See whether the loss comes to rest between a guess and what was learned."""
    chance, known = chance_loss(facts), levels(data_loss(facts))
    if len(known) < 6 or not np.isfinite(chance):
        return []
    share = last_level(data_loss(facts)) / chance
    return [
        Observation(
            kind="high_floor",
            strength=min(ramp(share, 0.3, 0.6), ramp(-share, -1.0, -0.9)),
        )
    ]

"""Classes: how many examples each has, whether all are named, in which order they come."""

from __future__ import annotations

import numpy as np

from explorer.derived.findings.facts import Facts, Float64, Series
from explorer.derived.findings.measures import data_loss, first_level, ramp
from explorer.derived.findings.observation import Evidence, Observation

# Batches of an epoch below which no order is seen in them.
FEWEST_BATCHES = 8
WEIGH = "class_weight={class: total / (classes * count)} in fit, or more examples of rare classes"


def imbalance(facts: Facts) -> list[Observation]:
    """Count the training's examples of each class."""
    counts = facts.label_counts
    if counts is None or len(counts) < 2 or counts.max() <= 0:
        return []
    share = counts.max() / counts.sum()
    over = share * len(counts)
    rare = int(np.argmin(counts))
    return [
        Observation(
            kind="classes_uneven",
            strength=ramp(np.log10(max(over, 1)), 0.25, 0.55)
            if len(counts) > 2
            else ramp(share, 0.75, 0.95),
            sentence=f"{100 * share:.0f} % of the training's {int(counts.sum()):,} examples are of "
            f"one of {len(counts)} classes; class {rare} has {int(counts[rare])}.",
            evidence=(Evidence.of("largest class", share, int(counts.sum()), "share"),),
            remedies={"class_imbalance": WEIGH},
            card="Confusion",
        )
    ]


def collapse(facts: Facts) -> list[Observation]:
    """See whether the network names few of the classes, or leans to one, on the probes.

    What it says on average early in a training is how frequent classes are in what it learns from:
    that is learned first. So far it tells of the training's balance; the probes' own does not.
    """
    answers = facts.answers
    if answers is None or answers.shares is None or facts.classes < 2:
        return []
    shares = answers.shares
    known = np.isfinite(shares).all(axis=(1, 2))
    if not known.any():
        return []
    last = shares[known][-1]
    n, classes = last.shape
    named = np.bincount(last.argmax(axis=-1), minlength=classes)
    top = int(named.argmax())
    expected = 1 / classes
    if answers.labels is not None:
        of_class = np.bincount(answers.labels[answers.labels >= 0], minlength=classes)[:classes]
        expected = max(expected, float(of_class[top]) / max(1, n))
    excess = (named[top] / n - expected) / max(1 - expected, 1e-9)
    mean = _mean_midway(shares[known])
    leaning = (float(mean.max()) - 1 / classes) / (1 - 1 / classes)
    found = [
        Observation(
            kind="one_class",
            strength=ramp(excess, 0.35, 0.85),
            sentence=f"Of {n} probes the network calls {named[top]} class {top}; "
            f"{int((named > 0).sum())} of {classes} classes are named at all.",
            evidence=(
                Evidence.of("share called one class", named[top] / n, n, "probes"),
                Evidence.of("classes named", int((named > 0).sum()), classes, "classes"),
            ),
            remedies={"class_imbalance": WEIGH},
            step=facts.updates,
            card="Confusion",
            least="warning",
        ),
        Observation(
            kind="leans_to_one",
            strength=ramp(leaning, 0.2, 0.6),
            sentence=f"Midway through the training the network gives class {int(mean.argmax())} "
            f"{100 * mean.max():.0f} % on average over the probes, "
            f"{100 / classes:.0f} % being even: that class may be the most frequent one.",
            evidence=(Evidence.of("largest mean probability", mean.max(), n, "probes"),),
            remedies={"class_imbalance": WEIGH},
            card="Probabilities of the probe",
        ),
    ]
    if classes > 1 and len(facts.quality.finite) > 10:
        known_quality = facts.quality.finite.values
        early = float(np.median(known_quality[: max(3, len(known_quality) // 20)]))
        found.append(
            Observation(kind="quick_success", strength=ramp((early - 1 / classes), 0.25, 0.6))
        )
    return found


def _mean_midway(shares: Float64) -> Float64:
    """Give what is said on average over the probes, the median of the looks but the first."""
    later = shares[1:] if len(shares) > 1 else shares
    means: Float64 = np.median(later.mean(axis=1), axis=0)
    return means / max(float(means.sum()), 1e-12)


def order(facts: Facts) -> list[Observation]:
    """See whether the loss of batches goes up and down in the same way in every epoch.

    Batches that are drawn anew differ by chance: neighbours have nothing in common once the trend
    is taken off. In data that lie in order of their class neighbours are alike, and every class
    that begins is a peak.
    """
    loss = data_loss(facts)
    rows = _epochs(facts, loss)
    if rows is None:
        return []
    wavy, repeated = _lag(rows), _repeats(rows)
    # A loss near 0 has waves, too, of no weight.
    first = max(abs(first_level(loss)), 1e-12)
    swing = float(np.median([np.ptp(row) for row in rows])) / first
    strength = min(ramp(wavy, 0.4, 0.7), ramp(swing, 0.15, 0.5))
    return [
        Observation(
            kind="waves",
            strength=strength,
            sentence=f"Within an epoch the loss goes up and down in long waves: neighbouring "
            f"batches correlate by {wavy:.2f} once the trend is taken off, and 0 is what mixed "
            "data give. They seem to come in order, of their class perhaps.",
            evidence=(
                Evidence.of("correlation of neighbouring batches", wavy, rows.size, "batches"),
                Evidence.of("correlation of epochs", repeated, len(rows), "epochs"),
            ),
            remedies={"data_order": "shuffle=True in fit, or dataset.shuffle(len(dataset))"},
            card="Loss",
        ),
        Observation(kind="same_waves", strength=min(strength, ramp(repeated, 0.3, 0.8))),
    ]


def _epochs(facts: Facts, series: Series) -> Float64 | None:
    """Split batch values by epochs, without the trend of each: (epoch, batch); None: too few."""
    if facts.epochs < 1 or not facts.updates:
        return None
    length = round(facts.updates / facts.epochs)
    values = series.values
    if length < FEWEST_BATCHES or len(values) < length or len(series) < 0.9 * facts.updates:
        return None
    count = len(values) // length
    rows = values[: count * length].reshape(count, length)[:, :-1]
    rows = rows[np.isfinite(rows).all(axis=1)]
    # The first epoch is all trend.
    rows = rows[1:] if len(rows) > 2 else rows
    if not len(rows) or rows.shape[1] < FEWEST_BATCHES - 1:
        return None
    place = np.linspace(-1, 1, rows.shape[1])
    basis = np.stack([np.ones_like(place), place, place**2])
    fitted = np.linalg.lstsq(basis.T, rows.T, rcond=None)[0].T @ basis
    flat: Float64 = rows - fitted
    return flat


def _lag(rows: Float64) -> float:
    scale = float(np.square(rows).sum())
    shifted = float((rows[:, 1:] * rows[:, :-1]).sum())
    return shifted / scale * rows.shape[1] / (rows.shape[1] - 1) if scale > 0 else 0.0


def _repeats(rows: Float64) -> float:
    if len(rows) < 2:
        return 0.0
    scaled = rows / np.maximum(np.sqrt(np.square(rows).sum(axis=1, keepdims=True)), 1e-30)
    return float(np.median((scaled[1:] * scaled[:-1]).sum(axis=1)))

"""What happened, whether or not anything is wrong: how far the training came, and when."""

from __future__ import annotations

import numpy as np

from explorer.derived.findings.facts import Facts
from explorer.derived.findings.measures import first_level, last_level, levels
from explorer.derived.findings.observation import Evidence, Observation

MOST_PROBES = 20


def summary(facts: Facts) -> list[Observation]:
    """Say how long the training was and how far it came."""
    known = facts.loss.finite
    if len(known) < 2 or not facts.updates:
        return []
    first, last = first_level(facts.loss), last_level(facts.loss)
    said = (
        f"In {facts.epochs:.3g} epochs, {facts.updates:,} updates, the loss of training batches "
        f"went from {first:.3g} to {last:.3g}"
    )
    evidence = [
        Evidence.of("loss at first", first, 3),
        Evidence.of("loss at last", last, max(3, len(known) // 10)),
    ]
    held_out = facts.val_loss.finite.values
    if len(held_out):
        said += f"; on held-out examples it is {held_out[-1]:.3g} at the end"
        evidence.append(Evidence.of("held-out loss at last", held_out[-1]))
    quality = facts.val_quality.finite.values
    if len(quality):
        said += f", where {100 * quality[-1]:.0f} % are right"
        evidence.append(Evidence.of(f"held-out {facts.quality_name}", quality[-1], None, "share"))
    return [
        Observation(
            kind="summary",
            strength=1.0,
            sentence=f"{said}.",
            evidence=tuple(evidence),
            step=facts.updates,
            card="Loss",
        )
    ]


def halfway(facts: Facts) -> list[Observation]:
    """Say when half of what was learned was learned."""
    known = levels(facts.loss, windows=100)
    if len(known) < 10:
        return []
    first, best = first_level(facts.loss), float(known.min())
    if not first - best > 0.2 * abs(first):
        return []
    finite = facts.loss.finite
    place = int(np.argmax(known <= (first + best) / 2))
    step = int(finite.updates[min(len(finite) - 1, (place + 1) * len(finite) // len(known))])
    share = step / max(1, facts.updates)
    return [
        Observation(
            kind="halfway",
            strength=1.0,
            sentence=f"Half of the fall of the loss was done by step {step:,}, "
            f"{100 * share:.2g} % of the way.",
            evidence=(Evidence.of("step", step, None, "updates"),),
            step=step,
            card="Loss",
        )
    ]


def unlearned(facts: Facts) -> list[Observation]:
    """Say which probes were right once and are wrong at the end, and which never were right."""
    answers = facts.answers
    if answers is None or answers.shares is None or answers.labels is None:
        return []
    right = answers.shares.argmax(axis=-1) == answers.labels
    if len(right) < 3 or right[-1].mean() < 0.5:
        return []
    forgotten = np.flatnonzero(right[:-1].any(axis=0) & ~right[-1])
    never = np.flatnonzero(~right.any(axis=0))
    n = right.shape[1]
    found = []
    for kind, which, words in (
        ("forgotten", forgotten, "were right at an earlier look and are wrong at the end"),
        ("never_right", never, "are right at none of the looks"),
    ):
        if not len(which):
            continue
        names = ", ".join(map(str, which[:5])) + (" …" if len(which) > 5 else "")
        found.append(
            Observation(
                kind=kind,
                strength=1.0,
                sentence=f"{len(which)} of {n} probes {words} ({len(right)} looks): {names}.",
                evidence=(Evidence.of("such probes", len(which), n, "probes"),),
                step=facts.updates,
                probes=tuple(which[:MOST_PROBES].tolist()),
                card="Learned, forgotten, relearned",
            )
        )
    return found

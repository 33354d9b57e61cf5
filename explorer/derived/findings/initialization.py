"""How the weights began: all alike, too large, too small.

Glorot and Bengio (2010) and He et al. (2015) give the size that keeps values at one scale; units
that begin alike stay alike (Goodfellow et al. 2016, *Deep Learning*, 8.4).
"""

from __future__ import annotations

import numpy as np

from explorer.derived.findings.facts import Facts
from explorer.derived.findings.measures import chance_loss, data_loss, last_known, ramp
from explorer.derived.findings.observation import Evidence, Observation

USUAL = "kernel_initializer='glorot_uniform', or 'he_normal' with ReLU"
CARD = "Weight distribution"
# Kinds of layers whose weights Glorot's rule is for.
KINDS = ("dense", "conv", "recurrent", "attention")


def symmetric(facts: Facts) -> list[Observation]:
    """See whether units of a layer began with the same weights."""
    known = [
        each
        for each in facts.trained
        if each.start is not None and each.start.units > 1 and each.kind in KINDS
    ]
    alike = [each for each in known if each.start is not None and each.start.distinct <= 0.5]
    if not known:
        return []
    share = len(alike) / len(known)
    if not alike:
        return []
    first = alike[0]
    assert first.start is not None
    zero = first.start.largest == 0
    stays = last_known(first.activity.alike) if first.activity is not None else np.nan
    return [
        Observation(
            kind="symmetric_start",
            strength=ramp(share, 0, 0.5),
            sentence=f"All {first.start.units} units of {first.name} began with the same weights"
            f"{' (0)' if zero else ''}, as in {len(alike)} of {len(known)} layers: units that "
            "begin alike learn alike.",
            evidence=(
                Evidence.of("layers that began alike", len(alike), len(known), "layers"),
                Evidence.of("units still alike at the end", stays, first.units, "share"),
            ),
            remedies={"initialization": USUAL},
            step=0,
            layer=first.name,
            card=CARD,
            least="warning",
        )
    ]


def size(facts: Facts) -> list[Observation]:
    """Hold the spread of the first weights against Glorot's."""
    ratios = {
        each.name: each.start.deviation / each.start.usual
        for each in facts.trained
        if each.start is not None and each.kind in KINDS and each.start.values >= 16
    }
    ratios = {name: ratio for name, ratio in ratios.items() if np.isfinite(ratio)}
    if not ratios:
        return []
    largest = max(ratios, key=lambda name: ratios[name])
    smallest = min(ratios, key=lambda name: ratios[name])
    middle = float(np.median(list(ratios.values())))
    found = []
    for kind, name, strength, word in (
        ("large_start", largest, ramp(np.log10(max(ratios[largest], 1e-30)), 0.4, 0.9), "larger"),
        ("tiny_start", smallest, ramp(-np.log10(max(middle, 1e-30)), 0.7, 2), "smaller"),
    ):
        ratio = ratios[name]
        times = ratio if word == "larger" else 1 / max(ratio, 1e-12)
        found.append(
            Observation(
                kind=kind,
                # All weights at 0 are a matter of symmetry.
                strength=strength if middle > 0 or word == "larger" else 0.0,
                sentence=f"The weights of {name} began {times:.3g} times {word} than Glorot's "
                "initialization makes them.",
                evidence=(
                    Evidence.of("deviation / Glorot's", ratio, facts.layers[name].parameters),
                    Evidence.of("the same, median of layers", middle, len(ratios), "layers"),
                ),
                remedies={"initialization": USUAL},
                step=0,
                layer=name,
                card=CARD,
            )
        )
    return found


def first_loss(facts: Facts) -> list[Observation]:
    """Hold the first loss against that of a guess (Karpathy 2019: verify loss at init)."""
    chance = chance_loss(facts)
    known = data_loss(facts).finite.values
    if not np.isfinite(chance) or not len(known):
        return []
    share = float(known[0]) / chance
    return [
        Observation(
            kind="first_loss_high",
            strength=ramp(np.log10(max(share, 1e-12)), 0.3, 1.2),
            sentence=f"The first batch has a loss of {known[0]:.3g}, {share:.3g} times that of a "
            f"guess among {facts.classes} classes.",
            evidence=(Evidence.of("first loss / loss of a guess", share, 1, "batch"),),
            remedies={
                "initialization": USUAL,
                "input_scale": "bring the inputs to about 0 to 1",
            },
            step=0,
            card="Loss",
        )
    ]

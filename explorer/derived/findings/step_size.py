"""How large steps are: by the settings of the optimizer, and as measured at the weights.

An update of about a thousandth of the weight is the customary rule of thumb (Karpathy 2019, *A
recipe for training neural networks*). What is usual of a rate depends on the optimizer; the table
holds the defaults and customs of Keras.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.derived.findings.facts import Facts
from explorer.derived.findings.measures import early, last_known, middle, ramp
from explorer.derived.findings.observation import Evidence, Observation

USUAL_RATE = {
    "SGD": 0.02,
    "Adam": 1e-3,
    "AdamW": 1e-3,
    "Nadam": 1e-3,
    "Adamax": 2e-3,
    "RMSprop": 1e-3,
    "Adagrad": 3e-2,
    "Adadelta": 1.0,
    "Ftrl": 3e-2,
    "Lion": 2e-4,
    "Lamb": 2e-3,
}
# Of these a rate that is usual elsewhere hardly moves weights.
SLOW = ("Adadelta", "Adagrad", "Ftrl")
CARD = "How fast each layer learns"


def rate(facts: Facts) -> list[Observation]:
    """Hold the learning rate against what is usual for the optimizer."""
    optimizer = facts.optimizer or {}
    name, usual = str(optimizer.get("class", "")), USUAL_RATE.get(str(optimizer.get("class")))
    value = _rate(facts, optimizer)
    if usual is None or not np.isfinite(value) or value < 0:
        return []
    times = np.log10(max(value, 1e-300) / usual)
    evidence = (
        Evidence.of("learning rate", value),
        Evidence.of(f"usual of {name}", usual),
    )
    found = []
    for kind, strength, word, suspect in (
        ("rate_above_usual", ramp(times, 0.5, 2.0), "above", "learning_rate_high"),
        ("rate_below_usual", ramp(-times, 0.7, 2.0), "below", "learning_rate_low"),
    ):
        away = 10 ** abs(times)
        found.append(
            Observation(
                kind=kind,
                strength=strength,
                sentence=f"The learning rate of {value:.3g} lies {away:,.0f} times {word} what is "
                f"usual with {name}, {usual:g}.",
                evidence=evidence,
                remedies={
                    suspect: f"learning_rate={usual:g}",
                    "optimizer": "optimizer='adam'",
                },
                card="Learning rate",
            )
        )
    return found


def _rate(facts: Facts, optimizer: Any) -> float:
    known = facts.learning_rate.finite.values
    if len(known):
        return float(np.max(known))
    configured = optimizer.get("learning_rate")
    return float(configured) if isinstance(configured, int | float) else np.nan


def optimizer_kind(facts: Facts) -> list[Observation]:
    """See whether the optimizer is one that hardly moves, or is held back."""
    optimizer = facts.optimizer or {}
    name = str(optimizer.get("class", ""))
    if not name:
        return []
    value = _rate(facts, optimizer)
    plain = name == "SGD" and not optimizer.get("momentum")
    slow = name in SLOW and value < 0.02
    found = [
        Observation(
            kind="slow_optimizer",
            strength=1.0 if slow else 0.0,
            sentence=f"{name} with a learning rate of {value:.3g} makes very small steps.",
            evidence=(Evidence.of("learning rate", value),),
            remedies={"optimizer": "optimizer='adam'", "learning_rate_low": "learning_rate=1.0"},
            card=CARD,
        ),
        Observation(
            kind="plain_descent",
            strength=ramp(-np.log10(max(value, 1e-12)), 1.5, 2.7) if plain else 0.0,
            sentence=f"Plain gradient descent, without momentum, at a learning rate of {value:.3g} "
            "takes long.",
            evidence=(Evidence.of("learning rate", value),),
            remedies={
                "optimizer": "optimizer='adam', or momentum=0.9",
                "learning_rate_low": "learning_rate=0.05",
            },
            card=CARD,
        ),
        Observation(kind="adaptive", strength=float(not plain and name not in SLOW)),
    ]
    clips = [optimizer.get(each) for each in ("clipnorm", "clipvalue", "global_clipnorm")]
    least = min((float(each) for each in clips if isinstance(each, int | float)), default=np.inf)
    strength = ramp(-np.log10(max(least, 1e-12)), 1, 3) if np.isfinite(least) else 0.0
    found.append(
        Observation(
            kind="tiny_clip",
            strength=strength,
            sentence=f"Gradients are clipped at {least:.3g}, far below their usual size.",
            evidence=(Evidence.of("clipped at", least),),
            remedies={"optimizer": "clipnorm=1.0"},
            card=CARD,
        )
    )
    return found


def measured(facts: Facts) -> list[Observation]:
    """See how far single updates, and the whole training, move the weights."""
    layers = [each for each in facts.trained if not each.is_frozen and len(each.norm)]
    if not layers:
        return []
    ratios = {each.name: early(each.ratio) for each in layers}
    ratio = middle(list(ratios.values()))
    moved = middle([last_known(each.moved) for each in layers])
    n = len(layers)
    found = []
    if np.isfinite(ratio):
        size = np.log10(max(ratio, 1e-300))
        known = {name: each for name, each in ratios.items() if np.isfinite(each)}
        for kind, strength, word, worst in (
            ("updates_large", ramp(size, -1.8, -0.7), "much", max(known, key=known.__getitem__)),
            ("updates_small", ramp(-size, 3.7, 5.0), "little", min(known, key=known.__getitem__)),
        ):
            found.append(
                Observation(
                    kind=kind,
                    strength=strength,
                    sentence=f"A single update moves {word} of the weight: {ratio:.2g} of its "
                    "norm, in the median over layers and the first half of the training; about "
                    "0.001 is usual.",
                    evidence=(Evidence.of("update / weight, median", ratio, n, "layers"),),
                    remedies={
                        "learning_rate_high": "learning_rate: a tenth of what it is",
                        "learning_rate_low": "learning_rate: ten times what it is",
                        "optimizer": "optimizer='adam'",
                    },
                    layer=worst,
                    card=CARD,
                )
            )
    if np.isfinite(moved):
        way = np.log10(max(moved, 1e-300))
        found += [
            Observation(
                kind="barely_moved",
                strength=ramp(-way, 0.8, 2.0),
                sentence=f"The weights are hardly others than at the start: they moved by "
                f"{100 * moved:.2g} % of their norm, in the median over layers.",
                evidence=(Evidence.of("way from the start / norm", moved, n, "layers"),),
                remedies={
                    "learning_rate_low": "learning_rate: ten times what it is",
                    "optimizer": "optimizer='adam'",
                    "epochs_few": "epochs: more of them",
                },
                step=facts.updates,
                card="Whether each layer turns or only grows",
            ),
            Observation(
                kind="moved_far",
                strength=ramp(way, 0.5, 1.5),
                sentence=f"The weights end {moved:.2g} times as far from their start as they were "
                "large, in the median over layers.",
                evidence=(Evidence.of("way from the start / norm", moved, n, "layers"),),
                remedies={"learning_rate_high": "learning_rate: a tenth of what it is"},
                step=facts.updates,
                card="Whether each layer turns or only grows",
            ),
        ]
    cosine = middle([early(each.cosine) for each in layers])
    if np.isfinite(cosine):
        found.append(
            Observation(
                kind="turning_back",
                strength=ramp(-cosine, 0.1, 0.6),
                sentence=f"Updates undo each other: the cosine of one and the next is {cosine:.2f} "
                "in the median over layers.",
                evidence=(Evidence.of("cosine of an update and the next", cosine, n, "layers"),),
                remedies={"learning_rate_high": "learning_rate: a tenth of what it is"},
                card="Whether updates agree",
            )
        )
        found.append(Observation(kind="straight_on", strength=ramp(cosine, 0.9, 0.99)))
    return found

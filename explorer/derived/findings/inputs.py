"""What the network is given, and what it is to meet: range, missing numbers.

LeCun et al. (1998), *Efficient BackProp*: inputs near mean 0 and of one scale. UMLAUT (Schoop et
al. 2021) warns beyond [-1, 1]; here only what is far from it speaks for anything.
"""

from __future__ import annotations

import numpy as np

from explorer.derived.findings.facts import Facts
from explorer.derived.findings.measures import ramp
from explorer.derived.findings.observation import Evidence, Observation

SCALE = "x = (x - mean) / deviation, or x / 255 of pictures; or a Normalization layer"
CARD = "The probe's way through the network"


def scale(facts: Facts) -> list[Observation]:
    """Hold the inputs against a scale of about 1."""
    given = facts.inputs
    if given is None or given.is_normalized or not np.isfinite(given.deviation):
        return []
    largest = max(abs(given.low), abs(given.high))
    whose = (
        f"of {given.examples:,} training examples"
        if given.of == "training"
        else f"of the {given.examples} probes, which are usually taken from the same data"
    )
    said = (
        f"Inputs lie between {given.low:.3g} and {given.high:.3g} (mean {given.mean:.3g}, "
        f"deviation {given.deviation:.2g}, {whose})"
    )
    evidence = (
        Evidence.of("least input", given.low, given.examples, "examples"),
        Evidence.of("largest input", given.high, given.examples, "examples"),
        Evidence.of("deviation", given.deviation, given.examples, "examples"),
    )
    spread = given.widest / given.narrowest if given.narrowest > 0 else 1.0
    return [
        Observation(
            kind="inputs_large",
            strength=ramp(np.log10(max(largest, 1e-12)), 1.0, 2.0),
            sentence=f"{said}: far from a scale of 1, at which networks begin.",
            evidence=evidence,
            remedies={"input_scale": SCALE},
            card=CARD,
        ),
        Observation(
            kind="inputs_small",
            strength=ramp(-np.log10(max(given.deviation, 1e-12)), 1.1, 2.2),
            sentence=f"{said}: so small that the first layer hardly sees them.",
            evidence=evidence,
            remedies={"input_scale": SCALE},
            card=CARD,
        ),
        Observation(
            kind="inputs_uneven",
            strength=ramp(np.log10(max(spread, 1.0)), 2, 4),
            sentence=f"The widest column of the inputs is {spread:,.0f} times as wide as the "
            "narrowest: the network hardly sees that one.",
            evidence=(Evidence.of("widest / narrowest", spread, given.examples, "examples"),),
            remedies={"input_scale": SCALE},
            card=CARD,
        ),
    ]


def unknown(facts: Facts) -> list[Observation]:
    """See whether inputs are no numbers."""
    given = facts.inputs
    if given is None:
        return []
    return [
        Observation(
            kind="inputs_unknown",
            strength=float(given.unknown > 0),
            sentence=f"{100 * given.unknown:.2g} % of the inputs are no finite numbers.",
            evidence=(Evidence.of("no finite numbers", given.unknown, given.examples, "share"),),
            remedies={"input_scale": "x = np.nan_to_num(x)", "numeric_overflow": "drop such rows"},
            card=CARD,
            least="warning",
        )
    ]


def targets(facts: Facts) -> list[Observation]:
    """Hold the numbers to be met against a scale of about 1."""
    deviation = facts.target_deviation
    if facts.task != "values" or not np.isfinite(deviation):
        return []
    n = 0 if facts.answers is None or facts.answers.targets is None else len(facts.answers.targets)
    return [
        Observation(
            kind="targets_large",
            strength=ramp(np.log10(max(deviation, 1e-12)), 1.0, 2.3),
            sentence=f"The numbers to be met have a deviation of {deviation:.3g} (of {n} probes): "
            "a network begins near 0, and is long on its way there.",
            evidence=(Evidence.of("deviation of targets", deviation, n, "probes"),),
            remedies={"input_scale": "y = (y - y.mean()) / y.std()"},
            card="Loss",
        )
    ]

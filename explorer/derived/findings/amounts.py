"""Amounts: of examples, of examples in a batch, of units."""

from __future__ import annotations

import numpy as np

from explorer.derived.findings.facts import Facts
from explorer.derived.findings.measures import ramp
from explorer.derived.findings.observation import Evidence, Observation

CARD = "Settings"


def examples(facts: Facts) -> list[Observation]:
    """See whether there are few examples, and how many parameters each has."""
    count = facts.examples
    if not count:
        return []
    parameters = sum(each.parameters for each in facts.layers.values())
    each = parameters / count
    return [
        Observation(
            kind="few_examples",
            strength=ramp(-np.log10(count), -2.7, -1.9),
            sentence=f"The network learns from {count:,} examples, with {parameters:,} parameters.",
            evidence=(
                Evidence("training examples", float(count), count, "examples"),
                Evidence.of("parameters for each example", each, count),
            ),
            remedies={"data_small": "more examples, or augmentation", "overfitting": "Dropout"},
            card=CARD,
        ),
        Observation(kind="many_parameters", strength=ramp(np.log10(max(each, 1e-9)), 1, 2.5)),
    ]


def batches(facts: Facts) -> list[Observation]:
    """See whether a batch is all of the data, or next to nothing."""
    size, count = facts.batch_size, facts.examples
    if not size:
        return []
    found = [
        Observation(
            kind="tiny_batch",
            strength=ramp(-np.log2(size), -3.0, -1.0),
            sentence=f"A batch has {size} example{'s' if size > 1 else ''}: gradients are noisy.",
            evidence=(Evidence("batch size", float(size), None, "examples"),),
            remedies={"batch_size": "batch_size=32"},
            card=CARD,
        )
    ]
    if count and count >= 100:
        batches_an_epoch = count / size
        found.append(
            Observation(
                kind="whole_batch",
                strength=ramp(-batches_an_epoch, -6, -1.5),
                sentence=f"A batch has {size:,} of {count:,} examples: an epoch has "
                f"{batches_an_epoch:.2g} updates, {facts.updates:,} in all.",
                evidence=(
                    Evidence("batch size", float(size), None, "examples"),
                    Evidence("training examples", float(count), count, "examples"),
                    Evidence("updates", float(facts.updates), None, "updates"),
                ),
                remedies={"batch_size": "batch_size=32"},
                card=CARD,
            )
        )
    return found


def units(facts: Facts) -> list[Observation]:
    """See whether a layer is so narrow that little passes."""
    hidden = [
        each
        for each in facts.hidden
        if each.has_weights and each.kind in ("dense", "conv", "recurrent") and each.units
    ]
    if not hidden:
        return []
    narrow = min(hidden, key=lambda each: each.units)
    share = sum(each.units <= 2 for each in hidden) / len(hidden)
    return [
        Observation(
            kind="narrow",
            strength=ramp(-np.log2(narrow.units), -2, -0.5),
            sentence=f"{narrow.name} has {narrow.units} unit{'s' if narrow.units > 1 else ''}: all "
            "that the network knows of its input passes there.",
            evidence=(Evidence("units", float(narrow.units), narrow.units, "units"),),
            remedies={"capacity": "more units: 16 to 64"},
            layer=narrow.name,
            card=CARD,
        ),
        Observation(kind="narrow_everywhere", strength=ramp(share, 0.3, 0.9)),
    ]

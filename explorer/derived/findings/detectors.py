"""All detectors, in the order in which their observations are told where they weigh the same."""

from __future__ import annotations

from explorer.derived.findings import (
    amounts,
    classes,
    course,
    ends,
    generalization,
    held_back,
    hidden,
    initialization,
    inputs,
    step_size,
    story,
)
from explorer.derived.findings.facts import Facts
from explorer.derived.findings.observation import Detector, Observation

DETECTORS: tuple[Detector, ...] = (
    course.not_finite,
    course.diverging,
    course.stalled,
    course.at_chance,
    course.oscillating,
    course.unfinished,
    course.short,
    ends.misfit,
    ends.out_of_reach,
    ends.unusual_loss,
    ends.saturated_output,
    inputs.unknown,
    inputs.scale,
    inputs.targets,
    initialization.symmetric,
    initialization.size,
    initialization.first_loss,
    step_size.rate,
    step_size.optimizer_kind,
    step_size.measured,
    hidden.functions,
    hidden.dead,
    hidden.saturated,
    hidden.same_for_all,
    hidden.scales,
    hidden.gradients,
    held_back.penalties,
    held_back.dropout,
    held_back.frozen,
    held_back.memory,
    held_back.precision,
    classes.imbalance,
    classes.collapse,
    classes.order,
    amounts.examples,
    amounts.batches,
    amounts.units,
    generalization.overfitting,
    generalization.quality_gap,
    generalization.explained,
    generalization.floor,
    story.summary,
    story.halfway,
    story.unlearned,
)

# What holds of any network, whatever is asked of it: nobody can say whether a GAN's loss is well.
OF_PARTS: tuple[Detector, ...] = (
    course.not_finite,
    inputs.unknown,
    initialization.symmetric,
    hidden.dead,
    held_back.frozen,
)


def observe(facts: Facts) -> list[Observation]:
    """Ask every detector.

    Parameters
    ----------
    facts : Facts
        Of a training.

    Returns
    -------
    list of Observation
        Those with a strength above 0.
    """
    chosen = OF_PARTS if facts.has_parts else DETECTORS
    return [seen for detect in chosen for seen in detect(facts) if seen.strength > 0]

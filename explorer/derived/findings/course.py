"""The course of the loss: whether it breaks down, jumps, stands still, or is cut off.

The symptoms are those of Zhang et al. (2021), *AutoTrainer*, and of Schoop et al. (2021), *UMLAUT*;
here each is judged on values of single batches, without what regularizers add.
"""

from __future__ import annotations

import numpy as np

from explorer.derived.findings.facts import Facts
from explorer.derived.findings.measures import (
    chance_loss,
    data_loss,
    first_level,
    last_level,
    levels,
    ramp,
)
from explorer.derived.findings.observation import Evidence, Observation

CARD = "Loss"
LOWER_RATE = "learning_rate: a tenth of what it is"
HIGHER_RATE = "learning_rate: ten times what it is"
MORE_EPOCHS = "epochs: two to three times as many"


def not_finite(facts: Facts) -> list[Observation]:
    """See whether the loss or a weight stopped being a number."""
    since = facts.not_finite_since
    values = facts.loss.values
    if since is None and len(values) and not np.isfinite(values).all():
        since = int(facts.loss.updates[~np.isfinite(values)][0])
    if since is None:
        return []
    at_once = since <= max(2, 0.02 * facts.updates)
    found = Observation(
        kind="not_finite",
        strength=1.0,
        sentence=f"The loss or a weight is no longer a number from step {since:,} on: nothing "
        "that comes after it is learned.",
        evidence=(Evidence.of("first step that is no number", since, None, "updates"),),
        remedies={
            "learning_rate_high": LOWER_RATE,
            "numeric_overflow": "clipnorm=1.0 in the optimizer, and a loss with from_logits=True",
            "input_scale": "bring the inputs to about 0 to 1, and replace what is missing",
            "hidden_activation": "activation='relu'",
        },
        step=since,
        card=CARD,
        least="fault",
    )
    return [found, Observation(kind="not_finite_at_once", strength=float(at_once))]


def diverging(facts: Facts) -> list[Observation]:
    """See whether the loss ends above where it began, or far above its best."""
    loss = data_loss(facts)
    known = levels(loss)
    if len(known) < 3:
        return []
    first, last, best = first_level(loss), last_level(loss), float(known.min())
    worst = float(np.max(loss.finite.values))
    scale = max(abs(first), 1e-12)
    risen = (last - first) / scale
    peak = worst / scale if first > 0 else 0.0
    return [
        Observation(
            kind="diverging",
            strength=ramp(risen, 0.1, 1.0),
            sentence=f"The loss rises: it began at {first:.3g}, its best level was {best:.3g}, and "
            f"it ends at {last:.3g}.",
            evidence=(
                Evidence.of("loss at first", first, 3),
                Evidence.of("loss at last", last, max(3, len(loss) // 10)),
            ),
            remedies={
                "learning_rate_high": LOWER_RATE,
                "initialization": "kernel_initializer='glorot_uniform', or 'he_normal' with ReLU",
                "input_scale": "bring the inputs to about 0 to 1",
            },
            step=_step_of_best(facts),
            card=CARD,
            least="warning",
        ),
        Observation(kind="loss_peak", strength=ramp(np.log10(max(peak, 1e-12)), 0.3, 2)),
    ]


def _step_of_best(facts: Facts) -> int | None:
    known = facts.loss.finite
    return int(known.updates[int(np.argmin(known.values))]) if len(known) else None


def oscillating(facts: Facts) -> list[Observation]:
    """See how far batches jump from one to the next, late in the training."""
    known = data_loss(facts).finite.values
    if len(known) < 20:
        return []
    late = known[len(known) // 2 :]
    level = max(abs(float(np.median(late))), 1e-12)
    jumps = float(np.median(np.abs(np.diff(late)))) / level
    return [
        Observation(
            kind="oscillating",
            strength=ramp(jumps, 0.3, 1.0),
            sentence=f"The loss jumps from batch to batch: by {100 * jumps:.0f} % of its level in "
            "the second half of the training.",
            evidence=(Evidence.of("median jump, relative to the loss", jumps, len(late) - 1),),
            remedies={"learning_rate_high": LOWER_RATE, "batch_size": "batch_size: 32 to 128"},
            card=CARD,
        ),
        Observation(kind="still", strength=ramp(-np.log10(max(jumps, 1e-12)), 3, 5)),
    ]


def stalled(facts: Facts) -> list[Observation]:
    """See whether the loss fell at all."""
    loss = data_loss(facts)
    known = levels(loss)
    if len(known) < 3:
        return []
    first, best, last = first_level(loss), float(known.min()), last_level(loss)
    # Batches differ: a fall must be seen against that.
    noise = float(np.median(np.abs(loss.finite.values - np.median(loss.finite.values))))
    scale = max(abs(first), 1e-12)
    fall = (first - last) / scale
    halfway = known[len(known) // 4]
    late_fall = (halfway - last) / max(abs(halfway), 1e-12)
    never = ramp(-fall, -0.15, -0.02)
    return [
        Observation(
            kind="stalled",
            strength=never,
            sentence=f"The loss hardly falls: {first:.3g} at first, {last:.3g} at last.",
            evidence=(
                Evidence.of("fall of the loss", fall, len(loss), "share of its first level"),
                Evidence.of("scatter of batches", noise, len(loss)),
            ),
            remedies={
                "learning_rate_low": HIGHER_RATE,
                "learning_rate_high": LOWER_RATE,
                "optimizer": "optimizer='adam'",
                "initialization": "kernel_initializer='glorot_uniform'",
                "hidden_activation": "activation='relu'",
                "epochs_few": MORE_EPOCHS,
            },
            card=CARD,
            least="warning",
        ),
        Observation(kind="plateau", strength=ramp(-late_fall, -0.1, -0.01)),
        Observation(kind="learned", strength=ramp(fall, 0.2, 0.8)),
        Observation(kind="best", strength=ramp((first - best) / scale, 0.2, 0.8)),
    ]


def unfinished(facts: Facts) -> list[Observation]:
    """See whether the loss still falls when the training ends, and how straight its way was."""
    loss = data_loss(facts)
    known = levels(loss)
    if len(known) < 8:
        return []
    first, last = first_level(loss), last_level(loss)
    late = known[2 * len(known) // 3 :]
    slope = float(np.polyfit(np.arange(len(late)), late, 1)[0])
    scatter = float(np.std(np.diff(late))) if len(late) > 2 else 0.0
    # What as many updates again would bring if it went on so, as a share of what is left.
    onward = -slope * len(known) / max(abs(last), 1e-12)
    is_seen = -slope * len(late) > scatter
    middle_level = known[len(known) // 2]
    fallen = first - last
    straight = (middle_level - last) / fallen if fallen > 0.01 * abs(first) else 0.0
    validation = facts.val_loss.finite.values
    rises = len(validation) > 2 and validation[-1] > 1.02 * validation.min()
    # A loss near 0 may halve for ever: of its first level that is nothing.
    much = ramp(-slope * len(known) / max(abs(first), 1e-12), 0.03, 0.15)
    strength = min(ramp(onward, 0.25, 1.0), much) if is_seen and not rises else 0.0
    return [
        Observation(
            kind="unfinished",
            strength=strength,
            sentence=f"The loss still falls when the training ends, after {facts.epochs:.3g} "
            f"epochs and {facts.updates:,} updates: gone on so for as long again it would lose "
            f"{100 * min(onward, 1):.0f} % of what is left.",
            evidence=(
                Evidence.of("loss at last", last, max(3, len(loss) // 10)),
                Evidence.of("further fall in as many updates", onward, len(late), "share"),
                Evidence.of("epochs", facts.epochs, None, "epochs"),
            ),
            remedies={"epochs_few": MORE_EPOCHS, "learning_rate_low": HIGHER_RATE},
            step=facts.updates,
            card=CARD,
        ),
        Observation(kind="straight", strength=ramp(straight, 0.15, 0.4)),
    ]


def short(facts: Facts) -> list[Observation]:
    """See whether there were few epochs, and few updates."""
    if not facts.epochs or not facts.is_finished:
        return []
    few = ramp(-facts.epochs, -5, -1)
    updates = ramp(-np.log10(max(facts.updates, 1)), -2.5, -1.5)
    return [
        Observation(
            kind="few_epochs",
            strength=few,
            sentence=f"The training has {facts.epochs:.3g} epochs, {facts.updates:,} updates.",
            evidence=(
                Evidence.of("epochs", facts.epochs, None, "epochs"),
                Evidence.of("updates", facts.updates, None, "updates"),
            ),
            remedies={"epochs_few": MORE_EPOCHS},
            step=facts.updates,
            card=CARD,
        ),
        Observation(kind="few_updates", strength=updates),
    ]


def at_chance(facts: Facts) -> list[Observation]:
    """See whether the loss ends where that of a guess lies."""
    chance, loss = chance_loss(facts), data_loss(facts)
    last = last_level(loss)
    if not np.isfinite(chance) or not np.isfinite(last):
        return []
    share = last / chance
    return [
        Observation(
            kind="at_chance",
            strength=ramp(share, 0.85, 0.97),
            sentence=f"The loss ends at {last:.3g}; who gives each of the {facts.classes} classes "
            f"the same probability has {chance:.3g}.",
            evidence=(
                Evidence.of("loss at last", last, max(3, len(loss) // 10)),
                Evidence.of("loss of a guess", chance),
            ),
            remedies={},
            card=CARD,
            least="warning",
        ),
        Observation(kind="worse_than_chance", strength=ramp(share, 1.05, 2.0)),
    ]

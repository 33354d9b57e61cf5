"""Whether the network's last function, its loss and its task fit each other.

The table of what fits is that of Keras's own documentation of losses; UMLAUT (Schoop et al. 2021)
checks some of it. What does not fit by the settings is said as such: it needs no statistics.
"""

from __future__ import annotations

import numpy as np

from explorer.derived.findings.facts import Facts, LayerFacts
from explorer.derived.findings.measures import last_known, ramp
from explorer.derived.findings.observation import Evidence, Observation

CARD = "Settings"
SHARES = ("softmax",)
SINGLE = ("sigmoid", "hard_sigmoid")
BOUNDED = ("sigmoid", "hard_sigmoid", "softmax", "tanh", "softsign", "hard_tanh")
FITTING = {
    "one class": "activation='softmax' in the last layer, or from_logits=True in the loss",
    "yes or no": "activation='sigmoid' in the last layer, or from_logits=True in the loss",
    "numbers": "activation=None in the last layer",
}


def misfit(facts: Facts) -> list[Observation]:
    """Hold the last function against the loss."""
    output = facts.output
    if output is None or output.function is None or facts.loss_family is None:
        return []
    strength, why, blamed = _misfit(facts, output)
    if not strength:
        return []
    remedies = {
        "output_activation": FITTING.get(facts.loss_family, ""),
        "loss": _loss_for(facts, output),
    }
    return [
        Observation(
            kind=f"misfit_{blamed}",
            strength=strength,
            sentence=why,
            evidence=(Evidence("units of the output", float(output.units), None, "units"),),
            remedies={name: text for name, text in remedies.items() if text},
            layer=output.name,
            card=CARD,
            least="warning",
        )
    ]


def _misfit(facts: Facts, output: LayerFacts) -> tuple[float, str, str]:
    """Say how little they fit, why, and which of the two is the unusual one."""
    name, function, loss = output.name, output.function, facts.loss_name
    ends = f"{name} ends with {function}"
    if function in SHARES and output.units == 1:
        return 1.0, f"{name} is a softmax of one unit, which is always 1.", "output"
    if facts.loss_family in ("one class", "yes or no"):
        is_probable = function in (*SHARES, *SINGLE)
        if facts.from_logits and is_probable:
            why = f"{loss} is told that it gets logits, but {ends}: its gradient is weak."
            return 1.0, why, "logits"
        if facts.loss_family == "yes or no" and facts.task == "values" and not _is_picture(facts):
            return 1.0, f"{loss} is for yes and no, but the numbers to be met are others.", "loss"
        if not facts.from_logits and not is_probable and _takes_probabilities(facts):
            why = f"{loss} takes its input for probabilities, but {ends}, which gives none."
            return 1.0, why, "output"
        if facts.loss_family == "one class" and function in SINGLE and output.units > 1:
            why = f"{loss} asks for one class of several, but {ends}, one for each."
            return 0.5, why, "output"
        if facts.loss_family == "yes or no" and function in SHARES and facts.task == "classes":
            why = f"{loss} asks for a yes or no of each unit, but {ends} over all."
            return 0.7 if output.units > 2 else 0.0, why, "loss"
    elif facts.task == "classes" or (function in SHARES and output.units > 1):
        why = (
            f"{loss} is a loss of numbers, but what is asked for are classes: its gradient is weak "
            "where the network is sure and wrong."
        )
        return 1.0, why, "loss"
    return 0.0, "", ""


def _takes_probabilities(facts: Facts) -> bool:
    name = (facts.loss_name or "").lower().replace("_", "")
    return facts.loss_family == "one class" or "crossentropy" in name


def _is_picture(facts: Facts) -> bool:
    """Whether targets are numbers between 0 and 1, as of pictures: there cross-entropy serves."""
    targets = None if facts.answers is None else facts.answers.targets
    if targets is None:
        return True
    with np.errstate(all="ignore"):
        return bool(np.nanmin(targets) >= 0 and np.nanmax(targets) <= 1)


def _loss_for(facts: Facts, output: LayerFacts) -> str:
    if facts.task == "values":
        return "loss='mse'"
    if output.units == 1:
        return "loss='binary_crossentropy'"
    return "loss='sparse_categorical_crossentropy', or 'categorical_crossentropy' of one-hot labels"


def out_of_reach(facts: Facts) -> list[Observation]:
    """See whether the last function can give the numbers that are to be met."""
    output, answers = facts.output, facts.answers
    if output is None or output.function is None:
        return []
    is_numbers = facts.loss_family == "numbers" and facts.task != "classes"
    bounded = output.function in BOUNDED or output.function in ("relu", "softplus", "exponential")
    if not is_numbers or not bounded or output.function == "softmax":
        return []
    low, high = _range(output.function)
    targets = None if answers is None else answers.targets
    if targets is not None and targets.dtype.kind in "fiu" and targets.size:
        beyond = float(((targets < low - 1e-6) | (targets > high + 1e-6)).mean())
        return [
            Observation(
                kind="targets_out_of_reach",
                strength=ramp(beyond, 0.02, 0.2),
                sentence=f"{output.name} ends with {output.function} and gives {low:g} to "
                f"{high:g}, but {100 * beyond:.0f} % of the probes' targets lie outside.",
                evidence=(Evidence.of("targets out of reach", beyond, targets.size, "share"),),
                remedies={"output_activation": FITTING["numbers"]},
                layer=output.name,
                card=CARD,
                least="warning",
            )
        ]
    raw = None if answers is None else answers.raw
    strength = 0.5 if output.units == 1 else 0.0
    if raw is not None and np.isfinite(raw[-1]).all():
        at_bound = float(((raw[-1] <= low + 1e-3) | (raw[-1] >= high - 1e-3)).mean())
        strength = max(strength * 0.8, ramp(at_bound, 0.2, 0.6)) if output.units == 1 else 0.0
    return [
        Observation(
            kind="bounded_values",
            strength=strength,
            sentence=f"{output.name} ends with {output.function}, which gives {low:g} to {high:g} "
            "only, but the loss is one of numbers.",
            remedies={"output_activation": FITTING["numbers"]},
            layer=output.name,
            card=CARD,
        )
    ]


def _range(function: str) -> tuple[float, float]:
    if function in ("sigmoid", "hard_sigmoid", "softmax"):
        return 0.0, 1.0
    if function in ("tanh", "softsign", "hard_tanh"):
        return -1.0, 1.0
    return 0.0, np.inf


def unusual_loss(facts: Facts) -> list[Observation]:
    """See whether numbers are met by a loss that weighs them oddly."""
    name = (facts.loss_name or "").lower().replace("_", "")
    odd = ("percentage", "mape", "msle", "logarithmic", "poisson", "cosine")
    if facts.loss_family != "numbers" or not any(each in name for each in odd):
        return []
    return [
        Observation(
            kind="unusual_loss",
            strength=1.0 if facts.task != "classes" else 0.5,
            sentence=f"The loss {facts.loss_name} weighs errors by the size, or the direction, of "
            "the numbers to be met: those near 0 count most, or size does not count at all.",
            remedies={"loss": "loss='mse'"},
            card=CARD,
        )
    ]


def saturated_output(facts: Facts) -> list[Observation]:
    """See whether the output stands at the flat ends of its function from the start on."""
    output = facts.output
    if output is None or output.activity is None:
        return []
    values = output.activity.saturated
    share = last_known(values[: max(1, len(values) // 2)])
    dead = last_known(output.activity.dead)
    found: list[Observation] = []
    if np.isfinite(share):
        found.append(Observation(kind="output_saturated", strength=ramp(share, 0.7, 0.99)))
    if np.isfinite(dead) and dead > 0:
        found.append(
            Observation(
                kind="output_dead",
                strength=ramp(dead, 0.1, 0.5),
                sentence=f"{100 * dead:.0f} % of the units of the output {output.name} have a "
                "slope of 0 for every probe: they learn no more.",
                evidence=(Evidence.of("dead units of the output", dead, output.units, "share"),),
                remedies={"output_activation": FITTING.get(facts.loss_family or "", "")},
                layer=output.name,
                step=facts.updates,
                card="Dead, selective, always on",
                least="warning",
            )
        )
    return found

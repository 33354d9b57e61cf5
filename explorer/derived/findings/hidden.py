"""The layers between: their functions, dead and saturated units, units that do the same.

Saturation and vanishing: Glorot and Bengio (2010), *Understanding the difficulty of training deep
feedforward neural networks*. Dead units: Lu et al. (2019), *Dying ReLU and initialization*.
"""

from __future__ import annotations

import numpy as np

from explorer.derived.findings.facts import Facts, LayerFacts
from explorer.derived.findings.measures import early, last_known, middle, ramp
from explorer.derived.findings.observation import Evidence, Observation

SQUASHING = ("sigmoid", "hard_sigmoid", "tanh", "softsign", "hard_tanh")
# Functions that a layer between others has no use for.
ODD = ("softmax", "exponential", "log_softmax")
RELU = "activation='relu' in the hidden layers"
DEAD_CARD = "Dead units of each layer"


def functions(facts: Facts) -> list[Observation]:
    """See which functions stand between the layers."""
    acting = _acting(facts)
    if not acting:
        return []
    weighted = [
        each for each in facts.hidden if each.has_weights and each.kind in ("dense", "conv")
    ]
    names = [each.function for each in acting]
    bent = [each for each in acting if each.function not in ("linear", None)]
    unknown = any(name is None for name in names)
    found: list[Observation] = []
    if weighted and not bent and not unknown:
        found.append(
            Observation(
                kind="all_linear",
                strength=1.0,
                sentence=f"No layer between input and output bends anything: the "
                f"{len(weighted)} layers with weights are one linear map.",
                evidence=(Evidence("hidden layers without a function", float(len(weighted))),),
                remedies={"hidden_activation": RELU},
                layer=weighted[0].name,
                card="Settings",
            )
        )
    odd = [each for each in bent if each.function in ODD and each.kind != "attention"]
    if odd:
        found.append(
            Observation(
                kind="odd_function",
                strength=1.0,
                sentence=f"{_names(odd)} {'ends' if len(odd) == 1 else 'end'} with "
                f"{odd[0].function}, which belongs at the end of a network: within, it lets "
                "little through, or blows up.",
                evidence=(Evidence("such layers", float(len(odd)), None, "layers"),),
                remedies={"hidden_activation": RELU},
                layer=odd[0].name,
                card="Settings",
            )
        )
    squashing = [each for each in bent if each.function in SQUASHING]
    sigmoid = [each for each in squashing if "sigmoid" in (each.function or "")]
    if sigmoid:
        found.append(
            Observation(
                kind="sigmoid_inside",
                strength=ramp(len(sigmoid), 0, 3),
                sentence=f"{_names(sigmoid)} {'ends' if len(sigmoid) == 1 else 'end'} with a "
                "sigmoid, whose slope is a quarter at most: gradients shrink at each.",
                evidence=(Evidence("layers with a sigmoid", float(len(sigmoid)), None, "layers"),),
                remedies={"hidden_activation": RELU},
                layer=sigmoid[0].name,
                card="Settings",
            )
        )
    return found


def _acting(facts: Facts) -> list[LayerFacts]:
    kinds = ("dense", "conv", "activation", "softmax", "recurrent")
    return [each for each in facts.hidden if each.kind in kinds]


def _names(layers: list[LayerFacts], most: int = 3) -> str:
    names = [each.name for each in layers]
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def dead(facts: Facts) -> list[Observation]:
    """See which layers have units that get no gradient from any probe."""
    shares = {
        each.name: last_known(each.activity.dead)
        for each in facts.hidden
        if each.activity is not None and np.isfinite(each.activity.dead).any()
    }
    known = {name: share for name, share in shares.items() if np.isfinite(share)}
    if not known:
        return []
    worst = max(known, key=lambda name: known[name])
    layer = facts.layers[worst]
    assert layer.activity is not None
    n = 0 if facts.answers is None else facts.answers.raw.shape[1]
    units = tuple(int(unit) for unit in layer.activity.dead_units[:20])
    at_start = early(layer.activity.dead[:1])
    count = round(known[worst] * layer.units)
    return [
        Observation(
            kind="dead_units",
            strength=ramp(known[worst], 0.3, 0.9),
            sentence=f"{count} of {layer.units} units of {worst} are silent on all probes at the "
            f"end ({100 * at_start:.0f} % were at the start): their slope is 0, and none of the "
            f"probes moves their weights.",
            evidence=(
                Evidence.of("silent units", known[worst], layer.units, "share of units"),
                Evidence("probes", float(n), None, "probes"),
            ),
            remedies={
                "learning_rate_high": "learning_rate: a tenth of what it is",
                "initialization": "kernel_initializer='he_normal'",
                "hidden_activation": "activation='leaky_relu'",
                "input_scale": "bring the inputs to about 0 to 1",
            },
            step=facts.updates,
            layer=worst,
            units=units,
            card=DEAD_CARD,
            least="warning" if known[worst] >= 0.9 else "note",
        ),
        Observation(kind="dead_at_start", strength=ramp(at_start, 0.4, 0.9)),
    ]


def saturated(facts: Facts) -> list[Observation]:
    """See which layers stand at the flat ends of their function."""
    found = {
        each.name: last_known(each.activity.saturated)
        for each in facts.hidden
        if each.activity is not None and each.function in SQUASHING
    }
    known = {name: share for name, share in found.items() if np.isfinite(share)}
    if not known:
        return []
    worst = max(known, key=lambda name: known[name])
    layer = facts.layers[worst]
    assert layer.activity is not None
    at_start = early(layer.activity.saturated[:1])
    return [
        Observation(
            kind="saturated",
            strength=ramp(known[worst], 0.3, 0.8),
            sentence=f"{100 * known[worst]:.0f} % of the values of {worst} lie where the slope of "
            f"{layer.function} is below 4 % of its steepest, {100 * at_start:.0f} % at the start.",
            evidence=(
                Evidence.of("saturated values", known[worst], layer.units, "share of values"),
            ),
            remedies={
                "hidden_activation": RELU,
                "initialization": "kernel_initializer='glorot_uniform'",
                "input_scale": "bring the inputs to about 0 to 1",
                "learning_rate_high": "learning_rate: a tenth of what it is",
            },
            layer=worst,
            card="How sparse each layer is",
        ),
        Observation(kind="saturated_at_start", strength=ramp(at_start, 0.3, 0.8)),
    ]


def same_for_all(facts: Facts) -> list[Observation]:
    """See whether the layers, and the answer, tell the probes apart."""
    weighted = [each for each in facts.layers.values() if each.activity is not None]
    if not weighted or facts.has_parts:
        return []
    found: list[Observation] = []
    answers = facts.answers
    if answers is not None and answers.raw.shape[1] > 1 and np.isfinite(answers.raw[-1]).all():
        last = np.asarray(answers.raw[-1], np.float64)
        apart = float(np.sqrt(np.square(last - last.mean(axis=0)).mean()))
        size = float(np.sqrt(np.square(last).mean()))
        ratio = apart / size if size > 0 else 0.0
        n = len(last)
        layer = facts.output
        found.append(
            Observation(
                kind="same_answer",
                strength=ramp(-np.log10(max(ratio, 1e-12)), 1.3, 2.5),
                sentence=f"The network says nearly the same of all {n} probes: answers differ by "
                f"{100 * ratio:.2g} % of their size.",
                evidence=(Evidence.of("spread of the answers / size", ratio, n, "probes"),),
                remedies={},
                step=facts.updates,
                layer=None if layer is None else layer.name,
                card="The probe's way through the network",
                least="warning",
            )
        )
    hidden = [
        each for each in facts.hidden if each.activity is not None and each.kind != "normalization"
    ]
    first = [each.activity.varies[0] for each in hidden if each.activity is not None]
    varied = [each for each in first if np.isfinite(each)]
    if varied:
        found.append(
            Observation(
                kind="same_at_start",
                strength=ramp(-np.log10(max(varied[-1], 1e-12)), 1.0, 2.5),
            )
        )
    return found


def scales(facts: Facts) -> list[Observation]:
    """Follow the size of values through the layers at the start."""
    sizes = [
        each.activity.deviation[0]
        for each in facts.layers.values()
        if each.activity is not None and each.kind in ("dense", "conv", "recurrent")
    ]
    known = [size for size in sizes if np.isfinite(size)]
    if not known:
        return []
    peak, last = max(known), known[-1]
    found = [
        Observation(
            kind="values_large_at_start", strength=ramp(np.log10(max(peak, 1e-30)), 1, 2.5)
        ),
        Observation(
            kind="values_vanish_at_start", strength=ramp(-np.log10(max(last, 1e-30)), 1.5, 4)
        ),
    ]
    if len(known) > 2:
        growth = np.log10(max(known[-1], 1e-30) / max(known[0], 1e-30)) / (len(known) - 1)
        found.append(Observation(kind="values_grow", strength=ramp(growth, 0.3, 1.0)))
    return found


def gradients(facts: Facts) -> list[Observation]:
    """Compare gradients, or else updates, of the first and the last layers with weights."""
    layers = [each for each in facts.trained if not each.is_frozen and each.kind != "normalization"]
    measured = [(each, early(each.gradient)) for each in layers]
    has_gradients = any(np.isfinite(value) and value > 0 for _, value in measured)
    if not has_gradients:
        measured = [(each, early(each.ratio)) for each in layers]
    known = [(each, value) for each, value in measured if np.isfinite(value)]
    if len(known) < 3:
        return []
    first, last = middle([v for _, v in known[:1]]), middle([v for _, v in known[-2:]])
    if last <= 0:
        return []
    share = first / last
    low = ramp(-np.log10(max(share, 1e-12)), 1.5, 3)
    what = "gradients" if has_gradients else "updates, relative to the weights,"
    name = known[0][0].name
    return [
        Observation(
            kind="vanishing",
            strength=low,
            sentence=f"In {name} {what} are {share:.1g} times those of the last layers.",
            evidence=(Evidence.of("first layer / last layers", share, len(known), "layers"),),
            remedies={
                "hidden_activation": RELU,
                "initialization": "kernel_initializer='he_normal'",
            },
            layer=name,
            card="Gradient norm" if has_gradients else "How fast each layer learns",
        )
    ]

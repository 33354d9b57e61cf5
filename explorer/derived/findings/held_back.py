"""What holds a network back: penalties, dropout, weights that are not trained, short memories."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.derived.findings.facts import Facts, LayerFacts
from explorer.derived.findings.measures import last_known, last_level, middle, ramp
from explorer.derived.findings.observation import Evidence, Observation

# Norms of units that were drawn at random differ less than this; see `Start.unevenness`.
DRAWN = 1.3


def penalties(facts: Facts) -> list[Observation]:
    """See how much of the loss is the regularizers', and whether weights shrink."""
    total = last_level(facts.loss)
    added = float(np.nansum([last_known(each.penalty) for each in facts.layers.values()] or [0.0]))
    first = float(
        np.nansum([each.penalty[0] for each in facts.layers.values() if len(each.penalty)] or [0.0])
    )
    factor = max((_factor(each) for each in facts.layers.values()), default=0.0)
    decay = (facts.optimizer or {}).get("weight_decay")
    decay = float(decay) if isinstance(decay, int | float) else 0.0
    layers = [each for each in facts.trained if len(each.norm) > 1 and not each.is_frozen]
    shrunk = middle([each.norm[-1] / each.norm[0] for each in layers if each.norm[0] > 0])
    share = added / total if total > 0 else 0.0
    worst = max(facts.layers.values(), key=_factor, default=None)
    return [
        Observation(
            kind="penalty",
            strength=ramp(np.log10(max(factor, 1e-12)), -2.3, -1),
            sentence=f"The regularizer has a factor of {factor:.2g}; it is {100 * share:.0f} % of "
            f"the loss at the end, and weights are {shrunk:.2g} times as large as at the start.",
            evidence=(
                Evidence.of("factor", factor),
                Evidence.of("penalty / loss at last", share),
                Evidence.of("norm at last / at first, median", shrunk, len(layers), "layers"),
            ),
            remedies={"regularization_strong": "kernel_regularizer=L2(1e-4), or none"},
            layer=None if worst is None else worst.name,
            card="Norms and update ratio",
        ),
        Observation(kind="penalty_share", strength=ramp(share, 0.2, 0.7)),
        Observation(
            kind="penalty_first", strength=ramp(first / total if total > 0 else 0.0, 0.5, 5)
        ),
        Observation(
            kind="shrunk",
            strength=ramp(-np.log10(max(shrunk, 1e-12)), 0.2, 1.0) if np.isfinite(shrunk) else 0.0,
            sentence=f"Weights shrink to {100 * shrunk:.0f} % of their first norm.",
            evidence=(Evidence.of("norm at last / at first, median", shrunk, len(layers)),),
            remedies={"regularization_strong": "a weaker regularizer or weight decay"},
            card="Norms and update ratio",
        ),
        Observation(
            kind="decay",
            strength=ramp(np.log10(max(decay, 1e-12)), -1.3, 0),
            sentence=f"The optimizer has a weight decay of {decay:.2g}.",
            evidence=(Evidence.of("weight decay", decay),),
            remedies={"regularization_strong": "weight_decay=0.004"},
            card="Settings",
        ),
    ]


def _factor(layer: LayerFacts) -> float:
    found = 0.0
    for name, config in layer.config.items():
        if name.endswith("kernel_regularizer") or name == "embeddings_regularizer":
            inner: Any = config.get("config") if isinstance(config, dict) else None
            if isinstance(inner, dict):
                factors = [inner.get(each) for each in ("l1", "l2")]
                found = max([found, *(float(f) for f in factors if isinstance(f, int | float))])
    return found


def dropout(facts: Facts) -> list[Observation]:
    """See how much is dropped."""
    rates = {
        each.name: max(
            (
                float(value)
                for key, value in each.config.items()
                if key in ("rate", "dropout", "recurrent_dropout")
                and isinstance(value, int | float)
                and not isinstance(value, bool)
            ),
            default=0.0,
        )
        for each in facts.layers.values()
        if each.kind in ("regularization", "recurrent")
    }
    if not rates:
        return []
    worst = max(rates, key=lambda name: rates[name])
    return [
        Observation(
            kind="dropout_strong",
            strength=ramp(rates[worst], 0.6, 0.85),
            sentence=f"{worst} drops {100 * rates[worst]:.0f} % of what it is given.",
            evidence=(Evidence.of("dropped", rates[worst], None, "share"),),
            remedies={"regularization_strong": "Dropout(0.2) to Dropout(0.5)"},
            layer=worst,
            card="Settings",
        )
    ]


def frozen(facts: Facts) -> list[Observation]:
    """See whether layers are not trained that still are as they were drawn."""
    weighted = [each for each in facts.trained if each.kind != "normalization"]
    untrained = [
        each
        for each in weighted
        if each.start is not None
        and (each.is_frozen or (len(each.moved) > 1 and last_known(each.moved) == 0))
    ]
    drawn = [
        each
        for each in untrained
        if each.is_frozen and each.start is not None and each.start.unevenness < DRAWN
    ]
    moving = [each for each in weighted if last_known(each.moved) > 0]
    found: list[Observation] = []
    if drawn and moving:
        parameters = sum(each.parameters for each in weighted)
        share = sum(each.parameters for each in drawn) / max(1, parameters)
        found.append(
            Observation(
                kind="frozen_random",
                strength=1.0,
                sentence=f"{', '.join(each.name for each in drawn[:3])} is not trained, and its "
                f"weights are as random as when they were drawn: {100 * share:.0f} % of the "
                "parameters.",
                evidence=(
                    Evidence.of("layers not trained", len(drawn), len(weighted), "layers"),
                    Evidence.of("parameters not trained", share, parameters, "share"),
                ),
                remedies={"frozen_layer": "layer.trainable = True before compile"},
                layer=drawn[0].name,
                card="How fast each layer learns",
                least="warning",
            )
        )
    unmoved = [each for each in untrained if not each.is_frozen]
    if unmoved and facts.updates:
        found.append(
            Observation(
                kind="unmoved",
                strength=len(unmoved) / max(1, len(weighted)),
                sentence=f"The weights of {unmoved[0].name} are exactly those of the start after "
                f"{facts.updates:,} updates: no gradient reaches them.",
                evidence=(Evidence.of("such layers", len(unmoved), len(weighted), "layers"),),
                remedies={"initialization": "kernel_initializer='glorot_uniform'"},
                layer=unmoved[0].name,
                step=facts.updates,
                card="How fast each layer learns",
                least="warning",
            )
        )
    return found


def memory(facts: Facts) -> list[Observation]:
    """See whether a recurrent layer has to carry further than its kind does.

    Gradients of plain recurrent layers vanish with the distance (Bengio et al. 1994); gates carry
    further (Hochreiter and Schmidhuber 1997).
    """
    recurrent = [each for each in facts.layers.values() if each.kind == "recurrent"]
    if not recurrent:
        return []
    plain = [each for each in recurrent if each.class_name == "SimpleRNN"]
    longest = max((each.steps_seen for each in plain), default=0)
    found = [Observation(kind="is_recurrent", strength=1.0)]
    if plain:
        found.append(
            Observation(
                kind="plain_recurrent",
                strength=ramp(longest, 6, 15),
                sentence=f"{plain[0].name} is a SimpleRNN over {longest} steps: what it read first "
                "hardly reaches its end.",
                evidence=(Evidence("steps", float(longest), None, "steps"),),
                remedies={"recurrent_memory": "LSTM or GRU in place of SimpleRNN"},
                layer=plain[0].name,
                card="How far memory carries",
            )
        )
    return found


def precision(facts: Facts) -> list[Observation]:
    """See whether layers compute in half precision."""
    half = [each for each in facts.layers.values() if "float16" in _dtype(each)]
    scaled = str((facts.optimizer or {}).get("class")) == "LossScaleOptimizer"
    if not half:
        return []
    return [
        Observation(
            kind="half_precision",
            strength=0.3 if scaled else 1.0,
            sentence=f"{len(half)} layers compute in half precision"
            f"{'' if scaled else ', and the loss is not scaled: small gradients become 0'}.",
            evidence=(Evidence("layers in float16", float(len(half)), None, "layers"),),
            remedies={"numeric_overflow": "keras.optimizers.LossScaleOptimizer(optimizer)"},
            layer=half[0].name,
            card="Settings",
        )
    ]


def _dtype(layer: LayerFacts) -> str:
    named = layer.config.get("dtype")
    if isinstance(named, dict):
        named = named.get("config", {}).get("name")
    name = str(named)
    return "" if "bfloat16" in name else name

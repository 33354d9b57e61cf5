"""A report of a training in one file: what was found, its curves, and its configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from explorer.data.findings import findings_of, looked_at
from explorer.data.run import RunData
from explorer.data.training_facts import gather_facts
from explorer.derived.findings.facts import Facts, LayerFacts
from explorer.derived.findings.measures import last_known
from explorer.inquiry.curves import picture
from explorer.widgets.markup import render

MOST_SETTINGS = 40


def report(data: RunData) -> str:
    """Write the report of a run.

    Returns
    -------
    str
        A whole HTML document. It holds no script, and loads nothing.
    """
    facts, found = gather_facts(data), findings_of(data)
    pictures = [
        picture("loss", {"training": facts.loss, "held-out": facts.val_loss}),
        picture(
            facts.quality_name or "share right",
            {"training": facts.quality, "held-out": facts.val_quality},
        ),
        picture("learning rate", {"learning rate": facts.learning_rate}),
    ]
    run = data.run
    return render(
        "report.html",
        name=run.name,
        created=run.created.strftime("%Y-%m-%d %H:%M"),
        steps=len(run),
        findings=found,
        unusual=any(each.severity != "note" for each in found),
        looked_at=looked_at(data),
        pictures=[each for each in pictures if each is not None],
        layers=[_layer(each) for each in facts.layers.values()],
        settings=list(_settings(facts)),
        versions=dict(run.attributes.get("versions") or {}),
    )


def _layer(layer: LayerFacts) -> list[str]:
    dead = last_known(layer.activity.dead) if layer.activity is not None else np.nan
    return [
        layer.name,
        layer.class_name,
        layer.function or "not known",
        f"{layer.parameters:,}",
        _share(last_known(layer.moved)),
        _share(dead),
        "no" if layer.is_frozen else "yes" if layer.has_weights else "",
    ]


def _share(value: float) -> str:
    return f"{100 * value:.3g} %" if np.isfinite(value) else ""


def _settings(facts: Facts) -> Iterator[tuple[str, str]]:
    known: dict[str, Any] = {
        "loss": facts.loss_name,
        "from logits": facts.from_logits,
        "batch size": facts.batch_size,
        "training examples": facts.examples,
        "epochs": round(facts.epochs, 2),
        "updates": facts.updates,
    }
    known |= {f"optimizer {name}": value for name, value in (facts.optimizer or {}).items()}
    for name, value in list(known.items())[:MOST_SETTINGS]:
        if value is not None:
            yield name, str(value)

"""What was found in a run: gathered, judged, and kept beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np

from explorer.data.run import RunData
from explorer.data.training_facts import gather_facts
from explorer.derived.findings.detectors import observe
from explorer.derived.findings.finding import Finding
from explorer.derived.findings.judge import judge
from explorer.derived.findings.observation import SEVERITIES
from explorer.derived.findings.weights import BIASES, WEIGHTS

# Raised when detectors say something else of the same run.
GENERATION = 6


def findings_of(data: RunData) -> list[Finding]:
    """Give the findings of a run, the heaviest first; call it in the worker thread.

    They are kept, also by later processes.
    """
    kept = data.derived(_key(), lambda: _packed(_found(data)))
    return [Finding.from_json(each) for each in json.loads(kept["json"].tobytes())]


def _found(data: RunData) -> list[Finding]:
    """Find anew. Of a training of several models what is found in each part names it."""
    own = judge(observe(gather_facts(data)))
    of_parts = [
        replace(each, sentence=f"{name}: {each.sentence}")
        for name, part in data.run.parts.items()
        for each in judge(observe(gather_facts(RunData(part))))
        # What the parts share was said.
        if each.kind not in {one.kind for one in own}
    ]
    return sorted(
        [*own, *of_parts], key=lambda each: (SEVERITIES.index(each.severity), -each.score)
    )


def has_findings(data: RunData) -> bool:
    """Whether `findings_of` would answer at once."""
    return data.has_derived(_key())


def _key() -> str:
    weights = json.dumps([WEIGHTS, BIASES], sort_keys=True)
    return f"findings {GENERATION} {hashlib.sha256(weights.encode()).hexdigest()[:12]}"


def _packed(found: list[Finding]) -> dict[str, Any]:
    text = json.dumps([each.as_json() for each in found], allow_nan=False)
    return {"json": np.frombuffer(text.encode(), np.uint8)}


def looked_at(data: RunData) -> str:
    """Say what was looked at, as the end of a sentence."""
    run = data.run
    weighted = sum(bool(layer.weights) for layer in run.layers.values())
    active = sum(layer.has_activation for layer in run.layers.values())
    parts = []
    if "loss" in data.metrics:
        parts.append(f"the loss at {int(data.metrics['loss'].notnull().sum()):,} updates")
    if any(str(name).startswith("val_") for name in data.metrics):
        parts.append("held-out examples")
    if weighted:
        parts.append(f"the weights of {weighted} layers")
    if active and run.probe is not None:
        parts.append(f"what {active} layers give for {run.probe.size} probes")
    parts.append("the settings")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"

"""What the training makes of each example, and what an example looks like."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.examples import Examples
from explorer.data.units import as_images
from explorer.derived.predictions.dynamics import Dynamics, dynamics

Array = npt.NDArray[Any]
# Numbers of an example that is neither a picture nor a text.
MOST_NUMBERS = 8


def dynamics_of(examples: Examples) -> Dynamics:
    """Follow each example's own class through the training; call it in the worker thread."""

    def make() -> dict[str, Array]:
        return asdict(dynamics(examples.probabilities(), examples.labels))

    return Dynamics(**examples.data.derived(f"dynamics on the {examples.source}", make))


def pictures_of(examples: Examples) -> Array | None:
    """Give the examples as (example, y, x, channel); None if they are not one image each."""
    given = examples.inputs()
    if given is None or given[2] != "image":
        return None
    values, dims, _ = given
    return as_images(values, dims)


def texts_of(examples: Examples) -> list[str]:
    """Describe each example in a line: its words, or its first numbers; empty without inputs."""
    given, probe = examples.inputs(), examples.data.run.probe
    if examples.source == "probe" and probe is not None and probe.texts is not None:
        return list(probe.texts)
    if given is None:
        return []
    values, _, kind = given
    words = probe.vocabulary if probe is not None and kind == "text" else None
    rows = np.asarray(values).reshape(len(values), -1)
    if words is None:
        return [", ".join(f"{float(value):.3g}" for value in row[:MOST_NUMBERS]) for row in rows]
    known = [[words[int(i)] if 0 <= int(i) < len(words) else f"#{int(i)}" for i in r] for r in rows]
    return [" ".join(word for word in row if word) for row in known]

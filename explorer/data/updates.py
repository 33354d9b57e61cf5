"""How far an optimizer update moves a layer's main weight, as far as a run knows it.

A run holds what single updates did, measured while it was recorded. One that was recorded before
that was possible, or without it, only holds the weights: what can be said then is a net way between
two recorded steps, which depends on the schedule. `how_measured` says which of the two it is, for
every caption that has such a number. Call the rest in the worker thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.layers import main_weight
from explorer.data.run import RunData
from explorer.data.summaries import weight_norms
from explorer.derived.time.norms import update_ratio
from store.format.names import weight_path

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class UpdateSizes:
    """Of a layer's main weight, at every recorded step; NaN where it is not known.

    Attributes
    ----------
    norm : ndarray (step,), float64
        L2 norm of the update.
    ratio : ndarray (step,), float64
        That, relative to the norm of the weight before the update.
    """

    norm: Array
    ratio: Array


def update_sizes(data: RunData, layer: str) -> UpdateSizes | None:
    """Size of the update that led to each recorded step; None for a layer without weights."""
    if main_weight(data.run.layers[layer]) is None:
        return None
    if data.run.updates is None:
        norms = weight_norms(data, layer)
        assert norms is not None
        # No update led to what was put in the weights' place after the training.
        led_to = np.ones(len(data.run))
        led_to[len(data.run) - data.has_ending :] = np.nan
        return UpdateSizes(norms.net_change * led_to, norms.net_ratio * led_to)
    norm = _measured(data, layer, "norm")
    return UpdateSizes(norm, update_ratio(norm, _measured(data, layer, "weight")))


def update_cosine(data: RunData, layer: str) -> Array | None:
    """Cosine of each update and the one before it: (step,), float64; None: it is not known."""
    known = main_weight(data.run.layers[layer]) is not None and data.run.updates is not None
    return _measured(data, layer, "cosine") if known else None


def how_measured(data: RunData) -> str:
    """Say in a sentence what the size of an update means in this run."""
    updates = data.run.updates
    if updates is None:
        return (
            "This run holds no single updates: the number is the net way between two recorded "
            "steps, divided by the updates between. Weights that go back and forth come less far, "
            "so it falls where steps lie further apart, and jumps where their distance changes."
        )
    most = int(updates["count"].max()) if len(data.run) else 0
    if most > 1:
        return (
            f"Measured over {most} updates that ran at once before each recorded step, whatever "
            "lies between recorded steps; not divided by their number."
        )
    return "Measured at the one update before each recorded step, whatever lies between them."


def kind_of_way(data: RunData) -> str:
    """Say in a word or two what `how_measured` explains; empty where single updates are known."""
    return "(net)" if data.run.updates is None else ""


def unrelated_cosine(data: RunData) -> float | None:
    r"""Cosine that updates of unrelated gradients would have; None: not known of the optimizer.

    An optimizer with momentum adds to each update a share :math:`\beta` of the one before. Where
    gradients have nothing in common, that share is the cosine: with
    :math:`u_t = \beta u_{t-1} + g_t` and independent :math:`g_t`, the mean of
    :math:`u_t \cdot u_{t-1}` is :math:`\beta` times that of :math:`u_{t-1} \cdot u_{t-1}`.
    """
    optimizer = data.run.attributes.get("optimizer")
    share = None
    if isinstance(optimizer, dict):
        match optimizer.get("class"):
            case "SGD" | "RMSprop" if not optimizer.get("nesterov"):
                share = optimizer.get("momentum")
            case "Adam" | "AdamW":
                share = optimizer.get("beta_1")
    return float(share) if isinstance(share, int | float) and not isinstance(share, bool) else None


def _measured(data: RunData, layer: str, name: str) -> Array:
    """Give what a run measured of the layer's main weight: (step,), NaN where it did not."""
    weight, updates = main_weight(data.run.layers[layer]), data.run.updates
    assert weight is not None
    assert updates is not None
    path = weight_path(layer, weight)
    if path not in updates["variable"].values:
        return np.full(len(data.run), np.nan)
    values: Array = updates[name].sel(variable=path).values
    return values

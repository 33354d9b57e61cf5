"""What each unit of a layer gives for each probe: its mean or its largest value over positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.data.layers import function_of, has_function, has_learned_slope
from explorer.data.run import RunData
from explorer.data.summaries import positions_seen, unit_frames
from explorer.data.windows import padded_positions
from explorer.derived.network.activations import LINEAR
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.over_steps import by_step
from explorer.derived.units.selectivity import class_means, unit_maxima, unit_means
from store.format.names import activation_path

Array = npt.NDArray[Any]
# How the positions of a unit become one value.
Pool = Literal["max", "mean"]
POOLS: dict[Pool, Callable[[Array], Array]] = {"max": unit_maxima, "mean": unit_means}
# Rows beyond this are thinner than a pixel.
MOST_UNITS = 512
FEWEST_UNITS = 16
# Values over all steps and probes, or classes, that are kept of a layer: 64 MB.
MOST_VALUES = 2**24
SAMPLES = 24


@dataclass(frozen=True)
class Responses:
    """What each unit gives for each probe.

    Attributes
    ----------
    values : ndarray (step, probe, unit), float32
        Mean activation over positions, or the largest one.
    units : ndarray of int (unit,)
        Number of each unit.
    labels : ndarray of int (probe,)
        Class of each probe.
    class_names : list of str
        Name of each class.
    """

    values: Array
    units: Array
    labels: Array
    class_names: list[str]

    def by_class(self, index: int) -> Array:
        """Mean over the probes of each class at a step: (unit, class)."""
        return class_means(self.values[index], self.labels, classes=len(self.class_names))


def responses_of(data: RunData, layer: str, pool: Pool = "mean") -> Responses:
    """Read what each unit of a layer gives for each probe; call it in the worker thread."""
    units = shown_units(data, layer)
    labels = data.class_labels
    assert labels is not None
    return Responses(pooled(data, layer, units, pool), units, labels, data.class_names)


def answering_layer(data: RunData, layer: str) -> str:
    """Name the layer whose values are the answers of a layer's units.

    Before its activation function, a unit of a convolution is negative where it finds nothing:
    what goes on in the network is what the function makes of it. So it is the activation layer
    that follows, also behind a normalization, if its values were recorded; else the layer itself.
    """
    layers, name = data.run.layers, layer
    while function_of(layers[name]) is LINEAR and not has_learned_slope(layers[name]):
        following = data.network.followers.get(name, ())
        if len(following) != 1:
            return layer
        name = following[0]
        if layers[name].kind not in ("activation", "normalization"):
            return layer
    after = layers[name]
    fits = after.has_activation and data.units(name) == data.units(layer)
    return name if fits and has_function(after) else layer


def shown_units(data: RunData, layer: str) -> npt.NDArray[np.int64]:
    """Choose the units that are looked at: (unit,), all, or evenly spread ones of very many."""
    steps, probes = data.run.array(activation_path(layer)).shape[:2]
    each = max(1, steps * max(probes, len(data.class_names)))
    most = min(MOST_UNITS, max(FEWEST_UNITS, MOST_VALUES // each))
    return np.array(sample_indices(data.units(layer), most), np.int64)


def pooled(data: RunData, layer: str, units: Array, pool: Pool) -> Array:
    """Pool units over their positions, for every probe at every step: (step, probe, unit).

    Positions of a text that see nothing but padding do not count.
    """
    padded = padded_positions(data, data.run.layers[layer])

    def make() -> dict[str, Array]:
        frames = unit_frames(data, layer)
        return {"values": by_step(one_value_each(frame, units, pool, padded) for frame in frames)}

    key = f"unit {pool} of {activation_path(layer)}, {len(units)} units"
    return data.derived(key, make)["values"]


def one_value_each(frame: Array, units: Array, pool: Pool, padded: Array | None) -> Array:
    """Pool units over their positions at one step.

    Parameters
    ----------
    frame : ndarray (example, position, unit)
        Activations.
    units : ndarray of int (unit,)
        Which units.
    pool : {"max", "mean"}
        How.
    padded : ndarray of bool (example, position), or None
        Positions that do not count; of another shape (of some positions alone) it is not used.

    Returns
    -------
    ndarray (example, unit), float32
    """
    chosen = frame[..., units]
    if padded is not None and chosen.shape[:2] == padded.shape:
        chosen = np.where(padded[..., None], np.nan, chosen)
    with np.errstate(over="ignore"):  # beyond float32 is infinite
        return np.asarray(POOLS[pool](chosen), np.float32)


def left_out(data: RunData, layer: str) -> str:
    """Say in a sentence, with a space before it, which part of a layer is not looked at."""
    seen, positions = positions_seen(data, layer)
    parts = [f"{seen:,} of {positions:,} positions"] if seen < positions else []
    return _looked_at(_units_left_out(data, layer) + parts)


def units_left_out(data: RunData, layer: str) -> str:
    """Say in a sentence, with a space before it, which units of a layer are not looked at."""
    return _looked_at(_units_left_out(data, layer))


def _units_left_out(data: RunData, layer: str) -> list[str]:
    units, count = len(shown_units(data, layer)), data.units(layer)
    return [f"{units:,} of {count:,} units"] if units < count else []


def _looked_at(parts: list[str]) -> str:
    return f" Looked at are {' and '.join(parts)}, evenly spread." if parts else ""

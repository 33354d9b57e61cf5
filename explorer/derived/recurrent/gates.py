"""The weights of each gate of a recurrent layer, and how often a gate is saturated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.derived.recurrent.equations import Weights, parts

Array = npt.NDArray[Any]

# Side by side, as Keras has them. A SimpleRNN has none: its one sum is the state.
GATE_NAMES: dict[str, tuple[str, ...]] = {
    "SimpleRNN": ("state",),
    "LSTM": ("input", "forget", "candidate", "output"),
    "GRU": ("update", "reset", "candidate"),
}
# Karpathy, Johnson & Fei-Fei (2015), arXiv:1506.02078, section 4.2.
SHUT_BELOW = 0.1
OPEN_ABOVE = 0.9


@dataclass(frozen=True, slots=True)
class Saturation:
    """How often each unit's gate is at either end of its range.

    Attributes
    ----------
    shut, wide : ndarray (..., unit), float64
        Share of the tokens read at which the gate is below `SHUT_BELOW`, and above `OPEN_ABOVE`.
        NaN where no token was read.
    """

    shut: Array
    wide: Array


def split_gates(
    class_name: str, config: Mapping[str, Any], weights: Mapping[str, Array]
) -> dict[str, dict[str, Weights]]:
    """Split the weights of a recurrent layer by direction and gate.

    Parameters
    ----------
    class_name, config
        Keras class and configuration of the layer.
    weights : mapping of str to ndarray
        Its weights by their names in the run; steps may come first.

    Returns
    -------
    dict of str to dict of str to Weights
        Gates by direction: ``forward``, ``backward`` or both, as from
        `explorer.derived.recurrent.equations.layer_states`; then by name, as in `GATE_NAMES`. Each
        has ``kernel`` (..., in_unit, unit), ``recurrent_kernel`` (..., unit, unit), from row to
        column, and ``bias`` (..., unit), or (..., 2, unit) of a GRU that resets after: the input's
        and the state's; None if the layer has no bias.

    Raises
    ------
    NotDerivableError
        It is no SimpleRNN, LSTM or GRU, nor one of these in both directions.
    """
    split = {}
    for direction, part in parts(class_name, config, weights).items():
        names = GATE_NAMES[part.cell.kind]
        own = part.weights
        kernels = np.split(own.kernel, len(names), axis=-1)
        recurrent = np.split(own.recurrent_kernel, len(names), axis=-1)
        biases: list[Array | None] = [None] * len(names)
        if own.bias is not None:
            biases = [*np.split(own.bias, len(names), axis=-1)]
        columns = zip(names, kernels, recurrent, biases, strict=True)
        split[direction] = {
            name: Weights(kernel, recalled, bias) for name, kernel, recalled, bias in columns
        }
    return split


def saturation(gate: Array) -> Saturation:
    """Count how often a gate is shut or wide open.

    Parameters
    ----------
    gate : ndarray (..., probe, token, unit)
        One of `States.gates` that has values from 0 to 1, so not ``candidate``. NaN where a token
        is masked.
    """
    read = np.isfinite(gate).sum(axis=(-3, -2))
    with np.errstate(invalid="ignore"):  # no token was read: no share
        shut = np.sum(gate < SHUT_BELOW, axis=(-3, -2)) / read
        wide = np.sum(gate > OPEN_ABOVE, axis=(-3, -2)) / read
    return Saturation(shut, wide)

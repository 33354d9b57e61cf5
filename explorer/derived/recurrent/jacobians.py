"""How a recurrent layer's state responds to a small change: exact Jacobians at one token.

The equations are those of `explorer.derived.recurrent.equations`, differentiated by hand. The state
of an LSTM is its hidden state followed by its cell state: twice as many entries as it has units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtr

from explorer.derived.recurrent.equations import ACTIVATIONS, GATES, Cell, Function, Weights

Array = npt.NDArray[Any]

# In the corners of hard functions: zero, as TensorFlow has it.
DERIVATIVES: dict[str, Function] = {
    "linear": np.ones_like,
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "sigmoid": lambda x: expit(x) * expit(-x),
    "hard_sigmoid": lambda x: np.where(np.abs(x) < 3, 1 / 6, 0),
    "relu": lambda x: np.where(x > 0, 1.0, 0),
    "elu": lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0))),
    "softplus": expit,
    "softsign": lambda x: 1 / (1 + np.abs(x)) ** 2,
    "silu": lambda x: expit(x) * (1 + x * expit(-x)),
    "gelu": lambda x: ndtr(x) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
}


@dataclass(frozen=True, slots=True)
class Jacobians:
    """What one token makes of a small change, row by column: new state by what was changed.

    Attributes
    ----------
    by_state : ndarray (token, state, state)
        Derivative with respect to the state before the token.
    by_input : ndarray (token, state, in_unit)
        Derivative with respect to what the layer took at the token.
    """

    by_state: Array
    by_input: Array


def jacobians(cell: Cell, weights: Weights, inputs: Array, before: tuple[Array, ...]) -> Jacobians:
    """Linearize a recurrent layer at each of some tokens.

    Parameters
    ----------
    cell : Cell
        The equations of the layer.
    weights : Weights
        Its weights at one step.
    inputs : ndarray (token, in_unit)
        What it took.
    before : tuple of ndarray (token, unit)
        The hidden state before each token, and the cell state of an LSTM.
    """
    gates = GATES[cell.kind]
    inner, outer = cell.biases(weights)
    given = np.split(inputs @ weights.kernel + inner, gates, axis=-1)
    kernels = np.split(weights.kernel, gates, axis=-1)
    recalls = np.split(weights.recurrent_kernel, gates, axis=-1)
    if cell.kind == "SimpleRNN":
        slope = DERIVATIVES[cell.activation](given[0] + before[0] @ recalls[0])
        return Jacobians(_sum([slope], recalls), _sum([slope], kernels))
    recalled = np.split(before[0] @ weights.recurrent_kernel + outer, gates, axis=-1)
    if cell.kind == "LSTM":
        return _lstm(cell, _added(given, recalled), before[1], kernels, recalls)
    return _gru(cell, given, recalled, before[0], kernels, recalls)


def _lstm(
    cell: Cell, sums: list[Array], memory: Array, kernels: list[Array], recalls: list[Array]
) -> Jacobians:
    act, gate = ACTIVATIONS[cell.activation], ACTIVATIONS[cell.recurrent_activation]
    act_slope, gate_slope = DERIVATIVES[cell.activation], DERIVATIVES[cell.recurrent_activation]
    enter, forget, candidate, output = gate(sums[0]), gate(sums[1]), act(sums[2]), gate(sums[3])
    after = forget * memory + enter * candidate
    shown = output * act_slope(after)
    to_cell = [
        candidate * gate_slope(sums[0]),
        memory * gate_slope(sums[1]),
        enter * act_slope(sums[2]),
    ]
    to_hidden = [*(shown * slope for slope in to_cell), act(after) * gate_slope(sums[3])]
    by_hidden = [_sum(to_hidden, recalls), _sum(to_cell, recalls[:3])]
    by_cell = [_diagonal(shown * forget), _diagonal(forget)]
    by_input = [_sum(to_hidden, kernels), _sum(to_cell, kernels[:3])]
    whole = [np.concatenate(rows, axis=-1) for rows in zip(by_hidden, by_cell, strict=True)]
    return Jacobians(np.concatenate(whole, axis=1), np.concatenate(by_input, axis=1))


def _gru(
    cell: Cell,
    given: list[Array],
    recalled: list[Array],
    hidden: Array,
    kernels: list[Array],
    recalls: list[Array],
) -> Jacobians:
    act, gate = ACTIVATIONS[cell.activation], ACTIVATIONS[cell.recurrent_activation]
    act_slope, gate_slope = DERIVATIVES[cell.activation], DERIVATIVES[cell.recurrent_activation]
    to_update, to_reset = given[0] + recalled[0], given[1] + recalled[1]
    update, reset, reset_slope = gate(to_update), gate(to_reset), gate_slope(to_reset)
    if cell.reset_after:
        to_candidate = given[2] + reset * recalled[2]
        through_reset = recalled[2] * reset_slope
        by_hidden = _sum([reset, through_reset], [recalls[2], recalls[1]])
        by_input = _sum([through_reset], [kernels[1]])
    else:
        to_candidate = given[2] + (reset * hidden) @ recalls[2]
        through_reset = hidden * reset_slope
        by_hidden = recalls[2].T @ (_diagonal(reset) + _sum([through_reset], [recalls[1]]))
        by_input = recalls[2].T @ _sum([through_reset], [kernels[1]])
    # Derivatives of the new state by the update gate, and by the candidate.
    through_update = (hidden - act(to_candidate)) * gate_slope(to_update)
    taken = (1 - update) * act_slope(to_candidate)
    return Jacobians(
        _diagonal(update) + _sum([through_update], [recalls[0]]) + taken[:, :, None] * by_hidden,
        _sum([through_update, taken], [kernels[0], kernels[2]]) + taken[:, :, None] * by_input,
    )


def _sum(slopes: list[Array], kernels: list[Array]) -> Array:
    """Add up kernels, each transposed and its rows stretched by the slopes: (token, unit, in)."""
    pairs = zip(slopes, kernels, strict=True)
    return np.asarray(sum(slope[:, :, None] * kernel.T for slope, kernel in pairs))


def _diagonal(values: Array) -> Array:
    return np.asarray(values[:, :, None] * np.eye(values.shape[1], dtype=values.dtype))


def _added(given: list[Array], recalled: list[Array]) -> list[Array]:
    return [one + other for one, other in zip(given, recalled, strict=True)]

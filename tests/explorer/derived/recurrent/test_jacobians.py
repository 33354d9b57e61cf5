"""Jacobians equal differences of the equations that `test_recurrent` holds against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.derived.recurrent.equations import ACTIVATIONS, GATES, Cell, Weights
from explorer.derived.recurrent.jacobians import DERIVATIVES, jacobians

TOKENS, INPUTS, UNITS = 4, 3, 5
CELLS = [
    Cell("SimpleRNN"),
    Cell("SimpleRNN", "softplus"),
    Cell("LSTM"),
    Cell("LSTM", "softsign", "hard_sigmoid"),
    Cell("GRU"),
    Cell("GRU", "silu", reset_after=False),
    Cell("GRU", "gelu", "hard_sigmoid"),
]


def random_weights(cell: Cell, use_bias: bool = True, seed: int = 0) -> Weights:
    random = np.random.default_rng(seed)
    wide = GATES[cell.kind] * UNITS
    shape = (2, wide) if cell.kind == "GRU" and cell.reset_after else (wide,)
    bias = random.normal(size=shape) if use_bias else None
    return Weights(random.normal(size=(INPUTS, wide)), random.normal(size=(UNITS, wide)), bias)


def difference(function: Any, at: np.ndarray, reach: float = 1e-5) -> np.ndarray:
    """Central differences: (token, value, changed)."""
    columns = []
    for entry in range(at.shape[1]):
        change = np.zeros_like(at)
        change[:, entry] = reach
        columns.append((function(at + change) - function(at - change)) / (2 * reach))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_jacobians_are_small_differences(cell: Cell, use_bias: bool) -> None:
    weights, random = random_weights(cell, use_bias), np.random.default_rng(1)
    inputs = random.normal(size=(TOKENS, INPUTS))
    before = tuple(random.normal(size=(TOKENS, UNITS)) for _ in range(1 + (cell.kind == "LSTM")))

    def after(token: np.ndarray, state: np.ndarray) -> np.ndarray:
        states = tuple(np.split(state, len(before), axis=1))
        return np.concatenate(cell.read(token, states, weights)[0], axis=1)

    found = jacobians(cell, weights, inputs, before)
    state = np.concatenate(before, axis=1)
    by_state = difference(lambda changed: after(inputs, changed), state)
    by_input = difference(lambda changed: after(changed, state), inputs)
    np.testing.assert_allclose(found.by_state, by_state, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.by_input, by_input, rtol=1e-6, atol=1e-8)


def test_every_activation_has_its_derivative() -> None:
    x = np.linspace(-5, 5, 100)[:, None]  # without the corners at 0 and 3
    assert DERIVATIVES.keys() == ACTIVATIONS.keys()
    for name, function in ACTIVATIONS.items():
        expected = difference(function, x)[:, 0]
        np.testing.assert_allclose(DERIVATIVES[name](x), expected, rtol=1e-6, atol=1e-9)


def test_no_token_has_no_jacobian() -> None:
    cell = Cell("LSTM")
    nothing = (np.zeros((0, UNITS)), np.zeros((0, UNITS)))
    found = jacobians(cell, random_weights(cell), np.zeros((0, INPUTS)), nothing)
    assert found.by_state.shape == (0, 2 * UNITS, 2 * UNITS)
    assert found.by_input.shape == (0, 2 * UNITS, INPUTS)

"""Split weights make the gates that `test_recurrent` holds against Keras."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from explorer.derived.recurrent.equations import GATES, NotDerivableError, layer_states
from explorer.derived.recurrent.gates import GATE_NAMES, saturation, split_gates

PROBES, TOKENS, INPUTS, UNITS = 2, 3, 5, 4
STEPS = 3


def weights_of(kind: str, double: bool = False, steps: int | None = None) -> dict[str, np.ndarray]:
    random = np.random.default_rng(len(kind))
    front, wide = () if steps is None else (steps,), GATES[kind] * UNITS
    return {
        "kernel": random.normal(size=(*front, INPUTS, wide)),
        "recurrent_kernel": random.normal(size=(*front, UNITS, wide)),
        "bias": random.normal(size=(*front, 2, wide) if double else (*front, wide)),
    }


def test_every_kind_has_as_many_names_as_gates() -> None:
    assert {kind: len(names) for kind, names in GATE_NAMES.items()} == GATES


@pytest.mark.parametrize("kind", GATES)
def test_a_part_of_the_weights_makes_its_gate(kind: str) -> None:
    weights = weights_of(kind, double=kind == "GRU")
    config = {"activation": "tanh", "reset_after": True}
    x = np.random.default_rng(0).normal(size=(PROBES, TOKENS, INPUTS))
    found = layer_states(kind, config, weights, x)["forward"]
    before = np.concatenate([np.zeros((PROBES, 1, UNITS)), found.hidden[:, :-1]], axis=1)
    gates = split_gates(kind, config, weights)["forward"]
    assert tuple(gates) == GATE_NAMES[kind]
    for name, own in gates.items():
        inner, outer = own.bias if kind == "GRU" else (own.bias, 0)
        recalled = before @ own.recurrent_kernel + outer
        if (kind, name) == ("GRU", "candidate"):
            recalled *= found.gates["reset"]
        total = x @ own.kernel + inner + recalled
        value = np.tanh(total) if name in ("state", "candidate") else expit(total)
        np.testing.assert_allclose(found.gates.get(name, found.hidden), value)


@pytest.mark.parametrize("double", [False, True])
def test_steps_may_come_first(double: bool) -> None:
    kind = "GRU" if double else "LSTM"
    weights = weights_of(kind, double, STEPS)
    whole = split_gates(kind, {}, weights)["forward"]
    for step in range(STEPS):
        one = split_gates(kind, {}, {name: values[step] for name, values in weights.items()})
        for name, own in one["forward"].items():
            np.testing.assert_array_equal(whole[name].kernel[step], own.kernel)
            np.testing.assert_array_equal(whole[name].recurrent_kernel[step], own.recurrent_kernel)
            np.testing.assert_array_equal(whole[name].bias[step], own.bias)


def test_directions_are_those_of_the_states() -> None:
    backwards = {"go_backwards": True}
    without_bias = {name: w for name, w in weights_of("LSTM").items() if name != "bias"}
    (only,) = split_gates("LSTM", backwards, without_bias).items()
    assert only[0] == "backward"
    assert all(own.bias is None for own in only[1].values())
    config = {"layer": {"class_name": "GRU", "config": {}}}
    weights = {
        f"{way}_gru.{name}": values + shift
        for way, shift in (("backward", 1), ("forward", 0))
        for name, values in weights_of("GRU").items()
    }
    both = split_gates("Bidirectional", config, weights)
    assert {way: tuple(gates) for way, gates in both.items()} == {
        "forward": GATE_NAMES["GRU"],
        "backward": GATE_NAMES["GRU"],
    }
    kernel = weights["forward_gru.kernel"]
    np.testing.assert_array_equal(both["forward"]["reset"].kernel, kernel[:, UNITS : 2 * UNITS])
    np.testing.assert_array_equal(
        both["backward"]["reset"].kernel, both["forward"]["reset"].kernel + 1
    )
    with pytest.raises(NotDerivableError, match="only those of SimpleRNN, LSTM and GRU"):
        split_gates("ConvLSTM1D", {}, weights)


def test_saturation_is_counted_over_the_tokens_read() -> None:
    gate = np.array(
        [
            [[0.05, 0.5, np.nan], [0.05, 0.95, np.nan]],
            [[0.95, 0.1, np.nan], [np.nan, np.nan, np.nan]],
        ]
    )
    found = saturation(gate)
    np.testing.assert_allclose(found.shut, [2 / 3, 0, np.nan])
    np.testing.assert_allclose(found.wide, [1 / 3, 1 / 3, np.nan])
    over_steps = saturation(np.stack([gate, 1 - gate]))
    np.testing.assert_allclose(over_steps.shut, [found.shut, found.wide])

"""The equations of recurrent layers are those of Keras, token by token."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.derived.recurrent.equations import (
    ACTIVATIONS,
    NotDerivableError,
    layer_output,
    layer_states,
    token_mask,
)

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
PROBES, TOKENS, INPUTS, UNITS = 3, 5, 4, 3
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 0, 1, 1]], bool)


def inputs() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(PROBES, TOKENS, INPUTS)).astype(np.float32)


def built(name: str, **options: Any) -> Any:
    import keras

    keras.utils.set_random_seed(3)
    layer = getattr(keras.layers, name)(UNITS, bias_initializer="normal", **options)
    layer.build((PROBES, TOKENS, INPUTS))
    return layer


def weights_of(layer: Any) -> dict[str, np.ndarray]:
    return {variable.name: variable.numpy() for variable in layer.weights}


def derived(layer: Any, x: np.ndarray, mask: np.ndarray | None = None) -> Any:
    return layer_states(type(layer).__name__, layer.get_config(), weights_of(layer), x, mask)


def states_by_keras(
    layer: Any, x: np.ndarray, mask: np.ndarray | None, backwards: bool
) -> list[np.ndarray]:
    """States after each token: Keras's final states for ever longer parts of the sequence."""
    import keras

    options = {**layer.get_config(), "return_state": True, "return_sequences": False}
    partial = type(layer).from_config(options)
    partial.build(x.shape)
    partial.set_weights(layer.get_weights())
    ends = []
    for token in range(TOKENS):
        part = slice(token, None) if backwards else slice(None, token + 1)
        seen = None if mask is None else keras.ops.convert_to_tensor(mask[:, part])
        _, *states = partial(x[:, part], mask=seen)
        ends.append([np.asarray(state) for state in states])
    return [np.stack(kept, axis=1) for kept in zip(*ends, strict=True)]


KINDS = [
    ("SimpleRNN", {}),
    ("SimpleRNN", {"activation": "relu", "use_bias": False}),
    ("LSTM", {}),
    ("LSTM", {"activation": "softsign", "recurrent_activation": "hard_sigmoid"}),
    ("LSTM", {"use_bias": False}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
    ("GRU", {"use_bias": False, "recurrent_activation": "hard_sigmoid"}),
]


@pytest.mark.slow
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("name", "options"), KINDS, ids=str)
def test_states_and_output_are_those_of_keras(
    name: str, options: dict[str, Any], backwards: bool, masked: bool
) -> None:
    layer, x = built(name, go_backwards=backwards, **options), inputs()
    mask = MASK if masked else None
    (found,) = derived(layer, x, mask).values()
    hidden, *cell = states_by_keras(layer, x, mask, backwards)
    np.testing.assert_allclose(found.hidden, hidden, **CLOSE)
    if name == "LSTM":
        np.testing.assert_allclose(found.cell, cell[0], **CLOSE)
    else:
        assert found.cell is None
    for returned in (
        {"return_sequences": False},
        {"return_sequences": True},
        {"return_sequences": True, "zero_output_for_mask": True},
    ):
        config = {**layer.get_config(), **returned}
        again = type(layer).from_config(config)
        again.build(x.shape)
        again.set_weights(layer.get_weights())
        output = layer_output(name, config, derived(again, x, mask), mask)
        np.testing.assert_allclose(output, np.asarray(again(x, mask=mask)), **CLOSE)


def test_the_gates_of_an_lstm_make_its_states() -> None:
    layer, x = built("LSTM"), inputs()
    found = derived(layer, x, MASK)["forward"]
    # Keras has no way to ask for gates; a bias of 100 opens or closes one of them for certain.
    weights = weights_of(layer)
    for number, gate in enumerate(("input", "forget", None, "output")):
        if gate is None:
            continue
        for bias, expected in ((100.0, 1.0), (-100.0, 0.0)):
            changed = {**weights, "bias": weights["bias"].copy()}
            changed["bias"][number * UNITS : (number + 1) * UNITS] = bias
            gates = layer_states("LSTM", layer.get_config(), changed, x, MASK)["forward"].gates
            np.testing.assert_allclose(gates[gate][MASK], expected, atol=1e-6)
    before = np.concatenate([np.zeros((PROBES, 1, UNITS)), found.cell[:, :-1]], axis=1)
    gates = found.gates
    cell = gates["forget"] * before + gates["input"] * gates["candidate"]
    np.testing.assert_allclose(found.cell[MASK], cell[MASK], **CLOSE)
    hidden = gates["output"] * np.tanh(found.cell)
    np.testing.assert_allclose(found.hidden[MASK], hidden[MASK], **CLOSE)
    for values in gates.values():
        assert np.isnan(values[~MASK]).all()


def test_an_open_update_gate_keeps_the_state_of_a_gru() -> None:
    layer, x = built("GRU"), inputs()
    weights = weights_of(layer)
    weights["bias"][0, :UNITS] = 100
    found = layer_states("GRU", layer.get_config(), weights, x)["forward"]
    np.testing.assert_allclose(found.gates["update"], 1, atol=1e-6)
    np.testing.assert_allclose(found.hidden, 0, atol=1e-6)
    assert found.gates.keys() == {"update", "reset", "candidate"}


@pytest.mark.slow
@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul"])
@pytest.mark.parametrize("sequences", [False, True])
def test_two_directions(sequences: bool, merge_mode: str) -> None:
    import keras

    keras.utils.set_random_seed(3)
    inner = keras.layers.LSTM(UNITS, return_sequences=sequences)
    layer = keras.layers.Bidirectional(inner, merge_mode=merge_mode)
    x = inputs()
    expected = np.asarray(layer(x, mask=keras.ops.convert_to_tensor(MASK)))
    parts = {"forward_lstm": layer.forward_layer, "backward_lstm": layer.backward_layer}
    weights = {
        f"{name}.{variable.name}": variable.numpy()
        for name, part in parts.items()
        for variable in part.weights
    }
    found = layer_states("Bidirectional", layer.get_config(), weights, x, MASK)
    output = layer_output("Bidirectional", layer.get_config(), found, MASK)
    np.testing.assert_allclose(output, expected, **CLOSE)
    for direction, part in (("forward", layer.forward_layer), ("backward", layer.backward_layer)):
        hidden, _ = states_by_keras(part, x, MASK, direction == "backward")
        np.testing.assert_allclose(found[direction].hidden, hidden, **CLOSE)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_keras(name: str) -> None:
    import keras

    x = np.linspace(-5, 5, 101, dtype=np.float32)
    if name == "gelu":  # Keras's own default
        expected = keras.activations.gelu(x, approximate=False)
    else:
        expected = keras.activations.get(name)(x)
    np.testing.assert_allclose(ACTIVATIONS[name](x), np.asarray(expected), **CLOSE)


def test_masks() -> None:
    import keras

    tokens = np.array([[3, 1, 0], [0, 2, 0]])
    embedding = keras.layers.Embedding(4, 2, mask_zero=True)
    found = token_mask("Embedding", embedding.get_config(), tokens)
    np.testing.assert_array_equal(found, np.asarray(embedding.compute_mask(tokens)))
    x = np.array([[[0.5, 0.5], [0.5, 0.0]]], np.float32)
    masking = keras.layers.Masking(0.5)
    found = token_mask("Masking", masking.get_config(), x)
    np.testing.assert_array_equal(found, np.asarray(masking.compute_mask(x)))
    assert found.tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ConvLSTM1D", {}, "only those of SimpleRNN, LSTM and GRU"),
        ("LSTM", {"stateful": True}, "keeps its state from batch to batch"),
        ("GRU", {"activation": "my_function"}, "'my_function' is not known here"),
    ],
)
def test_what_cannot_be_derived_says_why(name: str, options: dict[str, Any], message: str) -> None:
    weights = weights_of(built("LSTM" if name == "ConvLSTM1D" else name))
    with pytest.raises(NotDerivableError, match=message):
        layer_states(name, options, weights, inputs())
    with pytest.raises(NotDerivableError, match="mask that a Add layer makes"):
        token_mask("Add", {}, inputs())

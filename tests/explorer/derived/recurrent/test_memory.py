"""Gains are those of a layer written out by hand, and of Keras's own gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.derived.recurrent.equations import Cell, Weights, states
from explorer.derived.recurrent.memory import gradient_flow, half_life, memory

PROBES, TOKENS, INPUTS, UNITS = 2, 6, 3, 4
MASK = np.array([[1, 1, 1, 1, 0, 0], [0, 1, 1, 0, 1, 1]], bool)
LINEAR = {"activation": "linear"}


def inputs(tokens: int = TOKENS) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(PROBES, tokens, INPUTS)).astype(np.float32)


def linear_weights(recurrent: np.ndarray) -> dict[str, np.ndarray]:
    kernel = np.random.default_rng(1).normal(size=(INPUTS, len(recurrent)))
    return {"kernel": kernel, "recurrent_kernel": recurrent, "bias": np.zeros(len(recurrent))}


def built(name: str, **options: Any) -> tuple[Any, dict[str, np.ndarray]]:
    import keras

    keras.utils.set_random_seed(3)
    layer = getattr(keras.layers, name)(UNITS, bias_initializer="normal", **options)
    layer.build((PROBES, TOKENS, INPUTS))
    return layer, {variable.name: variable.numpy() for variable in layer.weights}


def test_a_linear_layer_carries_powers_of_its_matrix() -> None:
    matrix = np.random.default_rng(2).normal(size=(UNITS, UNITS)) / 2
    weights = linear_weights(matrix)
    powers = [np.linalg.matrix_power(matrix, distance) for distance in range(TOKENS)]
    found = memory("SimpleRNN", LINEAR, weights, inputs())["forward"]
    by_hand = [np.linalg.norm(power) / np.sqrt(UNITS) for power in powers]
    np.testing.assert_allclose(found.carried, by_hand)
    assert found.pairs.tolist() == [PROBES * (TOKENS - distance) for distance in range(TOKENS)]
    of_token = memory("SimpleRNN", LINEAR, weights, inputs(), changed="token")["forward"]
    by_hand = [np.linalg.norm(weights["kernel"] @ power) / np.sqrt(INPUTS) for power in powers]
    np.testing.assert_allclose(of_token.carried, by_hand)
    flow = gradient_flow("SimpleRNN", LINEAR, weights, inputs())["forward"]
    np.testing.assert_allclose(flow, np.broadcast_to(found.carried[::-1], flow.shape))


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["state", "token"])
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_what_is_carried_is_what_a_small_change_leaves(name: str, changed: str) -> None:
    """Changes the state after a token, or the token, and reads on."""
    layer, weights = built(name)
    x = inputs().astype(np.float64)
    cell = Cell(name, reset_after=name == "GRU")
    own = Weights(weights["kernel"], weights["recurrent_kernel"], weights["bias"])

    def read_on(text: np.ndarray, state: tuple[np.ndarray, ...] | None) -> np.ndarray:
        found = states(text, cell, own, initial=state)
        whole = [found.hidden] if found.cell is None else [found.hidden, found.cell]
        return np.concatenate(whole, axis=-1)

    parts = 2 if name == "LSTM" else 1
    entries = INPUTS if changed == "token" else UNITS * parts
    gains: list[list[float]] = [[] for _ in range(TOKENS)]
    for probe in range(PROBES):
        for token in range(TOKENS):
            text = x[probe : probe + 1]
            before = (
                read_on(text[:, :token], None)[:, -1] if token else np.zeros((1, UNITS * parts))
            )
            columns = []
            for entry in range(entries):
                ends = []
                for reach in (1e-5, -1e-5):
                    rest, state = text[:, token:].copy(), before
                    if changed == "token":
                        rest[:, 0, entry] += reach
                        ends.append(read_on(rest, tuple(np.split(state, parts, axis=1))))
                        continue
                    start = read_on(rest[:, :1], tuple(np.split(state, parts, axis=1)))
                    start[:, 0, entry] += reach
                    after = read_on(rest[:, 1:], tuple(np.split(start[:, 0], parts, axis=1)))
                    ends.append(np.concatenate([start, after], axis=1))
                columns.append((ends[0] - ends[1])[0] / 2e-5)
            change = np.stack(columns, axis=-1)
            for distance, matrix in enumerate(change):
                gains[distance].append(np.linalg.norm(matrix) / np.sqrt(entries))
    found = memory(name, layer.get_config(), weights, x, changed=changed)["forward"]
    np.testing.assert_allclose(found.carried, [np.mean(row) for row in gains], rtol=1e-5, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_the_gradient_is_that_of_tensorflow(name: str, backwards: bool) -> None:
    import tensorflow as tf

    layer, weights = built(name, return_state=True, go_backwards=backwards)
    x = tf.constant(inputs())
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        final = tf.concat(layer(x, mask=tf.constant(MASK))[1:], axis=-1)
        # Probes do not meet: the sum over them gives the gradient of each.
        entries = [tf.reduce_sum(final[:, entry]) for entry in range(final.shape[1])]
    rows = np.stack([tape.gradient(entry, x).numpy() for entry in entries])
    expected = np.sqrt((rows**2).sum(axis=(0, 3)) / INPUTS)
    (found,) = gradient_flow(
        name, layer.get_config(), weights, inputs(), MASK, changed="token"
    ).values()
    np.testing.assert_allclose(found[MASK], expected[MASK], rtol=1e-4)
    assert (expected[~MASK] == 0).all()
    assert np.isnan(found[~MASK]).all()


def test_masked_tokens_are_no_distance() -> None:
    layer, weights = built("GRU")
    x = inputs()
    found = memory("GRU", layer.get_config(), weights, x, MASK)["forward"]
    alone = [
        memory("GRU", layer.get_config(), weights, x[probe : probe + 1, MASK[probe]])["forward"]
        for probe in range(PROBES)
    ]
    assert found.pairs.tolist() == [8, 6, 4, 2]
    np.testing.assert_allclose(found.carried, np.mean([one.carried for one in alone], axis=0))


@pytest.mark.parametrize("backwards", [False, True])
def test_pairs_of_padding_do_not_count_where_it_is_read(backwards: bool) -> None:
    """Without a mask: each pair alone, by a text in which no other token counts."""
    layer, weights = built("GRU", go_backwards=backwards)
    x, text = inputs(), np.array([[1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 0]], bool)
    config = layer.get_config()
    (found,) = memory("GRU", config, weights, x, text=text).values()
    assert found.pairs.tolist() == [6, 4, 2]
    gains: list[list[float]] = [[], [], []]
    for probe in range(PROBES):
        places = np.flatnonzero(text[probe])
        for one in places:
            for other in places[places >= one]:
                alone = np.zeros((1, TOKENS), bool)
                alone[0, [one, other]] = True
                (pair,) = memory("GRU", config, weights, x[probe : probe + 1], text=alone).values()
                assert len(pair.carried) == other - one + 1
                gains[other - one].append(pair.carried[-1])
    means = [np.mean(row) for row in gains[1:]]
    np.testing.assert_allclose(found.carried, [1, *means], rtol=1e-6)
    assert np.isnan(pair.carried[1:-1]).all()


def test_both_directions() -> None:
    import keras

    inner, weights = built("LSTM", return_sequences=True)
    layer = keras.layers.Bidirectional(inner)
    named = {
        f"{way}_lstm.{name}": w for way in ("forward", "backward") for name, w in weights.items()
    }
    x = inputs()
    found = memory("Bidirectional", layer.get_config(), named, x)
    alone = memory("LSTM", inner.get_config(), weights, x)["forward"]
    turned = memory("LSTM", inner.get_config(), weights, x[:, ::-1])["forward"]
    np.testing.assert_allclose(found["forward"].carried, alone.carried)
    np.testing.assert_allclose(found["backward"].carried, turned.carried)
    flow = gradient_flow("Bidirectional", layer.get_config(), named, x)
    np.testing.assert_allclose(flow["forward"][:, -1], 1)
    np.testing.assert_allclose(flow["backward"][:, 0], 1)


def test_fewer_directions_give_an_estimate() -> None:
    units = 60
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(units, units)))[0]
    exact = memory("SimpleRNN", LINEAR, linear_weights(0.9 * turn), inputs(), directions=5)
    np.testing.assert_allclose(exact["forward"].carried, 0.9 ** np.arange(TOKENS))
    flow = gradient_flow("SimpleRNN", LINEAR, linear_weights(0.9 * turn), inputs(), directions=5)
    np.testing.assert_allclose(flow["forward"][0], 0.9 ** np.arange(TOKENS)[::-1])
    loose = np.random.default_rng(5).normal(size=(units, units)) / np.sqrt(units)
    for gain in (
        lambda most: (
            memory("SimpleRNN", LINEAR, linear_weights(loose), inputs(3), directions=most)[
                "forward"
            ].carried
        ),
        lambda most: gradient_flow(
            "SimpleRNN", LINEAR, linear_weights(loose), inputs(3), changed="token", directions=most
        )["forward"][0],
    ):
        estimate = gain(30)
        assert not np.array_equal(estimate, gain(units))
        np.testing.assert_allclose(estimate, gain(units), rtol=0.25)


def test_half_life() -> None:
    tokens = np.arange(8.0)
    curves = np.stack([0.6**tokens, np.ones(8), 2 * 0.4**tokens, 1.5**tokens])
    assert half_life(curves).tolist() == [2, np.inf, 1, np.inf]
    assert half_life(curves, 1 / np.e).tolist() == [2, np.inf, 2, np.inf]
    unknown = [[np.nan, 0, 0], [0, 0, 0], [1, np.nan, 0], [1, 0.4, np.nan], [1, np.inf, 0]]
    np.testing.assert_array_equal(half_life(np.array(unknown)), [np.nan] * 3 + [1, 2])
    assert np.isnan(half_life(np.zeros(0)))


@pytest.mark.slow
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
def test_a_diverged_training_has_no_memory_to_speak_of(name: str, bad: float) -> None:
    layer, weights = built(name, activation="linear")
    broken = {key: np.full(value.shape, bad) for key, value in weights.items()}
    found = memory(name, layer.get_config(), broken, inputs())["forward"]
    assert not np.isfinite(found.carried[1:]).any()
    assert gradient_flow(name, layer.get_config(), broken, inputs())["forward"].shape == MASK.shape


def test_no_text_and_dead_units() -> None:
    layer, weights = built("SimpleRNN", activation="relu")
    config = layer.get_config()
    nothing = memory("SimpleRNN", config, weights, inputs(), np.zeros_like(MASK))["forward"]
    assert nothing.carried.shape == nothing.pairs.shape == (0,)
    dead = {**weights, "bias": np.full(UNITS, -1e6)}
    found = memory("SimpleRNN", config, dead, inputs())["forward"]
    assert found.carried.tolist() == [1, 0, 0, 0, 0, 0]
    assert half_life(found.carried) == 1

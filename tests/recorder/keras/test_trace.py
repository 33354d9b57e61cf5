"""What a trace gives is what Keras computes, and taking it changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recorder import Probe
from recorder.keras.inputs import Feed
from recorder.keras.trace import trace
from tests.recorder.networks import (
    CLASSES,
    Network,
    compiled,
    conv_model,
    images,
    keras_outputs,
    sentences,
    values_of,
)


def feed(inputs: Any) -> Feed:
    return Feed.of(Probe(inputs))


def activations_by_path(model: Any, inputs: np.ndarray) -> dict[str, np.ndarray]:
    traced = trace(model, feed(inputs))
    values = traced.activations(traced.read())
    return {
        call.path.replace("/", "."): np.asarray(value)
        for call, value in zip(traced.calls, values, strict=True)
    }


@pytest.mark.slow
def test_activations_are_those_of_keras(network: Network) -> None:
    model, (x, _) = network.build(), network.data()
    expected = keras_outputs(model, x)
    found = activations_by_path(model, x)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_activations_follow_from_the_weights_that_were_read(network: Network) -> None:
    model, (x, _) = network.build(), network.data()
    traced = trace(model, feed(x))
    assert traced.is_pure
    weights = traced.read()
    before = [np.array(value) for value in traced.activations(weights)]
    for variable in model.weights:
        variable.assign(variable + 1)
    after = [np.array(value) for value in traced.activations(weights)]
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first, second)
    changed = [np.array(value) for value in traced.activations(traced.read())]
    assert not np.array_equal(changed[-1], before[-1])


def every_kind_of_update() -> Any:
    """Dense and sparse gradients, batch statistics, and the state of a random generator."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32", name="tokens"),
            layers.Embedding(12, 4, name="embedding"),
            layers.Flatten(name="flatten"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.3, name="dropout"),
            layers.Dense(CLASSES, activation="softmax", name="out"),
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "jit_compile"), [("sgd", False), ("adam", False), ("adam", True)]
)
def test_values_that_were_read_stay_while_the_training_goes_on(
    optimizer: str, jit_compile: bool
) -> None:
    model = compiled(every_kind_of_update, optimizer=optimizer, jit_compile=jit_compile)
    x, y = sentences()
    traced = trace(model, feed(x))
    held, copies = [], []
    for _ in range(4):
        held.append(traced.read())
        copies.append([values_of(variable) for variable in traced.variables])
        model.train_on_batch(x, y)
    for values, expected in zip(held, copies, strict=True):
        for value, copy in zip(values, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(memoryview(value)), copy)
    for variable, first, last in zip(traced.variables, copies[0], copies[-1], strict=True):
        assert not np.array_equal(first, last), f"{variable.path} did not move"


def test_layers_are_watched_during_the_trace_only() -> None:
    import keras

    original = keras.layers.Layer.__call__
    model = conv_model()
    trace(model, feed(images()[0]))
    assert keras.layers.Layer.__call__ is original
    with pytest.raises(Exception, match="expected"):
        trace(model, feed(np.zeros((2, 3, 3, 7), np.float32)))
    assert keras.layers.Layer.__call__ is original


def test_a_stateful_layer_keeps_its_state() -> None:
    import keras

    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    model = keras.Sequential(
        [keras.Input(batch_shape=(3, 4, 2)), keras.layers.LSTM(3, stateful=True, name="lstm")]
    )
    model(x)
    before = [values_of(state) for state in model.layers[0].states]
    traced = trace(model, feed(x))
    traced.activations(traced.read())
    for state, expected in zip(model.layers[0].states, before, strict=True):
        np.testing.assert_array_equal(values_of(state), expected)
    assert not traced.is_pure  # it needs the state of the moment, beside the weights


def test_an_activity_regularizer_adds_no_loss() -> None:
    import keras

    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(3, activity_regularizer="l2", name="dense")]
    )
    x = np.ones((4, 5), np.float32)
    model(x)
    before = [float(loss) for loss in model.losses]
    trace(model, feed(x))
    assert [float(loss) for loss in model.losses] == before


def test_types_that_zarr_does_not_know_are_widened() -> None:
    import keras

    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(3, dtype="mixed_bfloat16", name="brain"),
            keras.layers.Dense(3, dtype="mixed_float16", name="half"),
        ]
    )
    found = activations_by_path(model, np.ones((4, 5), np.float32))
    assert found["brain"].dtype == np.float32
    assert found["half"].dtype == np.float16


def test_dropout_is_off() -> None:
    import keras

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dropout(0.9, name="dropout")])
    x = np.ones((4, 5), np.float32)
    np.testing.assert_array_equal(activations_by_path(model, x)["dropout"], x)


def test_what_lies_between_two_layers_and_is_none_is_noticed() -> None:
    import keras
    from keras import layers

    tokens, rows = keras.Input((4,), dtype="int32", name="tokens"), keras.Input((4,), name="rows")
    first = layers.Dense(4, name="first")(rows)
    halved = layers.Dense(4, name="scaled")(first * 0.5)
    part = layers.Dense(4, name="part")(first[:, 1:3])
    kept = layers.Dense(4, name="kept")(layers.Dropout(0.5, name="dropout")(first))
    added = layers.Add(name="added")([first, kept + 1.0])
    both = layers.Add(name="both")([halved, part, kept])
    half = layers.Dense(4, name="half", dtype="float16")(both)
    words = layers.Embedding(9, 4, name="words")(tokens)
    states = layers.GRU(4, name="states")(words * 2.0)
    model = keras.Model({"tokens": tokens, "rows": rows}, [added, half, states])
    inputs = {"tokens": np.ones((3, 4), np.int64), "rows": np.ones((3, 4))}
    changed = {call.path for call in trace(model, feed(inputs)).calls if call.operations_between}
    # What a recurrent layer takes is recorded itself, as a layer of class Operations.
    assert changed == {"scaled", "part", "added"}

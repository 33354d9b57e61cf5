"""Both engines beside the model itself: outputs, activations and gradients at recorded steps."""

from __future__ import annotations

import numpy as np
import pytest

from explorer import network_at
from tests.recorder.matrix_models import several_data, several_inputs_and_outputs, shared_layers
from tests.recorder.networks import (
    branched_model,
    conv_model,
    images,
    keras_outputs,
    lstm_model,
    nested_model,
    rows,
    sentences,
)

pytestmark = pytest.mark.slow

MODELS = {
    "conv": (conv_model, images),
    "lstm": (lstm_model, sentences),
    "nested": (nested_model, rows),
}
LOSSES = (("kind", "sparse_categorical_crossentropy"), ("size", "mse"))
ENGINES = ("numpy", "keras")


def near(found, expected, tolerance=1e-5):
    assert found.dtype == np.float32
    assert found.shape == np.shape(expected)
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", MODELS)
def test_outputs_and_activations_are_those_of_the_model(trained, name, engine):
    done = trained(*MODELS[name])
    for step in (0, 1, 2):
        net = network_at(done.run, step=step, engine=engine)
        assert net.engine == engine
        model = done.keras_at(step)
        near(net(done.inputs), np.asarray(model(done.inputs, training=False)))
        expected = keras_outputs(model, done.inputs)
        found = net.activations(done.inputs, list(expected))
        assert list(found) == list(expected)
        for layer, values in expected.items():
            near(found[layer], values)


def below_softmax(model, layer):
    """The model up to its logits, by a layer's own weights."""
    import keras

    if layer.__class__.__name__ == "Softmax":
        return keras.Model(model.inputs[0], layer.input)
    before = keras.Model(model.inputs[0], layer.input)
    return lambda x: before(x) @ layer.kernel + layer.bias


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["conv", "nested"])
def test_gradients_are_those_of_a_tape(trained, taped, name, engine):
    import keras

    done = trained(*MODELS[name])
    model, net = done.keras_at(1), network_at(done.run, step=1, engine=engine)
    logits = below_softmax(model, model.layers[-1])
    near(net.gradient(done.inputs, target=2), taped(logits, done.inputs, 2))
    near(net.gradient(done.inputs, 2, of="probability"), taped(model, done.inputs, 2))
    each = keras.losses.SparseCategoricalCrossentropy(reduction="none")
    loss = taped(lambda x: each(done.labels, model(x))[:, None], done.inputs, 0)
    near(net.gradient(done.inputs, done.labels, of="loss"), loss)
    hidden = {"conv": "conv", "nested": "block.dense"}[name]
    assert (
        net.gradient(done.inputs, 0, wrt=hidden).shape == net.activations(done.inputs)[hidden].shape
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_words_have_the_gradient_of_their_embedding(trained, engine):
    import tensorflow as tf

    done = trained(*MODELS["lstm"])
    model, net = done.keras_at(2), network_at(done.run, step=2, engine=engine)
    embedding, *others, last = model.layers[-4:]
    given = tf.constant(np.asarray(embedding(done.inputs)))
    mask = embedding.compute_mask(done.inputs)
    with tf.GradientTape() as tape:
        tape.watch(given)
        hidden = others[0](given, mask=mask)
        hidden = others[1](hidden, mask=mask)
        value = (hidden @ last.kernel + last.bias)[:, 1]
    near(net.gradient(done.inputs, 1, wrt="embedding"), np.asarray(tape.gradient(value, given)))
    with pytest.raises(ValueError, match=r"whole numbers, which have no gradient.*'embedding'"):
        net.gradient(done.inputs, 1)


@pytest.mark.parametrize("engine", ENGINES)
def test_several_inputs_and_outputs_have_names(trained, engine):
    import tensorflow as tf

    done = trained(several_inputs_and_outputs, several_data, loss=LOSSES)
    model, net = done.keras_at(1), network_at(done.run, step=1, engine=engine)
    expected = model(done.inputs, training=False)
    found = net(done.inputs)
    assert set(found) == {"kind", "size"}
    for name, values in expected.items():
        near(found[name], np.asarray(values))
    given = {name: tf.constant(values) for name, values in done.inputs.items()}
    with tf.GradientTape() as tape:
        tape.watch(given)
        value = model(given)["size"][:, 0]
    gradient = net.gradient(done.inputs, output="size")
    assert set(gradient) == {"row", "picture"}
    for name, values in tape.gradient(value, given).items():
        near(gradient[name], np.asarray(values))
    with pytest.raises(ValueError, match="several outputs: give output="):
        net.gradient(done.inputs)


def siamese_data():
    (left, labels), (right, _) = rows(), rows()
    return {"left": left, "right": right[::-1].copy()}, labels


@pytest.mark.parametrize("engine", ENGINES)
def test_a_shared_layer_has_its_weights_at_every_call(trained, engine):
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    done = trained(shared_layers, siamese_data, loss=loss)
    net = network_at(done.run, step=2, engine=engine)
    near(net(done.inputs), np.asarray(done.keras_at(2)(done.inputs)))
    silent = net.without("shared_2", units=[0])
    assert np.abs(silent(done.inputs) - net(done.inputs)).max() > 0
    assert np.abs(silent.activations(done.inputs)["shared"][:, 0]).max() > 0


def test_keras_computes_what_numpy_does_not_know(trained):
    done = trained(branched_model, rows)
    net = network_at(done.run, step=1)
    assert net.engine == "keras"
    assert "plain operations" in net.why
    near(net(done.inputs), np.asarray(done.keras_at(1)(done.inputs)))
    with pytest.raises(ValueError, match="NumPy cannot compute this network: Layer 'out'"):
        network_at(done.run, step=1, engine="numpy")


def test_statistics_of_normalization_are_averaged_and_this_is_said(trained):
    done = trained(branched_model, rows)
    net = network_at(done.run, steps=range(1, 9))
    assert "statistics of batch normalization (norm) are averaged too" in net.why
    model = done.keras_at(1)
    both = [np.mean(pair, axis=0) for pair in zip(done.weights[1], done.weights[2], strict=True)]
    model.set_weights(both)
    near(net(done.inputs), np.asarray(model(done.inputs)))


def test_switching_a_step_traces_nothing(trained):
    done = trained(branched_model, rows)
    engines = []
    for step in (0, 1, 2, 1):
        net = network_at(done.run, step=step, engine="keras")
        near(net(done.inputs), np.asarray(done.keras_at(step)(done.inputs)))
        engines.append(net._source.engine)
    assert len(set(map(id, engines))) == 1
    before = engines[0].traces
    network_at(done.run, step=0, engine="keras")(done.inputs[:2])
    assert engines[0].traces == before


@pytest.mark.parametrize("engine", ENGINES)
def test_a_silent_unit_is_silent_for_all_that_follows(trained, engine):
    done = trained(*MODELS["conv"])
    net = network_at(done.run, step=2, engine=engine)
    model = done.keras_at(2)
    values = np.asarray(keras_outputs(model, done.inputs)["conv"]).copy()
    values[..., [1, 3]] = 0
    after = values
    for layer in model.layers[1:]:
        after = layer(after, training=False)
    silent = net.without("conv", units=[1, 3])
    near(silent(done.inputs), np.asarray(after))
    gradient = silent.gradient(done.inputs, 0, wrt="relu")
    assert np.abs(gradient).max() > 0
    mean = net.without("conv", units=[1], value="mean").activations(done.inputs, ["conv"])["conv"]
    expected = keras_outputs(model, done.inputs)["conv"][..., 1].mean()
    np.testing.assert_allclose(mean[..., 1], expected, rtol=1e-4)
    near(net(done.inputs), np.asarray(model(done.inputs)))


def test_the_model_of_a_step_is_a_live_keras_model(trained):
    done = trained(*MODELS["lstm"])
    model = network_at(done.run, step=1).keras_model()
    near(np.asarray(model(done.inputs)), np.asarray(done.keras_at(1)(done.inputs)), 1e-6)

"""A stranger's run executes nothing, reads no file, and takes no memory that it did not bring."""

from __future__ import annotations

import json

import numpy as np
import pytest

from explorer import network_at
from explorer.at_step.keras.trusted import check_trusted
from store.errors import SpecError
from tests.recorder.networks import conv_model, images, rows

pytestmark = pytest.mark.slow

DENSE = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"units": 3, "activation": "relu"},
    "registered_name": None,
}
WITH_PARTS = {
    **DENSE,
    "config": {
        "units": 3,
        "activation": {"module": "builtins", "class_name": "function", "config": "relu"},
        "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}},
        "kernel_initializer": {
            "module": "keras.initializers",
            "class_name": "GlorotUniform",
            "config": {"seed": 12345678901},
        },
    },
}


def changed(**changes):
    return {**DENSE, **changes}


def test_keras_own_layers_and_their_parts_are_trusted():
    check_trusted(DENSE, (), 100)
    check_trusted(WITH_PARTS, (), 100)
    check_trusted({"module": None, "class_name": "Mine", "config": {}}, ("Mine",), 100)
    check_trusted(changed(class_name="Mine", registered_name="pkg>Mine"), ("pkg>Mine",), 100)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (changed(class_name="Lambda"), "a Lambda layer, whose code"),
        (changed(class_name="__lambda__"), "a function without a name"),
        (changed(config={"activation": {"class_name": "__lambda__"}}), "without a name"),
        (changed(class_name="TFSMLayer", config={"filepath": "saved"}), "a TFSMLayer layer"),
        (changed(class_name="TorchModuleWrapper"), "TorchModuleWrapper"),
        (changed(module="os", class_name="system"), "not Keras's own: system"),
        (changed(module="subprocess", class_name="Popen"), "Popen"),
        (changed(module="keras.utils", class_name="get_file"), "get_file"),
        (changed(module="keras.saving", class_name="load_model"), "load_model"),
        (changed(module="keras.callbacks", class_name="LambdaCallback"), "LambdaCallback"),
        (changed(module="keras.src.ops.evil", class_name="Popen"), "Popen"),
        (changed(registered_name="evil>Dense"), "not Keras's own: Dense"),
        (changed(class_name=["Dense"]), "not Keras's own"),
        (changed(class_name="__typespec__", module="os"), "__typespec__"),
        (changed(class_name="function", module="builtins", config="eval"), "eval"),
        (changed(class_name="function", module="keras.activations", config="get"), "get"),
        (changed(module="evil", class_name="Dense"), "Dense"),
        (changed(config={"units": 10**12}), "has units 1000000000000, and nothing in the run"),
        (changed(config={"kernel_size": [3, 10**9]}), "has kernel_size 1000000000"),
        (changed(config={"units": -(10**12)}), "has units -1000000000000"),
        (
            changed(class_name="StringLookup", config={"vocabulary": "/etc/passwd"}),
            "reads a file, '/etc/passwd'",
        ),
    ],
)
def test_what_could_run_or_fill_memory_is_refused(config, said):
    inside = {"module": "keras", "class_name": "Sequential", "config": {"layers": [DENSE, config]}}
    for one in (config, inside):
        with pytest.raises(SpecError, match=said):
            check_trusted(one, (), 100)


def test_a_configuration_without_end_is_refused():
    deep = DENSE
    for _ in range(200):
        deep = {"config": deep}
    with pytest.raises(SpecError, match="too large"):
        check_trusted(deep, (), 100)


def with_config(run, change, monkeypatch):
    """The run, with another configuration of the model."""
    config = json.loads(json.dumps(run.model_config))
    change(config)
    monkeypatch.setitem(vars(run), "model_config", config)
    return run


def test_a_configuration_of_another_size_costs_nothing(trained, monkeypatch):
    def widen(config):
        layer = next(x for x in config["config"]["layers"] if x["config"]["name"] == "logits")
        layer["config"]["units"] = 2**16

    run = with_config(trained(conv_model, images).run, widen, monkeypatch)
    with pytest.raises(SpecError, match="other weights than were recorded"):
        network_at(run, step=1, engine="keras")


def test_a_refused_configuration_leaves_nothing_in_keras(trained, monkeypatch):
    """Keras gives memory to what waits for it at the end of the next scope of this thread."""
    import keras

    def widen(config):
        layer = next(x for x in config["config"]["layers"] if x["config"]["name"] == "logits")
        layer["config"]["units"] = 7

    waited = []
    monkeypatch.setattr(keras.Variable, "_deferred_initialize", lambda each: waited.append(each))
    run = with_config(trained(conv_model, images).run, widen, monkeypatch)
    with pytest.raises(SpecError, match="other weights than were recorded"):
        network_at(run, step=1, engine="keras")
    with keras.StatelessScope():
        pass
    assert waited == []


def test_a_class_that_keras_does_not_know_is_asked_for(trained, monkeypatch):
    def rename(config):
        layer = next(x for x in config["config"]["layers"] if x["config"]["name"] == "logits")
        layer.update(class_name="Mine", module="mine", registered_name="mine>Mine")

    run = with_config(trained(conv_model, images).run, rename, monkeypatch)
    with pytest.raises(SpecError, match=r"not Keras's own: Mine. Give .* --custom module:Class"):
        network_at(run, step=1, engine="keras")


def custom_model():
    import keras

    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    return keras.Sequential(
        [
            keras.Input((5,), name="row"),
            keras.layers.Dense(4, name="dense"),
            Twice(name="twice"),
            keras.layers.Dense(3, activation="softmax", name="out"),
        ]
    )


def test_a_class_of_the_users_is_given_by_name(trained):
    done = trained(custom_model, rows)
    with pytest.raises(SpecError, match="not Keras's own: Twice"):
        network_at(done.run, step=2)
    twice = type(done.model.layers[1])
    net = network_at(done.run, step=2, custom_objects={"Twice": twice})
    assert net.engine == "keras"
    assert "The class Twice is not repeated" in net.why
    expected = np.asarray(done.keras_at(2)(done.inputs))
    np.testing.assert_allclose(net(done.inputs), expected, atol=1e-6)
    assert net.gradient(done.inputs, 1, wrt="twice").shape == (6, 4)
    model = net.keras_model()
    np.testing.assert_allclose(np.asarray(model(done.inputs)), expected, atol=1e-6)


def numbering_model():
    """A layer of one's own whose inner layers have no names: Keras numbers them, each time anew."""
    import keras

    class Mixing(keras.layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.first = keras.layers.Dense(5, activation="relu")
            self.second = keras.layers.Dense(5)

        def build(self, shape):
            self.first.build(shape)
            self.second.build((None, 5))

        def call(self, x):
            return x + self.second(self.first(x))

    return keras.Sequential(
        [
            keras.Input((5,), name="row"),
            Mixing(name="one"),
            Mixing(name="two"),
            keras.layers.Dense(3, activation="softmax", name="out"),
        ]
    )


def test_layers_that_keras_numbers_anew_are_found_by_their_order(trained):
    done = trained(numbering_model, rows)
    mixing = type(done.model.layers[0])
    net = network_at(done.run, step=1, custom_objects={"Mixing": mixing})
    expected = np.asarray(done.keras_at(1)(done.inputs))
    np.testing.assert_allclose(net(done.inputs), expected, atol=1e-6)
    inner = next(name for name in net.layers if name.startswith("two") and name != "two")
    recorded = done.run.activations(inner).sel(step=1).values
    np.testing.assert_allclose(net.activations(done.inputs, inner)[inner], recorded, atol=1e-6)
    assert net.gradient(done.inputs, 1, wrt=inner).shape == recorded.shape


def normalized_model():
    """Data that were looked at before the training: the layer keeps what follows from that."""
    import keras

    normalization = keras.layers.Normalization(name="scaled")
    normalization.adapt(np.random.default_rng(0).normal(3, 2, size=(64, 5)))
    dense = keras.layers.Dense(3, activation="softmax", name="out")
    return keras.Sequential([keras.Input((5,), name="row"), normalization, dense])


def test_what_was_adapted_before_the_training_is_known_at_every_step(trained):
    done = trained(normalized_model, rows)
    net = network_at(done.run, step=1, engine="keras")
    expected = np.asarray(done.keras_at(1)(done.inputs))
    np.testing.assert_allclose(net(done.inputs), expected, atol=1e-6)
    np.testing.assert_allclose(np.asarray(net.keras_model()(done.inputs)), expected, atol=1e-6)


def test_without_a_configuration_the_reason_is_said(trained, monkeypatch):
    run = trained(conv_model, images).run
    monkeypatch.setitem(vars(run), "model_config", None)
    with pytest.raises(SpecError, match="configuration was not recorded"):
        network_at(run, step=1, engine="keras")

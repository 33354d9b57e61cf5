"""Orders of units, against what the layer is set to give and against gradients by Keras."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.data.unit_orders import unit_orders
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.activation import PAGE, FeatureMaps, UnitHeatmap
from tests.explorer.drawing import drawn_by


def test_units_are_ordered_by_their_magnitude_and_by_its_change(image_data, monkeypatch):
    """Unit 0 is large and still, unit 1 jumps, unit 2 is nothing, of unit 3 nothing is finite."""

    def activations(layer, index, probe=None):
        frame = np.zeros((1, 2, 2, 4), np.float32)
        frame[..., 0] = -9
        frame[..., 1] = (-1) ** index * (index + 1) * 0.5
        frame[..., 3] = np.nan
        return frame

    monkeypatch.setattr(image_data, "activations", activations)
    monkeypatch.setattr(image_data, "derived", lambda _, make: make())
    orders = unit_orders(image_data, "conv1", 0)
    assert orders["activity"] == [0, 1, 2, 3]
    assert orders["change"] == [1, 0, 2, 3]


@pytest.mark.slow
def test_units_are_ordered_by_what_they_contribute_to_the_true_class(tmp_path):
    """Activation x gradient of the logit, by TensorFlow's own gradient, mean over the steps."""
    import keras
    import tensorflow as tf

    from explorer.data.run import RunData
    from recorder import Probe, Recorder, every_n_steps
    from store import open_run

    keras.utils.set_random_seed(1)
    image = keras.Input((4, 4, 1))
    hidden = keras.layers.Conv2D(6, 3, padding="same", activation="relu", name="conv")(image)
    flat = keras.layers.Flatten()(hidden)
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="out")(flat))
    model.compile(keras.optimizers.SGD(0.3), "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(8, 4, 4, 1)).astype(np.float32)
    y = np.arange(8) % 3
    found = []

    class Sums(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):  # noqa: ARG002
            self.note()

        def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002
            self.note()

        def note(self):
            maps = tf.constant(keras.Model(image, hidden)(x[1:2]))
            with tf.GradientTape() as tape:
                tape.watch(maps)
                kernel, bias = model.get_layer("out").weights
                logit = (tf.reshape(maps, (1, -1)) @ kernel.value + bias.value)[0, y[1]]
            products = (maps * tape.gradient(logit, maps)).numpy()
            found.append(np.abs(products.sum(axis=(0, 1, 2))))

    probe = Probe(x[:2], labels=y[:2], class_names=["a", "b", "c"])
    recorder = Recorder(tmp_path / "run.zarr", probe, schedule=every_n_steps(1))
    model.fit(x, y, batch_size=4, epochs=1, verbose=0, callbacks=[recorder, Sums()])
    data = RunData(open_run(tmp_path / "run.zarr"))
    assert len(data.run) == len(found) == 3
    order = unit_orders(data, "conv", 1)["contribution"]
    assert order == np.argsort(-np.mean(found, axis=0), kind="stable").tolist()
    assert "contribution" not in unit_orders(data, "out", 1)  # which has the logits themselves


@pytest.mark.parametrize(("layer", "view"), [("conv1", FeatureMaps()), ("dense", UnitHeatmap())])
def test_only_of_many_units_are_there_orders_and_pages(image_data, monkeypatch, layer, view):
    scene = Scene(image_data, SelectionKey(layer, 0, "step"))
    assert drawn_by(view, scene).orders == {}
    assert "units a page" not in view.caption(scene)
    assert PAGE > 100
    monkeypatch.setattr("explorer.views.layer.activation.PAGE", 2)
    grid = drawn_by(view, scene)
    assert grid.page == 2
    assert {"activity", "change"} <= set(grid.orders)
    units = image_data.units(layer)
    assert all(sorted(order) == [*range(units)] for order in grid.orders.values())
    assert "2 units a page" in view.caption(scene)

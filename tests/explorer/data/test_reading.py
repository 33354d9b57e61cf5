"""The output of recorded trainings, read by their loss and the function that ends the network."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data.examples import examples_of
from explorer.data.layers import ending_function
from explorer.data.run import RunData
from explorer.derived.network.activations import LINEAR, NAMED
from explorer.derived.predictions.reading import (
    NUMBERS,
    YES_OR_NO,
    NoReading,
    OutputReading,
)
from explorer.derived.predictions.verdicts import RIGHT
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.requirements import needs_classifier
from explorer.views.training.curves import Probabilities, names_of
from store import open_run
from store.format.spec import LayerSpec
from store.testing import image_run_spec
from tests.explorer.conftest import with_probe

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).normal(size=(256, 8)).astype(np.float32)
SIDE = (X[:, 0] + X[:, 1] > 0).astype(int)


@pytest.fixture
def trained(tmp_path):
    """Record a short training of a small network on the side of a plane, or other answers."""

    def train(output, loss, answers, epochs=8):
        import keras

        from recorder import Evaluation, Probe, Recorder, at_steps

        keras.utils.set_random_seed(1)
        hidden = keras.layers.Dense(16, activation="relu", name="hidden")
        model = keras.Sequential([keras.Input((8,)), hidden, keras.layers.Dense(**output)])
        model.compile(keras.optimizers.Adam(0.05), loss)
        recorder = Recorder(
            tmp_path / "run.zarr",
            Probe(X[:40], labels=answers[:40]),
            schedule=at_steps([0]),
            evaluation=Evaluation(X, answers),
        )
        model.fit(X, answers, batch_size=32, epochs=epochs, verbose=0, callbacks=[recorder])
        return RunData(open_run(tmp_path / "run.zarr")), model.predict(X, verbose=0)

    return train


def objects():
    """Losses and labels that are read as classes, and how Keras decides on an output."""
    import keras

    logit = keras.losses.BinaryCrossentropy(from_logits=True)
    logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    one_hot = np.eye(2, dtype=np.float32)[SIDE]
    return {
        "logits": ({"units": 2}, logits, SIDE, lambda said: said.argmax(axis=1)),
        "one logit": ({"units": 1}, logit, SIDE, lambda said: said[:, 0] > 0),
        "0 and 1 by squared error": ({"units": 1}, "mse", SIDE, lambda said: said[:, 0] > 0.5),
        "one-hot": (
            {"units": 2, "activation": "softmax"},
            "categorical_crossentropy",
            one_hot,
            lambda said: said.argmax(axis=1),
        ),
    }


@pytest.mark.parametrize("case", ["logits", "one logit", "0 and 1 by squared error", "one-hot"])
def test_the_accuracy_is_the_one_that_was_trained(trained, case):
    output, loss, answers, decide = objects()[case]
    data, said = trained(output, loss, answers)
    right = decide(said) == SIDE
    assert right.mean() > 0.9
    np.testing.assert_array_equal(data.verdicts().marks[-1] == RIGHT, right[:40])
    examples = examples_of(data, "evaluation")
    assert examples.reading == data.reading
    np.testing.assert_array_equal(examples.verdicts().marks[-1] == RIGHT, right)
    assert "assumed" not in data.reading.source


# -- what of a run decides --------------------------------------------------------------------


def with_output(class_name, kind="dense", then=(), **config):
    """The image run with another layer in place of its softmax, and others behind it."""
    spec = image_run_spec()
    *rest, softmax = spec.layers
    changed = dataclasses.replace(softmax, class_name=class_name, kind=kind, config=config)
    last = softmax
    behind = []
    for name, behind_class, behind_kind in then:
        layer = LayerSpec(
            name, behind_class, behind_kind, {"activation": "linear"}, (last.name,),
            softmax.output_dims, softmax.output_shape,
        )  # fmt: skip
        behind.append(layer)
        last = layer
    layers = (*rest, changed, *behind)
    return dataclasses.replace(spec, layers=layers, outputs=(last.name,))


def test_the_function_that_ends_the_network_may_lie_before_layers_that_pass_on(recorded):
    then = [("drop", "Dropout", "regularization"), ("as_float32", "Activation", "activation")]
    run = recorded(with_output("Softmax", "softmax", then), steps=(0,)).run
    assert ending_function(run, run.outputs[0]).gives == "shares"
    run = recorded(with_output("Dense", activation="sigmoid"), steps=(0,)).run
    assert ending_function(run, run.outputs[0]) is NAMED["sigmoid"]
    run = recorded(with_output("Dense"), steps=(0,)).run
    assert ending_function(run, run.outputs[0]) is LINEAR
    run = recorded(with_output("OfMyOwn", "other"), steps=(0,)).run
    assert ending_function(run, run.outputs[0]) is None


def test_the_evaluation_shows_that_labels_of_0_and_1_are_numbers(trained):
    counts = np.clip(np.rint(np.abs(X[:, 0]) * 3), 0, 5)
    order = np.argsort(counts, kind="stable")  # the probe holds zeros and ones alone
    data, _ = trained({"units": 1}, "mse", counts[order], epochs=1)
    assert set(data.run.probe.labels.tolist()) <= {0, 1}
    assert data.answer == NoReading(NUMBERS)


def test_the_recorded_loss_decides(recorded):
    spec = with_probe(with_output("Dense"))
    kinds = {
        loss: recorded(dataclasses.replace(spec, loss=loss), steps=(0,)).reading.kind
        for loss in ("mse", "categorical_crossentropy", None)
    }
    assert kinds == {"mse": "nearest", "categorical_crossentropy": "parts", None: "logits"}


SEVERAL = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0] * 4, [1, 0, 1, 1], [0, 1, 0, 0], [1, 0, 0, 0]])


def test_several_labels_are_no_classes_and_each_has_its_probability(recorded):
    spec = with_probe(with_output("Dense", activation="sigmoid"), labels=SEVERAL)
    data = recorded(dataclasses.replace(spec, loss="binary_crossentropy"), steps=(0, 1))
    assert data.answer == OutputReading("labels", 4)
    assert data.reading is None
    assert data.verdicts() is None
    assert examples_of(data, "probe") is None
    assert YES_OR_NO in needs_classifier(data)
    said = data.activations("softmax", 1)
    np.testing.assert_array_equal(data.probabilities(3)[1], said[3])
    view, scene = Probabilities(), Scene(data, SelectionKey("relu1", 3, "step"), 0)
    assert view.requirement(scene) is None
    assert "several may hold at once" in view.caption(scene)
    assert names_of(scene) == ["ant (true)", "bee", "cat (true)", "dog (true)"]

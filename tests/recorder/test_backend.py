"""The recorder knows no framework: a perceptron in NumPy is recorded where there is no Keras."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import LoopRecorder, Probe, Recorder, estimate, every_n_steps, on_event
from recorder.backend import CanNarrow, HasParts, MeasuresUpdates, backend_of
from recorder.keras.backend import KerasBackend
from recorder.keras.subject import look_at
from store import open_run
from store.errors import LayerNotFoundError, SpecError
from tests.recorder import numpy_training as training
from tests.recorder.networks import conv_model, images, renewed
from tests.recorder.numpy_backend import NumpyBackend, NumpySubject, Perceptron

ROOT = Path(__file__).parents[2]

# Imports of the frameworks fail as where they are not installed.
RECORDING_WITHOUT_FRAMEWORKS = """
import sys

FRAMEWORKS = ("keras", "tensorflow", "torch", "jax")

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FRAMEWORKS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())

import recorder
from tests.recorder import numpy_training as training

done = training.record(sys.argv[1], evaluation=training.evaluation())
assert done.report.fault is None, done.report.fault
assert not set(FRAMEWORKS) & set(sys.modules)
try:
    recorder.Recorder
except ModuleNotFoundError as error:
    print(error)
"""


def history() -> tuple[list[dict[str, np.ndarray]], list[float]]:
    """Train without a recorder: the weights after each update, from step 0 on, and the losses."""
    x, y = training.data()
    net = Perceptron(training.SIZES, training.SEED)
    moments, losses = [{k: v.copy() for k, v in net.weights.items()}], []
    for _ in range(training.UPDATES):
        losses.append(training.update(net.weights, x, y))
        moments.append({k: v.copy() for k, v in net.weights.items()})
    return moments, losses


def test_a_run_of_another_framework_where_there_is_no_keras(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    done = subprocess.run(
        [sys.executable, "-c", RECORDING_WITHOUT_FRAMEWORKS, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "recorder.LoopRecorder" in done.stdout
    run = open_run(path)
    assert list(run.steps) == training.STEPS
    assert run.finished is not None
    assert run.attributes["versions"].keys() == {"python", "numpy", "trainlapse"}
    assert list(run.layers) == ["input", "dense1", "dense2"]
    moments, losses = history()
    np.testing.assert_array_equal(run.metrics["loss"], losses)
    x, _ = training.data()
    for place, step in enumerate(training.STEPS):
        weights = moments[step]
        for name, expected in weights.items():
            recorded = run.weights(*name.split("/")).isel(step=place)
            np.testing.assert_array_equal(recorded, expected)
        hidden = np.tanh(x @ weights["dense1/kernel"] + weights["dense1/bias"])
        answers = hidden @ weights["dense2/kernel"] + weights["dense2/bias"]
        for found, expected in [
            (run.activations("dense1"), hidden[: training.PROBES]),
            (run.activations("dense2"), answers[: training.PROBES]),
            (run.evaluation["prediction"], answers),
        ]:
            np.testing.assert_allclose(found.isel(step=place), expected, rtol=1e-5, atol=1e-6)


def test_the_scope_holds_for_every_backend(tmp_path: Path) -> None:
    assert not issubclass(NumpySubject, CanNarrow)
    whole, part = tmp_path / "whole.zarr", tmp_path / "part.zarr"
    training.record(whole)
    training.record(part, layers="dense1", weights=False, every_unit=2, dtype="float16")
    found, expected = open_run(part), open_run(whole).activations("dense1")
    assert not found.layers["dense1"].weights
    assert not found.layers["dense2"].has_activation
    np.testing.assert_array_equal(
        found.activations("dense1"), expected.isel(unit=slice(None, None, 2)).astype(np.float16)
    )
    with pytest.raises(LayerNotFoundError, match="Did you mean 'dense1'"):
        training.record(tmp_path / "none.zarr", layers="dnse1")


def test_schedules_watch_the_weights_of_every_backend(tmp_path: Path) -> None:
    from recorder import adaptive

    done = training.record(tmp_path / "run.zarr", schedule=adaptive("1 MB") | on_event())
    assert done.report.fault is None
    assert done.report.steps > 2


def test_a_recording_of_every_backend_is_estimated() -> None:
    probe, net = Probe(training.data()[0][:4]), Perceptron(training.SIZES, 0)
    found = estimate(net, probe, every_n_steps(1), steps=9, backend=NumpyBackend())
    assert found.size.weight_bytes == 4 * (6 * 5 + 5 + 5 * 2 + 2)
    assert found.size.activation_bytes == 4 * 4 * (5 + 2)


def test_a_model_that_no_backend_knows_is_refused_with_the_remedy(tmp_path: Path) -> None:
    net, probe = Perceptron((2, 2), 0), Probe(np.zeros((1, 2)))
    for attempt in (
        lambda: LoopRecorder(tmp_path / "run.zarr", probe, model=net),
        lambda: Recorder(tmp_path / "run.zarr", probe, model=net),
        lambda: estimate(net, probe, steps=2),
    ):
        with pytest.raises(TypeError, match=r"a keras\.Model, got Perceptron.*backend=\.\.\."):
            attempt()


def test_the_backend_of_a_model_is_found_by_its_class() -> None:
    import keras

    class Own(keras.Model):
        pass

    assert isinstance(backend_of(Own()), KerasBackend)
    with pytest.raises(TypeError, match=r"a keras\.Model, got Dense"):
        backend_of(keras.layers.Dense(2))


def generator_and_discriminator() -> Any:
    """Build a model of two parts, which only a `train_step` of its own puts together."""
    import keras
    from keras import layers

    class Gan(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="gan")
            self.generator = keras.Sequential([keras.Input((2,)), layers.Dense(5, name="make")])
            self.discriminator = keras.Sequential(
                [keras.Input((5,)), layers.Dense(1, name="judge")]
            )
            self.noise = layers.GaussianNoise(0.1)

    return Gan()


def test_the_parts_of_a_keras_model_are_looked_at_as_models_of_their_own() -> None:
    gan, backend = generator_and_discriminator(), backend_of(generator_and_discriminator())
    assert isinstance(backend, HasParts)
    parts = backend.parts(gan)
    assert parts == {"generator": gan.generator, "discriminator": gan.discriminator}
    assert backend.parts(gan.generator) == {}
    probes = {
        "generator": np.ones((3, 2), np.float32),
        "discriminator": np.ones((4, 5), np.float32),
    }
    expected = {name: np.asarray(part(probes[name])) for name, part in parts.items()}
    taken = {
        name: backend.look_at(part, Probe(probes[name]), ()).take_frames()
        for name, part in parts.items()
    }
    for variable in gan.weights:
        variable.assign(variable * 0)  # the training has gone on
    for name, layer in (("generator", "make"), ("discriminator", "judge")):
        np.testing.assert_allclose(
            taken[name]()[f"layers/{layer}/activation"], expected[name], rtol=1e-6
        )


def test_models_of_every_backend_are_recorded_as_parts_of_one_run(tmp_path: Path) -> None:
    x, _ = training.data()
    nets = {"actor": Perceptron(training.SIZES, 0), "critic": Perceptron(training.SIZES, 1)}
    probes = {"critic": Probe(x[:3]), "actor": Probe(x[:5])}
    path = tmp_path / "run.zarr"
    with LoopRecorder(path, probes, model=nets, backend=NumpyBackend()) as recorder:
        for step in (1, 2):
            for net in nets.values():
                net.weights["dense1/bias"] += 1
            recorder.record(step, loss=0.5)
    run = open_run(path)
    assert list(run.parts) == ["actor", "critic"]
    for name, net in nets.items():
        output = net.outputs(probes[name].inputs["input"])["dense2"]
        found = run.parts[name].activations("dense2").isel(step=-1)
        np.testing.assert_allclose(found, output, rtol=1e-6)
        updates = run.parts[name].updates
        assert updates is not None
        norm = updates["norm"].sel(variable="layers/dense1/weights/bias")
        np.testing.assert_allclose(norm[1:], np.sqrt(5), rtol=1e-6)
    one = LoopRecorder(tmp_path / "one.zarr", Probe(x[:3]), model=nets, backend=NumpyBackend())
    with one:
        one.record(1)
    assert {part.probe.size for part in open_run(tmp_path / "one.zarr").parts.values()} == {3}  # type: ignore[union-attr]
    few = {"actor": Probe(x[:3])}
    lacking = LoopRecorder(tmp_path / "few.zarr", few, model=nets, backend=NumpyBackend())
    with pytest.raises(SpecError, match=r"critic has no probe.*\{\"critic\": Probe"):
        lacking.record(1)
    whole = LoopRecorder(tmp_path / "w.zarr", few, model=nets["actor"], backend=NumpyBackend())
    with pytest.raises(SpecError, match="has a forward pass of its own"):
        whole.record(1)


def test_keras_measures_an_update_and_its_gradient() -> None:
    import keras
    import tensorflow as tf

    model, (x, y) = renewed(conv_model), images()
    subject = look_at(model, Probe(x[:2]))
    assert isinstance(subject, MeasuresUpdates)
    start = [variable.numpy() for variable in model.trainable_variables]
    before = subject.hold_weights()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x)))
    gradients = tape.gradient(loss, model.trainable_variables)
    keras.optimizers.SGD(0.5).apply_gradients(
        zip(gradients, model.trainable_variables, strict=True)
    )
    measure = subject.update_norms(before, gradients)
    without = subject.update_norms(before, [None] * len(gradients))
    end = [variable.numpy() for variable in model.trainable_variables]
    for variable in model.trainable_variables:
        variable.assign(variable * 0)  # the training has gone on
    paths = [array.path for layer in subject.spec.layers for array in layer.array_specs()]
    found: dict[str, Any] = measure()
    assert list(found) == [path for path in paths if "/weights/" in path]
    for norm, a, b, gradient in zip(found.values(), start, end, gradients, strict=True):
        assert norm.update == pytest.approx(np.sqrt(((b - a).astype(float) ** 2).sum()))
        assert norm.gradient == pytest.approx(np.sqrt((gradient.numpy() ** 2).sum()), rel=1e-5)
        assert norm.update == pytest.approx(0.5 * norm.gradient, rel=1e-3)
    assert all(math.isnan(norm.gradient) for norm in without().values())


def test_a_backend_tells_what_is_frozen_when(tmp_path: Path) -> None:
    frozen: list[str] = []

    class Freezing(NumpySubject):
        def not_trained(self) -> list[str]:
            return list(frozen)

    class Backend(NumpyBackend):
        def look_at(self, model: Any, probe: Probe, evaluations: Any) -> NumpySubject:
            return Freezing(model, probe, evaluations)

    x, y = training.data()
    net, path = Perceptron(training.SIZES, 0), tmp_path / "run.zarr"
    kernel = "layers/dense1/weights/kernel"
    with LoopRecorder(
        path, Probe(x[:4]), model=net, backend=Backend(), schedule=every_n_steps(2)
    ) as recorder:
        for step in range(1, 9):
            if step == 5:
                frozen.append(kernel)
            training.update(net.weights, x, y)
            recorder.record(step)
    assert recorder.report.fault is None
    run = open_run(path)
    assert run.settings(5)["not_trained"] == []
    assert run.settings(6)["not_trained"] == [kernel]
    assert run.weights("dense1", "kernel").attrs["trainable"]

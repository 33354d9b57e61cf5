"""Recordings leave out what follows from other layers, and nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import LoopRecorder, Probe, Recorder, every_n_steps
from store import open_run
from store.format.names import BEGINS, CHECKSUMS, activation_path
from store.reading.run import Run
from tests.recorder.networks import conv_model, images

FOLLOWING = ("relu", "pool", "flatten", "dropout")
STEPS = 4


def assigned(model: Any, step: int) -> None:
    """Give a model the weights of a step, without a training."""
    generator = np.random.default_rng(step)
    for variable in model.weights:
        variable.assign(generator.normal(size=variable.shape))


def record(path: Path, model: Any, x: np.ndarray, steps: range, **options: Any) -> Recorder:
    assigned(model, steps[0])
    options = {"schedule": every_n_steps(1), **options}
    with Recorder(path, Probe(x), model=model, **options) as recorder:
        for step in steps[1:]:
            assigned(model, step)
            recorder.record(step)
    assert recorder.report.fault is None
    return recorder


def stored(run: Run) -> set[str]:
    return {path.split("/")[1] for path in run.nodes if path.endswith("/activation")}


def test_what_follows_is_the_same_as_if_it_were_stored(tmp_path: Path) -> None:
    x, model = images(4)[0], conv_model()
    less = record(tmp_path / "less.zarr", model, x, range(STEPS))
    all_ = record(tmp_path / "all.zarr", model, x, range(STEPS), derive=False)
    one, other = open_run(tmp_path / "less.zarr"), open_run(tmp_path / "all.zarr")
    assert stored(one) == stored(other) - set(FOLLOWING)
    assert stored(other) == {"conv", *FOLLOWING, "logits", "softmax"}
    for name, layer in other.layers.items():
        assert not layer.derived_from
        if layer.has_activation:
            np.testing.assert_array_equal(
                one.activations(name), other.activations(name), strict=True
            )
    follows = sum(STEPS * 4 * other.activations(name)[0].size for name in FOLLOWING)
    assert all_.report.nbytes - less.report.nbytes == follows


def test_keras_gives_what_follows(tmp_path: Path) -> None:
    import keras

    x, model = images(4)[0], conv_model()
    record(tmp_path / "run.zarr", model, x, range(STEPS))
    run = open_run(tmp_path / "run.zarr")
    inner = keras.Model(model.inputs[0], [model.get_layer(name).output for name in FOLLOWING])
    for step in range(STEPS):
        assigned(model, step)
        for name, frame in zip(FOLLOWING, inner(x, training=False), strict=True):
            np.testing.assert_allclose(run.activations(name).sel(step=step), frame, atol=1e-5)


def test_from_the_step_on_at_which_a_layer_does_not_follow_it_is_stored(tmp_path: Path) -> None:
    """TensorFlow's max pooling drops NaN, as those of a training that breaks down."""
    x, model = images(4)[0], conv_model()
    assigned(model, 0)
    with Recorder(
        tmp_path / "run.zarr", Probe(x), model=model, schedule=every_n_steps(1), byte_budget="1 MB"
    ) as recorder:
        recorder.record(1)
        kernel = model.get_layer("conv").kernel.numpy()
        model.get_layer("conv").kernel.assign(np.where(np.arange(4) == 1, np.nan, kernel))
        pooled = model.layers[1](model.layers[0](x))
        pooled = model.layers[2](pooled).numpy()
        for step in (2, 3):
            recorder.record(step)
    run = open_run(tmp_path / "run.zarr")
    assert stored(run) == {"conv", "pool", "logits", "softmax"}
    assert run.nodes[activation_path("pool")]["attributes"][BEGINS] == 2
    np.testing.assert_array_equal(run.activations("pool").sel(step=3), pooled)
    np.testing.assert_array_equal(
        run.activations("flatten").sel(step=3), pooled.reshape(len(x), -1)
    )
    assert np.isfinite(run.activations("pool").sel(step=[0, 1])).all()


def test_the_report_and_the_budget_hear_of_what_is_stored_meanwhile(tmp_path: Path) -> None:
    x, model, budget = images(4)[0], conv_model(), 100_000
    assigned(model, 0)
    with Recorder(
        tmp_path / "run.zarr",
        Probe(x),
        model=model,
        schedule=every_n_steps(1),
        layers=["conv", "relu", "pool"],
        weights=False,
        updates=False,
        byte_budget=budget,
    ) as recorder:
        model.get_layer("conv").bias.assign([np.nan, 0, 0, 0])
        for step in range(1, 60):
            recorder.record(step, epoch_end=True)
            recorder._recording.background.flush()
    run, report = open_run(tmp_path / "run.zarr"), recorder.report
    assert BEGINS in run.nodes[activation_path("pool")]["attributes"]
    frames = sum(
        node["shape"][0] * int(np.prod(node["shape"][1:])) * np.dtype(node["data_type"]).itemsize
        for path, node in run.nodes.items()
        if node["node_type"] == "array" and node["dimension_names"][0] == "step"
        if path != CHECKSUMS
    )
    # That a frame does not follow is known when it is written, hence one step late.
    pool = 4 * run.activations("pool")[0].size
    assert frames - 2 * pool <= report.nbytes <= frames
    assert 0.8 * budget < frames < budget


def test_a_layer_whose_source_is_not_wanted_is_stored(tmp_path: Path) -> None:
    x, model = images(4)[0], conv_model()
    record(tmp_path / "run.zarr", model, x, range(2), layers=["relu", "pool", "logits"])
    assert stored(open_run(tmp_path / "run.zarr")) == {"relu", "logits"}


def test_half_floats_follow_where_they_only_are_compared(tmp_path: Path) -> None:
    x, model = images(4)[0], conv_model()
    record(tmp_path / "run.zarr", model, x, range(2), dtype="float16")
    run = open_run(tmp_path / "run.zarr")
    assert stored(run) == {"conv", "logits", "softmax"}
    assert run.activations("pool").dtype == np.float16


def test_sums_of_bfloat16_are_stored(tmp_path: Path) -> None:
    import keras

    layers, policy = keras.layers, "mixed_bfloat16"
    row = keras.Input((5,))
    one, other = (layers.Dense(4, dtype=policy, name=name)(row) for name in ("one", "other"))
    total = layers.Add(dtype=policy, name="sum")([one, other])
    relu = layers.ReLU(dtype=policy, name="relu")(total)
    x = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    record(tmp_path / "run.zarr", keras.Model(row, relu), x, range(3))
    run = open_run(tmp_path / "run.zarr")
    assert stored(run) == {"one", "other", "sum"}
    assert BEGINS not in run.nodes[activation_path("sum")]["attributes"]
    np.testing.assert_array_equal(run.activations("relu"), np.maximum(run.activations("sum"), 0))


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
def test_a_run_goes_on_as_it_was_begun(first: bool, tmp_path: Path) -> None:
    x, model = images(4)[0], conv_model()
    path = tmp_path / "run.zarr"
    record(path, model, x, range(3), derive=first)
    before = stored(open_run(path))
    recorder = record(path, model, x, range(2, 6), derive=not first, resume=2)
    run = open_run(path)
    assert stored(run) == before
    assert run.steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert ("relu" in before) is not first
    np.testing.assert_array_equal(run.activations("relu"), np.maximum(run.activations("conv"), 0))
    step_bytes = sum(
        int(np.prod(node["shape"][1:])) * np.dtype(node["data_type"]).itemsize
        for path, node in run.nodes.items()
        if node["node_type"] == "array" and node["dimension_names"][0] == "step"
        if path != CHECKSUMS
    )
    assert recorder.report.nbytes == recorder.report.steps * step_bytes


def test_any_framework_may_say_what_follows(tmp_path: Path) -> None:
    from dataclasses import replace

    from store.format.derivation import Derivation
    from store.format.operations import Identity
    from tests.recorder.numpy_backend import NumpyBackend, NumpySubject, Perceptron

    class Following(NumpyBackend):
        def look_at(self, *given: Any) -> NumpySubject:
            subject = super().look_at(*given)
            *others, last = subject.spec.layers
            copied = replace(
                last, name="copy", weights=(), derivation=Derivation(Identity(), (last.name,))
            )
            subject.spec = replace(subject.spec, layers=(*others, last, copied))
            take = subject.take_frames

            def frames() -> Any:
                given = take()
                return lambda: {
                    **(found := given()),
                    activation_path("copy"): found[activation_path(last.name)],
                }

            subject.take_frames = frames  # type: ignore[method-assign]
            return subject

    net = Perceptron([5, 4, 3], seed=1)
    x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    with LoopRecorder(tmp_path / "run.zarr", Probe(x), model=net, backend=Following()) as recorder:
        recorder.record(1)
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert stored(run) == {"dense1", "dense2"}
    np.testing.assert_array_equal(run.activations("copy"), run.activations("dense2"))

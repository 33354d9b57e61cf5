"""Predictions of a larger set of examples, step by step."""

from __future__ import annotations

import dataclasses
import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from recorder import Evaluation, LoopRecorder, Probe, Recorder, every_n_steps
from store import open_run
from store.cli import share
from store.errors import RunFormatError, SpecError
from store.format.spec import RunSpec
from store.packed.pack import pack
from store.tools.crop import Cut, crop
from store.tools.estimate import recorded_bytes
from store.tools.info import contents, describe
from tests.recorder import numpy_training as training
from tests.recorder.matrix_models import KINDS, compiled_kind
from tests.recorder.networks import CLASSES, conv_model, images, lstm_model, renewed, sentences
from tests.recorder.numpy_backend import NumpyBackend, Perceptron


def record(path: Path, model: Any, data: Any, evaluation: Evaluation, *callbacks: Any) -> Any:
    x, y = data
    first = {name: part[:2] for name, part in x.items()} if isinstance(x, dict) else x[:2]
    recorder = Recorder(path, Probe(first), evaluation=evaluation, schedule=every_n_steps(1))
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[recorder, *callbacks])
    assert recorder.report.fault is None
    return open_run(path)


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1000, 7])
def test_predictions_are_those_of_keras_at_every_step(batch_size: int, tmp_path: Path) -> None:
    import keras

    x, y = images(25)
    evaluation = Evaluation(x, y, class_names=["a", "b", "c"], batch_size=batch_size)
    model, expected = renewed(conv_model), []
    spy = keras.callbacks.LambdaCallback(
        on_train_begin=lambda _: expected.append(np.asarray(model(x))),
        on_train_batch_end=lambda batch, logs: expected.append(np.asarray(model(x))),  # noqa: ARG005
    )
    run = record(tmp_path / "run.zarr", model, images(), evaluation, spy)
    found = run.evaluation
    assert found["prediction"].dims == ("step", "example", "unit")
    assert found["input"].dims == ("example", "y", "x", "channel")
    np.testing.assert_array_equal(found["input"], x)
    np.testing.assert_array_equal(found["prediction"]["step"], run.steps)
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["label"], y)
    assert found.attrs["class_names"] == ["a", "b", "c"]
    assert not np.array_equal(expected[0], expected[-1])


@pytest.mark.slow
def test_several_outputs_have_a_prediction_each(tmp_path: Path) -> None:
    kind = KINDS["several inputs and outputs"]
    model, data = compiled_kind(kind), kind.data()
    run = record(tmp_path / "run.zarr", model, data, Evaluation(data[0], batch_size=9))
    expected = model.predict(data[0], verbose=0)
    found = run.evaluation
    predictions = [found[name] for name in found if name.startswith("prediction")]
    outputs = {each.attrs["output"]: each for each in predictions}
    assert outputs.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(outputs[name].isel(step=-1), values, rtol=1e-5, atol=1e-6)
    assert "label" not in found
    for name, values in data[0].items():
        np.testing.assert_array_equal(found[f"input.{name}"], values)


def test_training_examples_are_a_set_of_their_own(tmp_path: Path) -> None:
    held_out, train = training.evaluation(), training_set()
    path = tmp_path / "run.zarr"
    assert training.record(path, evaluation=[train, held_out]).report.fault is None
    run = open_run(path)
    assert list(run.evaluations) == ["held_out", "train"]
    assert run.evaluation.equals(run.evaluations["held_out"])
    found = run.evaluations["train"]
    np.testing.assert_array_equal(found["input"], train.examples.inputs["input"])
    np.testing.assert_array_equal(found["label"], train.examples.labels)
    expected = run.evaluation["prediction"].values[:, : len(train)]
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-6)
    assert run.tree["evaluation_train"].sizes["example"] == len(train)
    described = describe(run)["evaluations"]
    assert described[1] == {"role": "train", "count": len(train), "inputs": True}


def training_set(**options: Any) -> Evaluation:
    x, _ = training.data()
    return Evaluation(x[:20], np.arange(20) % 2, role="train", **options)


def test_two_sets_of_one_role_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="one held-out and one training evaluation"):
        training.record(tmp_path / "run.zarr", evaluation=[training.evaluation()] * 2)
    with pytest.raises(TypeError, match="expects an Evaluation, or a list"):
        training.record(tmp_path / "run.zarr", evaluation=training.data())
    with pytest.raises(SpecError, match="expects one of 'held_out', 'train', got 'trian'"):
        Evaluation(np.zeros((3, 2)), role="trian")  # type: ignore[arg-type]


def test_large_inputs_are_left_out_and_it_says_so(caplog: pytest.LogCaptureFixture) -> None:
    x = np.zeros((40, 200), np.float32)
    assert Evaluation(x).keeps_inputs
    assert not Evaluation(x, inputs=False).keeps_inputs
    assert not caplog.records
    assert not Evaluation(x, inputs="31 kB").keeps_inputs
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "take 31.2 KiB, more than 30.3 KiB" in record.getMessage()
    assert Evaluation(x, inputs=32_000).keeps_inputs
    assert not Evaluation(np.zeros((21, 100_000))).keeps_inputs
    with pytest.raises(SpecError, match=r"inputs=\.\.\.\) is 'much', expected bytes"):
        Evaluation(x, inputs="much")


def test_what_is_not_kept_is_not_in_the_run(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    training.record(path, evaluation=training_set(inputs=False))
    run = open_run(path)
    assert run.evaluation is None
    assert set(run.evaluations["train"]) == {"prediction", "label"}
    assert contents(run)["labels"]


def test_a_byte_budget_counts_the_inputs() -> None:
    spec = training_set().to_spec(["dense2"], [((2,), "float32")])
    without = RunSpec("run", ())
    added = dataclasses.replace(without, evaluations=(spec,))
    nbytes = 20 * 6 * 4
    assert recorded_bytes(added, 0) == recorded_bytes(without, 0) + nbytes


def test_a_run_goes_on_with_the_same_examples_only(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    training.record(path, evaluation=training_set())

    def resumed(evaluation: Evaluation) -> LoopRecorder:
        net = Perceptron(training.SIZES, training.SEED)
        probe = Probe(training.data()[0][: training.PROBES])
        options: Any = {"model": net, "backend": NumpyBackend(), "resume": training.UPDATES}
        with LoopRecorder(path, probe, evaluation=evaluation, **options) as recorder:
            recorder.record(training.UPDATES + 1)
        return recorder

    fewer = Evaluation(training.data()[0][:19], role="train")
    for other, said in ((training.evaluation(), "no held-out evaluation"), (fewer, "in x, labels")):
        with pytest.raises(SpecError, match=rf"evaluation=\.\.\.: .*{said}"):
            resumed(other)
    assert resumed(training_set()).report.fault is None
    run = open_run(path)
    assert run.steps[-1] == training.UPDATES + 1
    assert run.evaluations["train"]["input"].shape == (20, 6)
    assert run.evaluations["train"]["prediction"].sizes["step"] == len(run)


@pytest.mark.slow
def test_tokens_are_named_as_those_of_the_probe(tmp_path: Path) -> None:
    x, y = sentences()
    probe = Probe(x[:2], vocabulary=[str(number) for number in range(12)])
    recorder = Recorder(tmp_path / "run.zarr", probe, evaluation=Evaluation(x, y))
    renewed(lstm_model).fit(x, y, verbose=0, callbacks=[recorder])
    found = open_run(tmp_path / "run.zarr").evaluation
    assert found.attrs["kind"] == "text"
    assert found["input"].dims == ("example", "token")


@pytest.mark.parametrize("change", [{"shape": [7, 2]}, {"dimension_names": ["probe", "unit"]}])
def test_examples_that_do_not_belong_together_are_damage(
    change: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "run.zarr"
    training.record(path, evaluation=training_set())
    root = json.loads((path / "zarr.json").read_text())
    root["consolidated_metadata"]["metadata"]["evaluation_train/input"] |= change
    (path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(RunFormatError, match=r"evaluation_train: .*'example'"):
        open_run(path)


def test_a_run_without_an_evaluation_has_none(tmp_path: Path) -> None:
    x, y = images()
    recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]))
    renewed(conv_model).fit(x, y, verbose=0, callbacks=[recorder])
    assert open_run(tmp_path / "run.zarr").evaluation is None


def test_it_survives_packing_and_what_is_private_can_be_cut(tmp_path: Path) -> None:
    x, y = images(25)
    path = tmp_path / "run.zarr"
    evaluation = Evaluation(x, y, class_names=["a", "b", "c"])
    before = record(path, renewed(conv_model), images(), evaluation).evaluation.load()
    pack(path, tmp_path / "packed.zarr")
    after = open_run(tmp_path / "packed.zarr").evaluation
    assert after.equals(before)
    crop(path, tmp_path / "cut.zarr", Cut(drop=["labels", "inputs"]))
    cut = open_run(tmp_path / "cut.zarr").evaluation
    assert "label" not in cut
    assert "input" not in cut
    assert cut.attrs == {
        "class_names": None,
        "fingerprint": "",
        "kind": "image",
        "task": "classes",
    }
    np.testing.assert_array_equal(cut["prediction"], before["prediction"])


def test_memory_is_bounded_by_the_batch() -> None:
    evaluation = Evaluation(np.zeros((10, 3)), batch_size=4)
    assert [part.shape for part in evaluation.batch(8)] == [(4, 3)]
    assert evaluation.batch_size == 4
    assert Evaluation(np.zeros((3, 2)), batch_size=500).batch_size == 3


@pytest.mark.parametrize("wrong", [0, -1, True, 2.5])
def test_a_wrong_batch_size_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"at least 1, got {wrong!r}"):
        Evaluation(np.zeros((3, 2)), batch_size=wrong)


def test_examples_that_do_not_fit_stop_before_the_training(tmp_path: Path) -> None:
    x, y = images()
    evaluation = Evaluation(np.zeros((4, 9, 9, 1)), np.arange(4) % CLASSES)
    recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]), evaluation=evaluation)
    with pytest.raises(SpecError, match=r"expects shape \(any, 8, 8, 1\)"):
        renewed(conv_model).fit(x, y, verbose=0, callbacks=[recorder])


def test_whoever_shares_a_run_reads_that_training_examples_are_in_it(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    training.record(path, evaluation=[training.evaluation(), training_set()])
    said = CliRunner().invoke(share, [str(path), "-o", str(tmp_path / "run.zip")])
    assert "examples, 20 training examples\n" in said.stdout


@pytest.mark.parametrize("role", ["held_out", "train"])
def test_errors_of_an_evaluation_speak_of_it_by_its_arguments(role: Any, tmp_path: Path) -> None:
    x, y = np.zeros((4, 6), np.float32), np.arange(4)
    called = {"held_out": "held-out evaluation", "train": "training evaluation"}[role]
    for given, said in (
        ((x, y[:3]), f"The {called} is inconsistent:\n- lengths differ"),
        ((x, 3), f"The {called} is inconsistent:\n- labels is a single number"),
        (({},), f"The {called} is inconsistent:\n- there is no input"),
        (([[1], [2, 3]],), "Evaluation(x=...) expects an array, or rows of one length"),
        ((x, [[1], [2, 3]]), "Evaluation(labels=...) expects an array, or rows of one length"),
        ((x, np.array([{}] * 4)), "Evaluation(labels=...) holds object; pass class numbers"),
    ):
        with pytest.raises(SpecError, match=re.escape(said)) as caught:
            Evaluation(*given, role=role)
        assert "probe" not in str(caught.value).casefold()
    with pytest.raises(SpecError, match=re.escape("Evaluation(class_names=...) expects a list")):
        Evaluation(x, y, class_names="abcd", role=role)


@pytest.mark.slow
def test_an_evaluation_that_does_not_fit_the_model_is_the_one_that_is_named(
    tmp_path: Path,
) -> None:
    import keras

    class Own(keras.Model):  # type: ignore[misc]
        """It says nothing of its inputs before they run."""

        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    x = np.zeros((4, 6), np.float32)
    stated = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    for model, held_out, said in (
        (
            stated,
            x[:, :5],
            r"The training evaluation does not fit .*the training evaluation has shape \(4, 5\)",
        ),
        (stated, {"a": x, "b": x}, "The training evaluation does not fit .*has no inputs a, b"),
        (Own(), x[:, :5], "The training evaluation cannot be sent through the model"),
    ):
        model.compile("sgd", "mse")
        recorder = Recorder(
            tmp_path / "run.zarr",
            Probe(x),
            evaluation=[Evaluation(x), Evaluation(held_out, role="train")],
        )
        with pytest.raises(SpecError, match=f"(?s){said}") as caught:
            model.fit(x, x[:, :2], verbose=0, callbacks=[recorder])
        assert "probe" not in str(caught.value)
        assert "Evaluation(x=...) in the form" in str(caught.value)

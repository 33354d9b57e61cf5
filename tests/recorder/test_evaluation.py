"""Predictions of a larger set of examples, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Evaluation, Probe, Recorder, every_n_steps
from store import open_run
from store.errors import SpecError
from store.packed.pack import pack
from store.tools.crop import Cut, crop
from tests.recorder.matrix_models import KINDS, compiled_kind
from tests.recorder.networks import CLASSES, conv_model, images, renewed


def record(path: Path, model: Any, data: Any, evaluation: Evaluation, *callbacks: Any) -> Any:
    x, y = data
    first = {name: part[:2] for name, part in x.items()} if isinstance(x, dict) else x[:2]
    recorder = Recorder(path, Probe(first), evaluation=evaluation, schedule=every_n_steps(1))
    model.fit(x, y, batch_size=16, verbose=0, callbacks=[recorder, *callbacks])
    assert recorder.report.fault is None
    return open_run(path)


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
    np.testing.assert_array_equal(found["prediction"]["step"], run.steps)
    np.testing.assert_allclose(found["prediction"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found["label"], y)
    assert found.attrs["class_names"] == ["a", "b", "c"]
    assert not np.array_equal(expected[0], expected[-1])


def test_several_outputs_have_a_prediction_each(tmp_path: Path) -> None:
    kind = KINDS["several inputs and outputs"]
    model, data = compiled_kind(kind), kind.data()
    run = record(tmp_path / "run.zarr", model, data, Evaluation(data[0], batch_size=9))
    expected = model.predict(data[0], verbose=0)
    found = run.evaluation
    outputs = {found[name].attrs["output"]: found[name] for name in found}
    assert outputs.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(outputs[name].isel(step=-1), values, rtol=1e-5, atol=1e-6)
    assert "label" not in found


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
    assert cut.attrs == {"class_names": None, "fingerprint": ""}
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

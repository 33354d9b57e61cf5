"""What a run keeps of the examples that a training learns from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.data.run import RunData
from explorer.data.training_facts import gather_facts
from recorder import LoopRecorder, Probe
from recorder.training_set import described
from store import open_run
from store.errors import ArgumentError
from store.tools.crop import Cut, crop
from store.tools.verify import verify
from tests.recorder import numpy_training as training
from tests.recorder.numpy_backend import NumpyBackend, Perceptron

X = np.random.default_rng(0).normal(3, 2, (200, 6)).astype(np.float32)
Y = np.repeat([0, 1, 2], [150, 40, 10])


def test_inputs_have_range_and_spread_and_labels_are_counted() -> None:
    found = described("training=...", (X, Y))
    assert found["training_examples"] == 200
    assert found["training_labels"] == {"counts": {"0": 150, "1": 40, "2": 10}}
    numbers = found["training_inputs"]["input"]
    assert numbers["low"] == X.min()
    assert numbers["deviation"] == pytest.approx(X.astype(np.float64).std())
    assert numbers["widest"] == pytest.approx(X.astype(np.float64).std(axis=0).max())
    assert numbers["unknown"] == 0


@pytest.mark.parametrize("labels", [np.eye(3)[Y], np.eye(3, dtype=int)[Y], Y[:, None]])
def test_one_hot_labels_and_columns_are_counted_too(labels: np.ndarray) -> None:
    counts = described("training=...", (X, labels))["training_labels"]["counts"]
    assert list(counts.values()) == [150, 40, 10]


def test_numbers_to_be_met_are_no_classes() -> None:
    targets = np.linspace(0, 10, 200)
    numbers = described("training=...", (X, targets))["training_labels"]["numbers"]
    assert (numbers["low"], numbers["high"]) == (0, 10)


def test_what_is_no_number_is_counted() -> None:
    x = X.copy()
    x[0, :3] = np.nan
    assert described("x", (x, Y))["training_inputs"]["input"]["unknown"] == pytest.approx(3 / 1200)
    nothing = np.full((4, 2), np.nan)
    assert described("x", (nothing, None))["training_inputs"]["input"]["unknown"] == 1


def test_the_pair_must_be_one() -> None:
    with pytest.raises(ArgumentError, match=r"as model\.fit takes them"):
        described("training=...", (X, Y[:3]))


def test_a_run_keeps_it_and_a_crop_leaves_it_out(tmp_path: Path) -> None:
    model = Perceptron(training.SIZES, 0)
    given = np.zeros((4, training.SIZES[0]), np.float32)
    path = tmp_path / "run.zarr"
    recorder = LoopRecorder(
        path, Probe(given), model=model, backend=NumpyBackend(), training=(X, Y)
    )
    with recorder:
        recorder.record(1, loss=1.0)
    run = open_run(path)
    assert run.settings()["training_labels"]["counts"]["2"] == 10
    assert verify(run).is_sound
    facts = gather_facts(RunData(run))
    assert facts.label_counts is not None
    assert facts.label_counts.tolist() == [150, 40, 10]
    assert facts.examples == 200
    assert facts.inputs is not None
    assert facts.inputs.of == "training"
    assert facts.inputs.high == X.max()
    crop(path, tmp_path / "less.zarr", Cut(drop=("inputs", "labels")))
    left = open_run(tmp_path / "less.zarr").settings()
    assert "training_labels" not in left
    assert "training_inputs" not in left
    assert left["training_examples"] == 200

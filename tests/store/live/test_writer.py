"""Recording a run: the life of its steps and metrics, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store.errors import (
    RunClosedError,
    RunFormatError,
    SpecError,
    StepOrderError,
)
from store.format.spec import LayerSpec, RunSpec, WeightSpec
from store.live.metrics_table import EpochMeans
from store.live.writer import COMMIT_STEPS, RunWriter
from store.packed.pack import pack
from store.reading.live import check_index
from store.reading.run import open_run
from store.storage.files import MAX_OPEN_FILES
from store.testing import (
    append_steps,
    assert_holds,
    frames_at,
    image_run_spec,
    small_files,
    write_run,
)
from store.tools.verify import verify

SPEC = image_run_spec()


# -- the life of a run -----------------------------------------------------------------------


def test_steps_are_seen_after_the_commit_and_not_before(writer: RunWriter) -> None:
    assert len(open_run(writer.path)) == 0
    append_steps(writer, 0, 3)
    assert len(open_run(writer.path)) == 0
    writer.commit()
    append_steps(writer, 9)
    assert_holds(writer.path, SPEC, [0, 3])
    assert (writer.committed, writer.last_step) == (2, 9)


def test_a_commit_is_due_after_many_steps(
    writer: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.live.writer.COMMIT_SECONDS", math.inf)
    append_steps(writer, *range(COMMIT_STEPS - 1))
    writer.commit_if_due()
    assert writer.committed == 0
    append_steps(writer, COMMIT_STEPS)
    writer.commit_if_due()
    assert writer.committed == COMMIT_STEPS


def test_closing_commits_once_and_says_how_it_ended(writer: RunWriter) -> None:
    append_steps(writer, 0)
    writer.close(finished=False)
    assert open_run(writer.path).finished is None
    writer.close()
    assert open_run(writer.path).finished is None
    with pytest.raises(RunClosedError, match=r"use RunWriter\.resume"):
        writer.append(1, epoch=0, wall_time=0, frames={})
    RunWriter.resume(writer.path, SPEC).close()
    assert open_run(writer.path).finished is not None


def test_a_training_that_raises_leaves_an_unfinished_run(tmp_path: Path) -> None:
    def train() -> None:
        with RunWriter.create(tmp_path / "run.zarr", SPEC) as writer:
            append_steps(writer, 0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    run = open_run(tmp_path / "run.zarr")
    assert (len(run), run.finished) == (1, None)


def test_the_index_points_to_every_frame(tmp_path: Path) -> None:
    with small_files():
        path = write_run(tmp_path / "run.zarr", steps=range(11))
        writer = RunWriter.resume(path, SPEC)
        for array in writer._arrays.values():
            assert check_index(path / array.spec.path, array.placement, 11) == []
        writer.close()


def test_every_data_type_and_odd_value_survives(tmp_path: Path) -> None:
    values = {
        "float16": np.array([np.nan, np.inf, -0.0, 65504], np.float16),
        "float32": np.array([np.nan, -np.inf, 1e-45, 3e38], np.float32),
        "bool": np.array([True, False, True, True]),
        "int8": np.array([-128, 127, 0, 1], np.int8),
        "uint64": np.array([2**64 - 1, 0, 1, 2], np.uint64),
    }
    weights = tuple(WeightSpec(name, ("unit",), (4,), name) for name in values)
    scalar = WeightSpec("count", (), (), "int64")
    spec = RunSpec("types", (LayerSpec("層 1", "X", "other", weights=(*weights, scalar)),))
    frames: dict[str, Any] = {
        f"layers/層 1/weights/{name}": value for name, value in values.items()
    }
    frames["layers/層 1/weights/count"] = 2**62
    with RunWriter.create(tmp_path / "run.zarr", spec) as writer:
        writer.append(0, epoch=0, wall_time=0, frames=frames)
    run = open_run(tmp_path / "run.zarr")
    for path, value in frames.items():
        assert run.read(path, (0,)).tobytes() == np.asarray(value).tobytes()


def test_more_arrays_than_open_files(tmp_path: Path) -> None:
    weights = tuple(
        WeightSpec(f"w{number}", ("unit",), (3,)) for number in range(MAX_OPEN_FILES + 20)
    )
    spec = RunSpec("many", (LayerSpec("layer", "X", "other", weights=weights),))
    with RunWriter.create(tmp_path / "run.zarr", spec) as writer:
        append_steps(writer, 0, 1)
        assert len(writer._files._files) == MAX_OPEN_FILES
    assert_holds(tmp_path / "run.zarr", spec, [0, 1])


def test_a_frame_above_four_mebibytes_lies_in_blocks(tmp_path: Path) -> None:
    weight = WeightSpec("kernel", ("in_unit", "unit"), (1030, 1024))
    spec = RunSpec("large", (LayerSpec("dense", "Dense", "dense", weights=(weight,)),))
    with RunWriter.create(tmp_path / "run.zarr", spec, compression="lz4") as writer:
        append_steps(writer, 0)
        assert writer._arrays["layers/dense/weights/kernel"].placement.blocks == 2
    assert_holds(tmp_path / "run.zarr", spec, [0])


# -- what does not fit -----------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(5, 5), (5, 4), (0, -1)])
def test_steps_must_increase(writer: RunWriter, first: int, second: int) -> None:
    append_steps(writer, first)
    with pytest.raises(StepOrderError, match=f"Step {second}"):
        writer.append(second, epoch=0, wall_time=0, frames=frames_at(SPEC, 0))
    append_steps(writer, 9)
    writer.commit()
    assert_holds(writer.path, SPEC, [first, 9])


def test_a_step_needs_every_frame_and_no_other(writer: RunWriter) -> None:
    frames = frames_at(SPEC, 0)
    frames["layers/nowhere/activation"] = frames.pop("layers/conv1/weights/bias")
    with pytest.raises(
        SpecError, match="missing: layers/conv1/weights/bias; not known: layers/nowhere/activation"
    ):
        writer.append(0, epoch=0, wall_time=0, frames=frames)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros(4, np.float32), r"shape \(4,\), the run was created for \(3,\)"),
        (np.zeros(3, np.complex64), "data type complex64, which does not fit the float32"),
        (np.array(["a", "b", "c"]), "does not fit the float32"),
        (None, "does not fit|shape"),
    ],
)
def test_a_frame_that_does_not_fit_writes_nothing(
    writer: RunWriter, frame: Any, message: str
) -> None:
    frames = frames_at(SPEC, 0) | {"layers/conv1/weights/bias": frame}
    with pytest.raises(SpecError, match=message):
        writer.append(0, epoch=0, wall_time=0, frames=frames)
    append_steps(writer, 0)
    writer.commit()
    assert_holds(writer.path, SPEC, [0])


def test_wider_numbers_are_narrowed_and_too_large_ones_become_infinite(writer: RunWriter) -> None:
    bias = np.array([1, 1e300, -1e300])
    frames = frames_at(SPEC, 0) | {"layers/conv1/weights/bias": bias}
    writer.append(0, epoch=0, wall_time=0, frames=frames)
    writer.commit()
    stored = open_run(writer.path).read("layers/conv1/weights/bias", (0,))
    assert stored.tolist() == [1, np.inf, -np.inf]


# -- metrics ---------------------------------------------------------------------------------


def test_metrics_have_their_own_cadence_and_may_begin_late(writer: RunWriter) -> None:
    writer.append_metrics(1, {"loss": 3.0})
    writer.append_metrics(2, {"loss": 2.0, "val/loss": 2.5})
    writer.append_metrics(2, {"accuracy": 0.5})
    writer.append_metrics(7, {"accuracy": 0.75})
    writer.commit()
    metrics = open_run(writer.path).metrics
    assert metrics["update"].values.tolist() == [1, 2, 7]
    np.testing.assert_array_equal(metrics["loss"].values, [3, 2, np.nan])
    np.testing.assert_array_equal(metrics["val/loss"].values, [np.nan, 2.5, np.nan])
    np.testing.assert_array_equal(metrics["accuracy"].values, [np.nan, 0.5, 0.75])


def test_names_of_metrics_are_exact_even_where_files_cannot_be(writer: RunWriter) -> None:
    names = ["loss", "Loss", "LOSS", "aux", "a/b", "a:b", "update", "step"]
    writer.append_metrics(0, {name: float(number) for number, name in enumerate(names)})
    writer.close()
    resumed = RunWriter.resume(writer.path, SPEC)
    resumed.append_metrics(1, {name: float(number) for number, name in enumerate(names)})
    resumed.close()
    metrics = open_run(writer.path).metrics
    assert metrics["update"].values.tolist() == [0, 1]
    for number, name in enumerate(names):
        found = metrics["metrics/update_2" if name == "update" else name]
        assert found.values.tolist() == [number, number]
    folders = [entry.name.casefold() for entry in (writer.path / "metrics").iterdir()]
    assert len(set(folders)) == len(names) + 2  # with the update axis and the group's document


def test_metrics_that_are_means_over_the_epoch_say_so_and_of_how_many_samples(
    writer: RunWriter,
) -> None:
    means = frozenset({"loss"})
    writer.append_metrics(1, {"loss": 3.0, "auc": 0.5}, means=EpochMeans(means, 64))
    writer.append_metrics(2, {"loss": 2.0, "auc": 0.6}, means=EpochMeans(means, 100))
    writer.append_metrics(2, {"val_loss": 2.5, "epoch_samples": 7.0})  # a metric of a user
    writer.close()
    resumed = RunWriter.resume(writer.path, SPEC)
    resumed.append_metrics(3, {"loss": 1.0}, means=EpochMeans(means, 64))
    resumed.append_metrics(4, {"loss": 1.0})  # as a loop of one's own gives it
    resumed.close()
    packed = pack(writer.path, writer.path.with_name("packed.zarr")).path
    for path in (writer.path, packed):
        metrics = open_run(path).metrics
        assert [str(name) for name, each in metrics.items() if each.attrs] == ["loss"]
        assert metrics["loss"].attrs == {"epoch_mean": True}
        samples = metrics.coords["epoch_samples"]
        np.testing.assert_array_equal(samples.values, [64, 100, 64, np.nan])
        assert "epoch_samples" not in metrics.data_vars
        np.testing.assert_array_equal(
            metrics["metrics/epoch_samples_2"].values, [np.nan, 7, np.nan, np.nan]
        )


def test_a_metric_that_ceases_to_be_a_mean_says_until_which_update_it_was(
    writer: RunWriter,
) -> None:
    both, one = frozenset({"loss", "accuracy"}), frozenset({"loss"})
    writer.append_metrics(1, {"loss": 3.0, "accuracy": 0.5}, means=EpochMeans(both, 64))
    writer.append_metrics(2, {"loss": 3.0, "accuracy": 0.5}, means=EpochMeans(both, 128))
    writer.append_metrics(2, {"learning_rate": 0.1})  # says nothing of means
    writer.commit()
    open_before = open_run(writer.path)
    assert open_before.metrics["accuracy"].attrs == {"epoch_mean": True}
    writer.append_metrics(3, {"loss": 3.0, "accuracy": 0.5}, means=EpochMeans(one, 192))
    writer.append_metrics(4, {"loss": 3.0, "accuracy": 0.5}, means=EpochMeans(both, 256))
    writer.commit()
    assert open_before.refresh()
    assert open_before.metrics["accuracy"].attrs["epoch_mean_until"] == 2
    writer.close()
    resumed = RunWriter.resume(writer.path, SPEC)
    resumed.append_metrics(5, {"loss": 3.0, "accuracy": 0.5}, means=EpochMeans(frozenset(), 64))
    resumed.close()
    packed = pack(writer.path, writer.path.with_name("packed.zarr")).path
    for path in (writer.path, packed):
        found = {name: each.attrs for name, each in open_run(path).metrics.items()}
        assert found == {
            "loss": {"epoch_mean": True, "epoch_mean_until": 4},
            "accuracy": {"epoch_mean": True, "epoch_mean_until": 2},
            "learning_rate": {},
        }
        assert verify(open_run(path)).is_sound
    own = json.loads((writer.path / "metrics" / "loss" / "zarr.json").read_text())
    assert own["attributes"]["epoch_mean_until"] == 4, "also for readers of the array alone"


def test_a_run_that_says_so_in_another_way_is_refused(writer: RunWriter) -> None:
    writer.append_metrics(1, {"loss": 3.0}, means=EpochMeans(frozenset({"loss"}), 64))
    writer.close()
    root = writer.path / "zarr.json"
    broken = json.loads(root.read_text())
    nodes = broken["consolidated_metadata"]["metadata"]
    nodes["metrics/loss"]["attributes"]["epoch_mean_until"] = "later"
    root.write_text(json.dumps(broken))
    with pytest.raises(RunFormatError, match="epoch_mean_until is not an update"):
        open_run(writer.path)


def test_a_metric_that_is_no_mean_in_its_first_row_is_none_later(writer: RunWriter) -> None:
    writer.append_metrics(1, {"accuracy": 0.5}, means=EpochMeans(frozenset(), 64))
    writer.append_metrics(2, {"accuracy": 0.5}, means=EpochMeans(frozenset({"accuracy"}), 64))
    writer.close()
    assert open_run(writer.path).metrics["accuracy"].attrs == {}


def test_metrics_must_be_numbers_in_order(writer: RunWriter) -> None:
    writer.append_metrics(5, {"loss": 1})
    with pytest.raises(StepOrderError, match="update 4 cannot follow those of 5"):
        writer.append_metrics(4, {"loss": 1})
    with pytest.raises(SpecError, match="Metric 'loss' is 'high', expected a number"):
        writer.append_metrics(6, {"loss": "high"})  # type: ignore[dict-item]
    writer.append_metrics(6, {"loss": np.float32(2)})  # type: ignore[dict-item]
    writer.commit()
    assert open_run(writer.path).metrics["loss"].values.tolist() == [1, 2]

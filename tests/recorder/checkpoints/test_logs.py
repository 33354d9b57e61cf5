"""Metrics of an imported training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recorder.checkpoints.logs import read_csv_log, read_event_files
from store.errors import CheckpointError


def write_events(folder: Path, scalars: list[tuple[int, str, Any]], *, torn: bool = False) -> None:
    """Write scalars as ``keras.callbacks.TensorBoard`` does, which needs TensorBoard for it."""
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "events.out.tfevents.1700000000.host.1.0.v2"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(tf.compat.v1.Event(file_version="brain.Event:2").SerializeToString())
        for step, tag, value in scalars:
            event = tf.compat.v1.Event(step=step, wall_time=1.7e9 + step)
            if isinstance(value, float):
                event.summary.value.add(tag=tag, tensor=tf.make_tensor_proto(value))
            elif isinstance(value, int):  # older writers
                event.summary.value.add(tag=tag, simple_value=value)
            else:
                event.summary.value.add(tag=tag, tensor=tf.make_tensor_proto(value))
            writer.write(event.SerializeToString())
    if torn:
        path.write_bytes(path.read_bytes()[:-3])


def test_csv_of_keras(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n0,1.5,NA\nepoch,loss,val_loss\n1,0.5,0.75\n")
    assert read_csv_log(path, 10) == {10: {"loss": 1.5}, 20: {"loss": 0.5, "val_loss": 0.75}}
    with pytest.raises(CheckpointError, match="--steps-per-epoch"):
        read_csv_log(path, None)


def test_csv_with_steps_and_other_separators(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step;epoch;loss\n3;0;1.5\n6;0;1.25\n6;0;1\n9;0")
    assert read_csv_log(path, None) == {3: {"loss": 1.5}, 6: {"loss": 1.0}}
    path.write_text("loss\n1\n")
    with pytest.raises(CheckpointError, match="no column 'epoch' or 'step'"):
        read_csv_log(path, None)


def test_event_files_of_keras(tmp_path: Path) -> None:
    write_events(
        tmp_path / "train",
        [
            (1, "batch_loss", 2.0),
            (10, "batch_loss", 1.0),
            (0, "epoch_loss", 1.5),
            (0, "epoch_learning_rate", 0.25),
            (0, "keras", b"{}"),
            (0, "histogram", [[1.0, 2.0]]),
        ],
    )
    write_events(
        tmp_path / "validation",
        [(0, "epoch_loss", 0.5), (10, "evaluation_loss_vs_iterations", 0.5)],
    )
    assert read_event_files(tmp_path, 10) == {
        1: {"loss": 2.0},
        10: {"loss": 1.5, "learning_rate": 0.25, "val_loss": 0.5},
    }
    with pytest.raises(CheckpointError, match="--steps-per-epoch"):
        read_event_files(tmp_path, None)


def test_event_files_of_others_and_of_a_training_that_was_killed(tmp_path: Path) -> None:
    write_events(tmp_path, [(5, "Loss/train", 2), (7, "Loss/train", 1.5), (9, "x", 1.0)], torn=True)
    assert read_event_files(tmp_path, None) == {5: {"Loss/train": 2.0}, 7: {"Loss/train": 1.5}}


def test_no_event_files(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no event files"):
        read_event_files(tmp_path, 1)


# -- files of strangers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"step,loss\n\xff\xfe,1\n", "as a table"),
        (b"step,loss\n" + b"1" * 200_000 + b",1\n", "as a table"),
        (b"step,loss\ninf,1\n", "update inf, which no training has"),
        (b"step,loss\n-3,1\n", "update -3, which"),
        (b"step,loss\n1e300,1\n", r"update 1e\+300, which"),
        (b"epoch,loss\n1e308,1\n", "update inf, which"),
        (b"epoch,loss\n-inf,1\n", "update -inf, which"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=said):
        read_csv_log(path, 100)


def write_records(folder: Path, *contents: bytes) -> Path:
    import tensorflow as tf

    path = folder / "events.out.tfevents.1"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for content in contents:
            writer.write(content)
    return path


@pytest.mark.parametrize("claimed", [10**12, 2**63, 2**64 - 1])
def test_a_record_that_is_not_there(tmp_path: Path, claimed: int) -> None:
    """TensorFlow, asked for it, may end the process."""
    path = write_records(tmp_path, b"")
    path.write_bytes(path.read_bytes() + claimed.to_bytes(8, "little") + bytes(100))
    with pytest.raises(CheckpointError, match=r"claims [\d,]+ bytes, and has 124"):
        read_event_files(tmp_path, None)


def test_records_that_are_no_events(tmp_path: Path) -> None:
    write_records(tmp_path, b"\xff" * 20)
    with pytest.raises(CheckpointError, match="cannot be read as an event file"):
        read_event_files(tmp_path, None)


def test_a_tensor_that_is_not_there(tmp_path: Path) -> None:
    """NumPy, asked for it, would repeat its one value."""
    import tensorflow as tf

    event = tf.compat.v1.Event(step=1)
    value = event.summary.value.add(tag="loss", tensor=tf.make_tensor_proto(1.0))
    value.tensor.tensor_shape.dim.add(size=10**12)
    value = event.summary.value.add(tag="accuracy", tensor=tf.make_tensor_proto(0.5))
    write_records(tmp_path, event.SerializeToString())
    assert read_event_files(tmp_path, None) == {1: {"accuracy": 0.5}}


@pytest.mark.parametrize("step", [-1, 2**62])
def test_events_of_steps_that_are_none(tmp_path: Path, step: int) -> None:
    write_events(tmp_path, [(step, "loss", 1.0)])
    with pytest.raises(CheckpointError, match="which no training has"):
        read_event_files(tmp_path, None)

"""Metrics of a training that was not recorded: a CSVLogger file, or TensorBoard's event files."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from store.errors import CheckpointError

# Metrics by name, by optimizer updates done.
Rows = dict[int, dict[str, float]]

_STEP_COLUMNS = ("step", "update", "iteration")
# More than any training makes, and a whole number in every format.
_MOST_UPDATES = 2**53
# The rest of a record that was cut off while it was written is no larger.
_MOST_RECORD_BYTES = 64 * 1024**2


def read_metrics(
    csv_log: str | Path | None, event_files: str | Path | None, steps_per_epoch: float | None
) -> Rows:
    """Read metrics from a CSV log, from event files, or from both; see the readers of each."""
    rows: Rows = {} if csv_log is None else read_csv_log(csv_log, steps_per_epoch)
    if event_files is not None:
        for update, values in read_event_files(event_files, steps_per_epoch).items():
            _merge(rows, update, values)
    return rows


def read_csv_log(path: str | Path, steps_per_epoch: float | None) -> Rows:
    """Read what ``keras.callbacks.CSVLogger`` wrote, or any table with a column of steps.

    Parameters
    ----------
    path : str or Path
        The file.
    steps_per_epoch : float or None
        Optimizer updates in an epoch; needed when the rows count epochs.

    Raises
    ------
    CheckpointError
        There is no column of steps or epochs, or `steps_per_epoch` is needed; or it is no table.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            header = file.readline()
            separator = max(",;\t", key=header.count)
            names = [name.strip() for name in header.strip().split(separator)]
            table = [row for row in csv.reader(file, delimiter=separator) if len(row) == len(names)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CheckpointError(f"{path} cannot be read as a table: {error}") from error
    clock = next((name for name in (*_STEP_COLUMNS, "epoch") if name in names), None)
    if clock is None:
        raise CheckpointError(f"{path} has no column 'epoch' or 'step', but {names}.")
    rows: Rows = {}
    for cells in table:
        values = {name: _number(cell) for name, cell in zip(names, cells, strict=True)}
        time = values.pop(clock)
        values.pop("epoch", None)
        if math.isnan(time):  # a header in the middle: the log was continued
            continue
        # CSVLogger counts epochs from 0 and writes when one is done.
        is_epoch = clock == "epoch"
        update = _updates(time + 1, steps_per_epoch, path) if is_epoch else _whole(time, path)
        _merge(rows, update, values)
    return rows


def read_event_files(folder: str | Path, steps_per_epoch: float | None) -> Rows:
    """Read the scalars of TensorBoard's event files; TensorBoard itself is not needed.

    What ``keras.callbacks.TensorBoard`` wrote gets the names that Keras logs; other scalars keep
    theirs, and their steps are taken for optimizer updates.

    Parameters
    ----------
    folder : str or Path
        The folder of the logs, with ``train`` and ``validation`` below it.
    steps_per_epoch : float or None
        Optimizer updates in an epoch; needed for metrics of whole epochs.

    Raises
    ------
    CheckpointError
        There is no event file, one is damaged, or `steps_per_epoch` is needed.
    """
    files = sorted(Path(folder).rglob("*tfevents*"))
    if not files:
        raise CheckpointError(f"There are no event files (*tfevents*) below {folder}.")
    batches: Rows = {}
    epochs: Rows = {}
    for file in files:
        prefix = "val_" if file.parent.name == "validation" else ""
        for step, tag, value in _scalars(file):
            if tag.startswith("epoch_"):
                update = _updates(step + 1, steps_per_epoch, folder)
                _merge(epochs, update, {prefix + tag.removeprefix("epoch_"): value})
            elif tag.startswith("evaluation_") and tag.endswith("_vs_iterations"):
                name = tag.removeprefix("evaluation_").removesuffix("_vs_iterations")
                _merge(batches, _whole(step, file), {f"val_{name}": value})
            else:
                _merge(batches, _whole(step, file), {prefix + tag.removeprefix("batch_"): value})
    for update, values in epochs.items():  # they replace those of the epoch's last batch
        _merge(batches, update, values)
    return batches


def _scalars(path: Path) -> Iterator[tuple[int, str, float]]:
    """Read (step, tag, value) from an event file, up to where it was cut off if it was."""
    import tensorflow as tf

    _check_records(path)
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                number = _scalar(value)
                if number is not None:
                    yield event.step, value.tag, number
    except tf.errors.DataLossError:
        return  # the training was killed while it wrote
    except Exception as error:  # protobuf and TensorFlow raise whatever damage leads them to
        raise CheckpointError(f"{path} cannot be read as an event file: {error}") from error


def _check_records(path: Path) -> None:
    """Hold the lengths of records against the file: TensorFlow reserves what they claim."""
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        while len(head := file.read(8)) == 8:
            # A record is a length, its checksum, the content and its checksum.
            after = file.tell() + 4 + int.from_bytes(head, "little") + 4
            if after > end + _MOST_RECORD_BYTES:
                raise CheckpointError(f"{path} claims {after:,} bytes, and has {end:,}.")
            file.seek(after)


def _scalar(value: Any) -> float | None:
    import tensorflow as tf

    if value.WhichOneof("value") == "simple_value":
        return float(value.simple_value)
    if value.WhichOneof("value") != "tensor":
        return None
    if value.tensor.tensor_shape.dim:  # it may claim any size
        return None
    numeric = tf.as_dtype(value.tensor.dtype)
    if not (numeric.is_floating or numeric.is_integer):
        return None
    return float(tf.make_ndarray(value.tensor))


def _merge(rows: Rows, update: int, values: dict[str, float]) -> None:
    known = {name: value for name, value in values.items() if not math.isnan(value)}
    rows.setdefault(update, {}).update(known)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:  # CSVLogger writes NA where there is nothing
        return math.nan


def _updates(epochs: float, steps_per_epoch: float | None, source: str | Path) -> int:
    if steps_per_epoch is None:
        raise CheckpointError(
            f"{source} counts epochs. Pass --steps-per-epoch N, the optimizer updates in one."
        )
    return _whole(epochs * steps_per_epoch, source)


def _whole(updates: float, source: str | Path) -> int:
    if not 0 <= updates < _MOST_UPDATES:
        raise CheckpointError(f"{source} has metrics of update {updates:g}, which no training has.")
    return round(updates)

"""Whose directory it is, and going on with a run that ended or was killed."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from store.errors import (
    RunExistsError,
    RunFormatError,
    RunLockedError,
    RunNotFoundError,
    SpecError,
)
from store.format.spec import RunSpec, WeightSpec
from store.live.writer import RunWriter
from store.reading.run import open_run
from store.storage.run_lock import LOCK_NAME
from store.testing import append_steps, assert_holds, image_run_spec, small_files, write_run
from store.tools.info import describe, render

SPEC = image_run_spec()


# -- whose directory -------------------------------------------------------------------------


def test_a_run_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr")
    with pytest.raises(RunExistsError, match="overwrite=True"):
        RunWriter.create(path, SPEC)
    RunWriter.create(path, SPEC, overwrite=True).close()
    assert len(open_run(path)) == 0


def test_overwriting_removes_the_old_run_and_nothing_foreign(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "c.0").write_text("mine")
    foreign = [path / "notes.txt", path / "layers" / "conv1" / "sketch.png", path / "model.keras"]
    for file in foreign:
        file.write_text("mine")
    (path / "history").symlink_to(elsewhere)
    RunWriter.create(path, RunSpec("other", ()), overwrite=True).close()
    assert all(file.read_text() == "mine" for file in (*foreign, elsewhere / "c.0"))
    left = {entry for entry in path.rglob("*") if entry.is_file()} - set(foreign)
    names = {str(file.relative_to(path)) for file in left}
    assert names == {
        "zarr.json", "step/zarr.json", "epoch/zarr.json", "wall_time/zarr.json",
        "layers/zarr.json", "frame_checksum/zarr.json",
    }  # fmt: skip


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_something_else_is_never_touched(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    (tmp_path / "model").mkdir()
    with pytest.raises(RunExistsError, match="nothing was touched"):
        RunWriter.create(tmp_path, SPEC, overwrite=overwrite)
    with pytest.raises(RunExistsError, match="is a file"):
        RunWriter.create(tmp_path / "thesis.tex", SPEC, overwrite=overwrite)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model", "thesis.tex"]


def test_what_a_recording_left_that_died_at_birth_is_replaced(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr")
    (path / "zarr.json").rename(path / "zarr.json.tmp")
    (path / LOCK_NAME).touch()
    RunWriter.create(path, SPEC).close()
    assert len(open_run(path)) == 0


def test_a_second_writer_is_refused(writer: RunWriter) -> None:
    append_steps(writer, 0)
    writer.commit()
    with pytest.raises(RunLockedError, match="This process is recording"):
        RunWriter.resume(writer.path, SPEC)
    with pytest.raises(RunLockedError, match="This process is recording"):
        RunWriter.create(writer.path, SPEC, overwrite=True)
    assert_holds(writer.path, SPEC, [0])


def test_the_lock_leaves_no_file_when_a_recording_ends(writer: RunWriter) -> None:
    assert (writer.path / LOCK_NAME).exists()
    writer.close()
    assert not (writer.path / LOCK_NAME).exists()
    RunWriter.resume(writer.path, SPEC).close()
    assert not (writer.path / LOCK_NAME).exists()


def test_a_stranger_at_the_old_path_is_not_damaged(writer: RunWriter) -> None:
    append_steps(writer, 0)
    writer.commit()
    shutil.rmtree(writer.path)
    with small_files():
        write_run(writer.path, steps=[7])
    append_steps(writer, 1)
    with pytest.raises(RunNotFoundError, match="removed or replaced while it was being recorded"):
        writer.commit()
    assert_holds(writer.path, SPEC, [7])


def test_a_vanished_directory_is_reported(writer: RunWriter) -> None:
    append_steps(writer, 0)
    shutil.rmtree(writer.path)
    append_steps(writer, 1)  # into files that no longer have a name
    with pytest.raises(OSError, match="removed or replaced"):
        writer.close()
    assert not writer.path.exists()


# -- resuming --------------------------------------------------------------------------------


def test_resuming_drops_what_was_not_committed(writer: RunWriter) -> None:
    append_steps(writer, 0, 1, 2)
    writer.append_metrics(2, {"loss": 1.0})
    writer.commit()
    append_steps(writer, 3, 4, 5, 6, 7, 8)
    writer.append_metrics(8, {"loss": 2.0, "late": 1.0})
    writer.abandon()
    with RunWriter.resume(writer.path, SPEC) as resumed:
        assert (resumed.last_step, resumed.committed) == (2, 3)
        append_steps(resumed, 30)
        resumed.append_metrics(3, {"loss": 3.0})
    assert_holds(writer.path, SPEC, [0, 1, 2, 30])
    metrics = open_run(writer.path).metrics
    assert metrics["loss"].values.tolist() == [1, 3]
    assert set(metrics) == {"loss"}


@pytest.mark.parametrize(("after", "kept"), [(-1, []), (0, [0]), (6, [0, 5]), (99, [0, 5, 10])])
def test_resuming_from_an_earlier_checkpoint(
    writer: RunWriter, after: int, kept: list[int]
) -> None:
    append_steps(writer, 0, 5, 10)
    for update in range(11):
        writer.append_metrics(update, {"loss": float(update)})
    writer.close()
    with RunWriter.resume(writer.path, SPEC, after_step=after) as resumed:
        assert_holds(writer.path, SPEC, kept)
        append_steps(resumed, 100)
    assert_holds(writer.path, SPEC, [*kept, 100])
    updates = open_run(writer.path).metrics["update"].values.tolist()
    assert updates == list(range(min(after, 10) + 1))


def test_resuming_keeps_identity_and_notes_when(writer: RunWriter) -> None:
    before = open_run(writer.path)
    writer.close()
    RunWriter.resume(writer.path, SPEC).close()
    after = open_run(writer.path)
    assert (after.id, after.created) == (before.id, before.created)
    assert (len(before.attributes["resumed"]), len(after.attributes["resumed"])) == (0, 1)
    assert after.probe is not None
    assert after.probe.fingerprint() == SPEC.probe.fingerprint()  # type: ignore[union-attr]


def other(**changes: Any) -> RunSpec:
    layers = list(SPEC.layers)
    layers[1] = dataclasses.replace(layers[1], **changes)
    return dataclasses.replace(SPEC, layers=tuple(layers))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (image_run_spec(units=5), "layers/conv1/weights/bias' holds .*3.*, the model now gives"),
        (other(weights=()), "the model no longer has 'layers/conv1/weights/kernel'"),
        (other(weights=(*SPEC.layers[1].weights, WeightSpec("new", (), ()))), "no array .*/new"),
        (other(output_dtype="float16"), "float32.*the model now gives .*float16"),
        (dataclasses.replace(SPEC, probe=None), "its probe inputs are others"),
    ],
)
def test_another_model_cannot_resume(tmp_path: Path, spec: RunSpec, message: str) -> None:
    path = write_run(tmp_path / "run.zarr")
    content = (path / "zarr.json").read_bytes()
    with pytest.raises(SpecError, match=f"(?s)cannot be resumed.*{message}"):
        RunWriter.resume(path, spec)
    assert (path / "zarr.json").read_bytes() == content
    RunWriter.resume(path, SPEC).close()  # and the lock is free


def test_only_the_live_form_is_resumed(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr")
    root = json.loads((path / "zarr.json").read_bytes())
    root["attributes"]["trainlapse"]["form"] = "packed"
    (path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(SpecError, match="in its packed form and cannot be resumed"):
        RunWriter.resume(path, SPEC)


@pytest.mark.parametrize("how", ["missing", "cut short"])
def test_a_run_with_a_hole_is_not_resumed(tmp_path: Path, how: str) -> None:
    path = write_run(tmp_path / "run.zarr")
    chunk = path / "layers/conv1/activation/c.0.0.0.0.0"
    chunk.unlink() if how == "missing" else os.truncate(chunk, 5000)
    with pytest.raises(RunFormatError, match=f"{how}: the run is damaged"):
        RunWriter.resume(path, SPEC)


def test_resuming_nothing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError):
        RunWriter.resume(tmp_path, SPEC)
    assert list(tmp_path.iterdir()) == []


def test_jumps_of_the_weights_are_kept_up_to_the_step_that_a_training_goes_back_to(
    writer: RunWriter,
) -> None:
    append_steps(writer, 0, 1, 2, 3)
    for step in (2, 2, 4):
        writer.note_weight_jump(step)
    writer.close(finished=False)
    assert open_run(writer.path).weight_jumps == (2, 4)
    assert "weights   set, not updated, before steps 2, 4" in render(
        describe(open_run(writer.path))
    )
    RunWriter.resume(writer.path, SPEC, after_step=2).close()
    assert open_run(writer.path).weight_jumps == (2,)


@pytest.mark.parametrize("jumps", ["2", [-1], [1.5], {"2": 1}])
def test_jumps_that_are_no_steps_are_damage(jumps: Any, tmp_path: Path) -> None:
    root = write_run(tmp_path / "run.zarr") / "zarr.json"
    document = json.loads(root.read_text())
    document["attributes"]["trainlapse"]["weight_jumps"] = jumps
    root.write_text(json.dumps(document))
    with pytest.raises(RunFormatError, match="weight_jumps is not a list of steps"):
        open_run(tmp_path / "run.zarr")

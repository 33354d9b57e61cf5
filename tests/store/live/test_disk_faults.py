"""What a failing disk does to a recording, and what survives a power failure."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import store.live.array
import store.storage.atomic
import store.storage.files
from store.errors import RunClosedError
from store.format.spec import LayerSpec, RunSpec, WeightSpec
from store.live.writer import RunWriter
from store.reading.run import open_run
from store.testing import append_steps, assert_holds, image_run_spec, write_run

SPEC = image_run_spec()


# -- disks that fail -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("number", range(0, 30, 3))
def test_a_full_disk_reaches_the_caller_and_the_step_can_be_appended_again(
    writer: RunWriter, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    append_steps(writer, *range(8))
    writer.commit()
    real, calls = store.storage.files.write_all, iter(range(10**6))

    def full(file: Any, content: Any, offset: int) -> None:
        if next(calls) == number:
            real(file, bytes(content)[:3], offset)  # a disk fills up in the middle
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file, content, offset)

    def go_on() -> None:
        append_steps(writer, 8)
        writer.append_metrics(8, {"loss": 1.0})
        writer.append_metrics(9, {"loss": 1.0})

    monkeypatch.setattr(store.live.array, "write_all", full)
    with pytest.raises(OSError, match="No space left"):
        go_on()
    assert_holds(writer.path, SPEC, list(range(8)))
    append_steps(writer, *range((writer.last_step or 0) + 1, 12))
    writer.append_metrics(10, {"loss": 2.0})
    writer.close()
    assert_holds(writer.path, SPEC, list(range(12)))
    assert open_run(writer.path).metrics["loss"].values[-1] == 2.0


def test_a_commit_that_fails_leaves_the_old_one(
    writer: RunWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_steps(writer, 0)
    writer.commit()
    append_steps(writer, 1)

    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            writer.commit()
    assert_holds(writer.path, SPEC, [0])
    assert not list(writer.path.glob(".zarr.json*"))
    writer.close()
    assert_holds(writer.path, SPEC, [0, 1])


def test_a_limit_of_the_system_is_like_a_full_disk(tmp_path: Path) -> None:
    """No patch: the kernel itself refuses to let files grow."""
    resource = pytest.importorskip("resource", reason="Windows has no such limits")
    weight = WeightSpec("kernel", ("unit",), (3000,))
    spec = RunSpec("large", (LayerSpec("dense", "Dense", "dense", weights=(weight,)),))
    writer = RunWriter.create(tmp_path / "run.zarr", spec)
    append_steps(writer, 0, 1)
    writer.commit()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            append_steps(writer, 2, 3)
        writer.commit()
        assert_holds(writer.path, spec, [0, 1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    append_steps(writer, 2, 3)
    writer.close()
    assert_holds(writer.path, spec, [0, 1, 2, 3])


def test_nothing_is_left_open_or_locked_when_creation_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space left"):
            RunWriter.create(tmp_path / "run.zarr", SPEC)
    RunWriter.create(tmp_path / "run.zarr", SPEC).close()


# -- durability ------------------------------------------------------------------------------


def patch_sync(patch: pytest.MonkeyPatch, sync: Callable[[Any], None]) -> None:
    for module in (store.storage.atomic, store.storage.files):
        patch.setattr(module, "sync_file", sync)


def test_power_durability_syncs_data_before_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, str]] = []
    sync_file, write = store.storage.files.sync_file, store.storage.files.write_all
    replace = Path.replace

    def noted_sync(file: Any) -> None:
        events.append(("sync", str(file.name)))
        sync_file(file)

    def noted_replace(source: Path, target: Path) -> Path:
        events.append(("replace", str(target)))
        return replace(source, target)

    def noted_write(file: Any, content: Any, offset: int) -> None:
        events.append(("write", str(file.name)))
        write(file, content, offset)

    patch_sync(monkeypatch, noted_sync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    monkeypatch.setattr(store.live.array, "write_all", noted_write)
    path = tmp_path / "run.zarr"
    with RunWriter.create(path, SPEC, durability="power") as writer:
        for step in range(3):
            events.clear()
            append_steps(writer, step)
            writer.append_metrics(step, {"loss": 0.0})
            writer.commit()
            commit = events.index(("replace", str(path / "zarr.json")))
            written = {name for what, name in events[:commit] if what == "write"}
            assert len(written) > 10
            for name in written:
                last = max(n for n, event in enumerate(events) if event == ("write", name))
                assert ("sync", name) in events[last:commit]
            synced = [name for what, name in events[:commit] if what == "sync"]
            assert any(name.startswith(str(path / ".zarr.json.tmp-")) for name in synced)


def test_process_durability_never_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: Any) -> None:
        raise AssertionError(f"{file.name} was synced")

    patch_sync(monkeypatch, refuse)
    write_run(tmp_path / "run.zarr")


def test_after_a_failed_sync_only_what_was_committed_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system drops what it could not store, and a second sync would report success."""
    path = tmp_path / "run.zarr"
    writer = RunWriter.create(path, SPEC, durability="power")
    append_steps(writer, 0)
    writer.commit()
    append_steps(writer, 1)

    def broken(file: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch_sync(patch, broken)
        with pytest.raises(OSError, match="Input/output error"):
            writer.commit()
    for act in (writer.commit, lambda: append_steps(writer, 2)):
        with pytest.raises(RunClosedError, match="failed to store"):
            act()
    writer.close()
    assert_holds(path, SPEC, [0])
    with RunWriter.resume(path, SPEC) as resumed:
        append_steps(resumed, 1)
    assert_holds(path, SPEC, [0, 1])

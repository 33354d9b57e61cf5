"""The lock of a run: one writer, and no harm to what lies elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from store.errors import RunFormatError, RunLockedError
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.storage.run_lock import LOCK_NAME, RunLock, is_being_written
from store.testing import image_run_spec, write_run

posix = pytest.mark.skipif(os.name == "nt", reason="links as POSIX has them")


def test_a_second_lock_is_refused_until_the_first_is_released(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    with pytest.raises(RunLockedError, match="This process is recording"):
        RunLock(tmp_path)
    lock.release()
    RunLock(tmp_path).remove()
    assert not list(tmp_path.iterdir())


def test_a_holder_of_this_process_gives_way_to_one_that_takes_over(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    asked = []

    def give_way() -> None:
        asked.append(True)
        lock.remove()

    lock.give_way = give_way
    with pytest.raises(RunLockedError):
        RunLock(tmp_path)  # it does not ask
    assert not asked
    other = RunLock(tmp_path / ".." / tmp_path.name, take_over=True)
    assert asked
    lock.release()  # again, and it is the other's now
    with pytest.raises(RunLockedError):
        RunLock(tmp_path)
    other.remove()


def test_whether_a_run_is_being_written(tmp_path: Path) -> None:
    assert not is_being_written(tmp_path)
    lock = RunLock(tmp_path)
    assert is_being_written(tmp_path)
    code = "import sys, pathlib; from store.storage.run_lock import is_being_written as asked;"
    code += "print(asked(pathlib.Path(sys.argv[1])))"
    elsewhere = [sys.executable, "-c", code, str(tmp_path)]
    assert subprocess.check_output(elsewhere, text=True).strip() == "True"
    lock.release()
    assert (tmp_path / LOCK_NAME).exists()  # as a killed process leaves it
    assert not is_being_written(tmp_path)


@posix
def test_a_lock_never_destroys_what_a_link_points_to(tmp_path: Path) -> None:
    """Old versions of filelock open the lock file through a link, and empty what is there."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    run = write_run(tmp_path / "run.zarr")
    (run / LOCK_NAME).symlink_to(precious)
    for write in (
        lambda: RunLock(run),
        lambda: RunWriter.resume(run, image_run_spec()),
        lambda: RunWriter.create(run, image_run_spec(), overwrite=True),
        lambda: pack(run),
    ):
        with pytest.raises(RunFormatError, match="which is not followed"):
            write()
        assert precious.read_text() == "precious"
    (run / LOCK_NAME).unlink()
    RunWriter.resume(run, image_run_spec()).close()

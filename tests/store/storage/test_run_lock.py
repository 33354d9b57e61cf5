"""The lock of a run: one writer, and no harm to what lies elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from store.errors import RunFormatError, RunLockedError
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.storage.run_lock import LOCK_NAME, RunLock
from store.testing import image_run_spec, write_run

posix = pytest.mark.skipif(os.name == "nt", reason="links as POSIX has them")


def test_a_second_lock_is_refused_until_the_first_is_released(tmp_path: Path) -> None:
    lock = RunLock(tmp_path)
    with pytest.raises(RunLockedError, match="Another process is recording"):
        RunLock(tmp_path)
    lock.release()
    RunLock(tmp_path).remove()
    assert not list(tmp_path.iterdir())


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
        with pytest.raises(RunFormatError, match="is a link, which is not followed"):
            write()
        assert precious.read_text() == "precious"
    (run / LOCK_NAME).unlink()
    RunWriter.resume(run, image_run_spec()).close()

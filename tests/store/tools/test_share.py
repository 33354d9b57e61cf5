from __future__ import annotations

import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from store import open_run
from store.errors import RunExistsError, RunFormatError, RunLockedError, RunNotFoundError
from store.live.writer import RunWriter
from store.reading import moments
from store.reading.bookmarks import Bookmark
from store.reading.run import Run
from store.storage.open_source import open_source
from store.storage.zip_source import LocalFile, ZipSource
from store.testing import frames_at, image_run_spec, write_run
from store.testing.http import served
from store.tools import share as share_module
from store.tools.info import stored_bytes
from store.tools.share import share
from store.tools.verify import verify
from tests.store.conftest import STEPS, digest

ACTIVATION = "layers/conv1/activation"
# What `share` writes beside the run.
DESCRIPTIONS = {"README.md", "dataset.jsonld"}


def check(path: Path | str) -> None:
    run = open_run(path)
    tree = run.tree
    for name in (ACTIVATION, "layers/dense/weights/kernel"):
        expected = np.stack([frames_at(image_run_spec(), step)[name] for step in STEPS])
        np.testing.assert_array_equal(run.read(name, ()), expected)
        np.testing.assert_array_equal(tree[name], expected)
    assert run.metrics["update"].values.tolist() == list(range(1, 101))
    assert verify(run).is_sound


@pytest.mark.usefixtures("small_layouts")
def test_a_live_run_becomes_one_file_that_opens_in_place(live_run: Path) -> None:
    before = digest(live_run)
    report = share(live_run, live_run.with_name("run.zip"))
    check(report.path)
    assert open_run(report.path).attributes["form"] == "packed"
    assert digest(live_run) == before
    assert sorted(entry.name for entry in live_run.parent.iterdir()) == ["live.zarr", "run.zip"]
    assert report.contains["inputs"]
    with zipfile.ZipFile(report.path) as archive:
        assert archive.testzip() is None
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.namelist()[-1] == "zarr.json"


def test_a_packed_run_goes_in_as_it_is_and_sharing_is_reproducible(packed_run: Path) -> None:
    moments.save(open_run(packed_run), [Bookmark(20, "look")])
    one = share(packed_run, packed_run.with_name("one.zip")).path
    two = share(packed_run, packed_run.with_name("two.zip")).path
    assert one.read_bytes() == two.read_bytes()
    check(one)
    with zipfile.ZipFile(one) as archive:
        names = {file.relative_to(packed_run).as_posix() for file in packed_run.rglob("*.*")}
        files = {name for name in names if (packed_run / name).is_file() and name[0] != "."}
        assert set(archive.namelist()) == files | DESCRIPTIONS


def test_sharing_grows_no_run_unless_it_is_asked_to(tmp_path: Path) -> None:
    # Compressed while it was recorded: the time-major copy would double it.
    spec = image_run_spec(units=8, side=16)
    run = write_run(tmp_path / "run.zarr", spec, steps=range(34), compression="lz4")
    size = stored_bytes(open_run(run))
    assert size is not None
    report = share(run, tmp_path / "run.zip")
    assert report.history_left_out
    assert report.bytes < size
    assert not any(path.startswith("history") for path in open_run(report.path).nodes)
    kept = share(run, tmp_path / "history.zip", history=True)
    assert not kept.history_left_out
    assert any(path.startswith("history") for path in open_run(kept.path).nodes)
    assert kept.bytes > size
    for path in (report.path, kept.path):
        np.testing.assert_array_equal(
            open_run(path).read(ACTIVATION, ()), open_run(run).read(ACTIVATION, ())
        )
        assert verify(open_run(path)).is_sound
    # What has none gets none by being shared on.
    again = share(report.path, tmp_path / "again.zip")
    assert (again.history_left_out, again.bytes) == (False, report.bytes)


@pytest.mark.slow
@pytest.mark.parametrize("style", ["plain", "folder", "streamed", "zip64", "comment", "extra"])
def test_other_stored_zips_open_too(packed_run: Path, tmp_path: Path, style: str) -> None:
    path = tmp_path / f"{style}.zip"
    with path.open("wb") as file:
        target: Any = _Unseekable(file) if style == "streamed" else file
        with zipfile.ZipFile(target, "w") as archive:
            archive.comment = b"PK\x05\x06 is how an end begins" if style == "comment" else b""
            for source in sorted(packed_run.rglob("*")):
                name = source.relative_to(packed_run).as_posix()
                name = f"lenet.zarr/{name}" if style == "folder" else name
                if source.is_dir():
                    archive.mkdir(name)
                    continue
                member = zipfile.ZipInfo(name)
                if style == "extra":
                    member.extra = struct.pack("<2H4s", 0x7075, 4, b"more")
                with archive.open(member, "w", force_zip64=style == "zip64") as written:
                    written.write(source.read_bytes())
    check(path)
    assert not [name for name in open_run(path).source.sizes() or {} if name.endswith("/")]
    with served(tmp_path) as place:
        check(f"{place.url}/{path.name}")


class _Unseekable:
    """What a pipe offers: the zip then says sizes only after the content."""

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush = file.write, file.flush


# -- hostile and broken files --------------------------------------------------------------------


@pytest.fixture
def zipped(packed_run: Path) -> Path:
    return share(packed_run, packed_run.with_name("run.zip")).path


def test_a_zip_cut_anywhere_is_refused_in_our_own_words(zipped: Path, tmp_path: Path) -> None:
    content = zipped.read_bytes()
    broken = tmp_path / "broken.zip"
    for length in (0, 1, 21, 22, len(content) // 2, len(content) - 23, len(content) - 1):
        broken.write_bytes(content[:length])
        with pytest.raises(RunFormatError, match="not a zip file, or was cut short"):
            open_run(broken)


@pytest.mark.slow
def test_bytes_changed_in_the_directory_never_cause_another_error(
    zipped: Path, tmp_path: Path
) -> None:
    content = zipped.read_bytes()
    start = content.rindex(b"PK\x05\x06")
    directory = int.from_bytes(content[start + 16 : start + 20], "little")
    rng = np.random.default_rng(5)
    broken = tmp_path / "broken.zip"
    refused = 0
    for at in [*range(start, len(content)), *rng.integers(directory, start, 150)]:
        changed = bytearray(content)
        changed[at] ^= int(rng.integers(1, 256))
        broken.write_bytes(changed)
        try:
            verify(open_run(broken))
        except (RunFormatError, RunNotFoundError):
            refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    ("names", "compression", "error", "message"),
    [
        (["a/b/zarr.json"], zipfile.ZIP_STORED, RunNotFoundError, "without a run"),
        (["readme.txt"], zipfile.ZIP_STORED, RunNotFoundError, "without a run"),
        ([], zipfile.ZIP_STORED, RunNotFoundError, "without a run"),
        (["zarr.json"], zipfile.ZIP_DEFLATED, RunFormatError, "trainlapse share RUN -o run.zip"),
        (["zarr.json", "zarr.json"], zipfile.ZIP_STORED, RunFormatError, "listed twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_zips_that_are_no_runs(
    tmp_path: Path, names: list[str], compression: int, error: type[Exception], message: str
) -> None:
    path = tmp_path / "run.zip"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name in names:
            archive.writestr(name, "{}" * 200)
    with pytest.raises(error, match=message):
        open_run(path)


def test_names_inside_never_become_paths(packed_run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("private")
    path = tmp_path / "deep" / "run.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../secret", "harmless")
        archive.writestr(str(secret), "harmless")
        archive.write(packed_run / "zarr.json", "zarr.json")
    source = open_source(path)
    for key in ("../secret", str(secret), "../run.zip"):
        with pytest.raises(RunFormatError, match="not a path within the run"):
            source.read(key)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["run.zip"]


def test_ranges_of_a_member_end_with_it(zipped: Path, packed_run: Path) -> None:
    source = ZipSource(LocalFile(zipped))
    for key, size in source.sizes().items():
        content = source.read(key)
        if key not in DESCRIPTIONS:
            assert content == (packed_run / key).read_bytes()
        assert source.read(key, -5) == content[-5:]
        assert source.read(key, -size - 10, 3) == content[:3]
        assert source.read(key, 2, 10**9) == content[2:]
        assert source.read(key, size + 1, 4) == b""


# -- safety ----------------------------------------------------------------------------------------


def test_an_interrupted_share_leaves_nothing(live_run: Path) -> None:
    before = digest(live_run.parent)

    def interrupt(done: int, total: int, what: str) -> None:
        if what == "zarr.json":  # the last member of the zip
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        share(live_run, live_run.with_name("run.zip"), progress=interrupt)
    assert digest(live_run.parent) == before
    assert [entry.name for entry in live_run.parent.iterdir()] == [live_run.name]


def test_an_unsound_zip_never_appears(live_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add = share_module._add

    def add_wrongly(archive: zipfile.ZipFile, name: str, run: Run, size: int) -> None:
        if name == f"{ACTIVATION}/c.0.0.0.0.0":
            archive.writestr(name, bytes(size))
        else:
            add(archive, name, run, size)

    monkeypatch.setattr(share_module, "_add", add_wrongly)
    with pytest.raises(RunFormatError, match=r"not sound.*conv1/activation"):
        share(live_run, live_run.with_name("run.zip"))
    assert [entry.name for entry in live_run.parent.iterdir()] == [live_run.name]


def test_what_is_there_is_not_overwritten_and_a_recording_not_shared(
    live_run: Path, tmp_path: Path
) -> None:
    target = tmp_path / "run.zip"
    target.write_text("years of work")
    with pytest.raises(RunExistsError):
        share(live_run, target)
    assert target.read_text() == "years of work"
    share(live_run, target, overwrite=True)
    check(target)
    with (
        RunWriter.create(tmp_path / "now.zarr", image_run_spec()),
        pytest.raises(RunLockedError),
    ):
        share(tmp_path / "now.zarr", tmp_path / "now.zip")


def test_a_zip_of_a_live_run_opens_as_well(tmp_path: Path) -> None:
    live = write_run(tmp_path / "live.zarr", steps=STEPS)
    path = tmp_path / "live.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for source in sorted(live.rglob("*")):
            if source.is_file():
                archive.write(source, source.relative_to(live))
    check(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows tells nobody which process is still there")
def test_a_later_share_removes_what_a_killed_one_left(live_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "zips"
    folder.mkdir()
    code = (
        "import os, sys; from store.tools.share import share; "
        "share(sys.argv[1], sys.argv[2], progress=lambda *_: os.kill(os.getpid(), 9))"
    )
    command = [sys.executable, "-c", code, str(live_run), str(folder / "killed.zip")]
    assert subprocess.run(command, check=False).returncode == -9
    assert list(folder.iterdir())
    share(live_run, folder / "good.zip")
    assert [file.name for file in folder.iterdir()] == ["good.zip"]

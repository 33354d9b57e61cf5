"""Moments: the document is checked, kept where it can be, and travels with its run."""

from __future__ import annotations

import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from store import open_run
from store.cli import COMMANDS
from store.errors import RunFormatError, TrainlapseError
from store.packed.pack import pack
from store.reading import moments
from store.reading.bookmarks import Bookmark, parse, within
from store.reading.moments import FILE_NAME
from store.testing import write_run
from store.testing.http import served
from store.tools.crop import Cut, crop
from store.tools.info import contents, describe
from store.tools.info import render as info_text
from store.tools.share import share
from store.tools.verify import verify
from tests.store.conftest import digest
from tests.store.reading.test_bookmarks import document

TOUR = (
    Bookmark(20, "edges appear", layer="conv1", unit=2, probe=4, tab="layers", view="Feature maps"),
    Bookmark(3, "<b>bold</b>\nand a second line", target=-1),
    Bookmark(100),
)


@pytest.fixture(autouse=True)
def users_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv(moments.FOLDER_VARIABLE, str(folder))
    return folder


def hinder(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Make folders read-only, also for a user who may do everything."""
    write = moments.write

    def refuse(file: Path, content: bytes) -> None:
        if file.parent in folders:
            raise PermissionError(13, "Read-only file system", str(file))
        write(file, content)

    monkeypatch.setattr(moments, "write", refuse)


# -- keeping -----------------------------------------------------------------------------------


def test_a_run_keeps_its_moments_and_stays_valid(live_run: Path) -> None:
    run = open_run(live_run)
    assert moments.load(run) == ()
    before, tree = digest(live_run), run.tree.load()
    assert moments.edit(run, lambda old: (*old, *TOUR)) == TOUR
    assert moments.edit(run, lambda old: old[1:]) == TOUR[1:]
    assert moments.load(open_run(live_run)) == TOUR[1:]
    after = digest(live_run)
    assert after.pop(FILE_NAME)
    assert after == before
    assert open_run(live_run).tree.equals(tree)
    assert verify(open_run(live_run)).is_sound
    assert run.version == open_run(live_run).version


def test_a_zip_has_its_moments_beside_it_and_the_next_zip_within(
    live_run: Path, tmp_path: Path
) -> None:
    moments.save(open_run(live_run), TOUR)
    one = share(live_run, tmp_path / "zips" / "one.zip").path
    before = one.read_bytes()
    run = open_run(one)
    assert moments.load(run) == TOUR
    moments.edit(run, lambda old: old[:1])
    assert one.read_bytes() == before
    beside = one.parent / f"one.zip.{FILE_NAME}"
    assert sorted(one.parent.iterdir()) == [one, beside]
    assert moments.load(open_run(one)) == TOUR[:1]
    two = share(one, one.with_name("two.zip")).path
    assert moments.load(open_run(two)) == TOUR[:1]
    beside.unlink()
    assert moments.load(open_run(one)) == TOUR


def test_a_read_only_folder_has_them_beside_it_else_in_the_users_own(
    live_run: Path, users_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(live_run)
    moments.save(run, TOUR)
    inside = (live_run / FILE_NAME).read_bytes()
    with monkeypatch.context() as patched:
        hinder(patched, live_run)
        assert moments.save(run, TOUR[:2]) == live_run.parent / f"live.zarr.{FILE_NAME}"
    assert moments.load(run) == TOUR[:2]
    with monkeypatch.context() as patched:
        hinder(patched, live_run, live_run.parent)
        (moved,) = {moments.save(run, TOUR[:1])}
    assert moved.parent == users_folder / "moments"
    assert moments.load(run) == TOUR[:1]
    assert (live_run / FILE_NAME).read_bytes() == inside
    # Once it can be written again, it has them itself, and nothing older comes before.
    moments.edit(run, lambda old: (*old, Bookmark(7)))
    assert [each.step for each in moments.load(open_run(live_run))] == [20, 7]
    assert not moved.exists()
    assert [entry.name for entry in live_run.parent.iterdir()] == ["live.zarr"]


def test_where_nothing_can_be_written_the_system_says_so(
    live_run: Path, users_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hinder(monkeypatch, live_run, live_run.parent, users_folder / "moments")
    with pytest.raises(PermissionError, match="Read-only"):
        moments.save(open_run(live_run), TOUR)


def test_over_the_network_they_come_along_and_changes_stay_here(
    packed_run: Path, users_folder: Path
) -> None:
    with served(packed_run.parent) as place:
        run = open_run(f"{place.url}/{packed_run.name}")
        assert moments.load(run) == ()
        moments.save(open_run(packed_run), TOUR)
        assert moments.load(run) == TOUR
        moments.edit(run, lambda old: old[:1])
        assert moments.load(open_run(run.location)) == TOUR[:1]
        assert moments.load(open_run(packed_run)) == TOUR
    assert len(list((users_folder / "moments").iterdir())) == 1


def test_a_run_that_replaces_another_has_none(live_run: Path) -> None:
    moments.save(open_run(live_run), TOUR)
    write_run(live_run, steps=(0, 1), overwrite=True)
    run = open_run(live_run)
    assert moments.load(run) == ()
    moments.edit(run, lambda old: (*old, Bookmark(1)))
    assert [each.step for each in moments.load(run)] == [1]


def test_a_damaged_file_is_told_and_never_overwritten(live_run: Path) -> None:
    (live_run / FILE_NAME).write_text("my own notes")
    run = open_run(live_run)
    with pytest.raises(RunFormatError, match=r"live\.zarr: moments\.json holds no moments"):
        moments.edit(run, lambda old: old)
    assert (live_run / FILE_NAME).read_text() == "my own notes"
    assert pack(live_run).path == live_run
    assert (live_run / FILE_NAME).read_text() == "my own notes"
    assert describe(open_run(live_run))["moments"] == []


def test_a_link_is_neither_followed_nor_written_through(live_run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(document({"step": 1}, run_id=open_run(live_run).id))
    before = secret.read_bytes()
    for name in (FILE_NAME, f"{FILE_NAME}.tmp"):
        (live_run / name).symlink_to(secret)
    run = open_run(live_run)
    with pytest.raises(TrainlapseError, match="not a plain file"):
        moments.load(run)
    moments.save(run, TOUR)
    assert secret.read_bytes() == before
    assert moments.load(run) == TOUR


def test_two_who_mark_at_once_lose_nothing(live_run: Path) -> None:
    def mark(step: int) -> None:
        for _ in range(10):
            moments.edit(open_run(live_run), lambda old: (*old, Bookmark(step)))

    threads = [threading.Thread(target=mark, args=(step,)) for step in (3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    steps = [each.step for each in moments.load(open_run(live_run))]
    assert sorted(steps) == [3] * 10 + [5] * 10


# -- travelling --------------------------------------------------------------------------------


def test_moments_of_a_part_follow_their_probes() -> None:
    tour = [Bookmark(1, "a", probe=4), Bookmark(2, "b", probe=0), Bookmark(9, "c")]
    left = within(tour, steps={1, 2}, probes=[4, 2])
    assert [(each.step, each.probe, each.note) for each in left] == [(1, 1, "a"), (2, None, "b")]
    assert [each.note for each in within(tour, steps={9, 1}, notes=False)] == ["", ""]


def test_a_cut_keeps_moments_of_its_steps_unless_they_are_dropped(live_run: Path) -> None:
    moments.save(open_run(live_run), TOUR)

    def cut(name: str, **options: Any) -> tuple[Bookmark, ...]:
        made = crop(live_run, live_run.with_name(name), Cut(**options)).path
        return moments.load(open_run(made))

    (one,) = cut("a.zarr", first=10, last=50, probes=[4])
    assert (one.step, one.probe, one.note, one.id) == (20, 0, "edges appear", TOUR[0].id)
    assert [each.note for each in cut("b.zarr", drop=["notes"])] == ["", "", ""]
    assert cut("c.zarr", drop=["moments"]) == ()
    assert not (live_run.with_name("c.zarr") / FILE_NAME).exists()


def test_packing_takes_moments_from_wherever_they_are(
    live_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        hinder(patched, live_run)
        moments.save(open_run(live_run), TOUR)
    made = pack(live_run, live_run.with_name("other.zarr")).path
    assert parse((made / FILE_NAME).read_bytes(), where="", run_id=open_run(made).id) == TOUR


@pytest.mark.parametrize("form", ["live_run", "packed_run"])
def test_what_a_file_holds_is_listed_before_it_leaves(
    form: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path: Path = request.getfixturevalue(form)
    moments.save(open_run(path), [*TOUR, Bookmark(4, "evil\x1b[2J")])
    (path / "diary.txt").write_text("dear diary")
    (path / ".hidden").write_text("secret")
    (path / "layers" / "stray.txt").write_text("secret")
    commands = {command.name: command for command in COMMANDS}

    def call(*words: str) -> str:
        result = CliRunner().invoke(commands[words[0]], list(words[1:]))
        assert result.exit_code == 0, result.output
        return result.stdout

    told = call("share", str(path), "-o", str(tmp_path / "all.zip"))
    noted = sum(bool(moment.note) for moment in TOUR) + 1
    assert f"  - moments that were marked: {len(TOUR) + 1}, {noted} with notes\n" in told
    assert "  - files that lie beside the arrays: diary.txt\n" in told
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        names = archive.namelist()
    assert {name for name in names if "/" not in name} == {
        *("zarr.json", FILE_NAME, "diary.txt", "README.md", "dataset.jsonld")
    }
    assert not [name for name in names if "stray" in name or "hidden" in name]
    assert names[-1] == "zarr.json"

    told = call("share", str(path), "-o", str(tmp_path / "none.zip"), "--no-moments")
    assert "moments" not in told
    assert moments.load(open_run(tmp_path / "none.zip")) == ()

    text = call("info", str(path))
    assert "moments, other_files" in text
    assert "and files diary.txt" in text
    assert "step 20  conv1, unit 2  edges appear" in text
    assert "\x1b" not in text
    assert json.loads(call("info", str(path), "--json"))["moments"][2]["step"] == 100

    cut = call("crop", str(path), "-o", str(tmp_path / "mute.zarr"), "--no-notes")
    told = call("share", str(tmp_path / "mute.zarr"), "-o", str(tmp_path / "mute.zip"))
    assert f"  - moments that were marked: {len(TOUR) + 1}, without notes\n" in told
    cut = call("crop", str(path), "-o", str(tmp_path / "short.zarr"), "--steps", "0:4")
    assert "Left out with their steps" in cut

    cut = call("crop", str(path), "-o", str(tmp_path / "cut.zarr"), "--no-moments")
    assert "Wrote" in cut
    assert not contents(open_run(tmp_path / "cut.zarr"))["moments"]
    assert not contents(open_run(tmp_path / "cut.zarr"))["other_files"]


def test_damaged_moments_are_not_shared_but_can_be_left_out(live_run: Path) -> None:
    (live_run / FILE_NAME).write_text("[]")
    target = live_run.with_name("run.zip")
    with pytest.raises(RunFormatError, match=r"moments\.json holds no moments"):
        share(live_run, target)
    assert not target.exists()
    share(live_run, target, with_moments=False)
    assert not contents(open_run(target))["moments"]
    assert "Moments" not in info_text(describe(open_run(target)))

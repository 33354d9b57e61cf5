"""Signatures of runs: what keeps one, what loses it, and what happens where none can be kept."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from store import RunWriter, open_run
from store.packed.pack import pack
from store.testing import append_steps, image_run_spec, parts_run_spec, write_run
from store.tools import trust
from store.tools.crop import Cut, crop
from store.tools.share import share
from tests.store.test_cli import call

pytestmark = pytest.mark.usefixtures("user_settings")


def is_signed(path: Path) -> bool:
    return trust.is_signed(open_run(path))


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    path = write_run(tmp_path / "signed.zarr", steps=(0, 1, 2))
    assert not is_signed(path)
    trust.sign(open_run(path))
    return path


def test_nothing_is_written_where_nothing_is_signed(tmp_path: Path, user_settings: Path) -> None:
    assert not is_signed(write_run(tmp_path / "run.zarr", steps=(0,)))
    assert not user_settings.exists()


def test_a_signature_stays_with_a_run_that_grows(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run.zarr", image_run_spec())
    trust.sign(open_run(writer.path))
    append_steps(writer, 0, 1)
    writer.append_metrics(1, {"loss": 1.0})
    writer.note_facts(1, {"loss": "mse", "optimizer": {"class": "SGD"}})
    writer.note_skipped("byte_budget")
    writer.note_not_finite(1)
    writer.commit()
    assert is_signed(writer.path)
    writer.close()
    assert is_signed(writer.path)
    resumed = RunWriter.resume(writer.path, image_run_spec())
    append_steps(resumed, 2)
    resumed.close()
    assert is_signed(writer.path)


def test_copies_and_other_forms_keep_it_and_nothing_is_written_into_them(
    signed: Path, tmp_path: Path
) -> None:
    before = sorted(signed.rglob("*"))
    copy = shutil.copytree(signed, tmp_path / "copy.zarr")
    packed = pack(signed, tmp_path / "packed.zarr").path
    zipped = share(signed, tmp_path / "shared.zip").path
    cut = crop(signed, tmp_path / "cut.zarr", Cut(first=1, layers=["conv1"], drop=["notes"])).path
    assert all(map(is_signed, (copy, packed, zipped, cut)))
    assert sorted(signed.rglob("*")) == before


def test_each_part_of_a_run_is_signed_with_it(tmp_path: Path) -> None:
    path = write_run(tmp_path / "parts.zarr", parts_run_spec(), steps=(0, 1))
    whole = open_run(path)
    assert not any(map(trust.is_signed, whole.parts.values()))
    trust.sign(whole)
    packed = open_run(pack(path, tmp_path / "packed.zarr").path)
    for run in (whole, packed):
        assert trust.is_signed(run)
        assert list(run.parts) == ["reader", "critic", "average"]
        assert all(map(trust.is_signed, run.parts.values()))
    trust.withdraw(whole)
    assert not any(map(trust.is_signed, (whole, *whole.parts.values())))


def test_what_is_made_of_a_foreign_run_is_foreign(tmp_path: Path, user_settings: Path) -> None:
    foreign = write_run(tmp_path / "foreign.zarr", steps=(0, 1))
    assert not is_signed(crop(foreign, tmp_path / "cut.zarr", Cut(first=1)).path)
    assert not is_signed(pack(foreign, tmp_path / "packed.zarr").path)
    assert not user_settings.exists()


def nodes(root: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = root["consolidated_metadata"]["metadata"]
    return found


@pytest.mark.parametrize(
    "alter",
    [
        lambda root: root["attributes"]["trainlapse"].update(name="another"),
        lambda root: root["attributes"]["trainlapse"].update(notes="see https://evil.example"),
        lambda root: root["attributes"]["trainlapse"].update(run_id="0" * 32),
        lambda root: root["attributes"]["trainlapse"].update(created="2020-01-01T00:00:00+00:00"),
        lambda root: nodes(root)["layers/conv1"]["attributes"]["config"].update(filters=30_000),
        lambda root: nodes(root)["layers/conv1"]["attributes"].update({"class": "Lambda"}),
        lambda root: nodes(root)["layers/conv1"]["attributes"].update(inbound=[]),
        lambda root: nodes(root)["probe"]["attributes"].update(fingerprint="0" * 64),
        lambda root: nodes(root)["probe"]["attributes"].update(class_names=["<b>"] * 4),
    ],
)
def test_a_copy_whose_root_says_something_else_is_foreign(
    signed: Path, tmp_path: Path, alter: Callable[[dict[str, Any]], None]
) -> None:
    copy = shutil.copytree(signed, tmp_path / "altered.zarr")
    root = json.loads((copy / "zarr.json").read_text())
    alter(root)
    (copy / "zarr.json").write_text(json.dumps(root))
    assert not is_signed(copy)
    assert is_signed(signed)


def test_another_key_has_signed_nothing(signed: Path, user_settings: Path) -> None:
    assert is_signed(signed)
    (user_settings / "key").write_bytes(bytes(trust.KEY_BYTES))
    assert not is_signed(signed)
    (user_settings / "key").write_bytes(b"")
    assert not is_signed(signed)


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")
def test_nobody_else_reads_the_key(signed: Path, user_settings: Path) -> None:
    assert is_signed(signed)
    assert stat.S_IMODE((user_settings / "key").stat().st_mode) == 0o600
    assert [file.name for file in user_settings.iterdir() if file.is_file()] == ["key"]


def test_processes_that_sign_at_once_have_one_key(tmp_path: Path) -> None:
    paths = [write_run(tmp_path / f"{number}.zarr", steps=(0,)) for number in range(4)]
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(sign_at, paths))
    assert all(map(is_signed, paths))


def sign_at(path: Path) -> None:
    trust.sign(open_run(path))


def test_what_cannot_be_kept_is_not_signed(tmp_path: Path, user_settings: Path) -> None:
    user_settings.write_text("a file, where the folder should be")
    run = open_run(write_run(tmp_path / "run.zarr", steps=(0,)))
    with pytest.raises(OSError, match=r"(?i)exists|directory"):
        trust.sign(run)
    trust.sign_like(run, run)
    assert not trust.is_signed(run)


def test_a_run_is_signed_and_no_longer_signed_by_command(
    tmp_path: Path, user_settings: Path
) -> None:
    path = write_run(tmp_path / "run.zarr", steps=(0,))
    told = call("trust", path)
    assert told.exit_code == 0
    assert told.output.startswith("Signed: synthetic, of ")
    assert is_signed(path)
    assert call("trust", "--withdraw", path).output.startswith("No longer signed: synthetic")
    assert not is_signed(path)
    assert call("trust", "--withdraw", path).exit_code == 0
    shutil.rmtree(user_settings)
    user_settings.write_text("a file, where the folder should be")
    told = call("trust", path)
    assert told.exit_code == 1
    assert "The signature cannot be kept" in told.output

"""Any folder that the system takes, any name of an input; what a foreign error is answered with."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from explorer.cli import main
from recorder import LoopRecorder, Probe, every_n_steps
from recorder.commands.import_command import import_checkpoints
from store import RunExistsError, RunWriter, SpecError, open_run
from store.format.spec import LayerSpec, RunSpec
from store.packed.pack import pack
from store.tools.crop import Cut, crop
from store.tools.info import describe, render
from store.tools.share import share
from store.tools.verify import verify
from tests.recorder.numpy_backend import NumpyBackend, NumpySubject, Perceptron
from tests.recorder.numpy_training import PROBES, SEED, SIZES, STEPS, data, record, update

FOLDERS = [
    "two\nlines.zarr",
    "dot.",
    "~nobody.zarr",
    "per%20cent#.zarr",
    "quote'.zarr",
    "[a].zarr",
    "con.zarr",
    "long" * 62,
]
if sys.platform == "linux":  # others refuse some of them
    FOLDERS += [os.fsdecode(b"gr\xfcn.zarr"), "a:b.zarr", " ", "\\.zarr", "\x1b[31mred.zarr", "*?"]


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_a_run_in_any_folder_is_recorded_packed_cropped_and_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = record(name)
    assert recorder.report.fault is None
    run = open_run(name)
    assert list(run.steps) == STEPS
    assert render(describe(run)).encode()
    written = [Path("packed", name), Path("cropped", name), Path("shared", f"{name[:200]}.zip")]
    for out in written:
        out.parent.mkdir()
    pack(name, written[0])
    crop(name, written[1], Cut(first=1))
    share(name, written[2])
    pack(name)
    for out in (Path(name), *written):
        assert verify(open_run(out)).is_sound
        assert open_run(out).name == run.name
        assert len(list(out.parent.iterdir())) == (4 if out == Path(name) else 1)


def test_inputs_may_be_called_anything(tmp_path: Path) -> None:
    class Renamed(NumpyBackend):
        def look_at(self, model: Any, probe: Probe, evaluations: Any) -> NumpySubject:
            first = next(iter(probe.inputs.values()))
            return super().look_at(model, Probe({"input": first}), evaluations)

    names = ["label", "text", "Text", "con", "a/b:c", "gr\udcfcn", "x" * 300, ""]
    values = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
    probe = Probe({name: values + number for number, name in enumerate(names)}, kind="tabular")
    path = tmp_path / "run.zarr"
    with LoopRecorder(path, probe, model=Perceptron((6, 2), 0), backend=Renamed()) as recorder:
        recorder.record(1)
    assert recorder.report.fault is None
    kept = open_run(path).probe
    assert kept is not None
    assert len({name.casefold() for name in kept.inputs}) == len(names)
    for number, stored in enumerate(kept.inputs.values()):
        np.testing.assert_array_equal(stored, values + number)
    assert verify(open_run(path)).is_sound


# -- errors of others ------------------------------------------------------------------------


class Tokenizer:
    """One that takes texts, and fails to tell what its numbers stand for."""

    def __call__(self, texts: list[str]) -> Any:
        return [[1, 2] for _ in texts]

    def get_vocabulary(self) -> list[str]:
        return [b"caf\xe9".decode()]


class FastTokenizer(Tokenizer):
    """The same, as the tokenizers library has it."""

    get_vocabulary = property()  # type: ignore[assignment]

    def get_vocab(self) -> dict[str, int]:
        raise RuntimeError("no vocabulary\nwas loaded")


@pytest.mark.parametrize(
    ("tokenizer", "said"),
    [(Tokenizer(), "UnicodeDecodeError: 'utf-8'"), (FastTokenizer(), "no vocabulary was loaded")],
)
def test_a_vocabulary_that_cannot_be_read_is_asked_for(tokenizer: Any, said: str) -> None:
    with pytest.raises(SpecError) as error:
        Probe.from_texts(["a b", "b a"], tokenizer)
    assert said in str(error.value)
    assert "vocabulary=[...]" in str(error.value)
    assert "\n" not in str(error.value)
    probe = Probe.from_texts(["a b", "b a"], tokenizer, vocabulary=["", "a", "b"])
    assert probe.vocabulary == ["", "a", "b"]


def test_a_tokenizer_that_fails_is_named_with_what_to_pass() -> None:
    def vectorize(texts: list[str]) -> Any:
        raise ValueError(f"expected a tensor, got {type(texts).__name__}")

    with pytest.raises(SpecError, match=r"ValueError: expected a tensor, got list\. Pass a layer"):
        Probe.from_texts(["a"], vectorize)


@pytest.mark.parametrize(
    ("paths", "pattern"),
    [
        (["ckpt/w-01.keras", "ckpt/w-02.keras", "ckpt/w-03.keras"], '"ckpt/w-0*.keras"'),
        (["a.keras", "b.weights.h5"], '"*"'),
    ],
)
def test_a_pattern_without_quotes_is_to_be_quoted(
    tmp_path: Path, paths: list[str], pattern: str
) -> None:
    probe = tmp_path / "probe.npz"
    np.savez(probe, x=np.zeros((2, 3)))
    out = str(tmp_path / "run.zarr")
    done = CliRunner().invoke(import_checkpoints, [*paths, "-o", out, "--probe", str(probe)])
    assert done.exit_code == 2
    assert f"{len(paths)} paths were given" in done.output
    assert "quote it" in done.output.replace("\n", " ")
    assert pattern in done.output.replace("\n", "")


ADDRESSES = ["s3://bucket/run.zarr", "gs://bucket/run.zarr", "https://host/run.zarr", "file:///run"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_no_place_to_write_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    record("run.zarr")
    spec = RunSpec("own", (LayerSpec("dense", "Dense", "dense"),))
    writers: list[Callable[[], Any]] = [
        lambda: record(address),
        lambda: record(address.replace("run", "{n}")),
        lambda: record(address, resume=True),
        lambda: RunWriter.create(address, spec),
        lambda: pack("run.zarr", address),
        lambda: crop("run.zarr", address, Cut(first=1)),
        lambda: share("run.zarr", address),
    ]
    for write in writers:
        with pytest.raises(SpecError, match="is an address, expected a path on a disk"):
            write()
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.zarr"]


@pytest.mark.parametrize(
    ("command", "out"),
    [
        (["share"], "s3://bucket/run.zip"),
        (["pack"], "s3://bucket/run.zarr"),
        (["export"], "s3://bucket/run.html"),
        (["figure", "--card", "Loss", "--step", "1"], "s3://bucket/run.svg"),
        (["numbers", "--card", "Loss"], "s3://bucket/run.csv"),
    ],
)
def test_a_command_writes_to_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], out: str
) -> None:
    monkeypatch.chdir(tmp_path)
    record("run.zarr")
    ended = CliRunner().invoke(main, [*command, "run.zarr", "-o", out])
    assert ended.exit_code == 1
    assert "is an address, expected a path on a disk" in ended.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.zarr"]


def test_a_run_at_home_is_written_where_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("USERPROFILE" if sys.platform == "win32" else "HOME", str(home))
    for number in (1, 2):
        recorder = record("~/run-{n}.zarr")
        assert recorder.path == home / f"run-{number}.zarr"
        assert recorder.report.fault is None
    recorder = record("~/runs/run.zarr", pack=True)
    assert recorder.path == home / "runs/run.zarr"
    assert recorder.report.fault is None
    assert list(open_run("~/runs/run.zarr").steps) == STEPS
    with pytest.raises(RunExistsError, match="There is a run at"):
        record("~/runs/run.zarr")
    spec = RunSpec("own", (LayerSpec("dense", "Dense", "dense"),))
    with RunWriter.create("~/own.zarr", spec) as writer:
        writer.append(0, epoch=0.0, wall_time=0.0, frames={})
    assert len(open_run("~/own.zarr")) == 1
    assert not list(here.iterdir())


@pytest.mark.parametrize("path", ["", "a\0b.zarr"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(SpecError, match=r"LoopRecorder\(path=...\) expects a path, got "):
        record(path)


@pytest.mark.parametrize("pack_it", [False, True])
def test_the_process_may_go_to_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack_it: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    net, (x, y) = Perceptron(SIZES, SEED), data()
    options = {"schedule": every_n_steps(1), "pack": pack_it}
    recorder = LoopRecorder(
        "runs/run.zarr", Probe(x[:PROBES]), model=net, backend=NumpyBackend(), **options
    )
    for begin in (0, 3):
        with recorder:
            os.chdir(elsewhere)
            for step in range(begin + 1, begin + 4):
                recorder.record(step, loss=update(net.weights, x, y))
        if pack_it:
            break
    assert recorder.report.fault is None
    assert recorder.path == Path("runs/run.zarr")
    assert not list(elsewhere.iterdir())
    run = open_run(tmp_path / "runs/run.zarr")
    assert list(run.steps) == ([0, 1, 2, 3] if pack_it else [*range(7)])
    assert run.attributes["form"] == ("packed" if pack_it else "live")
    assert verify(run).is_sound


def test_a_run_that_is_gone_is_not_said_to_be_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    net, (x, _) = Perceptron(SIZES, SEED), data()
    for name in ("there.zarr", "gone.zarr"):
        caplog.clear()
        with LoopRecorder(
            tmp_path / name, Probe(x[:PROBES]), model=net, backend=NumpyBackend()
        ) as recorder:
            recorder.record(1)
            if name == "gone.zarr":
                shutil.rmtree(tmp_path / name)
            recorder.record("two")
        assert "Recording stopped" in caplog.text
        assert ("can be explored" in caplog.text) is (name == "there.zarr")


def test_a_metric_too_large_for_a_float_is_left_out(tmp_path: Path) -> None:
    net, (x, _) = Perceptron(SIZES, SEED), data()
    with LoopRecorder(
        tmp_path / "run.zarr", Probe(x[:PROBES]), model=net, backend=NumpyBackend()
    ) as recorder:
        recorder.record(1, loss=1.0, tokens=10**400)
    assert recorder.report.fault is None
    assert list(open_run(tmp_path / "run.zarr").metrics) == ["loss"]

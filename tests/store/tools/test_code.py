"""Runs of earlier versions hold compiled code: it is neither read nor given on."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from store import open_run
from store.packed import draft
from store.packed.pack import pack
from store.reading import commit as reading
from store.testing import image_run_spec, write_run
from store.tools.crop import Cut, crop
from store.tools.share import share
from store.tools.verify import salvage, verify

CODE = "4wEAAAAAAAAAAAAAAAEAAAACAAAA/home/ada/secret/train.py"
LAMBDA = {"class_name": "__lambda__", "config": {"code": CODE, "defaults": None, "closure": None}}
LAYER = {"name": "double", "function": LAMBDA, "function_type": "raw"}
# As Keras 2 wrote it.
LEGACY = {"function": [CODE, None, None], "function_type": "lambda", "module": "__main__"}
LEFT = {"class_name": "__lambda__"}


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    spec = image_run_spec()
    first, *others = spec.layers
    spec = dataclasses.replace(
        spec,
        layers=(dataclasses.replace(first, config={"layers": [LAYER, {"deep": LEGACY}]}), *others),
        model_config={"class_name": "Sequential", "config": {"layers": [LAYER, LEGACY]}},
        loss={"class_name": "__lambda__", "config": {"value": [CODE, None, None]}},
        optimizer={"class": "Adam", "learning_rate": LAMBDA},
    )
    return write_run(tmp_path / "old.zarr", spec)


def holds_code(path: Path) -> bool:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    run = open_run(path)
    raw = run.read("model/config", ()).tobytes() if "model/config" in run.nodes else b""
    return b"4wEAAAA" in raw or any(b"4wEAAAA" in file.read_bytes() for file in files)


def assert_clean(path: Path) -> None:
    assert not holds_code(path)
    run = open_run(path)
    assert verify(run).is_sound
    assert run.model_config["config"]["layers"] == [
        {**LAYER, "function": LEFT},
        {**LEGACY, "function": LEFT},
    ]


def test_it_is_not_read(old_run: Path) -> None:
    assert holds_code(old_run), "the run is one of an earlier version"
    run = open_run(old_run)
    assert run.model_config["config"]["layers"][0]["function"] == LEFT
    assert run.attributes["loss"] == LEFT
    assert run.attributes["optimizer"] == {"class": "Adam", "learning_rate": LEFT}
    told: Any = [layer.config for layer in run.layers.values()], run.nodes
    assert CODE not in str(told)
    assert verify(run).is_sound


def test_it_is_not_given_on(old_run: Path) -> None:
    folder = old_run.parent
    assert_clean(pack(old_run, folder / "packed.zarr").path)
    assert_clean(crop(old_run, folder / "cropped.zarr", Cut(layers=["conv1"])).path)
    run = open_run(old_run)
    salvage(run, verify(run), folder / "salvaged.zarr")
    assert_clean(folder / "salvaged.zarr")
    assert_clean(share(old_run, folder / "shared.zip").path)
    no_model = crop(old_run, folder / "no_model.zarr", Cut(drop=["model"])).path
    assert not holds_code(no_model)


def test_it_is_not_given_on_by_a_packed_run(old_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(reading, "may_hold_code", lambda content: False)  # noqa: ARG005
        earlier.setattr(draft, "_without_code", lambda part: part)
        packed = pack(old_run, old_run.with_name("packed.zarr")).path
    assert holds_code(packed)
    assert_clean(share(packed, old_run.with_name("shared.zip")).path)

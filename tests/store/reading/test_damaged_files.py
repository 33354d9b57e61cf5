"""Runs whose files or metadata are damaged: an error that says what, never a crash."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store.errors import RunFormatError, SchemaVersionError
from store.reading.live import RawArray
from store.reading.run import Run, open_run
from store.testing import image_run_spec, text_run_spec, write_run

SPEC = image_run_spec(units=8, side=16)
ACTIVATION = "layers/conv1/activation"


def change_root(path: Path, change: Any) -> None:
    root = json.loads((path / "zarr.json").read_bytes())
    change(root)
    (path / "zarr.json").write_text(json.dumps(root))


# -- damage ----------------------------------------------------------------------------------


def chunk(path: Path) -> Path:
    return path / ACTIVATION / "c.0.0.0.0.0"


@pytest.mark.parametrize(
    ("index", "what"), [((63,), "a frame"), ((slice(None), 0, 0, 0, 0), "a history")]
)
def test_a_file_that_is_cut_short_under_a_map_is_an_error(own: Path, index: Any, what: str) -> None:
    run = open_run(own)
    run.read(ACTIVATION, (slice(None), 0, 0, 0, 0))  # maps the file
    os.truncate(chunk(own), 10_000)
    with pytest.raises(RunFormatError, match="ends after 10000 of"):
        run.read(ACTIVATION, index)
    run.read(ACTIVATION, (0,))


@pytest.mark.parametrize("kind", ["missing", "pipe", "link", "folder"])
def test_what_is_not_a_plain_file_is_not_opened(own: Path, kind: str) -> None:
    file = chunk(own)
    content = file.read_bytes()
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "link":
        secret = own.parent / "secret"
        secret.write_bytes(content)
        file.symlink_to(secret)
    elif kind == "folder":
        file.mkdir()
    run = open_run(own)
    for index in ((0,), (slice(None), 0, 0, 0, 0)):
        with pytest.raises(RunFormatError, match="missing" if kind == "missing" else "plain file"):
            run.read(ACTIVATION, index)
    assert run.read(ACTIVATION, (65,)).shape == (6, 8, 8, 3)  # in the next file


def test_a_length_that_the_files_do_not_bear_out_takes_no_memory(own: Path) -> None:
    def lengthen(root: Any) -> None:
        root["attributes"]["trainlapse"]["committed"] = 10**11
        for node in root["consolidated_metadata"]["metadata"].values():
            if node.get("dimension_names", [None])[:1] == ["step"]:
                node["shape"][0] = 10**11

    change_root(own, lengthen)
    run = open_run(own)
    tracemalloc.start()
    for read in (lambda: run.steps, lambda: run.read(ACTIVATION, (slice(None), 0, 0, 0, 0))):
        with pytest.raises(RunFormatError, match="the run is damaged"):
            read()
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_steps_that_do_not_increase_are_refused(own: Path) -> None:
    values = np.fromfile(own / "step/c.0", "<i8")
    values[[3, 4]] = values[[4, 3]]
    (own / "step/c.0").write_bytes(values.tobytes())
    with pytest.raises(RunFormatError, match="steps do not increase"):
        _ = open_run(own).steps


@pytest.mark.parametrize("path", ["probe/text/c.0", "model/config/c.0"])
def test_texts_that_are_not_json_are_refused(tmp_path: Path, path: str) -> None:
    own = write_run(tmp_path / "run.zarr", text_run_spec())
    file = own / path
    file.write_bytes(b"[" * file.stat().st_size)
    run = open_run(own)
    with pytest.raises(RunFormatError, match="is damaged"):
        getattr(run, "probe" if "probe" in path else "model_config")


def test_a_damaged_compressed_block_is_an_error(tmp_path: Path) -> None:
    own = write_run(tmp_path / "run.zarr", SPEC, steps=range(3), compression="lz4")
    run = open_run(own)
    sound = chunk(own).read_bytes()
    index = np.frombuffer(sound[:16], "<u8")
    for position, byte in ((int(index[0]) + 4, 0xFF), (int(index[0]) + 7, 0xFF), (1, 0xFF)):
        content = bytearray(sound)
        content[position] ^= byte
        chunk(own).write_bytes(content)
        with pytest.raises(RunFormatError, match=r"block|index"):
            run.read(ACTIVATION, (0,))
        assert run.read(ACTIVATION, (1,)).shape == (6, 16, 16, 8)


# -- metadata --------------------------------------------------------------------------------


def put(*keys: Any, value: Any) -> Any:
    """Change one place of a root document."""

    def change(root: Any) -> None:
        for key in keys[:-1]:
            root = root[key]
        root[keys[-1]] = value

    return change


ROOT = ("attributes", "trainlapse")
NODES = ("consolidated_metadata", "metadata")

DAMAGED = {
    "schema_version is '1'": put(*ROOT, "schema_version", value="1"),
    "schema_version is True": put(*ROOT, "schema_version", value=True),
    "schema_version is 0": put(*ROOT, "schema_version", value=0),
    "lists no nodes": put("consolidated_metadata", value=[]),
    "'../../etc' is not a path within the run": put(*NODES, "../../etc", value={}),
    "'/etc' is not a path within the run": put(*NODES, "/etc", value={}),
    "'c:\\\\x' is not a path": put(*NODES, "c:\\x", value={}),
    "'extra' has no attributes": put(*NODES, "extra", value=7),
    "is neither a group nor an array": put(*NODES, "step", "node_type", value="table"),
    "run_id '../x' is not a name": put(*ROOT, "run_id", value="../x"),
    "name is not a text": put(*ROOT, "name", value=["a"]),
    "created 'yesterday' is not a time": put(*ROOT, "created", value="yesterday"),
    "finished 5 is not a time": put(*ROOT, "finished", value=5),
    "outputs is not a list": put(*ROOT, "outputs", value={"a": 1}),
    "-1 steps are committed": put(*ROOT, "committed", value=-1),
    "70.0 steps are committed": put(*ROOT, "committed", value=70.0),
    "shape [-1] is not a list": put(*NODES, "step", "shape", value=[-1]),
    "shape [True] is not a list": put(*NODES, "step", "shape", value=[True]),
    "larger than any network": put(*NODES, ACTIVATION, "shape", value=[70, 10**9, 99, 99, 9]),
    "frame [6, 0, 8, 3] is empty": put(*NODES, ACTIVATION, "shape", value=[70, 6, 0, 8, 3]),
    "frame [6, 0, 0, 0] is empty": put(*NODES, "probe/input", "shape", value=[6, 0, 0, 0]),
    "do not name the 1 dimensions": put(*NODES, "step", "dimension_names", value=None),
    "do not name the 5 dimensions": put(
        *NODES, ACTIVATION, "dimension_names", value=["step", "y", "y", "x", "unit"]
    ),
    "data type ['int64'] is not one of": put(*NODES, "step", "data_type", value=["int64"]),
    "chunk shape": put(*NODES, "step", "chunk_grid", value={"configuration": [0]}),
    "codecs are not a list": put(*NODES, "step", "codecs", value={"a": 1}),
    "do not divide shards": put(
        *NODES, ACTIVATION, "codecs", 0, "configuration", "chunk_shape", value=[3, 6, 8, 8, 3]
    ),
    "hold too many inner chunks": put(
        *NODES, "step", value={
            "node_type": "array", "attributes": {}, "shape": [70], "dimension_names": ["step"],
            "data_type": "int64", "chunk_key_encoding": {},
            "chunk_grid": {"configuration": {"chunk_shape": [2**21]}},
            "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [1]}}],
        },
    ),
    "the axis 'epoch' is missing": put(*NODES, "epoch", "data_type", value="int64"),
    "has 69 steps of 70": put(*NODES, ACTIVATION, "shape", 0, value=69),
    "does not run along 'metrics/update'": put(*NODES, "metrics/loss", "shape", 0, value=1),
    "the order of the layers": put(*NODES, "layers", "attributes", "order", value=[["conv1"]]),
    "layer 'ghost' has no group": put(*NODES, "layers", "attributes", "order", value=["ghost"]),
    "kind is not a text": put(*NODES, "layers/conv1", "attributes", "kind", value=None),
    "config is not an object": put(*NODES, "layers/conv1", "attributes", "config", value=[]),
    "inbound is not a list": put(*NODES, "layers/conv1", "attributes", "inbound", value="image"),
    "parameters is not a whole": put(
        *NODES, "layers/conv1", "attributes", "parameters", value=1.5
    ),
    "probe: kind is not a text": put(*NODES, "probe", "attributes", "kind", value={}),
    "probe: inputs is not a list": put(*NODES, "probe", "attributes", "inputs", value=[1]),
    "probe: class_names is not a list": put(
        *NODES, "probe", "attributes", "class_names", value=[None]
    ),
}  # fmt: skip


@pytest.mark.parametrize("message", DAMAGED)
def test_damaged_metadata_is_refused_and_says_what(own: Path, message: str) -> None:
    change_root(own, DAMAGED[message])
    with pytest.raises(RunFormatError) as caught:
        open_run(own)
    assert message in str(caught.value)
    assert str(own) in str(caught.value)


def test_many_problems_are_listed_but_not_all(own: Path) -> None:
    def break_layers(root: Any) -> None:
        for name in root["consolidated_metadata"]["metadata"]["layers"]["attributes"]["order"]:
            layer = root["consolidated_metadata"]["metadata"][f"layers/{name}"]
            layer["attributes"] = {}

    change_root(own, break_layers)
    with pytest.raises(RunFormatError, match=r"- and \d+ more") as caught:
        open_run(own)
    assert 8 <= str(caught.value).count("\n- ") <= 10


def test_a_newer_schema_is_refused_with_the_remedy(own: Path) -> None:
    def newer(root: Any) -> None:
        root["attributes"]["trainlapse"] = {"schema_version": 2}
        root["consolidated_metadata"] = {"kind": "something new"}

    change_root(own, newer)
    with pytest.raises(SchemaVersionError, match=r"version 2; .* up to 1\. Upgrade with: pip"):
        open_run(own)


def test_what_a_later_version_adds_is_let_be(own: Path) -> None:
    def add(root: Any) -> None:
        nodes = root["consolidated_metadata"]["metadata"]
        root["attributes"]["other"] = {"x": 1}
        root["attributes"]["trainlapse"]["mood"] = ["fine", {"deep": None}]
        nodes["layers/conv1"]["attributes"] |= {"kind": "quantum", "colour": "red"}
        nodes["gradients"] = {"zarr_format": 3, "node_type": "group", "attributes": {"a": [1]}}
        nodes[ACTIVATION]["attributes"]["scale"] = 0.5
        nodes[ACTIVATION]["storage_transformers"] = []

    change_root(own, add)
    run = open_run(own)
    assert run.layers["conv1"].kind == "other"
    assert run.attributes["mood"] == ["fine", {"deep": None}]
    assert type(run.array(ACTIVATION)) is RawArray
    assert run.activations("conv1").attrs == {"scale": 0.5}


def test_a_layout_that_we_do_not_write_is_read_through_zarr(own: Path) -> None:
    change_root(own, put(*NODES, "step", "chunk_grid", "configuration", "chunk_shape", value=[70]))
    (own / "step" / "c.0").write_bytes((own / "step" / "c.0").read_bytes()[: 70 * 8])
    run: Run = open_run(own)
    assert not isinstance(run.array("step"), RawArray)
    assert run.steps.tolist() == list(range(70))

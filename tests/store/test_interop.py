"""A run is read, values equal, by programs that know nothing of Trainlapse."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore
import xarray as xr
import zarr

from store.format.names import Array
from store.format.spec import LayerSpec, RunSpec, WeightSpec
from store.packed.pack import pack
from store.reading.run import open_run
from store.testing import frames_at, image_run_spec, text_run_spec, write_run
from store.tools.share import share

# As in SCHEMA.md; a later version may change its interface.
ZARRITA = ("zarrita@0.7", "@zarrita/storage@0.2")
NPM_SECONDS = 120
SCHEMA = Path(__file__).parents[2] / "SCHEMA.md"
STEPS = (0, 1, 2, 70)


def odd_run_spec() -> RunSpec:
    """Names, data types and shapes that a reader may stumble over."""
    weights = (
        WeightSpec("kernel 0", ("in_unit", "unit"), (1009, 2)),
        WeightSpec("β", (), (), "float64"),
        WeightSpec("mask", ("unit",), (2,), "bool"),
        WeightSpec("half", ("unit",), (2,), "float16"),
        WeightSpec("count", ("unit",), (2,), "uint8"),
    )
    layers = (
        LayerSpec("a.b #1 %20", "Layer", "other", weights=weights),
        LayerSpec("層", "Layer", "other", weights=weights[:1]),
        LayerSpec("activation", "ReLU", "activation"),
    )
    return RunSpec("odd", layers)


SPECS = {"image": image_run_spec(units=5), "text": text_run_spec(), "odd": odd_run_spec()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("interop")
    made = {name: write_run(folder / name, spec, steps=STEPS) for name, spec in SPECS.items()}
    spec = SPECS["image"]
    return made | {"lz4": write_run(folder / "lz4", spec, steps=STEPS, compression="lz4")}


def expected(name: str) -> dict[str, Array]:
    """Every array along the steps."""
    spec = SPECS[name if name != "lz4" else "image"]
    frames = [frames_at(spec, step) for step in STEPS]
    arrays = {path: np.stack([frame[path] for frame in frames]) for path in frames[0]}
    return arrays | {"step": np.array(STEPS)}


every_run = pytest.mark.parametrize("name", [*SPECS, "lz4"])


@every_run
def test_zarr(runs: dict[str, Path], name: str) -> None:
    consolidated = zarr.open_group(runs[name], mode="r", zarr_format=3, use_consolidated=True)
    walked = zarr.open_group(runs[name], mode="r", zarr_format=3, use_consolidated=False)
    for root in (consolidated, walked):
        for path, values in expected(name).items():
            array = root[path]
            assert isinstance(array, zarr.Array)
            np.testing.assert_array_equal(array[...], values)
            assert array.dtype == values.dtype
    members = {path for path, _ in consolidated.members(max_depth=None)}
    assert members == set(open_run(runs[name]).nodes)
    assert members == {path for path, _ in walked.members(max_depth=None)}


@every_run
@pytest.mark.parametrize("consolidated", [True, False])
def test_xarray(runs: dict[str, Path], name: str, consolidated: bool) -> None:
    tree = xr.open_datatree(
        runs[name], engine="zarr", chunks=None, consolidated=consolidated, zarr_format=3
    )
    for path, values in expected(name).items():
        np.testing.assert_array_equal(tree[path].values, values)
        assert tree[path].dims[0] == "step"
        np.testing.assert_array_equal(tree[path]["step"].values, STEPS)
    tree.close()


def test_xarray_opens_one_layer(runs: dict[str, Path]) -> None:
    layer = xr.open_zarr(
        runs["image"], group="layers/conv1", consolidated=False, zarr_format=3, chunks=None
    )
    assert layer["activation"].dims == ("step", "probe", "y", "x", "unit")
    np.testing.assert_array_equal(
        layer["activation"].values, expected("image")["layers/conv1/activation"]
    )


@every_run
@pytest.mark.parametrize("form", ["live", "packed", "zip"])
def test_our_tree_is_plain_xarray(
    runs: dict[str, Path], tmp_path: Path, name: str, form: str
) -> None:
    """It is made of our readers, which hold to the byte budget, and nobody sees a difference."""
    path = runs[name] if form == "live" else pack(runs[name], tmp_path / "packed.zarr").path
    plain = xr.open_datatree(path, engine="zarr", chunks=None, consolidated=True, zarr_format=3)
    plain = plain.filter(lambda node: not node.path.startswith("/history"))
    plain.dataset = plain.dataset.drop_vars("frame_checksum", errors="ignore")
    ours = open_run(share(path, tmp_path / "run.zip").path if form == "zip" else path).tree
    xr.testing.assert_identical(ours.load(), plain.load())
    for (ours_at, mine), (plain_at, theirs) in zip(
        ours.subtree_with_keys, plain.subtree_with_keys, strict=True
    ):
        assert ours_at == plain_at
        assert {key: each.dtype for key, each in mine.variables.items()} == {
            key: each.dtype for key, each in theirs.variables.items()
        }


@every_run
def test_tensorstore(runs: dict[str, Path], name: str) -> None:
    for path, values in expected(name).items():
        place = {"driver": "file", "path": f"{runs[name] / path}/"}
        array = tensorstore.open({"driver": "zarr3", "kvstore": place}, read=True).result()
        np.testing.assert_array_equal(array.read().result(), values)
        assert array.domain.labels[0] == "step"


# -- SCHEMA.md's own examples ----------------------------------------------------------------


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SCHEMA.read_text(encoding="utf-8"), re.DOTALL)


def test_the_python_examples_of_the_page_run(
    runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run.zarr").symlink_to(runs["image"])
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    examples = snippets("python")
    assert len(examples) == 4
    for example in examples:
        exec(example, names)  # noqa: S102 - our own page
    arrays = expected("image")
    np.testing.assert_array_equal(names["frame"], arrays["layers/conv1/activation"][-1, 0])
    np.testing.assert_array_equal(names["kernel"], arrays["layers/conv1/weights/kernel"][-1])
    np.testing.assert_array_equal(
        names["history"], arrays["layers/conv1/activation"][:, 0, 0, 0, 0]
    )
    assert names["loss"].shape == (STEPS[-1],)
    assert names["config"] == SPECS["image"].model_config


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Node with zarrita."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *ZARRITA]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install zarrita within {NPM_SECONDS} s")
    if done.returncode:
        pytest.skip(f"npm cannot install zarrita: {done.stderr.strip()[-200:]}")
    return folder


@pytest.mark.slow
def test_zarrita(runs: dict[str, Path], node: Path, tmp_path: Path) -> None:
    """The packed form; zarrita 0.7 does not look for an index at the start of a shard."""
    pack(runs["image"], tmp_path / "packed.zarr")
    (example,) = snippets("js")
    script = example.replace("run.zarr", os.fspath(tmp_path / "packed.zarr")) + READ_ALL
    (node / "read.mjs").write_text(script, encoding="utf-8")
    paths = list(expected("image"))
    done = subprocess.run(
        ["node", "read.mjs", *paths],
        cwd=node,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = json.loads(done.stdout)
    for path in paths:
        values = expected("image")[path]
        assert found[path]["shape"] == list(values.shape)
        np.testing.assert_array_equal(np.array(found[path]["data"], values.dtype), values.ravel())
    kernel = expected("image")["layers/conv1/weights/kernel"]
    np.testing.assert_array_equal(np.array(found["last"], np.float32), kernel[-1].ravel())


# Appended to the page's example.
READ_ALL = """
const found = { last: Array.from(last.data) };
for (const path of process.argv.slice(2)) {
  const array = await zarr.open(root.resolve(path), { kind: "array" });
  const { data, shape } = await zarr.get(array);
  found[path] = { shape, data: Array.from(data, Number) };
}
console.log(JSON.stringify(found));
"""

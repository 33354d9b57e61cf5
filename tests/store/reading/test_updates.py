"""Single updates in every form of a run: by name, packed, cut, checked, and by plain xarray."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from store import open_run
from store.errors import RunFormatError
from store.format.spec import UpdatesSpec
from store.packed.pack import pack
from store.testing import frames_at, image_run_spec, write_run
from store.tools.crop import Cut, crop
from store.tools.verify import verify

PATHS = ("layers/conv1/weights/kernel", "layers/dense/weights/kernel")
SPEC = dataclasses.replace(image_run_spec(), updates=UpdatesSpec(PATHS))
STEPS = (0, 1, 5, 20)


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)


def assert_holds(path: Path, steps: tuple[int, ...] = STEPS) -> None:
    updates = open_run(path).updates
    assert updates is not None
    assert list(updates["variable"].values) == list(PATHS)
    assert list(updates["step"].values) == list(steps)
    assert "NaN" in updates.attrs["unmeasured"]
    for step in steps:
        frames = frames_at(SPEC, step)
        for name in ("norm", "weight", "cosine", "gradient"):
            found = updates[name].sel(step=step, variable=PATHS[1])
            assert float(found) == frames[f"updates/{name}"][1]
        assert int(updates["count"].sel(step=step)) == 1


def test_they_are_read_by_step_and_variable(live: Path) -> None:
    assert_holds(live)
    assert open_run(write_run(live.parent / "old.zarr", steps=(0,))).updates is None


def test_they_are_the_same_packed_and_cut(live: Path) -> None:
    out = live.parent
    pack(live, out / "packed.zarr")
    assert_holds(out / "packed.zarr")
    crop(live, out / "cut.zarr", Cut(first=1, last=5, layers=["conv1"], drop=["weights"]))
    assert_holds(out / "cut.zarr", (1, 5))
    for name in ("run", "packed", "cut"):
        assert not verify(open_run(out / f"{name}.zarr")).findings


def test_plain_xarray_reads_them(live: Path) -> None:
    tree = xr.open_datatree(live, engine="zarr", chunks=None, consolidated=True)
    group = tree["updates"]
    assert group["norm"].dims == ("step", "variable")
    number = group.attrs["variables"].index(PATHS[0])
    expected = [frames_at(SPEC, step)["updates/norm"][0] for step in STEPS]
    np.testing.assert_array_equal(group["norm"].isel(variable=number), expected)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ("kernel", "updates: variables is not a list of different paths"),
        ([PATHS[0], PATHS[0]], "updates: variables is not a list of different paths"),
        ([PATHS[0]], "updates: norm does not run along steps and the 1 variables"),
    ],
)
def test_damaged_names_are_refused(live: Path, variables: object, said: str) -> None:
    root = json.loads((live / "zarr.json").read_text())
    group = root["consolidated_metadata"]["metadata"]["updates"]
    group["attributes"]["variables"] = variables
    (live / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(RunFormatError, match=said):
        open_run(live)


def test_what_a_later_version_adds_is_let_be(live: Path) -> None:
    root = json.loads((live / "zarr.json").read_text())
    nodes = root["consolidated_metadata"]["metadata"]
    nodes["updates/more"] = {"node_type": "group", "zarr_format": 3, "attributes": {}}
    nodes["updates/more/angle"] = nodes["updates/norm"]
    (live / "zarr.json").write_text(json.dumps(root))
    assert_holds(live)

"""Checksums of what a recording writes: a changed bit is seen, whoever reads the run."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore
import zarr

from store.errors import ChunkDamagedError, RunFormatError, SpecError
from store.format.names import CHECKSUMS
from store.format.spec import LayerSpec, RunSpec, WeightSpec
from store.live.array import read_index
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.reading.live import RawArray, raw_placement
from store.reading.run import open_run
from store.testing import append_steps, frames_at, image_run_spec, seeded, write_run
from store.testing.damage_trials import flip_bit, flip_frame_bit
from store.testing.runs import small_files
from store.tools.crop import Cut, crop
from store.tools.share import share
from store.tools.verify import salvage, verify

SPEC = image_run_spec(units=8, side=16)
STEPS = range(12)
# Large frames, which end with a checksum each, and small ones, which share a file.
LARGE, SMALL = "layers/conv1/activation", "layers/dense/weights/bias"


@pytest.fixture(params=[None, "lz4"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_run(tmp_path / "run.zarr", SPEC, steps=STEPS, compression=request.param)


def damage(run: Path, array: str, position: int) -> None:
    flip_bit(run, array, position, seeded(0))


@pytest.mark.parametrize("seed", range(12))
def test_a_changed_bit_of_a_frame_is_found_and_named(run: Path, seed: int) -> None:
    array, position = flip_frame_bit(run, seeded(seed))
    found = verify(open_run(run)).findings
    places = [(each.path, each.positions.tolist()) for each in found if each.positions is not None]
    if array == CHECKSUMS:
        assert [where for _, where in places] == [[position]]
    else:
        assert (array, [position]) in places
        assert {path for path, _ in places} == {array}


def test_a_changed_bit_of_what_does_not_grow_is_found(run: Path) -> None:
    for array in ("probe/input", "probe/label", "model/config"):
        (file,) = (run / array).glob("c*")
        sound = file.read_bytes()
        file.write_bytes(sound[:5] + bytes([sound[5] ^ 1]) + sound[6:])
        with pytest.raises(ChunkDamagedError, match="fails its checksum"):
            open_run(run).read(array, ())
        assert array in {finding.path for finding in verify(open_run(run)).findings}
        file.write_bytes(sound)
    assert verify(open_run(run)).is_sound


def test_metrics_alone_have_no_checksums(run: Path) -> None:
    report = verify(open_run(run))
    nodes = open_run(run).nodes
    metrics = {path for path in nodes if path.startswith("metrics/")}
    assert report.unchecked == metrics != set()
    assert not report.checksummed


@pytest.mark.parametrize("array", [LARGE, SMALL])
@pytest.mark.parametrize(
    "use",
    [
        lambda run: pack(run, run.with_name("out.zarr")),
        lambda run: pack(run),
        lambda run: crop(run, run.with_name("out.zarr"), Cut(layers=("conv1", "dense"))),
        lambda run: share(run, run.with_name("out.zip")),
    ],
)
def test_a_damaged_frame_does_not_get_a_new_checksum(
    tmp_path: Path, array: str, use: Callable[[Path], Any]
) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=range(2))
    damage(run, array, 1)
    with pytest.raises(ChunkDamagedError, match="fails its checksum"):
        use(run)
    assert open_run(run).attributes["form"] == "live"
    assert not run.with_name("out.zarr").exists()
    assert not run.with_name("out.zip").exists()


@pytest.mark.parametrize("array", [LARGE, SMALL])
def test_what_is_sound_is_saved(tmp_path: Path, array: str) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=range(5))
    damage(run, array, 3)
    opened = open_run(run)
    saved, lost = salvage(opened, verify(opened), tmp_path / "saved.zarr")
    assert lost == ["1 of 5 steps"]
    assert open_run(saved.path).steps.tolist() == [0, 1, 2, 4]
    assert CHECKSUMS not in open_run(saved.path).nodes


def test_other_readers_find_the_damage_of_large_frames(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=range(3))
    damage(run, LARGE, 2)
    plain = zarr.open_array(run / LARGE, mode="r", zarr_format=3)
    place = {"driver": "file", "path": f"{run / LARGE}/"}
    other = tensorstore.open({"driver": "zarr3", "kvstore": place}, read=True).result()
    for read in (plain.__getitem__, lambda step: other[step].read().result()):
        np.testing.assert_array_equal(read(0), frames_at(SPEC, 0)[LARGE])
        with pytest.raises(ValueError, match=r"(?i)checksum|digest"):
            read(2)


def test_frames_are_mapped_past_their_checksums(tmp_path: Path) -> None:
    """Frames of several blocks, of every data type and in every kind of region."""
    shapes = {"float64": (12, 5), "float32": (12, 7, 3), "int8": (6, 50), "float16": (8, 31)}
    weights = tuple(
        WeightSpec(name, tuple(f"{name}_{axis}" for axis in range(len(shape))), shape, name)
        for name, shape in shapes.items()
    )
    spec = RunSpec("blocks", (LayerSpec("l", "L", "other", weights=weights),))
    with small_files():
        run = open_run(write_run(tmp_path / "run.zarr", spec, steps=range(10)))
        parts: list[Any] = [slice(None), slice(7, 1, -2), slice(2, 9, 3), 4, -1]
        for name, shape in shapes.items():
            path = f"layers/l/weights/{name}"
            assert isinstance(run.array(path), RawArray)
            expected = np.stack([frames_at(spec, step)[path] for step in range(10)])
            for index in itertools.product(parts, parts, [slice(None), -2]):
                np.testing.assert_array_equal(run.read(path, index), expected[index])
            assert run.read(path, ()).dtype == expected.dtype
            assert run.read(path, (slice(None),)).shape == (10, *shape)


# -- runs of earlier versions ----------------------------------------------------------------


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch, run: Path, tmp_path: Path) -> Path:
    """A run as earlier versions wrote it, without checksums."""
    compression = open_run(run).attributes["compression"]
    real = RunWriter.__init__

    def init(self: RunWriter, *args: Any, **options: Any) -> None:
        real(self, *args, **{**options, "has_checksums": False})

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "__init__", init)
        return write_run(tmp_path / "old.zarr", SPEC, steps=range(3), compression=compression)


def test_a_run_of_an_earlier_version_goes_on_as_it_began(old: Path, run: Path) -> None:
    before = open_run(old).nodes
    assert not any("crc32c" in str(before[path]["codecs"]) for path in (LARGE, SMALL))
    with RunWriter.resume(old, SPEC) as writer:
        append_steps(writer, *STEPS[3:])
    after = open_run(old)
    assert CHECKSUMS not in after.nodes
    for path in (LARGE, SMALL):
        assert after.nodes[path]["codecs"] == before[path]["codecs"]
        np.testing.assert_array_equal(after.read(path, ()), open_run(run).read(path, ()))
    report = verify(after)
    assert report.is_sound
    assert {LARGE, SMALL} <= report.unchecked
    assert verify(open_run(pack(old).path)).checksummed


def test_a_run_with_checksums_goes_on_with_them(run: Path) -> None:
    with RunWriter.resume(run, SPEC, after_step=4) as writer:
        append_steps(writer, 5, 6, 7)
    assert open_run(run).array(CHECKSUMS).shape[0] == 8
    assert verify(open_run(run)).is_sound
    damage(run, SMALL, 6)
    assert [finding.steps for finding in verify(open_run(run)).findings] == [(6,)]


def test_the_names_in_the_checksums_are_checked(run: Path) -> None:
    root = json.loads((run / "zarr.json").read_bytes())
    node = root["consolidated_metadata"]["metadata"][CHECKSUMS]
    names = node["attributes"]["arrays"]
    for said in (["a"], "step", [1] * len(names), None, [names[0]] * len(names)):
        node["attributes"] = {"arrays": said}
        (run / "zarr.json").write_text(json.dumps(root))
        with pytest.raises(RunFormatError, match="frame_checksum: arrays"):
            open_run(run)


def test_another_network_still_cannot_resume(run: Path) -> None:
    with pytest.raises(SpecError, match="cannot be resumed"):
        RunWriter.resume(run, image_run_spec(units=9, side=16))


def test_an_index_has_the_length_of_frame_and_checksum(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=range(2))
    placement = raw_placement(open_run(run).nodes[LARGE])
    assert placement is not None
    index = read_index(run / LARGE / placement.chunk_key(0), placement.steps, placement.blocks)
    assert (index[:2, 1] == placement.frame_bytes + 4).all()
    assert (index[:2, 0] % 8 == 0).all()

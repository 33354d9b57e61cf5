"""The network after the training: written, read, packed, cropped, checked, dropped at a resume."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from store import ArrayNotRecordedError, LayerNotFoundError, RunFormatError, open_run
from store.format.spec import LayerSpec, RunSpec, UpdatesSpec, WeightSpec
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.reading.ended_run import EndedRun
from store.testing import append_steps, derived_run_spec, frames_at, image_run_spec
from store.tools.crop import Cut, crop
from store.tools.info import describe, render
from store.tools.share import share
from store.tools.verify import verify

LAST = 7
KERNEL = "layers/conv1/weights/kernel"


def spec() -> RunSpec:
    """Describe a run with a scalar variable and single updates besides."""
    plain = image_run_spec()
    scalar = LayerSpec("scale", "Scale", "other", weights=(WeightSpec("factor", (), ()),))
    updates = UpdatesSpec((KERNEL,))
    return replace(plain, layers=(*plain.layers, scalar), updates=updates)


def ended(path: Path) -> Path:
    with RunWriter.create(path, spec()) as writer:
        append_steps(writer, *range(LAST + 1))
        writer.keep_ending(frames_at(spec(), 99), wall_time=70.0)
    return path


@pytest.fixture
def run_path(tmp_path: Path) -> Path:
    return ended(tmp_path / "run.zarr")


def assert_has_ending(path: Path) -> None:
    expected = frames_at(spec(), 99)
    after = open_run(path).after_training
    assert after is not None
    assert after.step == LAST
    assert after.wall_time == 70.0
    kernel = after.weights("conv1", "kernel")
    np.testing.assert_array_equal(kernel.values, expected[KERNEL])
    assert kernel.dims == ("kernel_y", "kernel_x", "in_unit", "unit")
    maps = after.activations("conv1")
    np.testing.assert_array_equal(maps.values, expected["layers/conv1/activation"])
    assert maps.dims == ("probe", "y", "x", "unit")
    assert after.weights("scale", "factor").values == expected["layers/scale/weights/factor"]
    assert verify(open_run(path)).is_sound


def test_it_is_read_as_it_was_written_and_the_steps_are_as_they_were(run_path: Path) -> None:
    assert_has_ending(run_path)
    run = open_run(run_path)
    assert list(run.steps) == list(range(LAST + 1))
    assert run.weights("conv1", "kernel").shape[0] == LAST + 1
    assert describe(run)["after_training"]
    assert "after the training" in render(describe(run))
    with xr.open_datatree(run_path, engine="zarr", chunks=None) as tree:
        plain = tree[f"after_training/{KERNEL}"]
        np.testing.assert_array_equal(plain.values, frames_at(spec(), 99)[KERNEL])
        assert "after_training/updates" not in tree.groups


def test_a_layer_or_a_weight_that_is_not_there_is_said(run_path: Path) -> None:
    after = open_run(run_path).after_training
    assert after is not None
    with pytest.raises(LayerNotFoundError, match="conv1"):
        after.activations("conv2")
    with pytest.raises(ArrayNotRecordedError, match="kernel"):
        after.weights("conv1", "kernal")


def test_a_run_without_it_has_none(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "run.zarr", spec()) as writer:
        append_steps(writer, 0, 1)
    run = open_run(tmp_path / "run.zarr")
    assert run.after_training is None
    assert len(EndedRun(run)) == 2


@pytest.mark.parametrize("out", ["packed", "cropped", "shared"])
def test_packing_cropping_and_sharing_keep_it(run_path: Path, tmp_path: Path, out: str) -> None:
    target = tmp_path / ("out.zip" if out == "shared" else "out.zarr")
    if out == "packed":
        pack(run_path, target)
    elif out == "cropped":
        crop(run_path, target, Cut(first=3))
    else:
        share(run_path, target)
    assert_has_ending(target)


def test_a_crop_leaves_out_of_it_what_it_leaves_out_of_the_steps(
    run_path: Path, tmp_path: Path
) -> None:
    crop(run_path, tmp_path / "no.zarr", Cut(probes=[0, 2], drop=["weights"]))
    after = open_run(tmp_path / "no.zarr").after_training
    assert after is not None
    expected = frames_at(spec(), 99)["layers/conv1/activation"][[0, 2]]
    np.testing.assert_array_equal(after.activations("conv1").values, expected)
    with pytest.raises(ArrayNotRecordedError):
        after.weights("conv1", "kernel")
    crop(run_path, tmp_path / "early.zarr", Cut(last=3))
    assert open_run(tmp_path / "early.zarr").after_training is None
    assert verify(open_run(tmp_path / "early.zarr")).is_sound


def test_a_training_that_goes_on_has_another_end(run_path: Path) -> None:
    with RunWriter.resume(run_path, spec()) as writer:
        assert open_run(run_path).after_training is None
        append_steps(writer, LAST + 1)
        writer.keep_ending(frames_at(spec(), 98), wall_time=90.0)
    after = open_run(run_path).after_training
    assert after is not None
    assert after.step == LAST + 1
    np.testing.assert_array_equal(
        after.weights("conv1", "kernel").values, frames_at(spec(), 98)[KERNEL]
    )
    with RunWriter.resume(run_path, spec()) as writer:
        append_steps(writer, LAST + 2)
    assert not (run_path / "after_training").exists()
    assert verify(open_run(run_path)).is_sound
    with RunWriter.create(run_path, spec(), overwrite=True) as writer:
        append_steps(writer, 0)
        writer.keep_ending(frames_at(spec(), 98), wall_time=90.0)
    RunWriter.create(run_path, spec(), overwrite=True).close()
    assert not (run_path / "after_training").exists()


def test_frames_that_do_not_belong_to_an_array_are_damage(run_path: Path) -> None:
    root = json.loads((run_path / "zarr.json").read_text())
    nodes = root["consolidated_metadata"]["metadata"]
    nodes[f"after_training/{KERNEL}"]["shape"][0] += 1
    nodes["after_training"]["attributes"]["step"] = -1
    (run_path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(RunFormatError, match="after_training") as error:
        open_run(run_path)
    assert "not a frame of an array" in str(error.value)
    assert "step is not a step" in str(error.value)


# -- as one step more ------------------------------------------------------------------------


def test_it_is_one_step_more_of_every_array(run_path: Path) -> None:
    run, plain = EndedRun(open_run(run_path)), open_run(run_path)
    assert run.has_ending
    assert list(run.steps) == [*range(LAST + 1), LAST + 1]
    assert run.epochs[-1] == plain.epochs[-1]
    assert run.wall_times[-1] == 70.0
    assert len(run) == len(plain) + 1
    for path, frame in frames_at(spec(), 99).items():
        whole = np.concatenate([plain.read(path, ()), np.asarray(frame)[np.newaxis]])
        if path.startswith("updates/"):
            whole[-1] = np.nan if whole.dtype.kind == "f" else 0
        reader = run.array(path)
        assert reader.shape == whole.shape
        for first in FIRST:
            for rest in itertools.islice(_rests(whole.ndim - 1), 4):
                index: Any = (first, *rest)
                np.testing.assert_array_equal(reader.read(index), whole[index], str(index))
    np.testing.assert_array_equal(
        run.weights("conv1", "kernel").sel(step=LAST + 1).values, frames_at(spec(), 99)[KERNEL]
    )


FIRST = [
    -1,
    LAST + 1,
    LAST,
    0,
    slice(None),
    slice(2, None, 3),
    slice(None, None, -2),
    slice(LAST + 1, None),
    slice(LAST, LAST + 1),
    slice(5, 2),
    slice(None, None, -1),
]


def _rests(rank: int) -> Any:
    yield ()
    yield (0,) * rank
    yield (slice(0, 1),) * rank
    yield (slice(None),) * min(1, rank)


def test_layers_that_follow_have_their_frame_too(tmp_path: Path) -> None:
    described = derived_run_spec()
    expected = frames_at(described, 99)
    with RunWriter.create(tmp_path / "run.zarr", described) as writer:
        append_steps(writer, *range(3))
        writer.keep_ending(expected, wall_time=70.0)
    pack(tmp_path / "run.zarr", tmp_path / "packed.zarr")
    for name in ("run.zarr", "packed.zarr"):
        run = open_run(tmp_path / name)
        assert verify(run).is_sound
        assert "layers/pool1/activation" not in run.nodes
        assert run.after_training is not None
        for layer in ("relu1", "pool1", "flatten"):
            last = expected[f"layers/{layer}/activation"]
            np.testing.assert_array_equal(run.after_training.activations(layer).values, last)
            shown = EndedRun(run).activations(layer)
            np.testing.assert_array_equal(shown[3].values, last)
            np.testing.assert_array_equal(shown[:3].values, run.activations(layer).values)

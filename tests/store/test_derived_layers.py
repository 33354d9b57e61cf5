"""Activations that follow from others: not stored, and there in whatever is done with a run."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from store import open_run
from store.errors import ArrayNotRecordedError, RunFormatError, SpecError, TrainlapseError
from store.format.derivation import Derivation
from store.format.derived_layers import worth_deriving
from store.format.names import BEGINS, DERIVED, Array, activation_path
from store.format.operations import OPERATIONS, Add, Clip, Crop, Operation
from store.format.spec import LayerSpec, RunSpec
from store.format.spec_check import problems
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.reading.run import Run
from store.testing import (
    PROBES,
    append_steps,
    assert_holds,
    derived_run_spec,
    frames_at,
    image_run_spec,
    small_files,
    write_run,
)
from store.testing.http import served
from store.tools.crop import Cut, crop
from store.tools.estimate import Narrowing, estimate, narrowed
from store.tools.info import describe, render
from store.tools.share import share
from store.tools.verify import salvage, verify

FOLLOWING = ("relu1", "pool1", "flatten")
STEPS = tuple(range(11))
SPEC = derived_run_spec()


def arrays(run: Path) -> set[str]:
    """Layers whose activation is an array of the run."""
    return {path.parent.parent.name for path in run.glob("layers/*/activation/zarr.json")}


def history(layer: str, steps: tuple[int, ...] = STEPS, spec: RunSpec = SPEC) -> Array:
    return np.stack([frames_at(spec, step)[activation_path(layer)] for step in steps])


def root(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "zarr.json").read_text()))


def group(run: Path, layer: str) -> Mapping[str, Any]:
    return open_run(run).nodes[f"layers/{layer}"]["attributes"]


# -- which layers follow ---------------------------------------------------------------------


def image_layer(
    name: str, operation: Operation | None = None, *sources: str, shape: tuple[int, ...] = (2, 8, 4)
) -> LayerSpec:
    derivation = None if operation is None else Derivation(operation, sources)
    dims = ("probe", "token", "unit")
    return LayerSpec(
        name, "Any", "other", output_dims=dims, output_shape=shape, derivation=derivation
    )


def chosen(*layers: LayerSpec) -> set[str]:
    kept = worth_deriving(layers)
    assert not problems(RunSpec("test", kept))
    return {layer.name for layer in kept if layer.derivation is not None}


def test_a_chain_follows_from_two_stored_arrays_at_the_most() -> None:
    """As in a residual network: every second sum is stored, and what follows from it is not."""
    layers = [image_layer("start")]
    for number in range(1, 5):
        before = layers[-1].name
        layers += [
            image_layer(f"conv{number}"),
            image_layer(f"sum{number}", Add(), before, f"conv{number}"),
            image_layer(f"relu{number}", Clip(0.0), f"sum{number}"),
        ]
    assert chosen(*layers) == {"sum1", "relu1", "relu2", "sum3", "relu3", "relu4"}


def test_what_needs_far_more_bytes_than_it_has_is_stored() -> None:
    large = image_layer("large", shape=(2, 16, 4))
    for rows, follows in ((4, True), (3, False)):
        part = image_layer("part", Crop(((16 - rows, 0), (0, 0))), "large", shape=(2, rows, 4))
        assert chosen(large, part) == ({"part"} if follows else set())


@pytest.mark.parametrize(
    "changes",
    [
        {"output_dtype": "float16"},
        {"output_shape": (2, 8, 2), "unit_stride": 2},
        {"output_shape": (2, 8, 3)},
        {"output_shape": (), "output_dims": ()},
    ],
)
def test_a_layer_follows_only_from_one_that_is_recorded_likewise(changes: dict[str, Any]) -> None:
    source, layer = image_layer("conv"), image_layer("relu", Clip(0.0), "conv")
    assert chosen(source, layer) == {"relu"}
    assert not chosen(replace(source, **changes), layer)
    assert not chosen(layer, source)
    assert problems(RunSpec("test", (replace(source, **changes), layer)))


def test_narrowing_keeps_what_still_follows() -> None:
    def following(**options: Any) -> set[str]:
        layers = narrowed(spec, Narrowing(**options)).layers
        assert not problems(RunSpec("test", layers))
        return {layer.name for layer in layers if layer.derivation is not None}

    layers = (*derived_run_spec().layers[:5], image_layer("a"), image_layer("b"))
    spec = RunSpec("test", (*layers, image_layer("sum", Add(), "a", "b")))
    assert following() == {*FOLLOWING, "sum"}
    assert following(derive=False) == set()
    assert following(activation_dtype="float16") == set(FOLLOWING)  # of sums, not of rounded ones
    assert following(every_unit=2) == {"relu1", "pool1", "sum"}  # all units are flattened
    assert following(layers=["!conv1"]) == {"pool1", "flatten", "sum"}
    assert following(activations=["pool1"]) == set()


def test_an_estimate_counts_what_is_stored() -> None:
    less = sum(array.frame_bytes for array in SPEC.array_specs() if array.derivation)
    one, other = estimate(SPEC, 10), estimate(image_run_spec(), 10)
    assert other.activation_bytes - one.activation_bytes == less > 0
    assert other.total_bytes - one.total_bytes >= 10 * less


# -- reading ---------------------------------------------------------------------------------


Open = Callable[[Path], AbstractContextManager[Run]]


@contextlib.contextmanager
def live(folder: Path) -> Iterator[Run]:
    yield open_run(write_run(folder / "live.zarr", SPEC, steps=STEPS))


@contextlib.contextmanager
def packed(folder: Path) -> Iterator[Run]:
    yield open_run(pack(write_run(folder / "run.zarr", SPEC, steps=STEPS)).path)


@contextlib.contextmanager
def joined(folder: Path) -> Iterator[Run]:
    """A run in which every layer follows at the first steps only."""
    yield open_run(write_joined(folder / "joined.zarr", 5))


@contextlib.contextmanager
def at_an_address(folder: Path) -> Iterator[Run]:
    with packed(folder), served(folder) as server:
        yield open_run(f"{server.url}/run.zarr")


def write_joined(path: Path, begins: int, **options: Any) -> Path:
    """Write a run whose layers do not follow at one step."""
    with RunWriter.create(path, SPEC, **options) as writer:
        for step in STEPS:
            writer.append(step, epoch=0, wall_time=0, frames=joined_frames(step, begins))
    return path


def joined_frames(step: int, begins: int) -> dict[str, Array]:
    frames = frames_at(SPEC, step)
    if step == begins:
        for number, layer in enumerate(FOLLOWING):
            path = activation_path(layer)
            frames[path] = frames[path].copy()
            frames[path].flat[-1] = 7 + number
    return frames


@pytest.mark.slow
@pytest.mark.parametrize("place", [live, packed, joined, at_an_address])
def test_any_part_of_a_layer_that_follows_is_read_as_if_it_were_stored(
    place: Open, tmp_path: Path, small_layouts: None
) -> None:
    begins = 5 if place is joined else -1

    @given(layer=st.sampled_from(FOLLOWING), data=st.data())
    def check(layer: str, data: st.DataObject) -> None:
        path = activation_path(layer)
        expected = np.stack([joined_frames(step, begins)[path] for step in STEPS])
        index = tuple(
            data.draw(st.integers(-size, size - 1) | st.slices(size)) for size in expected.shape
        )
        np.testing.assert_array_equal(run.read(path, index), expected[index], strict=True)

    with place(tmp_path) as run:
        check()
        for layer in FOLLOWING:
            activations = run.activations(layer)
            assert activations.dims == ("step", *SPEC.layers[order(layer)].output_dims)
            assert activations.sizes["step"] == len(STEPS)
            assert activations.dtype == np.float32
            assert run.layers[layer].has_activation
            assert run.layers[layer].derived_from == SPEC.layers[order(layer)].inbound
        assert not run.layers["conv1"].derived_from


def order(layer: str) -> int:
    return [each.name for each in SPEC.layers].index(layer)


def test_every_kth_unit_that_follows_has_its_number(tmp_path: Path) -> None:
    spec = narrowed(SPEC, Narrowing(every_unit=2))
    run = open_run(write_run(tmp_path / "run.zarr", spec, steps=STEPS))
    relu = run.activations("relu1")
    assert relu["unit"].values.tolist() == [0, 2]
    assert run.layers["relu1"].unit_stride == run.layers["conv1"].unit_stride == 2
    np.testing.assert_array_equal(relu, np.maximum(run.activations("conv1"), 0))


def test_the_history_of_a_unit_reads_histories_of_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = derived_run_spec(side=32, units=8)
    run = open_run(pack(write_run(tmp_path / "run.zarr", spec, steps=range(40))).path)
    read: list[str] = []
    original = type(run.source).read

    def noted(source: Any, key: str, start: int, length: int | None) -> bytes:
        read.append(key)
        return original(source, key, start, length)

    monkeypatch.setattr(type(run.source), "read", noted)
    run.read(activation_path("pool1"), (slice(None), 0, 1, 1, 0))
    assert {key.rpartition("/")[0] for key in read} == {"history/layers/conv1/activation"}
    assert not any(path.startswith("history/layers/pool1") for path in run.nodes)


def test_the_tree_has_what_follows(tmp_path: Path) -> None:
    for run in (
        write_run(tmp_path / "run.zarr", SPEC, steps=STEPS),
        write_joined(tmp_path / "j", 5),
    ):
        tree = open_run(run).tree
        for layer in FOLLOWING:
            found = tree[f"layers/{layer}/activation"]
            np.testing.assert_array_equal(found, open_run(run).activations(layer))
            assert found.dims == open_run(run).activations(layer).dims


def test_what_a_run_holds_is_said(tmp_path: Path) -> None:
    run = open_run(write_run(tmp_path / "run.zarr", SPEC, steps=STEPS))
    layers = {layer["name"]: layer for layer in describe(run)["layers"]}
    assert layers["relu1"]["activation"]
    assert layers["relu1"]["derived_from"] == ["conv1"]
    assert layers["relu1"]["raw_bytes"] == 0
    text = render(describe(run))
    assert "follows" in next(line for line in text.splitlines() if line.startswith("relu1"))


# -- writing ---------------------------------------------------------------------------------


def test_what_follows_is_not_stored(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)
    assert arrays(run) == {"conv1", "dense", "softmax"}
    assert_holds(run, SPEC, STEPS)
    assert verify(open_run(run)).is_sound
    assert group(run, "pool1")[DERIVED] == {
        "operation": "max_pool",
        "sources": ["relu1"],
        "parameters": {"window": [2, 2, 1], "strides": [2, 2, 1], "padding": [[0, 0]] * 3},
        "dimension_names": ["step", "probe", "y", "x", "unit"],
    }
    assert DERIVED not in group(run, "conv1")


@pytest.mark.slow
@pytest.mark.parametrize("begins", [0, 1, 4, 5, 10])
@pytest.mark.parametrize("compression", [None, "lz4"])
@pytest.mark.parametrize("files", [small_files, contextlib.nullcontext])
def test_a_layer_is_stored_from_the_step_on_at_which_it_does_not_follow(
    begins: int, compression: Any, files: Any, tmp_path: Path
) -> None:
    with files():
        run = write_joined(tmp_path / "run.zarr", begins, compression=compression)
        opened = open_run(run)
        for layer in FOLLOWING:
            path = activation_path(layer)
            for step in STEPS:
                np.testing.assert_array_equal(
                    opened.read(path, (step,)), joined_frames(step, begins)[path], strict=True
                )
            assert opened.nodes[path]["attributes"].get(BEGINS, 0) == begins
            assert opened.nodes[path]["shape"][0] == len(STEPS)
            plain = zarr.open_group(run, mode="r", zarr_format=3, use_consolidated=True)[path]
            assert isinstance(plain, zarr.Array)
            np.testing.assert_array_equal(plain[begins:], opened.read(path, (slice(begins, None),)))
            before = np.asarray(plain[:begins])
            assert np.isnan(before).all() or not before.any()
        report = verify(opened)
        assert report.is_sound, report.findings


def test_only_the_layer_that_does_not_follow_is_stored(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "run.zarr", SPEC) as writer:
        append_steps(writer, 0, 1)
        frames = frames_at(SPEC, 2)
        frames[activation_path("flatten")] = frames[activation_path("flatten")] + 1
        before = writer.bytes_appended
        writer.append(2, epoch=0, wall_time=0, frames=frames)
        grown = writer.bytes_appended - before
    assert arrays(tmp_path / "run.zarr") == {"conv1", "dense", "softmax", "flatten"}
    assert (
        grown
        == sum(frames[path].nbytes for path in frames if "relu" not in path and "pool" not in path)
        + 24
    )


def test_nan_that_stays_nan_follows_and_minus_zero_is_zero(tmp_path: Path) -> None:
    frames = frames_at(SPEC, 0)
    conv, relu = (frames[activation_path(layer)] for layer in ("conv1", "relu1"))
    conv[0, 0, 0, 0], relu[0, 0, 0, 0] = np.nan, np.nan
    pooled = frames[activation_path("pool1")]
    pooled[0, 0, 0, 0] = np.nan
    frames[activation_path("flatten")] = pooled.reshape(PROBES, -1)
    relu[conv < 0] = -0.0
    with RunWriter.create(tmp_path / "run.zarr", SPEC) as writer:
        writer.append(0, epoch=0, wall_time=0, frames=frames)
    assert arrays(tmp_path / "run.zarr") == {"conv1", "dense", "softmax"}
    np.testing.assert_array_equal(
        open_run(tmp_path / "run.zarr").read(activation_path("relu1"), (0,)), relu
    )


def test_a_sum_of_fewer_bits_does_not_follow(tmp_path: Path) -> None:
    """As of bfloat16, which is stored as float32: the network rounds its sums."""
    layers = (image_layer("a"), image_layer("b"), image_layer("sum", Add(), "a", "b"))
    spec = RunSpec("test", layers)
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 2, 8, 4)).astype(np.float16)
    frames = dict(zip(map(activation_path, ("a", "b", "sum")), (a, b, a + b), strict=True))
    with RunWriter.create(tmp_path / "run.zarr", spec) as writer:
        writer.append(0, epoch=0, wall_time=0, frames=frames)
    assert arrays(tmp_path / "run.zarr") == {"a", "b", "sum"}
    assert not open_run(tmp_path / "run.zarr").layers["sum"].derived_from


def test_a_frame_of_a_layer_that_follows_must_be_given_and_fit(tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "run.zarr", SPEC) as writer:
        frames = frames_at(SPEC, 0)
        del frames[activation_path("pool1")]
        with pytest.raises(SpecError, match="pool1"):
            writer.append(0, epoch=0, wall_time=0, frames=frames)
        frames[activation_path("pool1")] = np.zeros((PROBES, 2), np.float32)
        with pytest.raises(SpecError, match="shape"):
            writer.append(0, epoch=0, wall_time=0, frames=frames)
        assert writer.last_step is None


# -- resuming --------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [SPEC, image_run_spec("derived")])
def test_a_run_goes_on_to_leave_out_what_it_left_out(given: RunSpec, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)
    with RunWriter.resume(run, given) as writer:
        for step in (20, 21):
            writer.append(step, epoch=0, wall_time=0, frames=frames_at(SPEC, step))
    assert arrays(run) == {"conv1", "dense", "softmax"}
    assert_holds(run, SPEC, [*STEPS, 20, 21])


def test_a_run_that_stores_all_goes_on_to_store_all(tmp_path: Path) -> None:
    spec = image_run_spec()
    run = write_run(tmp_path / "run.zarr", spec, steps=STEPS)
    with RunWriter.resume(run, SPEC) as writer:
        append_steps(writer, 20)
    assert set(FOLLOWING) <= arrays(run)
    assert_holds(run, spec, [*STEPS, 20])


@pytest.mark.slow
@pytest.mark.parametrize("after", [None, 7, 5, 4, 2, 0, -1])
@pytest.mark.parametrize("compression", [None, "lz4"])
def test_a_layer_that_no_longer_followed_stays_stored(
    after: int | None, compression: Any, tmp_path: Path
) -> None:
    with small_files():
        run = write_joined(tmp_path / "run.zarr", 5, compression=compression)
        with RunWriter.resume(run, SPEC, after_step=after) as writer:
            for step in (20, 21, 22, 23, 24):
                writer.append(step, epoch=0, wall_time=0, frames=frames_at(SPEC, step))
        opened = open_run(run)
        kept = [step for step in STEPS if after is None or step <= after]
        assert opened.steps.tolist() == [*kept, 20, 21, 22, 23, 24]
        begins = min(5, len(kept))
        for layer in FOLLOWING:
            path = activation_path(layer)
            assert opened.nodes[path]["attributes"].get(BEGINS, 0) == begins
            for index, step in enumerate(opened.steps):
                np.testing.assert_array_equal(
                    opened.read(path, (index,)), joined_frames(int(step), 5)[path]
                )
        report = verify(opened)
        assert report.is_sound, report.findings


@pytest.mark.parametrize("begins", [4, 5])
def test_a_run_that_ends_where_a_layer_begins_to_be_stored_is_resumed(
    begins: int, tmp_path: Path
) -> None:
    with small_files():
        run = write_joined(tmp_path / "run.zarr", begins)
        for _ in range(2):
            RunWriter.resume(run, SPEC, after_step=begins - 1).close()
            assert_holds(run, SPEC, range(begins))
        with RunWriter.resume(run, SPEC) as writer:
            writer.append(begins, epoch=0, wall_time=0, frames=frames_at(SPEC, begins))
        assert_holds(run, SPEC, range(begins + 1))
        assert verify(open_run(run)).is_sound


def test_a_run_whose_layers_have_other_sizes_now_is_not_resumed(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)
    layers = list(SPEC.layers)
    layers[4] = replace(layers[4], output_shape=(PROBES, 3), derivation=None)
    with pytest.raises(SpecError, match="flatten"):
        RunWriter.resume(run, replace(SPEC, layers=tuple(layers)))
    assert_holds(run, SPEC, STEPS)


def test_what_a_killed_writer_had_not_committed_is_written_anew(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path / "run.zarr", SPEC)
    for step in range(3):
        writer.append(step, epoch=0, wall_time=0, frames=joined_frames(step, -1))
    writer.commit()
    for step in range(3, 6):
        writer.append(step, epoch=0, wall_time=0, frames=joined_frames(step, 4))
    writer.abandon()
    assert_holds(tmp_path / "run.zarr", SPEC, range(3))
    with RunWriter.resume(tmp_path / "run.zarr", SPEC) as writer:
        for step in range(3, 11):
            writer.append(step, epoch=0, wall_time=0, frames=joined_frames(step, 9))
    run = open_run(tmp_path / "run.zarr")
    for step in range(11):
        for path, frame in joined_frames(step, 9).items():
            np.testing.assert_array_equal(run.read(path, (step,)), frame)
    assert run.nodes[activation_path("relu1")]["attributes"][BEGINS] == 9


# -- copies and parts of a run ---------------------------------------------------------------


def test_a_packed_run_leaves_out_what_follows(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)
    said = group(run, "pool1")
    pack(run)
    assert arrays(run) == {"conv1", "dense", "softmax"}
    assert group(run, "pool1") == said
    assert_holds(run, SPEC, STEPS)
    assert verify(open_run(run)).is_sound
    pack(run, tmp_path / "again.zarr")
    assert_holds(tmp_path / "again.zarr", SPEC, STEPS)
    shared = share(run, tmp_path / "run.zip").path
    assert_holds(shared, SPEC, STEPS)


def test_a_packed_run_holds_whole_what_did_not_follow_at_some_steps(tmp_path: Path) -> None:
    run = write_joined(tmp_path / "run.zarr", 5)
    pack(run)
    opened = open_run(run)
    assert set(FOLLOWING) <= arrays(run)
    for layer in FOLLOWING:
        path = activation_path(layer)
        assert BEGINS not in opened.nodes[path]["attributes"]
        assert DERIVED not in group(run, layer)
        for step in STEPS:
            np.testing.assert_array_equal(opened.read(path, (step,)), joined_frames(step, 5)[path])
    assert verify(opened).is_sound


def test_of_rounded_activations_sums_are_stored(tmp_path: Path) -> None:
    names = ("a", "b", "sum", "relu")
    layers = (
        image_layer("a"),
        image_layer("b"),
        image_layer("sum", Add(), "a", "b"),
        image_layer("relu", Clip(0.0), "sum"),
    )
    run = write_run(tmp_path / "run.zarr", RunSpec("test", layers), steps=STEPS)
    exact = {name: open_run(run).activations(name).values for name in names}
    assert arrays(run) == {"a", "b"}
    pack(run, precision={"activation": "float16"})
    assert arrays(run) == {"a", "b", "sum"}
    for name in names:
        found = open_run(run).activations(name).values
        np.testing.assert_array_equal(found, exact[name].astype(np.float16), strict=True)


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        (Cut(layers=["relu1", "pool1"]), {"relu1"}),
        (Cut(layers=["pool1", "flatten"]), {"pool1"}),
        (Cut(layers=["flatten", "conv1"]), {"conv1", "flatten"}),
        (Cut(probes=[0, 3]), {"conv1", "dense", "softmax"}),
        (Cut(first=2, every=3), {"conv1", "dense", "softmax"}),
        (Cut(drop=["activations"]), set()),
        (Cut(drop=["weights", "inputs"]), {"conv1", "dense", "softmax"}),
    ],
)
def test_a_part_of_a_run_holds_what_cannot_follow_in_it(
    cut: Cut, left: set[str], tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)
    crop(run, tmp_path / "part.zarr", cut)
    assert arrays(tmp_path / "part.zarr") == left
    whole, part = open_run(run), open_run(tmp_path / "part.zarr")
    chosen = {"step": part.steps, "probe": slice(None) if cut.probes is None else list(cut.probes)}
    for name, layer in part.layers.items():
        wanted = not cut.layers or name in cut.layers
        has = whole.layers[name].has_activation and wanted and "activations" not in cut.drop
        assert layer.has_activation == has
        if has:
            np.testing.assert_array_equal(
                part.activations(name), whole.activations(name).sel(chosen)
            )
    assert verify(part).is_sound


def test_a_joined_run_is_cropped(tmp_path: Path) -> None:
    run = write_joined(tmp_path / "run.zarr", 5)
    crop(run, tmp_path / "part.zarr", Cut(first=3, last=8, probes=[1, 2]))
    part = open_run(tmp_path / "part.zarr")
    for layer in FOLLOWING:
        for index, step in enumerate(range(3, 9)):
            path = activation_path(layer)
            frame = joined_frames(step, 5)[path][1:3]
            np.testing.assert_array_equal(part.read(path, (index,)), frame)


@pytest.mark.parametrize("form", ["live", "packed", "joined"])
def test_where_a_source_is_damaged_what_follows_is_left_out_with_it(
    form: str, tmp_path: Path, small_layouts: None
) -> None:
    with small_files():
        if form == "joined":
            run = write_joined(tmp_path / "run.zarr", 5)
        else:
            run = write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)
        if form == "packed":
            pack(run, history=False)
        first, *_ = sorted((run / activation_path("conv1")).glob("c*"))
        content = bytearray(first.read_bytes())
        content[: len(content) // 2] = bytes(len(content) // 2)
        first.write_bytes(content)
        opened = open_run(run)
        report = verify(opened)
        assert {finding.path for finding in report.findings} == {activation_path("conv1")}
        salvage(opened, report, tmp_path / "saved.zarr")
        saved = open_run(tmp_path / "saved.zarr")
        assert 0 < len(saved) < len(STEPS)
        for index, step in enumerate(saved.steps):
            for path, frame in joined_frames(int(step), 5 if form == "joined" else -1).items():
                np.testing.assert_array_equal(saved.read(path, (index,)), frame)


def test_what_follows_from_a_lost_layer_is_lost_with_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)
    for file in (run / activation_path("conv1")).glob("c*"):
        file.unlink()
    opened = open_run(run)
    _, lost = salvage(opened, verify(opened), tmp_path / "saved.zarr")
    assert {line.split("/")[1] for line in lost} == {"conv1", *FOLLOWING}
    saved = open_run(tmp_path / "saved.zarr")
    assert len(saved) == len(STEPS)
    assert [name for name, layer in saved.layers.items() if layer.has_activation] == [
        "dense",
        "softmax",
    ]


# -- damage ----------------------------------------------------------------------------------


def changed(run: Path, layer: str, change: Callable[[dict[str, Any]], Any]) -> Path:
    document = root(run)
    node = document["consolidated_metadata"]["metadata"][f"layers/{layer}"]
    change(node["attributes"])
    (run / "zarr.json").write_text(json.dumps(document))
    return run


def repeated(times: int) -> dict[str, Any]:
    """Attributes of a layer that would need far more memory than the run has bytes."""
    said = {
        "operation": "repeat",
        "sources": ["pool1"],
        "parameters": {"times": [times, 1, 1]},
        "dimension_names": ["step", "probe", "y", "x", "unit"],
    }
    return {"derived": said, "output_shape": [4 * times, 4, 3]}


@pytest.mark.parametrize(
    ("layer", "change"),
    [
        ("relu1", lambda said: said.update(derived=3)),
        ("relu1", lambda said: said["derived"].update(sources=["conv1", "conv1"])),
        ("relu1", lambda said: said["derived"].update(parameters={"lower": "0"})),
        ("relu1", lambda said: said["derived"].update(dimension_names=["step", "probe"])),
        ("relu1", lambda said: said["derived"].update(dimension_names=["step", *"abcd"])),
        ("relu1", lambda said: said.update(output_shape=[1, 2, 3])),
        ("pool1", lambda said: said["derived"]["parameters"].update(window=[2, 2])),
        ("pool1", lambda said: said["derived"]["parameters"].update(padding=[[9, 0]] * 3)),
        ("flatten", lambda said: said["derived"]["parameters"].update(target=[7])),
        ("relu1", lambda said: said["derived"]["parameters"].update(lower=10**400)),
        ("flatten", lambda said: said.update(repeated(10**7))),
    ],
)
def test_a_damaged_derivation_is_refused(
    layer: str, change: Callable[[dict[str, Any]], Any], tmp_path: Path
) -> None:
    run = changed(write_run(tmp_path / "run.zarr", SPEC, steps=STEPS), layer, change)
    with pytest.raises(RunFormatError, match=layer):
        open_run(run)


def test_what_follows_by_an_operation_of_a_later_version_is_not_there(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)
    changed(run, "pool1", lambda said: said["derived"].update(operation="fold"))
    opened = open_run(run)
    assert opened.layers["relu1"].has_activation
    for layer in ("pool1", "flatten"):
        assert not opened.layers[layer].has_activation
        with pytest.raises(ArrayNotRecordedError):
            opened.activations(layer)
        with pytest.raises(ArrayNotRecordedError):
            opened.array(activation_path(layer))


def test_an_array_that_begins_later_is_not_read_where_nothing_says_what_was_before(
    tmp_path: Path,
) -> None:
    run = changed(write_joined(tmp_path / "run.zarr", 5), "pool1", lambda said: said.pop("derived"))
    opened = open_run(run)
    assert not opened.layers["pool1"].has_activation
    with pytest.raises(ArrayNotRecordedError):
        opened.array(activation_path("pool1"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


def test_whatever_is_said_of_a_derivation_causes_an_error_of_ours(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.zarr", SPEC, steps=STEPS)
    sound = (run / "zarr.json").read_text()
    names = st.sampled_from(sorted(OPERATIONS))
    sources = st.lists(st.sampled_from([layer.name for layer in SPEC.layers]), max_size=2)
    small = st.integers(-1, 3)
    sizes = st.lists(small, min_size=1, max_size=3)
    pairs = st.lists(st.lists(small, min_size=2, max_size=2), min_size=1, max_size=3)
    likely = {
        "window": sizes,
        "strides": sizes,
        "padding": pairs,
        "amounts": pairs,
        "times": sizes,
        "axes": sizes,
        "target": sizes,
        "axis": small,
        "lower": st.floats(),
        "upper": small,
    }

    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        name = data.draw(names)
        keys = {field.name for field in dataclasses.fields(OPERATIONS[name])}
        parameters = {key: data.draw(likely[key] | json_values) for key in sorted(keys)}
        said = {"operation": name, "sources": data.draw(sources), "parameters": parameters}
        (run / "zarr.json").write_text(sound)
        changed(run, "flatten", lambda attributes: attributes["derived"].update(said))
        with contextlib.suppress(TrainlapseError):
            opened = open_run(run)
            opened.read(activation_path("flatten"), (0,))

    check()

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorstore
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import RunWriter, open_run
from store.errors import ChunkDamagedError, RunExistsError, RunLockedError, SpecError
from store.format.codecs import Chain
from store.format.names import Array
from store.format.spec import LayerSpec, RunSpec
from store.packed import shards
from store.packed import writer as packed_writer
from store.packed.pack import pack
from store.packed.precision import round_mantissa
from store.reading.run import Run
from store.reading.twins import TwinArray
from store.storage.sources import DirectorySource
from store.testing import frames_at, image_run_spec, text_run_spec, write_run
from tests.store.conftest import STEPS, digest

ACTIVATION = "layers/conv1/activation"


class CountingSource(DirectorySource):
    """A directory that remembers which chunks were read."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.chunks: list[str] = []

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if not key.endswith("zarr.json"):
            self.chunks.append(key)
        return super().read(key, start, length)


def recorded(path: str) -> Array:
    """What was recorded in an array, from the generator itself."""
    return np.stack([frames_at(image_run_spec(), step)[path] for step in STEPS])


def array_paths(run: Run) -> list[str]:
    return [path for path, node in run.nodes.items() if node["node_type"] == "array"]


def layer_paths(run: Run) -> list[str]:
    return [path for path in array_paths(run) if path.startswith("layers/")]


# -- values -------------------------------------------------------------------------------------


def test_every_element_is_read_by_us_by_zarr_and_by_tensorstore(packed_run: Path) -> None:
    run = open_run(packed_run)
    paths = layer_paths(run)
    assert len(paths) == 10
    assert any(f"history/{path}" in run.nodes for path in paths)
    for path in paths:
        expected = recorded(path)
        np.testing.assert_array_equal(run.read(path, ()), expected)
        for twin in (path, f"history/{path}"):
            if twin not in run.nodes:
                continue
            by_zarr = zarr.open_array(packed_run / twin, mode="r", zarr_format=3)
            np.testing.assert_array_equal(by_zarr[...], expected)
            kvstore = {"driver": "file", "path": f"{packed_run / twin}/"}
            by_tensorstore = tensorstore.open({"driver": "zarr3", "kvstore": kvstore}).result()
            np.testing.assert_array_equal(by_tensorstore.read().result(), expected)


def test_everything_else_is_as_it_was(live_run: Path, packed_run: Path) -> None:
    live, packed = open_run(live_run), open_run(packed_run)
    assert packed.attributes["form"] == "packed"
    changed = {"form", "compression", "history", "precision"}
    kept = {key: value for key, value in live.attributes.items() if key not in changed}
    assert {key: packed.attributes[key] for key in kept} == kept
    np.testing.assert_array_equal(packed.steps, STEPS)
    xr.testing.assert_identical(packed.metrics, live.metrics)
    assert packed.layers == live.layers
    assert packed.model_config == live.model_config
    assert packed.probe is not None
    assert live.probe is not None
    assert packed.probe.fingerprint() == live.probe.fingerprint()


def test_tree_shows_each_array_once(live_run: Path, packed_run: Path) -> None:
    assert open_run(packed_run).tree.equals(open_run(live_run).tree.load())
    whole = xr.open_datatree(packed_run, engine="zarr", chunks=None)
    np.testing.assert_array_equal(whole["history/layers/conv1"]["activation"], recorded(ACTIVATION))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_index_gives_what_numpy_gives(packed_run: Path, data: st.DataObject) -> None:
    run = open_run(packed_run)
    path = data.draw(st.sampled_from(layer_paths(run)))
    expected = recorded(path)
    index = []
    for size in expected.shape[: data.draw(st.integers(0, expected.ndim))]:
        bound = st.none() | st.integers(-size - 2, size + 2)
        step = st.sampled_from([None, 1, 2, 3, 7, 20, -1, -2, -5])
        either = st.integers(-size, size - 1) | st.builds(slice, bound, bound, step)
        index.append(data.draw(either))
    reader = run.array(path)
    twins = [reader.frames, reader.history] if isinstance(reader, TwinArray) else []
    for each in (reader, *twins):
        np.testing.assert_array_equal(each.read(tuple(index)), expected[tuple(index)])


@pytest.mark.parametrize("index", [(99,), (0, 0, 0, 0, 3), (0, 0, 0, 0, 0, 0)])
def test_an_index_outside_is_an_index_error(packed_run: Path, index: tuple[int, ...]) -> None:
    with pytest.raises(IndexError):
        open_run(packed_run).read(ACTIVATION, index)


def test_frames_and_histories_read_little(packed_run: Path) -> None:
    source = CountingSource(packed_run)
    run = Run(source)
    frame = run.read(ACTIVATION, (3,))
    assert {key.startswith(f"{ACTIVATION}/") for key in source.chunks} == {True}
    source.chunks.clear()
    history = run.read(ACTIVATION, (slice(None), 2, 1, 1, 0))
    assert {key.startswith(f"history/{ACTIVATION}/") for key in source.chunks} == {True}
    source.chunks.clear()
    run.read(ACTIVATION, (slice(None), 2, 1, 1, 0))
    assert source.chunks == []  # blocks and indexes are cached
    np.testing.assert_array_equal(frame, recorded(ACTIVATION)[3])
    np.testing.assert_array_equal(history, recorded(ACTIVATION)[:, 2, 1, 1, 0])


def test_a_damaged_twin_is_replaced_by_the_other(packed_run: Path) -> None:
    for file in (packed_run / "history" / ACTIVATION).glob("c.*"):
        file.write_bytes(file.read_bytes()[:-30])
    run = open_run(packed_run)
    np.testing.assert_array_equal(run.read(ACTIVATION, ()), recorded(ACTIVATION))
    history = run.read(ACTIVATION, (slice(None), 2, 1, 1, 0))
    np.testing.assert_array_equal(history, recorded(ACTIVATION)[:, 2, 1, 1, 0])


def test_bits_that_compare_oddly_survive(tmp_path: Path) -> None:
    odd = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3.4e38], np.float32)
    odd.view(np.uint32)[0] ^= 1  # a NaN with a payload
    spec = RunSpec("odd", (LayerSpec("a", "A", "other", {}, (), ("probe", "unit"), (1, len(odd))),))
    with RunWriter.create(tmp_path / "odd.zarr", spec) as writer:
        frame = {"layers/a/activation": odd[np.newaxis]}
        writer.append(0, epoch=0, wall_time=0, frames=frame)
    pack(tmp_path / "odd.zarr")
    found = open_run(tmp_path / "odd.zarr").read("layers/a/activation", (0, 0))
    assert found.tobytes() == odd.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("steps", [(), (0,), tuple(range(9))])
@pytest.mark.usefixtures("small_layouts")
def test_runs_of_any_length(tmp_path: Path, steps: tuple[int, ...]) -> None:
    path = write_run(tmp_path / "run.zarr", text_run_spec(), steps=steps, compression="lz4")
    before = open_run(path).tree.load()
    pack(path)
    after = open_run(path)
    assert len(after) == len(steps)
    assert after.tree.equals(before)
    assert after.probe is not None
    assert after.probe.texts == ["not a good film", "<b>bad</b> film"]


# -- precision ----------------------------------------------------------------------------------


def test_half_floats_declare_their_error(live_run: Path, small_layouts: None) -> None:
    report = pack(live_run, precision={"activation": "float16"})
    run = open_run(live_run)
    stored, exact = run.read(ACTIVATION, ()), recorded(ACTIVATION)
    assert stored.dtype == np.float16
    np.testing.assert_array_equal(stored, exact.astype(np.float16))
    error = float(np.abs(stored.astype(np.float64) - exact).max())
    assert report.errors[ACTIVATION] == error > 0
    for path in (ACTIVATION, f"history/{ACTIVATION}"):
        assert run.nodes[path]["attributes"]["max_error"] == error
        assert run.nodes[path]["attributes"]["precision"] == "float16"
    kernel = "layers/dense/weights/kernel"
    assert kernel not in report.errors
    np.testing.assert_array_equal(run.read(kernel, ()), recorded(kernel))


@pytest.mark.slow
@pytest.mark.parametrize("bits", [1, 7, 22, 23, 60])
def test_rounding_keeps_the_error_below_half_a_unit(live_run: Path, bits: int) -> None:
    report = pack(live_run, precision={"weights": bits})
    path = "layers/dense/weights/kernel"
    stored, exact = open_run(live_run).read(path, ()), recorded(path)
    unit = np.exp2(np.floor(np.log2(np.abs(exact))) - bits)
    assert np.all(np.abs(stored.astype(np.float64) - exact) <= unit / 2)
    assert (path in report.errors) == (bits < 23)


def test_rounding_leaves_what_is_no_number() -> None:
    values = np.array([np.nan, np.inf, -np.inf, np.finfo(np.float32).max], np.float32)
    np.testing.assert_array_equal(round_mantissa(values, 3), values)


def test_what_half_floats_cannot_hold_is_refused(tmp_path: Path) -> None:
    spec = image_run_spec()
    frames = frames_at(spec, 0)
    frames[ACTIVATION] = frames[ACTIVATION] * np.float32(1e6)
    with RunWriter.create(tmp_path / "run.zarr", spec) as writer:
        writer.append(0, epoch=0, wall_time=0, frames=frames)
    before = digest(tmp_path)
    with pytest.raises(SpecError, match=r"conv1/activation .*float16's largest, 65504"):
        pack(tmp_path / "run.zarr", precision={"activation": "float16"})
    assert digest(tmp_path) == before


@pytest.mark.parametrize("precision", [{"gradients": 3}, {"weights": 0}, {"weights": "int8"}])
def test_unknown_precision_is_refused(live_run: Path, precision: dict[str, str | int]) -> None:
    with pytest.raises(SpecError, match="Expected one of activation, weights"):
        pack(live_run, precision=precision)


# -- safety -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("at", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.usefixtures("small_layouts")
def test_an_interruption_leaves_the_old_run_and_nothing_else(live_run: Path, at: float) -> None:
    before = digest(live_run.parent)

    def interrupt(done: int, total: int, _: str) -> None:
        if done >= at * total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(live_run, progress=interrupt)
    assert digest(live_run.parent) == before
    assert [entry.name for entry in live_run.parent.iterdir()] == [live_run.name]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_control_c_leaves_the_old_run_and_nothing_else(live_run: Path) -> None:
    before = digest(live_run.parent)
    code = (
        "import signal, sys, time\nfrom store.packed.pack import pack\n"
        # The background jobs of a shell, and what they start, do not hear of it by themselves.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def slow(done, total, what):\n    print(what, flush=True)\n    time.sleep(60)\n"
        "pack(sys.argv[1], progress=slow)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(live_run)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.returncode != 0
    assert digest(live_run.parent) == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_pack_leaves_the_old_run_and_the_next_one_clears_up(live_run: Path) -> None:
    before = digest(live_run)
    code = (
        "import os, signal, sys\nfrom store.packed.pack import pack\n"
        "def kill(done, total, what):\n"
        "    if done > total / 2:\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "pack(sys.argv[1], progress=kill)\n"
    )
    command = [sys.executable, "-c", code, str(live_run)]
    process = subprocess.run(command, cwd=Path(__file__).parents[3], check=False)
    assert process.returncode == -signal.SIGKILL
    kept = {name: content for name, content in digest(live_run).items() if name[0] != "."}
    assert kept == {name: content for name, content in before.items() if name[0] != "."}
    assert len(list(live_run.parent.iterdir())) == 2
    pack(live_run)
    assert [entry.name for entry in live_run.parent.iterdir()] == [live_run.name]
    np.testing.assert_array_equal(open_run(live_run).read(ACTIVATION, ()), recorded(ACTIVATION))


def test_a_wrong_copy_never_replaces_the_run(
    live_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(live_run.parent)
    encode = Chain.encode

    def encode_wrongly(self: Chain, values: Array) -> bytes:
        changed = values.copy()
        changed.reshape(-1)[-1:] += 1
        return encode(self, changed)

    monkeypatch.setattr(Chain, "encode", encode_wrongly)
    with pytest.raises(ChunkDamagedError, match="differs from what was recorded"):
        pack(live_run)
    assert digest(live_run.parent) == before


def test_a_run_being_recorded_is_refused(tmp_path: Path) -> None:
    with (
        RunWriter.create(tmp_path / "run.zarr", image_run_spec()),
        pytest.raises(RunLockedError),
    ):
        pack(tmp_path / "run.zarr")


def test_nothing_is_overwritten_unasked(live_run: Path, packed_run: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    (foreign / "chapter.tex").write_text("years of work")
    for target in (packed_run, foreign):
        before = digest(target)
        with pytest.raises(RunExistsError):
            pack(live_run, target)
        assert digest(target) == before
    with pytest.raises(RunExistsError):
        pack(live_run, foreign, overwrite=True)
    pack(live_run, packed_run, history=False, overwrite=True)
    assert not any(path.startswith("history") for path in open_run(packed_run).nodes)


@pytest.mark.slow
def test_packing_twice_changes_no_value(packed_run: Path, live_run: Path) -> None:
    pack(packed_run)
    assert open_run(packed_run).tree.equals(open_run(live_run).tree.load())


def test_files_beside_the_arrays_come_along(live_run: Path) -> None:
    (live_run / "moments.json").write_text("[1]")
    pack(live_run)
    assert (live_run / "moments.json").read_text() == "[1]"
    assert open_run(live_run).attributes["form"] == "packed"


def test_memory_is_bounded_by_slabs(
    live_run: Path, small_layouts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 2000
    read = Run.read
    largest = 0

    def watched(self: Run, path: str, index: tuple[slice, ...]) -> Array:
        nonlocal largest
        values = read(self, path, index)
        if path.startswith("layers/"):
            largest = max(largest, values.nbytes)
        return values

    monkeypatch.setattr(Run, "read", watched)
    for module in (shards, packed_writer):
        monkeypatch.setattr(module, "SLAB_BYTES", limit)
    pack(live_run, live_run.with_name("out.zarr"))
    assert 0 < largest <= limit


def test_progress_ends_at_its_total(live_run: Path, small_layouts: None) -> None:
    seen: list[tuple[int, int]] = []
    pack(live_run, progress=lambda done, total, _: seen.append((done, total)))
    assert len({total for _, total in seen}) == 1
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]

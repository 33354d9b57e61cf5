"""Runs that were made to do harm: opening one is as safe as opening a picture."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import numcodecs.zstd
import numpy as np
import pytest
from click.testing import CliRunner
from numcodecs import blosc

from store import open_run
from store.cli import verify as verify_command
from store.errors import RunFormatError
from store.format.spec import LayerSpec, RunSpec, WeightSpec
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.reading.live import MappedFiles
from store.storage.files import OpenFiles
from store.storage.open_source import open_source
from store.storage.run_lock import RunLock
from store.storage.sources import DirectorySource
from store.testing import append_steps, image_run_spec, write_run
from store.testing.http import served
from store.tools.crop import Cut, crop
from store.tools.share import share
from store.tools.verify import salvage, verify

MEBIBYTE = 1024**2
SECRET = b"TOPSECRET-PASSWORD......"
posix = pytest.mark.skipif(os.name == "nt", reason="links and pipes as POSIX has them")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run within two folders, beside which a secret lies."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "secret_0").write_bytes(SECRET)
    return write_run(tmp_path / "a" / "run.zarr", image_run_spec(side=24), steps=range(3))


@pytest.fixture
def packed(run: Path) -> Path:
    return pack(run, run.with_name("packed.zarr")).path


def change(run: Path, array: str, **said: Any) -> None:
    """Let a run say something else of an array."""
    root = json.loads((run / "zarr.json").read_bytes())
    root["consolidated_metadata"]["metadata"][array].update(said)
    (run / "zarr.json").write_text(json.dumps(root))


def grid(*shape: int) -> dict[str, Any]:
    return {"name": "regular", "configuration": {"chunk_shape": list(shape)}}


def keys(name: str, separator: Any) -> dict[str, Any]:
    return {"name": name, "configuration": {"separator": separator}}


# -- paths -----------------------------------------------------------------------------------


UPWARDS = "/../../../../../home/secret_"
STRANGE_KEYS = [
    keys("default", UPWARDS),
    keys("v2", UPWARDS),
    keys("default", "\\..\\..\\"),
    keys("default", ""),
    keys("default", ["/"]),
    keys("suffix", "/"),
    {**keys("default", "."), "suffix": UPWARDS},
    {"name": "default", "configuration": {"separator": ".", "prefix": "../"}},
    {"name": "default", "configuration": None},
    {"name": ["default"]},
    None,
]


@pytest.mark.parametrize("encoding", STRANGE_KEYS)
def test_names_of_chunks_are_made_in_the_two_known_ways_alone(run: Path, encoding: Any) -> None:
    (run / "probe/label/c").mkdir()
    plain = [{"name": "bytes"}]
    change(run, "probe/label", data_type="uint8", shape=[24], chunk_grid=grid(24), codecs=plain)
    change(run, "probe/label", chunk_key_encoding=encoding)
    with pytest.raises(RunFormatError, match="chunk_key_encoding"):
        open_run(run)
    with pytest.raises(RunFormatError, match="chunk_key_encoding"):
        share(run, run.with_name("out.zip"))


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        (keys("default", "/"), "c/0/0/0/0"),
        ({"name": "default"}, "c/0/0/0/0"),
        (keys("v2", "."), ".".join("0000")),
        ({"name": "v2"}, ".".join("0000")),
        (keys("v2", "/"), "0/0/0/0"),
    ],
)
def test_every_way_that_zarr_knows_to_name_chunks_is_read(
    packed: Path, encoding: dict[str, Any], name: str
) -> None:
    expected = open_run(packed).read("probe/input", ())
    file = packed / "probe/input" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    (packed / "probe/input/c.0.0.0.0").rename(file)
    change(packed, "probe/input", chunk_key_encoding=encoding)
    np.testing.assert_array_equal(open_run(packed).read("probe/input", ()), expected)


KEYS_THAT_LEAD_OUT = [
    "../home/secret_0",
    "probe/../../../home/secret_0",
    "probe//label",
    "/etc/passwd",
    "./zarr.json",
    "..",
    "",
    "probe/label/",
    "zarr.json\0",
]


@pytest.mark.parametrize("key", KEYS_THAT_LEAD_OUT)
@pytest.mark.parametrize("place", ["directory", "zip", "http://localhost:9/run", "s3://no/run"])
def test_no_source_reads_what_is_not_below_the_run(run: Path, place: str, key: str) -> None:
    if place == "zip":
        source = open_source(share(run, run.with_name("out.zip")).path)
    else:
        source = open_source(run if place == "directory" else place)
    with pytest.raises(RunFormatError, match="not a path within the run"):
        source.read(key)


# -- links -----------------------------------------------------------------------------------


def outside(run: Path, inside: str) -> Path:
    """Move a part of a run out of it, and leave a link in its place."""
    target = run.parent / "outside"
    (run / inside).rename(target)
    (run / inside).symlink_to(target, target_is_directory=target.is_dir())
    return target


PLACES = ["probe/input", "probe", "layers", "layers/conv1/activation", "layers/conv1", "zarr.json"]
USES: dict[str, Callable[[Path], Any]] = {
    "read": lambda run: [
        open_run(run).read(path, ())
        for path, node in open_run(run).nodes.items()
        if node["node_type"] == "array"
    ],
    "history": lambda run: (
        open_run(run).probe,
        open_run(run).read("layers/conv1/activation", (slice(None), 0, 0, 0, 0)),
    ),
    "tree": lambda run: open_run(run).tree.load(),
    "share": lambda run: share(run, run.with_name("out.zip")),
    "crop": lambda run: crop(run, run.with_name("cropped.zarr"), Cut(every=2)),
    "pack": lambda run: pack(run, run.with_name("again.zarr")),
}


@posix
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("form", ["live", "packed"])
@pytest.mark.parametrize("place", PLACES)
def test_no_link_in_a_run_is_followed(
    run: Path, packed: Path, place: str, form: str, use: str
) -> None:
    path = run if form == "live" else packed
    outside(path, place)
    with pytest.raises(RunFormatError, match=r"plain file|is not sound"):
        USES[use](path)
    assert not path.with_name("out.zip").exists()


@posix
def test_a_link_to_a_run_is_followed(run: Path) -> None:
    link = run.with_name("link.zarr")
    link.symlink_to(run, target_is_directory=True)
    assert len(open_run(link)) == 3
    assert open_run(link).probe is not None


@posix
@pytest.mark.parametrize("place", PLACES[:-1])
def test_nothing_is_written_through_a_link(run: Path, place: str) -> None:
    target = outside(run, place)
    before = {file: file.read_bytes() for file in target.rglob("*") if file.is_file()}
    with (
        pytest.raises(RunFormatError, match="plain file"),
        RunWriter.resume(run, image_run_spec(side=24), after_step=0) as writer,
    ):
        append_steps(writer, 5)
    with pytest.raises(RunFormatError, match="plain file"):
        RunWriter.create(run, image_run_spec(side=24), overwrite=True)
    assert before == {file: file.read_bytes() for file in target.rglob("*") if file.is_file()}


@posix
@pytest.mark.parametrize(
    "chunk", ["step/c.0", "layers/conv1/activation/c.0.0.0.0.0", "metrics/loss/c.0"]
)
def test_no_frame_is_appended_through_a_link(run: Path, chunk: str) -> None:
    target = outside(run, chunk)
    before = target.read_bytes()
    with (
        pytest.raises(RunFormatError, match="plain file"),
        RunWriter.resume(run, image_run_spec(side=24)) as writer,
    ):
        append_steps(writer, 5)
    assert target.read_bytes() == before


@posix
@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "pipe", "folder"])
def test_what_lies_in_the_place_of_a_lock_is_not_touched(run: Path, kind: str) -> None:
    precious, lock = run.parent / "precious", run / ".writer.lock"
    precious.write_text("precious")
    match kind:
        case "link":
            lock.symlink_to(precious)
        case "dangling":
            lock.symlink_to(run.parent / "new")
        case "hard link":
            lock.hardlink_to(precious)
        case "pipe":
            os.mkfifo(lock)
        case "folder":
            lock.mkdir()
    with pytest.raises(RunFormatError, match="not a plain file of its own"):
        RunLock(run)
    for use in ("share", "crop"):
        with pytest.raises(RunFormatError, match="not a plain file of its own"):
            USES[use](run)
    assert precious.read_text() == "precious"
    assert not (run.parent / "new").exists()


# -- bombs -----------------------------------------------------------------------------------


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Fail a test in which Python or NumPy reserve more than packing does."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 200 * MEBIBYTE
    finally:
        tracemalloc.stop()


def put_block(file: Path, content: bytes) -> None:
    file.write_bytes(content + int(google_crc32c.value(content)).to_bytes(4, "little"))


@pytest.mark.parametrize("items", [2**28, 2**29 - 64])
def test_a_compressed_block_is_not_larger_than_the_budget(packed: Path, items: int) -> None:
    shape = [6, 8, 8, items // 384]
    content = blosc.compress(np.zeros(1000, "<f4"), b"zstd", 9, 1, 0)
    claims = int(np.prod(shape) * 4).to_bytes(4, "little")
    put_block(packed / "probe/input/c.0.0.0.0", content[:4] + claims + content[8:])
    change(packed, "probe/input", shape=shape, chunk_grid=grid(*shape))
    run = open_run(packed)
    for read in (lambda: run.probe, lambda: run.read("probe/input", ()), lambda: run.tree.load()):
        with pytest.raises(RunFormatError, match="beyond what is read"):
            read()


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("name", ["zstd", "gzip", "vlen-bytes", "numcodecs.zlib"])
def test_no_codec_is_used_that_could_make_anything_of_a_few_bytes(run: Path, name: str) -> None:
    codecs = [{"name": "bytes", "configuration": {"endian": "little"}}]
    change(run, "probe/label", codecs=[*codecs, {"name": name, "configuration": {"level": 3}}])
    bomb = numcodecs.zstd.Zstd(1).encode(bytes(MEBIBYTE)) * 100
    (run / "probe/label/c.0").write_bytes(bomb)
    opened = open_run(run)
    for read in (lambda: opened.probe, lambda: opened.tree, lambda: opened.array("probe/label")):
        with pytest.raises(RunFormatError, match="as no array of a run is"):
            read()


def test_an_index_that_points_to_one_block_again_and_again_is_refused(tmp_path: Path) -> None:
    """4096 blocks of 1 MiB that are all the same 300 bytes."""
    packed = pack(write_run(tmp_path / "l.zarr"), tmp_path / "p.zarr").path
    block = blosc.compress(np.zeros(2**18, "<f4"), b"zstd", 9, 1, 0)
    block += int(google_crc32c.value(block)).to_bytes(4, "little")
    entries = np.full((4096, 2), (0, len(block)), "<u8").tobytes()
    content = block + entries + int(google_crc32c.value(entries)).to_bytes(4, "little")
    (packed / "probe/label/c.0").write_bytes(content)
    inner = open_run(packed).nodes["layers/conv1/activation"]["codecs"]
    shard = {
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": [2**18],
            "codecs": inner,
            "index_codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "crc32c"},
            ],
            "index_location": "end",
        },
    }
    size = 4096 * 2**18
    change(packed, "probe/label", data_type="float32", shape=[size], codecs=[shard])
    change(packed, "probe/label", chunk_grid=grid(size), fill_value="NaN")
    run = open_run(packed)
    assert run.read("probe/label", (slice(0, 2**20),)).shape == (2**20,)
    with pytest.raises(RunFormatError, match="beyond what is read"):
        run.read("probe/label", ())


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("array", "attribute"),
    [
        ("step", "steps"),
        ("metrics/loss", "metrics"),
        ("probe/input", "probe"),
    ],
)
def test_what_is_read_whole_and_kept_is_bounded_whatever_its_files_claim(
    run: Path, array: str, attribute: str
) -> None:
    """A sparse file claims gigabytes and takes no room on the disk."""
    root = json.loads((run / "zarr.json").read_bytes())
    nodes = root["consolidated_metadata"]["metadata"]
    along = {"step": "step", "metrics/loss": "update"}.get(array, "")
    for path, node in nodes.items():
        if node["node_type"] == "array" and (path == array or node["dimension_names"][0] == along):
            node["shape"][0] = 2**30 if along else 2**20
            if not along:
                node["chunk_grid"] = grid(*node["shape"])
    if along == "step":
        root["attributes"]["trainlapse"]["committed"] = 2**30
    (run / "zarr.json").write_text(json.dumps(root))
    for file in (run / array).glob("c*"):
        os.truncate(file, 2**34)
    opened = open_run(run)
    with pytest.raises(RunFormatError, match=r"beyond what is read|damaged"):
        getattr(opened, attribute)


def test_the_budget_can_be_raised_for_a_run_of_ones_own(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.format.byte_budget.BUDGET_BYTES", 100)
    with pytest.raises(RunFormatError, match="TRAINLAPSE_READ_BYTES"):
        _ = open_run(run).probe
    monkeypatch.setenv("TRAINLAPSE_READ_BYTES", str(MEBIBYTE))
    assert open_run(run).probe is not None


@pytest.mark.parametrize("array", ["step", "probe/input", "layers/conv1/activation"])
def test_a_file_that_is_long_and_takes_no_room_does_not_fill_a_disk(
    packed: Path, array: str
) -> None:
    (file,) = (packed / array).glob("c*")
    os.truncate(file, 2**36)
    # What a shared run says of itself is read first: its steps, and which probe there is.
    with pytest.raises(RunFormatError, match=r"more than its array can fill|fails its checksum"):
        share(packed, packed.with_name("out.zip"))
    assert not packed.with_name("out.zip").exists()


def test_documents_are_bounded(run: Path) -> None:
    length = 40 * MEBIBYTE
    plain = [{"name": "bytes"}]  # so that no checksum says it first
    change(run, "model/config", shape=[length], chunk_grid=grid(length), codecs=plain)
    with (run / "model/config/c.0").open("wb") as file:
        file.write(b"[" * 1000)
        file.truncate(length)
    with pytest.raises(RunFormatError, match="JSON"):
        _ = open_run(run).model_config


# -- claims ----------------------------------------------------------------------------------


def claim(run: Path, dim: str, length: int) -> None:
    """Let a run say that an axis is so long."""
    root = json.loads((run / "zarr.json").read_bytes())
    for node in root["consolidated_metadata"]["metadata"].values():
        if node["node_type"] == "array" and node["dimension_names"][:1] == [dim]:
            node["shape"][0] = length
    if dim == "step":
        root["attributes"]["trainlapse"]["committed"] = length
    (run / "zarr.json").write_text(json.dumps(root))


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("length", [10**7, 2**40])
@pytest.mark.parametrize("dim", ["step", "update"])
@pytest.mark.parametrize("form", ["live", "packed"])
def test_a_length_is_held_against_the_files_before_anything_is_read(
    run: Path, packed: Path, form: str, dim: str, length: int
) -> None:
    path = run if form == "live" else packed
    claim(path, dim, length)
    opened = open_run(path)
    report = verify(opened)
    axis = "step" if dim == "step" else "metrics/update"
    assert axis in {finding.path for finding in report.findings}
    assert len(report.findings) < 2 * len(opened.nodes)
    assert len("".join(map(str, report.findings))) < 100_000
    with pytest.raises(RunFormatError):
        salvage(opened, report, path.with_name("saved.zarr"))
    for use in ("share", "pack", "crop"):
        with pytest.raises(RunFormatError):
            USES[use](path)


def test_bad_blocks_are_counted_up_to_a_limit(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.tools.verify.MOST_BAD_BLOCKS", 1)
    file = packed / "layers/conv1/activation/c.0.0.0.0.0"
    file.write_bytes(bytes(file.stat().st_size))
    (finding,) = [each for each in verify(open_run(packed)).findings if "conv1" in each.path]
    assert finding.positions is None


def test_a_long_index_that_is_damaged_is_not_read_for_each_of_its_blocks(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = [6, 24, 24, 1]
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    inner = {"chunk_shape": [1, 1, 1, 1], "codecs": [little], "index_codecs": [little]}
    shard = {"name": "sharding_indexed", "configuration": inner}
    (file,) = (run / "probe/input").glob("c*")
    file.write_bytes(b"\xff" * 16 * 6 * 24 * 24)
    change(run, "probe/input", shape=shape, chunk_grid=grid(*shape), codecs=[shard])
    monkeypatch.setattr("store.tools.verify.MOST_INDEX_BYTES", 2**20)
    opened = open_run(run)
    read, real = 0, DirectorySource.read

    def counted(self: DirectorySource, key: str, *part: Any) -> bytes:
        nonlocal read
        content = real(self, key, *part)
        read += len(content) if "input" in key else 0
        return content

    monkeypatch.setattr(DirectorySource, "read", counted)
    report = verify(opened)
    assert any("is missing" in each.problem for each in report.findings if "input" in each.path)
    assert read < 3 * 2**20


def test_from_afar_the_last_file_bears_a_claim_out(run: Path) -> None:
    claim(run, "step", 2**40)
    with served(run.parent) as server:
        report = verify(open_run(f"{server.url}/run.zarr"))
        assert len(server.requests) < 20 * report.arrays
    problems = [finding.problem for finding in report.findings if finding.path == "step"]
    assert any("the last of them is not there" in problem for problem in problems)


def test_the_report_is_short_however_much_is_damaged(packed: Path) -> None:
    for file in packed.rglob("*/zarr.json"):
        file.unlink()
    result = CliRunner().invoke(verify_command, [str(packed)])
    assert result.exit_code == 1
    root = json.loads((packed / "zarr.json").read_bytes())
    nodes = root["consolidated_metadata"]["metadata"]
    nodes.update(
        {f"group{number}": {"node_type": "group", "attributes": {}} for number in range(500)}
    )
    (packed / "zarr.json").write_text(json.dumps(root))
    result = CliRunner().invoke(verify_command, [str(packed)])
    assert len(result.output.splitlines()) < 110
    assert re.search(r"^and 4\d\d more$", result.output, re.MULTILINE)


# -- files -----------------------------------------------------------------------------------


@pytest.fixture
def few_files() -> Iterator[None]:
    """Let this process open 16 files more than it has open."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_number_above(free=16), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _number_above(free: int) -> int:
    """Give the number of a file, below which so many are free: those in use may leave gaps."""
    number = 0
    while free:
        try:
            os.fstat(number)
        except OSError:
            free -= 1
        number += 1
    return number


@pytest.mark.usefixtures("few_files")
def test_a_network_of_many_layers_is_recorded_with_few_open_files(tmp_path: Path) -> None:
    kernel = (WeightSpec("kernel", ("in_unit", "unit"), (40, 40)),)
    layers = tuple(LayerSpec(f"d{n}", "Dense", "dense", weights=kernel) for n in range(100))
    frames = {f"layers/d{n}/weights/kernel": np.full((40, 40), n, np.float32) for n in range(100)}
    with RunWriter.create(tmp_path / "run.zarr", RunSpec("deep", layers)) as writer:
        for step in range(3):
            writer.append(step, epoch=0, wall_time=step, frames=frames)
            writer.commit()
    run = open_run(tmp_path / "run.zarr")
    for number in range(100):
        history = run.read(f"layers/d{number}/weights/kernel", (slice(None), 0, 0))
        assert history.tolist() == [number] * 3


@pytest.mark.usefixtures("few_files")
def test_maps_are_dropped_when_others_of_the_process_have_taken_all(tmp_path: Path) -> None:
    """Each map holds a file open, however many the limit of the process seemed to allow."""
    for number in range(40):
        (tmp_path / str(number)).write_bytes(bytes([number]))
    maps = MappedFiles(limit=1000)
    source = DirectorySource(tmp_path)
    assert [maps.get(source, str(number), 1, 1)[0] for number in range(40)] == list(range(40))


@pytest.mark.usefixtures("few_files")
def test_a_step_is_read_when_the_maps_of_another_run_have_taken_all(tmp_path: Path) -> None:
    """Metadata and single steps are opened afresh, whoever keeps the files that are open."""
    path = write_run(tmp_path / "run.zarr", steps=(0, 5))
    for number in range(40):
        (tmp_path / str(number)).write_bytes(bytes([number]))
    maps = MappedFiles(limit=1000)
    for number in range(40):
        maps.get(DirectorySource(tmp_path), str(number), 1, 1)
    run = open_run(path)
    expected = run.read("layers/conv1/activation", (0,))
    with contextlib.ExitStack() as taken:
        with contextlib.suppress(OSError):
            while True:
                taken.enter_context((tmp_path / "0").open("rb"))
        found = run.read("layers/conv1/activation", (0,))
    np.testing.assert_array_equal(found, expected)


@posix
def test_files_are_closed_when_others_of_the_process_have_taken_all(tmp_path: Path) -> None:
    """The limit is met however many files the training itself has open."""
    resource = pytest.importorskip("resource")
    files = OpenFiles(tmp_path, limit=50)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = files.get(tmp_path / "0").fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 8, before[1]))
    try:
        for number in range(40):
            files.get(tmp_path / str(number)).write(b"x")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        files.close()
    assert all((tmp_path / str(number)).read_bytes() == b"x" for number in range(40))

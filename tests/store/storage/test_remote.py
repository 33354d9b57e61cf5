from __future__ import annotations

import builtins
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import urllib3

from store import open_run
from store.errors import (
    MissingExtraError,
    RemoteError,
    RunFormatError,
    RunNotFoundError,
    SpecError,
)
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.storage import web
from store.storage.web import WebSource
from store.testing import frames_at, image_run_spec, write_run
from store.testing.http import Served, served
from store.tools.share import share
from store.tools.verify import verify
from tests.store.conftest import STEPS

pytestmark = pytest.mark.slow

ACTIVATION = "layers/conv1/activation"
# DESIGN: opening a run and its first frame over a network.
MOST_REQUESTS = 8


def expected(path: str = ACTIVATION) -> np.ndarray[Any, Any]:
    return np.stack([frames_at(image_run_spec(), step)[path] for step in STEPS])


@pytest.fixture
def server(packed_run: Path) -> Iterator[Served]:
    """The directory of `packed_run` and of its zip, over HTTP."""
    share(packed_run, packed_run.with_name("run.zip"))
    with served(packed_run.parent) as place:
        yield place


@pytest.mark.parametrize(("name", "opening"), [("packed.zarr", 1), ("run.zip", 1)])
def test_few_requests_to_the_first_frame(server: Served, name: str, opening: int) -> None:
    run = open_run(f"{server.url}/{name}")
    assert len(server.requests) == opening
    frame = run.activations("conv1").sel(step=10).values
    np.testing.assert_array_equal(frame, expected()[STEPS.index(10)])
    assert len(server.requests) <= MOST_REQUESTS
    assert all("bytes=" in request for request in server.requests)


def test_a_frame_is_one_request_once_its_index_is_known(server: Served) -> None:
    run = open_run(f"{server.url}/packed.zarr")
    run.read(ACTIVATION, (0,))
    server.requests.clear()
    np.testing.assert_array_equal(run.read(ACTIVATION, (1,)), expected()[1])
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["packed.zarr", "run.zip", "live.zarr"])
def test_everything_is_the_same_from_afar(server: Served, live_run: Path, name: str) -> None:
    near, far = open_run(live_run), open_run(f"{server.url}/{name}")
    assert far.tree.equals(near.tree.load())
    assert far.metrics.equals(near.metrics)
    assert far.probe is not None
    assert near.probe is not None
    assert far.probe.fingerprint() == near.probe.fingerprint()
    history = far.read(ACTIVATION, (slice(None), 2, 1, slice(None), 0))
    np.testing.assert_array_equal(history, expected()[:, 2, 1, :, 0])
    assert verify(far).is_sound


@pytest.mark.parametrize(
    ("start", "length", "asked"),
    [
        (0, 5, "bytes=0-4"),
        (10, None, "bytes=10-"),
        (-7, None, "bytes=-7"),
        (-7, 7, "bytes=-7"),
        (10**9, 5, "bytes=1000000000-1000000004"),
    ],
)
def test_just_the_bytes_wanted_are_asked_for(
    server: Served, packed_run: Path, start: int, length: int | None, asked: str
) -> None:
    server.requests.clear()
    content = (packed_run / "zarr.json").read_bytes()
    found = WebSource(f"{server.url}/packed.zarr").read("zarr.json", start, length)
    assert found == content[start:][:length]
    assert server.requests == [f"/packed.zarr/zarr.json {asked}"]


def test_layers_are_read_side_by_side(server: Served) -> None:
    run = open_run(f"{server.url}/packed.zarr")
    wanted = [
        (path, (4,))
        for path in run.nodes
        if path.startswith("layers/") and "shape" in run.nodes[path]
    ]
    for (path, _), values in zip(wanted, run.read_many(wanted), strict=True):
        np.testing.assert_array_equal(values, expected(path)[4])


def test_packing_from_afar_is_a_download(server: Served, tmp_path: Path, live_run: Path) -> None:
    report = pack(f"{server.url}/run.zip", tmp_path / "mine.zarr")
    assert open_run(report.path).tree.equals(open_run(live_run).tree.load())
    with pytest.raises(SpecError, match="cannot be packed in place; give a directory"):
        pack(f"{server.url}/run.zip")


def test_a_growing_run_is_followed_from_afar(tmp_path: Path) -> None:
    spec = image_run_spec()
    with served(tmp_path) as place, RunWriter.create(tmp_path / "run.zarr", spec) as writer:
        run = open_run(f"{place.url}/run.zarr")
        assert len(run) == 0
        for step in range(3):
            writer.append(step, epoch=0, wall_time=0, frames=frames_at(spec, step))
            writer.commit()
            assert run.refresh()
            assert not run.refresh()
            last = run.activations("conv1").sel(step=step).values
            np.testing.assert_array_equal(last, frames_at(spec, step)[ACTIVATION])


def test_what_is_not_there(server: Served) -> None:
    for name in ("nothing.zarr", "nothing.zip"):
        with pytest.raises(RunNotFoundError, match="There is no run at http"):
            open_run(f"{server.url}/{name}")


def test_a_file_that_vanished_is_damage_and_is_named(server: Served, packed_run: Path) -> None:
    run = open_run(f"{server.url}/packed.zarr")
    for twin in (ACTIVATION, f"history/{ACTIVATION}"):
        for file in (packed_run / twin).glob("c.*"):
            file.unlink()
    with pytest.raises(
        RunFormatError, match=r"conv1/activation: the file c\.0\.0\.0\.0\.0 is missing"
    ):
        run.read(ACTIVATION, (0,))


def test_a_server_without_ranges(packed_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(packed_run.parent, ranges=False) as place:
        run = open_run(f"{place.url}/packed.zarr")
        np.testing.assert_array_equal(run.read(ACTIVATION, (3,)), expected()[3])
        monkeypatch.setattr(web, "WHOLE_BYTES", 1000)
        with pytest.raises(RemoteError, match="does not send parts of files"):
            open_run(f"{place.url}/packed.zarr")


def test_no_server_and_secrets_in_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "ATTEMPTS", 1)
    with pytest.raises(RemoteError) as caught:
        open_run("http://user:password@127.0.0.1:1/run.zarr?signature=abc")
    assert "http://127.0.0.1:1/run.zarr" in str(caught.value)
    assert "password" not in str(caught.value).split(":", 3)[0]
    assert "signature" not in str(caught.value).split(" cannot")[0]


def test_an_unknown_scheme_names_those_that_are_known() -> None:
    with pytest.raises(RunNotFoundError, match=r"a \.zip, http\(s\)://, s3://"):
        open_run("ftp://example.org/run.zarr")


# -- buckets ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    """Address of moto's S3 on the loopback interface."""
    pytest.importorskip("obstore", reason="needs the extra 'remote'")
    moto = pytest.importorskip("moto.server", reason="needs moto[server]")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(packed_run: Path, storage: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run in an S3 bucket."""
    import obstore

    share(packed_run, packed_run.with_name("run.zip"))
    for name, value in {
        "AWS_ENDPOINT_URL": storage,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    urllib3.request("PUT", f"{storage}/runs")
    store = obstore.store.from_url("s3://runs", client_options={"allow_http": True})
    for file in [*packed_run.rglob("*"), packed_run.with_name("run.zip")]:
        if file.is_file():
            obstore.put(store, file.relative_to(packed_run.parent).as_posix(), file)
    return "s3://runs"


def test_a_bucket_holds_a_run_as_a_directory_or_a_zip(bucket: str, packed_run: Path) -> None:
    near = open_run(packed_run)
    for name in ("packed.zarr", "run.zip"):
        run = open_run(f"{bucket}/{name}")
        np.testing.assert_array_equal(run.read(ACTIVATION, (3,)), expected()[3])
        history = run.read(ACTIVATION, (slice(None), 2, 1, slice(None), 0))
        np.testing.assert_array_equal(history, expected()[:, 2, 1, :, 0])
        sizes = run.source.sizes()
        assert sizes is not None
        assert sizes["zarr.json"] == (packed_run / "zarr.json").stat().st_size
        assert len(run.tree.groups) == len(near.tree.groups)
        assert verify(run).is_sound


def test_few_requests_to_a_bucket(bucket: str) -> None:
    run = open_run(f"{bucket}/packed.zarr")
    run.activations("conv1").sel(step=10).load()
    assert run.source.bucket.requests <= MOST_REQUESTS  # type: ignore[attr-defined]


def test_what_is_not_in_a_bucket(bucket: str) -> None:
    for name in ("nothing.zarr", "nothing.zip"):
        with pytest.raises(RunNotFoundError, match="There is no run at s3://runs/nothing"):
            open_run(f"{bucket}/{name}")
    with pytest.raises((RemoteError, RunNotFoundError)):
        open_run("s3://no-such-bucket/run.zarr")


def test_without_the_extra_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def blocked(name: str, *rest: Any) -> Any:
        if name.startswith("obstore"):
            raise ImportError(name)
        return real(name, *rest)

    for name in [name for name in sys.modules if name.startswith("obstore")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", blocked)
    with pytest.raises(MissingExtraError, match=r"pip install 'trainlapse\[remote\]'"):
        open_run("s3://bucket/run.zarr")


def test_opening_a_local_run_needs_no_network_library(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr")
    code = (
        "import sys; from store import open_run; open_run(sys.argv[1]).read('step', ());"
        "print([name for name in ('obstore', 'urllib3', 'requests') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(path)]
    root = Path(__file__).parents[3]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

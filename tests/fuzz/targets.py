"""What is fuzzed: contents that a stranger may send, and what must hold for each of them.

A target makes contents as bytes, so that a find is a file: those in `FINDS` are tests for ever.
Only errors of our own may come of a content; anything else that is raised is a fault.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import logging
import socket
import tempfile
import threading
import traceback
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from store.errors import TrainlapseError
from store.reading.run import open_run
from store.storage import web
from store.testing import image_run_spec, seeded, write_run
from store.testing.damage_trials import HOSTILE, damage, exercise, outcome
from store.tools.share import share

FINDS = Path(__file__).parent / "finds"
STEPS = range(4)
SPEC = image_run_spec(units=3, side=5)

# Numbers without end and zero, and what zip files look for.
HOSTILE_BYTES = [*(b"\xff" * size for size in (2, 4, 8)), bytes(4), b"PK\x01\x02", b"PK\x05\x06"]


@dataclass(frozen=True, slots=True)
class Target:
    """Something that takes contents of strangers.

    Attributes
    ----------
    name : str
        Folder of its finds.
    contents : callable
        Gives a strategy for contents.
    check : callable
        Takes a content and an empty folder; raises what is a fault.
    """

    name: str
    contents: Callable[[], st.SearchStrategy[bytes]]
    check: Callable[[bytes, Path], None]


# -- changes -----------------------------------------------------------------------------------


@st.composite
def edited(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw a content with a few bytes changed, put in or left out; near its end more often."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        tail = draw(st.booleans())
        first = max(0, len(changed) - 400) if tail else 0
        at = draw(st.integers(first, max(first, len(changed) - 1)))
        piece = draw(st.sampled_from(HOSTILE_BYTES) | st.binary(min_size=1, max_size=8))
        changed[at : at + draw(st.sampled_from([0, len(piece)]))] = piece
    if draw(st.integers(0, 9)) == 0:
        del changed[draw(st.integers(0, len(changed))) :]
    return bytes(changed)


def hostile_values() -> st.SearchStrategy[Any]:
    """Draw what may stand in the place of any JSON value; it may be changed by who drew it."""
    return (
        st.sampled_from(HOSTILE).map(copy.deepcopy)
        | st.integers()
        | st.floats()
        | st.text(max_size=20)
    )


@st.composite
def rewritten(draw: st.DrawFn, text: bytes) -> bytes:
    """Draw a JSON document with a few values replaced, removed or renamed."""
    document = json.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        parent: Any = document
        key: Any = None
        while isinstance(parent, dict | list) and parent:
            keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
            key = draw(st.sampled_from(keys))
            inner = parent[key]
            if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 3)) == 0:
                break
            parent = inner
        if key is None or not isinstance(parent, dict | list):
            continue
        if draw(st.integers(0, 4)) == 0:
            del parent[key]
        else:
            parent[key] = draw(hostile_values())
    return json.dumps(document).encode()


# -- the reader of directories ------------------------------------------------------------------


@functools.cache
def _sound() -> Path:
    """Folder with a small run as a directory, and as a zip file."""
    folder = Path(tempfile.mkdtemp(prefix="trainlapse-fuzz-"))
    write_run(folder / "run.zarr", SPEC, steps=STEPS)
    share(folder / "run.zarr", folder / "run.zip")
    return folder


@st.composite
def damaged_runs(draw: st.DrawFn) -> bytes:
    """Draw a zip file of a damaged run's files, to be unpacked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run.zarr"
        with zipfile.ZipFile(_sound() / "run.zip") as archive:
            archive.extractall(folder)
        if draw(st.booleans()):
            root = folder / "zarr.json"
            root.write_bytes(draw(rewritten(root.read_bytes())))
        else:
            with contextlib.suppress(IndexError, ValueError):  # nothing is left to be damaged
                damage(folder, seeded(draw(st.integers(0, 2**32))))
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(folder.rglob("*")):
                if file.is_file() and not file.is_symlink():
                    packed.write(file, file.relative_to(folder).as_posix())
        return content.getvalue()


def check_reader(content: bytes, folder: Path) -> None:
    """Open the run in a directory, and do with it what is done with runs."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder / "run.zarr")
    outcome(folder / "run.zarr")


# -- zip files ------------------------------------------------------------------------------------


def damaged_zips() -> st.SearchStrategy[bytes]:
    """Draw damaged zip files."""
    return edited((_sound() / "run.zip").read_bytes())


def check_zip(content: bytes, folder: Path) -> None:
    """Read the run in place."""
    (folder / "run.zip").write_bytes(content)
    with contextlib.suppress(TrainlapseError):
        exercise(open_run(folder / "run.zip"))


# -- answers of web servers ----------------------------------------------------------------------


_PART = b"HTTP/1.1 206 Partial Content\r\n"
ANSWERS = [
    _PART + b"Content-Length: 4\r\nContent-Range: bytes 0-3/9\r\n\r\nabcd",
    _PART + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2;x=y\r\ncd\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Encoding: identity\r\n\r\nabcd",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Busy\r\nRetry-After: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: https://user@127.0.0.1:80/a?b#c\r\n\r\n",
    b"HTTP/1.1 307 Go on\r\nLocation: http://[::ffff:7f00:1]\\@a/\r\n\r\n",
]


def damaged_answers() -> st.SearchStrategy[bytes]:
    """Draw damaged answers to a request for four bytes."""
    return st.sampled_from(ANSWERS).flatmap(edited)


@functools.cache
def _server() -> tuple[str, list[bytes]]:
    """Address of a server that gives the last of the contents to whoever asks, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    contents: list[bytes] = []

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(contents[-1])

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/run", contents


def _no_other_host(host: str, *rest: Any, **options: Any) -> Any:
    if host != "127.0.0.1":
        raise socket.gaierror(host)
    return _look_up(host, *rest, **options)


_look_up = socket.getaddrinfo


def check_web(content: bytes, _: Path) -> None:
    """Read a part of a file from a server that sends the content."""
    address, contents = _server()
    contents[:] = [content]
    with (
        patch.object(web, "BACKOFF_SECONDS", 0.0),
        patch.object(web, "MOST_PAUSE_SECONDS", 0.0),
        patch.object(socket, "getaddrinfo", _no_other_host),
        contextlib.suppress(TrainlapseError, FileNotFoundError),
    ):
        received = web.WebSource(address).read("zarr.json", 0, 4)
        assert len(received) <= 4


# -- checkpoints ----------------------------------------------------------------------------------


@functools.cache
def _members() -> dict[str, bytes]:
    import keras

    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(2, 3),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    path = _sound() / "m.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@st.composite
def damaged_checkpoints(draw: st.DrawFn) -> bytes:
    """Draw ``.keras`` files with another configuration, other weights, or damage anywhere."""
    members = dict(_members())
    which = draw(st.sampled_from(["config.json", "config.json", "model.weights.h5", "all"]))
    if which == "config.json":
        members[which] = draw(rewritten(members[which]))
    elif which == "model.weights.h5":
        members[which] = draw(edited(members[which]))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, value in members.items():
            archive.writestr(name, value)
    return draw(edited(content.getvalue())) if which == "all" else content.getvalue()


def check_import(content: bytes, folder: Path) -> None:
    """Look into a checkpoint, build its network and load its weights."""
    from recorder.checkpoints.model_source import load_network
    from recorder.checkpoints.reading import difference, inspect, load

    path = folder / "m-1.keras"
    path.write_bytes(content)
    with contextlib.suppress(TrainlapseError):
        contents = inspect(path)
        model = load_network(path)
        if difference(model, contents) is None:
            load(path, model)


# -- what a browser sends -------------------------------------------------------------------------


@functools.cache
def _page() -> Any:
    """Document of a page of the explorer, as its server makes it."""
    import panel as pn

    from explorer.data.run import RunData
    from explorer.server.app import page

    pn.extension()
    shown = page(RunData(open_run(_sound() / "run.zarr")), {}, [("/", "run")], "/")
    return shown.server_doc()


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Draw changes of properties of the page's models, as a browser sends them."""
    models = [model for model in _page().models if hasattr(model, "esm")]
    number = draw(st.integers(0, len(models) - 1))
    data = models[number].data
    name = draw(st.sampled_from(sorted(data.properties())))
    value = draw(
        hostile_values()
        | st.lists(hostile_values(), max_size=4)
        | st.dictionaries(
            st.sampled_from(["layer", "unit", "probe", "target", "tab", "axis", "id", "type"])
            | st.text(max_size=5),
            hostile_values(),
            max_size=5,
        )
    )
    return json.dumps([number, name, value]).encode()


def check_messages(content: bytes, folder: Path) -> None:
    """Let Bokeh apply a change; what it refuses itself does not reach the explorer."""
    number, name, value = json.loads(content)
    document = _page()
    models = [model for model in document.models if hasattr(model, "esm")]
    model = models[number % len(models)].data
    event = {"kind": "ModelChanged", "model": {"id": model.id}, "attr": name, "new": value}
    logging.disable()  # Panel logs what it refuses
    try:
        document.apply_json_patch({"events": [event]}, setter="browser")
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        if any("/explorer/" in frame.filename for frame in frames):
            raise
    finally:
        logging.disable(logging.NOTSET)


TARGETS = [
    Target("reader", damaged_runs, check_reader),
    Target("zip", damaged_zips, check_zip),
    Target("web", damaged_answers, check_web),
    Target("import", damaged_checkpoints, check_import),
    Target("messages", messages, check_messages),
]

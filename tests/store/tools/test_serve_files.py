"""`trainlapse serve-files`: parts of files, only files of the folder, and only for whom it is."""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from store import open_run
from store.cli import serve_files
from store.errors import ArgumentError, RunNotFoundError
from store.storage import web
from store.tools.serve_files import FileServer, asked_range
from store.tools.share import share

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "served"
    (root / "inner").mkdir(parents=True)
    (root / "file.bin").write_bytes(CONTENT)
    (root / "inner" / "page.html").write_text("<script>1</script>")
    (root / "empty").touch()
    (root / ".hidden").write_text("secret")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("secret")
    (tmp_path / "outside.txt").write_text("secret")
    return root


class Place:
    """A server that runs, and who asks it."""

    def __init__(self, server: FileServer) -> None:
        self.server, self.port = server, server.server_address[1]

    def ask(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        asked = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=asked)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content, answer.headers


def running(server: FileServer) -> Iterator[Place]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield Place(server)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def place(folder: Path) -> Iterator[Place]:
    yield from running(FileServer(folder, port=0))


@pytest.mark.parametrize(
    ("asked", "status", "content", "span"),
    [
        ("", 200, CONTENT, None),
        ("bytes=0-0", 206, CONTENT[:1], "bytes 0-0/10240"),
        ("bytes=100-", 206, CONTENT[100:], "bytes 100-10239/10240"),
        ("bytes=-7", 206, CONTENT[-7:], "bytes 10233-10239/10240"),
        ("bytes=-99999", 206, CONTENT, "bytes 0-10239/10240"),
        ("bytes=10239-99999", 206, CONTENT[-1:], "bytes 10239-10239/10240"),
        ("bytes=10240-", 416, b"", "bytes */10240"),
        ("bytes=-0", 416, b"", "bytes */10240"),
        # What is no single range: the whole file (RFC 9110).
        ("bytes=5-4", 200, CONTENT, None),
        ("bytes=0-1,4-5", 200, CONTENT, None),
        ("bytes=-", 200, CONTENT, None),
        ("lines=0-1", 200, CONTENT, None),
        ("bytes=" + "9" * 400 + "-", 200, CONTENT, None),
    ],
)
def test_parts_of_files(
    place: Place, asked: str, status: int, content: bytes, span: str | None
) -> None:
    got = place.ask("/file.bin", **({"Range": asked} if asked else {}))
    assert (got[0], got[1], got[2]["Content-Range"]) == (status, content, span)
    assert got[2]["Content-Length"] == str(len(content))
    assert got[2]["Accept-Ranges"] == "bytes"


@given(st.integers(0, 50), st.none() | st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_part_is_what_a_slice_is(size: int, first: int | None, last: int | None) -> None:
    asked = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    part = asked_range(asked, size)
    if first is None:
        expected = None if last is None else list(range(size))[max(0, size - last) :]
    elif last is not None and last < first:
        expected = None
    else:
        expected = list(range(size))[first : None if last is None else last + 1]
    assert (None if part is None else list(part)) == expected


def test_head_says_what_get_would(place: Place) -> None:
    status, content, headers = place.ask("/file.bin", "HEAD", Range="bytes=3-8")
    assert (status, content, headers["Content-Length"]) == (206, b"", "6")


def test_a_folder_is_a_list_without_what_is_hidden(place: Place) -> None:
    assert place.ask("/")[:2] == (200, b"empty\nfile.bin\ninner/\n")
    assert place.ask("/inner/")[1] == b"page.html\n"
    assert place.ask("/empty")[:2] == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/inner/../../outside.txt",
        "/inner/..%2f..%2foutside.txt",
        "//etc/passwd",
        "/.hidden",
        "/.git/config",
        "/.git/",
        "/file.bin/",
        "/file.bin/x",
        "/none",
        "/file.bin%00",
        "/link",
        "/linked/outside.txt",
        "/linked/",
        "/pipe",
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="links and pipes as POSIX has them")
def test_nothing_else_is_given(folder: Path, place: Place, path: str) -> None:
    (folder / "link").symlink_to(folder.parent / "outside.txt")
    (folder / "linked").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe")
    status, content, _ = place.ask(path)
    assert (status, content) == (404, b"There is no such file.\n") or (
        path == "/file.bin/" and content == CONTENT
    )
    assert b"link" not in place.ask("/")[1]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_it_only_reads(place: Place, method: str) -> None:
    assert place.ask("/file.bin", method)[0] == 501


def test_nothing_is_shown_as_a_page(place: Place) -> None:
    headers = place.ask("/inner/page.html")[2]
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_another_name_of_this_machine_is_not_answered(place: Place) -> None:
    """A page whose host's name leads here (DNS rebinding) reads nothing."""
    for host, status in {
        "evil.example": 421,
        f"evil.example:{place.port}": 421,
        "127.0.0.1.evil.example": 421,
        f"localhost:{place.port}": 200,
        "127.0.0.1": 200,
        "[::1]:8000": 200,
    }.items():
        assert place.ask("/file.bin", Host=host)[0] == status, host


def test_pages_of_other_origins_read_nothing_unless_they_are_allowed(
    folder: Path, place: Place
) -> None:
    allowed = "Access-Control-Allow-Origin"
    assert place.ask("/file.bin", Origin="https://a.example")[2][allowed] is None
    open_to = running(FileServer(folder, port=0, origins=["https://a.example/"]))
    other = next(open_to)
    assert other.ask("/file.bin", Origin="https://a.example")[2][allowed] == "https://a.example"
    assert other.ask("/file.bin", Origin="https://b.example")[2][allowed] is None
    status, _, headers = other.ask("/file.bin", "OPTIONS", Origin="https://a.example")
    assert (status, headers["Access-Control-Allow-Headers"]) == (204, "Range")
    next(open_to, None)


def test_a_run_is_read_in_place_at_any_size(
    packed_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(packed_run, packed_run.with_name("run.zip"))
    # As if it were larger than what is read of servers that send no parts.
    monkeypatch.setattr(web, "WHOLE_BYTES", 100)
    for place in running(FileServer(packed_run.parent, port=0)):
        for name in ("run.zip", packed_run.name):
            served, local = open_run(f"{place.server.url}{name}"), open_run(packed_run)
            np.testing.assert_array_equal(
                served.read("layers/conv1/activation", ()),
                local.read("layers/conv1/activation", ()),
            )


def test_what_cannot_be_served_is_said(folder: Path, place: Place) -> None:
    with pytest.raises(RunNotFoundError, match="There is no folder"):
        FileServer(folder / "none", port=0)
    with pytest.raises(ArgumentError, match="is no origin of a page"):
        FileServer(folder, port=0, origins=["example.org/path"])
    result = CliRunner().invoke(serve_files, [str(folder), "--port", str(place.port)])
    assert result.exit_code == 1
    assert f"port {place.port}" in result.output
    assert "Choose another with --port" in result.output

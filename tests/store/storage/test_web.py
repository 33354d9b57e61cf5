"""Servers that mean harm: how long one waits, how much is read, and where one is sent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from urllib3.exceptions import LocationValueError

from store import open_run
from store.errors import RemoteError, RunNotFoundError, TrainlapseError
from store.storage import patience, redirects, web
from store.storage.patience import Patience
from store.storage.redirects import PUBLIC_POOLS, is_public, redirected
from store.storage.web import WebClient
from store.testing.http import served

Answering = Callable[[socket.socket], None]


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answering], str]]:
    """Start servers that do with each connection what a function says, after the request."""
    monkeypatch.setattr(web, "BACKOFF_SECONDS", 0.0)
    listeners: list[socket.socket] = []

    def serve(listener: socket.socket, answering: Answering) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                answering(connection)

    def start(answering: Answering) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, answering), daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def saying(*lines: str, body: bytes = b"") -> Answering:
    """Answer with these header lines, and a content."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(
            "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body
        )

    return answer


def dripping(before: bytes, drop: bytes) -> Answering:
    """Send a drop now and then, without end, until the other side hangs up."""
    pause = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(before)
        while not pause.wait(0.005):
            connection.sendall(drop)

    return answer


def ask(url: str, start: int = 0, length: int | None = 100) -> tuple[bytes, int | None]:
    return WebClient(url).get(f"{url}/x", start, length)


def test_a_connection_serves_on_after_an_answer_without_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "ATTEMPTS", 1)
    (tmp_path / "there").write_bytes(b"content")
    with served(tmp_path) as server:
        client = WebClient(server.url)
        kept = []  # an answer that nothing holds any more is closed by Python
        for _ in range(4):
            with pytest.raises(FileNotFoundError) as raised:
                client.get(f"{server.url}/missing", 0, 100)
            kept.append(raised.value)
        assert client.get(f"{server.url}/there", 0, 100)[0] == b"content"


# -- how long ------------------------------------------------------------------------------------

OK = b"HTTP/1.1 206 Partial Content\r\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (b"", b"H"),
        (OK, b"X"),
        (OK, b"X-A: b\r\n"),
        (OK + b"Content-Length: 100000\r\n\r\n", b" "),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 100 Continue\r\n", b"\r\nHTTP/1.1 100 Continue\r\n"),
    ],
    ids=["first line", "header", "headers", "content", "chunks", "length of a chunk", "continue"],
)
def test_an_answer_that_drips_ends(
    hostile: Callable[[Answering], str],
    monkeypatch: pytest.MonkeyPatch,
    before: bytes,
    drop: bytes,
) -> None:
    monkeypatch.setattr(patience, "GRACE_SECONDS", 0.2)
    with pytest.raises(RemoteError, match="cannot be reached"):
        ask(hostile(dripping(before, drop)), length=90_000)


def test_a_slow_line_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(patience.time, "monotonic", lambda: now[0])
    left = Patience(10**15)
    assert left.seconds == patience.GRACE_SECONDS
    for _ in range(200):  # 40 KiB a second: half as fast as a slow telephone line
        now[0] += 1
        left.received(40 * 1024)
        assert left.seconds > 0
    for _ in range(40):  # a byte every half second
        now[0] += 1
        left.received(2)
    left_of_a_burst = patience.GRACE_SECONDS + 200 * (40 * 1024 / patience.BYTES_PER_SECOND) - 240
    assert left.seconds == pytest.approx(max(0, left_of_a_burst), abs=0.01)
    now[0] = 100 + patience.MOST_SECONDS
    left.received(10**12)
    assert left.seconds == 0


@pytest.mark.parametrize("asked", ["86400", "999999999999999999"])
def test_a_server_does_not_decide_how_long_one_waits(
    hostile: Callable[[Answering], str], monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(web.time, "sleep", lambda _: pytest.fail("waited"))
    url = hostile(saying("HTTP/1.1 429 Slow", "Content-Length: 0", f"Retry-After: {asked}"))
    with pytest.raises(RemoteError, match=f"answered 429 and asks to come back in {asked} s"):
        ask(url)


@pytest.mark.parametrize(
    ("status", "header", "pauses"),
    [
        (503, "Retry-After: 3", [3, 3]),
        (429, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", [0.4, 0.8]),
        (502, "Retry-After: " + "9" * 5000, [0.4, 0.8]),
        (504, "X: y", [0.4, 0.8]),
    ],
)
def test_a_busy_server_is_asked_again_a_few_times(
    hostile: Callable[[Answering], str],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    header: str,
    pauses: list[float],
) -> None:
    waited: list[float] = []
    url = hostile(saying(f"HTTP/1.1 {status} Busy", "Content-Length: 0", header))
    monkeypatch.setattr(web, "BACKOFF_SECONDS", 0.2)
    monkeypatch.setattr(web.time, "sleep", waited.append)
    with pytest.raises(RemoteError, match=f"answered {status}"):
        ask(url)
    assert waited == pauses


def test_a_connection_that_breaks_is_tried_again(hostile: Callable[[Answering], str]) -> None:
    count = iter(range(3))

    def answer(connection: socket.socket) -> None:
        if next(count) == 2:
            saying(OK.decode().strip(), "Content-Length: 2", body=b"ab")(connection)

    assert ask(hostile(answer)) == (b"ab", None)


# -- how much ------------------------------------------------------------------------------------


def endless(connection: socket.socket) -> None:
    connection.sendall(OK + b"Content-Range: bytes 0-9/10\r\n\r\n")
    while True:
        connection.sendall(bytes(65536))


@pytest.mark.parametrize(("start", "length"), [(0, 1000), (-1000, None), (5, 1000)])
def test_no_more_is_read_than_was_asked_for(
    hostile: Callable[[Answering], str], start: int, length: int | None
) -> None:
    assert ask(hostile(endless), start, length) == (bytes(1000), 10)


@pytest.mark.parametrize("length", ["-1", "-1;a=b", " -1 "])
def test_a_chunk_without_end(
    hostile: Callable[[Answering], str], monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    """Python reads a chunk of so many bytes until the server hangs up."""
    monkeypatch.setattr(web, "WHOLE_BYTES", 10**6)
    sent = [0]

    def answer(connection: socket.socket) -> None:
        connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n" + length.encode() + b"\r\n")
        for _ in range(300):
            connection.sendall(bytes(10**5))
            sent[0] += 10**5

    with pytest.raises(RemoteError, match=r"cannot be reached: .*is longer than any"):
        ask(hostile(answer))
    assert sent[0] < 3e7


@pytest.mark.parametrize("length", ["-5", "-0", "x", "", "-", "9" * 5000])
def test_chunks_of_no_length(hostile: Callable[[Answering], str], length: str) -> None:
    start = b"Transfer-Encoding: chunked\r\n\r\n" + length.encode() + b"\r\n"
    url = hostile(lambda connection: connection.sendall(OK + start + bytes(100)))
    with contextlib.suppress(RemoteError):
        ask(url)


def test_a_file_that_is_read_to_its_end_has_one(
    hostile: Callable[[Answering], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "MOST_REMOTE_BYTES", 10**6)
    with pytest.raises(RemoteError, match="larger than any file"):
        ask(hostile(endless), 0, None)


def test_nothing_is_unpacked(hostile: Callable[[Answering], str]) -> None:
    url = hostile(saying(OK.decode().strip(), "Content-Encoding: gzip", body=b"\x1f\x8b"))
    with pytest.raises(RemoteError, match="compresses files"):
        ask(url)


@pytest.mark.parametrize("number", ["9" * 5000, "²", "-1", "1e9", "", "٣"])
def test_sizes_that_are_none(hostile: Callable[[Answering], str], number: str) -> None:
    text = number.encode().decode("latin-1")
    url = hostile(saying(OK.decode().strip(), f"Content-Range: bytes 0-1/{text}", body=b"ab"))
    assert ask(url, 0, 2) == (b"ab", None)


def test_a_whole_file_without_a_size(hostile: Callable[[Answering], str]) -> None:
    url = hostile(saying("HTTP/1.1 200 OK", "Content-Length: " + "9" * 5000, body=b"ab"))
    with pytest.raises(RemoteError):
        ask(url)


# -- where to ------------------------------------------------------------------------------------


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names of hosts stand for."""
    found: dict[str, list[str]] = {}

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host not in found:
            raise socket.gaierror(host)
        return [(None, None, 0, "", (address, port)) for address in found[host]]

    monkeypatch.setattr(redirects.socket, "getaddrinfo", look_up)
    return found


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("http://a.example:81/r", "/s?t=1", "http://a.example:81/s?t=1"),
        ("http://10.0.0.1/r", "http://10.0.0.1:80/s", "http://10.0.0.1:80/s"),
        ("http://10.0.0.1/r", "https://10.0.0.1/r", "https://10.0.0.1/r"),
        ("https://github.com/r", "https://cdn.example/r?sig=1", "https://cdn.example/r?sig=1"),
        ("http://a.example/r", "//A.example/s", "http://A.example/s"),
        ("http://a.example/r", "https://cdn.example:8443/", "https://cdn.example:8443/"),
    ],
)
def test_redirects_of_release_pages_are_followed(
    names: dict[str, list[str]], url: str, location: str, target: str
) -> None:
    names["cdn.example"] = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
    assert redirected(url, location) == target


@pytest.mark.parametrize(
    "location",
    [
        "http://other.example/",
        "http://127.0.0.1:5186/internal-admin",
        "http://a.example:81/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://93.184.215.14/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0/",
        "https://localhost/",
        "https://mixed.example/",
        "https://unknown.example/",
        "https://a.example:99999/",
        "https://user@inner.example/",
        "https://other.example@127.0.0.1/",
        "https://other.example:443@inner.example/",
        "http://127.0.0.1\\@a.example/",
        "https://127.0.0.1\\@other.example/",
        "http:\\\\127.0.0.1\\",
        "https://other.example\t@127.0.0.1/",
        "https://\u2460\u2461\u2466.0.0.1/",
        "https://127\u30020.0.1/",
        "https://017700000001/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://localhost./",
        "https://[::127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://nat64.example/",
        "https://site.example/",
        "https:///x",
        "http://[evil/",
        "file:///etc/passwd",
        "ftp://other.example/",
        "javascript:alert(1)",
        "https://\ud800/",
        "https://" + "a" * 300 + "/",
    ],
)
def test_redirects_into_the_readers_own_network_are_not(
    names: dict[str, list[str]], location: str
) -> None:
    names["localhost"] = names["localhost."] = names["127.0.0.1."] = ["127.0.0.1"]
    names["nat64.example"] = ["64:ff9b::10.0.0.1"]
    names["site.example"] = ["fec0::1"]
    names["inner.example"] = ["192.168.1.1"]
    names["mixed.example"] = ["93.184.215.14", "fd00::1"]
    names["other.example"] = ["93.184.215.14"]
    with pytest.raises(RemoteError, match="the server redirects to"):
        redirected("http://a.example/run", location)


def test_a_proxy_looks_names_up_itself(names: dict[str, list[str]]) -> None:
    target = "https://cdn.example/"
    assert not names
    assert redirected("http://a.example/", target, resolve=False) == target
    with pytest.raises(RemoteError):
        redirected("http://a.example/", "https://10.0.0.1/", resolve=False)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.1.1",
        "100.64.0.1",
        "0.1.2.3",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "fec0::1",
        "5f00::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "name",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_another_server_of_this_machine_is_not_asked(
    hostile: Callable[[Answering], str],
) -> None:
    inner = hostile(lambda _: pytest.fail("asked"))
    url = hostile(saying("HTTP/1.1 302 Found", "Content-Length: 0", f"Location: {inner}/admin"))
    with pytest.raises(RemoteError, match=r"x: the server redirects to '127\.0\.0\.1'"):
        ask(url)


def test_at_most_five_redirects(hostile: Callable[[Answering], str]) -> None:
    asked = [0]

    def answer(connection: socket.socket) -> None:
        asked[0] += 1
        lines = "HTTP/1.1 307 Go on", "Content-Length: 99", "Location: /x"
        saying(*lines)(connection)

    with pytest.raises(RemoteError, match="redirects more than 5 times"):
        ask(hostile(answer))
    assert asked == [6]


def test_a_name_that_changes_its_meaning_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = PUBLIC_POOLS["https"]("cdn.example")
    with socket.create_server(("127.0.0.1", 0)) as inner:

        def connect(connection: Any) -> None:
            connection.sock = socket.create_connection(inner.getsockname())

        monkeypatch.setattr(urllib3.connection.HTTPSConnection, "connect", connect)
        with pytest.raises(LocationValueError, match=r"is 127\.0\.0\.1 now"):
            pool.request("GET", "/", retries=False)
        asked, _ = inner.accept()
        with asked:
            assert asked.recv(100) == b""


# -- addresses that are none ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "http://[evil/",
        "http://[evil/run.zip",
        "http://a.example:99999/run",
        "http://a.example:no/run",
        "http:///run",
        "http://",
        "http://\ud800/run",
        "http://a.example/\x00",
        "http://" + "a" * 300 + ".example/run.zarr",
        "https://a..example/run",
        "http://a.example\r\nHost: b/run",
        "http://a.example\\@b.example/run",
        "http://a.example\t/run",
        "\x00",
        "runs/\x00.zarr",
        "runs/\ud800.zip",
        "a" * 5000,
        "s3://",
        "s3://[",
        "ftp://x",
        "://",
    ],
)
def test_what_is_no_address_is_refused_in_our_own_words(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(web, "ATTEMPTS", 1)

    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TrainlapseError):
        open_run(address)


def test_an_address_names_one_host(hostile: Callable[[Answering], str]) -> None:
    """Of this one, urllib3 takes what is before the backslash for the host, urllib the other."""
    inner = hostile(lambda _: pytest.fail("asked"))
    with pytest.raises(RunNotFoundError, match="is not an address"):
        open_run(f"{inner}\\@allowed.example/run")


def test_a_run_is_not_sought_without_end(hostile: Callable[[Answering], str]) -> None:
    url = hostile(saying("HTTP/1.1 404 No", "Content-Length: 0"))
    with pytest.raises(RunNotFoundError):
        open_run(f"{url}/run.zarr")

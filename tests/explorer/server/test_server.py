"""The server: sessions apart from each other, for this machine alone, and for who has its token."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import html
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import types
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

from explorer.data.run import RunData
from explorer.server import app
from explorer.server.app import page
from explorer.server.gate import TOKEN_VARIABLE
from explorer.server.log import EACH
from explorer.server.server import DEFAULT_PORT, HOST, PORTS_TRIED, free_port
from explorer.session.session import Explorer
from store import open_run
from store.testing import image_run_spec
from store.tools import trust
from tests.explorer.server.serving import PATIENCE_S

pytestmark = pytest.mark.slow

MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def server(start, image_run, text_run):
    return start(image_run, text_run)


def is_open(host, port):
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_page_for_each_run_and_a_switch_between_them(server):
    for path, here, there in [
        ("/", "synthetic", "synthetic text"),
        ("/run-2", "synthetic text", "synthetic"),
    ]:
        status, text = server.get(path)
        assert status == 200
        assert f"<title>{here} · Trainlapse</title>" in text
        links = re.findall(r'<a href="([^"]+)"( aria-current="page")?>([^<]+)</a>', text)
        assert [(link[0], link[2]) for link in links] == [
            ("/", "synthetic"),
            ("/run-2", "synthetic text"),
        ]
        assert [name for _, current, name in links if current] == [here]
        assert [name for _, current, name in links if not current] == [there]
    assert server.get("/run-3")[0] == 404


def test_runs_of_one_name_are_told_apart(start, recorded):
    _, text = start(*(recorded(steps=(0, 1)).run for _ in range(2))).get("/run-2")
    current = re.findall(r'<a href="([^"]+)" aria-current="page">', text)
    assert current == ["/run-2"]


def test_a_page_names_no_other_host(server):
    _, text = server.get()
    loaded = re.findall(r"""\b(?:src|href)\s*=\s*["']([^"']+)|url\(["']?([^"')]+)""", text)
    addresses = [attribute or style for attribute, style in loaded]
    assert any(address.endswith(".js") or ".js?" in address for address in addresses)
    assert [address for address in addresses if "//" in address] == []


def test_a_name_with_markup_is_text_in_the_page(start, recorded, image_run):
    hostile = recorded(image_run_spec(name=MARKUP), steps=(0, 1)).run
    alone, among = start(hostile), start(hostile, image_run)
    for text in (alone.get()[1], among.get()[1], among.get("/run-2")[1]):
        assert MARKUP not in text
        assert html.escape(MARKUP) in text


def foreign(text):
    """Commands that the header of a page gives for runs that it marks as foreign."""
    return [html.unescape(each) for each in re.findall(r"<code>([^<]*)</code>", text)]


@pytest.mark.usefixtures("user_settings")
def test_a_run_without_a_signature_is_marked_in_the_header(start, recorded):
    own, other = (recorded(steps=(0, 1)).run for _ in range(2))
    trust.sign(own)
    server = start(own, other)
    assert foreign(server.get()[1]) == []
    command = f"trainlapse trust {other.location}"
    assert foreign(server.get("/run-2")[1]) == [command]
    assert foreign(server.get("/compare?a=1&b=2")[1]) == [command]
    trust.sign(other)
    assert foreign(server.get("/run-2")[1]) == []


def test_the_mark_quotes_the_place_of_a_run_for_shell_and_page(start, recorded, tmp_path):
    place = tmp_path / "a & 'b' <i>$(c)</i>.zarr"
    shutil.copytree(recorded(steps=(0, 1)).run.location, place)
    text = start(open_run(place)).get()[1]
    assert "<i>" not in text.partition("<header>")[2].partition("</header>")[0]
    assert shlex.split(foreign(text)[0])[2:] == [str(place)]


def test_only_this_machine_is_served(server):
    assert is_open(HOST, server.port)
    # An address of the same machine that is not the one asked for; all others are like it.
    assert not is_open("127.0.0.2", server.port)
    assert not is_open("::1", server.port)


def test_only_its_own_pages_may_open_the_socket(server):
    assert server.upgrade(f"http://127.0.0.1:{server.port}") == 101
    assert server.upgrade(f"http://localhost:{server.port}") == 101
    assert server.upgrade("http://elsewhere.example") == 403
    assert server.upgrade("http://127.0.0.1:1") == 403


def test_a_query_reaches_the_session_as_text(start, image_run, monkeypatch):
    seen = []

    def noted(data, query, runs, path, *more, **options):
        seen.append((query, path))
        return page(data, query, runs, path, *more, **options)

    monkeypatch.setattr(app, "page", noted)
    server = start(image_run)
    status, _ = server.get("/?layer=1e3&step=10&probe=%5B1%5D&step=20&theme=true&empty=")
    assert status == 200
    assert seen[-1] == (
        {"layer": "1e3", "step": "20", "probe": "[1]", "theme": "true"},
        "/",
    )


def test_no_address_breaks_the_page(start, image_run):
    server = start(image_run)
    for query in ("step=Infinity&probe={}", "step=1e999&layer=%00", "&&="):
        status, text = server.get(f"/?{query}")
        assert status == 200
        assert "<title>synthetic · Trainlapse</title>" in text


def test_every_visitor_has_a_session(start, image_run, monkeypatch):
    made = []

    class Noted(Explorer):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr(app, "Explorer", Noted)
    server = start(image_run)
    server.get()
    server.get("/?layer=dense")
    assert [explorer.selection.layer for explorer in made] == ["conv1", "dense"]
    assert made[0].data is made[1].data


def test_nothing_of_a_closed_session_stays(image_run, monkeypatch):
    data, made = RunData(image_run), []

    class Noted(Explorer):
        def __init__(self, *args):
            super().__init__(*args)
            made.extend(weakref.ref(part) for part in (self, self.selection, self.graph))

    monkeypatch.setattr(app, "Explorer", Noted)
    template = page(data)
    document = template.server_doc(title="")
    assert all(part() is not None for part in made)
    closed = types.SimpleNamespace(id="session", _document=document, server_context=None)
    for callback in list(document.session_destroyed_callbacks):
        callback(closed)
    document.clear()
    del template, document, closed, callback
    gc.collect()
    assert [part() for part in made] == [None] * 3


# -- begin and end ------------------------------------------------------------------------------


def test_the_address_is_said_when_the_port_answers(recorded):
    """To who connects as soon as the line is there; Ctrl-C ends all without a word."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    words = ["explore", recorded(steps=(0, 1)).run.location, "--no-browser", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", "explorer.cli", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        line = server.stdout.readline()
        said = rf"Trainlapse is at http://{HOST}:{port}/\?token=[\w-]{{32}} \(Ctrl-C ends it\)\n"
        assert re.fullmatch(said, line)
        assert is_open(HOST, port)
        server.send_signal(signal.SIGINT)
        rest, _ = server.communicate(timeout=PATIENCE_S)
        assert (server.returncode, rest) == (0, "")
    finally:
        server.kill()
        server.communicate()


BROWSER = """
import pathlib, sys, urllib.request
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
answer = opener.open(sys.argv[2])
found = b"<title>synthetic" in answer.read()
pathlib.Path(sys.argv[1]).write_text(f"{answer.status} {answer.url} {found}")
"""


@pytest.mark.skipif(os.name == "nt", reason="BROWSER names a program of POSIX")
def test_the_browser_that_is_opened_is_let_in(recorded, tmp_path, monkeypatch):
    """Also one that the opening waits for, as for those in a terminal."""
    script, seen = tmp_path / "browser.py", tmp_path / "seen.txt"
    script.write_text(BROWSER)
    monkeypatch.setenv("BROWSER", f"{sys.executable} {script} {seen} %s")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    words = ["explore", recorded(steps=(0, 1)).run.location, "--port", str(port)]
    with (tmp_path / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "explorer.cli", *words], stdout=log, stderr=log
        )
    try:
        waited = 0.0
        while not (seen.exists() and seen.read_text()):
            assert waited < 2 * PATIENCE_S
            with contextlib.suppress(subprocess.TimeoutExpired):
                assert server.wait(timeout=0.1) is None
            waited += 0.1
    finally:
        server.kill()
        server.wait()
    assert seen.read_text() == f"200 http://{HOST}:{port}/ True"


def test_a_port_in_use_is_an_error_where_the_server_is_started(image_run, monkeypatch):
    def serve(*_, **__):
        raise OSError("in use")

    monkeypatch.setattr("panel.serve", serve)
    with pytest.raises(OSError, match="in use"):
        app.server([image_run], port=1).start()
    with pytest.raises(OSError, match="in use"):
        app.serve([image_run], port=1, open_browser=False)


# -- ports ------------------------------------------------------------------------------------


def test_the_first_free_port_is_taken():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        found = free_port(port)
        assert port < found < port + PORTS_TRIED
    assert free_port(port) == port


def test_with_all_ports_in_use_the_remedy_is_named(monkeypatch):
    class Taken(socket.socket):
        def bind(self, _address):
            raise OSError("in use")

    monkeypatch.setattr(socket, "socket", Taken)
    last = DEFAULT_PORT + PORTS_TRIED - 1
    with pytest.raises(OSError, match=rf"{DEFAULT_PORT} to {last} of 127.0.0.1.*pass --port"):
        free_port()


def test_a_server_is_gone_after_it_is_stopped(server):
    assert is_open(HOST, server.port)
    server.stop()
    assert not is_open(HOST, server.port)


def test_hundreds_of_bad_messages_are_a_few_lines_of_log(recorded, tmp_path, monkeypatch):
    """Sent by who has the token, to a server in a process of its own."""
    monkeypatch.setenv(TOKEN_VARIABLE, "a token for this test")
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    words = ["explore", recorded(steps=(0, 1)).run.location, "--no-browser", "--port", str(port)]
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "explorer.cli", *words], stdout=output, stderr=output
        )
        try:
            while "token=" not in log.read_text():
                assert process.poll() is None
            # Not here: `run` of another test leaves its loop to this thread.
            with ThreadPoolExecutor(1) as thread:
                sent = send_bad_messages(port, "a token for this test", 100)
                thread.submit(asyncio.run, sent).result()
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)
    logged = log.read_text()
    assert "server failed to parse a message" in logged
    assert len(logged) < 50_000
    assert logged.count("Traceback") <= 5 * EACH


async def send_bad_messages(port, token, count):
    """Open a page once, and its web socket as often as it is closed for what was sent."""
    own = {"Authorization": f"token {token}", "Origin": f"http://{HOST}:{port}"}
    page = await AsyncHTTPClient().fetch(f"http://{HOST}:{port}/", headers=own)
    session = re.search(r'"token":"([^"]+)"', page.body.decode())[1]
    for number in range(count):
        request = HTTPRequest(f"ws://{HOST}:{port}/ws", headers=own)
        socket = await websocket_connect(request, subprotocols=["bokeh", session])
        await socket.read_message()
        bad = BAD_MESSAGES[number % len(BAD_MESSAGES)]
        with contextlib.suppress(WebSocketClosedError):
            for _ in range(3):  # header, metadata, content
                await socket.write_message(bad, binary=isinstance(bad, bytes))
        socket.close()
    # Answered after what was sent before.
    await AsyncHTTPClient().fetch(f"http://{HOST}:{port}/metadata", headers=own)


BAD_MESSAGES = ("[" * 10_000, "{}", "x" * 1_000_000, '{"msgtype": "PATCH-DOC"}', b"\xff\x00")

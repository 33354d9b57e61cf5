"""The shell blocks of README.md that say ``runnable`` run, line by line, in order."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import open_run
from store.reading import moments
from store.reading.bookmarks import Bookmark
from store.testing import write_run
from tests.project.test_docs import ROOT, CodeBlock, code_blocks

# A start of Python with Panel takes some seconds on a loaded machine.
SECONDS = 120
ADDRESS = "127.0.0.1"
TOKEN = "token-of-the-tests"  # noqa: S105, opens nothing else
# Commands that need a browser to draw.
DRAWN = ("trainlapse film", "trainlapse figure")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

# What README.md has for uploading, as far as README.md uses it: the real one is a large download.
AWS = """
import os, sys, pathlib, boto3
verb, source, target = sys.argv[2:]
bucket, _, key = target.removeprefix("s3://").partition("/")
path = pathlib.Path(source)
files = [path] if verb == "cp" else [file for file in path.rglob("*") if file.is_file()]
client = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
for file in files:
    name = key if verb == "cp" else f"{key}/{file.relative_to(path).as_posix()}"
    client.upload_file(str(file), bucket, name)
"""


def runnable_blocks() -> list[CodeBlock]:
    return [
        block
        for block in code_blocks("README.md")
        if block.language == "sh" and block.marks == ["runnable"]
    ]


def commands() -> list[str]:
    lines = [line for block in runnable_blocks() for line in block.text.splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.strip()]


def program(folder: Path, name: str, arguments: list[str]) -> None:
    """Put a program on the path of the commands."""
    file = folder / name
    words = " ".join(f"'{word}'" for word in [sys.executable, *arguments])
    file.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3-compatible store on the loopback interface with an empty bucket."""
    moto = pytest.importorskip("moto.server", reason="needs moto[server]")
    boto3 = pytest.importorskip("boto3", reason="needs moto[server]")
    server = moto.ThreadedMotoServer(ip_address=ADDRESS, port=0, verbose=False)
    server.start()
    endpoint = f"http://{ADDRESS}:{server.get_host_and_port()[1]}"
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="bucket")
    yield
    server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def answer(url: str, process: subprocess.Popen[str] | None = None) -> str:
    """What a server says, once it is there."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process is None or process.poll() is None, process.communicate()[0]
        try:
            asked = urllib.request.Request(url, headers={"Authorization": f"token {TOKEN}"})  # noqa: S310
            with urllib.request.urlopen(asked, timeout=SECONDS) as reply:  # noqa: S310
                return str(reply.read().decode())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="the blocks are for a POSIX shell")
@pytest.mark.usefixtures("bucket")
def test_the_commands_in_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run(write_run(tmp_path / "runs" / "mine.zarr"))
    moments.save(run, [Bookmark(10, "look here")])
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin", "trainlapse", ["-m", "explorer.cli"])
    program(tmp_path / "bin", "python", [])
    program(tmp_path / "bin", "aws", ["-c", AWS])
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TRAINLAPSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("TRAINLAPSE_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    http_port = free_port()
    servers: list[subprocess.Popen[str]] = []

    def start(line: str) -> subprocess.Popen[str]:
        started = subprocess.Popen(
            ["sh", "-c", f"exec {line}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        servers.append(started)
        return started

    try:
        for written in commands():
            line = re.sub(r"\b8000\b", str(http_port), written)  # that port may be in use here
            if line.endswith("&"):
                start(line.removesuffix("&"))
                answer(f"http://{ADDRESS}:{http_port}/")
            elif line.startswith("trainlapse explore"):
                port = free_port()
                explorer = start(f"{line} --no-browser --port {port}")
                assert "synthetic" in answer(f"http://{ADDRESS}:{port}/", explorer), line
                explorer.terminate()
                explorer.wait(SECONDS)
            elif not (line.startswith(DRAWN) and not BROWSER):
                done = subprocess.run(
                    ["sh", "-c", line], capture_output=True, text=True, timeout=SECONDS
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    finally:
        for server in servers:
            server.kill()
            server.communicate()

    (kept,) = moments.load(open_run(tmp_path / "mine.zip"))
    assert (kept.step, kept.note) == (10, "look here")
    public = open_run(tmp_path / "public.zip")
    assert public.probe is not None
    assert public.probe.inputs == {}
    assert not any(layer.weights for layer in public.layers.values())
    assert [each.note for each in moments.load(public)] == [""]


def test_sharing_is_shown_with_commands_that_run() -> None:
    """Each way to share, so that no block loses its mark unnoticed."""
    text = "\n".join(commands())
    for way in (
        "share runs/",
        "crop runs/",
        "explore mine.zip",
        "explore http://",
        "explore s3://",
        "export runs/",
        "film runs/",
        "numbers runs/",
    ):
        assert f"trainlapse {way}" in text

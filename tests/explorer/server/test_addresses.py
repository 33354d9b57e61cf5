"""Whatever an address says, the answer is a page."""

from __future__ import annotations

import http.client
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.server import app
from explorer.server.addresses import texts
from explorer.server.server import Server
from store import open_run
from store.testing import write_run


@given(st.text())
def test_texts_stay_texts(query: str) -> None:
    found = texts(query)
    assert all(isinstance(value, str) for value in found.values())


@given(st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=5))
def test_what_is_written_is_read(parameters: dict[str, str]) -> None:
    assert texts("?" + urllib.parse.urlencode(parameters)) == parameters


def test_too_many_parameters_say_nothing() -> None:
    assert texts("?" + "&".join(f"a{number}=1" for number in range(10_000))) == {}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    runs = [open_run(write_run(tmp_path / f"{name}.zarr", steps=range(3))) for name in "ab"]
    server = app.server(runs)
    server.start()
    yield server
    server.end()


@pytest.mark.slow
@pytest.mark.parametrize(("path", "odd"), [("/", "²"), ("/run", "9" * 5000), ("/compare", "²")])
def test_every_answer_is_a_page(server: Server, path: str, odd: str) -> None:
    names = ["step", "step_b", "unit", "number", "a", "map", "theme"]
    query = urllib.parse.urlencode(dict.fromkeys(names, odd))
    host = urllib.parse.urlsplit(server.address).netloc
    asked = http.client.HTTPConnection(host, timeout=60)
    allowed = {"Authorization": f"token {server.gate.token}"}
    asked.request("GET", f"{path}?{query}", headers=allowed)
    assert asked.getresponse().status == 200
    asked.close()

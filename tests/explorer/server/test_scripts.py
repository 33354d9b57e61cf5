"""Pages fetch the scripts of their components as files, each once."""

from __future__ import annotations

import hashlib
import re

import pytest
from bokeh.document import Document

from explorer.server.scripts import fetching
from explorer.widgets.base import fetch_scripts, script
from explorer.widgets.page.tabs import Tabs
from store import open_run
from store.testing import write_run

ADDRESS = r"\./scripts/tabs\.js\?v=([0-9a-f]{20})"


def scripts_of(document: Document) -> list[tuple[str, str]]:
    """Script of each of two components in a page, and the name by which the page keeps it."""
    models = [Tabs().get_root(document) for _ in range(2)]
    return [(model.esm, model.bundle) for model in models]


def test_a_page_with_addresses_holds_no_script() -> None:
    document = Document()
    fetch_scripts(document)
    (address, kind), other = scripts_of(document)
    assert re.fullmatch(ADDRESS, address)
    assert (address, kind) == other
    assert kind == "url"


def test_any_other_holds_their_text() -> None:
    """In a notebook, and in a server of somebody else, there is nothing to fetch them from."""
    for text, kept in scripts_of(Document()):
        assert text == script("tabs.js")
        assert kept == hashlib.sha256(text.encode()).hexdigest()


def test_pages_that_are_made_without_a_session_are_left_alone() -> None:
    assert fetching(lambda: "page")() == "page"


@pytest.mark.parametrize("name", ["tabs.js", "flow.js"])
def test_the_server_gives_them_to_who_has_the_token_and_browsers_keep_them(
    tmp_path, start, name: str
) -> None:
    server = start(open_run(write_run(tmp_path / "run.zarr", steps=(0, 1))))
    assert server.get(f"/scripts/{name}?v=123") == (200, script(name))
    assert server.headers["Cache-Control"] == "max-age=315360000"
    assert server.ask(f"/scripts/{name}")[0] == 403
    assert server.get("/scripts/../server/gate.py")[0] in (403, 404)

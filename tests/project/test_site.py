"""The site of documentation: complete, and it asks no other host."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# What a page loads, by tag and attribute; `a` leads elsewhere only when it is clicked.
LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ["recorder", "store", "explorer"])
def test_every_public_name_has_a_page(package: str) -> None:
    listed = {line.strip() for line in read(DOCS / "reference/api.rst").splitlines()}
    missing = [name for name in importlib.import_module(package).__all__ if name not in listed]
    assert not missing, f"docs/reference/api.rst does not list {missing} of {package}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", read(page)):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_citation_is_of_this_version() -> None:
    cited = yaml.safe_load(read(ROOT / "CITATION.cff"))
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    assert cited["cff-version"] == "1.2.0"
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    assert [author["name"] for author in cited["authors"]] == [
        author["name"] for author in project["authors"]
    ]


class _Loads(HTMLParser):
    """Collects what a page loads from other hosts."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in LOADED and re.match(r"(https?:)?//", value or ""):
                self.elsewhere.append(f"{tag} {value}")


def test_what_a_page_loads_from_elsewhere_is_seen() -> None:
    page = _Loads()
    page.feed('<script src="https://a/b.js"></script><img src="//c/d.png"><a href="https://e">')
    assert page.elsewhere == ["script https://a/b.js", "img //c/d.png"]


@pytest.mark.full
def test_the_site_is_built_without_a_warning_and_asks_no_other_host(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="needs the extra docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, str(DOCS), str(tmp_path / "site")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    for path in pages:
        page = _Loads()
        page.feed(read(path))
        assert not page.elsewhere, f"{path.name} loads {page.elsewhere}"


def test_tab_completes_commands_and_options() -> None:
    """By the line that docs/reference/commands.rst gives for a shell."""
    from click.shell_completion import BashComplete

    from explorer.cli import main

    assert "_TRAINLAPSE_COMPLETE=bash_source trainlapse" in read(DOCS / "reference/commands.rst")
    shell = BashComplete(main, {}, "trainlapse", "_TRAINLAPSE_COMPLETE")
    assert "_TRAINLAPSE_COMPLETE=bash_complete" in shell.source()
    assert [found.value for found in shell.get_completions([], "sh")] == ["share"]
    assert "--licence" in {found.value for found in shell.get_completions(["share"], "--")}

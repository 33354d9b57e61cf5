"""Films, figures and numbers from a real browser: by command, and from the menu of a card."""

from __future__ import annotations

import csv
import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from store import Run
from store.schema import activation_path
from tests.e2e.conftest import Open, at

SVG = "{http://www.w3.org/2000/svg}"
# In a process of their own: this one runs a loop of Playwright already.
FILM = """
import sys
from explorer.export.command import film
film(sys.argv[1:])
"""
SHOOT = """
import sys
from pathlib import Path
from explorer.export.screen import opened
from store import open_run

location, folder = sys.argv[1], Path(sys.argv[2])
query = {"layer": "conv1", "probe": 1, "theme": "light", "tab": "layers"}
with opened(open_run(location), query, card="Norms and update ratio", width=641) as screen:
    screen.fit([0, 3])
    for number, index in enumerate([0, 3, 0]):
        screen.show(index)
        (folder / f"{number}.png").write_bytes(screen.png())
    (folder / "card.svg").write_text(screen.svg(), encoding="utf-8")
    (folder / "card.pdf").write_bytes(screen.pdf())
"""


def run_python(code: str, *arguments: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def card(page: Page, title: str) -> Locator:
    """A card on the page, by its title."""
    heading = page.get_by_role("heading", name=title, exact=True)
    return page.locator(".bk-panel-models-layout-Column").filter(has=heading).last


# -- by command -------------------------------------------------------------------------------


def test_a_film_shows_the_maps_of_each_step(
    chromium_path: str, runs: dict[str, Run], tmp_path: Path
) -> None:
    run = runs["image"]
    path = tmp_path / "film.gif"
    options = ["--card", "feature maps", "--layer", "conv1", "--to", run.steps[2], "--width", 500]
    said = run_python(FILM, run.location, "-o", path, *options)
    assert re.search(r"3 frames, 0\.3 s at 10 a second \(\d+\.\d\d s a frame to make\)", said)
    with Image.open(path) as film:
        assert film.n_frames == 3
        assert film.width == 500
        frames = []
        for number in range(3):
            film.seek(number)
            frames.append(np.array(film.convert("RGB")))
    assert film.height % 2 == 0
    for one, other in itertools.pairwise(frames):
        maps = np.s_[60:-60]  # without heading and step
        assert (one[maps] != other[maps]).any(axis=-1).mean() > 0.05


@pytest.fixture(scope="module")
def shot(
    chromium_path: str, runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Pictures of a card with figures at steps 0, 3 and 0 again, then as svg and pdf."""
    folder = tmp_path_factory.mktemp("shot")
    run_python(SHOOT, runs["image"].location, folder)
    return folder


def test_equal_steps_give_equal_pictures_and_others_do_not(shot: Path) -> None:
    first, other, again = (np.array(Image.open(shot / f"{number}.png")) for number in range(3))
    height, width, _ = first.shape
    assert width % 2 == height % 2 == 0
    np.testing.assert_array_equal(first, again)
    difference = (first != other).any(axis=-1)
    below = height - 60
    assert difference[:below].any()  # the cursors in the figures
    assert difference[below:].any()  # the step


def test_texts_and_curves_of_a_figure_are_vectors(shot: Path, runs: dict[str, Run]) -> None:
    svg = ElementTree.parse(shot / "card.svg").getroot()  # noqa: S314
    texts = ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]
    assert "Norms and update ratio" in texts
    assert "step (optimizer updates)" in texts
    assert any(f"step {runs['image'].steps[0]} " in text for text in texts)
    assert len(set(texts)) > 10
    lines = [path for path in svg.iter(f"{SVG}path") if path.get("stroke") not in (None, "none")]
    assert len(lines) > 5
    # Of a curve there is no picture: only the legend's samples are some.
    images = [float(image.get("width", "0")) for image in svg.iter(f"{SVG}image")]
    assert all(width < 60 for width in images)
    _, _, width, height = map(float, svg.get("viewBox", "").split())
    assert (width, height) == (float(svg.get("width", 0)), float(svg.get("height", 0)))


def test_a_pdf_has_one_page_of_the_figures_size_with_fonts(shot: Path) -> None:
    pdf = (shot / "card.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert re.findall(rb"/Count (\d+)", pdf) == [b"1"]
    svg = ElementTree.parse(shot / "card.svg").getroot()  # noqa: S314
    (box,) = re.findall(rb"/MediaBox \[([^]]*)\]", pdf)
    width, height = (float(part) / 0.75 for part in box.split()[2:])  # points as pixels
    assert width == pytest.approx(float(svg.get("width", 0)), abs=2)
    assert height == pytest.approx(float(svg.get("height", 0)), abs=3)
    assert b"/FontName" in pdf


# -- from the menu of a card ------------------------------------------------------------------


def choose(page: Page, title: str, name: str) -> tuple[str, bytes]:
    """Save something of a card: the file's name and content."""
    button = card(page, title).get_by_role("button", name="Save")
    button.scroll_into_view_if_needed()
    button.click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=name).locator("visible=true").click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_card_saves_its_numbers(
    watched_page: Page, explore: Open, runs: dict[str, Run], tmp_path: Path
) -> None:
    run = runs["image"]
    explore("image", layer="conv1", probe=2, step=run.steps[1])
    at(watched_page, 1)
    recorded = run.read(activation_path("conv1"), (slice(None), 2))
    name, content = choose(watched_page, "Feature maps", "CSV")
    assert re.fullmatch(rf"feature-maps-.*-step-{run.steps[1]}-.*\.csv", name)
    rows = list(csv.DictReader(content.decode().splitlines()))
    assert {row["step"] for row in rows} == {str(run.steps[1])}
    values = [np.float32(row["activation"]) for row in rows]
    np.testing.assert_array_equal(values, np.moveaxis(recorded[1], -1, 0).ravel())

    name, content = choose(watched_page, "Feature maps", "NPZ")
    assert name.endswith("run.npz")
    (tmp_path / "a.npz").write_bytes(content)
    with np.load(tmp_path / "a.npz") as read:
        np.testing.assert_array_equal(read["activation"], np.moveaxis(recorded, -1, 1))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_card_saves_a_vector_figure_and_looks_as_before(
    watched_page: Page, explore: Open, theme: str
) -> None:
    explore("image", layer="conv1", theme=theme)
    before = card(watched_page, "Feature maps").screenshot()
    name, content = choose(watched_page, "Feature maps", "SVG")
    assert name.endswith(".svg")
    svg = ElementTree.fromstring(content)  # noqa: S314
    texts = ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]
    assert "Feature maps" in texts
    assert "Save" not in texts
    paper = svg.find(f"{SVG}path")
    assert paper is not None
    assert paper.get("fill") == {"light": "#ffffff", "dark": "#161b22"}[theme]
    assert len(list(svg.iter(f"{SVG}image"))) >= 3  # a map a unit
    card(watched_page, "Feature maps").locator("h3").hover()
    assert card(watched_page, "Feature maps").screenshot() == before


def test_the_menu_is_moved_through_by_keys(watched_page: Page, explore: Open) -> None:
    explore("image", layer="conv1", step=0)
    button = card(watched_page, "Feature maps").get_by_role("button", name="Save")
    items = card(watched_page, "Feature maps").get_by_role("menuitem")
    expect(items.first).to_be_hidden()
    button.focus()
    watched_page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    for key, name in [("ArrowDown", "SVG"), ("End", "NetCDF"), ("ArrowDown", "PNG")]:
        watched_page.keyboard.press(key)
        expect(items.filter(has_text=name).first).to_be_focused()
    watched_page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    watched_page.keyboard.press("Escape")
    expect(items.first).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")
    at(watched_page, 0)  # the arrows did not move time


def test_a_card_that_no_view_drew_offers_pictures_alone(watched_page: Page, explore: Open) -> None:
    explore("image", layer="conv1")
    button = card(watched_page, "Probe").get_by_role("button", name="Save")
    button.click()
    names = card(watched_page, "Probe").get_by_role("menuitem").locator("b").all_inner_texts()
    assert names == ["PNG", "SVG"]

"""Films, figures and numbers from a real browser: by command, and from the menu of a card."""

from __future__ import annotations

import csv
import itertools
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from store import Run
from store.format.names import activation_path
from tests.e2e.conftest import Begin, at, card, serving, unused_port

SVG = "{http://www.w3.org/2000/svg}"
# In one process of their own: this one runs a loop of Playwright already.
MAKE = """
import sys
from contextlib import redirect_stderr
from pathlib import Path
from explorer.export.command import figure, film
from explorer.export.screen import opened
from store import open_run

location, folder, *options = sys.argv[1:]
folder = Path(folder)
film([location, "-o", str(folder / "film.gif"), *options], standalone_mode=False)
query = {"layer": "conv1", "probe": 1, "theme": "light", "tab": "layers"}
with opened(open_run(location), query, card="Norms and update ratio", width=641) as screen:
    screen.fit([0, 3])
    for number, index in enumerate([0, 3, 0]):
        screen.show(index)
        (folder / f"{number}.png").write_bytes(screen.png())
    (folder / "card.svg").write_text(screen.svg(), encoding="utf-8")
    (folder / "card.pdf").write_bytes(screen.pdf(screen.svg()))
    screen.choose([{"title": "Of", "value": "units"}, {"title": "Of", "value": "none of these"}])
    screen.show(0)
    (folder / "chosen.png").write_bytes(screen.png())
for command, out in ((figure, "nothing.png"), (film, "nothing.gif")):
    arguments = [location, "--card", "dead units of each layer", "-o", str(folder / out)]
    with redirect_stderr(sys.stdout):
        assert command(arguments, standalone_mode=False) == 1
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


# -- by command -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(
    chromium_path: str, runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A film; and pictures of a card with figures at steps 0, 3 and 0 again, as svg and as pdf.

    Where they are, and what the command has said.
    """
    folder, run = tmp_path_factory.mktemp("made"), runs["image"]
    options = ["--card", "feature maps", "--layer", "conv1", "--to", run.steps[2], "--width", 500]
    return folder, run_python(MAKE, run.location, folder, *options)


@pytest.fixture
def shot(made: tuple[Path, str]) -> Path:
    """Where the pictures are."""
    return made[0]


def test_a_film_shows_the_maps_of_each_step(made: tuple[Path, str]) -> None:
    folder, said = made
    assert re.search(r"3 frames at 10 a second, 3\.0 s with the last one held; \d+ kB", said)
    with Image.open(folder / "film.gif") as film:
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


def test_a_card_with_nothing_to_show_is_not_drawn(made: tuple[Path, str]) -> None:
    folder, said = made
    assert said.count("the card says 'No dead unit at any recorded step.'") == 2
    assert not list(folder.glob("nothing*"))


def test_equal_steps_give_equal_pictures_and_others_do_not(shot: Path) -> None:
    first, other, again = (np.array(Image.open(shot / f"{number}.png")) for number in range(3))
    height, width, _ = first.shape
    assert width % 2 == height % 2 == 0
    np.testing.assert_array_equal(first, again)
    difference = (first != other).any(axis=-1)
    below = height - 60
    assert difference[:below].any()  # the cursors in the figures
    assert difference[below:].any()  # the step


def test_what_is_chosen_on_a_card_is_what_is_filmed(shot: Path) -> None:
    before, chosen = (np.array(Image.open(shot / f"{name}.png")) for name in ("0", "chosen"))
    assert before.shape == chosen.shape
    assert (before != chosen).any(axis=-1).mean() > 0.1  # curves have become a picture of units


def test_texts_and_curves_of_a_figure_are_vectors(shot: Path, runs: dict[str, Run]) -> None:
    svg = ElementTree.parse(shot / "card.svg").getroot()  # noqa: S314
    texts = ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]
    assert "Norms and update ratio" in texts
    assert any(text.startswith("step (updates)") for text in texts)
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


def test_a_card_saves_its_numbers(begin: Begin, runs: dict[str, Run], tmp_path: Path) -> None:
    run = runs["image"]
    page = begin("image", probe=2, index=1)
    recorded = run.read(activation_path("conv1"), (slice(None), 2))
    name, content = choose(page, "Feature maps", "CSV")
    assert re.fullmatch(rf"feature-maps-.*-step-{run.steps[1]}-.*\.csv", name)
    rows = list(csv.DictReader(content.decode().splitlines()))
    assert {row["step"] for row in rows} == {str(run.steps[1])}
    values = [np.float32(row["activation"]) for row in rows]
    np.testing.assert_array_equal(values, np.moveaxis(recorded[1], -1, 0).ravel())

    name, content = choose(page, "Feature maps", "NPZ")
    assert name.endswith("run.npz")
    (tmp_path / "a.npz").write_bytes(content)
    with np.load(tmp_path / "a.npz") as read:
        np.testing.assert_array_equal(read["activation"], np.moveaxis(recorded, -1, 1))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_card_saves_a_vector_figure_and_looks_as_before(begin: Begin, theme: str) -> None:
    page = begin("image", theme=theme)
    before = card(page, "Feature maps").screenshot()
    name, content = choose(page, "Feature maps", "SVG")
    assert name.endswith(".svg")
    svg = ElementTree.fromstring(content)  # noqa: S314
    texts = ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]
    assert "Feature maps" in texts
    assert "Save" not in texts
    paper = svg.find(f"{SVG}path")
    assert paper is not None
    assert paper.get("fill") == {"light": "#ffffff", "dark": "#161b22"}[theme]
    assert len(list(svg.iter(f"{SVG}image"))) >= 3  # a map a unit
    card(page, "Feature maps").locator("h3").hover()
    assert card(page, "Feature maps").screenshot() == before


def test_the_menu_is_moved_through_by_keys(begin: Begin) -> None:
    page = begin("image")
    button = card(page, "Feature maps").get_by_role("button", name="Save")
    items = card(page, "Feature maps").get_by_role("menuitem")
    expect(items.first).to_be_hidden()
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    for key, name in [("ArrowDown", "SVG"), ("End", "Film"), ("ArrowDown", "PNG")]:
        page.keyboard.press(key)
        expect(items.filter(has_text=name).first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(items.last).to_be_focused()
    page.keyboard.press("Escape")
    expect(items.first).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")
    at(page, 0)  # the arrows did not move time


def test_a_card_that_no_view_drew_offers_pictures_alone(begin: Begin) -> None:
    page = begin("image")
    button = card(page, "Probe").get_by_role("button", name="Save")
    button.click()
    names = card(page, "Probe").get_by_role("menuitem").locator("b").all_inner_texts()
    assert names == ["PNG", "SVG"]
    page.keyboard.press("Escape")
    expect(card(page, "Probe").get_by_role("menuitem").first).to_be_hidden()


# -- a film from the menu ---------------------------------------------------------------------

FILM_MS = 120_000
PATIENCE_S = 10


def open_form(page: Page, title: str) -> Locator:
    """Open the form of a film in a card's menu."""
    found = card(page, title)
    button = found.get_by_role("button", name="Save")
    button.scroll_into_view_if_needed()
    button.click()
    found.get_by_role("menuitem", name="Film").click()
    return found


def children_of(process: int) -> set[int]:
    """Processes that a process, or one of these, has started."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found: set[int] = set()
    new = {process}
    while new:
        new = {pid for pid, parent in parents if parent in new}
        found |= new
    return found


def film_processes() -> set[int]:
    """Processes that make films, whoever has started them, with all of their own."""
    listed = subprocess.run(
        ["ps", "-wweo", "pid=,args="], capture_output=True, text=True, check=True
    )
    makers = {
        int(line.split(maxsplit=1)[0])
        for line in listed.stdout.splitlines()
        if "explorer.export.child" in line
    }
    return makers.union(*map(children_of, makers))


def test_a_film_of_three_steps_from_the_menu(begin: Begin, runs: dict[str, Run]) -> None:
    run = runs["image"]
    page = begin("image", probe=2, index=3, theme="dark")
    found = open_form(page, "Feature maps")
    expect(found.get_by_label("From step")).to_have_value(str(run.steps[0]))
    expect(found.get_by_label("To step")).to_have_value(str(run.steps[-1]))
    expect(found.get_by_text("4 frames, 3.0 s with the last one held")).to_be_visible()
    found.get_by_label("Frames a second").fill("0")
    expect(found.get_by_text("Frames a second: 0.1 to 60.")).to_be_visible()
    expect(found.get_by_role("button", name="Make film")).to_be_disabled()
    found.get_by_label("Frames a second").fill("5")
    found.get_by_label("Format").select_option("gif")
    found.get_by_label("To step").fill(str(run.steps[2]))
    with page.expect_download(timeout=FILM_MS) as download:
        found.get_by_label("To step").press("Enter")
        expect(found.get_by_role("button", name="Cancel")).to_be_focused()
        expect(found.get_by_role("menuitem", name="Film")).to_be_hidden()
    at(page, 3)  # the keys did not move time
    assert re.fullmatch(
        rf"feature-maps-.*-steps-0-to-{run.steps[2]}\.gif", download.value.suggested_filename
    )
    with Image.open(download.value.path()) as film:
        assert (film.n_frames, film.info["duration"], film.width) == (3, 200, 960)
        frames = [np.array(film.convert("RGB"))]
        for number in (1, 2):
            film.seek(number)
            frames.append(np.array(film.convert("RGB")))
    assert tuple(frames[0][2, 2]) == (22, 27, 34)  # the dark page's
    for one, other in itertools.pairwise(frames):
        assert (one[60:-60] != other[60:-60]).any(axis=-1).mean() > 0.05
    size = Path(download.value.path()).stat().st_size
    expect(found.get_by_text(f"The film is saved: {size / 1000:,.0f} kB.").last).to_be_visible()
    expect(found.get_by_role("menuitem", name="Film")).to_be_focused()


def test_a_cancelled_film_ends_its_processes_and_another_waits_for_it(begin: Begin) -> None:
    page = begin()
    before = film_processes()
    found = open_form(page, "Feature maps")
    found.get_by_role("button", name="Make film").click()
    page.keyboard.press("Escape")
    other = open_form(page, "Loss")
    other.get_by_role("button", name="Make film").click()
    said = "A film of “Feature maps” is being made; one at a time."
    expect(other.get_by_text(said).last).to_be_visible()
    page.keyboard.press("Escape")
    found.get_by_role("button", name="Save").click()
    cancel = found.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible()
    started: set[int] = set()
    while len(started) < 4:  # with a driver and a browser
        expect(cancel).to_be_visible()
        started = film_processes() - before
    cancel.click()
    expect(found.get_by_text("The film was cancelled.").last).to_be_visible()
    deadline = time.monotonic() + PATIENCE_S
    while left := list(filter(is_alive, sorted(started))):
        assert time.monotonic() < deadline, f"of {sorted(started)} some are left: {left}"


# As where the extra is not installed.
WITHOUT = """
import sys
sys.modules["playwright"] = None
from explorer.server import app
from store import open_run
app.serve([open_run(sys.argv[1])], port=int(sys.argv[2]), open_browser=False)
"""


def test_where_no_film_can_be_made_the_menu_says_what_to_install(
    watched_page: Page, runs: dict[str, Run], tmp_path: Path
) -> None:
    port = unused_port()
    command = [sys.executable, "-c", WITHOUT, runs["image"].location, str(port)]
    with serving(command, port, tmp_path / "server.txt") as address:
        watched_page.goto(f"{address}/?layer=conv1")
        found = card(watched_page, "Feature maps")
        found.get_by_role("button", name="Save").click()
        item = found.get_by_role("menuitem", name="Film")
        expect(item).to_contain_text('Install it with: pip install "trainlapse[film]"')
        expect(item).to_have_attribute("aria-disabled", "true")
        item.click(force=True)
        expect(item).to_be_visible()
        expect(found.get_by_role("form", name="Film")).to_be_hidden()
        watched_page.goto("about:blank")


def is_alive(process: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    told = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip()[:1] not in ("", "Z")

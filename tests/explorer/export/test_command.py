"""The commands: what they write, what they refuse, and that nothing half done stays behind."""

from __future__ import annotations

import csv
import io
import re
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from PIL import Image

from explorer.export import screen as screens
from explorer.export.command import COMMANDS, _progress
from explorer.export.making import make_film
from explorer.export.screen import DrawingError, opened
from explorer.films import browser
from explorer.films.browser import find_browser
from store.errors import MissingExtraError
from store.format.names import activation_path


class Drawn:
    """A screen without a browser: a picture whose grey is the step's position."""

    def __init__(self, fail_at=None):
        self.index, self.fitted, self.asked, self.fail_at = None, None, {}, fail_at
        self.chosen = None

    def show(self, index):
        if index == self.fail_at:
            raise DrawingError("The picture was not finished.")
        self.index = index

    def choose(self, choices):
        self.chosen = choices

    def fit(self, indices):
        self.fitted = indices

    def png(self):
        buffer = io.BytesIO()
        Image.new("L", (16, 10), 20 * self.index).save(buffer, "PNG")
        return buffer.getvalue()

    def svg(self):
        return f"<svg>é{self.index}</svg>"

    def pdf(self, svg):
        return b"%PDF " + svg.encode()


@pytest.fixture
def drawn(monkeypatch):
    """What commands open in place of a browser."""
    screen = Drawn()

    @contextmanager
    def instead(run, query, **options):
        screen.asked = {**query, **options}
        yield screen

    monkeypatch.setattr(screens, "opened", instead)
    return screen


@pytest.fixture
def command(image_run, tmp_path):
    """Run a command on the image run; the output is a name in an empty folder."""
    by_name = {command.name: command for command in COMMANDS}

    def run(name, out, *options):
        path = tmp_path / out
        arguments = [image_run.location, "-o", str(path), *map(str, options)]
        result = CliRunner().invoke(by_name[name], arguments)
        return path, result

    return run


def left(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir())


# -- films and figures ------------------------------------------------------------------------


def test_a_film_has_a_frame_for_each_recorded_step_of_its_span(command, drawn, image_run, tmp_path):
    steps = image_run.steps
    path, result = command(
        "film", "a.gif", "--card", "feature", "--from", steps[2], "--to", steps[6], "--every", 2
    )
    assert result.exit_code == 0, result.output
    assert "3 frames at 10 a second, 3.0 s with the last one held" in result.output
    assert re.search(r"\(made in \d+\.\d s\)", result.output)
    with Image.open(path) as film:
        greys = []
        for number in range(film.n_frames):
            film.seek(number)
            greys.append(film.convert("L").getpixel((5, 5)))
    assert greys == [40, 80, 120]
    assert drawn.fitted == [2, 4, 6]
    assert left(tmp_path) == ["a.gif"]


def test_the_page_is_asked_for_the_selection(command, drawn):
    command(
        "film", "a.gif", "--card", "Kernels", "--layer", "conv1", "--probe", 2, "--theme", "dark"
    )
    expected = {
        "layer": "conv1",
        "probe": "2",
        "theme": "dark",
        "card": "Kernels",
        "tab": "layers",
        "scale": 1,
        "width": 960,
    }
    assert expected.items() <= drawn.asked.items()
    command("figure", "a.png", "--card", "How sparse", "--width", 500)
    expected = {"card": "How sparse each layer is", "tab": "training", "scale": 1, "width": 500}
    assert expected.items() <= drawn.asked.items()
    command("figure", "b.png")
    expected = {"card": None, "width": 1600, "height": 900}
    assert expected.items() <= drawn.asked.items()


def test_a_figure_for_paper_has_its_width_and_its_dots(command, drawn):
    path, _ = command("figure", "a.png", "--card", "Loss", "--width", "85mm", "--dpi", 600)
    assert drawn.asked["width"] == 428
    assert round(428 * drawn.asked["scale"]) == round(85 / 25.4 * 600)
    with Image.open(path) as picture:
        assert picture.info["dpi"] == pytest.approx((600, 600), abs=0.1)
        picture.load()  # its checksums are right
    drawn.svg = lambda: (
        '<svg xmlns="x" width="456" height="228" viewBox="0 0 456 228"><text/></svg>'
    )
    path, _ = command("figure", "a.svg", "--card", "Loss", "--width", "8.5cm")
    assert path.read_text() == (
        '<svg width="85mm" height="42.5mm" xmlns="x" viewBox="0 0 456 228"><text/></svg>'
    )
    path, _ = command("figure", "b.svg", "--card", "Loss", "--width", "1280")
    assert '<svg width="1280" height="640"' in path.read_text()
    _, result = command("figure", "c.svg", "--card", "Loss", "--width", "85 miles")
    assert result.exit_code == 2
    assert "expected for instance 1280 (pixels) or 85mm" in result.output
    _, result = command("figure", "c.svg", "--card", "Loss", "--width", "9mm")
    assert "expected 63.5 to 1524 mm" in result.output


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.svg", "<svg>é7</svg>".encode()), ("a.pdf", "%PDF <svg>é7</svg>".encode())],
)
def test_a_figure_shows_the_last_step_by_default(command, drawn, image_run, name, content):
    path, result = command("figure", name, "--card", "Loss")
    assert result.output == f"Wrote {path}: step {image_run.steps[7]}.\n"
    assert path.read_bytes() == content


def test_a_film_of_one_step_has_one_frame(drawn, recorded, tmp_path):
    data = recorded(steps=(3,))
    path = tmp_path / "a.gif"
    made = {command.name: command for command in COMMANDS}["film"]
    result = CliRunner().invoke(made, [data.run.location, "-o", str(path)])
    assert result.output.startswith(f"Wrote {path}: 1 frame at 10 a second, 3.0 s")
    with Image.open(path) as film:
        assert film.n_frames == 1


def test_a_film_tells_its_frames_and_chooses_on_the_card(drawn, image_run, tmp_path):
    told = []
    choices = [{"title": "order", "value": "b"}]
    count = make_film(
        image_run,
        tmp_path / "a.gif",
        10,
        card="Feature maps",
        first=int(image_run.steps[6]),
        choices=choices,
        progress=lambda done, of: told.append((done, of)),
    )
    assert count == 2
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert drawn.chosen == choices


def test_the_bar_of_a_terminal_counts_frames(monkeypatch):
    written = io.StringIO()
    written.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", written)
    with _progress() as told:
        for done in range(4):
            told(done, 3)
    assert "0/3" in written.getvalue()


def test_a_film_that_fails_leaves_nothing_behind(command, drawn, tmp_path):
    drawn.fail_at = 5
    _, result = command("film", "a.gif")
    assert result.exit_code == 1
    assert result.stderr == "Error: The picture was not finished.\n"
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["film", "figure", "numbers"])
def test_what_is_there_stays_unless_told_otherwise(command, drawn, name, tmp_path):
    out = {"film": "a.gif", "figure": "a.png", "numbers": "a.npz"}[name]
    (tmp_path / out).write_text("mine")
    options = ["--card", "Feature maps"]
    path, result = command(name, out, *options)
    assert result.exit_code == 1
    assert "is there already; pass --overwrite to replace it" in result.stderr
    assert path.read_text() == "mine"
    path, result = command(name, out, *options, "--overwrite")
    assert result.exit_code == 0, result.output
    assert path.read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("film", "a.avi"), "ends in .mp4 or .gif, got 'a.avi'"),
        (("figure", "a.jpg"), "ends in .png or .svg or .pdf, got 'a.jpg'"),
        (("numbers", "a.xlsx", "--card", "Loss"), "ends in .csv or .npz or .nc, got 'a.xlsx'"),
        (("figure", "a.svg"), "A .svg is of one card: name it with --card, or write a .png."),
        (("film", "a.gif", "--card", "Feture maps"), "Did you mean 'Feature maps'?"),
        (("film", "a.gif", "--from", "999999"), "No step from 999999"),
        (("film", "a.gif", "--from", "5", "--to", "2"), "--from 5 is after --to 2: exchange them."),
        (("film", "a.gif", "--fps", "0"), "0.0 is not in the range 0.1<=x<=60"),
        (("film", "a.gif", "--fps", "ten"), "'ten' is not a valid float"),
        (("film", "a.gif", "--layer", "cnv1"), "Did you mean 'conv1'?"),
        (("numbers", "a.csv", "--card", "Loss", "--step", "1", "--to", "3"), "leave out --from"),
        (("numbers", "a.csv"), "Missing option '--card'"),
    ],
)
def test_what_cannot_be_is_said(command, drawn, tmp_path, arguments, message):
    _, result = command(*arguments)
    assert result.exit_code != 0
    assert message in " ".join(result.stderr.split())
    assert left(tmp_path) == []


def test_without_playwright_it_says_what_to_install(command, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    _, result = command("film", "a.gif")
    assert result.exit_code == 1
    assert 'pip install "trainlapse[film]"' in result.stderr
    assert left(tmp_path) == []


def test_a_named_browser_goes_first_and_without_any_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("TRAINLAPSE_CHROMIUM", sys.executable)
    assert find_browser() == sys.executable
    monkeypatch.setenv("TRAINLAPSE_CHROMIUM", str(tmp_path / "none"))
    assert find_browser() is None
    with pytest.raises(MissingExtraError, match=r"need Chromium or Chrome.*TRAINLAPSE_CHROMIUM"):
        browser.bundled_browser(str(tmp_path / "none"))
    assert browser.bundled_browser(sys.executable) == sys.executable
    assert opened


# -- numbers ----------------------------------------------------------------------------------


def maps(run, probe):
    """Recorded maps of conv1: (step, unit, y, x)."""
    values = run.read(activation_path("conv1"), (slice(None), probe))
    return np.moveaxis(values, -1, 1)


def test_npz_and_netcdf_equal_the_recorded_arrays(command, image_run):
    options = ["--card", "feature maps", "--layer", "conv1", "--probe", 1]
    path, result = command("numbers", "a.npz", *options)
    assert result.output == f"Wrote {path}.\n"
    with np.load(path) as read:
        np.testing.assert_array_equal(read["activation"], maps(image_run, 1), strict=True)
        np.testing.assert_array_equal(read["step"], image_run.steps)
    path, _ = command("numbers", "a.nc", *options, "--every", 3)
    with xr.open_dataset(path, engine="scipy") as made:
        np.testing.assert_array_equal(made.activation, maps(image_run, 1)[::3])
        assert (made.attrs["layer"], made.attrs["probe"]) == ("conv1", 1)


def test_csv_of_a_step_equals_the_recorded_array(command, image_run):
    step = int(image_run.steps[3])
    path, _ = command(
        "numbers", "a.csv", "--card", "feature maps", "--layer", "conv1", "--step", step
    )
    rows = list(csv.DictReader(path.read_text().splitlines()))
    read = np.array([np.float32(row["activation"]) for row in rows]).reshape(3, 8, 8)
    np.testing.assert_array_equal(read, maps(image_run, 0)[3])
    last = {"step": str(step), "unit": "2", "y": "7", "x": "7"}
    assert last.items() <= rows[-1].items()


def test_several_tables_become_several_files_or_none(command, tmp_path):
    options = ["--card", "Norms and update", "--layer", "conv1"]
    _, result = command("numbers", "a.csv", *options)
    names = left(tmp_path)
    assert len(names) == 2
    assert all(name.startswith("a-") and name in result.output for name in names)
    (tmp_path / names[0]).unlink()
    _, result = command("numbers", "a.csv", *options)
    assert result.exit_code == 1
    assert left(tmp_path) == names[1:]


def test_every_command_explains_its_options():
    for made in COMMANDS:
        assert made.help
        result = CliRunner().invoke(made, ["--help"])
        assert result.exit_code == 0
        for parameter in made.params:
            assert parameter.name == "run" or parameter.opts[-1] in result.output

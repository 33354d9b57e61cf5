"""Light and dark beside the explorer's page: figures alone, a replay, a notebook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import holoviews as hv
import pytest
from bokeh.embed import file_html
from bokeh.models import ColorBar, LinearColorMapper
from bokeh.plotting import figure
from bokeh.resources import INLINE
from playwright.sync_api import Browser

from explorer.notebook import picture
from explorer.replay.export import export_replay
from explorer.server.app import TEMPLATES
from store import Run, open_run
from store.testing import image_run_spec, write_run
from tests.e2e.conftest import serving, unused_port
from tests.e2e.contrast import assert_legible, opened, opened_file, settled, switch, texts_of

# -- figures alone ------------------------------------------------------------------------------

COLOURS = """
  <style>
    :root { --tl-text: #010101; --tl-muted: #020202; --tl-line: #030303; }
    :root[data-theme=dark] { --tl-text: #f1f1f1; --tl-muted: #f2f2f2; --tl-line: #f3f3f3; }
  </style>
"""
GIVEN = "#abcdef"
PARTS = """
() => {
  const [figure] = Bokeh.documents[0].roots();
  const [axis, bar] = [figure.left[0], figure.right[0]];
  return {
    title: figure.title.text_color, bar: bar.title_text_color,
    label: axis.axis_label_text_color, line: axis.axis_line_color,
    given: axis.major_label_text_color,
    grids: figure.center.filter(({ type }) => type === "Grid").map((grid) => grid.grid_line_color),
  };
}
"""
DARKEN = """
() => {
  document.documentElement.dataset.theme = "dark";
  window.dispatchEvent(new Event("trainlapse:theme"));
}
"""


def figure_with_colours() -> str:
    """A page of a figure with some colours of its own, and of the script that colours the rest."""
    shown = figure(title="A title", y_axis_label="y", width=300, height=200)
    shown.line([0, 1], [0, 1])
    shown.xgrid.grid_line_color = None
    shown.yaxis.major_label_text_color = GIVEN
    colours = LinearColorMapper(["#000000", "#ffffff"], low=0, high=1)
    shown.add_layout(ColorBar(color_mapper=colours, title="bar"), "right")
    head, end, body = file_html(shown, INLINE).partition("</head>")
    return f"{head}{COLOURS}<script>{(TEMPLATES / 'figures.js').read_text()}</script>{end}{body}"


# Another view of the figure, which has no place yet, and its place.
BUILD = """
async () => { window.early = await Bokeh.index.build_view(Bokeh.documents[0].roots()[0]); }
"""
PLACE = "() => { early.build(document.body); }"


def test_a_figure_takes_the_colours_that_nobody_has_given(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "figure.html"
    path.write_text(figure_with_colours(), encoding="utf-8")
    with opened_file(browser, path) as page:
        page.wait_for_function("window.Bokeh?.documents.length && Bokeh.index.roots.length")
        light = {"title": "#010101", "label": "#020202", "line": "#030303", "bar": "#020202"}
        assert page.evaluate(PARTS) == light | {"given": GIVEN, "grids": [None, "#030303"]}
        page.evaluate(BUILD)
        page.evaluate(DARKEN)
        dark = {"title": "#f1f1f1", "label": "#f2f2f2", "line": "#f3f3f3", "bar": "#f2f2f2"}
        assert page.evaluate(PARTS) == dark | {"given": GIVEN, "grids": [None, "#f3f3f3"]}
        page.evaluate(PLACE)
        inks = {"A title": "rgb(241 241 241)", "y": "rgb(242 242 242)", "bar": "rgb(242 242 242)"}

        def wrong() -> list[Any]:
            drawn = [(text.text, text.colour) for text in texts_of(page)]
            return [ink for ink in inks.items() if drawn.count(ink) != 2]  # once in each view

        assert not settled(page, wrong)


# -- elsewhere ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run of images."""
    return open_run(write_run(tmp_path_factory.mktemp("run") / "run.zarr", image_run_spec()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_replay_can_be_read(browser: Browser, image: Run, tmp_path: Path, scheme: str) -> None:
    path = tmp_path / "replay.html"
    export_replay(image, path)
    other = {"light": "dark", "dark": "light"}[scheme]
    with opened_file(browser, path, color_scheme=scheme) as page:
        page.locator("#picture canvas[data-index]").wait_for()
        found = assert_legible(page, scheme)
        assert any(text.in_canvas for text in found)
        page.emulate_media(color_scheme=other)
        assert_legible(page, other)
        page.emulate_media(color_scheme=scheme)
        switch(page)
        assert_legible(page, other)
        switch(page)
        assert_legible(page, scheme)


# What the pages of notebooks say of colours when they are dark: JupyterLab and Visual Studio Code.
DARK_NOTEBOOK = """
:root {
  --jp-widgets-label-color: #fff; --jp-ui-font-color1: #fff; --jp-layout-color0: #111;
  --jp-cell-editor-background: #212121; --vscode-editor-foreground: #ccc;
  --vscode-notebook-editorBackground: #1e1e1e; color-scheme: dark;
}
body { background: #111; color: #fff; }
"""
NOTEBOOK = """
import sys, panel
from explorer.notebook import explore
path, port, sheet, theme = sys.argv[1:]
panel.extension(raw_css=[sheet], theme=theme)
panel.serve(lambda: explore(path), port=int(port), show=False)
"""


@pytest.mark.parametrize(
    ("sheet", "theme"),
    [pytest.param("", "default", marks=pytest.mark.full), (DARK_NOTEBOOK, "dark")],
    ids=["light", "dark"],
)
def test_an_explorer_in_a_notebook_can_be_read(
    browser: Browser, image: Run, tmp_path: Path, sheet: str, theme: str
) -> None:
    port = unused_port()
    command = [sys.executable, "-c", NOTEBOOK, image.location, str(port), sheet, theme]
    scheme = "dark" if sheet else "light"
    with (
        serving(command, port, tmp_path / "server.txt") as url,
        opened(browser, url, color_scheme=scheme) as page,
    ):
        page.locator("canvas.bk-layer:visible").first.wait_for()
        found = assert_legible(page)
        assert len([text for text in found if text.in_canvas]) > 20, "figures are drawn"


@pytest.mark.parametrize("title", ["Loss", "Feature maps"])
@pytest.mark.parametrize("ground", ["#fff", "#111"])
def test_a_picture_in_a_notebook_can_be_read(
    browser: Browser, image: Run, tmp_path: Path, title: str, ground: str
) -> None:
    drawn = hv.render(picture(image, title, layer="conv1"), backend="bokeh")
    content = file_html(drawn, INLINE).replace("<body>", f'<body style="background: {ground}">')
    path = tmp_path / "picture.html"
    path.write_text(content, encoding="utf-8")
    with opened_file(browser, path) as page:
        page.locator("canvas.bk-layer").first.wait_for()
        assert len(assert_legible(page)) > 5

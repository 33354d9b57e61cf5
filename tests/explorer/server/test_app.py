"""The page: built for every kind of run, which it tells apart; names of a run stay text."""

from __future__ import annotations

import dataclasses
import html

import numpy as np
import panel as pn
import pytest

from explorer.data.run import RunData
from explorer.server.app import page
from explorer.session.session import Explorer
from store.format.spec import RunSpec
from store.testing import image_run_spec, text_run_spec
from tests.explorer.conftest import renamed, texts_of_every_tab, with_probe, without_probe

pytestmark = pytest.mark.slow

MARKUP = "<script>alert(1)</script>"


# -- every kind of run ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "steps", "said"),
    [
        (image_run_spec(), (0, 1, 5), ()),
        (text_run_spec(), (0, 1, 5), ()),
        (image_run_spec(), (), ("No step has been recorded yet. If the training is still",)),
        (image_run_spec(), (0,), ("This needs 2 recorded steps; 1 step was recorded.",)),
        (without_probe(), (0, 1), ("No activation was recorded. Give the recorder a probe.",)),
        (with_probe(labels=None), (0, 1), ()),
        (with_probe(labels=np.linspace(0, 3.5, 6)), (0, 1), ()),
        (RunSpec("bare", ()), (0, 1), ("This run has no layers.",)),
        (RunSpec("bare", ()), (), ("This run has no layers.", "No step has been recorded yet.")),
    ],
    ids=[
        "images", "texts", "no step", "one step", "no probe", "no labels", "regression",
        "no layers", "nothing at all",
    ],
)  # fmt: skip
def test_a_page_is_built_and_says_what_it_lacks(recorded, spec, steps, said):
    explorer = Explorer(recorded(spec, steps=steps))
    assert explorer.body.get_root() is not None
    assert explorer.transport.get_root() is not None
    assert explorer.graph.get_root() is not None
    text = texts_of_every_tab(explorer)
    for sentence in said:
        assert sentence in text
    assert "cannot be drawn" not in text
    assert explorer.transport.steps.tolist() == list(steps)
    assert (explorer.picker is None) == (spec.probe is None)


def test_an_input_layer_that_is_all_there_is_says_so(image_run):
    explorer = Explorer(RunData(image_run), {"layer": "image"})
    assert "An input layer hands on the probe itself" in texts_of_every_tab(explorer)


def test_without_labels_nothing_is_called_right_or_wrong(recorded):
    explorer = Explorer(recorded(with_probe(labels=None), steps=(0, 1)))
    assert set(np.unique(explorer.picker.correct)) == {2}
    assert explorer.bars.truth == -1
    assert explorer.picker.labels == [""] * 6


def test_every_layer_of_a_run_can_be_shown(image_run):
    explorer = Explorer(RunData(image_run))
    for name, layer in image_run.layers.items():
        explorer.transport.choice = explorer.transport.choice | {"layer": name}
        assert explorer.selection.layer == name
        assert name in texts_of_every_tab(explorer)
        on_stage = sum(card.panel.visible for card in explorer.cards["stage"])
        assert on_stage == (0 if layer.kind == "input" else 1)
    assert "cannot be drawn" not in texts_of_every_tab(explorer)


# -- names are text ---------------------------------------------------------------------------


def hostile_data(recorded):
    spec = renamed(image_run_spec(name=MARKUP), {"conv1": "a & 'b'", "relu1": "[c](x) ![d](y)"})
    layers = tuple(
        dataclasses.replace(layer, class_name=MARKUP) if layer.kind == "conv" else layer
        for layer in spec.layers
    )
    spec = dataclasses.replace(spec, layers=layers)
    return recorded(with_probe(spec, class_names=[MARKUP, "b", "c", "d"]), steps=(0, 1, 2))


def test_names_with_markup_reach_the_page_as_text(recorded):
    data = hostile_data(recorded)
    explorer = Explorer(data, {"layer": MARKUP, "axis": "<i>"})
    text = texts_of_every_tab(explorer)
    assert "<script" not in text
    assert "<i>" not in text
    assert html.escape(MARKUP) in text  # the class in the heading, the layer in the warning
    assert html.escape("a & 'b'") in text


def test_a_warning_is_no_markdown(recorded):
    """Layer names in a suggestion must not become links or pictures from elsewhere."""
    explorer = Explorer(hostile_data(recorded), {"layer": "![e](http://elsewhere.example/e.png)"})
    warning = explorer.body[0]
    assert type(warning) is pn.pane.HTML
    assert "![e](http://elsewhere.example/e.png)" in html.unescape(warning.object)
    assert "![d](y)" in html.unescape(warning.object)
    assert "<img" not in warning.object
    assert "<a" not in warning.object


# -- the header -------------------------------------------------------------------------------


def test_the_header_tells_what_the_run_holds(image_run, recorded):
    variables = page(RunData(image_run))._render_variables
    assert variables["run_name"] == "synthetic"
    assert variables["facts"] == "7 layers · 226 parameters · 8 recorded steps (0 to 100)"
    growing = page(recorded(steps=(0, 1), finished=False))._render_variables
    assert growing["facts"].endswith("2 recorded steps (0 to 1) · not finished")
    empty = page(recorded(steps=(), finished=False))._render_variables
    assert empty["facts"] == "7 layers · 226 parameters · not finished"

"""A run in a notebook: the explorer as a Panel object, its views as HoloViews objects."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import holoviews as hv
import numpy as np
import panel as pn
import pytest

import explorer
from explorer.data.run import RunData
from explorer.notebook import explore, picture, titles
from explorer.plots.mosaic import mosaic
from explorer.widgets.page.layer_graph import LayerGraph
from explorer.widgets.time.clock_sync import ClockSync
from store.errors import SpecError

pytestmark = pytest.mark.slow


def widgets(viewable, kind):
    return list(viewable.select(kind))


def test_the_package_offers_them_and_loads_no_panel_before():
    assert (explorer.explore, explorer.picture, explorer.titles) == (explore, picture, titles)
    with pytest.raises(AttributeError, match="no attribute 'explor'"):
        _ = explorer.explor
    code = "import sys, explorer; print('panel' in sys.modules, 'tensorflow' in sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_cell_shows_the_explorer_where_it_was_told_to_begin(image_run):
    cell = explore(image_run, layer="dense", unit=1, step=10, tab="training")
    (transport,) = widgets(cell, ClockSync)
    assert transport.choice["layer"] == "dense"
    assert transport.resting == image_run.steps.tolist().index(10)
    assert len(widgets(cell, LayerGraph)) == 1
    cell.get_root()  # what a notebook would render
    assert "--tl-card:" in cell.stylesheets[0]
    assert cell.stylesheets[0].count("{") == cell.stylesheets[0].count("}") == 1


def test_two_cells_have_clocks_of_their_own(image_run):
    channels = [
        {widget.channel for widget in widgets(explore(image_run.location), ClockSync)}
        for _ in range(2)
    ]
    assert len(channels[0] | channels[1]) == 2


def test_a_cell_leaves_keys_and_address_to_its_page(image_run):
    (transport,) = widgets(explore(image_run), ClockSync)
    if "whole_page" not in transport.param:
        pytest.skip("the time control has no such parameter yet")
    assert transport.whole_page is False


# -- pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "layer"), [("image", "conv1"), ("text", "lstm")])
def test_every_view_is_drawn_or_says_why_not(request, name, layer):
    run = request.getfixturevalue(f"{name}_run")
    layer = layer if layer in run.layers else next(iter(run.layers))
    drawn, said = 0, []
    for title in titles(run, layer=layer):
        try:
            hv.render(picture(run, title, layer=layer), backend="bokeh")
        except SpecError as error:
            said.append(str(error))
        else:
            drawn += 1
    assert drawn >= 3
    why = ("explore(run) shows it", "cannot be drawn: ")
    assert all(any(part in sentence for part in why) for sentence in said), said


def test_feature_maps_are_those_of_the_run(image_run):
    image = picture(image_run, "Feature maps", layer="conv1", probe=2, step=10)
    index = image_run.steps.tolist().index(10)
    frame = image_run.read("layers/conv1/activation", (index, 2, *(slice(None),) * 3))
    expected = mosaic(np.moveaxis(frame, -1, 0))
    limits = RunData(image_run).limits("conv1", 2)
    shown = image.dimension_values("value", flat=False)[::-1]
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(shown), finite)
    np.testing.assert_allclose(
        shown[finite],
        expected[finite].clip(limits.low, limits.high),
        atol=(limits.high - limits.low) / 254,
    )


def test_curves_are_those_of_the_run(image_run):
    overlay = picture(image_run, "Loss")
    curve = next(each for each in overlay if isinstance(each, hv.Curve))
    np.testing.assert_array_equal(curve.dimension_values("y"), image_run.metrics["loss"].values)


@pytest.mark.parametrize(
    ("title", "selection", "message"),
    [
        ("Feature map", {"layer": "conv1"}, "Did you mean 'Feature maps'"),
        ("Feature maps", {"layer": "dense"}, "There is no view 'Feature maps' of this"),
        ("Loss", {"layer": "cnv1"}, "Did you mean 'conv1'"),
        ("Loss", {"lyer": "conv1"}, "'lyer' cannot be selected. Did you mean 'layer'"),
        ("Loss", {"step": 3}, "Step 3 was not recorded"),
        ("Loss", {"unit": 99}, "There is no unit 99"),
    ],
)
def test_wrong_wishes_are_refused_with_the_near_one(image_run, title, selection, message):
    with pytest.raises(SpecError, match=message):
        picture(image_run, title, **selection)


def test_what_a_run_lacks_is_said(recorded):
    data = recorded(steps=())
    assert "Feature maps" not in titles(data.run)
    with pytest.raises(SpecError, match="Feature maps cannot be drawn: No step has been recorded"):
        picture(data.run, "Feature maps", layer="conv1")
    assert explore(data.run).get_root() is not None


def test_a_notebook_gets_its_scripts_from_here_whatever_comes_first(image_run, monkeypatch):
    given = []

    def loader(name):
        def extension(*_names, **options):
            given.append((name, options["inline"]))

        return extension

    monkeypatch.setitem(sys.modules, "IPython", object())
    monkeypatch.setattr(hv, "extension", loader("holoviews"))
    monkeypatch.setattr(pn, "extension", loader("panel"))
    picture(image_run, "Loss")
    assert given == [("holoviews", True), ("panel", True)]
    hv.extension._loaded = True  # as HoloViews itself notes it, with its own page's scripts
    explore(image_run)
    assert given[2:] == [("panel", True)]

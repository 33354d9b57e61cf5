"""The Python halves of the browser components."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.plots.style import KIND_COLOURS
from explorer.widgets.page.card_head import CardHead
from explorer.widgets.page.layer_graph import LayerGraph
from explorer.widgets.page.probe_picker import ProbePicker, descriptions, label_texts, thumbnails
from explorer.widgets.page.tabs import Tabs
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.format.layers import Layer, Layers
from store.format.spec import ProbeSpec

# -- frame grid -------------------------------------------------------------------------------


def test_a_grid_by_default_has_a_tile_a_unit_and_chooses_nothing():
    grid = FrameGrid(lambda _: np.zeros((1, 1, 1), np.uint8), 1)
    assert (grid.mode, grid.places, grid.selects) == ("tiles", 1, "")
    assert (grid.tile_ids, grid.captions, grid.x_labels, grid.y_labels) == ([], [], [], [])
    assert (grid.x_name, grid.y_name, grid.value_name) == ("token", "unit", "")
    assert (grid.square, grid.numbers, grid.still) == (False, False, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("selects", "layer"), ("mode", "rows"), ("tile_ids", "123"), ("square", "yes"), ("low", "0")],
)
def test_a_grid_takes_no_parameter_of_another_kind(name, value):
    with pytest.raises(ValueError, match=name):
        FrameGrid(lambda _: None, 1, **{name: value})


def test_what_a_grid_is_told_reaches_the_browsers_model():
    told = {
        "mode": "matrix",
        "selects": "step",
        "tile_ids": [0, 5, 9],
        "captions": ["a", "b", "c"],
        "x_labels": ["true"],
        "y_labels": ["said"],
        "x_name": "class",
        "y_name": "class said",
        "value_name": "probes",
        "square": True,
        "numbers": True,
        "still": True,
        "palette": np.arange(768, dtype=np.uint8),
    }
    data = FrameGrid(lambda _: None, 1, **told).get_root().data
    for name, value in told.items():
        np.testing.assert_array_equal(getattr(data, name), value)


# -- heading and tabs -------------------------------------------------------------------------


def test_a_heading_is_text_and_unseen_until_the_browser_says_so():
    head = CardHead(title="<b>title</b>", source="run")
    assert (head.seen, head.busy, head.caption) == (False, False, "")
    assert head.get_root().data.title == "<b>title</b>"


def test_tabs_keep_the_order_of_their_titles():
    titles = {"b": "Second", "a": "First"}
    assert list(Tabs(titles=titles).get_root().data.titles.items()) == list(titles.items())


# -- layer graph ------------------------------------------------------------------------------


def test_the_graph_has_a_box_for_each_layer_and_an_edge_for_each_connection(image_run):
    graph = LayerGraph.of(image_run.layers)
    assert [node["name"] for node in graph.nodes] == list(image_run.layers)
    assert (graph.blocks, graph.opened) == ([], [])
    (level,) = graph.levels
    assert len(level["chains"]) == 6
    assert [node for row in level["rows"] for node in row] == [f"={at}" for at in range(7)]
    for node in graph.nodes:
        layer = image_run.layers[node["name"]]
        assert (node["kind"], node["colour"]) == (layer.kind, KIND_COLOURS[layer.kind])
    conv = graph.nodes[1]
    assert (conv["shape"], conv["parameters"]) == ("8 × 8 × 3", "30 params")
    assert conv["title"] == "conv1: Conv2D, output 8 × 8 × 3, 30 params"
    assert graph.nodes[0]["title"] == "image: InputLayer"


@pytest.mark.parametrize(("count", "opened"), [(6, [*range(6)]), (20, [])])
def test_the_blocks_of_a_large_network_are_closed_at_first(count, opened):
    inbound, classes, last = {"x": []}, {"x": "InputLayer"}, "x"
    for at in range(count):
        inbound |= {f"b{at}_a": [last], f"b{at}_sum": [last, f"b{at}_a"]}
        classes |= {f"b{at}_a": "Dense", f"b{at}_sum": "Add"}
        last = f"b{at}_sum"
    layers = Layers(
        {
            name: Layer(name, classes[name], "dense", {}, tuple(sources), (2,), 3, {}, True)
            for name, sources in inbound.items()
        }
    )
    graph = LayerGraph.of(layers)
    assert graph.opened == opened
    block = graph.blocks[1]
    assert (block["name"], block["kind"], block["layers"], block["within"]) == (
        "b1", "residual", [3, 4], -1,
    )  # fmt: skip
    assert block["title"] == "b1: residual block of 2 layers, output 2, 6 params"


def layers_with(inbound):
    return Layers(
        {
            name: Layer(name, "Dense", "dense", {}, tuple(sources), (2,), 0, {}, True)
            for name, sources in inbound.items()
        }
    )


@pytest.mark.parametrize(
    ("inbound", "edges"),
    [
        ({"a": [], "b": ["a", "gone"]}, 1),
        ({"a": ["b"], "b": ["a"]}, 1),
        ({"a": ["a"]}, 0),
        ({}, 0),
    ],
    ids=["unknown layer", "circle", "itself", "no layer"],
)
def test_a_strangers_graph_is_drawn_as_far_as_it_makes_sense(inbound, edges):
    graph = LayerGraph.of(layers_with(inbound))
    assert [node["name"] for node in graph.nodes] == list(inbound)
    assert len(graph.levels[0]["chains"]) == edges


# -- probe picker -----------------------------------------------------------------------------


def probe(values, dims, kind="image", **more):
    return ProbeSpec({"input": np.asarray(values)}, kind, {"input": dims}, **more)


IMAGE = ("probe", "y", "x", "channel")


def test_thumbnails_span_from_the_darkest_to_the_lightest_value_of_all_probes():
    values = np.array([-1.0, 0, 1, 3]).reshape(2, 1, 2, 1)
    shown = thumbnails(probe(values, IMAGE))
    assert (shown.dtype, shown.shape) == (np.uint8, (2, 1, 2, 1))
    assert shown.ravel().tolist() == [0, 63, 127, 255]


def test_colours_are_kept_apart_and_channels_may_come_first():
    values = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3))
    values[0, 0, 0] = [0, 255, 0]
    shown = thumbnails(probe(values, IMAGE))
    np.testing.assert_array_equal(shown, values)
    first = probe(np.moveaxis(values, -1, 1), ("probe", "channel", "y", "x"))
    np.testing.assert_array_equal(thumbnails(first), values)


def test_images_without_a_channel_axis_are_grey():
    values = np.array([[[0, 1], [1, 0]]])
    assert thumbnails(probe(values, ("probe", "y", "x"))).shape == (1, 2, 2, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_spoiled_image_still_has_a_thumbnail(dtype):
    values = np.array([0, np.nan, np.inf, -np.inf, 1], dtype).reshape(1, 1, 5, 1)
    assert thumbnails(probe(values, IMAGE)).ravel().tolist() == [0, 0, 255, 0, 255]
    blank = probe(np.full((1, 2, 2, 1), np.nan, dtype), IMAGE)
    assert thumbnails(blank).max() == 0
    assert thumbnails(probe(np.ones((1, 2, 2, 1), dtype), IMAGE)).max() == 0


@pytest.mark.parametrize(
    "spec",
    [
        probe(np.zeros((2, 5)), ("probe", "feature"), "tabular"),
        probe(np.zeros((2, 3, 4, 4, 1)), ("probe", "token", "y", "x", "channel")),
        ProbeSpec({}, "image", {}, labels=np.array([1, 2])),
    ],
    ids=["numbers", "films", "inputs left out"],
)
def test_what_is_no_picture_has_no_thumbnail(spec):
    assert thumbnails(spec) is None


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        (probe(np.zeros((2, 4), int), ("probe", "token"), "text", texts=["a", "b"]), ["a", "b"]),
        (
            probe(np.arange(20).reshape(2, 10) / 4, ("probe", "feature"), "tabular"),
            ["0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75", "2.5, 2.75, 3, 3.25, 3.5, 3.75, 4, 4.25"],
        ),
        (probe(np.array([[True, False]]), ("probe", "feature"), "tabular"), ["1, 0"]),
        (probe(np.zeros((2, 2, 2, 1)), IMAGE), []),
        (ProbeSpec({}, "tabular", {}, labels=np.array([1, 2])), []),
    ],
    ids=["texts", "numbers", "flags", "images", "inputs left out"],
)
def test_each_probe_is_told_in_a_line(spec, lines):
    assert descriptions(spec) == lines


@pytest.mark.parametrize(
    ("labels", "names", "texts"),
    [
        (None, None, ["", ""]),
        (np.array([1, 0]), ["cat", "dog"], ["dog", "cat"]),
        (np.array([1.0, 0.0]), ["cat", "dog"], ["dog", "cat"]),
        (np.array([[0, 1], [1, 0]]), ["cat", "dog"], ["dog", "cat"]),
        (np.array([[1], [0]]), ["cat", "dog"], ["dog", "cat"]),
        (np.array([7, -1]), ["cat", "dog"], ["7", "-1"]),
        (np.array([1, 0]), None, ["1", "0"]),
        (np.array([0.123456, np.nan]), None, ["0.123", "nan"]),
        (np.array([True, False]), None, ["1", "0"]),
        (
            np.arange(10).reshape(2, 5) + 0.5,
            None,
            ["0.5, 1.5, 2.5, 3.5, … (5 numbers)", "5.5, 6.5, 7.5, 8.5, … (5 numbers)"],
        ),
        (np.array([[0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]), None, ["4", "none"]),
        (np.array([[1, 0, 1], [0, 0, 0]]), ["a", "b", "c"], ["a, c", "none"]),
        (np.array([[0.5, 2, -1], [1, 7, 3]]), ["x", "y", "z"], ["0.5, 2, -1", "1, 7, 3"]),
    ],
)
def test_labels_are_told_by_name_or_value(labels, names, texts):
    spec = probe(np.zeros((2, 3)), ("probe", "feature"), "other", labels=labels, class_names=names)
    assert label_texts(spec) == texts


@pytest.mark.parametrize(
    ("labels", "task", "texts"),
    [
        (np.array([[0, 1, 0], [1, 0, 0]]), "tags", ["b", "a"]),
        (np.array([[0.0, 0.9, 0.1], [1, 0, 0]]), "classes", ["b 90%", "a"]),
        (np.array([[1, 0, 0], [0, 0, 1]]), "values", ["1, 0, 0", "0, 0, 1"]),
        (np.zeros((2, 4, 4)), "mask", ["", ""]),
    ],
)
def test_labels_are_told_as_their_task_says(labels, task, texts):
    spec = probe(
        np.zeros((2, 3)), ("probe", "feature"), "other", labels=labels, class_names=["a", "b", "c"]
    )
    assert label_texts(dataclasses.replace(spec, task=task)) == texts


def test_the_picker_holds_everything_of_a_runs_probe(text_run, image_run):
    texts = ProbePicker.of(text_run.probe, channel="other")
    assert (texts.kind, texts.channel, texts.images) == ("text", "other", None)
    assert texts.texts == ["not a good film", "<b>bad</b> film"]
    assert texts.labels == ["positive", "negative"]
    images = ProbePicker.of(image_run.probe)
    assert images.images.shape == (6, 8, 8, 1)
    assert images.labels == ["ant", "bee", "cat", "dog", "ant", "bee"]

"""The Python halves of the browser components."""

from __future__ import annotations

import types

import numpy as np
import pytest

from explorer.plots.style import KIND_COLOURS
from explorer.widgets.frame_grid import MOST_WAITING, MOST_WANTED, FrameGrid
from explorer.widgets.layer_graph import LayerGraph
from explorer.widgets.probe_picker import ProbePicker, descriptions, label_texts, thumbnails
from store.layers import Layer, Layers
from store.schema import ProbeSpec

# -- frame grid -------------------------------------------------------------------------------


class Grid:
    """A frame grid, what it was asked for by the provider, and what it sent to the browser."""

    def __init__(self, provider=None, count=100):
        self.asked = []
        self.sent = []

        def frame(index):
            self.asked.append(index)
            return provider(index) if provider else np.full((1, 2, 3), index, np.uint8)

        self.widget = FrameGrid(frame, count, key="run|conv1|0", palette=None)
        self.widget._send_msg = self.sent.append

    def want(self, *indices, key="run|conv1|0"):
        self.widget._handle_msg({"key": key, "want": list(indices)})


@pytest.fixture
def slow_server(monkeypatch):
    """A session whose event loop turns only when the test says so."""
    callbacks = []
    document = types.SimpleNamespace(
        session_context=object(), add_next_tick_callback=callbacks.append
    )
    state = types.SimpleNamespace(curdoc=document)
    monkeypatch.setattr("explorer.widgets.frame_grid.pn", types.SimpleNamespace(state=state))

    def turn(most=10**6):
        for _ in range(most):
            if not callbacks:
                return
            callbacks.pop(0)()

    return turn


def test_a_frame_that_is_wanted_is_sent():
    grid = Grid()
    grid.want(7, 3)
    assert [(answer["key"], answer["index"]) for answer in grid.sent] == [
        ("run|conv1|0", 7),
        ("run|conv1|0", 3),
    ]
    assert grid.sent[0]["frame"].tolist() == [[[7, 7, 7], [7, 7, 7]]]


def test_one_frame_a_turn_of_the_event_loop(slow_server):
    grid = Grid()
    grid.want(1, 2, 3)
    assert grid.asked == [1]
    slow_server(1)
    assert grid.asked == [1, 2]
    slow_server()
    assert grid.asked == [1, 2, 3]


def test_the_newest_request_is_served_first(slow_server):
    grid = Grid()
    grid.want(10, 11, 12, 13)
    grid.want(50)
    grid.want(13)  # already waiting: it moves to the head, and is not sent twice
    slow_server()
    assert grid.asked == [10, 13, 50, 11, 12]


def test_the_queue_is_bounded(slow_server):
    grid = Grid()
    for start in range(0, 100, 10):
        grid.want(*range(start, start + 10))
    slow_server()
    assert grid.asked[1:11] == list(range(90, 100))
    assert len(grid.asked) == 1 + 10 + MOST_WAITING
    grid.want(*range(100))
    slow_server()
    assert len(grid.asked) == 1 + 10 + MOST_WAITING + MOST_WANTED


def test_a_grid_that_came_to_rest_serves_again(slow_server):
    grid = Grid()
    grid.want(1)
    slow_server()
    grid.want(2)
    slow_server()
    assert grid.asked == [1, 2]


@pytest.mark.parametrize(
    "message",
    [
        None,
        "want",
        [],
        {},
        {"want": [1]},
        {"key": "run|conv1|0"},
        {"key": "run|conv1|0", "want": None},
        {"key": "run|conv1|0", "want": 1},
        {"key": "run|conv1|0", "want": {"0": 1}},
        {"key": "run|conv1|0", "want": [None, "1", 1.5, [1], True]},
        {"key": "run|conv1|0", "want": [-1, 100, 10**30]},
        {"key": "run|conv2|0", "want": [1]},
    ],
    ids=str,
)
def test_what_is_malformed_outdated_or_out_of_range_is_ignored(message):
    grid = Grid()
    grid.widget._handle_msg(message)
    assert (grid.asked, grid.sent) == ([], [])
    grid.want(1)  # and it did no harm
    assert grid.asked == [1]


def test_sound_parts_of_a_request_are_served_once():
    grid = Grid()
    grid.want(5, "x", 5, 200, 6)
    assert grid.asked == [5, 6]


def test_a_fault_is_told_to_the_browser_and_logged_and_the_next_frame_is_served(caplog):
    def provider(index):
        if index == 1:
            raise OSError("the disk is gone")
        return np.zeros((1, 1, 1), np.uint8)

    grid = Grid(provider)
    grid.want(1, 2)
    failed, served = grid.sent
    assert failed["error"] == "This step cannot be shown: the disk is gone"
    assert "frame" not in failed
    assert served["index"] == 2
    assert "Frame 1 of run|conv1|0" in caplog.text


# -- layer graph ------------------------------------------------------------------------------


def test_the_graph_has_a_box_for_each_layer_and_an_edge_for_each_connection(image_run):
    graph = LayerGraph.of(image_run.layers, selected="dense")
    assert [node["name"] for node in graph.nodes] == list(image_run.layers)
    assert graph.selected == "dense"
    assert len(graph.edges) == 6
    tops = [node["y"] for node in graph.nodes]
    assert tops == sorted(tops)
    for node in graph.nodes:
        layer = image_run.layers[node["name"]]
        assert (node["kind"], node["colour"]) == (layer.kind, KIND_COLOURS[layer.kind])
        assert node["x"] + node["width"] <= graph.size["width"]
        assert node["y"] + node["height"] <= graph.size["height"]
    conv = graph.nodes[1]
    assert (conv["shape"], conv["parameters"]) == ("8 × 8 × 3", "30 params")
    assert conv["title"] == "conv1: Conv2D, output 8 × 8 × 3, 30 params"
    assert graph.nodes[0]["title"] == "image: InputLayer"


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
    assert len(graph.edges) == edges


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
        (np.arange(10).reshape(2, 5), None, ["0, 1, 2, 3", "5, 6, 7, 8"]),
    ],
)
def test_labels_are_told_by_name_or_value(labels, names, texts):
    spec = probe(np.zeros((2, 3)), ("probe", "feature"), "other", labels=labels, class_names=names)
    assert label_texts(spec) == texts


def test_the_picker_holds_everything_of_a_runs_probe(text_run, image_run):
    texts = ProbePicker.of(text_run.probe, selected=1)
    assert (texts.kind, texts.selected, texts.images) == ("text", 1, None)
    assert texts.texts == ["not a good film", "<b>bad</b> film"]
    assert texts.labels == ["positive", "negative"]
    images = ProbePicker.of(image_run.probe)
    assert images.images.shape == (6, 8, 8, 1)
    assert images.labels == ["ant", "bee", "cat", "dog", "ant", "bee"]

"""All layers over the whole training: rows, values, colours and sentences."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_LABELS, GIVE_PROBE, RECORD_WEIGHTS, Lack, Nothing, Unfit
from explorer.data.layer_quantities import LAYER_QUANTITIES, LayerQuantity
from explorer.derived.network.blocks import Block
from explorer.derived.units.separation import silhouettes
from explorer.selection import SelectionKey
from explorer.session.session import Explorer
from explorer.views.base import Scene
from explorer.views.registry import views
from explorer.views.training.layers_over_time import LayersOverTime, Table, by_block
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import with_probe, with_updates, without_probe
from tests.explorer.drawing import choice_of, drawn_by

STEPS = (0, 1, 2, 5, 10, 20, 50, 100)
ALL = (
    "update ratio",
    "dead units",
    "sparsity",
    "class separation",
    "linear probe",
    "spectral norm",
    "effective rank of weights",
    "stable rank of weights",
    "effective rank of activations",
    "stable rank of activations",
    "cosine to the start",
    "straightness",
)
# Six probes are too few for a linear readout.
DRAWN = tuple(name for name in ALL if name != "linear probe")
WITH_UPDATES = ("update ratio", "update direction", *ALL[1:])


def card_of(quantity):
    return LayersOverTime(LAYER_QUANTITIES[quantity])


def scene_of(data):
    return Scene(data, SelectionKey("conv1", 0, "step"))


def drawn(view, scene):
    return drawn_by(view, scene)


def figure_of(pane):
    return hv.render(pane.object, backend="bokeh")


def test_each_quantity_with_a_title_has_a_card():
    found = [view for view in views("training") if isinstance(view, LayersOverTime)]
    assert [view.quantity.name for view in found] == list(WITH_UPDATES)
    assert [view.title for view in found] == [LAYER_QUANTITIES[name].title for name in WITH_UPDATES]
    assert all(view.depends == ("axis",) for view in found)


@pytest.fixture
def measured(recorded):
    return recorded(with_updates())


@pytest.fixture
def partly_dead(recorded, monkeypatch):
    """A unit of relu1 is dead at the last step."""

    def dying(spec, step):
        frames = frames_at(spec, step)
        frames["layers/relu1/activation"][..., 0] *= step < 100
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", dying)
    return recorded()


@pytest.mark.slow
@pytest.mark.parametrize("quantity", DRAWN)
def test_rows_are_layers_from_the_top_and_cards_are_equally_tall(partly_dead, quantity):
    figure = figure_of(drawn(card_of(quantity), scene_of(partly_dead)))
    table = card_of(quantity).compute(scene_of(partly_dead))
    names = figure.yaxis[0].major_label_overrides
    assert [names[row] for row in sorted(names, reverse=True)] == list(table.names)
    assert figure.height == figure_of(drawn(card_of("update ratio"), scene_of(partly_dead))).height
    caption = card_of(quantity).caption(scene_of(partly_dead))
    assert "from top to bottom." in caption
    assert ("6 probes" in caption) == (card_of(quantity).quantity.reads != "weights")
    assert caption.count("6 probes") <= 1  # dead units are counted on examples, too


def test_too_few_probes_of_a_class_are_said(partly_dead):
    said = drawn(card_of("linear probe"), scene_of(partly_dead))
    assert isinstance(said, Nothing)
    assert said.startswith("Too few: a class has 1 example, at least 10")


def test_ratios_are_powers_of_ten(image_data):
    table = card_of("update ratio").compute(scene_of(image_data))
    assert table.names == ("conv1", "dense")
    before, after = (
        frames_at(image_run_spec(), step)["layers/dense/weights/kernel"] for step in (50, 100)
    )
    ratio = np.linalg.norm(after - before) / 50 / np.linalg.norm(before)
    assert table.values[-1, 1] == pytest.approx(np.log10(ratio), abs=1e-5)
    assert np.isnan(table.values[0]).all()


def test_single_updates_are_shown_where_the_run_holds_them(measured):
    table = card_of("update ratio").compute(scene_of(measured))
    frames = frames_at(with_updates(), 100)
    kernels = [0, 2]  # of the variables; biases have no row
    ratios = (frames["updates/norm"] / frames["updates/weight"])[kernels]
    np.testing.assert_allclose(table.values[-1], np.log10(ratios), rtol=1e-5)
    cosines = card_of("update direction").compute(scene_of(measured))
    np.testing.assert_allclose(cosines.values[-1], frames["updates/cosine"][kernels], rtol=1e-6)
    figure = figure_of(drawn(card_of("update direction"), scene_of(measured)))
    mapper = figure.renderers[0].glyph.color_mapper
    assert (mapper.low, mapper.high) == (-1, 1)


def test_a_run_without_single_updates_says_what_its_number_is(image_data):
    said = card_of("update ratio").caption(scene_of(image_data))
    assert "net way between two recorded steps" in said
    missing = card_of("update direction").requirement(scene_of(image_data))
    assert isinstance(missing, Lack)
    assert missing.startswith("This run holds no single updates.")


def test_the_caption_says_what_one_number_is_of(measured, recorded, monkeypatch):
    said = card_of("update ratio").caption(scene_of(measured))
    assert "Measured at the one update before each recorded step" in said

    def together(spec, step):
        return {**frames_at(spec, step), "updates/count": np.int64(8 if step else 0)}

    monkeypatch.setattr("store.testing.runs.frames_at", together)
    said = card_of("update ratio").caption(scene_of(recorded(with_updates(), steps=(0, 8, 16))))
    assert "Measured over 8 updates that ran at once" in said


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        ({"class": "SGD", "momentum": 0.0, "nesterov": False}, "in common give about 0."),
        ({"class": "SGD", "momentum": 0.9, "nesterov": False}, "in common give about 0.9."),
        ({"class": "SGD", "momentum": 0.9, "nesterov": True}, None),
        ({"class": "Adam", "beta_1": 0.8}, "in common give about 0.8."),
        ({"class": "Lion", "beta_1": 0.9}, None),
        (None, None),
    ],
)
def test_the_caption_of_the_cosine_gives_what_chance_gives(recorded, optimizer, said):
    spec = dataclasses.replace(with_updates(), optimizer=optimizer)
    caption = card_of("update direction").caption(scene_of(recorded(spec, steps=(0, 1))))
    assert ("gradients that have nothing in common" in caption) == (said is not None)
    assert said is None or said in caption


def test_weights_that_rest_are_said(recorded, monkeypatch):
    monkeypatch.setattr("store.testing.runs.frames_at", lambda spec, _: frames_at(spec, 0))
    said = drawn(card_of("update ratio"), scene_of(recorded(steps=(0, 1, 2))))
    assert said == Nothing("Between no two recorded steps do weights move by a finite step.")


def test_few_dead_units_have_a_colour_of_their_own(partly_dead, image_data):
    table = card_of("dead units").compute(scene_of(partly_dead))
    assert table.names == ("relu1",)
    np.testing.assert_allclose(table.values[:, 0], [0] * 7 + [1 / 3], rtol=1e-6)
    mapper = (
        figure_of(drawn(card_of("dead units"), scene_of(partly_dead)))
        .renderers[0]
        .glyph.color_mapper
    )
    assert (mapper.low, mapper.high) == (0, pytest.approx(1 / 3))
    said = drawn(card_of("dead units"), scene_of(image_data))
    assert said == Nothing("No dead unit at any recorded step.")


@pytest.mark.parametrize(("most", "end"), [(0.01, 0.1), (0.5, 0.5)])
def test_colours_end_at_the_limits_or_at_values_beyond(image_data, most, end):
    values = np.array([[0, np.nan], [0, most]] * 4, np.float32)
    drawing = card_of("dead units").draw(scene_of(image_data), Table(values, ("a", "b")))
    mapper = figure_of(drawing).renderers[0].glyph.color_mapper
    assert (mapper.low, mapper.high) == (0, pytest.approx(end))


def test_layers_that_are_never_sparse_have_no_row(recorded, monkeypatch):
    def rectified(spec, step):
        frames = frames_at(spec, step)
        relu = np.maximum(frames["layers/relu1/activation"], 0)
        return {**frames, "layers/relu1/activation": relu}

    monkeypatch.setattr("store.testing.runs.frames_at", rectified)
    data = recorded(steps=(0, 3))
    table = card_of("sparsity").compute(scene_of(data))
    assert table.names == ("relu1",)
    frame = frames_at(image_run_spec(), 3)["layers/relu1/activation"]
    assert table.values[1, 0] == pytest.approx((frame <= 0).mean(), abs=1e-6)


def test_where_no_layer_is_sparse_that_is_said(recorded, monkeypatch):
    def positive(spec, step):
        return {
            path: np.abs(values) + np.float32(0.1) if path.endswith("activation") else values
            for path, values in frames_at(spec, step).items()
        }

    monkeypatch.setattr("store.testing.runs.frames_at", positive)
    said = drawn(card_of("sparsity"), scene_of(recorded(steps=(0, 1))))
    assert said == Nothing("No layer ever has more than 1 % of its values inactive.")


def test_separation_is_the_mean_silhouette(image_data):
    table = card_of("class separation").compute(scene_of(image_data))
    assert table.names == ("conv1", "relu1", "pool1", "flatten", "dense", "softmax")
    frame = frames_at(image_run_spec(), 20)["layers/dense/activation"]
    expected = silhouettes(frame, np.arange(6) % 4).mean()
    assert table.values[5, 4] == pytest.approx(expected, abs=1e-6)
    mapper = (
        figure_of(drawn(card_of("class separation"), scene_of(image_data)))
        .renderers[0]
        .glyph.color_mapper
    )
    assert (mapper.low, mapper.high) == (-1, 1)


def test_what_is_missing_is_said(recorded):
    for quantity in ALL:
        assert drawn(card_of(quantity), scene_of(recorded(steps=(0,)))).startswith(
            "This needs 2 recorded"
        )
    unlabelled = recorded(with_probe(labels=None), steps=(0, 1))
    assert drawn(card_of("class separation"), scene_of(unlabelled)).endswith(GIVE_LABELS)
    bare = recorded(without_probe(), steps=(0, 1))
    assert drawn(card_of("sparsity"), scene_of(bare)) == Lack(GIVE_PROBE)
    assert drawn(card_of("dead units"), scene_of(bare)) == Lack(GIVE_PROBE)
    spec = image_run_spec()
    weightless = tuple(dataclasses.replace(layer, weights=()) for layer in spec.layers)
    data = recorded(dataclasses.replace(spec, layers=weightless), steps=(0, 1))
    assert drawn(card_of("update ratio"), scene_of(data)) == Lack(
        f"No weights were recorded. {RECORD_WEIGHTS}"
    )


def test_large_layers_are_sampled_and_the_caption_says_so(image_data, monkeypatch):
    assert "evenly spread" not in card_of("sparsity").caption(scene_of(image_data))
    monkeypatch.setattr("explorer.data.summaries.MOST_VALUES", 8 * 6 * 3 * 7)
    for quantity in ("dead units", "sparsity", "class separation"):
        assert "evenly spread positions are looked at" in card_of(quantity).caption(
            scene_of(image_data)
        )


@pytest.mark.slow
@pytest.mark.parametrize("quantity", ALL)
def test_a_training_that_diverged_is_drawn(recorded, monkeypatch, quantity):
    def diverged(spec, step):
        frames = frames_at(spec, step)
        if step:
            for values in frames.values():
                values[...] = np.inf
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", diverged)
    data = recorded(steps=(0, 1, 2))
    # Labels are of a classifier only while its output can be read.
    result = drawn(card_of(quantity), scene_of(data))
    assert isinstance(result, str) or pn.panel(result).get_root() is not None


# -- one more quantity ------------------------------------------------------------------------


@pytest.fixture
def own_quantities():
    """What is registered in a test is gone after it."""
    before = dict(LAYER_QUANTITIES)
    yield
    LAYER_QUANTITIES.clear()
    LAYER_QUANTITIES.update(before)


@pytest.mark.usefixtures("own_quantities")
def test_a_function_more_is_a_card_and_a_colour_of_the_graph_more(image_data):
    @LayerQuantity(
        "largest weight",
        reads="weights",
        unit="1",
        title="How large weights are",
        meaning="The largest weight of each layer",
    )
    def largest_weight(data, layer):
        frames = data.weight_frames(layer, "kernel")
        return np.array([np.abs(frame).max() for frame in frames])

    card = [view for view in views("training") if isinstance(view, LayersOverTime)][-1]
    assert card.title == "How large weights are"
    assert card.caption(scene_of(image_data)) == (
        "The largest weight of each layer. The network runs from top to bottom."
    )
    table = card.compute(scene_of(image_data))
    assert table.names == ("conv1", "dense")
    kernel = frames_at(image_run_spec(), 100)["layers/dense/weights/kernel"]
    assert table.values[-1, 1] == np.abs(kernel).max()
    explorer = Explorer(image_data)
    assert list(explorer.graph.quantities)[-1] == "largest weight"
    assert "class separation" not in explorer.graph.quantities  # no colours from little to much
    assert any(card.view.title == "How large weights are" for card in explorer.cards["training"])


@pytest.mark.usefixtures("own_quantities")
@pytest.mark.parametrize(("logarithmic", "value"), [(False, "100"), (True, "10^2")])
def test_what_every_quantity_can_say_without_words_of_its_own(recorded, logarithmic, value):
    about = {"title": "Hundreds", "logarithmic": logarithmic, "unit": "1", "reads": "weights"}
    LayerQuantity("hundred", **about)(lambda data, _: np.full(len(data.run), 100.0))
    said = drawn(card_of("hundred"), scene_of(recorded(steps=(0, 1))))
    assert said == Nothing(f"The hundred of each layer is {value} at every recorded step.")


def test_a_network_without_such_layers_has_no_card(recorded):
    spec = image_run_spec()
    layers = tuple(layer for layer in spec.layers if layer.name != "relu1")
    relinked = tuple(
        dataclasses.replace(layer, inbound=("conv1",)) if layer.inbound == ("relu1",) else layer
        for layer in layers
    )
    data = recorded(dataclasses.replace(spec, layers=relinked), steps=(0, 1))
    assert isinstance(drawn(card_of("dead units"), scene_of(data)), Unfit)


def test_the_caption_of_dead_units_says_how_far_the_probes_can_tell(partly_dead):
    caption = card_of("dead units").caption(scene_of(partly_dead))
    assert "6 probes are a sample: up to 50 % of inputs like them may still wake" in caption
    assert "no longer learns" not in caption


# -- deep networks ----------------------------------------------------------------------------


def test_the_rows_of_a_block_are_folded_to_the_median_of_those_with_a_value():
    values = np.array([[1, 5, 3, 9, 2], [np.nan, 4, np.inf, np.nan, np.nan]], np.float32)
    blocks = [Block("b", "residual", ("x", "y", "silent", "z")), Block("c", "chain", ("w",))]
    folded = by_block(Table(values, ("stem", "x", "y", "z", "w")), blocks)
    assert folded.names == ("stem", "b (3)", "c (1)")
    np.testing.assert_array_equal(folded.values, [[1, 5, 2], [np.nan, 4, np.nan]])


def rows_of(pane):
    """Names beside the rows, from top to bottom."""
    names = figure_of(pane).yaxis[0].major_label_overrides
    return [names[at] for at in sorted(names, reverse=True)]


def test_a_deep_network_has_a_row_for_each_block_and_on_demand_for_each_layer(
    image_data, monkeypatch
):
    module = "explorer.views.training.layers_over_time"
    view, scene = card_of("update ratio"), scene_of(image_data)
    plain = drawn(view, scene)
    names = rows_of(plain)
    assert "has one row" not in view.caption(scene)
    monkeypatch.setattr(f"{module}.MOST_ROWS", 2)
    monkeypatch.setattr(
        image_data, "blocks", [Block("first", "residual", tuple(names[:2]))], raising=False
    )
    panel = drawn(view, scene)
    (folded,) = panel.select(pn.pane.HoloViews)
    assert rows_of(folded) == ["first (2)", *names[2:]]
    assert "has one row, the median" in view.caption(scene)
    choice_of(panel, "Rows").value = "layers"
    shown = [pane for pane in panel.select(pn.pane.HoloViews) if pane.visible]
    assert rows_of(shown[-1]) == names

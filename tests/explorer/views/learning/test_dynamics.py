"""Cards of single examples: margins and losses, the data map, suspicious labels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data.absence import MORE_EXAMPLES, Nothing
from explorer.data.example_dynamics import dynamics_of, pictures_of, texts_of
from explorer.data.examples import examples_of, sources
from explorer.selection import SelectionKey
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene
from explorer.views.learning.calibration import CalibrationView
from explorer.views.learning.cartography import ON_A_PAGE, SUSPICIOUS, CartographyView
from explorer.views.learning.confusion import ConfusionView
from explorer.views.learning.learning_order import LearningOrder
from explorer.views.learning.margins import MarginsView
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.format.spec import EvaluationSpec, PredictionSpec
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import texts_of as texts_on
from tests.explorer.conftest import without_probe
from tests.explorer.drawing import choice_of, drawn_by, payload_of

STEPS = (0, 1, 2, 5, 10, 20, 50, 100)
COUNT, NAMES = 44, ["ant", "bee", "cat", "dog"]
LABELS = np.arange(COUNT) % 4
# This one is called a cat, and is an ant to the network.
MISLABELLED = 6


def with_sets(
    spec=None, *, kind="image", inputs=None, dims=("example", "y", "x", "channel"), units=4
):
    """Describe a run with a held-out and a training set of 44 examples."""
    prediction = PredictionSpec(
        "prediction", "softmax", ("example", "unit"), (COUNT, units), "float32"
    )
    held_out = EvaluationSpec((prediction,), COUNT, LABELS % max(2, units), NAMES)
    given = np.random.default_rng(0).random((COUNT, 8, 8, 1)) if inputs is None else inputs
    train = dataclasses.replace(
        held_out, role="train", kind=kind, inputs={"input": given}, input_dims={"input": dims}
    )
    return dataclasses.replace(spec or image_run_spec(), evaluations=(held_out, train))


def learned(spec, step):
    """Let the network learn the labels of all training examples but one."""
    frames = frames_at(spec, step)
    share = step / (step + 5)
    p = np.full((COUNT, 4), (1 - share) / 4)
    p[np.arange(COUNT), np.where(np.arange(COUNT) == MISLABELLED, 0, LABELS)] += share
    return {**frames, "evaluation_train/prediction": p.astype(np.float32)}


@pytest.fixture
def data(recorded, monkeypatch):
    monkeypatch.setattr("store.testing.runs.frames_at", learned)
    return recorded(with_sets(), steps=STEPS)


def scene_of(data, index=0):
    return Scene(data, SelectionKey("dense", 0, "step"), index)


@pytest.mark.parametrize("view", [MarginsView, CartographyView])
def test_the_training_examples_are_shown_first_and_counted(data, view):
    assert sources(data) == ["evaluation", "train", "probe"]
    shown = view()
    drawing = drawn_by(shown, scene_of(data))
    (choice,) = drawing.select(Alternatives)
    assert choice.choice.value == "train"
    assert choice.choice.options == {
        "evaluation": "evaluation set (44)",
        "train": "training set (44)",
        "probe": "probe (6)",
    }
    assert shown.caption(scene_of(data)).startswith("Of 44 training examples")
    choice.choice.value = "evaluation"
    assert "Of 44 held-out examples" in shown.caption(scene_of(data))


def test_the_probes_alone_are_too_few(recorded):
    for view in (MarginsView(), CartographyView()):
        said = drawn_by(view, scene_of(recorded(steps=(0, 1))))
        assert isinstance(said, Nothing)
        assert said.startswith("Too few: a class has 1 example")
        assert said.endswith(MORE_EXAMPLES)


def test_a_wrong_label_is_listed_first_with_its_picture(data):
    drawing = drawn_by(CartographyView(), scene_of(data))
    (table,) = drawing.select(StepTable)
    rows = payload_of(table, len(STEPS) - 1)["rows"]
    assert len(rows) == ON_A_PAGE
    assert rows[0][:3] == ["6", "cat", "ant"]
    p = learned(data_spec := with_sets(), 100)["evaluation_train/prediction"][MISLABELLED]
    assert len(data_spec.evaluations) == 2
    assert rows[0][4] == f"{np.linalg.norm(p - np.eye(4)[2]):.3f}"
    (tiles,) = drawing.select(FrameGrid)
    payload = payload_of(tiles, len(STEPS) - 1)
    assert payload["tile_ids"][0] == MISLABELLED
    assert payload["captions"][0] == "cat \u2192 ant"
    (cloud,) = drawing.select(PointCloud)
    examples = examples_of(data, "train")
    weights = np.gradient(np.array(STEPS, float))
    weights[[0, -1]] /= 2
    mean = np.average(dynamics_of(examples).p_true, axis=0, weights=weights)
    np.testing.assert_allclose(cloud.positions[0, :, 1], mean, rtol=1e-5)
    assert mean.argmin() == MISLABELLED


def test_pictures_are_those_that_were_given(data):
    given = data.run.evaluations["train"]["input"].values
    np.testing.assert_array_equal(pictures_of(examples_of(data, "train")), given)
    assert pictures_of(examples_of(data, "evaluation")) is None
    assert texts_of(examples_of(data, "evaluation")) == []


def test_tokens_are_read_as_words(recorded):
    spec = text_run_spec()
    words = spec.probe.vocabulary
    tokens = np.zeros((COUNT, 5), np.int32)
    tokens[:, :2] = [2, 3]
    described = with_sets(spec, kind="text", inputs=tokens, dims=("example", "token"), units=1)
    texts = recorded(described, steps=(0, 1))
    assert texts_of(examples_of(texts, "train"))[0] == f"{words[2]} {words[3]}"


def test_margins_are_sorted_by_the_end(data):
    view = MarginsView()
    measured = view.compute(scene_of(data)).made
    assert measured.each.margin[-1].argmin() == MISLABELLED
    picture = drawn_by(view, scene_of(data))
    image = next(
        pane.object
        for pane in picture.select(lambda p: hasattr(p, "object"))
        if (type(pane.object).__name__ == "Image")
    )
    assert image.dimension_values("value", flat=False).shape[0] == COUNT


def test_every_label_below_the_threshold_is_reached_page_by_page(recorded, monkeypatch):
    def slowly(spec, step):
        p = np.full((COUNT, 4), 0.1)
        p[np.arange(COUNT), LABELS] = np.linspace(0.3, 0.7, COUNT)
        return {**frames_at(spec, step), "evaluation_train/prediction": p.astype(np.float32)}

    monkeypatch.setattr("store.testing.runs.frames_at", slowly)
    data = recorded(with_sets(), steps=STEPS)
    below = np.flatnonzero(np.linspace(0.3, 0.7, COUNT) < SUSPICIOUS).tolist()
    assert len(below) == 22
    drawing = drawn_by(CartographyView(), scene_of(data))
    (table,) = drawing.select(StepTable)
    assert [int(row[0]) for row in payload_of(table, 0)["rows"]] == below
    assert "22 of 44 training examples have a mean below 0.5." in texts_on(drawing)
    (tiles,) = drawing.select(FrameGrid)
    assert payload_of(tiles, 0)["tile_ids"] == below[:ON_A_PAGE]
    pages = choice_of(drawing, "Pictures of rows")
    assert list(pages.options.values()) == ["1 to 12", "13 to 22"]
    pages.value = "12"
    shown = [payload_of(grid, 0)["tile_ids"] for grid in drawing.select(FrameGrid)]
    assert below[ON_A_PAGE:] in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    "view", [MarginsView, CartographyView, ConfusionView, CalibrationView, LearningOrder]
)
def test_a_run_with_training_examples_alone_shows_them_and_names_them(recorded, monkeypatch, view):
    spec = without_probe(with_sets())
    (train,) = (one for one in spec.evaluations if one.role == "train")
    monkeypatch.setattr("store.testing.runs.frames_at", learned_alone)
    data = recorded(dataclasses.replace(spec, evaluations=(train,)), steps=STEPS)
    assert sources(data) == ["train"]
    shown = view()
    assert not isinstance(drawn_by(shown, scene_of(data)), str)
    assert shown.caption(scene_of(data)).startswith("Of 44 training examples")


def learned_alone(spec, step):
    answers = learned(with_sets(), step)["evaluation_train/prediction"]
    return {**frames_at(spec, step), "evaluation_train/prediction": answers}

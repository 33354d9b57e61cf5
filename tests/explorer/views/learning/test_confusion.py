"""Confusion: counts by hand, pairs, recall, and the choice of the evaluation set."""

from __future__ import annotations

import dataclasses

import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_PROBE, Lack, Unfit
from explorer.data.examples import examples_of, sources
from explorer.derived.predictions.verdicts import UNKNOWN, Verdicts
from explorer.selection import SelectionKey
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene
from explorer.views.learning.confusion import (
    MOST_CLASSES,
    MOST_COUNTED,
    Confusions,
    ConfusionView,
    shown_classes,
)
from explorer.views.learning.judged import NO_LABELS
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.format.spec import EvaluationSpec, PredictionSpec
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import with_probe, without_probe
from tests.explorer.drawing import drawn_by, payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
SPEC = image_run_spec()
LABELS = np.array([0, 1, 2, 3, 0, 1])
NAMES = ["ant", "bee", "cat", "dog"]
EXAMPLES = 40
CLASSES = np.arange(EXAMPLES) % 4


def evaluated(spec=None, *, labels=CLASSES, units=4):
    """Describe a run with an evaluation set of 40 examples."""
    prediction = PredictionSpec(
        "prediction", "softmax", ("example", "unit"), (EXAMPLES, units), "float32"
    )
    evaluation = EvaluationSpec((prediction,), EXAMPLES, labels, NAMES)
    return dataclasses.replace(spec or SPEC, evaluations=(evaluation,))


def scene_of(data, index=0):
    return Scene(data, SelectionKey("dense", 0, "step"), index)


def drawn(data):
    return drawn_by(ConfusionView(), scene_of(data))


def counted(labels, predicted, classes=4):
    matrix = np.zeros((classes, classes), int)
    for true, said in zip(labels, predicted, strict=True):
        matrix[true, said] += 1
    return matrix


def written(grid, index):
    """The numbers that the browser writes into the cells."""
    codes = payload_of(grid, index)["frame"][0].astype(float)
    return np.rint(grid.low + (codes - 1) / 254 * (grid.high - grid.low)).astype(int)


@pytest.mark.parametrize("index", [0, 4, 7])
def test_the_numbers_written_are_the_counts(image_data, index):
    panel = drawn(image_data)
    (grid,) = panel.select(FrameGrid)
    said = frames_at(SPEC, STEPS[index])["layers/softmax/activation"].argmax(axis=1)
    np.testing.assert_array_equal(written(grid, index), counted(LABELS, said))
    assert (grid.mode, grid.square, grid.numbers) == ("matrix", True, True)
    assert grid.x_labels == grid.y_labels == NAMES
    assert (grid.low, grid.high) == (0, 2)  # the largest class


def test_pairs_are_listed_by_count_and_choose_their_first_probe(image_data):
    totals, pairs = drawn(image_data).select(StepTable)
    for index, step in enumerate(STEPS):
        said = frames_at(SPEC, step)["layers/softmax/activation"].argmax(axis=1)
        wrong = said != LABELS
        listed = payload_of(pairs, index)
        counts = [int(row[2]) for row in listed["rows"]]
        assert counts == sorted(counts, reverse=True)
        assert sum(counts) == wrong.sum()
        for (true, predicted, _, of), chosen in zip(listed["rows"], listed["chooses"], strict=True):
            taken = (NAMES.index(true) == LABELS) & (said == NAMES.index(predicted))
            assert chosen == {"probe": int(np.flatnonzero(taken)[0])}
            assert int(of) == (NAMES.index(true) == LABELS).sum()
        right = 6 - wrong.sum()
        assert payload_of(totals, index)["rows"] == [
            [str(right), str(wrong.sum()), "0", f"{right / 6:.1%}"]
        ]


def test_recall_is_a_row_for_each_class(image_data):
    (pane,) = drawn(image_data).select(pn.pane.HoloViews)
    for step in STEPS:
        said = frames_at(SPEC, step)["layers/softmax/activation"].argmax(axis=1)
        for number in range(4):
            expected = (said[number == LABELS] == number).mean()
            assert pane.object[step, 3 - number] == pytest.approx(expected)


def test_predictions_that_are_lost_are_unknown(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        if step == 1:
            frames["layers/softmax/activation"][:2] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    panel = drawn(recorded(steps=(0, 1)))
    totals, pairs = panel.select(StepTable)
    (row,) = payload_of(totals, 1)["rows"]
    assert row[2] == "2"
    assert sum(map(int, row[:3])) == 6
    assert written(panel.select(FrameGrid)[0], 1).sum() == 4
    assert all(chosen["probe"] >= 2 for chosen in payload_of(pairs, 1)["chooses"])


def test_one_sigmoid_unit_is_two_classes(text_data):
    (grid,) = drawn(text_data).select(FrameGrid)
    assert grid.y_labels == ["negative", "positive"]
    for index, step in enumerate(STEPS):
        chance = frames_at(text_run_spec(), step)["layers/output/activation"][:, 0]
        expected = counted([1, 0], (chance > 0.5).astype(int), 2)
        np.testing.assert_array_equal(written(grid, index), expected)


# -- the evaluation set -----------------------------------------------------------------------


def test_the_evaluation_set_is_shown_first_and_the_probe_by_choice(recorded):
    spec = evaluated()
    data = recorded(spec)
    assert sources(data) == ["evaluation", "probe"]
    panel = drawn(data)
    (choice,) = panel.select(Alternatives)
    assert choice.choice.options == {"evaluation": "evaluation set (40)", "probe": "probe (6)"}
    (grid,) = panel.select(FrameGrid)
    labels = np.arange(EXAMPLES) % 4
    for index, step in enumerate(STEPS):
        said = frames_at(spec, step)["evaluation/prediction"].argmax(axis=1)
        np.testing.assert_array_equal(written(grid, index), counted(labels, said))
    _, pairs = panel.select(StepTable)
    assert payload_of(pairs, 0)["chooses"][0] == {}  # there is no such probe
    choice.choice.value = "probe"
    (shown,) = [one for one in panel.select(FrameGrid) if one.key != grid.key]
    said = frames_at(spec, 5)["layers/softmax/activation"].argmax(axis=1)
    np.testing.assert_array_equal(written(shown, 3), counted(LABELS, said))


def test_it_says_how_far_the_share_of_a_small_class_scatters(recorded):
    """The standard error of a share is largest at one half."""
    caption = ConfusionView().caption(scene_of(recorded(evaluated(), steps=(0, 1))))
    sizes = np.bincount(evaluated().evaluations[0].labels)
    drawn_at_random = np.random.default_rng(0).binomial(sizes.min(), 0.5, 100_000) / sizes.min()
    points = 100 * drawn_at_random.std()
    assert f"of {sizes.min()} examples at least" in caption
    assert f"± {points:.0f} points" in caption


def test_the_choice_is_kept_when_the_card_is_drawn_anew(recorded):
    view, scene = ConfusionView(), scene_of(recorded(evaluated(), steps=(0, 1)))
    assert "Click" not in view.caption(scene)
    view.draw(scene, view.compute(scene)).choice.value = "probe"
    assert view.draw(scene, view.compute(scene)).choice.value == "probe"
    assert "Click a pair" in view.caption(scene)


def test_an_evaluation_without_a_probe_is_read_by_itself(recorded, monkeypatch):
    def logits(spec, step):
        frames = frames_at(spec, step)
        frames["evaluation/prediction"] = 9 * frames["evaluation/prediction"] - 4
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", logits)
    spec = without_probe()
    linear = dataclasses.replace(spec.layers[-1], class_name="Dense", kind="dense")
    spec = dataclasses.replace(spec, layers=(*spec.layers[:-1], linear))
    data = recorded(evaluated(spec))
    assert sources(data) == ["evaluation"]
    examples = examples_of(data, "evaluation")
    assert examples.class_names == NAMES
    assert examples.reading.kind == "logits"
    expected = logits(data_spec := evaluated(), 5)["evaluation/prediction"]
    assert data_spec.evaluations[0].size == len(examples)
    exponents = np.exp(expected.astype(np.float64))
    shares = exponents / exponents.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(list(examples.probabilities())[3], shares, rtol=1e-4)
    assert not drawn(data).select(Alternatives)


def test_values_to_be_met_are_no_classes(recorded):
    measured = evaluated(without_probe(), labels=np.linspace(0, 1, EXAMPLES), units=1)
    assert sources(recorded(measured, steps=(0, 1))) == []
    assert sources(recorded(evaluated(labels=None), steps=(0, 1))) == ["probe"]


def test_large_classes_are_shown_in_percent():
    labels = np.repeat([0, 1], [MOST_COUNTED + 46, 100])
    predicted = np.zeros((1, len(labels)), np.uint8)
    predicted[0, :30] = 1
    marks = (predicted == labels).astype(np.uint8)
    examples = dataclasses.make_dataclass("E", ["labels", "class_names", "source"])(
        labels, ["a", "b"], "evaluation"
    )
    confusions = Confusions(examples, Verdicts(predicted, marks), np.zeros((1, 2)), np.arange(2))
    assert confusions.in_percent
    codes = confusions.codes()(0)[0].astype(float)
    np.testing.assert_array_equal(np.rint((codes - 1) / 254 * 100), [[90, 10], [100, 0]])


def test_of_very_many_classes_those_confused_most_are_shown():
    classes = MOST_CLASSES + 50
    labels = np.arange(classes)
    predicted = labels.copy()
    predicted[:10] = 149
    one = Verdicts(predicted[None], (predicted == labels).astype(np.uint8)[None])
    chosen = shown_classes(one, labels, classes)
    assert len(chosen) == MOST_CLASSES
    assert {*range(10), 149} <= set(chosen.tolist())
    assert (np.diff(chosen) > 0).all()
    unknown = Verdicts(one.predicted, np.full_like(one.marks, UNKNOWN))
    np.testing.assert_array_equal(shown_classes(unknown, labels, classes), np.arange(MOST_CLASSES))
    np.testing.assert_array_equal(shown_classes(one, labels % 4, 4), np.arange(4))


# -- what is missing --------------------------------------------------------------------------


def test_it_says_what_is_missing(recorded):
    assert drawn(recorded(steps=())) == "No step has been recorded yet."
    assert drawn(recorded(with_probe(labels=None), steps=(0, 1))) == Lack(NO_LABELS)
    assert drawn(recorded(without_probe(), steps=(0, 1))) == Lack(GIVE_PROBE)
    bare = evaluated(without_probe(), labels=None)
    assert drawn(recorded(bare, steps=(0, 1))) == Lack(NO_LABELS)
    regression = drawn(recorded(with_probe(labels=np.linspace(0, 1, 6)), steps=(0, 1)))
    assert isinstance(regression, Unfit)
    assert "no classifier" in regression


def test_one_step_is_enough(recorded):
    assert drawn(recorded(steps=(0,))).select(FrameGrid)

"""Class detectors: AUC by counting pairs, since when and until when, and what chance gives."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_LABELS
from explorer.data.detections import detections_of
from explorer.selection import SelectionKey
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene
from explorer.views.layer.detectors import DETECTOR_AUC, FEWEST, ClassDetectors
from explorer.widgets.charts.step_table import StepTable
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import with_probe
from tests.explorer.drawing import drawn_by, payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
SPEC = image_run_spec()
LABELS = np.array([0, 1, 2, 3, 0, 1])
CLASSES = 4


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch):
    """The synthetic run has six probes of four classes."""
    fewest(monkeypatch, 1)


def fewest(monkeypatch, count):
    monkeypatch.setattr("explorer.views.layer.detectors.FEWEST", count)
    monkeypatch.setattr("explorer.data.detections.FEWEST", count)


def scene_of(data, layer="dense", index=0):
    return Scene(data, SelectionKey(layer, 0, "step"), index)


def drawn(data, layer="dense"):
    return drawn_by(ClassDetectors(), scene_of(data, layer))


def rows_at(panel, index):
    return payload_of(tables_in(panel)[1], index)


def tables_in(panel):
    """What is counted, and the list."""
    return panel.select(StepTable)[:2]


def images_in(panel):
    return [pane.object for pane in panel.select(pn.pane.HoloViews)]


def auc_by_hand(values, number):
    """Share of pairs that are in order, ties half: its definition."""
    inside, outside = values[number == LABELS], values[number != LABELS]
    pairs = [(a > b) + 0.5 * (a == b) for a in inside for b in outside]
    return float(np.mean(pairs))


def speaking(spec, step):
    """Unit 1 tells cats from step 5 to 20 and from 100 on, unit 0 nothing, unit 3 ants always."""
    frames = frames_at(spec, step)
    values = frames["layers/dense/activation"]
    values[:, 0] = 0
    values[:, 1] = (LABELS == 2) if 5 <= step <= 20 or step >= 100 else 1
    values[:, 2] = [5, 4, 3, 2, 1, 0]
    values[:, 3] = 1 + 2 * (LABELS == 0)
    return frames


@pytest.fixture
def told(recorded, monkeypatch):
    monkeypatch.setattr("store.testing.runs.frames_at", speaking)
    return recorded()


@pytest.mark.parametrize("layer", ["dense", "conv1"])
def test_the_colour_is_the_auc_of_the_best_class(image_data, layer):
    best = detections_of(image_data, layer).best
    for index, step in enumerate(STEPS):
        values = frames_at(SPEC, step)[f"layers/{layer}/activation"].astype(np.float64)
        if layer == "conv1":  # the function that follows it gives the answers
            values = frames_at(SPEC, step)["layers/relu1/activation"].max(axis=(1, 2))
        expected = [
            max(auc_by_hand(values[:, unit], number) for number in range(CLASSES))
            for unit in range(values.shape[1])
        ]
        np.testing.assert_allclose(best[index], expected, atol=1e-6)


def test_the_picture_has_a_row_for_each_unit_and_a_column_for_each_step(image_data):
    (picture,) = images_in(drawn(image_data))
    assert isinstance(picture, hv.Image)
    assert picture.vdims[0].range == (0.5, 1.0)
    best = detections_of(image_data, "dense").best
    for index, step in enumerate(STEPS):
        for unit in range(4):
            assert picture[step, unit] == pytest.approx(best[index, unit])


def test_detectors_are_listed_with_the_steps_within_which_they_are(told):
    panel = drawn(told)
    at_the_start = rows_at(panel, 0)
    assert at_the_start["rows"] == [["3", "ant", "1.000", "0", "the end"]]
    assert at_the_start["chooses"] == [{"unit": 3}]
    between = rows_at(panel, 4)
    assert between["rows"] == [
        ["3", "ant", "1.000", "0", "the end"],
        ["1", "cat", "1.000", "5", "50"],
    ]
    assert rows_at(panel, 6)["rows"] == at_the_start["rows"]
    assert rows_at(panel, 7)["rows"][1] == ["1", "cat", "1.000", "100", "the end"]


def test_a_step_without_detectors_says_so(recorded, monkeypatch):
    def silent(spec, step):
        frames = frames_at(spec, step)
        frames["layers/dense/activation"][:] *= step == 0
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", silent)
    panel = drawn(recorded())
    assert rows_at(panel, 3) == {"rows": [], "chooses": []}
    assert tables_in(panel)[1].empty.startswith("No unit detects a class at this step")


def test_a_long_list_ends_with_what_is_left_out(told, monkeypatch):
    monkeypatch.setattr("explorer.views.layer.detectors.MOST_ROWS", 1)
    payload = rows_at(drawn(told), 4)
    assert payload["rows"][1] == ["", "and 1 more", "", "", ""]
    assert payload["chooses"] == [{"unit": 3}, {}]


def test_the_selectivity_index_is_offered_where_it_is_defined(image_data):
    panel = drawn(image_data, "softmax")
    (choice,) = panel.select(Alternatives)
    assert set(choice.choice.options) == {"largest", "index"}
    choice.choice.value = "index"
    picture = images_in(panel)[1]
    values = frames_at(SPEC, 5)["layers/softmax/activation"]
    means = np.array([values[number == LABELS].mean(axis=0) for number in range(CLASSES)])
    for unit in range(4):
        top = means[:, unit].max()
        rest = (means[:, unit].sum() - top) / 3
        assert picture[5, unit] == pytest.approx((top - rest) / (top + rest), rel=1e-5)


def test_where_all_is_negative_only_the_auc_is_offered(recorded, monkeypatch):
    def negative(spec, step):
        frames = frames_at(spec, step)
        frames["layers/dense/activation"][:] = -np.abs(frames["layers/dense/activation"]) - 0.1
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", negative)
    (choice,) = drawn(recorded()).select(Alternatives)
    assert set(choice.choice.options) == {"largest"}


def test_what_was_there_before_training_and_what_chance_gives_stand_beside(told):
    counts = tables_in(drawn(told))[0]
    names = ["detectors now", "at the first step", "by chance", "of units", "AUC by chance"]
    assert counts.columns == names
    now, at_first, _, units, best = payload_of(counts, 4)["rows"][0]
    assert (now, at_first, units) == ("2", "1", "4")
    found = detections_of(told, "dense")
    chance = found.selectivity.by_chance[4]
    assert payload_of(counts, 4)["rows"][0][2] == f"{4 * chance:.2g}"
    assert 0 < chance < 1
    assert best == f"{found.selectivity.best_by_chance[4]:.2f}"


def test_a_map_that_only_shows_ink_is_no_detector_by_its_largest_answer(recorded, monkeypatch):
    """A class with more strokes, each of them as strong as any other."""

    def inky(spec, step):
        frames = frames_at(spec, step)
        ink = np.zeros_like(frames["layers/relu1/activation"])
        for probe, label in enumerate(LABELS):
            ink[probe, : 1 + label] = 1 + 1e-3 * (probe % 2)
        return {**frames, "layers/relu1/activation": ink}

    monkeypatch.setattr("store.testing.runs.frames_at", inky)
    data = recorded()
    assert (detections_of(data, "conv1", "mean").best >= DETECTOR_AUC).all()
    assert (detections_of(data, "conv1", "max").best < DETECTOR_AUC).all()
    (choice,) = drawn(data, "conv1").select(Alternatives)
    assert choice.choice.value == "largest"
    caption = ClassDetectors().caption(scene_of(data, "conv1"))
    assert "its largest value over positions after relu1, as in “What excites" in caption


def test_of_fewer_than_five_probes_a_class_nothing_is_said(recorded, monkeypatch):
    fewest(monkeypatch, FEWEST)
    said = drawn(recorded(steps=(0, 1)))
    assert said.startswith("Which units detect a class cannot be told of fewer than 5 probes")
    assert "there are 2 at most" in said


def test_it_says_what_is_missing(recorded):
    assert drawn(recorded(with_probe(labels=None), steps=(0, 1))).endswith(GIVE_LABELS)
    assert drawn(recorded(steps=(0,))).startswith("This needs 2 recorded steps")


def test_units_that_are_lost_are_no_detectors(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = speaking(spec, step)
        if step >= 50:
            frames["layers/dense/activation"][:] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    panel = drawn(recorded())
    assert rows_at(panel, 0)["rows"] == [["3", "ant", "1.000", "0", "50"]]
    assert rows_at(panel, 7)["rows"] == []


def test_two_classes_of_a_text_are_told_apart(text_data):
    assert detections_of(text_data, "lstm").best.shape == (8, 4)
    assert drawn(text_data, "lstm") == "Each unit of lstm has an AUC of 1 at every recorded step."

"""Words as points: one plane for all steps, classes by counting."""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from explorer.data.absence import Nothing
from explorer.derived.predictions.labels import NO_CLASS
from explorer.plots.style import NEUTRAL, class_colour
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.texts.embedding_map import (
    ALL,
    MOVED,
    SENTENCE,
    WordMap,
    Words,
    labelled_texts,
    word_classes,
    word_map,
)
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.page.choice import Choice
from store.format.spec import EvaluationSpec, PredictionSpec
from store.testing import frames_at, text_run_spec
from tests.explorer.conftest import with_probe, without_probe

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
TABLE = "layers/embedding/weights/embeddings"


def scene_of(data, probe=0):
    return Scene(data, SelectionKey("embedding", probe, "step"))


def tables():
    return np.stack([frames_at(text_run_spec(), step)[TABLE] for step in STEPS])


def drawn(data, probe=0):
    view, scene = Words(), scene_of(data, probe)
    assert view.requirement(scene) is None
    body = view.draw(scene, view.compute(scene))
    (cloud,), (choice,) = body.select(PointCloud), body.select(Choice)
    return cloud, choice


def test_places_are_the_principal_components_of_all_steps_together(text_data):
    words = word_map(text_data, "embedding")
    assert sorted(words.numbers.tolist()) == [2, 3, 4, 5, 6]
    rows = tables()[:, words.numbers].astype(np.float64)
    pooled = rows.reshape(-1, 4)
    centre = pooled.mean(axis=0)
    _, singular, axes = np.linalg.svd(pooled - centre, full_matrices=False)
    expected = (rows - centre) @ axes[:2].T
    signs = np.sign((words.positions * expected).sum(axis=(0, 1)))
    np.testing.assert_allclose(words.positions * signs, expected, atol=1e-5)
    np.testing.assert_allclose(words.explained, (singular**2 / (singular**2).sum())[:2])
    np.testing.assert_allclose(words.moved, np.linalg.norm(rows[-1] - rows[0], axis=-1), rtol=1e-6)


def test_each_step_says_how_much_of_its_variance_lies_in_the_plane(text_data):
    cloud, _ = drawn(text_data)
    words = word_map(text_data, "embedding")
    rows = tables()[:, words.numbers].astype(np.float64)
    pooled = rows.reshape(-1, 4) - rows.reshape(-1, 4).mean(axis=0)
    plane = np.linalg.svd(pooled, full_matrices=False)[2][:2]
    for remark, step in zip(cloud.remarks, rows, strict=True):
        centred = step - step.mean(axis=0)
        share = ((centred @ plane.T) ** 2).sum() / (centred**2).sum()
        assert remark == f"of this step's variance {share:.0%} lie in the plane"
    assert cloud.equal


def test_limits_hold_all_words_at_all_steps(text_data):
    words = word_map(text_data, "embedding")
    x_low, x_high, y_low, y_high = words.limits
    assert x_low < words.positions[..., 0].min() < words.positions[..., 0].max() < x_high
    assert y_low < words.positions[..., 1].min() < words.positions[..., 1].max() < y_high


def test_the_words_of_a_sentence_come_first_and_the_furthest_on_demand():
    words = WordMap(
        np.array([7, 8, 9]),
        np.array([1.0, 3.0, 2.0]),
        np.zeros((1, 3, 2)),
        np.zeros(2),
        np.zeros(1),
    )
    assert words.chosen(ALL, [9, 4]) == [2, 0, 1]
    assert words.chosen(SENTENCE, [9, 4]) == [2]
    assert words.chosen(MOVED, [9]) == [1, 2, 0]


def test_a_word_is_of_a_class_where_it_is_twice_as_often_and_that_is_no_chance():
    labels = np.repeat([0, 1, -1], [10, 10, 3])
    ids = np.zeros((23, 6), np.int64)
    ids[:, 0] = 1  # in all of both
    ids[:8, 1], ids[10:12, 1] = 2, 2  # in 8 and in 2
    ids[:3, 2], ids[10, 2] = 3, 3  # in 3 and in 1: by chance in a third of all cases
    ids[10:12, 3] = 4  # in 2 of one class: as two words thrown at random are in half of all cases
    ids[11:18, 4] = 5  # in 7 of one
    ids[20:, 5] = 6  # where no class is known
    found = word_classes(ids, np.array([1, 2, 3, 4, 5, 6, 9]), labels, 2)
    assert found.tolist() == [NO_CLASS, 0, NO_CLASS, NO_CLASS, 1, NO_CLASS, NO_CLASS]


def test_chance_is_that_of_labels_thrown_at_random():
    generator = np.random.default_rng(3)
    labels = np.repeat([0, 1], 30)
    ids = np.stack([np.where(generator.random(60) < 0.2, 1 + at, 0) for at in range(40)], axis=1)
    coloured = [
        np.mean(word_classes(ids, np.arange(1, 41), generator.permutation(labels), 2) != NO_CLASS)
        for _ in range(200)
    ]
    assert 0 < np.mean(coloured) < 0.05


def test_of_two_texts_no_word_has_a_class(text_data):
    cloud, _ = drawn(text_data, probe=1)
    assert set(cloud.colours) == {NEUTRAL}
    assert cloud.groups == [["about as often in several, or rare", NEUTRAL]]


def test_words_are_counted_in_the_largest_labelled_set(recorded):
    ids = np.array([[2, 3, 4, 0, 0]] * 6 + [[2, 1, 1, 4, 0]] * 6)
    labels = np.repeat([0, 1], 6)
    spec = text_run_spec()
    output = spec.outputs[0]
    prediction = PredictionSpec("prediction", output, ("example", "unit"), (12, 2), "float32")
    names = spec.probe.class_names
    train = EvaluationSpec((prediction,), 12, labels, list(names), role="train")
    train = dataclasses.replace(
        train, inputs={"input": ids}, input_dims={"input": ("example", "token")}, kind="text"
    )
    data = recorded(dataclasses.replace(spec, evaluations=(train,)), steps=(0, 1))
    found = labelled_texts(data)
    np.testing.assert_array_equal(found.ids, ids)
    assert found.described == "12 training examples"
    scene = Scene(data, SelectionKey("embedding", 0, "step"))
    assert "of 12 training examples; grey where that may be chance" in Words().caption(scene)


def test_the_cloud_shows_words_by_class_and_marks_those_of_the_sentence(text_data, monkeypatch):
    monkeypatch.setattr("explorer.views.texts.embedding_map.LEVEL", 10)
    cloud, choice = drawn(text_data, probe=1)
    assert cloud.labels[:2] in (["film", "<b>bad</b>"], ["<b>bad</b>", "film"])
    colours = dict(zip(cloud.labels, cloud.colours, strict=True))
    assert colours["film"] == NEUTRAL  # in both
    assert (colours["<b>bad</b>"], colours["good"]) == (class_colour(0), class_colour(1))
    assert cloud.groups == [
        ["negative", class_colour(0)],
        ["positive", class_colour(1)],
        ["about as often in several, or rare", NEUTRAL],
    ]
    assert (cloud.shapes == [[0, 0, 2, 2, 2]] * len(STEPS)).all()
    limits = cloud.limits
    choice.value = SENTENCE
    assert sorted(cloud.labels) == ["<b>bad</b>", "film"]
    assert cloud.positions.shape == (len(STEPS), 2, 2)
    assert cloud.limits == limits  # so that words stay where they are


def test_runs_without_labels_or_vocabulary_are_drawn(recorded):
    spec = with_probe(text_run_spec(), labels=None, class_names=None, vocabulary=None)
    data = recorded(spec, steps=(0, 1))
    cloud, _ = drawn(data)
    assert (cloud.colours, cloud.groups) == ([], [])
    assert "#2" in cloud.labels
    assert "go by number" in Words().caption(scene_of(data))


def test_a_training_that_diverged_is_drawn(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        if step == 2:
            frames[TABLE][:] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    cloud, _ = drawn(recorded(text_run_spec(), steps=(0, 1, 2)))
    assert np.isnan(cloud.positions[-1]).all()
    assert len(cloud.limits) == 4


def test_a_table_without_a_number_is_said(recorded, monkeypatch):
    def lost(spec, step):
        return {name: frame * np.nan for name, frame in frames_at(spec, step).items()}

    monkeypatch.setattr("store.testing.runs.frames_at", lost)
    data = recorded(text_run_spec(), steps=(0,))
    said = Words().compute(Scene(data, SelectionKey("embedding", 0, "step")))
    assert said == Nothing("The rows of embedding hold no number at any recorded step.")


def test_what_is_missing_is_said_and_the_caption_counts(recorded, text_data):
    view = Words()
    assert view.applies(text_data)
    assert view.serves(text_data.run.layers["embedding"])
    assert not view.serves(text_data.run.layers["lstm"])
    caption = view.caption(scene_of(text_data))
    assert caption.startswith("The 5 words of the probes by their 4 numbers in embedding, in")
    empty = with_probe(text_run_spec(), inputs={"input": np.zeros((2, 5), np.int32)})
    assert "no word" in view.requirement(scene_of(recorded(empty, steps=(0,))))
    bare = recorded(without_probe(text_run_spec()), steps=(0,))
    assert re.search(r"were not kept", view.requirement(scene_of(bare)))
    assert view.requirement(scene_of(recorded(text_run_spec(), steps=()))).startswith("No step")

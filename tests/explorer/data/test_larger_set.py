"""What is said of classes, on a larger set sent through the network: against NumPy written out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data import larger_set
from explorer.data.detections import detections_of, on_larger_set, turns_of_detections
from explorer.data.larger_set import (
    nearest_read,
    repeated_set,
    said_of_examples,
    steps_read,
)
from explorer.data.separations import separation_of, turns_of_separation
from explorer.derived.units.selectivity import FEWEST
from explorer.selection import SelectionKey
from explorer.views.base import Scene, Unfinished, drawn
from explorer.views.layer.detectors import ClassDetectors
from explorer.views.layer.projection import ClassesSeparating
from explorer.views.training.layers_over_time import LayersOverTime
from explorer.widgets.charts.step_table import StepTable
from tests.explorer.conftest import texts_of, with_probe
from tests.explorer.data.test_readouts import STEPS, replayable
from tests.explorer.data.test_replayed import LABELS, with_train
from tests.explorer.drawing import payload_of


@pytest.fixture
def data(recorded, monkeypatch):
    """A run whose recorded answers are those that its weights give."""
    return replayable(recorded, monkeypatch)


def scene_of(data, layer="conv1"):
    return Scene(data, SelectionKey(layer, 0, "step"))


def computed(data, index, layer):
    """What the network gives for the larger set, as the engine's own tests hold it to Keras."""
    of = repeated_set(data)
    return data.network.forward(of.inputs, of.weights(index))[layer]


def auc_by_pairs(values, number):
    inside, outside = values[number == LABELS], values[number != LABELS]
    order = np.sign(inside[:, None].astype(np.float64) - outside[None, :])
    return float((order + 1).mean() / 2)


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_detectors_are_of_the_larger_set_after_the_function(data, pool):
    found = detections_of(data, "conv1", pool)
    assert found.steps.tolist() == [0, 1, 2, 3]
    for index in (0, 3):
        values = getattr(computed(data, index, "relu1"), pool)(axis=(1, 2))
        for unit in range(3):
            expected = [auc_by_pairs(values[:, unit], number) for number in range(4)]
            auc = found.selectivity.auc[index, unit]
            np.testing.assert_allclose(auc, expected, atol=1e-6)
    assert found.class_names == list("abcd")


def test_the_separation_is_of_the_larger_set(data):
    frame = computed(data, 3, "dense").astype(np.float64)
    away = np.sqrt(((frame[:, None] - frame[None]) ** 2).sum(axis=-1))
    silhouettes = []
    for at, label in enumerate(LABELS):
        means = [
            away[at, (number == LABELS) & (np.arange(len(LABELS)) != at)].mean()
            for number in range(4)
        ]
        own, near = means[label], min(np.delete(means, label))
        silhouettes.append((near - own) / max(near, own))
    assert separation_of(data, "dense")[3] == pytest.approx(np.mean(silhouettes), rel=1e-5)


def test_cards_name_the_set_and_its_size(data):
    caption = ClassDetectors().caption(scene_of(data))
    assert "Measured on 120 training examples." in caption
    assert "as in “What excites the unit most” of relu1, which shows the probes" in caption
    (card,) = (one for one in LayersOverTime.instances() if one.title.startswith("Where the class"))
    assert card.caption(scene_of(data)).endswith("Measured on 120 training examples.")
    assert "Measured on 120 training examples." in texts_of(
        drawn(ClassesSeparating(), scene_of(data, "dense"))
    )


def test_between_looks_the_nearest_holds_and_since_is_of_a_look(data, monkeypatch):
    monkeypatch.setattr(larger_set, "MOST_STEPS", 2)
    monkeypatch.setattr("explorer.views.layer.detectors.DETECTOR_AUC", 0.5)
    assert steps_read(data).tolist() == [0, 3]
    assert nearest_read(data).tolist() == [0, 0, 1, 1]
    found = detections_of(data, "dense")
    assert len(found.best) == 2
    _, table = drawn(ClassDetectors(), scene_of(data, "dense")).select(StepTable)[:2]
    for index in range(4):
        for row in payload_of(table, index)["rows"]:
            assert {row[3], row[4]} <= {"0", "5", "the end"}, "steps 1 and 2 were not looked at"
    caption = ClassDetectors().caption(scene_of(data, "dense"))
    assert "at 2 of 4 recorded steps; between them the nearest holds" in caption
    assert "“Since” and “until” are of those" in caption


def test_others_get_their_turn_between_two_steps(data):
    assert len(turns_of_detections(data, "conv1")) == len(STEPS)
    assert len(turns_of_separation(data)) == len(STEPS)
    for view in (ClassDetectors(), ClassesSeparating()):
        shares, made = [], view.compute(scene_of(data, "dense"))
        while isinstance(made, Unfinished):
            shares.append(made.share)
            made = made.go_on()
        assert shares == [0.25, 0.5, 0.75, 1.0]
        assert not isinstance(view.compute(scene_of(data, "dense")), Unfinished), "all is kept"
    assert not turns_of_separation(data)
    assert len(turns_of_detections(data, "conv1")) == len(STEPS), "of another layer nothing is"


def test_a_network_that_gives_other_answers_is_said_to_be_measured_on_the_probe(
    recorded, monkeypatch
):
    data = replayable(recorded, monkeypatch, wrong=0.5)
    assert turns_of_separation(data), "nobody knows yet"
    assert repeated_set(data) is None
    assert not turns_of_separation(data)
    assert not on_larger_set(data, "dense")
    assert said_of_examples(data) == "Measured on the 6 probes."
    said = drawn(ClassDetectors(), scene_of(data, "dense"))
    assert f"fewer than {FEWEST} probes a class" in said


def test_of_a_layer_of_which_some_units_were_recorded_the_probe_is_taken(recorded, monkeypatch):
    """Its units have other numbers in the network."""
    spec = with_train()
    layers = tuple(
        dataclasses.replace(one, output_shape=(*one.output_shape[:-1], 2))
        if one.name == "relu1"
        else one
        for one in spec.layers
    )
    monkeypatch.setattr(
        "tests.explorer.data.test_readouts.with_train",
        lambda: dataclasses.replace(spec, layers=layers),
    )
    data = replayable(recorded, monkeypatch)
    assert on_larger_set(data, "dense")
    assert not on_larger_set(data, "relu1")


def test_probes_without_labels_are_no_obstacle(recorded, monkeypatch):
    monkeypatch.setattr(
        "tests.explorer.data.test_readouts.with_train",
        lambda: with_probe(with_train(), labels=None),
    )
    data = replayable(recorded, monkeypatch)
    assert data.class_labels is None
    scene = scene_of(data, "dense")
    assert ClassDetectors().requirement(scene) is None
    (card,) = (one for one in LayersOverTime.instances() if one.title.startswith("Where the class"))
    assert card.requirement(scene) is None
    assert detections_of(data, "dense").best.shape == (4, 4)

"""Readouts of layers on a larger set, against scikit-learn on what the network gives for it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data import larger_set
from explorer.data.larger_set import said_of_examples
from explorer.data.layer_quantities import LAYER_QUANTITIES
from explorer.data.readouts import few_examples, readouts_of
from explorer.data.replayed import Replayed
from explorer.derived.units.linear_probe import linear_probe
from explorer.selection import SelectionKey
from explorer.views.base import Scene, Unfinished
from explorer.views.training.layers_over_time import LayersOverTime
from store.testing import frames_at
from tests.explorer.data.test_replayed import COUNT, LABELS, with_train

pytestmark = pytest.mark.slow

STEPS = (0, 1, 2, 5)


@pytest.fixture
def data(recorded, monkeypatch):
    """A run whose recorded answers are those that its weights give."""
    return replayable(recorded, monkeypatch)


def replayable(recorded, monkeypatch, *, wrong=0.0):
    plain = Replayed.of(recorded(with_train(), steps=STEPS))
    answers = {
        step: plain.data.network.forward(plain.inputs, plain.weights(at))[plain.output] + wrong
        for at, step in enumerate(STEPS)
    }
    monkeypatch.setattr(
        "store.testing.runs.frames_at",
        lambda spec, step: {
            **frames_at(spec, step),
            "evaluation_train/prediction": answers[step].astype(np.float32),
        },
    )
    return recorded(with_train(), steps=STEPS)


def test_readouts_are_of_the_larger_set_sent_through_the_network(data):
    of = larger_set.larger_set(data)
    assert of.examples.described == "120 training examples"
    for index in (0, 3):
        found = data.network.forward(of.inputs, of.weights(index))
        for layer in ("conv1", "dense"):
            expected = linear_probe(found[layer], LABELS)
            read = readouts_of(data, layer)
            assert read.accuracy[index] == pytest.approx(expected.accuracy)
            assert read.chance_bound[index] == pytest.approx(expected.chance_bound)
    assert said_of_examples(data) == "Measured on 120 training examples."
    values = LAYER_QUANTITIES["linear probe"].of_layers(data)
    read = readouts_of(data, "dense")
    column = list(data.run.layers).index("dense")
    np.testing.assert_allclose(values[:, column], read.accuracy - read.chance_bound, rtol=1e-6)


def test_of_many_steps_some_are_measured_and_the_nearest_one_holds_between(data, monkeypatch):
    whole = readouts_of(data, "dense").accuracy
    data = type(data)(data.run)
    monkeypatch.setattr(larger_set, "MOST_STEPS", 2)
    monkeypatch.setattr(data, "derived", lambda _, make: make())
    assert readouts_of(data, "dense").accuracy.tolist() == whole[[0, 0, 3, 3]].tolist()
    assert "at 2 of 4 recorded steps; between them the nearest holds" in said_of_examples(data)


def test_a_network_that_gives_other_answers_is_not_read(recorded, monkeypatch):
    data = replayable(recorded, monkeypatch, wrong=0.5)
    assert readouts_of(data, "dense") is None  # six probes of four classes are too few


def test_too_large_networks_and_sets_without_inputs_leave_the_probe(recorded, data, monkeypatch):
    assert few_examples(data) is None
    assert larger_set.larger_set(recorded(with_train(inputs=False), steps=(0, 1))) is None
    monkeypatch.setattr(larger_set, "MOST_AT_ONCE", COUNT)
    assert larger_set.larger_set(data) is None
    assert few_examples(data).startswith("Too few: a class has 1 example")
    assert said_of_examples(data) == "Measured on the 6 probes."


def test_a_set_with_enough_examples_of_each_class_is_taken_before_a_first_one(recorded):
    spec = with_train()
    (train,) = spec.evaluations
    few = dataclasses.replace(
        train,
        predictions=tuple(
            dataclasses.replace(one, shape=(8, *one.shape[1:])) for one in train.predictions
        ),
        size=8,
        labels=LABELS[:8],
        inputs={name: values[:8] for name, values in train.inputs.items()},
    )
    held_out = dataclasses.replace(train, role="held_out")
    data = recorded(dataclasses.replace(spec, evaluations=(held_out, few)), steps=(0, 1))
    assert Replayed.of(data).examples.source == "evaluation"


def test_others_get_their_turn_between_two_steps(data):
    (card,) = (
        view
        for view in LayersOverTime.instances()
        if view.title.startswith("What a linear readout")
    )
    scene = Scene(data, SelectionKey("dense", 0, "step"))
    shares, computed = [], card.compute(scene)
    while isinstance(computed, Unfinished):
        shares.append(computed.share)
        computed = computed.go_on()
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert "dense" in computed.names
    assert card.caption(scene).endswith("Measured on 120 training examples.")

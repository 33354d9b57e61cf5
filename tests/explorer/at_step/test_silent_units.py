"""What a network loses without a unit is what the edited network says, at every step."""

from __future__ import annotations

import numpy as np
import pytest

from explorer import network_at
from explorer.data.absence import Absence, Nothing, Unfit
from explorer.data.damage import damage_of
from explorer.data.run import RunData
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.silent_units import SilentUnits
from explorer.widgets.charts.step_table import StepTable
from tests.recorder.networks import conv_model, images, lstm_model, sentences

pytestmark = pytest.mark.slow

MODELS = {"conv": (conv_model, images), "lstm": (lstm_model, sentences)}


@pytest.fixture(params=MODELS)
def data(request, trained):
    return RunData(trained(*MODELS[request.param]).run)


def told(net, data):
    shares = data.reading.probabilities(net(data.input()))
    own = shares[np.arange(len(shares)), data.class_labels]
    return own.mean(), (shares.argmax(axis=1) == data.class_labels).mean()


def test_it_is_what_the_edited_network_says(data):
    layers = [name for name, each in data.run.layers.items() if each.kind in SilentUnits.kinds]
    layer = layers[0]
    found = damage_of(data, layer)
    assert found.probes == data.run.probe.size
    for row, index in enumerate(found.sampling.indices):
        net = network_at(data.run, int(data.run.steps[index]), engine="numpy")
        whole = told(net, data)
        np.testing.assert_allclose(found.probability[row], whole[0], atol=1e-5)
        np.testing.assert_allclose(found.accuracy[row], whole[1])
        for unit in range(found.without.shape[1]):
            without = told(net.without(layer, [unit]), data)
            np.testing.assert_allclose(found.without[row, unit], without[0], atol=1e-5)
            np.testing.assert_allclose(found.accuracy_without[row, unit], without[1])


def test_units_are_ranked_at_the_step_on_screen(data):
    view = SilentUnits()
    layers = [name for name, each in data.run.layers.items() if each.kind in SilentUnits.kinds]
    scene = Scene(data, SelectionKey(layers[0], 0, "step"), 0)
    assert view.requirement(scene) is None
    assert f"over {data.run.probe.size} probes" in view.caption(scene)
    found = view.compute(scene)
    (table,) = view.draw(scene, found).select(StepTable)
    last = len(data.run) - 1
    rows = table._provider(last)["rows"]
    assert int(rows[0][0]) == int(found.falls[-1].argmax())
    falls = [found.falls[-1][int(row[0])] for row in rows]
    assert falls == sorted(falls, reverse=True)


def test_a_network_that_does_more_than_is_recorded_is_not_edited(data, monkeypatch):
    output = data.output
    layer = next(each for each in data.run.layers.values() if each.kind in SilentUnits.kinds)
    recorded = data.activations

    def other(name, index, probe=None):
        return recorded(name, index, probe) + (name == output)

    monkeypatch.setattr(data, "activations", other)
    monkeypatch.setattr(data, "derived", lambda _, make: make())
    found = SilentUnits().compute(Scene(data, SelectionKey(layer.name, 0, "step"), 0))
    assert isinstance(found, Nothing)
    assert "is not what was recorded" in found


def test_the_networks_answer_is_not_silenced(data):
    scene = Scene(data, SelectionKey(data.run.outputs[0], 0, "step"), 0)
    missing = SilentUnits().requirement(scene)
    assert isinstance(missing, Absence | Unfit)
    assert "the network's answer" in str(missing)

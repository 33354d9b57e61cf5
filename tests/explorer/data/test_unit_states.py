"""Dead units are looked at on the evaluation set too, where the run holds its inputs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data.layer_quantities import dead_units
from explorer.data.run import RunData
from explorer.data.unit_states import examples_checked, unit_states_of, unseen_inputs
from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.units.activity import DEAD, SELECTIVE
from store.testing import frames_at, image_run_spec

SPEC = image_run_spec()
SPEC = dataclasses.replace(
    SPEC,
    layers=tuple(
        dataclasses.replace(layer, config={**layer.config, "strides": [1, 1]})
        if layer.name == "conv1"
        else layer
        for layer in SPEC.layers
    ),
)
PIXELS = SPEC.probe.inputs["input"]
LAYERS = ("conv1", "relu1")


def computed(spec, step):
    """Frames of a network that does what it says: unit 0 is silent on all but bright pictures."""
    frames = frames_at(spec, step)
    kernel, bias = (frames[f"layers/conv1/weights/{name}"] for name in ("kernel", "bias"))
    kernel[..., 0], bias[0] = 0, -2
    kernel[1, 1, :, 0] = 1
    kernel[..., 1], bias[1] = 0, -2
    nodes = [Node(one.name, one.class_name, one.config, one.inbound) for one in spec.layers]
    weights = {"conv1": {"kernel": kernel, "bias": bias}}
    found = Network(nodes).forward(PIXELS, weights, wanted=LAYERS)
    return {**frames, **{f"layers/{name}/activation": found[name] for name in LAYERS}}


@pytest.fixture
def data(recorded, monkeypatch):
    monkeypatch.setattr("store.testing.runs.frames_at", computed)
    return recorded(SPEC, steps=(0, 1))


def with_examples(monkeypatch, brightest):
    """An evaluation set of 40 pictures, one of which has a pixel as bright as this."""
    examples = np.zeros((40, 8, 8, 1), np.float32)
    examples[7, 3, 3] = brightest
    monkeypatch.setattr(RunData, "evaluation_input", lambda _: examples)


def test_a_unit_is_dead_only_if_no_example_wakes_it(data, monkeypatch):
    assert unit_states_of(data, "relu1").state[:, :2].tolist() == [[DEAD, DEAD]] * 2
    np.testing.assert_allclose(dead_units(data, "relu1"), 2 / 3, rtol=1e-6)
    with_examples(monkeypatch, 3)
    assert unit_states_of(data, "relu1").state[:, :2].tolist() == [[SELECTIVE, DEAD]] * 2
    np.testing.assert_allclose(dead_units(data, "relu1"), 1 / 3, rtol=1e-6)


def test_an_example_that_wakes_none_makes_the_bound_narrower(data, monkeypatch):
    assert "6 probes are a sample: up to 50 %" in unseen_inputs(data, ["relu1"])
    with_examples(monkeypatch, 1)
    assert unit_states_of(data, "relu1").state[:, :2].tolist() == [[DEAD, DEAD]] * 2
    said = unseen_inputs(data, ["relu1"])
    assert "6 probes and 40 examples are a sample: up to 6.5 % of inputs" in said


def test_of_a_large_set_evenly_spread_examples_are_taken(data, monkeypatch):
    with_examples(monkeypatch, 1)
    monkeypatch.setattr("explorer.data.unit_states.MOST_COMPUTED", 2 * (64 * 3 * 2 + 1) * 5)
    assert len(examples_checked(data, "relu1")) == 5
    monkeypatch.setattr("explorer.data.unit_states.MOST_AT_ONCE", (64 * 3 * 2 + 1) * 3)
    assert len(examples_checked(data, "relu1")) == 3


def test_a_network_that_does_something_else_is_not_asked(recorded, monkeypatch):
    """The synthetic run's activations do not follow from its weights."""
    with_examples(monkeypatch, 3)
    assert examples_checked(recorded(SPEC, steps=(0, 1)), "relu1") is None


def test_a_layer_without_dead_units_needs_no_examples(data, monkeypatch):
    with_examples(monkeypatch, 3)
    assert examples_checked(data, "conv1") is None

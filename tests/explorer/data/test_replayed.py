"""Examples through the network in NumPy: gradients, curvature, noise and collapse of a run."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import pytest

from explorer.data.absence import MORE_EXAMPLES, Lack, Nothing, Unfit
from explorer.data.replayed import (
    BATCHES,
    MOST_STEPS,
    Replayed,
    batch_size,
    collapse_at,
    edge_of_stability,
    head_of,
    noise_scale_at,
    sharpness_at,
    steps_seen,
)
from explorer.derived.time.headway import report_to
from explorer.derived.units.collapse import collapse
from explorer.selection import SelectionKey
from explorer.views.base import Scene, Unfinished
from explorer.views.learning.collapse import NAMES, CollapseView
from explorer.views.requirements import GIVE_INPUTS
from explorer.views.training.noise_scale import NoiseScaleView
from explorer.views.training.sharpness import SharpnessView
from store.format.spec import EvaluationSpec, PredictionSpec
from store.testing import image_run_spec, text_run_spec
from tests.explorer.conftest import with_probe
from tests.explorer.drawing import drawn_by

COUNT, CLASSES = 120, 4
LABELS = np.random.default_rng(0).permutation(np.arange(COUNT) % CLASSES)
STEPS = (0, 1, 2, 5)
SGD = {"class": "SGD", "learning_rate": 0.1, "momentum": 0.0, "nesterov": False}


def with_train(*, inputs=True, **changes):
    """Describe a run with 120 training examples."""
    spec = image_run_spec()
    layers = [
        dataclasses.replace(layer, config={**layer.config, "strides": [1, 1]})
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    ]
    spec = dataclasses.replace(spec, layers=tuple(layers))
    prediction = PredictionSpec(
        "prediction", "softmax", ("example", "unit"), (COUNT, CLASSES), "float32"
    )
    given = np.random.default_rng(1).normal(size=(COUNT, 8, 8, 1)).astype(np.float32)
    train = EvaluationSpec((prediction,), COUNT, LABELS, list("abcd"), role="train")
    if inputs:
        dims = {"input": ("example", "y", "x", "channel")}
        train = dataclasses.replace(train, inputs={"input": given}, input_dims=dims, kind="image")
    return dataclasses.replace(spec, evaluations=(train,), **changes)


@pytest.fixture
def of(recorded):
    return Replayed.of(recorded(with_train(), steps=STEPS))


def loss(of, weights, chosen):
    p = of.data.network.forward(of.inputs[chosen], weights)[of.output].astype(np.float64)
    return -np.log(p[np.arange(len(chosen)), LABELS[chosen]]).mean()


def flat(gradient):
    return np.concatenate([v.ravel() for own in gradient.values() for v in own.values()])


def test_training_examples_come_first_and_probes_last(of, recorded):
    assert of.examples.described == "120 training examples"
    assert of.inputs.shape == (COUNT, 8, 8, 1)
    probes = Replayed.of(recorded(with_train(inputs=False), steps=(0, 1)))
    assert probes.examples.source == "probe"
    assert Replayed.of(recorded(with_probe(labels=None), steps=(0, 1))) is None


def test_the_gradient_is_the_slope_of_the_loss(of):
    chosen, weights = np.arange(30), of.weights(2)
    gradient = of.gradient(weights, chosen)
    assert set(gradient) == {"conv1", "dense"}
    for layer, own in gradient.items():
        for name, values in own.items():
            direction = np.sign(values).astype(np.float32)
            ends = []
            for sign in (1, -1):
                moved = {**weights, layer: {**weights[layer]}}
                moved[layer][name] = weights[layer][name] + sign * np.float32(2e-4) * direction
                ends.append(loss(of, moved, chosen))
            slope = (ends[0] - ends[1]) / 4e-4
            assert slope == pytest.approx(np.abs(values).sum(), rel=0.03)


@pytest.mark.slow
def test_the_sharpness_is_the_top_of_the_whole_hessian(of, monkeypatch):
    monkeypatch.setattr("explorer.data.replayed.MOST_CURVED", COUNT)
    found = sharpness_at(of, 3)
    assert sharpness_at(of, 3) == found, "what is kept is the same"
    weights, every = of.weights(3), np.arange(COUNT)
    first = of.gradient(weights, every)
    keys = [(layer, name) for layer, own in first.items() for name in own]
    rows = []
    for layer, name in keys:
        for place in np.ndindex(weights[layer][name].shape):
            ends = []
            for sign in (1, -1):
                values = weights[layer][name].copy()
                values[place] += sign * 2e-3
                moved = {**weights, layer: {**weights[layer], name: values}}
                ends.append(flat(of.gradient(moved, every)).astype(np.float64))
            rows.append((ends[0] - ends[1]) / 4e-3)
    hessian = np.stack(rows)
    top = np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1]
    # Differences cross kinks of ReLU and pooling; without kinks they agree to a percent, see
    # tests/explorer/derived/network/test_curvature.py.
    assert found.value == pytest.approx(top, rel=0.15)


def test_the_noise_scale_is_that_of_single_gradients(of):
    assert batch_size(of) * BATCHES == COUNT
    weights = of.weights(0)
    each = np.stack([flat(of.gradient(weights, np.array([at]))) for at in range(COUNT)])
    each = each.astype(np.float64)
    spread = each.var(axis=0, ddof=1).sum()
    squared = (each.mean(axis=0) ** 2).sum() - spread / COUNT
    assert noise_scale_at(of, 0) == pytest.approx(spread / squared, rel=0.5)


def test_collapse_is_measured_before_the_last_dense_layer(of):
    assert head_of(of.data) == "dense"
    found = collapse_at(of, "dense", 3)
    weights = of.weights(3)
    computed = of.data.network.forward(of.inputs, weights)
    said = computed["softmax"].argmax(axis=1)
    expected = collapse(computed["flatten"], LABELS, weights["dense"]["kernel"], said)
    np.testing.assert_allclose(dataclasses.astuple(found), dataclasses.astuple(expected))


def scene_of(data):
    return Scene(data, SelectionKey("dense", 0, "step"))


@pytest.mark.slow
@pytest.mark.parametrize("view", [CollapseView(), SharpnessView(), NoiseScaleView()])
def test_each_card_says_which_set_it_uses_and_how_many(of, view):
    caption = view.caption(scene_of(of.data))
    assert "of 120 training examples" in caption.replace("Of", "of")
    assert "at 4 recorded steps" in caption
    assert not isinstance(drawn_by(view, scene_of(of.data)), str)


def test_others_get_their_turn_between_two_steps(of):
    view, scene = CollapseView(), scene_of(of.data)
    shares, parts, computed = [], [], view.compute(scene)
    while isinstance(computed, Unfinished):
        shares.append(computed.share)
        parts.append(None if computed.so_far is None else computed.so_far.steps.tolist())
        computed = computed.go_on()
    assert shares == [0.25, 0.5, 0.75]
    # What is there is drawn meanwhile: the ends and the middle first.
    assert parts == [None, None, [0, 1, 3]]
    assert computed.steps.tolist() == [0, 1, 2, 3]
    assert computed.found == [view.at_step(of, at) for at in range(len(STEPS))]


def test_each_measure_of_collapse_is_a_curve(of):
    shown = drawn_by(CollapseView(), scene_of(of.data))
    assert {element.label for element in shown.picture} >= set(NAMES.values())


@pytest.mark.parametrize("view", [CollapseView(), SharpnessView(), NoiseScaleView()])
def test_what_is_missing_is_said(recorded, view):
    bare = with_train(inputs=False)
    bare = dataclasses.replace(bare, probe=dataclasses.replace(bare.probe, labels=None))
    assert drawn_by(view, scene_of(recorded(bare, steps=(0, 1)))) == Lack(GIVE_INPUTS)
    if view.region == "training":
        squared = recorded(with_train(loss="mse"), steps=(0, 1))
        assert isinstance(drawn_by(view, scene_of(squared)), Unfit)
    else:
        few = drawn_by(view, scene_of(recorded(with_train(inputs=False), steps=(0, 1))))
        assert isinstance(few, Nothing)
        assert few.startswith("Too few: a class has 1 example")
        assert isinstance(drawn_by(view, scene_of(recorded(text_run_spec(), steps=(0, 1)))), Unfit)


def test_few_examples_have_no_noise_scale(recorded):
    said = drawn_by(NoiseScaleView(), scene_of(recorded(with_train(inputs=False), steps=(0, 1))))
    assert said == Nothing(f"Too few: 6 probes, at least 100 are needed. {MORE_EXAMPLES}")


def test_only_plain_gradient_descent_has_an_edge(recorded):
    def edge(**changes):
        return edge_of_stability(recorded(with_train(optimizer={**SGD, **changes}), steps=(0, 1)))

    np.testing.assert_allclose(edge()[0], 20)
    np.testing.assert_allclose(edge(momentum=0.9)[0], 38)
    np.testing.assert_allclose(edge(momentum=0.9, nesterov=True)[0], 38 / 2.8)
    assert edge(**{"class": "Adam"}) is None
    adam = recorded(with_train(optimizer={"class": "Adam"}), steps=(0, 1))
    assert "Adam gives each weight a step of its own size" in SharpnessView().caption(
        scene_of(adam)
    )
    assert edge_of_stability(recorded(with_train(), steps=(0, 1))) is None


def test_the_edge_follows_the_learning_rate_that_was_noted(recorded):
    data = recorded(with_train(optimizer=SGD), steps=(0, 1, 2, 5))
    updates = data.metrics["update"].values
    noted = np.where(updates == 2, 0.05, np.nan)
    data.__dict__["metrics"] = data.metrics.assign(learning_rate=("update", noted))
    np.testing.assert_allclose(edge_of_stability(data)[0], [20, 20, 40, 40])


def test_many_steps_are_sampled(recorded):
    data = recorded(with_train(), steps=tuple(range(40)))
    assert len(steps_seen(data)) == MOST_STEPS


def test_the_edge_is_drawn_at_the_steps_that_are_there(recorded):
    data = recorded(with_train(optimizer=SGD), steps=STEPS)
    view, scene = SharpnessView(), scene_of(data)
    computed = view.compute(scene)
    while computed.so_far is None:
        computed = computed.go_on()
    curves = view.draw(scene, computed.so_far).picture.traverse(lambda one: one, [hv.Curve])
    edge = next(one for one in curves if one.label == "2 / learning rate")
    assert len(edge) == 3
    np.testing.assert_allclose(edge.dimension_values(1), np.log10(2 / 0.1))


@pytest.mark.parametrize("view", [SharpnessView(), NoiseScaleView()])
def test_within_a_step_it_is_told_how_far_it_is(of, view):
    shares = []
    with report_to(shares.append):
        view.compute(scene_of(of.data))
    assert shares[0] == 0
    assert len(shares) > 4
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1 / len(STEPS), "of one step out of four"

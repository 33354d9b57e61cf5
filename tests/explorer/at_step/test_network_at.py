"""The network at a step, in NumPy alone: what may be asked of it, and what is refused and how."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer import network_at
from explorer.at_step.inputs import checked
from store import open_run
from store.errors import (
    ArgumentError,
    ArrayNotRecordedError,
    LayerNotFoundError,
    MissingExtraError,
    SpecError,
    StepNotRecordedError,
)
from store.testing import image_run_spec, text_run_spec, write_run

STEPS = (0, 1, 2, 5, 10)


def repeatable(spec=None):
    """The image run of the tests, with shapes that fit each other."""
    spec = spec or image_run_spec()
    layers = tuple(
        dataclasses.replace(layer, config={**layer.config, "strides": [1, 1]})
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    )
    return dataclasses.replace(spec, layers=layers)


@pytest.fixture
def any_answer(monkeypatch):
    """What is computed need not be what was recorded."""
    monkeypatch.setattr("explorer.at_step.door.TOLERANCE", np.inf)


@pytest.fixture
def run(tmp_path, any_answer):
    """A run of any activations."""
    return open_run(write_run(tmp_path / "run.zarr", repeatable(), steps=STEPS))


@pytest.fixture
def x(run):
    return run.probe.inputs["input"].astype(np.float32)


def test_it_is_the_network_of_the_run_at_the_step(run, x):
    net = network_at(run, step=5)
    assert (net.engine, net.steps) == ("numpy", (5,))
    assert net.why.startswith("NumPy computes every layer")
    assert net(x).dtype == np.float32
    kernel = run.weights("dense", "kernel").sel(step=5).values
    bias = run.weights("dense", "bias").sel(step=5).values
    found = net.activations(x, ["flatten", "dense"])
    np.testing.assert_allclose(
        found["dense"], found["flatten"] @ kernel + bias, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_array_equal(net.at(10)(x), network_at(run.location, 10)(x))


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"step": 3}, StepNotRecordedError, "Step 3 was not recorded. The nearest .* 2 and 5"),
        ({"step": 99}, StepNotRecordedError, "nearest recorded step is 10"),
        ({"step": -1}, StepNotRecordedError, "nearest recorded step is 0"),
        ({"step": 1.5}, ArgumentError, "whole number, not 1.5"),
        ({"step": True}, ArgumentError, "whole number, not True"),
        ({"step": "last"}, ArgumentError, "whole number, not 'last'"),
        ({}, ArgumentError, "either a step or steps"),
        ({"step": 1, "steps": [1]}, ArgumentError, "either a step or steps"),
        ({"steps": range(6, 9)}, StepNotRecordedError, "6 to 8 none was recorded.* 5 and 10"),
        ({"steps": []}, ArgumentError, "steps are none"),
        ({"steps": 3}, ArgumentError, "steps are several"),
        ({"steps": [1, 2], "average": "median"}, ArgumentError, "'mean' or 'ema', not 'median'"),
        ({"steps": [1, 2], "average": "ema", "decay": 1}, ArgumentError, "decay is from 0"),
        ({"step": 1, "engine": "torch"}, ArgumentError, "no engine 'torch'"),
        ({"step": 1, "part": "generator"}, KeyError, "is of one model"),
    ],
)
def test_steps_that_cannot_be_are_named(run, asked, error, said):
    with pytest.raises(error, match=said):
        network_at(run, **asked)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda x: x[0], r"shape \(8, 8, 1\); the network takes \(example, 8, 8, 1\)"),
        (lambda x: x[..., 0], "The channel is missing"),
        (lambda x: x[:, :4], r"shape \(6, 4, 8, 1\)"),
        (lambda x: x[:0], "no example"),
        (lambda x: x * np.float32(np.nan), r"not finite: nan at \(0, 0, 0, 0\)"),
        (lambda x: x * 1e6, "the probe from"),
        (lambda _: ["a dog", "a cat"], "holds words"),
        (lambda _: [[1], [2, 3]], "rows of different lengths"),
        (lambda x: x + 1j, "complex"),
        (lambda x: {"imge": x}, r"no input 'imge'. Did you mean"),
        (lambda _: None, "holds words or objects"),
        (lambda _: 3, r"shape \(\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_in_a_sentence(run, x, changed, said):
    net = network_at(run, step=5)
    with pytest.raises(SpecError, match=said):
        net(changed(x))


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda n, x: n.activations(x, ["cnv1"]), LayerNotFoundError, "Did you mean 'conv1'"),
        (lambda n, x: n.gradient(x), ArgumentError, "Give a target"),
        (lambda n, x: n.gradient(x, 44), ArgumentError, "no target 44 .* 0 to"),
        (lambda n, x: n.gradient(x, -1), ArgumentError, "no target -1"),
        (lambda n, x: n.gradient(x, "dgo"), ArgumentError, "no class 'dgo'"),
        (lambda n, x: n.gradient(x, (0, 0)), ArgumentError, "has 2 numbers"),
        (lambda n, x: n.gradient(x, np.zeros(3, int)), ArgumentError, "one for each of 6"),
        (lambda n, x: n.gradient(x, 0, of="odds"), ArgumentError, "of is .*; not 'odds'"),
        (lambda n, x: n.gradient(x, 0, wrt="softmax"), SpecError, "does not depend on softmax"),
        (lambda n, x: n.gradient(x, 0, wrt="cnv1"), LayerNotFoundError, "'conv1'"),
        (lambda n, x: n.gradient(x, 0, output="logits"), ArgumentError, "no output 'logits'"),
        (lambda n, _: n.without("conv1", [99]), ArgumentError, "no unit 99: 0 to"),
        (lambda n, _: n.without("conv1", [-1]), ArgumentError, "no unit -1"),
        (lambda n, _: n.without("conv1", []), ArgumentError, "whole numbers"),
        (lambda n, _: n.without("conv1", [0], "median"), ArgumentError, "'median'"),
        (lambda n, _: n.without("conv1", [0], 1e39), ArgumentError, "or a number, not 1e"),
        (lambda n, _: n.without("softmax", [0]), SpecError, "the network's answer"),
        (lambda n, x: n.saliency(x, 0, "gradcam"), ArgumentError, "Did you mean 'grad_cam'"),
        (lambda n, x: n.saliency(x, 0, "grad_cam", "dense"), SpecError, "has no places"),
        (lambda n, x: n.saliency(x, 0, patch=3), ArgumentError, "has no option 'patch'"),
        (lambda n, x: n.saliency(x, 0, "occlusion", patch=99), ArgumentError, "patch is a size"),
        (lambda n, _: n.tokens("a dog"), SpecError, "no vocabulary"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_near_name(run, x, ask, error, said):
    net = network_at(run, step=5)
    with pytest.raises(error, match=said):
        ask(net, x)


def test_weights_left_out_are_refused(tmp_path):
    from store.tools.crop import Cut, crop

    whole = write_run(tmp_path / "run.zarr", repeatable(), steps=STEPS)
    crop(whole, tmp_path / "cut.zarr", Cut(layers=["dense"]))
    with pytest.raises(ArrayNotRecordedError, match="weights of conv1 are not in the run"):
        network_at(tmp_path / "cut.zarr", step=5)


def test_float16_weights_are_said(tmp_path, any_answer):
    spec = repeatable()
    layers = tuple(
        dataclasses.replace(
            layer,
            weights=tuple(dataclasses.replace(w, dtype="float16") for w in layer.weights),
        )
        for layer in spec.layers
    )
    spec = dataclasses.replace(spec, layers=layers)
    net = network_at(write_run(tmp_path / "run.zarr", spec, steps=STEPS), step=5)
    assert "recorded as float16" in net.why


@pytest.mark.parametrize(
    ("method", "option", "said"),
    [
        ("integrated_gradients", {"samples": 0}, "samples is a whole number from 1 to 4096"),
        ("integrated_gradients", {"samples": 10**9}, "samples is a whole number from 1 to 4096"),
        ("integrated_gradients", {"sample": 9}, "Did you mean 'samples'"),
        ("integrated_gradients", {"baseline": "black"}, "baseline is a number, or numbers in"),
        ("integrated_gradients", {"baseline": np.zeros(3)}, "in the shape of one example"),
        ("integrated_gradients", {"baseline": np.nan}, "baseline is a number"),
        ("smoothgrad", {"noise": np.nan}, "noise is a share, 0 or more, not nan"),
        ("smoothgrad", {"noise": -1}, "noise is a share"),
        ("smoothgrad", {"seed": 0.5}, "seed is a whole number"),
        ("occlusion", {"patch": 0}, "patch is a size for each of the places"),
        ("occlusion", {"patch": 2.5}, "patch is a size for each of the places"),
        ("occlusion", {"stride": [1]}, "stride is a size for each of the places"),
        ("occlusion", {"value": "black"}, "value is a number, not 'black'"),
        ("grad_cam", {"samples": 9}, "It has none"),
    ],
)
def test_options_of_a_method_are_checked_before_anything_is_computed(run, x, method, option, said):
    with pytest.raises(ArgumentError, match=said):
        network_at(run, step=5).saliency(x, 0, method, **option)


def test_many_examples_are_computed_some_at_a_time(run, x, monkeypatch):
    net, whole = network_at(run, step=5), {}
    asks = {
        "answers": lambda: net(x),
        "maps": lambda: net.activations(x, "conv1")["conv1"],
        "gradients": lambda: net.gradient(x, np.arange(len(x)) % 3),
        "covered": lambda: net.saliency(x, 0, "occlusion"),
        "logits": lambda: net.saliency(x, 0, "gradient", layer="conv1"),
    }
    whole = {name: ask() for name, ask in asks.items()}
    monkeypatch.setattr("explorer.at_step.numpy_engine.BLOCK_BYTES", 1)
    monkeypatch.setattr("explorer.derived.network.saliency.COPY_BYTES", 1)
    for name, ask in asks.items():
        np.testing.assert_allclose(ask(), whole[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_range_of_any_length_is_an_average_of_what_was_recorded(run):
    assert network_at(run, steps=range(10**15)).steps == STEPS
    assert network_at(run, steps=range(10, -1, -5)).steps == (0, 5, 10)
    with pytest.raises(StepNotRecordedError, match=r"Of the steps 11 to 20 none"):
        network_at(run, steps=range(20, 10, -1))


def test_an_average_is_of_the_recorded_steps(run, x):
    steps = [1, 2, 5]
    kernels = [run.weights("dense", "kernel").sel(step=step).values for step in steps]
    net = network_at(run, steps=range(1, 9))
    assert net.steps == (1, 2, 5)
    assert "the mean of 3 recorded steps, 1 to 5" in net.why
    np.testing.assert_allclose(net._held.weights["dense"]["kernel"], np.mean(kernels, 0), rtol=1e-5)
    ema = network_at(run, steps=steps, average="ema", decay=0.5)
    # A step of three updates moves the average by 1 - 0.5 ** 3.
    moved = 0.125 * (0.5 * kernels[0] + 0.5 * kernels[1]) + 0.875 * kernels[2]
    np.testing.assert_allclose(ema._held.weights["dense"]["kernel"], moved, rtol=1e-4, atol=1e-6)
    assert np.abs(net(x) - ema(x)).max() > 0


def test_texts_that_the_network_reads_itself_are_refused(run, x):
    net = network_at(run, step=5)
    (name, spec), *_ = net.input_specs.items()
    text = dataclasses.replace(spec, dtype="string")
    with pytest.raises(SpecError, match="is text, of which the network makes numbers itself"):
        checked(x, {name: text})


def test_narrower_floats_of_the_model_are_said(tmp_path, any_answer):
    spec = repeatable()
    policy = {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}
    layers = tuple(
        dataclasses.replace(layer, config={**layer.config, "dtype": policy})
        for layer in spec.layers
    )
    spec = dataclasses.replace(spec, layers=layers)
    net = network_at(write_run(tmp_path / "run.zarr", spec, steps=STEPS), step=5)
    assert "the model computed in mixed_float16" in net.why


def test_answers_other_than_recorded_are_not_numpys(tmp_path):
    path = write_run(tmp_path / "run.zarr", repeatable(), steps=STEPS)
    with pytest.raises(SpecError, match="is not what was recorded"):
        network_at(path, step=5, engine="numpy")


def test_without_keras_the_extra_is_named(tmp_path, monkeypatch):
    path = write_run(tmp_path / "run.zarr", repeatable(), steps=STEPS)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"is not what was recorded.*trainlapse\[record\]"):
        network_at(path, step=5)


def test_what_is_attributed_adds_up(run, x):
    net = network_at(run, step=5)
    found = net.saliency(x, 1, "integrated_gradients")
    before = network_at(run, step=5)
    softmax = (
        before.activations(x, ["dense"])["dense"],
        before.activations(0 * x, ["dense"])["dense"],
    )
    np.testing.assert_allclose(
        found.sum(axis=(1, 2, 3)), (softmax[0] - softmax[1])[:, 1], rtol=0.02, atol=0.02
    )


@pytest.mark.parametrize(
    ("method", "shape"),
    [
        ("gradient", (8, 8, 1)),
        ("gradient_x_input", (8, 8, 1)),
        ("smoothgrad", (8, 8, 1)),
        ("integrated_gradients", (8, 8, 1)),
        ("occlusion", (8, 8)),
    ],
)
def test_every_method_answers_for_each_example_by_itself(run, x, method, shape):
    net = network_at(run, step=5)
    targets = np.array([0, 1, 2, 0, 1, 2])
    found = net.saliency(x, targets, method)
    assert (found.shape, found.dtype) == ((6, *shape), np.float32)
    if method != "smoothgrad":
        np.testing.assert_allclose(
            found[4:5], net.saliency(x[4:5], 1, method), rtol=1e-4, atol=1e-6
        )


def test_occlusion_of_a_single_place_is_the_fall_of_the_answer(run, x):
    net = network_at(run, step=5)
    found = net.saliency(x[:1], 2, "occlusion", patch=1, stride=1, of="probability")
    covered = x[:1].copy()
    covered[0, 3, 4] = 0
    fall = net(x[:1])[0, 2] - net(covered)[0, 2]
    np.testing.assert_allclose(found[0, 3, 4], fall, atol=1e-6)


def test_grad_cam_weighs_units_by_their_mean_gradient(run, x):
    net = network_at(run, step=5)
    values = net.activations(x, ["conv1"])["conv1"]
    gradient = net.gradient(x, 2, wrt="conv1")
    expected = np.maximum(np.einsum("nyxu,nu->nyx", values, gradient.mean(axis=(1, 2))), 0)
    np.testing.assert_allclose(net.saliency(x, 2, "grad_cam"), expected, rtol=1e-4, atol=1e-6)


def test_the_difference_of_two_logits_is_why_this_and_not_that(run, x):
    net = network_at(run, step=5)
    difference = net.gradient(x, 2) - net.gradient(x, 0)
    np.testing.assert_allclose(net.gradient(x, 2, versus=0), difference, rtol=1e-4, atol=1e-6)


def test_edits_add_up_and_leave_the_network_alone(run, x):
    net = network_at(run, step=5)
    whole = net(x)
    twice = net.without("conv1", [0]).without("conv1", [2], 0.25)
    found = twice.activations(x, ["conv1"])["conv1"]
    assert (found[..., 0] == 0).all()
    assert (found[..., 2] == 0.25).all()
    np.testing.assert_array_equal(found[..., 1], net.activations(x)["conv1"][..., 1])
    np.testing.assert_array_equal(net(x), whole)
    assert (net.without("conv1").activations(x)["conv1"] == 0).all()
    with pytest.raises(SpecError, match="no part of a Keras model"):
        twice.keras_model()
    assert twice.at(10).activations(x)["conv1"][..., 0].max() == 0


def test_words_are_looked_up_in_the_recorded_vocabulary(tmp_path, any_answer):
    run = open_run(write_run(tmp_path / "run.zarr", text_run_spec(), steps=STEPS))
    net = network_at(run, step=5)
    vocabulary, length = run.probe.vocabulary, run.probe.inputs["input"].shape[1]
    words = [word for word in vocabulary if word and not word.startswith("[")][:2]
    found = net.tokens(" ".join(words))
    assert found.shape == (1, length)
    assert [vocabulary[number] for number in found[0] if number] == words
    with pytest.raises(SpecError, match=f"words, and the network reads {length}"):
        net.tokens(" ".join(words * length))
    with pytest.raises(SpecError, match="whole numbers, which have no gradient"):
        net.gradient(found, 0)
    with pytest.raises(SpecError, match="the embedding 'embedding' knows 0 to"):
        net(found + 10_000)

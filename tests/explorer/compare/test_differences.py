"""What is read from both runs, against the same worked out frame by frame."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from explorer.compare.differences import (
    Parting,
    answers_over_time,
    disputed,
    layers_seen,
    likeness_of_all,
    likeness_over_time,
    pairs_seen,
    pairs_weighed,
    parting,
    weights_over_time,
)
from explorer.compare.pair import RunPair
from explorer.compare.settings import differing_settings
from explorer.compare.views.summary import better
from explorer.compare.views.weights import listed, parted
from explorer.derived.pairs.divergence import FIRST_RIGHT, SECOND_RIGHT, Divergence
from explorer.derived.units.similarity import linear_cka
from store.testing import image_run_spec
from tests.explorer.compare.conftest import LONG, SHORT
from tests.explorer.conftest import with_probe


def test_likeness_is_the_cka_of_the_frames_on_screen(pair):
    alignment = pair.align("epoch")
    found = likeness_of_all(pair, alignment, "epoch")
    ours, theirs = layers_seen(pair.first), layers_seen(pair.second)
    assert "image" not in ours
    assert found.values.shape == (len(alignment), len(ours), len(theirs))
    for at, (i, a), (j, b) in itertools.product(
        (0, 3, len(alignment) - 1), enumerate(ours), enumerate(theirs)
    ):
        expected = linear_cka(
            pair.first.activations(a, int(alignment.first[at])),
            pair.second.activations(b, int(alignment.second[at])),
            unbiased=True,
        )
        np.testing.assert_allclose(found.values[at, i, j], expected, atol=1e-5)
    over_time = likeness_over_time(pair, alignment, "epoch")
    for column, (a, b) in enumerate(pairs_seen(pair)):
        matrix = found.values[over_time.positions, ours.index(a), theirs.index(b)]
        np.testing.assert_allclose(over_time.values[:, column], matrix, atol=1e-5)


def test_the_cka_by_chance_is_that_of_shuffled_probes(pair):
    alignment = pair.align("epoch")
    found = likeness_of_all(pair, alignment, "epoch")
    random = np.random.default_rng(1)
    last = int(alignment.first[-1]), int(alignment.second[-1])
    ours = [pair.first.activations(name, last[0]) for name in layers_seen(pair.first)]
    theirs = [pair.second.activations(name, last[1]) for name in layers_seen(pair.second)]
    by_chance = [
        linear_cka(one, other[random.permutation(len(other))], unbiased=True)
        for one, other in itertools.product(ours, theirs)
        for _ in range(20)
    ]
    expected = np.nanquantile(by_chance, [0.9, 0.98])
    assert expected[0] < found.chance < expected[1]


def test_only_shared_probes_count(recorded, image_data):
    probe = image_run_spec().probe
    images = next(iter(probe.inputs.values()))
    fewer = with_probe(inputs={"input": images.copy()})
    inputs = fewer.probe.inputs["input"]
    inputs[4] += 1  # one is another image
    pair = RunPair(image_data, recorded(fewer, steps=(0, 1)))
    assert pair.probes.first.tolist() == [0, 1, 2, 3, 5]
    alignment = pair.align("step")
    found = likeness_of_all(pair, alignment, "step")
    # The same frames of the same names at step 0: those of the shared probes are equal.
    np.testing.assert_allclose(np.diag(found.values[0]), 1, atol=1e-5)


def test_weights_are_as_far_apart_as_their_norms_say(pair):
    alignment = pair.align("step")
    found = weights_over_time(pair, alignment, "step")
    assert pairs_weighed(pair) == [("conv1", "first"), ("dense", "last")]
    for at, (column, (a, b)) in itertools.product(
        (0, 2, len(alignment) - 1), enumerate(pairs_weighed(pair))
    ):
        sides = [
            np.concatenate([w.ravel() for w in data.weights(layer, int(index)).values()])
            for data, layer, index in (
                (pair.first, a, alignment.first[at]),
                (pair.second, b, alignment.second[at]),
            )
        ]
        apart = np.linalg.norm(sides[0] - sides[1])
        size = (np.linalg.norm(sides[0]) + np.linalg.norm(sides[1])) / 2
        np.testing.assert_allclose(found.values[at, column], apart / size, rtol=1e-5)


def test_where_runs_part_is_said(recorded, pair):
    names = ["conv1", "dense"]
    never = RunPair(recorded(steps=LONG), recorded(steps=SHORT))
    assert parting(never).steps.tolist() == [0, 2]
    assert "never part: at all 2 steps" in parted(parting(never), names)
    assert "every layer differs at step 0 already" in parted(parting(pair), names)
    none = RunPair(recorded(steps=(1, 3)), recorded(steps=(2, 4)))
    assert "no step in common" in parted(parting(none), names)


def test_a_run_that_parts_later_is_found_at_its_step_and_layer(recorded, monkeypatch):
    pair = RunPair(recorded(steps=LONG), recorded(steps=LONG))
    read = pair.second.weight

    def changed(layer, weight, index):
        values = read(layer, weight, index)
        return values + 0.01 if layer == "dense" and index >= 3 else values

    monkeypatch.setattr(pair.second, "weight", changed)
    said = parted(parting(pair), ["conv1", "dense"])
    assert "part between steps 2 and 5, first in dense" in said


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ([0, -1, 5], "b and c begin alike, but a differs at step 0 already"),
        ([0, 0, 5], "c begins alike, but a and b differ at step 0 already"),
        ([0, 0, 0], "do not share their initialization: every layer differs"),
    ],
)
def test_layers_that_share_their_initialization_are_named(since, said):
    found = Divergence("no shared initialization", None, None, np.array(since), 1e-5)
    assert said in parted(Parting(found, np.array([0, 1])), ["a", "b", "c"])


def test_of_many_layers_the_first_are_named():
    assert listed(list("abcd")) == "a, b, c and d"
    assert listed(list("abcde")) == "5 layers (a, b, c, d ...)"
    assert listed(["a"]) == "a"


def test_answers_are_compared_probe_by_probe(pair):
    alignment = pair.align("step")
    positions, found = answers_over_time(pair.examples, alignment)
    for k, at in enumerate(positions):
        p = pair.first.run.read("layers/softmax/activation", (int(alignment.first[at]),))
        q = pair.second.run.read("layers/softmax/activation", (int(alignment.second[at]),))
        np.testing.assert_allclose(
            found.total_variation[k], np.abs(p - q).sum(axis=-1).mean() / 2, atol=1e-6
        )
        agree = (p.argmax(axis=-1) == q.argmax(axis=-1)).mean()
        np.testing.assert_allclose(found.agreement[k], agree)


def test_disputes_are_those_of_the_predictions(pair):
    alignment = pair.align("step")
    found = disputed(pair.examples, alignment)
    labels = pair.first.class_labels
    for at in range(len(alignment)):
        p = pair.first.run.read("layers/softmax/activation", (int(alignment.first[at]),))
        q = pair.second.run.read("layers/softmax/activation", (int(alignment.second[at]),))
        right, other = (values.argmax(axis=-1) == labels for values in (p, q))
        np.testing.assert_array_equal(found.kind[at] == FIRST_RIGHT, right & ~other)
        np.testing.assert_array_equal(found.kind[at] == SECOND_RIGHT, other & ~right)


def test_without_labels_there_is_no_dispute(recorded, image_data):
    pair = RunPair(image_data, recorded(with_probe(labels=None), steps=(0, 1)))
    assert disputed(pair.examples, pair.align("step")) is None


def test_settings_that_differ_are_listed_and_the_others_counted(recorded, tmp_path):
    from dataclasses import replace

    spec = image_run_spec()
    first = replace(spec, optimizer={"class": "SGD", "learning_rate": 0.1, "momentum": 0.9})
    layers = tuple(
        replace(layer, config={**layer.config, "padding": "valid"})
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    )
    second = replace(spec, layers=layers, optimizer={"class": "Adam", "learning_rate": 0.1}, seed=7)
    rows, same = differing_settings(RunPair(recorded(first), recorded(second)))
    texts = [row for row in rows if isinstance(row, tuple)]
    assert ("class", "SGD", "Adam") in texts
    assert ("momentum", "0.9", "-") in texts
    assert ("conv1: padding", "same", "valid") in texts
    assert any(row[0] == "seed" and row[2] == "7" for row in texts)
    assert not any(row[0] == "learning rate" for row in texts)
    assert same > 10
    equal, _ = differing_settings(RunPair(recorded(first), recorded(first)))
    assert equal == []


@pytest.mark.parametrize(
    ("name", "values", "side"),
    [
        ("loss", (1.0, 2.0), 0),
        ("val_accuracy", (0.5, 0.6), 1),
        ("loss", (1.0, 1.0), None),
        ("loss", (np.nan, 1.0), None),
    ],
)
def test_the_better_value_is_the_lower_loss_and_the_higher_accuracy(name, values, side):
    assert better(name, *values) == side

"""Outputs that are no classes, or of which no classes are known, are compared between two runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import panel as pn
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import cohen_kappa_score

from explorer.compare.differences import outputs_over_time
from explorer.compare.pair import RunPair
from explorer.compare.session import Comparison
from explorer.compare.views.answers import AnswersApart, Disputed
from explorer.compare.views.outputs import OutputsApart
from explorer.compare.views.similarity import AllWithAll
from explorer.compare.views.similarity import OverTime as SimilarityOverTime
from explorer.data.absence import Lack, Nothing, Unfit
from explorer.derived.pairs.difference import output_distance
from store.format.spec import EvaluationSpec, PredictionSpec
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.compare.test_common_examples import INPUTS, scene_of, spec_with
from tests.explorer.conftest import without_probe
from tests.explorer.drawing import drawn_by

COUNT, STEPS = 40, (0, 2, 5)


@pytest.fixture
def pair_of(recorded):
    def make(first, second):
        return RunPair(recorded(first, steps=STEPS), recorded(second, steps=STEPS))

    return make


def maps_spec(name="a", *, order=None, shape=(8, 8, 3), probe=True):
    """Describe a network that gives maps, with an evaluation set that has no labels."""
    order = np.arange(COUNT) if order is None else np.asarray(order)
    dims = ("example", "y", "x", "unit")
    prediction = PredictionSpec("prediction", "conv1", dims, (len(order), *shape), "float32")
    evaluation = EvaluationSpec(
        (prediction,),
        len(order),
        kind="image",
        inputs={"input": INPUTS[order]},
        input_dims={"input": ("example", "y", "x", "channel")},
    )
    spec = dataclasses.replace(image_run_spec(name), outputs=("conv1",), evaluations=(evaluation,))
    return spec if probe else without_probe(spec)


def test_the_distance_is_that_for_the_same_inputs_over_that_for_others():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(30, 4, 5))
    b = a + 0.5 * rng.normal(size=a.shape)
    found = output_distance(a, b)
    apart = cdist(a.reshape(30, -1), b.reshape(30, -1), "sqeuclidean")
    others = apart[~np.eye(30, dtype=bool)].mean()
    assert found.distance == pytest.approx(np.sqrt(np.diag(apart).mean() / others))
    mixed = [np.diag(apart[:, rng.permutation(30)]).mean() for _ in range(2000)]
    assert found.by_chance == pytest.approx(np.sqrt(np.quantile(mixed, 0.05) / others), abs=0.02)
    assert output_distance(a, a).distance == pytest.approx(0, abs=1e-6)


def test_outputs_that_have_nothing_in_common_are_at_one():
    rng = np.random.default_rng(1)
    found = [output_distance(*rng.normal(size=(2, 40, 6)), seed=at) for at in range(60)]
    assert np.mean([one.distance for one in found]) == pytest.approx(1, abs=0.02)
    below = np.mean([one.distance < one.by_chance for one in found])
    assert 0 <= below < 0.2


def test_rows_agree_as_kappa_says_and_padding_does_not_count():
    rng = np.random.default_rng(2)
    p, q = rng.dirichlet([0.5, 1, 2], size=(2, 12, 7))
    is_text = np.arange(7) < rng.integers(2, 7, size=12)[:, None]
    p[~is_text] = q[~is_text] = [1, 0, 0]
    found = output_distance(p, q, is_text)
    said = p[is_text].argmax(axis=-1), q[is_text].argmax(axis=-1)
    assert found.agreement == pytest.approx(np.mean(said[0] == said[1]))
    base = found.agreement_by_chance
    assert (found.agreement - base) / (1 - base) == pytest.approx(cohen_kappa_score(*said))
    q[~is_text] = [0, 0, 9]
    assert output_distance(p, q, is_text).distance == pytest.approx(found.distance)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_examples_that_are_no_numbers_do_not_count(broken):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 9, 4))
    whole = output_distance(a[1:], b[1:])
    a[0, 2] = broken
    assert output_distance(a, b) == pytest.approx(whole)
    assert np.isnan(output_distance(a[:2], b[:2]).distance)
    assert np.isnan(output_distance(a[:0], b[:0]).agreement)


def test_maps_are_compared_on_the_set_that_both_hold(pair_of):
    order = np.random.default_rng(1).permutation(COUNT)[:30]
    pair = pair_of(maps_spec("a"), maps_spec("b", order=order))
    assert pair.examples is None
    assert pair.outputs.described == "30 held-out examples that both runs hold"
    alignment = pair.align("step")
    positions, found = outputs_over_time(pair.outputs, alignment)
    for k, at in enumerate(positions):
        a = pair.first.run.read("evaluation/prediction", (int(alignment.first[at]),))
        b = pair.second.run.read("evaluation/prediction", (int(alignment.second[at]),))
        apart = cdist(a[np.sort(order)].reshape(30, -1), b.reshape(30, -1)[np.argsort(order)])
        squares = apart**2
        others = squares[~np.eye(30, dtype=bool)].mean()
        expected = np.sqrt(np.diag(squares).mean() / others)
        assert found.distance[k] == pytest.approx(expected, rel=1e-5)


def test_the_card_says_of_what_and_what_chance_gives(pair_of):
    comparison = Comparison(pair_of(maps_spec("a"), maps_spec("b")))
    view, scene = OutputsApart(comparison), scene_of(comparison)
    assert view.requirement(scene) is None
    assert isinstance(drawn_by(view, scene), pn.viewable.Viewable)
    caption = view.caption(scene)
    assert "40 held-out examples that both runs hold" in caption
    assert "what 5 % of pairings with other inputs fall below" in caption
    assert "Agreement" not in caption, "numbers are no choice"
    for other in (AnswersApart, Disputed):
        assert isinstance(other(comparison).requirement(scene), Unfit), "there is one card of it"


def test_without_a_common_set_the_shared_probes_do(pair_of):
    spec = dataclasses.replace(maps_spec("a"), evaluations=())
    pair = pair_of(spec, maps_spec("b"))
    assert pair.outputs.described == "6 shared probes"


def test_without_probes_the_set_is_compared_all_the_same(pair_of):
    comparison = Comparison(pair_of(maps_spec("a", probe=False), maps_spec("b", probe=False)))
    scene = scene_of(comparison)
    assert OutputsApart(comparison).requirement(scene) is None
    assert isinstance(AnswersApart(comparison).requirement(scene), Unfit)


def test_outputs_of_two_shapes_are_said_to_have_no_distance(pair_of):
    comparison = Comparison(pair_of(maps_spec("a"), maps_spec("b", shape=(8, 8, 2))))
    said = OutputsApart(comparison).requirement(scene_of(comparison))
    assert isinstance(said, Nothing)
    assert "A gives an output of shape (8, 8, 3) and B one of shape (8, 8, 2)" in said


def test_runs_that_share_nothing_say_what_to_record(pair_of):
    spec = dataclasses.replace(maps_spec("b", probe=False), evaluations=())
    comparison = Comparison(pair_of(maps_spec("a"), spec))
    assert isinstance(OutputsApart(comparison).requirement(scene_of(comparison)), Lack)


def test_of_large_outputs_fewer_examples_are_taken(pair_of, monkeypatch):
    monkeypatch.setattr("explorer.compare.outputs.MOST_VALUES", 10 * 8 * 8 * 3)
    pair = pair_of(maps_spec("a"), maps_spec("b"))
    assert len(pair.outputs) == 10
    assert pair.outputs.numbers[0][[0, -1]].tolist() == [0, 39]


def test_answers_of_classifiers_are_compared_without_labels(pair_of):
    pair = pair_of(spec_with("a", labels=None), spec_with("b", labels=None))
    found = pair.examples
    assert (found.source, found.known_by, len(found)) == ("evaluation", "inputs", COUNT)
    comparison, scene = Comparison(pair), None
    scene = scene_of(comparison)
    assert AnswersApart(comparison).requirement(scene) is None
    assert isinstance(Disputed(comparison).requirement(scene), Lack), "nobody knows who is right"
    assert isinstance(OutputsApart(comparison).requirement(scene), Unfit)
    alone = spec_with("b", labels=None, inputs=False)
    assert pair_of(spec_with("a", labels=None, inputs=False), alone).examples.source == "probe"
    digest = {"labels": None, "inputs": False, "digest": "abc"}
    known = pair_of(spec_with("a", **digest), spec_with("b", **digest)).examples
    assert (known.source, known.known_by) == ("evaluation", "inputs")


def test_what_two_language_models_expect_is_a_choice_at_each_word(pair_of, monkeypatch):
    """A row of shares for each token, of which those of padding do not count."""
    spec = text_run_spec()
    tokens = spec.probe.inputs[next(iter(spec.probe.inputs))]
    layers = tuple(
        dataclasses.replace(
            one,
            output_dims=("probe", "token", "unit"),
            output_shape=(*tokens.shape, 4),
            weights=(),
            config={**one.config, "activation": "softmax"},
        )
        if one.name == spec.outputs[0]
        else one
        for one in spec.layers
    )
    spec = dataclasses.replace(spec, layers=layers)
    pair = pair_of(spec, dataclasses.replace(spec, name="b"))
    assert pair.examples is None
    assert pair.outputs.are_choices
    np.testing.assert_array_equal(pair.outputs.in_text(), tokens != 0)
    comparison = Comparison(pair)
    caption = OutputsApart(comparison).caption(scene_of(comparison))
    assert "Agreement: share of the places" in caption
    assert "Padding does not count" in caption
    assert frames_at(spec, 0)


@pytest.mark.parametrize("view", [AllWithAll, SimilarityOverTime])
def test_cka_says_that_texts_count_with_their_padding(pair_of, view):
    def caption(first, second):
        comparison = Comparison(pair_of(first, second))
        return view(comparison).caption(scene_of(comparison))

    texts = caption(text_run_spec("a"), text_run_spec("b"))
    assert "at every position, those of padding too" in texts
    assert "padding" not in caption(image_run_spec("a"), image_run_spec("b"))

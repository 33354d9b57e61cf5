"""By which examples two runs are compared: the same evaluation set before the probes."""

from __future__ import annotations

import dataclasses

import numpy as np
import panel as pn
import pytest
import xarray as xr
from sklearn.metrics import cohen_kappa_score

from explorer.compare.differences import answers_over_time, disputed
from explorer.compare.pair import RunPair
from explorer.compare.session import Comparison
from explorer.compare.views.answers import AnswersApart, Disputed
from explorer.compare.views.summary import Summary, surely_better
from explorer.derived.pairs.difference import paired_difference, prediction_distance
from explorer.derived.pairs.divergence import FIRST_RIGHT
from explorer.plots import style
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.widgets.charts.step_table import StepTable
from store.format.spec import EvaluationSpec, PredictionSpec
from store.testing import frames_at, image_run_spec
from tests.explorer.drawing import drawn_by, payload_of

COUNT, NAMES = 40, ["ant", "bee", "cat", "dog"]
LABELS = np.arange(COUNT) % 4
INPUTS = np.random.default_rng(0).random((COUNT, 8, 8, 1)).astype(np.float32)
STEPS = (0, 2, 5)


def spec_with(
    name="a", *, order=None, inputs=True, labels=LABELS, role="held_out", names=NAMES, digest=""
):
    """Describe a run with an evaluation set, in an order of its own."""
    order = np.arange(COUNT) if order is None else np.asarray(order)
    prediction = PredictionSpec(
        "prediction", "softmax", ("example", "unit"), (len(order), 4), "float32"
    )
    own = None if labels is None else labels[order]
    evaluation = EvaluationSpec((prediction,), len(order), own, names, digest, role)
    if inputs:
        evaluation = dataclasses.replace(
            evaluation,
            kind="image",
            inputs={"input": INPUTS[order]},
            input_dims={"input": ("example", "y", "x", "channel")},
        )
    return dataclasses.replace(image_run_spec(name), evaluations=(evaluation,))


def scene_of(comparison):
    return Scene(
        comparison.pair.first, SelectionKey("conv1", 0, "step"), style.ClockIndex(0, "pair")
    )


@pytest.fixture
def pair_of(recorded):
    def make(first, second):
        return RunPair(recorded(first, steps=STEPS), recorded(second, steps=STEPS))

    return make


def test_the_same_set_in_another_order_is_put_together_by_its_inputs(pair_of):
    order = np.random.default_rng(1).permutation(COUNT)[:30]
    found = pair_of(spec_with("a"), spec_with("b", order=order)).examples
    assert (found.source, found.known_by, len(found)) == ("evaluation", "inputs", 30)
    assert (order[found.numbers[1]] == found.numbers[0]).all()
    assert found.described == "30 held-out examples that both runs hold (equal inputs)"


def test_without_inputs_all_labels_must_be_equal(pair_of):
    same = pair_of(spec_with("a"), spec_with("b", inputs=False)).examples
    assert (same.source, same.known_by, len(same)) == ("evaluation", "labels", COUNT)
    other = spec_with("b", inputs=False, order=np.roll(np.arange(COUNT), 1))
    assert pair_of(spec_with("a"), other).examples.source == "probe"


def test_without_inputs_their_digests_tell_more_than_labels(pair_of):
    one = spec_with("a", inputs=False, digest="abc")
    same = pair_of(one, spec_with("b", inputs=False, digest="abc")).examples
    assert (same.source, same.known_by) == ("evaluation", "inputs")
    assert pair_of(one, spec_with("b", inputs=False, digest="xyz")).examples.source == "probe"


@pytest.mark.parametrize(
    "other",
    [
        spec_with("b", names=NAMES[::-1]),
        spec_with("b", labels=(LABELS + 1) % 4),
        spec_with("b", role="train"),
        image_run_spec("b"),
        spec_with("b", order=range(3)),
    ],
    ids=["classes", "labels", "role", "none", "fewer than the probes"],
)
def test_else_it_is_the_shared_probes(pair_of, other):
    found = pair_of(spec_with("a"), other).examples
    assert found.source == "probe"
    assert found.described == "6 shared probes"


def test_training_examples_of_both_come_before_the_probes(pair_of):
    found = pair_of(spec_with("a", role="train"), spec_with("b", role="train")).examples
    assert found.described.startswith("40 training examples")


def test_answers_are_compared_on_the_set(pair_of):
    order = np.random.default_rng(1).permutation(COUNT)
    pair = pair_of(spec_with("a"), spec_with("b", order=order))
    alignment = pair.align("step")
    positions, found = answers_over_time(pair.examples, alignment)
    disputes = disputed(pair.examples, alignment)
    for k, at in enumerate(positions):
        p = pair.first.run.read("evaluation/prediction", (int(alignment.first[at]),))
        q = pair.second.run.read("evaluation/prediction", (int(alignment.second[at]),))
        q = q[np.argsort(order)]
        agree = p.argmax(axis=-1) == q.argmax(axis=-1)
        np.testing.assert_allclose(found.agreement[k], agree.mean())
        only_a = (p.argmax(axis=-1) == LABELS) & (q.argmax(axis=-1) != LABELS)
        np.testing.assert_array_equal(disputes.kind[at] == FIRST_RIGHT, only_a)


def test_agreement_by_chance_is_the_base_of_kappa():
    rng = np.random.default_rng(3)
    p, q = rng.dirichlet([0.5, 1, 2], size=(2, 1, 60))
    found = prediction_distance(p, q)
    kappa = cohen_kappa_score(p[0].argmax(axis=-1), q[0].argmax(axis=-1))
    base = found.by_chance[0]
    assert (found.agreement[0] - base) / (1 - base) == pytest.approx(kappa)


def test_networks_that_say_one_class_for_everything_agree_by_chance_alone():
    always = np.tile([0.9, 0.1], (1, 5, 1))
    assert prediction_distance(always, always).by_chance == 1
    assert prediction_distance(always, always[..., ::-1]).by_chance == 0
    assert np.isnan(prediction_distance(always * np.nan, always).by_chance).all()


def test_captions_name_the_set_and_the_agreement_by_chance(pair_of):
    comparison = Comparison(pair_of(spec_with("a"), spec_with("b")))
    scene = scene_of(comparison)
    caption = AnswersApart(comparison).caption(scene)
    assert "40 held-out examples that both runs hold (equal inputs)" in caption
    assert "40 held-out" in Disputed(comparison).caption(scene)


def test_examples_in_dispute_are_rows_that_choose_nothing_on_the_page(pair_of, monkeypatch):
    def apart(spec, step):
        right = np.eye(4, dtype=np.float32)[LABELS if spec.name == "a" else (LABELS + 1) % 4]
        return {**frames_at(spec, step), "evaluation/prediction": right}

    monkeypatch.setattr("store.testing.runs.frames_at", apart)
    comparison = Comparison(pair_of(spec_with("a"), spec_with("b")))
    (table,) = drawn_by(Disputed(comparison), scene_of(comparison)).select(StepTable)
    payload = payload_of(table, 0)
    assert len(payload["rows"]) == COUNT
    assert payload["rows"][1] == ["1", "bee", "bee", "cat", "A", "0"]
    assert payload["chooses"][1] == {}


@pytest.mark.slow
def test_the_summary_is_of_the_held_out_examples_first(pair_of, monkeypatch):
    def apart(spec, step):
        wrong = 4 if spec.name == "a" else 20
        said = np.where(np.arange(COUNT) < wrong, (LABELS + 1) % 4, LABELS)
        p = np.full((COUNT, 4), 0.1) + 0.6 * np.eye(4)[said]
        return {**frames_at(spec, step), "evaluation/prediction": p.astype(np.float32)}

    monkeypatch.setattr("store.testing.runs.frames_at", apart)
    comparison = Comparison(pair_of(spec_with("a"), spec_with("b")))
    view = Summary(comparison)
    accuracy, loss, *logged = view.compute(scene_of(comparison))
    assert accuracy.name == "accuracy (40 held-out examples, the same in both)"
    assert accuracy.texts == ("0.9 ± 0.048, n 40 (best 0.9)", "0.5 ± 0.08, n 40 (best 0.5)")
    assert accuracy.better == 0
    expected = -(36 * np.log(0.7) + 4 * np.log(0.1)) / 40
    assert loss.texts[0].startswith(f"{expected:.4g} ±")
    assert loss.better == 0
    # What was logged while training is told, and decides nothing.
    assert {one.better for one in logged} == {None}
    assert any(one.name == "loss (while training)" for one in logged)
    assert isinstance(drawn_by(view, scene_of(comparison)), pn.pane.HTML)
    assert "the same held-out examples" in view.caption(scene_of(comparison))


@pytest.mark.slow
def test_other_examples_are_not_judged_by(pair_of):
    other = spec_with("b", labels=(LABELS + 1) % 4)
    comparison = Comparison(pair_of(spec_with("a"), other))
    found = Summary(comparison).compute(scene_of(comparison))
    assert found[0].name == "accuracy (held-out examples of each run, not the same)"
    assert found[0].better is None


def test_a_difference_within_its_error_is_none():
    rng = np.random.default_rng(0)
    first = rng.random(200)
    apart, error = paired_difference(first, first + 0.1)
    assert apart == pytest.approx(0.1)
    assert error == pytest.approx(0, abs=1e-12)
    assert surely_better(first, first + 0.1, more=True) == 1
    assert surely_better(first, first + 0.1, more=False) == 0
    assert surely_better(first, rng.permutation(first), more=True) is None
    assert surely_better(np.zeros(5), np.zeros(5), more=True) is None
    assert np.isnan(paired_difference(np.full(3, np.nan), first[:3])).all()


@pytest.mark.slow
def test_the_best_value_of_a_curve_is_never_behind_its_last(pair_of):
    comparison = Comparison(pair_of(spec_with("a"), spec_with("b")))
    rising = np.arange(100.0)
    for data in (comparison.pair.first, comparison.pair.second):
        data.metrics = xr.Dataset(
            {"accuracy": ("update", rising), "loss": ("update", rising[::-1])},
            {"update": np.arange(1, 101)},
        )
    found = {one.name: one.texts[0] for one in Summary(comparison).compute(scene_of(comparison))}
    for name in ("accuracy (while training)", "loss (while training)"):
        last, best = found[name].removesuffix(")").split(" (best ")
        assert last == best, "they grow better all the time"

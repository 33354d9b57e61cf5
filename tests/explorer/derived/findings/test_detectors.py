"""Detectors, each on numbers that can be worked out by hand; and the judge over them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from explorer.derived.findings import (
    amounts,
    classes,
    course,
    ends,
    held_back,
    initialization,
    inputs,
    step_size,
)
from explorer.derived.findings.detectors import observe
from explorer.derived.findings.facts import Answers, Facts, Inputs, LayerFacts, Series, Start
from explorer.derived.findings.finding import Finding
from explorer.derived.findings.judge import judge, weigh
from explorer.derived.findings.observation import SUSPECTS, Observation
from explorer.derived.findings.weights import BIASES, CANDIDATES, WEIGHTS


def facts(**known: Any) -> Facts:
    given = {"steps": np.array([0, 100]), "looks": np.array([0, 1]), "updates": 100, "epochs": 10.0}
    return Facts(**given | known)  # type: ignore[arg-type]


def losses(values: Any) -> Series:
    return Series(np.arange(1, len(values) + 1), np.asarray(values, np.float64))


def dense(name: str = "dense", **known: Any) -> LayerFacts:
    given: dict[str, Any] = {"class_name": "Dense", "kind": "dense", "function": "relu"}
    given |= {"config": {}, "has_weights": True, "units": 8, "parameters": 80}
    return LayerFacts(name=name, **given | known)


def output(function: str, units: int = 10) -> dict[str, LayerFacts]:
    return {"out": dense("out", function=function, units=units, is_output=True)}


def strength(found: list[Observation], kind: str) -> float:
    return max((each.strength for each in found if each.kind == kind), default=0.0)


def test_a_rising_loss_diverges_and_a_falling_one_does_not() -> None:
    rising, falling = losses(np.linspace(1, 5, 50)), losses(np.linspace(5, 1, 50))
    assert strength(course.diverging(facts(loss=rising)), "diverging") == 1
    assert strength(course.diverging(facts(loss=falling)), "diverging") == 0


def test_a_flat_loss_stalls_whatever_regularizers_add() -> None:
    flat = losses(np.full(100, 2.3))
    shrinking = losses(2.3 + np.linspace(10, 0, 100))
    held = {"dense": dense(penalty=np.array([10.0, 0.0]))}
    assert strength(course.stalled(facts(loss=flat)), "stalled") == 1
    assert strength(course.stalled(facts(loss=shrinking, layers=held)), "stalled") > 0.8
    assert strength(course.stalled(facts(loss=shrinking)), "stalled") == 0


def test_a_loss_near_zero_that_halves_on_is_not_unfinished() -> None:
    cut_off = losses(np.linspace(2.3, 1.0, 100))
    done = losses(2.3 * np.exp(-np.linspace(0, 12, 100)))
    assert strength(course.unfinished(facts(loss=cut_off)), "unfinished") > 0.5
    assert strength(course.unfinished(facts(loss=done)), "unfinished") == 0


@pytest.mark.parametrize(
    ("family", "logits", "function", "units", "task", "kind"),
    [
        ("one class", True, "softmax", 10, "classes", "misfit_logits"),
        ("one class", False, "linear", 10, "classes", "misfit_output"),
        ("one class", False, "softmax", 1, "classes", "misfit_output"),
        ("yes or no", False, "softmax", 1, "classes", "misfit_output"),
        ("yes or no", False, "linear", 1, "classes", "misfit_output"),
        ("numbers", False, "softmax", 10, None, "misfit_loss"),
        ("numbers", False, "linear", 1, "classes", "misfit_loss"),
        ("one class", True, "linear", 10, "classes", None),
        ("one class", False, "softmax", 10, "classes", None),
        ("yes or no", False, "sigmoid", 1, "classes", None),
        ("yes or no", True, "linear", 1, "classes", None),
        ("yes or no", False, "sigmoid", 196, None, None),
        ("numbers", False, "linear", 1, "values", None),
        ("numbers", False, "sigmoid", 196, None, None),
    ],
)
def test_loss_and_output_fit_or_not(
    family: str, logits: bool, function: str, units: int, task: Any, kind: str | None
) -> None:
    given = facts(
        layers=output(function, units),
        loss_family=family,
        loss_name="binary_crossentropy" if family == "yes or no" else "loss",
        from_logits=logits,
        task=task,
    )
    assert [each.kind for each in ends.misfit(given)] == ([kind] if kind else [])


def test_targets_beyond_the_last_function_are_out_of_its_reach() -> None:
    targets = np.array([-1.0, 0.5, 2.0, 3.0])
    answers = Answers(np.zeros((2, 4, 1)), targets=targets)
    given = facts(
        layers=output("sigmoid", 1), loss_family="numbers", task="values", answers=answers
    )
    (found,) = ends.out_of_reach(given)
    assert found.evidence[0].value == 0.75
    assert found.strength == 1
    assert not ends.out_of_reach(replace(given, layers=output("linear", 1)))


def start(**known: Any) -> Start:
    given = {"deviation": 0.1, "usual": 0.1, "largest": 0.2, "distinct": 1.0, "unevenness": 0.7}
    return Start(**given | {"units": 8, "values": 64} | known)


def test_weights_that_begin_alike_large_or_tiny_are_seen() -> None:
    def of(**known: Any) -> Facts:
        return facts(layers={"dense": dense(start=start(**known))})

    assert strength(initialization.symmetric(of(distinct=1 / 8)), "symmetric_start") == 1
    assert not initialization.symmetric(of())
    assert strength(initialization.size(of(deviation=1.0)), "large_start") == 1
    assert strength(initialization.size(of(deviation=1e-4)), "tiny_start") == 1
    assert strength(initialization.size(of()), "large_start") == 0
    # ReLU's own initialization is larger by the square root of two, and no fault.
    assert strength(initialization.size(of(deviation=0.2)), "large_start") == 0


def given(low: float, high: float, deviation: float, **known: Any) -> Inputs:
    options = {"of": "probe", "examples": 20, "mean": (low + high) / 2, "unknown": 0.0}
    options |= {"widest": deviation, "narrowest": deviation, "is_normalized": False}
    return Inputs(**options | {"low": low, "high": high, "deviation": deviation} | known)


def test_inputs_of_pictures_are_large_unless_the_network_scales_them() -> None:
    raw = given(0, 255, 79)
    assert strength(inputs.scale(facts(inputs=raw)), "inputs_large") == 1
    assert not inputs.scale(facts(inputs=replace(raw, is_normalized=True)))
    assert strength(inputs.scale(facts(inputs=given(-3, 3, 1))), "inputs_large") == 0
    assert strength(inputs.scale(facts(inputs=given(0, 1e-3, 1e-4))), "inputs_small") == 1


@pytest.mark.parametrize(
    ("optimizer", "rate", "kind"),
    [
        ("Adam", 0.1, "rate_above_usual"),
        ("Adam", 1e-5, "rate_below_usual"),
        ("Adam", 1e-3, None),
        ("SGD", 0.1, None),
        ("SGD", 5.0, "rate_above_usual"),
        ("Adadelta", 1.0, None),
    ],
)
def test_a_rate_is_held_against_its_optimizer(
    optimizer: str, rate: float, kind: str | None
) -> None:
    known = facts(optimizer={"class": optimizer, "learning_rate": rate})
    strong = [each.kind for each in step_size.rate(known) if each.strength >= 0.5]
    assert strong == ([kind] if kind else [])


def test_batches_in_order_of_class_are_waves_and_mixed_ones_are_not() -> None:
    generator = np.random.default_rng(0)
    mixed = generator.normal(1, 0.3, (6, 40))
    place = np.arange(40) // 10 % 2
    ordered = mixed / 3 + 2.0 * place
    found = [
        classes.order(facts(loss=losses(each.ravel()), updates=240, epochs=6.0, has_batches=True))
        for each in (mixed, ordered)
    ]
    assert strength(found[0], "waves") < 0.1
    assert strength(found[1], "waves") > 0.9
    assert strength(found[1], "same_waves") > 0.9


def test_counts_of_classes_tell_of_imbalance_the_probe_does_not() -> None:
    even, uneven = np.array([100, 100, 100, 100]), np.array([970, 10, 10, 10])
    assert strength(classes.imbalance(facts(label_counts=even)), "classes_uneven") == 0
    assert strength(classes.imbalance(facts(label_counts=uneven)), "classes_uneven") == 1
    one_sided = np.tile([0.4, 0.2, 0.2, 0.2], (2, 12, 1))
    answers = Answers(one_sided, one_sided, np.zeros(12, np.int64))
    assert strength(classes.collapse(facts(answers=answers, classes=4)), "one_class") == 0


def test_amounts() -> None:
    small = facts(examples=40, batch_size=40, layers={"dense": dense(units=1)})
    usual = facts(examples=5000, batch_size=32, layers={"dense": dense(units=64)})
    for detect, kind in ((amounts.examples, "few_examples"), (amounts.units, "narrow")):
        assert strength(detect(small), kind) == 1
        assert strength(detect(usual), kind) == 0
    assert strength(amounts.batches(replace(small, examples=1500, batch_size=1500)), "whole_batch")
    assert strength(amounts.batches(usual), "whole_batch") == 0
    assert strength(amounts.batches(replace(usual, batch_size=1)), "tiny_batch") == 1


def test_a_frozen_layer_is_a_fault_only_where_it_is_as_random_as_it_was_drawn() -> None:
    moving = dense("other", start=start(), moved=np.array([0, 0.5]))
    still = dense(start=start(), is_frozen=True, moved=np.zeros(2))
    learned = replace(still, start=start(unevenness=3.0))
    known = [
        held_back.frozen(facts(layers={"dense": layer, "other": moving}))
        for layer in (still, learned)
    ]
    assert strength(known[0], "frozen_random") == 1
    assert strength(known[1], "frozen_random") == 0


def test_penalties_that_crush() -> None:
    config = {"kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.1}}}
    layer = dense(config=config, norm=np.array([4.0, 0.4]), penalty=np.array([1.6, 0.016]))
    found = held_back.penalties(facts(layers={"dense": layer}, loss=losses([4.0, 2.3, 2.3])))
    assert strength(found, "penalty") == 1
    assert strength(found, "shrunk") > 0.9


def test_the_judge_names_what_only_one_thing_explains() -> None:
    bad_rate = facts(
        loss=losses(np.linspace(2.3, 9, 60)),
        optimizer={"class": "Adam", "learning_rate": 0.5},
        loss_family="one class",
        loss_name="sparse_categorical_crossentropy",
        classes=10,
        layers=output("softmax"),
    )
    found = judge(observe(bad_rate))
    assert found[0].suspects == ("learning_rate_high",)
    assert found[0].severity == "fault"
    assert found[0].remedy == "learning_rate=0.001"


def test_the_judge_is_silent_where_all_is_well() -> None:
    well = facts(
        loss=losses(2.3 * np.exp(-np.linspace(0, 5, 200))),
        optimizer={"class": "Adam", "learning_rate": 1e-3},
        loss_family="one class",
        loss_name="sparse_categorical_crossentropy",
        classes=10,
        layers=output("softmax"),
        examples=5000,
        batch_size=64,
    )
    assert [each for each in judge(observe(well)) if each.suspects] == []
    assert judge([]) == []


def test_shares_sum_to_one_and_every_suspect_can_be_named() -> None:
    for suspect in SUSPECTS:
        voices = [
            Observation(kind=kind, strength=1.0)
            for kind, row in WEIGHTS.items()
            if row.get(suspect, 0) > 0
        ]
        shares = weigh(voices).shares
        assert sum(shares.values()) == pytest.approx(1)
        assert suspect in weigh(voices).ranked[:3], suspect


def test_the_table_names_what_there_is() -> None:
    assert set(BIASES) == set(CANDIDATES) == {*SUSPECTS, "nothing"}
    assert all(set(row) <= set(CANDIDATES) for row in WEIGHTS.values())
    assert all(weight >= 0 for row in WEIGHTS.values() for weight in row.values())


def test_a_finding_comes_back_from_json() -> None:
    found = Finding(kind="x", severity="note", sentence="So it is.", units=(1, 2), probes=(3,))
    assert Finding.from_json(found.as_json()) == found


def test_what_is_itself_a_suspect_is_told_first_and_blames_no_other() -> None:
    seen = Observation(
        kind="overfitting", strength=0.9, sentence="The network overfits.", least="warning"
    )
    found, *others = judge([seen])
    assert (found.severity, found.suspects) == ("warning", ("overfitting",))
    assert found.sentence == "The network overfits."
    assert "EarlyStopping" in str(found.remedy)
    assert all(other.sentence.startswith("The same may come from") for other in others)

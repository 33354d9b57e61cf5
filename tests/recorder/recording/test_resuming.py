"""A run goes on with the arguments that it was recorded with; of others the error names each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Evaluation, LoopRecorder, Probe, every_n_steps
from store import open_run
from store.errors import SpecError
from tests.recorder import numpy_training as training
from tests.recorder.numpy_backend import NumpyBackend, Perceptron

X = training.data()[0]
PROBES = X[:4]
LABELS = np.arange(20) % 2
SETS = {
    "evaluation": Evaluation(X[:20], LABELS),
    "train": Evaluation(X[20:], LABELS, role="train"),
}


def labelled(labels: Any = (0, 1, 0, 1), **options: Any) -> Probe:
    return Probe(PROBES, labels=labels, class_names=options.pop("class_names", ["a", "b"]))


def record(path: Path, steps: range, resume: bool | int = False, **given: Any) -> None:
    net = Perceptron(training.SIZES, training.SEED)
    options = {"probe": labelled(), "schedule": every_n_steps(1), **given}
    with LoopRecorder(path, model=net, backend=NumpyBackend(), resume=resume, **options) as loop:
        for step in steps:
            loop.record(step, loss=1.0)
    assert loop.report.fault is None


# What a run was recorded with, what it is resumed with, and what the error says, in full.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no updates": (
        {},
        {"updates": False},
        "updates=False: the run holds single updates; pass updates=True, the default",
    ),
    "gradients without updates": (
        {"updates": False},
        {"gradients": True},
        "gradients=True: they are recorded with single updates, of which the run holds none; "
        "leave gradients out",
    ),
    "an evaluation more": (
        {},
        {"evaluation": SETS["train"]},
        "evaluation=...: the run holds no training evaluation, and none can be added; leave it out",
    ),
    "an evaluation less": (
        {"evaluation": list(SETS.values())},
        {"evaluation": SETS["evaluation"]},
        "evaluation=...: the run holds a training evaluation; pass it again: "
        'evaluation=Evaluation(x, labels, role="train"), or in a list beside another one',
    ),
    "other examples": (
        {"evaluation": SETS["evaluation"]},
        {"evaluation": Evaluation(X[1:21], LABELS)},
        "evaluation=...: the held-out evaluation differs from the run's in x; "
        "pass the one with which the run was recorded",
    ),
    "other labels of an evaluation": (
        {"evaluation": list(SETS.values())},
        {"evaluation": [SETS["evaluation"], Evaluation(X[20:], 1 - LABELS, role="train")]},
        "evaluation=...: the training evaluation differs from the run's in labels; "
        "pass the one with which the run was recorded",
    ),
    "another task": (
        {},
        {"probe": Probe(PROBES, labels=(0, 1, 0, 1), class_names=["a", "b"], task="classes")},
        "probe=...: it differs from the run's in task (not known then, 'classes' now); pass the "
        "Probe with which the run was recorded",
    ),
    "another task of an evaluation": (
        {"evaluation": Evaluation(X[:20], LABELS, task="values")},
        {"evaluation": Evaluation(X[:20], LABELS, task="classes")},
        "evaluation=...: the held-out evaluation differs from the run's in task ('values' then, "
        "'classes' now); pass the one with which the run was recorded",
    ),
    "no labels of an evaluation": (
        {"evaluation": SETS["evaluation"]},
        {"evaluation": Evaluation(X[:20], class_names=None)},
        "evaluation=...: the held-out evaluation differs from the run's in labels; "
        "pass the one with which the run was recorded",
    ),
    "other probes": (
        {},
        {"probe": Probe(PROBES + 1, [0, 1, 0, 1], ["a", "b"])},
        "probe=...: it differs from the run's in inputs; pass the Probe with which the run was "
        "recorded",
    ),
    "other labels and names": (
        {},
        {"probe": labelled([1, 1, 0, 1], class_names=["b", "a"])},
        "probe=...: it differs from the run's in labels, class_names; "
        "pass the Probe with which the run was recorded",
    ),
    "fewer layers": (
        {},
        {"layers": "dense1"},
        "layers=... or activations=...: the run holds activations of dense2, which would now be "
        "left out; pass both as before",
    ),
    "no weights": (
        {},
        {"weights": False},
        "layers=... or weights=...: the run holds weights of dense1, dense2, which would now be "
        "left out; pass both as before",
    ),
    "more activations": (
        {"activations": "dense2"},
        {},
        "layers=... or activations=...: the run holds no activations of dense1; "
        "pass both as before",
    ),
    "narrower weights": (
        {},
        {"dtype": {"weights": "float16"}},
        "dtype=...: the run holds weights as float32, they would now be float16; "
        "pass no dtype for them",
    ),
    "wider activations": (
        {"dtype": "float16"},
        {"dtype": {"weights": "float16"}},
        "dtype=...: the run holds activations as float16, they would now be float32; "
        'pass dtype={"activation": "float16"}',
    ),
    "other units": (
        {"every_unit": 2},
        {"every_unit": 3},
        "every_unit=...: pass every_unit=2, with which the run was recorded",
    ),
    "all units": (
        {},
        {"every_unit": 3},
        "every_unit=...: pass every_unit=1, with which the run was recorded",
    ),
}


@pytest.mark.parametrize(("before", "now", "said"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("resume", [True, 3])
def test_other_arguments_are_refused_by_name(
    before: dict[str, Any], now: dict[str, Any], said: str, resume: bool | int, tmp_path: Path
) -> None:
    path = tmp_path / "run.zarr"
    record(path, range(1, 4), **before)
    content = (path / "zarr.json").read_bytes()
    with pytest.raises(SpecError, match=re.escape(said)) as caught:
        record(path, range(4, 6), resume, **now)
    assert "record into a new path" in str(caught.value)
    assert "has no array" not in str(caught.value)
    assert (path / "zarr.json").read_bytes() == content, "before the first update"


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {}),
        ({"evaluation": list(SETS.values())}, {"evaluation": list(SETS.values())[::-1]}),
        # What is stored once, and is stored already.
        ({"evaluation": SETS["evaluation"]}, {"evaluation": Evaluation(X[:20], LABELS, inputs=0)}),
        ({"updates": False}, {}),
        ({"gradients": True}, {"gradients": False}),
        ({"every_unit": 2, "dtype": "float16"}, {"every_unit": 2, "dtype": "float16"}),
        ({"compression": "lz4"}, {"name": "another", "notes": "more"}),
        ({"probe": Probe(PROBES, [np.nan, 1, 2, 3])}, {"probe": Probe(PROBES, [np.nan, 1, 2, 3])}),
    ],
)
def test_the_same_arguments_go_on(
    before: dict[str, Any], now: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "run.zarr"
    record(path, range(1, 4), **before)
    record(path, range(4, 6), True, **now)
    assert list(open_run(path).steps) == [0, 1, 2, 3, 4, 5]


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    record(tmp_path / "run.zarr", range(1, 4), evaluation=SETS["evaluation"])
    with pytest.raises(SpecError) as caught:
        record(
            tmp_path / "run.zarr", range(4, 6), True, updates=False, probe=labelled([1, 1, 0, 0])
        )
    assert str(caught.value).count("\n- ") == 3


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ("", "ab", "is of one model, and cannot be resumed with several models (a, b). Pass"),
        ("ab", "", "is of several models (a, b), and cannot be resumed with one model. Pass"),
        ("ab", "ac", "cannot be resumed with several models (a, c). Pass"),
        ("ab", "a", "cannot be resumed with several models (a). Pass"),
    ],
)
def test_other_models_are_refused_by_name(before: str, now: str, said: str, tmp_path: Path) -> None:
    def record_parts(names: str, *, resume: bool) -> None:
        net = Perceptron(training.SIZES, training.SEED)
        models, probes = dict.fromkeys(names, net), dict.fromkeys(names, labelled())
        recorder = LoopRecorder(
            tmp_path / "run.zarr",
            probes or labelled(),
            model=models or net,
            backend=NumpyBackend(),
            resume=resume,
        )
        with recorder as loop:
            loop.record(1 + resume)

    record_parts(before, resume=False)
    with pytest.raises(SpecError, match=re.escape(said)):
        record_parts(now, resume=True)

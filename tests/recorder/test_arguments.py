"""Every argument of the public API is checked when it is given, with an error that says why."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recorder
from recorder import Evaluation, LoopRecorder, Probe, Recorder, estimate, every_epoch
from recorder.loop import LoopRecorder as Loop
from store.errors import SpecError, TrainlapseError
from tests.recorder import numpy_training as training
from tests.recorder.numpy_backend import NumpyBackend, Perceptron

X, Y = np.zeros((4, 6), np.float32), np.array([0, 1, 0, 1])
TEXTS = ["a", "b", "a b", "b a"]


def probe() -> Probe:
    return Probe(X)


class _Batches:
    """Data as frameworks have it: to be iterated over, and no array."""

    def __iter__(self) -> Iterator[Any]:
        return iter([(X, Y)] * 3)

    def __repr__(self) -> str:
        return "data of 3 batches"


def recorder_with(make: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **given: make(**{"path": "run.zarr", "probe": probe(), **given})


def estimated(**given: Any) -> Any:
    settings = {"model": Perceptron(training.SIZES, 0), "probe": probe(), "steps": 3}
    return estimate(**{**settings, "backend": NumpyBackend(), **given})


OF_SCOPE: dict[str, list[Any]] = {
    "layers": [None, 5, [5], []],
    "activations": [None, 5, []],
    "weights": [None, 5, ()],
    "every_unit": [0, "2", 1.5, True, None],
    "dtype": ["int8", 5, {"weights": "double"}, {"gradient": "float16"}],
    "byte_budget": ["much", -1, 1.5, True],
    "derive": [None, 1, "no"],
}
OF_A_RECORDER: dict[str, list[Any]] = {
    **OF_SCOPE,
    "path": [None, 5],
    "probe": [None, X],
    "schedule": ["every_epoch", 5, print],
    "evaluation": [X, (X, Y), [Evaluation(X), Evaluation(X)]],
    "cost_limit": [None, "5 %", -0.1, float("nan"), True],
    "thin": [None, 1, "no"],
    "resume": [None, -1, "yes", 1.5],
    "overwrite": [None, 1, "no"],
    "name": [5, b"name"],
    "notes": [None, 5],
    "compression": ["zip", 5, True],
    "durability": ["none", None],
    "pack": [None, 1],
    "updates": [None, 1],
    "gradients": [None, 1],
    "training": [X, (X,), (X, Y[:2]), 5, (None, None), (X, 3)],
    "model": [object()],
    "backend": [object(), "keras"],
}
OF_A_PROBE: dict[str, list[Any]] = {
    "class_names": ["ab", 5, ["a"], {"a": 1, "b": 0}, {0, 1}],
    "texts": ["abcd", 5, ["a"], dict.fromkeys(TEXTS, 1)],
    "vocabulary": ["abcd", 5, {"a": 1, "b": 0}],
    "kind": ["picture", 5],
    "feature_names": ["abcdef", 5, ["a"]],
}
# Of each public function and class: how it is called, and values that it refuses.
CASES: dict[str, tuple[Callable[..., Any], dict[str, list[Any]]]] = {
    "Recorder": (recorder_with(Recorder), OF_A_RECORDER),
    "LoopRecorder": (recorder_with(LoopRecorder), OF_A_RECORDER),
    "Probe": (
        lambda **given: Probe(**{"inputs": X, "labels": Y, **given}),
        {
            **OF_A_PROBE,
            "inputs": [[[1], [2, 3]], None, "text", {}, 5, iter([X]), {"a": X, "b": 5}],
            "labels": [[[1], [2, 3]], [1], 5, iter(Y)],
            "task": ["class", 5, "none"],
        },
    ),
    "Probe.pick": (
        lambda **given: Probe.pick(**{"x": X, "y": Y, **given}),
        {
            **OF_A_PROBE,
            "x": [[[1], [2, 3]], X[:2], 5, iter([X]), {"a": X, "b": 5}],
            "y": [[[1], [2, 3]], Y + 0.5, 5, iter(Y), None],
            "per_class": [0, "2", None, 1.5],
            "seed": [None, -1, "seed"],
        },
    ),
    "Probe.from_texts": (
        lambda **given: Probe.from_texts(
            **{"texts": TEXTS, "vectorize": lambda texts: [[1]] * len(texts), **given}
        ),
        {
            **{name: OF_A_PROBE[name] for name in ("vocabulary", "kind", "feature_names")},
            "class_names": ["ab", 5],
            "texts": ["abcd", 5],
            "vectorize": [None, "words"],
            "labels": [[[1], [2, 3]], [1]],
            "task": ["class", 5],
        },
    ),
    "Evaluation": (
        lambda **given: Evaluation(**{"x": X, "labels": Y, **given}),
        {
            "x": [[[1], [2, 3]], None],
            "labels": [[[1], [2, 3]], [1]],
            "class_names": ["ab", 5],
            "batch_size": [0, "8", None, 2.5],
            "role": ["trian", None, 5],
            "task": ["class", 5, "none"],
            "inputs": [None, -1, "much", X],
        },
    ),
    "estimate": (
        estimated,
        {
            **OF_SCOPE,
            "probe": [None, X],
            "schedule": ["every_epoch", 5],
            "steps": [0, "3", None, 1.5],
            "steps_per_epoch": [0, "3", 1.5],
            "evaluation": OF_A_RECORDER["evaluation"],
            "updates": [None, 1],
            "backend": [object()],
        },
    ),
    "every_n_steps": (recorder.every_n_steps, {"n": [0, "3", None, 1.5, True]}),
    "log_spaced": (recorder.log_spaced, {"per_decade": [0, "3", None, 1.5]}),
    "at_steps": (recorder.at_steps, {"steps": [5, None, "15", [-1], [1.5], ["1"]]}),
    "adaptive": (
        lambda **given: recorder.adaptive(**{"budget": "1 MB", **given}),
        {"budget": [None, "much", -1], "change": [0, None, "1", float("inf")]},
    ),
    "on_event": (
        recorder.on_event,
        {
            "metric": [None, 5],
            "factor": [1, None, "3", float("nan")],
            "window": [7, 8.5, None],
            "after": [-1, 1.5, None],
        },
    ),
}
ALL = [
    pytest.param(make, argument, value, id=f"{name}-{argument}-{str(value)[:20]}")
    for name, (make, arguments) in CASES.items()
    for argument, values in arguments.items()
    for value in values
]


@pytest.mark.slow
@pytest.mark.parametrize(("make", "argument", "value"), ALL)
def test_a_wrong_value_is_refused_at_once_and_named(
    make: Callable[..., Any],
    argument: str,
    value: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainlapseError) as caught:
        make(**{argument: value})
    assert isinstance(caught.value, SpecError)
    said = str(caught.value)
    names = {"x": r"input|\(x=", "y": r"label|\(y=", "inputs": "input", "class_names": "class"}
    assert re.search(names.get(argument, argument).rstrip("s"), said, re.IGNORECASE), said
    assert not list(tmp_path.iterdir()), "nothing is written for it"


def test_no_argument_is_left_out() -> None:
    open_to_all = {
        # Any of these is an array, or checked with those that are.
        "Probe.pick": set(),
        "Probe.from_texts": set(),
        "estimate": {"model"},  # by the same function as for a recorder
    }
    for name, (_, arguments) in CASES.items():
        function: Any = recorder
        for part in name.split("."):
            function = getattr(function, part)
        known = set(inspect.signature(function).parameters)
        assert set(arguments) | open_to_all.get(name, set()) == known, name
    public = {name for name in recorder.__all__ if not name.endswith("Error")}
    assert public == {name.partition(".")[0] for name in CASES} | {"every_epoch"}
    assert not inspect.signature(every_epoch).parameters


def test_an_error_says_what_was_passed_and_what_was_expected() -> None:
    for make, said in (
        (
            partial(recorder_with(Recorder), cost_limit=None),
            "Recorder(cost_limit=...) expects a number of at least 0, got None.",
        ),
        (
            partial(recorder_with(LoopRecorder), durability="disk"),
            "LoopRecorder(durability=...) expects one of 'process', 'power', got 'disk'.",
        ),
        (
            partial(recorder_with(LoopRecorder), gradients=True, updates=False),
            "LoopRecorder(gradients=...) expects False where updates=False, since norms of "
            "gradients are recorded with single updates, got True.",
        ),
        (
            partial(estimated, layers=5),
            'layers=... expects a pattern such as "conv*", or a list of them, got 5.',
        ),
        (
            partial(estimated, weights=[]),
            'weights=... expects True, False, a pattern such as "conv*", or a list of them, '
            "got [].",
        ),
        (
            partial(Evaluation, print),
            "Evaluation(x=...) expects an array (example, ...), or several as model.fit takes "
            "them, got <built-in function print>.",
        ),
        (
            partial(Probe, _Batches()),
            "Probe(inputs=...) expects arrays, such as those of one batch: x, y = "
            "next(iter(data)), got data of 3 batches.",
        ),
        (
            partial(Probe, X, class_names={"a": 0}),
            "Probe(class_names=...) expects a list of texts, in the order of what they name, "
            "got {'a': 0}.",
        ),
    ):
        with pytest.raises(TypeError) as caught:
            make()
        assert str(caught.value) == said


def made(recorder: Any) -> str:
    """Write out what a user has decided."""
    return f"{recorder._recording.options} {recorder._cost.limit} {recorder._pack}"


# Of what takes single values: how it is called, what of it tells, and values that it takes.
TAKEN: list[tuple[Callable[..., Any], Callable[[Any], Any], dict[str, Any]]] = [
    (
        recorder_with(LoopRecorder),
        made,
        {
            "layers": "a*",
            "activations": False,
            "weights": "b",
            "every_unit": 2,
            "dtype": "float16",
            "byte_budget": 3_000,
            "cost_limit": 0.5,
            "thin": True,
            "resume": True,
            "overwrite": True,
            "name": "a run",
            "notes": "a note",
            "compression": "lz4",
            "durability": "power",
            "pack": True,
            "updates": False,
            "gradients": False,
        },
    ),
    (recorder_with(LoopRecorder), made, {"resume": 7, "byte_budget": "1 MB", "gradients": True}),
    (
        lambda **given: Evaluation(X, Y, **given),
        lambda found: (repr(found), found.keeps_inputs),
        {"batch_size": 2, "role": "train", "inputs": False},
    ),
    (
        lambda **given: Evaluation(X, **given),
        lambda found: found.keeps_inputs,
        {"inputs": 5},
    ),
    (
        lambda **given: Probe.pick(X, Y, **given),
        lambda found: (found.labels.tolist(), found.kind),
        {"per_class": 1, "seed": 3, "kind": "other"},
    ),
    (recorder.every_n_steps, repr, {"n": 3}),
    (recorder.log_spaced, repr, {"per_decade": 3}),
    (recorder.adaptive, repr, {"budget": 10_000, "change": 0.25}),
    (recorder.on_event, repr, {"metric": "loss", "factor": 2.5, "window": 9, "after": 0}),
    (
        lambda **given: estimated(**given).updates,
        repr,
        {"steps": 4, "steps_per_epoch": 2, "updates": False},
    ),
]


@pytest.mark.parametrize("as_numpy", [np.array, lambda value: np.array(value)[()]])
@pytest.mark.parametrize(("make", "told", "values"), TAKEN)
def test_numpys_scalars_are_taken_as_pythons(
    make: Callable[..., Any],
    told: Callable[[Any], Any],
    values: dict[str, Any],
    as_numpy: Callable[[Any], Any],
) -> None:
    """And they are kept as Python's: a run's attributes are JSON."""
    numpys = {argument: as_numpy(value) for argument, value in values.items()}
    assert told(make(**numpys)) == told(make(**values))


def test_steps_may_be_numpys_too() -> None:
    steps = [np.int64(3), np.array(5), 7]
    assert repr(recorder.at_steps(steps)) == "at_steps([3, 5, 7])"
    assert repr(recorder.at_steps(np.arange(3))) == "at_steps([0, 1, 2])"
    with pytest.raises(TypeError, match="expects steps such as"):
        recorder.at_steps(np.array(5))
    with pytest.raises(TypeError, match="expects a whole number of at least 0, got"):
        recorder.at_steps([np.True_])


@pytest.mark.parametrize("step", [None, "three", -1, 1.5, float("nan"), True])
def test_a_wrong_step_ends_the_recording_not_the_training(
    step: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    net = Perceptron(training.SIZES, 0)
    with Loop(tmp_path / "run.zarr", probe(), model=net, backend=NumpyBackend()) as recorder:
        recorder.record(step)
        recorder.record(2)
    (message,) = [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]
    assert "record(step=...) expects a whole number of at least 0, got" in message
    assert "report this" not in message


@pytest.mark.parametrize("step", [np.int64(3), np.array(3), 3.0])
def test_a_step_may_be_any_number_that_counts(step: Any, tmp_path: Path) -> None:
    net = Perceptron(training.SIZES, 0)
    with Loop(tmp_path / "run.zarr", probe(), model=net, backend=NumpyBackend()) as recorder:
        recorder.record(step)
    assert recorder.report.fault is None

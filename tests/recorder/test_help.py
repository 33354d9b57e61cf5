"""`help` and Tab teach the recorder: each argument with its type, its default and its cost."""

from __future__ import annotations

import inspect
import pydoc
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recorder
from recorder import LoopRecorder, Probe, Recorder
from tests.recorder import numpy_training as training
from tests.recorder.networks import compiled, conv_model, images, renewed
from tests.recorder.numpy_backend import NumpyBackend, Perceptron

# What may have any name: each is a metric.
ANY_NAME = {"LoopRecorder.record": {"metrics"}}


def public_functions() -> dict[str, Callable[..., Any]]:
    """Functions, constructors and methods by name, of all that `recorder` offers."""
    found: dict[str, Callable[..., Any]] = {}
    for name in recorder.__all__:
        value = getattr(recorder, name)
        if inspect.isclass(value) and not issubclass(value, Exception):
            found[name] = value
            found |= {
                f"{name}.{method}": getattr(value, method)
                for method, made in vars(value).items()
                if not method.startswith(("_", "on_"))  # Keras documents what it calls
                if callable(made) or isinstance(made, classmethod)
            }
        elif not inspect.isclass(value):
            found[name] = value
    return found


FUNCTIONS = public_functions()


def doc_of(function: Callable[..., Any]) -> str:
    """Give the docstring that explains a function's arguments."""
    doc = inspect.getdoc(function) or ""
    if inspect.isclass(function) and "Parameters\n---" not in doc:
        doc = inspect.getdoc(function.__init__) or ""
    return doc


def section(doc: str, title: str) -> str:
    """Give the text below a heading of a NumPy docstring."""
    parts = re.split(r"^(\w+)\n-{3,}\n", doc, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(title, "")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_is_spelled_out_and_explained(name: str) -> None:
    entries = re.findall(
        r"^((?:\*{0,2}\w+, )*\*{0,2}\w+) : (.+)\n((?: {4}.+\n?|\n)+)",
        section(doc_of(FUNCTIONS[name]), "Parameters"),
        re.MULTILINE,
    )
    explained = {
        argument.strip("*"): (kind, body)
        for arguments, kind, body in entries
        for argument in arguments.split(", ")
    }
    parameters = dict(inspect.signature(FUNCTIONS[name]).parameters)
    parameters.pop("self", None)
    assert explained.keys() == parameters.keys()
    for argument, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            assert argument in ANY_NAME[name], f"{name} hides what {argument} may be"
            continue
        kind, body = explained[argument]
        said = re.search(r"\bby default\b", f"{kind} {body}", re.IGNORECASE)
        optional = parameter.default is None and "optional" in kind
        assert parameter.default is parameter.empty or said or optional, (
            f"{name} does not say what {argument} is by default"
        )


@pytest.mark.parametrize("cls", [LoopRecorder, Recorder])
def test_help_shows_it(cls: type) -> None:
    text = re.sub(r"^ \|  ?", "", pydoc.plain(pydoc.render_doc(cls)), flags=re.MULTILINE)
    for argument in inspect.signature(cls).parameters:
        assert re.search(rf"^ *(\w+, )*{argument}(, \w+)* : ", text, re.MULTILINE)
    assert "RunExistsError" in text


ROWS = np.zeros((4, 5))


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("every_n_steps", (0,), {}),
        ("log_spaced", (0,), {}),
        ("at_steps", ([-1],), {}),
        ("adaptive", ("two",), {}),
        ("adaptive", ("2 GB",), {"change": 0}),
        ("on_event", (), {"factor": 1}),
        ("Probe", ({},), {}),
        ("Probe.pick", (ROWS, range(3)), {}),
        ("Probe.from_texts", (["a"], len), {}),
        ("Evaluation", (ROWS, range(3)), {}),
        ("Evaluation", (ROWS,), {"batch_size": 0}),
        ("LoopRecorder", ("nowhere/run.zarr", ROWS), {}),
        ("LoopRecorder", ("nowhere/run.zarr", Probe(ROWS)), {"byte_budget": "two"}),
        ("LoopRecorder.record", (LoopRecorder("nowhere/run.zarr", Probe(ROWS)), 1), {}),
        ("estimate", (None, Probe(ROWS)), {"steps": 0}),
        ("estimate", (None, Probe(ROWS)), {"steps": 1}),
    ],
)
def test_what_is_raised_is_documented(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    with pytest.raises(Exception) as caught:
        FUNCTIONS[name](*arguments, **options)
    raised = re.findall(r"\b\w+Error\b", section(doc_of(FUNCTIONS[name]), "Raises"))
    assert caught.type.__name__ in raised


def examples_of(cls: type) -> list[str]:
    """Give the code in the examples of a docstring: what is indented below a double colon."""
    text = section(inspect.getdoc(cls) or "", "Examples")
    return [textwrap.dedent(code) for code in re.findall(r"::\n\n((?: {4}.*\n?|\n)+)", text)]


@pytest.mark.slow
def test_the_examples_of_the_callback_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model, (x, y) = renewed(conv_model), images()
    names = {
        "model": model,
        **dict.fromkeys(("x", "x_test"), x),
        **dict.fromkeys(("y", "y_test"), y),
        "batches": [(x, y)] * 2,
        "train_step": lambda batch: model.train_on_batch(*batch),
        "folds": [(slice(0, 16), slice(16, 32)), (slice(16, 32), slice(0, 16))],
        "build_model": lambda: compiled(conv_model),
    }
    examples = examples_of(Recorder)
    assert len(examples) == 4
    for code in examples:
        exec(code, names)  # noqa: S102 - our own docstring
        assert names["recorder"].report.fault is None
    assert list(recorder_steps(tmp_path / "runs" / "mine.zarr")) == [0, 1, 2]
    assert len(recorder_steps(tmp_path / "runs" / "2.zarr"))


def test_the_example_of_a_loop_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = training.data()
    names = {
        "LoopRecorder": LoopRecorder,
        "MyBackend": NumpyBackend,
        "net": Perceptron(training.SIZES, training.SEED),
        "probe": Probe(x[:2]),
        "batches": [(x, y)] * 3,
        "train_step": lambda net, batch: training.update(net.weights, *batch),
    }
    (code,) = examples_of(LoopRecorder)
    exec(code, names)  # noqa: S102 - our own docstring
    assert list(recorder_steps(tmp_path / "runs" / "mine.zarr")) == [0, 1, 2, 3]


def recorder_steps(path: Path) -> Any:
    from store import open_run

    return open_run(path).steps


def test_tab_offers_what_is_public() -> None:
    assert dir(recorder) == sorted(recorder.__all__)
    errors = {name for name in recorder.__all__ if name.endswith("Error")}
    for name in errors:
        assert issubclass(getattr(recorder, name), recorder.TrainlapseError)
    assert {"RunExistsError", "RunFormatError", "SpecError", "LayerNotFoundError"} <= errors

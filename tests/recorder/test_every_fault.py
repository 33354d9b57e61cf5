"""Whatever breaks in the recorder: the training ends with the same weights, and one warning.

Each method below what a training calls is broken in turn. What a training calls itself is the
guard that holds this, `recorder.loop.guarded`, and what it needs to do so.
"""

from __future__ import annotations

import functools
import gc
import inspect
import itertools
import logging
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import LoopRecorder, Probe, Recorder, adaptive, every_epoch, every_n_steps, on_event
from recorder.keras.backend import KerasBackend
from recorder.keras.counting import BatchMetrics, EpochCount, UpdateCount
from recorder.keras.facts import TrainingFacts
from recorder.keras.gradients import GradientNorms
from recorder.keras.optimizers import Optimizers
from recorder.keras.predictor import Predictor
from recorder.keras.structure import Structure
from recorder.keras.subject import KerasSubject
from recorder.keras.trace import Trace
from recorder.recording import updates
from recorder.recording.background import BackgroundWriter
from recorder.recording.continuity import Continuity
from recorder.recording.cost import Cost
from recorder.recording.recorded_model import RecordedModel
from recorder.recording.recording import Recording
from recorder.recording.run_path import RunPath
from recorder.recording.termination import Termination
from recorder.scope import ByteBudget
from recorder.weight_sample import WeightSample
from store.live.array import LiveArray
from store.live.commit import RunDocuments
from store.live.metrics_table import MetricsTable
from store.live.writer import RunWriter
from store.storage.files import OpenFiles
from store.storage.run_lock import RunLock
from tests.recorder import numpy_training as training
from tests.recorder.keras.test_callback import fit
from tests.recorder.networks import conv_model, images, renewed, values_of
from tests.recorder.numpy_backend import NumpyBackend, NumpySubject, Perceptron
from tests.recorder.test_faults import trained_without_recorder

# Where what closes files is broken, they stay open until they are collected.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")

# What a training calls, and what the guard itself is made of.
GUARDS = {
    "LoopRecorder": {
        *("__init__", "__enter__", "__exit__", "record", "report"),
        *("_begin", "_advance", "_give_up"),
    },
    "Recorder": {
        *(name for name in vars(Recorder) if name.startswith("on_")),
        "_all_have_ended",
    },
    "Recording": {"__init__"},  # made with the recorder, before the training
    "Cost": {"__init__"},
    "Termination": {"__init__"},
    "EpochCount": {"__init__"},
    "UpdateCount": {"__init__"},
    "BatchMetrics": {"__init__"},
}
OF_EVERY_FRAMEWORK = [
    LoopRecorder,
    Recording,
    RecordedModel,
    Continuity,
    RunPath,
    updates.UpdateMeter,
    BackgroundWriter,
    Cost,
    Termination,
    ByteBudget,
    WeightSample,
    NumpyBackend,
    NumpySubject,
    RunWriter,
    LiveArray,
    MetricsTable,
    RunDocuments,
    OpenFiles,
    RunLock,
]
OF_KERAS = [
    Recorder,
    KerasBackend,
    KerasSubject,
    Trace,
    Structure,
    Predictor,
    EpochCount,
    UpdateCount,
    BatchMetrics,
    GradientNorms,
    TrainingFacts,
    Optimizers,
]


def methods_of(owners: list[type]) -> list[Any]:
    """List the methods and properties that the classes define themselves."""
    return [
        pytest.param(owner, name, id=f"{owner.__name__}.{name}")
        for owner in owners
        for name, value in vars(owner).items()
        if isinstance(value, property | classmethod) or inspect.isfunction(value)
        if not name.startswith("__") or name in ("__init__", "__enter__", "__exit__")
        if name not in GUARDS.get(owner.__name__, ())
    ]


class Broken:
    """Breaks a method from one of its calls on; `met` says whether it came to that."""

    def __init__(self, owner: type, name: str, at: int) -> None:
        self.met = False
        calls = itertools.count(1)
        whole = vars(owner)[name]

        def broken(call: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(call)
            def function(*args: Any, **kwargs: Any) -> Any:
                if next(calls) >= at:
                    self.met = True
                    raise RuntimeError(f"a bug in {name}")
                return call(*args, **kwargs)

            return function

        if isinstance(whole, property):
            self.method: Any = property(broken(whole.fget))
        elif isinstance(whole, classmethod):
            self.method = classmethod(broken(whole.__func__))
        else:
            self.method = broken(whole)


@pytest.fixture(scope="module", autouse=True)
def _none_of_its_files_in_a_later_test() -> Iterator[None]:
    yield
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()


@pytest.fixture(autouse=True)
def _own_handler() -> Iterator[None]:
    """Put back the handler of SIGTERM, which a broken recorder may leave."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]


@functools.cache
def weights_without() -> dict[str, np.ndarray]:
    x, y = training.data()
    net = Perceptron(training.SIZES, training.SEED)
    for _ in range(training.UPDATES):
        training.update(net.weights, x, y)
    return net.weights


@pytest.mark.parametrize("at", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("owner", "name"), methods_of(OF_EVERY_FRAMEWORK))
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_ends_as_without_the_recorder(
    owner: type,
    name: str,
    at: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    x, y = training.data()
    net = Perceptron(training.SIZES, training.SEED)
    recorder = LoopRecorder(
        tmp_path / "run.zarr",
        Probe(x[: training.PROBES]),
        model=net,
        backend=NumpyBackend(),
        schedule=adaptive("1 MB") | on_event() | every_n_steps(1) | every_epoch(),
        evaluation=training.evaluation(),
        byte_budget="1 MB",
        cost_limit=100.0,
        thin=True,
    )
    broken = Broken(owner, name, at)
    monkeypatch.setattr(owner, name, broken.method)
    with caplog.at_level(logging.WARNING, logger="trainlapse.recorder"), recorder:
        for step in range(1, training.UPDATES + 1):
            loss = training.update(net.weights, x, y)
            recorder.record(step, loss=loss, epoch_end=step % 5 == 0)
    for variable, expected in weights_without().items():
        np.testing.assert_array_equal(net.weights[variable], expected)
    assert len(warnings_of(caplog)) == broken.met


@pytest.mark.slow
@pytest.mark.parametrize(("owner", "name"), methods_of(OF_KERAS))
def test_a_fit_ends_as_without_the_recorder(
    owner: type,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from recorder import Evaluation

    x, y = images()
    recorder = Recorder(
        tmp_path / "run.zarr",
        Probe(x[:2]),
        evaluation=Evaluation(x[:4], y[:4]),
        schedule=on_event() | every_n_steps(2),
        layers="!flatten",
        cost_limit=100.0,  # a slow machine would warn of it
        gradients=owner is GradientNorms,
    )
    model = renewed(conv_model)
    broken = Broken(owner, name, 1)
    monkeypatch.setattr(owner, name, broken.method)
    with caplog.at_level(logging.WARNING, logger="trainlapse.recorder"):
        fit(model, images(), recorder)
    for variable, expected in zip(model.variables, trained_without_recorder(), strict=True):
        np.testing.assert_array_equal(values_of(variable), expected)
    assert len(warnings_of(caplog)) == broken.met

"""What a recording will take, said before the training."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

import recorder
from recorder import (
    Evaluation,
    LoopRecorder,
    Probe,
    Recorder,
    at_steps,
    every_epoch,
    every_n_steps,
)
from recorder.commands.estimate_command import estimate as command
from recorder.commands.estimate_command import parse_schedule
from recorder.forecast import planned_steps
from recorder.presets.training import record_preset
from recorder.scope import parse_bytes
from store import open_run
from tests.recorder.few_examples import shorten
from tests.recorder.keras.test_callback import fit
from tests.recorder.networks import compiled, conv_model, images, nested_model, renewed, values_of
from tests.recorder.numpy_backend import NumpyBackend, Perceptron


@pytest.mark.slow
@pytest.mark.parametrize("scale", [{}, {"every_unit": 2, "dtype": "float16", "layers": "conv"}])
def test_the_estimate_is_what_is_recorded(tmp_path: Path, scale: dict[str, Any]) -> None:
    model, probe = renewed(conv_model), Probe(images()[0][:4])
    before = [values_of(variable) for variable in model.variables]
    schedule = every_n_steps(5) | every_epoch()
    found = recorder.estimate(model, probe, schedule, steps=12, steps_per_epoch=4, **scale)
    assert all(
        (values_of(variable) == value).all()
        for variable, value in zip(model.variables, before, strict=True)
    )
    callback = Recorder(tmp_path / "run.zarr", probe, schedule=schedule, **scale)
    fit(model, images(), callback)
    assert found.size.steps == callback.report.steps
    # Three time axes, a count of updates, and four numbers of 8 bytes for each variable.
    assert found.size.other_bytes == 8 * (3 + 1 + 4 * (2 if scale else 4))
    assert found.size.step_bytes * callback.report.steps == callback.report.nbytes
    assert found.open_ms > 0
    assert 0 < found.read_ms < 1000
    assert 0 < found.background_ms < 1000


def bytes_on_disk(path: Path) -> int:
    """Count what a run takes; files of small frames have holes that take nothing."""
    found = [file.stat() for file in path.rglob("*") if file.is_file()]
    return sum(min(each.st_size, 512 * each.st_blocks) for each in found)


@pytest.mark.parametrize("updates", [True, False])
def test_all_that_is_written_is_counted(updates: bool, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(700, 300)).astype(np.float32)
    net, schedule = Perceptron((300, 40, 10), 0), every_n_steps(50)
    what: dict[str, Any] = {
        "backend": NumpyBackend(),
        "evaluation": [Evaluation(x[:400], np.arange(400)), Evaluation(x[400:], role="train")],
        "updates": updates,
    }
    found = recorder.estimate(net, Probe(x[:8]), schedule, steps=1000, **what)
    with LoopRecorder(
        tmp_path / "run.zarr", Probe(x[:8]), model=net, schedule=schedule, **what
    ) as loop:
        for step in range(1, 1001):
            loop.record(step, loss=1.0, accuracy=0.5, val_loss=1.0)
    assert found.size.total_bytes == pytest.approx(bytes_on_disk(tmp_path / "run.zarr"), rel=0.1)
    alone = recorder.estimate(net, Probe(x[:8]), schedule, steps=1000, backend=NumpyBackend())
    assert alone.size.total_bytes < 0.7 * found.size.total_bytes


@pytest.mark.slow
def test_the_estimate_of_a_preset_is_the_size_of_its_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, "lenet-mnist", epochs=2, schedule=at_steps([1]))
    done = run("lenet-mnist")
    size = re.search(r"the run .*: (.*), packed", done.output)
    assert size, done.output
    path = record_preset("lenet-mnist", tmp_path / "run.zarr", progress=False)
    assert "evaluation" in open_run(path).nodes
    assert parse_bytes(size[1]) == pytest.approx(bytes_on_disk(path), rel=0.1)


def test_first_and_last_step_are_planned_whatever_the_schedule() -> None:
    assert planned_steps(every_n_steps(100), 10) == [0, 10]


def test_a_training_has_steps() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        recorder.estimate(None, Probe(images()[0][:1]), steps=0)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, list(arguments))


# Keras 3 saves through a NumPy interface that NumPy 2 deprecates.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_file_is_estimated(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    compiled(nested_model).save(path)
    done = run(str(path), "--probes", "3", "--steps", "50", "--schedule", "every_n_steps(10)")
    assert done.exit_code == 0, done.output
    assert "6 of 50 steps" in done.output
    assert "ms a recorded step, measured" in done.output
    limited = run(str(path), "--probes", "3", "--byte-budget", "5 kB", "--no-weights")
    assert "scheduled steps will be left out" in limited.output, limited.output


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_network_that_reads_texts_is_estimated(tmp_path: Path) -> None:
    import keras

    kind = keras.Input((1,), dtype="string", name="kind")
    looked_up = keras.layers.StringLookup(vocabulary=["red", "blue"])(kind)
    path = tmp_path / "model.keras"
    keras.Model(kind, keras.layers.Embedding(3, 2)(looked_up)).save(path)
    done = run(str(path), "--probes", "3", "--steps", "50")
    assert done.exit_code == 0, done.output


def test_the_command_explains_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, "lenet-mnist")
    (tmp_path / "broken.keras").write_bytes(b"no model")
    for arguments, message in (
        (["lenet-mnst"], "Did you mean 'lenet-mnist'"),
        (["gone.keras"], "There is no file gone.keras"),
        ([str(tmp_path / "broken.keras")], "cannot be loaded as a Keras model"),
        (["lenet-mnist", "--schedule", "every_step(3)"], "Did you mean 'every_n_steps'"),
        (["lenet-mnist", "--byte-budget", "lots"], "for instance '500 MB'"),
    ):
        done = run(*arguments)
        assert done.exit_code != 0
        assert message in done.output, done.output


@pytest.mark.parametrize(
    "text",
    [
        "log_spaced() | every_epoch()",
        "every_n_steps(n=7)",
        "log_spaced(per_decade=5)",
        "at_steps([1, 10])",
    ],
)
def test_schedules_are_read_as_runs_keep_them(text: str) -> None:
    schedule = parse_schedule(text)
    assert repr(parse_schedule(repr(schedule))) == repr(schedule)


def test_a_preset_is_estimated_with_its_own_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    updates = shorten(monkeypatch, "lenet-mnist", epochs=100, schedule=at_steps([1, 2]))
    done = run("lenet-mnist")
    assert f"4 of {100 * updates} steps" in done.output, done.output


@pytest.mark.parametrize(
    "text",
    ["", "7", "every_n_steps", "every_n_steps(0)", "every_n_steps(x)", "__import__('os')", "a | b"],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no schedule"):
        parse_schedule(text)

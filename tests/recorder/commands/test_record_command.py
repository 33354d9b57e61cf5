"""`trainlapse record`: what it prints, and how it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import recorder.commands.cli
from recorder.commands.cli import record
from recorder.presets import PRESETS
from store import open_run
from store.errors import MissingExtraError
from tests.recorder.few_examples import shorten


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(record, [str(argument) for argument in arguments])


def test_help_explains_every_option() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "\\b" not in result.output, "examples keep their lines"
    for parameter in record.params:
        if parameter.param_type_name == "option":
            assert parameter.opts[0] in result.output
            assert parameter.help


def test_the_presets_are_listed() -> None:
    result = run("--list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == list(PRESETS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument 'PRESET'"),
        (("lenet-mnist",), "Missing option '-o'"),
        (("lenet", "-o", "x"), "Did you mean 'lenet-mnist'?"),
        (("lenet-mnist", "-o", "x", "--epochs", 0), "0 is not in the range x>=1"),
        (("lenet-mnist", "-o", "x", "--every", "often"), "'often' is not a valid integer"),
    ],
)
def test_wrong_use_ends_with_2(arguments: Any, message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def small_network(data: Any) -> Any:
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input(data.x_train.shape[1:], name="image"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="softmax", name="dense"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


@pytest.fixture
def short_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small network in the place of LeNet, on few examples: 4 updates an epoch."""
    shorten(monkeypatch, "lenet-mnist", build_model=small_network)


@pytest.mark.slow
@pytest.mark.usefixtures("short_preset")
def test_a_run_is_recorded_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    short = ("lenet-mnist", "-o", path, "--epochs", 1, "--every", 3, "--quiet")
    result = run(*short)
    assert result.exit_code == 0, result.output
    assert f"trainlapse explore {path}" in result.output
    assert list(open_run(path).steps) == [0, 3, 4]
    first = open_run(path).id
    refused = run(*short)
    assert refused.exit_code == 1
    assert "There is a run at" in refused.output
    assert open_run(path).id == first
    assert run(*short, "--overwrite").exit_code == 0
    assert open_run(path).id != first


@pytest.mark.slow
@pytest.mark.usefixtures("short_preset")
def test_the_same_seed_gives_the_same_network(tmp_path: Path) -> None:
    kernels = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        path = tmp_path / name
        short = ("--epochs", 1, "--every", 1000, "--quiet", "--seed", seed)
        assert run("lenet-mnist", "-o", path, *short).exit_code == 0
        kernels.append(open_run(path).weights("dense", "kernel").values)
    assert (kernels[0] == kernels[1]).all()
    assert (kernels[0] != kernels[2]).any()


@pytest.mark.parametrize(
    "error",
    [
        MissingExtraError('pip install "trainlapse[demo]"'),
        OSError(28, "No space left on device"),
    ],
)
def test_a_failure_ends_with_1_and_one_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(recorder.commands.cli, "record_preset", fail)
    result = run("lenet-mnist", "-o", "x")
    assert result.exit_code == 1
    assert result.output == f"Error: {error}\n"

"""Messages: what was passed, what was expected, what to do; and errors that callers expect."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import store.errors
from store import open_run
from store.errors import (
    MAX_NAMES_LISTED,
    ArrayNotRecordedError,
    LayerNotFoundError,
    RunFormatError,
    RunNotFoundError,
    StepNotRecordedError,
    TrainlapseError,
    did_you_mean,
    listed,
)
from store.reading.run import Run
from store.storage.location import MAX_ROOT_BYTES
from store.testing import write_run

FAMILY = [
    error
    for _, error in inspect.getmembers(store.errors, inspect.isclass)
    if issubclass(error, TrainlapseError) and error is not TrainlapseError
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return open_run(write_run(tmp_path_factory.mktemp("errors") / "lenet.zarr"))


@pytest.mark.parametrize("error", FAMILY)
def test_every_error_is_also_a_built_in_one(error: type[TrainlapseError]) -> None:
    built_in = [base for base in error.__mro__ if base.__module__ == "builtins"]
    assert built_in[0] not in (Exception, BaseException, object)
    assert str(error("two\nlines")) == "two\nlines"  # KeyError alone would print '\\n'


def test_names_are_listed_but_not_without_end() -> None:
    assert listed([]) == "none"
    names = [f"layer{number}" for number in range(MAX_NAMES_LISTED + 3)]
    assert listed(names).endswith(f"layer{MAX_NAMES_LISTED - 1} and 3 more")


@pytest.mark.parametrize(
    ("wrong", "suggestion"), [("cnv1", "conv1"), ("CONV1", "conv1"), ("Sofmax", "softmax")]
)
def test_the_near_name_is_suggested(wrong: str, suggestion: str) -> None:
    text = did_you_mean(wrong, ["conv1", "dense", "softmax"])
    assert text == f"Did you mean '{suggestion}'? There are: conv1, dense, softmax."


def test_no_name_is_suggested_for_what_is_like_none() -> None:
    assert did_you_mean("attention", ["conv1"]) == "There are: conv1."


def test_an_unknown_layer(run: Run) -> None:
    with pytest.raises(LayerNotFoundError, match=r"no layer 'cnv1'\. Did you mean 'conv1'"):
        run.activations("cnv1")
    with pytest.raises(KeyError):
        run.layers["cnv1"]
    assert "cnv1" not in run.layers


def test_what_was_not_recorded_of_a_layer(run: Run) -> None:
    with pytest.raises(ArrayNotRecordedError, match=r"'image' \(InputLayer\) was not recorded"):
        run.activations("image")
    with pytest.raises(ArrayNotRecordedError, match=r"no recorded weight 'kernl'\. Did you mean"):
        run.weights("conv1", "kernl")
    with pytest.raises(ArrayNotRecordedError, match=r"no array 'metrics/los'\. Did you mean"):
        run.array("metrics/los")
    with pytest.raises(ArrayNotRecordedError, match="no array 'layers'"):
        run.array("layers")


@pytest.mark.parametrize(("step", "near"), [(3, "2, 5"), (-1, "0"), (1000, "100"), (99, "50, 100")])
def test_a_step_that_was_not_recorded(run: Run, step: int, near: str) -> None:
    message = f"Step {step} was not recorded; the nearest recorded steps are {near}. "
    with pytest.raises(StepNotRecordedError, match=message):
        run.index_of(step)
    assert [run.index_of(int(recorded)) for recorded in run.steps] == list(range(len(run)))


def test_a_run_that_is_not_there(run: Run) -> None:
    folder = Path(run.location).parent
    with pytest.raises(RunNotFoundError, match=r"Did you mean 'lenet\.zarr'\?"):
        open_run(folder / "lnet.zarr")
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere either"):
        open_run(folder / "nowhere" / "run.zarr")
    with pytest.raises(RunNotFoundError, match=r"is not a run\. .*folder of runs: lenet\.zarr"):
        open_run(folder)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match=r"is not a run\. It holds no zarr\.json"):
        open_run(tmp_path)
    (tmp_path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    with pytest.raises(RunNotFoundError, match="a Zarr group, but not a Trainlapse run"):
        open_run(tmp_path)
    (tmp_path / "zarr.json").write_text('{"zarr_format": 2}')
    with pytest.raises(RunFormatError, match="not a Zarr v3 group"):
        open_run(tmp_path)
    (tmp_path / "zarr.json").write_text("{")
    with pytest.raises(RunFormatError, match=r"zarr\.json is not valid JSON"):
        open_run(tmp_path)


def test_a_root_document_beyond_measure(tmp_path: Path) -> None:
    with (tmp_path / "zarr.json").open("wb") as file:
        file.truncate(MAX_ROOT_BYTES + 1)
    with pytest.raises(RunFormatError, match="larger than any run's root document"):
        open_run(tmp_path)

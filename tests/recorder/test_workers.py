"""Of several processes that train together one records, or each a run of its own."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.workers import RANKS, TF_CONFIG, this_worker
from store import open_run
from tests.recorder.numpy_training import STEPS, record

CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "c:1"], "ps": ["d:1"], "evaluator": ["e:1"]}


def tf_config(kind, index, **cluster):
    return json.dumps({"cluster": cluster or CLUSTER, "task": {"type": kind, "index": index}})


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in (*RANKS, TF_CONFIG):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", RANKS)
def test_the_chief_alone_records(tmp_path, monkeypatch, name, caplog):
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv(name, "1")
    idle = record(tmp_path / "a.zarr")
    assert not list(tmp_path.iterdir())
    assert (idle.report.steps, idle.report.fault, idle.path) == (0, None, None)
    assert not caplog.records
    monkeypatch.setenv(name, "0")
    record(tmp_path / "a.zarr")
    assert list(open_run(tmp_path / "a.zarr").steps) == STEPS
    monkeypatch.setenv(name, "1")
    record(tmp_path / "a.zarr")  # the run of the chief is in nobody's way
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zarr"]


def test_each_records_where_the_path_names_it(tmp_path, monkeypatch):
    for number in range(2):
        monkeypatch.setenv("RANK", str(number))
        assert record(tmp_path / "run-{worker}.zarr").path == tmp_path / f"run-{number}.zarr"
    assert list(open_run(tmp_path / "run-1.zarr").steps) == STEPS


@pytest.mark.parametrize(
    ("kind", "index", "cluster", "number"),
    [
        ("chief", 0, CLUSTER, 0),
        ("worker", 0, CLUSTER, 1),
        ("worker", 1, CLUSTER, 2),
        ("worker", 0, {"worker": ["a:1", "b:1"]}, 0),
        ("worker", 1, {"worker": ["a:1", "b:1"]}, 1),
        ("master", 0, {"master": ["a:1"], "worker": ["b:1"]}, 0),
        ("evaluator", 0, CLUSTER, 3),
        ("ps", 0, {"ps": ["a:1"], "worker": ["b:1"]}, 1),
    ],
)
def test_tensorflow_names_the_chief(kind, index, cluster, number):
    # What TensorFlow was told counts before what started the processes.
    found = this_worker({TF_CONFIG: tf_config(kind, index, **cluster), "RANK": "7"})
    assert (found.number, found.told_by) == (number, TF_CONFIG)


@given(
    st.sampled_from((*RANKS, TF_CONFIG)),
    st.one_of(
        st.text(),
        st.sampled_from(["-1", "²", "1.0", "[]", "{}", '{"cluster": [], "task": {"type": 1}}']),
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: st.dictionaries(st.sampled_from(["cluster", "task", "type"]), inner),
        ).map(json.dumps),
    ).filter(lambda said: not (said.strip().isascii() and said.strip().isdecimal())),
)
def test_what_says_nothing_makes_no_process_idle(name, said):
    assert this_worker({name: said}).is_chief

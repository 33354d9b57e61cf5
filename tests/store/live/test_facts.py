"""Facts that change while a run is written: kept with their step, through resuming and copying."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import RunFormatError, open_run
from store.format.facts import in_force, noted
from store.live.writer import RunWriter
from store.packed.pack import pack
from store.testing import append_steps, image_run_spec

KERNEL = "layers/conv1/weights/kernel"
HOLDS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=2)
SGD, ADAM = {"class": "SGD"}, {"class": "Adam"}


def two_phases(path: Path) -> Path:
    with RunWriter.create(path, image_run_spec()) as writer:
        append_steps(writer, 0, 1, 2)
        writer.note_facts(0, {"optimizer": SGD, "not_trained": [KERNEL]}, {"loss": "no reason."})
    with RunWriter.resume(path, image_run_spec()) as writer:
        append_steps(writer, 3, 4)
        writer.note_facts(2, {"optimizer": ADAM, "not_trained": []})
    return path


def trainable(path: Path) -> Any:
    own = json.loads((path / KERNEL / "zarr.json").read_text())["attributes"]["trainable"]
    assert open_run(path).weights("conv1", "kernel").attrs["trainable"] == own
    return own


def test_facts_of_both_phases_are_in_the_run_and_its_copies(tmp_path: Path) -> None:
    path = two_phases(tmp_path / "run.zarr")
    pack(path, tmp_path / "packed.zarr")
    for each in (path, tmp_path / "packed.zarr"):
        run = open_run(each)
        assert run.facts == [
            {"step": 0, "optimizer": SGD, "not_trained": [KERNEL]},
            {"step": 2, "optimizer": ADAM, "not_trained": []},
        ]
        assert run.settings(1) == {"optimizer": SGD, "not_trained": [KERNEL]}
        assert run.settings(2) == run.settings() == {"optimizer": ADAM, "not_trained": []}
        assert run.attributes["optimizer"] == ADAM
        assert run.left_out == {"loss": "no reason."}


def test_a_weight_is_trainable_when_it_ever_was(tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    with RunWriter.create(path, image_run_spec()) as writer:
        append_steps(writer, 0)
        writer.note_facts(0, {"not_trained": [KERNEL]})
        writer.commit()
        assert trainable(path) is False
        writer.note_facts(5, {"not_trained": []})
        writer.commit()
        assert trainable(path) is True
        writer.note_facts(9, {"not_trained": [KERNEL]})
    assert trainable(path) is True
    with RunWriter.resume(path, image_run_spec()):
        assert trainable(path) is True


def test_facts_of_steps_that_are_dropped_are_dropped(tmp_path: Path) -> None:
    path = two_phases(tmp_path / "run.zarr")
    RunWriter.resume(path, image_run_spec(), after_step=1).close()
    assert open_run(path).settings() == {"optimizer": SGD, "not_trained": [KERNEL]}


@pytest.mark.parametrize(
    "facts",
    [
        "none",
        [1],
        [{}],
        [{"step": -1}],
        [{"step": 3}, {"step": 3}],
        [{"step": 0, "not_trained": 1}],
    ],
)
def test_facts_of_another_form_are_damage(tmp_path: Path, facts: Any) -> None:
    path = two_phases(tmp_path / "run.zarr")
    root = json.loads((path / "zarr.json").read_text())
    root["attributes"]["trainlapse"] |= {"facts": facts, "left_out": {"loss": 1}}
    (path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(RunFormatError, match="facts is not a list") as error:
        open_run(path)
    assert "left_out is not an object of texts" in str(error.value)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=2),
        ),
        max_size=8,
    )
)
def test_what_is_noted_in_order_is_what_is_in_force(notes: list[tuple[int, Any]]) -> None:
    facts: list[dict[str, Any]] = []
    held: dict[int, dict[str, int]] = {}
    now: dict[str, int] = {}
    for step, holds in sorted(notes, key=lambda note: note[0]):
        facts = noted(facts, step, holds)
        now = {**now, **holds}
        held[step] = now
    for step in range(10):
        past = [at for at in held if at <= step]
        assert in_force(facts, step) == (held[max(past)] if past else {})
    steps = [entry["step"] for entry in facts]
    assert steps == sorted(set(steps))

"""What fuzzing has found once, and a few fresh contents; ``make fuzz`` goes on for longer."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from store.errors import RunFormatError
from store.testing.damage_trials import HOSTILE
from tests.fuzz import run
from tests.fuzz.run import fuzz
from tests.fuzz.targets import FINDS, TARGETS, Target, damaged_zips, hostile_values

FOUND = [
    pytest.param(target, path, id=f"{target.name}-{path.name}")
    for target in TARGETS
    for path in sorted((FINDS / target.name).glob("*"))
]
pytestmark = [
    # Keras's own saving converts its variables in a way that NumPy 2 calls old.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # Keras draws a seed of its own while it makes the sound file.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
    # A content is a whole file.
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
]


@pytest.mark.parametrize(("target", "path"), FOUND)
def test_what_was_found_is_no_fault_any_more(target: Target, path: Path, tmp_path: Path) -> None:
    target.check(path.read_bytes(), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_fresh_contents(target: Target) -> None:
    @settings(max_examples=10)
    @given(target.contents())
    def check(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            target.check(content, Path(folder))

    check()


def test_a_fault_is_found_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "FINDS", tmp_path)

    def check(content: bytes, _: Path) -> None:
        if not content.startswith(b"PK"):
            raise RunFormatError("of ours, but not expected here")

    tried, finds = fuzz(Target("some", damaged_zips, check), 2.0, 1)
    assert tried > 0
    assert finds
    for path, error in finds.items():
        assert path.parent == tmp_path / "some"
        assert "not expected here" in error


@given(hostile_values())
def test_a_value_that_is_drawn_may_be_changed(value: object) -> None:
    if isinstance(value, list):
        value.append("changed")
    if isinstance(value, dict):
        value["changed"] = None
    assert "changed" not in repr(HOSTILE)

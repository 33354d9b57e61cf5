"""The store against a perfect one in memory: any order of appends, crashes and resumptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from store.live.array import LiveArray
from store.testing.stateful import RunMachine

pytestmark = pytest.mark.slow

TestRunMachine = RunMachine.TestCase
TestRunMachine.settings = settings(stateful_step_count=25)

# Enough to find what is broken on purpose; no shrinking, and nothing kept for later.
HASTY = settings(
    max_examples=60,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)


def lost_rows(real: Callable[..., Any]) -> Callable[..., Any]:
    """A metric that begins late has zeros instead of NaN before."""
    return lambda self, length, _: real(self, length, 0.0)


def wrong_slot(real: Callable[..., Any]) -> Callable[..., Any]:
    """Every fifth step is written over the fourth."""
    return lambda self, index, frame: real(self, index - (index % 5 == 4), frame)


@pytest.mark.parametrize(("method", "broken"), [("fill", lost_rows), ("write", wrong_slot)])
def test_the_machine_finds_a_fault(
    monkeypatch: pytest.MonkeyPatch, method: str, broken: Callable[..., Any]
) -> None:
    monkeypatch.setattr(LiveArray, method, broken(getattr(LiveArray, method)))
    with pytest.raises((AssertionError, ValueError, ExceptionGroup)):
        run_state_machine_as_test(RunMachine, settings=HASTY)

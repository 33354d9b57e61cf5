"""Runs to test with, and trials of crashes and of damage.

May import all of the store; nothing but tests and benchmarks imports it.
"""

from __future__ import annotations

from store.testing.runs import (
    CLASSES,
    PROBES,
    CountingStore,
    append_steps,
    assert_holds,
    derived_run_spec,
    frames_at,
    image_run_spec,
    parts_run_spec,
    seeded,
    small_files,
    text_run_spec,
    write_run,
)

__all__ = [
    "CLASSES",
    "PROBES",
    "CountingStore",
    "append_steps",
    "assert_holds",
    "derived_run_spec",
    "frames_at",
    "image_run_spec",
    "parts_run_spec",
    "seeded",
    "small_files",
    "text_run_spec",
    "write_run",
]


def __dir__() -> list[str]:
    return [*__all__]

"""Presets on a few of their examples, to be trained in a moment."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

from recorder.presets import PRESETS, Data
from recorder.presets.training import load

TRAINED, HELD_OUT = 256, 64


@functools.cache
def data_of(name: str) -> Data:
    """Load a preset's data once for all tests."""
    return load(PRESETS[name])


def shorten(monkeypatch: pytest.MonkeyPatch, name: str) -> int:
    """Let a preset train on few examples; give the updates in an epoch."""
    data, preset = data_of(name), PRESETS[name]
    few = replace(
        data,
        x_train=data.x_train[:TRAINED],
        y_train=data.y_train[:TRAINED],
        x_held_out=data.x_held_out[:HELD_OUT],
        y_held_out=data.y_held_out[:HELD_OUT],
    )
    monkeypatch.setitem(PRESETS, name, replace(preset, load_data=lambda: few))
    return TRAINED // preset.batch_size

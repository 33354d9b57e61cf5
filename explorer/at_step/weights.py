"""The weights of a run at a step, or averaged over several, and what must be said of them."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from explorer.data.run import RunData
from explorer.derived.network.node import Array
from store import Run
from store.errors import ArgumentError, ArrayNotRecordedError, StepNotRecordedError, listed
from store.format.names import weight_path

StepWeights = Mapping[str, Mapping[str, Array]]
Average = Literal["mean", "ema"]
AVERAGES = ("mean", "ema")
# What a normalization notes of its inputs: no training changes it by gradients.
STATISTICS = ("moving_mean", "moving_variance")


class Held(NamedTuple):
    """Weights of a network, and what a reader of its answers must know of them.

    Attributes
    ----------
    weights : mapping of str to (mapping of str to ndarray)
        By layer, by name.
    steps : tuple of int
        The recorded steps that they are of.
    remarks : tuple of str
        Sentences.
    """

    weights: StepWeights
    steps: tuple[int, ...]
    remarks: tuple[str, ...]


def at_step(data: RunData, step: Any) -> Held:
    """Read all weights at a recorded step.

    Raises
    ------
    StepNotRecordedError
        The training was not recorded there; the message names the nearest steps.
    ArgumentError
        `step` is no whole number.
    """
    number = _whole(step)
    index = _index(data.run, number)
    return Held(_read(data, index), (number,), tuple(_precision(data.run)))


def averaged(data: RunData, steps: Iterable[Any], average: Any, decay: float) -> Held:
    """Average the weights of the recorded ones of some steps.

    Parameters
    ----------
    data : RunData
        The run.
    steps : iterable of int
        Those that were not recorded are left out.
    average : {"mean", "ema"}
        Each alike; or exponentially: the average is moved at each step by 1 - `decay` to the power
        of the updates since the one before (the first counts whole).
    decay : float
        For one update, from 0 up to but not 1.

    Raises
    ------
    StepNotRecordedError
        None of them was recorded.
    ArgumentError
        An argument is of another kind or range.
    """
    if average not in AVERAGES:
        raise ArgumentError(f"average is 'mean' or 'ema', not {average!r}.")
    if not 0 <= decay < 1:
        raise ArgumentError(f"decay is from 0 up to but not 1, not {decay!r}.")
    if isinstance(steps, str) or not isinstance(steps, Iterable):
        raise ArgumentError(f"steps are several whole numbers, as range(500, 757), not {steps!r}.")
    wanted = steps if isinstance(steps, range) else sorted({_whole(step) for step in steps})
    if not wanted:
        raise ArgumentError("steps are none: give some that were recorded.")
    among = wanted if isinstance(wanted, range) else set(wanted)
    recorded = [step for step in data.run.steps.tolist() if step in among]
    if not recorded:
        first, last = sorted((wanted[0], wanted[-1]))
        span = f"{first} to {last}" if first < last else str(first)
        raise StepNotRecordedError(
            f"Of the steps {span} none was recorded. {_neighbours(data.run, first)}"
        )
    total: dict[str, dict[str, Array]] = {}
    before = recorded[0]
    for count, step in enumerate(recorded, start=1):
        share = 1 / count if average == "mean" else 1 - decay ** (step - before)
        for layer, own in _read(data, _index(data.run, step)).items():
            into = total.setdefault(layer, {})
            for name, values in own.items():
                into[name] = _moved(into.get(name), values, share)
        before = step
    weights = {
        layer: {name: _as_recorded(values) for name, values in own.items()}
        for layer, own in total.items()
    }
    remarks = [_said(average, recorded, decay)]
    normalized = [
        layer for layer, own in weights.items() if any(name in own for name in STATISTICS)
    ]
    if normalized and len(recorded) > 1:
        remarks.append(
            f"The statistics of batch normalization ({listed(normalized)}) are averaged too, not "
            "measured anew."
        )
    return Held(weights, tuple(recorded), (*remarks, *_precision(data.run)))


def require_weights(data: RunData, layers: Iterable[str]) -> None:
    """Require all variables of some layers.

    Raises
    ------
    ArrayNotRecordedError
        Some were not recorded.
    """
    known, network = data.run.layers, data.network
    owners = {network.first_call(name): None for name in layers}
    absent = [
        name
        for name in owners
        if known[name].parameters > sum(math.prod(shape) for shape in known[name].weights.values())
    ]
    if absent:
        raise ArrayNotRecordedError(
            f"The weights of {listed(absent)} are not in the run, or not all of them: the network "
            "at a step needs every weight. Record with weights=True, and crop without --no-weights."
        )


def _read(data: RunData, index: int) -> StepWeights:
    places = [(layer.name, name) for layer in data.run.layers.values() for name in layer.weights]
    if data.run.source.is_remote:
        found = data.run.read_many((weight_path(*place), (index,)) for place in places)
    else:
        found = [data.run.read(weight_path(*place), (index,)) for place in places]
    weights: dict[str, dict[str, Array]] = {}
    for (layer, name), values in zip(places, found, strict=True):
        weights.setdefault(layer, {})[name] = np.asarray(values)
    return weights


def _whole(step: Any) -> int:
    if isinstance(step, bool | np.bool_):
        raise ArgumentError(f"A step is a whole number, not {step!r}.")
    try:
        return operator.index(step)
    except TypeError:
        raise ArgumentError(f"A step is a whole number, not {step!r}.") from None


def _index(run: Run, step: int) -> int:
    at = int(np.searchsorted(run.steps, step))
    if at < len(run.steps) and run.steps[at] == step:
        return at
    raise StepNotRecordedError(f"Step {step} was not recorded. {_neighbours(run, step)}")


def _neighbours(run: Run, step: int) -> str:
    steps = run.steps
    if not len(steps):
        return "The run has no step yet."
    at = int(np.searchsorted(steps, step))
    near = [str(int(other)) for other in steps[max(0, at - 1) : at + 1]]
    return f"The nearest recorded step{'s are' if len(near) > 1 else ' is'} {' and '.join(near)}."


def _moved(total: Array | None, values: Array, share: float) -> Array:
    """Move an average to new values; whole numbers, such as counts of draws, are the last ones."""
    if total is None or values.dtype.kind != "f":
        return values.astype(np.float64) if values.dtype.kind == "f" else values
    return np.asarray(total + share * (values - total))


def _as_recorded(values: Array) -> Array:
    return values.astype(np.float32) if values.dtype == np.float64 else values


def _said(average: str, recorded: Sequence[int], decay: float) -> str:
    how = "mean" if average == "mean" else f"exponential average (decay {decay:g} an update)"
    if len(recorded) == 1:
        return f"Of the steps asked for one was recorded, {recorded[0]}: its weights are taken."
    return (
        f"The weights are the {how} of {len(recorded)} recorded steps, {recorded[0]} to "
        f"{recorded[-1]}."
    )


def _precision(run: Run) -> list[str]:
    """Say where weights are not what the training had, in every bit."""
    rounded = (run.attributes.get("precision") or {}).get("weights")
    if rounded is not None:
        how = rounded if isinstance(rounded, str) else f"{rounded} bits of mantissa"
        return [f"The weights were rounded to {how} when the run was packed."]
    paths = [
        weight_path(layer.name, name) for layer in run.layers.values() for name in layer.weights
    ]
    narrow = sum(run.array(path).dtype == np.float16 for path in paths)
    if not narrow:
        return []
    return [
        f"{narrow} of {len(paths)} weights were recorded as float16: answers are those of the "
        "training to about three digits."
    ]

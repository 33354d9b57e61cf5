"""What was recorded against what was seen: weights, activations and losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.trainings.attempt import Attempt, Seen, variables_of
from benchmarks.trainings.forward import Noted, outputs_of
from store import Layer, Run

Numbers = npt.NDArray[Any]

# Largest relative difference of losses where two trainings without a recorder differ already.
LOSS_TOLERANCE = 1e-2


def differences(one: Attempt, other: Attempt) -> list[str]:
    """Say where two attempts at a training differ in a bit, of losses or of weights."""
    found = []
    if [name for name, _ in one.losses] != [name for name, _ in other.losses]:
        found.append("other losses were given, or more of them")
    elif not np.array_equal(_values(one), _values(other), equal_nan=True):
        found.append(f"losses differ by up to {_relative(_values(one), _values(other)):.1e}")
    for first, second in zip(one.seen, other.seen, strict=True):
        # A model that is built by its first batch is seen before it by a recorder alone.
        if (first.moments.keys() ^ second.moments.keys()) - {0}:
            found.append("the steps seen differ")
            continue
        differing = [
            step
            for step in first.moments.keys() & second.moments.keys()
            if not _same_weights(first.moments[step], second.moments[step])
        ]
        if differing:
            found.append(f"weights differ from step {min(differing)} on")
    return found


def loss_difference(one: Attempt, other: Attempt) -> float:
    """Give the largest relative difference of losses."""
    first, second = _values(one), _values(other)
    return _relative(first, second) if first.shape == second.shape else np.inf


def step_problems(run: Run, seen: Seen) -> Iterator[str]:
    """Find steps that were not recorded, and recorded ones that never were."""
    recorded, expected = set(run.steps.tolist()), set(seen.moments)
    if missing := sorted(expected - recorded):
        yield f"steps {missing} were not recorded"
    known = {step for step in recorded if seen.is_resumed and step < min(expected)}
    if unknown := sorted(recorded - expected - known):
        yield f"steps {unknown} were recorded, but never were"


def weight_problems(run: Run, part: str, seen: Seen) -> Iterator[str]:
    """Find variables whose values are not recorded bit for bit, and values of no variable."""
    steps = [step for step in run.steps.tolist() if step in seen.moments]
    histories = [
        np.stack([_stored(seen.moments[step][part][number]) for step in steps])
        for number in range(len(variables_of(seen.models[part])))
    ]
    recorded = {
        (name, weight): run.weights(name, weight).sel(step=steps).values
        for name, weight in _weights_of(run)
    }
    yield from _differing(seen.models[part], histories, recorded)


def end_problems(run: Run, part: str, seen: Seen) -> Iterator[str]:
    """Find weights that a fit has left, and that are neither the last step's nor kept as such."""
    last = seen.moments[max(seen.moments)]
    if not seen.is_fitted or _same_weights({part: seen.end[part]}, last):
        return
    after = run.after_training
    if after is None:
        yield "the weights after the training, which are not those of the last step, are not kept"
        return
    kept = {(name, weight): after.weights(name, weight).values for name, weight in _weights_of(run)}
    values = [_stored(value) for value in seen.end[part]]
    yield from (
        f"after the training {said}" for said in _differing(seen.models[part], values, kept)
    )


def _weights_of(run: Run) -> list[tuple[str, str]]:
    return [(name, weight) for name, layer in run.layers.items() for weight in layer.weights]


def _differing(
    model: Any, values: Sequence[Numbers], recorded: dict[tuple[str, str], Numbers]
) -> Iterator[str]:
    """Give each variable a recorded array: that of its name and values, in a layer of its path."""
    weights = {id(weight) for weight in model.weights}  # not the states of random generators
    for variable, expected in zip(variables_of(model), values, strict=True):
        if id(variable) not in weights:
            continue
        *layers, name = variable.path.split("/")
        equal = [
            key
            for key, found in recorded.items()
            if key[1].rsplit(".", maxsplit=1)[-1] == name
            and found.shape == expected.shape
            and np.array_equal(found, expected, equal_nan=True)
        ]
        if equal:
            recorded.pop(max(equal, key=lambda key: _likeness(key[0], layers)))
        else:
            yield f"the values of {variable.path} are recorded nowhere"
    for name, weight in recorded:
        yield f"{name}/{weight} has the values of no variable"


def activation_problems(
    run: Run, part: str, seen: Seen, tolerance: float, chosen: Sequence[int]
) -> Iterator[str]:
    """Find layers whose output is not what Keras computes, at some steps."""
    for step in chosen:
        calls = outputs_of(seen.models[part], seen.moments[step][part], seen.inputs[part])
        yield from _call_problems(run, step, calls, tolerance)


def _call_problems(run: Run, step: int, calls: Sequence[Noted], tolerance: float) -> Iterator[str]:
    """Compare recorded layers with the calls, which come in the same order."""
    classes = {call.class_name for call in calls}
    layers = [
        layer
        for layer in run.layers.values()
        if layer.class_name in classes and layer.kind != "input"
    ]
    for call, layer in zip_longest(calls, layers):
        if call is None:
            if _recorded(run, layer, step) is not None:
                yield f"{layer.name} is the output of no layer"
            continue
        if layer is None or layer.class_name != call.class_name:
            yield f"the output of {call.layer} ({call.class_name}) was not recorded in its place"
            return
        values = _recorded(run, layer, step)
        if values is None:
            if call.output.size:
                yield f"the output of {layer.name} was not recorded"
        elif values.shape != call.output.shape:
            yield f"{layer.name} has the shape {values.shape}, in Keras {call.output.shape}"
        elif not (off := _difference(values, call.output)) <= tolerance:
            yield f"{layer.name} differs from Keras's by {off:.1e} at step {step}"


def _recorded(run: Run, layer: Layer, step: int) -> Numbers | None:
    """Give the output of a layer at a step; None where it is not recorded."""
    if layer.has_activation:
        return run.activations(layer.name).sel(step=step).values
    whole = f"layers/{layer.name}/output"  # of a layer none of whose axes is the probe's
    return run.read(whole, (run.index_of(step),)) if whole in run.nodes else None


def _difference(values: Numbers, expected: Numbers) -> float:
    """Give the largest difference, as a share of the largest value; NaN equals NaN."""
    first, second = values.astype(np.float64), expected.astype(np.float64)
    if not np.array_equal(np.isnan(first), np.isnan(second)):
        return np.inf
    with np.errstate(invalid="ignore"):  # infinite less infinite
        apart = np.where(first == second, 0.0, np.abs(first - second))
    return float(np.nanmax(apart, initial=0.0) / max(1e-6, np.nanmax(np.abs(second), initial=0.0)))


def _relative(first: Numbers, second: Numbers) -> float:
    return float(np.nanmax(np.abs(first - second) / np.maximum(np.abs(first), 1e-6), initial=0.0))


def _values(attempt: Attempt) -> Numbers:
    return np.array([value for _, value in attempt.losses])


def _same_weights(one: dict[str, list[Numbers]], other: dict[str, list[Numbers]]) -> bool:
    return all(
        np.array_equal(first, second, equal_nan=True)
        for name in one
        for first, second in zip(one[name], other[name], strict=True)
    )


def _stored(values: Numbers) -> Numbers:
    """Widen what a run has no type for."""
    return values.astype(np.float32) if values.dtype.name == "bfloat16" else values


def _likeness(layer: str, path: Sequence[str]) -> tuple[int, int]:
    """How much of a layer's name is in the path of a variable."""
    names = layer.split(".")
    return sum(name in path for name in names), -len(names)

"""The pass of a model that cannot be traced: it runs operation by operation, each time anew.

Such a model does in its ``call`` what needs the numbers themselves, for instance by NumPy. It runs
on the training thread, between two updates, since what such code reads and changes is unknown;
the sources of random numbers are left as they were.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from recorder.keras.inputs import Feed
from recorder.keras.trace import (
    Call,
    Trace,
    Watch,
    axes_of_answers,
    build,
    kept_losses,
    probe_axes,
    recorded_variables,
    storable,
    variable_reader,
)

# From here the seeds come of what a watched pass draws.
OWN_SEED = "trainlapse"


def eager_trace(model: Any, feed: Feed, *, answers: int | None = None) -> Trace:
    """Give what `recorder.keras.trace.trace` gives, for a model that cannot be traced.

    Parameters
    ----------
    model : keras.Model
        The model.
    feed : Feed
        The probe's inputs.
    answers : int, optional
        As there.
    """
    build(model, feed)
    variables = recorded_variables(model)
    read = variable_reader(variables)
    calls, outputs = _watched(model, feed, variables, read())
    shapes = [tuple(call.output.shape) for call in calls]
    if answers is None:
        larger = None
        with contextlib.suppress(Exception):  # a model may take batches of one size only
            more, _ = _watched(model, feed.one_more(), variables, read())
            if [call.path for call in more] == [call.path for call in calls]:
                larger = [tuple(call.output.shape) for call in more]
        axes = probe_axes(shapes, larger, feed.size)
    else:
        axes = axes_of_answers(shapes, outputs, answers)

    def forward(*tensors: Any) -> list[Any]:
        held = tensors[len(tensors) - len(variables) :]
        found, _ = _watched(model, feed, variables, held)
        return _in_order(calls, found)

    return Trace(calls, variables, outputs, False, read, forward, [], shapes, axes, is_eager=True)


@contextlib.contextmanager
def kept_randomness() -> Iterator[None]:
    """Leave the sources of random numbers as they are: of Python, NumPy and TensorFlow.

    Those of Keras are variables, which a `keras.StatelessScope` leaves alone. An operation of
    TensorFlow that is given a seed of its own has a state that nobody can set back.
    """
    from tensorflow.python.eager import context

    seeds = getattr(context.context(), "_rng", None)  # what seeds operations without a seed
    numbers = np.random.get_state()  # noqa: NPY002 - what user's code may draw from
    kept = (random.getstate(), seeds and seeds.getstate())
    if seeds is not None:
        # TensorFlow keeps one generator for each seed that was used, and goes on in it: the seeds
        # that the training is about to draw must not be used before.
        seeds.seed(OWN_SEED)
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(numbers)  # noqa: NPY002
        if seeds is not None:
            seeds.setstate(kept[1])


def run_eagerly(model: Any, feed: Feed, variables: Sequence[Any], values: Sequence[Any]) -> Any:
    """Call a model as it is with given variables, in inference mode, and change nothing."""
    import keras

    state = list(zip(variables, values, strict=True))
    with kept_losses(model), kept_randomness(), keras.StatelessScope(state_mapping=state):
        return model(feed.arranged(model), training=False)


def _watched(
    model: Any, feed: Feed, variables: Sequence[Any], values: Sequence[Any]
) -> tuple[list[Call], list[int]]:
    parts = zip(feed.components, feed.origins, strict=True)
    watch = Watch({id(part): name for part, name in parts})
    with watch.watching():
        result = run_eagerly(model, feed, variables, values)
    return watch.calls, watch.output_calls(model, result)


def _in_order(expected: Sequence[Call], found: Sequence[Call]) -> list[Any]:
    """Give the outputs of the calls that are recorded, whichever calls this pass made.

    What was not called this time, or gave another shape, is NaN, or 0 where it is whole numbers.
    """
    outputs: dict[str, list[Any]] = {}
    for call in found:
        outputs.setdefault(call.path, []).append(call.output)
    return [_fitting(call.output, outputs.get(call.path, [])) for call in expected]


def _fitting(like: Any, outputs: list[Any]) -> Any:
    import tensorflow as tf

    if outputs and (output := outputs.pop(0)).shape == like.shape:
        return storable(output)
    filler = float("nan") if like.dtype.is_floating else 0
    return storable(tf.fill(like.shape, tf.cast(filler, like.dtype)))

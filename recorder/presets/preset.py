"""What a preset is: a small, real training that is worth looking at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recorder.evaluation import Evaluation
from recorder.probe import Probe
from recorder.schedule import Schedule, every_epoch, log_spaced
from store.format.names import Array
from store.format.spec import EvaluationRole

# Twice as dense as the recorder's own: a preset is there to be looked at, and its slider runs
# smoothly over 70 steps and more.
SCHEDULE = log_spaced(40) | every_epoch()
# Held-out examples that are evaluated, and as many of those learned from: of ten classes 20 each.
EVALUATED = 200
EVALUATION_SEED = 0


@dataclass(frozen=True, slots=True)
class Data:
    """Examples of a preset.

    Attributes
    ----------
    x_train, y_train : ndarray
        Inputs (example, ...) and what is to be answered (example, ...), to learn from: class
        numbers, tags, pictures or masks.
    x_held_out, y_held_out : ndarray
        The same, never trained on.
    probe : Probe
        Some of the held-out examples.
    """

    x_train: Array
    y_train: Array
    x_held_out: Array
    y_held_out: Array
    probe: Probe


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset.

    Attributes
    ----------
    name : str
        As typed on the command line.
    title : str
        One line.
    description : str
        What is trained on what.
    epochs, batch_size : int
        Length of the training, and examples an update.
    load_data : callable
        Gives the examples; always the same ones.
    build_model : callable
        Takes the data, gives a compiled ``keras.Model``.
    needs : str
        The module that holds the raw data, for the message when it is missing.
    schedule : Schedule
        Which steps are recorded.
    evaluated : int
        Held-out examples whose predictions are recorded, and as many of those learned from.
    """

    name: str
    title: str
    description: str
    epochs: int
    batch_size: int
    load_data: Callable[[], Data]
    build_model: Callable[[Data], Any]
    needs: str
    schedule: Schedule = SCHEDULE
    evaluated: int = EVALUATED


def evaluations(data: Data, count: int) -> list[Evaluation]:
    """Choose examples of each role whose predictions are recorded, with the mix of classes of all.

    Parameters
    ----------
    data : Data
        What there is to choose from.
    count : int
        Examples of each role; of 0 there is no evaluation.
    """

    def evaluation(x: Array, y: Array, role: EvaluationRole) -> Evaluation:
        # Of several tags for each example there are too many mixes to hold.
        classes = y if y.ndim == 1 else np.zeros(len(y), np.int64)
        _, chosen = split(classes, count, EVALUATION_SEED)
        return Evaluation(x[chosen], y[chosen], class_names=data.probe.class_names, role=role)

    if not count:
        return []
    return [
        evaluation(data.x_held_out, data.y_held_out, "held_out"),
        evaluation(data.x_train, data.y_train, "train"),
    ]


def compiled(
    model: Any,
    *,
    learning_rate: float = 0.002,
    loss: str = "sparse_categorical_crossentropy",
    metrics: Sequence[Any] = ("accuracy",),
) -> Any:
    """Compile a model, by default one that learns classes, and give it back."""
    import keras

    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=loss,
        metrics=list(metrics),
    )
    return model


def split(labels: Array, held_out: int, seed: int) -> tuple[Array, Array]:
    """Split examples so that both parts have the same mix of classes.

    Parameters
    ----------
    labels : ndarray
        Class numbers (example,).
    held_out : int
        Number of examples to hold out.
    seed : int
        Seed of the choice.

    Returns
    -------
    train, held_out : ndarray
        Indices, in random order.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(labels))
    # Spread every class evenly over the interval, then cut it: each class is cut alike.
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = order[labels[order] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    chosen = np.argsort(place, kind="stable")[:held_out]
    is_held_out = np.zeros(len(labels), bool)
    is_held_out[chosen] = True
    return order[~is_held_out[order]], order[is_held_out[order]]

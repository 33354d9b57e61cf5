"""Mutations of healthy programs, each of which is one fault, after DeepCrime (Humbatova 2021)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.faults.programs import PROGRAMS, Program
from benchmarks.faults.settings import Settings

Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Mutation:
    """One fault; `benchmarks.faults.truth` says which suspects name it.

    Attributes
    ----------
    changes : callable
        Takes the healthy settings, gives what is changed in them.
    applies : callable
        Takes the program: whether the fault makes sense in it.
    """

    changes: Callable[[Settings], Changes]
    applies: Callable[[Program], bool] = lambda _: True


def _rate(factor: float) -> Callable[[Settings], Changes]:
    return lambda healthy: {"learning_rate": (healthy.learning_rate or 1e-3) * factor}


def _set(**changes: Any) -> Callable[[Settings], Changes]:
    return lambda _: changes


def _classes(program: Program) -> bool:
    return program.task == "classes"


def _labelled(program: Program) -> bool:
    return program.task in ("classes", "binary")


def _numeric(program: Program) -> bool:
    return "text" not in program.families


def _has_functions(program: Program) -> bool:
    return program.hidden.__name__ not in ("_lstm", "_lstm_texts", "_gru_next")


def _deep(program: Program) -> bool:
    return program.hidden.__name__ in ("_deep_mlp", "_lenet", "_residual", "_code")


def _task(name: str) -> Callable[[Program], bool]:
    return lambda program: program.task == name


def _family(name: str) -> Callable[[Program], bool]:
    return lambda program: name in program.families


MUTATIONS: dict[str, Mutation] = {
    "rate x 100": Mutation(_rate(100)),
    "rate x 1000": Mutation(_rate(1000)),
    "rate / 100": Mutation(_rate(1 / 100)),
    "rate / 1000": Mutation(_rate(1 / 1000)),
    "one epoch": Mutation(_set(epochs=1)),
    "sigmoid inside": Mutation(_set(hidden="sigmoid"), _deep),
    "linear inside": Mutation(_set(hidden="linear"), _has_functions),
    "softmax inside": Mutation(_set(hidden="softmax"), _has_functions),
    "exponential inside": Mutation(_set(hidden="exponential"), _deep),
    "relu at the end": Mutation(_set(output="relu")),
    "linear at the end": Mutation(_set(output="linear"), _labelled),
    "softmax of one": Mutation(_set(output="softmax"), _task("binary")),
    "sigmoid of values": Mutation(_set(output="sigmoid"), _task("values")),
    "tanh of classes": Mutation(_set(output="tanh"), _labelled),
    "logits of softmax": Mutation(_set(from_logits=True), _task("classes")),
    "mae of classes": Mutation(_set(loss="mean_absolute_error"), _labelled),
    "mse of classes": Mutation(_set(loss="mean_squared_error"), _labelled),
    "hinge of classes": Mutation(_set(loss="categorical_hinge"), _classes),
    "cross-entropy of values": Mutation(_set(loss="binary_crossentropy"), _task("values")),
    "percentage of values": Mutation(_set(loss="mean_absolute_percentage_error"), _task("values")),
    "zeros": Mutation(_set(initializer="zeros")),
    "ones": Mutation(_set(initializer="ones")),
    "large weights": Mutation(_set(initializer="large")),
    "uniform weights": Mutation(_set(initializer="uniform")),
    "tiny weights": Mutation(_set(initializer="tiny"), _deep),
    "slow optimizer": Mutation(
        _set(optimizer="Adadelta", learning_rate=None, momentum=None),
    ),
    "plain descent": Mutation(_set(optimizer="SGD", learning_rate=1e-3, momentum=None)),
    "adagrad": Mutation(
        _set(optimizer="Adagrad", learning_rate=1e-3, momentum=None),
    ),
    "tiny clip": Mutation(
        lambda _: {
            "clipnorm": 1e-4,
            "optimizer": "SGD",
            "learning_rate": 0.05,
            "momentum": 0.9,
        },
    ),
    "whole batch": Mutation(_set(batch_size=100_000)),
    "batch of two": Mutation(_set(batch_size=2, epochs=2)),
    "shuffled labels": Mutation(_set(noise=1.0)),
    "noisy labels": Mutation(_set(noise=0.5)),
    "inputs x 255": Mutation(_set(scale=255.0), _numeric),
    "inputs x 10000": Mutation(_set(scale=10_000.0), _numeric),
    "inputs / 1000": Mutation(_set(scale=1e-3), _numeric),
    "targets x 1000": Mutation(_set(target_scale=1000.0), _task("values")),
    "missing numbers": Mutation(_set(missing=0.01), _numeric),
    "l2 of 1": Mutation(_set(l2=1.0)),
    "l2 of 0.1": Mutation(_set(l2=0.1)),
    "dropout of 0.95": Mutation(
        _set(dropout=0.95),
        lambda program: program.hidden.__name__ not in ("_normalized", "_gru_next"),
    ),
    "frozen": Mutation(_set(frozen=1)),
    "frozen twice": Mutation(
        _set(frozen=2),
        lambda program: _deep(program) or _family("dense")(program),
    ),
    "in order": Mutation(_set(ordered=True), _labelled),
    "rare classes": Mutation(_set(imbalance=0.95), _labelled),
    "few examples": Mutation(
        lambda healthy: {"examples": 40, "epochs": healthy.epochs * 10},
    ),
    "far too long": Mutation(
        lambda healthy: {"examples": 300, "epochs": healthy.epochs * 6, "dropout": 0.0},
    ),
    "one unit": Mutation(lambda _: {"width": 0.03}),
    "simple memory": Mutation(
        _set(recurrent="SimpleRNN"),
        lambda program: program.hidden is PROGRAMS["recall_lstm"].hidden,
    ),
    "cut memory": Mutation(_set(truncated=4), _family("recurrent")),
}

"""Which suspects are right for each mutation, without loading Keras."""

from __future__ import annotations

HEALTHY = "healthy"

# Any of them is right; the first is the usual name of the fault.
SUSPECTS_OF: dict[str, tuple[str, ...]] = {
    "rate x 100": ("learning_rate_high",),
    "rate x 1000": ("learning_rate_high",),
    "rate / 100": ("learning_rate_low",),
    "rate / 1000": ("learning_rate_low",),
    "one epoch": ("epochs_few",),
    "sigmoid inside": ("hidden_activation",),
    "linear inside": ("hidden_activation",),
    "softmax inside": ("hidden_activation",),
    "exponential inside": ("hidden_activation", "numeric_overflow"),
    "relu at the end": ("output_activation",),
    "linear at the end": ("output_activation",),
    "softmax of one": ("output_activation",),
    "sigmoid of values": ("output_activation",),
    "tanh of classes": ("output_activation",),
    "logits of softmax": ("loss", "output_activation"),
    "mae of classes": ("loss",),
    "mse of classes": ("loss",),
    "hinge of classes": ("loss",),
    "cross-entropy of values": ("loss",),
    "percentage of values": ("loss",),
    "zeros": ("initialization",),
    "ones": ("initialization",),
    "large weights": ("initialization",),
    "uniform weights": ("initialization",),
    "tiny weights": ("initialization",),
    "slow optimizer": ("optimizer", "learning_rate_low"),
    "plain descent": ("optimizer", "learning_rate_low"),
    "adagrad": ("optimizer", "learning_rate_low"),
    "tiny clip": ("optimizer", "learning_rate_low"),
    "whole batch": ("batch_size",),
    "batch of two": ("batch_size",),
    "shuffled labels": ("labels",),
    "noisy labels": ("labels",),
    "inputs x 255": ("input_scale",),
    "inputs x 10000": ("input_scale",),
    "inputs / 1000": ("input_scale",),
    "targets x 1000": ("input_scale", "output_activation"),
    "missing numbers": ("input_scale", "numeric_overflow"),
    "l2 of 1": ("regularization_strong",),
    "l2 of 0.1": ("regularization_strong",),
    "dropout of 0.95": ("regularization_strong",),
    "frozen": ("frozen_layer",),
    "frozen twice": ("frozen_layer",),
    "in order": ("data_order",),
    "rare classes": ("class_imbalance",),
    "few examples": ("data_small", "overfitting"),
    "far too long": ("overfitting", "data_small"),
    "one unit": ("capacity",),
    "simple memory": ("recurrent_memory",),
    "cut memory": ("recurrent_memory",),
}


def truth(mutation: str) -> tuple[str, ...]:
    """Give the suspects any of which is right."""
    return SUSPECTS_OF[mutation]

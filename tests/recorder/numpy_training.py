"""A perceptron trained by gradient descent, all in NumPy, and recorded by `LoopRecorder`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recorder import Evaluation, LoopRecorder, Probe, at_steps
from tests.recorder.numpy_backend import NumpyBackend, Perceptron

SIZES, SEED = (6, 5, 2), 3
RATE = 0.1
UPDATES = 12
STEPS = [0, 1, 4, 8, 12]
PROBES = 4


def data() -> tuple[np.ndarray, np.ndarray]:
    """Give inputs (example, feature) and targets (example, unit), float32."""
    x = np.random.default_rng(1).normal(size=(40, 6)).astype(np.float32)
    return x, np.sin(x[:, :2])


def update(weights: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> float:
    """Do one step of gradient descent on the squared error, in place; give the loss before it."""
    hidden = np.tanh(x @ weights["dense1/kernel"] + weights["dense1/bias"])
    error = hidden @ weights["dense2/kernel"] + weights["dense2/bias"] - y
    back = error @ weights["dense2/kernel"].T * (1 - hidden**2)
    gradients = {
        "dense2/kernel": hidden.T @ error,
        "dense2/bias": error.sum(axis=0),
        "dense1/kernel": x.T @ back,
        "dense1/bias": back.sum(axis=0),
    }
    for name, gradient in gradients.items():
        weights[name] -= RATE / len(x) * gradient
    return float((error**2).mean())


def record(path: str | Path, **options: Any) -> LoopRecorder:
    """Train, and record the steps `STEPS`."""
    x, y = data()
    net = Perceptron(SIZES, SEED)
    options = {"schedule": at_steps(STEPS), **options}
    with LoopRecorder(
        path, Probe(x[:PROBES]), model=net, backend=NumpyBackend(), **options
    ) as recorder:
        for step in range(1, UPDATES + 1):
            recorder.record(step, loss=update(net.weights, x, y))
    return recorder


def evaluation() -> Evaluation:
    """Give all examples, in batches of which the last is not full."""
    return Evaluation(*data(), batch_size=16)

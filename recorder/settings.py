"""What is noted about a training beside its numbers: model, optimizer, loss, seed, versions."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

from recorder.layers import json_safe

PACKAGES = ("numpy", "keras", "tensorflow", "trainlapse")
# Distributions of TensorFlow that install the same module.
TENSORFLOW_DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "tf-nightly")


def versions() -> dict[str, str]:
    """Give versions of Python and of the packages that decide about the numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        names = TENSORFLOW_DISTRIBUTIONS if package == "tensorflow" else (package,)
        for name in names:
            try:
                found[package] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                continue
            break
    return found


def model_config(model: Any) -> dict[str, Any] | None:
    """Serialize a model without its compilation; None for a model that has no configuration."""
    import keras

    try:
        config = keras.saving.serialize_keras_object(model)
    except (NotImplementedError, TypeError, ValueError):
        # Models of one's own need no get_config to be recorded; only the explorer's door to
        # the live network stays closed for them.
        return None
    safe = json_safe(config)
    if not isinstance(safe, dict):
        return None
    safe.pop("compile_config", None)
    return safe


def optimizer_config(model: Any) -> Mapping[str, Any] | None:
    """Give the optimizer's configuration; None when the model is not compiled."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return None
    config = json_safe(optimizer.get_config())
    return {"class": type(optimizer).__name__, **config}


def loss_config(model: Any) -> Any:
    """Give the loss as passed to ``compile``; None when there is none."""
    import keras

    loss = getattr(model, "loss", None)
    if loss is None or isinstance(loss, str):
        return loss
    try:
        return json_safe(keras.saving.serialize_keras_object(loss))
    except (NotImplementedError, TypeError, ValueError):
        return json_safe(loss)


def random_seed() -> int | None:
    """Give the seed set with ``keras.utils.set_random_seed``, if any."""
    try:
        # Keras keeps it, but has no public way to ask for it.
        from keras.src.utils.rng_utils import get_random_seed
    except ImportError:
        return None
    seed = get_random_seed()
    return None if seed is None else int(seed)


def learning_rate(model: Any) -> float | None:
    """Give the present learning rate; None when the model has no optimizer with one."""
    rate = getattr(getattr(model, "optimizer", None), "learning_rate", None)
    return None if rate is None else float(rate)

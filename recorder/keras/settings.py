"""What a run keeps of a training beside arrays: model, optimizer, loss, seed, versions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from recorder.keras.layers import json_safe
from recorder.recording.versions import versions_of

# Distributions of TensorFlow that install the same module, the most usual one first.
TENSORFLOW_DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "tf-nightly")


def versions() -> dict[str, str]:
    """Give the versions of Keras and TensorFlow."""
    installed = versions_of(TENSORFLOW_DISTRIBUTIONS)
    tensorflow = {"tensorflow": next(iter(installed.values()))} if installed else {}
    return {**versions_of(["keras"]), **tensorflow}


def model_config(model: Any) -> dict[str, Any] | None:
    """Serialize a model without its compilation; None for a model that has no configuration."""
    try:
        config = _serialized(model)
    except (NotImplementedError, TypeError, ValueError):
        # A class of the user's own may have no get_config. It is recorded all the same, and its
        # run has no configuration of the whole model.
        return None
    safe = json_safe(config)
    if not isinstance(safe, dict):
        return None
    safe.pop("compile_config", None)
    return safe


def optimizer_config(model: Any) -> Mapping[str, Any] | None:
    """Give the optimizer's configuration; None when the model is not compiled."""
    optimizer = getattr(model, "optimizer", None)
    return None if optimizer is None else described_optimizer(optimizer)


def described_optimizer(optimizer: Any) -> dict[str, Any]:
    """Give the configuration of an optimizer, and its class."""
    return {"class": type(optimizer).__name__, **json_safe(optimizer.get_config())}


def loss_config(model: Any) -> Any:
    """Give the loss as passed to ``compile``; None when there is none."""
    loss = getattr(model, "loss", None)
    if loss is None or isinstance(loss, str):
        return loss
    try:
        return json_safe(_serialized(loss))
    except (NotImplementedError, TypeError, ValueError):
        return json_safe(loss)


def _serialized(value: Any) -> Any:
    """Serialize with Keras, without its warning of functions that `json_safe` leaves out."""
    import keras

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The object being serialized includes a `lambda`")
        return keras.saving.serialize_keras_object(value)


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
    # Over several devices it is a variable that only gives its value when asked.
    return None if rate is None else float(rate.numpy() if hasattr(rate, "numpy") else rate)


def updates_done(model: Any) -> int | None:
    """Give the updates that the model's optimizer has done; None when it has none that counts."""
    iterations = getattr(getattr(model, "optimizer", None), "iterations", None)
    if iterations is None:
        return None
    return int(_value(iterations))


def _value(variable: Any) -> Any:
    """Read a Keras variable that is a number."""
    inner: Any = getattr(variable, "value", None)
    if type(inner).__name__ == "ResourceVariable":
        # Asked after every batch: this takes 5 microseconds, the usual way 17.
        import tensorflow as tf

        return tf.raw_ops.ReadVariableOp(resource=inner.handle, dtype=inner.dtype)
    return variable.numpy()  # over several devices


def may_pause(model: Any) -> bool:
    """Whether a batch may do no update: gradients are accumulated, or the loss is scaled."""
    optimizer = getattr(model, "optimizer", None)
    return bool(
        getattr(optimizer, "gradient_accumulation_steps", None)
        or getattr(optimizer, "inner_optimizer", None)
    )


def mean_counts(model: Any) -> dict[str, float]:
    """Give what each metric that Keras reports as a mean over the epoch so far has counted.

    That is the number of samples, or of their tokens, or the sum of the weights that they have.
    Metrics with a result of their own, such as a root of the mean, are left out. Ask after a batch.
    """
    import keras

    found = [inner for metric in model.metrics for inner in getattr(metric, "metrics", [metric])]
    return {
        metric.name: float(_value(metric.count))
        for metric in found
        if isinstance(metric, keras.metrics.Mean)
        and type(metric).result is keras.metrics.Mean.result
    }


def trains_as_keras(model: Any) -> bool:
    """Whether a model has Keras's own training step, which takes the mean of the loss over samples.

    One of a user's own decides itself what its metrics are.
    """
    import keras

    return type(model).train_step is keras.Model.train_step


def expected_updates(params: Mapping[str, Any] | None) -> int | None:
    """Give the updates that a fit will do, from what Keras tells its callbacks; None: not known."""
    epochs, steps = ((params or {}).get(key) for key in ("epochs", "steps"))
    return int(epochs * steps) if epochs and steps else None

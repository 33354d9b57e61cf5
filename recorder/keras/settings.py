"""What a run keeps of a training beside arrays: model, optimizer, loss, seed, versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from recorder.keras.configuration import Configuration, configuration, serialized
from recorder.recording.versions import versions_of

# Distributions of TensorFlow that install the same module, the most usual one first.
TENSORFLOW_DISTRIBUTIONS = ("tensorflow", "tensorflow-cpu", "tf-nightly")


def versions() -> dict[str, str]:
    """Give the versions of Keras and TensorFlow."""
    installed = versions_of(TENSORFLOW_DISTRIBUTIONS)
    tensorflow = {"tensorflow": next(iter(installed.values()))} if installed else {}
    return {**versions_of(["keras"]), **tensorflow}


def model_configuration(model: Any) -> Configuration:
    """Give the configuration of a whole model without its compilation, or why there is none."""
    found = configuration(type(model).__name__, lambda: _uncompiled(model))
    if isinstance(found.value, dict):
        found.value.pop("compile_config", None)
    return found


def _uncompiled(model: Any) -> Any:
    try:
        return serialized(model)
    except Exception:  # it may be the compilation's fault, which is not asked for
        return {"class_name": type(model).__name__, "config": model.get_config()}


def optimizer_configuration(optimizer: Any) -> Configuration:
    """Give the class of an optimizer, with its configuration where that can be had."""
    if optimizer is None:
        return Configuration(None)
    name = type(optimizer).__name__
    found = configuration(name, optimizer.get_config)
    config = found.value if isinstance(found.value, dict) else {}
    return Configuration({**config, "class": name}, found.left_out)


def loss_configuration(loss: Any) -> Configuration:
    """Give the loss as passed to ``compile``: one, or several in a list or by output."""
    if isinstance(loss, Mapping):
        each = {str(output): loss_configuration(one) for output, one in loss.items()}
        values: Any = {output: one.value for output, one in each.items()}
        return Configuration(values, _first(each.values()))
    if isinstance(loss, list | tuple):
        several = [loss_configuration(one) for one in loss]
        return Configuration([one.value for one in several], _first(several))
    if loss is None or isinstance(loss, str):
        return Configuration(loss)
    name = getattr(loss, "__name__", type(loss).__name__)
    found = configuration(name, lambda: serialized(loss))
    return found if found.left_out is None else Configuration(name, found.left_out)


def _first(found: Iterable[Configuration]) -> str | None:
    return next((each.left_out for each in found if each.left_out is not None), None)


def random_seed() -> int | None:
    """Give the seed set with ``keras.utils.set_random_seed``, if any."""
    try:
        # Keras keeps it, but has no public way to ask for it.
        from keras.src.utils.rng_utils import get_random_seed
    except ImportError:
        return None
    seed = get_random_seed()
    return None if seed is None else int(seed)


def learning_rate(optimizer: Any) -> float | None:
    """Give the present learning rate; None of an optimizer that has none."""
    rate = getattr(optimizer, "learning_rate", None)
    # Over several devices it is a variable that only gives its value when asked.
    return None if rate is None else float(rate.numpy() if hasattr(rate, "numpy") else rate)


def updates_done(model: Any) -> int | None:
    """Give the updates that the model's optimizer has done; None when it has none that counts."""
    return updates_of(getattr(model, "optimizer", None))


def updates_of(optimizer: Any) -> int | None:
    """Give the updates that an optimizer has done; None of one that does not count."""
    iterations = getattr(optimizer, "iterations", None)
    return None if iterations is None else int(_value(iterations))


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

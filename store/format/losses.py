"""What a recorded loss trains an output to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

# What the output is compared with: one class of several, a yes or no of each unit, numbers, or the
# sign of a score.
Family = Literal["one class", "yes or no", "numbers", "score"]

# Keras's losses: functions, with their short names, and classes.
FAMILIES: dict[Family, tuple[str, ...]] = {
    "one class": (
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "categorical_focal_crossentropy",
        "categorical_generalized_cross_entropy",
        "kl_divergence",
        "kullback_leibler_divergence",
        "kld",
    ),
    "yes or no": ("binary_crossentropy", "binary_focal_crossentropy", "bce", "dice", "tversky"),
    "numbers": (
        "mean_squared_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "mse",
        "mae",
        "mape",
        "msle",
        "huber",
        "log_cosh",
        "logcosh",
        "poisson",
        "cosine_similarity",
    ),
    "score": ("hinge", "squared_hinge", "categorical_hinge"),
}
_FAMILY_OF = {name.replace("_", ""): family for family, names in FAMILIES.items() for name in names}


@dataclass(frozen=True, slots=True)
class Loss:
    """A recorded loss.

    Attributes
    ----------
    name : str
        As it was recorded: of a function, or of a class.
    family : {"one class", "yes or no", "numbers", "score"} or None
        What the output is compared with; None of a loss that is not Keras's own.
    from_logits : bool
        Whether the loss itself makes probabilities of the output.
    """

    name: str
    family: Family | None
    from_logits: bool = False


def recorded_loss(config: Any, output: str = "") -> Loss | None:
    """Read the attribute `loss` of a run.

    Parameters
    ----------
    config : JSON
        A name; what Keras's ``serialize_keras_object`` gave of a loss; or one of these for the
        model's only output, in a list, or for each output by its name.
    output : str
        Name of the output that is asked for.

    Returns
    -------
    Loss or None
        None where the run has none, or does not say which of several it is.

    Examples
    --------
    >>> recorded_loss("mse").family
    'numbers'
    >>> recorded_loss({"class_name": "BinaryCrossentropy", "config": {"from_logits": True}})
    Loss(name='BinaryCrossentropy', family='yes or no', from_logits=True)
    """
    if isinstance(config, str):
        return Loss(config, _FAMILY_OF.get(config.replace("_", "").lower()))
    if isinstance(config, Mapping) and isinstance(config.get("class_name"), str):
        options = config.get("config")
        if isinstance(options, str):  # a function
            return recorded_loss(options)
        name = str(config["class_name"])
        is_own = str(config.get("registered_name") or "").partition(">")[1]  # "package>name"
        family = None if is_own else _FAMILY_OF.get(name.lower())
        logits = isinstance(options, Mapping) and bool(options.get("from_logits"))
        return Loss(name, family, logits)
    if isinstance(config, Mapping) and output in config:
        return recorded_loss(config[output])
    if isinstance(config, list | Mapping) and len(config) == 1:
        (only,) = config if isinstance(config, list) else config.values()
        return recorded_loss(only)
    return None

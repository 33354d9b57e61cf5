"""What a program is trained with: each mutation changes one of these settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a program is built and trained.

    Attributes
    ----------
    optimizer : str
        Class of Keras.
    learning_rate : float or None
        None: the default of the optimizer.
    momentum, clipnorm : float or None
        Of the optimizer.
    epochs, batch_size : int
        As ``fit`` takes them.
    loss : str
        Name in Keras.
    from_logits : bool
        Whether the loss is told that it gets logits.
    hidden, output : str
        Activation functions.
    initializer : str or None
        Of all kernels: one of `benchmarks.faults.programs.INITIALIZERS`, or a name of Keras.
    l2, dropout : float
        Of all kernels; behind hidden layers.
    width : float
        Factor of the number of units of hidden layers.
    frozen : int
        The first so many hidden layers with weights are not trained.
    examples : int or None
        To learn from, of those that there are.
    scale, target_scale : float
        Factors of inputs and of targets.
    noise : float
        Share of the training's labels that are given at random; 1: they are shuffled.
    ordered : bool
        Examples lie in order of their class and are not shuffled.
    imbalance : float
        Share of the examples of all classes but the first that is left out of the training.
    missing : float
        Share of the training's inputs that are NaN.
    recurrent : str or None
        Class of the recurrent layer, in place of the program's own.
    truncated : int or None
        Only so many of the last time steps are given.
    """

    optimizer: str = "Adam"
    learning_rate: float | None = 1e-3
    momentum: float | None = None
    clipnorm: float | None = None
    epochs: int = 8
    batch_size: int = 32
    loss: str = "sparse_categorical_crossentropy"
    from_logits: bool = False
    hidden: str = "relu"
    output: str = "softmax"
    initializer: str | None = None
    l2: float = 0.0
    dropout: float = 0.0
    width: float = 1.0
    frozen: int = 0
    examples: int | None = None
    scale: float = 1.0
    target_scale: float = 1.0
    noise: float = 0.0
    ordered: bool = False
    imbalance: float = 0.0
    missing: float = 0.0
    recurrent: str | None = None
    truncated: int | None = None

    def but(self, **changes: Any) -> Settings:
        """Give these settings with some changed."""
        return replace(self, **changes)


Task = Literal["classes", "binary", "values", "image"]

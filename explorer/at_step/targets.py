"""What is asked of an output (a logit, a probability, the loss), as a gradient at that output."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from scipy.special import expit, softmax

from explorer.data.layers import function_of, makers
from explorer.data.run import RunData
from explorer.derived.network.activations import Activation
from explorer.derived.network.node import Array, as_float
from store.errors import ArgumentError, SpecError, did_you_mean, listed
from store.format.losses import Loss, recorded_loss

Of = Literal["logit", "probability", "loss"]
# Gives the output, or with True what its last function is applied to.
Answer = Callable[[bool], Array]


@dataclass(frozen=True, slots=True)
class Seed:
    """A gradient at an output.

    Attributes
    ----------
    values : ndarray (example, ...), float32
        In the shape of the output.
    before_activation : bool
        Whether it is at what the function that ends the output is applied to.
    """

    values: Array
    before_activation: bool = False


@dataclass(frozen=True)
class Head:
    """An output of the network, and how it is read.

    Attributes
    ----------
    output : str
        The layer that gives it.
    maker : str
        The layer whose function made its values; others pass them on.
    function : Activation or None
        That function; None: not known.
    loss : Loss or None
        What the training compared it with.
    options : dict
        Of that loss.
    class_names : tuple of str
        Names of its units, as far as they are known.
    """

    output: str
    maker: str
    function: Activation | None
    loss: Loss | None
    options: dict[str, Any] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: RunData, output: str) -> Head:
        """Read it of a run."""
        run = data.run
        made_by = makers(run, output)
        config = run.attributes.get("loss")
        probe = run.probe
        return cls(
            output,
            made_by[-1],
            function_of(run.layers[made_by[-1]]),
            recorded_loss(config, output),
            _options(config, output),
            tuple(probe.class_names or ()) if probe and len(run.outputs) == 1 else (),
        )

    @property
    def hides_logits(self) -> bool:
        """Whether a softmax, a sigmoid or a logarithm of them ends it."""
        return self.function is not None and self.function.hides_logits

    # -- what is asked -------------------------------------------------------------------------

    def value(self, of: str, target: Any, versus: Any, answer: Answer) -> Array:
        """Give the number that is asked for, for each example: (example,), float32."""
        _check_of(of)
        if of == "loss":
            raise ArgumentError("of='loss' has gradients here alone; ask 'logit' or 'probability'.")
        values = self._logits(answer) if of == "logit" else self._probabilities(answer)
        chosen = self._chosen(values, target, versus)
        return as_float((values * chosen).reshape(len(values), -1).sum(axis=1))

    def seed(self, of: str, target: Any, versus: Any, answer: Answer) -> Seed:
        """Give the gradient of what is asked for at the output."""
        _check_of(of)
        if of == "loss":
            if versus is not None:
                raise ArgumentError("versus is the other class of a logit or a probability.")
            return self._of_loss(target, answer)
        output = answer(False)
        chosen = self._chosen(output, target, versus)
        if of == "logit":
            self._check_logits()
            return Seed(chosen, before_activation=self.hides_logits)
        if not self.hides_logits:
            probabilities = self._probabilities(answer)
            return Seed(self._pulled(probabilities, chosen))
        assert self.function is not None
        is_log = self.function.gives in ("log probability", "log shares")
        return Seed(chosen * np.exp(output) if is_log else chosen)

    # -- inside --------------------------------------------------------------------------------

    def _logits(self, answer: Answer) -> Array:
        self._check_logits()
        return answer(self.hides_logits)

    def _check_logits(self) -> None:
        if self.function is None and not (self.loss and self.loss.from_logits):
            raise SpecError(
                f"The function that ends {self.output!r} is not known, and so is its logit: ask of "
                "'loss', or give the gradient of a layer before it."
            )

    def _probabilities(self, answer: Answer) -> Array:
        output = answer(False)
        if self.hides_logits:
            assert self.function is not None
            is_log = self.function.gives in ("log probability", "log shares")
            return np.exp(output) if is_log else output
        if self.loss is None or not self.loss.from_logits:
            raise SpecError(
                f"The output {self.output!r} gives numbers, no probabilities: ask of 'logit'."
            )
        return self._squeezed(output)

    def _squeezed(self, logits: Array) -> Array:
        is_one = self.loss is not None and self.loss.family == "one class"
        return as_float(softmax(logits, axis=-1) if is_one else expit(logits))

    def _pulled(self, probabilities: Array, gradient: Array) -> Array:
        """Take a gradient at probabilities to the logits that the loss makes them of."""
        if self.loss is not None and self.loss.family == "one class":
            mean = (probabilities * gradient).sum(axis=-1, keepdims=True)
            return as_float(probabilities * (gradient - mean))
        return as_float(probabilities * (1 - probabilities) * gradient)

    def _chosen(self, output: Array, target: Any, versus: Any) -> Array:
        """1 at the units that are asked for, -1 at those against which: (example, ...)."""
        chosen = self._one_hot(output, target)
        return chosen if versus is None else chosen - self._one_hot(output, versus)

    def _one_hot(self, output: Array, target: Any) -> Array:
        places, units = output.shape[1:-1], output.shape[-1]
        if target is None and units == 1 and not math.prod(places) - 1:
            target = 0
        if target is None:
            raise ArgumentError(f"Give a target: which of the {units} units of {self.output!r}.")
        found = np.zeros(output.shape, np.float32)
        if isinstance(target, str):
            target = self._number(target)
        if places and not isinstance(target, tuple):
            raise ArgumentError(
                f"The output {self.output!r} has a value at each place, {output.shape[1:]}: give a "
                "target as (place, …, unit)."
            )
        index = target if isinstance(target, tuple) else (target,)
        if len(index) != output.ndim - 1:
            raise ArgumentError(
                f"The target {target!r} has {len(index)} numbers; one example of {self.output!r} "
                f"has the shape {output.shape[1:]}."
            )
        numbers = [
            self._in_range(each, size) for each, size in zip(index, output.shape[1:], strict=True)
        ]
        for each in numbers:
            if each.ndim and each.shape != (len(output),):
                raise ArgumentError(
                    f"A target is one number, or one for each of {len(output)} examples; not an "
                    f"array of shape {each.shape}."
                )
        found[(np.arange(len(output)), *numbers)] = 1
        return found

    def _in_range(self, target: Any, size: int) -> Array:
        number = np.asarray(target)
        if number.dtype.kind not in "iu":
            raise ArgumentError(f"A target is a whole number, not {target!r}.")
        if number.size and (number.min() < 0 or number.max() >= size):
            wrong = int(number.min() if number.min() < 0 else number.max())
            raise ArgumentError(f"There is no target {wrong} in {self.output!r}: 0 to {size - 1}.")
        return number

    def _number(self, name: str) -> int:
        if name in self.class_names:
            return self.class_names.index(name)
        raise ArgumentError(f"There is no class {name!r}. {did_you_mean(name, self.class_names)}")

    def _of_loss(self, labels: Any, answer: Answer) -> Seed:
        """Gradient of the loss of each example: the mean over its places, as Keras takes it."""
        if labels is None:
            raise ArgumentError("of='loss' takes the labels as target.")
        name = "" if self.loss is None else self.loss.name.replace("_", "").lower()
        known = {
            "sparsecategoricalcrossentropy": self._of_choice,
            "categoricalcrossentropy": self._of_choice,
            "binarycrossentropy": self._of_yes_or_no,
            "bce": self._of_yes_or_no,
            "meansquarederror": self._of_squares,
            "mse": self._of_squares,
            "meanabsoluteerror": self._of_distances,
            "mae": self._of_distances,
        }
        if name not in known:
            said = (
                "The run does not say its loss" if not name else f"The loss {name} is not repeated"
            )
            raise SpecError(f"{said}; repeated are cross-entropies, squared and absolute errors.")
        return known[name](labels, answer)

    def _of_choice(self, labels: Any, answer: Answer) -> Seed:
        logits, before = self._loss_logits(answer)
        truth = np.asarray(labels)
        if truth.shape != logits.shape:
            truth = self._one_hot_labels(truth, logits.shape)
        smoothing = float(self.options.get("label_smoothing") or 0)
        truth = truth * (1 - smoothing) + smoothing / logits.shape[-1]
        places = math.prod(logits.shape[1:-1])
        total = truth.sum(axis=-1, keepdims=True)
        return Seed(as_float((softmax(logits, axis=-1) * total - truth) / places), before)

    def _one_hot_labels(self, labels: Array, shape: tuple[int, ...]) -> Array:
        if labels.shape == (*shape[:-1], 1):
            labels = labels[..., 0]
        if labels.ndim == 0 and len(shape) == 2:
            labels = np.broadcast_to(labels, shape[:1])
        if labels.shape != shape[:-1]:
            raise ArgumentError(
                f"The labels have the shape {labels.shape}; the output {self.output!r} takes "
                f"{shape[:-1]} or {shape}."
            )
        return np.eye(shape[-1], dtype=np.float32)[self._in_range(labels, shape[-1])]

    def _of_yes_or_no(self, labels: Any, answer: Answer) -> Seed:
        logits, before = self._loss_logits(answer)
        smoothing = float(self.options.get("label_smoothing") or 0)
        truth = self._values(labels, logits.shape) * (1 - smoothing) + smoothing / 2
        return Seed(as_float((expit(logits) - truth) / math.prod(logits.shape[1:])), before)

    def _loss_logits(self, answer: Answer) -> tuple[Array, bool]:
        assert self.loss is not None
        gives = None if self.function is None else self.function.gives
        if gives in ("shares", "probability"):
            is_choice = self.loss.family == "one class"
            if is_choice == (gives == "shares"):
                return answer(True), True
        elif self.loss.from_logits:
            return answer(False), False
        raise SpecError(
            f"The loss {self.loss.name} of {self.output!r} is not that of a softmax or sigmoid "
            "that the run knows."
        )

    def _of_squares(self, labels: Any, answer: Answer) -> Seed:
        output = answer(False)
        truth = self._values(labels, output.shape)
        return Seed(as_float(2 * (output - truth) / math.prod(output.shape[1:])))

    def _of_distances(self, labels: Any, answer: Answer) -> Seed:
        output = answer(False)
        truth = self._values(labels, output.shape)
        return Seed(as_float(np.sign(output - truth) / math.prod(output.shape[1:])))

    def _values(self, labels: Any, shape: tuple[int, ...]) -> Array:
        truth = np.asarray(labels)
        if truth.dtype.kind not in "iubf":
            raise ArgumentError("The labels are no numbers.")
        if truth.shape == shape[:-1] and shape[-1] == 1:
            truth = truth[..., None]
        if truth.shape != shape:
            raise ArgumentError(
                f"The labels have the shape {truth.shape}; the output {self.output!r} has {shape}."
            )
        return as_float(truth)


def _check_of(of: Any) -> None:
    if of not in get_args(Of):
        raise ArgumentError(f"of is {listed(map(repr, get_args(Of)))}; not {of!r}.")


def _options(config: Any, output: str) -> dict[str, Any]:
    """Options of a recorded loss, see `store.format.losses.recorded_loss`."""
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            options = config.get("config")
            return options if isinstance(options, dict) else {}
        if output in config:
            return _options(config[output], output)
        if len(config) == 1:
            return _options(next(iter(config.values())), output)
    if isinstance(config, list) and len(config) == 1:
        return _options(config[0], output)
    return {}

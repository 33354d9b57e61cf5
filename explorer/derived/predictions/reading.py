"""How the output of a network is read: as classes, as yes or no, or as numbers. Decided here alone.

What an output is follows from what it was trained to be: from the recorded loss, the activation
function that ends the network, and the labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit, softmax

from explorer.derived.predictions.verdicts import Verdicts, judge

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]

# Rows of a softmax in float32 (or float16) sum to one up to rounding.
SUM_TOLERANCE = 2e-2
# Keras cuts what a loss takes for probabilities off here.
EPSILON = 1e-7

Kind = Literal[
    "shares",
    "parts",
    "logit parts",
    "sigmoid",
    "logit",
    "logits",
    "nearest",
    "labels",
    "label logits",
]
# As of `explorer.derived.network.activations.Activation.gives`.
Gives = Literal["numbers", "probability", "log probability", "shares", "log shares"]
# What a loss compares an output with: one class of several, a yes or no of each unit, numbers, or
# the sign of a score.
Family = Literal["one class", "yes or no", "numbers", "score"]
# What labels are, the more special first: class numbers, a row of shares of one (one-hot, for
# instance), a row of yes and no, or values to be met.
Targets = Literal["classes", "shares", "marks", "values"]
TARGETS: tuple[Targets, ...] = ("classes", "shares", "marks", "values")

# What the labels of a task are, and the tasks whose labels are neither classes nor tags.
TARGETS_OF: dict[str, Targets] = {"classes": "classes", "tags": "marks"}
NO_CLASSES = ("values", "image")

SOURCES: dict[Kind, str] = {
    "shares": "Probabilities are the network's output.",
    "parts": "Each output unit is the probability of one class; shown is its share of their sum.",
    "logit parts": (
        "The sigmoid of each output unit is the probability of one class; shown is its share of "
        "their sum."
    ),
    "sigmoid": "Probabilities are the output unit.",
    "logit": "Probabilities are the sigmoid of the output unit, read as a logit.",
    "logits": "Probabilities are the softmax of the output, read as logits.",
    "nearest": (
        "The output is trained to meet the classes as numbers, 0 and 1: shown are the "
        "probabilities that come nearest to it."
    ),
    "labels": (
        "Each output unit is the probability of a label of its own; several may hold at once."
    ),
    "label logits": (
        "The sigmoid of each output unit is the probability of a label of its own; several may "
        "hold at once."
    ),
}
ASSUMED = " That is assumed: the run does not say with which loss it was trained."

NO_VECTOR = "its output is not one number, or one row of numbers, for each probe"
LONE_SHARE = "its output is one unit, whose share of the whole is always 1"
YES_OR_NO = "each unit of its output answers a question of its own with yes or no (several labels)"
NUMBERS = "its output is trained to meet numbers, not classes"
SCORE = "its output is a score with a margin, and no probability of a class"
UNCLEAR = "neither its loss nor the labels of its probes say what its output stands for"


class Loss(Protocol):
    """A recorded loss, as far as a reading asks: see `store.format.losses`."""

    @property
    def family(self) -> Family | None:
        """What the output is compared with; None of a loss that is not Keras's own."""

    @property
    def from_logits(self) -> bool:
        """Whether the loss itself makes probabilities of the output."""


@dataclass(frozen=True)
class OutputReading:
    """How the output of a classifier is read as probabilities.

    Attributes
    ----------
    kind : {"shares", "parts", "logit parts", "sigmoid", "logit", "logits", "nearest", "labels", \
            "label logits"}
        Units that are probabilities already; probabilities, or logits, of each class for itself;
        one unit that is the probability of the second of two classes, or its logit; a logit a
        unit; numbers that are trained to meet 0 and 1; or probabilities, or logits, of labels of
        which several may hold.
    classes : int
        How many classes, or labels, there are.
    is_assumed : bool
        Whether the run does not say so itself.
    """

    kind: Kind
    classes: int
    is_assumed: bool = False

    @property
    def is_choice(self) -> bool:
        """Whether one of the classes holds: not so of labels."""
        return self.kind not in ("labels", "label logits")

    @property
    def source(self) -> str:
        """How probabilities come from the output: a sentence or two for the caption."""
        return SOURCES[self.kind] + (ASSUMED if self.is_assumed else "")

    def probabilities(self, output: Array) -> Float32:
        """Class probabilities of any part of the output.

        Parameters
        ----------
        output : ndarray (..., unit)
            Activation of the network's last layer.

        Returns
        -------
        ndarray (..., class), float32
            Of a choice, rows sum to one. NaN where the output is, or where its logits are
            infinite.
        """
        values = np.asarray(output, np.float32)
        with np.errstate(invalid="ignore"):  # an infinite logit has no softmax: NaN says so
            match self.kind:
                case "shares" | "labels":
                    return values
                case "label logits":
                    return np.asarray(expit(values), np.float32)
                case "parts":
                    # As Keras's cross-entropy does with what is no softmax.
                    kept = np.clip(values, EPSILON, 1 - EPSILON)
                    return np.asarray(kept / kept.sum(axis=-1, keepdims=True), np.float32)
                case "logit parts":
                    return np.asarray(softmax(log_expit(values), axis=-1), np.float32)
                case "logits":
                    return np.asarray(softmax(values, axis=-1), np.float32)
                case "nearest":
                    rows = values if self.classes == values.shape[-1] else _of_two(values)
                    return nearest_shares(rows)
                case "logit":
                    return _of_two(expit(values))
                case "sigmoid":
                    return _of_two(values)

    def verdicts(self, blocks: Iterable[Array], labels: Array | None) -> Verdicts:
        """Judge the most probable class of each probe.

        Parameters
        ----------
        blocks : iterable of ndarray (step, probe, unit)
            The output, some steps at a time.
        labels : ndarray (probe,), optional
            True class of each probe.
        """
        return judge((self.probabilities(output) for output in blocks), labels)


@dataclass(frozen=True)
class NoReading:
    """Why an output is not read as class probabilities.

    Attributes
    ----------
    why : str
        What the output is, as the end of a sentence.
    """

    why: str


def output_reading(
    sample: Array,
    *,
    loss: Loss | None = None,
    gives: Gives | None = None,
    labels: Sequence[Array] = (),
    task: str | None = None,
) -> OutputReading | NoReading:
    """Decide how the output of a network is read.

    Parameters
    ----------
    sample : ndarray (step, probe, unit)
        Activation of the network's last layer at some steps.
    loss : Loss, optional
        The recorded loss; None if it is not known.
    gives : {"numbers", "probability", "log probability", "shares", "log shares"}, optional
        What the activation function that ends the network gives; if it is not known, the sample
        shows it.
    labels : sequence of ndarray (probe,) or (probe, ...)
        What the network learns to answer, of each set of examples that has labels.
    task : str, optional
        What the labels ask, one of `store.format.names.TASKS`; if the run does not say it, the
        labels show it.
    """
    if sample.ndim != 3:
        return NoReading(NO_VECTOR)
    if task in NO_CLASSES:
        return NoReading(NUMBERS)
    units = sample.shape[-1]
    given = gives or _what_is_given(np.asarray(sample, np.float32))
    targets = TARGETS_OF.get(task or "") or what_labels_are(labels, units)
    family = loss.family if loss is not None else None
    is_assumed = family is None and given == "numbers"
    kind = (_kind_of_one if units == 1 else _kind_of_several)(
        given, family, targets, from_logits=loss is not None and loss.from_logits
    )
    if isinstance(kind, NoReading):
        return kind
    return OutputReading(kind, max(2, units), is_assumed)


def _kind_of_one(
    given: Gives, family: Family | None, targets: Targets | None, *, from_logits: bool
) -> Kind | NoReading:
    """Read a single unit: which of two classes it is, or a number."""
    if given in ("shares", "log shares") or family == "one class":
        return NoReading(LONE_SHARE)
    if family == "score":
        return NoReading(SCORE)
    if family == "yes or no":
        if given == "probability":
            return "sigmoid"
        return "logit" if from_logits else "nearest"
    if targets == "classes":
        if given == "probability":
            return "sigmoid"
        return "nearest" if family == "numbers" else "logit"
    if targets is None and family is None:
        return "sigmoid" if given == "probability" else NoReading(UNCLEAR)
    return NoReading(NUMBERS)


def _kind_of_several(
    given: Gives, family: Family | None, targets: Targets | None, *, from_logits: bool
) -> Kind | NoReading:
    """Read a row of units."""
    if targets == "values" and family is None:
        return NoReading(NUMBERS)
    if given == "shares":
        return "shares"
    if given == "log shares":
        return "logits"
    is_one_class = targets in ("classes", "shares")
    match family:
        case "one class":
            return "logits" if from_logits else "parts"
        case "score":
            return NoReading(SCORE)
        case "numbers":
            return "nearest" if is_one_class else NoReading(NUMBERS)
        case "yes or no":
            if given == "numbers" and from_logits:
                return "logit parts" if is_one_class else "label logits"
            return "parts" if is_one_class else "labels"
    if given == "probability":
        return "parts" if is_one_class else "labels"
    if is_one_class:
        return "logits"
    return NoReading(YES_OR_NO if targets == "marks" else UNCLEAR)


def _what_is_given(values: Float32) -> Gives:
    """See in values what the function gives that made them."""
    finite = values[np.isfinite(values)]
    if not (finite.size and finite.min() >= -1e-6 and finite.max() <= 1 + 1e-6):
        return "numbers"
    with np.errstate(invalid="ignore"):  # infinities of both signs have no sum
        sums = values.sum(axis=-1)
    shared = np.isclose(sums, 1, atol=SUM_TOLERANCE) | ~np.isfinite(sums)
    return "shares" if values.shape[-1] > 1 and bool(shared.all()) else "probability"


def nearest_shares(rows: Array) -> Float32:
    """Find the probabilities that are nearest to any numbers, by the sum of squares.

    Wang and Carreira-Perpiñán (2013, arXiv:1309.1541), *Projection onto the probability simplex*.
    The order of the numbers is kept, so the class that is said is the one nearest to the output.

    Parameters
    ----------
    rows : ndarray (..., class)
        Any numbers.

    Returns
    -------
    ndarray (..., class), float32
        Rows sum to one; NaN where a number of the row is not finite.

    Examples
    --------
    >>> nearest_shares(np.array([[1.5, -0.5], [0.25, 0.25]])).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    values = np.asarray(rows, np.float64)
    falling = -np.sort(-values, axis=-1)
    counts = np.arange(1, values.shape[-1] + 1)
    with np.errstate(invalid="ignore"):
        excess = (falling.cumsum(axis=-1) - 1) / counts
        kept = np.maximum((falling > excess).sum(axis=-1, keepdims=True), 1)
        shares = np.maximum(values - np.take_along_axis(excess, kept - 1, axis=-1), 0)
    known = np.isfinite(values).all(axis=-1, keepdims=True)
    return np.where(known, shares, np.nan).astype(np.float32)


def _of_two(second: Array) -> Float32:
    return np.asarray(np.concatenate([1 - second, second], axis=-1), np.float32)


def class_numbers(labels: Array, classes: int) -> Array | None:
    """Read labels as class numbers.

    Parameters
    ----------
    labels : ndarray (probe,) or (probe, ...)
        Class numbers, or a row of shares for each probe, one-hot for instance.
    classes : int
        How many classes there are.

    Returns
    -------
    ndarray (probe,), int64, or None
        None if the labels are anything else.
    """
    rows = labels.reshape(len(labels), -1)
    if rows.shape[1] == classes > 1 and _are_shares(rows):
        return np.asarray(rows.argmax(axis=1), np.int64)
    if rows.shape[1] != 1 or not np.isin(rows, np.arange(classes)).all():
        return None
    return rows[:, 0].astype(np.int64)


def what_labels_are(labels: Sequence[Array], units: int) -> Targets | None:
    """Say what a network learns to answer, of all that is known of it.

    Parameters
    ----------
    labels : sequence of ndarray (probe,) or (probe, ...)
        Labels of each set of examples. A few of them may look more special than all: ages that are
        0 and 1, several yes that are one yes. So the least special decides.
    units : int
        Units of the network's output.

    Returns
    -------
    {"classes", "shares", "marks", "values"} or None
        None without labels.
    """
    found = [_what_these_are(np.asarray(each), units) for each in labels if len(each)]
    return max(found, key=TARGETS.index) if found else None


def _what_these_are(labels: Array, units: int) -> Targets:
    rows = labels.reshape(len(labels), -1)
    if rows.shape[1] > 1:
        if rows.shape[1] == units and _are_shares(rows):
            return "shares"
        return "marks" if bool(np.isin(rows, (0, 1)).all()) else "values"
    whole = np.isin(rows, (0, 1)).all() if units == 1 else np.array_equal(rows, np.rint(rows))
    return "classes" if whole else "values"


def _are_shares(rows: Array) -> bool:
    return bool((rows >= 0).all()) and np.allclose(rows.sum(axis=1), 1, atol=SUM_TOLERANCE)

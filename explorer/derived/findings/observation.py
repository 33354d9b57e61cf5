"""What a detector gives: an observation with its numbers, and what it speaks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from explorer.derived.findings.facts import Facts

Severity = Literal["fault", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

Suspect = Literal[
    "learning_rate_high",
    "learning_rate_low",
    "epochs_few",
    "hidden_activation",
    "output_activation",
    "loss",
    "optimizer",
    "initialization",
    "input_scale",
    "labels",
    "data_small",
    "data_order",
    "class_imbalance",
    "batch_size",
    "capacity",
    "regularization_strong",
    "overfitting",
    "frozen_layer",
    "recurrent_memory",
    "numeric_overflow",
]
SUSPECTS: tuple[Suspect, ...] = get_args(Suspect)


@dataclass(frozen=True)
class Evidence:
    """A number that a finding rests on.

    Attributes
    ----------
    name : str
        What it is.
    value : float or None
        None where it is no finite number.
    n : int or None
        Of how many values, examples or units it is; None where it is a setting.
    unit : str
        What a value of 1 is; empty of a plain number.
    """

    name: str
    value: float | None
    n: int | None = None
    unit: str = ""

    @classmethod
    def of(cls, name: str, value: float, n: int | None = None, unit: str = "") -> Evidence:
        """Make one of any number: what is not finite is None."""
        number = float(value)
        return cls(name, number if math.isfinite(number) else None, n, unit)


@dataclass(frozen=True, kw_only=True)
class Observation:
    """Something that was seen in a training.

    Attributes
    ----------
    kind : str
        Names it; `explorer.derived.findings.weights` has a row for each kind that speaks for a
        suspect.
    strength : float
        From 0, it is not so, to 1, it is entirely so.
    sentence : str
        What was seen, as a whole sentence. Empty: it is only weighed, and not told.
    evidence : tuple of Evidence
        The numbers that it rests on.
    remedies : mapping of suspect to str
        What to try, if that suspect is to blame.
    step : int or None
        Since when, or when it shows most.
    layer : str or None
    units, probes : tuple of int
        Where it shows most.
    card : str or None
        Title of the card where it is seen.
    least : {"note", "warning"}
        How it is told where no suspect explains it: a warning is something that a reader should
        know whatever the cause.
    """

    kind: str
    strength: float
    sentence: str = ""
    evidence: tuple[Evidence, ...] = ()
    remedies: Mapping[str, str] = field(default_factory=dict)
    step: int | None = None
    layer: str | None = None
    units: tuple[int, ...] = ()
    probes: tuple[int, ...] = ()
    card: str | None = None
    least: Severity = "note"


Detector = Callable[[Facts], list[Observation]]

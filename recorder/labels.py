"""What a network is to answer: the labels of a probe or an evaluation, and what they ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recorder import arguments
from store.errors import ArgumentError, SpecError, did_you_mean
from store.format.losses import recorded_loss
from store.format.names import TASKS, Array


@dataclass(frozen=True, slots=True)
class Labels:
    """What a network is to answer on each example.

    Attributes
    ----------
    values : ndarray (example, ...) or None
        Class numbers, shares of classes, yes and no of tags, or target values.
    names : list of str or None
        Names by class number, or by tag.
    task : str or None
        One of `store.format.names.TASKS`, as far as it is known.
    """

    values: Array | None = None
    names: list[str] | None = None
    task: str | None = None

    @classmethod
    def of(
        cls,
        labels: Any,
        names: list[str] | None,
        task: str | None,
        argument: str = "labels=...",
    ) -> Labels:
        """Read labels as a user passes them.

        Parameters
        ----------
        labels : array_like or None
            Numbers, names of classes, or lists of the names of tags.
        names : list of str or None
            Names by class number, or by tag.
        task : str or None
            What the labels ask, if the user says so. What the rows look like says nothing: a few
            rows of tags may have one tag each.
        argument : str
            What an error calls the labels.

        Raises
        ------
        SpecError
            They are neither numbers nor names, or have a name that `names` lacks.
        """
        if labels is None:
            return cls(None, names, task)
        if _are_lists_of_names(labels):
            return cls._of_tags([[str(name) for name in row] for row in labels], names)
        try:
            values = np.asarray(labels)
        except ValueError:  # rows of different lengths
            arguments.refuse(argument, labels, "an array, or rows of one length")
        if values.dtype.kind in "US" or (
            values.dtype.kind == "O" and all(isinstance(value, str) for value in values.flat)
        ):
            if not values.ndim:
                arguments.refuse(argument, labels, "the name of a class for each example")
            texts = values.astype(str).reshape(len(values), -1)
            known = np.unique(texts).tolist() if names is None else names
            numbers = [_number(name, known) for name in texts[:, 0].tolist()]
            return cls(np.array(numbers, np.int64), known, task or "classes")
        if not values.ndim and values.dtype.kind == "O":
            arguments.refuse(argument, labels, "class numbers, class names or targets")
        if values.dtype.kind not in "biuf":
            raise SpecError(
                f"{argument} holds {values.dtype}; pass class numbers, class names or targets."
            )
        return cls(values, names).asking(task)

    @classmethod
    def _of_tags(cls, rows: Sequence[Sequence[str]], names: list[str] | None) -> Labels:
        known = sorted({name for row in rows for name in row}) if names is None else names
        marks = np.zeros((len(rows), len(known)), np.uint8)
        for into, row in zip(marks, rows, strict=True):
            into[[_number(name, known) for name in row]] = 1
        return cls(marks, known, "tags")

    def asking(self, task: str | None) -> Labels:
        """Give the labels of a task in the form in which a run holds them.

        Class numbers are whole numbers (example,), also those of one-hot rows; yes and no of a
        single tag is a row of one.
        """
        values = self.values
        if values is not None and task == "classes":
            numbers = class_numbers(values)
            values = values if numbers is None else numbers
        if values is not None and task == "tags" and values.ndim == 1:
            values = values[:, None]
        return replace(self, values=values, task=task)

    def problems(self) -> list[str]:
        """Say what is wrong with the labels, each in a sentence."""
        values, names = self.values, self.names
        if values is None:
            return []
        if self.task == "none":
            return ["labels were given, but the task is 'none'; leave out one of them"]
        if not values.ndim:
            return ["labels is a single number; pass one for each example"]
        found = self._misfits(values)
        if names is None or found:
            return found
        if self.task == "tags" or (self.task is None and values.ndim == 2):
            return [] if values.shape[1:] == (len(names),) else [self._names_misfit(values)]
        if self.task in ("values", "image"):
            return [f"class_names were given, but the task is {self.task!r}"]
        if self.task == "classes" and values.ndim == 2:
            return [] if values.shape[1] == len(names) else [self._names_misfit(values)]
        if not are_whole(values):
            return ["class_names were given, but the labels are not class numbers"]
        low, high = int(values.min()), int(values.max())
        if low < 0 or high >= len(names):
            return [
                f"labels run from {low} to {high}, but there are {len(names)} "
                "class_names; pass one name for every class"
            ]
        return []

    def _misfits(self, values: Array) -> list[str]:
        shown = f"labels of shape {values.shape}"
        match self.task:
            case "classes" if values.ndim > 2:
                return [f"{shown} are no classes; a mask or a sequence has a class at each place"]
            case "classes" if values.ndim == 1 and not are_whole(values):
                return [f"{shown} and {values.dtype} are no classes; pass task='values'"]
            case "tags" if values.ndim != 2 or values.min() < 0 or values.max() > 1:
                return [f"{shown} are no tags; pass a row of 0 and 1 for each example"]
            case "mask" | "image" if values.ndim < 3:
                return [f"{shown} are no {self.task}; pass (example, y, x) or more"]
            case "sequence" if values.ndim < 2:
                return [f"{shown} are no sequence; pass (example, place) or more"]
        return []

    def _names_misfit(self, values: Array) -> str:
        columns = values.shape[1] if values.ndim > 1 else 1
        return (
            f"labels have {columns} columns, but there are {len(self.names or ())} class_names; "
            "pass one name for every column"
        )


def check_task(argument: str, task: Any) -> str | None:
    """Require one of the tasks, or None.

    Raises
    ------
    ArgumentError
        It is something else; the message suggests the nearest.
    """
    found = arguments.plain(task)
    if found is None or (isinstance(found, str) and found in TASKS):
        return found
    raise ArgumentError(f"{argument} is no {task!r}. {did_you_mean(str(task), TASKS)}")


def asked_by(
    loss: Any, output: str, shape: Sequence[int], labels: Labels, *, ends_in_softmax: bool
) -> str | None:
    """Say what a network's loss asks of it.

    Parameters
    ----------
    loss : JSON
        Configuration of the loss, as a run holds it.
    output : str
        The layer that gives the model's only output.
    shape : sequence of int
        What it gives for one example.
    labels : Labels
        What is compared with it.
    ends_in_softmax : bool
        Whether that layer gives shares of one.

    Returns
    -------
    str or None
        One of `store.format.names.TASKS`; None where the loss does not tell.
    """
    values = labels.values
    if labels.task is not None:
        return labels.task
    if values is None:
        return "none"
    known = recorded_loss(loss, output)
    family = known.family if known is not None else None
    if family is None:
        return None
    is_of_classes = family in ("one class", "score")
    match len(shape):
        case 3 | 4:
            is_mask = is_of_classes or (family == "yes or no" and are_whole(values))
            return "mask" if is_mask else "image"
        case 2:
            return "sequence"
        case 0 | 1:
            units = shape[0] if shape else 1
            # Numbers (example,) that are compared with several units can but say which of them.
            are_numbers = values.ndim == 1 and values.dtype.kind in "iu" and units > 1
            if is_of_classes or are_numbers or ends_in_softmax:
                return "classes"
            if family == "yes or no":
                return "classes" if units == 1 else "tags"
            if labels.names is not None:
                return "classes"
            # Whole numbers that are met by squared error may be classes, or counts.
            return "values" if values.dtype.kind == "f" else None
    return None


def class_numbers(values: Array) -> Array | None:
    """Read labels as class numbers (example,); None where they are no such thing."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 1 and values.size and are_whole(values):
        return values.astype(np.int64)
    one_hot = (
        values.ndim == 2
        and bool(np.isin(values, (0, 1)).all())
        and bool((values.sum(axis=1) == 1).all())
    )
    return values.argmax(axis=1).astype(np.int64) if one_hot else None


def are_whole(values: Array) -> bool:
    """Whether all values are whole numbers, of whatever data type."""
    if values.dtype.kind in "biu":
        return True
    return values.dtype.kind == "f" and bool((np.mod(values, 1) == 0).all())


def _are_lists_of_names(labels: Any) -> bool:
    return (
        isinstance(labels, Sequence)
        and len(labels) > 0
        and not isinstance(labels, str | bytes)
        and all(
            isinstance(row, list | tuple | set | frozenset)
            and all(isinstance(name, str) for name in row)
            for row in labels
        )
    )


def _number(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise SpecError(f"A label is {name!r}, no class of that name. {did_you_mean(name, names)}")
    return list(names).index(name)

"""The part of a run that a replay holds: its layers, probes and steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from explorer.data.run import RunData
from store.errors import LayerNotFoundError, SpecError, did_you_mean, listed
from store.format.names import PROBE_DIM, activation_path

NO_STEPS = "No step has been recorded yet: there is nothing to replay."


@dataclass(frozen=True, slots=True)
class Contents:
    """A part of a run.

    Attributes
    ----------
    layers : tuple of str
        Layers whose activation is kept, in network order.
    probes : tuple of int
        Numbers of the probes, increasing.
    steps : tuple of int
        Positions of the recorded steps, increasing.
    """

    layers: tuple[str, ...]
    probes: tuple[int, ...]
    steps: tuple[int, ...]


def everything(data: RunData) -> Contents:
    """Return all that a replay can hold of a run.

    Parameters
    ----------
    data : RunData
        The run.

    Raises
    ------
    SpecError
        The run has no step.
    """
    run = data.run
    if not len(run):
        raise SpecError(NO_STEPS)
    layers = tuple(name for name, layer in run.layers.items() if layer.has_activation)
    if layers:  # a cropped run may have activations of probes without inputs
        reader = run.array(activation_path(layers[0]))
        probes = dict(zip(reader.dims, reader.shape, strict=True))[PROBE_DIM]
    else:
        probes = run.probe.size if run.probe else 0
    return Contents(layers, tuple(range(probes)), tuple(range(len(run))))


def chosen(
    data: RunData,
    layers: Sequence[str] = (),
    probes: str | None = None,
    steps: str | None = None,
) -> Contents:
    """Return the contents that a user has chosen.

    Parameters
    ----------
    data : RunData
        The run.
    layers : sequence of str
        Names of layers, or patterns as for file names; empty: all layers.
    probes, steps : str or None
        Numbers and ranges, ends included: ``0-7,12``; a range may be open: ``100-``. Steps are
        numbers of optimizer updates. A single step must have been recorded; a range takes all
        recorded steps within.

    Raises
    ------
    LayerNotFoundError
        A pattern matches no layer.
    SpecError
        There is no such probe, no step was recorded within a range, or the text is malformed.
    StepNotRecordedError
        A step was not recorded.
    """
    available = everything(data)
    return Contents(
        _layers(data, layers) if layers else available.layers,
        _probes(available.probes, probes) if probes is not None else available.probes,
        _steps(data, steps) if steps is not None else available.steps,
    )


def _layers(data: RunData, patterns: Sequence[str]) -> tuple[str, ...]:
    names = list(data.run.layers)
    found: set[str] = set()
    for pattern in patterns:
        matched = [name for name in names if fnmatchcase(name, pattern) or name == pattern]
        if not matched:
            raise LayerNotFoundError(
                f"No layer matches {pattern!r}. {did_you_mean(pattern, names)}"
            )
        found.update(matched)
    kept = tuple(name for name in names if name in found and data.run.layers[name].has_activation)
    if not kept:
        raise SpecError(f"Of {listed(sorted(found))} no activation was recorded.")
    return kept


def _probes(available: tuple[int, ...], text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for first, last in ranges(text, "probes"):
        end = len(available) - 1 if last is None else last
        if not 0 <= first <= end < len(available):
            wrong = first if first >= len(available) or end < first else end
            raise SpecError(
                f"There is no probe {wrong}; the run has {len(available)}, counted from 0."
                if end >= first
                else f"Expected probes from a number to a greater one, got {text!r}."
            )
        found.update(range(first, end + 1))
    return tuple(sorted(found))


def _steps(data: RunData, text: str) -> tuple[int, ...]:
    recorded = data.timeline.steps
    found: set[int] = set()
    for first, last in ranges(text, "steps"):
        if first == last:
            found.add(data.run.index_of(first))
            continue
        end = int(recorded[-1]) if last is None else last
        within = np.flatnonzero((recorded >= first) & (recorded <= end))
        if not len(within):
            raise SpecError(
                f"No step from {first} to {end} was recorded; the run has {len(recorded)}, "
                f"from {recorded[0]} to {recorded[-1]}."
            )
        found.update(within.tolist())
    return tuple(sorted(found))


def ranges(text: str, what: str) -> list[tuple[int, int | None]]:
    """Read numbers and ranges from a text.

    Parameters
    ----------
    text : str
        The text.
    what : str
        What the numbers are of, for the message of an error.

    Returns
    -------
    list of (int, int or None)
        First and last number of each range; None for the last of an open one.

    Examples
    --------
    >>> ranges("0-7, 12, 20-", "probes")
    [(0, 7), (12, 12), (20, None)]

    Raises
    ------
    SpecError
        The text is malformed.
    """
    found: list[tuple[int, int | None]] = []
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not first.isdecimal() or not (last == "" or last.isdecimal()):
            raise SpecError(f"Expected {what} as numbers and ranges like 0-7,12, got {text!r}.")
        found.append((int(first), int(last) if last else None if dash else int(first)))
    return found


def summary(available: Contents, wanted: Contents, kept: Contents) -> tuple[str, list[str]]:
    """Say in sentences what a replay holds, and what it leaves out.

    Parameters
    ----------
    available, wanted, kept : Contents
        What the run has, what was requested, and what is in the file.

    Returns
    -------
    held : str
        What is in the file, in one sentence.
    left_out : list of str
        What is not, a sentence for each reason; empty if nothing is left out.
    """
    held = (
        f"In this file: {len(kept.steps)} of {counted(len(available.steps), 'recorded step')}, "
        f"{len(kept.probes)} of {counted(len(available.probes), 'probe')}, "
        f"the activations of {len(kept.layers)} of {counted(len(available.layers), 'layer')}."
    )
    left_out = []
    for why, more, less in (
        ("not asked for", available, wanted),
        ("to keep the file small", wanted, kept),
    ):
        parts = []
        if len(less.steps) < len(more.steps):
            parts.append(counted(len(more.steps) - len(less.steps), "recorded step"))
        gone = sorted(set(more.probes) - set(less.probes))
        if gone:
            parts.append(f"probe{'s' if len(gone) > 1 else ''} {numbers(gone)}")
        layers = [name for name in more.layers if name not in less.layers]
        if layers:
            parts.append(f"the activation{'s' if len(layers) > 1 else ''} of {listed(layers)}")
        if parts:
            left_out.append(f"Left out, {why}: {'; '.join(parts)}.")
    return held, left_out


def numbers(values: Sequence[int]) -> str:
    """Write increasing numbers as ranges.

    Examples
    --------
    >>> numbers([0, 1, 2, 5, 7, 8])
    '0-2, 5, 7-8'
    """
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1][1:] = [value]
        else:
            runs.append([value])
    return ", ".join("-".join(map(str, run)) for run in runs)


def counted(number: int, noun: str) -> str:
    """Write a number and its noun, in the plural unless the number is 1.

    Examples
    --------
    >>> counted(1, "step"), counted(0, "step")
    ('1 step', '0 steps')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"

"""One error family: each is a `TrainlapseError` and the built-in error that a caller expects."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# More names than this in one message hide the one that matters.
MAX_NAMES_LISTED = 20


class TrainlapseError(Exception):
    """Base of every error that Trainlapse raises on purpose."""

    def __str__(self) -> str:
        # KeyError would print the repr of its message, with escaped line breaks.
        return " ".join(str(argument) for argument in self.args)


class RunNotFoundError(TrainlapseError, FileNotFoundError):
    """There is no run at the given location."""


class RunExistsError(TrainlapseError, FileExistsError):
    """Recording would overwrite a run."""


class RunLockedError(TrainlapseError, RuntimeError):
    """Another writer is at work in this run."""


class RunClosedError(TrainlapseError, RuntimeError):
    """A writer cannot go on; its run can be resumed."""


class RunFormatError(TrainlapseError, ValueError):
    """What lies at the location is not a sound run."""


class ChunkDamagedError(RunFormatError):
    """A part of an array is missing, cut short, or fails its checksum."""


class SchemaVersionError(RunFormatError):
    """The run was written by a newer schema than this version reads."""


class RemoteError(TrainlapseError, OSError):
    """A server or bucket did not answer as it must."""


class MissingExtraError(TrainlapseError, ImportError):
    """An optional dependency is needed for this."""


class SpecError(TrainlapseError, ValueError):
    """A run, layer or array was described inconsistently; lists every problem."""


class ArgumentError(SpecError, TypeError):
    """An argument is of another kind than expected, or out of its range."""


class StepNotRecordedError(TrainlapseError, KeyError):
    """The training was not recorded at this step."""


class StepOrderError(TrainlapseError, ValueError):
    """Steps must be appended in increasing order."""


class PartNotFoundError(TrainlapseError, KeyError):
    """The run, or the model, has no part of this name."""


class LayerNotFoundError(TrainlapseError, KeyError):
    """The run has no layer of this name."""


class ArrayNotRecordedError(TrainlapseError, KeyError):
    """The layer exists, but this activation or weight was not recorded."""


def listed(names: Iterable[str]) -> str:
    """Join names for a message, cut after `MAX_NAMES_LISTED`.

    Examples
    --------
    >>> listed(["conv1", "dense"])
    'conv1, dense'
    """
    every = list(names)
    if not every:
        return "none"
    shown = ", ".join(every[:MAX_NAMES_LISTED])
    hidden = len(every) - MAX_NAMES_LISTED
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def did_you_mean(wrong: str, names: Iterable[str]) -> str:
    """Sentence that suggests the nearest name, then lists what exists.

    Examples
    --------
    >>> did_you_mean("cnv1", ["conv1", "dense"])
    "Did you mean 'conv1'? There are: conv1, dense."
    """
    every = list(names)
    folded = {name.casefold(): name for name in every}
    near = difflib.get_close_matches(wrong.casefold(), folded, n=1, cutoff=0.5)
    suggestion = f"Did you mean {folded[near[0]]!r}? " if near else ""
    return f"{suggestion}There are: {listed(every)}."


class CheckpointError(TrainlapseError, ValueError):
    """A checkpoint cannot be read, does not fit the model, or has no place in time."""

"""Check what a user passes, when it is passed: an error says what was passed and what is expected.

Each function takes the name of the argument as an error writes it, for instance
``every_n_steps(n=...)``, and gives the value back: as Python's own, where it was NumPy's, so that
nobody behind it has to know both.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import numpy as np

from store.errors import ArgumentError, listed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Words:
    """How errors call something that a user makes, and its arguments.

    Attributes
    ----------
    called : str
        What it is.
    made_by : str
        What makes it.
    renamed : mapping of str to str
        Arguments that are called otherwise there.

    Examples
    --------
    >>> Words("held-out evaluation", "Evaluation", {"inputs": "x"}).argument("inputs")
    'Evaluation(x=...)'
    """

    called: str
    made_by: str
    renamed: Mapping[str, str] = field(default_factory=dict)

    def argument(self, name: str) -> str:
        """Name an argument as an error writes it."""
        return f"{self.made_by}({self.renamed.get(name, name)}=...)"


# What is expected of `globs`.
PATTERNS = 'a pattern such as "conv*", or a list of them'
# More of a value than this hides the sentence around it.
MAX_SHOWN = 80


def refuse(argument: str, value: Any, expected: str) -> NoReturn:
    """Raise the error about an argument.

    Examples
    --------
    >>> refuse("at_steps(steps=...)", 5, "steps such as [1, 10, 100]")
    Traceback (most recent call last):
    ...
    store.errors.ArgumentError: at_steps(steps=...) expects steps such as [1, 10, 100], got 5.
    """
    shown = repr(value)
    if len(shown) > MAX_SHOWN:
        shown = f"{shown[:MAX_SHOWN]}… ({type(value).__name__})"
    raise ArgumentError(f"{argument} expects {expected}, got {shown}.")


def instance(argument: str, value: T, kind: Any, expected: str) -> T:
    """Require an object of a class, or of one of several."""
    if not isinstance(value, kind):
        refuse(argument, value, expected)
    return value


def plain(value: Any) -> Any:
    """Give a scalar of NumPy's, or an array without dimensions, as Python's own; else the value.

    Examples
    --------
    >>> plain(np.int64(3)), plain(np.array("lz4")), plain(np.False_), plain([1])
    (3, 'lz4', False, [1])
    """
    is_scalar = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim)
    return value.item() if is_scalar else value


def whole(argument: str, value: Any, *, least: int) -> int:
    """Require a whole number."""
    found = plain(value)
    # bool is an int, but True is never meant as a count.
    if isinstance(found, bool) or not isinstance(found, int) or found < least:
        refuse(argument, value, f"a whole number of at least {least}")
    return found


def step(argument: str, value: Any) -> int:
    """Require a count of updates, which may be a tensor or a variable that holds one."""
    try:
        count = int(value)
        is_count = not isinstance(value, bool | str | bytes) and count >= 0 and bool(count == value)
    except Exception:  # frameworks have errors of their own
        is_count = False
    if not is_count:
        refuse(argument, value, "a whole number of at least 0")
    return count


def number(argument: str, value: Any, *, above: float = -math.inf, least: float = -math.inf) -> Any:
    """Require a finite number above or of at least a limit."""
    found = plain(value)
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    if not (is_number and math.isfinite(found) and found > above and found >= least):
        limit = f" above {above:g}" if above > -math.inf else f" of at least {least:g}"
        refuse(argument, value, f"a number{limit}")
    return found


def flag(argument: str, value: Any) -> bool:
    """Require True or False."""
    found = plain(value)
    if not isinstance(found, bool):
        refuse(argument, value, "True or False")
    return found


def text(argument: str, value: Any) -> str:
    """Require a text."""
    found = plain(value)
    if not isinstance(found, str):
        refuse(argument, value, "a text")
    return found


def texts(argument: str, value: Any) -> list[str]:
    """Require several texts, one of which alone would be taken for its letters.

    Their order says what each is of: a set has none, and a mapping may have another one.
    """
    found = plain(value)
    if isinstance(found, str | bytes) or not isinstance(found, Iterable):
        refuse(argument, value, "a list of texts")
    if isinstance(found, Mapping | set | frozenset):
        refuse(argument, value, "a list of texts, in the order of what they name")
    return [str(each) for each in found]


def globs(argument: str, value: Any, expected: str = PATTERNS) -> tuple[str, ...]:
    """Require a pattern of names, or several: at least one, as none would be taken for all."""
    found = plain(value)
    patterns = (found,) if isinstance(found, str) else found
    if not isinstance(patterns, Iterable) or isinstance(patterns, bytes):
        refuse(argument, value, expected)
    several = tuple(map(plain, patterns))
    if not several or not all(isinstance(pattern, str) for pattern in several):
        refuse(argument, value, expected)
    return several


def gradients(argument: str, value: Any) -> Any:
    """Require numbers, or None, for each variable; how many there must be, the model says."""
    if value is None:
        return None
    if isinstance(value, Mapping):  # of several models, by the name of each
        return {name: gradients(argument, each) for name, each in value.items()}
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        refuse(argument, value, "one gradient, or None, for each trainable variable")
    given = list(value)  # such as of a generator
    for each in given:
        if each is not None and not _are_numbers(each):
            refuse(argument, each, "numbers, or None, for each trainable variable")
    return given


def _are_numbers(value: Any) -> bool:
    """Whether an array of any framework, or what makes one, holds numbers."""
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        try:
            dtype = np.asarray(value).dtype
        except ValueError:  # rows of different lengths
            return False
    if isinstance(dtype, np.dtype):
        return dtype.kind not in "USOMm"
    return "str" not in str(dtype)


def one_of(argument: str, value: Any, choices: Collection[Any]) -> Any:
    """Require one of a few values."""
    found = plain(value)
    # By class, too: 1 equals True, and an array equals nothing in particular.
    if not any(type(found) is type(choice) and found == choice for choice in choices):
        refuse(argument, value, f"one of {listed(map(repr, choices))}")
    return found

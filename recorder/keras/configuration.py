"""The Keras configuration of anything as JSON, or why there is none.

Nobody but a recording asks for most of them: a mistake in a ``get_config`` sleeps until a model is
saved, and a model that is never saved needs none. So whatever one of them does is no reason to
record less than the rest.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recorder.keras.quiet import quietly
from store.format.code import LAMBDA, without_code

# Of an array with more values a configuration says what it is. The document in which configurations
# lie is written anew at every commit.
MOST_VALUES = 4096
# A configuration with more characters is left out.
MOST_CHARACTERS = 2**18
# Of the reason why one is left out.
REASON_CHARACTERS = 200
# Where an object lies in memory, in its own text.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What could be had of a configuration.

    Attributes
    ----------
    value : JSON
        The configuration; None: there is none.
    left_out : str or None
        Why there is none, in a sentence.
    """

    value: Any
    left_out: str | None = None


def configuration(of: str, ask: Callable[[], Any]) -> Configuration:
    """Ask for a configuration, without a warning, and make it JSON.

    Parameters
    ----------
    of : str
        Whose it is, for the reason why it is left out.
    ask : callable
        Gives it.

    Examples
    --------
    >>> configuration("Twice", lambda: {"factor": (2, None)})
    Configuration(value={'factor': [2, None]}, left_out=None)
    >>> configuration("Twice", lambda: {"factor": 1 / 0}).left_out
    'Twice gives no configuration. ZeroDivisionError: division by zero'
    """
    try:
        with quietly():
            safe = json_safe(ask())
            length = len(json.dumps(safe))
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as fault:  # code of the user's own that runs for our sake alone
        return Configuration(None, _reason(of, fault))
    if length > MOST_CHARACTERS:
        said = f"The configuration of {of} has more than {MOST_CHARACTERS:,} characters."
        return Configuration(None, said)
    return Configuration(safe)


def reasons(found: Mapping[str, Configuration]) -> dict[str, str]:
    """Give why each of those that could not be had is left out, by path."""
    return {path: one.left_out for path, one in found.items() if one.left_out is not None}


def serialized(value: Any) -> Any:
    """Serialize with Keras; `json_safe` leaves out the code of functions without a name."""
    import keras

    return keras.saving.serialize_keras_object(value)


def json_safe(value: Any) -> Any:
    """Turn any value into JSON: what JSON does not know becomes its text, NaN too; without code.

    Examples
    --------
    >>> json_safe({"rate": float("nan"), "shape": (None, 3)})
    {'rate': 'nan', 'shape': [None, 3]}
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        if value.get("class_name") == LAMBDA:
            return without_code(value)
        return {str(key): json_safe(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_safe(entry) for entry in value]
    size = getattr(value, "size", None)
    if isinstance(size, int) and size > MOST_VALUES:
        return f"{type(value).__name__} of shape {tuple(getattr(value, 'shape', (size,)))}"
    for method in ("tolist", "as_list"):  # NumPy arrays and scalars, tensor shapes
        if hasattr(value, method):
            return json_safe(getattr(value, method)())
    name = getattr(value, "__name__", None)
    return name if isinstance(name, str) else _ADDRESS.sub("", str(value))


def _reason(of: str, fault: BaseException) -> str:
    said = " ".join(str(fault).split())
    if len(said) > REASON_CHARACTERS:
        said = said[:REASON_CHARACTERS].rsplit(" ", 1)[0] + " ..."
    return f"{of} gives no configuration. {type(fault).__name__}: {said}".removesuffix(": ")

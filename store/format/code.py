"""Code in the configurations of a run: kept by earlier versions, and never given on.

Keras writes a function without a name into a configuration as its compiled code, and in it the path
of the script that it came from. A run keeps that there was one, and nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Class of a function without a name, in Keras's configurations.
LAMBDA = "__lambda__"
# Earlier Keras versions say beside a function, under its name and this, how it was written.
_TYPE_SUFFIX = "_type"


def without_code(value: Any) -> Any:
    """Give a configuration in which of each function without a name only that is left.

    Parameters
    ----------
    value : JSON
        A configuration, or any part of one.

    Examples
    --------
    >>> without_code({"function": {"class_name": "__lambda__", "config": {"code": "4wE="}}})
    {'function': {'class_name': '__lambda__'}}
    >>> without_code({"function": ["4wE=", None, None], "function_type": "lambda"})
    {'function': {'class_name': '__lambda__'}, 'function_type': 'lambda'}
    """
    if isinstance(value, Mapping):
        if value.get("class_name") == LAMBDA:
            return {"class_name": LAMBDA}
        return {
            key: {"class_name": LAMBDA}
            if value.get(f"{key}{_TYPE_SUFFIX}") == "lambda"
            else without_code(entry)
            for key, entry in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_code(entry) for entry in value]
    return value


def may_hold_code(content: bytes) -> bool:
    """Whether a JSON text may hold any: then it is worth while to look through it."""
    return b"lambda" in content

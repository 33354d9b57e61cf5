"""JSON of a run, which may be a stranger's, read as the standard has it.

Python reads more: NaN and infinities, numbers that become infinite, halves of characters. None of
them can be written again, so that a run with them would open, and fail wherever it is copied.
"""

from __future__ import annotations

import json
import math
from typing import Any

# Far deeper than any configuration, far less than what ends Python's recursion.
MOST_DEPTH = 200


def parse(content: str | bytes) -> Any:
    """Parse a document.

    Raises
    ------
    ValueError
        It is not JSON, or nested too deeply to be worked with.

    Examples
    --------
    >>> parse('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    """
    try:
        value = json.loads(content, parse_constant=_refused, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(value)
    if "\\ud" in content.lower() if isinstance(content, str) else b"\\ud" in content.lower():
        # Raises a ValueError for half of a character.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text:.40} is too large")
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_DEPTH):
        # Exact types: the parser makes no others, and a long document has many.
        level = [
            inner
            for outer in level
            if type(outer) is dict or type(outer) is list
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or (type(inner) is list and inner)
        ]
        if not level:
            return
    raise ValueError("it is nested too deeply")

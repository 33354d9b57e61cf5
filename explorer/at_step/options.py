"""Options of the methods that judge values: checked before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from explorer.derived.network.node import Array
from store.errors import ArgumentError, did_you_mean

# More places on a way, or noisy copies, say nothing more.
MOST_SAMPLES = 4096
# A patch that covers: this part of each axis of an image.
PATCH = 7
FLOAT32_MAX = float(np.finfo(np.float32).max)


def options_of(method: str, given: Mapping[str, Any], shape: Sequence[int]) -> dict[str, Any]:
    """Check the options of a method, and choose those that depend on what is judged.

    Parameters
    ----------
    method : str
        See `explorer.at_step.step_network.StepNetwork.saliency`.
    given : mapping of str to object
        Options by name.
    shape : sequence of int
        Of one example of what is judged.

    Returns
    -------
    dict
        Those that were given, and those of occlusion, by name.

    Raises
    ------
    ArgumentError
        The method has no such option, or it is of another kind or range.
    """
    known = CHECKS.get(method, {})
    for name, value in given.items():
        if name not in known:
            has = did_you_mean(name, known) if known else "It has none."
            raise ArgumentError(f"The method {method} has no option {name!r}. {has}")
        if not known[name](value, shape):
            raise ArgumentError(f"{name} is {EXPECTED[name]}, not {value!r}.")
    if method != "occlusion":
        return dict(given)
    places = shape[:-1] or shape
    usual = [max(1, size // PATCH) if len(places) > 1 else 1 for size in places]
    patch = _sizes("patch", given.get("patch", usual), places)
    stride = _sizes("stride", given.get("stride", [max(1, size // 2) for size in patch]), places)
    return {**given, "patch": patch, "stride": stride}


def is_number(value: Any) -> bool:
    """Whether a value is a finite number of float32."""
    is_real = isinstance(value, int | float | np.integer | np.floating)
    return is_real and not isinstance(value, bool) and abs(value) <= FLOAT32_MAX


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_count(value: Any, _: Sequence[int]) -> bool:
    return _is_whole(value) and 1 <= value <= MOST_SAMPLES


def _is_seed(value: Any, _: Sequence[int]) -> bool:
    return _is_whole(value) and value >= 0


def _is_share(value: Any, _: Sequence[int]) -> bool:
    return is_number(value) and value >= 0


def _is_value(value: Any, _: Sequence[int]) -> bool:
    return is_number(value)


def _is_any(*_: Any) -> bool:
    """Say yes: sizes are read by `_sizes`."""
    return True


def _is_baseline(value: Any, shape: Sequence[int]) -> bool:
    try:
        array: Array = np.asarray(value)
        np.broadcast_to(array, tuple(shape))
    except ValueError:
        return False
    return array.dtype.kind in "iubf" and bool((np.abs(array) <= FLOAT32_MAX).all())


def _sizes(name: str, given: Any, places: Sequence[int]) -> list[int]:
    """Read a size for each axis of places."""
    sizes = [given] * len(places) if _is_whole(given) else given
    is_list = isinstance(sizes, list | tuple) and len(sizes) == len(places)
    if not is_list or not all(
        _is_whole(size) and 1 <= size <= length for size, length in zip(sizes, places, strict=True)
    ):
        raise ArgumentError(
            f"{name} is a size for each of the places {tuple(places)}, not {given!r}."
        )
    return [int(size) for size in sizes]


Check = Callable[[Any, Sequence[int]], bool]
EXPECTED = {
    "samples": f"a whole number from 1 to {MOST_SAMPLES}",
    "noise": "a share, 0 or more",
    "seed": "a whole number, 0 or more",
    "baseline": "a number, or numbers in the shape of one example",
    "value": "a number",
}
CHECKS: dict[str, dict[str, Check]] = {
    "smoothgrad": {"samples": _is_count, "noise": _is_share, "seed": _is_seed},
    "integrated_gradients": {"samples": _is_count, "baseline": _is_baseline},
    "occlusion": {"patch": _is_any, "stride": _is_any, "value": _is_value},
}

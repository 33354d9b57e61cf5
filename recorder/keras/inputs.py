"""Whether a probe or an evaluation fits the inputs of a Keras model."""

from __future__ import annotations

from typing import Any

from recorder.probe import Probe, are_whole
from store.errors import SpecError, listed
from store.format.names import Array


def check_fits(probe: Probe, model: Any) -> None:
    """Raise `SpecError` when the inputs do not fit a built model.

    Parameters
    ----------
    probe : Probe
        The inputs.
    model : keras.Model
        A model whose ``inputs`` are known; of others nothing can be said before they run.
    """
    expected = _expected_inputs(model)
    if not expected:
        return
    given = probe.inputs
    if len(expected) == 1 and len(given) == 1:
        given = {next(iter(expected)): next(iter(given.values()))}
    found = []
    if missing := sorted(expected.keys() - given.keys()):
        found.append(
            f"the model's inputs {listed(missing)} are missing from the {probe.words.called}"
        )
    if unknown := sorted(given.keys() - expected.keys()):
        found.append(f"the model has no inputs {listed(unknown)}")
    found.extend(
        problem
        for name, (shape, dtype) in expected.items()
        if name in given
        and (problem := _misfit(name, given[name], shape, dtype, probe.words.called))
    )
    if found:
        raise SpecError(
            f"The {probe.words.called} does not fit the model {model.name!r}:\n- "
            + "\n- ".join(found)
            + f"\nPass {probe.words.argument('inputs')} in the form that model.predict() accepts."
        )


def _expected_inputs(model: Any) -> dict[str, tuple[tuple[int | None, ...], str]]:
    """Shape and data type by input name; empty when the model does not say."""
    tensors = getattr(model, "inputs", None) or []
    # A model that was built by a batch names that batch's size, and takes any other as well.
    return {tensor.name: ((None, *tensor.shape[1:]), str(tensor.dtype)) for tensor in tensors}


def _misfit(
    name: str, values: Array, shape: tuple[int | None, ...], dtype: str, called: str
) -> str | None:
    if dtype.startswith(("int", "uint")) and not are_whole(values):
        return (
            f"input {name!r} expects {dtype} numbers, the {called} holds {values.dtype} fractions"
        )
    if _shapes_match(values.shape, shape):
        return None
    expected = "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
    return f"input {name!r} expects shape {expected}, the {called} has shape {values.shape}"


def _shapes_match(given: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    # Keras itself adds or drops a last axis of one, so that gray images may come without channel.
    if len(given) == len(expected) + 1 and given[-1] == 1:
        given = given[:-1]
    elif len(given) == len(expected) - 1 and expected[-1] == 1:
        given = (*given, 1)
    return len(given) == len(expected) and all(
        size is None or size == length for length, size in zip(given, expected, strict=True)
    )

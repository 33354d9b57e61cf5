"""What a network is given: checked before anything is computed, and named where it does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.data.run import RunData
from explorer.data.texts import TABLE, texts_of
from explorer.derived.network.node import Array
from store.errors import SpecError, did_you_mean, listed

# A picture whose values go this many times beyond the probe's range was not prepared as the probe.
FAR = 20


@dataclass(frozen=True, slots=True)
class InputSpec:
    """An input of the network.

    Attributes
    ----------
    name : str
        Of its layer in the run.
    others : tuple of str
        Other names that it may be given by: the probe's.
    shape : tuple of (int or None) or None
        Of one example; None: any length, or any shape.
    dtype : str
        What the network takes.
    limits : (float, float) or None
        Least and greatest value: of the rows of an embedding, or of the pictures of the probe.
    embedding : str or None
        The layer that takes the numbers of an input of whole numbers.
    """

    name: str
    others: tuple[str, ...]
    shape: tuple[int | None, ...] | None
    dtype: str
    limits: tuple[float, float] | None = None
    embedding: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it takes whole numbers, which have no gradient."""
        return self.dtype.startswith(("int", "uint", "bool"))

    @property
    def is_text(self) -> bool:
        """Whether the network makes numbers of texts itself."""
        return self.dtype == "string"


def input_specs(data: RunData) -> dict[str, InputSpec]:
    """Describe the inputs of a run's network, by the names of their layers."""
    probe = data.run.probe
    given = [] if probe is None else [*probe.inputs, *probe.not_stored]
    layers = [layer for layer in data.run.layers.values() if layer.kind == "input"]
    found = {}
    for number, layer in enumerate(layers):
        other = given[number] if number < len(given) else None
        values = None if probe is None or other is None else probe.inputs.get(other)
        batch = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
        shape = tuple(batch[1:]) if batch else (None if values is None else values.shape[1:])
        dtype = layer.config.get("dtype") or ("float32" if values is None else values.dtype.name)
        embedding = _embedding(data, layer.name)
        table = {} if embedding is None else data.run.layers[embedding].weights
        limits = (0.0, float(table[TABLE][0]) - 1) if TABLE in table else None
        is_picture = probe is not None and probe.kinds.get(other or "", probe.kind) == "image"
        if limits is None and is_picture and values is not None and values.size:
            limits = (float(np.nanmin(values)), float(np.nanmax(values)))
        found[layer.name] = InputSpec(
            layer.name, () if other is None else (other,), shape, str(dtype), limits, embedding
        )
    return found


def checked(given: Any, specs: Mapping[str, InputSpec]) -> dict[str, Array]:
    """Check what the network is given.

    Parameters
    ----------
    given : array-like (example, ...), or mapping of str to array-like, or sequence of these
        One input, or several by their names or in their order.
    specs : mapping of str to InputSpec
        What the network takes.

    Returns
    -------
    dict of str to ndarray (example, ...)
        By the names of the input layers.

    Raises
    ------
    SpecError
        It does not fit; one sentence says where.
    """
    if not specs:
        raise SpecError("The run does not say what the network is given: no input was recorded.")
    found = {
        name: _fitting(values, specs[name], single=len(specs) == 1)
        for name, values in _by_name(given, specs).items()
    }
    counts = {name: len(values) for name, values in found.items()}
    if len(set(counts.values())) > 1:
        each = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise SpecError(f"The inputs have different numbers of examples ({each}).")
    return found


def tokens_of(texts: Sequence[str], data: RunData) -> Array:
    """Look words up in the recorded vocabulary, and fill texts up as the probe's are.

    Parameters
    ----------
    texts : sequence of str
        Words with spaces between them; characters, where the network reads those.
    data : RunData
        The run.

    Returns
    -------
    ndarray (text, token), int64

    Raises
    ------
    SpecError
        The run has no vocabulary, a word is not in it and it has no sign for such words, or a text
        is too long.
    """
    known = texts_of(data)
    if known is None or not known.vocabulary:
        raise SpecError(
            "The run has no vocabulary to look words up in: give the numbers that it reads."
        )
    numbers = {word: number for number, word in reversed([*enumerate(known.vocabulary)])}
    unknown = next((numbers[sign] for sign in UNKNOWN if sign in numbers), None)
    length = known.ids.shape[1]
    is_filled_in_front = bool((known.spans[:, 0] > 0).any())
    rows = np.full((len(texts), length), known.padding or 0, np.int64)
    for row, text in zip(rows, texts, strict=True):
        words = text.split() if known.separator else list(text)
        if not words:
            raise SpecError("A text is empty: give at least one word.")
        if len(words) > length:
            raise SpecError(
                f"The text has {len(words)} {known.noun}s, and the network reads {length}: "
                f"{' '.join(words[:4])} …"
            )
        if len(words) < length and known.padding is None:
            raise SpecError(
                f"The text has {len(words)} {known.noun}s; the network reads exactly {length}."
            )
        ids = [_number_of(word, numbers, unknown) for word in words]
        place = slice(length - len(ids), None) if is_filled_in_front else slice(len(ids))
        row[place] = ids
    return rows


# What vocabularies call a word that they do not have.
UNKNOWN = ("[UNK]", "<unk>", "<UNK>", "[OOV]", "<oov>", "<OOV>")


def _number_of(word: str, numbers: Mapping[str, int], unknown: int | None) -> int:
    found = numbers.get(word, numbers.get(word.casefold(), unknown))
    if found is None:
        raise SpecError(
            f"The word {word!r} is not in the run's vocabulary. {did_you_mean(word, numbers)}"
        )
    return found


def _embedding(data: RunData, name: str) -> str | None:
    """Find the embedding that takes an input."""
    followers = data.network.followers.get(name, ())
    classes = {follower: data.run.layers[follower] for follower in followers}
    return next((at for at, layer in classes.items() if layer.kind == "embedding"), None)


def _by_name(given: Any, specs: Mapping[str, InputSpec]) -> dict[str, Any]:
    names = list(specs)
    if isinstance(given, Mapping):
        alias = {other: spec.name for spec in specs.values() for other in spec.others}
        found = {}
        for name, values in given.items():
            if name not in specs and name not in alias:
                raise SpecError(
                    f"The network has no input {name!r}. {did_you_mean(str(name), names)}"
                )
            found[name if name in specs else alias[name]] = values
        absent = [name for name in names if name not in found]
        if absent:
            raise SpecError(
                f"The input {listed(absent)} is missing; the network takes {listed(names)}."
            )
        return {name: found[name] for name in names}
    if len(names) == 1:
        return {names[0]: given}
    if isinstance(given, list | tuple) and len(given) == len(names):
        return dict(zip(names, given, strict=True))
    raise SpecError(
        f"The network takes {len(names)} inputs ({listed(names)}): give them by name, as "
        f"{{{names[0]!r}: …}}."
    )


def _fitting(values: Any, spec: InputSpec, *, single: bool) -> Array:
    what = "The input" if single else f"The input {spec.name!r}"
    if spec.is_text:
        raise SpecError(f"{what} is text, of which the network makes numbers itself: not repeated.")
    try:
        array = np.asarray(values)
    except ValueError:
        raise SpecError(f"{what} has rows of different lengths: give one array.") from None
    if array.dtype.kind in "USO":
        raise SpecError(f"{what} holds words or objects; the network takes numbers ({spec.dtype}).")
    if array.dtype.kind not in "iubf":
        raise SpecError(f"{what} is of type {array.dtype}; the network takes {spec.dtype}.")
    check_shape(array.shape, spec, what)
    if not len(array):
        raise SpecError(f"{what} has no example.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = tuple(int(at[0]) for at in np.nonzero(~np.isfinite(array)))
        raise SpecError(f"{what} is not finite: {array[place]} at {place}.")
    if spec.is_whole and array.dtype.kind == "f" and (array != np.round(array)).any():
        raise SpecError(f"{what} has fractions; the network takes whole numbers ({spec.dtype}).")
    _check_range(array, spec, what)
    return array.astype(np.int64 if spec.is_whole else np.float32)


def check_shape(shape: tuple[int, ...], spec: InputSpec, what: str) -> None:
    """Require the shape (example, ...) that an input takes.

    Raises
    ------
    SpecError
        It is another one.
    """
    if spec.shape is None:
        if not shape:
            raise SpecError(f"{what} is a single number; give an array (example, …).")
        return
    if len(shape) == len(spec.shape) + 1 and _is_of(shape[1:], spec.shape):
        return
    expected = ", ".join("any" if size is None else str(size) for size in spec.shape)
    said = f"{what} has the shape {shape}; the network takes (example, {expected})."
    if _is_of(shape, spec.shape):
        said += " Of one example give x[None]."
    elif spec.shape[-1:] == (1,) and _is_of((*shape[1:], 1), spec.shape):
        said += " The channel is missing: give x[..., None]."
    raise SpecError(said)


def _is_of(shape: Sequence[int], expected: Sequence[int | None]) -> bool:
    return len(shape) == len(expected) and all(
        size is None or size == length for length, size in zip(shape, expected, strict=True)
    )


def _check_range(array: Array, spec: InputSpec, what: str) -> None:
    if spec.limits is None:
        return
    low, high = spec.limits
    least, greatest = float(array.min()), float(array.max())
    if spec.embedding is not None:
        if least < low or greatest > high:
            wrong = least if least < low else greatest
            raise SpecError(
                f"{what} holds the number {wrong:g}; the embedding {spec.embedding!r} knows 0 to "
                f"{high:g}."
            )
        return
    room = FAR * (high - low or 1.0)
    if least < low - room or greatest > high + room:
        raise SpecError(
            f"{what} goes from {least:g} to {greatest:g}, the probe from {low:g} to {high:g}: "
            "prepare it as the training did."
        )

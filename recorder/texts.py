"""Turn texts into token numbers, by the tokenizer that the user's network was trained with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from store.errors import SpecError
from store.format.names import Array

Vectorize = Callable[[list[str]], Any]
# The string of a token number that the vocabulary does not name.
UNNAMED = ""
# Characters of a foreign error that a message repeats.
MOST_SAID = 200


def token_numbers(texts: Sequence[str], vectorize: Vectorize) -> Array | dict[str, Array]:
    """Turn texts into numbers.

    Parameters
    ----------
    texts : sequence of str
        One a probe.
    vectorize : callable
        Takes a list of texts; gives numbers (text, token), lists of different lengths, which are
        filled up with 0, or several of them by name.

    Returns
    -------
    ndarray of int (text, token), or dict of it
        As `vectorize` gave it.

    Raises
    ------
    SpecError
        `vectorize` gave no whole numbers, or not one row for each text.

    Examples
    --------
    >>> token_numbers(["a b", "a"], lambda texts: [[ord(c) - 96 for c in t[::2]] for t in texts])
    array([[1, 2],
           [1, 0]])
    """
    try:
        found = vectorize(list(texts))
    except Exception as error:
        raise SpecError(
            f"vectorize(texts) failed, {_said(error)} Pass a layer, a tokenizer or a function "
            "that takes a list of texts and gives numbers; or make the numbers yourself: "
            "Probe(numbers, labels, texts=texts)."
        ) from error
    if isinstance(found, Mapping):
        return {str(name): _rectangular(values, len(texts)) for name, values in found.items()}
    return _rectangular(found, len(texts))


def vocabulary_of(vectorize: Any) -> list[str] | None:
    """Give the string of each token number, as far as a layer or tokenizer tells; else None.

    It asks for ``get_vocabulary()`` as Keras's layers have it, ``get_vocab()`` as the tokenizers
    library and its like have it, and ``word_index`` of older tokenizers.

    Raises
    ------
    SpecError
        It has a vocabulary that cannot be read.
    """
    try:
        if hasattr(vectorize, "get_vocabulary"):
            return [str(token) for token in vectorize.get_vocabulary()]
        numbers = vectorize.get_vocab() if hasattr(vectorize, "get_vocab") else None
    except Exception as error:  # it may hold bytes that are no UTF-8
        raise SpecError(
            f"The vocabulary of {type(vectorize).__name__} cannot be read, {_said(error)} Of texts "
            "that are no UTF-8: decode them before adapt(), or pass the tokens yourself: "
            "vocabulary=[...], a text for each token number."
        ) from error
    numbers = getattr(vectorize, "word_index", None) if numbers is None else numbers
    if not isinstance(numbers, Mapping) or not numbers:
        return None
    tokens = [UNNAMED] * (max(numbers.values()) + 1)
    for token, number in numbers.items():
        tokens[number] = str(token)
    return tokens


def _said(error: Exception) -> str:
    """Give an error of the user's own tokenizer, as a part of a sentence that ends with it."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:MOST_SAID]}".rstrip(". ") + "."


def _rectangular(values: Any, count: int) -> Array:
    if hasattr(values, "to_tensor"):  # a ragged tensor fills itself up with zeros
        values = values.to_tensor()
    rows = np.asarray(values) if hasattr(values, "shape") else values
    # A row may be an encoding of the tokenizers library, which has its numbers in `ids`.
    rows = [np.asarray(getattr(row, "ids", row)) for row in rows] if np.iterable(rows) else []
    are_tokens = all(row.ndim == 1 and row.dtype.kind in "iub" for row in rows)
    if not rows or len(rows) != count or not are_tokens:
        raise SpecError(
            f"vectorize(texts) gave {type(values).__name__}, expected whole numbers: one row of "
            f"tokens for each of the {count} texts."
        )
    longest = max(len(row) for row in rows)
    filled = np.zeros((count, longest), np.result_type(*rows))
    for into, row in zip(filled, rows, strict=True):
        into[: len(row)] = row
    return filled

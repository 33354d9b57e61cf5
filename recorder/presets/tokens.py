"""A small word tokenizer with a vocabulary that anybody can read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from store.format.names import Array

PADDING, UNKNOWN = "", "[UNK]"
# Words with inner apostrophes and hyphens ("isn't", "half-baked"), and four punctuation marks.
_TOKEN = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*|[.,!?]")


def tokenize(text: str) -> list[str]:
    """Split a text into lower-case words and punctuation.

    Examples
    --------
    >>> tokenize("It isn't half-bad!")
    ['it', "isn't", 'half-bad', '!']
    """
    return _TOKEN.findall(text.lower())


def build_vocabulary(
    texts: Iterable[str],
    size: int,
    *,
    at_least: int = 2,
    tokenizer: Callable[[str], list[str]] = tokenize,
) -> list[str]:
    """Collect the most frequent tokens, after one entry for padding and one for unknown words.

    Parameters
    ----------
    texts : iterable of str
        Training texts only: the held-out ones must stay unseen.
    size : int
        Most entries.
    at_least : int
        Leave out what is rarer than this.
    tokenizer : callable
        Splits a text into tokens; `list` into characters.
    """
    counts = Counter(token for text in texts for token in tokenizer(text))
    # Ties are broken by the alphabet, so that the numbers are always the same.
    frequent = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    kept = [token for token, count in frequent[: size - 2] if count >= at_least]
    return [PADDING, UNKNOWN, *kept]


def encode(
    texts: Sequence[str],
    vocabulary: Sequence[str],
    length: int,
    *,
    tokenizer: Callable[[str], list[str]] = tokenize,
) -> Array:
    """Turn texts into token numbers (text, token), int32, padded at the end with 0.

    Examples
    --------
    >>> encode(["good film"], ["", "[UNK]", "good"], 4).tolist()
    [[2, 1, 0, 0]]
    """
    numbers = {token: number for number, token in enumerate(vocabulary)}
    encoded = np.zeros((len(texts), length), np.int32)
    for row, text in zip(encoded, texts, strict=True):
        tokens = [numbers.get(token, 1) for token in tokenizer(text)[:length]]
        row[: len(tokens)] = tokens
    return encoded

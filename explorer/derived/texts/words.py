"""The words that stand beside the positions of a layer, also where a position sees several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


# Signs for characters that are invisible in print.
SIGNS = {"": "∅", " ": "␣", "\n": "↵", "\t": "⇥"}
# Letters of a text in a row, and of a class under a picture.
MOST_LETTERS = 64
# Brackets around what the unit sees of a text.
OPEN, CLOSE = "«", "»"


@dataclass(frozen=True)
class Text:
    """What stands at the positions of a layer, for one probe.

    Attributes
    ----------
    words : list of str
        The words of each position, empty for padding; numbers where there are no words.
    counted : ndarray of bool (position,)
        Positions of the text, without padding and what a mask leaves out.
    is_skipped : bool
        Whether the layer skips what is not counted, by its mask.
    spans : ndarray (position, 2) or None
        Tokens that each position sees, if that is known: first, and the one after the last.
    separator : str
        What stands between two tokens.
    """

    words: list[str]
    counted: npt.NDArray[np.bool_]
    is_skipped: bool = False
    spans: Array | None = None
    separator: str = " "

    @property
    def shown(self) -> slice:
        """Positions from the first one of the text to its last one; all if it has none."""
        text = np.flatnonzero(self.counted)
        return slice(int(text[0]), int(text[-1]) + 1) if len(text) else slice(0, len(self.words))

    @property
    def labels(self) -> list[str]:
        """Words of the positions that are shown, all of them visible."""
        return visible(self.words[self.shown])

    @property
    def padding(self) -> npt.NDArray[np.uint8]:
        """1 for each position that is not shown: (position,)."""
        marks = np.ones(len(self.words), np.uint8)
        marks[self.shown] = 0
        return marks

    @property
    def x_name(self) -> str:
        """Name of a column: that of all widgets, where columns have the numbers of positions."""
        return "token" if not self.shown.start else "place"

    @property
    def remark(self) -> str:
        """Say what is left out and what a position sees, with a space before it, or nothing."""
        parts, left = [], int(self.padding.sum())
        if self.spans is not None and len(self.spans):
            sees = int(np.diff(self.spans, axis=1).max())
            if sees > 1:
                parts.append(f"Each place sees {sees} tokens; it is named by those in its middle.")
        if left:
            also = "" if self.is_skipped else ", though the layer reads them too"
            places = "places" if self.spans is not None and len(parts) else "tokens"
            parts.append(f"{left} {places} of padding are left out{also}.")
        return "".join(f" {part}" for part in parts)


def vocabulary_words(ids: Array, vocabulary: Sequence[str] | None) -> list[str]:
    """Give the text of each token number; the number itself where the vocabulary has none.

    Examples
    --------
    >>> vocabulary_words(np.array([1, 7]), ["", "film"])
    ['film', '#7']
    """
    names = vocabulary or []
    return [names[i] if 0 <= i < len(names) else f"#{i}" for i in map(int, ids)]


def is_spelled(vocabulary: Sequence[str]) -> bool:
    """Whether tokens are single characters, which are written without spaces between them."""
    return max((len(name) for name in vocabulary if not name.startswith("[")), default=2) == 1


def visible(words: Sequence[str]) -> list[str]:
    """Put a sign for each word that would not be seen.

    Examples
    --------
    >>> visible(["a", " "])
    ['a', '␣']
    """
    return [SIGNS.get(word, word) for word in words]


def own_tokens(spans: Array) -> npt.NDArray[np.int64]:
    """Part the tokens among positions that see several, so that each is named once.

    Parameters
    ----------
    spans : ndarray (position, 2), integer
        First token that a position sees, and the one after the last; see
        `explorer.derived.texts.alignment.token_spans`.

    Returns
    -------
    ndarray (position, 2), int64
        Tokens within the span to whose middle they are nearest: first, and the one after the last.
        Equal where a position has none.

    Examples
    --------
    >>> own_tokens(np.array([[0, 3], [1, 5], [3, 6]])).tolist()
    [[0, 2], [2, 4], [4, 6]]
    """
    owned = np.stack([spans[:, 0], spans[:, 0]], axis=1).astype(np.int64)
    if not len(spans):
        return owned
    # Middles of whole spans: those at the ends of a text are cut.
    widest = int(np.diff(spans, axis=1).max())
    middles = spans.sum(axis=1) / 2
    if spans[0, 1] - spans[0, 0] < widest:
        middles[0] = spans[0, 1] - widest / 2
    if spans[-1, 1] - spans[-1, 0] < widest:
        middles[-1] = spans[-1, 0] + widest / 2
    tokens = np.arange(spans.min(), spans.max())
    nearest = np.abs(tokens[:, None] + 0.5 - middles).argmin(axis=1)
    for position, (start, end) in enumerate(spans):
        own = tokens[(nearest == position) & (tokens >= start) & (tokens < end)]
        if len(own):
            owned[position] = own[0], own[-1] + 1
    return owned


def position_words(words: Sequence[str], spans: Array, separator: str = " ") -> list[str]:
    """Label each position by the words that it has to itself.

    Parameters
    ----------
    words : sequence of str
        The text's tokens; those of padding are empty.
    spans : ndarray (position, 2), integer
        Tokens that each position sees.
    separator : str
        What stands between two tokens.

    Examples
    --------
    >>> position_words(["not", "a", "good", "film"], np.array([[0, 2], [2, 4]]))
    ['not a', 'good film']
    """
    if len(spans) == len(words) and (spans[:, 0] <= np.arange(len(words))).all():
        return list(words)
    return [
        separator.join(word for word in words[start:end] if word)
        for start, end in own_tokens(spans)
    ]


def marked(words: Sequence[str], start: int, end: int, separator: str) -> str:
    """Mark some words of a text, and cut it around them.

    Examples
    --------
    >>> marked("it was not very good".split(), 2, 4, " ")
    'it was «not very» good'
    """
    before, inside, after = words[:start], separator.join(words[start:end]), words[end:]
    left, right, size = 0, 0, len(inside)
    while left < len(before) or right < len(after):
        on_left = left < len(before) and (left <= right or right == len(after))
        word = before[-1 - left] if on_left else after[right]
        size += len(word) + len(separator)
        if size > MOST_LETTERS:
            break
        left, right = (left + 1, right) if on_left else (left, right + 1)
    parts = [
        ["…"] if left < len(before) else [],
        list(before[len(before) - left :]),
        [f"{OPEN}{inside}{CLOSE}"],
        list(after[:right]),
        ["…"] if right < len(after) else [],
    ]
    return separator.join(word for part in parts for word in part)


def shortened(text: str) -> str:
    """Cut a text that is too long for a row."""
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"

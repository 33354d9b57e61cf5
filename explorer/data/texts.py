"""The texts of a run's probes: words, padding, and which words each position of a layer sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import RECORD_WEIGHTS, Absence, Lack, Unfit
from explorer.data.run import RunData
from explorer.derived.texts.alignment import text_spans, token_spans, window_of
from explorer.derived.texts.words import is_spelled, position_words, visible, vocabulary_words
from store import Layer
from store.format.names import activation_path

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

# First words of vocabularies that fill up a text.
PADDINGS = ("", "[PAD]", "<pad>", "<PAD>")
FILLER = 0
# Name of an embedding's weight.
TABLE = "embeddings"


@dataclass(frozen=True)
class Texts:
    """The probes of a run as texts.

    Attributes
    ----------
    ids : ndarray (probe, token), integer
        What the network reads.
    vocabulary : tuple of str
        Word of each number; empty if the run has none.
    padding : int or None
        Number that fills up a text; None: texts are not filled up.
    tried : mapping of int to ndarray (token,), integer
        What the network reads of texts that visitors try, by their numbers.
    """

    ids: Array
    vocabulary: tuple[str, ...] = ()
    padding: int | None = None
    tried: Mapping[int, Array] = field(default_factory=dict)

    @cached_property
    def spans(self) -> Ints:
        """Where the text of each probe lies: (probe, 2), first token and the one after the last."""
        return text_spans(self.ids, self.padding)

    def row(self, probe: int) -> Array:
        """Token numbers of a probe, or of a text that was tried: (token,)."""
        return self.tried[probe] if probe in self.tried else np.asarray(self.ids[probe])

    def span(self, probe: int) -> tuple[int, int]:
        """Where the text of a probe, or one that was tried, lies: first token, and after it."""
        first, after = (
            text_spans(self.tried[probe][None], self.padding)[0]
            if probe in self.tried
            else self.spans[probe]
        )
        return int(first), int(after)

    @property
    def separator(self) -> str:
        """Text between two tokens: a space, or nothing if tokens are characters."""
        return "" if is_spelled(self.vocabulary) else " "

    @property
    def noun(self) -> str:
        """What a token is called: a word or a character."""
        return "word" if self.separator else "character"

    def names(self, numbers: Array | Sequence[int]) -> list[str]:
        """Word of each number, or the number itself where the vocabulary has none."""
        return vocabulary_words(np.asarray(numbers, np.int64), self.vocabulary)

    def phrase(self, numbers: Array | Sequence[int]) -> str:
        """Words in a line, all of them visible where they are characters."""
        names = self.names(numbers)
        return self.separator.join(names if self.separator else visible(names))

    def of(self, probe: int) -> Array:
        """Token numbers of a probe without its padding: (token,)."""
        return self.row(probe)[slice(*self.span(probe))]

    def is_padding(self, probe: int) -> npt.NDArray[np.uint8]:
        """1 for each token that only fills up the text: (token,)."""
        first, after = self.span(probe)
        at = np.arange(self.ids.shape[1])
        outside: npt.NDArray[np.bool_] = (at < first) | (at >= after)
        return outside.astype(np.uint8)

    def hover_name(self, probe: int) -> str:
        """Name under which tokens of a text without its padding share their numbers.

        That of all widgets, if the text begins at the first token; else their numbers would mean
        other tokens there.
        """
        return "token" if self.span(probe)[0] == 0 else "place"

    def first_with(self, numbers: Array | Sequence[int]) -> dict[int, int]:
        """Find for each of these words the first probe that has it; those in none are left out."""
        words, places = np.unique(self.ids, return_index=True)
        probes = places // self.ids.shape[1]
        wanted = np.isin(words, numbers)
        return dict(zip(words[wanted].tolist(), probes[wanted].tolist(), strict=True))


def texts_of(data: RunData) -> Texts | None:
    """Give the probes of a run as texts; None if they are none, or more than one input each."""
    probe, ids = data.run.probe, data.input()
    if probe is None or probe.kind != "text" or ids is None:
        return None
    if ids.ndim != 2 or ids.dtype.kind not in "iu" or not ids.size:
        return None
    words = tuple(probe.vocabulary or ())
    # With a mask, Keras skips the number 0.
    is_masked = any(layer.config.get("mask_zero") for layer in data.run.layers.values())
    is_filled = words[0] in PADDINGS if words else is_masked
    tried = {number: next(iter(given.values()))[0] for number, given in data.tried.items()}
    return Texts(ids, words, FILLER if is_filled else None, tried)


def needs_texts(data: RunData) -> Absence | None:
    """Require probes that are texts: say what is missing in a sentence."""
    if texts_of(data) is not None:
        return None
    probe = data.run.probe
    count = 0 if probe is None else len(probe.inputs) + len(probe.not_stored)
    if count > 1:
        return Unfit(f"The network takes {count} inputs; this is for one text.")
    if probe is not None and probe.not_stored:
        return Unfit("The network makes numbers of its texts itself; this is for texts of numbers.")
    return Lack(
        "The probes are no texts of whole numbers (probe, token), or were not kept. Record with a "
        'probe of kind "text".'
    )


def place_spans(data: RunData, layer: Layer) -> Ints | None:
    """Give the tokens that each place of a layer sees at once: (place, 2).

    What a recurrent layer remembers from before is not counted.

    Parameters
    ----------
    data : RunData
        The run.
    layer : Layer
        A layer whose activation was recorded.

    Returns
    -------
    ndarray (place, 2), int64, or None
        First token, and the one after the last. None where the places of the layer are no places
        in the text, or are not in its order.
    """
    texts, layers = texts_of(data), data.run.layers
    if texts is None or not layer.has_activation:
        return None
    windows, at = [], layer
    while at.inbound:
        if at.source is None or at.source not in layers or at.config.get("go_backwards"):
            return None
        windows.append(window_of(at.class_name, at.config))
        at = layers[at.source]
    chain = [window for window in reversed(windows) if window is not None]
    spans = token_spans(texts.ids.shape[1], chain)
    reader = data.run.array(activation_path(layer.name))
    places = dict(zip(reader.dims, reader.shape, strict=True)).get("token")
    return spans if places == len(spans) else None


def needs_places(data: RunData, layer: Layer) -> Absence | None:
    """Require texts, and a layer whose places are places in them."""
    missing = needs_texts(data)
    if missing is not None or place_spans(data, layer) is not None:
        return missing
    return Unfit(
        f"It is not known which words the places of {layer.name} see: on the way from the text to "
        "it branches meet, operations lie between layers, or its order is turned."
    )


def place_words(texts: Texts, probe: int, spans: Ints) -> list[str]:
    """Name each place by the words in the middle of what it sees, so that each word comes once.

    Parameters
    ----------
    texts : Texts
        The texts of the run.
    probe : int
        Whose words.
    spans : ndarray (place, 2)
        As from `place_spans`.
    """
    names = texts.names(texts.row(probe))
    return position_words(names, spans, texts.separator)


def in_text(texts: Texts, spans: Ints) -> npt.NDArray[np.bool_]:
    """Say which places see anything of the text of each probe: (probe, place)."""
    return _overlap(spans, texts.spans)


def in_text_of(texts: Texts, probe: int, spans: Ints) -> npt.NDArray[np.bool_]:
    """Say which places see anything of one probe's text, or of one that was tried: (place,)."""
    return np.asarray(_overlap(spans, np.array([texts.span(probe)]))[0])


def _overlap(spans: Ints, written: Ints) -> npt.NDArray[np.bool_]:
    starts = np.maximum(spans[:, 0], written[:, :1])
    ends = np.minimum(spans[:, 1], written[:, 1:])
    return np.asarray(starts < ends)


def needs_table(data: RunData, layer: Layer) -> Absence | None:
    """Require an embedding of the texts' words whose table was recorded."""
    missing = needs_texts(data)
    if missing is not None:
        return missing
    sources = [data.run.layers[name] for name in layer.inbound if name in data.run.layers]
    if [source.kind for source in sources] != ["input"]:
        return Unfit(f"{layer.name} does not take the texts' words, but what is made of them.")
    if TABLE not in data.run.layers[data.network.first_call(layer.name)].weights:
        return Lack(f"The weights of {layer.name} were not recorded. {RECORD_WEIGHTS}")
    return None


def table_at(data: RunData, layer: str, index: int) -> npt.NDArray[np.float32]:
    """Give the table of an embedding at a recorded step: (word, unit).

    Of a layer that is called again, that of its first call.
    """
    table = data.weight(data.network.first_call(layer), TABLE, index)
    return np.asarray(table, np.float32)


def over_tokens(values: Array, spans: Ints, tokens: int) -> Array:
    """Give for each token the greatest value among the places that see it.

    Parameters
    ----------
    values : ndarray (..., place)
        One value a place.
    spans : ndarray (place, 2)
        Tokens that each place sees.
    tokens : int
        How many there are.

    Returns
    -------
    ndarray (..., token), float32
        NaN where no place sees a token, or one that does has NaN.

    Examples
    --------
    >>> over_tokens(np.array([1.0, 3.0]), np.array([[0, 2], [1, 3]]), 4).tolist()
    [1.0, 3.0, 3.0, nan]
    """
    found = np.full((*values.shape[:-1], tokens), -np.inf, np.float32)
    for place, (start, end) in enumerate(spans):
        seen = found[..., start:end]
        np.maximum(seen, values[..., place, None], out=seen)
    covered = ((spans[:, :1] <= np.arange(tokens)) & (spans[:, 1:] > np.arange(tokens))).any(axis=0)
    return np.where(covered, found, np.float32(np.nan))

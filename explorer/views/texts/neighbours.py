"""Which words are neighbours in an embedding, and which have moved, at the step on screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Nothing
from explorer.data.run import RunData
from explorer.data.texts import Texts, needs_table, table_at, texts_of
from explorer.derived.texts.embeddings import trained_words
from explorer.derived.texts.words import visible
from explorer.derived.units.similarity import greatest_cosine_by_chance
from explorer.views.base import Scene, View
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below
from explorer.widgets.page.choice import Choice
from explorer.widgets.page.text import text_pane
from store import Layer

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]

MOST_NEIGHBOURS = 8
MOST_MOVED = 6


@dataclass
class Trained:
    """The words of an embedding whose rows the training changed.

    Attributes
    ----------
    data : RunData
        The run.
    layer : str
        Its embedding.
    texts : Texts
        The probes.
    numbers : ndarray (word,), int64
        The words.
    start : ndarray (word, unit), float32
        Their rows at the first recorded step.
    distances : ndarray (word,), float32
        How far each has moved from there at the last step.
    """

    data: RunData
    layer: str
    texts: Texts
    numbers: Ints
    start: Float32
    distances: Float32
    _probes: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, data: RunData, layer: str) -> Trained:
        """Compare the first and the last step of a run."""
        texts = texts_of(data)
        assert texts is not None
        first, last = table_at(data, layer, 0), table_at(data, layer, len(data.run) - 1)
        numbers = trained_words(first, last)
        numbers = numbers[numbers != (-1 if texts.padding is None else texts.padding)]
        start = np.ascontiguousarray(first[numbers])
        probes = texts.first_with(numbers)
        return cls(data, layer, texts, numbers, start, _far(start, last[numbers]), probes)

    def rows(self, index: int) -> Float32:
        """Give the words' rows at a recorded step: (word, unit)."""
        return table_at(self.data, self.layer, index)[self.numbers]

    def nearest(self, word: int, index: int) -> Mapping[str, Any]:
        """List the words whose rows point most nearly in the direction of one's."""
        table = table_at(self.data, self.layer, index)
        rows = table[self.numbers]
        similar = cosines(rows, table[word])
        similar[self.numbers == word] = np.nan
        best = greatest(similar, MOST_NEIGHBOURS)
        return self._listed(best, [f"{similar[at]:.2f}" for at in best])

    def furthest(self, index: int) -> Mapping[str, Any]:
        """List the words that are furthest from where they began."""
        far = _far(self.start, self.rows(index))
        best = [at for at in greatest(far, MOST_MOVED) if far[at] > 0]
        if not best and len(far) and np.isfinite(far).all():
            # A row rather than the note of an empty table, so that what is below does not move.
            return {"rows": [["none yet", "0", ""]], "chooses": [{}]}
        return self._listed(best, [f"{far[at]:#.3g}" for at in best])

    def default(self, sentence: Ints) -> int:
        """Choose the word of a sentence that moved furthest over the whole training."""
        order = np.argsort(-np.nan_to_num(self.distances, nan=-1), kind="stable")
        inside = self.numbers[order][np.isin(self.numbers[order], sentence)]
        return int((inside if len(inside) else sentence)[0])

    def _listed(self, places: list[int], values: list[str]) -> Mapping[str, Any]:
        numbers = self.numbers[places]
        names = visible(self.texts.names(numbers))
        probes = [self._probes.get(number) for number in numbers.tolist()]
        where = ["" if probe is None else str(probe) for probe in probes]
        return {
            "rows": [list(row) for row in zip(names, values, where, strict=True)],
            "chooses": [{} if probe is None else {"probe": probe} for probe in probes],
        }


def cosines(rows: Float32, row: Float32) -> Float32:
    """Cosines of the angles between rows and one of them, in single precision.

    `explorer.derived.texts.embeddings.neighbours` does the same in double precision; this one is
    quick enough to be asked for while the slider moves.

    Parameters
    ----------
    rows : ndarray (word, unit), float32
    row : ndarray (unit,), float32

    Returns
    -------
    ndarray (word,), float32
        NaN where a row is not finite or has no direction.
    """
    with np.errstate(all="ignore"):
        lengths = np.sqrt(np.einsum("wu,wu->w", rows, rows)) * np.sqrt(row @ row)
        return np.asarray(rows @ row / np.where(lengths > 0, lengths, np.nan), np.float32)


def greatest(values: Array, most: int) -> list[int]:
    """Places of the greatest values, from the top; NaN is none.

    Examples
    --------
    >>> greatest(np.array([1.0, np.nan, 3.0, 2.0]), 2)
    [2, 3]
    """
    known = np.flatnonzero(np.isfinite(values))
    if len(known) > most:
        known = known[np.argpartition(-values[known], most)[: most + 1]]
    order = np.argsort(-values[known], kind="stable")
    return [int(at) for at in known[order[:most]]]


def _far(start: Float32, rows: Float32) -> Float32:
    """Lengths of the differences of rows."""
    with np.errstate(all="ignore"):
        change = rows - start
        return np.asarray(np.sqrt(np.einsum("wu,wu->w", change, change)), np.float32)


@register
class NearestWords(View):
    """Neighbours of a word, and the words that moved furthest so far."""

    title = "Nearest words"
    region = "layer"
    kinds = frozenset({"embedding"})
    depends = ("layer", "probe")
    order = 11
    width = 4

    def __init__(self) -> None:
        self._word: int | None = None

    def applies(self, data: RunData) -> bool:
        return data.run.probe is None or data.run.probe.kind == "text"

    def serves(self, layer: Layer) -> bool:
        return layer.class_name == "Embedding"

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene, least=2) or needs_table(scene.data, scene.layer)
        texts = texts_of(scene.data)
        if missing is None and texts is not None and not len(texts.of(scene.selected.probe)):
            return Nothing(f"Probe {scene.selected.probe} has no words; choose another one.")
        return missing

    def caption(self, scene: Scene) -> str:
        texts = texts_of(scene.data)
        noun = "word" if texts is None else texts.noun
        return (
            f"Above: {noun}s nearest to one of probe {scene.selected.probe} by the cosine of their "
            f"rows in {scene.selected.layer} (1: the same direction). Below: {noun}s furthest from "
            f"where they began, by distance. Only {noun}s that the training changed; click one to "
            "go to the first probe that has it."
        )

    def compute(self, scene: Scene) -> Trained | Nothing:
        found = Trained.of(scene.data, scene.selected.layer)
        if len(found.numbers):
            return found
        return Nothing(f"The training changed no {found.texts.noun} of {scene.selected.layer}.")

    def draw(self, scene: Scene, computed: Trained) -> Any:
        data, texts = scene.data, computed.texts
        sentence = texts.of(scene.selected.probe)
        within = sentence[(sentence >= 0) & (sentence < _words(data, scene.selected.layer))]
        numbers: list[int] = list(dict.fromkeys(within.tolist()))
        kept = [number for number in numbers if number == self._word]
        word = kept[0] if kept else computed.default(within)
        key = f"{data.run.id}|{scene.selected.layer}"
        shared: dict[str, Any] = {
            "numeric": [1, 2],
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
        }
        near = StepTable(
            lambda index: computed.nearest(word, index),
            len(data.run),
            key=f"{key}|nearest|{word}",
            columns=["nearest words", "cosine", "probe"],
            rows=MOST_NEIGHBOURS,
            empty="No word can be compared at this step.",
            label="Words nearest to the chosen one",
            **shared,
        )
        far = StepTable(
            computed.furthest,
            len(data.run),
            key=f"{key}|furthest",
            columns=["moved furthest until now", "distance", "probe"],
            rows=MOST_MOVED,
            empty="No distance is known at this step.",
            label="Words that moved furthest",
            **shared,
        )
        names = visible(texts.names(numbers))
        by_key = {_key(number): number for number in numbers}
        choice = Choice(
            title="Word",
            options={_key(number): name for number, name in zip(numbers, names, strict=True)},
            value=_key(word),
            channel=scene.channel,
            margin=0,
        )

        def choose(event: Any) -> None:
            chosen = self._word = by_key[event.new]
            near.change(f"{key}|nearest|{chosen}", lambda index: computed.nearest(chosen, index))

        choice.param.watch(choose, "value")
        reached = greatest_cosine_by_chance(computed.start.shape[1], len(computed.numbers))
        note = text_pane(
            f"Of {len(computed.numbers):,} random rows the nearest reaches a cosine of "
            f"{reached:.2f} in 1 of 20 cases.",
            role="note",
        )
        return below(choice, near, note, far, gap=14)


def _key(number: int) -> str:
    """Value of an option: a plain number would move it to its place among the numbers."""
    return f"word {number}"


def _words(data: RunData, layer: str) -> int:
    """Count the rows of an embedding."""
    return data.run.layers[data.network.first_call(layer)].weights["embeddings"][0]

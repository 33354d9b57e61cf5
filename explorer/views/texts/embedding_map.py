"""The words of the probes as points: how an embedding changes while it is trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import hypergeom

from explorer.data.absence import Absence, Nothing
from explorer.data.examples import ExampleSource, examples_of
from explorer.data.run import RunData
from explorer.data.texts import needs_table, table_at, texts_of
from explorer.derived.predictions.labels import NO_CLASS, memberships
from explorer.derived.texts.embeddings import moved, words_in
from explorer.derived.texts.words import visible
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.units.projection import fit_axes, project
from explorer.plots.style import NEUTRAL, class_colour
from explorer.views.base import Scene, View
from explorer.views.parts import shares_in_plane
from explorer.views.registry import register
from explorer.views.requirements import needs_steps
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.page.beside import below
from explorer.widgets.page.choice import Choice
from store import Layer
from store.format.names import weight_path

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

HEIGHT = 430
# More labels would not fit beside their points.
MOST_SHOWN = 120
MOST_MOVED = 30
# Steps that set the frame of reference together.
SAMPLES = 8
# Positions that go to the browser and to disk: 16 MB. With many steps fewer words are kept.
MOST_VALUES = 2**22
# A word is of a class if its share of texts is this many times that in any other class, and the
# class has more of its texts than chance would give it.
LEAST_RATIO, LEVEL = 2.0, 0.05
SOURCES: tuple[ExampleSource, ...] = ("train", "evaluation", "probe")
# Forms of points.
DISC, RING = 0, 2

ALL, SENTENCE, MOVED = "all", "sentence", "moved"
OPTIONS = {ALL: "all", SENTENCE: "this sentence", MOVED: "moved most"}


@dataclass(frozen=True)
class WordMap:
    """Where words are at every step.

    Attributes
    ----------
    numbers : ndarray (word,), int64
        The words, frequent ones and those that moved furthest in turn.
    moved : ndarray (word,), float64
        How far each is from its first to its last place, in the whole embedding.
    positions : ndarray (step, word, 2), float32
        Places in the plane.
    explained : ndarray (2,), float64
        Share of the variance along each axis, of the words at the steps that set the plane.
    shown : ndarray (step,), float64
        Share of each step's variance that lies in the plane.
    """

    numbers: Ints
    moved: npt.NDArray[np.float64]
    positions: npt.NDArray[np.float32]
    explained: npt.NDArray[np.float64]
    shown: npt.NDArray[np.float64]

    def chosen(self, option: str, sentence: Iterable[int]) -> list[int]:
        """Choose the words that are drawn, by their places here: what matters most comes first."""
        own = np.flatnonzero(np.isin(self.numbers, list(sentence)))
        if option == SENTENCE:
            return [int(at) for at in own]
        if option == MOVED:
            return [int(at) for at in np.argsort(-self.moved, kind="stable")[:MOST_MOVED]]
        return list(dict.fromkeys([*own.tolist(), *range(min(MOST_SHOWN, len(self.numbers)))]))

    @property
    def limits(self) -> list[float]:
        """Ends of the axes, with some room, that hold for all words and steps."""
        known = self.positions[np.isfinite(self.positions).all(axis=-1)].astype(np.float64)
        if not len(known):
            return []
        low, high = known.min(axis=0), known.max(axis=0)
        room = np.where(high > low, 0.05 * (high - low), 0.1 * np.abs(low) + 1e-6)
        ends = np.stack([low - room, high + room], axis=1)
        return [float(end) for end in ends.ravel()]


def word_map(data: RunData, layer: str) -> WordMap:
    """Place the words of the probes into one plane for all steps; call it in the worker thread."""
    texts = texts_of(data)
    assert texts is not None
    steps = len(data.run)
    most = max(MOST_SHOWN, MOST_VALUES // (2 * steps))

    def make() -> dict[str, Array]:
        first, last = table_at(data, layer, 0), table_at(data, layer, steps - 1)
        frequent = words_in(texts.ids, padding=texts.padding)
        frequent = frequent[(frequent >= 0) & (frequent < len(first))]
        far = np.zeros(len(first))
        far[frequent] = np.nan_to_num(moved(first[frequent], last[frequent], "euclidean"))
        furthest = frequent[np.argsort(-far[frequent], kind="stable")]
        turns = np.stack([frequent, furthest], axis=1).ravel().tolist()
        numbers = np.array(list(dict.fromkeys(turns))[:most], np.int64)
        axes = fit_axes(
            [table_at(data, layer, index)[frequent] for index in sample_indices(steps, SAMPLES)]
        )
        tables = (table_at(data, layer, index) for index in counted(range(steps)))
        made = project((table[frequent] for table in tables), axes)
        rows = {number: row for row, number in enumerate(frequent.tolist())}
        return {
            "numbers": numbers,
            "moved": far[numbers],
            "positions": made.positions[:, [rows[number] for number in numbers.tolist()]],
            "explained": axes.explained,
            "shown": made.explained,
        }

    kept = data.derived(f"plane of {most} words by {weight_path(layer, 'embeddings')}", make)
    return WordMap(**kept)


def word_classes(ids: Array, numbers: Array, labels: Array, classes: int) -> Ints:
    """Find the class in whose texts a word occurs much more often than in any other.

    Parameters
    ----------
    ids : ndarray of int (text, token)
        The texts.
    numbers : ndarray (word,)
        The words.
    labels : ndarray of int (text,)
        Class of each text; negative ones are no class.
    classes : int
        How many classes there are.

    Returns
    -------
    ndarray (word,), int64
        The class whose share of texts with the word is at least `LEAST_RATIO` times that of any
        other class, unless as many of them would be of one class by chance in `LEVEL` of all
        cases (hypergeometric; Bonferroni over the classes): of a word in two texts nothing can be
        said. Else `explorer.derived.predictions.labels.NO_CLASS`.
    """
    has = np.stack([(ids == number).any(axis=1) for number in numbers], axis=1)[labels >= 0]
    member = memberships(labels[labels >= 0], classes)
    sizes, found = member.sum(axis=1), member.astype(np.int64) @ has
    shares = found / np.maximum(1, sizes)[:, None]
    best = shares.argmax(axis=0)
    ordered = np.sort(shares, axis=0)
    second = ordered[-2] if classes > 1 else np.zeros(len(best))
    of_best = found[best, np.arange(len(best))]
    by_chance = hypergeom.sf(of_best - 1, len(has), sizes[best], has.sum(axis=0))
    clear = (ordered[-1] >= LEAST_RATIO * second) & (classes * by_chance < LEVEL)
    return np.where(clear, best, NO_CLASS).astype(np.int64)


class LabelledTexts(NamedTuple):
    """Texts whose classes are known.

    Attributes
    ----------
    ids : ndarray of int (text, token)
        Their tokens.
    labels : ndarray of int (text,)
        Their classes.
    described : str
        How many of which.
    """

    ids: Array
    labels: Array
    described: str


def labelled_texts(data: RunData) -> LabelledTexts | None:
    """Take the texts in which words are counted by class: the largest set with labels.

    What a network learned from says more of its words than others do, so of equal sets that.
    """
    found = []
    for source in SOURCES:
        examples = examples_of(data, source)
        given = None if examples is None else examples.inputs()
        if examples is None or given is None or given[2] != "text":
            continue
        if examples.class_names == data.class_names:
            found.append(LabelledTexts(given[0], examples.labels, examples.described))
    return max(found, key=lambda one: len(one.ids), default=None)


@register
class Words(View):
    """A point a word, in one plane for the whole training."""

    title = "Words"
    region = "layer"
    kinds = frozenset({"embedding"})
    depends = ("layer", "probe")
    order = 10
    width = 8

    def __init__(self) -> None:
        self._option = ALL

    def applies(self, data: RunData) -> bool:
        return data.run.probe is None or data.run.probe.kind == "text"

    def serves(self, layer: Layer) -> bool:
        return layer.class_name == "Embedding"

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene) or needs_table(scene.data, scene.layer)
        texts = texts_of(scene.data)
        if (
            missing is None
            and texts is not None
            and not len(words_in(texts.ids, padding=texts.padding))
        ):
            return Nothing("There is no word in the probes.")
        return missing

    def caption(self, scene: Scene) -> str:
        texts, data = texts_of(scene.data), scene.data
        assert texts is not None
        total = len(words_in(texts.ids, padding=texts.padding))
        which, noun = f"{MOST_SHOWN} of the" if total > MOST_SHOWN else "The", texts.noun
        how = "" if total <= MOST_SHOWN else ", the frequent ones and those that moved furthest"
        named = "" if texts.vocabulary else " The run has no vocabulary, so they go by number."
        labelled = labelled_texts(data)
        colour = (
            f" Colour: the class in whose texts a {noun} occurs at least twice as often as in "
            f"those of any other, of {labelled.described}; grey where that may be chance (1 in "
            f"{1 / LEVEL:.0f} has a colour by chance)."
            if labelled is not None
            else ""
        )
        return (
            f"{which} {total} {noun}s of the probes by their {_units(scene)} numbers in "
            f"{scene.selected.layer}{how}, in the plane where these differ most (PCA over "
            f"{min(SAMPLES, len(data.run))} steps, the same plane at every step; a unit is as long "
            "on both axes). What differs in other directions is not seen: points that lie together "
            "here need not be neighbours. Trails show the last steps."
            f"{colour}{named}"
        )

    def compute(self, scene: Scene) -> WordMap | Nothing:
        found = word_map(scene.data, scene.selected.layer)
        if np.isfinite(found.positions).any():
            return found
        return Nothing(f"The rows of {scene.selected.layer} hold no number at any recorded step.")

    def draw(self, scene: Scene, computed: WordMap) -> Any:
        cloud = PointCloud(
            **self._shown(scene, computed),
            limits=computed.limits,
            equal=True,
            remarks=shares_in_plane(computed.shown),
            shape_names=["in this sentence", "", "in other probes"],
            x_name=_axis_name(computed, 0),
            y_name=_axis_name(computed, 1),
            trails=True,
            texts=True,
            if_empty=f"Probe {scene.selected.probe} has none of these words.",
            label=f"Words of the probes by {scene.selected.layer}",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
        )
        choice = Choice(
            title="Show", options=OPTIONS, value=self._option, channel=scene.channel, margin=0
        )

        def choose(event: Any) -> None:
            self._option = event.new
            cloud.param.update(**self._shown(scene, computed))

        choice.param.watch(choose, "value")
        return below(choice, cloud)

    def _shown(self, scene: Scene, words: WordMap) -> dict[str, Any]:
        """Give what the cloud shows of the chosen words."""
        texts, data = texts_of(scene.data), scene.data
        assert texts is not None
        own = np.unique(texts.of(scene.selected.probe))
        at = words.chosen(self._option, own.tolist())
        numbers = words.numbers[at]
        forms = np.where(np.isin(numbers, own), DISC, RING).astype(np.uint8)
        shown: dict[str, Any] = {
            "positions": words.positions[:, at],
            "labels": visible(texts.names(numbers)),
            "shapes": np.tile(forms, (len(words.positions), 1)),
            "colours": [],
            "groups": [],
        }
        labelled = labelled_texts(data)
        if labelled is not None:
            classes = word_classes(labelled.ids, numbers, labelled.labels, len(data.class_names))
            found = [number for number in np.unique(classes).tolist() if number != NO_CLASS]
            shown["colours"] = [_colour(number) for number in classes.tolist()]
            shown["groups"] = [[data.class_names[number], _colour(number)] for number in found]
            if (classes == NO_CLASS).any():
                shown["groups"].append(["about as often in several, or rare", NEUTRAL])
        return shown


def _colour(number: int) -> str:
    return NEUTRAL if number == NO_CLASS else class_colour(number)


def _axis_name(words: WordMap, axis: int) -> str:
    share = words.explained[axis]
    known = f" ({share:.0%} of the variance of all steps)" if np.isfinite(share) else ""
    return f"component {axis + 1}{known}"


def _units(scene: Scene) -> int:
    return int(scene.layer.config.get("output_dim") or (scene.layer.output_shape or (0,))[-1])

"""One sentence's way through the whole network at the step on screen, aligned by its tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Nothing, Unfit
from explorer.data.explained import explained_class
from explorer.data.run import RunData
from explorer.data.sentence import Band, Frame, Sentence
from explorer.data.texts import needs_texts, texts_of
from explorer.data.writing import NextTokenNetwork
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.recurrent.quantities import SHARE, SIGNED, is_gate
from explorer.derived.texts.sentence import strongest
from explorer.derived.time.frames import Limits, quantize, sample_indices
from explorer.derived.time.headway import counted
from explorer.plots.style import DIVERGING, KIND_COLOURS, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.registry import register
from explorer.views.requirements import (
    needs_every_activation,
    needs_every_weight,
    needs_network,
    needs_steps,
)
from explorer.widgets.pictures.sentence import SentencePicture

Array = npt.NDArray[Any]

# Units shown of each layer.
ROWS = 6
# Steps that fix the scales of what is added to the class.
SAMPLES = 8
# Parts of a payload that are float32; see `SentencePicture`.
FLOATS = ("adds", "values", "all", "kept")
ARROWS = {"forward": "→", "backward": "←"}


@dataclass(frozen=True)
class SentencePlan:
    """What holds at every step: ends of colours and bars, a value for each band.

    Attributes
    ----------
    limits : list of dict of str to Limits
        Of each quantity; of a pooled band of what a place adds through a unit.
    all_units : list of float
        The most that all units of a place add.
    bars : list of float
        The most that a unit adds.
    """

    limits: list[dict[str, Limits]]
    all_units: list[float]
    bars: list[float]


class Reader:
    """Makes the payload of one step.

    Parameters
    ----------
    sentence : Sentence
        What is read.
    """

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        self.plan = self._plan()

    def _plan(self) -> SentencePlan:
        """Fix limits and scales from some steps."""
        sentence = self.sentence
        indices = sample_indices(len(sentence.data.run), SAMPLES)
        steps = [sentence.read(index)[1] for index in counted(indices)]
        limits, all_units, bars = [], [], []
        for band, frames in zip(sentence.bands, zip(*steps, strict=True), strict=True):
            parts = [frame.parts for frame in frames if frame.parts is not None]
            placed = [part for part in parts if band.places is not None]
            all_units.append(_symmetric(_all_units(band, part)[:-1] for part in placed).high)
            bars.append(_symmetric(_unit_sums(part) for part in parts).high)
            if band.kind == "pooled":
                limits.append({"output": _symmetric(placed)})
                continue
            names = sentence.quantities(band)
            limits.append({name: sentence.limits(band, name) for name in names})
        return SentencePlan(limits, all_units, bars)

    def payload(self, index: int, chosen: tuple[str, int] | None = None) -> dict[str, Any]:
        """Give everything that the browser paints of one step.

        Parameters
        ----------
        index : int
            Position of the step.
        chosen : (layer, unit), optional
            A unit that is shown in any case.
        """
        classes, frames = self.sentence.read(index)
        target = self.sentence.target
        parts: dict[str, list[Array]] = {name: [] for name in ("units", *FLOATS)}
        codes, totals = [np.zeros(0, np.uint8)], []
        for at, (band, frame) in enumerate(zip(self.sentence.bands, frames, strict=True)):
            picked = self._picked(band, frame, classes, target, chosen)
            parts["units"].append(band.units[picked])
            added = np.full(len(picked), np.nan)
            if frame.parts is not None:
                added = _unit_sums(frame.parts)[picked]
                totals.append(float(frame.parts.sum(dtype=np.float64)))
            else:
                totals.append(np.nan)
            parts["adds"].append(added)
            output = next(iter(frame.values.values()))
            values = output[picked] if output.ndim == 1 else np.full(len(picked), np.nan)
            parts["values"].append(values)
            if frame.parts is not None and band.places is not None:
                parts["all"].append(_all_units(band, frame.parts))
            codes += self._codes(at, band, frame, picked)
            if frame.kept is not None and band.places is not None and band.taken_places:
                kept = frame.kept[band.places.shown][:, picked]
                parts["kept"].append(band.taken_places.middles(kept).T.ravel())
        floats = {
            name: np.concatenate([np.zeros(0), *parts[name]]).astype(np.float32) for name in FLOATS
        }
        return {
            "units": np.concatenate(parts["units"]).astype(np.int32),
            **floats,
            "codes": np.concatenate(codes),
            "totals": np.array(totals, np.float32),
            "target": target,
        }

    def _picked(
        self,
        band: Band,
        frame: Frame,
        classes: Array,
        target: int,
        chosen: tuple[str, int] | None,
    ) -> npt.NDArray[np.int64]:
        """Choose the units of a band that are shown, by their place among its units."""
        if frame.parts is None:
            return strongest(classes, ROWS, target)
        wanted = None
        if chosen is not None and chosen[0] in band.column.members:
            found = np.flatnonzero(band.units == chosen[1])
            wanted = int(found[0]) if len(found) else None
        return strongest(_unit_sums(frame.parts), ROWS, wanted)

    def _codes(self, at: int, band: Band, frame: Frame, picked: Array) -> list[Array]:
        """Give each quantity as codes: (row, shown_place + 1) each."""
        if band.places is None:
            return []
        limits = self.plan.limits[at]
        if band.kind == "pooled":
            assert frame.parts is not None
            rows = band.places.folded(frame.parts[:, picked]).T
            # Where nothing is taken, there is nothing to colour.
            return [quantize(np.where(rows == 0, np.nan, rows), limits["output"]).ravel()]
        made = []
        for name, ends in limits.items():
            rows = band.places.blank(frame.values[name][:, picked]).T
            made.append(quantize(rows, ends).ravel())
        return made

    # -- for the browser ---------------------------------------------------------------------

    def described(self) -> list[dict[str, Any]]:
        """Tell what holds of each band at every step."""
        return [self._described(at, band) for at, band in enumerate(self.sentence.bands)]

    def _described(self, at: int, band: Band) -> dict[str, Any]:
        names = self.sentence.quantities(band)
        sees = 1 if band.spans is None else int(np.diff(band.spans, axis=1).max(initial=1))
        shown = {
            name: (
                names[name],
                ends.low,
                ends.high,
                ends.signed,
                is_gate(name),
                ends in (SIGNED, SHARE),
            )
            for name, ends in self.plan.limits[at].items()
        }
        keys = ("title", "low", "high", "signed", "gate", "bounded")
        return {
            "layer": band.column.core,
            "members": list(band.column.members),
            "title": self._title(band),
            "colour": KIND_COLOURS.get(self._kind_of(band), KIND_COLOURS["other"]),
            "kind": band.kind,
            "count": len(band.units),
            "rows": min(ROWS, len(band.units)),
            "ranges": None if band.places is None else band.places.ranges.ravel().tolist(),
            "sees": sees,
            "after": self._after(band),
            "keeps": band.window is not None,
            "quantities": [dict(zip(keys, value, strict=True)) for value in shown.values()],
            "most": self.plan.all_units[at],
            "bar": self.plan.bars[at],
        }

    def _title(self, band: Band) -> str:
        """Name a band, with the direction where that is not the usual one alone."""
        others = [other for other in self.sentence.bands if other.column is band.column]
        is_told = len(others) > 1 or band.way == "backward"
        return f"{band.column.core} {ARROWS[band.way]}" if is_told else band.column.core

    def _after(self, band: Band) -> str:
        """Name the layer behind the core whose output is shown, if it changes anything."""
        layer = band.layer
        changes = layer.name != band.column.core and layer.kind != "regularization"
        return layer.name if changes and band.kind not in ("classes", "class places") else ""

    def _kind_of(self, band: Band) -> str:
        return self.sentence.data.run.layers[band.column.core].kind


def _beside(data: RunData) -> str:
    """Say why a text that is read word by word may say something else."""
    if data.reading is None:
        return ""
    return (
        " Read word by word, a word's colour is what its coming did to the probability, before the "
        "words after it were read: the two may differ, even in sign."
    )


def _unit_sums(parts: Array) -> npt.NDArray[np.float64]:
    return np.asarray(parts.reshape(-1, parts.shape[-1]).sum(axis=0, dtype=np.float64))


def _all_units(band: Band, parts: Array) -> Array:
    """Sum over the units of each shown place, and of all padding: (shown_place + 1,)."""
    assert band.places is not None
    return band.places.folded(parts.sum(axis=1, dtype=np.float64))


def _symmetric(samples: Iterable[Array]) -> Limits:
    """Give limits about zero that hold all finite values: -1 to 1 where there are none."""
    most = 0.0
    for sample in samples:
        finite = np.abs(sample[np.isfinite(sample)])
        most = max(most, float(finite.max(initial=0)))
    most = most or 1.0
    return Limits(-most, most, signed=True)


class SentencePane(SentencePicture):
    """The picture, and what makes its payloads."""

    def __init__(self, reader: Reader, count: int, **params: Any) -> None:
        self.reader = reader
        super().__init__(lambda _: {}, count, **params)


@register
class JointText(View):
    """Every layer's strongest units along the words, at every step."""

    title = "The sentence's way through the network"
    region = "joint"
    depends = ("probe", "target")
    follows = ("layer", "unit")
    order = 10
    width = 12

    def applies(self, data: RunData) -> bool:
        probe = data.run.probe
        return probe is not None and probe.kind == "text"

    def requirement(self, scene: Scene) -> Absence | None:
        data = scene.data
        missing = needs_texts(data) or needs_steps(scene) or needs_every_activation(data)
        if missing is not None:
            return missing
        if len(data.run.outputs) != 1 or (
            data.reading is None and NextTokenNetwork.of(data) is None
        ):
            return Unfit(
                "The output of this network does not say how probable each class is, of the text "
                "or after each of its tokens."
            )
        missing = needs_network(data) or needs_every_weight(data)
        if missing is not None:
            return missing
        texts = texts_of(data)
        if texts is not None and not len(texts.of(scene.selected.probe)):
            return Nothing(f"Probe {scene.selected.probe} is empty: it has no word to align by.")
        return None

    def caption(self, scene: Scene) -> str:
        data, selected = scene.data, scene.selected
        texts = texts_of(data)
        assert texts is not None
        named = f"the {texts.noun} that is expected after the last one, at the last step"
        if data.reading is not None:
            explained = explained_class(data, selected.probe, selected.target)
            named = f"“{data.class_names[explained.number]}”, {explained.reason}"
        left = int(texts.is_padding(selected.probe).sum())
        padding = (
            f" The {left} tokens of padding are folded into one column, ∅, with what they add."
            if left
            else ""
        )
        return (
            f"Probe {selected.probe} {texts.noun} by {texts.noun}, explained for {named}. "
            f"Evidence: what each {texts.noun} adds to the logit in the whole text, embedding × "
            f"gradient; it measures what a small change of the {texts.noun} does where all others "
            "are read. Of each layer: the "
            f"{ROWS} units that add most (output × gradient, on the right), with their outputs "
            "where they see the text, below what all units add at each place; of a pooling over "
            f"the whole text, what each {texts.noun} adds through the unit. Of what is added, red "
            f"is for the class and blue against it.{padding}{_beside(data)}"
        )

    def compute(self, scene: Scene) -> Reader | Nothing:
        try:
            return Reader(Sentence(scene.data, scene.selected.probe, scene.selected.target))
        except NotDerivableError as error:
            return Nothing(f"The network cannot be followed: {str(error).rstrip(' .')}.")

    def draw(self, scene: Scene, computed: Reader) -> Any:
        sentence = computed.sentence
        texts, before = sentence.texts, sentence.padded[0]
        left = sentence.left_out
        remark = ""
        if left:
            verb = "is" if len(left) == 1 else "are"
            remark = f"{', '.join(left)} {verb} left out: which tokens their places see is unknown."
        picture = SentencePane(
            computed,
            len(scene.data.run),
            words=sentence.words,
            letters=not texts.separator,
            padding=sum(sentence.padded),
            padding_first=before >= sentence.padded[1],
            x_name=texts.hover_name(scene.selected.probe),
            noun=texts.noun,
            bands=computed.described(),
            class_names=sentence.class_names,
            chooses_class=scene.data.reading is not None,
            remark=remark,
            sequential=palette_bytes(SEQUENTIAL),
            diverging=palette_bytes(DIVERGING),
            label=f"{self.title}, probe {scene.selected.probe}",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        self.follow(scene, picture)
        return picture

    def follow(self, scene: Scene, body: Any) -> None:
        """Show the selected unit too."""
        selected, reader = scene.selected, body.reader
        members = {name for band in reader.sentence.bands for name in band.column.members}
        chosen = (selected.layer, selected.unit) if selected.layer in members else None
        body.change(
            f"{scene.data.run.id}|sentence|{selected.probe}|{selected.target}|{chosen}",
            lambda index: reader.payload(index, chosen),
        )

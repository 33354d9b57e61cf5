"""What the network says after each beginning of a text, and which words changed its mind."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing, Unfit
from explorer.data.explained import explained_class
from explorer.data.run import RunData
from explorer.data.texts import texts_of
from explorer.derived.texts.prefixes import changes, padding_side, prefixes
from explorer.derived.texts.words import visible
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.timeline import edges
from explorer.plots.style import DIVERGING, class_colour, palette_bytes
from explorer.plots.token_map import map_height, token_map
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene, Unfinished, View, figure_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_every_weight, needs_steps, nothing_in
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.charts.token_strip import TokenStrip
from explorer.widgets.page.beside import below, beside
from explorer.widgets.page.text import text_pane

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]

# Each is a batch through the whole network: 5 ms for sentences and 32 units, 1 s for long texts.
MOST_STEPS = 96
# Beginnings of a text that are read; of longer texts some are left out.
MOST_PREFIXES = 64
# Steps that are kept on disk together.
BLOCK = 8
# Work until others have their turn: other cards wait in the same queue.
PART_SECONDS = 0.5
# Classes that are drawn: those that reach the highest probability, and the one that is followed.
MOST_CLASSES = 6
# Differences from the recorded output that rounding explains.
TOLERANCE = 0.02

PROBABILITY, CHANGE = "probability", "change"


class Reading:
    """The beginnings of one probe's text, run through the network at some recorded steps.

    Parameters
    ----------
    data : RunData
        The run.
    probe : int
        Whose text.

    Attributes
    ----------
    ends : list of int
        Last token of each beginning, counted in the text without its padding.
    indices : list of int
        Recorded steps that are looked at.
    """

    def __init__(self, data: RunData, probe: int) -> None:
        texts = texts_of(data)
        assert texts is not None
        assert texts.padding is not None
        self.data, self.probe, self.texts = data, probe, texts
        self.text = texts.of(probe)
        side = padding_side(texts.ids, texts.padding)
        every = prefixes(texts.row(probe), side, texts.padding)
        self.ends = sample_indices(len(every), MOST_PREFIXES)
        self.indices = sample_indices(len(data.run), MOST_STEPS)
        nothing = np.full_like(every[:1], texts.padding)
        self._rows = np.concatenate([nothing, every[self.ends]])
        self._found: list[Float32] = []

    @property
    def done(self) -> int:
        """Steps that have been computed."""
        return sum(map(len, self._found))

    @property
    def is_done(self) -> bool:
        """Whether all have been."""
        return self.done == len(self.indices)

    @property
    def probabilities(self) -> Float32:
        """Of each class after each beginning: (sampled_step, prefix, class)."""
        return np.concatenate(self._found)[:, 1:]

    @property
    def before(self) -> Float32:
        """Of each class before the first token: (sampled_step, class); NaN if that says nothing."""
        return np.concatenate(self._found)[:, 0]

    @property
    def nearest(self) -> npt.NDArray[np.intp]:
        """Place of the sampled step that is nearest to each recorded step: (step,)."""
        gaps = np.arange(len(self.data.run))[:, None] - np.array(self.indices)
        return np.asarray(np.abs(gaps).argmin(axis=1))

    @property
    def deviation(self) -> float:
        """Greatest difference of the whole text's probabilities from the recorded ones."""
        recorded = self.data.probabilities(self.probe)
        assert recorded is not None
        apart = np.abs(self.probabilities[:, -1] - recorded[self.indices])
        return float(np.nan_to_num(apart).max(initial=0))

    def advance(self, seconds: float) -> None:
        """Compute on for about so long; call it in the worker thread."""
        until = time.monotonic() + seconds
        while not self.is_done:
            indices = self.indices[self.done : self.done + BLOCK]
            self._found.append(self._block(indices))
            if time.monotonic() > until:
                return

    def _block(self, indices: list[int]) -> Float32:
        key = f"{MOST_PREFIXES} prefixes of {self.data.kept_name(self.probe)}, steps {indices}"
        kept = self.data.derived(key, lambda: {"probabilities": self._computed(indices)})
        return np.asarray(kept["probabilities"], np.float32)

    def _computed(self, indices: list[int]) -> Float32:
        data, reading = self.data, self.data.reading
        assert reading is not None
        (output,) = data.run.outputs
        needed = data.network.ancestors([output])
        found = []
        for index in indices:
            weights = {
                name: data.weights(name, index)
                for name in {data.network.first_call(name) for name in needed}
                if data.run.layers[name].weights
            }
            given = data.network.forward(self._rows, weights, wanted=[output])
            found.append(reading.probabilities(given[output]))
        return np.stack(found)

    def effects(self, target: int) -> Float32:
        """Give what each stretch of words did to a probability: (sampled_step, prefix)."""
        found = changes(self.probabilities, self.before)
        return np.asarray(found[..., target], np.float32)

    def over_words(self, values: Array) -> Array:
        """Repeat what belongs to a beginning for all the words that it has more: (..., word)."""
        return np.repeat(values, np.diff(self.ends, prepend=-1), axis=-1)

    @property
    def labels(self) -> list[str]:
        """Last word of each beginning."""
        return visible(self.texts.names(self.text[self.ends]))


@register
class Prefixes(View):
    """Probabilities along the text, the same over the training, and the words that mattered."""

    title = "The sentence read word by word"
    region = "joint"
    depends = ("probe", "target", "axis")
    order = 20
    width = 12

    def __init__(self) -> None:
        self._shown = PROBABILITY

    def applies(self, data: RunData) -> bool:
        return texts_of(data) is not None and data.reading is not None

    def requirement(self, scene: Scene) -> Absence | None:
        data, texts = scene.data, texts_of(scene.data)
        assert texts is not None
        missing = needs_steps(scene)
        if missing is not None:
            return missing
        missing = needs_every_weight(data)
        if missing is not None:
            return missing
        needed = data.network.ancestors(data.run.outputs)
        for name, fault in data.network.unsupported.items():
            if name in needed:
                return Unfit(
                    "To read beginnings of a text the network is run again, and this one cannot "
                    f"be. {name}: {fault}"
                )
        if texts.padding is None:
            return Unfit(
                "A beginning of a text is filled up with padding, and there is none in this run: "
                "its vocabulary has no empty word at 0, and no embedding masks that number."
            )
        if not len(texts.of(scene.selected.probe)):
            return Nothing(f"Probe {scene.selected.probe} has no words; choose another one.")
        return None

    def caption(self, scene: Scene) -> str:
        data, selected = scene.data, scene.selected
        explained = explained_class(data, selected.probe, selected.target)
        named = f"“{data.class_names[explained.number]}”, {explained.reason}"
        return (
            f"The network is given probe {selected.probe} with one word more each time. Each word "
            f"is in the colour of what its coming did to the probability of {named}, red raised "
            "it, after the words before it alone. The evidence of the sentence's way measures what "
            "the word adds where all are read: the two may differ, even in sign. On the left up to "
            f"{MOST_CLASSES} classes after each word at this step; on the right that class over "
            "the training: when did the network learn what a word means?"
        )

    def compute(self, scene: Scene) -> Reading | Unfinished | Nothing:
        return self._go_on(Reading(scene.data, scene.selected.probe))

    def _go_on(self, reading: Reading) -> Reading | Unfinished | Nothing:
        """Compute on for a while, and then let others have their turn."""
        reading.advance(PART_SECONDS)
        if not reading.is_done:
            share = reading.done / len(reading.indices)
            return Unfinished(share, lambda: self._go_on(reading))
        if np.isfinite(reading.probabilities).any():
            return reading
        return Nothing(
            f"The network gives no probability for any beginning of probe {reading.probe}, at any "
            "recorded step."
        )

    def draw(self, scene: Scene, computed: Reading) -> pn.Column:
        reading = computed
        selected = scene.selected
        target = explained_class(scene.data, selected.probe, selected.target).number
        height = map_height(len(reading.ends))
        options = {PROBABILITY: "probability so far", CHANGE: "change by each word"}
        maps = Alternatives(
            scene.data,
            options,
            self._shown,
            _mapped(scene, reading, target, self._shown),
            compute=lambda name: _mapped(scene, reading, target, name),
            draw=lambda name, values: _map(scene, reading, target, name, values, height),
            chosen=lambda name: setattr(self, "_shown", name),
            title="Over training",
            channel=scene.channel,
        )
        remarks = [text_pane(text, role="note") for text in _remarks(reading)]
        return below(
            _strip(scene, reading, target),
            beside(_lines(scene, reading, target, height), maps, shares=(5, 6)),
            *remarks,
            gap=14,
        )


def _strip(scene: Scene, reading: Reading, target: int) -> TokenStrip:
    effects = reading.over_words(reading.effects(target))[reading.nearest]
    bound = _bound(effects)
    return TokenStrip(
        tokens=reading.texts.names(reading.text),
        values=effects[:, None, :],
        separator=reading.texts.separator,
        palette=palette_bytes(DIVERGING),
        low=-bound,
        high=bound,
        signed=True,
        x_name=reading.texts.hover_name(reading.probe),
        value_name=f"change of the probability of “{scene.data.class_names[target]}”",
        label=f"Words of probe {reading.probe} by what they did to the probability",
        channel=scene.channel,
        sizing_mode="stretch_width",
        margin=0,
    )


def _lines(scene: Scene, reading: Reading, target: int, height: int) -> StepLines:
    """Probability of the classes after each word."""
    data, found = scene.data, reading.probabilities
    peaks = np.nan_to_num(found).max(axis=(0, 1))
    best = np.argsort(-peaks, kind="stable")[:MOST_CLASSES].tolist()
    chosen = sorted({target, *(best if target in best else best[: MOST_CLASSES - 1])})
    truth = data.true_class(reading.probe)
    is_every = len(reading.ends) == len(reading.text)
    return StepLines(
        y=np.moveaxis(found[..., chosen], 1, 2)[reading.nearest],
        names=[data.class_names[n] + (" (true)" if n == truth else "") for n in chosen],
        colours=[class_colour(number) for number in chosen],
        y_limits=[0.0, 1.0],
        y_name="probability",
        x_labels=reading.labels,
        x_hover=reading.texts.hover_name(reading.probe) if is_every else "",
        markers=True,
        selects="target",
        picks="series",
        ids=chosen,
        label=f"Probabilities after each word of probe {reading.probe}",
        channel=scene.channel,
        height=height,
        sizing_mode="stretch_width",
        margin=0,
    )


def _mapped(scene: Scene, reading: Reading, target: int, name: str) -> Float32 | Nothing:
    """Give what is mapped of one class: (sampled_step, prefix)."""
    if name == PROBABILITY:
        values = np.asarray(reading.probabilities[..., target], np.float32)
        said = f"The probability of {scene.data.class_names[target]} after each word"
        return nothing_in(values, said) or values
    values = reading.effects(target)
    if np.isfinite(values).any() and values[np.isfinite(values)].any():
        return values
    return Nothing(
        f"No word changes the probability of {scene.data.class_names[target]} at any recorded step."
    )


def _map(
    scene: Scene, reading: Reading, target: int, name: str, values: Float32, height: int
) -> pn.pane.HoloViews:
    """Map of one class over the words and the training."""
    of = f"of {scene.data.class_names[target]}"
    positions = scene.positions[reading.indices]
    looks: Mapping[str, Any]
    if name == CHANGE:
        bound = _bound(values)
        looks = {"limits": (-bound, bound), "signed": True, "value_label": f"change {of}"}
    else:
        looks = {"limits": (0.0, 1.0), "value_label": f"probability {of}"}
    return figure_pane(
        token_map(
            values,
            reading.labels,
            y_label="the text up to this word" if name == PROBABILITY else "word",
            x_edges=edges(positions),
            positions=scene.positions,
            height=height,
            **looks,
            **scene.time_options(),
        )
    )


def _bound(values: Array) -> float:
    """Greatest size of a change, which is the end of the colours on both sides."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0)) or 1.0


def _remarks(reading: Reading) -> list[str]:
    """Say what is left out, and whether the network that is run here is the recorded one."""
    said = []
    if np.isnan(reading.before).all():
        said.append(
            "Without any word the network gives no probability, so the first has no colour."
        )
    steps, words = len(reading.data.run), len(reading.text)
    if len(reading.indices) < steps:
        said.append(
            f"Computed at {len(reading.indices)} of the {steps} recorded steps; between them the "
            "nearest one is shown."
        )
    if len(reading.ends) < words:
        said.append(
            f"Read up to {len(reading.ends)} of the {words} words; those between share a colour."
        )
    if reading.deviation > TOLERANCE:
        said.append(
            "Careful: for the whole text, what is computed here differs from the recorded output "
            f"by up to {reading.deviation:.2f}. The network does something that the run does not "
            "tell."
        )
    return said

"""What the attention layers of a run attend to, derived in one place for every view of them."""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Lack, Unfit
from explorer.data.repeated import agrees, looks
from explorer.data.run import SAMPLES, RunData
from explorer.data.texts import texts_of
from explorer.derived.attention.heads import entropy, fixedness, induction, share_at
from explorer.derived.attention.rollout import rollout
from explorer.derived.network.node import Call
from explorer.derived.network.operations.attention import Attending
from explorer.derived.network.registry import INPUT_CLASS, layer_ops
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.texts.words import Text, visible
from explorer.derived.time.frames import Limits, robust_limits, sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.time.sampling import Sampling
from store.format.names import activation_path

Array = npt.NDArray[Any]

# Scores of one step of which measures are taken: of a quarter of a second.
MOST_SCORES = 2**21
# Steps at which measures are taken.
MOST_STEPS = 40
# Sequences of random tokens, each repeated once, and their longest period.
RANDOM_TEXTS = 8
MOST_PERIOD = 32
SEED = 0
# Numbers that often stand for padding and for unknown words are not drawn.
FIRST_TOKEN = 2
# What is measured of each head, and how it is called.
MEASURES: Mapping[str, str] = {
    "entropy": "breadth (entropy)",
    "previous": "looks at the place before",
    "itself": "looks at itself",
    "first": "looks at the first place",
    "fixed": "looks by place alone",
    "induction": "copies what came after (induction)",
}


@dataclass
class _Shared:
    faults: dict[tuple[str, str], Absence | None] = field(default_factory=dict)


_SHARED: weakref.WeakKeyDictionary[RunData, _Shared] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Heads:
    """Measures of the heads of a layer over a training.

    Attributes
    ----------
    sampling : Sampling
        The steps that were looked at.
    values : dict of str to ndarray (sampled_step, head)
        By the names of `MEASURES`, as far as they can be taken.
    chance : dict of str to float
        What a head would have that attends to all places alike.
    probes : int
        How many probes were looked at.
    """

    sampling: Sampling
    values: dict[str, Array]
    chance: dict[str, float]
    probes: int


class AttentionLayer:
    """One layer of attention of a run: its scores, as far as they follow.

    Parameters
    ----------
    data : RunData
        The run.
    name : str
        A layer of kind ``attention``.
    """

    def __init__(self, data: RunData, name: str) -> None:
        self.data, self.name = data, name
        self.layer = data.run.layers[name]
        self._shared = _SHARED.setdefault(data, _Shared())

    # -- what can be known -------------------------------------------------------------------

    @property
    def fault(self) -> Absence | None:
        """Why the scores cannot be derived, a sentence; None: they can."""
        key = (self.data.run.version, self.name)
        if key not in self._shared.faults:
            self._shared.faults[key] = self._fault()
        return self._shared.faults[key]

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """How many heads, queries and keys there are."""
        heads, queries, keys = self.scores(0, 0).shape[1:]
        return heads, queries, keys

    @property
    def is_of_itself(self) -> bool:
        """Whether the places attend to each other: queries and keys are of the same layer."""
        takes = self.data.network.node(self.name).takes
        return len({*takes}) == 1

    @cached_property
    def is_causal(self) -> bool:
        """Whether a place may only attend to itself and what is before it."""
        return bool(self.layer.arguments.get("use_causal_mask"))

    # -- scores ------------------------------------------------------------------------------

    def scores(self, index: int, probe: int | None = None) -> Array:
        """Give the scores at a recorded step: (probe, head, query, key), float32."""
        op, call = self._op, self.call(index, probe)
        with np.errstate(all="ignore"):  # of a training that diverged, NaN is shown
            return op.scores(call)

    def call(self, index: int, probe: int | None = None) -> Call:
        """Gather what the layer works on at a recorded step."""
        network = self.data.network
        owner = network.first_call(self.name)
        needed = {*network.node(self.name).takes, *network.mask_sources(self.name)}
        found = {name: self._values(name, index, probe) for name in needed}
        return network.call(self.name, found, {owner: self.data.weights(owner, index)})

    def limits(self, probe: int) -> Limits:
        """Give the ends of the colours of one probe's scores, the same at every step."""
        count = len(self.data.run)
        samples = [self.scores(index, probe) for index in sample_indices(count, SAMPLES // 3)]
        found = robust_limits(samples)
        return Limits(0.0, max(found.high, 1e-6), signed=False)

    def allowed(self, probe: int | None = None) -> Array:
        """Say which keys each query may attend to: (probe, query, key) of bool."""
        inside = self.counted(probe)
        found = np.ones((len(inside), *self.shape[1:]), bool)
        if self.is_causal:
            found &= np.tril(np.ones(self.shape[1:], bool))
        # A layer without a mask attends to padding, too.
        masked = self.is_of_itself and self.data.network.argument_masks(self.name)
        return found & inside[:, None, :] if masked else found

    def counted(self, probe: int | None = None) -> Array:
        """Say which places hold any of the text, or of the picture: (probe, place) of bool."""
        texts, count = texts_of(self.data), self.shape[1]
        known = self.data.run.probe
        numbers = range(known.size if known else 0) if probe is None else [probe]
        if texts is None or texts.ids.shape[1] != count:
            return np.ones((len(numbers), count), bool)
        marks = np.zeros((len(numbers), count), bool)
        for row, number in zip(marks, numbers, strict=True):
            start, end = texts.spans[number]
            row[start:end] = True
        return marks

    def text(self, probe: int, places: int) -> Text:
        """Give the words at the places of queries or keys; numbers where they are no words."""
        texts = texts_of(self.data)
        if texts is None or texts.ids.shape[1] != places:
            return Text([str(place) for place in range(places)], np.ones(places, bool))
        start, end = texts.spans[probe]
        within = (np.arange(places) >= start) & (np.arange(places) < end)
        words = visible(texts.names(texts.ids[probe]))
        return Text(
            [word if is_in else "" for word, is_in in zip(words, within, strict=True)],
            within,
            separator=texts.separator,
        )

    @cached_property
    def grid(self) -> tuple[int, int] | None:
        """Rows and columns of the picture's patches, where the places are such; else None.

        They are those of the last layer before with as many places in rows and columns.
        """
        network, count = self.data.network, self.shape[1]
        before = network.ancestors([self.name])
        for name in reversed([name for name in network.nodes if name in before]):
            layer = self.data.run.layers[name]
            if not layer.has_activation:
                continue
            reader = self.data.run.array(activation_path(name))
            sizes = dict(zip(reader.dims, reader.shape, strict=True))
            if {"y", "x"} <= sizes.keys() and sizes["y"] * sizes["x"] == count:
                return sizes["y"], sizes["x"]
        return None

    # -- through several layers --------------------------------------------------------------

    def before(self) -> list[AttentionLayer]:
        """Give the layers of attention up to this one over the same places, the first one first."""
        network = self.data.network
        reached = network.ancestors([self.name])
        found = [
            AttentionLayer(self.data, name)
            for name in network.nodes
            if name in reached and self.data.run.layers[name].kind == "attention"
        ]
        return [
            one
            for one in found
            if one.fault is None and one.is_of_itself and one.shape[1:] == self.shape[1:]
        ]

    def rollout(self, index: int, probe: int) -> Array:
        """Follow the attention of all layers up to this one: (place, place)."""
        return rollout([one.scores(index, probe)[0] for one in self.before()])

    # -- over a training ---------------------------------------------------------------------

    def measured(self) -> Heads:
        """Measure what each head does, at some steps; call it in the worker thread."""
        heads, queries, keys = self.shape
        known = self.data.run.probe
        probes = sample_indices(
            known.size if known else 1, max(2, MOST_SCORES // max(1, heads * queries * keys))
        )
        sampling = Sampling.of(len(self.data.run), MOST_STEPS)
        allowed, inside = self.allowed()[probes], self.counted()[probes]

        def make() -> dict[str, Array]:
            rows = [
                self._measures(self._scores_of(index, probes), allowed, inside, index)
                for index in counted(sampling.indices)
            ]
            return {name: np.array([row[name] for row in rows]) for name in rows[0]}

        key = f"heads of {self.name}, {len(probes)} probes, {len(sampling.indices)} steps"
        values = self.data.derived(key, make)
        even = allowed / np.maximum(allowed.sum(axis=-1, keepdims=True), 1)
        by_chance = self._measures(even[:, None], allowed, inside, None)
        chance = {name: float(values[0]) for name, values in by_chance.items() if name != "fixed"}
        if "induction" in values:
            chance["induction"] = self._chance_of_induction()
        return Heads(sampling, dict(values), chance, len(probes))

    def induction(self, index: int) -> Array | None:
        """Measure at a step, on random tokens that are repeated, how heads copy: (head,).

        None where the network up to the layer cannot be repeated, or reads no tokens.
        """
        tokens = self.random_tokens()
        network = self.data.network
        if tokens is None:
            return None
        (given,) = network.inputs
        needed = {*network.node(self.name).takes, *network.mask_sources(self.name)}
        owners = {network.first_call(name) for name in network.ancestors([self.name])}
        weights = {name: self.data.weights(name, index) for name in owners if name != given}
        try:
            with np.errstate(all="ignore"):
                found = network.forward({given: tokens}, weights, wanted=needed)
                scores = self._op.scores(network.call(self.name, found, weights))
        except NotDerivableError:
            return None
        return np.asarray(induction(scores, tokens.shape[1] // 2).mean(axis=0))

    def random_tokens(self) -> Array | None:
        """Give random tokens that are repeated once, (text, token); None where none are read."""
        texts, network = texts_of(self.data), self.data.network
        if texts is None or len(network.inputs) != 1 or not self.is_of_itself:
            return None
        tables = [
            self.data.run.layers[name]
            for name in network.followers[network.inputs[0]]
            if self.data.run.layers[name].kind == "embedding"
        ]
        rows = [shape[0] for table in tables for shape in table.weights.values()]
        period = min(MOST_PERIOD, self.shape[1] // 2)
        if not rows or period < 2 or min(rows) <= FIRST_TOKEN:
            return None
        generator = np.random.default_rng(SEED)
        once = generator.integers(FIRST_TOKEN, min(rows), size=(RANDOM_TEXTS, period))
        # As long as what it was trained on: a table of places may have no more rows.
        return np.tile(once, (1, 2))

    # -- inside ------------------------------------------------------------------------------

    def _scores_of(self, index: int, probes: list[int]) -> Array:
        known = self.data.run.probe
        if known is not None and len(probes) == known.size:
            return self.scores(index)
        return np.concatenate([self.scores(index, probe) for probe in probes])

    @property
    def _op(self) -> Attending:
        op = layer_ops()[self.layer.class_name]
        assert isinstance(op, Attending)  # else there is a fault
        return op

    def _measures(
        self, scores: Array, allowed: Array, inside: Array, index: int | None
    ) -> dict[str, Array]:
        """Take all measures of some scores (probe, head, query, key); each (head,)."""

        def mean(values: Array) -> Array:
            marked = np.where(inside[:, None] if values.ndim == 3 else inside, values, np.nan)
            known = np.isfinite(marked)
            sums = np.where(known, marked, 0).sum(axis=(0, 2))
            counts = known.sum(axis=(0, 2))
            return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))

        found = {"entropy": mean(entropy(scores, allowed[:, None]))}
        if self.is_of_itself:
            found["previous"] = mean(share_at(scores, 1))
            found["itself"] = mean(share_at(scores, 0))
            first = scores[..., 0].astype(np.float64)
            first[..., 0] = np.nan
            found["first"] = mean(first)
        if len(scores) > 1:
            found["fixed"] = fixedness(scores, inside)
        copies = None if index is None else self.induction(index)
        if copies is not None:
            found["induction"] = copies
        return found

    def _chance_of_induction(self) -> float:
        tokens = self.random_tokens()
        if tokens is None:
            return math.nan
        count = tokens.shape[1]
        before = np.arange(count // 2, count) + 1
        return float(np.mean(1 / before)) if self.is_causal else 1 / count

    def _values(self, name: str, index: int, probe: int | None) -> Array:
        layer = self.data.run.layers[name]
        if layer.has_activation:
            return self.data.activations(name, index, probe)
        inputs = self.data.run.probe.inputs if self.data.run.probe else {}
        given = next(iter(inputs.values())) if len(inputs) == 1 else inputs.get(name)
        if given is None or layer.class_name != INPUT_CLASS:
            raise NotDerivableError(
                f"The activation of {name} was not recorded, and {self.name} needs it. "
                "Record that layer too."
            )
        return np.asarray(given if probe is None else given[probe : probe + 1])

    def _fault(self) -> Absence | None:
        network = self.data.network
        if self.name in network.unsupported:
            return Unfit(
                f"What {self.name} attends to is not known. {network.unsupported[self.name]}"
            )
        if not isinstance(layer_ops().get(self.layer.class_name), Attending):
            return Unfit(f"What a {self.layer.class_name} layer attends to is not repeated here.")
        try:
            for index, probe in looks(self.data):
                call = self.call(index, probe)
                with np.errstate(all="ignore"):
                    output = self._op.forward(call)
                if not agrees(self.data, self.name, output, index, probe):
                    return Unfit(
                        f"Its equations do not give the output that was recorded of {self.name}, "
                        "so what it attends to is not known."
                    )
        except NotDerivableError as error:
            return Lack(str(error))
        except (ValueError, IndexError, KeyError):
            return Lack(
                f"The weights of {self.name} do not fit what it takes, as far as both were "
                "recorded. Record every unit."
            )
        return None

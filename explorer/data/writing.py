"""Networks that predict the next token of a text: their predictions, and texts they generate."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.run import SAMPLES, RunData
from explorer.data.texts import Texts, texts_of
from explorer.derived.network.engine import Network
from explorer.derived.predictions.reading import OutputReading
from explorer.derived.recurrent.equations import Cell, NotDerivableError, Weights, parts
from explorer.derived.texts.sampling import Step, candidates, rereading, sample, surprise
from explorer.derived.texts.words import visible
from explorer.derived.time.frames import sample_indices
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]
States = dict[str, tuple[Array, ...]]

MOST_CANDIDATES = 5
# Tokens that are written at each step, 20 ms of work; where all of the text is read anew for each
# of them, 60 to 100 ms.
WRITTEN, WRITTEN_BY_REREADING = 200, 60
# Tokens of the text before that are quoted.
QUOTED = 16
# By how much a probability may differ where later tokens are left out of the text.
ROUNDING = 1e-3
# Most texts that are begun for one row, if they end early.
MOST_PIECES = 6
# Tokens of a probe from which the network goes on.
START = 20
# A line may break after so many letters without a space.
LONGEST_WORD = 20
UNPRINTABLE = "\ufffd"
# Share of the labels that must equal the next token for labels to count as the next tokens.
LEAST_SHIFTED = 0.9
NONE = -1
END = "\n"

RECURRENT = frozenset({"SimpleRNN", "GRU", "LSTM"})
# Classes whose layers compute each token by itself.
TOKENWISE = frozenset(
    (
        "Embedding",
        "Dense",
        "Activation",
        "ReLU",
        "LeakyReLU",
        "ELU",
        "Softmax",
        "Dropout",
        "SpatialDropout1D",
        "GaussianDropout",
        "GaussianNoise",
        "ActivityRegularization",
        "LayerNormalization",
        "TimeDistributed",
        "Add",
        "Multiply",
        "Average",
        "Concatenate",
    )
)


@dataclass(frozen=True)
class NextTokenNetwork:
    """A network whose output at each token is the probability of each token to come next.

    Attributes
    ----------
    data : RunData
        The run.
    texts : Texts
        Its probes.
    output : str
        Its last layer.
    reading : OutputReading
        How that is read as probabilities of the vocabulary's tokens.
    """

    data: RunData
    texts: Texts
    output: str
    reading: OutputReading

    @classmethod
    def of(cls, data: RunData) -> NextTokenNetwork | None:
        """Read a run so; None if its output is not (token, vocabulary)."""
        texts, outputs = texts_of(data), data.run.outputs
        if texts is None or len(outputs) != 1 or outputs[0] not in data.run.layers:
            return None
        output = data.run.layers[outputs[0]]
        if not output.has_activation or not len(data.run) or not texts.vocabulary:
            return None
        reader = data.run.array(activation_path(output.name))
        sizes = dict(zip(reader.dims, reader.shape, strict=True))
        probes, tokens = texts.ids.shape
        expected = {"probe": probes, "token": tokens, UNIT_DIM: len(texts.vocabulary)}
        if {dim: size for dim, size in sizes.items() if dim != "step"} != expected:
            return None
        indices = sample_indices(len(data.run), SAMPLES)
        some = np.stack([data.activations(output.name, index, 0)[0] for index in indices])
        reading = data.read_as(some, [texts.ids[0]])
        if not isinstance(reading, OutputReading) or not reading.is_choice:
            return None
        return cls(data, texts, output.name, reading)

    @cached_property
    def next_ids(self) -> npt.NDArray[np.int64]:
        """What comes after each token: (probe, token); `NONE` at the end, and where padding does.

        After the last token of a text that is given by the labels, if they go one further.
        """
        following = np.full(self.texts.ids.shape, NONE, np.int64)
        following[:, :-1] = self.texts.ids[:, 1:]
        probe = self.data.run.probe
        labels = None if probe is None or probe.labels is None else np.asarray(probe.labels)
        if labels is not None and self.are_shifted:
            following[:, -1] = labels.reshape(following.shape)[:, -1]
        return self._known(following)

    def following(self, probe: int) -> npt.NDArray[np.int64]:
        """Give what comes after each token of a probe, or of a text that was tried: (token,)."""
        if probe not in self.texts.tried:
            return np.asarray(self.next_ids[probe])
        return self._known(np.append(self.texts.row(probe)[1:], NONE).astype(np.int64))

    def _known(self, following: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        padded = NONE if self.texts.padding is None else self.texts.padding
        known = (following >= 0) & (following < len(self.texts.vocabulary)) & (following != padded)
        return np.where(known, following, NONE)

    @property
    def are_shifted(self) -> bool:
        """Whether the labels are the token after each one; true if there are no labels."""
        probe = self.data.run.probe
        if probe is None or probe.labels is None:
            return True
        labels, ids = np.asarray(probe.labels), self.texts.ids
        if labels.size != ids.size:
            return False
        same = labels.reshape(ids.shape)[:, :-1] == ids[:, 1:]
        return bool(same.mean() >= LEAST_SHIFTED) if same.size else False

    @cached_property
    def writing_fault(self) -> str | None:
        """Say in a sentence why the network cannot generate text; None: it can."""
        fault = self._fault_of_steps
        return None if fault is None or self._reads_only_back else fault

    @property
    def is_reread(self) -> bool:
        """Whether the whole text is read anew for each token that is written, as by attention."""
        return self._fault_of_steps is not None

    @property
    def written(self) -> int:
        """Tokens that are written at a step."""
        return WRITTEN_BY_REREADING if self.is_reread else WRITTEN

    @cached_property
    def _fault_of_steps(self) -> str | None:
        return writing_fault(self.data.network, self.output)

    @property
    def _reads_only_back(self) -> bool:
        """Whether what it says after a token is the same without all later ones."""
        text, last = self.start(0)[None], len(self.data.run) - 1
        if not text.size:
            return False
        weights, before = self.weights(last), (text.shape[1] + 1) // 2
        try:
            whole, part = (self.reread(given, weights) for given in (text, text[:, :before]))
        except NotDerivableError:
            return False
        return bool(np.allclose(whole[:before], part, atol=ROUNDING, equal_nan=True))

    def weights(self, index: int) -> Mapping[str, Mapping[str, Array]]:
        """Give the weights at a recorded step, by the layer that owns them."""
        network = self.data.network
        owners = {network.first_call(name) for name in order_of(network, self.output)}
        return {name: self.data.weights(name, index) for name in owners}

    def reread(self, text: Array, weights: Mapping[str, Mapping[str, Array]]) -> Array:
        """Give what the network says after each token of a text (1, token): (token, vocabulary)."""
        found = self.data.network.forward(text, weights, wanted=[self.output])[self.output]
        return self.reading.probabilities(found[0])

    @property
    def end(self) -> int:
        """Token that ends a text: a line break, if no probe goes on after one; else `NONE`."""
        words = self.texts.vocabulary
        number = words.index(END) if END in words else NONE
        return NONE if np.isin(number, self.texts.ids) else number

    def probabilities(self, index: int, probe: int | None = None) -> Float32:
        """Of each possible token after each one of the text: (probe, token, vocabulary)."""
        return self.reading.probabilities(self.data.activations(self.output, index, probe))

    def surprise(self, index: int, probe: int | None = None) -> Float32:
        """Give the surprise at what came, in bits: (probe, token), NaN where nothing did."""
        came = self.next_ids if probe is None else self.following(probe)[None]
        bits = surprise(self.probabilities(index, probe), np.maximum(came, 0))
        return np.where(came == NONE, np.nan, bits).astype(np.float32)

    def history(self, probe: int) -> Float32:
        """Surprise of one probe at every step: (step, token)."""
        return np.stack([self.surprise(index, probe)[0] for index in range(len(self.data.run))])

    def mean_history(self) -> npt.NDArray[np.float64]:
        """Mean surprise of all probes at every step: (step,); call it in the worker thread."""

        def make() -> Mapping[str, Array]:
            steps = range(len(self.data.run))
            return {"bits": np.array([mean_known(self.surprise(index)) for index in steps])}

        return self.data.derived(f"bits per token of {activation_path(self.output)}", make)["bits"]

    def rows(self, probe: int, token: int, index: int) -> Mapping[str, Any]:
        """List what is expected after a token at a recorded step, and what comes."""
        chances = self.probabilities(index, probe)[0, token]
        came = int(self.following(probe)[token])
        ids, values = candidates(chances, MOST_CANDIDATES)
        rows = [
            [self._name(int(number)) + (" (comes)" if number == came else ""), _percent(value)]
            for number, value in zip(ids, values, strict=True)
            if np.isfinite(value)
        ]
        if rows and came != NONE and came not in ids:
            rank = 1 + int((chances > chances[came]).sum())
            rows.append([f"{self._name(came)} (comes, no. {rank})", _percent(chances[came])])
        return {"rows": rows}

    def quote(self, probe: int, token: int) -> str:
        """Say in a line after what, and what comes."""
        came = int(self.following(probe)[token])
        following = "nothing more" if came == NONE else f"“{self._name(came)}”"
        before = self._quoted(self.texts.row(probe)[self.texts.span(probe)[0] : token + 1])
        return f"After {before} comes {following}; the network expects:"

    def start(self, probe: int) -> Array:
        """Give the beginning of a probe's text, after which the network writes: (token,)."""
        return self.texts.of(probe)[:START]

    def quote_start(self, probe: int) -> str:
        """Quote the end of what the network goes on from."""
        return self._quoted(self.start(probe))

    def _quoted(self, numbers: Array) -> str:
        text = self.texts.separator.join(self.texts.names(numbers[-QUOTED:]))
        return f"“{'…' if len(numbers) > QUOTED else ''}{shown(text)}”"

    def _name(self, number: int) -> str:
        (name,) = visible(self.texts.names([number]))
        return name if name.isprintable() else f"U+{ord(name[0]):04X}"


class Writer:
    """Generates text with a network, one token at a time.

    Parameters
    ----------
    of : NextTokenNetwork
        The network.
    start : ndarray (token,), integer
        The text to go on from.
    """

    def __init__(self, of: NextTokenNetwork, start: Array) -> None:
        self._of, self._start = of, start
        self._end = of.end
        self._kept: dict[tuple[int, float], list[str]] = {}

    def rows(self, index: int, temperature: float) -> Mapping[str, Any]:
        """Give what is written at a recorded step, a row for each beginning."""
        if (index, temperature) not in self._kept:
            texts = self._of.texts
            written = self.write(index, temperature)
            pieces = [texts.separator.join(texts.names(numbers)) for numbers in written]
            self._kept[index, temperature] = [breakable(shown(piece)) for piece in pieces]
        return {"rows": [[piece] for piece in self._kept[index, temperature]]}

    def write(self, index: int, temperature: float, count: int | None = None) -> list[Array]:
        """Generate so many tokens with the weights of a recorded step: (token,) for each text.

        After the end of a text it is begun anew, with other random numbers, a few times at most.
        """
        with np.errstate(all="ignore"):
            step, state = self._begun(index)

        def until_the_end(token: int, before: Any) -> tuple[Array, Any]:
            chances, after = step(token, before)
            return (np.full_like(chances, np.nan) if token == self._end else chances), after

        wanted = self._of.written if count is None else count
        found: list[Array] = []
        with np.errstate(all="ignore"):  # a training that diverged generates nothing
            for seed in range(MOST_PIECES):
                piece = sample(
                    until_the_end,
                    state,
                    self._start[-1:],
                    wanted - sum(map(len, found)),
                    temperature=temperature,
                    seed=seed,
                )
                found += [piece] if len(piece) else []
        return found

    def _begun(self, index: int) -> tuple[Step[Any], Any]:
        """Give what reads one token more, and its state before the last of the beginning."""
        of, weights, begun = self._of, self._of.weights(index), self._start[:-1]
        if of.is_reread:
            most = of.texts.ids.shape[1]
            step, _ = rereading(lambda text: of.reread(text, weights)[-1], most)
            return step, begun.astype(np.int64)
        read = stepper(of.data.network, of.output, weights, of.reading)
        state: States = {}
        for token in begun:
            _, state = read(int(token), state)
        return read, state


def shown(text: str) -> str:
    """Show line breaks and invisible characters as signs, in a text on one line."""
    text = text.replace("\n", " ↵ ").replace("\t", " ")
    return "".join(letter if letter.isprintable() else UNPRINTABLE for letter in text)


def breakable(text: str) -> str:
    """Let a line break within very long words: untrained networks generate them.

    Examples
    --------
    >>> len(breakable("a" * 45)) - 45
    2
    """
    pieces = re.compile(rf"(\S{{{LONGEST_WORD}}})(?=\S)")
    return pieces.sub("\\1\u200b", text)


def mean_known(bits: Array) -> float:
    """Mean of what is known."""
    known = bits[~np.isnan(bits)]
    return float(known.mean(dtype=np.float64)) if known.size else float("nan")


def _percent(share: float) -> str:
    return f"{share:.1%}"


@dataclass(frozen=True)
class _Recurrent:
    """A recurrent layer at one step of a training."""

    cell: Cell
    weights: Weights
    source: str
    zeros: tuple[Array, ...]

    def read(self, found: Mapping[str, Array], before: States, name: str) -> tuple[Array, ...]:
        taken = np.asarray(found[self.source], np.float32)[:, 0]
        after, _ = self.cell.read(taken, before.get(name, self.zeros), self.weights)
        return after


def stepper(
    network: Network,
    output: str,
    weights: Mapping[str, Mapping[str, Array]],
    reading: OutputReading,
) -> Callable[[int, States], tuple[Array, States]]:
    """Make a step for `explorer.derived.texts.sampling.sample`; the state to start from is empty.

    Parameters
    ----------
    network : Network
        A network for which `writing_fault` finds nothing.
    output : str
        Its last layer.
    weights : mapping of str to (mapping of str to ndarray)
        Weights at one recorded step.
    reading : OutputReading
        How the output is read as probabilities.
    """
    order = order_of(network, output)
    (given,) = (name for name in network.inputs if name in network.ancestors([output]))
    recurrent = {}
    for name in order:
        node = network.nodes[name]
        if node.class_name in RECURRENT:
            own = weights.get(name) or weights[network.first_call(name)]
            own = {key: np.asarray(values, np.float32) for key, values in own.items()}
            (part,) = parts(node.class_name, node.config, own).values()
            zeros = np.zeros((1, len(part.weights.recurrent_kernel)), np.float32)
            count = 2 if node.class_name == "LSTM" else 1
            recurrent[name] = _Recurrent(part.cell, part.weights, node.inbound[0], (zeros,) * count)
    rules = {name: (network.op(name), network.activation(name)) for name in order}

    def step(token: int, before: States) -> tuple[Array, States]:
        found: dict[str, Array] = {given: np.array([[token]])}
        after: States = {}
        for name in order:
            if name in recurrent:
                after[name] = recurrent[name].read(found, before, name)
                found[name] = after[name][0][:, None]
            else:
                rule, activation = rules[name]
                call = network.call(name, found, weights)
                found[name] = activation.value(rule.forward(call))
        return reading.probabilities(found[output][0, 0]), after

    return step


def writing_fault(network: Network, output: str) -> str | None:
    """Say in a sentence why a network cannot generate text token by token; None: it can."""
    for name in order_of(network, output):
        node = network.nodes[name]
        if name in network.unsupported:
            return f"Nothing can be written: {name} is not repeated. {network.unsupported[name]}"
        reads_on = node.class_name in RECURRENT and not (
            node.config.get("go_backwards") or node.config.get("stateful")
        )
        axis = node.config.get("axis", -1)
        is_last = axis in (-1, 2) or list(np.atleast_1d(axis)) in ([-1], [2])
        if reads_on and len(node.inbound) == 1:
            continue
        if node.class_name not in TOKENWISE or not is_last:
            return (
                f"Nothing can be written: {name} ({node.class_name}) takes several tokens at "
                "once, and here texts are written one token after the other."
            )
    return None


def order_of(network: Network, output: str) -> list[str]:
    """Layers to compute, in order, without the input."""
    needed = network.ancestors([output])
    return [name for name in network.nodes if name in needed and name not in network.inputs]

"""The probe: the few fixed inputs that are sent through the network at every recorded step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from recorder import arguments
from recorder.arguments import Words
from recorder.texts import Vectorize, token_numbers, vocabulary_of
from store.errors import SpecError, listed
from store.format.names import PROBE_DIM, PROBE_KINDS, Array
from store.format.spec import ProbeSpec

SINGLE_INPUT = "input"
IMAGE_CHANNELS = (1, 3, 4)
# A rank-3 float array is taken for images only when it is square and at least this large;
# shorter ones are more likely sequences of feature vectors.
SMALLEST_IMAGE = 8


class Probe:
    """The few fixed inputs that are sent through the network at every recorded step.

    Every recorded step holds each layer's output for all of them, so its bytes and its time grow
    with their number.

    Parameters
    ----------
    inputs : array_like or mapping of str to array_like
        Model input (probe, ...), or several by the names of the model's inputs.
    labels : array_like, optional
        Class numbers (probe,), one-hot rows (probe, class), class names (probe,) as strings, or
        target values (probe, ...).
    class_names : sequence of str, optional
        Names by class number. Taken from the labels when those are strings.
    texts : sequence of str, optional
        The original text of each probe.
    vocabulary : sequence of str, optional
        Token strings by token number, for instance ``TextVectorization.get_vocabulary()``.
    feature_names : sequence of str, optional
        Names of the features of a tabular probe, of its only input.
    kind : {"image", "text", "tabular", "other"}, optional
        Decides how the explorer shows the inputs. Inferred when left out: four dimensions with 1,
        3 or 4 channels, or three of bytes, are images; whole numbers in two dimensions with a
        vocabulary or texts are text; other two dimensions are tabular.

    Raises
    ------
    SpecError
        What was given is inconsistent; the message lists every problem.

    Examples
    --------
    >>> Probe(np.zeros((8, 28, 28, 1)), labels=range(8)).kind
    'image'
    """

    words: ClassVar[Words] = Words("probe", "Probe")

    def __init__(
        self,
        inputs: npt.ArrayLike | Mapping[str, npt.ArrayLike],
        labels: npt.ArrayLike | None = None,
        class_names: Sequence[str] | None = None,
        texts: Sequence[str] | None = None,
        vocabulary: Sequence[str] | None = None,
        kind: str | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        words = self.words
        self.inputs = _named_inputs(words, inputs)
        self.texts = _texts(words, "texts", texts)
        self.vocabulary = _texts(words, "vocabulary", vocabulary)
        self.feature_names = _texts(words, "feature_names", feature_names)
        self.labels: Array | None = None
        names_found: list[str] | None = None
        if labels is not None:
            self.labels, names_found = _class_numbers(words, labels)
        names = _texts(words, "class_names", class_names)
        self.class_names = names_found if names is None else names
        first = next(iter(self.inputs.values()), np.empty(0))
        is_text = self.vocabulary is not None or self.texts is not None
        self.kind = _infer_kind(first, is_text=is_text) if kind is None else arguments.plain(kind)
        found = self._problems()
        if found:
            raise SpecError(f"The {words.called} is inconsistent:\n- " + "\n- ".join(found))

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in self.inputs.items())
        return f"Probe({shapes}, kind={self.kind!r})"

    @classmethod
    def pick(
        cls,
        x: npt.ArrayLike | Mapping[str, npt.ArrayLike],
        y: npt.ArrayLike,
        per_class: int = 4,
        seed: int = 0,
        *,
        class_names: Sequence[str] | None = None,
        texts: Sequence[str] | None = None,
        vocabulary: Sequence[str] | None = None,
        kind: str | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> Self:
        """Pick the same number of examples of every class, the same ones for the same seed.

        Parameters
        ----------
        x : array_like or mapping of str to array_like
            Inputs to pick from (example, ...).
        y : array_like
            Their classes: numbers (example,), one-hot rows (example, class) or strings.
        per_class : int
            Examples of each class, by default 4; a class that has fewer gives all it has.
        seed : int
            Seed of the choice, by default 0.
        texts : sequence of str, optional
            The original text of each example; those of the picked ones are kept.
        class_names, vocabulary, kind, feature_names : optional
            As for `Probe`.

        Raises
        ------
        SpecError
            The labels are not classes, not one for each example, or `per_class` is below 1.

        Examples
        --------
        >>> probe = Probe.pick(np.zeros((6, 3)), ["a", "b", "a", "b", "a", "b"], per_class=2)
        >>> probe.labels.tolist(), probe.class_names
        ([0, 0, 1, 1], ['a', 'b'])
        """
        per_class = arguments.whole("Probe.pick(per_class=...)", per_class, least=1)
        seed = arguments.whole("Probe.pick(seed=...)", seed, least=0)
        inputs = _named_inputs(_PICKED, x)
        numbers, names = _class_numbers(_PICKED, y)
        given = _texts(_PICKED, "texts", texts)
        sizes = {name: len(values) for name, values in inputs.items()}
        if given is not None:
            sizes["texts"] = len(given)
        if any(size != len(numbers) for size in sizes.values()):
            raise SpecError(
                f"Inputs and labels differ in length: {sizes} against {len(numbers)} labels. "
                "Pass one label per example."
            )
        if numbers.ndim != 1 or not are_whole(numbers):
            raise SpecError(
                f"Labels to pick by must be classes, got {numbers.dtype} of shape {numbers.shape}. "
                "For targets that are not classes choose examples yourself: Probe(x[:32], y[:32])."
            )
        chosen = _stratified(numbers, per_class, seed)
        return cls(
            {name: values[chosen] for name, values in inputs.items()},
            numbers[chosen],
            class_names=names if class_names is None else class_names,
            texts=None if given is None else [given[index] for index in chosen],
            vocabulary=vocabulary,
            kind=kind,
            feature_names=feature_names,
        )

    @classmethod
    def from_texts(
        cls,
        texts: Sequence[str],
        vectorize: Vectorize,
        labels: npt.ArrayLike | None = None,
        *,
        vocabulary: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        kind: str | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> Self:
        """Make a probe of texts, for a network that takes token numbers.

        Parameters
        ----------
        texts : sequence of str
            The original texts, which are kept.
        vectorize : callable
            An adapted ``TextVectorization`` layer, or any function or tokenizer that turns a list
            of texts into numbers (text, token).
        labels : array_like, optional
            As for `Probe`.
        vocabulary : sequence of str, optional
            Token strings by token number; by default what `vectorize` says about itself.
        class_names, kind, feature_names : optional
            As for `Probe`.

        Raises
        ------
        SpecError
            `vectorize` gives no whole numbers, or what was given does not fit together.

        Examples
        --------
        >>> words = ["", "[UNK]", "good", "film"]
        >>> def vectorize(texts):
        ...     return [[words.index(word) for word in text.split()] for text in texts]
        >>> probe = Probe.from_texts(["good film", "film"], vectorize, vocabulary=words)
        >>> probe.inputs["input"].tolist(), probe.kind
        ([[2, 3], [3, 0]], 'text')
        """
        if not callable(vectorize):
            arguments.refuse("Probe.from_texts(vectorize=...)", vectorize, "a layer or a function")
        texts = arguments.texts("Probe.from_texts(texts=...)", texts)
        found = vocabulary_of(vectorize) if vocabulary is None else vocabulary
        inputs = token_numbers(texts, vectorize)
        return cls(
            inputs,
            labels,
            class_names=class_names,
            texts=texts,
            vocabulary=found,
            kind=kind,
            feature_names=feature_names,
        )

    def to_spec(self) -> ProbeSpec:
        """Describe the probe for the store."""
        return ProbeSpec(
            inputs=self.inputs,
            kind=self.kind,
            dims={name: _dims(self.kind, values) for name, values in self.inputs.items()},
            labels=self.labels,
            class_names=self.class_names,
            texts=self.texts,
            vocabulary=self.vocabulary,
            feature_names=self.feature_names,
        )

    def _problems(self) -> list[str]:
        if not self.inputs:
            return ["there is no input; pass an array, or a dict of arrays by input name"]
        found = []
        for name, values in self.inputs.items():
            if values.ndim == 0 or values.size == 0:
                found.append(f"input {name!r} has shape {values.shape}; pass at least one example")
            elif values.dtype.kind not in "biuf":
                found.append(f"input {name!r} holds {values.dtype}; pass numbers")
        if found:
            return found
        sizes = {name: len(values) for name, values in self.inputs.items()}
        if self.labels is not None and not self.labels.ndim:
            return ["labels is a single number; pass one for each example"]
        if self.labels is not None:
            sizes["labels"] = len(self.labels)
        if self.texts is not None:
            sizes["texts"] = len(self.texts)
        if len(set(sizes.values())) > 1:
            found.append(f"lengths differ: {sizes}; pass one entry of each per example")
        if self.kind not in PROBE_KINDS:
            found.append(f"kind {self.kind!r} is not one of {listed(PROBE_KINDS)}")
        found.extend(self._label_problems())
        found.extend(self._vocabulary_problems())
        found.extend(self._feature_problems())
        return found

    def _label_problems(self) -> list[str]:
        if self.labels is None or self.class_names is None:
            return []
        if self.labels.ndim != 1 or not are_whole(self.labels):
            return ["class_names were given, but the labels are not class numbers"]
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.class_names):
            return [
                f"labels run from {low} to {high}, but there are {len(self.class_names)} "
                "class_names; pass one name for every class"
            ]
        return []

    def _feature_problems(self) -> list[str]:
        names = self.feature_names
        if names is None:
            return []
        first = next(iter(self.inputs.values()))
        if self.kind != "tabular" or len(self.inputs) > 1:
            return ["feature_names were given, but the probe is not one table"]
        if first.ndim != 2 or first.shape[1] != len(names):
            return [
                f"the input has shape {first.shape}, but there are {len(names)} feature_names; "
                "pass one name for every feature"
            ]
        return []

    def _vocabulary_problems(self) -> list[str]:
        first = next(iter(self.inputs.values()))
        if self.vocabulary is None or not are_whole(first):
            return []
        low, high = int(first.min()), int(first.max())
        if low < 0 or high >= len(self.vocabulary):
            return [
                f"token numbers run from {low} to {high}, but the vocabulary has "
                f"{len(self.vocabulary)} entries; pass one string for every number"
            ]
        return []


def check_probe(argument: str, value: Any) -> Any:
    """Require a probe, or some by the names of a model's parts; `argument` is what errors call it.

    Raises
    ------
    ArgumentError
        It is something else.
    """
    if not isinstance(value, Mapping):
        expected = "a Probe such as Probe(x_test[:64], y_test[:64])"
        arguments.instance(argument, value, Probe, expected)
    elif not value or not all(
        isinstance(name, str) and isinstance(probe, Probe) for name, probe in value.items()
    ):
        expected = 'probes by the names of a model\'s parts, such as {"generator": Probe(z)}'
        arguments.refuse(argument, value, expected)
    return value


# Of `Probe.pick`.
_PICKED = Words("probe", "Probe.pick", {"inputs": "x", "labels": "y"})


def _named_inputs(
    words: Words, inputs: npt.ArrayLike | Mapping[str, npt.ArrayLike]
) -> dict[str, Array]:
    argument = words.argument("inputs")
    if isinstance(inputs, Mapping):
        return {str(name): _array(argument, values) for name, values in inputs.items()}
    return {SINGLE_INPUT: _array(argument, inputs)}


def _array(argument: str, values: npt.ArrayLike) -> Array:
    try:
        return np.asarray(values)
    except ValueError:  # rows of different lengths
        arguments.refuse(argument, values, "an array, or rows of one length")


def _texts(words: Words, name: str, values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else arguments.texts(words.argument(name), values)


def _class_numbers(words: Words, labels: npt.ArrayLike) -> tuple[Array, list[str] | None]:
    """Turn strings and one-hot rows into class numbers; leave other targets alone."""
    values = _array(words.argument("labels"), labels)
    if values.dtype.kind in "US" or (
        values.dtype.kind == "O" and all(isinstance(value, str) for value in values.flat)
    ):
        names, numbers = np.unique(values.astype(str), return_inverse=True)
        return numbers.astype(np.int64), [str(name) for name in names]
    if values.dtype.kind not in "biuf":
        raise SpecError(
            f"{words.argument('labels')} holds {values.dtype}; pass class numbers, class names or "
            "targets."
        )
    if values.ndim == 2 and values.shape[1] == 1 and are_whole(values):
        return values[:, 0].astype(np.int64), None
    one_hot = (
        values.ndim == 2
        and values.shape[1] > 1
        and bool(np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all())
    )
    if one_hot:
        return values.argmax(axis=1).astype(np.int64), None
    if values.ndim == 1 and values.size and are_whole(values):
        return values.astype(np.int64), None
    return values, None


def are_whole(values: Array) -> bool:
    """Whether all values are whole numbers, of whatever data type."""
    if values.dtype.kind in "biu":
        return True
    return values.dtype.kind == "f" and bool((np.mod(values, 1) == 0).all())


def _stratified(numbers: Array, per_class: int, seed: int) -> list[int]:
    """Choose indices, class after class."""
    generator = np.random.default_rng(seed)
    chosen: list[int] = []
    for label in np.unique(numbers):
        candidates = np.flatnonzero(numbers == label)
        count = min(per_class, len(candidates))
        chosen.extend(int(index) for index in generator.choice(candidates, count, replace=False))
    return chosen


def _infer_kind(values: Array, *, is_text: bool) -> str:
    if values.ndim == 4 and (
        values.shape[-1] in IMAGE_CHANNELS or values.shape[1] in IMAGE_CHANNELS
    ):
        return "image"
    if values.ndim == 3:
        square = values.shape[1] == values.shape[2] >= SMALLEST_IMAGE
        return "image" if values.dtype == np.uint8 or (square and not is_text) else "other"
    if values.ndim == 2:
        return "text" if is_text and values.dtype.kind in "iu" else "tabular"
    return "other"


def _dims(kind: str, values: Array) -> tuple[str, ...]:
    if kind == "image" and values.ndim == 4:
        last, first = values.shape[-1] in IMAGE_CHANNELS, values.shape[1] in IMAGE_CHANNELS
        if first and not last:
            return (PROBE_DIM, "channel", "y", "x")
        return (PROBE_DIM, "y", "x", "channel")
    if kind == "image" and values.ndim == 3:
        return (PROBE_DIM, "y", "x")
    if kind == "text" and values.ndim == 2:
        return (PROBE_DIM, "token")
    if kind == "tabular" and values.ndim == 2:
        return (PROBE_DIM, "feature")
    return (PROBE_DIM, *(f"dim_{axis}" for axis in range(1, values.ndim)))

"""The probe: the few fixed inputs that are sent through the network at every recorded step."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from recorder import arguments
from recorder.arguments import Words
from recorder.given import Given, changed, inputs_of
from recorder.kinds import dims_of, kind_of
from recorder.labels import Labels, are_whole, check_task, class_numbers
from recorder.texts import Vectorize, token_numbers, vocabulary_of
from store.errors import SpecError, listed
from store.format.names import PROBE_KINDS, Array, distinct_dims
from store.format.spec import ProbeSpec
from store.format.spec_check import RESERVED_PROBE_NAMES

# Names that no dimension of an input may have: it is an array of the same group.
OWN_DIM = "of"


class Probe:
    """The few fixed inputs that are sent through the network at every recorded step.

    Every recorded step holds each layer's output for all of them, so its bytes and its time grow
    with their number.

    Parameters
    ----------
    inputs : array_like, or lists, tuples and dicts of them
        What the network is given, as ``model.fit`` is given it: one array (probe, ...), or several
        in any structure; numbers or texts; ragged and sparse tensors. A list of arrays is several
        inputs; of the rows of one make an array by ``numpy.stack``. Several inputs whose first
        axes differ (nodes and edges of a graph) have no entry for each probe.
    labels : array_like, optional
        Class numbers (probe,), one-hot rows or shares (probe, class), class names (probe,) as
        strings; several tags of each as yes and no (probe, tag) or as lists of their names; or
        target values (probe, ...).
    class_names : sequence of str, optional
        Names by class number, or by tag. Taken from the labels when those are strings.
    texts : sequence of str, optional
        The original text of each probe. Inputs that are texts are kept as such.
    vocabulary : sequence of str, optional
        Token strings by token number, for instance ``TextVectorization.get_vocabulary()``.
    feature_names : sequence of str, optional
        Names of the features of a tabular probe, of its only input. Taken from the columns of a
        table that has names for them.
    kind : {"image", "text", "tabular", "signal", "volume", "video", "other"}, optional
        Decides how the explorer shows and calls the inputs. Inferred when left out: four dimensions
        with 1, 3 or 4 channels, or three of bytes, are images; other three dimensions of fractions
        are signals (probe, time, channel); five are volumes, or videos where a layer takes them
        picture by picture; whole numbers in two dimensions with a vocabulary or texts, or
        that an embedding looks up, are texts; others of one or two dimensions are tabular.
    task : {"classes", "tags", "values", "sequence", "mask", "image", "none"}, optional
        What the labels ask of the network: one class of several, some of several tags, numbers, a
        row of answers, an answer for each pixel, an image, or nothing. By default it follows from
        the loss that the model is compiled with.

    Raises
    ------
    SpecError
        What was given is inconsistent; the message lists every problem.

    Examples
    --------
    >>> Probe(np.zeros((8, 28, 28, 1)), labels=range(8)).kind
    'image'
    >>> Probe([np.zeros((8, 5)), np.zeros((8, 6))]).inputs.keys()
    dict_keys(['input_0', 'input_1'])
    """

    words: ClassVar[Words] = Words("probe", "Probe")

    def __init__(
        self,
        inputs: Any,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        texts: Sequence[str] | None = None,
        vocabulary: Sequence[str] | None = None,
        kind: str | None = None,
        feature_names: Sequence[str] | None = None,
        task: str | None = None,
    ) -> None:
        words = self.words
        self.given = inputs
        self._inputs = inputs_of(inputs, RESERVED_PROBE_NAMES, words.argument("inputs"))
        task = check_task(words.argument("task"), task)
        self.texts = _texts(words, "texts", texts) or _texts_of(self._inputs)
        self.vocabulary = _texts(words, "vocabulary", vocabulary)
        names = _texts(words, "class_names", class_names)
        self._labels = Labels.of(labels, names, task, words.argument("labels"))
        self.kind_is_given = kind is not None
        self.kind = self._kind() if kind is None else arguments.plain(kind)
        own_names = _columns(inputs) if self.kind == "tabular" else None
        self.feature_names = _texts(words, "feature_names", feature_names) or own_names
        found = self._problems()
        if found:
            raise SpecError(f"The {words.called} is inconsistent:\n- " + "\n- ".join(found))

    @property
    def inputs(self) -> dict[str, Array]:
        """The inputs that are stored, by name: (probe, ...) each."""
        return {
            given.name: given.array
            for given in self._inputs
            if given.array is not None and _is_stored(given)
        }

    @property
    def labels(self) -> Array | None:
        """Class numbers (probe,), or what else the network is to answer (probe, ...)."""
        return self._labels.values

    @property
    def class_names(self) -> list[str] | None:
        """Names by class number, or by tag."""
        return self._labels.names

    @property
    def task(self) -> str | None:
        """What the labels ask of the network, as far as it was said."""
        return self._labels.task

    @property
    def size(self) -> int | None:
        """How many probes there are; None where neither inputs nor labels nor texts tell it."""
        if self.is_along_probes:
            return len(self)
        kept = (each for each in (self.labels, self.texts) if each is not None)
        return next((len(each) for each in kept), None)

    @property
    def is_along_probes(self) -> bool:
        """Whether each input has an entry for each probe: not so the nodes and edges of a graph."""
        return len({given.shape[0] for given in self._inputs if given.shape}) == 1

    def __len__(self) -> int:
        return self._inputs[0].shape[0]

    def __repr__(self) -> str:
        shapes = ", ".join(f"{given.name} {given.shape}" for given in self._inputs)
        return f"{self.words.made_by}({shapes}, kind={self.kind!r})"

    @property
    def names(self) -> list[str]:
        """The name of each input in the run, in the order of the structure."""
        return [given.name for given in self._inputs]

    @classmethod
    def pick(
        cls,
        x: Any,
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
        x : array_like, or lists, tuples and dicts of them
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
        labels = Labels.of(y, None, None, _PICKED.argument("labels"))
        values = labels.values
        if values is None or not values.ndim:
            arguments.refuse(_PICKED.argument("labels"), y, "the class of each example")
        numbers = class_numbers(values)
        given = _texts(_PICKED, "texts", texts)
        inputs = inputs_of(x, argument=_PICKED.argument("inputs"))
        sizes = {each.name: each.shape[0] for each in inputs}
        if given is not None:
            sizes["texts"] = len(given)
        if any(size != len(values) for size in sizes.values()):
            raise SpecError(
                f"Inputs and labels differ in length: {sizes} against {len(values)} labels. "
                f"Pass one label per example.{_STACK if len(sizes) > 1 else ''}"
            )
        if numbers is None:
            raise SpecError(
                f"Labels to pick by must be classes, got {values.dtype} of shape {values.shape}. "
                "For targets that are not classes choose examples yourself: Probe(x[:32], y[:32])."
            )
        chosen = _stratified(numbers, per_class, seed)
        return cls(
            changed(x, lambda values: values[chosen]),
            numbers[chosen],
            class_names=labels.names if class_names is None else class_names,
            texts=None if given is None else [given[index] for index in chosen],
            vocabulary=vocabulary,
            kind=kind,
            feature_names=feature_names or _columns(x),
            task="classes",
        )

    @classmethod
    def from_texts(
        cls,
        texts: Sequence[str],
        vectorize: Vectorize,
        labels: Any = None,
        *,
        vocabulary: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
        kind: str | None = None,
        feature_names: Sequence[str] | None = None,
        task: str | None = None,
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
        class_names, kind, feature_names, task : optional
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
            task=task,
        )

    def to_spec(self, kind: str | None = None, labels: Labels | None = None) -> ProbeSpec:
        """Describe the probe for the store.

        Parameters
        ----------
        kind : str, optional
            What the inputs are, where the network's layers have told more than `kind` says.
        labels : Labels, optional
            The labels, where the network's loss has told what they ask.
        """
        kind = self.kind if kind is None else kind
        known = self._labels if labels is None else labels
        kinds = self._kinds(kind)
        taken: dict[str, int] = {}
        dims = {
            name: distinct_dims(
                _own_names(self._dims(name, kinds[name], values), name),
                values.shape,
                taken,
                name,
            )
            for name, values in self.inputs.items()
        }
        return ProbeSpec(
            inputs=self.inputs,
            kind=kind,
            dims=dims,
            labels=known.values,
            class_names=known.names,
            texts=self.texts,
            vocabulary=self.vocabulary,
            feature_names=self.feature_names,
            task=known.task,
            kinds={name: each for name, each in kinds.items() if each != kind},
            present={
                given.name: given.present()
                for given in self._inputs
                if given.form == "ragged" and _is_stored(given)
            },
            not_stored={
                given.name: {
                    "dtype": given.dtype,
                    "shape": list(given.shape),
                    "form": given.form,
                    "sha256": _digest(given),
                }
                for given in self._inputs
                if not _is_stored(given)
            },
        )

    def _kinds(self, kind: str) -> dict[str, str]:
        """Say what each input that is stored is: the first one is of the probe's kind."""
        first = next(iter(self.inputs), None)
        return {
            name: kind
            if name == first or len(self._inputs) == 1
            else kind_of(values, is_text=False)
            for name, values in self.inputs.items()
        }

    def _kind(self) -> str:
        first = next((each for each in self._inputs if _is_stored(each)), None)
        first = first or next(iter(self._inputs), None)
        if first is None or first.array is None:
            return "other"
        is_text = self.vocabulary is not None or self.texts is not None
        return kind_of(first.array, is_text=is_text and not first.is_text and self._is_alone)

    @property
    def _is_alone(self) -> bool:
        """Whether no input is of texts: those of the probe then belong to its numbers."""
        return not any(given.is_text for given in self._inputs)

    def _dims(self, name: str, kind: str, values: Array) -> tuple[str, ...]:
        if self.is_along_probes:
            return dims_of(kind, values)
        return (f"row_of_{name}", *(f"dim_{axis}" for axis in range(1, values.ndim)))

    def _problems(self) -> list[str]:
        if not self._inputs:
            return ["there is no input; pass an array, or several as model.fit takes them"]
        found = []
        for given in self._inputs:
            if 0 in given.shape:
                found.append(
                    f"input {given.name!r} has shape {given.shape}; pass at least one example"
                )
            elif not (_is_stored(given) or given.is_text or given.array is None):
                found.append(f"input {given.name!r} holds {given.dtype}; pass numbers or texts")
        if found:
            return found
        sizes: dict[str, int] = {}
        if self.is_along_probes:
            sizes = {given.name: given.shape[0] for given in self._inputs}
        if self.labels is not None and self.labels.ndim:
            sizes["labels"] = len(self.labels)
        if self.texts is not None:
            sizes["texts"] = len(self.texts)
        if len(set(sizes.values())) > 1:
            found.append(
                f"lengths differ: {sizes}; pass one entry of each per example."
                f"{_STACK if len(self._inputs) > 1 else ''}"
            )
        if self.kind not in PROBE_KINDS:
            found.append(f"kind {self.kind!r} is not one of {listed(PROBE_KINDS)}")
        found.extend(self._labels.problems())
        found.extend(self._vocabulary_problems())
        found.extend(self._feature_problems())
        return found

    def _feature_problems(self) -> list[str]:
        names = self.feature_names
        if names is None:
            return []
        first = next(iter(self.inputs.values()), None)
        if self.kind != "tabular" or first is None or len(self.inputs) > 1:
            return ["feature_names were given, but the probe is not one table"]
        if first.ndim != 2 or first.shape[1] != len(names):
            return [
                f"the input has shape {first.shape}, but there are {len(names)} feature_names; "
                "pass one name for every feature"
            ]
        return []

    def _vocabulary_problems(self) -> list[str]:
        first = next(iter(self.inputs.values()), None)
        if self.vocabulary is None or first is None or not are_whole(first):
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


# What a list of arrays may have been meant to be.
_STACK = " A list of arrays is several inputs; make one of rows by numpy.stack."
# Of `Probe.pick`.
_PICKED = Words("probe", "Probe.pick", {"inputs": "x", "labels": "y"})


def _is_stored(given: Given) -> bool:
    return given.array is not None and given.array.dtype.kind in "biuf"


def _texts(words: Words, name: str, values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else arguments.texts(words.argument(name), values)


def _texts_of(inputs: Sequence[Given]) -> list[str] | None:
    """Give what the inputs that are texts say of each probe, if any are."""
    columns = {
        each.name: [", ".join(row) for row in each.array.reshape(len(each.array), -1).tolist()]
        for each in inputs
        if each.is_text and each.array is not None and each.array.ndim
    }
    if len({len(column) for column in columns.values()}) != 1:
        return None
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [
        "; ".join(f"{name}: {text}" for name, text in zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def _columns(inputs: Any) -> list[str] | None:
    """Give the names of the columns of a table that has them, such as one of pandas."""
    columns = getattr(inputs, "columns", None)
    return None if columns is None else [str(column) for column in columns]


def _own_names(dims: Sequence[str], name: str) -> tuple[str, ...]:
    """Rename dimensions that are called as the input itself: xarray would take it for an index."""
    return tuple(f"{dim}_{OWN_DIM}_{name}" if dim == name else dim for dim in dims)


def _digest(given: Given) -> str:
    """Digest what an input holds that is not stored."""
    if given.array is not None:
        content = "\0".join(map(str, given.array.ravel().tolist())).encode()
    else:
        parts = (given.value.indices, getattr(given.value, "indptr", ()), _values_of(given.value))
        content = b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
    return hashlib.sha256(content).hexdigest()


def _values_of(sparse: Any) -> Any:
    return sparse.values if hasattr(sparse, "dense_shape") else sparse.data


def _stratified(numbers: Array, per_class: int, seed: int) -> list[int]:
    """Choose indices, class after class."""
    generator = np.random.default_rng(seed)
    chosen: list[int] = []
    for label in np.unique(numbers):
        candidates = np.flatnonzero(numbers == label)
        count = min(per_class, len(candidates))
        chosen.extend(int(index) for index in generator.choice(candidates, count, replace=False))
    return chosen

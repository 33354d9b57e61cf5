"""What a Keras model is given: tensors in the structure that it takes, and whether they fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recorder.given import Given, inputs_of, rebuilt
from recorder.labels import are_whole
from recorder.probe import Probe
from store.errors import SpecError, listed
from store.format.names import Array


@dataclass(frozen=True, slots=True)
class Feed:
    """Inputs as tensors, in the structure in which a user gives them.

    Attributes
    ----------
    names : tuple of str
        The name of each input in the run.
    values : tuple of (tf.Tensor or tf.RaggedTensor or tf.SparseTensor)
        What each one is.
    """

    names: tuple[str, ...]
    values: tuple[Any, ...]
    _structure: Any

    @classmethod
    def of(cls, probe: Probe) -> Feed:
        """Make tensors of what a probe or an evaluation holds."""
        inputs = inputs_of(probe.given)
        return cls(tuple(probe.names), tuple(map(_tensor, inputs)), probe.given)

    @classmethod
    def like(cls, model: Any) -> Feed | None:
        """Make one example of zeros, as a model takes it; None where it does not say what that is.

        Raises
        ------
        TypeError, ValueError
            It takes texts, or a size is not known.
        """
        import keras

        expected = _expected(model)
        if expected is None:
            return None
        structure = keras.tree.map_structure(_zeros, expected)
        inputs = inputs_of(structure)
        return cls(tuple(given.name for given in inputs), tuple(map(_tensor, inputs)), structure)

    @property
    def size(self) -> int:
        """Length of the first axis of the first input: how many probes there are, mostly."""
        return int(self.values[0].shape[0])

    @property
    def components(self) -> list[Any]:
        """The plain tensors that the inputs are made of."""
        return [part for parts in self._parts() for part in parts]

    @property
    def origins(self) -> list[str]:
        """Which input each of the components is of."""
        return [name for name, parts in zip(self.names, self._parts(), strict=True) for _ in parts]

    def signature(self, *, any_length: bool = False) -> list[Any]:
        """Give the specification of each component.

        Parameters
        ----------
        any_length : bool
            Whether those of ragged and sparse tensors may have another size, as batches have.
        """
        import tensorflow as tf

        specs = []
        for value, parts in zip(self.values, self._parts(), strict=True):
            free = any_length and not isinstance(value, tf.Tensor)
            for part in parts:
                shape = [None, *part.shape[1:]] if free and part.shape.rank else part.shape
                specs.append(tf.TensorSpec(shape, part.dtype))
        return specs

    def made_of(self, components: Sequence[Any]) -> Feed:
        """Give the feed that is made of other components."""
        import tensorflow as tf

        left = iter(components)
        values = []
        for value, parts in zip(self.values, self._parts(), strict=True):
            packed = tf.nest.pack_sequence_as(
                value, [next(left) for _ in parts], expand_composites=True
            )
            if isinstance(packed, tf.SparseTensor):
                packed.set_shape([None, *value.shape[1:]])
            values.append(packed)
        return replace(self, values=tuple(values))

    def rows(self, chosen: Array) -> Feed:
        """Give the feed of some of the examples."""
        import tensorflow as tf

        return replace(
            self,
            values=tuple(
                tf.sparse.from_dense(tf.gather(tf.sparse.to_dense(value), chosen))
                if isinstance(value, tf.SparseTensor)
                else tf.gather(value, chosen)
                for value in self.values
            ),
        )

    def one_more(self) -> Feed:
        """Give the feed that has the first example once more, at its end."""
        import tensorflow as tf

        return replace(
            self,
            values=tuple(
                tf.sparse.concat(0, [value, _first_of(value)])
                if isinstance(value, tf.SparseTensor)
                else tf.concat([value, value[:1]], axis=0)
                for value in self.values
            ),
        )

    def arranged(self, model: Any) -> Any:
        """Arrange the tensors as a model takes them: in the structure in which they were given.

        Where a model says that it takes another one, by the names of its inputs or in their order.
        """
        import keras

        given = rebuilt(self._structure, iter(self.values))
        expected = _expected(model)
        if expected is None or _is_alike(given, expected):
            return given
        order = _order(self._paths(), keras.tree.flatten(expected))
        if order is None:
            return given
        return keras.tree.pack_sequence_as(expected, [self.values[number] for number in order])

    def tensors_of(self, model: Any) -> dict[str, Any]:
        """Give the symbolic input of a model that takes each of the inputs, by name.

        Empty for a model that does not say what it takes.
        """
        import keras

        expected = _expected(model)
        if expected is None:
            return {}
        numbered = rebuilt(self._structure, iter(range(len(self.values))))
        tensors = keras.tree.flatten(expected)
        if _is_alike(numbered, expected):
            order = keras.tree.flatten(numbered)
        else:
            order = _order(self._paths(), tensors) or []
        return {self.names[number]: tensor for number, tensor in zip(order, tensors, strict=False)}

    def _paths(self) -> list[tuple[str | int, ...]]:
        return [given.path for given in inputs_of(self._structure)]

    def _parts(self) -> Iterator[list[Any]]:
        import tensorflow as tf

        return (tf.nest.flatten(value, expand_composites=True) for value in self.values)


def _zeros(tensor: Any) -> Array:
    return np.zeros((1, *tensor.shape[1:]), str(tensor.dtype))


def _first_of(sparse: Any) -> Any:
    import tensorflow as tf

    return tf.sparse.slice(sparse, [0] * len(sparse.shape), [1, *sparse.shape[1:]])


def _tensor(given: Given) -> Any:
    import tensorflow as tf

    if hasattr(given.value, "toarray"):  # of SciPy
        entries = given.value.tocoo()
        indices = list(zip(entries.row.tolist(), entries.col.tolist(), strict=True))
        sparse = tf.SparseTensor(indices, entries.data, entries.shape)
        return tf.sparse.reorder(sparse)
    return given.value if given.form != "dense" else tf.constant(given.value)


def _expected(model: Any) -> Any:
    """Give the symbolic inputs of a model in its structure; None where it does not say."""
    try:
        return model.input
    except (AttributeError, ValueError):  # one that is no graph of layers
        known = list(getattr(model, "inputs", None) or [])  # a subclassed model says nothing
        return known[0] if len(known) == 1 else known or None


def _is_alike(given: Any, expected: Any) -> bool:
    """Whether two structures are the same to Keras, to which a tuple is a list."""
    import keras

    plain = keras.tree.lists_to_tuples
    try:
        keras.tree.assert_same_structure(plain(given), plain(expected))
    except (ValueError, TypeError):
        return False
    return True


def _order(paths: Sequence[tuple[str | int, ...]], tensors: Sequence[Any]) -> list[int] | None:
    """Find which input each tensor of a model takes, by name or, where there are none, by place."""
    if len(paths) == len(tensors) == 1:
        return [0]
    by_name = {path[0]: number for number, path in enumerate(paths) if len(path) == 1}
    names = [tensor.name for tensor in tensors]
    if all(name in by_name for name in names):
        return [by_name[name] for name in names]
    have_names = any(isinstance(key, str) for path in paths for key in path)
    return None if have_names or len(paths) != len(tensors) else list(range(len(paths)))


def check_fits(probe: Probe, model: Any) -> None:
    """Raise `SpecError` when the inputs do not fit a built model.

    Parameters
    ----------
    probe : Probe
        The inputs.
    model : keras.Model
        A model whose ``inputs`` are known; of others nothing can be said before they run.
    """
    expected = list(getattr(model, "inputs", None) or [])
    if not expected:
        return
    taken = Feed.of(probe).tensors_of(model)
    given = dict(zip(probe.names, inputs_of(probe.given), strict=True))
    called = probe.words.called
    found = [] if taken else _missing(probe, [tensor.name for tensor in expected])
    found += [
        problem
        for name, tensor in taken.items()
        if (problem := _misfit(name, given[name], tensor, called)) is not None
    ]
    if found:
        raise SpecError(
            f"The {probe.words.called} does not fit the model {model.name!r}:\n- "
            + "\n- ".join(found)
            + f"\nPass {probe.words.argument('inputs')} in the form that model.fit() accepts."
        )


def _missing(probe: Probe, expected: Sequence[str]) -> list[str]:
    """Say which inputs a probe lacks, or has that the model does not know."""
    called = probe.words.called
    if not isinstance(probe.given, Mapping):
        count = f"{len(probe.names)} input{'s' if len(probe.names) > 1 else ''}"
        return [
            f"the model takes {len(expected)} ({listed(expected)}), the {called} has {count}. A "
            "list of arrays is several inputs; make one of rows by numpy.stack"
        ]
    missing = [name for name in expected if name not in probe.given]
    unknown = [str(name) for name in probe.given if name not in expected]
    found = []
    if missing:
        found.append(f"the model's inputs {listed(missing)} are missing from the {called}")
    if unknown:
        found.append(f"the model has no inputs {listed(unknown)}")
    return found


def _misfit(name: str, given: Given, tensor: Any, called: str) -> str | None:
    dtype = str(tensor.dtype)
    # A model that was built by a batch names that batch's size, and takes any other as well.
    shape = (None, *tensor.shape[1:])
    if given.is_text != (dtype == "string"):
        return f"input {name!r} expects {dtype}, the {called} holds {given.dtype}"
    values = given.array
    if dtype.startswith(("int", "uint")) and values is not None and not are_whole(values):
        return f"input {name!r} expects {dtype} numbers, the {called} holds {given.dtype} fractions"
    if given.form == "ragged" or _shapes_match(given.shape, shape):
        return None
    expected = "(" + ", ".join("any" if size is None else str(size) for size in shape) + ")"
    return f"input {name!r} expects shape {expected}, the {called} has shape {given.shape}"


def _shapes_match(given: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    # Keras itself adds or drops a last axis of one, so that gray images may come without channel.
    if len(given) == len(expected) + 1 and given[-1] == 1:
        given = given[:-1]
    elif len(given) == len(expected) - 1 and expected[-1] == 1:
        given = (*given, 1)
    return len(given) == len(expected) and all(
        size is None or size == length for length, size in zip(given, expected, strict=True)
    )

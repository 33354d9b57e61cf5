"""What a network is given: one array, or several in the structure in which `fit` gives them.

No framework is imported here. Ragged and sparse tensors are known by what they can do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from recorder import arguments
from store.errors import SpecError
from store.format.names import Array, safe_name

SINGLE_INPUT = "input"
# What a sparse input may take once it is dense; a larger one is described, not stored.
MOST_DENSE_BYTES = 16_000_000

Form = Literal["dense", "ragged", "sparse"]


@dataclass(frozen=True, slots=True)
class Given:
    """One input of a network.

    Attributes
    ----------
    name : str
        Its name in the run.
    path : tuple of (str or int)
        Its place in the structure: keys and positions, from the outside.
    value : Any
        What the network is given: an array, or a ragged or sparse tensor.
    form : {"dense", "ragged", "sparse"}
        How the value keeps its numbers.
    array : ndarray or None
        The same as one array (example, ...): a ragged one filled up with 0 or with empty texts,
        a sparse one with its zeros. None where that would be too large.
    lengths : list of list of int
        Of a ragged input: the lengths of its rows, for each ragged dimension from the outside.
    """

    name: str
    path: tuple[str | int, ...]
    value: Any
    form: Form
    array: Array | None
    lengths: tuple[tuple[int, ...], ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether it holds texts."""
        return self.array is not None and self.array.dtype.kind == "U"

    def present(self) -> Array:
        """Say which values of a ragged input are its own: True, in the shape of `array`."""
        own = np.ones(self.shape, bool)
        cells: list[tuple[int, ...]] = [(row,) for row in range(self.shape[0])]
        for lengths in self.lengths:
            for cell, length in zip(cells, lengths, strict=True):
                own[cell][length:] = False
            cells = [
                (*cell, place)
                for cell, length in zip(cells, lengths, strict=True)
                for place in range(length)
            ]
        return own

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, of a ragged input that of the array that is filled up."""
        return tuple(int(n) for n in (self.value if self.array is None else self.array).shape)

    @property
    def dtype(self) -> str:
        """Its data type, ``string`` of texts."""
        if self.is_text:
            return "string"
        kept = self.value if self.array is None else self.array
        return str(getattr(kept.dtype, "name", kept.dtype))


def inputs_of(
    structure: Any, taken: tuple[str, ...] = (), argument: str = "inputs=..."
) -> list[Given]:
    """Find every input in a structure of them.

    Parameters
    ----------
    structure : Any
        An array; or lists, tuples and dicts of them, nested in any way. A list of numbers, texts
        or rows of numbers is one array, as NumPy reads it.
    taken : tuple of str
        Names that none may have.
    argument : str
        What an error calls the structure.

    Raises
    ------
    ArgumentError
        Rows of one array differ in length, or it is no array at all.

    Examples
    --------
    >>> [given.name for given in inputs_of({"image": np.zeros(2), "pair": [np.zeros(2)] * 2})]
    ['image', 'pair.0', 'pair.1']
    """
    names = list(taken)
    found = []
    for path, value in _leaves(structure, ()):
        name = safe_name(_name(path), names)
        names.append(name)
        found.append(_given(name, path, value, argument))
    return found


def rebuilt(structure: Any, values: Iterator[Any]) -> Any:
    """Put other values into a structure, in the order of `inputs_of`.

    Examples
    --------
    >>> rebuilt({"a": np.zeros(2), "b": (np.zeros(2), np.ones(2))}, iter("xyz"))
    {'a': 'x', 'b': ('y', 'z')}
    """
    if structure is None:  # an optional input that is left out
        return None
    if isinstance(structure, Mapping):
        return {key: rebuilt(part, values) for key, part in structure.items()}
    if _is_several(structure):
        parts = [rebuilt(part, values) for part in structure]
        if hasattr(structure, "_fields"):  # a named tuple
            return type(structure)(*parts)
        return parts if isinstance(structure, list) else tuple(parts)
    return next(values)


def changed(structure: Any, change: Callable[[Array], Any]) -> Any:
    """Give the structure with each of its arrays changed, for instance to some of its rows.

    Raises
    ------
    SpecError
        One of them is ragged or sparse.
    """
    inputs = inputs_of(structure)
    for given in inputs:
        if given.form != "dense":
            raise SpecError(
                f"Input {given.name!r} is {given.form}: choose its rows yourself, for instance "
                "Probe(x[:32], y[:32])."
            )
    return rebuilt(structure, iter([change(given.value) for given in inputs]))


def _leaves(
    structure: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(structure, Mapping):
        for key, part in structure.items():
            yield from _leaves(part, (*path, str(key)))
    elif _is_several(structure):
        keys = getattr(structure, "_fields", range(len(structure)))  # a named tuple has names
        for key, part in zip(keys, structure, strict=True):
            yield from _leaves(part, (*path, key))
    elif structure is not None:
        yield path, structure


def _is_several(value: Any) -> bool:
    """Whether a list or tuple is one of inputs: Keras takes for one what holds arrays."""
    return isinstance(value, list | tuple) and any(
        len(getattr(part, "shape", ())) > 0 or isinstance(part, Mapping) or _is_several(part)
        for part in value
    )


def _name(path: tuple[str | int, ...]) -> str:
    if not path:
        return SINGLE_INPUT
    if len(path) == 1 and isinstance(path[0], int):
        return f"{SINGLE_INPUT}_{path[0]}"
    return ".".join(map(str, path))


def _given(name: str, path: tuple[str | int, ...], value: Any, argument: str) -> Given:
    if hasattr(value, "row_splits"):
        lengths = tuple(
            tuple(int(length) for length in np.asarray(each)) for each in value.nested_row_lengths()
        )
        return Given(name, path, value, "ragged", _array(value.to_tensor(), argument), lengths)
    if hasattr(value, "dense_shape") or hasattr(value, "toarray"):
        return Given(name, path, value, "sparse", _dense(value))
    array = _array(value, argument)
    # Texts go to the network as they came: bytes that are no UTF-8 cannot be read as texts.
    own = np.asarray(value) if array.dtype.kind == "U" else array
    return Given(name, path, own, "dense", array)


def _dense(value: Any) -> Array | None:
    """Give a sparse tensor, of TensorFlow or SciPy, as an array, if that is small."""
    shape = tuple(int(size) for size in value.shape)
    if int(np.prod(shape)) * np.dtype(_numpy_type(value)).itemsize > MOST_DENSE_BYTES:
        return None
    if hasattr(value, "toarray"):
        return np.asarray(value.toarray())
    values = np.asarray(value.values)
    dense = np.zeros(shape, values.dtype)
    dense[tuple(np.asarray(value.indices).T)] = values
    return dense


def _numpy_type(value: Any) -> Any:
    return getattr(value.dtype, "as_numpy_dtype", value.dtype)


def _array(values: Any, argument: str) -> Array:
    try:
        array = np.asarray(values)
    except ValueError:
        arguments.refuse(argument, values, _expected(values))
    if not array.ndim:
        arguments.refuse(argument, values, _expected(values))
    if array.dtype.kind == "S" or (array.dtype.kind == "O" and _are_texts(array)):
        return np.array([_text(value) for value in array.flat], np.str_).reshape(array.shape)
    return array


def _expected(values: Any) -> str:
    """Say what is expected instead of what is no array."""
    if isinstance(values, list | tuple):
        return "an array, or rows of one length"
    gives_batches = hasattr(values, "__iter__") or hasattr(values, "__getitem__")
    # A data set, or a generator.
    if gives_batches and not isinstance(values, str | bytes | np.ndarray | np.generic):
        return "arrays, such as those of one batch: x, y = next(iter(data))"
    return "an array (example, ...), or several as model.fit takes them"


def _are_texts(array: Array) -> bool:
    return array.size > 0 and all(isinstance(value, str | bytes) for value in array.flat)


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value

"""Steps that Orbax saved, as `keras.callbacks.OrbaxCheckpoint` writes them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recorder.checkpoints.claims import check_arrays
from store.errors import CheckpointError, MissingExtraError, listed

_FILES = ("_CHECKPOINT_METADATA", "orbax.checkpoint", "pytree.orbax-checkpoint", "pytree")
_ITERATIONS = ("iterations", "iteration")
# Two paths of one variable end with the same names, at least those of its layer and its own.
_LEAST_SHARED = 2


def exists(folder: Path) -> bool:
    """Whether a folder is a step that Orbax saved."""
    return folder.name.isdecimal() and any((folder / name).exists() for name in _FILES)


def iterations(folder: Path) -> int | None:
    """Optimizer updates done, if the optimizer was saved too."""
    saved = dict(_leaves(_state(folder).get("optimizer_variables", {})))
    counts = [value for name, value in saved.items() if name.split("/")[-1] in _ITERATIONS]
    return int(np.asarray(counts[0])) if counts else None


def load(folder: Path, model: Any) -> None:
    """Load the weights of a step into a built model.

    Keras's own loader takes the latest step only, and leaves out variables of other names. But in a
    checkpoint every name may begin with the name of the model that was saved.

    Raises
    ------
    CheckpointError
        They do not fit.
    MissingExtraError
        Orbax is not installed.
    """
    state = _state(folder)
    trees = (state.get(f"{kind}_variables", {}) for kind in ("trainable", "non_trainable"))
    saved = {name: np.asarray(value) for tree in trees for name, value in _leaves(tree)}
    for weight in model.weights:
        shared = {name: _shared_end(name, weight.path) for name in saved}
        most = max(shared.values(), default=0)
        found = [name for name in saved if shared[name] == most]
        fits = len(found) == 1 and saved[found[0]].shape == tuple(weight.shape)
        if most < _LEAST_SHARED or not fits:
            raise CheckpointError(
                f"{folder.name} does not fit the model: nothing in it is {weight.path} of shape "
                f"{tuple(weight.shape)}; it has {listed(sorted(saved))}"
            )
        weight.assign(saved[found[0]])


def _state(folder: Path) -> Mapping[str, Any]:
    try:
        from orbax.checkpoint import v1 as orbax
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{folder} is an Orbax checkpoint, and Orbax is not installed: "
            "pip install orbax-checkpoint"
        ) from error
    claims = orbax.checkpointables_metadata(str(folder)).metadata["pytree"]
    check_arrays(sum(_claimed(leaf) for _, leaf in _leaves(claims)), folder)
    state: Mapping[str, Any] = orbax.load_checkpointables(str(folder), {"pytree": None})["pytree"]
    return state


def _claimed(leaf: Any) -> int:
    """Bytes that an array would take by its metadata; 0 of what is none."""
    if getattr(leaf, "dtype", None) is None:
        return 0
    # A chunk is unpacked whole, however little of it belongs to the array.
    chunk = getattr(getattr(leaf, "storage_metadata", None), "chunk_shape", None) or ()
    values = max(math.prod(leaf.shape), math.prod(chunk))
    return int(values * np.dtype(leaf.dtype).itemsize)


def _shared_end(one: str, other: str) -> int:
    """Count the names that two paths share from their end on."""
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give the arrays of nested dictionaries, by the path to each."""
    if not isinstance(tree, Mapping):
        yield path, tree
        return
    for name, part in tree.items():
        yield from _leaves(part, f"{path}/{name}" if path else str(name))

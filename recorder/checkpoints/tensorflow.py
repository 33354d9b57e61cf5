"""TensorFlow checkpoints: what ``tf.train.Checkpoint`` and Keras 2 wrote.

Such a checkpoint is a graph of the objects that were saved. The network is one of the root's
parts, or the root itself. Keras 2 numbered the layers that have weights, which Keras 3 does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recorder.checkpoints.bundle import INDEX_SUFFIX, check_bundle
from store.errors import CheckpointError, listed

_ITERATIONS = ("_iterations", "iterations", "iter")
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_KERAS2_LAYER = "layer_with_weights-"


def exists(path: Path) -> bool:
    """Whether a path is the prefix of a checkpoint."""
    return index_file(path).is_file()


def index_file(path: Path) -> Path:
    """Give the index file; every checkpoint has one."""
    return path.with_name(path.name + INDEX_SUFFIX)


def iterations(path: Path) -> int | None:
    """Read the optimizer's count of updates; None when it was not saved."""
    saved = _Saved(path)
    for number in range(len(saved.nodes)):
        for name, child in saved.children(number).items():
            if name in _ITERATIONS and saved.keys(child) and saved.shape(child) == ():
                return int(saved.value(child))
    return None


def load(path: Path, model: Any) -> None:
    """Load the weights of a built model from whichever part of a checkpoint has them.

    `tf.train.Checkpoint` would also restore the optimizer, whose state need not fit.

    Raises
    ------
    CheckpointError
        No part has all of them.
    """
    saved = _Saved(path)
    parts = {name: child for name, child in saved.children(0).items() if not saved.keys(child)}
    found = [saved.find(part, model) for part in [*parts.values(), 0]]
    best = max(found, key=len)
    missing = [
        f"{weight.path} {tuple(weight.shape)}" for weight in model.weights if id(weight) not in best
    ]
    if missing:
        raise CheckpointError(
            f"{path.name} does not fit the model: no part of it ({listed(parts)}) has "
            f"{listed(missing)}."
        )
    for weight in model.weights:
        weight.assign(saved.value(best[id(weight)]))


class _Saved:
    """The graph of the objects in one checkpoint, by number; the root is 0."""

    def __init__(self, path: Path) -> None:
        import tensorflow as tf
        from tensorflow.core.protobuf import trackable_object_graph_pb2 as schema

        check_bundle(path)
        self._reader = tf.train.load_checkpoint(str(path))
        if not self._reader.has_tensor(_OBJECT_GRAPH):
            raise CheckpointError(
                f"{path} was written by TensorFlow 1, which did not note the objects. Load it "
                "with the program that made it, and save the model as .keras."
            )
        graph = schema.TrackableObjectGraph.FromString(self._reader.get_tensor(_OBJECT_GRAPH))
        self.nodes: Any = graph.nodes
        self._shapes: dict[str, list[int]] = self._reader.get_variable_to_shape_map()
        self._dtypes: dict[str, Any] = self._reader.get_variable_to_dtype_map()

    def children(self, number: int) -> dict[str, int]:
        """Give the parts of an object by name."""
        return {child.local_name: child.node_id for child in self.nodes[number].children}

    def keys(self, number: int) -> list[str]:
        """Give the keys of the tensors of an object: one for a variable."""
        return [attribute.checkpoint_key for attribute in self.nodes[number].attributes]

    def shape(self, number: int) -> tuple[int, ...]:
        """Give the shape of a variable."""
        return tuple(self._shapes[self.keys(number)[0]])

    def value(self, number: int) -> Any:
        """Read a variable.

        Raises
        ------
        CheckpointError
            It does not hold numbers.
        """
        key = self.keys(number)[0]
        dtype = self._dtypes[key]
        if not (dtype.is_floating or dtype.is_integer or dtype.is_complex or dtype.is_bool):
            raise CheckpointError(f"{key} holds no numbers, but {dtype.name}.")
        return self._reader.get_tensor(key)

    def find(self, number: int, model: Any) -> dict[int, int]:
        """Find the variables of a model below an object, by the identity of each weight."""
        if any(name.startswith(_KERAS2_LAYER) for name in self.children(number)):
            pairs = self._by_layer(number, model)
        else:
            pairs = self._by_path(number, model)
        weights = {id(weight): tuple(weight.shape) for weight in model.weights}
        return {
            id(weight): node
            for weight, node in pairs
            if id(weight) in weights and self.shape(node) == weights[id(weight)]
        }

    def _by_path(self, number: int, root: Any) -> Iterator[tuple[Any, int]]:
        """Walk down the saved objects and those of the model, by the names of their parts."""
        import tensorflow as tf

        waiting, seen = [(root, number)], set()
        while waiting:
            entry, node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            if self.keys(node):
                yield entry, node
            ours = tf.train.TrackableView.children(entry)
            saved = self.children(node)
            waiting += [(ours[name], saved[name]) for name in ours.keys() & saved.keys()]

    def _by_layer(self, number: int, model: Any) -> Iterator[tuple[Any, int]]:
        """Pair what Keras 2 saved: layers by order, variables by name."""
        layers = (layer for layer in model.layers if layer.weights)
        for index, layer in enumerate(layers):
            node = self.children(number).get(f"{_KERAS2_LAYER}{index}")
            if node is None:
                return
            if f"{_KERAS2_LAYER}0" in self.children(node):
                yield from self._by_layer(node, layer)
                continue
            left = list(self._variables(node, set()))
            for weight in layer.weights:
                # Bidirectional layers have each name twice, forwards first.
                match = next((entry for entry in left if entry[0] == weight.name), None)
                if match is not None:
                    left.remove(match)
                    yield weight, match[1]

    def _variables(self, number: int, seen: set[int]) -> Iterator[tuple[str, int]]:
        """Variables below an object, by their own names; none is looked below twice."""
        seen.add(number)
        for name, child in self.children(number).items():
            if self.keys(child):
                yield name, child
            elif child not in seen:
                yield from self._variables(child, seen)

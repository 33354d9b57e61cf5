"""Models without a forward pass of their own: the parts that their ``train_step`` trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store.format.keras_names import is_model
from store.format.names import safe_name

# A name of our own: one that Keras makes is numbered, and changes those of the user's next objects.
UNNUMBERED = "trainlapse"


@dataclass(frozen=True, slots=True)
class OwnVariables:
    """The variables that a model of parts has beside them, such as a temperature that is learned.

    Attributes
    ----------
    model : keras.Model
        The model.
    weights : list of keras.Variable
        Those of none of its parts.
    """

    model: Any
    weights: list[Any]

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.model.name)

    @property
    def trainable_variables(self) -> list[Any]:
        """Those that are trained."""
        return [variable for variable in self.weights if variable.trainable]


def parts_of(model: Any) -> dict[str, Any]:
    """Find the parts of a model that has no forward pass of its own.

    Parameters
    ----------
    model : keras.Model
        For instance one whose ``train_step`` trains a generator and a discriminator.

    Returns
    -------
    dict of str to keras.Model, keras.layers.Layer or OwnVariables
        Models and layers that have weights, or may get some when they are built, by the attribute
        that holds them: ``encoder``, ``nets.actor``, ``blocks.0``; what a part without a forward
        pass holds, by both attributes. Each is there once. Empty where the model has a ``call`` of
        its own: it is then recorded as one.
    """
    if not _is_without_call(model):
        return {}
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for path, part in _held(model, ""):
        if id(part) not in seen:
            seen.add(id(part))
            found[safe_name(path, found)] = part
    own = _own_variables(model, list(found.values()))
    if own:
        found[safe_name(model.name, found)] = OwnVariables(model, own)
    return found


def is_built(part: Any) -> bool:
    """Whether a part has all the weights that it will have."""
    return isinstance(part, OwnVariables) or not _may_get_weights(part)


def _is_without_call(model: Any) -> bool:
    import keras

    return is_model(model) and type(model).call is keras.Model.call


def _held(model: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the parts that a model holds, and those of parts that have no forward pass."""
    for name, part in _named(model):
        place = f"{path}.{name}" if path else name
        if _is_without_call(part):
            yield from _held(part, place)
        elif part.weights or _may_get_weights(part):
            yield place, part


def _named(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield each layer and model that a model holds, with the attribute that holds it."""
    import keras

    children = {id(layer): layer for layer in model.layers}
    # Keras and TensorFlow note all of them in attributes of their own.
    internal = vars(keras.Model(name=UNNUMBERED)).keys()
    held = [name for name in vars(model) if name not in internal and not name.startswith("_self_")]
    for attribute in sorted(held, key=lambda name: name.startswith("_")):
        for path, layer in _layers_in(vars(model)[attribute], attribute.lstrip("_")):
            if children.pop(id(layer), None) is not None:
                yield path, layer
    for layer in children.values():
        yield layer.name, layer


def _layers_in(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the layers in an attribute, which may be a list or a dictionary of them."""
    import keras

    if isinstance(value, keras.layers.Layer):
        yield path, value
    elif isinstance(value, Mapping):
        for key, held in value.items():
            yield from _layers_in(held, f"{path}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for place, held in enumerate(value):
            yield from _layers_in(held, f"{path}.{place}")


def _may_get_weights(layer: Any) -> bool:
    """Whether a layer is not yet built and makes weights then, as far as its class tells."""
    import keras

    if layer.built:
        return False
    inside = list(layer._flatten_layers(include_self=False))
    if inside:
        return any(_may_get_weights(each) for each in inside)
    # One that has nothing to build has no weights, such as an augmentation.
    return type(layer).build is not keras.layers.Layer.build


def _own_variables(model: Any, parts: Sequence[Any]) -> list[Any]:
    held = {id(variable) for part in parts for variable in part.weights}
    return [variable for variable in model.weights if id(variable) not in held]

"""Whether a configuration may be shown to Keras: it comes from a stranger, and must run nothing.

Keras's safe mode refuses functions without a name. Here it is also required that each class is one
of Keras's own layers and their parts, or was given by the user, and that no size is beyond what the
run recorded: a configuration of a kilobyte can ask for more memory than there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from store.errors import SpecError, listed

# They run what a configuration brings along, or load files that it names.
REFUSED = frozenset(
    {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__lambda__"}
)
# How Keras writes plain values.
PLAIN = frozenset(
    {
        "__keras_tensor__",
        "__tensor__",
        "__numpy__",
        "__bytes__",
        "__ellipsis__",
        "__slice__",
        "__tuple__",
    }
)
# Where Keras's modelling classes and functions are found.
SPACES = (
    "layers",
    "models",
    "initializers",
    "regularizers",
    "constraints",
    "activations",
    "dtype_policies",
    "quantizers",
    "random",
    "optimizers",
    "losses",
)
FUNCTION_SPACES = ("activations", "initializers", "regularizers", "constraints", "losses")
# Plain operations in a graph of layers; Keras writes the module in which they are defined.
OPERATIONS = "keras.src.ops."
FUNCTIONAL = "Functional"
# Options that name a file to be read.
FILES = ("vocabulary", "idf_weights")
# Whole numbers that are no sizes.
NO_SIZES = frozenset({"seed", "shared_object_id", "keras_history"})
MOST_ENTRIES = 200_000
MOST_DEPTH = 100
# Numbers up to this one are no danger, whatever they count.
HARMLESS = 2**16


def check_trusted(config: Any, custom: Iterable[str], largest: int) -> None:
    """Check a configuration before Keras sees it.

    Parameters
    ----------
    config : JSON
        As Keras's ``serialize_keras_object`` gave it.
    custom : iterable of str
        Names of what the user has given.
    largest : int
        The largest size that the run's arrays have.

    Raises
    ------
    SpecError
        It is not trusted; the message says why, and what to give.
    """
    known = frozenset(custom)
    foreign: dict[str, None] = {}
    for entries, (at, depth) in enumerate(_walk(config)):
        if entries > MOST_ENTRIES or depth > MOST_DEPTH:
            raise SpecError("The configuration of the model is too large to be one.")
        if isinstance(at, Mapping):
            _check_entry(at, max(largest, HARMLESS))
            name = _foreign(at, known)
            if name is not None:
                foreign[name] = None
    if foreign:
        raise SpecError(
            f"The model is made of classes that are not Keras's own: {listed(foreign)}. Give "
            "what is yours, by name: custom_objects={...}, or --custom module:Class."
        )


def _walk(config: Any) -> Iterator[tuple[Any, int]]:
    waiting: list[tuple[Any, int]] = [(config, 0)]
    while waiting:
        at, depth = waiting.pop()
        yield at, depth
        inner = at.values() if isinstance(at, Mapping) else at if isinstance(at, list) else ()
        waiting.extend((value, depth + 1) for value in inner)


def _check_entry(entry: Mapping[str, Any], largest: int) -> None:
    name = entry.get("class_name")
    if isinstance(name, str) and name in REFUSED:
        said = "a function without a name" if name == "__lambda__" else f"a {name} layer"
        raise SpecError(
            f"The model has {said}, whose code is not in the run and is never run from one."
        )
    for key in FILES:
        if isinstance(entry.get(key), str):
            raise SpecError(f"The model reads a file, {entry[key]!r} ({key}): no file is read.")
    for key, value in entry.items():
        numbers = value if isinstance(value, list) else [value]
        if key in NO_SIZES:
            continue
        for number in numbers:
            if isinstance(number, int) and not isinstance(number, bool) and abs(number) > largest:
                raise SpecError(
                    f"The configuration of the model has {key} {number}, and nothing in the run is "
                    f"larger than {largest}: it is damaged, or not that of the run."
                )


def _foreign(entry: Mapping[str, Any], custom: frozenset[str]) -> str | None:
    """Name a class or function that is neither Keras's nor the user's; None: it is."""
    name, inner = entry.get("class_name"), entry.get("config")
    if name is None and "module" not in entry and "registered_name" not in entry:
        return None
    if not isinstance(name, str):
        return str(name)
    if name in PLAIN:
        return None
    if name == "function":
        name = str(inner)
    registered = str(entry.get("registered_name") or name)
    if name in custom or registered in custom:
        return None
    module = entry.get("module")
    if isinstance(module, str) and module.startswith(OPERATIONS):
        return None if _is_operation(module, name) else name
    package = str(module or "keras").split(".")[0]
    is_own = package in ("keras", "builtins") and ">" not in registered
    return None if is_own and _is_modelling(name) else name


def _is_modelling(name: str) -> bool:
    """Whether Keras has a layer, or a part of one, of this name."""
    import keras

    if name in (FUNCTIONAL, "Sequential", "Model"):
        return True
    kinds = (
        keras.layers.Layer,
        keras.initializers.Initializer,
        keras.regularizers.Regularizer,
        keras.constraints.Constraint,
        keras.dtype_policies.DTypePolicy,
        keras.quantizers.Quantizer,
        keras.random.SeedGenerator,
        keras.optimizers.Optimizer,
        keras.optimizers.schedules.LearningRateSchedule,
        keras.losses.Loss,
    )
    spaces = {space: getattr(keras, space) for space in SPACES}
    spaces["schedules"] = keras.optimizers.schedules
    for space, module in spaces.items():
        found = getattr(module, name, None)
        if isinstance(found, type) and issubclass(found, kinds):
            return True
        if space in FUNCTION_SPACES and callable(found) and not isinstance(found, type):
            return name not in ("get", "serialize", "deserialize")
    return False


def _is_operation(module: str, name: str) -> bool:
    """Whether a module of Keras that is loaded already defines such an operation."""
    import sys

    import keras

    found = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return isinstance(found, type) and issubclass(found, keras.Operation)

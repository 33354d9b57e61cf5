"""The network that checkpoints belong to: from a file, or from the user's own code.

A file is data: Keras's safe mode is on, and a configuration that names code which is neither
Keras's nor given by the user is refused before Keras sees it.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recorder.checkpoints.reading import HDF5_SUFFIXES, is_whole_model
from recorder.keras.inputs import Feed, check_fits
from recorder.keras.trace import build
from recorder.probe import Probe
from store.errors import CheckpointError, listed

# What Keras itself writes as the module of its own objects and functions.
_TRUSTED_MODULES = ("keras", "builtins")
_IN_MODULE = re.compile(r"[\w.]+:\w+")
_CODE = ("Lambda", "__lambda__")


def load_network(source: str | Path, custom: Sequence[str] = (), *, compiled: bool = True) -> Any:
    """Load a model; what its weights are does not matter yet.

    Parameters
    ----------
    source : str or Path
        A ``.keras`` file, an ``.h5`` file of a whole model, the JSON of ``model.to_json()``, or
        ``module:function``, which is called and gives a model.
    custom : sequence of str
        The user's own classes and functions, each ``module:Name``.
    compiled : bool
        Whether the model comes with its optimizer, where the file holds one that can be trusted.

    Raises
    ------
    CheckpointError
        There is no model, or it needs code that was not given.
    """
    import keras

    path = Path(source)
    if _IN_MODULE.fullmatch(str(source)):
        model = _named_object(str(source))()
        if not isinstance(model, keras.Model):
            raise CheckpointError(f"{source}() gave a {type(model).__name__}, not a keras.Model.")
        return model
    objects = _custom_objects(custom)
    config, compilation = _configurations(path)
    _check_trusted(path, config, objects)
    trusted = compiled and not any(_foreign(compilation, objects))
    try:
        if path.suffix == ".json":
            return keras.models.model_from_json(json.dumps(config), custom_objects=objects)
        return keras.models.load_model(
            path, custom_objects=objects, compile=trusted, safe_mode=True
        )
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise CheckpointError(f"The model in {path} cannot be built: {error}") from error


def build_for(model: Any, probe: Probe) -> None:
    """Build a model by a probe, where it is not built yet.

    Parameters
    ----------
    model : keras.Model
        What `load_network` gave.
    probe : Probe
        The inputs it will be sent.

    Raises
    ------
    SpecError
        The probe does not fit the model.
    """
    check_fits(probe, model)
    build(model, Feed.of(probe))


def _configurations(path: Path) -> tuple[Any, Any]:
    """Read the configurations of a model and of its compilation, as data."""
    try:
        if path.suffix == ".json":
            return json.loads(path.read_text(encoding="utf-8")), None
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                config = json.loads(archive.read("config.json"))
            return config, config.pop("compile_config", None)
        if path.suffix in HDF5_SUFFIXES and is_whole_model(path):
            import h5py

            with h5py.File(path, "r") as file:
                both = [file.attrs.get(key, "null") for key in ("model_config", "training_config")]
            return json.loads(both[0]), json.loads(both[1])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"There is no model in {path}: {error}") from error
    raise CheckpointError(
        f"{path} holds weights only. Pass the network that they belong to with --model: a .keras "
        "file, the JSON of model.to_json(), or module:function."
    )


def _check_trusted(path: Path, config: Any, objects: Mapping[str, Any]) -> None:
    foreign = sorted(set(_foreign(config, objects)))
    if any(name in _CODE for name in foreign):
        raise CheckpointError(
            f"The model in {path} has code in it (a Lambda layer), which is not run. Build it in "
            "a function of your own and pass --model module:function."
        )
    if foreign:
        raise CheckpointError(
            f"The model in {path} needs code that is not Keras's: {listed(foreign)}. Pass what is "
            "yours: --custom module:Name, once for each."
        )


def _foreign(config: Any, objects: Mapping[str, Any]) -> Iterator[str]:
    """Find names in a configuration that are neither Keras's nor among the user's objects."""
    if isinstance(config, Mapping):
        name, registered = config.get("class_name"), config.get("registered_name")
        package = str(config.get("module") or "keras").split(".")[0]
        if name in _CODE or (
            name is not None
            and not (package in _TRUSTED_MODULES or name in objects or registered in objects)
        ):
            yield str(name)
        for value in config.values():
            yield from _foreign(value, objects)
    elif isinstance(config, list):
        for value in config:
            yield from _foreign(value, objects)


def _custom_objects(custom: Sequence[str]) -> dict[str, Any]:
    import keras

    objects: dict[str, Any] = {}
    for name in custom:
        found = _named_object(name)
        objects[found.__name__] = found
        objects[keras.saving.get_registered_name(found)] = found
    return objects


def _named_object(name: str) -> Any:
    """Import ``module:Name``, also from the working directory."""
    if not _IN_MODULE.fullmatch(name):
        raise CheckpointError(f"Expected module:Name, got {name!r}.")
    module_name, attribute = name.split(":")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise CheckpointError(f"{name!r} cannot be imported: {error}") from error

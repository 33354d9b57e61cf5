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

from recorder.checkpoints.claims import (
    MOST_CONFIG_BYTES,
    check_parameters,
    checked_config,
    read_config,
)
from recorder.checkpoints.reading import HDF5_SUFFIXES, inspect, is_whole_model
from recorder.keras.inputs import Feed, check_fits
from recorder.keras.trace import build
from recorder.probe import Probe
from store.errors import CheckpointError, listed

# What Keras itself writes as the module of its own objects and functions.
_TRUSTED_MODULES = ("keras", "builtins")
_IN_MODULE = re.compile(r"[\w.]+:\w+")
_CODE = ("Lambda", "__lambda__")
# They bring code of other frameworks: pickled, or as a graph that reads and writes files.
_OTHER_FRAMEWORKS = ("TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer")
# Arguments of layers that are lists, or else the path of a file.
_FILES = ("vocabulary", "idf_weights")


def load_network(
    source: str | Path,
    custom: Sequence[str] = (),
    *,
    compiled: bool = True,
    weight_bytes: int | None = None,
) -> Any:
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
    weight_bytes : int, optional
        Bytes of the files with its weights, where `source` does not hold them. Without it, a model
        from JSON may be of any size.

    Raises
    ------
    CheckpointError
        There is no model, it needs code that was not given, or it has more parameters than the
        files can hold.
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
    size = weight_bytes if path.suffix == ".json" else max(path.stat().st_size, weight_bytes or 0)
    try:
        if size is not None:
            check_parameters(lambda: _without_memory(path, config, objects), size)
        if path.suffix == ".json":
            return keras.models.model_from_json(json.dumps(config), custom_objects=objects)
        return keras.models.load_model(
            path, custom_objects=objects, compile=trusted, safe_mode=True
        )
    except Exception as error:  # Keras raises whatever a configuration leads it to
        raise CheckpointError(f"The model in {path} cannot be built: {error}") from error


def _without_memory(path: Path, config: Any, objects: Mapping[str, Any]) -> Any:
    """Build a model for its shapes alone. Its optimizer, which must exist at once, is left out."""
    import keras

    if path.suffix in HDF5_SUFFIXES:  # their configurations are of an older kind
        return keras.models.load_model(path, custom_objects=objects, compile=False)
    described = json.dumps({**config, "compile_config": None})
    return keras.models.model_from_json(described, custom_objects=objects)


def build_for(model: Any, probe: Probe, weight_bytes: int) -> None:
    """Build a model by a probe, where it is not built yet.

    Parameters
    ----------
    model : keras.Model
        What `load_network` gave.
    probe : Probe
        The inputs it will be sent.
    weight_bytes : int
        Bytes of the files with its weights.

    Raises
    ------
    SpecError
        The probe does not fit the model.
    CheckpointError
        It would have more parameters than the files can hold.
    """
    import keras

    check_fits(probe, model)
    if isinstance(model, keras.Sequential) and not model.built:  # its shapes are the probe's
        config = model.get_config()

        def copied() -> Any:
            copy = keras.Sequential.from_config(config)
            (values,) = probe.inputs.values()
            copy.build((None, *values.shape[1:]))
            return copy

        check_parameters(copied, weight_bytes)
    build(model, Feed.of(probe))


def _configurations(path: Path) -> tuple[Any, Any]:
    """Read the configurations of a model and of its compilation, as data."""
    try:
        if path.suffix == ".json":
            with path.open("rb") as text:
                return _mapping(checked_config(text)), None
        if path.suffix == ".keras":
            inspect(path)
            with zipfile.ZipFile(path) as archive:
                config = _mapping(read_config(archive))
            return config, config.pop("compile_config", None)
        if path.suffix in HDF5_SUFFIXES and is_whole_model(path):
            import h5py

            with h5py.File(path, "r") as file:
                both = [file.attrs.get(key, "null") for key in ("model_config", "training_config")]
            return _mapping(both[0]), json.loads(both[1])
    except Exception as error:  # zlib and h5py raise whatever damage leads them to
        raise CheckpointError(f"There is no model in {path}: {error}") from error
    raise CheckpointError(
        f"{path} holds weights only. Pass the network that they belong to with --model: a .keras "
        "file, the JSON of model.to_json(), or module:function."
    )


def _mapping(content: str | bytes) -> dict[str, Any]:
    if len(content) > MOST_CONFIG_BYTES:
        raise CheckpointError(f"its configuration has more than {MOST_CONFIG_BYTES:,} bytes.")
    config = json.loads(content)
    if not isinstance(config, dict):
        raise CheckpointError(f"its configuration is a {type(config).__name__}, not an object.")
    return config


def _check_trusted(path: Path, config: Any, objects: Mapping[str, Any]) -> None:
    try:
        foreign = sorted(set(_foreign(config, objects)))
        files = [
            each[key]
            for each in _mappings(config)
            for key in _FILES
            if isinstance(each.get(key), str)
        ]
    except RecursionError as error:
        raise CheckpointError(f"The model in {path} has a configuration too deep.") from error
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
    if files:
        raise CheckpointError(
            f"The model in {path} would read files of yours: {listed(files)}. Build it in a "
            "function of your own and pass --model module:function."
        )


def _foreign(config: Any, objects: Mapping[str, Any]) -> Iterator[str]:
    """Find names in a configuration that are neither Keras's nor among the user's objects."""
    for each in _mappings(config):
        name, registered = each.get("class_name"), each.get("registered_name")
        package = str(each.get("module") or "keras").split(".")[0]
        is_kerass = package in _TRUSTED_MODULES and name not in _OTHER_FRAMEWORKS
        is_given = str(name) in objects or str(registered) in objects
        if name in _CODE or (name is not None and not is_kerass and not is_given):
            yield str(name)


def _mappings(config: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(config, Mapping):
        yield config
    if isinstance(config, Mapping | list):
        for value in config.values() if isinstance(config, Mapping) else config:
            yield from _mappings(value)


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

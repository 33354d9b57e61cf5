"""Inputs from a file: an npz, looked at before anything of it is read."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from explorer.at_step.inputs import InputSpec, check_shape
from explorer.derived.network.node import Array
from store.errors import SpecError

ENDING = ".npy"


def read_inputs(
    file: Path | IO[bytes],
    specs: Mapping[str, InputSpec],
    *,
    name: str = "",
    most_bytes: int | None = None,
) -> Any:
    """Read inputs that `numpy.savez` has written.

    Parameters
    ----------
    file : Path or binary file
        The file: one array under any name for a network with one input, else an array for each by
        name.
    specs : mapping of str to InputSpec
        What the network takes.
    name : str
        What the file is called in messages; by default its path.
    most_bytes : int, optional
        Bytes that an array may have: that of a stranger may be of any size.

    Returns
    -------
    ndarray or dict of str to ndarray

    Raises
    ------
    SpecError
        It is no such file, or an array is of another shape: then none is read.
    """
    path = name or str(file)
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(ENDING)]
            if not names:
                raise SpecError(f"{path} holds no arrays: write it with numpy.savez.")
            if len(specs) == 1 and len(names) > 1:
                names = _of_one(names, specs, path)
            if len(specs) == 1:
                (spec,) = specs.values()
                return _array(archive, names[0], spec, most_bytes)
            return {
                _plain(name): _array(archive, name, _spec_of(_plain(name), specs), most_bytes)
                for name in names
            }
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(f"{path} is no npz file that numpy.savez has written: {error}") from error


def _of_one(names: list[str], specs: Mapping[str, InputSpec], path: str) -> list[str]:
    (spec,) = specs.values()
    for known in (spec.name, *spec.others):
        if known + ENDING in names:
            return [known + ENDING]
    plain = ", ".join(map(_plain, names))
    raise SpecError(f"{path} holds several arrays ({plain}): call that of the input {spec.name!r}.")


def _spec_of(name: str, specs: Mapping[str, InputSpec]) -> InputSpec | None:
    return next((spec for spec in specs.values() if name in (spec.name, *spec.others)), None)


def _array(
    archive: zipfile.ZipFile, name: str, spec: InputSpec | None, most_bytes: int | None
) -> Array:
    """Read an array, if it has the shape that an input takes."""
    with archive.open(name) as file:
        shape, dtype = _header(file)
    what = f"The array {_plain(name)!r}"
    if dtype.hasobject:
        raise SpecError(f"{what} holds objects of Python, which are not read.")
    if spec is not None:
        check_shape(shape, spec, what)
    size = math.prod(shape) * dtype.itemsize
    if most_bytes is not None and size > most_bytes:
        raise SpecError(
            f"{what} has {size:,} bytes, more than {most_bytes:,}: give fewer examples."
        )
    with archive.open(name) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        read = np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _plain(name: str) -> str:
    return name.removesuffix(ENDING)

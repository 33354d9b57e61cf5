"""What a file of a model claims, held against its bytes before any of it is believed.

A checkpoint may be a stranger's. A few kilobytes can claim a billion units, a configuration of a
gigabyte, or arrays that were never written; Keras would reserve the memory for them first.
"""

from __future__ import annotations

import math
import os
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from store.errors import CheckpointError, listed
from store.format.spec import RunSpec

# The configuration of a model of some thousand layers takes 10 MB; JSON takes up to twenty times
# its size when it is parsed.
MOST_CONFIG_BYTES = 16 * 1024**2
# Weights hardly get smaller by packing; those of an optimizer are zeros at first.
MOST_EXPANSION = 20
SPARE_BYTES = 64 * 1024**2
# A parameter takes a byte at least. Beside them a model has states and seeds that no file holds.
SPARE_PARAMETERS = 16 * 1024**2
# All outputs for the probe are computed at once, and every step of the run would have them.
MOST_OUTPUT_BYTES = 4 * 1024**3


def check_archive(archive: zipfile.ZipFile, size: int) -> None:
    """Hold the members of a zip file against its size.

    Parameters
    ----------
    archive : ZipFile
        An open archive.
    size : int
        Its bytes.

    Raises
    ------
    CheckpointError
        They would be far larger than what is there, or overlap.
    """
    members = archive.infolist()
    packed = sum(member.compress_size for member in members)
    unpacked = sum(member.file_size for member in members)
    if packed > size:
        raise CheckpointError(f"its members take {packed:,} bytes, the file has {size:,}.")
    _check_expansion(unpacked, size)


def read_config(archive: zipfile.ZipFile) -> bytes:
    """Read the configuration in a ``.keras`` file, as `checked_config`."""
    with archive.open("config.json") as member:
        return checked_config(member)


def checked_config(file: IO[bytes]) -> bytes:
    """Read a configuration.

    Raises
    ------
    CheckpointError
        It is longer than that of any model.
    """
    content = file.read(MOST_CONFIG_BYTES + 1)
    if len(content) > MOST_CONFIG_BYTES:
        raise CheckpointError(f"its configuration has more than {MOST_CONFIG_BYTES:,} bytes.")
    return content


def check_hdf5(file: Any, size: int) -> None:
    """Hold the arrays of an HDF5 file against its size.

    Parameters
    ----------
    file : h5py.File
        An open file.
    size : int
        Its bytes.

    Raises
    ------
    CheckpointError
        They would be far larger than what is there, lie in other files, or have values of any
        length.
    """
    import h5py

    claimed: list[int] = []
    elsewhere: list[str] = []
    endless: list[str] = []

    def note(name: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset) and entry.shape is not None:
            # A chunk is unpacked whole, however little of it belongs to the array.
            count = max(math.prod(entry.shape), math.prod(entry.chunks or ()))
            claimed.append(count * entry.dtype.itemsize)
            elsewhere.extend([name] if entry.external or entry.is_virtual else [])
            # Each value is a reference, and all of them may refer to the same long one.
            endless.extend([name] if entry.dtype.hasobject else [])

    def note_link(name: str, link: Any) -> None:
        elsewhere.extend([name] if isinstance(link, h5py.ExternalLink) else [])

    file.visititems(note)
    file.visititems_links(note_link)
    if elsewhere:
        raise CheckpointError(f"{listed(elsewhere)} would be read from another file.")
    if endless:
        raise CheckpointError(f"{listed(endless)}: values of any length, which weights are not.")
    _check_expansion(sum(claimed), size)


def check_arrays(claimed: int, folder: Path) -> None:
    """Hold the bytes that arrays would take against those of the files that they lie in.

    Parameters
    ----------
    claimed : int
        Bytes of all arrays, unpacked.
    folder : Path
        Holds the files.

    Raises
    ------
    CheckpointError
        They would be far larger than what is there.
    """
    files = (Path(at, name) for at, _, names in os.walk(folder) for name in names)
    _check_expansion(claimed, sum(file.lstat().st_size for file in files))


def _check_expansion(claimed: int, size: int) -> None:
    if claimed > SPARE_BYTES + MOST_EXPANSION * size:
        raise CheckpointError(f"it would take {claimed:,} bytes, and has {size:,}.")


def parameters(build: Callable[[], Any]) -> int:
    """Count the parameters that a model would have: it is built, and no memory reserved for them.

    Keras keeps what is not initialized for later, thread by thread: hence in one that ends.

    Parameters
    ----------
    build : callable
        Gives a model. What it raises is raised.
    """
    import keras

    found: list[int | Exception] = []

    def work() -> None:
        try:
            with keras.StatelessScope(initialize_variables=False):
                model = build()
                found.append(sum(math.prod(variable.shape) for variable in model.variables))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=work, name="trainlapse-claims")
    thread.start()
    thread.join()
    count = found[0]
    if isinstance(count, Exception):
        raise count
    return count


def check_parameters(build: Callable[[], Any], size: int) -> None:
    """Hold the parameters of a model against the bytes of the files with its weights.

    Raises
    ------
    CheckpointError
        There are more than the files can hold.
    """
    count = parameters(build)
    if count > SPARE_PARAMETERS + size:
        raise CheckpointError(
            f"it would have {count:,} parameters, and the files with its weights {size:,} bytes."
        )


def check_outputs(spec: RunSpec) -> None:
    """Refuse a model whose outputs for the probe no run would keep.

    A layer without a parameter may repeat, pad or enlarge what it is given a million times.

    Parameters
    ----------
    spec : RunSpec
        What is seen of the model before any output is computed.

    Raises
    ------
    CheckpointError
        One step would take too much memory.
    """
    sizes = {layer.name: 4 * math.prod(layer.output_shape) for layer in spec.layers}
    total = sum(sizes.values())
    if total > MOST_OUTPUT_BYTES:
        largest = max(sizes, key=lambda name: sizes[name])
        raise CheckpointError(
            f"the outputs of its layers for the probe would take {total:,} bytes at every step, "
            f"those of {largest} the most of them ({sizes[largest]:,}). Pass fewer probes."
        )


def bytes_of(checkpoint: Path) -> int:
    """Bytes that a checkpoint takes: a file, a folder, or the files whose names begin so."""
    if checkpoint.is_file():
        files = [checkpoint]
    elif checkpoint.is_dir():
        files = [file for file in checkpoint.rglob("*") if file.is_file()]
    else:
        beside = checkpoint.parent.iterdir()
        files = [file for file in beside if file.name.startswith(f"{checkpoint.name}.")]
    return sum(file.stat().st_size for file in files)

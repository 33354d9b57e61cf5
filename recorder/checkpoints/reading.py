"""Checkpoints of a training that was not recorded: finding them, looking into them, loading them.

Three kinds are read: Keras files (``.keras``, ``.weights.h5``, ``.h5``), TensorFlow checkpoints (a
prefix with an ``.index`` file, as `tf.train.CheckpointManager` writes them) and Orbax step folders.
"""

from __future__ import annotations

import glob
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recorder.checkpoints import orbax, tensorflow
from recorder.checkpoints.claims import check_archive, check_hdf5
from store.errors import CheckpointError, MissingExtraError, listed

HDF5_SUFFIXES = (".h5", ".hdf5")
WEIGHTS_IN_KERAS_FILE = "model.weights.h5"
_TENSORFLOW_FILE = re.compile(r"\.(index|data-\d+-of-\d+)$")
_ITERATIONS = ("iterations", "iteration", "iter")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a checkpoint says about itself before it is loaded.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        Shapes of the weights by their path in the file; empty when the format does not tell.
    iterations : int or None
        Optimizer updates done, when the optimizer was saved too.
    """

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    iterations: int | None = None


def find_checkpoints(source: str | Path) -> list[Path]:
    """Find checkpoints, in the natural order of their names.

    Parameters
    ----------
    source : str or Path
        A folder, or a glob pattern.

    Returns
    -------
    list of Path
        Files, step folders of Orbax, and prefixes of TensorFlow checkpoints.
    """
    folder = Path(source)
    if folder.is_dir() and not orbax.exists(folder):
        entries = list(folder.iterdir())
    else:
        entries = [Path(entry) for entry in glob.glob(str(source))]  # noqa: PTH207 - absolute, too
    found = sorted({path for entry in entries if (path := _checkpoint(entry))}, key=natural_key)
    if not found:
        raise CheckpointError(
            f"There is no checkpoint at {source}. Pass a folder or a pattern such as "
            "'checkpoints/*.keras'; understood are .keras, .weights.h5, .h5, TensorFlow "
            "checkpoints (.index) and Orbax steps."
        )
    return found


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sort numbers in names by value.

    Examples
    --------
    >>> sorted([Path("e10"), Path("e9")], key=natural_key) == [Path("e9"), Path("e10")]
    True
    """
    parts = re.split(r"(\d+)", path.name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def is_whole_model(path: Path) -> bool:
    """Whether a checkpoint holds the model's configuration beside its weights."""
    if path.suffix in HDF5_SUFFIXES:
        with _hdf5(path) as file:
            return "model_config" in file.attrs
    return path.suffix == ".keras"


def inspect(path: Path) -> Contents:
    """Look into a checkpoint without loading it."""
    try:
        if tensorflow.exists(path):
            return Contents(iterations=tensorflow.iterations(path))
        if path.is_dir():
            return Contents(iterations=orbax.iterations(path))
        with _hdf5(path) as file:
            return _hdf5_contents(file)
    except MissingExtraError:
        raise
    except Exception as error:  # h5py, zlib and TensorFlow raise whatever damage leads them to
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {error}") from error


def difference(model: Any, contents: Contents) -> str | None:
    """Say in what a checkpoint differs from a built model; None when nothing is seen."""
    if not contents.shapes:
        return None
    ours = {weight.path: tuple(weight.shape) for weight in model.weights}
    missing = _surplus(ours, contents.shapes)
    # Subclassed models also keep metrics beside their layers, which are not compared.
    layers = {path: shape for path, shape in contents.shapes.items() if not _is_beside_layers(path)}
    unknown = _surplus(layers, ours)
    parts = []
    if missing:
        parts.append(f"the model {model.name!r} also has {listed(missing)}")
    if unknown:
        parts.append(f"the checkpoint also has {listed(unknown)}")
    return "; ".join(parts) or None


def load(path: Path, model: Any) -> None:
    """Load the weights of a checkpoint into a built model.

    Raises
    ------
    CheckpointError
        They do not fit.
    """
    try:
        with warnings.catch_warnings():
            # Only the weights are needed: the state of the optimizer may be missing or another.
            warnings.filterwarnings("ignore", message=".*optimizer")
            if tensorflow.exists(path):
                tensorflow.load(path, model)
                return
            if path.is_dir():
                orbax.load(path, model)
            else:
                model.load_weights(str(path))
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{path.name} does not fit the model: {error}") from error


def _checkpoint(entry: Path) -> Path | None:
    """Give the path by which an entry of a folder is loaded; None: no checkpoint."""
    if entry.is_dir():
        return entry if orbax.exists(entry) else None
    if _TENSORFLOW_FILE.search(entry.name):
        return entry.with_name(_TENSORFLOW_FILE.sub("", entry.name))
    return entry if entry.suffix in (".keras", *HDF5_SUFFIXES) else None


# -- HDF5, alone or in a .keras file ----------------------------------------------------------


@contextmanager
def _hdf5(path: Path) -> Iterator[Any]:
    import h5py

    if path.suffix != ".keras":
        with h5py.File(path, "r") as file:
            check_hdf5(file, path.stat().st_size)
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        check_archive(archive, path.stat().st_size)
        with archive.open(WEIGHTS_IN_KERAS_FILE) as member, h5py.File(member, "r") as file:
            check_hdf5(file, path.stat().st_size)
            yield file


def _hdf5_contents(file: Any) -> Contents:
    import h5py

    datasets: dict[str, Any] = {}

    def note(name: str, entry: Any) -> None:
        if isinstance(entry, h5py.Dataset):
            datasets[name] = entry

    file.visititems(note)
    shapes = {
        name: tuple(entry.shape)
        for name, entry in datasets.items()
        if not name.startswith("optimizer") and "seed_generator" not in name
    }
    counts = [entry for name, entry in datasets.items() if _is_count(name, entry)]
    return Contents(shapes, int(counts[-1][()]) if counts else None)


def _is_count(name: str, entry: Any) -> bool:
    """Whether a dataset holds the number of updates: the first variable of every optimizer."""
    if not name.startswith("optimizer") or entry.shape or entry.dtype.kind not in "iu":
        return False
    last = name.rsplit("/", maxsplit=1)[-1].split(":")[0]
    return name in ("optimizer/vars/0", "optimizer/inner_optimizer/vars/0") or last in _ITERATIONS


def _is_beside_layers(path: str) -> bool:
    return re.search(r"(^|/)vars/\d+$", path) is not None and not path.startswith("layers/")


def _surplus(some: dict[str, tuple[int, ...]], others: dict[str, tuple[int, ...]]) -> list[str]:
    """Name what is in `some` and has nothing of its shape in `others`."""
    left = Counter(others.values())
    surplus = []
    for path, shape in some.items():
        if left[shape]:
            left[shape] -= 1
        else:
            surplus.append(f"{path} {shape}")
    return surplus

"""A probe from an ``.npz`` file, for the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recorder.checkpoints.claims import check_archive
from recorder.probe import Probe
from store.errors import SpecError
from store.format.names import Array

_LABELS = ("labels", "label", "y")
_LISTS = ("class_names", "texts", "vocabulary", "feature_names")


def load_probe(path: str | Path) -> Probe:
    """Load a probe.

    Parameters
    ----------
    path : str or Path
        What ``numpy.savez`` wrote: ``x``, or one array for each of the model's inputs under its
        name; if wanted ``labels``, ``class_names``, ``texts``, ``vocabulary``, ``feature_names``,
        ``kind`` and ``task``.

    Raises
    ------
    SpecError
        The file holds no probe.
    """
    arrays = _read(Path(path))
    labels = next((arrays.pop(name) for name in _LABELS if name in arrays), None)
    lists = {
        name: None
        if name not in arrays
        else [str(entry) for entry in np.atleast_1d(arrays.pop(name))]
        for name in _LISTS
    }
    words = {name: str(arrays.pop(name)) for name in ("kind", "task") if name in arrays}
    if not arrays:
        raise SpecError(f"{path} holds no inputs. Write it with numpy.savez(path, x=...).")
    try:
        return Probe(
            arrays["x"] if list(arrays) == ["x"] else arrays,
            labels,
            kind=words.get("kind"),
            task=words.get("task"),
            **lists,
        )
    except SpecError as error:
        raise SpecError(f"{path} cannot be read as a probe: {error}") from error


def _read(path: Path) -> dict[str, Array]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise SpecError(f"{path} is a single array. Write numpy.savez(path, x=...).")
        with loaded:
            check_archive(loaded.zip, path.stat().st_size)
            return dict(loaded)
    except SpecError:
        raise
    except Exception as error:  # NumPy and zlib raise whatever damage leads them to
        raise SpecError(
            f"{path} cannot be read as a probe: {error} Write it with numpy.savez; texts as "
            "numpy.array(texts), whose data type is str and not object."
        ) from error

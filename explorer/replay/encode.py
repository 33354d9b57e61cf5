"""Arrays as text within a page: films as differences between steps, deflated, in base64."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Reference = dict[str, Any]

# Compression level with the smallest output: time matters less, since a page is exported once.
LEVEL = 9
# Dtypes for which JavaScript has a typed array.
DTYPES = ("uint8", "uint16", "uint32", "float32", "float64")


def deflated(content: bytes) -> str:
    """Compress bytes in zlib's format (RFC 1950), which browsers call "deflate", as base64."""
    return base64.b64encode(zlib.compress(content, LEVEL)).decode("ascii")


def film(frames: Iterable[npt.NDArray[np.uint8]]) -> str:
    """Compress the frames of a picture, each as its difference from the one before, modulo 256.

    Parameters
    ----------
    frames : iterable of ndarray of uint8
        One for each step, all of the same shape. The first is stored as it is.

    Returns
    -------
    str
        As from `deflated`, frame after frame.
    """
    packer = zlib.compressobj(LEVEL)
    parts = []
    before: npt.NDArray[np.uint8] | None = None
    for frame in frames:
        change = frame if before is None else frame - before
        parts.append(packer.compress(np.ascontiguousarray(change).tobytes()))
        before = frame
    parts.append(packer.flush())
    return base64.b64encode(b"".join(parts)).decode("ascii")


class Blocks:
    """The binary blocks of a page. Values of its state refer to them by number.

    Attributes
    ----------
    texts : list of str
        The blocks, as from `deflated` or `film`. Equal arrays share one.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._known: dict[bytes, int] = {}

    def array(self, values: Array) -> Reference:
        """Add an array, and return the reference that takes its place in the page's state.

        Parameters
        ----------
        values : ndarray
            Of one of `DTYPES`, any shape.

        Raises
        ------
        ValueError
            The array has another dtype.
        """
        kept = np.ascontiguousarray(values)
        if kept.dtype.name not in DTYPES:
            raise ValueError(f"Expected an array of {', '.join(DTYPES)}, got {kept.dtype.name}.")
        content = kept.astype(kept.dtype.newbyteorder("<"), copy=False).tobytes()
        digest = hashlib.sha256(content).digest()
        if digest not in self._known:
            self._known[digest] = self._add(deflated(content))
        return _reference(self._known[digest], kept.dtype.name, kept.shape)

    def film(self, text: str, shape: tuple[int, ...]) -> Reference:
        """Add a film, and return its reference.

        Parameters
        ----------
        text : str
            As from `film`.
        shape : tuple of int
            Shape of the frames as one array: (step, ...).
        """
        return {**_reference(self._add(text), "uint8", shape), "film": True}

    def state(self, values: Any) -> Any:
        """Replace the arrays within nested mappings and sequences by their references."""
        if isinstance(values, np.ndarray):
            return self.array(values)
        if isinstance(values, Mapping):
            return {str(name): self.state(value) for name, value in values.items()}
        if isinstance(values, (list, tuple)):
            return [self.state(value) for value in values]
        return values.item() if isinstance(values, np.generic) else values

    def _add(self, text: str) -> int:
        self.texts.append(text)
        return len(self.texts) - 1


def document(state: Any) -> str:
    """Write a state without arrays as `deflated` JSON, in which no name can be markup."""
    text = json.dumps(state, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate cannot be encoded.
    return deflated(text.encode("utf-8", "replace"))


def _reference(block: int, dtype: str, shape: tuple[int, ...]) -> Reference:
    return {"block": block, "dtype": dtype, "shape": list(shape)}

"""Arrays as text within a page: films coded against the step before, deflated, in base64."""

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

# Smallest output; what it costs is paid once, by whoever exports.
LEVEL = 9
# What the page's script has a typed array for.
DTYPES = ("uint8", "uint16", "uint32", "float32", "float64")


def deflated(content: bytes) -> str:
    """Bytes in zlib's format (RFC 1950), which browsers call "deflate", as base64."""
    return base64.b64encode(zlib.compress(content, LEVEL)).decode("ascii")


def film(frames: Iterable[npt.NDArray[np.uint8]]) -> str:
    """Deflate the frames of a picture, each as its difference to the one before, modulo 256.

    Parameters
    ----------
    frames : iterable of ndarray of uint8
        One a step, all of one shape. The first is coded against zero.

    Returns
    -------
    str
        As from `deflated`; frame after frame.
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
    """The binary parts of a page, each kept once; `state` values point at them by number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._known: dict[bytes, int] = {}

    def array(self, values: Array) -> Reference:
        """Keep an array, and return what stands for it in the page's state."""
        kept = np.ascontiguousarray(values)
        if kept.dtype.name not in DTYPES:
            raise ValueError(f"Expected an array of {', '.join(DTYPES)}, got {kept.dtype.name}.")
        content = kept.astype(kept.dtype.newbyteorder("<"), copy=False).tobytes()
        digest = hashlib.sha256(content).digest()
        if digest not in self._known:
            self._known[digest] = self._add(deflated(content))
        return _reference(self._known[digest], kept.dtype.name, kept.shape)

    def film(self, text: str, shape: tuple[int, ...]) -> Reference:
        """Keep what `film` made of frames, as an array (step, ...)."""
        return {**_reference(self._add(text), "uint8", shape), "film": True}

    def state(self, values: Any) -> Any:
        """Replace the arrays within nested mappings and sequences by what stands for them."""
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
    """State without arrays as `deflated` JSON: whatever a name holds, it is no markup."""
    text = json.dumps(state, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate has no bytes of its own.
    return deflated(text.encode("utf-8", "replace"))


def _reference(block: int, dtype: str, shape: tuple[int, ...]) -> Reference:
    return {"block": block, "dtype": dtype, "shape": list(shape)}

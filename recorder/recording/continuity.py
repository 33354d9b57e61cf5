"""Whether the weights that a training goes on with are those that it had left."""

from __future__ import annotations

import hashlib

from recorder.weight_sample import WeightSample


class Continuity:
    """Remembers a digest of the weights wherever the training may be left, and compares.

    The digest is of a sample of the trainable weights, which is quick to read. Weights that are
    loaded, restored, averaged or set differ from those before nearly everywhere, so that a sample
    shows it.

    Parameters
    ----------
    sample : WeightSample
        Of the model.
    """

    def __init__(self, sample: WeightSample) -> None:
        self._sample = sample
        self._first: bytes | None = None
        self._last: bytes | None = None
        self._known: set[bytes] = set()
        self._is_left = False

    @property
    def is_left(self) -> bool:
        """Whether no update followed the last `leave`."""
        return self._is_left

    def leave(self) -> None:
        """Remember the weights as they are after an update."""
        self._last = self._digest()
        self._first = self._first or self._last
        self._known.add(self._last)
        self._is_left = True

    def go_on(self) -> bool:
        """Tell whether the weights changed since `leave`, before an update changes them."""
        was_left, self._is_left = self._is_left, False
        return was_left and self._digest() != self._last

    def is_as_left(self) -> bool:
        """Whether the weights are those of the last `leave`."""
        return self._digest() == self._last

    def is_at_start(self) -> bool:
        """Whether the weights are those of the first `leave`."""
        return self._digest() == self._first

    def is_known(self) -> bool:
        """Whether the weights are those of any `leave`."""
        return self._digest() in self._known

    def _digest(self) -> bytes:
        return hashlib.blake2b(self._sample.now().tobytes(), digest_size=16).digest()

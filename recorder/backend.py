"""What a recording asks of a framework. `recorder.keras` answers for Keras on TensorFlow.

A recording knows its model by these protocols alone, and imports no framework.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from store.format.names import Array
from store.format.spec import RunSpec


class WeightSample(Protocol):
    """A small part of a model's weights, cheap enough to look at after every update."""

    def now(self) -> Array:
        """Read the sample: (element,), float32."""

    def change_since(self, before: Array) -> float:
        """Norm of the difference over the norm before, as estimated from the sample.

        Parameters
        ----------
        before : ndarray (element,)
            What `now` gave earlier.
        """


class Subject(Protocol):
    """One model as it is recorded."""

    @property
    def model(self) -> Any:
        """The model, as its framework knows it."""

    @property
    def spec(self) -> RunSpec:
        """Description of the run."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one step."""

    @property
    def held_bytes(self) -> int:
        """Memory that a step holds until it is written, in bytes."""

    def take_frames(self) -> Callable[[], dict[str, Any]]:
        """Read the variables now; the rest follows from them when the result is called.

        Returns
        -------
        callable
            Gives the arrays of the step by path.
        """

    def sample_weights(self) -> WeightSample:
        """Make what samples the weights."""

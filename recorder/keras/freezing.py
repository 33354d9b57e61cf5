"""Which variables a training moves, though a model may be frozen whenever it is looked at."""

from __future__ import annotations

from typing import Any

from recorder.keras.parts import OwnVariables
from recorder.keras.sampling import sample_of
from recorder.weight_sample import WeightSample
from store.format.names import Array


def trained_variables(part: Any) -> list[Any]:
    """Give the variables that a training moves, in the model's order.

    A part may be frozen for the moment, as a discriminator is while the generator is trained: of
    one that is frozen as a whole, those that its layers made to be trained.
    """
    now = list(part.trainable_variables)
    if now or isinstance(part, OwnVariables):
        return now
    made = [each for layer in part._flatten_layers() for each in layer._trainable_variables]
    return list({id(variable): variable for variable in made}.values())


class Freezing:
    """Finds what a training moves of a model that is frozen as a whole.

    A loop may record when the discriminator is frozen, since the generator's turn is the last. What
    has moved since the model was first seen frozen is trained all the same.

    Parameters
    ----------
    part : keras.Model, keras.layers.Layer or OwnVariables
        The model.
    """

    def __init__(self, part: Any) -> None:
        self._part = part
        self._variables: list[Any] = []
        self._sample: WeightSample | None = None
        self._before: Array | None = None  # when it was first seen frozen
        self._moved: set[int] = set()

    def moved(self) -> set[int]:
        """Give the ids of the variables that are frozen now, and that the training moves."""
        if self._part.trainable_variables:
            self._before = None
            return set()
        if self._sample is None:
            self._variables = trained_variables(self._part)
            self._sample = sample_of(self._variables)
        if self._before is None:
            self._before = self._sample.now()
            return self._moved
        moved = zip(self._variables, self._sample.moved_since(self._before), strict=True)
        self._moved |= {id(variable) for variable, has_moved in moved if has_moved}
        return self._moved

"""A learned row for each place of a sequence."""

from __future__ import annotations

import functools
from typing import Any


def position_embedding(length: int, name: str) -> Any:
    """Make a layer that gives a learned row for each place, as Keras Hub's PositionEmbedding does.

    Parameters
    ----------
    length : int
        Most places.
    name : str
        Name of the layer.
    """
    return _layer_class()(length, name=name)


@functools.cache
def _layer_class() -> type[Any]:
    import keras

    class PositionEmbedding(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        """Rows (place, unit), for every example alike."""

        def __init__(self, sequence_length: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.sequence_length = sequence_length
            self.supports_masking = True  # rows of padding are of no use, and no harm

        def build(self, shape: tuple[int | None, ...]) -> None:
            """Make the rows, as wide as the input."""
            self.embeddings = self.add_weight(
                name="embeddings",
                shape=(self.sequence_length, shape[-1]),
                initializer=keras.initializers.RandomNormal(stddev=0.02),
            )
            self.built = True

        def call(self, inputs: Any) -> Any:
            """Give the rows of the input's places: (example, place, unit)."""
            rows = self.embeddings[: keras.ops.shape(inputs)[1]]
            return keras.ops.broadcast_to(rows, keras.ops.shape(inputs))

        def get_config(self) -> dict[str, Any]:
            """Give the configuration."""
            return {**super().get_config(), "sequence_length": self.sequence_length}

    return PositionEmbedding

"""Keras on TensorFlow as a backend of the recorder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recorder.evaluation import Evaluation
from recorder.keras import settings
from recorder.keras.subject import KerasSubject, look_at, parts_of
from recorder.probe import Probe


class KerasBackend:
    """Looks into Keras models: what `recorder.backend` asks of a framework."""

    def __init__(self) -> None:
        require_tensorflow()

    def look_at(self, model: Any, probe: Probe, evaluations: Sequence[Evaluation]) -> KerasSubject:
        """Trace a model and describe it; it is built by this, when it is not yet."""
        return look_at(model, probe, evaluations)

    def parts(self, model: Any) -> dict[str, Any]:
        """Give the models that a model without a forward pass is made of, by attribute name."""
        return parts_of(model)

    def updates_done(self, model: Any) -> int | None:
        """Give the updates that the optimizer has done; None when there is none that counts."""
        return settings.updates_done(model)


def require_tensorflow() -> None:
    """Raise `RuntimeError` when Keras runs on another framework."""
    import keras

    runs_on = keras.backend.backend()
    if runs_on != "tensorflow":
        raise RuntimeError(
            f"Trainlapse records Keras on TensorFlow, but Keras runs on {runs_on!r}. Set the "
            "environment variable KERAS_BACKEND=tensorflow before Keras is imported."
        )

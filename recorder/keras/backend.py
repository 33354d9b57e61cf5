"""Keras on TensorFlow as a backend of the recorder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recorder.evaluation import Evaluation
from recorder.keras import settings
from recorder.keras.configuration import Configuration, reasons
from recorder.keras.optimizers import counting_optimizer, optimizers_of
from recorder.keras.parts import is_built, parts_of
from recorder.keras.subject import KerasSubject, look_at, look_at_weights, takes
from recorder.probe import Probe
from store.format.spec import RunSpec


class KerasBackend:
    """Looks into Keras models: what `recorder.backend` asks of a framework."""

    def __init__(self) -> None:
        require_tensorflow()

    def look_at(self, model: Any, probe: Probe, evaluations: Sequence[Evaluation]) -> KerasSubject:
        """Trace a model and describe it; it is built by this, when it is not yet."""
        return look_at(model, probe, evaluations)

    def parts(self, model: Any) -> dict[str, Any]:
        """Give what a model without a forward pass is made of, by the attribute that holds it."""
        return parts_of(model)

    def is_built(self, part: Any) -> bool:
        """Whether a part has all of its weights."""
        return is_built(part)

    def takes(self, part: Any, probe: Probe) -> bool:
        """Whether a part can be called with a probe."""
        return takes(part, probe)

    def look_at_weights(self, part: Any) -> KerasSubject:
        """Describe a part of which only the weights are recorded."""
        return look_at_weights(part)

    def about(self, model: Any) -> RunSpec:
        """Describe the training of a model of parts, without the parts."""
        held = list(optimizers_of(model).values())
        # Of several, the facts of the training tell which are at work.
        only = settings.optimizer_configuration(held[0]) if len(held) == 1 else Configuration(None)
        loss = settings.loss_configuration(getattr(model, "loss", None))
        return RunSpec(
            name=model.name,
            layers=(),
            optimizer=only.value,
            loss=loss.value,
            seed=settings.random_seed(),
            versions=settings.versions(),
            left_out=reasons({"optimizer": only, "loss": loss}),
        )

    def updates_done(self, model: Any) -> int | None:
        """Give the updates that the optimizer has done; None when there is none that counts."""
        return settings.updates_of(counting_optimizer(model))


def require_tensorflow() -> None:
    """Raise `RuntimeError` when Keras runs on another framework."""
    import keras

    runs_on = keras.backend.backend()
    if runs_on != "tensorflow":
        raise RuntimeError(
            f"Trainlapse records Keras on TensorFlow, but Keras runs on {runs_on!r}. Set the "
            "environment variable KERAS_BACKEND=tensorflow before Keras is imported."
        )

"""Record a Keras training: weights, activations and metrics over time.

`Recorder` is a Keras callback, so asking for it imports Keras; everything else does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recorder.evaluation import Evaluation
from recorder.probe import Probe
from recorder.schedule import at_steps, every_epoch, every_n_steps, log_spaced
from recorder.triggers import adaptive, on_event

if TYPE_CHECKING:
    from recorder.forecast import estimate
    from recorder.keras.callback import Recorder

__all__ = [
    "Evaluation",
    "Probe",
    "Recorder",
    "adaptive",
    "at_steps",
    "estimate",
    "every_epoch",
    "every_n_steps",
    "log_spaced",
    "on_event",
]


def __getattr__(name: str) -> Any:
    if name == "estimate":
        from recorder.forecast import estimate

        return estimate
    if name != "Recorder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from recorder.keras.callback import Recorder
    except ModuleNotFoundError as error:
        if error.name not in ("keras", "tensorflow"):
            raise
        raise ModuleNotFoundError(
            'Recording needs Keras and TensorFlow: pip install "trainlapse[record]"',
            name=error.name,
        ) from error
    return Recorder

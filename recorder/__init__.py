"""Record a Keras training: weights, activations and metrics over time.

`Recorder` is a Keras callback, so asking for it imports Keras; everything else does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recorder.probe import Probe
from recorder.schedule import every_epoch, every_n_steps, log_spaced

if TYPE_CHECKING:
    from recorder.recorder import Recorder

__all__ = ["Probe", "Recorder", "every_epoch", "every_n_steps", "log_spaced"]


def __getattr__(name: str) -> Any:
    if name != "Recorder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from recorder.recorder import Recorder
    except ModuleNotFoundError as error:
        if error.name not in ("keras", "tensorflow"):
            raise
        raise ModuleNotFoundError(
            'Recording needs Keras and TensorFlow: pip install "trainlapse[record]"',
            name=error.name,
        ) from error
    return Recorder

"""Record a training: weights, activations and metrics over time.

`Recorder` is a Keras callback, so asking for it imports Keras; everything else does not. Names are
imported at their first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from recorder import shadowing

if TYPE_CHECKING:
    from recorder.evaluation import Evaluation
    from recorder.forecast import estimate
    from recorder.keras.callback import Recorder
    from recorder.loop import LoopRecorder
    from recorder.probe import Probe
    from recorder.schedule import at_steps, every_epoch, every_n_steps, log_spaced
    from recorder.triggers import adaptive, on_event
    from store.errors import (
        ArgumentError,
        CheckpointError,
        LayerNotFoundError,
        MissingExtraError,
        RunExistsError,
        RunFormatError,
        RunLockedError,
        SpecError,
        StepOrderError,
        TrainlapseError,
    )

__all__ = [
    "ArgumentError",
    "CheckpointError",
    "Evaluation",
    "LayerNotFoundError",
    "LoopRecorder",
    "MissingExtraError",
    "Probe",
    "Recorder",
    "RunExistsError",
    "RunFormatError",
    "RunLockedError",
    "SpecError",
    "StepOrderError",
    "TrainlapseError",
    "adaptive",
    "at_steps",
    "estimate",
    "every_epoch",
    "every_n_steps",
    "log_spaced",
    "on_event",
]

_HOMES = {
    "Evaluation": "recorder.evaluation",
    "LoopRecorder": "recorder.loop",
    "Probe": "recorder.probe",
    "Recorder": "recorder.keras.callback",
    "adaptive": "recorder.triggers",
    "at_steps": "recorder.schedule",
    "estimate": "recorder.forecast",
    "every_epoch": "recorder.schedule",
    "every_n_steps": "recorder.schedule",
    "log_spaced": "recorder.schedule",
    "on_event": "recorder.triggers",
    **dict.fromkeys((name for name in __all__ if name.endswith("Error")), "store.errors"),
}

shadowing.check_store()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name not in ("keras", "tensorflow"):
            raise
        raise ModuleNotFoundError(
            'Recording needs Keras and TensorFlow: pip install "trainlapse[record]". In a loop of '
            "another framework use recorder.LoopRecorder, which needs neither.",
            name=error.name,
        ) from error


def __dir__() -> list[str]:
    return [*__all__]

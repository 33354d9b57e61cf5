"""What a user decides about a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recorder.evaluation import Evaluation
from recorder.probe import Probe
from recorder.recording.run_path import RunPath
from recorder.schedule import Schedule
from recorder.scope import RecordingScope
from store.live.writer import Compression, Durability


@dataclass(frozen=True, slots=True)
class Options:
    """What a user decides about a recording; `recorder.Recorder` explains each."""

    path: RunPath
    probe: Probe | Mapping[str, Probe]
    schedule: Schedule
    name: str | None = None  # by default that of the run's directory
    notes: str = ""
    overwrite: bool = False
    compression: Compression = None
    durability: Durability = "process"
    scope: RecordingScope = field(default_factory=RecordingScope)
    evaluations: tuple[Evaluation, ...] = ()
    resume: bool | int = False
    updates: bool = True
    gradients: bool = False
    training: Mapping[str, Any] = field(default_factory=dict)

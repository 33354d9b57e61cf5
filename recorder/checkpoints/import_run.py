"""Turn the checkpoints of a finished training into a run, as if it had been recorded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tqdm import tqdm

from recorder.checkpoints import tensorflow
from recorder.checkpoints.claims import bytes_of, check_outputs
from recorder.checkpoints.logs import Rows, read_metrics
from recorder.checkpoints.model_source import build_for, load_network
from recorder.checkpoints.reading import difference, find_checkpoints, inspect, is_whole_model, load
from recorder.checkpoints.steps import CheckpointStep, order_checkpoints
from recorder.evaluation import Evaluation
from recorder.keras.backend import KerasBackend
from recorder.keras.subject import KerasSubject
from recorder.probe import Probe
from recorder.recording.options import Options
from recorder.recording.recording import Recording
from recorder.recording.run_path import RunPath
from recorder.schedule import Schedule
from store.errors import CheckpointError
from store.storage.location import on_disk


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the checkpoints.

    Attributes
    ----------
    path : Path
        Directory of the run.
    steps : list of int
        Recorded steps, in optimizer updates.
    skipped : list of str
        For each checkpoint that was left out: its name, and why.
    """

    path: Path
    steps: list[int]
    skipped: list[str]


def import_run(
    source: str | Path,
    path: str | Path,
    probe: Probe,
    *,
    model: str | Path | None = None,
    custom: Sequence[str] = (),
    pattern: str | None = None,
    steps_per_epoch: int | None = None,
    csv_log: str | Path | None = None,
    event_files: str | Path | None = None,
    strict: bool = False,
    name: str | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Imported:
    """Record a training from its checkpoints.

    Weights and activations are captured as `Recorder` captures them. Steps are there where
    checkpoints are, so step 0 usually is not. ``wall_time`` counts from the first checkpoint by
    the times of the files, and is NaN when those do not follow the steps.

    Parameters
    ----------
    source : str or Path
        A folder of checkpoints, or a glob pattern.
    path : str or Path
        Directory of the run.
    probe : Probe
        The fixed inputs that are sent through the network at every checkpoint.
    model : str or Path, optional
        The network; see `load_network`. By default the one in the first checkpoint.
    custom : sequence of str
        The user's own classes and functions, each ``module:Name``.
    pattern : str, optional
        How the names were made; see `order_checkpoints`.
    steps_per_epoch : int, optional
        Optimizer updates in an epoch, where the names count epochs.
    csv_log, event_files : str or Path, optional
        Metrics; see `read_metrics`.
    strict : bool
        Refuse checkpoints that do not fit the model; by default they are left out.
    name : str, optional
        Name of the run; by default that of its directory.
    overwrite : bool
        Replace a run that is already there.
    progress : bool
        Show a progress bar.

    Raises
    ------
    CheckpointError, SpecError, RunExistsError
        What was given does not fit together.
    """
    found = find_checkpoints(source)
    contents = {checkpoint: inspect(checkpoint) for checkpoint in found}
    timeline = order_checkpoints(contents, pattern=pattern, steps_per_epoch=steps_per_epoch)
    rows = read_metrics(csv_log, event_files, timeline.steps_per_epoch)
    largest = max(map(bytes_of, found))
    network = load_network(
        model or next(filter(is_whole_model, found), found[0]), custom, weight_bytes=largest
    )
    build_for(network, probe, largest)
    problems = {path: difference(network, contents[path]) for path in found}
    skipped = [f"{path.name}: {problem}" for path, problem in problems.items() if problem]
    fitting = [checkpoint for checkpoint in timeline.checkpoints if not problems[checkpoint.path]]
    if skipped and (strict or not fitting):
        raise CheckpointError("These do not fit the model:\n- " + "\n- ".join(skipped))
    directory = on_disk(path)
    replay = _Replay(
        Options(
            path=RunPath.exactly(directory),
            probe=probe,
            schedule=_WhereCheckpoints(),
            name=name,
            notes=f"Imported from {len(fitting)} checkpoints.",
            overwrite=overwrite,
        ),
        backend=_BoundedBackend(),
    )
    import tensorflow as tf

    try:
        steps, misfits = replay.run(network, fitting, rows, strict=strict, progress=progress)
    except tf.errors.OpError as error:  # such as too little memory
        raise CheckpointError(f"The model cannot be run on the probe: {error.message}") from error
    return Imported(directory, steps, skipped + misfits)


@dataclass(frozen=True, slots=True)
class _WhereCheckpoints(Schedule):
    """Wants no step: every checkpoint is recorded, whatever its step."""

    def due(self, step: int, epoch_end: bool) -> bool:  # noqa: ARG002
        return False

    def __repr__(self) -> str:
        return "imported checkpoints"


class _BoundedBackend(KerasBackend):
    """Refuses a model, which may be a stranger's, by its outputs, before any is computed."""

    def look_at(self, model: Any, probe: Probe, evaluations: Sequence[Evaluation]) -> KerasSubject:
        """Trace a model and describe it."""
        subject = super().look_at(model, probe, evaluations)
        check_outputs(subject.spec)
        return subject


class _Replay(Recording):
    """A recording whose model goes from checkpoint to checkpoint."""

    _clock = math.nan

    @property
    def wall_time(self) -> float:
        """Seconds from the first checkpoint to this one, by the times of their files."""
        return self._clock

    def run(
        self,
        model: Any,
        checkpoints: Sequence[CheckpointStep],
        rows: Rows,
        *,
        strict: bool,
        progress: bool,
    ) -> tuple[list[int], list[str]]:
        """Record every checkpoint and all metrics; give the steps, and what did not fit."""
        steps: list[int] = []
        skipped: list[str] = []
        waiting = sorted(rows.items(), reverse=True)
        times = _file_times(checkpoints)
        finished = False
        try:
            for checkpoint, time in zip(
                tqdm(checkpoints, unit="checkpoint", disable=not progress), times, strict=True
            ):
                try:
                    load(checkpoint.path, model)
                except CheckpointError as error:
                    if strict:
                        raise
                    skipped.append(str(error))
                    continue
                self.open(model)
                self._advance_metrics(waiting, checkpoint)
                self._clock = time
                self.advance(checkpoint.step, checkpoint.epoch, {})
                self.record_now()
                steps.append(checkpoint.step)
            self._advance_metrics(waiting, None)
            finished = True
        finally:
            fault = self.close(finished=finished)
        if fault is not None:
            raise fault
        if not steps:
            raise CheckpointError("No checkpoint fits the model:\n- " + "\n- ".join(skipped))
        return steps, skipped

    def _advance_metrics(
        self, waiting: list[tuple[int, dict[str, float]]], to: CheckpointStep | None
    ) -> None:
        """Note the metrics up to a checkpoint; in `waiting` the earliest stand last."""
        while waiting and (to is None or waiting[-1][0] <= to.step):
            update, values = waiting.pop()
            self.advance(update, math.nan, values)


def _file_times(checkpoints: Sequence[CheckpointStep]) -> list[float]:
    """Seconds since the first file was written; NaN when the files are not in order of time."""
    files = [
        tensorflow.index_file(path) if tensorflow.exists(path) else path
        for path in (checkpoint.path for checkpoint in checkpoints)
    ]
    times = [file.stat().st_mtime for file in files]
    if any(later <= earlier for earlier, later in pairwise(times)):
        return [math.nan] * len(times)
    return [time - times[0] for time in times]

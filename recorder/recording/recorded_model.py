"""The model as it is recorded: what a backend sees of it, narrowed to what the user wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from recorder.backend import Backend, CanNarrow, Subject
from recorder.recording.background import as_array
from recorder.recording.options import Options
from recorder.recording.versions import versions
from recorder.weight_sample import WeightSample
from store.format.names import UNIT_DIM, activation_path
from store.format.spec import RunSpec
from store.tools.estimate import narrowed


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """One model, and what is recorded of it.

    Attributes
    ----------
    model : Any
        The model, as its framework knows it.
    spec : RunSpec
        The description of the run.
    frame_bytes : int
        Bytes of one step.
    held_bytes : int
        Memory that a step holds until it is written.
    """

    model: Any
    spec: RunSpec
    frame_bytes: int  # these two are asked for at every recorded step, by the training thread
    held_bytes: int
    _subject: Subject
    _kept: Mapping[str, tuple[Any, ...]] | None  # places by path; None: all of every array

    def take_frames(self) -> Callable[[], Mapping[str, Any]]:
        """Take the model as it is now; the result gives the arrays of the step by path."""
        take, kept = self._subject.take_frames(), self._kept
        if kept is None:
            return take

        def narrowed() -> dict[str, Any]:
            frames = take()
            return {path: as_array(frames[path])[places] for path, places in kept.items()}

        return narrowed

    def sample_weights(self) -> WeightSample:
        """Make what samples the weights."""
        return self._subject.sample_weights()


def look_at(backend: Backend, model: Any, options: Options) -> RecordedModel:
    """Describe what is recorded of a model.

    Parameters
    ----------
    backend : Backend
        Looks into it.
    model : Any
        The model.
    options : Options
        What the user decided.

    Raises
    ------
    TrainlapseError
        The probe, an evaluation or a pattern does not fit the model.
    """
    probe = options.probe
    evaluations = [evaluation.beside(probe) for evaluation in options.evaluations]
    subject = backend.look_at(model, probe, evaluations)
    whole = subject.spec
    spec = replace(
        narrowed(whole, options.scope.narrowing()),
        name=options.name,
        probe=probe.to_spec(),
        schedule=repr(options.schedule),
        versions={**versions(), **whole.versions},
        notes=options.notes,
    )
    kept = None if spec.layers == whole.layers else _places(spec)
    if kept is not None and isinstance(subject, CanNarrow):
        subject = subject.narrowed(spec)
    frame_bytes = sum(array.frame_bytes for array in spec.array_specs())
    return RecordedModel(model, spec, frame_bytes, subject.held_bytes, subject, kept)


def _places(spec: RunSpec) -> dict[str, tuple[Any, ...]]:
    """Give what of each array of a backend is kept, by array path."""
    arrays = [array for layer in spec.layers for array in layer.array_specs()]
    arrays += [array for each in spec.evaluations for array in each.array_specs()]
    places: dict[str, tuple[Any, ...]] = {array.path: (...,) for array in arrays}
    for layer in spec.layers:
        if layer.has_activation and layer.unit_stride > 1:
            places[activation_path(layer.name)] = (
                *[slice(None)] * layer.output_dims.index(UNIT_DIM),
                slice(None, None, layer.unit_stride),
            )
    return places

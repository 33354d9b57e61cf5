"""The model as it is recorded: what a backend sees of it, narrowed to what the user wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from recorder.backend import CanNarrow, MeasuresUpdates, Subject, TellsStructure, TellsTrained
from recorder.recording.background import as_array
from recorder.recording.members import Member
from recorder.recording.renaming import Renaming
from recorder.recording.updates import UpdateMeter
from recorder.weight_sample import WeightSample
from store.format.layers import Layers
from store.format.names import UNIT_DIM
from store.format.spec import ArraySpec, RunSpec, UpdatesSpec
from store.reading.run import Run

# Gives arrays of one step by their paths.
Take = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """One model, and what is recorded of it.

    Attributes
    ----------
    member : Member
        The model, and what is sent through it.
    spec : RunSpec
        The description of the run.
    whole : RunSpec
        What a backend sees of the model: all that could be recorded.
    frame_bytes : int
        Bytes of one step, without what follows from the rest.
    held_bytes : int
        Memory that a step holds until it is written.
    weight_bytes : int
        Memory that one set of weights takes.
    """

    member: Member
    spec: RunSpec
    whole: RunSpec
    frame_bytes: int  # these two are asked for at every recorded step, by the training thread
    held_bytes: int
    weight_bytes: int
    _subject: Subject
    _measured: UpdatesSpec | None  # by the paths that the subject knows
    _kept: Mapping[str, tuple[Any, ...]] | None  # places by path; None: all of every array
    _paths: Mapping[str, str] = field(default_factory=dict)  # in the run, where they are others

    @property
    def model(self) -> Any:
        """The model, as its framework knows it."""
        return self.member.model

    def written_as(self, spec: RunSpec) -> RecordedModel:
        """Give the same, of which a run stores other layers and lets others follow."""
        return replace(self, spec=spec, frame_bytes=spec.frame_bytes)

    def take_frames(self) -> Take:
        """Take the model as it is now; the result gives the arrays of the step by path."""
        take, kept, paths = self._subject.take_frames(), self._kept, self._paths
        if kept is None and not paths:
            return take

        def narrowed() -> dict[str, Any]:
            frames = take()
            if kept is not None:
                frames = {path: as_array(frames[path])[places] for path, places in kept.items()}
            return {paths.get(path, path): values for path, values in frames.items()}

        return narrowed

    def named_as(self, layers: Mapping[str, Layers]) -> RecordedModel:
        """Give the same under the names that a run has for the layers, see `Renaming`.

        Parameters
        ----------
        layers : mapping of str to Layers
            Those of the run, by the name of no part.
        """
        if "" not in layers:  # the run is of several models
            return self
        renaming = Renaming(self.spec, layers[""])
        if not renaming.layers:
            return self
        whole, spec = renaming.applied(self.whole), renaming.applied(self.spec)
        return replace(self, spec=spec, whole=whole, _paths=renaming.paths)

    def going_on_in(self, runs: Mapping[str, Run]) -> RecordedModel:
        """Give the same with labels that ask what they ask in a run that is to go on.

        Parameters
        ----------
        runs : mapping of str to Run
            The run, by the name of no part.
        """
        known = self.member.described(self.whole, runs.get(""))
        spec = replace(self.spec, probe=known.probe, evaluations=known.evaluations)
        return replace(self, spec=spec)

    def sample_weights(self) -> WeightSample:
        """Make what samples the weights."""
        return self._subject.sample_weights()

    def not_trained(self) -> list[str] | None:
        """Give the recorded variables that the training does not move; None: not known."""
        if not isinstance(self._subject, TellsTrained):
            return None
        kept = {array.path for array in _weights_of(self.spec)}
        now = [self._paths.get(path, path) for path in self._subject.not_trained()]
        return [path for path in now if path in kept]

    def made_of(self) -> list[object]:
        """Give the layers and weights that the model has now, as far as they are known."""
        subject = self._subject
        return list(subject.made_of()) if isinstance(subject, TellsStructure) else []

    def update_meter(self) -> UpdateMeter | None:
        """Make what measures single updates, if the run holds them."""
        if self.spec.updates is None or self._measured is None:
            return None
        assert isinstance(self._subject, MeasuresUpdates)
        return UpdateMeter(self._subject, self._measured)

    @property
    def parts(self) -> Mapping[str, RecordedModel]:
        """The same as the only model of the run, by the name of no part."""
        return {"": self}

    @property
    def models(self) -> dict[str, Any]:
        """The model, by the empty name of the part that it is none of."""
        return {"": self.model}

    def without_updates(self) -> RecordedModel:
        """Give the same without single updates."""
        return replace(self, spec=replace(self.spec, updates=None))


def joined(one: Take, other: Take) -> Take:
    """Give what gives the arrays of both."""
    return lambda: {**one(), **other()}


def recorded_of(
    member: Member, subject: Subject, narrow: RunSpec, *, updates: bool
) -> RecordedModel:
    """Prepare to record of a model what is wanted.

    Parameters
    ----------
    member : Member
        The model, and what is sent through it.
    subject : Subject
        The same as its framework sees it.
    narrow : RunSpec
        The subject's description, narrowed to what is recorded.
    updates : bool
        Whether single updates are measured, if the subject can.
    """
    whole = subject.spec
    spec = narrow
    if updates and isinstance(subject, MeasuresUpdates):
        spec = replace(spec, updates=_updates_of(spec))
    kept = None if _arrays_of(spec) == _arrays_of(whole) else _places(spec)
    if kept is not None and isinstance(subject, CanNarrow):
        subject = subject.narrowed(spec)
    weight_bytes = sum(array.frame_bytes for array in _weights_of(whole))
    return RecordedModel(
        member,
        spec,
        whole,
        spec.frame_bytes,
        subject.held_bytes,
        weight_bytes,
        subject,
        spec.updates,
        kept,
    )


def _arrays_of(spec: RunSpec) -> list[ArraySpec]:
    """Give the arrays of the layers, whether they are stored or follow."""
    return [
        replace(array, derivation=None) for layer in spec.layers for array in layer.array_specs()
    ]


def _weights_of(spec: RunSpec) -> list[ArraySpec]:
    """Give the variables of a run."""
    arrays = [array for layer in spec.layers for array in layer.array_specs()]
    return [array for array in arrays if "/weights/" in array.path]


def _updates_of(spec: RunSpec) -> UpdatesSpec | None:
    """Give the variables whose updates are measured: those of floats that are recorded.

    One that is not trained may be later, in the same run.
    """
    paths = [array.path for array in _weights_of(spec) if array.dtype.startswith("float")]
    return UpdatesSpec(tuple(paths)) if paths else None


def _places(spec: RunSpec) -> dict[str, tuple[Any, ...]]:
    """Give what of each array of a backend is kept, by array path."""
    arrays = [array for layer in spec.layers for array in layer.array_specs()]
    arrays += [array for each in spec.evaluations for array in each.array_specs()]
    places: dict[str, tuple[Any, ...]] = {array.path: (...,) for array in arrays}
    for layer in spec.layers:
        if layer.output_dims and layer.unit_stride > 1:
            places[layer.output_path] = (
                *[slice(None)] * layer.output_dims.index(UNIT_DIM),
                slice(None, None, layer.unit_stride),
            )
    return places

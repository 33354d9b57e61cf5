"""Several models that are recorded together: frames of all are taken between the same updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recorder import arguments
from recorder.backend import Backend, HasParts
from recorder.recording.members import members_of
from recorder.recording.options import Options
from recorder.recording.recorded_model import RecordedModel, Take, recorded_of
from recorder.recording.updates import UpdateMeter
from recorder.recording.versions import versions
from recorder.weight_sample import WeightSample
from store.format.layers import Layers
from store.format.parts import stored_path
from store.format.spec import RunSpec
from store.reading.run import Run
from store.tools.estimate import narrowed


@dataclass(frozen=True, slots=True)
class RecordedParts:
    """Several models by name, and what is recorded of them; otherwise as `RecordedModel`.

    Attributes
    ----------
    model : Any
        The model that they are parts of, or all of them by name.
    spec : RunSpec
        The description of the run.
    whole : RunSpec
        The same of all that could be recorded.
    parts : mapping of str to RecordedModel
        Each model.
    frame_bytes : int
        Bytes of one step, without what follows from the rest.
    """

    model: Any
    spec: RunSpec
    whole: RunSpec
    parts: Mapping[str, RecordedModel]
    frame_bytes: int  # asked for at every recorded step, by the training thread

    def written_as(self, spec: RunSpec) -> RecordedParts:
        """Give the same, of which a run stores other layers and lets others follow."""
        parts = {name: part.written_as(spec.parts[name]) for name, part in self.parts.items()}
        return replace(self, spec=spec, parts=parts, frame_bytes=spec.frame_bytes)

    @property
    def held_bytes(self) -> int:
        """Memory that a step holds until it is written."""
        return sum(part.held_bytes for part in self.parts.values())

    @property
    def weight_bytes(self) -> int:
        """Memory that one set of weights takes."""
        return sum(part.weight_bytes for part in self.parts.values())

    @property
    def models(self) -> dict[str, Any]:
        """The models by name, as their framework knows them."""
        return {name: part.model for name, part in self.parts.items()}

    def take_frames(self) -> Take:
        """Take all models as they are now; the result gives the arrays of the step by path."""
        return _together({name: part.take_frames() for name, part in self.parts.items()})

    def named_as(self, layers: Mapping[str, Layers]) -> RecordedParts:
        """Give the same under the names that a run has for the layers, see `Renaming`.

        Parameters
        ----------
        layers : mapping of str to Layers
            Those of the run, by part.
        """
        parts = {
            name: part.named_as({"": layers[name]}) if name in layers else part
            for name, part in self.parts.items()
        }
        if all(parts[name] is part for name, part in self.parts.items()):
            return self
        return self._of(parts)

    def going_on_in(self, runs: Mapping[str, Run]) -> RecordedParts:
        """Give the same with labels that ask what they ask in a run that is to go on.

        Parameters
        ----------
        runs : mapping of str to Run
            The run, by part.
        """
        return self._of(
            {
                name: part.going_on_in({"": runs[name]}) if name in runs else part
                for name, part in self.parts.items()
            }
        )

    def not_trained(self) -> list[str] | None:
        """Give the recorded variables that the training does not move; None: not known."""
        found = {name: part.not_trained() for name, part in self.parts.items()}
        if all(paths is None for paths in found.values()):
            return None
        return [stored_path(path, name) for name, paths in found.items() for path in paths or ()]

    def sample_weights(self) -> WeightSample:
        """Make what samples the weights of all models."""
        return WeightSample.joined([part.sample_weights() for part in self.parts.values()])

    def made_of(self) -> list[object]:
        """Give the layers and weights that the models have now, as far as they are known."""
        return [each for part in self.parts.values() for each in part.made_of()]

    def update_meter(self) -> PartsMeter | None:
        """Make what measures single updates, if the run holds them."""
        meters = {name: part.update_meter() for name, part in self.parts.items()}
        found = {name: meter for name, meter in meters.items() if meter is not None}
        return PartsMeter(found) if found else None

    def without_updates(self) -> RecordedParts:
        """Give the same without single updates."""
        return self._of({name: part.without_updates() for name, part in self.parts.items()})

    def _of(self, parts: Mapping[str, RecordedModel]) -> RecordedParts:
        spec = replace(self.spec, parts={name: part.spec for name, part in parts.items()})
        whole = replace(self.whole, parts={name: part.whole for name, part in parts.items()})
        return RecordedParts(self.model, spec, whole, parts, spec.frame_bytes)


# What a recording is of: one model, or several.
Recorded = RecordedModel | RecordedParts


class PartsMeter:
    """Measures the update that leads to a recorded step, of several models.

    Parameters
    ----------
    meters : mapping of str to UpdateMeter
        That of each model.
    """

    def __init__(self, meters: Mapping[str, UpdateMeter]) -> None:
        self._meters = meters

    @property
    def held(self) -> int:
        """How many sets of weights are held."""
        return max(meter.held for meter in self._meters.values())

    def before_update(self, step: int, *, hold: bool) -> None:
        """Note that an update begins; as `UpdateMeter.before_update`."""
        for meter in self._meters.values():
            meter.before_update(step, hold=hold)

    def measure(
        self, step: int, gradients: Mapping[str, Sequence[Any] | None] | None = None
    ) -> Take:
        """Read the weights after an update; the result gives the run's arrays.

        Parameters
        ----------
        step : int
            Optimizer updates done.
        gradients : mapping of str to sequence, optional
            Those of each part, as for `UpdateMeter.measure`.
        """
        given = {} if gradients is None else gradients
        if not isinstance(given, Mapping):
            arguments.refuse(
                "record(gradients=...)", given, 'gradients by part, such as {"critic": [...]}'
            )
        return _together(
            {name: meter.measure(step, given.get(name)) for name, meter in self._meters.items()}
        )


def look_at(backend: Backend, model: Any, options: Options) -> Recorded:
    """Describe what is recorded of a model, or of several.

    Parameters
    ----------
    backend : Backend
        Looks into them.
    model : Any
        The model, or several by name.
    options : Options
        What the user decided.

    Raises
    ------
    TrainlapseError
        The probe, an evaluation or a pattern does not fit the model, or there is no such part.
    """
    members = members_of(backend, model, options)
    subjects = {name: member.look_at(backend) for name, member in members.items()}
    described = {name: members[name].described(subject.spec) for name, subject in subjects.items()}
    whole = described[""] if "" in described else _about(backend, model, described)
    spec = replace(
        narrowed(whole, options.scope.narrowing()),
        name=options.name or whole.name,
        schedule=repr(options.schedule),
        versions={**versions(), **whole.versions},
        notes=options.notes,
    )
    parts = {
        name: recorded_of(members[name], subjects[name], narrow, updates=options.updates)
        for name, narrow in spec.models().items()
    }
    if "" in parts:
        return parts[""]
    left_out = {
        stored_path(path, name): reason
        for name, part in parts.items()
        for path, reason in part.spec.left_out.items()
    }
    spec = replace(
        spec,
        parts={name: part.spec for name, part in parts.items()},
        left_out={**spec.left_out, **left_out},
    )
    return RecordedParts(model, spec, whole, parts, spec.frame_bytes)


def _about(backend: Backend, model: Any, parts: Mapping[str, RunSpec]) -> RunSpec:
    """Describe a training of several models."""
    if isinstance(backend, HasParts) and not isinstance(model, Mapping):
        return replace(backend.about(model), parts=parts)
    first = next(iter(parts.values()))
    return RunSpec("-".join(parts), (), seed=first.seed, versions=first.versions, parts=parts)


def _together(takes: Mapping[str, Callable[[], Mapping[str, Any]]]) -> Take:
    """Give what gives the arrays of all models, by their paths in the run."""
    return lambda: {
        stored_path(path, name): values
        for name, take in takes.items()
        for path, values in take().items()
    }

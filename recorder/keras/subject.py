"""The model under recording: traced, described, and narrowed to what is recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recorder.keras import settings
from recorder.keras.narrowing import every_unit, narrowed_trace
from recorder.keras.predictor import Predictor, evaluation_spec
from recorder.keras.structure import Structure, describe
from recorder.keras.trace import Trace, storable, trace
from recorder.keras.weight_sample import WeightSample
from recorder.recording.background import as_array
from recorder.recording.options import Options
from recorder.scope import RecordingScope
from store.errors import SpecError
from store.format.spec import EvaluationSpec, RunSpec
from store.tools.estimate import chosen


@dataclass(frozen=True, slots=True)
class Subject:
    """One model as it is recorded.

    Attributes
    ----------
    model : keras.Model
        The model.
    spec : RunSpec
        The description of the run.
    frame_bytes : int
        Bytes of one step.
    held_bytes : int
        Memory that a step holds until it is written.
    """

    model: Any
    spec: RunSpec
    frame_bytes: int
    held_bytes: int
    _trace: Trace
    _structure: Structure
    _units: Mapping[str, tuple[slice, ...]]
    _predictor: Predictor | None

    def take_frames(self) -> Callable[[], dict[str, Any]]:
        """Read the variables now; the rest follows from them when the result is called."""
        weights = self._trace.read()
        if self._trace.is_pure:
            return lambda: self._follow(weights)
        early = self._follow(weights)
        return lambda: early

    def sample_weights(self) -> WeightSample:
        """Make what samples the trainable variables."""
        return WeightSample(self.model.trainable_variables)

    def _follow(self, weights: list[Any]) -> dict[str, Any]:
        activations = self._trace.activations(weights)
        taken = self._structure.frames(activations, [storable(value) for value in weights])
        for path, places in self._units.items():
            taken[path] = as_array(taken[path])[places]
        if self._predictor is not None and self.spec.evaluation is not None:
            specs = self.spec.evaluation.array_specs()
            values = self._predictor.predict(weights)
            taken.update((spec.path, value) for spec, value in zip(specs, values, strict=True))
        return taken


def look_at(model: Any, options: Options) -> Subject:
    """Trace a model and describe what is recorded of it.

    Parameters
    ----------
    model : keras.Model
        The model; it is built by this, when it is not yet.
    options : Options
        What the user wants.

    Raises
    ------
    TrainlapseError
        The probe, the evaluation or a pattern does not fit the model.
    """
    probe = options.probe
    probe.check_fits(model)
    try:
        traced = trace(model, probe.inputs)
    except Exception as error:
        raise SpecError(
            f"The probe cannot be sent through the model {model.name!r}: {error}\n"
            "Pass the probe in the form that model.predict() accepts. To record a part of "
            "a model that cannot be called as a whole, pass Recorder(..., model=part)."
        ) from error
    structure = describe(model, traced, probe.inputs)
    predictor, evaluation = None, None
    if options.evaluation is not None:
        options.evaluation.check_fits(model)
        predictor = Predictor(model, traced, options.evaluation)
        evaluation = evaluation_spec(options.evaluation, structure.outputs, predictor)
    spec = _run_spec(model, options, structure, evaluation)
    units: Mapping[str, tuple[slice, ...]] = {}
    if options.scale != RecordingScope():
        spec = chosen(spec, options.scale.knobs())
        traced = narrowed_trace(traced, structure, spec.layers)
        structure = structure.narrowed(spec.layers)
        units = every_unit(spec.layers)
    sizes = {array.path: array.frame_bytes for array in spec.array_specs()}
    # Activations are computed when their turn comes, unless they must be taken early.
    late = ("/activation", "/prediction")
    early = [] if traced.is_pure else [path for path in sizes if path.endswith(late)]
    held = [path for path in structure.weight_paths if path is not None]
    return Subject(
        model=model,
        spec=spec,
        frame_bytes=sum(sizes.values()),
        held_bytes=sum(sizes[path] for path in [*held, *early]),
        _trace=traced,
        _structure=structure,
        _units=units,
        _predictor=predictor,
    )


def _run_spec(
    model: Any, options: Options, structure: Structure, evaluation: EvaluationSpec | None
) -> RunSpec:
    """Describe the run of a whole model, and the training that it is in."""
    return RunSpec(
        name=options.name,
        layers=structure.layers,
        probe=options.probe.to_spec(),
        evaluation=evaluation,
        model_config=settings.model_config(model),
        outputs=structure.outputs,
        optimizer=settings.optimizer_config(model),
        loss=settings.loss_config(model),
        schedule=repr(options.schedule),
        seed=settings.random_seed(),
        versions=settings.versions(),
        notes=options.notes,
    )

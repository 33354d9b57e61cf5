"""Whether a recording that is to go on in a run is asked for what the run holds.

The store compares descriptions. Here it is known which argument of a recorder each part of them
came from, so that an error can name it; and labels are compared, too, which decide no shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from recorder.evaluation import TITLES
from recorder.recording.options import Options
from recorder.recording.recorded_model import RecordedModel
from recorder.recording.recorded_parts import Recorded
from store.errors import SpecError, listed
from store.format.names import Array
from store.format.spec import (
    EVALUATION_GROUPS,
    EVALUATION_LABEL,
    UPDATES_GROUP,
    EvaluationRole,
    EvaluationSpec,
    ProbeSpec,
    RunSpec,
)
from store.reading.run import Run

# How an evaluation of each role is passed.
_PASSED: Mapping[EvaluationRole, str] = {
    "held_out": "Evaluation(x, labels)",
    "train": 'Evaluation(x, labels, role="train")',
}


def check_arguments(run: Run, recorded: Recorded, options: Options) -> None:
    """Refuse to go on in a run that was recorded with other arguments.

    Parameters
    ----------
    run : Run
        What was recorded so far.
    recorded : Recorded
        What would be recorded now.
    options : Options
        What the user decided now.

    Raises
    ------
    SpecError
        The message names each argument, and says what to pass.
    """
    then, now = list(run.parts or [""]), list(recorded.parts)
    if set(then) != set(now):
        raise SpecError(
            f"The run at {run.location} is of {_called(then)}, and cannot be resumed with "
            f"{_called(now)}. Pass the same as then, or record into a new path."
        )
    found = []
    for name, model in recorded.parts.items():
        part = run.parts.get(name, run)
        of = f"part {name!r}: " if name else ""
        found += [of + problem for problem in _problems(part, model, options)]
    if found:
        raise SpecError(
            f"The run at {run.location} was recorded with other arguments and cannot be resumed "
            "with these. Pass the same as then, or record into a new path.\n- " + "\n- ".join(found)
        )


def _called(models: Sequence[str]) -> str:
    return "one model" if list(models) == [""] else f"several models ({listed(models)})"


def _problems(run: Run, recorded: RecordedModel, options: Options) -> list[str]:
    """Find what differs in one model."""
    return [
        *_updates(run, options),
        *_scope(run, recorded),
        *_probe(run, recorded.spec.probe),
        *_evaluations(run, {each.role: each for each in recorded.spec.evaluations}),
    ]


def _updates(run: Run, options: Options) -> Iterator[str]:
    if UPDATES_GROUP in run.nodes:
        if not options.updates:
            yield "updates=False: the run holds single updates; pass updates=True, the default"
    elif options.gradients:
        yield (
            "gradients=True: they are recorded with single updates, of which the run holds none; "
            "leave gradients out"
        )


def _scope(run: Run, recorded: RecordedModel) -> Iterator[str]:
    """Compare what is recorded of the layers that both have; other layers are another model's."""
    stored = (
        (path, node["data_type"], node["attributes"])
        for path, node in run.nodes.items()
        if node["node_type"] == "array"
    )
    derived = ((path, array.dtype, array.attributes) for path, array in run.derived.items())
    held = _kept((*stored, *derived))
    now, possible = (_kept_by(spec) for spec in (recorded.spec, recorded.whole))
    for kind, word in (("activation", "activations"), ("weights", "weights")):
        lost = [at.layer for at in held if at.kind == kind and at in possible and at not in now]
        gained = [
            at.layer for at in now if at.kind == kind and at not in held and at.layer in run.layers
        ]
        if lost:
            yield (
                f"layers=... or {word}=...: the run holds {word} of {listed(lost)}, which would "
                "now be left out; pass both as before"
            )
        if gained:
            yield (
                f"layers=... or {word}=...: the run holds no {word} of {listed(gained)}; pass both "
                "as before"
            )
        for at, theirs in held.items():
            if at.kind != kind or at not in now or at not in possible:
                continue
            types = (theirs.dtype, now[at].dtype, possible[at].dtype)
            if types[0] != types[1] and _by_choice(*types):
                then = f'dtype={{"{kind}": "{types[0]}"}}'
                yield (
                    f"dtype=...: the run holds {word} as {types[0]}, they would now be {types[1]}; "
                    f"pass {then if types[0] != types[2] else 'no dtype for them'}"
                )
                break
    strides = {held[at].stride for at in held if at in now and now[at].stride != held[at].stride}
    if strides:
        yield f"every_unit=...: pass every_unit={max(strides)}, with which the run was recorded"


class _Place(NamedTuple):
    """Arrays of one kind in one layer."""

    kind: str
    layer: str


class _Form(NamedTuple):
    """How they are stored."""

    dtype: str
    stride: int


def _kept(arrays: Iterable[tuple[str, str, Mapping[str, Any]]]) -> dict[_Place, _Form]:
    """Find what is kept of the layers among arrays by path, data type and attributes."""
    found: dict[_Place, _Form] = {}
    for path, dtype, attributes in arrays:
        match path.split("/"):
            case ["layers", layer, "activation" | "output"]:
                place = _Place("activation", layer)
            case ["layers", layer, "weights", _]:
                place = _Place("weights", layer)
            case _:
                continue
        if place not in found or dtype.startswith("float"):
            found[place] = _Form(dtype, attributes.get("unit_stride", 1))
    return found


def _kept_by(spec: RunSpec) -> dict[_Place, _Form]:
    arrays = [array for layer in spec.layers for array in layer.array_specs()]
    return _kept((array.path, array.dtype, array.attributes) for array in arrays)


def _by_choice(theirs: str, mine: str, own: str) -> bool:
    """Whether one of two types was chosen: then it is narrower than what the model gives."""
    floats = all(dtype.startswith("float") for dtype in (theirs, mine, own))
    return floats and (mine != own or np.dtype(theirs).itemsize < np.dtype(own).itemsize)


def _probe(run: Run, now: ProbeSpec | None) -> Iterator[str]:
    then = run.probe
    if then is None or now is None:
        return
    differ = [] if then.fingerprint() == now.fingerprint() else ["inputs"]
    if not _same_values(then.labels, now.labels):
        differ.append("labels")
    differ += _task(run.nodes["probe"]["attributes"], now.task)
    differ += [
        name
        for name in ("class_names", "texts", "vocabulary", "feature_names")
        if not _same_names(getattr(then, name), getattr(now, name))
    ]
    if differ:
        yield (
            f"probe=...: it differs from the run's in {listed(differ)}; pass the Probe with which "
            "the run was recorded"
        )


def _evaluations(run: Run, now: Mapping[EvaluationRole, EvaluationSpec]) -> Iterator[str]:
    for role, group in EVALUATION_GROUPS.items():
        title = TITLES[role]
        if group not in run.nodes and role in now:
            yield f"evaluation=...: the run holds no {title}, and none can be added; leave it out"
        elif group in run.nodes and role not in now:
            yield (
                f"evaluation=...: the run holds a {title}; pass it again: "
                f"evaluation={_PASSED[role]}, or in a list beside another one"
            )
        elif role in now:
            differ = _differences(run, group, now[role])
            if differ:
                yield (
                    f"evaluation=...: the {title} differs from the run's in {listed(differ)}; "
                    "pass the one with which the run was recorded"
                )


def _differences(run: Run, group: str, now: EvaluationSpec) -> list[str]:
    """Name what of an evaluation is not as in the run."""
    attributes, path = run.nodes[group]["attributes"], f"{group}/{EVALUATION_LABEL}"
    differ = [] if attributes.get("fingerprint") in (None, now.fingerprint) else ["x"]
    if not _same_values(run.read(path, ()) if path in run.nodes else None, now.labels):
        differ.append("labels")
    differ += _task(attributes, now.task)
    if not _same_names(attributes.get("class_names"), now.class_names):
        differ.append("class_names")
    return differ


def _task(attributes: Mapping[str, Any], now: str | None) -> Iterator[str]:
    """Say that labels asked something else of the network; runs of earlier versions do not tell.

    Nothing is asked where there are no labels, which is a difference of its own.
    """
    then = attributes.get("task", now)
    if then != now and "none" not in (then, now):
        yield f"task ({'not known' if then is None else repr(then)} then, {now!r} now)"


def _same_values(one: Array | None, other: Array | None) -> bool:
    if one is None or other is None:
        return one is other
    is_float = one.dtype.kind == "f" and other.dtype.kind == "f"
    return np.array_equal(one, other, equal_nan=is_float)


def _same_names(one: Sequence[str] | None, other: Sequence[str] | None) -> bool:
    if one is None or other is None:
        return one is other
    return list(one) == list(other)

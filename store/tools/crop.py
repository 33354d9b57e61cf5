"""Cut a run: fewer steps, layers or probes, or without what must stay private."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from store.errors import LayerNotFoundError, SpecError, did_you_mean
from store.format.names import AFTER_PREFIX, PROBE_DIM, STEP_DIM, UPDATE_DIM, Array, layer_path
from store.format.parts import full_name, matches, stored_path
from store.format.probe import PRESENT, from_json_bytes, json_bytes
from store.format.spec import EVALUATION_GROUPS, EVALUATION_INPUT, EVALUATION_LABEL, ProbeSpec
from store.packed.draft import Draft, DraftArray
from store.packed.pack import free_target, reading, write_run
from store.packed.writer import PackOptions, PackReport, Progress
from store.reading.bookmarks import Bookmark, within
from store.reading.moments import load
from store.reading.run import open_run
from store.tools.trust import sign_like

# What can be left out, and what that means.
DROPPABLE = {
    "activations": "outputs of the layers for the probe",
    "weights": "variables of the layers",
    "inputs": "inputs and texts of the probe and of evaluations, every vocabulary, and what input "
    "layers pass on",
    "labels": "labels and class names of the probe and of evaluations",
    "texts": "the probe's texts and every vocabulary",
    "metrics": "loss and metrics",
    "model": "the model's configuration",
    "notes": "the run's notes, and those of its moments",
    "moments": "the moments that were marked",
}
# Layer configurations that repeat what a text probe was made of.
_TEXT_KEYS = ("vocabulary", "idf_weights")


@dataclass(frozen=True, slots=True)
class CropReport(PackReport):
    """What was written, and which moments are not as they were.

    Attributes
    ----------
    moments_lost : tuple of Bookmark
        Those of steps that are left out.
    moments_without_probe : tuple of Bookmark
        Those that are kept without the probe that they looked at.
    """

    moments_lost: tuple[Bookmark, ...] = ()
    moments_without_probe: tuple[Bookmark, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """What to keep of a run.

    Attributes
    ----------
    first, last : int or None
        Range of steps, both included; None: open.
    every : int
        Keep every k-th recorded step of that range, and those of moments.
    layers : sequence of str
        Patterns of layer names whose arrays stay; empty: all. The graph stays whole.
    probes : sequence of int or None
        Positions of the probes that stay.
    drop : sequence of str
        Keys of `DROPPABLE`.
    """

    first: int | None = None
    last: int | None = None
    every: int = 1
    layers: Sequence[str] = ()
    probes: Sequence[int] | None = None
    drop: Sequence[str] = ()


def crop(
    run: str | Path,
    out: str | Path,
    cut: Cut,
    *,
    options: PackOptions | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> CropReport:
    """Write a part of a run as a new, packed run.

    Parameters
    ----------
    run : str or Path
        Any run that `open_run` opens.
    out : str or Path
        Directory to write.
    cut : Cut
        What to keep.
    options : PackOptions, optional
        How to write it.
    overwrite : bool
        Replace a run that is already there.
    progress : callable, optional
        Called with bytes done, bytes in all, and the array being worked on.

    Returns
    -------
    CropReport
        Where the new run is, its sizes in bytes, and which moments it lacks.

    Raises
    ------
    RunExistsError
        Something is at `out` already.
    LayerNotFoundError
        A pattern matches no layer.
    SpecError
        No step is left, a probe does not exist, or what is to be dropped is not in `DROPPABLE`.

    Notes
    -----
    Dropping the inputs does not make a run anonymous: activations of the first layers can show
    the inputs. Drop those layers as well where that matters. Of a range that is thinned, the steps
    of moments stay, and moments of steps that are left come along, unless they are dropped; files
    that are no part of the run do not.
    """
    target = free_target(out, overwrite=overwrite)
    with reading(run) as opened:
        marked = () if "moments" in cut.drop else load(opened)
        draft = cropped(Draft.of(opened), cut, marked=[moment.step for moment in marked])
        left = _moments_left(marked, draft, cut)
        report = write_run(
            target, draft, options or PackOptions(), bookmarks=left, progress=progress
        )
        sign_like(open_run(target), opened)
    kept = {moment.id: moment for moment in left}
    here = [moment for moment in marked if moment.id in kept]
    return CropReport(
        report.path,
        report.raw_bytes,
        report.frames_bytes,
        report.history_bytes,
        report.errors,
        tuple(moment for moment in marked if moment.id not in kept),
        tuple(
            moment for moment in here if moment.probe is not None and kept[moment.id].probe is None
        ),
    )


def cropped(draft: Draft, cut: Cut, *, marked: Collection[int] = ()) -> Draft:
    """Apply a cut to a draft.

    Parameters
    ----------
    draft : Draft
        The whole run.
    cut : Cut
        What to keep.
    marked : collection of int
        Steps that stay where a range is thinned.
    """
    _check(cut)
    last = len(draft.whole("step")) - 1
    positions = _positions(draft, cut, marked)
    if last not in positions.get(STEP_DIM, [last]):  # it goes on from a step that is left out
        draft = draft.without_ending()
    draft = draft.at(positions)
    if cut.layers:
        names = _matching(_layer_names(draft), cut.layers)
        draft = draft.keep(
            lambda part: part.layer is None or full_name(part.layer, part.part) in names
        )
    if cut.probes is not None or "inputs" in cut.drop:
        draft = _with_fingerprint(draft, cut)
    for what in dict.fromkeys(cut.drop):
        draft = _DROPS[what](draft)
    return draft


def _check(cut: Cut) -> None:
    if cut.every < 1:
        raise SpecError(f"every must be 1 or more, got {cut.every}.")
    unknown = [what for what in cut.drop if what not in DROPPABLE]
    if unknown:
        raise SpecError(f"{unknown[0]!r} cannot be dropped. {did_you_mean(unknown[0], DROPPABLE)}")


def _positions(draft: Draft, cut: Cut, marked: Collection[int]) -> dict[str, Array]:
    """Positions that stay along the dimensions of time and probes."""
    found: dict[str, Array] = {}
    steps = draft.whole("step")
    if cut.first is not None or cut.last is not None or cut.every > 1:
        kept = np.flatnonzero(_within(steps, cut))
        thinned = np.arange(len(kept)) % cut.every == 0
        found[STEP_DIM] = kept[thinned | np.isin(steps[kept], list(marked))]
        if not len(kept):
            span = f"{steps[0]} to {steps[-1]}" if len(steps) else "none"
            raise SpecError(f"No step is left; the run has {span}.")
        if any(part.path == "metrics/update" for part in draft.parts):
            found[UPDATE_DIM] = np.flatnonzero(_within(draft.whole("metrics/update"), cut))
    if cut.probes is not None:
        sizes = (dict(zip(part.dims, part.shape, strict=True)) for part in draft.parts)
        count = min((size[PROBE_DIM] for size in sizes if PROBE_DIM in size), default=0)
        probes = np.unique(np.asarray(cut.probes, np.int64))
        if not len(probes) or probes[0] < 0 or probes[-1] >= count:
            raise SpecError(f"Probes {list(cut.probes)} are not all among 0 to {count - 1}.")
        found[PROBE_DIM] = probes
    return found


def _within(numbers: Array, cut: Cut) -> Array:
    first = -np.inf if cut.first is None else cut.first
    last = np.inf if cut.last is None else cut.last
    within: Array = (numbers >= first) & (numbers <= last)
    return within


def _layer_names(draft: Draft) -> list[str]:
    """Name every layer of a run, with its part."""
    return [
        full_name(layer, model)
        for model in draft.models
        for layer in draft.groups.get(stored_path("layers", model), {}).get("order", ())
    ]


def _matching(names: Iterable[str], patterns: Sequence[str]) -> set[str]:
    known = list(names)
    found: set[str] = set()
    for pattern in patterns:
        matched = {name for name in known if matches(name, pattern)}
        if not matched:
            raise LayerNotFoundError(
                f"No layer matches {pattern!r}. {did_you_mean(pattern, known)}"
            )
        found |= matched
    return found


def _with_fingerprint(draft: Draft, cut: Cut) -> Draft:
    """Digest of the inputs that are left; none when there are none, as it would betray them."""
    for probe in _groups(draft, "probe"):
        fingerprint = ""
        attributes = draft.groups[probe]
        if "inputs" not in cut.drop:
            if not attributes.get("not_stored"):  # of which no part can be digested
                inputs = {name: draft.whole(f"{probe}/{name}") for name in attributes["inputs"]}
                fingerprint = ProbeSpec(inputs, attributes["kind"], {}).fingerprint()
            attributes = _without_digests(attributes)
        draft = _regrouped(draft, probe, {**attributes, "fingerprint": fingerprint})
    return draft


def _groups(draft: Draft, *names: str) -> list[str]:
    """Find the groups of these names that there are, of every model."""
    places = (stored_path(name, model) for model in draft.models for name in names)
    return [place for place in places if place in draft.groups]


def _without_digests(probe: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out the digests of inputs that are not stored: they are of all probes, and betray."""
    if not probe.get("not_stored"):
        return probe
    kept = {name: {**about, "sha256": ""} for name, about in probe["not_stored"].items()}
    return {**probe, "not_stored": kept}


def _regrouped(draft: Draft, path: str, attributes: Mapping[str, Any]) -> Draft:
    return replace(draft, groups={**draft.groups, path: attributes})


def _without(*paths: str) -> Callable[[DraftArray], bool]:
    return lambda part: part.path not in paths


def _not_below(prefix: str) -> Callable[[DraftArray], bool]:
    return lambda part: not part.path.startswith(prefix)


def _drop_inputs(draft: Draft) -> Draft:
    for group in _groups(draft, "probe"):
        probe = draft.groups[group]
        inputs = [f"{group}/{name}{part}" for name in probe["inputs"] for part in ("", PRESENT)]
        left = {**probe, "inputs": [], "not_stored": {}}
        draft = _regrouped(draft.keep(_without(*inputs)), group, left)
    for group in _groups(draft, *EVALUATION_GROUPS.values()):
        draft = draft.keep(_not_below(f"{group}/{EVALUATION_INPUT}"))
        draft = _regrouped(draft, group, {**draft.groups[group], "fingerprint": ""})
    without = draft.keep(
        lambda part: (
            part.kind != "activation"
            or draft.groups[stored_path(layer_path(str(part.layer)), part.part)]["kind"] != "input"
        )
    )
    return _drop_texts(without)  # texts are inputs as they were written


def _drop_labels(draft: Draft) -> Draft:
    for group in _groups(draft, "probe", *EVALUATION_GROUPS.values()):
        draft = draft.keep(_without(f"{group}/{EVALUATION_LABEL}"))
        draft = _regrouped(draft, group, {**draft.groups[group], "class_names": None})
    return draft


def _drop_texts(draft: Draft) -> Draft:
    for group in _groups(draft, "probe"):
        draft = draft.keep(_without(f"{group}/text", f"{group}/vocabulary"))
        draft = _regrouped(draft, group, _without_digests(draft.groups[group]))
    for path, attributes in draft.groups.items():
        if "config" in attributes:
            blank = {**attributes, "config": _blanked(attributes["config"])}
            draft = _regrouped(draft, path, blank)
    return _rewritten_model(draft)


def _rewritten_model(draft: Draft) -> Draft:
    configs = [part for part in draft.parts if part.path in _config_paths(draft)]
    blank = [_blanked(from_json_bytes(draft.whole(part.path))) for part in configs]
    return draft.substitute(
        part.constant(json_bytes(config)) for part, config in zip(configs, blank, strict=True)
    )


def _config_paths(draft: Draft) -> list[str]:
    return [stored_path("model/config", model) for model in draft.models]


def _blanked(config: Any) -> Any:
    """Blank every vocabulary in a configuration, at any depth."""
    if isinstance(config, Mapping):
        return {
            key: None if key in _TEXT_KEYS else _blanked(value) for key, value in config.items()
        }
    return [_blanked(value) for value in config] if isinstance(config, list) else config


def _moments_left(marked: Iterable[Bookmark], draft: Draft, cut: Cut) -> tuple[Bookmark, ...]:
    steps = set(draft.whole("step").tolist())
    if steps and any(part.path.startswith(AFTER_PREFIX) for part in draft.parts):
        steps.add(max(steps) + 1)  # the network after the training
    return within(marked, steps=steps, probes=cut.probes, notes="notes" not in cut.drop)


def _drop_notes(draft: Draft) -> Draft:
    return replace(draft, attributes={**draft.attributes, "notes": ""})


_DROPS: Mapping[str, Callable[[Draft], Draft]] = {
    "activations": lambda draft: draft.keep(lambda part: part.kind != "activation"),
    "weights": lambda draft: draft.keep(lambda part: part.kind != "weights"),
    "inputs": _drop_inputs,
    "labels": _drop_labels,
    "texts": _drop_texts,
    "metrics": lambda draft: draft.keep(_not_below("metrics/")),
    "model": lambda draft: draft.keep(_without(*_config_paths(draft))),
    "notes": _drop_notes,
    "moments": lambda draft: draft,  # they are no part of it
}

"""What a run that is taken up again keeps of its past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from store.errors import SpecError
from store.format.derivation import Derivation
from store.format.metadata import Document
from store.format.names import BEGINS, DERIVED, ROOT_ATTRIBUTE, activation_path
from store.format.parts import nodes_of_part
from store.format.spec import LayerSpec, RunSpec
from store.live.array import LiveArray
from store.live.commit import resume_problems


def past_attributes(root: Document, directory: Path) -> Mapping[str, Any]:
    """Give Trainlapse's attributes of a run that can grow on.

    Raises
    ------
    SpecError
        It is packed.
    """
    attributes: Mapping[str, Any] = root["attributes"][ROOT_ATTRIBUTE]
    if attributes["form"] != "live":
        raise SpecError(
            f"The run at {directory} is in its {attributes['form']} form and cannot be "
            "resumed. Record into a new path."
        )
    return attributes


def as_recorded(spec: RunSpec, root: Document) -> RunSpec:
    """Give a description that stores what the run stores, and lets follow what follows in it."""
    nodes: Mapping[str, Document] = root["consolidated_metadata"]["metadata"]
    models = {}
    for name, model in spec.models().items():
        own = nodes_of_part(nodes, name)
        layers = (_as_recorded(layer, own) for layer in model.layers)
        models[name] = replace(model, layers=tuple(layers))
    return spec.of_models(models)


def _as_recorded(layer: LayerSpec, nodes: Mapping[str, Document]) -> LayerSpec:
    group, stored = nodes.get(layer.path), nodes.get(activation_path(layer.name))
    is_whole = stored is not None and not stored["attributes"].get(BEGINS)
    if group is None or is_whole or DERIVED not in group["attributes"]:
        return replace(layer, derivation=None)
    return replace(layer, derivation=Derivation.parse(group["attributes"][DERIVED]))


def identity_of(attributes: Mapping[str, Any], now: str) -> dict[str, Any]:
    """Give the attributes that a run keeps for ever, with one more time of resuming."""
    resumed = attributes.get("resumed")
    return {
        "run_id": attributes["run_id"],
        "created": attributes["created"],
        "resumed": [*(resumed if isinstance(resumed, list) else []), now],
    }


def broken_since(attributes: Mapping[str, Any], after_step: int | None) -> int | None:
    """Give the step at which the training broke down, if that step is kept."""
    broken: int | None = attributes.get("not_finite_since")
    return broken if broken is None or after_step is None or broken <= after_step else None


def jumps_until(attributes: Mapping[str, Any], after_step: int | None) -> list[int]:
    """Give the jumps of the weights that were noted in the part of a run that is kept."""
    jumps: list[int] = attributes.get("weight_jumps", [])
    return [step for step in jumps if after_step is None or step <= after_step]


def check_same(spec: RunSpec, root: Document, growing: Iterable[LiveArray], path: Path) -> None:
    """Raise `SpecError` unless a run can go on with this description."""
    found = resume_problems(spec, root, growing)
    if found:
        raise SpecError(
            f"The run at {path} cannot be resumed; record into a new path.\n- " + "\n- ".join(found)
        )

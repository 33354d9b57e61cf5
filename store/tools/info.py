"""What a run is and holds, as plain data and as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from store.errors import RunFormatError, listed
from store.format.facts import STEP
from store.format.names import CHECKSUMS, HISTORY_PREFIX, STEP_DIM, layer_path
from store.format.parts import stored_path
from store.format.spec import EVALUATION_INPUT, EVALUATION_LABEL, EXAMPLE_DIM
from store.reading import moments
from store.reading.bookmarks import Bookmark
from store.reading.run import Run
from store.storage.location import ROOT_FILES
from store.storage.sources import DirectorySource
from store.terminal import printable
from store.tools.facts import fact_texts
from store.tools.publication import JSONLD_NAME, citation, stated

README_NAME = "README.md"
# How a README of `share` begins. Another file of that name is the author's own: it stays as it is.
README_MARK = "<!-- Written by trainlapse share. -->"

# Binary units, as file managers show them.
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def describe(run: Run) -> dict[str, Any]:
    """Everything `info` shows, ready for JSON.

    Parameters
    ----------
    run : Run
        An open run.

    Returns
    -------
    dict
        ``name, id, location, form, schema_version, created, finished, steps, layers, metrics,
        facts, left_out, after_training, probe, evaluations, contains, dataset, moments,
        other_files, versions, bytes`` …; sizes are None where the place cannot list them.
    """
    sizes = _sizes(run)
    steps = run.steps
    raw = raw_bytes(run)
    return {
        "name": run.name,
        "id": run.id,
        "location": run.location,
        "form": run.attributes["form"],
        "schema_version": run.attributes["schema_version"],
        "created": run.attributes["created"],
        "finished": run.attributes.get("finished"),
        "weight_jumps": list(run.weight_jumps),
        "optimizer": run.attributes.get("optimizer"),
        "loss": run.attributes.get("loss"),
        "schedule": run.attributes.get("schedule"),
        "seed": run.attributes.get("seed"),
        "notes": run.attributes.get("notes", ""),
        "facts": run.facts,
        "left_out": dict(run.left_out),
        "versions": dict(run.attributes.get("versions", {})),
        "steps": {
            "count": len(steps),
            "first": int(steps[0]) if len(steps) else None,
            "last": int(steps[-1]) if len(steps) else None,
            "epochs": float(run.epochs[-1]) if len(steps) else None,
        },
        **_describe_model(run, raw, sizes),
        "parts": [
            {"name": name, **_describe_model(part, raw, sizes)} for name, part in run.parts.items()
        ],
        "after_training": run.after_training is not None,
        "metrics": _describe_metrics(run),
        "contains": contents(run),
        "dataset": _describe_publication(run),
        "moments": [bookmark.as_json() for bookmark in _moments(run)],
        "other_files": other_files(run),
        "raw_bytes": sum(raw.values()),
        "step_bytes": sum(raw[path] for path in raw if _grows(run.nodes[path])),
        "bytes": sum(sizes.values()) if sizes is not None else None,
    }


def stored_bytes(run: Run) -> int | None:
    """Bytes that a run takes where it is; None where the place cannot list them."""
    sizes = _sizes(run)
    return None if sizes is None else sum(sizes.values())


def _sizes(run: Run) -> Mapping[str, int] | None:
    source = run.source
    return source.taken() if isinstance(source, DirectorySource) else source.sizes()


def _describe_model(
    run: Run, raw: Mapping[str, int], sizes: Mapping[str, int] | None
) -> dict[str, Any]:
    """Describe what a run, or a part of one, holds of its model."""
    places = {name: stored_path(layer_path(name), run.part) for name in run.layers}
    return {
        "layers": [
            {
                "name": layer.name,
                "class": layer.class_name,
                "kind": layer.kind,
                "output_shape": list(layer.output_shape),
                "parameters": layer.parameters,
                "activation": layer.has_activation,
                "whole_output": layer.has_whole_output,
                "derived_from": list(layer.derived_from),
                "weights": {name: list(shape) for name, shape in layer.weights.items()},
                "raw_bytes": _below(raw, (places[layer.name],)),
                "bytes": _stored(sizes, places[layer.name]),
            }
            for layer in run.layers.values()
        ],
        "probe": _describe_probe(run),
        "evaluations": _describe_evaluations(run),
    }


def _describe_publication(run: Run) -> dict[str, Any]:
    """Describe what the author of a shared run says of it; what is not stated is None."""
    said = stated(run)
    return {
        "authors": [{"name": each.name, "orcid": each.orcid or None} for each in said.authors],
        "licence": said.licence or None,
        "citation": citation(run, said) if said.authors or said.cite else None,
    }


def models_of(run: Run) -> list[Run]:
    """Give the models of a run, each as a run: its parts, or the run itself."""
    return list(run.parts.values()) or [run]


def raw_bytes(run: Run) -> dict[str, int]:
    """Uncompressed bytes of every array, by path; history twins and checksums are not counted."""
    return {
        path: math.prod(node["shape"]) * np.dtype(node["data_type"]).itemsize
        for path, node in run.nodes.items()
        if node["node_type"] == "array"
        and not path.startswith(HISTORY_PREFIX)
        and path != CHECKSUMS
    }


def _grows(node: Mapping[str, Any]) -> bool:
    """Whether an array has a frame for each recorded step."""
    return next(iter(node.get("dimension_names") or ()), None) == STEP_DIM


def contents(run: Run) -> dict[str, bool]:
    """Tell what of a training a run gives away: to be read before it leaves the machine."""
    models = models_of(run)
    probes = [model.probe for model in models if model.probe is not None]
    evaluations = [each for model in models for each in model.evaluations.values()]
    layers = [layer for model in models for layer in model.layers.values()]
    return {
        "inputs": any(probe.inputs or probe.not_stored for probe in probes)
        or any(map(_has_inputs, evaluations)),
        "labels": any(probe.labels is not None for probe in probes)
        or any(EVALUATION_LABEL in each for each in evaluations),
        "class_names": any(probe.class_names for probe in probes)
        or any(each.attrs.get("class_names") for each in evaluations),
        "texts": any(probe.texts for probe in probes),
        "vocabulary": any(probe.vocabulary for probe in probes),
        "weights": any(layer.weights for layer in layers),
        "activations": any(layer.has_activation or layer.has_whole_output for layer in layers),
        "model_config": any(model.model_config is not None for model in models),
        "notes": bool(run.attributes.get("notes")),
        "moments": bool(_moments(run)),
        "other_files": bool(other_files(run)),
    }


def kept_inputs(run: Run) -> list[str]:
    """Say of how many probes and examples a run holds the inputs."""
    kept = []
    for model in models_of(run):
        of = f" of {model.part}" if model.part else ""
        if model.probe and model.probe.inputs:
            kept.append(f"{model.probe.size} probes{of}")
        evaluated = (each for each in _describe_evaluations(model) if each["inputs"])
        kept += [f"{each['count']} {_of_role(each)} examples{of}" for each in evaluated]
    return kept


def marked_moments(run: Run) -> list[str]:
    """Say how many moments of a run are marked, and how many of them have notes."""
    marked = _moments(run)
    noted = sum(bool(each.note) for each in marked)
    return [f"{len(marked)}, {f'{noted} with notes' if noted else 'without notes'}"]


def other_files(run: Run) -> list[str]:
    """Names of files that lie beside a run's arrays and travel with it, but are no part of it."""
    source = run.source
    if isinstance(source, DirectorySource):
        names = [entry.name for entry in source.directory.iterdir() if _is_plain(entry)]
    else:
        names = [name for name in source.sizes() or {} if "/" not in name]
    ours = [*ROOT_FILES, moments.FILE_NAME, JSONLD_NAME]
    if not has_own_readme(run):
        ours.append(README_NAME)
    return sorted(name for name in names if name not in ours and not name.startswith("."))


def has_own_readme(run: Run) -> bool:
    """Whether a file of that name lies beside the arrays which `share` has not written."""
    try:
        return run.source.read(README_NAME, 0, len(README_MARK)) != README_MARK.encode()
    except (OSError, RunFormatError):
        return False


def _is_plain(entry: Path) -> bool:
    return entry.is_file() and not entry.is_symlink()


def _moments(run: Run) -> Sequence[Bookmark]:
    try:
        return moments.load(run)
    except (RunFormatError, OSError):  # `share` says what is wrong with them
        return ()


def human_bytes(count: float | None) -> str:
    """Size for people.

    Examples
    --------
    >>> human_bytes(1536)
    '1.5 KiB'
    """
    if count is None:
        return "?"
    power = min(int(math.log(count, 1024)), len(_UNITS) - 1) if count >= 1 else 0
    return f"{count / 1024**power:.{1 if power else 0}f} {_UNITS[power]}"


def render(info: Mapping[str, Any]) -> str:
    """Turn a description into text for a terminal."""
    steps = info["steps"]
    lines = [f"{info['name']}  ({info['form']} form, schema {info['schema_version']})"]
    lines.append(f"  at        {info['location']}")
    lines.append(f"  recorded  {info['created']}, {_ending(info)}")
    span = f", {steps['first']} to {steps['last']}" if steps["count"] else ""
    epochs = f", {steps['epochs']:g} epochs" if steps["epochs"] is not None else ""
    lines.append(f"  steps     {steps['count']}{span}{epochs}")
    if info["after_training"]:
        lines.append("  and       the weights after the training, which are not the last step's")
    if info["weight_jumps"]:
        jumps = listed(map(str, info["weight_jumps"]))
        lines.append(f"  weights   set, not updated, before steps {jumps}")
    raw, steps_raw = human_bytes(info["raw_bytes"]), human_bytes(info["step_bytes"])
    lines.append(f"  size      {human_bytes(info['bytes'])} ({raw} raw, {steps_raw} of it steps)")
    if info["parts"]:
        lines.append(f"  parts     {', '.join(part['name'] for part in info['parts'])}")
    else:
        lines += _examples_lines(info)
    lines.append(f"  contains  {', '.join(n for n, there in info['contains'].items() if there)}")
    if info["other_files"]:
        lines.append(f"  and files {', '.join(info['other_files'])}")
    lines += _publication_lines(info["dataset"])
    if info["schedule"]:
        lines.append(f"  schedule  {info['schedule']}")
    if info["versions"]:
        versions = ", ".join(f"{name} {version}" for name, version in info["versions"].items())
        lines.append(f"  versions  {versions}")
    lines += _fact_lines(info["facts"])
    lines += [f"  left out  {path}: {reason}" for path, reason in info["left_out"].items()]
    if info["notes"]:
        lines.append(f"  notes     {info['notes']}")
    for part in info["parts"]:
        lines += ["", f"Part {part['name']}", *_examples_lines(part), *_layer_table(part["layers"])]
    if not info["parts"]:
        lines += ["", *_layer_table(info["layers"])]
    if info["metrics"]:
        lines += ["", f"Metrics at their last value ({info['metrics']['rows']} rows)"]
        values = info["metrics"]["last"]
        width = max(map(len, values), default=0)
        lines += [f"  {name:<{width}}  {_number(value)}" for name, value in values.items()]
    if info["moments"]:
        lines += ["", "Moments", *(f"  {_moment_line(each)}" for each in info["moments"])]
    return "\n".join(printable(line) for line in lines)


def _publication_lines(said: Mapping[str, Any]) -> list[str]:
    authors = [
        f"{each['name']} ({each['orcid']})" if each["orcid"] else each["name"]
        for each in said["authors"]
    ]
    told = {"authors": ", ".join(authors), "licence": said["licence"], "cite as": said["citation"]}
    return [f"  {name:<9} {text}" for name, text in told.items() if text]


def _fact_lines(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    told = [(entry[STEP], *each) for entry in facts for each in fact_texts(entry)]
    return [
        f"  {'settings ' if not number else '         '} from step {step}: {name} {text}"
        for number, (step, name, text) in enumerate(told)
    ]


def _ending(info: Mapping[str, Any]) -> str:
    return f"finished {info['finished']}" if info["finished"] else "not finished"


def _examples_lines(model: Mapping[str, Any]) -> list[str]:
    evaluated = [f"  {_evaluation_line(each)}" for each in model["evaluations"]]
    return [f"  probes    {_probe_line(model['probe'])}", *evaluated]


def _probe_line(probe: Mapping[str, Any] | None) -> str:
    if probe is None:
        return "none"
    inputs = [f"{name} {tuple(shape)}" for name, shape in probe["inputs"].items()]
    inputs += [
        f"{name} {tuple(about['shape'][1:])} of {about['dtype']}, not stored"
        for name, about in probe["not_stored"].items()
    ]
    task = f"; labels are {probe['task']}" if probe["task"] not in (None, "none") else ""
    return f"{probe['count']} ({probe['kind']}: {', '.join(inputs) or 'inputs not kept'}{task})"


def _evaluation_line(evaluation: Mapping[str, Any]) -> str:
    kept = "" if evaluation["inputs"] else ", inputs not kept"
    return f"examples  {evaluation['count']} {_of_role(evaluation)}{kept}"


def _of_role(evaluation: Mapping[str, Any]) -> str:
    return "training" if evaluation["role"] == "train" else "held-out"


def _moment_line(moment: Mapping[str, Any]) -> str:
    unit = f", unit {moment['unit']}" if "layer" in moment and "unit" in moment else ""
    place = [f"step {moment['step']}", f"{moment['layer']}{unit}" if "layer" in moment else ""]
    return "  ".join(part for part in (*place, moment["note"]) if part)


def _layer_table(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    head = ("layer", "class", "kind", "output", "parameters", "recorded", "size")
    rows = [head]
    for layer in layers:
        shape = " x ".join(map(str, layer["output_shape"]))
        outputs = ["follows" if layer["derived_from"] else "activation"][: layer["activation"]]
        outputs += ["whole output"][: layer["whole_output"]]
        recorded = outputs + list(layer["weights"])
        size = layer["bytes"] if layer["bytes"] is not None else layer["raw_bytes"]
        rows.append(
            (
                layer["name"],
                layer["class"],
                layer["kind"],
                shape,
                f"{layer['parameters']:,}",
                ", ".join(recorded),
                human_bytes(size),
            )
        )
    return table(rows)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as aligned lines, the first row as a heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _describe_probe(run: Run) -> dict[str, Any] | None:
    probe = run.probe
    if probe is None:
        return None
    return {
        "kind": probe.kind,
        "count": probe.size,
        "inputs": {name: list(values.shape[1:]) for name, values in probe.inputs.items()},
        "not_stored": {name: dict(about) for name, about in probe.not_stored.items()},
        "task": probe.task,
        "class_names": list(probe.class_names) if probe.class_names is not None else None,
    }


def _describe_evaluations(run: Run) -> list[dict[str, Any]]:
    return [
        {"role": role, "count": each.sizes[EXAMPLE_DIM], "inputs": _has_inputs(each)}
        for role, each in run.evaluations.items()
    ]


def _has_inputs(evaluation: xr.Dataset) -> bool:
    return any(str(name).startswith(EVALUATION_INPUT) for name in evaluation)


def _describe_metrics(run: Run) -> dict[str, Any] | None:
    rows = run.metrics.sizes.get("update")
    return {"rows": int(rows), "last": last_metrics(run)} if rows else None


def last_metrics(run: Run) -> dict[str, float | None]:
    """Give the last value of each metric that is a number; None where there is none."""
    last = {}
    for name, values in run.metrics.data_vars.items():
        numbers = values.values[~np.isnan(values.values)]
        last[str(name)] = float(numbers[-1]) if len(numbers) else None
    return last


def _below(sizes: Mapping[str, int], prefixes: Iterable[str]) -> int:
    heads = tuple(f"{prefix}/" for prefix in prefixes)
    return sum(size for key, size in sizes.items() if key.startswith(heads))


def _stored(sizes: Mapping[str, int] | None, path: str) -> int | None:
    return None if sizes is None else _below(sizes, (path, f"history/{path}"))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"

"""Gather what detectors are told of a training: metrics, settings, weights and activations.

Weights and activations are looked at in some of the recorded steps. Nothing here may fail on a run
that lacks something: what is not there is not told.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.layers import (
    can_die,
    function_name,
    has_function,
    main_weight,
    unit_function,
)
from explorer.data.metrics import ACCURACY, LEARNING_RATE, VALIDATION, metric_values
from explorer.data.run import RunData
from explorer.derived.findings.facts import (
    NO_SERIES,
    Activity,
    Answers,
    Facts,
    Inputs,
    LayerFacts,
    Series,
    Start,
    Task,
)
from explorer.derived.predictions.reading import OutputReading, class_numbers, what_labels_are
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.units.activity import ACTIVE_SLOPE
from store import Layer, Run
from store.format.losses import recorded_loss
from store.format.names import EPOCH_SAMPLES, activation_path, weight_path

Array = npt.NDArray[Any]

# Recorded steps at which weights and activations are looked at: dense at first, as steps are.
MOST_LOOKS = 10
# Values of one layer, or of the output, that are looked at in a step.
MOST_VALUES = 2**20
# Units of a layer that are held against each other.
MOST_UNITS = 512
# What makes an input harmless at any scale: layers that bring it to one, or look words up.
NORMALIZING = (
    *("Normalization", "Rescaling", "BatchNormalization", "LayerNormalization"),
    *("Embedding", "TextVectorization", "StringLookup", "IntegerLookup", "CategoryEncoding"),
    *("Hashing", "Discretization", "UnitNormalization", "GroupNormalization"),
)


def gather_facts(data: RunData) -> Facts:
    """Gather the facts of a run; call it in the worker thread."""
    run = data.run
    steps = np.asarray(run.steps)
    looks = np.asarray(sample_indices(len(steps), MOST_LOOKS), np.int64)
    output = data.output or ""
    loss = recorded_loss(run.attributes.get("loss"), output)
    quality = _quality_name(data)
    answers = _answers(data, looks)
    samples = data.metrics.coords.get(EPOCH_SAMPLES)
    counted_samples = np.zeros(0) if samples is None else np.asarray(samples.values, np.float64)
    counted_samples = counted_samples[np.isfinite(counted_samples)]
    settings = run.settings()
    optimizer = settings.get("optimizer", run.attributes.get("optimizer"))
    epochs = np.asarray(run.epochs)
    targets = None if answers is None else answers.targets
    return Facts(
        steps=steps,
        looks=looks,
        epochs=float(epochs[-1]) if len(epochs) and np.isfinite(epochs[-1]) else 0.0,
        updates=int(steps[-1]) if len(steps) else 0,
        loss=_series(data, "loss"),
        val_loss=_series(data, VALIDATION + "loss"),
        quality=_series(data, quality),
        val_quality=_series(data, VALIDATION + quality if quality else ""),
        learning_rate=_series(data, LEARNING_RATE),
        quality_name=quality,
        layers={name: _layer(data, name, looks) for name in counted(list(run.layers))},
        optimizer=optimizer if isinstance(optimizer, Mapping) else None,
        loss_name=None if loss is None else loss.name,
        loss_family=None if loss is None else loss.family,
        from_logits=loss is not None and loss.from_logits,
        task=_task(data, targets, quality),
        classes=_classes(data, answers),
        batch_size=_whole(settings.get("batch_size")),
        examples=int(counted_samples.max()) if len(counted_samples) else None,
        target_deviation=_deviation_of_targets(targets),
        inputs=_inputs(data),
        answers=answers,
        not_finite_since=run.not_finite_since,
        weight_jumps=run.weight_jumps,
        has_parts=bool(run.part_names),
        is_finished=run.finished is not None,
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _quality_name(data: RunData) -> str:
    """Name the metric of shares that are right; empty without one."""
    names = [name for name in ACCURACY.names(data) if not name.startswith(VALIDATION)]
    return next((name for name in names if "acc" in name), "")


def _series(data: RunData, name: str) -> Series:
    if not name or name not in data.metrics:
        return NO_SERIES
    updates, values = metric_values(data, name)
    logged = ~np.isnan(values) | np.isinf(data.metrics[name].values)
    return Series(np.asarray(updates[logged]), values[logged])


def _task(data: RunData, targets: Array | None, quality: str) -> Task | None:
    """Say whether classes or numbers are asked for, by the labels rather than by the loss."""
    if targets is not None and len(targets):
        answer = data.run.layers[data.output].output_shape if data.output else ()
        found = what_labels_are([targets], answer[-1] if answer else 1)
        is_classes = found in ("classes", "shares") and not (
            found == "classes" and targets.dtype.kind == "f" and not np.isin(targets, (0, 1)).all()
        )
        return "classes" if is_classes else "values"
    if quality:
        return "classes"
    return "values" if data.task in ("values", "image") else None


def _classes(data: RunData, answers: Answers | None) -> int:
    if isinstance(data.answer, OutputReading):
        return data.answer.classes
    labels = None if answers is None else answers.labels
    return 0 if labels is None or not len(labels) else int(labels.max()) + 1


def _deviation_of_targets(targets: Array | None) -> float:
    if targets is None or targets.dtype.kind not in "fiu" or not targets.size:
        return math.nan
    with np.errstate(all="ignore"):
        return float(np.asarray(targets, np.float64).std())


# -- layers ------------------------------------------------------------------------------------


def _layer(data: RunData, name: str, looks: Array) -> LayerFacts:
    layer = data.run.layers[name]
    weight = main_weight(layer)
    norm, moved, penalty, start = _weights(data, layer, weight, looks)
    measured = _measured(data, layer, weight)
    frozen = data.run.settings().get("not_trained", [])
    paths = [weight_path(name, each) for each in layer.weights]
    trainable = [
        path for path in paths if data.run.nodes[path]["attributes"].get("trainable", True)
    ]
    is_frozen = (
        bool(paths)
        and weight is not None
        and (weight_path(name, weight) in frozen or weight_path(name, weight) not in trainable)
    )
    return LayerFacts(
        name=name,
        class_name=layer.class_name,
        kind=layer.kind,
        function=_function(layer),
        config=layer.config,
        is_output=name in _ending(data.run),
        has_weights=bool(layer.parameters),
        units=data.units(name) if layer.has_activation else 0,
        parameters=layer.parameters,
        steps_seen=_steps_seen(data, layer),
        is_frozen=is_frozen,
        start=start,
        norm=norm,
        moved=moved,
        ratio=measured["ratio"],
        cosine=measured["cosine"],
        gradient=measured["gradient"],
        penalty=penalty,
        activity=_activity(data, layer, looks) if layer.has_activation and len(looks) else None,
    )


def _ending(run: Run) -> set[str]:
    """Name the layers that end the network: what gives the output, and what is turned into it."""
    found: set[str] = set()
    for output in run.outputs:
        name: str | None = output
        while name is not None and name in run.layers and name not in found:
            found.add(name)
            layer = run.layers[name]
            only_turns = layer.kind in ("softmax", "activation", "regularization", "reshape")
            name = layer.source if only_turns else None
    return found


def _function(layer: Layer) -> str | None:
    if layer.kind in ("softmax",):
        return "softmax"
    config = layer.config
    if isinstance(config.get("layer"), dict):
        config = config["layer"].get("config", {})
    if "activation" not in config:
        return function_name(layer) if layer.kind == "activation" else "linear"
    named = config["activation"]
    return named if isinstance(named, str) else "linear" if named is None else None


def _steps_seen(data: RunData, layer: Layer) -> int:
    if layer.kind != "recurrent" or layer.source is None:
        return 0
    shape: tuple[int, ...] = data.run.layers[layer.source].output_shape
    given = data.input() if not shape and data.run.layers[layer.source].kind == "input" else None
    shape = shape or (() if given is None else given.shape[1:])
    return int(shape[0]) if len(shape) > 1 else 0


def _weights(
    data: RunData, layer: Layer, weight: str | None, looks: Array
) -> tuple[Array, Array, Array, Start | None]:
    norm, moved, penalty = (np.full(len(looks), np.nan) for _ in range(3))
    start = None
    if weight is None or not len(looks):
        return norm, moved, penalty, start
    l1, l2 = _penalties(layer, weight)
    first: Array | None = None
    for at, index in enumerate(looks.tolist()):
        values = np.asarray(data.weight(layer.name, weight, index), np.float64)
        with np.errstate(all="ignore"):
            norm[at] = np.sqrt(np.square(values).sum())
            penalty[at] = l2 * np.square(values).sum() + l1 * np.abs(values).sum()
            if first is None:
                first = values
                start = _start(values) if data.run.steps[index] == 0 else None
            base = np.sqrt(np.square(first).sum())
            moved[at] = np.sqrt(np.square(values - first).sum()) / max(base, 1e-12)
    return norm, moved, penalty, start


def _start(values: Array) -> Start | None:
    if values.ndim < 2 or not values.size:
        return None
    rows = values.reshape(-1, values.shape[-1])
    field = math.prod(values.shape[:-2])
    usual = math.sqrt(2 / max(1, field * (values.shape[-2] + values.shape[-1])))
    columns = rows[:, :MOST_UNITS].T
    with np.errstate(all="ignore"):
        norms = np.sqrt(np.square(rows).mean(axis=0))
        unevenness = norms.std() / norms.mean() * math.sqrt(len(rows)) if norms.any() else 0.0
    distinct = len(np.unique(columns, axis=0)) / len(columns)
    return Start(
        deviation=float(values.std()),
        usual=usual,
        largest=float(np.abs(values).max()),
        distinct=distinct,
        unevenness=float(unevenness),
        units=int(values.shape[-1]),
        values=int(values.size),
    )


def _penalties(layer: Layer, weight: str) -> tuple[float, float]:
    """Give the factors of the absolute values and of the squares of a weight in the loss."""
    config = layer.config.get(f"{weight}_regularizer")
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        return 0.0, 0.0
    found = config["config"]
    factors = [found.get(name) for name in ("l1", "l2")]
    l1, l2 = (float(each) if isinstance(each, int | float) else 0.0 for each in factors)
    return l1, l2


def _measured(data: RunData, layer: Layer, weight: str | None) -> dict[str, Array]:
    nothing = np.full(len(data.run), np.nan)
    found = {"ratio": nothing, "cosine": nothing, "gradient": nothing}
    updates = data.run.updates
    if weight is None or updates is None:
        return found
    path = weight_path(layer.name, weight)
    variables = updates["variable"].values
    if path not in variables:
        return found
    column = int(np.flatnonzero(variables == path)[0])

    def read(name: str) -> Array:
        if name not in updates:
            return nothing
        return np.asarray(updates[name].values[:, column], np.float64)

    with np.errstate(all="ignore"):
        ratio = read("norm") / read("weight")
    return {"ratio": ratio, "cosine": read("cosine"), "gradient": read("gradient")}


def _activity(data: RunData, layer: Layer, looks: Array) -> Activity:
    names = ("deviation", "largest", "varies", "dead", "saturated", "alike")
    table = {name: np.full(len(looks), np.nan) for name in names}
    dead_units = np.zeros(0, np.int64)
    function = unit_function(layer)
    dies = can_die(layer)
    for at, index in enumerate(looks.tolist()):
        values = _laid_out(data, layer.name, index)
        if not values.size or not np.isfinite(values).all():
            continue
        table["deviation"][at] = values.std()
        table["largest"][at] = np.abs(values).max()
        size = np.sqrt(np.square(values).mean())
        apart = np.sqrt(np.square(values - values.mean(axis=0)).mean())
        table["varies"][at] = apart / size if size > 0 else 0.0
        if has_function(layer) and function is not None and function.slope_of_value is not None:
            slope = np.asarray(function.slope_of_value(values.astype(np.float32)))
            table["saturated"][at] = (slope < ACTIVE_SLOPE * function.steepest).mean()
            if dies:
                is_dead = (slope == 0).all(axis=(0, 1))
                table["dead"][at] = is_dead.mean()
                dead_units = np.flatnonzero(is_dead)
        table["alike"][at] = _alike(values)
    return Activity(**table, dead_units=dead_units)


def _laid_out(data: RunData, name: str, index: int) -> Array:
    """Give a layer's activation as (probe, position, unit), float64, of bounded size."""
    shape = data.run.array(activation_path(name)).shape
    probes = shape[1]
    each = max(1, math.prod(shape[2:]))
    chosen = np.asarray(data.activations(name, index))
    most = max(1, MOST_VALUES // each)
    if probes > most:
        chosen = chosen[sample_indices(probes, most)]
    flat = chosen.reshape(len(chosen), -1, chosen.shape[-1] if chosen.ndim > 1 else 1)
    seen = max(1, MOST_VALUES // max(1, len(flat) * flat.shape[-1]))
    if flat.shape[1] > seen:
        flat = flat[:, sample_indices(flat.shape[1], seen)]
    return flat.astype(np.float64)


def _alike(values: Array) -> float:
    """Share of the units that vary and equal another one, but for rounding."""
    columns = values.reshape(-1, values.shape[-1])[:4096, :MOST_UNITS]
    spread = columns.std(axis=0)
    varying = columns[:, spread > 1e-6 * max(float(np.abs(columns).max()), 1e-30)]
    if varying.shape[1] < 2:
        return 0.0
    scaled = np.round(varying / np.abs(varying).max(), 5)
    return 1.0 - len(np.unique(scaled.T, axis=0)) / int(varying.shape[1])


# -- inputs and answers ------------------------------------------------------------------------


def _inputs(data: RunData) -> Inputs | None:
    given = data.input()
    if given is None or given.dtype.kind not in "fiub" or not given.size:
        return None
    of_image_or_text = data.run.probe is not None and data.run.probe.kind == "text"
    values = np.asarray(given, np.float64)
    known = values[np.isfinite(values)]
    takers = [
        layer
        for layer in data.run.layers.values()
        if any(
            source in data.run.layers and data.run.layers[source].kind == "input"
            for source in layer.inbound
        )
    ]
    is_scaled = of_image_or_text or any(each.class_name in NORMALIZING for each in takers)
    features = values.reshape(len(values), -1) if values.ndim == 2 else known[:, None]
    with np.errstate(all="ignore"):
        spreads = np.nanstd(features, axis=0) if len(known) else np.zeros(1)
        varied = spreads[spreads > 0]
        return Inputs(
            of="probe",
            examples=len(values),
            low=float(known.min()) if len(known) else math.nan,
            high=float(known.max()) if len(known) else math.nan,
            mean=float(known.mean()) if len(known) else math.nan,
            deviation=float(known.std()) if len(known) else math.nan,
            unknown=1 - len(known) / values.size,
            widest=float(varied.max()) if len(varied) else 0.0,
            narrowest=float(varied.min()) if len(varied) else 0.0,
            is_normalized=is_scaled,
        )


def _answers(data: RunData, looks: Array) -> Answers | None:
    output = data.output
    if output is None or not data.run.layers[output].has_activation or not len(looks):
        return None
    shape = data.run.array(activation_path(output)).shape
    if math.prod(shape[1:]) > MOST_VALUES:
        return None
    raw = np.stack([np.asarray(data.activations(output, index)) for index in looks.tolist()])
    probe = data.run.probe
    targets = None if probe is None or probe.labels is None else np.asarray(probe.labels)
    reading = data.reading
    shares = labels = None
    if reading is not None and raw.ndim == 3:
        with np.errstate(all="ignore"):
            shares = np.asarray(reading.probabilities(raw), np.float64)
        labels = None if targets is None else class_numbers(targets, reading.classes)
    elif targets is not None and targets.dtype.kind in "iu" and targets.ndim == 1:
        labels = targets.astype(np.int64)
    return Answers(raw, shares, labels, targets)

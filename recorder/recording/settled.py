"""What is known of inputs and labels once the network is: what they are, and what is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from recorder.kinds import dims_of, kind_by_layers
from recorder.labels import Labels, asked_by
from recorder.probe import Probe
from store.format.spec import (
    EVALUATION_GROUPS,
    EXAMPLE_DIM,
    EvaluationSpec,
    LayerSpec,
    ProbeSpec,
    RunSpec,
)
from store.reading.run import Run


def settled_probe(probe: Probe, network: RunSpec, run: Run | None = None) -> ProbeSpec:
    """Describe a probe by what the user said of it, and else by what the network does with it.

    Parameters
    ----------
    probe : Probe
        The probe.
    network : RunSpec
        What a backend knows of the network and its training, not narrowed.
    run : Run, optional
        The run of the network that is to go on. The training may have another loss now: what labels
        ask without a word of the user's is what they asked then.
    """
    kind = probe.kind
    if not probe.kind_is_given:
        first = next(iter(probe.inputs.values()), None)
        kind = kind_by_layers(kind, first, _takers(network.layers))
    labels = Labels(probe.labels, probe.class_names, probe.task)
    return probe.to_spec(kind, _asked_then(labels, run, "probe") or _asked(labels, network))


def settled_evaluation(
    evaluation: EvaluationSpec, probe: ProbeSpec, network: RunSpec, run: Run | None = None
) -> EvaluationSpec:
    """Describe an evaluation as the probe is described, where that is not known of itself.

    A run that is to go on may know it, see `settled_probe`.
    """
    labels = Labels(
        evaluation.labels,
        None if evaluation.class_names is None else list(evaluation.class_names),
        evaluation.task,
    )
    asked = _asked_then(labels, run, EVALUATION_GROUPS[evaluation.role])
    if asked is None and labels.task is None and probe.task not in (None, "none"):
        asked = None if labels.values is None else labels.asking(probe.task)
    asked = asked or _asked(labels, network)
    evaluation = replace(evaluation, labels=asked.values, task=asked.task)
    name, first = next(iter(evaluation.inputs.items()), ("", None))
    kind = kind_by_layers(evaluation.kind, first, _takers(network.layers))
    if first is None or evaluation.kind in (kind, probe.kind):
        return evaluation
    dims = (EXAMPLE_DIM, *dims_of(kind, first)[1:])
    return replace(evaluation, kind=kind, input_dims={**evaluation.input_dims, name: dims})


def _asked_then(labels: Labels, run: Run | None, group: str) -> Labels | None:
    """Give labels with the task that a run has; None where the user, or the run, does not say so.

    Runs of earlier versions do not.
    """
    node = None if run is None else run.nodes.get(group)
    known = {} if node is None else node["attributes"]
    if labels.task is not None or known.get("task", "none") == "none":
        return None
    return labels.asking(known["task"])


def _asked(labels: Labels, network: RunSpec) -> Labels:
    outputs: Mapping[str, LayerSpec] = {
        layer.name: layer for layer in network.layers if layer.name in network.outputs
    }
    if labels.task is not None or len(outputs) != 1:
        return labels if labels.values is not None else labels.asking(labels.task or "none")
    ((name, output),) = outputs.items()
    if not output.output_dims:
        return labels
    task = asked_by(
        network.loss,
        name,
        output.output_shape[1:],
        labels,
        ends_in_softmax=output.kind == "softmax" or output.config.get("activation") == "softmax",
    )
    return labels.asking(task)


def _takers(layers: Sequence[LayerSpec]) -> list[LayerSpec]:
    """Find the layers that take what the network is given, the first input of it."""
    inputs = [layer.name for layer in layers if layer.kind == "input"]
    return [layer for layer in layers if inputs[:1] and inputs[0] in layer.inbound]

"""What views require of a run, and what to do where it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import (
    DENSER,
    GIVE_LABELS,
    GIVE_PROBE,
    GIVE_PROBE_OF_PART,
    RECORD_LAYERS,
    Absence,
    Lack,
    Nothing,
    Unfit,
)
from explorer.data.attention import AttentionLayer
from explorer.data.examples import sources
from explorer.data.larger_set import larger_set
from explorer.data.recurrent import NotRecordedError, RecurrentLayer
from explorer.data.replayed import Replayed, has_cross_entropy
from explorer.data.responses import Responses
from explorer.data.run import RunData
from explorer.derived.predictions.reading import YES_OR_NO, NoReading, OutputReading
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.plain import only_value
from explorer.views.base import (
    Scene,
    has_lost_weights,
    named,
    weights_not_recorded,
)
from store import Layer

GIVE_INPUTS = (
    "No labelled examples were kept with their inputs. Give the recorder an Evaluation, or a "
    "probe, that has inputs and labels."
)
NO_OUTPUT = "the run does not name its output"
NO_STEPS = "No step has been recorded yet."


def needs_steps(scene: Scene, least: int = 1) -> Lack | None:
    """Require a number of recorded steps."""
    count = len(scene.data.run)
    if count >= least:
        return None
    if count == 0:
        return Lack(NO_STEPS)
    recorded = "1 step was" if count == 1 else f"{count} steps were"
    return Lack(f"This needs {least} recorded steps; {recorded} recorded. {DENSER}")


def needs_activation(scene: Scene) -> Absence | None:
    """Require a recorded activation of the selected layer."""
    if scene.layer.has_activation:
        return needs_steps(scene)
    if scene.layer.kind == "input":
        return Unfit("An input layer hands on the probe itself; there is nothing to see beside it.")
    if scene.layer.has_whole_output:
        return Unfit(
            f"The output of {scene.layer.name} has no entry for each probe; run.activations"
            f"({scene.layer.name!r}) gives it as a whole."
        )
    return Lack(not_recorded(scene.data, [scene.layer.name]))


def not_recorded(data: RunData, layers: Sequence[str]) -> str:
    """Say that the activation of layers was not recorded, and the remedy."""
    if data.run.probe is None:
        return _no_probe(data)
    if not any(layer.has_activation for layer in data.run.layers.values()):
        return f"No activation was recorded. {RECORD_LAYERS}"
    return f"The activation of {named(layers)} was not recorded. {RECORD_LAYERS}"


def _no_probe(data: RunData) -> str:
    part = data.run.part
    return GIVE_PROBE_OF_PART.format(part=part) if part else GIVE_PROBE


def needs_input(data: RunData) -> Absence | None:
    """Require a probe whose only input is kept with the run."""
    probe = data.run.probe
    if probe is None:
        return Lack(_no_probe(data))
    count = len(probe.inputs) + len(probe.not_stored)
    if count > 1:
        return Unfit(f"The network takes {count} inputs; this is for one.")
    if probe.not_stored:
        return Unfit("What the network takes is no array of numbers; this is for one that is.")
    return Lack("The probe's inputs were not kept with this run.") if not probe.inputs else None


def needs_scores(scene: Scene) -> Absence | None:
    """Require that what the selected layer attends to can be derived."""
    return needs_steps(scene) or AttentionLayer(scene.data, scene.layer.name).fault


def needs_weights(scene: Scene) -> Absence | None:
    """Require recorded weights of the selected layer."""
    name = scene.layer.name
    if scene.layer.weights:
        return None
    if scene.data.network.first_call(name) != name:
        return Unfit(f"{name} is called again, with the weights of its first call.")
    return Lack(weights_not_recorded(scene.data, [name]))


def needs_every_weight(data: RunData) -> Lack | None:
    """Require recorded weights of every layer that has any."""
    lost = [
        name
        for name, layer in data.run.layers.items()
        if has_lost_weights(layer) and data.network.first_call(name) == name
    ]
    return Lack(weights_not_recorded(data, lost)) if lost else None


def needs_every_activation(data: RunData) -> Lack | None:
    """Require the recorded activation of every layer but the inputs."""
    silent = [
        name
        for name, layer in data.run.layers.items()
        if not layer.has_activation and layer.kind != "input"
    ]
    return Lack(not_recorded(data, silent)) if silent else None


def needs_classifier(data: RunData) -> Absence | None:
    """Require one output that says how probable each class is."""
    if data.reading is not None:
        return None
    layers = data.run.layers
    outputs = [layers[name] for name in data.run.outputs if name in layers]
    recorded = [output for output in outputs if output.has_activation]
    if outputs and not recorded:
        return Lack(not_recorded(data, [output.name for output in outputs]))
    if len(recorded) > 1:
        return Unfit(f"The network has {len(recorded)} outputs; this is for one.")
    why = data.answer.why if isinstance(data.answer, NoReading) else NO_OUTPUT
    if isinstance(data.answer, OutputReading):
        why = YES_OR_NO
    return Unfit(f"The network is no classifier of one class each: {why}.")


def needs_classes(data: RunData) -> Absence | None:
    """Require a classifier, and the class of each probe."""
    missing = needs_classifier(data)
    if missing is None and data.class_labels is None:
        return Lack(f"The classes of the probes are not known. {GIVE_LABELS}")
    return missing


def needs_classed_examples(data: RunData) -> Absence | None:
    """Require a class for each probe, unless a larger set stands in for the probes."""
    return None if larger_set(data) is not None else needs_classes(data)


def needs_responses(scene: Scene) -> Absence | None:
    """Require a recorded activation of the layer, and a class for each probe."""
    return needs_steps(scene) or needs_classes(scene.data) or needs_activation(scene)


def no_responses(responses: Responses, layer: str) -> Nothing | None:
    """Say that no unit tells any probe from another at any step."""
    value = only_value(responses.values)
    if value is None:
        return None
    given = "nothing that is a number" if np.isnan(value) else f"{value:.4g}"
    return Nothing(f"Each unit of {layer} gives {given} for every probe at every recorded step.")


def needs_source(data: RunData, layer: Layer) -> Absence | None:
    """Require the only input of a layer, one array with its channels last."""
    if len(layer.inbound) != 1:
        return Unfit(f"{layer.name} does not take one input alone.")
    if layer.operations_between:
        return Unfit(
            f"Between {layer.inbound[0]} and {layer.name} lie operations that are in no layer."
        )
    source = data.run.layers[layer.inbound[0]]
    if source.kind == "input":
        if data.input() is not None and layer.config.get("data_format") != "channels_first":
            return None
        if data.run.probe is not None and not data.run.probe.inputs:
            return needs_input(data)
        return Unfit(f"The input of {layer.name} is not one array with its channels last.")
    return None if source.has_activation else Lack(not_recorded(data, [source.name]))


def needs_network(data: RunData) -> Unfit | None:
    """Require that every layer can be evaluated and differentiated."""
    unsupported = data.network.unsupported
    if not unsupported:
        return None
    name, why = next(iter(unsupported.items()))
    return Unfit(f"{name} cannot be followed: {why}")


def needs_replayed(data: RunData) -> Absence | None:
    """Require labelled examples that can be sent through the network with its recorded weights."""
    missing = needs_network(data) or needs_every_weight(data)
    if missing is not None or Replayed.of(data) is not None:
        return missing
    if not sources(data):
        return needs_classes(data)
    return Lack(GIVE_INPUTS)


def needs_cross_entropy(data: RunData) -> Absence | None:
    """Require a loss that can be differentiated."""
    missing = needs_replayed(data)
    if missing is None and not has_cross_entropy(data):
        return Unfit("The loss is no cross-entropy, so its gradient is not repeated here.")
    return missing


def nothing_in(values: npt.NDArray[Any], what: str) -> Nothing | None:
    """Say that values over all steps are one, of which there is nothing to see but that.

    Parameters
    ----------
    values : ndarray
        Of any shape; what is not finite does not count.
    what : str
        What they are, in the singular, as the beginning of a sentence.
    """
    value = only_value(values)
    if value is None:
        return None
    if np.isnan(value):
        return Nothing(f"{what} is not a number at any recorded step.")
    known = "" if np.isfinite(values).all() else " at which it is a number"
    return Nothing(f"{what} is {value:.4g} at every recorded step{known}.")


def needs_gates(scene: Scene) -> Absence | None:
    """Require weights that are known gate by gate."""
    missing = needs_steps(scene)
    if missing is not None:
        return missing
    try:
        RecurrentLayer(scene.data, scene.selected.layer).gates(0)
    except NotRecordedError as error:
        return Lack(str(error))
    except (NotDerivableError, KeyError, ValueError):
        return Unfit(
            f"{scene.layer.name} is of class {scene.layer.class_name}: only of SimpleRNN, LSTM and "
            "GRU, in one direction or both, is it known which weights belong to which gate."
        )
    return None


def needs_states(scene: Scene, *, derived: bool = False) -> Absence | None:
    """Require the states of a recurrent layer.

    Parameters
    ----------
    scene : Scene
        The selection.
    derived : bool
        Whether the output at every token, as it was recorded, does not do in their place.
    """
    probe, number = scene.data.run.probe, scene.selected.probe
    if probe is None or not probe.size:
        return Lack(_no_probe(scene.data))
    if not len(scene.data.run):
        return needs_steps(scene)
    layer = RecurrentLayer(scene.data, scene.selected.layer)
    if layer.fault is not None and (derived or not layer.gives_sequence):
        return layer.fault
    if not layer.text(number).labels:
        return Nothing(f"Probe {number} is empty: {layer.name} reads no token of it.")
    return None

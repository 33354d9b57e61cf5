"""What the units of a layer do over the training, judged by the slope of its function.

A unit that is silent on all probes may answer to other inputs. So where the run holds an evaluation
set with its inputs, and the network can be repeated, a unit is dead only if that set says so too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.layers import can_die, has_function, unit_function
from explorer.data.run import RunData
from explorer.data.summaries import laid_out, unit_frames
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.units.activity import (
    DEAD,
    SELECTIVE,
    Judged,
    UnitStates,
    unit_states,
    unseen_share,
)
from store import Layer
from store.format.names import activation_path

Array = npt.NDArray[Any]

# A smaller value of a layer without a function counts as 0.
NOTHING = 1e-6
# Values of the network that are computed for the evaluation set, over all steps: some seconds. Of
# larger sets, evenly spread examples are taken. At one step they are in memory: 128 MB.
MOST_COMPUTED = 2**30
MOST_AT_ONCE = 2**25
# Greatest difference between what was recorded and what is computed here, as a share of the
# largest value: beyond, the network does something that the run does not tell.
TOLERANCE = 1e-2


def unit_states_of(data: RunData, layer: str) -> UnitStates | None:
    """Share of active values, mean and state of each unit of a layer: (step, unit) each.

    Of a layer without a function of its own, every value but 0 counts as active. None where the
    slope of its function is not known, see `slope_fault`. Call it in the worker thread.
    """
    if slope_fault(data, layer) is not None:
        return None
    dies = can_die(data.run.layers[layer])
    examples = examples_checked(data, layer)

    def make() -> dict[str, Array]:
        found = unit_states(_judged(data, layer), can_die=dies)
        if examples is not None:
            _revive(data, layer, examples, found.state)
        return asdict(found)

    seen = 0 if examples is None else len(examples)
    return UnitStates(
        **data.derived(f"unit states of {activation_path(layer)}, {seen} examples", make)
    )


def slope_fault(data: RunData, layer: str) -> str | None:
    """Say in a sentence why the slope of a layer's function is not known; None: it is.

    That of most functions follows from their value. Where it does not, what the layer takes must
    be recorded, and its weights if it has any.
    """
    given = data.run.layers[layer]
    function = unit_function(given)
    if not has_function(given) or (function is not None and function.slope_of_value is not None):
        return None
    if layer in data.network.unsupported:
        return f"The slope of {layer} is not known. {data.network.unsupported[layer]}"
    sources = [data.run.layers[name] for name in given.inbound]
    recorded = all(one.has_activation or one.kind == "input" for one in sources)
    has_weights = given.weights or not given.parameters
    if recorded and has_weights and (data.input() is not None or not _takes_input(sources)):
        return None
    return f"The slope of {layer} follows from what it takes, which was not recorded."


def _takes_input(sources: list[Layer]) -> bool:
    return any(source.kind == "input" for source in sources)


def examples_checked(data: RunData, layer: str) -> Array | None:
    """Give the inputs of the evaluation set that show whether a silent unit is dead.

    Returns
    -------
    ndarray (example, ...) or None
        None where no unit can die, and where the set or the network cannot be computed.
    """
    inputs = data.evaluation_input()
    if inputs is None or not can_die(data.run.layers[layer]) or not len(data.run):
        return None
    network, layers = data.network, data.run.layers
    needed = network.ancestors([layer])
    if needed & set(network.unsupported):
        return None
    if any(_lost(layers[network.first_call(name)]) for name in needed):
        return None
    if not _is_repeated(data, layer):
        return None
    each = max(1, sum(math.prod(layers[name].output_shape) for name in needed))
    most = max(1, min(MOST_COMPUTED // (each * len(data.run)), MOST_AT_ONCE // each))
    return np.asarray(inputs[sample_indices(len(inputs), most)])


def unseen_inputs(data: RunData, layers: Sequence[str]) -> str:
    """Say in a sentence how far so many inputs can tell that a silent unit of layers is dead."""
    probes = data.run.probe.size if data.run.probe else 0
    checked = [examples_checked(data, layer) for layer in layers]
    # Of layers that differ in it, what holds for each of them.
    examples = min((0 if each is None else len(each) for each in checked), default=0)
    seen = f"{probes} probes" + (f" and {examples:,} examples" if examples else "")
    return (
        f"{seen} are a sample: up to {100 * unseen_share(probes + examples):.2g} % of inputs like "
        "them may still wake a unit that is silent on all (3/n, at 95 %)."
    )


def _lost(layer: Layer) -> bool:
    return bool(layer.parameters) and not layer.weights


def _is_repeated(data: RunData, layer: str) -> bool:
    """Whether what is computed here of the probes is what was recorded, at the last step."""
    given = data.input()
    if given is None:
        return False

    def make() -> dict[str, Array]:
        last = len(data.run) - 1
        computed = _computed(data, layer, given, last)[layer]
        recorded = data.activations(layer, last)
        if computed.shape != recorded.shape:  # of every k-th unit, for instance
            return {"differs": np.array(np.inf)}
        with np.errstate(invalid="ignore"):
            size = np.abs(recorded).max(initial=np.finfo(np.float32).tiny)
            return {"differs": np.asarray(np.abs(computed - recorded).max(initial=0) / size)}

    # NaN is no agreement.
    return bool(data.derived(f"repetition of {layer}", make)["differs"] <= TOLERANCE)


def _weights(data: RunData, layer: str, index: int) -> dict[str, dict[str, Array]]:
    """Read the weights that a layer depends on, at a recorded step."""
    network = data.network
    owners = {network.first_call(name) for name in network.ancestors([layer])}
    return {name: data.weights(name, index) for name in owners if data.run.layers[name].weights}


def _computed(data: RunData, layer: str, inputs: Array, index: int) -> dict[str, Array]:
    """Send inputs through the network up to a layer, with the weights of a recorded step."""
    (name,) = data.network.inputs
    wanted = data.network.ancestors([layer])
    weights = _weights(data, layer, index)
    return data.network.forward({name: inputs}, weights, wanted=wanted)


def _judged(data: RunData, layer: str) -> Iterator[Judged]:
    """Values of a layer and their slopes, step by step."""
    given = data.run.layers[layer]
    function = unit_function(given)
    for index, frame in enumerate(unit_frames(data, layer)):
        if function is not None and function.slope_of_value is not None:
            slope = function.slope_of_value(np.asarray(frame, np.float32)) / function.steepest
        elif has_function(given):
            at_step = laid_out(data, layer, _slope_at(data, given, index))
            slope = at_step if function is None else at_step / function.steepest
        else:
            slope = (np.abs(frame) > NOTHING).astype(np.float32)
        yield Judged(frame, slope)


def _slope_at(data: RunData, layer: Layer, index: int) -> Array:
    """Slope at each value of a layer's activation, the unit last, from what the layer takes."""
    taken = {}
    for name in layer.inbound:
        if data.run.layers[name].kind == "input":
            given = data.input()
            if given is None:
                raise NotDerivableError(f"The input {name} was not kept with the run.")
            taken[name] = given
        else:
            taken[name] = data.activations(name, index)
    weights = {layer.name: data.weights(layer.name, index)} if layer.weights else {}
    return data.network.slope(layer.name, taken, weights)


def _revive(data: RunData, layer: str, inputs: Array, state: Array) -> None:
    """Let units that are silent on the probes be selective where an example wakes them."""
    function = unit_function(data.run.layers[layer])
    assert function is not None  # its units can die
    for index in counted(np.flatnonzero((state == DEAD).any(axis=1)).tolist()):
        found = _computed(data, layer, inputs, index)
        if function.slope_of_value is not None:
            slope = function.slope_of_value(found[layer])
        else:
            slope = data.network.slope(layer, found, _weights(data, layer, index))
        awake = (slope != 0).reshape(-1, slope.shape[-1]).any(axis=0)
        state[index][(state[index] == DEAD) & awake] = SELECTIVE

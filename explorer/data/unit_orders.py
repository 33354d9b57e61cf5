"""Orders of a layer's units, the most telling first: the same at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.explained import explained_class
from explorer.data.run import RunData
from explorer.derived.network.contributions import class_gradients
from explorer.derived.network.joint import unit_sums
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.headway import counted

Array = npt.NDArray[Any]
# Steps that decide on an order.
SAMPLES = 5


def unit_orders(data: RunData, layer: str, probe: int) -> dict[str, list[int]]:
    """Order the units of a layer by what they do for one probe.

    Call it in the worker thread.

    Parameters
    ----------
    data : RunData
        The run, with a recorded step.
    layer : str
        A layer with a recorded activation.
    probe : int
        The probe.

    Returns
    -------
    dict of str to list of int
        By "activity": mean magnitude; "change": mean magnitude of the difference from one sampled
        step to the next, if there are two; "contribution": magnitude of activation x gradient of
        the explained class's logit, added up over places, if the network can be differentiated.
        Each a mean over `SAMPLES` recorded steps, evenly spread. Units without a finite value last.
    """
    scores = data.derived(f"unit-scores-1/{layer}/{probe}", lambda: _scores(data, layer, probe))
    return {
        name: np.argsort(-np.nan_to_num(values, nan=-1.0, posinf=-1.0), kind="stable").tolist()
        for name, values in scores.items()
    }


def _scores(data: RunData, layer: str, probe: int) -> dict[str, Array]:
    indices = sample_indices(len(data.run), SAMPLES)
    frames = [_by_unit(data.activations(layer, index, probe)) for index in counted(indices)]
    with np.errstate(all="ignore"):  # what diverged comes last
        found = {"activity": np.mean([np.abs(frame).mean(axis=0) for frame in frames], axis=0)}
        if len(frames) > 1:
            steps = zip(frames[1:], frames[:-1], strict=True)
            changes = [np.abs(after - before).mean(axis=0) for after, before in steps]
            found["change"] = np.mean(changes, axis=0)
        contributed = _contributions(data, layer, probe, indices)
    return found if contributed is None else found | {"contribution": contributed}


def _by_unit(values: Array) -> npt.NDArray[np.float64]:
    return np.asarray(values.reshape(-1, values.shape[-1]), np.float64)


def _contributions(data: RunData, layer: str, probe: int, indices: list[int]) -> Array | None:
    """Give what each unit adds to the explained class's logit: (unit,); None: it is not known."""
    network, inputs = data.network, data.input()
    layers = data.run.layers
    outputs = data.run.outputs
    if data.reading is None or inputs is None or len(outputs) != 1 or layer == outputs[0]:
        return None
    target = explained_class(data, probe, -1).number
    sums = []
    try:
        behind = network.descendants([layer])
        sources = {name for each in behind for name in network.nodes[each].inbound} | {layer}
        for index in counted(indices):
            activations = {
                name: inputs[probe : probe + 1]
                if name in network.inputs
                else data.activations(name, index, probe)
                for name in sources | behind
                if name in network.inputs or layers[name].has_activation
            }
            weights = {name: data.weights(name, index) for name in behind if layers[name].weights}
            found = class_gradients(
                network, activations, weights, outputs[0], target, wanted=[layer]
            )
            sums.append(np.abs(unit_sums(activations[layer] * found[layer])))
    except (NotDerivableError, KeyError):
        return None
    return np.asarray(np.mean(sums, axis=0))

"""What the network of a run says at recorded steps, beside what Keras's own model says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from benchmarks.trainings.attempt import Seen, variables_of
from explorer import network_at
from store import Run
from store.errors import SpecError


def answer_problems(
    run: Run, part: str, seen: Seen, tolerance: float, steps: Sequence[int]
) -> Iterator[str]:
    """Find steps at which the network of a run does not say what the model says.

    Raises
    ------
    SpecError
        The run does not tell the network, or the network does not take what the model takes.
    """
    model, probe = seen.models[part], run.probe
    if probe is None or not probe.inputs or probe.not_stored or probe.present:
        raise SpecError("What the network was given is not in the run, or is of unlike lengths.")
    for step in steps:
        net = network_at(run, step, custom_objects=own_classes(model))
        found = net(dict(probe.inputs))
        found = found if isinstance(found, dict) else {net.outputs[0]: found}
        for variable, value in zip(variables_of(model), seen.moments[step][part], strict=True):
            variable.assign(value)
        said, again = (_outputs(model, seen.inputs[part]) for _ in range(2))
        if len(said) != len(found):
            yield f"the network of the run gives {len(found)} outputs, the model {len(said)}"
            return
        for (name, ours), theirs, once_more in zip(found.items(), said, again, strict=True):
            if not np.array_equal(theirs, once_more, equal_nan=True):
                continue  # it is drawn anew each time
            scale = max(1.0, float(np.abs(theirs).max(initial=0)))
            if ours.shape != theirs.shape:
                yield f"{name} has the shape {ours.shape} at a step, in Keras {theirs.shape}"
            elif not np.allclose(ours, theirs, rtol=0, atol=tolerance * scale, equal_nan=True):
                off = float(np.abs(ours - theirs).max())
                yield f"{name} computed at step {step} by {net.engine} differs by {off:.1e}"


def _outputs(model: Any, inputs: Any) -> list[Any]:
    """Give what a model says; a tensor that it gives twice is one output of its run."""
    answer = model(keras.tree.map_structure(_tensor, inputs), training=False)
    return list({id(each): np.asarray(each) for each in keras.tree.flatten(answer)}.values())


def own_classes(model: Any) -> dict[str, Any]:
    """Give the classes that a model is made of and that are not Keras's own, by name."""
    held = {type(each) for each in [model, *model._flatten_layers()]}
    return {cls.__name__: cls for cls in held if not cls.__module__.startswith("keras")}


def _tensor(values: Any) -> Any:
    return keras.ops.convert_to_tensor(values) if isinstance(values, np.ndarray) else values

"""The door: the network of a run at a step, by the engine that can compute it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from explorer.at_step import weights as weights_of
from explorer.at_step.engine import Engine, Passage
from explorer.at_step.inputs import checked, input_specs
from explorer.at_step.numpy_engine import NumpyEngine
from explorer.at_step.step_network import Source, StepNetwork
from explorer.at_step.targets import Head
from explorer.at_step.weights import Average, Held
from explorer.data.run import RunData
from store import Run, open_run
from store.errors import (
    ArgumentError,
    MissingExtraError,
    PartNotFoundError,
    SpecError,
    did_you_mean,
    listed,
)
from store.format.names import activation_path

ENGINES = ("auto", "numpy", "keras")
# Probes whose recorded answers NumPy must give, and how far off it may be, as a share of the
# largest: beyond, the network does something that the run does not tell.
COMPARED = 4
TOLERANCE = 1e-2


def network_at(
    run: Run | str | Path,
    step: int | None = None,
    *,
    steps: Iterable[int] | None = None,
    average: Average = "mean",
    decay: float = 0.99,
    engine: Literal["auto", "numpy", "keras"] = "auto",
    part: str | None = None,
    custom_objects: Mapping[str, Any] | None = None,
) -> StepNetwork:
    """Give the network of a run as it was at a recorded step, for any input.

    Parameters
    ----------
    run : Run, str or Path
        An open run, or whatever `store.open_run` opens.
    step : int, optional
        Optimizer updates done. Where the training changed its weights at its end (averages, the
        best ones restored), the last recorded step plus one is that network.
    steps : iterable of int, optional
        In place of `step`: the weights are averaged over those of them that were recorded.
    average : {"mean", "ema"}
        Each step alike, or exponentially.
    decay : float
        Of the exponential average, for one update.
    engine : {"auto", "numpy", "keras"}
        What computes: by default NumPy where it covers the network and gives what was recorded,
        Keras (the extra ``record``) for all others. `StepNetwork.why` says why.
    part : str, optional
        Which model, of a training of several.
    custom_objects : mapping of str to (class or function), optional
        Your own classes that the model is made of, by name: a run holds their names only. Nothing
        else than these and Keras's own is ever called.

    Returns
    -------
    StepNetwork
        A function of the input, with its activations, gradients and edits.

    Raises
    ------
    StepNotRecordedError
        The training was not recorded at this step; the message names the nearest ones.
    ArrayNotRecordedError
        Weights were not recorded, or not all of them.
    SpecError
        The engine cannot compute this network; the message says why.
    MissingExtraError
        Keras is needed, and is not installed.
    ArgumentError, PartNotFoundError
        An argument is of another kind or range.
    RunNotFoundError, RunFormatError, SchemaVersionError, RemoteError
        The run cannot be opened, see `store.open_run`.

    Examples
    --------
    ::

        from explorer import network_at

        net = network_at("runs/mine.zarr", step=300)
        net(x)  # what the model gives: (example, …), float32
        net.activations(x, layers=["conv1"])  # a dict of arrays
        net.gradient(x, target=3)  # of the logit of class 3, by the input
        net.without("conv1", units=[2])(x)  # what if this unit were silent
    """
    if engine not in ENGINES:
        raise ArgumentError(f"There is no engine {engine!r}. {did_you_mean(str(engine), ENGINES)}")
    if (step is None) == (steps is None):
        raise ArgumentError("Give either a step or steps to average over.")
    data = RunData(_part_of(run if isinstance(run, Run) else open_run(run), part))
    if not data.run.outputs:
        raise SpecError(
            "The run does not say how the network computes: it was recorded without a probe."
        )
    if steps is None:
        held = weights_of.at_step(data, step)
    else:
        held = weights_of.averaged(data, steps, average, decay)
    return _network(data, held, engine, dict(custom_objects or {}))


def network_to_verify(run: Run, custom_objects: Mapping[str, Any]) -> StepNetwork:
    """Give the network at the first step, by NumPy also where it is not what was recorded.

    That is what is looked for; but where Keras can be had, it decides.

    Parameters
    ----------
    run : Run
        An open run of one model.
    custom_objects : mapping of str to (class or function)
        As for `network_at`.

    Raises
    ------
    SpecError, ArrayNotRecordedError, MissingExtraError
        The network cannot be computed.
    """
    try:
        return network_at(run, int(run.steps[0]), custom_objects=custom_objects)
    except (MissingExtraError, SpecError):
        data = RunData(run)
        needed = data.network.ancestors(run.outputs)
        if any(name in needed for name in data.network.unsupported):
            raise
        held = weights_of.at_step(data, int(run.steps[0]))
        return _network(data, held, "numpy", dict(custom_objects), compared=False)


def write_checkpoint(
    run: Run | str | Path,
    step: int,
    path: Path,
    *,
    part: str | None = None,
    custom_objects: Mapping[str, Any] | None = None,
) -> str:
    """Write the network at a recorded step as a .keras file.

    Parameters
    ----------
    run, step, part, custom_objects
        As for `network_at`.
    path : Path
        The file.

    Returns
    -------
    str
        What of the compilation it has, in a sentence.

    Raises
    ------
    SpecError, StepNotRecordedError, ArrayNotRecordedError, MissingExtraError
        As `network_at` with ``engine="keras"``.
    """
    data = RunData(_part_of(run if isinstance(run, Run) else open_run(run), part))
    held = weights_of.at_step(data, step)
    weights_of.require_weights(data, data.run.layers)
    _require_keras()
    from explorer.at_step.keras.checkpoints import save

    said = save(data, dict(custom_objects or {}), held, path)
    return " ".join([said, *held.remarks])


def _network(
    data: RunData, held: Held, engine: str, custom: dict[str, Any], *, compared: bool = True
) -> StepNetwork:
    heads = {output: Head.of(data, output) for output in data.run.outputs}
    chosen, reason = _engine(data, heads, held, engine, custom, compared=compared)
    source = Source(
        data,
        chosen,
        reason,
        input_specs(data),
        heads,
        partial(weights_of.at_step, data),
        partial(_keras_model, data, custom),
    )
    return StepNetwork(source, held)


def _part_of(run: Run, part: str | None) -> Run:
    if part is not None:
        return run.parts[part] if run.parts else _no_parts(part)
    if run.parts:
        raise PartNotFoundError(
            f"The run has several models: give part= one of {listed(run.parts)}."
        )
    return run


def _no_parts(part: str) -> Run:
    raise PartNotFoundError(f"The run is of one model and has no part {part!r}.")


def _engine(
    data: RunData,
    heads: Mapping[str, Head],
    held: Held,
    wanted: str,
    custom: dict[str, Any],
    *,
    compared: bool,
) -> tuple[Engine, str]:
    needed = data.network.ancestors(heads)
    if wanted == "keras":
        return _keras_engine(data, custom), "Keras was asked for."
    fault = _numpy_fault(data, needed)
    if fault is None and compared:
        fault = _disagreement(data, heads, held)
    if fault is None:
        asked = wanted == "numpy"
        reason = "NumPy was asked for." if asked else "NumPy computes every layer of this network."
        return NumpyEngine(data.network), " ".join([reason, *_narrow(data)])
    if wanted == "numpy":
        raise SpecError(f"NumPy cannot compute this network: {fault}")
    return _keras_engine(
        data, custom, fault
    ), f"Keras computes this network, as NumPy cannot: {fault}"


def _narrow(data: RunData) -> list[str]:
    """Say where the model computes in narrower floats than NumPy does."""
    policies = [layer.config.get("dtype") for layer in data.run.layers.values()]
    names = {
        str(one["config"].get("name") if isinstance(one.get("config"), dict) else None)
        for one in policies
        if isinstance(one, dict)
    }
    narrow = sorted(name for name in names if "float16" in name or "float8" in name)
    if not narrow:
        return []
    return [f"It computes in float32; the model computed in {listed(narrow)}, with fewer digits."]


def _numpy_fault(data: RunData, needed: Iterable[str]) -> str | None:
    """Say in a sentence why NumPy cannot compute a network; None: it can."""
    network = data.network
    order = [name for name in network.nodes if name in set(needed)]
    unsupported = [name for name in order if name in network.unsupported]
    if unsupported:
        more = f" And {len(unsupported) - 1} more." if len(unsupported) > 1 else ""
        return f"Layer {unsupported[0]!r}: {network.unsupported[unsupported[0]]}{more}"
    weights_of.require_weights(data, order)
    return None


def _disagreement(data: RunData, heads: Mapping[str, Head], held: Held) -> str | None:
    """Compare the answers for some probes with what was recorded at the first of the steps."""
    run, probe = data.run, data.run.probe
    recorded = [output for output in heads if run.layers[output].has_activation]
    if not recorded or probe is None or not probe.inputs or probe.not_stored or probe.present:
        return None
    if not all(probe.is_along_probes(name) for name in probe.inputs):
        return None
    index = int(np.searchsorted(run.steps, held.steps[0]))
    one = held if len(held.steps) == 1 else weights_of.at_step(data, held.steps[0])
    try:
        shown = {name: values[:COMPARED] for name, values in probe.inputs.items()}
        given = checked(shown, input_specs(data))
    except SpecError:  # an odd probe says nothing of the network
        return None
    try:
        passage = Passage(given, one.weights)
        found = NumpyEngine(data.network).forward(passage, recorded)
    except SpecError as error:
        return str(error)
    for output in recorded:
        if run.layers[output].unit_stride != 1:
            continue
        reader = run.array(activation_path(output))
        rest = (slice(None),) * (len(reader.shape) - 2)
        expected = run.read(activation_path(output), (index, slice(0, COMPARED), *rest))
        if expected.shape != found[output].shape:
            return f"It gives {output!r} in another shape than was recorded."
        known = np.abs(expected[np.isfinite(expected)])
        scale = known.max(initial=np.finfo(np.float32).tiny)
        with np.errstate(all="ignore"):
            off = np.abs(found[output] - expected)
        if (off > TOLERANCE * scale).any():
            return (
                f"What it gives for {output!r} is not what was recorded (off by up to "
                f"{float(np.nanmax(off)):.2g}): the network does something that is not in the run."
            )
    return None


def _keras_engine(data: RunData, custom: dict[str, Any], fault: str = "") -> Engine:
    weights_of.require_weights(data, data.run.layers)
    _require_keras(fault)
    from explorer.at_step.keras.engine import keras_engine

    return keras_engine(data, custom)


def _keras_model(data: RunData, custom: dict[str, Any], held: Held) -> Any:
    weights_of.require_weights(data, data.run.layers)
    _require_keras()
    from explorer.at_step.keras.engine import model_with

    return model_with(data, custom, held.weights)


def _require_keras(fault: str = "") -> None:
    if any(importlib.util.find_spec(name) is None for name in ("keras", "tensorflow")):
        why = f"NumPy cannot compute this network ({fault}), and Keras" if fault else "Keras"
        raise MissingExtraError(
            f'{why} is not installed. Install it with: pip install "trainlapse[record]"'
        )

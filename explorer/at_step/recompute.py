"""Recorded activations beside those that the recorded weights give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explorer.at_step.step_network import StepNetwork
from explorer.derived.network.node import Array
from store import Run
from store.errors import SpecError
from store.format.names import activation_path

# Greatest difference as a share of a layer's range: float32 is exact to about 1e-6 of it, float16
# to about 1e-3, and layers add up what those before them have.
TOLERANCE = 1e-4
TOLERANCE_FLOAT16 = 1e-2

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Deviation:
    """A layer whose recorded activation is not what its network computes.

    Attributes
    ----------
    layer : str
        Its name.
    step : int
        Where the difference is largest.
    difference : float
        The largest difference.
    share : float
        The same as a share of the recorded range at that step; NaN where one of the two is NaN.
    steps : int
        At how many recorded steps it differs.
    """

    layer: str
    step: int
    difference: float
    share: float
    steps: int

    def __str__(self) -> str:
        return (
            f"{self.layer}: differs by up to {self.difference:.3g} ({self.share:.2g} of its range) "
            f"at step {self.step}; at {self.steps} recorded step{'s' * (self.steps != 1)}"
        )


def deviations(
    net: StepNetwork, run: Run, progress: Progress | None = None
) -> tuple[list[Deviation], list[str]]:
    """Compute the probe's activations at every recorded step, and compare.

    Parameters
    ----------
    net : StepNetwork
        The network at any step.
    run : Run
        The run that it is of.
    progress : callable, optional
        Called with steps done, steps in all, and what is compared.

    Returns
    -------
    list of Deviation
        Layers that differ by more than a share of their range: 1e-4, or 1e-2 where they or the
        weights were recorded as float16 or rounded.
    list of str
        Layers that were compared.

    Raises
    ------
    SpecError
        The run holds no inputs of a probe.
    """
    probe = run.probe
    if probe is None or not probe.inputs or probe.not_stored or probe.present:
        raise SpecError("The run holds no inputs of a probe: there is nothing to compute anew.")
    given = dict(probe.inputs)
    layers = [
        layer.name
        for layer in run.layers.values()
        if layer.has_activation and layer.name in net.layers
    ]
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in layers}
    for number, step in enumerate(map(int, run.steps)):
        computed = net.at(step).activations(given, layers)
        for name in layers:
            recorded = run.read(activation_path(name), (number,))
            stride = run.layers[name].unit_stride
            difference, share = _compared(computed[name][..., ::stride], recorded)
            if not share <= _tolerance(run, name):
                found[name].append((difference, share, step))
        if progress is not None:
            progress(number + 1, len(run.steps), f"step {step}")
    return [_worst(name, bad) for name, bad in found.items() if bad], layers


def _compared(computed: Array, recorded: Array) -> tuple[float, float]:
    """Give the largest difference, and its share of the recorded range."""
    if computed.shape != recorded.shape:
        return np.inf, np.inf
    known = np.asarray(recorded, np.float64)
    with np.errstate(all="ignore"):
        off = np.abs(computed - known)
    off[(computed == known) | (np.isnan(computed) & np.isnan(known))] = 0
    if np.isnan(off).any():
        return np.nan, np.nan
    finite = known[np.isfinite(known)]
    size = float(np.ptp(finite)) if finite.size else 0.0
    size = size or float(np.abs(finite).max(initial=0)) or 1.0
    difference = float(off.max(initial=0))
    return difference, difference / size


def _worst(layer: str, bad: list[tuple[float, float, int]]) -> Deviation:
    difference, share, step = max(bad, key=lambda one: np.inf if np.isnan(one[1]) else one[1])
    return Deviation(layer, step, difference, share, len(bad))


def _tolerance(run: Run, layer: str) -> float:
    narrow = [run.array(activation_path(layer)).dtype]
    narrow += [
        run.array(f"layers/{each.name}/weights/{name}").dtype
        for each in run.layers.values()
        for name in each.weights
    ]
    is_narrow = np.float16 in narrow or bool(run.attributes.get("precision"))
    return TOLERANCE_FLOAT16 if is_narrow else TOLERANCE

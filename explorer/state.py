"""What the user looks at: one selection drives every view. Knows no Panel and no browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import param

from explorer.derived.timeline import AXES, Axis
from store import Run
from store.errors import did_you_mean


@dataclass(frozen=True, slots=True)
class Moment:
    """A selection, frozen: what one picture is made for.

    Attributes
    ----------
    layer : str
        Selected layer.
    probe : int
        Selected probe.
    axis : Axis
        Time axis of curves.
    """

    layer: str
    probe: int
    axis: Axis


class Selection(param.Parameterized):
    """Step, layer, probe and time axis of one session."""

    step = param.Integer(
        default=0, bounds=(0, None), doc="Recorded step on screen: optimizer updates done."
    )
    layer: param.Selector[str] = param.Selector(
        default="", objects=[""], doc="Layer whose views are shown."
    )
    probe = param.Integer(default=0, bounds=(0, None), doc="Probe input that is followed.")
    axis: param.Selector[Axis] = param.Selector(
        default="step", objects=list(AXES), doc="Time axis of slider and curves."
    )

    def moment(self) -> Moment:
        """Freeze the selection, without its step."""
        return Moment(str(self.layer), int(self.probe), self.axis)

    def to_query(self) -> dict[str, str]:
        """Parameters of the address, without the step, which the browser owns."""
        return {"layer": str(self.layer), "probe": str(self.probe)}


def select_in(run: Run, query: Mapping[str, Any]) -> tuple[Selection, list[str]]:
    """Make the selection for a run from the parameters of an address.

    Parameters
    ----------
    run : Run
        The run that is shown.
    query : mapping
        Values by name, as text or numbers; unknown names are ignored.

    Returns
    -------
    selection : Selection
        What could be taken from the query; defaults for the rest.
    warnings : list of str
        A sentence for each value that could not be used.
    """
    names = list(run.layers)
    selection = Selection()
    selection.param["layer"].objects = names or [""]
    selection.layer = default_layer(run)
    steps = run.steps
    selection.step = int(steps[-1]) if len(steps) else 0
    warnings: list[str] = []

    if "layer" in query:
        layer = str(query["layer"])
        if layer in names:
            selection.layer = layer
        else:
            warnings.append(f"There is no layer {layer!r}. {did_you_mean(layer, names)}")
    if "axis" in query:
        if query["axis"] in AXES:
            selection.axis = query["axis"]
        else:
            axis = str(query["axis"])
            warnings.append(f"There is no time axis {axis!r}. {did_you_mean(axis, AXES)}")
    size = run.probe.size if run.probe else 0
    selection.param["probe"].bounds = (0, max(0, size - 1))
    probe = _number(query, "probe", warnings)
    if probe is not None:
        if 0 <= probe < size:
            selection.probe = probe
        else:
            warnings.append(f"There is no probe {probe}; the run has {size}, counted from 0.")
    step = _number(query, "step", warnings)
    if step is not None and len(steps):
        within = min(max(step, int(steps[0])), int(steps[-1]))
        nearest = int(steps[abs(steps - within).argmin()])
        selection.step = nearest
        if nearest != step:
            warnings.append(f"Step {step} was not recorded; the nearest one is {nearest}.")
    return selection, warnings


def default_layer(run: Run) -> str:
    """First layer worth a look: a convolution or recurrent one, else one that shows anything."""
    for kinds in ({"conv", "recurrent"}, {"dense", "embedding"}, None):
        for name, layer in run.layers.items():
            if layer.has_activation and (kinds is None or layer.kind in kinds):
                return name
    weighty = (name for name, layer in run.layers.items() if layer.weights)
    return next(weighty, next(iter(run.layers), ""))


def _number(query: Mapping[str, Any], name: str, warnings: list[str]) -> int | None:
    if name not in query:
        return None
    try:
        return int(query[name])
    except (TypeError, ValueError, OverflowError):
        warnings.append(f"{name} should be a whole number, got {str(query[name])!r}.")
        return None

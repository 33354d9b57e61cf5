"""The numbers behind a view's picture, with what they are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import xarray as xr

from explorer.export.numbers import numbers_of
from explorer.export.shaping import Array, Steps
from explorer.views.base import Scene, View


def numbers_behind(
    view: View, scene: Scene, body: Any, indices: Sequence[int]
) -> tuple[list[xr.Dataset], dict[str, Any]]:
    """Read what a view drew, at some recorded steps.

    Parameters
    ----------
    view : View
        The view.
    scene : Scene
        What the body was drawn for.
    body : Viewable
        What `view` drew.
    indices : sequence of int
        Positions of recorded steps.

    Returns
    -------
    parts : list of Dataset
        As `explorer.export.numbers.numbers_of` gives them.
    about : dict
        Run, view and selection, as texts and numbers.
    """
    steps = Steps(indices, scene.data.timeline.steps, _exact(view, scene))
    about: dict[str, Any] = {"run": scene.data.run.name, "view": view.title}
    used = {*view.depends, *view.follows}
    if view.region in ("stage", "layer"):
        used.add("layer")
    about |= {name: getattr(scene.moment, name) for name in sorted(used)}
    return numbers_of(body, steps), {**about, "caption": view.caption(scene)}


def _exact(view: View, scene: Scene) -> Callable[[int], Array] | None:
    """Values of which a view's only frame shows 8-bit colours, where they are known."""
    # Views import cards, and cards this module.
    from explorer.views.activation import FeatureMaps, UnitHeatmap
    from explorer.views.unit import Unit, unit_values

    data, moment = scene.data, scene.moment
    if isinstance(view, FeatureMaps | UnitHeatmap):
        return lambda index: data.picture(moment.layer).arrange(
            data.activation(moment.layer, index, moment.probe)
        )
    if isinstance(view, Unit):
        return lambda index: unit_values(data, moment.layer, index, moment.unit, moment.probe)
    return None

"""Which units of a layer are dead, selective or always on, and when that changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing
from explorer.data.layers import activity_for, has_function
from explorer.data.summaries import positions_seen, unit_states_of
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.timeline import edges
from explorer.derived.units.activity import (
    ALWAYS_ON,
    DEAD,
    SELECTIVE,
    UNKNOWN,
    Activity,
    TurningPoints,
    UnitStates,
    turning_points,
)
from explorer.plots.unit_states import ALWAYS_ON_COLOUR, DEAD_COLOUR, state_heatmap
from explorer.views.base import Scene, View, plot_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_activation, needs_steps
from explorer.widgets.charts.legend import legend
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, beside, scrolled
from store import Layer

HEIGHT = 300
# Rows beyond this are thinner than a pixel.
MOST_UNITS = 512
# A table that can still be read; a unit may die and wake many times.
MOST_EVENTS = 200
NAMED = (
    ("dead: never active", DEAD_COLOUR),
    ("always on: active everywhere", ALWAYS_ON_COLOUR),
)


@register
class UnitLife(View):
    """Share of active values by unit and step, with the dead marked; when units died and woke."""

    title = "Dead, selective, always on"
    region = "layer"
    depends = ("layer", "axis")
    order = 60
    width = 12

    def serves(self, layer: Layer) -> bool:
        return has_function(layer)

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_activation(scene) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        layer = scene.layer
        activity = activity_for(layer) or Activity()
        probes = scene.data.run.probe.size if scene.data.run.probe else 0
        seen, count = positions_seen(scene.data, layer.name)
        where = "" if count == 1 else " and all positions" if seen == count else ""
        if seen < count:
            where = f" and {seen:,} of {count:,} positions"
        units = scene.data.units(layer.name)
        shown = f" Shown are {MOST_UNITS} of {units:,} units." if units > MOST_UNITS else ""
        return (
            f"Share of all {probes} probes{where} at which a unit is active ({activity.text}). A "
            f"dead unit is active for none of them: no gradient passes, it does not learn.{shown}"
        )

    def compute(self, scene: Scene) -> UnitStates | Nothing:
        found = unit_states_of(scene.data, scene.selected.layer)
        return all_alike(found) or found

    def draw(self, scene: Scene, computed: UnitStates) -> pn.Column:
        units = shown_units(computed.state)
        picture = plot_pane(
            state_heatmap(
                computed.active_share[:, units],
                computed.state[:, units],
                x_edges=edges(scene.positions),
                positions=scene.positions,
                height=HEIGHT,
                **scene.time_options(),
            )
        )
        key = f"{scene.data.run.id}|unit life|{scene.selected.layer}"
        counts = StepTable(
            lambda index: {"rows": [counts_at(computed.state, index)]},
            len(computed.state),
            key=f"{key}|counts",
            columns=["dead", "selective", "always on"],
            numeric=[0, 1, 2],
            label=f"Units of {scene.selected.layer} at this step",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        points = turning_points(computed.state)
        rows = event_rows(points, scene.data.timeline.steps)
        events = StepTable(
            lambda _: rows,
            len(computed.state),
            key=f"{key}|events",
            still=True,
            columns=["unit", "what happened", "step"],
            numeric=[0, 2],
            empty=silence(computed.state),
            label=f"Units of {scene.selected.layer} that died or woke",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        listed = scrolled(events, HEIGHT - 95)
        return beside(picture, below(legend(NAMED), counts, listed), shares=(8, 3))


def all_alike(found: UnitStates) -> Nothing | None:
    """Say that all units are in one state at every step, of which there is nothing else to see."""
    known = np.unique(found.state)
    count = found.state.shape[1]
    units = "The only unit" if count == 1 else f"Each of the {count:,} units"
    match known.tolist():
        case [one] if one == DEAD:
            return Nothing(f"{units} is dead at every recorded step.")
        case [one] if one == ALWAYS_ON:
            return Nothing(f"{units} is always on, at every recorded step; none is ever dead.")
        case [one] if one == UNKNOWN:
            return Nothing(f"{units} gives nothing that is a number, at any recorded step.")
    return None


def shown_units(state: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Choose the units that are drawn: all, or evenly spread ones of very many."""
    return np.array(sample_indices(state.shape[1], MOST_UNITS), np.intp)


def counts_at(state: npt.NDArray[np.uint8], index: int) -> list[str]:
    """Count dead, selective and always active units at a step."""
    return [f"{np.count_nonzero(state[index] == kind):,}" for kind in (DEAD, SELECTIVE, ALWAYS_ON)]


def event_rows(points: TurningPoints, steps: npt.NDArray[np.int64]) -> dict[str, Any]:
    """List deaths and wakings, the last ones first; then the units that were never alive."""
    told: list[tuple[int, int, str]] = [
        (unit, index, "died, stayed dead" if points.dead_since[unit] == index else kind)
        for unit, index, kind in reversed(points.events)
    ]
    if told:
        told += [(int(unit), 0, "never alive") for unit in np.flatnonzero(points.dead_since == 0)]
    rows = [[str(unit), what, f"{int(steps[index]):,}"] for unit, index, what in told]
    chooses: list[dict[str, int]] = [{"unit": unit} for unit, _, _ in told]
    left = len(rows) - MOST_EVENTS
    if left > 0:
        rows[MOST_EVENTS:] = [["", f"and {left:,} more", ""]]
        chooses[MOST_EVENTS:] = [{}]
    return {"rows": rows, "chooses": chooses}


def silence(state: npt.NDArray[np.uint8]) -> str:
    """Say in a sentence that no unit died or woke."""
    dead = np.flatnonzero((state == DEAD).all(axis=0))
    if not len(dead):
        return "No unit died, and none was dead at the start."
    named = ", ".join(str(unit) for unit in dead[:12])
    more = f" and {len(dead) - 12} more" if len(dead) > 12 else ""
    one = len(dead) == 1
    return (
        f"No unit died or woke. Unit{'' if one else 's'} {named}{more} "
        f"{'was' if one else 'were'} dead at every recorded step."
    )

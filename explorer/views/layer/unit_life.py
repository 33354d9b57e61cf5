"""Which units of a layer are dead, saturated, constant, selective or always on, and since when."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Lack, Nothing, Unfit
from explorer.data.layers import (
    active_where,
    can_die,
    function_name,
    has_function,
    has_learned_slope,
    is_output,
)
from explorer.data.places import place_noun
from explorer.data.summaries import said_of_positions
from explorer.data.unit_states import slope_fault, unit_states_of, unseen_inputs
from explorer.derived.time.frames import sample_indices
from explorer.derived.time.timeline import edges
from explorer.derived.units.activity import (
    ALWAYS_ON,
    CONSTANT,
    DEAD,
    SATURATED,
    SELECTIVE,
    UNKNOWN,
    TurningPoints,
    UnitStates,
    turning_points,
)
from explorer.plots.unit_states import (
    ALWAYS_ON_COLOUR,
    CONSTANT_COLOUR,
    DEAD_COLOUR,
    state_heatmap,
)
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
# Units that a line names: of more it gives the number.
MOST_NAMED = 12
NAMES = {
    DEAD: "dead",
    CONSTANT: "constant",
    SATURATED: "saturated",
    SELECTIVE: "selective",
    ALWAYS_ON: "always on",
}
LOWEST = {
    DEAD: ("dead: slope 0 for every probe", DEAD_COLOUR),
    CONSTANT: ("constant: one value for every probe", CONSTANT_COLOUR),
}
HIGHEST = ("always on: active everywhere", ALWAYS_ON_COLOUR)


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
        name = scene.selected.layer
        if is_output(scene.data.run, name):
            return Unfit(f"No unit of the output, {name}, counts as dead: a sure answer is flat.")
        missing = needs_activation(scene) or needs_steps(scene, least=2)
        if missing is not None:
            return missing
        fault = slope_fault(scene.data, name)
        return None if fault is None else Lack(fault)

    def caption(self, scene: Scene) -> str:
        layer = scene.layer
        probes = scene.data.run.probe.size if scene.data.run.probe else 0
        where = said_of_positions(scene.data, layer.name, padding=True)
        asked = " and ".join(filter(None, (f"{probes} probes", where)))
        units = scene.data.units(layer.name)
        shown = f" Shown are {MOST_UNITS} of {units:,} units." if units > MOST_UNITS else ""
        return (
            f"Share of all {asked} at which a unit is active "
            f"({active_where(layer)}). Selective: active at some of them, but not at all; always "
            f"on: at all. {_meaning(scene)} {_healthy(layer)}{shown}"
        )

    def compute(self, scene: Scene) -> UnitStates | Nothing:
        found = unit_states_of(scene.data, scene.selected.layer)
        assert found is not None  # see `requirement`
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
        kinds = kinds_of(computed.state, dies=can_die(scene.layer))
        counts = StepTable(
            lambda index: {"rows": states_at(computed.state[index], kinds)},
            len(computed.state),
            key=f"{key}|counts",
            columns=["at this step", "units", "which"],
            numeric=[1],
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
            empty=silence(computed.state, dies=can_die(scene.layer)),
            label=f"Units of {scene.selected.layer} that died or woke",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        listed = scrolled(events, HEIGHT - 95)
        lowest = [LOWEST[kind] for kind in (DEAD, CONSTANT) if (computed.state == kind).any()][:1]
        key_of_colours = legend((*lowest, HIGHEST))
        return beside(picture, below(key_of_colours, counts, listed), shares=(8, 3))


def _meaning(scene: Scene) -> str:
    """Say what dead means here, or why no unit can die."""
    layer = scene.layer
    name = function_name(layer)
    if can_die(layer):
        return (
            "A unit is dead where the slope is exactly 0 for all of them: none of them sends a "
            f"gradient to its weights. {unseen_inputs(scene.data, [layer.name])}"
        )
    if has_learned_slope(layer):
        return f"No unit can die: the slope of {name} below 0 is a weight, which learns."
    if layer.kind == "recurrent":
        return (
            "No unit can die: gates and states pass gradients on at other "
            f"{place_noun(scene.data, layer)}s. Constant units give the same for every probe, and "
            "so tell nothing."
        )
    return (
        f"No unit can die: the slope of {name} is nowhere exactly 0. Where it is small for all, "
        "the unit is saturated, and learns slowly."
    )


def _healthy(layer: Layer) -> str:
    """Say what is usual where a training goes well."""
    if can_die(layer):
        return "Healthy: most units selective, few dead, and not ever more of them."
    return "Healthy: most units selective, few constant or saturated."


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
        case [one] if one in (CONSTANT, SATURATED):
            return Nothing(f"{units} is {NAMES[one]} at every recorded step.")
        case [one] if one == UNKNOWN:
            return Nothing(f"{units} gives nothing that is a number, at any recorded step.")
    return None


def shown_units(state: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Choose the units that are drawn: all, or evenly spread ones of very many."""
    return np.array(sample_indices(state.shape[1], MOST_UNITS), np.intp)


def kinds_of(state: npt.NDArray[np.uint8], *, dies: bool) -> list[int]:
    """Choose the states that are counted: those that occur, and those that every layer has."""
    usual = (DEAD, SELECTIVE, ALWAYS_ON) if dies else (SELECTIVE, ALWAYS_ON)
    return [kind for kind in NAMES if kind in usual or (state == kind).any()]


def states_at(state: npt.NDArray[np.uint8], kinds: list[int]) -> list[list[str]]:
    """Say which units are in each state at a step: a line for each state, the dead first."""
    rows = []
    for kind in kinds:
        units = np.flatnonzero(state == kind)
        name = f"{NAMES[kind]} now" if kind == DEAD else NAMES[kind]
        rows.append([name, f"{len(units):,} of {len(state):,}", numbered(units)])
    return rows


def numbered(units: npt.NDArray[np.intp]) -> str:
    """Name the first of some units, and count the others."""
    said = ", ".join(map(str, units[:MOST_NAMED].tolist()))
    return f"{said} and {len(units) - MOST_NAMED:,} more" if len(units) > MOST_NAMED else said


def event_rows(points: TurningPoints, steps: npt.NDArray[np.int64]) -> dict[str, Any]:
    """List deaths and wakings, the last ones first; then the units that were never alive.

    A death is for good where at least `STAYED` later records say so.
    """
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


def silence(state: npt.NDArray[np.uint8], *, dies: bool) -> str:
    """Say in a sentence that no unit died or woke."""
    if not dies:
        return "No unit can die here."
    dead = np.flatnonzero((state == DEAD).all(axis=0))
    if not len(dead):
        return "No unit died, and none was dead at the start."
    one = len(dead) == 1
    return (
        f"No unit died or woke. Unit{'' if one else 's'} {numbered(dead)} "
        f"{'was' if one else 'were'} dead at every recorded step."
    )

"""One unit before and after its activation function, side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Lack
from explorer.data.layers import active_where, has_function
from explorer.data.places import place_noun
from explorer.data.run import RunData
from explorer.data.summaries import said_of_positions
from explorer.data.texts import place_spans, place_words, texts_of
from explorer.data.unit_states import slope_fault, unit_states_of
from explorer.derived.network.node import Call
from explorer.derived.network.registry import layer_ops
from explorer.derived.time.frames import Limits, quantize, robust_limits, sample_indices
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.registry import register
from explorer.views.requirements import needs_activation, needs_source, needs_weights
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.page.beside import below, beside
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]
Values = Callable[[int], Array]

HEIGHT = 300
# Two rows of cells, and the words under them.
ROWS_HEIGHT, WORDS_HEIGHT, BARS_HEIGHT = 100, 64, 170
# Bars beyond this are thinner than a pixel.
MOST_UNITS = 512
SAMPLES = 24


class Sides(NamedTuple):
    """What is drawn.

    Attributes
    ----------
    limits : Limits
        Values of the lowest and the highest colour, on both sides and at every step.
    active : ndarray (step, unit), float32
        Share of the values that are active, over all probes and positions.
    """

    limits: Limits
    active: Array


def probe_values(data: RunData, layer: str, index: int, probe: int) -> Array:
    """Output of a layer for one probe, the unit last; of an input layer, the probe itself."""
    if data.run.layers[layer].kind == "input":
        given = data.probe_input(probe)
        assert given is not None
        return np.asarray(given, np.float32)
    (values,) = data.activations(layer, index, probe)
    dims = data.run.array(activation_path(layer)).dims
    return np.asarray(values if UNIT_DIM in dims else values[..., None])


def words_at(data: RunData, layer: Layer, probe: int) -> list[str]:
    """Name the positions of a layer by the words of a probe; none where they are no words."""
    texts, spans = texts_of(data), place_spans(data, layer)
    return [] if texts is None or spans is None else place_words(texts, probe, spans)


@register
class BeforeAfter(View):
    """Input and output of an activation function for the selected unit, and who is active."""

    title = "Before and after"
    region = "layer"
    depends = ("layer", "probe", "unit")
    order = 10
    width = 12

    def serves(self, layer: Layer) -> bool:
        return layer.kind == "activation" or _is_fused(layer)

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_activation(scene) or needs_source(scene.data, scene.layer)
        if missing is None and scene.layer.kind != "activation":
            missing = needs_weights(scene)
        fault = slope_fault(scene.data, scene.selected.layer) if missing is None else None
        return missing if fault is None else Lack(fault)

    def caption(self, scene: Scene) -> str:
        layer, probe = scene.layer, scene.selected.probe
        where = layer.inbound[0] if layer.kind == "activation" else f"the sum inside {layer.name}"
        what = f"unit {scene.selected.unit}" if len(layer.output_shape) > 1 else "every unit"
        units = scene.data.units(layer.name)
        capped = f" (the first {MOST_UNITS} of {units:,})" if units > MOST_UNITS else ""
        where_seen = said_of_positions(scene.data, layer.name, padding=True)
        asked = " and ".join(filter(None, ("all probes", where_seen)))
        return (
            f"Probe {probe}, {what}: {where} and what {_function(layer)} makes of it, in the same "
            f"colours. Bars: share of {asked} at which each unit{capped} is active"
            f" ({active_where(layer)}); click one to choose it."
        )

    def compute(self, scene: Scene) -> Sides:
        before, after = both_sides(scene)
        indices = sample_indices(len(scene.data.run), SAMPLES)
        pick = _unit_of(scene)
        limits = robust_limits(pick(side(at)) for at in indices for side in (before, after))
        states = unit_states_of(scene.data, scene.selected.layer)
        assert states is not None  # see `requirement`
        return Sides(limits, states.active_share)

    def draw(self, scene: Scene, computed: Sides) -> pn.Column:
        grid, tall = _grid(scene, computed.limits)
        bars = StepLines(
            y=computed.active[:, None, :MOST_UNITS],
            kind="bars",
            names=["share active"],
            colours=scene.lines,
            y_limits=[0.0, 1.0],
            x_name="unit",
            y_name="share active",
            if_zero="No unit is active at this step.",
            selects="unit",
            x_hover="unit",
            label=f"Share of values of {scene.selected.layer} that are active, by unit",
            channel=scene.channel,
            height=tall or BARS_HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
        )
        return beside(grid, bars, shares=(3, 2), most=2 * HEIGHT) if tall else below(grid, bars)


def both_sides(scene: Scene) -> tuple[Values, Values]:
    """Give what the layer's function takes and gives: values of one probe by step, unit last."""
    data, layer, probe = scene.data, scene.layer, scene.selected.probe
    source = layer.inbound[0]

    def given(index: int) -> Array:
        return probe_values(data, source, index, probe)

    def computed(index: int) -> Array:
        weights = data.weights(layer.name, index)
        call = Call(layer.class_name, layer.config, (given(index)[None],), weights)
        return np.asarray(layer_ops()[layer.class_name].forward(call)[0])

    def after(index: int) -> Array:
        return probe_values(data, layer.name, index, probe)

    return (given if layer.kind == "activation" else computed), after


def _is_fused(layer: Layer) -> bool:
    """Whether a layer ends with an activation function whose argument is quick to compute."""
    if layer.kind not in ("conv", "dense") or not has_function(layer):
        return False
    op = layer_ops().get(layer.class_name)
    return (
        op is not None
        and op.is_activated
        and layer.mask_from is None
        and op.config_fault(layer.config) is None
    )


def _function(layer: Layer) -> str:
    if layer.class_name == "Activation" or layer.kind != "activation":
        return str(layer.config.get("activation"))
    return layer.class_name


def _unit_of(scene: Scene) -> Callable[[Array], Array]:
    """Give what picks the selected unit; of a layer without positions, all units."""
    unit = scene.selected.unit
    return lambda values: values if values.ndim == 1 else values[..., unit]


def _grid(scene: Scene, limits: Limits) -> tuple[FrameGrid, int]:
    """Make the picture of both sides, and give its height if it is one of maps, else 0."""
    data, layer, selected = scene.data, scene.layer, scene.selected
    sides, pick = both_sides(scene), _unit_of(scene)
    shape = pick(sides[1](0)).shape
    maps = len(shape) > 1
    plane = shape[-2:] if maps else shape
    places = int(np.prod(shape[:-2], dtype=int)) if maps else 1

    def frame(index: int) -> npt.NDArray[np.uint8]:
        values = np.stack([pick(side(index)) for side in sides])
        return quantize(values, limits).reshape((2 * places, *plane) if maps else (1, 2, *plane))

    names = ["before", "after"]
    if maps:
        source = layer.inbound[0] if layer.kind == "activation" else "sum"
        titles = [f"before ({source})", f"after ({layer.name})"]
        captions = [
            title if places == 1 else f"{name} · place {place}"
            for name, title in zip(names, titles, strict=True)
            for place in range(places)
        ]
        options: dict[str, Any] = {"captions": captions, "places": 0, "height": HEIGHT}
    else:
        words = words_at(data, layer, selected.probe)
        options = {
            "mode": "matrix",
            "y_labels": names,
            "x_labels": words,
            "x_name": place_noun(data, layer) if len(layer.output_shape) > 1 else "unit",
            "y_name": "",
            "height": ROWS_HEIGHT + (WORDS_HEIGHT if words else 0),
        }
    grid = FrameGrid(
        frame,
        len(data.run),
        key=f"{data.run.id}|before and after|{layer.name}|{selected.probe}|{selected.unit}",
        palette=palette_bytes(DIVERGING if limits.signed else SEQUENTIAL),
        low=limits.low,
        high=limits.high,
        value_name="activation",
        label=f"Before and after {layer.name}, unit {selected.unit}, probe {selected.probe}",
        channel=scene.channel,
        sizing_mode="stretch_width",
        margin=0,
        **options,
    )
    return grid, HEIGHT if maps else 0

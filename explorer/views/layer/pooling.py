"""What a pooling layer keeps of one unit's map, and which share of it is lost."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Unfit
from explorer.data.run import RunData
from explorer.data.texts import texts_of
from explorer.data.units import unit_values
from explorer.derived.network.windows import Windows
from explorer.derived.time.frames import Limits, quantize, robust_limits, sample_indices
from explorer.derived.time.over_steps import by_step
from explorer.derived.units.pooling import (
    NOWHERE,
    dropped_share,
    levelled_share,
    pooling_windows,
    switches,
)
from explorer.plots.curves import metric_curves
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import sentence_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_activation, needs_source
from explorer.widgets.page.beside import below, beside
from explorer.widgets.pictures.pool_switches import PoolSwitches
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]

CLASSES = ("MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling")
SERVED = frozenset(f"{name}{axes}D" for name in CLASSES for axes in (1, 2))

HEIGHT = 320
ROW_HEIGHT, CURVE_HEIGHT = 205, 165
SAMPLES = 24
# Values of the input that are looked at, over all steps: some seconds of work. Of larger layers,
# evenly spread probes are taken.
MOST_VALUES = 2**26


class Kept(NamedTuple):
    """What is drawn.

    Attributes
    ----------
    limits : Limits
        Values of the lowest and the highest colour, on both sides and at every step.
    lost : ndarray (step, unit), float32
        Share of the evidence that is dropped, or of the variance that is levelled out, over all
        probes.
    """

    limits: Limits
    lost: Array


@register
class Pooling(View):
    """Both sides of a pooling for the selected unit, the positions that are kept, and the loss."""

    title = "What pooling keeps"
    region = "layer"
    depends = ("layer", "probe", "unit", "axis")
    order = 10
    width = 12

    def applies(self, data: RunData) -> bool:
        return texts_of(data) is None  # those have a view that leaves out their padding

    def serves(self, layer: Layer) -> bool:
        return layer.class_name in SERVED

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_activation(scene) or needs_source(scene.data, scene.layer)
        if missing is None and scene.data.run.layers[scene.layer.inbound[0]].kind == "input":
            return Unfit(f"{scene.layer.name} takes the probe itself; there is no unit to follow.")
        return missing

    def caption(self, scene: Scene) -> str:
        layer, selected = scene.layer, scene.selected
        what = f"Probe {selected.probe}, unit {selected.unit}: what {layer.name} takes and gives. "
        seen, probes = len(probes_seen(scene.data, layer.inbound[0])), scene.data.run.probe
        all_seen = probes is None or seen == probes.size
        over = "all probes" if all_seen else f"{seen} of the probes"
        if _chooses(layer):
            return (
                f"{what}Dots mark the values that windows hand on, where they differ; the rest is "
                f"dropped. Evidence is the sum of what is positive. The curve is over {over}."
            )
        return (
            f"{what}Each cell is the mean of its window. What varies within windows is levelled "
            f"out; the curve is over {over}."
        )

    def compute(self, scene: Scene) -> Kept:
        data, selected = scene.data, scene.selected
        source = scene.layer.inbound[0]
        indices = sample_indices(len(data.run), SAMPLES)
        limits = robust_limits(
            unit_values(data, name, at, selected.unit, selected.probe)
            for at in indices
            for name in (source, selected.layer)
        )
        return Kept(limits, lost_shares(data, scene.layer))

    def draw(self, scene: Scene, computed: Kept) -> pn.Column:
        lengths = _lengths(scene)
        switched = _switches(scene, computed.limits, lengths)
        maps = len(lengths) > 1
        lost = computed.lost
        if not np.isfinite(lost).any():
            what = "evidence, that is, nothing positive" if _chooses(scene.layer) else "variance"
            said = sentence_pane(f"At no recorded step does {scene.layer.name} take any {what}.")
            return below(switched, said)
        series = {f"unit {scene.selected.unit}": (scene.positions, lost[:, scene.selected.unit])}
        if lost.shape[1] > 1:
            series["mean of all units"] = (scene.positions, _mean_known(lost))
        curve = metric_curves(
            series,
            y_label="evidence dropped" if _chooses(scene.layer) else "variance levelled out",
            y_range=(0.0, 1.0),
            cursor=scene.positions,
            height=HEIGHT if maps else CURVE_HEIGHT,
            **scene.time_options(),
        )
        if maps:
            return beside(switched, plot_pane(curve), shares=(8, 5), most=2 * HEIGHT)
        return below(switched, plot_pane(curve))


def lost_shares(data: RunData, layer: Layer) -> Array:
    """Share of the input that a pooling loses, over all probes: (step, unit), float32."""
    source = layer.inbound[0]
    measure = dropped_share if _chooses(layer) else levelled_share
    chosen = probes_seen(data, source)

    def make() -> dict[str, Array]:
        shares = (
            measure(frame, pooling_windows(layer.class_name, layer.config, frame.shape[1:-1]))
            for frame in (whole[chosen] for whole in data.activation_frames(source))
        )
        return {"lost": by_step(shares).astype(np.float32)}

    return data.derived(f"{measure.__name__} of {activation_path(layer.name)}", make)["lost"]


def probes_seen(data: RunData, source: str) -> list[int]:
    """Choose the probes over which the loss is measured: all, if the layer is not too large."""
    steps, probes, *rest = data.run.array(activation_path(source)).shape
    most = MOST_VALUES // max(1, steps * math.prod(rest))
    return sample_indices(probes, max(1, most))


def _chooses(layer: Layer) -> bool:
    """Whether a pooling hands on one value of each window."""
    return "Max" in layer.class_name


def _lengths(scene: Scene) -> tuple[int, ...]:
    """Lengths of the input's spatial axes."""
    reader = scene.data.run.array(activation_path(scene.layer.inbound[0]))
    sizes = zip(reader.dims[2:], reader.shape[2:], strict=True)
    return tuple(size for dim, size in sizes if dim != UNIT_DIM)


def _switches(scene: Scene, limits: Limits, lengths: tuple[int, ...]) -> PoolSwitches:
    data, layer, selected = scene.data, scene.layer, scene.selected
    source = layer.inbound[0]
    windows = pooling_windows(layer.class_name, layer.config, lengths)
    plane = (1, *lengths)[-2:]
    counts = (1, *windows.counts(lengths))[-2:]

    def frame(index: int) -> dict[str, Any]:
        before, after = (
            unit_values(data, name, index, selected.unit, selected.probe)
            for name in (source, layer.name)
        )
        alone = before[None, ..., None]
        kept = _marks(alone, windows) if _chooses(layer) else np.empty(0)
        return {
            "before": quantize(before, limits).reshape(plane),
            "after": quantize(after, limits).reshape(counts),
            "kept": kept.ravel().astype(np.int32),
            "note": _note(layer, alone, windows),
        }

    return PoolSwitches(
        frame,
        len(data.run),
        key=f"{data.run.id}|pooling|{layer.name}|{selected.probe}|{selected.unit}",
        window=_window_axes(windows, lengths),
        palette=palette_bytes(DIVERGING if limits.signed else SEQUENTIAL),
        low=limits.low,
        high=limits.high,
        names=[f"before ({source})", f"after ({layer.name})"],
        label=f"What {layer.name} keeps of unit {selected.unit}, probe {selected.probe}",
        channel=scene.channel,
        height=HEIGHT if len(lengths) > 1 else ROW_HEIGHT,
        sizing_mode="stretch_width",
        margin=0,
    )


def _marks(alone: Array, windows: Windows) -> Array:
    """Positions that windows hand on, where there is a choice: not where all values are equal."""
    values = alone.ravel()
    greatest, least = switches(alone, windows), switches(-alone, windows)
    return np.where(values[greatest] > values[least], greatest, NOWHERE)


def _note(layer: Layer, alone: Array, windows: Windows) -> str:
    """Say what is lost of one probe at one step."""
    if _chooses(layer):
        share = dropped_share(alone, windows)[0]
        return f"{share:.0%} of the evidence dropped" if np.isfinite(share) else "no evidence"
    share = levelled_share(alone, windows)[0]
    return f"{share:.0%} of the variance levelled out" if np.isfinite(share) else "nothing varies"


def _window_axes(windows: Windows, lengths: tuple[int, ...]) -> list[dict[str, int]]:
    """Describe the windows to the browser, downwards and across."""
    axes = [
        {"start": -before, "size": span, "stride": stride}
        for (before, _), span, stride in zip(
            windows.pads(lengths), windows.spans, windows.strides, strict=True
        )
    ]
    return [{"start": 0, "size": 1, "stride": 1}, *axes][-2:]


def _mean_known(values: Array) -> Array:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0).sum(axis=1) / known.sum(axis=1))

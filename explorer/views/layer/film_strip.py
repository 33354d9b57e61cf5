"""The selected unit at some steps of the training, side by side: its kernel and its map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Unfit
from explorer.data.kernels import has_kernels, read_kernel, strongest_channels, symmetric
from explorer.data.places import place_noun
from explorer.data.run import RunData
from explorer.data.units import unit_limits, unit_values
from explorer.derived.time.frames import Limits, quantize, robust_limits
from explorer.derived.units.filters import combined_tiles, kernel_tiles
from explorer.plots.pictures import spaced_steps
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.parts import tokens_of
from explorer.views.registry import register
from explorer.views.requirements import needs_activation
from explorer.widgets.page.beside import below
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer
from store.format.names import UNIT_DIM, activation_path

Array = npt.NDArray[Any]

# Pictures in a row: on a laptop each is still wider than its caption.
MOST_STEPS = 16
ROW_HEIGHT, TOKENS_HEIGHT = 112, 330
# Layers that have a kernel of this many axes or fewer slide over time.
OVER_TIME, OVER_IMAGE = 2, 3
KINDS_OVER_TIME = frozenset({"conv", "activation", "pooling", "normalization", "merge"})


@dataclass(frozen=True)
class _Row:
    """Pictures of one thing, one for each chosen step.

    Attributes
    ----------
    pictures : ndarray (picture, y, x)
        Their values.
    limits : Limits
        Values of the lowest and the highest colour.
    """

    pictures: Array
    limits: Limits

    @classmethod
    def of(cls, pictures: Array, limits: Limits | None = None) -> _Row:
        limits = robust_limits(pictures) if limits is None else limits
        return cls(pictures, limits)

    def provide(self, _index: int) -> npt.NDArray[np.uint8]:
        """Give the pictures, which are the same at every step."""
        return quantize(self.pictures, self.limits)

    @property
    def looks(self) -> dict[str, Any]:
        """Colours of the row."""
        name = DIVERGING if self.limits.signed else SEQUENTIAL
        return {"palette": palette_bytes(name), "low": self.limits.low, "high": self.limits.high}


@dataclass(frozen=True)
class _Strip:
    """What is drawn: the chosen steps by position, their kernels by option, and their maps."""

    at: list[int]
    kernels: dict[str, _Row]
    channel: int
    maps: _Row


@register
class FilmStrip(View):
    """A picture a step: how the unit's kernel and its map came to be."""

    title = "The unit through training"
    region = "layer"
    depends = ("layer", "unit", "probe")
    order = 8
    width = 12

    def serves(self, layer: Layer) -> bool:
        axes = len(layer.output_shape)
        return axes == OVER_IMAGE or (axes == OVER_TIME and layer.kind in KINDS_OVER_TIME)

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_activation(scene)
        if missing is not None:
            return missing
        dims = scene.data.run.array(activation_path(scene.selected.layer)).dims[2:]
        if UNIT_DIM in dims and len(dims) in (OVER_TIME, OVER_IMAGE):
            return None
        return Unfit(f"The output of {scene.selected.layer} has no units to follow.")

    def caption(self, scene: Scene) -> str:
        selected, layer = scene.selected, scene.layer
        pictures = len(spaced_steps(scene.data.timeline.steps, MOST_STEPS))
        which = f"Unit {selected.unit} of {selected.layer} at {pictures} recorded steps"
        answer = f"its output for probe {selected.probe}"
        if len(layer.output_shape) == OVER_TIME:
            column = place_noun(scene.data, layer)
            what = f"{answer}, a row a step, a column a {column}"
        else:
            what = f"above its kernel, below {answer}" if has_kernels(layer) else answer
        return (
            f"{which}, more of the early ones: {what}. Colours mean the same at every step; "
            "a click goes there."
        )

    def compute(self, scene: Scene) -> _Strip:
        data, selected = scene.data, scene.selected
        at = spaced_steps(data.timeline.steps, MOST_STEPS)
        values = [
            unit_values(data, selected.layer, index, selected.unit, selected.probe) for index in at
        ]
        limits = unit_limits(data, selected.layer, selected.unit, selected.probe)
        kernels: dict[str, _Row] = {}
        channel = 0
        if has_kernels(scene.layer) and len(scene.layer.output_shape) == OVER_IMAGE:
            kernels, channel = _kernel_rows(data, selected.layer, selected.unit, at)
        return _Strip(at, kernels, channel, _Row.of(np.stack(values), limits))

    def draw(self, scene: Scene, computed: _Strip) -> Any:
        if len(scene.layer.output_shape) == OVER_TIME:
            return self._over_time(scene, computed)
        maps = self._grid(scene, computed, "map", computed.maps, value_name="activation")
        if not computed.kernels:
            return maps
        first = next(iter(computed.kernels))
        kernels = self._grid(
            scene, computed, f"kernel|{first}", computed.kernels[first], value_name="weight"
        )
        if len(computed.kernels) == 1:
            return below(kernels, maps)
        options = {
            "strongest": f"channel {computed.channel}, the strongest at the end",
            "rms": "all (RMS)",
        }
        choice = Choice(title="input channel", options=options, value=first, margin=0)

        def change(event: Any) -> None:
            row = computed.kernels[event.new]
            kernels.change(self._key(scene, f"kernel|{event.new}"), row.provide, **row.looks)

        choice.param.watch(change, "value")
        return below(choice, kernels, maps)

    def _over_time(self, scene: Scene, strip: _Strip) -> FrameGrid:
        """One picture for all steps: a row a step, a column a place."""
        matrix = _Row(strip.maps.pictures[None], strip.maps.limits)
        return self._grid(
            scene,
            strip,
            "tokens",
            matrix,
            value_name="activation",
            mode="matrix",
            captions=[],
            y_labels=_steps(scene, strip),
            y_name="step",
            x_labels=tokens_of(scene),
            x_name=place_noun(scene.data, scene.layer),
            height=TOKENS_HEIGHT,
        )

    def _grid(self, scene: Scene, strip: _Strip, what: str, row: _Row, **options: Any) -> FrameGrid:
        chosen: dict[str, Any] = {
            "key": self._key(scene, what),
            "still": True,
            "selects": "step",
            "tile_ids": strip.at,
            "captions": _steps(scene, strip),
            "label": (
                f"Unit {scene.selected.unit} of {scene.selected.layer} through training: {what}"
            ),
            "channel": scene.channel,
            "height": ROW_HEIGHT,
            "sizing_mode": "stretch_width",
            "margin": 0,
            **row.looks,
            **options,
        }
        return FrameGrid(row.provide, len(scene.data.run), **chosen)

    def _key(self, scene: Scene, what: str) -> str:
        selected = scene.selected
        return (
            f"{scene.data.run.id}|{selected.layer}|{selected.unit}|{selected.probe}|film of {what}"
        )


def _kernel_rows(
    data: RunData, layer: str, unit: int, at: list[int]
) -> tuple[dict[str, _Row], int]:
    """Kernels of a unit at some steps, and the channel that is the strongest at the end."""
    kernels = np.stack([read_kernel(data, layer, index)[..., unit, None] for index in at])
    last = kernel_tiles(kernels[-1])
    channel = int(strongest_channels(kernels[-1])[0])
    slices = np.stack([kernel_tiles(kernel)[0, channel] for kernel in kernels])
    signed = _Row.of(slices, symmetric(robust_limits(slices)))
    if last.shape[1] == 1:
        return {"all": signed}, channel
    sizes = np.stack([combined_tiles(kernel, how="rms")[0] for kernel in kernels])
    return {"strongest": signed, "rms": _Row.of(sizes)}, channel


def _steps(scene: Scene, strip: _Strip) -> list[str]:
    return [f"{step:,}" for step in scene.data.timeline.steps[strip.at]]

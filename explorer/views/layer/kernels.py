"""The kernels of a convolution as pictures that follow the slider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence
from explorer.data.kernels import (
    has_kernels,
    is_over_time,
    kernel_name,
    read_kernel,
    sampled_kernels,
    some_of,
    strongest_channels,
    symmetric,
    unit_stride,
)
from explorer.data.run import RunData
from explorer.derived.time.frames import Limits, quantize, robust_limits
from explorer.derived.units.filters import combined_tiles, kernel_tiles
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View, has_lost_weights
from explorer.views.registry import register
from explorer.views.requirements import needs_steps, needs_weights
from explorer.views.room import MOST_CAPTIONS, MOST_SLICES
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]


HEIGHT = 300
# Pixels that a choice above a picture takes from its height.
CHOICE_HEIGHT = 32
# Tiles that can still be distinguished on a card.
MOST_UNITS = 512
COLOURS = ("red", "green", "blue")


@register
class Kernels(View):
    """A tile for each unit: its kernel."""

    title = "Kernels"
    region = "layer"
    kinds = frozenset({"conv"})
    depends = ("layer",)
    order = 10
    width = 6

    def serves(self, layer: Layer) -> bool:
        return super().serves(layer) and (has_kernels(layer) or has_lost_weights(layer))

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_weights(scene) or needs_steps(scene)

    def caption(self, scene: Scene) -> str:
        layer = scene.layer
        name = kernel_name(layer)
        shape = " × ".join(str(size) for size in layer.weights[name])
        units, channels, *_ = kernel_tiles(read_kernel(scene.data, layer.name, 0)).shape
        those = f"the {units} units" if units > 1 else "its only unit"
        if units > MOST_UNITS:
            those = f"the first {MOST_UNITS} of {units} units"
        stride = unit_stride(scene.data, layer.name)
        those = f"{those} (one in {stride} is recorded)" if stride > 1 else those
        source = layer.inbound[0] if len(layer.inbound) == 1 else "its input"
        signs = "Red, above zero: raises the output where the input is positive; blue, below"
        if channels == 1:
            what = f"its weights on {source}. {signs}."
        elif is_over_time(layer):
            what = f"a column a place in the window, a row a channel of {source}. {signs}."
        else:
            what = (
                f"its weights on {channels} channels of {source}. {signs}; RMS is their size over "
                "all channels."
            )
        return f"{name} ({shape}): a tile for {'each of ' if units > 1 else ''}{those}, {what}"

    def compute(self, scene: Scene) -> _Kernels:
        return _Kernels.of(scene.data, scene.layer)

    def draw(self, scene: Scene, computed: _Kernels) -> Any:
        data, layer = scene.data, scene.selected.layer
        options = computed.options()
        first = next(iter(options))
        grid = FrameGrid(
            computed.provider(data, layer, first),
            len(data.run),
            key=f"{data.run.id}|{layer}|kernel|{first}",
            selects="unit",
            value_name="weight",
            label=f"Kernels of {layer}",
            channel=scene.channel,
            height=HEIGHT if len(options) == 1 else HEIGHT - CHOICE_HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
            **computed.looks(first),
        )
        if len(options) == 1:
            return grid
        choice = Choice(title="input channel", options=options, value=first, margin=(0, 0, 6, 0))
        choice.param.watch(
            lambda event: grid.change(
                f"{data.run.id}|{layer}|kernel|{event.new}",
                computed.provider(data, layer, event.new),
                **computed.looks(event.new),
            ),
            "value",
        )
        return pn.Column(choice, grid, sizing_mode="stretch_width", margin=0)


@dataclass(frozen=True)
class _Kernels:
    """What holds for the kernels of a layer at every step.

    Attributes
    ----------
    units : int
        Units of the layer.
    channels : tuple of str
        Name of each channel that a unit takes.
    over_time : bool
        Whether a tile shows all channels of a window over time.
    weight, rms : Limits
        Colour limits of single weights, and of their root mean square over channels.
    strongest : ndarray of int (unit,)
        The channel that each unit weighs most at the last step.
    """

    units: int
    channels: tuple[str, ...]
    over_time: bool
    weight: Limits
    rms: Limits
    strongest: Array

    @classmethod
    def of(cls, data: RunData, layer: Layer) -> _Kernels:
        """Look at some steps of a layer's kernels."""
        last = read_kernel(data, layer.name, len(data.run) - 1)
        units, channels, *_ = kernel_tiles(last).shape
        return cls(
            units,
            _channel_names(data, layer, channels),
            is_over_time(layer),
            limits_in_common(data, layer.name),
            limits_in_common(data, layer.name, rms=True),
            strongest_channels(last),
        )

    def options(self) -> dict[str, str]:
        """Name what can be shown, the first of them at first."""
        if self.over_time or len(self.channels) == 1:
            return {"all": "all"}
        options = {"rms": "all (RMS)", "strongest": "each unit's strongest (unit·channel)"}
        if self.units * len(self.channels) <= MOST_SLICES:
            each = {"each": "all (unit·channel)"}
            options = each | options if self.channels == COLOURS else options | each
        return options | {str(number): name for number, name in enumerate(self.channels)}

    def looks(self, option: str) -> dict[str, Any]:
        """Give the colours and captions of an option."""
        limits = self.rms if option == "rms" else self.weight
        shown = range(min(self.units, MOST_UNITS))
        names = self._short_names()
        ids, captions = list(shown), []
        if option == "each":
            ids = [unit for unit in shown for _ in names]
            captions = [f"{unit}·{name}" for unit in shown for name in names]
        elif option == "strongest" and self.units <= MOST_CAPTIONS:
            captions = [f"{unit}·{names[self.strongest[unit]]}" for unit in shown]
        return {
            "palette": palette_bytes(SEQUENTIAL if option == "rms" else DIVERGING),
            "low": limits.low,
            "high": limits.high,
            "tile_ids": ids,
            "captions": captions,
        }

    def _short_names(self) -> list[str]:
        if self.channels == COLOURS:
            return [name[0] for name in COLOURS]
        return [str(number) for number in range(len(self.channels))]

    def provider(self, data: RunData, layer: str, option: str) -> Callable[[int], Codes]:
        """Make what gives the tiles of a recorded step."""
        limits = self.rms if option == "rms" else self.weight

        def provide(index: int) -> Codes:
            kernel = read_kernel(data, layer, index)[..., :MOST_UNITS]
            return quantize(self._tiles(kernel, option), limits)

        return provide

    def _tiles(self, kernel: Array, option: str) -> Array:
        if option == "rms":
            return combined_tiles(kernel, how="rms")
        tiles = kernel_tiles(kernel)
        if option == "all":
            return np.ascontiguousarray(tiles[:, :, 0] if self.over_time else tiles[:, 0])
        if option == "each":
            return tiles.reshape(-1, *tiles.shape[2:])
        if option == "strongest":
            return tiles[np.arange(len(tiles)), self.strongest[: len(tiles)]]
        return tiles[:, int(option)]


def limits_in_common(data: RunData, layer: str, *, rms: bool = False) -> Limits:
    """Colour limits of a layer's kernels, or of their size over channels."""
    what, measure = ("rms of kernels", _rms_limits) if rms else ("kernels", _weight_limits)
    limits = data.common_limits(what, layer, measure)
    assert limits is not None  # the layer has kernels
    return limits


def _weight_limits(data: RunData, layer: str, _: int | None) -> Limits | None:
    kernels = sampled_kernels(data, layer)
    if kernels is None:
        return None
    return symmetric(robust_limits(some_of(kernel) for kernel in kernels))


def _rms_limits(data: RunData, layer: str, _: int | None) -> Limits | None:
    kernels = sampled_kernels(data, layer)
    if kernels is None:
        return None
    return robust_limits(some_of(combined_tiles(kernel, how="rms")) for kernel in kernels)


def _channel_names(data: RunData, layer: Layer, channels: int) -> tuple[str, ...]:
    """Names of the channels that a layer takes: colours of an image, or numbers."""
    given, kinds = data.input(), {data.run.layers[name].kind for name in layer.inbound}
    if channels == len(COLOURS) and kinds == {"input"} and given is not None and given.ndim == 4:
        return COLOURS
    return tuple(f"channel {number}" for number in range(channels))

"""The probe's way through the whole network at the step on screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Nothing
from explorer.data.blocks import blocks_of
from explorer.data.explained import explained_class
from explorer.data.kernels import read_kernel, strongest_channels, symmetric
from explorer.data.run import RunData
from explorer.derived.network.contributions import class_gradients
from explorer.derived.network.engine import Network
from explorer.derived.network.folding import Part, fold
from explorer.derived.network.joint import (
    Column,
    Way,
    columns_of,
    fused,
    passages,
    trace,
    unit_sums,
)
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import Limits, quantize, robust_limits, sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.units.filters import kernel_tiles
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.registry import register
from explorer.views.requirements import (
    needs_classifier,
    needs_every_activation,
    needs_every_weight,
    needs_input,
    needs_network,
    needs_steps,
)
from explorer.widgets.page.probe_picker import thumbnails
from explorer.widgets.pictures.flow import Flow
from explorer.worker import in_worker

ROWS = 5
# A network of so many columns is shown whole; of a deeper one, as many as leave the links room on a
# page of 1,280 pixels.
WHOLE_COLUMNS = 12
MOST_COLUMNS = 9
HEIGHT = 360
# Steps that fix the scale of the links, and the limits of kernels.
SAMPLES = 5
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Plan:
    """What holds at every step: columns, colour limits, and the scale of links.

    Attributes
    ----------
    parts : list of Part
        What each column stands for, and what is folded before it.
    scales : list of float
        Of each column: the most that passes into one of its units from one of another, which is
        drawn at full strength. One scale for all would hide those of wide layers, where it is
        shared.
    """

    columns: list[Column]
    parts: list[Part]
    maps: list[Limits]
    kernels: list[Limits | None]
    evidence: float
    scales: list[float]


class Tracer:
    """Makes the payload of one step for one probe.

    Parameters
    ----------
    data : RunData
        The run.
    probe, target : int
        Followed probe and explained class.
    opened : tuple of str
        Blocks and layers of a deep network that are shown whole, whatever they contribute.
    """

    def __init__(
        self, data: RunData, probe: int, target: int, opened: tuple[str, ...] = ()
    ) -> None:
        self.opened = opened
        self.data, self.probe, self.target = data, probe, target
        self.network: Network = data.network
        self.all_columns = way_columns(data)
        self.input = self.network.inputs[0]

    @cached_property
    def parts(self) -> list[Part]:
        """The columns that are shown, chosen once from some steps, and what is folded."""
        return fold(
            self.all_columns,
            blocks_of(self.data.run.layers),
            self._strengths(),
            most=MOST_COLUMNS if self._is_deep else len(self.all_columns),
            opened=self.opened,
        )

    @cached_property
    def columns(self) -> list[Column]:
        """The columns that are shown."""
        return [part.column for part in self.parts]

    @cached_property
    def links(self) -> list[tuple[str, str]]:
        """Which columns are linked."""
        return passages(self.network, self.columns)

    @property
    def _is_deep(self) -> bool:
        return len(self.all_columns) > WHOLE_COLUMNS

    def _strengths(self) -> dict[str, float]:
        """How much each column contributes, of all columns of a network too deep to be shown."""
        if not self._is_deep:
            return {}
        inner = self.all_columns[:-1]

        def make() -> dict[str, Array]:
            shares = [self._shares(index) for index in counted(self.sampled)]
            return {"shares": np.mean(shares, axis=0)}

        # Of this probe and class: what speaks for another one may go another way.
        kept = self.data.derived(f"way-shares-1/{self.probe}/{self.target}", make)["shares"]
        return {column.core: float(kept[at]) for at, column in enumerate(inner)}

    def _shares(self, index: int) -> Array:
        """Give each column's share of all that is contributed at a step: (column,)."""
        activations = self.activations(index)
        inner = [column.layer for column in self.all_columns[:-1]]
        gradients = class_gradients(
            self.network,
            activations,
            self._weights(index),
            self.all_columns[-1].layer,
            self.target,
            wanted=inner,
        )
        with np.errstate(all="ignore"):  # what diverged counts as nothing
            sums = [
                np.abs(unit_sums(activations[name] * gradients[name])).sum()
                if name in gradients
                else 0.0
                for name in inner
            ]
            total = np.nansum(sums)
        return np.nan_to_num(np.array(sums) / (total if total > 0 else 1.0))

    @property
    def sampled(self) -> list[int]:
        """Steps that decide what holds at every step."""
        return sample_indices(len(self.data.run), SAMPLES)

    def classes(self, index: int) -> Array:
        """Give the probability of each class at a step: (class,)."""
        probabilities = self.data.probabilities(self.probe)
        assert probabilities is not None
        return np.asarray(probabilities[index])

    def activations(self, index: int) -> dict[str, Array]:
        """Read what every layer gave at a step: (1, ..., unit) each, the input too."""
        data, values = self.data, self.data.input()
        assert values is not None
        layers = data.run.layers.items()
        read = {
            name: data.activations(name, index, self.probe)
            for name, layer in layers
            if layer.has_activation
        }
        return read | {self.input: values[self.probe : self.probe + 1]}

    def way(
        self, index: int, activations: dict[str, Array], chosen: tuple[str, int] | None = None
    ) -> Way:
        """Trace one step."""
        return trace(
            self.network,
            activations,
            self._weights(index),
            self.columns,
            self.target,
            rows=ROWS,
            classes=self.classes(index),
            chosen=chosen,
        )

    def _weights(self, index: int) -> dict[str, dict[str, Array]]:
        data, layers = self.data, self.data.run.layers
        return {name: data.weights(name, index) for name in layers if layers[name].weights}

    def plan(self) -> Plan:
        """Fix columns, limits and scale from some steps."""
        data, indices = self.data, self.sampled
        ways = [self.way(index, self.activations(index)) for index in counted(indices)]
        evidence = [float(np.nanmax(np.abs(self._evidence(way)), initial=0)) for way in ways]
        return Plan(
            columns=self.columns,
            parts=self.parts,
            maps=[data.limits(column.layer, self.probe) for column in self.columns],
            kernels=[self._kernel_limits(column, indices) for column in self.columns],
            evidence=max(evidence, default=1.0) or 1.0,
            scales=[_largest(self._into(column, ways)) for column in self.columns],
        )

    def _into(self, column: Column, ways: Iterable[Way]) -> list[Array]:
        """Give what passes into the units of a column at some steps."""
        return [way.links[link] for way in ways for link in self.links if link[1] == column.layer]

    def _kernel_limits(self, column: Column, indices: list[int]) -> Limits | None:
        if self.kernel_shape(column) is None:
            return None
        kernels = (self.data.weight(column.core, "kernel", index) for index in indices)
        return symmetric(robust_limits(kernels))

    def _evidence(self, way: Way) -> Array:
        return fused(way, self.columns, self.input)

    def kernel_shape(self, column: Column) -> tuple[int, int] | None:
        """Height and width of a column's kernels; None without pictures of kernels."""
        shape = self.data.run.layers[column.core].weights.get("kernel", ())
        if column.kind != "map" or len(shape) != 4:
            return None
        return int(shape[0]), int(shape[1])

    def has_before(self, column: Column) -> bool:
        """Whether the map before the activation is recorded apart from the one after it."""
        return column.kind == "map" and column.core != column.layer

    def payload(self, index: int, plan: Plan, chosen: tuple[str, int] | None) -> dict[str, Any]:
        """Everything that the browser paints of one step."""
        activations, classes = self.activations(index), self.classes(index)
        way = self.way(index, activations, chosen)
        count = len(plan.columns)
        units = np.full((count, ROWS), -1, np.int32)
        contributions = np.full((count, ROWS), np.nan, np.float32)
        values = np.full((count, ROWS), np.nan, np.float32)
        links = np.zeros((len(self.links), ROWS, ROWS), np.float32)
        pixels: list[Array] = []
        for at, column in enumerate(plan.columns):
            picked = way.units[at]
            units[at, : len(picked)] = picked
            if column.kind == "classes":
                values[at, : len(picked)] = classes[picked]
                continue
            contributions[at, : len(picked)] = unit_sums(way.contributions[column.layer])[picked]
            if column.kind == "vector":
                values[at, : len(picked)] = _unit_means(activations[column.layer])[picked]
            else:
                pixels += self._pictures(plan, at, index, picked, activations)
        for passed, link in zip(links, self.links, strict=True):
            strengths = way.links[link]
            passed[: strengths.shape[0], : strengths.shape[1]] = strengths
        evidence = Limits(-plan.evidence, plan.evidence, signed=True)
        return {
            "units": units,
            "contributions": contributions,
            "values": values,
            "links": links,
            "pixels": np.concatenate([part.ravel() for part in pixels] or [np.zeros(1, np.uint8)]),
            "evidence": quantize(self._evidence(way), evidence),
            "target": self.target,
        }

    def _pictures(
        self, plan: Plan, at: int, index: int, picked: Array, activations: dict[str, Array]
    ) -> list[Array]:
        """Give maps, maps before the activation, kernels: (row, height, width) each, codes."""
        column, data = plan.columns[at], self.data
        parts = []
        for layer in [column.layer, *([column.core] if self.has_before(column) else [])]:
            frame = activations[layer][0]
            limits = plan.maps[at]
            if layer != column.layer:  # before the activation either sign may occur
                limits = symmetric(data.limits(layer, self.probe))
            parts.append(quantize(np.moveaxis(frame[..., picked], -1, 0), limits))
        kernels = plan.kernels[at]
        if kernels is not None:
            kernel = read_kernel(data, column.core, index)[..., picked]
            tiles = kernel_tiles(kernel)[np.arange(len(picked)), strongest_channels(kernel)]
            parts.append(quantize(tiles, kernels))
        return [_rows(part) for part in parts]


def _unit_means(values: Array) -> Array:
    """Average over everything but the unit: (unit,)."""
    return np.asarray(values.reshape(-1, values.shape[-1]).mean(axis=0, dtype=np.float64))


def _largest(parts: Iterable[Array]) -> float:
    """Give the largest finite magnitude; 1 where there is none, since it divides."""
    values = np.abs(np.concatenate([part.ravel() for part in parts]))
    return float(values.max(initial=0, where=np.isfinite(values))) or 1.0


def _rows(part: Array) -> Array:
    """Fill up to the number of rows with nothing."""
    filled = np.zeros((ROWS, *part.shape[1:]), np.uint8)
    filled[: len(part)] = part
    return filled


class WayPicture(Flow):
    """The picture, and what makes its payloads.

    Opening a block takes another plan, which the worker makes; until it is there, the picture stays
    as it is.
    """

    def __init__(self, tracer: Tracer, plan: Plan, count: int, **params: Any) -> None:
        self.tracer, self.plan = tracer, plan
        self.chosen: tuple[str, int] | None = None
        super().__init__(lambda _: {}, count, **params, **_laid_out(tracer, plan))
        self.param.watch(lambda event: self._open(tuple(event.new)), "opened")

    def _open(self, opened: tuple[str, ...]) -> None:
        now = self.tracer
        tracer = Tracer(now.data, now.probe, now.target, opened)

        def is_wanted() -> bool:
            return tuple(self.opened) == opened and self.tracer is now

        def show(plan: Plan) -> None:
            if is_wanted():
                self.tracer, self.plan = tracer, plan
                self.follow(self.chosen, **_laid_out(tracer, plan))

        in_worker(now.data, tracer.plan, show, wanted=is_wanted)

    def follow(self, chosen: tuple[str, int] | None, **changes: Any) -> None:
        """Show the way with the partners of a unit, if one is chosen."""
        tracer, plan = self.tracer, self.plan
        self.chosen = chosen
        members = {name for column in plan.columns[:-1] for name in column.members}
        known = chosen if chosen is not None and chosen[0] in members else None
        self.change(
            f"{tracer.data.run.id}|joint|{tracer.probe}|{tracer.target}|{known}|{tracer.opened}",
            lambda index: tracer.payload(index, plan, known),
            **changes,
        )


@register
class Joint(View):
    """Input, kernels, maps, units and classes, aligned and linked by what they contribute."""

    title = "The probe's way through the network"
    region = "joint"
    depends = ("probe", "target")
    follows = ("layer", "unit")
    order = 10
    width = 12

    def applies(self, data: RunData) -> bool:
        probe = data.run.probe
        return probe is None or probe.kind == "image"

    def requirement(self, scene: Scene) -> Absence | None:
        data = scene.data
        return (
            needs_steps(scene)
            or needs_classifier(data)
            or needs_network(data)
            or needs_input(data)
            or needs_every_activation(data)
            or needs_every_weight(data)
        )

    def caption(self, scene: Scene) -> str:
        data, selected = scene.data, scene.selected
        explained = explained_class(data, selected.probe, selected.target)
        named = f"“{data.class_names[explained.number]}”, {explained.reason}"
        return (
            f"Probe {selected.probe}, explained for {named}: the {ROWS} units of each layer that "
            "contribute most (activation × gradient of the logit: what a small change of the unit "
            "does, not what the class would lose without it); on their left the kernel on its "
            "strongest channel, and the map before the activation. Links lie where one layer takes "
            "the other: what passes from unit to unit, as wide as its share of the most that "
            f"passes into that layer at any of {SAMPLES} recorded steps; to a class, what speaks "
            "for its own logit. Red: for the class, "
            "blue: against it. Evidence: the mean over the input and all maps. Click a unit for "
            "its sources and targets, a class to explain it." + _folding(data)
        )

    def compute(self, scene: Scene) -> tuple[Tracer, Plan] | Nothing:
        data, selected = scene.data, scene.selected
        target = explained_class(data, selected.probe, selected.target).number
        tracer = Tracer(data, selected.probe, target)
        try:
            return tracer, tracer.plan()
        except NotDerivableError as error:
            return Nothing(f"The network cannot be followed: {str(error).rstrip(' .')}.")

    def draw(self, scene: Scene, computed: tuple[Tracer, Plan]) -> Any:
        tracer, plan = computed
        probe = scene.data.run.probe
        assert probe is not None
        images = thumbnails(probe)
        flow = WayPicture(
            tracer,
            plan,
            len(scene.data.run),
            rows=ROWS,
            image=None if images is None else images[scene.selected.probe],
            class_names=scene.data.class_names,
            sequential=palette_bytes(SEQUENTIAL),
            diverging=palette_bytes(DIVERGING),
            label=f"{self.title}, probe {scene.selected.probe}",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
        )
        self.follow(scene, flow)
        return flow

    def follow(self, scene: Scene, body: Any) -> None:
        """Show the selected unit's partners too."""
        body.follow((scene.selected.layer, scene.selected.unit))


def _folding(data: RunData) -> str:
    """Say what is left out of a deep network's way; empty where nothing is."""
    count = len(way_columns(data))
    if count <= WHOLE_COLUMNS:
        return ""
    return (
        f" Of {count} layers or groups of layers, {MOST_COLUMNS} are shown: the last, and those "
        "that contribute most, a block by the strongest in it (magnitudes of what its units "
        f"contribute, added up, as a share of all, mean of {SAMPLES} recorded steps). Links lead "
        "through what is folded. Click ▸ to open a block, ⋯ to open what is folded there."
    )


def way_columns(data: RunData) -> list[Column]:
    """All columns of a run's network, from the input to the classes."""
    network = data.network
    way = network.ancestors(data.run.outputs)
    shown = [
        (name, layer.kind, layer.output_shape)
        for name, layer in data.run.layers.items()
        if layer.has_activation and layer.kind != "input" and name in way
    ]
    return columns_of(shown, network.followers)


def _laid_out(tracer: Tracer, plan: Plan) -> dict[str, Any]:
    """Tell the browser which columns there are, and which are linked."""
    image = {"layer": tracer.input, "title": tracer.input, "kind": "image"}
    return {
        "columns": [image, *(_described(tracer, plan, at) for at in range(len(plan.columns)))],
        "links": [[*link] for link in tracer.links],
        "scales": plan.scales,
    }


def _described(tracer: Tracer, plan: Plan, at: int) -> dict[str, Any]:
    """Tell the browser what it needs to know of a column."""
    column, limits, part = plan.columns[at], plan.maps[at], plan.parts[at]
    shape = tracer.data.run.layers[column.layer].output_shape
    kernel = tracer.kernel_shape(column)
    return {
        "layer": column.layer,
        "members": list(column.members),
        "title": column.core,
        "group": part.group,
        "within": part.within,
        "open": part.is_open,
        "folded": list(part.before),
        "kind": column.kind,
        "height": shape[0] if column.kind == "map" else 1,
        "width": shape[1] if column.kind == "map" else 1,
        "kernel": None if kernel is None else list(kernel),
        "before": tracer.has_before(column),
        "signed": limits.signed,
        "low": limits.low,
        "high": limits.high,
    }

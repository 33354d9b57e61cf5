"""The probe's way through the whole network at the step on screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Nothing
from explorer.data.explained import explained_class
from explorer.data.kernels import read_kernel, strongest_channels, symmetric
from explorer.data.run import RunData
from explorer.derived.network.engine import Network
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

ROWS = 5
HEIGHT = 360
# Steps that fix the scale of the links, and the limits of kernels.
SAMPLES = 5
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Plan:
    """What holds at every step: columns, colour limits, and the scale of links.

    Attributes
    ----------
    scales : list of float
        Of each column: the most that passes into one of its units from one of another, which is
        drawn at full strength. One scale for all would hide those of wide layers, where it is
        shared.
    """

    columns: list[Column]
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
    """

    def __init__(self, data: RunData, probe: int, target: int) -> None:
        self.data, self.probe, self.target = data, probe, target
        self.network: Network = data.network
        layers = data.run.layers
        way = self.network.ancestors(data.run.outputs)
        shown = [
            (name, layer.kind, layer.output_shape)
            for name, layer in layers.items()
            if layer.has_activation and layer.kind != "input" and name in way
        ]
        self.columns = columns_of(shown, self.network.followers)
        self.links = passages(self.network, self.columns)
        self.input = self.network.inputs[0]

    def classes(self, index: int) -> Array:
        """Give the probability of each class at a step: (class,)."""
        probabilities = self.data.probabilities(self.probe)
        assert probabilities is not None
        return np.asarray(probabilities[index])

    def activations(self, index: int) -> dict[str, Array]:
        """Read what every layer gave at a step: (1, ..., unit) each, the input too."""
        data, given = self.data, self.data.probe_input(self.probe)
        assert given is not None
        layers = data.run.layers.items()
        read = {
            name: data.activations(name, index, self.probe)
            for name, layer in layers
            if layer.has_activation
        }
        return read | {self.input: given[None]}

    def way(
        self, index: int, activations: dict[str, Array], chosen: tuple[str, int] | None = None
    ) -> Way:
        """Trace one step."""
        data, layers = self.data, self.data.run.layers
        weights = {name: data.weights(name, index) for name in layers if layers[name].weights}
        return trace(
            self.network,
            activations,
            weights,
            self.columns,
            self.target,
            rows=ROWS,
            classes=self.classes(index),
            chosen=chosen,
        )

    def plan(self) -> Plan:
        """Fix limits and scale from some steps."""
        data = self.data
        indices = sample_indices(len(data.run), SAMPLES)
        ways = [self.way(index, self.activations(index)) for index in counted(indices)]
        evidence = [float(np.nanmax(np.abs(self._evidence(way)), initial=0)) for way in ways]
        return Plan(
            columns=self.columns,
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
    """The picture, and what makes its payloads."""

    def __init__(self, tracer: Tracer, plan: Plan, count: int, **params: Any) -> None:
        self.tracer, self.plan = tracer, plan
        super().__init__(lambda _: {}, count, **params)


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
            "its sources and targets, a class to explain it."
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
        given = scene.data.probe_input(scene.selected.probe)
        images = None if given is None else thumbnails(probe, given[None])
        flow = WayPicture(
            tracer,
            plan,
            len(scene.data.run),
            columns=[
                {"layer": tracer.input, "title": tracer.input, "kind": "image"},
                *(_described(tracer, plan, at) for at in range(len(plan.columns))),
            ],
            rows=ROWS,
            image=None if images is None else images[-1],
            class_names=scene.data.class_names,
            sequential=palette_bytes(SEQUENTIAL),
            diverging=palette_bytes(DIVERGING),
            links=[[*link] for link in tracer.links],
            scales=plan.scales,
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
        tracer, plan = body.tracer, body.plan
        selected = scene.selected
        members = {name for column in plan.columns[:-1] for name in column.members}
        chosen = (selected.layer, selected.unit) if selected.layer in members else None
        body.change(
            f"{scene.data.run.id}|joint|{selected.probe}|{selected.target}|{chosen}",
            lambda index: tracer.payload(index, plan, chosen),
        )


def _described(tracer: Tracer, plan: Plan, at: int) -> dict[str, Any]:
    """Tell the browser what it needs to know of a column."""
    column, limits = plan.columns[at], plan.maps[at]
    shape = tracer.data.run.layers[column.layer].output_shape
    kernel = tracer.kernel_shape(column)
    return {
        "layer": column.layer,
        "members": list(column.members),
        "title": column.core,
        "kind": column.kind,
        "height": shape[0] if column.kind == "map" else 1,
        "width": shape[1] if column.kind == "map" else 1,
        "kernel": None if kernel is None else list(kernel),
        "before": tracer.has_before(column),
        "signed": limits.signed,
        "low": limits.low,
        "high": limits.high,
    }

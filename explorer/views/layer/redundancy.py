"""How alike the units of a layer are: by their kernels, or by what they answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Lack, Nothing, Unfit
from explorer.data.kernels import has_kernels, read_kernel, unit_stride
from explorer.data.run import RunData
from explorer.data.summaries import said_of_positions, text_frames
from explorer.derived.time.frames import Limits, quantize
from explorer.derived.units.similarity import (
    activation_correlation,
    greatest_cosine_by_chance,
    kernel_similarity,
    leaf_order,
    most_similar_pairs,
)
from explorer.plots.style import DIVERGING, palette_bytes
from explorer.views.alternatives import Alternatives, Chosen
from explorer.views.base import Scene, View
from explorer.views.registry import register
from explorer.views.requirements import needs_steps, not_recorded
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, beside
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from store import Layer
from store.format.names import UNIT_DIM, activation_path, weight_path

Array = npt.NDArray[Any]
Of = Literal["kernels", "activations"]

HEIGHT = 290
MOST_PAIRS = 8
# A matrix of more has cells of about a pixel.
MOST_CELLS = 128
MOST_UNITS = 512
# Multiplications over all steps, about ten seconds of one core.
MOST_PRODUCTS = 10**11
COSINES = Limits(-1.0, 1.0, signed=True)
NO_UNIT = -1


@register
class Redundancy(View):
    """A matrix of units by units that follows the slider, and the pairs that are most alike."""

    title = "Similar units"
    region = "layer"
    kinds = frozenset({"conv", "dense", "activation", "pooling", "normalization", "recurrent"})
    depends = ("layer",)
    order = 16
    width = 6

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene)
        if missing is not None:
            return missing
        layer, units = scene.layer, units_of(scene.data, scene.layer)
        if not _sources(scene.data, layer):
            return Lack(not_recorded(scene.data, [layer.name]))
        if units < 2:
            return Unfit(f"There are no two units in {layer.name} to compare.")
        if units > MOST_UNITS:
            return Unfit(f"{units:,} units are too many to compare each with each ({MOST_UNITS}).")
        return None

    def caption(self, scene: Scene) -> str:
        data, layer = scene.data, scene.layer
        sources, units = _sources(data, layer), units_of(data, layer)
        means = {
            "kernels": "cosine of their kernels",
            "activations": f"correlation of their outputs over {_seen(data, layer)}",
        }
        only = "" if units <= MOST_CELLS else f"; a matrix is drawn up to {MOST_CELLS} units"
        return (
            f"Every two of the {units} units: {', or '.join(means[of] for of in sources)}. "
            f"1: alike, one may be redundant; -1: opposite{only}.{_by_chance(data, layer)}"
        )

    def compute(self, scene: Scene) -> Chosen | Nothing:
        first, *others = _sources(scene.data, scene.layer)
        return Chosen.of(first, _compared(scene, first), alone=not others)

    def draw(self, scene: Scene, computed: Chosen) -> Any:
        data, layer = scene.data, scene.layer
        sources = _sources(data, layer)
        first, found = computed
        if len(sources) == 1:
            return _body(scene, first, found)
        return Alternatives(
            data,
            {of: of for of in sources},
            first,
            found,
            compute=lambda of: _compared(scene, of),
            draw=lambda of, made: _body(scene, of, made),
            title="by",
            channel=scene.channel,
        )


@dataclass(frozen=True)
class Similarity:
    """How alike units are at every step.

    Attributes
    ----------
    codes : ndarray (step, unit, unit), uint8
        Colour codes of the similarities, -1 to 1; no units if there are too many for a matrix.
    pairs : ndarray (step, pair, 2), int32
        The most similar pairs of units; `NO_UNIT` where there are fewer.
    values : ndarray (step, pair), float32
        Their similarities.
    order : ndarray (unit,), int64
        Order in which alike units lie side by side, from the last step.
    """

    codes: Array
    pairs: Array
    values: Array
    order: Array

    @classmethod
    def over_steps(cls, matrices: Iterator[Array]) -> Similarity:
        """Keep what is drawn of similarities (unit, unit), step by step."""
        codes, pairs, values, last = [], [], [], np.zeros((0, 0))
        for last in matrices:
            small = last if len(last) <= MOST_CELLS else last[:0, :0]
            codes.append(quantize(small, COSINES))
            found = most_similar_pairs(last, MOST_PAIRS)
            ends = np.full((MOST_PAIRS, 2), NO_UNIT, np.int32)
            sizes = np.full(MOST_PAIRS, np.nan, np.float32)
            for at, pair in enumerate(found):
                ends[at], sizes[at] = (pair.first, pair.second), pair.value
            pairs.append(ends)
            values.append(sizes)
        order = leaf_order(last) if len(last) <= MOST_CELLS else np.arange(len(last))
        return cls(np.stack(codes), np.stack(pairs), np.stack(values), order)

    def rows(self, index: int) -> dict[str, Any]:
        """Give the pairs of a recorded step as rows of a table; a click chooses the first unit."""
        known = self.pairs[index][self.pairs[index, :, 0] != NO_UNIT].tolist()
        return {
            "rows": [
                [f"{first}, {second}", f"{value:.2f}"]
                for (first, second), value in zip(known, self.values[index], strict=False)
            ],
            "chooses": [{"unit": first} for first, _ in known],
        }


def _compared(scene: Scene, of: str) -> Similarity | Nothing:
    """Compare the units, if any two of them can be at any step."""
    found = similarity_of(scene.data, scene.layer, of)
    if (found.pairs != NO_UNIT).any():
        return found
    return Nothing(
        f"No two units of {scene.layer.name} can be compared by their {of} at any recorded step: "
        "each has one value alone, or no number."
    )


def similarity_of(data: RunData, layer: Layer, of: str) -> Similarity:
    """Compare the units of a layer at every step, by kernels or activations."""
    if of == "kernels":
        key = f"similar kernels of {weight_path(layer.name, 'kernel')}"
        matrices = (kernel_similarity(kernel) for kernel in _kernels(data, layer))
    else:
        key = f"similar units of {activation_path(layer.name)}"
        matrices = (activation_correlation(frame) for frame in text_frames(data, layer.name))
    return Similarity(**data.derived(key, lambda: asdict(Similarity.over_steps(matrices))))


def units_of(data: RunData, layer: Layer) -> int:
    """Count the units of a layer; 0 if it has none."""
    if layer.has_activation:
        has_units = UNIT_DIM in data.run.array(activation_path(layer.name)).dims
        return data.units(layer.name) if has_units else 0
    kernel = next(_kernels(data, layer), None) if _has_kernel(layer) else None
    return 0 if kernel is None else kernel.shape[-1]


def _sources(data: RunData, layer: Layer) -> list[Of]:
    """By what the units of a layer can be compared."""
    sources: list[Of] = []
    units = units_of(data, layer)
    size = units * math.prod(layer.weights.get("kernel", ()))
    if _has_kernel(layer) and len(data.run) * size <= MOST_PRODUCTS:
        sources.append("kernels")
    return [*sources, "activations"] if layer.has_activation else sources


def _has_kernel(layer: Layer) -> bool:
    if layer.kind == "conv":
        return has_kernels(layer)
    return layer.kind == "dense" and len(layer.weights.get("kernel", ())) == 2


def _kernels(data: RunData, layer: Layer) -> Iterator[Array]:
    """Give the kernel (..., unit) of a layer, step by step."""
    if layer.kind == "conv":
        return (read_kernel(data, layer.name, index) for index in range(len(data.run)))
    stride = unit_stride(data, layer.name)
    return (kernel[..., ::stride] for kernel in data.weight_frames(layer.name, "kernel"))


def _seen(data: RunData, layer: Layer) -> str:
    """Say over what outputs are correlated."""
    probes = f"all {data.run.probe.size if data.run.probe else 0} probes"
    if not layer.has_activation or len(layer.output_shape) < 2:
        return probes
    where = said_of_positions(data, layer.name, padding=False).removeprefix("all ")
    return " and ".join(filter(None, (probes, where)))


def _by_chance(data: RunData, layer: Layer) -> str:
    """Say how alike the most alike of unrelated units are.

    Of outputs at many positions it is not known: those of neighbours depend on each other.
    """
    units, probe = units_of(data, layer), data.run.probe
    dimensions: dict[Of, int] = {"kernels": math.prod(layer.weights.get("kernel", (0,))[:-1])}
    if len(layer.output_shape) == 1 and probe is not None:
        dimensions["activations"] = probe.size - 1
    pairs = units * (units - 1) // 2
    reached = [
        f"{greatest_cosine_by_chance(dimensions[of], pairs):.2f} by {of}"
        for of in _sources(data, layer)
        if dimensions.get(of, 0) > 0
    ]
    said = ""
    if reached:
        said = (
            f" Of {units} units that are random, the most alike two reach "
            f"{' and '.join(reached)} in 1 of 20 cases."
        )
    if layer.has_activation and "activations" not in dimensions:
        said += (
            " What outputs at many positions reach by chance is not known: those of neighbours "
            "depend on each other, so even unrelated units may be alike."
        )
    return said


def _body(scene: Scene, of: str, similarity: Similarity) -> Any:
    """Draw the matrix, its order, and the table beside it."""
    data, layer = scene.data, scene.selected.layer
    name = "cosine" if of == "kernels" else "correlation"
    shared: dict[str, Any] = {
        "channel": scene.channel,
        "sizing_mode": "stretch_width",
        "margin": 0,
    }
    table = StepTable(
        similarity.rows,
        len(data.run),
        key=f"{data.run.id}|{layer}|similar {of}",
        label=f"Most similar units of {layer}",
        columns=["units", name],
        numeric=[1],
        rows=MOST_PAIRS,
        empty="No two units can be compared at this step.",
        **shared,
    )
    if not similarity.codes.shape[1]:
        return table
    grid = FrameGrid(
        lambda index: similarity.codes[index][None],
        len(data.run),
        key=f"{data.run.id}|{layer}|similarity of {of}|number",
        mode="matrix",
        palette=palette_bytes(DIVERGING),
        low=COSINES.low,
        high=COSINES.high,
        bounded=True,
        selects="unit",
        square=True,
        label=f"Similarity of the {of} of {layer}",
        height=HEIGHT,
        **_labels(range(len(similarity.order)), named=False),
        **shared,
    )
    order = Choice(
        title="order",
        options={"number": "number", "clustered": "clustered"},
        value="number",
        channel=scene.channel,
        margin=0,
    )

    def reorder(event: Any) -> None:
        clustered = event.new == "clustered"
        at = similarity.order if clustered else np.arange(len(similarity.order))
        grid.change(
            f"{data.run.id}|{layer}|similarity of {of}|{event.new}",
            lambda index: similarity.codes[index][np.ix_(at, at)][None],
            **_labels(at.tolist(), named=clustered),
        )

    order.param.watch(reorder, "value")
    return beside(grid, below(order, table), shares=(8, 5), least=150, gap=12)


def _labels(order: Sequence[int], *, named: bool) -> dict[str, Any]:
    """Name rows and columns; columns in the order of their numbers need no names."""
    names = [str(unit) for unit in order]
    return {
        "tile_ids": list(order),
        "y_labels": names,
        "x_labels": names if named else [],
        "x_name": "and unit",
    }

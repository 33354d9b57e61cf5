"""The weights of a recurrent layer gate by gate, and how far its gates are open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence
from explorer.data.kernels import some_of, symmetric
from explorer.data.places import place_noun
from explorer.data.recurrent import RecurrentLayer
from explorer.data.run import RunData
from explorer.derived.recurrent.equations import NotDerivableError, part_of
from explorer.derived.recurrent.gates import OPEN_ABOVE, SHUT_BELOW, saturation
from explorer.derived.recurrent.quantities import SIGNED, Openness, gate_title, is_gate, range_of
from explorer.derived.time.frames import Limits, quantize, robust_limits, sample_indices
from explorer.derived.time.headway import counted
from explorer.derived.time.sampling import Sampling
from explorer.plots.style import DIVERGING, palette_bytes
from explorer.views.base import Scene, View
from explorer.views.parts import option, options_row, sentence_pane, what_gates_keep
from explorer.views.registry import register
from explorer.views.requirements import needs_gates, needs_states
from explorer.views.room import shown_rows
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.page.beside import below, beside
from explorer.widgets.pictures.frame_grid import FrameGrid

Array = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]


# Up to four matrices stand side by side.
HEIGHT = 280
# Rows and columns of a matrix, of which there are up to four side by side.
MOST_UNITS = 128
# Steps that fix the colour limits.
SAMPLES = 12
# Multiplications of all states that are derived: some seconds.
MOST_OPERATIONS = 2**35
PARTS = {"recurrent": "recurrent", "input": "input", "bias": "bias"}
SATURATION, OPENING = "saturation", "opening"
ABOUT = {SATURATION: "saturation", OPENING: "mean opening"}
# The same of a state from -1 to 1.
BELOW, ABOVE = f"below {2 * SHUT_BELOW - 1:g}", f"above {2 * OPEN_ABOVE - 1:g}"
# End of the axes of saturation, if hardly any gate saturates.
LEAST_SHARE = 0.05


@dataclass(frozen=True)
class Structure:
    """What holds of the weights at every step.

    Attributes
    ----------
    layer : RecurrentLayer
        The layer.
    limits : dict of str to Limits
        Ends of the colours by part: ``recurrent``, ``input``, ``bias``.
    gates : dict of str to list of str
        Names of the gates by direction.
    """

    layer: RecurrentLayer
    limits: dict[str, Limits]
    gates: dict[str, list[str]]

    @classmethod
    def of(cls, layer: RecurrentLayer) -> Structure:
        """Look at some steps; call it in the worker thread."""
        gates = {way: list(found) for way, found in layer.gates(0).items()}
        measured = {
            part: layer.data.common_limits(f"{part} weights", layer.name, partial(_limits, part))
            for part in PARTS
        }
        limits = {part: found for part, found in measured.items() if found is not None}
        return cls(layer, limits, gates)

    def provider(self, way: str, part: str, gate: str) -> Callable[[int], Codes]:
        """Make what gives the matrices of a recorded step: a row for each unit."""

        def provide(index: int) -> Codes:
            found = self.layer.gates(index)[way]
            chosen = list(found) if gate == "all" or part == "bias" else [gate]
            matrices = []
            for name in chosen:
                values = part_of(found[name], part)
                assert values is not None
                matrices.append(values if part == "bias" else _some(values.T))
            codes = quantize(np.stack(matrices), self.limits[part])
            return codes.reshape(1, -1, codes.shape[-1]) if part == "bias" else codes

        return provide

    def looks(self, way: str, part: str, gate: str) -> dict[str, Any]:
        """Give layout, colours and labels."""
        limits, names = self.limits[part], self.gates[way]
        shared: dict[str, Any] = {
            "low": limits.low,
            "high": limits.high,
            "captions": [],
            "y_labels": [],
            "x_labels": [],
            "tile_ids": [],
            "selects": "",
        }
        if part == "bias":
            found = self.layer.gates(0)[way][names[0]].bias
            assert found is not None
            sides = ["", ", on the state"] if found.ndim == 2 else [""]
            labels = [f"{gate_title(name)}{side}" for name in names for side in sides]
            return {**shared, "mode": "matrix", "y_labels": labels, "x_name": "unit", "y_name": ""}
        if gate == "all" and len(names) > 1:
            return {**shared, "mode": "tiles", "captions": [gate_title(name) for name in names]}
        units = self.layer.units(way)
        ids = units[_kept(len(units))]
        into = self.layer.gates(0)[way][names[0]]
        values = part_of(into, part)
        assert values is not None
        sources = _kept(len(values))
        if part == "recurrent":
            sources = units[sources]
        return {
            **shared,
            "mode": "matrix",
            "selects": "unit",
            "tile_ids": ids.tolist(),
            "y_labels": [str(unit) for unit in ids],
            "x_labels": [] if len(sources) == len(values) else [str(one) for one in sources],
            "x_name": "from unit" if part == "recurrent" else "from input",
            "y_name": "unit",
        }


def _limits(part: str, data: RunData, name: str, _: int | None) -> Limits | None:
    """Measure a part of a layer's weights at some steps; None if it has no such part."""
    if data.run.layers[name].kind != "recurrent":
        return None
    layer, samples = RecurrentLayer(data, name), []
    try:
        for index in sample_indices(len(data.run), SAMPLES):
            for gates in layer.gates(index).values():
                values = [part_of(weights, part) for weights in gates.values()]
                samples += [some_of(value) for value in values if value is not None]
    except NotDerivableError:
        return None
    return symmetric(robust_limits(samples)) if samples else None


def openness_of(layer: RecurrentLayer, way: str) -> Openness | str:
    """Measure the gates of a direction at every step; call it in the worker thread.

    A sentence says why that cannot be.
    """
    if layer.fault is not None:
        return layer.fault
    cell = layer.cells[way]
    names = [name for name in layer.quantities(way) if is_gate(name)]
    if not names and range_of(cell, "hidden") is not SIGNED:
        return f"The state of {layer.name} has no ends at which it could saturate."
    if names and range_of(cell, names[0]) is None:
        return f"The gates of {layer.name} are not between 0 and 1."
    sampling = Sampling.of(len(layer.data.run), MOST_OPERATIONS // max(1, layer.operations))

    def measure(index: int) -> Array:
        """Shut, wide and mean: (3, gate, unit)."""
        states, is_text = layer.derive(index)[way], layer.in_text(index)[..., None]
        gates = [states.gates[name] for name in names] or [(states.hidden + 1) / 2]
        found = [np.where(is_text, gate, np.nan) for gate in gates]
        shares = [saturation(gate) for gate in found]
        read = [np.isfinite(gate).sum(axis=(0, 1)) for gate in found]
        means = [
            np.nansum(gate, axis=(0, 1)) / count for gate, count in zip(found, read, strict=True)
        ]
        shut, wide = [share.shut for share in shares], [share.wide for share in shares]
        return np.array([shut, wide, means], np.float32)

    def make() -> dict[str, Array]:
        with np.errstate(all="ignore"):
            rows = [measure(index) for index in counted(sampling.indices)]
        return {"shares": np.stack(rows)}

    key = f"openness over the text of {layer.name}, {way}, {len(sampling.indices)} steps"
    made = sampling.spread(layer.data.derived(key, make)["shares"])
    return Openness(names or ["state"], made[:, 0], made[:, 1], made[:, 2], sampling)


@register
class RecurrentKernels(View):
    """Matrices of the gates that follow the step, and the gates' saturation unit by unit."""

    title = "Recurrent structure"
    region = "layer"
    kinds = frozenset({"recurrent"})
    depends = ("layer",)
    order = 16
    width = 12

    def __init__(self) -> None:
        self._way, self._part, self._gate, self._about = "", "recurrent", "all", SATURATION

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_gates(scene)

    def caption(self, scene: Scene) -> str:
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        found = next(iter(next(iter(layer.gates(0).values())).values()))
        read = f"{place_noun(scene.data, scene.layer)}s"
        over = _counted(layer, read)
        if any("state" in names for names in layer.gates(0).values()):
            far = f"far the states are from 0 over {over}: {BELOW} or {ABOVE}"
        else:
            far = f"far the gates are open over {over}: shut (below {SHUT_BELOW:g}) or wide open "
            far += f"(above {OPEN_ABOVE:g})"
        capped = ""
        if max(found.kernel.shape) > MOST_UNITS:
            capped = f" Of more than {MOST_UNITS} rows or columns evenly spread ones are shown."
        return (
            f"Weights of {layer.name}: a row for each unit, a column for each unit of its state "
            f"(recurrent) or of {', '.join(layer.layer.inbound)} (input) that it listens to. "
            f"Right: how {far}: there the slope of a sigmoid or tanh is 36 % of its largest at the "
            f"most.{what_gates_keep(layer)}{capped}"
        )

    def compute(self, scene: Scene) -> tuple[Structure, dict[str, Openness | str]]:
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        structure, missing = Structure.of(layer), needs_states(scene, derived=True)
        return structure, {way: missing or openness_of(layer, way) for way in structure.gates}

    def draw(self, scene: Scene, computed: tuple[Structure, dict[str, Openness | str]]) -> Any:
        structure, openness = computed
        ways = list(structure.gates)
        self._way = self._way if self._way in ways else ways[0]
        names = structure.gates[self._way]
        self._gate = self._gate if self._gate in names else "all"
        self._part = self._part if self._part in structure.limits else "recurrent"

        def key() -> str:
            shown = f"{self._way}|{self._part}|{self._gate}"
            return f"{scene.data.run.id}|{structure.layer.name}|structure|{shown}"

        grid = FrameGrid(
            structure.provider(self._way, self._part, self._gate),
            len(scene.data.run),
            key=key(),
            palette=palette_bytes(DIVERGING),
            places=0,
            value_name="weight",
            label=f"Weights of {structure.layer.name}",
            channel=scene.channel,
            height=HEIGHT,
            sizing_mode="stretch_width",
            margin=0,
            **structure.looks(self._way, self._part, self._gate),
        )
        shares = pn.Column(sizing_mode="stretch_width", margin=0, min_height=HEIGHT)

        def show_shares() -> None:
            found = openness[self._way]
            if isinstance(found, str):
                shares[:] = [sentence_pane(found)]
            elif not np.isfinite(found.mean).any():
                shares[:] = [sentence_pane(f"The gates of {structure.layer.name} are no numbers.")]
            else:
                picture = _saturation if self._about == SATURATION else _opening
                shares[:] = [picture(scene, structure.layer, self._way, found)]

        def titles() -> dict[str, str]:
            names = structure.gates[self._way]
            named = {name: gate_title(name) for name in names}
            return {"all": "all", **named} if len(names) > 1 else {}

        def choose(name: str, value: str) -> None:
            setattr(self, name, value)
            if name == "_way":  # the layer that reads backwards may be of another class
                self._gate = self._gate if self._gate in structure.gates[value] else "all"
                gates.param.update(options=titles(), value=self._gate)
                show_shares()
            gates.visible = self._part != "bias"
            now = self._way, self._part, self._gate
            grid.change(key(), structure.provider(*now), **structure.looks(*now))

        def choose_shares(value: str) -> None:
            self._about = value
            show_shares()

        parts = {part: text for part, text in PARTS.items() if part in structure.limits}
        gates = option("gate", titles(), self._gate, partial(choose, "_gate"))
        gates.visible = self._part != "bias"
        first = openness[self._way]
        if not isinstance(first, str) and not first.saturates:
            self._about = OPENING
        abouts = {} if isinstance(first, str) else ABOUT
        show_shares()
        return beside(
            below(
                options_row(
                    [
                        option(
                            "reading",
                            {way: way for way in ways},
                            self._way,
                            partial(choose, "_way"),
                        ),
                        option("weights on", parts, self._part, partial(choose, "_part")),
                        gates,
                    ]
                ),
                grid,
                gap=6,
            ),
            below(
                options_row([option("gates", abouts, self._about, choose_shares)]), shares, gap=6
            ),
            shares=(2, 1),
        )


def _counted(layer: RecurrentLayer, read: str) -> str:
    """Say over how many words of how many probes something is counted."""
    if layer.fault is not None:
        return f"all {read} that it reads"
    is_text = layer.in_text(len(layer.data.run) - 1)
    return f"the {np.count_nonzero(is_text):,} {read} of {len(is_text):,} probes, without padding"


def _saturation(scene: Scene, layer: RecurrentLayer, way: str, found: Openness) -> Any:
    if not found.saturates:
        return sentence_pane(
            f"No gate of {layer.name} is below {SHUT_BELOW:g} or above {OPEN_ABOVE:g} at any "
            f"{place_noun(scene.data, scene.layer)} of any probe, at any recorded step."
        )
    kept = shown_rows(found.shut.shape[-1])
    units, count = layer.units(way)[kept], len(found.names)
    positions = np.stack([found.shut[..., kept], found.wide[..., kept]], axis=-1)
    most = 1.06 * max(LEAST_SHARE, float(np.nanmax(positions)))
    colours = scene.categories[:count]
    titles = [gate_title(name) for name in found.names]
    is_state = found.names == ["state"]
    low, high = (BELOW, ABOVE) if is_state else ("shut", "wide open")
    return PointCloud(
        positions=positions.reshape(len(positions), -1, 2),
        labels=[f"unit {unit} · {title}" for title in titles for unit in units],
        colours=[colour for colour in colours for _ in units],
        groups=[[title, colour] for title, colour in zip(titles, colours, strict=True)],
        point_ids=units.tolist() * count,
        selects="unit",
        x_name=f"share of {place_noun(scene.data, scene.layer)}s at which it is {low}",
        y_name=f"… {high}",
        limits=[-0.04 * most, most, -0.04 * most, most],
        label=f"Saturation of the gates of {layer.name}",
        channel=scene.channel,
        height=HEIGHT,
        sizing_mode="stretch_width",
        margin=0,
    )


def _opening(scene: Scene, layer: RecurrentLayer, way: str, found: Openness) -> StepLines:
    kept = shown_rows(found.mean.shape[-1])
    units, is_state = layer.units(way)[kept], found.names == ["state"]
    means = found.mean[..., kept]
    return StepLines(
        x=units.astype(np.float64),
        y=2 * means - 1 if is_state else means,
        names=[gate_title(name) for name in found.names],
        colours=scene.categories,
        kind="steps",
        y_limits=[-1.0, 1.0] if is_state else [0.0, 1.0],
        x_name="unit",
        y_name="mean state" if is_state else "mean opening",
        selects="unit",
        ids=units.tolist(),
        label=f"Mean opening of the gates of {layer.name}",
        channel=scene.channel,
        height=HEIGHT,
        sizing_mode="stretch_width",
        margin=0,
    )


def _kept(count: int) -> npt.NDArray[np.int64]:
    return np.array(sample_indices(count, MOST_UNITS), np.int64)


def _some(values: Array) -> Array:
    """Rows and columns that are shown."""
    return values[np.ix_(*map(_kept, values.shape))]

"""Eigenvalues of a recurrent matrix, by which the layer multiplies its state at every token."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing, Unfit
from explorer.data.places import place_noun
from explorer.data.recurrent import RecurrentLayer
from explorer.derived.recurrent.quantities import gate_title
from explorer.derived.recurrent.spectra import Spectrum, spectrum
from explorer.derived.time.sampling import Sampling
from explorer.plots.curves import metric_curves
from explorer.plots.growth import growth_curves
from explorer.views.alternatives import Alternatives, Chosen
from explorer.views.base import Scene, View, plot_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_gates
from explorer.widgets.charts.point_cloud import PointCloud
from explorer.widgets.page.beside import below

Array = npt.NDArray[Any]


HEIGHT, GROWTH_HEIGHT, DEPARTURE_HEIGHT = 330, 175, 150
# Units cubed, summed over the steps: some seconds of work.
MOST_CUBES = 2**29
# The eigenvalues of a larger matrix take half a minute a step.
MOST_UNITS = 1024


class Eigenvalues(NamedTuple):
    """The spectrum of one gate at every step, and the steps that were looked at."""

    found: Spectrum
    sampling: Sampling


def eigenvalues_of(layer: RecurrentLayer, way: str, gate: str) -> Eigenvalues:
    """Follow the eigenvalues of a gate's recurrent matrix; call it in the worker thread."""
    units = len(layer.gates(0)[way][gate].recurrent_kernel)
    sampling = sampling_of(layer, units)

    def make() -> dict[str, Array]:
        matrices = [layer.gates(index)[way][gate].recurrent_kernel for index in sampling.indices]
        return asdict(spectrum(np.stack(matrices)))

    key = f"spectrum of {layer.name}, {way} {gate}, {len(sampling.indices)} steps"
    made = layer.data.derived(key, make)
    return Eigenvalues(
        Spectrum(**{name: sampling.spread(values) for name, values in made.items()}), sampling
    )


def sampling_of(layer: RecurrentLayer, units: int) -> Sampling:
    """Choose the steps at which a matrix of so many units is looked at."""
    return Sampling.of(len(layer.data.run), MOST_CUBES // max(1, units**3))


@register
class RecurrentSpectrum(View):
    """Eigenvalues in the complex plane at the step on screen; radius, norm, departure over all."""

    title = "Eigenvalues of the recurrent matrix"
    region = "layer"
    kinds = frozenset({"recurrent"})
    depends = ("layer", "axis")
    order = 18
    width = 6

    def __init__(self) -> None:
        self._shown = "candidate"

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_gates(scene)
        if missing is not None:
            return missing
        units = self._units(RecurrentLayer(scene.data, scene.selected.layer))
        if units <= MOST_UNITS:
            return None
        return Unfit(
            f"The eigenvalues of {units:,} units take too long at every step; this is for up to "
            f"{MOST_UNITS:,} units."
        )

    def caption(self, scene: Scene) -> str:
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        is_gated = any(len(found) > 1 for found in layer.gates(0).values())
        which = "One gate's weights" if is_gated else "The weights"
        read = place_noun(scene.data, scene.layer)
        gates = " and the other gates" if is_gated else ""
        return (
            f"{which} of {layer.name} on its state: this matrix, not the layer, whose activation "
            f"functions{gates} change what is left of a change (the card of its memory measures "
            f"that). If the matrix alone were applied {read} by {read}, a change would grow "
            "outside of the circle and fade inside it; off the real axis it also turns. Below, its "
            f"growth per {read} in the long run (radius) and at most (norm); the larger the "
            "departure from a normal matrix (0 to 1), the more a change may grow before it fades."
            f"{sampling_of(layer, self._units(layer)).remark}"
        )

    def compute(self, scene: Scene) -> Chosen | Nothing:
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        options = self._options(layer)
        name = self._chosen(options)
        return Chosen.of(name, _known(layer, name), alone=len(options) < 2)

    def draw(self, scene: Scene, computed: Chosen) -> Any:
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        options = self._options(layer)
        chosen, found = computed
        if len(options) < 2:
            return _picture(scene, found, *options.values())

        def remember(name: str) -> None:
            self._shown = name.split(" ")[1]

        return Alternatives(
            scene.data,
            options,
            chosen,
            found,
            compute=lambda name: _known(layer, name),
            draw=lambda name, made: _picture(scene, made, options[name]),
            chosen=remember,
            title="weights of the",
            channel=scene.channel,
        )

    def _options(self, layer: RecurrentLayer) -> dict[str, str]:
        """Texts by direction and gate."""
        found = layer.gates(0)
        return {
            f"{way} {gate}": gate_title(gate) if len(found) < 2 else f"{gate_title(gate)}, {way}"
            for way, gates in found.items()
            for gate in gates
        }

    def _chosen(self, options: dict[str, str]) -> str:
        named = [name for name in options if name.endswith(f" {self._shown}")]
        return (named or list(options))[0]

    def _units(self, layer: RecurrentLayer) -> int:
        found = next(iter(layer.gates(0).values()))
        return len(next(iter(found.values())).recurrent_kernel)


def _known(layer: RecurrentLayer, name: str) -> Eigenvalues | Nothing:
    """Follow the eigenvalues of a direction's gate, if they are numbers at any step."""
    made = eigenvalues_of(layer, *name.split(" "))
    if np.isfinite(made.found.radius).any():
        return made
    return Nothing(f"The recurrent weights of {layer.name} are not finite at any recorded step.")


def _picture(scene: Scene, made: Eigenvalues, title: str) -> pn.Column:
    found = made.found
    values = np.where(np.isnan(found.eigenvalues), complex(np.nan, np.nan), found.eigenvalues)
    cloud = PointCloud(
        positions=np.stack([values.real, values.imag], axis=-1),
        labels=[f"eigenvalue {number}" for number in range(values.shape[1])],
        x_name="real part",
        y_name="imaginary part",
        circle=1.0,
        equal=True,
        trails=made.sampling.is_whole,
        label=f"Eigenvalues of the {title} of {scene.selected.layer}",
        channel=scene.channel,
        height=HEIGHT,
        sizing_mode="stretch_width",
        margin=0,
    )
    growth = growth_curves(
        {"radius": found.radius, "norm": found.norm},
        scene.positions,
        y_label="growth by the matrix",
        height=GROWTH_HEIGHT,
        **scene.time_options(),
    ).opts(xlabel="", backend="bokeh")
    departure = metric_curves(
        {"departure": (scene.positions, found.departure)},
        y_label="departure",
        cursor=scene.positions,
        y_range=(0.0, 1.0),
        height=DEPARTURE_HEIGHT,
        **scene.time_options(),
    )
    return below(cloud, plot_pane(growth), plot_pane(departure), gap=4)

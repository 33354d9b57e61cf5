"""All layers over training: which learn when, which fall silent, which tell classes apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from explorer.data.absence import Absence, Lack, Nothing, Unfit
from explorer.data.summaries import by_layer, has_function, positions_seen, quantity, separation_of
from explorer.derived.time.plain import only_value
from explorer.derived.time.timeline import edges
from explorer.plots.layers import layer_heatmap, layers_height
from explorer.views.base import Scene, View, named, plot_pane, weights_not_recorded
from explorer.views.registry import register
from explorer.views.requirements import needs_classes, needs_steps, not_recorded
from store import Layer

Float32 = npt.NDArray[np.float32]

# Share of dead units at which colours end, unless there are more.
SOME_DEAD = 0.1


class Table(NamedTuple):
    """A number for each layer and step.

    Attributes
    ----------
    values : ndarray (step, layer), float32
        Layers that have such a number, in network order.
    names : tuple of str
        Their names.
    """

    values: Float32
    names: tuple[str, ...]


class _LayersOverTime(View):
    region = "training"
    depends = ("axis",)
    width = 6
    value_label: str
    limits: tuple[float, float] | None = None
    signed = False
    # Layers that never rise above it have no row.
    least = -np.inf
    # Said if there is no number at all.
    unknown = "No value is a number at any recorded step."

    def has_row(self, layer: Layer) -> bool:
        """Whether a layer can have a row."""
        return layer.has_activation

    def measure(self, scene: Scene) -> Float32:
        """Give the numbers: (step, layer)."""
        raise NotImplementedError

    def explanation(self) -> str:
        """Say what a colour means."""
        raise NotImplementedError

    def requirement(self, scene: Scene) -> Absence | None:
        missing = needs_steps(scene, least=2)
        if missing is None and not any(map(self.has_row, scene.data.run.layers.values())):
            return self.absence(scene)
        return missing

    def chosen_limits(self, values: Float32) -> tuple[float, float] | None:
        """Choose the values of the lowest and the highest colour; None: those of the table."""
        return None

    def absence(self, scene: Scene) -> Absence:
        """Say that no layer has a row, and why."""
        silent = [name for name, layer in scene.data.run.layers.items() if layer.kind != "input"]
        return Lack(not_recorded(scene.data, silent))

    def nothing(self, value: float, which: str) -> str:
        """Say that all values of some layers are one, which is a field of one colour."""
        raise NotImplementedError

    def caption(self, scene: Scene) -> str:
        return f"{self.explanation()} The network runs from top to bottom."

    def compute(self, scene: Scene) -> Table | Nothing:
        layers, values = list(scene.data.run.layers.values()), self.measure(scene)
        kept = [at for at, layer in enumerate(layers) if self.has_row(layer)]
        told = [at for at in kept if (values[:, at] > self.least).any()]
        value = only_value(values[:, told or kept])
        if value is not None:
            which = "each layer" if told == kept else named([layers[at].name for at in told])
            return Nothing(self.unknown if np.isnan(value) else self.nothing(value, which))
        if not told:
            return Nothing(self.nothing(self.least, ""))
        return Table(values[:, told], tuple(layers[at].name for at in told))

    def draw(self, scene: Scene, computed: Table) -> Any:
        return plot_pane(
            layer_heatmap(
                computed.values,
                computed.names,
                x_edges=edges(scene.positions),
                value_label=self.value_label,
                positions=scene.positions,
                limits=self.limits or self.chosen_limits(computed.values),
                signed=self.signed,
                # The same for all of these cards, so that they stand in rows.
                height=layers_height(sum(map(_has_row, scene.data.run.layers.values()))),
                **scene.time_options(),
            )
        )


def _has_row(layer: Layer) -> bool:
    return layer.has_activation or bool(layer.weights)


def _sampled(scene: Scene) -> str:
    """Say which part of the positions is looked at, if not all are."""
    layers = scene.data.run.layers.values()
    seen = [positions_seen(scene.data, one.name) for one in layers if one.has_activation]
    if all(some == count for some, count in seen):
        return ""
    return " Of large layers, evenly spread positions are looked at."


@register
class UpdateRatios(_LayersOverTime):
    """Update ratio of every layer's main weight."""

    title = "How fast each layer learns"
    order = 40
    value_label = "log₁₀ (update / weights)"
    unknown = "Between no two recorded steps do weights move by a finite step."

    def has_row(self, layer: Layer) -> bool:
        return bool(layer.weights)

    def absence(self, scene: Scene) -> Absence:
        if not any(layer.parameters for layer in scene.data.run.layers.values()):
            return Unfit("No layer has weights.")
        return Lack(weights_not_recorded(scene.data, []))

    def nothing(self, value: float, which: str) -> str:
        return f"Every update moves the main weight of {which} by 10^{value:.3g} of its norm."

    def explanation(self) -> str:
        return (
            "How far an optimizer update moves each layer's main weight, relative to its norm, "
            "in powers of ten: -3 is the customary rule of thumb."
        )

    def measure(self, scene: Scene) -> Float32:
        with np.errstate(divide="ignore", invalid="ignore"):
            powers = np.log10(quantity(scene.data, "update ratio"))
        return np.where(np.isfinite(powers), powers, np.float32(np.nan))


@register
class DeadUnits(_LayersOverTime):
    """Share of dead units of every layer with an activation function."""

    title = "Dead units of each layer"
    order = 41
    value_label = "share of units"

    def has_row(self, layer: Layer) -> bool:
        return layer.has_activation and has_function(layer)

    def absence(self, scene: Scene) -> Absence:
        named = [name for name, layer in scene.data.run.layers.items() if has_function(layer)]
        if not named:
            return Unfit("No layer ends with an activation function, so no unit can fall silent.")
        return Lack(not_recorded(scene.data, named))

    def nothing(self, value: float, which: str) -> str:
        if value == 0:
            return "No dead unit at any recorded step."
        return f"{100 * value:.3g} % of the units of {which} are dead at every recorded step."

    def caption(self, scene: Scene) -> str:
        return f"{super().caption(scene)}{_sampled(scene)}"

    def explanation(self) -> str:
        return (
            "Share of units that are active for no probe at no position; only layers with an "
            "activation function, under which a silent unit no longer learns."
        )

    def chosen_limits(self, values: Float32) -> tuple[float, float]:
        known = values[np.isfinite(values)]
        # Dead units are few where all is well; a tenth of them deserves a colour of its own.
        return 0.0, max(SOME_DEAD, float(known.max(initial=0)))

    def measure(self, scene: Scene) -> Float32:
        return quantity(scene.data, "dead units")


@register
class Sparsity(_LayersOverTime):
    """Share of inactive values of every layer."""

    title = "How sparse each layer is"
    order = 42
    value_label = "share inactive"
    limits = (0.0, 1.0)
    least = 0.01

    def has_row(self, layer: Layer) -> bool:
        return layer.has_activation and layer.kind != "softmax"

    def caption(self, scene: Scene) -> str:
        return f"{super().caption(scene)}{_sampled(scene)}"

    def explanation(self) -> str:
        return (
            "Share of activations, over all probes and positions, that are inactive: zero, or "
            "saturated for tanh and sigmoid. Layers that never reach 1 % are left out."
        )

    def nothing(self, value: float, which: str) -> str:
        if value <= self.least:
            return f"No layer ever has more than {100 * self.least:.0f} % of its values inactive."
        return f"{100 * value:.3g} % of the values of {which} are inactive at every recorded step."

    def measure(self, scene: Scene) -> Float32:
        return quantity(scene.data, "sparsity")


@register
class Separation(_LayersOverTime):
    """Mean silhouette of the probes' classes in every layer."""

    title = "Where the classes come apart"
    order = 43
    value_label = "silhouette"
    limits = (-1.0, 1.0)
    signed = True

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_steps(scene) or needs_classes(scene.data) or super().requirement(scene)

    def nothing(self, value: float, which: str) -> str:
        apart = ": the classes are not apart" if value == 0 else ""
        return f"The silhouette is {value:.3g} in {which} at every recorded step{apart}."

    def caption(self, scene: Scene) -> str:
        return f"{super().caption(scene)}{_sampled(scene)}"

    def explanation(self) -> str:
        return (
            "Silhouette of the probes, averaged: 1 if each lies close to its own class and far "
            "from others in the layer's activations, 0 if the classes mix."
        )

    def measure(self, scene: Scene) -> Float32:
        def column(data: Any, layer: str) -> Any:
            recorded = data.run.layers[layer].has_activation
            return separation_of(data, layer) if recorded else None

        return by_layer(scene.data, column)

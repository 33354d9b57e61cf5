"""How weights and activations of a layer, or of one of its units, spread at every step."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing
from explorer.data.layers import by_unit, main_weight
from explorer.data.run import RunData
from explorer.data.summaries import said_of_positions, text_frames
from explorer.derived.time.distributions import Distribution, distribution_over_steps
from explorer.derived.time.frames import Limits
from explorer.derived.time.timeline import edges
from explorer.plots.matrices import time_heatmap
from explorer.selection import unit_counts
from explorer.views.alternatives import Alternatives, Chosen
from explorer.views.base import Scene, View, has_lost_weights, plot_pane
from explorer.views.registry import register
from explorer.views.requirements import needs_activation, needs_steps, needs_weights
from explorer.widgets.page.text import text_pane
from store import Layer
from store.format.names import activation_path, weight_path

HEIGHT = 300
LAYER, UNIT = "layer", "unit"
# A histogram of fewer weights shows little but gaps.
FEWEST_WEIGHTS = 2


@dataclass(frozen=True)
class Ends:
    """Where a picture of a distribution ends; None: where its values end.

    Attributes
    ----------
    values : Limits or None
        Of the axis of values.
    shares : Limits or None
        Of the colours: decadic logarithm of a share in %.
    """

    values: Limits | None = None
    shares: Limits | None = None


class Spread(View):
    """Histogram of what a layer, or its selected unit, holds, as a heat map over steps.

    Attributes
    ----------
    one, many : str
        What is counted, in singular and plural.
    """

    region = "layer"
    depends = ("layer", "axis")
    follows = ("unit",)
    width = 6
    one: ClassVar[str]
    many: ClassVar[str]

    def __init__(self) -> None:
        self._of = LAYER

    @abc.abstractmethod
    def distribution(self, scene: Scene, of: str) -> Distribution:
        """Count the values of the whole layer or of the selected unit."""

    def tells_units_apart(self, scene: Scene) -> bool:
        """Whether a unit can be looked at alone."""
        return True

    def ends(self, scene: Scene) -> Ends:
        """Measure the ends of a picture of the whole layer; by default as far as its values go."""
        return Ends()

    def compute(self, scene: Scene) -> Chosen | Nothing:
        of = self._of if self.tells_units_apart(scene) else LAYER
        # If the layer has nothing to show, its units have not.
        return Chosen.of(of, self._measured(scene, of), alone=of == LAYER)

    def draw(self, scene: Scene, computed: Chosen) -> Any:
        of, found = computed
        options = {LAYER: "whole layer"}
        if self.tells_units_apart(scene):
            options[UNIT] = f"unit {scene.selected.unit}"
        return Alternatives(
            scene.data,
            options,
            of,
            found,
            compute=lambda of: self._measured(scene, of),
            draw=lambda _, made: self._picture(scene, *made),
            chosen=lambda of: setattr(self, "_of", of),
            channel=scene.channel,
        )

    def follow(self, scene: Scene, body: Any) -> None:
        body.renew(
            UNIT,
            f"unit {scene.selected.unit}",
            compute=lambda of: self._measured(scene, of),
            draw=lambda _, made: self._picture(scene, *made),
        )

    def _measured(self, scene: Scene, of: str) -> tuple[Distribution, Ends] | Nothing:
        found = self.distribution(scene, of)
        if not found.share.any():
            return Nothing(f"None of the {self.many} is a finite number at any recorded step.")
        return found, self.ends(scene) if of == LAYER else Ends()

    def _picture(self, scene: Scene, made: Distribution, ends: Ends) -> Any:
        return distribution_picture(scene, made, self.one, self.many, ends)


@register
class WeightDistribution(Spread):
    """Histogram of the layer's main weight as a heat map over steps."""

    title = "Weight distribution"
    order = 30
    one, many = "weight", "weights"

    def serves(self, layer: Layer) -> bool:
        return main_weight(layer) is not None or has_lost_weights(layer)

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_weights(scene) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        weight = main_weight(scene.layer)
        assert weight is not None
        shape = " × ".join(str(size) for size in scene.layer.weights[weight])
        return (
            f"{weight} ({shape}): each column is the histogram of one recorded step. "
            "Brighter: more weights there (logarithmic). Healthy: it widens slowly and stays in "
            "one piece, without values that run far away from the others."
        )

    def tells_units_apart(self, scene: Scene) -> bool:
        return _has_units(scene)

    def distribution(self, scene: Scene, of: str) -> Distribution:
        data, layer, weight = scene.data, scene.selected.layer, main_weight(scene.layer)
        assert weight is not None
        if of == UNIT:
            unit = scene.selected.unit
            return distribution_over_steps(lambda: _weights_of_unit(data, layer, weight, unit))
        return _weights_of_layer(data, layer)

    def ends(self, scene: Scene) -> Ends:
        layer = scene.selected.layer
        return Ends(
            scene.data.common_limits("weights that occur", layer, _weights_that_occur),
            scene.data.common_limits("shares of weights", layer, _shares),
        )


def _weights_of_layer(data: RunData, layer: str) -> Distribution:
    weight = main_weight(data.run.layers[layer])
    assert weight is not None
    kept = data.derived(
        f"distribution of {weight_path(layer, weight)}",
        lambda: asdict(distribution_over_steps(lambda: data.weight_frames(layer, weight))),
    )
    return Distribution(**kept)


def _weights_that_occur(data: RunData, layer: str, _: int | None) -> Limits | None:
    if main_weight(data.run.layers[layer]) is None or not len(data.run):
        return None
    edges = _weights_of_layer(data, layer).edges
    return Limits(float(edges[0]), float(edges[-1]), signed=False)


def _shares(data: RunData, layer: str, _: int | None) -> Limits | None:
    if main_weight(data.run.layers[layer]) is None or not len(data.run):
        return None
    share = _weights_of_layer(data, layer).share
    known = np.log10(100 * share[share > 0])
    return Limits(float(known.min()), float(known.max()), signed=False) if known.size else None


def _has_units(scene: Scene) -> bool:
    """Whether each unit that can be selected has several weights of its own."""
    weight = main_weight(scene.layer)
    if weight is None or not len(scene.data.run):
        return False
    own = by_unit(scene.layer, scene.data.weight(scene.selected.layer, weight, 0))
    return (
        own is not None
        and own.shape[-1] == unit_counts(scene.data.run)[scene.selected.layer]
        and own.size >= FEWEST_WEIGHTS * own.shape[-1]
    )


def _weights_of_unit(
    data: RunData, layer: str, weight: str, unit: int
) -> Iterator[npt.NDArray[np.float32]]:
    for frame in data.weight_frames(layer, weight):
        own = by_unit(data.run.layers[layer], frame)
        assert own is not None
        yield own[..., unit]


def distribution_picture(
    scene: Scene, computed: Distribution, one: str, many: str, ends: Ends
) -> Any:
    """Draw histograms over steps, and say what they leave out.

    Parameters
    ----------
    scene : Scene
        Time axis and cursor.
    computed : Distribution
        The histograms.
    one, many : str
        What is counted, in singular and plural.
    ends : Ends
        Of the picture.
    """
    with np.errstate(divide="ignore"):
        shown = np.log10(100 * computed.share)
    shown[np.isneginf(shown)] = np.nan
    heatmap = time_heatmap(
        shown,
        x_edges=edges(scene.positions),
        y_edges=computed.edges,
        y_label=one,
        value_label=f"log₁₀ of % of {many}",
        positions=scene.positions,
        limits=(ends.shares.low, ends.shares.high) if ends.shares else None,
        height=HEIGHT,
        **scene.time_options(),
    )
    if ends.values:
        heatmap.opts(ylim=(ends.values.low, ends.values.high))
    picture = plot_pane(heatmap)
    spoiled = np.flatnonzero(computed.not_finite)
    if not len(spoiled):
        return picture
    first = int(scene.data.timeline.steps[spoiled[0]])
    sentence = (
        f"NaN or infinite {many} are left out: there are some at {len(spoiled)} of the "
        f"recorded steps, first at step {first:,}."
    )
    note = text_pane(sentence, "sentence", role="alert")
    return pn.Column(picture, note, sizing_mode="stretch_width", margin=0)


@register
class ActivationDistribution(Spread):
    """Histogram of activations over all probes and positions as a heat map over steps."""

    title = "Activation distribution"
    order = 35
    one, many = "activation", "activations"

    def serves(self, layer: Layer) -> bool:
        return layer.kind != "input"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_activation(scene) or needs_steps(scene, least=2)

    def caption(self, scene: Scene) -> str:
        probes = scene.data.run.probe.size if scene.data.run.probe else 0
        where = said_of_positions(scene.data, scene.selected.layer, padding=False)
        return (
            "Each column is the histogram of one recorded step, over all "
            f"{' and '.join(filter(None, (f'{probes} probes', where)))}. "
            "Brighter: more activations there (logarithmic). Healthy: spread out, neither all at 0 "
            "nor all where the activation function is flat, and of one size after the start."
        )

    def distribution(self, scene: Scene, of: str) -> Distribution:
        data, layer, unit = scene.data, scene.selected.layer, scene.selected.unit
        if of == UNIT:
            return distribution_over_steps(lambda: _activations_of_unit(data, layer, unit))
        kept = data.derived(
            f"distribution of {activation_path(layer)}",
            lambda: asdict(distribution_over_steps(lambda: text_frames(data, layer))),
        )
        return Distribution(**kept)


def _activations_of_unit(data: RunData, layer: str, unit: int) -> Iterator[npt.NDArray[np.float32]]:
    return (frame[..., unit] for frame in text_frames(data, layer))

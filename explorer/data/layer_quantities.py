"""Quantities of all layers over all steps: each is one function, with what is said of it.

The graph of the layers is coloured by them, and each with a title has a card under "How it
trained". Both take what `LAYER_QUANTITIES` holds. Compute them in the worker thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from explorer.data.absence import MORE_EXAMPLES, RECORD_UPDATES, Absence, Lack, Nothing
from explorer.data.larger_set import said_of_larger_set
from explorer.data.layers import can_die, function_of, is_output
from explorer.data.readouts import few_examples, readouts_of, turns_of_readouts
from explorer.data.run import RunData
from explorer.data.separations import separation_of, turns_of_separation
from explorer.data.summaries import (
    activation_spectra,
    weight_directions,
    weight_norms,
    weight_spectra,
)
from explorer.data.unit_states import unit_states_of, unseen_inputs
from explorer.data.updates import (
    how_measured,
    kind_of_way,
    unrelated_cosine,
    update_cosine,
    update_sizes,
)
from explorer.derived.time.headway import counted
from explorer.derived.units.activity import DEAD
from explorer.derived.units.linear_probe import SHUFFLES
from store import Layer

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]
# Takes a run and the name of a layer; gives (step,), or None where nothing is known.
OfLayer = Callable[[RunData, str], Array | None]


@dataclass(kw_only=True)
class LayerQuantity:
    """Decorator of a function that gives a number for one layer at each recorded step.

    Parameters
    ----------
    name : str
        In the menu above the graph of the layers.
    reads : {"weights", "activation"}
        What of a layer must be recorded.
    unit : str
        What a value of 1 is.
    applies : callable, optional
        Takes a `Layer`: whether it can have the quantity at all. By default all layers can that
        have weights, or an activation, as `reads` says.
    unfit : str, optional
        Sentence that says that no layer of a network can have it.
    needs_classes : bool
        Whether it is about the classes of the probes, or of a larger set.
    lacks : callable, optional
        Takes the run, which has classes where they are needed; gives why it cannot be measured
        there, or none.
    logarithmic : bool
        Whether it spans orders of magnitude: colours follow its logarithm.
    signed : bool
        Whether zero is its middle: colours diverge from there.
    limits : tuple of (float, float), optional
        Values at which colours end, unless there are values beyond; by default those that occur.
    least : float
        A layer that never rises above it has no row on the card.
    title : str, optional
        Heading of its card. Without one it has none.
    meaning : str
        What is measured: a sentence without its full stop.
    healthy : str
        What is usual where a training goes well: a sentence after "Healthy:", without full stop.
    qualifier : callable, optional
        Takes the run: gives what stands behind the name in the menu, or none.
    note : callable, optional
        Takes the run: gives a sentence on what the numbers mean in it, or none.
    counts_padding : bool
        Whether positions of a text's padding count, of what reads activations.
    measured_on : callable, optional
        Takes the run: gives a sentence on what the numbers are of, or none if it is the probe.
    turns : callable, optional
        Takes the run: gives pieces of work that take seconds together, whose outcomes are kept for
        the function; others get their turn between two of them.
    unknown : str
        Sentence for a run in which no value is a finite number.
    constant : callable, optional
        Takes the only value (of a logarithmic quantity its power of ten) and the layers, as words;
        gives the sentence that stands in place of a picture of one colour.

    Examples
    --------
    >>> @LayerQuantity("parameters", reads="weights", unit="values")
    ... def parameters(data, layer):
    ...     return np.full(len(data.run), data.run.layers[layer].parameters)
    >>> LAYER_QUANTITIES.pop("parameters").label
    'values'
    """

    name: str = field(kw_only=False)
    reads: Literal["weights", "activation"]
    unit: str
    applies: Callable[[Layer], bool] = lambda _: True
    unfit: str = ""
    needs_classes: bool = False
    lacks: Callable[[RunData], Absence | None] = lambda _: None
    logarithmic: bool = False
    signed: bool = False
    limits: tuple[float, float] | None = None
    least: float = -np.inf
    title: str | None = None
    meaning: str = ""
    healthy: str = ""
    qualifier: Callable[[RunData], str] = lambda _: ""
    note: Callable[[RunData], str] = lambda _: ""
    counts_padding: bool = True
    measured_on: Callable[[RunData], str] = lambda _: ""
    turns: Callable[[RunData], Sequence[Callable[[], object]]] = lambda _: ()
    unknown: str = "No value is a number at any recorded step."
    constant: Callable[[float, str], str] | None = None
    of_layer: OfLayer = field(init=False)

    def __call__(self, function: OfLayer) -> OfLayer:
        """Register the function that gives the numbers of one layer."""
        self.of_layer = function
        LAYER_QUANTITIES[self.name] = self
        return function

    @property
    def label(self) -> str:
        """What stands beside the colours."""
        return f"log₁₀ ({self.unit})" if self.logarithmic else self.unit

    def name_in(self, data: RunData) -> str:
        """Give the name as the menu has it for a run."""
        return " ".join(filter(None, (self.name, self.qualifier(data))))

    def concerns(self, layer: Layer) -> bool:
        """Whether a layer can have the quantity, recorded or not."""
        if self.reads == "weights":
            return bool(layer.parameters or layer.weights) and self.applies(layer)
        return layer.kind != "input" and self.applies(layer)

    def is_recorded(self, layer: Layer) -> bool:
        """Whether a layer can have the quantity, and what it is computed from was recorded."""
        known = bool(layer.weights) if self.reads == "weights" else layer.has_activation
        return known and self.concerns(layer)

    def of_layers(self, data: RunData) -> Float32:
        """Compute the quantity of each layer at each recorded step.

        Returns
        -------
        ndarray (step, layer), float32
            Layers in network order; NaN where a layer has no such number.
        """
        table = np.full((len(data.run), len(data.run.layers)), np.nan, np.float32)
        layers = data.run.layers.values() if len(data.run) else ()
        for at, layer in counted(list(enumerate(layers))):
            found = self.of_layer(data, layer.name) if self.is_recorded(layer) else None
            if found is not None:
                with np.errstate(over="ignore"):  # beyond float32 it is infinite
                    table[:, at] = found
        return table

    def said_of(self, value: float, layers: str) -> str:
        """Say that all values of some layers are one."""
        if self.constant is not None:
            return self.constant(value, layers)
        power = "10^" if self.logarithmic else ""
        return f"The {self.name} of {layers} is {power}{value:.3g} at every recorded step."


# In the order of the menu and of the cards.
LAYER_QUANTITIES: dict[str, LayerQuantity] = {}


@LayerQuantity("weight norm", reads="weights", unit="L2 norm", logarithmic=True)
def weight_norm(data: RunData, layer: str) -> Array | None:
    """L2 norm of the layer's main weight: (step,)."""
    norms = weight_norms(data, layer)
    return None if norms is None else norms.norm


@LayerQuantity(
    "weight change",
    reads="weights",
    unit="L2 norm an update",
    logarithmic=True,
    qualifier=kind_of_way,
)
def weight_change(data: RunData, layer: str) -> Array | None:
    """L2 norm of an update of the main weight: (step,); see `explorer.data.updates`."""
    updates = update_sizes(data, layer)
    return None if updates is None else updates.norm


@LayerQuantity(
    "update ratio",
    reads="weights",
    unit="update / weights",
    unfit="No layer has weights.",
    logarithmic=True,
    title="How fast each layer learns",
    meaning=(
        "How far an optimizer update moves each layer's main weight, relative to its norm, in "
        "powers of ten"
    ),
    healthy="-3 is the customary rule of thumb",
    qualifier=kind_of_way,
    note=how_measured,
    unknown="Between no two recorded steps do weights move by a finite step.",
    constant=lambda power, layers: (
        f"Every update moves the main weight of {layers} by 10^{power:.3g} of its norm."
    ),
)
def update_ratio(data: RunData, layer: str) -> Array | None:
    """Size of an update, relative to the norm before: (step,)."""
    updates = update_sizes(data, layer)
    return None if updates is None else updates.ratio


def _no_updates(data: RunData) -> Lack | None:
    if data.run.updates is not None:
        return None
    return Lack(f"This run holds no single updates. {RECORD_UPDATES}")


@LayerQuantity(
    "update direction",
    reads="weights",
    lacks=_no_updates,
    unit="cosine",
    unfit="No layer has weights.",
    signed=True,
    limits=(-1.0, 1.0),
    title="Whether updates agree",
    meaning=(
        "Cosine of each update of a layer's main weight and the update right before it: 1 where "
        "the training goes straight on, 0 where the two have nothing in common, below 0 where it "
        "turns back; one pair of updates at each recorded step, so single values scatter"
    ),
    healthy=(
        "high while much is learned, lower later; where it stays far below 0 updates undo each "
        "other, as with too high a learning rate"
    ),
    note=lambda data: (
        ""
        if (share := unrelated_cosine(data)) is None
        else f"With this optimizer, gradients that have nothing in common give about {share:g}."
    ),
    unknown="Of no recorded step are two updates in a row known that moved a weight.",
)
def update_direction(data: RunData, layer: str) -> Array | None:
    """Cosine of each update and the one before: (step,)."""
    return update_cosine(data, layer)


@LayerQuantity(
    "dead units",
    reads="activation",
    unit="share of units",
    applies=can_die,
    unfit="No unit can die: no activation function of the network has a slope of exactly 0.",
    # Dead units are few where all is well; a tenth of them deserves a colour of its own.
    limits=(0.0, 0.1),
    title="Dead units of each layer",
    meaning=(
        "Share of units for which the slope of the activation function is exactly 0 at every "
        "position of every probe, so that none of them sends a gradient to the unit's weights. "
        "Rows are layers whose function can have that slope (ReLU and its like), but for the "
        "network's output"
    ),
    healthy="few, and not ever more",
    note=lambda data: unseen_inputs(data, [one.name for one in _dying(data)]),
    unknown="Only the network's output may have a slope of 0, and there that is no harm.",
    constant=lambda share, layers: (
        f"{100 * share:.3g} % of the units of {layers} are dead at every recorded step."
        if share
        else "No dead unit at any recorded step."
    ),
)
def dead_units(data: RunData, layer: str) -> Array | None:
    """Share of the units with a slope of 0 for every probe, at every position: (step,)."""
    found = None if is_output(data.run, layer) else unit_states_of(data, layer)
    if found is None:
        return None
    return _mean_known(np.where(np.isnan(found.active_share), np.nan, found.state == DEAD))


def _dying(data: RunData) -> list[Layer]:
    """Layers whose units can die, but for the output."""
    layers = data.run.layers.values()
    return [
        layer
        for layer in layers
        if layer.has_activation and can_die(layer) and not is_output(data.run, layer.name)
    ]


# Layers with a smaller share of inactive values are dense.
SPARSE = 0.01


@LayerQuantity(
    "sparsity",
    reads="activation",
    unit="share inactive",
    applies=lambda layer: not _is_shared_out(layer),
    unfit="The activation of no layer can be inactive.",
    limits=(0.0, 1.0),
    least=SPARSE,
    title="How sparse each layer is",
    meaning=(
        "Share of activations, over all probes and positions, that are inactive: zero, or, under "
        "an activation function, where its slope is under 4 % of its steepest. Layers that never "
        "reach 1 % are left out"
    ),
    healthy=(
        "about half after ReLU at the start, often more later; near 1 hardly anything is passed on"
    ),
    constant=lambda share, layers: (
        f"{100 * share:.3g} % of the values of {layers} are inactive at every recorded step."
        if share > SPARSE
        else f"No layer ever has more than {100 * SPARSE:.0f} % of its values inactive."
    ),
)
def sparsity(data: RunData, layer: str) -> Array | None:
    """Share of the activations that are inactive: (step,). Zero, or saturated."""
    found = unit_states_of(data, layer)
    return None if found is None else 1 - _mean_known(found.active_share)


def _is_shared_out(layer: Layer) -> bool:
    """Whether a layer's values are shares of a whole, as of a softmax: none is inactive."""
    function = function_of(layer)
    return layer.kind == "softmax" or (function is not None and "shares" in function.gives)


@LayerQuantity(
    "class separation",
    reads="activation",
    needs_classes=True,
    unit="silhouette",
    signed=True,
    limits=(-1.0, 1.0),
    title="Where the classes come apart",
    meaning=(
        "Silhouette of the examples, averaged: 1 if each lies close to its own class and far from "
        "others in the layer's activations, 0 if the classes mix, and about that for classes that "
        "are given at random"
    ),
    healthy="near 0 in the first layers, and growing with the training towards the last ones",
    measured_on=said_of_larger_set,
    turns=turns_of_separation,
    constant=lambda silhouette, layers: (
        f"The silhouette is {silhouette:.3g} in {layers} at every recorded step"
        + (": the classes are not apart." if silhouette == 0 else ".")
    ),
)
def class_separation(data: RunData, layer: str) -> Array | None:
    """Mean silhouette of the examples: (step,); see `explorer.derived.units.separation`."""
    return separation_of(data, layer)


def _few_examples(data: RunData) -> Nothing | None:
    few = few_examples(data)
    return None if few is None else Nothing(f"{few} {MORE_EXAMPLES}")


@LayerQuantity(
    "linear probe",
    reads="activation",
    needs_classes=True,
    lacks=_few_examples,
    unit="accuracy above chance",
    signed=True,
    limits=(-0.5, 0.5),
    title="What a linear readout finds in each layer",
    meaning=(
        "Share of the examples whose class a linear readout of the layer names, which was trained "
        "on four fifths of them and is tested on the others, each fifth in turn, less what 95 of "
        f"100 readouts of shuffled labels stay below ({SHUFFLES} at each step): 0 and less is no "
        "more than chance"
    ),
    healthy="in a trained classifier it grows from layer to layer",
    measured_on=said_of_larger_set,
    turns=turns_of_readouts,
    constant=lambda excess, layers: (
        f"A linear readout of {layers} is {excess:.3g} above chance at every recorded step."
    ),
)
def linear_probe_accuracy(data: RunData, layer: str) -> Array | None:
    """Accuracy of a linear readout above the 95th percentile of shuffled labels: (step,)."""
    found = readouts_of(data, layer)
    return None if found is None else found.accuracy - found.chance_bound


def _may_be_matrix(layer: Layer) -> bool:
    return not layer.weights or any(len(shape) > 1 for shape in layer.weights.values())


NO_MATRIX = "No layer has a matrix of weights."
AS_MATRIX = (
    "each layer's main weight, read as the matrix that its input (of a convolution, one patch of "
    "it) is multiplied with"
)


@LayerQuantity(
    "spectral norm",
    reads="weights",
    applies=_may_be_matrix,
    unit="factor",
    unfit=NO_MATRIX,
    logarithmic=True,
    title="How much each layer stretches at most",
    meaning=(
        f"Spectral norm, the largest factor by which a vector grows, of {AS_MATRIX}, in powers of "
        "ten"
    ),
    healthy="it levels off; growth without end says that weights are held by nothing",
    constant=lambda power, layers: (
        f"The spectral norm of {layers} is 10^{power:.3g} at every recorded step."
    ),
)
def spectral_norm(data: RunData, layer: str) -> Array | None:
    """Largest singular value of the layer's main weight: (step,)."""
    found = weight_spectra(data, layer)
    return None if found is None else found.largest


@LayerQuantity(
    "effective rank of weights",
    reads="weights",
    applies=_may_be_matrix,
    unit="share of the full rank",
    unfit=NO_MATRIX,
    limits=(0.0, 1.0),
    title="How many directions the weights of each layer use",
    meaning=(
        "Effective rank (Roy and Vetterli 2007), the number of directions counted by how much each "
        f"is stretched, as a share of the most that there can be, of {AS_MATRIX}"
    ),
    healthy="near its start, or slowly lower; close to 0 a few directions do everything",
)
def effective_rank_of_weights(data: RunData, layer: str) -> Array | None:
    """Effective rank of the layer's main weight, as a share of the full rank: (step,)."""
    found = weight_spectra(data, layer)
    return None if found is None else found.effective


@LayerQuantity(
    "stable rank of weights",
    reads="weights",
    applies=_may_be_matrix,
    unit="share of the full rank",
    unfit=NO_MATRIX,
    limits=(0.0, 1.0),
    title="How much the strongest direction of each layer outweighs the others",
    meaning=(
        "Stable rank, all squared singular values over the largest one, as a share of the most "
        f"that there can be, of {AS_MATRIX}"
    ),
    healthy="it falls while features are learned; close to 0 one direction outweighs all others",
)
def stable_rank_of_weights(data: RunData, layer: str) -> Array | None:
    """Stable rank of the layer's main weight, as a share of the full rank: (step,)."""
    found = weight_spectra(data, layer)
    return None if found is None else found.stable


@LayerQuantity(
    "effective rank of activations",
    reads="activation",
    counts_padding=False,
    unit="share of the full rank",
    limits=(0.0, 1.0),
    title="How many directions the activations of each layer use",
    meaning=(
        "Effective rank (Roy and Vetterli 2007) of each layer's activations about their mean, as a "
        "share of the most that there can be: its units, or the probes and positions less one if "
        "those are fewer"
    ),
    healthy="well above 0 in hidden layers; close to 0 all units say the same",
)
def effective_rank_of_activations(data: RunData, layer: str) -> Array:
    """Effective rank of the layer's activations, as a share of the full rank: (step,)."""
    return activation_spectra(data, layer).effective


@LayerQuantity(
    "stable rank of activations",
    reads="activation",
    counts_padding=False,
    unit="share of the full rank",
    limits=(0.0, 1.0),
    title="How much the strongest direction of the activations outweighs the others",
    meaning=(
        "Stable rank of each layer's activations about their mean, all variance over that along "
        "the strongest direction, as a share of the most that there can be"
    ),
    healthy="well above 0 in hidden layers; close to 0 one direction holds nearly all variance",
)
def stable_rank_of_activations(data: RunData, layer: str) -> Array:
    """Stable rank of the layer's activations, as a share of the full rank: (step,)."""
    return activation_spectra(data, layer).stable


@LayerQuantity(
    "cosine to the start",
    reads="weights",
    unit="cosine",
    signed=True,
    limits=(-1.0, 1.0),
    title="Whether each layer turns or only grows",
    meaning=(
        "Cosine between each layer's main weight and itself at the first recorded step: 1 where it "
        "only grew or shrank, 0 where nothing of its start is left"
    ),
    healthy="wide layers stay near 1 and small ones turn far; a sudden fall is a jump",
    unknown="The main weights start at 0, so they have no direction to compare with.",
)
def cosine_to_start(data: RunData, layer: str) -> Array | None:
    """Cosine between the layer's main weight and its start: (step,)."""
    found = weight_directions(data, layer)
    return None if found is None else found.cosine


@LayerQuantity(
    "straightness",
    reads="weights",
    unit="distance / way",
    limits=(0.0, 1.0),
    title="How straight the way of each layer is",
    meaning=(
        "Distance of each layer's main weight from its start, over the length of its way through "
        "the recorded steps: 1 on a straight line. Between recorded steps the way is longer, so "
        "this is too high, the more the rarer they are"
    ),
    healthy="it falls as noise takes over; near 0 while the loss stands still, it only wanders",
    unknown="The main weights do not move by a finite step.",
)
def straightness(data: RunData, layer: str) -> Array | None:
    """Distance of the layer's main weight from its start, over the length of its way: (step,)."""
    found = weight_directions(data, layer)
    return None if found is None else found.straightness


def _mean_known(shares: Array) -> Array:
    """Mean over units of what is known, step by step; NaN where nothing is."""
    counts = np.count_nonzero(~np.isnan(shares), axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(shares, axis=1, dtype=np.float64) / counts)

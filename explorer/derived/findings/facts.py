"""Plain facts of a training: all that detectors are told.

A run knows some of them only; what it does not know is None, NaN or empty, and a detector that
would need it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """Values of a metric.

    Attributes
    ----------
    updates : ndarray (point,)
        Optimizer updates done, increasing.
    values : ndarray (point,), float64
        Of batches, where those are known; NaN and infinity are kept as they were logged.
    """

    updates: Array
    values: Float64

    def __len__(self) -> int:
        return len(self.values)

    @property
    def finite(self) -> Series:
        """The same without what is no number."""
        known = np.isfinite(self.values)
        return Series(self.updates[known], self.values[known])


NO_SERIES = Series(np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True)
class Start:
    """How the main weight of a layer began.

    Attributes
    ----------
    deviation : float
        Standard deviation of its values.
    usual : float
        That of Glorot's initialization for its shape: sqrt(2 / (inputs + outputs)) (Glorot and
        Bengio 2010).
    largest : float
        Greatest absolute value.
    distinct : float
        Share of the units whose incoming weights differ from those of all units before.
    unevenness : float
        How far norms of units differ, relative to their mean, times the square root of the values
        of a unit: below 1 where values are drawn alike, larger after a training.
    units, values : int
        How many units and values there are.
    """

    deviation: float
    usual: float
    largest: float
    distinct: float
    unevenness: float
    units: int
    values: int


@dataclass(frozen=True)
class Activity:
    """What a layer gives for the probes, at `Facts.looks`: (look,) each, NaN where unknown.

    Attributes
    ----------
    deviation : ndarray
        Standard deviation over all values.
    largest : ndarray
        Greatest absolute value.
    varies : ndarray
        How far probes differ: root mean square of the deviation from the mean over probes, as a
        share of the root mean square of the values. 0: the layer gives the same for every probe.
    dead : ndarray
        Share of the units for which the slope of the function is 0 for every probe.
    saturated : ndarray
        Share of the values where the slope is below 4 % of the steepest.
    alike : ndarray
        Share of the units that vary and give the same as another one for every probe.
    dead_units : ndarray of int
        Units that are dead at the last look.
    """

    deviation: Float64
    largest: Float64
    varies: Float64
    dead: Float64
    saturated: Float64
    alike: Float64
    dead_units: Array


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """A layer.

    Attributes
    ----------
    name, class_name, kind : str
        As the run has them.
    function : str or None
        Name of its activation function; "linear" of a layer without one; None: not known.
    config : mapping
        Its configuration in Keras.
    is_output : bool
        Whether it gives what the network says, at most reshaped.
    has_weights : bool
        Whether it has variables.
    units, parameters : int
        Of its output, and scalars in its variables.
    steps_seen : int
        Length of the sequence that a recurrent layer reads; 0: not known.
    is_frozen : bool
        Whether the run says that its variables are not trained.
    start : Start or None
        None where step 0 was not recorded.
    norm, moved : ndarray (look,)
        L2 norm of the main weight, and of its way from the start, as a share of the start's norm.
    ratio, cosine, gradient : ndarray (step,)
        Size of single updates relative to the weight, cosine with the one before, norm of the
        gradient; NaN where not known.
    penalty : ndarray (look,)
        What its regularizer adds to the loss.
    activity : Activity or None
        None where its activation was not recorded.
    """

    name: str
    class_name: str
    kind: str
    function: str | None
    config: Mapping[str, Any]
    is_output: bool = False
    has_weights: bool = False
    units: int = 0
    parameters: int = 0
    steps_seen: int = 0
    is_frozen: bool = False
    start: Start | None = None
    norm: Float64 = field(default_factory=lambda: np.zeros(0))
    moved: Float64 = field(default_factory=lambda: np.zeros(0))
    ratio: Float64 = field(default_factory=lambda: np.zeros(0))
    cosine: Float64 = field(default_factory=lambda: np.zeros(0))
    gradient: Float64 = field(default_factory=lambda: np.zeros(0))
    penalty: Float64 = field(default_factory=lambda: np.zeros(0))
    activity: Activity | None = None


@dataclass(frozen=True)
class Inputs:
    """What the network is given.

    Attributes
    ----------
    of : {"training", "probe"}
        Of which examples these numbers are.
    examples : int
        How many of them were looked at.
    low, high, mean, deviation : float
        Of all finite values.
    unknown : float
        Share of the values that are no finite numbers.
    widest, narrowest : float
        Largest and smallest standard deviation of a feature, of a table; else of all values.
    is_normalized : bool
        Whether the network itself begins with a layer that scales them, or that looks them up.
    """

    of: Literal["training", "probe"]
    examples: int
    low: float
    high: float
    mean: float
    deviation: float
    unknown: float
    widest: float
    narrowest: float
    is_normalized: bool


@dataclass(frozen=True)
class Answers:
    """What the network says of the probes.

    Attributes
    ----------
    raw : ndarray (look, probe, unit)
        Its output.
    shares : ndarray (look, probe, class) or None
        Read as probabilities of classes.
    labels : ndarray (probe,) of int, or None
        Their classes.
    targets : ndarray or None
        Their labels, whatever they are.
    """

    raw: Array
    shares: Array | None = None
    labels: Array | None = None
    targets: Array | None = None


Task = Literal["classes", "values"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A training.

    Attributes
    ----------
    steps : ndarray (step,)
        Recorded steps.
    looks : ndarray (look,)
        Positions in `steps` at which weights and activations were looked at; the first and the
        last are among them.
    epochs : float
        Epochs done.
    updates : int
        Optimizer updates done.
    loss, val_loss, quality, val_quality, learning_rate : Series
        Of batches where that is known; empty where not logged. The quality is an accuracy.
    quality_name : str
        Name of the quality.
    layers : dict of str to LayerFacts
        In network order.
    optimizer : mapping or None
        Configuration, with its ``class``.
    loss_name : str or None
        As it was recorded.
    loss_family : str or None
        "one class", "yes or no", "numbers" or "score".
    from_logits : bool
        Whether the loss makes probabilities itself.
    task : {"classes", "values"} or None
        What is asked of the network, as far as labels or the run say it.
    classes : int
        Classes that there are; 0: not known.
    batch_size, examples : int or None
        Examples of a batch, and to learn from.
    label_counts : ndarray (class,) or None
        Training examples of each class.
    target_deviation : float
        Standard deviation of the numbers to be met; NaN: not known.
    inputs : Inputs or None
        What the network is given.
    answers : Answers or None
        What it says of the probes.
    not_finite_since : int or None
        Step at which a loss or a weight was first no number.
    weight_jumps : tuple of int
        Steps from which on weights were set, not updated.
    has_parts : bool
        Whether several models are trained together: what is asked of them is not known.
    is_finished : bool
        Whether the training has ended.
    """

    steps: Array
    looks: Array
    epochs: float = 0.0
    updates: int = 0
    loss: Series = NO_SERIES
    val_loss: Series = NO_SERIES
    quality: Series = NO_SERIES
    val_quality: Series = NO_SERIES
    learning_rate: Series = NO_SERIES
    quality_name: str = ""
    layers: Mapping[str, LayerFacts] = field(default_factory=dict)
    optimizer: Mapping[str, Any] | None = None
    loss_name: str | None = None
    loss_family: str | None = None
    from_logits: bool = False
    task: Task | None = None
    classes: int = 0
    batch_size: int | None = None
    examples: int | None = None
    label_counts: Array | None = None
    target_deviation: float = np.nan
    inputs: Inputs | None = None
    answers: Answers | None = None
    not_finite_since: int | None = None
    weight_jumps: tuple[int, ...] = ()
    has_parts: bool = False
    is_finished: bool = True

    @property
    def output(self) -> LayerFacts | None:
        """The layer whose function ends the network, if there is one output."""
        ends = [layer for layer in self.layers.values() if layer.is_output]
        acting = [layer for layer in ends if layer.kind not in ("regularization", "reshape")]
        return acting[-1] if acting else None

    @property
    def hidden(self) -> list[LayerFacts]:
        """Layers between input and output."""
        return [
            each for each in self.layers.values() if not each.is_output and each.kind != "input"
        ]

    @property
    def trained(self) -> list[LayerFacts]:
        """Layers with weights."""
        return [each for each in self.layers.values() if each.has_weights]

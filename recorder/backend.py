"""What a recording asks of a framework, and which framework a model belongs to.

A recording knows its model by these protocols alone, and imports no framework. A backend needs
`Backend` and `Subject`. The other protocols are optional, and a backend that has nothing to say
there leaves them out. `CanNarrow` saves work. `MeasuresUpdates` gives a run its single updates,
`TellsTrained` what was frozen when, `TellsStructure` that a model was rebuilt. `HasParts` finds the
models that a training of several has.
"""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from recorder.evaluation import Evaluation
from recorder.probe import Probe
from recorder.weight_sample import WeightSample
from store.errors import ArgumentError, listed
from store.format.spec import RunSpec

# Arrays of one step by their path in the run, such as ``layers/conv1/weights/kernel``: whatever
# `numpy.asarray` takes.
Frames = Mapping[str, Any]

# The backend of each class of models, by package and name, and of the classes derived from it.
# Backends are named and not imported, so that a framework is loaded only for a model of it.
BACKENDS = {
    "keras.Model": "recorder.keras.backend:KerasBackend",
}
# Values of a variable that are compared at a time.
BLOCK_VALUES = 2**20
# What an error about a backend expects.
BACKEND = "an object that does what recorder.backend.Backend says"


class Subject(Protocol):
    """One model as its framework sees it."""

    @property
    def spec(self) -> RunSpec:
        """What the framework knows of the run.

        These are layers, outputs, predictions of the evaluations, and where they are known the
        configurations of model, optimizer and loss, the seed and the framework's version. The
        recording adds what the user said: name, probe, schedule and notes.
        """

    @property
    def held_bytes(self) -> int:
        """Memory that a step holds from `take_frames` until its result was called, in bytes."""

    def take_frames(self) -> Callable[[], Frames]:
        """Take the model as it is now.

        This is called between two updates, on the thread that trains: it copies the weights and
        does no more. The result is called later, on another thread, while the training goes on. It
        sends the probe and the evaluations through the network with those weights, in inference
        mode, and leaves the model and every source of random numbers as they are.

        Nothing here asks for a trace. A model that cannot be run with weights from before runs
        at once, and the result gives what was found.

        Returns
        -------
        callable
            Gives every array that `spec` describes, by its path and in its shape. A float of
            another width, or an integer, is converted when it is written.
        """

    def sample_weights(self) -> WeightSample:
        """Make what samples the trainable weights, for schedules that watch them."""


@runtime_checkable
class Backend(Protocol):
    """A framework, as far as a recording asks."""

    def look_at(self, model: Any, probe: Probe, evaluations: Sequence[Evaluation]) -> Subject:
        """Describe a model and prepare to record it.

        Parameters
        ----------
        model : Any
            The model, as its framework knows it.
        probe : Probe
            The inputs whose activations are recorded.
        evaluations : sequence of Evaluation
            The inputs whose predictions are recorded: none, held-out ones, training ones, or both.

        Raises
        ------
        TrainlapseError
            What the user passed does not fit the model. Anything else is a fault of the backend.
        """

    def updates_done(self, model: Any) -> int | None:
        """Give the optimizer updates that the model has been through; None: it does not count."""


@runtime_checkable
class CanNarrow(Protocol):
    """A `Subject` that does not compute what is not recorded.

    Of any other, the recording drops the arrays that the user does not want.
    """

    def narrowed(self, spec: RunSpec) -> Subject:
        """Give the subject whose frames are those of a narrower description.

        Parameters
        ----------
        spec : RunSpec
            The same layers; some have fewer arrays, narrower floats, or every k-th unit only.
            Units may be left to the recording, which takes them by NumPy, as a view.
        """


@dataclass(frozen=True, slots=True)
class UpdateNorm:
    """How far one update moved one variable.

    Attributes
    ----------
    update : float
        Euclidean norm of the variable after the update less the one before.
    gradient : float
        Euclidean norm of the gradient; NaN where it was not given.
    weight : float
        Euclidean norm of the variable before the update.
    cosine : float
        Cosine of the angle between this update and the one before; NaN where that was not seen, or
        where one of them moved nothing.
    """

    update: float
    gradient: float = math.nan
    weight: float = math.nan
    cosine: float = math.nan

    @classmethod
    def between(
        cls, before: Any, after: Any, *, earlier: Any = None, gradient: Any = None
    ) -> UpdateNorm:
        """Measure one update of one variable, in float64.

        Parameters
        ----------
        before, after : array_like
            The variable before and after the update.
        earlier : array_like, optional
            The variable before the update before.
        gradient : array_like, optional
            The gradient, or its norm.

        Examples
        --------
        >>> UpdateNorm.between([3.0, 4.0], [3.0, 4.5], earlier=[3.0, 5.0])
        UpdateNorm(update=0.5, gradient=nan, weight=5.0, cosine=-1.0)
        """
        moved = size = moved_last = along = 0.0
        firsts = itertools.repeat(None) if earlier is None else _blocks(earlier)
        # A training that breaks down has numbers that are not finite: so are its norms.
        with np.errstate(invalid="ignore", over="ignore"):
            for start, end, first in zip(_blocks(before), _blocks(after), firsts, strict=False):
                move = end - start
                moved += _dot(move, move)
                size += _dot(start, start)
                if first is not None:
                    last = start - first
                    moved_last += _dot(last, last)
                    along += _dot(move, last)
            lengths = np.sqrt(moved * moved_last)
            cosine = np.clip(along / lengths, -1.0, 1.0) if lengths > 0 else math.nan
            slope = (
                math.nan
                if gradient is None
                else np.sqrt(sum(_dot(part, part) for part in _blocks(gradient)))
            )
            norms = np.sqrt([moved, size])
        return cls(float(norms[0]), float(slope), float(norms[1]), float(cosine))


def _dot(one: Any, other: Any) -> Any:
    """Sum of products, by one thread: those of a BLAS spin while the training needs the cores."""
    return np.einsum("i,i->", one, other)


def _blocks(values: Any) -> Iterator[Any]:
    """Yield a variable as float64, in parts: as a whole it may be a large share of the memory."""
    flat = np.asarray(values).ravel()
    for start in range(0, flat.size, BLOCK_VALUES):
        yield flat[start : start + BLOCK_VALUES].astype(np.float64)


@runtime_checkable
class MeasuresUpdates(Protocol):
    """A `Subject` that measures single updates.

    They are not part of a frame, since they belong to the way between two moments: the weights
    are held before the update, and read again after it.
    """

    def hold_weights(self) -> Any:
        """Hold the weights as they are before an update; what is given, only the subject reads."""

    def update_norms(
        self, before: Any, gradients: Sequence[Any] | None = None, *, earlier: Any = None
    ) -> Callable[[], Mapping[str, UpdateNorm]]:
        """Read the weights after the update; the result measures, on another thread.

        Parameters
        ----------
        before : Any
            What `hold_weights` gave before the update.
        gradients : sequence, optional
            The update's gradients, or their norms, one for each trainable variable in the model's
            order; None for a variable that has none. Where the training may change them in place,
            they are read now.
        earlier : Any, optional
            What `hold_weights` gave before the update before.

        Returns
        -------
        callable
            Gives the norms of each trainable variable, by its array path.

        Raises
        ------
        ValueError
            There are not as many gradients as trainable variables.
        """


@runtime_checkable
class TellsTrained(Protocol):
    """A `Subject` that knows which variables the training moves: some may be frozen for a time."""

    def not_trained(self) -> list[str]:
        """Give the array paths of those that it does not move now; asked on the thread that trains.

        At every recorded step: it must be quick.
        """


@runtime_checkable
class TellsStructure(Protocol):
    """A `Subject` that knows what its model is made of now: a model may be rebuilt between fits.

    What was looked at before knows nothing of a layer that was added or replaced.
    """

    def made_of(self) -> Sequence[object]:
        """Give all layers and weights of the model, in any order: they are told by identity."""


@runtime_checkable
class HasParts(Protocol):
    """A `Backend` that knows models of several parts.

    The generator and the discriminator of a GAN have a forward pass and a probe each, and no
    common one. Each part is looked at as a model of its own, and their frames are taken between
    the same two updates. Of a backend without this, several models are recorded where the user
    passes them by name, each with a probe.
    """

    def parts(self, model: Any) -> Mapping[str, Any]:
        """Give what `look_at` takes, by name; none where `look_at` takes the whole."""

    def is_built(self, part: Any) -> bool:
        """Whether a part has all of its weights, so that it can be described."""

    def takes(self, part: Any, probe: Probe) -> bool:
        """Whether a probe can be sent through a part; it stays as it is."""

    def look_at_weights(self, part: Any) -> Subject:
        """Describe a part of which only the weights are recorded."""

    def about(self, model: Any) -> RunSpec:
        """Describe the training of a model of parts, without any layer."""


def backend_of(model: Any) -> Backend:
    """Find the backend that looks into a model, or into each of several by name.

    Raises
    ------
    ArgumentError
        None does.
    """
    # Of several models by name some may be single layers, which are no models.
    several = isinstance(model, Mapping) and len(model) > 0
    for each in model.values() if several else [model]:
        for cls in type(each).__mro__:
            home = BACKENDS.get(f"{cls.__module__.partition('.')[0]}.{cls.__name__}")
            if home is not None:
                module, _, name = home.partition(":")
                backend: Backend = getattr(importlib.import_module(module), name)()
                return backend
    raise ArgumentError(
        f"model must be a {listed(BACKENDS)}, got {type(model).__name__}. For a model of another "
        f"framework pass backend=..., {BACKEND}."
    )

"""One attempt at a training, with the recorder or without it, and what was seen of it.

What is seen is seen by plain means: a Keras callback, or the loop itself, copies all weights with
NumPy and notes the losses. With the recorder and without it, the training is watched alike.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Weights = list[npt.NDArray[Any]]


class Parts(dict[str, Any]):
    """Inputs of a model's parts, by the name of each part."""


@dataclass
class Seen:
    """What was seen of one model in training.

    Attributes
    ----------
    models : dict of str to keras.Model
        Its parts; a model that is one is called "".
    inputs : dict of str to Any
        The probe of each, as the model takes it.
    moments : dict of int to dict of str to list of ndarray
        By step and part: a copy of each of the part's variables, weights and states.
    is_resumed : bool
        Whether an earlier process has recorded steps into the same run.
    is_fitted : bool
        Whether Keras tells when the training has ended.
    end : dict of str to list of ndarray
        By part: its variables after the training.
    """

    models: dict[str, Any]
    inputs: dict[str, Any]
    moments: dict[int, dict[str, Weights]] = field(default_factory=dict)
    is_resumed: bool = False
    is_fitted: bool = False
    end: dict[str, Weights] = field(default_factory=dict)

    def note(self, step: int) -> None:
        """Copy all weights, if nobody did at this step."""
        if step not in self.moments and all(model.built for model in self.models.values()):
            self.moments[step] = self._copied()

    def note_end(self) -> None:
        """Copy all weights when the training has ended."""
        self.end = self._copied()

    def _copied(self) -> dict[str, Weights]:
        return {
            name: [np.array(value.numpy()) for value in variables_of(model)]
            for name, model in self.models.items()
        }


def variables_of(model: Any) -> list[Any]:
    """Give weights, states of random generators, and those of recurrent layers.

    The last ones Keras lists nowhere; they are there where a layer is stateful.
    """
    import keras

    held = [getattr(layer, "states", None) for layer in model._flatten_layers()]
    return [*model.variables, *(state for state in keras.tree.flatten(held) if state is not None)]


class Attempt:
    """One attempt at a training.

    Parameters
    ----------
    folder : Path
        Where the attempt may write.
    is_recorded : bool
        Whether the recorder is there.

    Attributes
    ----------
    seen : list of Seen
        The models that were trained, one after the other.
    losses : list of (str, float)
        Every number that the training gave, in order.
    recorders : list of Recorder
        Those that were made.
    """

    def __init__(self, folder: Path, *, is_recorded: bool) -> None:
        self.folder = folder
        self.is_recorded = is_recorded
        self.seen: list[Seen] = []
        self.losses: list[tuple[str, float]] = []
        self.recorders: list[Any] = []

    @property
    def runs(self) -> list[Path]:
        """The recorded runs, in their order."""
        return sorted(self.folder.glob("*.zarr"))

    def callbacks(
        self,
        watched: Any,
        inputs: Any,
        labels: Any = None,
        *,
        run: str = "run.zarr",
        count: Callable[[], int] | None = None,
        probe: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> list[Any]:
        """Give the callbacks of a ``fit``: the recorder, if it is there, and the one that watches.

        Parameters
        ----------
        watched : keras.Model or None
            What is recorded; None: the models that are fitted, each in a run of its own.
        inputs : array, or list, tuple or dict of arrays, or Parts
            The probe, as ``fit`` takes its inputs.
        labels : array, optional
            Labels of the probe.
        run : str
            Name of the run, or a pattern of names.
        count : callable, optional
            Gives the updates done; by default they are the batches.
        probe, **options : optional
            Further arguments of `Probe` and of `Recorder`.
        """
        from benchmarks.trainings.witness import Witness

        witness = Witness(self, inputs, model=watched, count=count, is_resumed="resume" in options)
        recorder = self._recorder(run, inputs, labels, probe or {}, options)
        return [*recorder, witness]

    @contextlib.contextmanager
    def loop(
        self,
        model: Any,
        inputs: Any,
        labels: Any = None,
        *,
        run: str = "run.zarr",
        probe: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Iterator[Callable[..., None]]:
        """Watch a loop of one's own; what is given takes each step and its metrics."""
        seen = self.see(model, inputs)
        recorders = self._recorder(run, inputs, labels, probe or {}, {"model": model, **options})

        def record(step: int, **metrics: Any) -> None:
            for recorder in recorders:
                recorder.record(step, **metrics)
            self.note_losses(metrics)
            seen.note(step)

        with contextlib.ExitStack() as stack:
            for recorder in recorders:
                stack.enter_context(recorder)
            seen.note(0)
            yield record

    def see(self, model: Any, inputs: Any) -> Seen:
        """Begin to watch a model."""
        if isinstance(inputs, Parts):
            of = model if isinstance(model, Mapping) else vars(model)
            seen = Seen({name: of[name] for name in inputs}, dict(inputs))
        else:
            seen = Seen({"": model}, {"": inputs})
        self.seen.append(seen)
        return seen

    def note_losses(self, metrics: Mapping[str, Any]) -> None:
        """Note what is one number."""
        for name, value in metrics.items():
            if np.ndim(value) == 0:
                self.losses.append((name, float(value)))

    def _recorder(
        self,
        run: str,
        inputs: Any,
        labels: Any,
        probe: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> Sequence[Any]:
        if not self.is_recorded:
            return []
        from recorder import Probe, Recorder, every_n_steps

        if isinstance(inputs, Parts):
            probes: Any = {name: Probe(values) for name, values in inputs.items()}
        else:
            probes = Probe(inputs, labels, **probe)
        recorder = Recorder(self.folder / run, probes, **{"schedule": every_n_steps(1), **options})
        self.recorders.append(recorder)
        return [recorder]

"""A larger set of examples, of which only the network's predictions are recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from recorder import arguments
from recorder.probe import Probe
from store.format.names import UNIT_DIM, Array, distinct_dims
from store.format.spec import EXAMPLE_DIM, EvaluationSpec, PredictionSpec

BATCH_SIZE = 256


class Evaluation:
    """Examples whose predictions are recorded at every recorded step, but no activations.

    It serves what needs many examples: the confusion of classes, and the order in which examples
    are learned. The inputs themselves are not stored. Predictions are computed batch by batch, so
    that memory stays bounded.

    Parameters
    ----------
    inputs : array_like or mapping of str to array_like
        Model input (example, ...), or several by the names of the model's inputs.
    labels : array_like, optional
        Class numbers, one-hot rows, class names, or target values, as for `Probe`.
    class_names : sequence of str, optional
        Names by class number.
    batch_size : int
        Examples that go through the network at once; by default 256.

    Raises
    ------
    SpecError
        Inputs, labels and names do not fit together; the message lists every problem.
    ArgumentError
        `batch_size` is not a whole number of at least 1.

    Examples
    --------
    >>> evaluation = Evaluation(np.zeros((1000, 5)), np.arange(1000) % 3)
    >>> len(evaluation), evaluation.batch_size
    (1000, 256)
    """

    def __init__(
        self,
        inputs: npt.ArrayLike | Mapping[str, npt.ArrayLike],
        labels: npt.ArrayLike | None = None,
        *,
        class_names: Sequence[str] | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> None:
        arguments.whole("Evaluation(batch_size=...)", batch_size, least=1)
        self.examples = Probe(inputs, labels, class_names)
        self.batch_size = min(batch_size, len(self.examples))

    def __len__(self) -> int:
        return len(self.examples)

    def __repr__(self) -> str:
        return f"Evaluation({len(self)} examples, batch_size={self.batch_size})"

    def batch(self, start: int) -> list[Array]:
        """Give the inputs of one batch.

        The last batch is filled up with copies of the last example, so that all have one size.

        Parameters
        ----------
        start : int
            Number of its first example.

        Returns
        -------
        list of ndarray (example, ...)
            One for each input of the model.
        """
        chosen = np.minimum(np.arange(start, start + self.batch_size), len(self) - 1)
        return [values[chosen] for values in self.examples.inputs.values()]

    def names(self) -> list[str]:
        """Give the names of the inputs."""
        return list(self.examples.inputs)

    def predictions(
        self, predict: Callable[[list[Array]], Sequence[Any]], described: EvaluationSpec
    ) -> dict[str, Array]:
        """Send every example through a network, batch by batch.

        Parameters
        ----------
        predict : callable
            Takes the inputs of one batch, of `batch_size` examples; gives the network's outputs
            (example, ...).
        described : EvaluationSpec
            What `to_spec` gave.

        Returns
        -------
        dict of str to ndarray
            One (example, ...) for each output, by its array path.
        """
        found = {
            array.path: np.empty(array.frame_shape, array.dtype)
            for array in described.array_specs()
        }
        for start in range(0, len(self), self.batch_size):
            for into, output in zip(found.values(), predict(self.batch(start)), strict=True):
                part = into[start : start + self.batch_size]
                part[...] = np.asarray(output)[: len(part)]
        return found

    def to_spec(
        self, outputs: Sequence[str], tensors: Sequence[tuple[Sequence[int], str]]
    ) -> EvaluationSpec:
        """Describe for the store what will be recorded.

        Parameters
        ----------
        outputs : sequence of str
            Names of the layers that give the model's outputs.
        tensors : sequence of (shape, data type)
            What one example gives, by output; the shape is without the example's dimension.
        """
        names = ["prediction"] if len(outputs) == 1 else [f"prediction.{out}" for out in outputs]
        taken: dict[str, int] = {}
        predictions = []
        for name, output, (shape, dtype) in zip(names, outputs, tensors, strict=True):
            whole = (len(self), *shape)
            inner = tuple(f"dim_{axis}" for axis in range(1, len(whole) - 1))
            dims = (EXAMPLE_DIM, *inner, UNIT_DIM)[: len(whole)]
            dims = distinct_dims(dims, whole, taken, name)
            predictions.append(PredictionSpec(name, output, dims, whole, dtype))
        return EvaluationSpec(
            predictions=tuple(predictions),
            size=len(self),
            labels=self.examples.labels,
            class_names=self.examples.class_names,
            fingerprint=self.examples.to_spec().fingerprint(),
        )

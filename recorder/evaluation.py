"""A larger set of examples of which only the network's predictions are recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from recorder.capture import Trace, model_inputs, storable
from recorder.probe import Probe
from store.evaluation import EXAMPLE_DIM, EvaluationSpec, PredictionSpec
from store.schema import UNIT_DIM, Array, distinct_dims

BATCH_SIZE = 256


class Evaluation:
    """Examples whose predictions are recorded at every recorded step, but no activations.

    For what needs many examples: confusion, and the order in which they are learned. The inputs
    themselves are not stored. Predictions are computed batch by batch, so that memory stays
    bounded.

    Parameters
    ----------
    inputs : array_like or mapping of str to array_like
        Model input (example, ...), or several by the names of the model's inputs.
    labels : array_like, optional
        Class numbers, one-hot rows, class names, or target values, as for `Probe`.
    class_names : sequence of str, optional
        Names by class number.
    batch_size : int
        Examples that go through the network at once.

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
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(
                f"Evaluation(batch_size=...) expects a whole number of at least 1, "
                f"got {batch_size!r}."
            )
        self._examples = Probe(inputs, labels, class_names)
        self.batch_size = min(batch_size, len(self._examples))

    def __len__(self) -> int:
        return len(self._examples)

    def __repr__(self) -> str:
        return f"Evaluation({len(self)} examples, batch_size={self.batch_size})"

    def check_fits(self, model: Any) -> None:
        """Raise `SpecError` when the inputs do not fit a built Keras model."""
        self._examples.check_fits(model)

    def batch(self, start: int) -> list[Array]:
        """Give the inputs of one batch; the last one is filled up with its last example.

        Parameters
        ----------
        start : int
            The first example.
        """
        chosen = np.minimum(np.arange(start, start + self.batch_size), len(self) - 1)
        return [values[chosen] for values in self._examples.inputs.values()]

    def names(self) -> list[str]:
        """Give the names of the inputs."""
        return list(self._examples.inputs)

    def to_spec(self, outputs: Sequence[str], predictor: Predictor) -> EvaluationSpec:
        """Describe what will be recorded.

        Parameters
        ----------
        outputs : sequence of str
            Names of the layers that give the model's outputs.
        predictor : Predictor
            Knows the shapes.
        """
        examples = self._examples
        names = ["prediction"] if len(outputs) == 1 else [f"prediction.{out}" for out in outputs]
        taken: dict[str, int] = {}
        predictions = tuple(
            PredictionSpec(name, output, _dims(name, shape, taken), shape, dtype)
            for name, output, (shape, dtype) in zip(names, outputs, predictor.outputs, strict=True)
        )
        return EvaluationSpec(
            predictions=predictions,
            size=len(self),
            labels=examples.labels,
            class_names=examples.class_names,
            fingerprint=examples.to_spec().fingerprint(),
        )


class Predictor:
    """Sends an evaluation through a network as it is with given variables.

    Parameters
    ----------
    model : keras.Model
        The network.
    traced : Trace
        Its trace on the probe: says which variables there are.
    evaluation : Evaluation
        The examples.

    Attributes
    ----------
    outputs : list of (shape, data type)
        What the examples give, by output.
    """

    def __init__(self, model: Any, traced: Trace, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._function = _forward(model, traced.variables, evaluation)
        self.outputs = [
            ((len(evaluation), *(int(size) for size in output.shape[1:])), output.dtype.name)
            for output in self._function.outputs
        ]

    def predict(self, values: Sequence[Any]) -> list[Array]:
        """Predict every example.

        Parameters
        ----------
        values : sequence of tf.Tensor
            What `Trace.read` gave.

        Returns
        -------
        list of ndarray
            One (example, ...) for each output.
        """
        count, size = len(self._evaluation), self._evaluation.batch_size
        found = [np.empty(shape, dtype) for shape, dtype in self.outputs]
        for start in range(0, count, size):
            results = self._function(*map(_tensor, self._evaluation.batch(start)), *values)
            for into, result in zip(found, results, strict=True):
                part = into[start : start + size]
                part[...] = np.asarray(result)[: len(part)]
        return found


def _forward(model: Any, variables: Sequence[Any], evaluation: Evaluation) -> Any:
    import keras
    import tensorflow as tf

    names = evaluation.names()

    def forward(*tensors: Any) -> list[Any]:
        named = dict(zip(names, tensors, strict=False))
        state = list(zip(variables, tensors[len(names) :], strict=True))
        with keras.StatelessScope(state_mapping=state):
            result = model(model_inputs(model, named), training=False)
        return [storable(output) for output in keras.tree.flatten(result)]

    examples = [tf.TensorSpec(values.shape, values.dtype) for values in evaluation.batch(0)]
    held = [tf.TensorSpec(variable.shape, variable.dtype) for variable in variables]
    return tf.compat.v1.wrap_function(forward, [*examples, *held])


def _tensor(values: Array) -> Any:
    import tensorflow as tf

    return tf.constant(values)


def _dims(name: str, shape: Sequence[int], taken: dict[str, int]) -> tuple[str, ...]:
    inner = tuple(f"dim_{axis}" for axis in range(1, len(shape) - 1))
    return distinct_dims((EXAMPLE_DIM, *inner, UNIT_DIM)[: len(shape)], shape, taken, name)

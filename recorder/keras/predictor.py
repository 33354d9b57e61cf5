"""Predictions of an evaluation set, by a network as it is with given variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recorder.evaluation import Evaluation
from recorder.keras.trace import Trace, model_inputs, storable
from store.format.names import UNIT_DIM, Array, distinct_dims
from store.format.spec import EXAMPLE_DIM, EvaluationSpec, PredictionSpec


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


def evaluation_spec(
    evaluation: Evaluation, outputs: Sequence[str], predictor: Predictor
) -> EvaluationSpec:
    """Describe what will be recorded.

    Parameters
    ----------
    evaluation : Evaluation
        The examples.
    outputs : sequence of str
        Names of the layers that give the model's outputs.
    predictor : Predictor
        Knows the shapes.
    """
    examples = evaluation.examples
    names = ["prediction"] if len(outputs) == 1 else [f"prediction.{out}" for out in outputs]
    taken: dict[str, int] = {}
    predictions = tuple(
        PredictionSpec(name, output, _dims(name, shape, taken), shape, dtype)
        for name, output, (shape, dtype) in zip(names, outputs, predictor.outputs, strict=True)
    )
    return EvaluationSpec(
        predictions=predictions,
        size=len(evaluation),
        labels=examples.labels,
        class_names=examples.class_names,
        fingerprint=examples.to_spec().fingerprint(),
    )


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

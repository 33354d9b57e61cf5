"""Predictions of an evaluation set, by a network as it is with given variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recorder.evaluation import Evaluation
from recorder.keras.trace import Trace, model_inputs, storable
from store.format.names import Array


class Predictor:
    """Sends an evaluation through a network as it is with given variables.

    Parameters
    ----------
    model : keras.Model
        The network.
    traced : Trace
        Its trace on the probe: says which variables there are.
    outputs : sequence of str
        Names of the layers that give the model's outputs.
    evaluation : Evaluation
        The examples.

    Attributes
    ----------
    spec : EvaluationSpec
        Description of the predictions.
    """

    def __init__(
        self, model: Any, traced: Trace, outputs: Sequence[str], evaluation: Evaluation
    ) -> None:
        self._evaluation = evaluation
        self._function = _forward(model, traced.variables, evaluation)
        tensors = [
            ([int(size) for size in output.shape[1:]], output.dtype.name)
            for output in self._function.outputs
        ]
        self.spec = evaluation.to_spec(outputs, tensors)

    def predict(self, values: Sequence[Any]) -> dict[str, Array]:
        """Predict every example.

        Parameters
        ----------
        values : sequence of tf.Tensor
            What `Trace.read` gave.

        Returns
        -------
        dict of str to ndarray
            One (example, ...) for each output, by its array path.
        """
        return self._evaluation.predictions(
            lambda batch: self._function(*map(_tensor, batch), *values), self.spec
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

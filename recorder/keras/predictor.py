"""Predictions of an evaluation set, by a network as it is with given variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from recorder.evaluation import Evaluation
from recorder.keras.eager import run_eagerly
from recorder.keras.inputs import Feed
from recorder.keras.trace import Trace, storable
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
        self._feed = Feed.of(evaluation.examples)
        first = self._feed.rows(evaluation.rows(0))
        if traced.is_eager:
            self._function = _eager(model, traced.variables)
            given = self._function(first, traced.read())
        else:
            self._function, given = _forward(model, traced.variables, first)
        tensors = [
            ([int(size) for size in output.shape[1:]], output.dtype.name) for output in given
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
        rows = self._evaluation.rows
        return self._evaluation.predictions_of_rows(
            lambda start: self._function(self._feed.rows(rows(start)), values), self.spec
        )


# Takes the inputs of a batch and the values of the variables; gives the model's outputs.
Predict = Callable[[Feed, Sequence[Any]], list[Any]]


def _forward(model: Any, variables: Sequence[Any], batch: Feed) -> tuple[Predict, list[Any]]:
    """Trace the prediction of a batch; give its outputs, too, which are symbolic."""
    import keras
    import tensorflow as tf

    signature = batch.signature(any_length=True)

    def forward(*tensors: Any) -> list[Any]:
        given = batch.made_of(tensors[: len(signature)])
        state = list(zip(variables, tensors[len(signature) :], strict=True))
        with keras.StatelessScope(state_mapping=state):
            result = model(given.arranged(model), training=False)
        return [storable(output) for output in keras.tree.flatten(result)]

    held = [tf.TensorSpec(variable.shape, variable.dtype) for variable in variables]
    function = tf.compat.v1.wrap_function(forward, [*signature, *held])
    return lambda feed, values: function(*feed.components, *values), function.outputs


def _eager(model: Any, variables: Sequence[Any]) -> Predict:
    import keras

    def forward(feed: Feed, values: Sequence[Any]) -> list[Any]:
        result = run_eagerly(model, feed, variables, values)
        return [storable(output) for output in keras.tree.flatten(result)]

    return forward

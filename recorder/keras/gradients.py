"""Norms of the gradients within ``fit``, noted by the traced training step itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class GradientNorms:
    """Notes the norm of each gradient that a model's optimizer is given.

    Keras hands gradients to no callback: in ``fit`` they exist within the traced training step
    alone. So the optimizer's ``apply`` is wrapped where that step is traced, and writes the norms
    into a variable beside the model's own, which is read when a step is recorded. The optimizer
    gets what it always got. But a compiler that sees a further use of a gradient may join
    operations in another way, and round differently: therefore only on demand.

    Parameters
    ----------
    model : keras.Model
        The model that is fitted. Over several devices nothing is noted.
    variables : sequence of keras.Variable
        Those whose gradients are noted.
    """

    def __init__(self, model: Any, variables: Sequence[Any]) -> None:
        import tensorflow as tf

        self._model = model
        # Where the loss is scaled, the inner optimizer gets the gradients as they are.
        self._optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        self._places = {id(variable): place for place, variable in enumerate(variables)}
        self._norms = tf.Variable(tf.fill([len(variables)], np.float32(np.nan)), trainable=False)
        self._noting = False
        self._fault: Exception | None = None

    def begin(self) -> None:
        """Trace the training step anew, with the norms in it."""
        if self._model.distribute_strategy.num_replicas_in_sync > 1:
            return
        apply = self._optimizer.apply

        def noting(grads: Any, trainable_variables: Any = None) -> Any:
            if trainable_variables is not None:
                grads, trainable_variables = list(grads), list(trainable_variables)
                try:
                    self._note(grads, trainable_variables)
                except Exception as fault:  # this runs within the training step
                    self._fault = fault
            return apply(grads, trainable_variables)

        self._optimizer.apply = noting
        self._model.make_train_function(force=True)
        self._noting = True

    def end(self) -> None:
        """Leave the optimizer as it was; the next fit traces its step anew."""
        if self._noting:
            self._noting = False
            del self._optimizer.apply
            self._model.make_train_function(force=True)

    def latest(self, variables: Sequence[Any]) -> list[float | None]:
        """Give the norm of each variable's last gradient; None where none is known.

        Raises
        ------
        Exception
            What went wrong where the norms were noted.
        """
        if self._fault is not None:
            raise self._fault
        norms = self._norms.numpy()
        places = [self._places.get(id(variable)) for variable in variables]
        found = [np.nan if place is None else float(norms[place]) for place in places]
        return [None if np.isnan(norm) else norm for norm in found]

    def _note(self, gradients: Sequence[Any], variables: Sequence[Any]) -> None:
        import tensorflow as tf

        pairs = [
            (self._places[id(variable)], gradient)
            for variable, gradient in zip(variables, gradients, strict=True)
            if id(variable) in self._places and gradient is not None
        ]
        if not pairs:
            return
        # The gradient of an embedding holds rows of the batch, some of them several times.
        norms = [
            tf.norm(tf.cast(tf.convert_to_tensor(gradient), tf.float32)) for _, gradient in pairs
        ]
        places = [[place] for place, _ in pairs]
        self._norms.assign(tf.tensor_scatter_nd_update(self._norms, places, tf.stack(norms)))

"""Norms of the gradients within ``fit``, noted by the traced training step itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from recorder.keras.optimizers import optimizers_of
from recorder.keras.parts import parts_of


class GradientNorms:
    """Notes the norm of each gradient that a model's optimizer is given.

    Keras hands gradients to no callback: in ``fit`` they exist within the training step alone. So
    the model's training step is put into one that wraps the optimizer's ``apply`` as long as it
    runs, which is when it is traced, too. The norms go into a variable beside the model's own,
    which is read when a step is recorded. The optimizer gets what it always got. But a compiler
    that sees a further use of a gradient may join operations in another way, and round differently:
    therefore only on demand.

    A fit that is interrupted tells no callback. So each batch has to be announced: the first that
    is not, of whatever trains the model next, finds that nobody listens, and puts Keras's own step
    back.

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
        held = optimizers_of(model).values() if parts_of(model) else [model.optimizer]
        # Where the loss is scaled, the inner optimizer gets the gradients as they are.
        self._optimizers = [getattr(each, "inner_optimizer", each) for each in held]
        self._places = {id(variable): place for place, variable in enumerate(variables)}
        self._norms = tf.Variable(tf.fill([len(variables)], np.float32(np.nan)), trainable=False)
        self._step: Callable[[Any], Any] | None = None  # what stands in the place of Keras's own
        self._announced = False
        self._fault: Exception | None = None

    def begin(self) -> None:
        """Have the training step traced anew, with the norms in it."""
        if self._model.distribute_strategy.num_replicas_in_sync > 1:
            return
        self._model.make_train_function(force=True)
        kerass_own = self._model.train_function

        def step(batches: Any) -> Any:
            announced, self._announced = self._announced, False
            before = [(vars(each), vars(each).get("apply")) for each in self._optimizers]
            try:
                if announced:
                    for optimizer in self._optimizers:
                        self._wrap(optimizer)
                else:
                    self.end()
            except Exception as fault:  # this runs within the training
                self._fault = fault
            function = self._model.train_function
            try:
                return (kerass_own if function is step else function)(batches)
            finally:
                for own, apply in before:
                    if apply is None:
                        own.pop("apply", None)
                    else:
                        own["apply"] = apply

        self._model.train_function = self._step = step

    def announce(self) -> None:
        """Say that the fit whose gradients are noted comes to its next batch."""
        self._announced = True

    def end(self) -> None:
        """Put Keras's own training step back, to be traced anew; a second call does nothing."""
        step, self._step = self._step, None
        if step is not None and self._model.train_function is step:
            self._model.make_train_function(force=True)

    def _wrap(self, optimizer: Any) -> None:
        """Wrap an optimizer's ``apply``."""
        apply = optimizer.apply

        def noting(grads: Any, trainable_variables: Any = None) -> Any:
            if trainable_variables is not None:
                grads, trainable_variables = list(grads), list(trainable_variables)
                try:
                    self._note(grads, trainable_variables)
                except Exception as fault:  # this runs within the training step
                    self._fault = fault
            return apply(grads, trainable_variables)

        optimizer.apply = noting

    def latest(self, variables: Sequence[Any]) -> list[float | None]:
        """Give the norm of each variable's last gradient; None where none is known, as after `end`.

        Raises
        ------
        Exception
            What went wrong where the norms were noted.
        """
        if self._fault is not None:
            raise self._fault
        if self._step is None:
            return [None] * len(variables)
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

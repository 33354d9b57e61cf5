"""Which optimizers a Keras model holds, and which of them do its updates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from recorder.keras import settings
from recorder.keras.parts import parts_of

# A list with more entries holds data, not optimizers.
MOST_ENTRIES = 100


def optimizers_of(model: Any) -> dict[str, Any]:
    """Find the optimizers among the attributes of a model and of the models that it holds.

    Parameters
    ----------
    model : keras.Model
        The model that is trained.

    Returns
    -------
    dict of str to keras.optimizers.Optimizer
        By where it is held: ``optimizer``, ``generator.optimizer``, ``optimizers.0``.
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for name, optimizer in _held(model, "", seen):
        found.setdefault(name, optimizer)
    return found


def _held(value: Any, name: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    import keras

    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, keras.optimizers.Optimizer):
        yield name, value
        return
    entries: dict[Any, Any] = {}
    if isinstance(value, keras.Model):
        # What Keras and others hide last: the same models are there under names of the user's own.
        entries = dict(sorted(vars(value).items(), key=lambda each: each[0].startswith("_")))
    elif isinstance(value, dict | list | tuple) and len(value) <= MOST_ENTRIES:
        entries = value if isinstance(value, dict) else dict(enumerate(value))
    for inner, held in entries.items():
        yield from _held(held, f"{name}.{inner}" if name else str(inner), seen)


def counting_optimizer(model: Any) -> Any | None:
    """Give the optimizer whose updates are those of the training; None where several do them.

    Of a model of parts that is the one of ``compile``, if no other has done an update. Of a model
    with a forward pass of its own it is taken for granted.

    Parameters
    ----------
    model : keras.Model
        The model that is trained.
    """
    if not parts_of(model):
        return getattr(model, "optimizer", None)
    held = optimizers_of(model)
    used = {name: each for name, each in held.items() if settings.updates_of(each)} or held
    return held["optimizer"] if list(used) == ["optimizer"] else None


class Optimizers:
    """Those of a training that are at work: their updates are counted.

    A model may hold one that does nothing: ``super().compile()`` in a class with optimizers of its
    own makes Keras add an RMSprop.

    Parameters
    ----------
    model : keras.Model
        The model that is trained.
    is_loop : bool
        Whether a loop of the user's own trains it, and not its ``fit``.
    """

    def __init__(self, model: Any, *, is_loop: bool) -> None:
        self._model = model
        self._is_loop = is_loop
        self._at_first: dict[int, int | None] = {}
        self._known: dict[str, Any] = {}  # also keeps them alive, so that none has another's id
        self.look()

    def look(self) -> None:
        """Find those that the model holds now: `compile` and a user may have set others."""
        self._known = optimizers_of(self._model)
        for optimizer in self._known.values():
            self._at_first.setdefault(id(optimizer), settings.updates_of(optimizer))

    def were_there(self) -> bool:
        """Whether those at work were there already at the last look."""
        return all(id(optimizer) in self._at_first for optimizer in self.at_work().values())

    def at_work(self) -> dict[str, Any]:
        """Give those that have done an update since they were first seen, by where they are held.

        Where the model trains by Keras's own step, that is its optimizer, before any update, too.
        """
        import keras

        if not self._is_loop and type(self._model).train_step is keras.Model.train_step:
            return {"optimizer": self._model.optimizer}
        return {
            name: optimizer
            for name, optimizer in self._known.items()
            if settings.updates_of(optimizer) != self._at_first[id(optimizer)]
        }

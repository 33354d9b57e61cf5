"""What holds of a training now and may change while it runs: optimizers, loss, batch size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recorder.keras import settings
from recorder.keras.configuration import Configuration, reasons
from recorder.keras.optimizers import Optimizers

# In the configuration of an optimizer, and as a metric.
RATE = "learning_rate"


class TrainingFacts:
    """The facts of one model's training, over all of its fits.

    Parameters
    ----------
    model : keras.Model
        The model that is trained.
    is_loop : bool
        Whether a loop of the user's own trains it, and not its ``fit``.

    Attributes
    ----------
    model : keras.Model
        The same.
    left_out : dict of str to str
        Why a configuration could not be had, by name.
    """

    def __init__(self, model: Any, *, is_loop: bool) -> None:
        self.left_out: dict[str, str] = {}
        self.model = model
        self._optimizers = Optimizers(model, is_loop=is_loop)
        # Of each object, which is held so that no other one gets its id.
        self._configurations: dict[int, tuple[Any, Configuration]] = {}
        self._had_several = False

    def look(self) -> None:
        """Look anew, where ``compile`` or the user may have set others."""
        self._optimizers.look()
        for optimizer, before in self._optimizers_asked():
            now = settings.optimizer_configuration(optimizer)
            # A rate that is a number moves with the training: it is a metric, and no news here.
            if isinstance(rate := before.value.get(RATE), float):
                now.value[RATE] = rate
            self._configurations[id(optimizer)] = optimizer, now

    @property
    def is_late(self) -> bool:
        """Whether what holds now held since the last look, though it may not have been seen."""
        return self._optimizers.were_there()

    def now(self) -> dict[str, Any]:
        """Give what holds: SCHEMA.md lists the names."""
        found = {
            name: self._ask(settings.optimizer_configuration, each)
            for name, each in self._optimizers.at_work().items()
        }
        loss = self._ask(settings.loss_configuration, getattr(self.model, "loss", None))
        one = next(iter(found.values())) if len(found) == 1 else Configuration(None)
        self._had_several = self._had_several or len(found) > 1
        several = found if len(found) > 1 else {}
        self.left_out = reasons(
            {"loss": loss, "optimizer": one}
            | {f"optimizers/{name}": each for name, each in several.items()}
        )
        facts = {"optimizer": one.value, "loss": loss.value}
        if self._had_several:
            facts["optimizers"] = {name: each.value for name, each in several.items()}
        return facts

    def learning_rates(self) -> dict[str, float]:
        """Give the present learning rate of each optimizer that is at work, by metric."""
        at_work = self._optimizers.at_work()
        rates = {
            RATE if len(at_work) == 1 else f"{RATE}.{name}": settings.learning_rate(optimizer)
            for name, optimizer in at_work.items()
        }
        return {name: rate for name, rate in rates.items() if rate is not None}

    def _ask(self, configure: Callable[[Any], Configuration], thing: Any) -> Configuration:
        if id(thing) not in self._configurations:
            self._configurations[id(thing)] = thing, configure(thing)
        return self._configurations[id(thing)][1]

    def _optimizers_asked(self) -> list[tuple[Any, Configuration]]:
        import keras

        asked = self._configurations.values()
        return [each for each in asked if isinstance(each[0], keras.optimizers.Optimizer)]

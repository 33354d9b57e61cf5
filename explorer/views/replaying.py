"""What views have in common that send examples through the network again, step by step."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

from explorer.data.absence import MORE_EXAMPLES, Nothing
from explorer.data.replayed import Replayed, steps_seen
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.views.base import Scene, Unfinished, View


class Measured(NamedTuple):
    """What was found at some recorded steps.

    Attributes
    ----------
    steps : ndarray of int
        Their positions.
    found : list
        What `Replaying.at_step` gave.
    """

    steps: Any
    found: list[Any]


class Replaying(View):
    """A view of numbers that take seconds a step: others get their turn between two of them."""

    depends = ("axis",)
    width = 6

    def too_few(self, of: Replayed) -> str | None:
        """Say that there are too few examples."""

    @abc.abstractmethod
    def at_step(self, of: Replayed, index: int) -> Any:
        """Compute what there is at a recorded step, in a worker thread."""

    def nothing(self, found: list[Any]) -> str | None:
        """Say that nothing of what was found can be drawn."""

    def compute(self, scene: Scene) -> Measured | Unfinished | Nothing:
        of = Replayed.of(scene.data)
        assert of is not None
        few = self.too_few(of)
        return self._go_on(of, []) if few is None else Nothing(f"{few} {MORE_EXAMPLES}")

    def _go_on(self, of: Replayed, found: list[Any]) -> Measured | Unfinished | Nothing:
        steps = steps_seen(of.data)
        try:
            found = [*found, self.at_step(of, int(steps[len(found)]))]
        except NotDerivableError as error:
            return Nothing(f"The network cannot be run again. {str(error).removesuffix('.')}.")
        if len(found) < len(steps):
            return Unfinished(len(found) / len(steps), lambda: self._go_on(of, found))
        why = self.nothing(found)
        return Measured(steps, found) if why is None else Nothing(why)

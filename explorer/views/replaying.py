"""What views have in common that send examples through the network again, step by step."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import numpy as np

from explorer.data.absence import MORE_EXAMPLES, Nothing
from explorer.data.replayed import Replayed, steps_seen
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.headway import part
from explorer.derived.time.sampling import coarse_first
from explorer.views.base import Scene, Unfinished, View

# Numbers of steps at which a picture is drawn before all are there: the ends and the middle, and
# each time the middles of all gaps.
DRAWN_AT = (3, 5, 9)


class Measured(NamedTuple):
    """What was found at some recorded steps.

    Attributes
    ----------
    steps : ndarray of int
        Their positions, growing.
    found : list
        What `Replaying.at_step` gave at each.
    """

    steps: Any
    found: list[Any]


class Replaying(View):
    """A view of numbers that take seconds a step.

    Others get their turn between two steps, and meanwhile the picture is of those that are there:
    spread over the training at first, then ever more densely.
    """

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
        return self._go_on(of, {}) if few is None else Nothing(f"{few} {MORE_EXAMPLES}")

    def _go_on(self, of: Replayed, found: dict[int, Any]) -> Measured | Unfinished | Nothing:
        steps = steps_seen(of.data)[coarse_first(len(steps_seen(of.data)))].tolist()
        try:
            with part(len(found), len(steps)):
                found = {**found, steps[len(found)]: self.at_step(of, steps[len(found)])}
        except NotDerivableError as error:
            return Nothing(f"The network cannot be run again. {str(error).removesuffix('.')}.")
        order = sorted(found)
        measured = Measured(np.array(order), [found[index] for index in order])
        why = self.nothing(measured.found)
        if len(found) == len(steps):
            return measured if why is None else Nothing(why)
        is_denser = why is None and len(found) in DRAWN_AT
        return Unfinished(
            len(found) / len(steps),
            lambda: self._go_on(of, found),
            measured if is_denser else None,
        )

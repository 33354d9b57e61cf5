"""Which unit of B stands for which of A in one session: by number, or matched at some moment."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from explorer.compare.matching.at_step import (
    Kind,
    UnitPairs,
    basis,
    chance_at,
    match_at,
    pairs_by_number,
    unit_count,
    why_no_chance,
    why_not,
)
from explorer.compare.matching.over_time import Tracked, track
from explorer.compare.pair import RunPair
from explorer.derived.pairs.chance import SHUFFLES, ChanceLevel
from explorer.derived.pairs.time_alignment import Alignment
from explorer.worker import in_worker

logger = logging.getLogger(__name__)

ALIKE = {"answers": "correlation", "weights": "cosine of their weights"}


@dataclass(frozen=True)
class Held:
    """One matching for all positions.

    Attributes
    ----------
    pairs : UnitPairs
        The pairs, without those no better than chance.
    chance : ChanceLevel or None
        How alike they would be by chance; None: not known.
    steps : (int, int)
        Optimizer updates that A and B had done when they were matched.
    """

    pairs: UnitPairs
    chance: ChanceLevel | None
    steps: tuple[int, int]

    def at(self, position: int) -> UnitPairs:  # noqa: ARG002  # as of `Tracked`
        """Pairs at a position: those."""
        return self.pairs


# A layer's units in pairs, at every position of the common axis.
Over = Held | Tracked


@dataclass(frozen=True)
class Found:
    """What has been matched of a layer, and for which wish."""

    wish: str
    over: Over | None


class UnitMatcher:
    """Matches units layer by layer, in the worker, as they are asked for.

    Parameters
    ----------
    pair : RunPair
        The runs.
    kind : Kind
        Which moment decides.
    moment : callable
        Gives the recorded steps of A and of B at which the slider rests.
    time : callable
        Gives how the runs stand beside each other, and the name of that way.
    changed : callable
        Called when a layer has been matched in the background.
    """

    def __init__(
        self,
        pair: RunPair,
        kind: Kind,
        *,
        moment: Callable[[], tuple[int, int]],
        time: Callable[[], tuple[Alignment | None, str]],
        changed: Callable[[], None],
    ) -> None:
        self.pair, self.kind = pair, kind
        self._moment, self._time, self._changed = moment, time, changed
        self._found: dict[str, Found] = {}
        self._asked: dict[str, str] = {}
        self._numbered: dict[str, UnitPairs] = {}

    def pairs_at(self, layer: str, position: int) -> UnitPairs:
        """Pairs of units of a layer of A with those of its counterpart.

        Cheap: what is not known yet is asked for, and until then units go by number, or stay as
        they were matched before.

        Parameters
        ----------
        layer : str
            Layer of A.
        position : int
            On the common axis.
        """
        over = self._over(layer)
        return self._by_number(layer) if over is None else over.at(position)

    def key(self, layer: str) -> str:
        """Give a name that changes whenever `pairs_at` returns something else."""
        over = self._over(layer)
        return "number" if over is None else self._found[layer].wish

    def is_known(self, layer: str) -> bool:
        """Whether units of a layer of A are matched, rather than put together by number."""
        return self._over(layer) is not None

    def why_not(self, layer: str) -> str | None:
        """Say why units of a layer go by number though they should be matched; None if not so."""
        if self.kind == "number":
            return None
        missing = why_not(self.pair, layer, self.pair.layers.to_second(layer))
        if missing is None and self._failed(layer):
            return f"Units of {layer} could not be matched; the log of the server says why."
        return missing

    def sentence(self, layer: str, unit: int, position: int) -> str:
        """Say what a unit of A is matched with, and how well units go together."""
        if self.kind == "number":
            return ""
        missing = self.why_not(layer)
        if missing is not None:
            return missing
        over = self._over(layer)
        if over is None:
            return "Units are being matched ..."
        second = self.pair.layers.to_second(layer) or ""
        pairs = over.at(position)
        other = pairs.to_second(unit)
        if other is None:
            own = (
                f"Unit {unit} of A has no counterpart in B: it is dead, or no more like one that "
                "is left than chance brings about."
            )
        else:
            score = float(pairs.scores[pairs.first == unit][0])
            what = ALIKE[basis(self.pair, layer, second)]
            own = f"Unit {unit} of A, unit {other} of B ({what} {score:.2f})."
        alone = len(pairs.unmatched_first), len(pairs.unmatched_second)
        names = layer if layer == second else f"{layer} and {second}"
        when = (
            f"Matched at step {over.steps[0]:,} of A, {over.steps[1]:,} of B."
            if isinstance(over, Held)
            else f"Matched at every step anew.{over.remark}"
        )
        level = said_of_chance(pairs, self._chance(over, position), len(self.pair.probes))
        if not level:
            level = f". {why_no_chance(self.pair, layer, second) or ''}".rstrip()
        return (
            f"{own} {len(pairs.first)} pairs in {names}, mean {pairs.mean:.2f}{level} Without "
            f"counterpart {alone[0]} of A, {alone[1]} of B. {when}"
        )

    def _chance(self, over: Over, position: int) -> tuple[float, float]:
        """Mean score by chance at a position, and what 95 % of chance's pairs are below."""
        if isinstance(over, Tracked):
            return over.chance.at(position)
        level = over.chance
        return (np.nan, np.nan) if level is None else (level.mean, level.bound)

    # -- matching ----------------------------------------------------------------------------

    def _by_number(self, layer: str) -> UnitPairs:
        if layer not in self._numbered:
            second = self.pair.layers.to_second(layer) or ""
            counts = unit_count(self.pair.first, layer), unit_count(self.pair.second, second)
            self._numbered[layer] = pairs_by_number(*counts)
        return self._numbered[layer]

    def _failed(self, layer: str) -> bool:
        found = self._found.get(layer)
        return found is not None and found.over is None

    def _wish(self) -> str:
        """Name the matching that is wanted now."""
        if self.kind == "step":
            return "step|{}|{}".format(*self._moment())
        alignment, way = self._time()
        if self.kind == "last" and alignment is not None:
            return f"last|{alignment.first[-1]}|{alignment.second[-1]}"
        return f"{self.kind}|{way}"

    def _over(self, layer: str) -> Over | None:
        """Give what is known of a layer, and ask for what is not."""
        if self.kind == "number":
            return None
        wish = self._wish()
        found = self._found.get(layer)
        if (found is None or found.wish != wish) and self._asked.get(layer) != wish:
            self._ask(layer, wish)
            found = self._found.get(layer)
        # What was matched in another way would not be what the page says.
        is_of_kind = found is not None and found.wish.split("|")[0] == self.kind
        return found.over if found is not None and is_of_kind else None

    def _ask(self, layer: str, wish: str) -> None:
        second = self.pair.layers.to_second(layer)
        if why_not(self.pair, layer, second) is not None:
            return
        assert second is not None  # `why_not` would have said so
        kind, indices, alignment = self.kind, self._moment(), self._time()[0]
        self._asked[layer] = wish
        asked_here = True

        def work() -> Over | None:
            try:
                return self._match(kind, layer, second, indices, alignment)
            except Exception:
                logger.exception("Units of %s cannot be matched", layer)
                return None

        def use(over: Over | None) -> None:
            if self._asked.get(layer) != wish:
                return  # something else is wanted by now
            del self._asked[layer]
            self._found[layer] = Found(wish, over)
            if not asked_here:
                self._changed()

        in_worker(self.pair.first, work, use, wanted=lambda: self._asked.get(layer) == wish)
        asked_here = False  # without a server it is known by now

    def _match(
        self,
        kind: Kind,
        first: str,
        second: str,
        indices: tuple[int, int],
        alignment: Alignment | None,
    ) -> Over | None:
        if alignment is None:
            return None
        if kind == "tracked":
            return track(self.pair, first, second, alignment)
        at = (int(alignment.first[-1]), int(alignment.second[-1])) if kind == "last" else indices
        timelines = self.pair.first.timeline, self.pair.second.timeline
        steps = int(timelines[0].steps[at[0]]), int(timelines[1].steps[at[1]])
        level = chance_at(self.pair, first, second, at)
        found = match_at(self.pair, first, second, at)
        return Held(found if level is None else found.beyond(level.bound), level, steps)


def said_of_chance(pairs: UnitPairs, level: tuple[float, float], probes: int) -> str:
    """Say how well units go together by chance; empty if that is not known.

    Parameters
    ----------
    pairs : UnitPairs
        Without those that are struck out.
    level : (float, float)
        Mean score by chance, and what 95 % of chance's pairs are below; NaN: not known.
    probes : int
        Probes that were shuffled.
    """
    mean, bound = level
    if np.isnan(mean):
        return ""
    count = len(pairs.struck)
    others = f", with {count} more that are struck out" if count else ""
    return (
        f"{others}; by chance {mean:.2f}, with the {probes} probes shuffled {SHUFFLES} times: 95 % "
        f"of such pairs are below {bound:.2f}{', as those struck out are' if count else ''}."
    )

"""One visitor's look at two runs: what is chosen in one is carried to the other."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.compare.beginning import begin_alike, said_of_beginning
from explorer.compare.matching.at_step import Kind, UnitPairs
from explorer.compare.matching.matcher import UnitMatcher
from explorer.compare.pair import ANCHORS, Anchors, RunPair
from explorer.compare.side import CHANNELS, Side
from explorer.derived.pairs.time_alignment import Alignment
from explorer.plots import style
from explorer.widgets.time.pair_transport import PairTransport, path_of

logger = logging.getLogger(__name__)

CHANNEL = "pair"
CARRIED = ["layer", "unit", "probe", "target", "tab", "axis"]
# In the address: colours of each run by itself.
OWN_COLOURS = "own"
MATCHED: dict[str, Kind] = {"step": "step", "last": "last", "tracked": "tracked"}
# How units are put together at first, by whether the networks begin with other weights. One
# matching for all steps: what moves with the slider is then change, and not another unit.
USUAL = {
    False: {"units": "number", "matching": "step"},
    True: {"units": "matched", "matching": "last"},
}


class Comparison:
    """Two sessions side by side, led by one clock.

    Parameters
    ----------
    pair : RunPair
        The runs.
    query : mapping
        Parameters of the page's address.

    Attributes
    ----------
    first, second : Side
        The runs' sessions.
    units : UnitMatcher
        Which unit of B stands for which of A.
    alignment : Alignment or None
        How they stand beside each other in time; None if one of them has recorded no step.
    mode : str
        Name of that way.
    alike : bool or None
        Whether both networks begin with the same weights; None: not known.
    warnings : list of str
        A sentence for each thing that could not be done as the address asks.
    """

    def __init__(self, pair: RunPair, query: Mapping[str, Any] | None = None) -> None:
        query = dict(query or {})
        self.pair = pair
        self.warnings: list[str] = _said_of_parts(pair)
        if not pair.first.run.part_names:
            query.pop("part", None)  # it is of B alone
        self.anchors = _anchors(query, self.warnings)
        self.mode, self.alignment = self._asked(str(query.get("align", "step")))
        self.alike = begin_alike(pair)
        usual = USUAL[self.alike is False]
        tied = query.get("colours") != OWN_COLOURS
        ours, theirs = pair.tied if tied else (pair.first, pair.second)
        self.first = Side(ours, 0, query)
        position = self._position(query)
        self.second = Side(theirs, 1, self._query_across(position))
        self.sides = (self.first, self.second)
        self.warnings += self.first.warnings
        self.transport = PairTransport(
            path=path_of(self.alignment),
            position=position,
            modes=pair.modes,
            mode=self.mode,
            note=self._said_of_time(),
            anchors=_flat(self.anchors),
            axis=self.first.selection.axis,
            tied=tied,
            families=self.first.selection.families,
            usual=usual,
            **_matching(query, usual, self.warnings),
            channel=CHANNEL,
            channels=list(CHANNELS),
            names=[side.data.run.name for side in self.sides],
            colours=list(style.RUNS),
            sizing_mode="stretch_width",
            margin=0,
        )
        self._carrying = False
        self.listeners: list[Any] = []
        self.units = UnitMatcher(
            pair,
            self._kind(),
            moment=lambda: (self.first.transport.resting, self.second.transport.resting),
            time=lambda: (self.alignment, self.key),
            changed=lambda: self._carry(0),
        )
        self._carry(0)
        self._watch()

    # -- time --------------------------------------------------------------------------------

    def index(self) -> int:
        """Position on the common axis of what is on screen."""
        if self.alignment is None:
            return 0
        ours, theirs = (side.transport.resting for side in self.sides)
        gaps = np.abs(self.alignment.first - ours) + np.abs(self.alignment.second - theirs)
        return int(gaps.argmin())

    @property
    def key(self) -> str:
        """Name of the way in which the runs stand beside each other."""
        points = ",".join(map(str, _flat(self.anchors))) if self.mode == ANCHORS else ""
        return f"{self.mode}|{points}"

    def _asked(self, mode: str) -> tuple[str, Alignment | None]:
        """Align as the address asks, else by step."""
        for wanted in dict.fromkeys([mode, "step"]):
            try:
                return wanted, self.pair.align(wanted, self.anchors)
            except ValueError as error:
                self.warnings.append(str(error))
        return "step", None

    def _align(self, mode: str, anchors: Anchors | None) -> None:
        """Put the runs beside each other in another way, if that is possible."""
        try:
            alignment = self.pair.align(mode, anchors)
        except ValueError as error:
            self.transport.param.update(
                mode=self.mode, anchors=_flat(self.anchors), note=str(error)
            )
            return
        if mode == ANCHORS and anchors is None:
            anchors = self.pair.ends()
        self.alignment, self.mode, self.anchors = alignment, mode, anchors
        self.transport.param.update(
            path=path_of(alignment), mode=mode, anchors=_flat(anchors), note=self._said_of_time()
        )
        self._update()

    def _said_of_time(self) -> str:
        """Say what the runs do not have in common in time."""
        return "" if self.alignment is None else self.pair.said_of(self.mode, self.alignment)

    def _on_anchors(self, values: list[Any]) -> None:
        if self.transport.mode != ANCHORS or values == _flat(self.anchors):
            return
        anchors = _paired(values)
        if anchors is None:
            self.transport.param.update(
                anchors=_flat(self.anchors),
                note="Four steps are needed: numbers, of A and B in turn.",
            )
        else:
            self._align(ANCHORS, anchors)

    def _position(self, query: Mapping[str, Any]) -> int:
        """Where the address, or else A's step, is on the common axis."""
        alignment = self.alignment
        if alignment is None:
            return 0
        if "step" not in query:
            return len(alignment) - 1
        ours = int(self.first.data.timeline.steps.searchsorted(self.first.selection.step))
        theirs = self.pair.second.timeline.steps
        try:
            asked = int(str(query["step_b"]))
        except (KeyError, ValueError):
            return alignment.position_of(ours, side="first")
        within = min(max(asked, int(theirs[0])), int(theirs[-1]))  # whatever an address says
        beside = int(np.abs(theirs - within).argmin())
        gaps = np.abs(alignment.first - ours) + np.abs(alignment.second - beside)
        return int(gaps.argmin())

    # -- from one run to the other -----------------------------------------------------------

    def _query_across(self, position: int) -> dict[str, Any]:
        """Parameters for B that say what those for A say."""
        chosen = self.first.selection
        across = {"tab": chosen.tab, "axis": chosen.axis}
        layer = self.pair.layers.to_second(chosen.layer)
        if layer is not None:
            across["layer"] = layer
        if self.alignment is not None:
            steps = self.pair.second.timeline.steps
            across["step"] = int(steps[self.alignment.second[position]])
        return across

    def _watch(self) -> None:
        for number, side in enumerate(self.sides):
            side.selection.param.watch(lambda *_, number=number: self._carry(number), CARRIED)
            side.transport.param.watch(lambda *_: self._on_rest(), "resting")
        self.transport.param.watch(lambda event: self._on_mode(event.new), "mode")
        self.transport.param.watch(lambda event: self._on_anchors(event.new), "anchors")
        self.transport.param.watch(lambda event: self._on_axis(event.new), "axis")
        self.transport.param.watch(lambda *_: self._on_units(), ["units", "matching"])

    def _on_mode(self, mode: str) -> None:
        if mode != self.mode:
            self._align(mode, self.anchors)

    def _on_rest(self) -> None:
        if self.units.kind in ("step", "tracked"):  # another unit may be the counterpart here
            self._carry(0)

    def _on_axis(self, axis: Any) -> None:
        self.first.selection.axis = axis

    def _carry(self, number: int) -> None:
        """Choose in the other run what was chosen in this one, as far as it has it."""
        if self._carrying:
            return
        self._carrying = True
        try:
            side, other = self.sides[number], self.sides[1 - number]
            choice, missing = self.across(number)
            try:
                other.selection.choose(**choice)
            except (ValueError, TypeError):
                logger.exception("Not in run %s: %s", other.letter, choice)
            other.say(missing)
            side.say("")
        finally:
            self._carrying = False
        self.transport.axis = self.first.selection.axis
        self._update()

    def across(self, number: int) -> tuple[dict[str, Any], str]:
        """Say what of one run's choice there is in the other.

        Parameters
        ----------
        number : {0, 1}
            The run where something was chosen.

        Returns
        -------
        choice : dict
            For the other run's selection; without what that run does not have.
        missing : str
            A sentence if it has no such layer.
        """
        side, other = self.sides[number], self.sides[1 - number]
        chosen = side.selection
        choice: dict[str, Any] = {"tab": chosen.tab, "axis": chosen.axis}
        layers, probes = self.pair.layers, self.pair.probes
        layer = (layers.to_first if number else layers.to_second)(chosen.layer)
        missing = ""
        if layer is not None:
            choice["layer"] = layer
            unit = self.unit_across(number, chosen.layer, chosen.unit)
            if unit is not None:
                choice["unit"] = unit
        elif chosen.layer:
            missing = (
                f"Run {other.letter} has nothing that corresponds to {chosen.layer} of run "
                f"{side.letter}."
            )
        probe = (probes.to_first if number else probes.to_second)(chosen.probe)
        if probe is not None:
            choice["probe"] = probe
        target = class_across(chosen.target, side.data.class_names, other.data.class_names)
        if target is not None:
            choice["target"] = target
        return choice, missing

    def unit_across(self, number: int, layer: str, unit: int) -> int | None:
        """Give the other run's unit that stands for one of this run; None if it has none.

        That of the same number, unless units are matched.
        """
        other = self.sides[1 - number]
        ours = self.pair.layers.to_first(layer) if number else layer
        beside = ours if number else self.pair.layers.to_second(layer)
        if ours is not None and self.units.is_known(ours):
            pairs = self.pairs_at(ours, self.index())
            return pairs.to_first(unit) if number else pairs.to_second(unit)
        return unit if unit < other.selection.unit_count(beside or "") else None

    # -- units -------------------------------------------------------------------------------

    def match(self, kind: Kind) -> None:
        """Let units stand for those of their number, or that they are matched with at a moment."""
        chosen = {"units": "number"} if kind == "number" else {"units": "matched", "matching": kind}
        self.transport.param.update(**chosen)

    def _kind(self) -> Kind:
        matched = self.transport.units == "matched"
        return MATCHED[self.transport.matching] if matched else "number"

    def _on_units(self) -> None:
        if self.units.kind != self._kind():
            self.units.kind = self._kind()
            self._carry(0)

    def pairs_at(self, layer: str, position: int) -> UnitPairs:
        """Pairs of units of a layer of A with those of its counterpart in B.

        By number, or matched in the chosen way. Cheap: while a layer is being matched in the
        background its units go by number, or stay as they were; then `listeners` are called.

        Parameters
        ----------
        layer : str
            Layer of A.
        position : int
            On the common axis.
        """
        return self.units.pairs_at(layer, position)

    def pairs_key(self, layer: str) -> str:
        """Give a name that changes whenever `pairs_at` returns something else for a layer."""
        return self.units.key(layer)

    def said_of_units(self) -> str:
        """Say which unit of B stands for that of A, and why."""
        chosen = self.first.selection
        said = self.units.sentence(chosen.layer, chosen.unit, self.index())
        return " ".join(filter(None, (said_of_beginning(self.alike), said)))

    def _update(self) -> None:
        for listener in self.listeners:
            listener()


def class_across(target: int, names: list[str], others: list[str]) -> int | None:
    """Give the number of a class of one run in another; None if that has none of its name."""
    if target < 0:
        return target
    name = names[target] if target < len(names) else None
    return others.index(name) if name in others else None


def _said_of_parts(pair: RunPair) -> list[str]:
    """Say that two runs of several models are not shown by the same part."""
    ours, theirs = (data.run.part for data in (pair.first, pair.second))
    if ours and theirs and ours != theirs:
        return [f"Run B has no part {ours!r}: its part {theirs!r} stands beside it."]
    return []


def _anchors(query: Mapping[str, Any], warnings: list[str]) -> Anchors | None:
    if "anchors" not in query:
        return None
    anchors = _paired(str(query["anchors"]).split(","))
    if anchors is None:
        warnings.append(
            f"anchors should be four steps, of A and B in turn, got {str(query['anchors'])!r}."
        )
    return anchors


def _matching(
    query: Mapping[str, Any], usual: Mapping[str, str], warnings: list[str]
) -> dict[str, str]:
    """Read how units are put together from an address; as usual where it does not say."""
    found = {}
    for name, known in (("units", ("number", "matched")), ("matching", tuple(MATCHED))):
        asked = str(query.get(name, usual[name]))
        if asked not in known:
            warnings.append(f"{name} should be one of {', '.join(known)}, got {asked!r}.")
        found[name] = asked if asked in known else usual[name]
    return found


def _paired(values: list[Any]) -> Anchors | None:
    try:
        a, b, c, d = (float(value) for value in values)
    except (TypeError, ValueError):
        return None
    return (a, b), (c, d)


def _flat(anchors: Anchors | None) -> list[float]:
    return [step for point in anchors or () for step in point]

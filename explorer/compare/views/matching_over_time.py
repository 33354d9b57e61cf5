"""How well units are matched over time, how long pairs last, and one unit's counterparts."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.compare.matching.at_step import answers_counted, basis, why_no_chance, why_not
from explorer.compare.matching.over_time import Tracked, most_positions, track
from explorer.compare.matching.signs import signs_are_free_in_both
from explorer.compare.views.base import PairView, register
from explorer.data.absence import Absence, Nothing
from explorer.plots.overlays import Line, overlay
from explorer.plots.partners import partners_over_time
from explorer.plots.style import BESIDE_RUNS, NEUTRAL
from explorer.views.base import Scene, figure_pane, plot_pane
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.beside import below, beside, scrolled
from explorer.widgets.page.text import paragraph, text_pane
from store import Layer

Array = npt.NDArray[Any]

HEIGHT = 230
LIST_HEIGHT = 200
SCORES = {"answers": "correlation", "weights": "cosine"}


@register
class MatchingOverTime(PairView):
    """Curves of a layer's matching, and the partners of the selected unit of A."""

    title = "How units go together over time"
    region = "layer"
    order = 3
    width = 12
    aligned = True
    depends = ("layer",)
    follows = ("unit",)

    def serves(self, layer: Layer) -> bool:
        return layer.kind != "input"

    def requirement(self, scene: Scene) -> Absence | None:
        missing = super().requirement(scene)
        if missing is not None:
            return missing
        layer = scene.selected.layer
        said = why_not(self.pair, layer, self.pair.layers.to_second(layer))
        return None if said is None else Nothing(said)

    def caption(self, scene: Scene) -> str:
        layer, second = self._layers(scene)
        by = basis(self.pair, layer, second)
        how = answers_counted(self.pair, layer) if by == "answers" else "weights, layer by layer"
        left_out = ""
        if most_positions(self.pair, layer, second) < len(self.alignment):
            left_out = " Of this large layer some moments are left out."
        chance = why_no_chance(self.pair, layer, second) or (
            "By chance: the same with the probes of B shuffled, a hundred times; pairs less alike "
            "than 95 % of those are struck out, they are no counterparts. What the "
            "inputs themselves bring about is beyond it: see untrained networks, at step 0."
        )
        signs = ""
        if signs_are_free_in_both(self.pair, layer, second):
            signs = " Signs do not count: the negative of a unit would serve what follows as well."
        return (
            f"Units of {layer} are matched at every moment anew, one to one, by their {how}.{signs}"
            f" Left: mean {SCORES[by]} of the pairs, the share of them that were pairs just "
            "before, the share of the last moment's pairs that are pairs already, and the share of "
            f"A's units that have a counterpart. {chance} Right: which unit of B stands for unit "
            f"{scene.selected.unit} of A; a click on either goes there. Below: all pairs at the "
            "moment on screen, those struck out as well (below chance)."
            f"{left_out}"
        )

    def compute(self, scene: Scene) -> Tracked | Nothing:
        found = track(self.pair, *self._layers(scene), self.alignment)
        if (found.kept >= 0).any():
            return found
        than = " more like it than by chance" if (found.partners >= 0).any() else ""
        return Nothing(f"No unit of A has a counterpart in B{than} at any moment.")

    def draw(self, scene: Scene, computed: Tracked) -> Any:
        places = self.positions[computed.positions]
        by = SCORES[basis(self.pair, *self._layers(scene))]
        lines = [
            Line(f"mean {by}", places, computed.mean, BESIDE_RUNS[0]),
            Line("pairs that stay", places, computed.stability, BESIDE_RUNS[1]),
            Line("last pairs", places, computed.settled, BESIDE_RUNS[3]),
            Line("units in pairs", places, computed.paired, BESIDE_RUNS[2]),
        ]
        if len(computed.chance.positions):
            at = self.positions[computed.chance.positions]
            lines.insert(1, Line(f"mean {by} by chance", at, computed.chance.means, NEUTRAL, True))
        curves = overlay(
            lines,
            y_label=f"share, {by}",
            y_range=(-0.05, 1.05),
            cursor=self.positions,
            height=HEIGHT,
            **self.time_options(scene),
        )
        body = MatchingPane(self, scene, computed, plot_pane(curves))
        body.append(self._listed(scene, computed))
        return body

    def _listed(self, scene: Scene, tracked: Tracked) -> Any:
        """List who stands for whom at the moment on screen, and against what."""
        layer, second = self._layers(scene)
        listing = StepTable(
            lambda position: pair_rows(tracked, position),
            len(self.alignment),
            key=f"{self.pair.key}|pairs|{layer}|{second}|{self.comparison.key}",
            columns=[
                "unit of A",
                "unit of B",
                SCORES[basis(self.pair, layer, second)],
                "95 % of chance",
                "against chance",
            ],
            numeric=[0, 2, 3],
            label=f"Pairs of units of {layer}",
            channel=scene.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        return scrolled(listing, LIST_HEIGHT)

    def follow(self, scene: Scene, body: Any) -> None:
        body.show_unit(scene)

    def partners(self, scene: Scene, tracked: Tracked) -> hv.Overlay:
        """Draw the counterparts of the selected unit of A."""
        layer, second = self._layers(scene)
        unit = min(scene.selected.unit, tracked.kept.shape[1] - 1)
        return partners_over_time(
            tracked.kept[:, unit],
            np.abs(tracked.scores[:, unit]),
            positions=self.positions[tracked.positions],
            others=tracked.others,
            y_label=f"unit of B in place of unit {unit}",
            score_label=SCORES[basis(self.pair, layer, second)],
            cursor=self.positions,
            height=HEIGHT,
            **self.time_options(scene),
        )

    def _layers(self, scene: Scene) -> tuple[str, str]:
        layer = scene.selected.layer
        return layer, self.pair.layers.to_second(layer) or ""


class MatchingPane(pn.Column):
    """Curves of the layer, and beside them the partners of one unit.

    Parameters
    ----------
    view : MatchingOverTime
        Draws them.
    scene : Scene
        The selection.
    tracked : Tracked
        What is drawn.
    curves : Viewable
        Of the layer.
    """

    def __init__(self, view: MatchingOverTime, scene: Scene, tracked: Tracked, curves: Any) -> None:
        self._view, self._tracked = view, tracked
        self._unit = scene.selected.unit
        self.partners = figure_pane(view.partners(scene, tracked))
        self._settle()
        self._said = text_pane(said_of_partners(tracked, self._unit))
        super().__init__(
            below(beside(curves, self.partners), self._said, gap=4),
            sizing_mode="stretch_width",
            margin=0,
        )

    def show_unit(self, scene: Scene) -> None:
        """Show the partners of another unit."""
        if scene.selected.unit != self._unit:
            self._unit = scene.selected.unit
            self.partners.object = self._view.partners(scene, self._tracked)
            self._settle()
            self._said.object = paragraph(said_of_partners(self._tracked, self._unit))

    def _settle(self) -> None:
        """Leave out the picture of a unit that never has a counterpart: the sentence says so."""
        self.partners.visible = bool((partners_of(self._tracked, self._unit) >= 0).any())


def partners_of(tracked: Tracked, unit: int) -> Array:
    """Give the counterparts of a unit of A: (moment,), below 0 for none."""
    return np.asarray(tracked.kept[:, min(unit, tracked.kept.shape[1] - 1)])


def pair_rows(tracked: Tracked, position: int) -> dict[str, Any]:
    """List each unit of A with the best of B at a position, also those that are struck out.

    Returns
    -------
    dict
        ``rows``: unit of A; of B, with a minus where its negative is alike; their likeness; the
        likeness that 95 % of pairs by chance do not reach, empty where it is not known; on which
        side of it they are. ``chooses``: the unit of A.
    """
    at = tracked.kept_at(position)
    bound = float(tracked.chance.bounds(tracked.positions[[at]])[0])
    rows = []
    for unit, (partner, score) in enumerate(
        zip(tracked.partners[at].tolist(), tracked.scores[at].tolist(), strict=True)
    ):
        sign = "\N{MINUS SIGN}" if score < 0 else ""
        name, against = f"{sign}{partner}", "not known"
        if partner < 0:
            name, against = "none", "no counterpart"
        elif not np.isnan(bound):
            against = "above" if tracked.kept[at, unit] >= 0 else "below, struck out"
        rows.append([str(unit), name, _two_digits(score), _two_digits(bound), against])
    return {"rows": rows, "chooses": [{"unit": unit} for unit in range(len(rows))]}


def _two_digits(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2f}"


def said_of_partners(tracked: Tracked, unit: int) -> str:
    """Say how many partners a unit of A has had, and since when it has the last one.

    Parameters
    ----------
    tracked : Tracked
        Matchings over time.
    unit : int
        Unit of A.
    """
    partners = partners_of(tracked, unit)
    known = partners[partners >= 0]
    if not len(known):
        return f"Unit {unit} of A has no counterpart at any moment.{tracked.remark}"
    several = len(np.unique(known))
    last = f"unit {partners[-1]} of B" if partners[-1] >= 0 else "none"
    changes = np.flatnonzero(np.diff(partners)) + 1
    held = len(partners) - (int(changes[-1]) if len(changes) else 0)
    names = "one partner" if several == 1 else f"{several} partners"
    return (
        f"Unit {unit} of A has had {names}, the last is {last}, for the last {held} of "
        f"{len(partners)} moments.{tracked.remark}"
    )

"""Select words; find the units that are on there alone, and other words where these are on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import panel as pn

from explorer.data.absence import Absence, Nothing
from explorer.data.recurrent import RecurrentLayer, limits_of
from explorer.data.run import RunData
from explorer.derived.recurrent.equations import States
from explorer.derived.recurrent.spans import (
    similar_spans,
    thresholds_for,
    unit_scores,
    usual_strength,
)
from explorer.derived.texts.words import Text, marked
from explorer.derived.time.frames import Limits
from explorer.plots.curves import metric_curves
from explorer.plots.ranks import Findings, findings
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.views.awaited import Awaited
from explorer.views.base import Scene, View, plot_pane
from explorer.views.parts import heading
from explorer.views.registry import register
from explorer.views.requirements import needs_states
from explorer.views.room import MOST_TOKENS
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from explorer.widgets.page.beside import below, beside

Array = npt.NDArray[Any]
Span = tuple[int, int]
Rows = Callable[[int], dict[str, Any]]

MOST_UNITS, MOST_PLACES, MOST_CURVES = 8, 6, 5
CURVES_HEIGHT = 250
# Of a long stretch of words its ends are shown.
MOST_WORDS = 10
# Units that must be on together elsewhere.
TOGETHER = 3
# Multiplications that give the states of all probes while somebody waits: some 20 ms.
MOST_OPERATIONS = 2**28
SELECT = "Press on a word and drag over others to select them."
TOO_LARGE = "The layer is too large to search all probes at every step."
NO_PLACE = "There is no such place."
ALL_SELECTED = "Nothing is left to compare with: select fewer words."


@dataclass(frozen=True)
class RecurrentUnit:
    """A unit whose states are looked at.

    Attributes
    ----------
    way : str
        Direction in which it reads.
    number : int
        Its number within the direction.
    output : int
        The unit of the layer's output that it goes into.
    """

    way: str
    number: int
    output: int


@dataclass(frozen=True)
class Search:
    """What units do within a span of one probe, and everywhere else.

    Attributes
    ----------
    layer : RecurrentLayer
        The layer.
    probe : int
        The probe that has the span.
    texts : list of Text
        Words of every probe.
    units : list of RecurrentUnit
        The units of all directions.
    limits : Limits
        Ends of the colours of their states.
    """

    layer: RecurrentLayer
    probe: int
    texts: list[Text]
    units: list[RecurrentUnit]
    limits: Limits

    @classmethod
    def of(cls, layer: RecurrentLayer, probe: int) -> Search:
        """Prepare the texts; call it in the worker thread."""
        known = layer.data.run.probe
        assert known is not None
        units = [
            RecurrentUnit(way, number, int(output))
            for way in layer.directions
            for number, output in enumerate(layer.units(way))
        ]
        limits = [limits_of(layer, way, "hidden", probe) for way in layer.directions]
        layer.history(probe)
        return cls(layer, probe, [*map(layer.text, range(known.size))], units, limits[0])

    @property
    def text(self) -> Text:
        """Words of the probe."""
        return self.layer.text(self.probe)

    def default(self) -> Span:
        """Give the last third of the text, rounded up."""
        shown = self.text.shown
        return shown.stop + (shown.start - shown.stop) // 3, shown.stop

    def rated(self, index: int, span: Span) -> Findings:
        """Rate each unit at a recorded step."""
        return findings(_hidden(self.layer.states(index, self.probe))[0], span, self.text.counted)

    def history(self, span: Span) -> tuple[Array, Findings]:
        """Rate each unit at every step: AUC (step, unit), and at the end; in the worker thread."""
        sampling, values = self.layer.history(self.probe)
        hidden = np.concatenate([of["hidden"] for of in values.values()], axis=-1)
        auc = unit_scores(hidden, span, read=self.text.counted)
        known = np.flatnonzero(~np.isnan(auc).all(axis=1))
        last = known[-1] if len(known) else -1
        return sampling.spread(auc), findings(hidden[last], span, self.text.counted)

    def name(self, unit: RecurrentUnit) -> str:
        """Name a unit by its number, with its direction if both directions have that number."""
        is_shared = sum(unit.output == other.output for other in self.units) > 1
        return f"{unit.output}, {unit.way}" if is_shared else str(unit.output)

    def unit_rows(self, span: Span) -> Rows:
        """Make what lists the units of a recorded step."""

        def provide(index: int) -> dict[str, Any]:
            found = self.rated(index, span)
            best = found.ranked()[:MOST_UNITS]
            rows = [
                [
                    self.name(self.units[at]),
                    "higher" if found.is_high[at] else "lower",
                    f"{found.strength[at]:.2f}",
                    f"{found.within[at]:+.3f}",
                    f"{found.outside[at]:+.3f}",
                ]
                for at in best
            ]
            chooses: list[dict[str, Any]] = [{"unit": self.units[at].output} for at in best]
            if rows:
                rows.append(["best of any span", "", self.usual(index, span), "", ""])
                chooses.append({})
            return {"rows": rows, "chooses": chooses}

        return provide

    def usual(self, index: int, span: Span) -> str:
        """Say what the best unit reaches for other spans of as many words, at a recorded step."""
        counted = self.text.counted
        hidden = _hidden(self.layer.states(index, self.probe))[0]
        count = int(np.count_nonzero(counted[slice(*span)]))
        return f"{usual_strength(hidden, count, read=counted):.2f}"

    def place_rows(self, span: Span) -> Rows:
        """Make what lists the places where the best units of a recorded step are on together."""
        counted = np.stack([text.counted for text in self.texts])

        def provide(index: int) -> dict[str, Any]:
            rated = self.rated(index, span)
            best = rated.ranked()[:TOGETHER]
            # A unit whose states are lower within the span is on where they are low.
            signs = np.where(rated.is_high[best], 1, -1)
            states = _hidden(self.layer.states(index))[..., best] * signs
            own = _hidden(self.layer.states(index, self.probe))[0][..., best] * signs
            found = similar_spans(
                states,
                thresholds_for(own, span, read=self.text.counted),
                length=span[1] - span[0],
                read=counted,
                most=MOST_PLACES + 1,
            )
            rows, chooses = [], []
            for match in found:
                if match.probe == self.probe and match.start < span[1] and match.end > span[0]:
                    continue
                shown = _quoted(self.texts[match.probe], match.start, match.end)
                rows.append([str(match.probe), shown, f"{match.score:.2f}"])
                chooses.append({"probe": match.probe})
            return {"rows": rows[:MOST_PLACES], "chooses": chooses[:MOST_PLACES]}

        return provide


def _hidden(states: dict[str, States]) -> Array:
    """Hidden states of all directions side by side: (probe, token, unit)."""
    return np.concatenate([part.hidden for part in states.values()], axis=-1)


@register
class SpanSearch(View):
    """Words to select, the units that are on there alone, where else they are, and since when."""

    title = "Units that behave like these words"
    region = "layer"
    kinds = frozenset({"recurrent"})
    depends = ("layer", "probe", "axis")
    follows = ("unit",)
    order = 14
    width = 12

    def __init__(self) -> None:
        self._spans: dict[tuple[str, int], list[int]] = {}

    def applies(self, data: RunData) -> bool:
        return data.run.probe is None or data.run.probe.kind == "text"

    def requirement(self, scene: Scene) -> Absence | None:
        return needs_states(scene)

    def caption(self, scene: Scene) -> str:
        layer = RecurrentLayer(scene.data, scene.selected.layer)
        text = layer.text(scene.selected.probe)
        return (
            f"{SELECT} Units of {layer.name} are ranked by how well their state tells the "
            "selected words from the others: AUC, 1 if always, 0.5 for a unit that does not; below "
            "0.5 it is lower within, and 1 less that is shown. States change slowly, so some unit "
            "tells nearly any stretch: the last row is what the best unit reaches for spans of as "
            "many words anywhere in this text (median). The words have the colours of the chosen "
            "unit."
            f"{text.remark}{layer.limitation}"
        )

    def compute(self, scene: Scene) -> Search:
        return Search.of(RecurrentLayer(scene.data, scene.selected.layer), scene.selected.probe)

    def draw(self, scene: Scene, computed: Search) -> SpanPanel:
        key = scene.selected.layer, scene.selected.probe
        span = self._spans.get(key, [*computed.default()])

        def remember(span: list[int]) -> None:
            self._spans[key] = span

        return SpanPanel(scene, computed, span, remember)

    def follow(self, scene: Scene, body: Any) -> None:
        body.colour(scene.selected.unit)


class SpanPanel(pn.Column):
    """The words with their selection, and what was found for it.

    Parameters
    ----------
    scene : Scene
        Selection and time axis.
    search : Search
        Finds units and places.
    span : list of int
        Selected words at first; empty for none.
    remember : callable
        Hears of every other selection.
    """

    def __init__(
        self, scene: Scene, search: Search, span: list[int], remember: Callable[[list[int]], None]
    ) -> None:
        self._scene, self._search, self._remember = scene, search, remember
        text, limits = search.text, search.limits
        shown = slice(0, min(text.shown.stop, text.shown.start + MOST_TOKENS))
        self._tokens = shown
        shared: dict[str, Any] = {
            "channel": scene.channel,
            "sizing_mode": "stretch_width",
            "margin": 0,
        }
        self._strip = TokenStrip(
            tokens=text.words[shown],
            palette=palette_bytes(DIVERGING if limits.signed else SEQUENTIAL),
            low=limits.low,
            high=limits.high,
            signed=limits.signed,
            padding=text.padding[shown],
            separator=text.separator,
            value_name="state",
            selectable=True,
            span=span,
            label=f"Words of probe {search.probe}, to be selected",
            **shared,
        )
        count = len(scene.data.run)
        self._units = StepTable(
            lambda _: {},
            count,
            columns=["unit", "within it is", "AUC", "mean within", "outside"],
            numeric=[2, 3, 4],
            rows=min(MOST_UNITS, len(search.units)) + 1,
            label="Units that tell the selected words from the others",
            **shared,
        )
        self._places = StepTable(
            lambda _: {},
            count,
            columns=["probe", "text", "score"],
            numeric=[2],
            rows=MOST_PLACES,
            label="Other places where these units are on",
            **shared,
        )
        self._curves = Awaited(scene.data, 1, channel=scene.channel, min_height=CURVES_HEIGHT)
        self.colour(scene.selected.unit)
        super().__init__(
            self._strip,
            beside(
                below(heading("Units at this step; click one to choose it"), self._units),
                below(heading(f"AUC of the {MOST_CURVES} that are best at the end"), self._curves),
                shares=(4, 5),
            ),
            below(
                heading(
                    f"Other places where the {TOGETHER} best of this step are on together, with "
                    "the words next to them off (score 1); click one to choose its probe"
                ),
                self._places,
            ),
            sizing_mode="stretch_width",
            margin=0,
            styles={"gap": "14px"},
        )
        self._find(span)
        self._strip.param.watch(lambda event: self._on_span(event.new), "span")

    def colour(self, unit: int) -> None:
        """Give the words the colours of a unit."""
        search = self._search
        sampling, values = search.layer.history(search.probe)
        homes = search.layer.homes(unit) or [(search.layer.directions[0], 0)]
        rows = [values[way]["hidden"][:, self._tokens, number] for way, number in homes]
        names = [f"unit {unit}" if len(homes) < 2 else f"unit {unit}, {way}" for way, _ in homes]
        self._strip.param.update(values=sampling.spread(np.stack(rows, axis=1)), rows=names)

    def _on_span(self, span: list[int]) -> None:
        self._remember(span)
        self._find(span)

    def _find(self, span: Sequence[int]) -> None:
        """Search for what is selected."""
        scene, search = self._scene, self._search
        key = f"{scene.data.run.id}|{search.layer.name}|{search.probe}|span {list(span)}"
        if not span:
            for table in (self._units, self._places):
                table.change(key, lambda _: {}, empty=SELECT)
            self._curves.put(None, Nothing(SELECT), self._drawn)
            return
        chosen = (int(span[0]), int(span[1]))
        self._units.change(f"{key}|units", search.unit_rows(chosen), empty=ALL_SELECTED)
        is_large = search.layer.fault is None and search.layer.operations > MOST_OPERATIONS
        self._places.change(
            f"{key}|places",
            (lambda _: {}) if is_large else search.place_rows(chosen),
            empty=TOO_LARGE if is_large else NO_PLACE,
        )
        self._curves.want(chosen, lambda: self._computed(chosen), self._drawn)

    def _computed(self, span: Span) -> tuple[Array, Findings] | Nothing:
        found = self._search.history(span)
        return found if len(found[1].ranked()) else Nothing(ALL_SELECTED)

    def _drawn(self, found: tuple[Array, Findings]) -> Any:
        auc, at_end = found
        scene, search, series = self._scene, self._search, {}
        for at in at_end.ranked()[:MOST_CURVES]:
            name = f"unit {search.name(search.units[at])}"
            if at_end.is_high[at]:
                series[name] = scene.positions, auc[:, at]
            else:
                series[f"{name} (lower)"] = scene.positions, 1 - auc[:, at]
        return plot_pane(
            metric_curves(
                series,
                y_label="AUC",
                cursor=scene.positions,
                y_range=(0.0, 1.05),
                height=CURVES_HEIGHT,
                **scene.time_options(),
            )
        )


def _quoted(text: Text, start: int, end: int) -> str:
    """Mark a stretch of a text, without its middle if it is long."""
    first, words = text.shown.start, text.labels
    start, end = max(0, start - first), min(end - first, len(words))
    if end - start > MOST_WORDS:
        half = MOST_WORDS // 2
        words = [*words[: start + half], "…", *words[end - half :]]
        end = start + 2 * half + 1
    return marked(words, start, end, text.separator)

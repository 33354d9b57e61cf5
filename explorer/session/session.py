"""One visitor's session: the selection, the widgets and cards that follow it, and their places."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, get_args

import numpy as np
import panel as pn

from explorer.cards.absence_notice import AbsenceNotice, share_row
from explorer.cards.card import Card, card_head, framed
from explorer.data.layer_quantities import LAYER_QUANTITIES
from explorer.data.run import RunData
from explorer.derived.predictions.verdicts import Verdicts
from explorer.plots import style
from explorer.selection import TABS, SelectionKey, Tab, select_in
from explorer.session.happened import Happened, tabs_of_cards
from explorer.views.base import Region
from explorer.views.registry import views
from explorer.widgets.charts.probability_bars import ProbabilityBars
from explorer.widgets.markup import render
from explorer.widgets.page.beside import COLUMNS, columns
from explorer.widgets.page.layer_graph import LayerGraph
from explorer.widgets.page.probe_picker import ProbePicker
from explorer.widgets.page.tabs import Tabs
from explorer.widgets.page.text import paragraph, text_pane
from explorer.widgets.time.clock_sync import ClockSync
from explorer.widgets.time.transport import Transport
from explorer.worker import in_worker

logger = logging.getLogger(__name__)

T = TypeVar("T")

GAP_PX = 14
# How long the page waits for the pictures of its first screen: those that come with the page are
# shown sooner than those that are added to it.
FIRST_SCREEN_S = 0.6
# Panel appends this empty button to each column, where it would take up a gap.
NO_SCROLL_BUTTON = ".scroll-button { display: none; }"
TAB_TITLES: dict[Tab, str] = {
    "layers": "Layers",
    "learning": "What was learned",
    "training": "How it trained",
}
# The tab of each region; the views of the whole run stand above the tabs.
TAB_OF: dict[Region, Tab] = {
    "joint": "layers",
    "stage": "layers",
    "layer": "layers",
    "learning": "learning",
    "training": "training",
}


class Explorer:
    """The session of one visitor: a selection, and the widgets and cards that follow it.

    Parameters
    ----------
    data : RunData
        The run, shared with other sessions.
    query : mapping, optional
        Parameters of the page's address, by name.

    Attributes
    ----------
    channel : str
        Name of the page's clock that all widgets follow.
    tabs : tuple of Tab
        Groups of views.
    eager : tuple of Region
        Regions that are drawn at once; the cards of others are drawn when they come into view.
    tab_of : mapping of Region to Tab
        The tab of each region; regions that are not in it stand above the tabs.
    """

    channel: str = style.CHANNEL
    tabs: ClassVar[tuple[Tab, ...]] = TABS
    eager: ClassVar[tuple[Region, ...]] = ("run", "joint", "stage")
    tab_of: ClassVar[Mapping[Region, Tab]] = TAB_OF

    def __init__(self, data: RunData, query: Mapping[str, Any] | None = None) -> None:
        style.register()
        self.data = data
        self.selection, self.warnings = select_in(data.run, query or {}, self.tabs)
        self.transport = self._transport()
        # The graph has sequential colours, which cannot show signed quantities.
        coloured = {
            name: each.name_in(data) for name, each in LAYER_QUANTITIES.items() if not each.signed
        }
        self.graph = LayerGraph.of(
            data.run.layers,
            quantities=coloured if len(data.run) else {},
            palette=style.palette_bytes(style.SEQUENTIAL),
            channel=self.channel,
            sizing_mode="stretch_both",
        )
        self.picker, self.bars = self._probe_widgets()
        self.cards = {region: self._cards(region) for region in get_args(Region)}
        self.absent = {tab: AbsenceNotice.of(tab, self.cards, self.tab_of) for tab in TAB_TITLES}
        self.heading = pn.pane.HTML(margin=0, sizing_mode="stretch_width")
        self.happened = Happened(tabs_of_cards(self.tab_of), self.channel, mark=self._mark)
        self.body = self._layout()
        self._watch()
        self._update(deadline=time.monotonic() + FIRST_SCREEN_S)
        self._judge()
        self.happened.adopt(data)

    # -- a run that grows --------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether a picture is being computed."""
        return any(card.head.busy for cards in self.cards.values() for card in cards)

    def adopt(self, data: RunData) -> None:
        """Show a newer reading of the run, which has the same layers and other steps."""
        self.data = data
        timeline = data.timeline
        self.transport.param.update(
            steps=timeline.steps.astype(np.float64),
            epochs=timeline.epochs,
            wall_times=timeline.wall_times,
            ending=data.has_ending,
            jumps=data.jumps,
        )
        self._update_bars()
        self._judge()
        self.happened.adopt(data)
        self._colour_graph(self.graph.quantity)
        for cards in self.cards.values():
            for card in cards:
                card.renew(data)
        for absent in self.absent.values():
            absent.update()

    # -- following the selection -------------------------------------------------------------

    def _watch(self) -> None:
        self.transport.param.watch(self._on_rest, "resting")
        self.transport.param.watch(lambda event: self._set(axis=event.new), "axis")
        self.transport.param.watch(lambda event: self._set(**event.new), "choice")
        self.graph.param.watch(lambda event: self._colour_graph(event.new), "quantity")
        self.selection.param.watch(
            lambda *_: self._update(), ["layer", "unit", "probe", "target", "axis", "tab"]
        )

    def _on_rest(self, event: Any) -> None:
        steps = self.data.timeline.steps
        if len(steps):
            index = min(max(0, int(event.new)), len(steps) - 1)
            self.selection.step = int(steps[index])
        self.transport.ack += 1

    def _set(self, **chosen: Any) -> None:
        """Select what a widget has chosen; the widget is reset if the run does not have it."""
        with pn.io.hold():  # in one message, since a tab has dozens of cards
            try:
                self.selection.choose(**chosen)
            except (ValueError, TypeError):
                logger.warning("Not in this run: %s", chosen)
            self._mirror()

    def _mirror(self) -> None:
        """Send the selection to the browser."""
        self.transport.param.update(axis=self.selection.axis, choice=self.selection.choice())

    def _update(self, deadline: float = 0.0) -> None:
        self._mirror()
        self._update_bars()
        self.heading.object = self.layer_heading()
        chosen = self.selection.tab
        for tab, panel in self.panels.items():
            panel.visible = tab == chosen
        for region, cards in self.cards.items():
            if self.tab_of.get(region, chosen) == chosen:
                for card in cards:
                    card.update(deadline)
        self._settle_row()
        if chosen in self.absent:
            self.absent[chosen].update()

    def _settle_row(self) -> None:
        share_row(self.cards["run"])

    def _cards(self, region: Region) -> list[Card]:
        lazy = region not in self.eager
        return [
            Card(view, self.data, self.channel, self._current, lazy=lazy) for view in views(region)
        ]

    def _index(self) -> int:
        steps = self.data.timeline.steps
        return int(steps.searchsorted(self.selection.step)) if len(steps) else 0

    def _current(self) -> tuple[SelectionKey, int]:
        return self.selection.key(), style.ClockIndex(self._index(), self.channel)

    # -- parts -------------------------------------------------------------------------------

    def _transport(self) -> ClockSync:
        return Transport(**self.clocks(), sizing_mode="stretch_width", margin=0)

    def clocks(self) -> dict[str, Any]:
        """Parameters of the widget that serves the run's clock."""
        timeline = self.data.timeline
        return {
            "steps": timeline.steps.astype(np.float64),  # as JavaScript's numbers, exact up to 2⁵³
            "epochs": timeline.epochs,
            "wall_times": timeline.wall_times,
            "ending": self.data.has_ending,
            "jumps": self.data.jumps,
            "axis": self.selection.axis,
            "resting": self._index(),
            "choice": self.selection.choice(),
            "families": self.selection.families,
            "channel": self.channel,
        }

    def _probe_widgets(self) -> tuple[ProbePicker | None, ProbabilityBars | None]:
        probe = self.data.run.probe
        if probe is None:
            return None, None
        picker = ProbePicker.of(
            probe,
            class_names=self.data.class_names,
            channel=self.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        if self.data.reading is None:
            return picker, None
        bars = ProbabilityBars(
            class_names=self.data.class_names,
            colours=[style.class_colour(number) for number in range(len(self.data.class_names))],
            channel=self.channel,
            sizing_mode="stretch_width",
            margin=0,
        )
        return picker, bars

    def _update_bars(self) -> None:
        if self.bars is None:
            return
        probe, labels = self.selection.probe, self.data.class_labels
        self.bars.param.update(
            values=self.data.probabilities(probe),
            truth=-1 if labels is None else int(labels[probe]),
        )

    def _judge(self) -> None:
        """Mark the probes right or wrong, once the worker has read all of their predictions."""
        picker = self.picker
        if picker is None or self.bars is None:
            return

        def show(verdicts: Verdicts | None) -> None:
            if verdicts is not None:
                picker.param.update(predicted=verdicts.predicted, correct=verdicts.marks)

        self._in_worker("The predictions cannot be read", self.data.verdicts, show)

    def _mark(self, marks: list[tuple[int, str]]) -> None:
        """Mark on the slider where something happened."""
        self.transport.marks = marks

    def _colour_graph(self, name: str) -> None:
        """Colour the graph's boxes by a quantity, once the worker has computed it."""
        graph = self.graph
        graph.values = None
        quantity = LAYER_QUANTITIES.get(name)
        if quantity is None:
            return

        def is_wanted() -> bool:
            return bool(graph.quantity == name)

        def show(values: Any) -> None:
            if is_wanted():
                graph.param.update(values=values, logarithmic=quantity.logarithmic)

        fault = f"The quantity {name!r} cannot be computed"
        self._in_worker(fault, lambda: quantity.of_layers(self.data), show, is_wanted)

    def _in_worker(
        self,
        fault: str,
        compute: Callable[[], T],
        show: Callable[[T | None], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Compute in the worker, then show the result: None if it failed, with `fault` logged."""

        def guarded() -> T | None:
            try:
                return compute()
            except Exception:
                logger.exception(fault)
                return None

        in_worker(self.data, guarded, show, wanted=wanted)

    def layer_heading(self) -> str:
        """Say what the selected layer is, in HTML."""
        layers = self.data.run.layers
        if self.selection.layer not in layers:
            return paragraph("This run has no layers.", "sentence")
        layer = layers[self.selection.layer]
        facts = [layer.class_name]
        if layer.output_shape:
            facts.append("output " + " × ".join(str(size) for size in layer.output_shape))
        if layer.parameters:
            facts.append(f"{layer.parameters:,} parameters")
        if layer.inbound:
            facts.append("from " + ", ".join(layer.inbound))
        return render(
            "layer_heading.html",
            name=layer.name,
            colour=style.KIND_COLOURS[layer.kind],
            facts=facts,
            **self._marks(),
        )

    def _marks(self) -> dict[str, str]:
        """Give what the heading says besides: beside another run, which one this is."""
        return {}

    def _layout(self) -> pn.Column:
        notices: list[Any] = []
        if self.warnings:
            notices.append(notice(" ".join(self.warnings)))
        if not len(self.data.run):
            notices.append(
                notice(
                    "No step has been recorded yet. If the training is still running, reload "
                    "this page in a moment."
                )
            )
        beside = self._probe_column()
        stage = stack([*self._panels_of("stage"), self.absent["layers"]], 8 if beside else 12)
        self.panels: dict[Tab, pn.Column] = {
            "layers": rows(
                *grid(self._panels_of("joint")),
                self.heading,
                *grid([stage, *([stack(beside, 4)] if beside else [])]),
                *grid(self._panels_of("layer")),
            ),
            "learning": rows(*grid(self._panels_of("learning")), self.absent["learning"]),
            "training": rows(*grid(self._panels_of("training")), self.absent["training"]),
        }
        tabs = Tabs(titles=TAB_TITLES, channel=self.channel, sizing_mode="stretch_width", margin=0)
        above = [self.happened.widget, *grid(self._panels_of("run"))]
        return rows(*notices, *above, tabs, *self.panels.values())

    def _panels_of(self, region: Region) -> list[Any]:
        return [card.panel for card in self.cards[region]]

    def _probe_column(self) -> list[Any]:
        column = []
        shared: dict[str, Any] = {"channel": self.channel, "source": self.data.run.name}
        if self.picker is not None:
            column.append(framed(card_head("Probe", **shared), self.picker, width=12))
        if self.bars is not None:
            caption = "Click a class to explain that one."
            head = card_head("The network says, at this step", caption=caption, **shared)
            column.append(framed(head, self.bars, width=12))
        return column


def notice(text: str) -> pn.pane.HTML:
    """Show a text above everything else on the page."""
    return text_pane(text, "notice", role="status")


def stack(panels: list[Any], width: int) -> pn.Column:
    """Put panels one below the other, `width` columns wide of the twelve that the page has."""
    return parts(panels, {"grid-column": columns(width), "min-width": "0"})


def rows(*panels: Any) -> pn.Column:
    """Put panels one below the other, over the whole width."""
    return parts(panels, {})


def grid(panels: list[Any]) -> list[pn.Column]:
    """Put panels into the page's columns. No panels give no part: an empty one would have a gap."""
    styles = {
        "display": "grid",
        "grid-template-columns": f"repeat({COLUMNS}, minmax(0, 1fr))",
        "grid-auto-flow": "dense",  # a narrow card fills the gap before a wide one
        "align-items": "stretch",
    }
    return [parts(panels, styles)] if panels else []


def parts(panels: Sequence[Any], styles: dict[str, str]) -> pn.Column:
    """Put panels one after the other, with the page's gaps and some CSS styles."""
    return pn.Column(
        *panels,
        sizing_mode="stretch_width",
        margin=0,
        styles={"gap": f"{GAP_PX}px", **styles},
        stylesheets=[NO_SCROLL_BUTTON],
    )

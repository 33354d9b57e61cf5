"""The explorer as a page: one session, and the server that makes one for each visitor."""

from __future__ import annotations

import html
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import panel as pn

from explorer.data import RunData
from explorer.derived.predictions import Verdicts
from explorer.plots import style
from explorer.state import Moment, select_in
from explorer.views.card import Card, framed, in_worker
from explorer.views.registry import views
from explorer.widgets.layer_graph import LayerGraph
from explorer.widgets.probability_bars import ProbabilityBars
from explorer.widgets.probe_picker import ProbePicker
from explorer.widgets.transport import Transport
from store import Run

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
DEFAULT_PORT = 5006
PORTS_TRIED = 20
TEMPLATES = Path(__file__).parent / "templates"
CHANNEL = "main"


class Explorer:
    """One session: the selection, and everything that follows it.

    Parameters
    ----------
    data : RunData
        The run, shared with other sessions.
    query : mapping
        Parameters of the page's address.
    """

    def __init__(self, data: RunData, query: Mapping[str, Any] | None = None) -> None:
        style.register()
        self.data = data
        self.selection, self.warnings = select_in(data.run, query or {})
        selection = self.selection
        timeline = data.timeline
        self.transport = Transport(
            steps=timeline.steps.astype(np.float64),  # the browser's numbers, exact up to 2⁵³
            epochs=timeline.epochs,
            wall_times=timeline.wall_times,
            axis=selection.axis,
            resting=self._index(),
            query=selection.to_query(),
            channel=CHANNEL,
            sizing_mode="stretch_width",
            height=54,
            margin=0,
        )
        self.graph = LayerGraph.of(
            data.run.layers, selected=selection.layer, channel=CHANNEL, sizing_mode="stretch_both"
        )
        self.picker, self.bars = self._probe_widgets()
        self.cards = [Card(view, data, CHANNEL, self._current) for view in views("run")]
        self.stage = [Card(view, data, CHANNEL, self._current) for view in views("stage")]
        self.layer_cards = [Card(view, data, CHANNEL, self._current) for view in views("layer")]
        self._heading = pn.pane.HTML(margin=0, sizing_mode="stretch_width")
        self.body = self._layout()
        self._watch()
        self._update()
        self._judge()

    # -- following the selection -------------------------------------------------------------

    def _watch(self) -> None:
        self.transport.param.watch(self._on_rest, "resting")
        self.transport.param.watch(lambda event: self._set(axis=event.new), "axis")
        self.graph.param.watch(lambda event: self._set(layer=event.new), "selected")
        if self.picker is not None:
            self.picker.param.watch(lambda event: self._set(probe=event.new), "selected")
        self.selection.param.watch(lambda *_: self._update(), ["layer", "probe", "axis"])

    def _on_rest(self, event: Any) -> None:
        steps = self.data.timeline.steps
        if len(steps):
            index = min(max(0, int(event.new)), len(steps) - 1)
            self.selection.step = int(steps[index])
        self.transport.ack += 1

    def _set(self, **chosen: Any) -> None:
        """Take over what a widget says; what the run does not have is put back."""
        try:
            self.selection.param.update(**chosen)
        except ValueError:
            logger.warning("Not in this run: %s", chosen)
            self._mirror()

    def _mirror(self) -> None:
        """Show the selection in the widgets that can change it."""
        self.graph.selected = self.selection.layer
        self.transport.axis = self.selection.axis
        self.transport.query = self.selection.to_query()
        if self.picker is not None:
            self.picker.selected = self.selection.probe

    def _update(self) -> None:
        self._mirror()
        self._update_bars()
        self._heading.object = self._layer_heading()
        for card in [*self.cards, *self.stage, *self.layer_cards]:
            card.update()

    def _index(self) -> int:
        steps = self.data.timeline.steps
        return int(steps.searchsorted(self.selection.step)) if len(steps) else 0

    def _current(self) -> tuple[Moment, int]:
        return self.selection.moment(), self._index()

    # -- parts -------------------------------------------------------------------------------

    def _probe_widgets(self) -> tuple[ProbePicker | None, ProbabilityBars | None]:
        probe = self.data.run.probe
        if probe is None:
            return None, None
        picker = ProbePicker.of(
            probe,
            selected=self.selection.probe,
            class_names=self.data.class_names,
            channel=CHANNEL,
            sizing_mode="stretch_width",
            margin=0,
        )
        if self.data.reading is None:
            return picker, None
        bars = ProbabilityBars(
            class_names=self.data.class_names,
            colours=[style.class_colour(number) for number in range(len(self.data.class_names))],
            channel=CHANNEL,
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
        """Mark the probes right or wrong, once all of their predictions have been read."""
        picker = self.picker
        if picker is None or self.bars is None:
            return

        def compute() -> Verdicts | None:
            try:
                return self.data.verdicts()
            except Exception:
                logger.exception("The predictions cannot be read")
                return None

        def show(verdicts: Verdicts | None) -> None:
            if verdicts is not None:
                picker.param.update(predicted=verdicts.predicted, correct=verdicts.marks)

        in_worker(self.data, compute, show)

    def _layer_heading(self) -> str:
        layers = self.data.run.layers
        if self.selection.layer not in layers:
            return "<p>This run has no layers.</p>"
        layer = layers[self.selection.layer]
        facts = [layer.class_name]
        if layer.output_shape:
            facts.append("output " + " × ".join(str(size) for size in layer.output_shape))
        if layer.parameters:
            facts.append(f"{layer.parameters:,} parameters")
        if layer.inbound:
            facts.append("from " + ", ".join(layer.inbound))
        colour = style.KIND_COLOURS[layer.kind]
        return (
            '<h2 style="margin:2px 0 10px;font-size:17px;font-weight:700">'
            f'<span style="display:inline-block;width:6px;height:16px;border-radius:3px;'
            f'margin-right:9px;vertical-align:-2px;background:{colour}"></span>'
            f"{html.escape(layer.name)}"
            '<span style="font-weight:400;font-size:13px;color:var(--tl-muted);margin-left:12px">'
            f"{html.escape(' · '.join(facts))}</span></h2>"
        )

    def _layout(self) -> pn.Column:
        rows: list[Any] = []
        if self.warnings:
            rows.append(_notice(" ".join(self.warnings)))
        if not len(self.data.run):
            rows.append(
                _notice(
                    "No step has been recorded yet. If the training is still running, reload "
                    "this page in a moment."
                )
            )
        stage = [card.panel for card in self.stage]
        beside = self._probe_column()
        rows += [
            _grid([card.panel for card in self.cards]),
            self._heading,
            _grid([_stack(stage, 8 if beside else 12), *([_stack(beside, 4)] if beside else [])]),
            _grid([card.panel for card in self.layer_cards]),
        ]
        return pn.Column(*rows, sizing_mode="stretch_width", margin=0)

    def _probe_column(self) -> list[Any]:
        column = []
        if self.picker is not None:
            column.append(framed("Probe", self.picker, width=12))
        if self.bars is not None:
            column.append(framed("The network says, at this step", self.bars, width=12))
        return column


def _notice(text: str) -> pn.pane.HTML:
    """Show a text above everything else: as text, since names in it may come from a stranger."""
    style = (
        "padding:8px 12px;border-radius:8px;border:1px solid var(--tl-line);"
        "background:var(--tl-chosen);color:var(--tl-text)"
    )
    return pn.pane.HTML(
        f'<div role="status" style="{style}">{html.escape(text)}</div>',
        margin=(0, 0, 14, 0),
        sizing_mode="stretch_width",
    )


def _stack(panels: list[Any], width: int) -> pn.Column:
    """Panels one below the other, as a number of columns out of twelve."""
    return pn.Column(
        *panels,
        sizing_mode="stretch_width",
        margin=0,
        styles={"grid-column": f"span {width}", "min-width": "0", "gap": "14px"},
    )


def _grid(panels: list[Any]) -> pn.Column:
    return pn.Column(
        *panels,
        sizing_mode="stretch_width",
        margin=0,
        styles={
            "display": "grid",
            "grid-template-columns": "repeat(12, minmax(0, 1fr))",
            "gap": "14px",
            "align-items": "stretch",
        },
    )


def page(
    data: RunData,
    query: Mapping[str, Any] | None = None,
    runs: Sequence[tuple[str, str]] = (),
    path: str = "/",
) -> pn.Template:
    """Page of a session.

    Parameters
    ----------
    data : RunData
        The run.
    query : mapping, optional
        Parameters of the page's address.
    runs : sequence of (path, name)
        Every run that the server shows, for the switch in the header.
    path : str
        Path of this page among them.
    """
    explorer = Explorer(data, query)
    run = data.run
    parameters = sum(layer.parameters for layer in run.layers.values())
    facts = [f"{len(run.layers)} layers", f"{parameters:,} parameters"]
    if len(run):
        facts.append(f"{len(run)} recorded steps ({run.steps[0]:,} to {run.steps[-1]:,})")
    if run.finished is None:
        facts.append("not finished")
    template = pn.Template((TEMPLATES / "page.html").read_text(encoding="utf-8"))
    template.add_panel("transport", explorer.transport)
    template.add_panel("graph", explorer.graph)
    template.add_panel("body", explorer.body)
    template.add_variable("run_name", run.name)
    template.add_variable("runs", list(runs))
    template.add_variable("path", path)
    template.add_variable("facts", " · ".join(facts))
    template.add_variable("css", (TEMPLATES / "page.css").read_text(encoding="utf-8"))
    template.add_variable("script", (TEMPLATES / "page.js").read_text(encoding="utf-8"))
    return template


def serve(
    runs: Sequence[Run],
    *,
    port: int | None = None,
    open_browser: bool = True,
    threaded: bool = False,
) -> Any:
    """Serve the explorer on this machine alone, until interrupted.

    Parameters
    ----------
    runs : sequence of Run
        The runs; the first is shown at ``/``, a switch in the header leads to the others.
    port : int, optional
        By default the first free one from `DEFAULT_PORT` on.
    open_browser : bool
        Open the page in the default browser.
    threaded : bool
        Return a running server thread instead of blocking.
    """
    style.register()
    pn.extension(disconnect_notification="The connection to the explorer was lost.")
    chosen = port if port is not None else free_port()
    paths = ["/", *(f"/run-{number}" for number in range(2, len(runs) + 1))]
    switch = [(path, run.name) for path, run in zip(paths, runs, strict=True)]
    routes = {
        path: _session(RunData(run), switch, path) for path, run in zip(paths, runs, strict=True)
    }
    return pn.serve(
        routes,
        port=chosen,
        address=HOST,
        websocket_origin=[f"{HOST}:{chosen}", f"localhost:{chosen}"],
        show=open_browser,
        threaded=threaded,
        title="Trainlapse",
        verbose=False,
    )


def _session(
    data: RunData, switch: Sequence[tuple[str, str]], path: str
) -> Callable[[], pn.Template]:
    """Make a factory of sessions: an object would be shared by all visitors."""

    def session() -> pn.Template:
        location = pn.state.location
        # As texts: Panel's own reading turns a layer called 1e3 into a number.
        query = parse_qsl(location.search.removeprefix("?")) if location else []
        return page(data, dict(query), switch, path)

    return session


def free_port(first: int = DEFAULT_PORT) -> int:
    """First port from `first` on that nobody listens to."""
    for port in range(first, first + PORTS_TRIED):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(
        f"Ports {first} to {first + PORTS_TRIED - 1} of {HOST} are all in use; pass --port."
    )

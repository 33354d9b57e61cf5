"""What happened, as the page shows it: findings with the moments that they lead to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from explorer.data.findings import findings_of, looked_at
from explorer.data.run import RunData
from explorer.derived.findings.finding import Finding
from explorer.selection import Tab
from explorer.session.tour import bookmark_at, describe
from explorer.views.base import Region
from explorer.views.registry import views
from explorer.widgets.page.what_happened import WhatHappened
from explorer.worker import in_worker

logger = logging.getLogger(__name__)

# Sentences that are shown: more are in ``trainlapse findings``.
MOST = 8


class Happened:
    """The sentences above the tabs of a page.

    Parameters
    ----------
    tabs : mapping of str to Tab
        The tab of each card, by its title.
    channel : str
        Name of the page's clock.
    find : callable, optional
        Takes the run, gives findings; called in its worker. By default those of the run itself.
    mark : callable, optional
        Takes where something happened: position of a recorded step, and the sentence.

    Attributes
    ----------
    widget : WhatHappened
        Empty until the run's worker has found something.
    """

    def __init__(
        self,
        tabs: Mapping[str, Tab],
        channel: str,
        *,
        find: Callable[[RunData], list[Finding]] = findings_of,
        mark: Callable[[list[tuple[int, str]]], None] = lambda _: None,
    ) -> None:
        self.widget = WhatHappened(channel=channel, sizing_mode="stretch_width", margin=0)
        self._tabs, self._find, self._mark = tabs, find, mark

    def adopt(self, data: RunData) -> None:
        """Find in a run, or anew in a newer reading of it. The page does not wait."""

        def find() -> list[Finding]:
            try:
                return self._find(data) if len(data.run) else []
            except Exception:
                logger.exception("What happened cannot be said")
                return []

        def show(found: Sequence[Finding]) -> None:
            told = [shown(data, each, self._tabs) for each in found[:MOST]]
            unusual = any(each.severity != "note" for each in found)
            quiet = "" if unusual or not found else f"Nothing unusual: looked at {looked_at(data)}."
            self.widget.param.update(findings=told, quiet=quiet)
            # Of its very end the slider needs no mark.
            last = len(data.run) - 1
            self._mark(
                [(at, each["sentence"]) for each in told if 0 <= (at := each["index"]) < last]
            )

        in_worker(data, find, show)


def shown(data: RunData, finding: Finding, tabs: Mapping[str, Tab]) -> dict[str, Any]:
    """Describe a finding for the widget."""
    steps = data.timeline.steps
    index = -1
    if finding.step is not None and len(steps):
        index = int(np.clip(steps.searchsorted(finding.step), 0, len(steps) - 1))
    choice = {
        "layer": finding.layer,
        "unit": finding.units[0] if finding.units else None,
        "probe": finding.probes[0] if finding.probes else None,
        "tab": tabs.get(finding.card or ""),
    }
    # As a moment is described: what the page does not have is left open.
    moment = describe(data, [bookmark_at(data, max(0, index), choice)])[0] if len(steps) else {}
    return {
        "severity": finding.severity,
        "sentence": finding.sentence,
        "run": finding.run or "",
        "remedy": finding.remedy or "",
        "index": index,
        "go": moment.get("go", {}),
        "view": finding.card or "",
    }


def tabs_of_cards(tab_of: Mapping[Region, Tab]) -> dict[str, Tab]:
    """Name the tab of every card: those above the tabs have none."""
    return {view.title: tab for region, tab in tab_of.items() for view in views(region)}

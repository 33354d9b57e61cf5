"""What happened, above the tabs: sentences, and where each leads."""

from __future__ import annotations

import dataclasses
from typing import Any

from explorer.data.findings import findings_of
from explorer.data.run import RunData
from explorer.derived.findings.finding import Finding
from explorer.session.happened import Happened, shown, tabs_of_cards
from explorer.session.session import TAB_OF, Explorer
from store.testing import image_run_spec

TABS = tabs_of_cards(TAB_OF)


def found(**given: Any) -> Finding:
    return Finding(**{"kind": "x", "severity": "fault", "sentence": "So it is."} | given)


def test_a_finding_leads_to_step_layer_unit_probe_and_card(image_data: RunData) -> None:
    finding = found(step=6, layer="conv1", units=(2, 1), probes=(4,), card="Confusion")
    said = shown(image_data, finding, TABS)
    assert said["go"] == {"layer": "conv1", "unit": 2, "probe": 4, "tab": "learning"}
    assert image_data.run.steps[said["index"]] == 10  # the first that shows it
    assert said["view"] == "Confusion"


def test_what_the_page_does_not_have_is_left_open(image_data: RunData) -> None:
    said = shown(image_data, found(layer="no such", units=(99,), probes=(99,)), TABS)
    assert said["go"] == {}
    assert said["index"] == -1


def test_the_page_says_what_was_found(recorded: Any) -> None:
    spec = dataclasses.replace(image_run_spec(), optimizer={"class": "Adam", "learning_rate": 9.0})
    data = recorded(spec)
    explorer = Explorer(data)
    said = [each["sentence"] for each in explorer.happened.widget.findings]
    assert said == [each.sentence for each in findings_of(data)][: len(said)]
    assert 1 <= len(said) <= 8


def test_the_slider_marks_where_something_happened(image_data: RunData) -> None:
    marks: list[tuple[int, str]] = []
    happened = Happened(
        TABS, "main", find=lambda _: [found(step=5), found(step=100)], mark=marks.extend
    )
    happened.adopt(image_data)
    assert marks == [(3, "So it is.")]


def test_silence_says_what_was_looked_at(image_data: RunData) -> None:
    happened = Happened(TABS, "main", find=lambda _: [found(severity="note")])
    happened.adopt(image_data)
    assert happened.widget.quiet.startswith("Nothing unusual: looked at the loss at 100 updates")
    assert "7 layers" in happened.widget.quiet or "6 probes" in happened.widget.quiet


def test_a_fault_in_what_finds_leaves_the_page(image_data: RunData, caplog: Any) -> None:
    def fail(_: RunData) -> list[Finding]:
        raise RuntimeError("broken")

    happened = Happened(TABS, "main", find=fail)
    happened.adopt(image_data)
    assert happened.widget.findings == []
    assert "What happened cannot be said" in caplog.text

"""Two runs between which there is little to see: a sentence each, or no card at all."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.compare.page import ComparisonPage
from explorer.compare.pair import RunPair
from explorer.compare.session import Comparison
from explorer.compare.views.base import pair_views
from explorer.data.absence import SAME_PROBE, Absence, Lack, Nothing, Unfit
from explorer.plots import style
from explorer.selection import SelectionKey
from explorer.views.base import Scene, drawn, fits
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import with_probe, without_probe
from tests.explorer.test_nothing import complaints

pytestmark = pytest.mark.slow

STEPS = (0, 1, 2)


@pytest.fixture
def said(recorded, monkeypatch):
    """What each card says in place of a picture, by title; None of one that shows something."""

    def read(first, second=None, *, steps=STEPS, change=None, layer="conv1"):
        if change is not None:
            monkeypatch.setattr(
                "store.testing.runs.frames_at",
                lambda spec, step: {
                    name: change(name, values, step)
                    for name, values in frames_at(spec, step).items()
                },
            )
        specs = first, first if second is None else second
        comparison = Comparison(RunPair(*(recorded(spec, steps=steps) for spec in specs)))
        scene = Scene(
            comparison.pair.first, SelectionKey(layer, 0, "step"), style.ClockIndex(0, "pair")
        )
        found, faults = {}, []
        for view in (*pair_views("above", comparison), *pair_views("differences", comparison)):
            if not fits(view, comparison.pair.first, layer):
                continue
            with np.errstate(all="ignore"):
                made = drawn(view, scene)
            found[view.title] = made if isinstance(made, Absence) else None
            if not isinstance(made, str):
                faults += [f"{view.title}: {text}" for text in complaints(made, len(steps))]
        assert not faults, "\n".join(faults)
        return found

    return read


def test_equal_runs_are_said_to_be_equal(said):
    found = said(image_run_spec())
    assert found["Examples in dispute"] == Nothing(
        "No probe in dispute: at every moment both runs get the same right."
    )
    assert found["How far answers are apart"] == Nothing(
        "Both networks give the same answers at every moment."
    )
    assert found["Settings that differ"] == Nothing("Every recorded setting is the same in both.")
    assert found["How far weights are apart"].startswith("They never part: at all 3 steps")
    assert found["Both runs in numbers"] is None


def test_runs_without_a_number_say_so(said):
    found = said(image_run_spec(), change=lambda _, values, __: values * np.nan)
    for title in (
        "How far answers are apart",
        "How far weights are apart",
        "How alike layers see, over time",
        "Layers of A and of B: how alike they see",
        "How units go together over time",
    ):
        assert isinstance(found[title], Nothing), title


def test_runs_whose_units_all_give_zero_say_so(said):
    found = said(image_run_spec(), change=lambda _, values, __: values * 0)
    assert isinstance(found["How units go together over time"], Nothing)


def test_what_other_recordings_would_have_is_a_lack(said):
    bare = said(without_probe())
    for title in (
        "Examples in dispute",
        "How far answers are apart",
        "How alike layers see, over time",
        "Layers of A and of B: how alike they see",
        "B \N{MINUS SIGN} A: what the layer says to the probe",
    ):
        assert isinstance(bare[title], Lack), title
    unlabelled = said(with_probe(labels=None))
    assert isinstance(unlabelled["Examples in dispute"], Lack)


def test_what_no_recording_would_have_is_no_card(said):
    found = said(with_probe(labels=np.linspace(0, 1, 6)))
    assert isinstance(found["Examples in dispute"], Unfit)
    assert isinstance(found["How far answers are apart"], Unfit)


def test_a_probe_that_only_one_run_has_asks_for_another_one(said):
    images = next(iter(image_run_spec().probe.inputs.values())).copy()
    images[0] += 1
    found = said(image_run_spec(), with_probe(inputs={"input": images}))
    title = "B \N{MINUS SIGN} A: what the layer says to the probe"
    assert found[title] == Nothing("B was not shown probe 0 of A. Choose one that both runs have.")


def test_the_page_says_once_what_both_lack(recorded):
    spec = without_probe()
    page = ComparisonPage(RunPair(recorded(spec, steps=STEPS), recorded(spec, steps=STEPS)))
    page.comparison.first.selection.choose(tab="differences")
    note = page._not_of_two
    assert note.visible
    assert note.object.count(SAME_PROBE) == note.object.count("<p ") == 1
    hidden = [card.view.title for card in page.cards if not card.panel.visible]
    assert "Examples in dispute" in hidden
    for side in page.comparison.sides:
        assert side.absent["layers"].styles == {"grid-column": side.half}

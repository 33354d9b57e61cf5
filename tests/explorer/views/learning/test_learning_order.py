"""Order of learning: the map, the order of its rows, and the lists beside it."""

from __future__ import annotations

import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_PROBE, Lack
from explorer.plots.verdicts import (
    MOST_ROWS,
    RIGHT_COLOUR,
    WRONG_COLOUR,
    blend,
    has_names,
    verdict_height,
    verdict_map,
)
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.learning.judged import NO_LABELS
from explorer.views.learning.learning_order import LearningOrder
from explorer.widgets.charts.step_table import StepTable
from store.testing import frames_at
from tests.explorer.conftest import with_probe, without_probe
from tests.explorer.drawing import drawn_by, payload_of
from tests.explorer.views.learning.test_confusion import EXAMPLES, evaluated

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
LABELS = np.array([0, 1, 2, 3, 0, 1])
# Which of the six probes is right at which of the eight steps.
MARKS = np.array(
    [
        [0, 0, 1, 1, 1, 1, 1, 1],  # since step 2
        [0, 1, 0, 1, 0, 1, 1, 1],  # since step 20, forgotten twice
        [0, 0, 0, 0, 0, 0, 0, 0],  # never
        [1, 1, 1, 1, 1, 1, 1, 1],  # always
        [1, 0, 0, 0, 0, 0, 0, 1],  # since step 100, forgotten once
        [0, 0, 0, 1, 1, 0, 0, 0],  # not at the end, forgotten once
    ]
)
ORDER = [3, 0, 1, 4, 5, 2]


def marked(spec, step):
    frames = frames_at(spec, step)
    said = np.where(MARKS[:, STEPS.index(step)], LABELS, (LABELS + 1) % 4)
    frames["layers/softmax/activation"][:] = np.eye(4)[said]
    return frames


def scene_of(data):
    return Scene(data, SelectionKey("dense", 0, "step"))


def drawn(data):
    return drawn_by(LearningOrder(), scene_of(data))


@pytest.fixture
def told(recorded, monkeypatch):
    monkeypatch.setattr("store.testing.runs.frames_at", marked)
    return recorded()


def test_rows_are_sorted_by_when_they_stay_right(told):
    (pane,) = drawn(told).select(pn.pane.HoloViews)
    for row, probe in enumerate(ORDER):
        for index, step in enumerate(STEPS):
            assert pane.object[step, 5 - row] == MARKS[probe, index]


def test_rows_are_named_by_class_and_number(told):
    (pane,) = drawn(told).select(pn.pane.HoloViews)
    names = [f"{['ant', 'bee', 'cat', 'dog'][LABELS[probe]]} #{probe}" for probe in ORDER]
    ticks = hv_option(pane.object, "yticks")
    assert [name for _, name in ticks] == names
    assert [place for place, _ in ticks] == [5, 4, 3, 2, 1, 0]


def hv_option(element, name):
    from holoviews import Store

    return Store.lookup_options("bokeh", element, "plot").kwargs[name]


def test_the_lists_say_when_what_was_learned_and_forgotten(told):
    totals, classes, forgotten = drawn(told).select(StepTable)
    assert payload_of(totals)["rows"] == [["4", "2", "3", "1"]]
    assert payload_of(classes)["rows"] == [
        ["dog", "1", "0", "0"],
        ["ant", "2", "100", "1"],  # 2 of 2 right: half of them is not 80 %
        ["bee", "2", "not at the end", "3"],
        ["cat", "1", "never right", "0"],
    ]
    listed = payload_of(forgotten)
    assert listed["rows"] == [
        ["1", "bee", "2", "20"],
        ["4", "ant", "1", "100"],
        ["5", "bee", "1", "not at the end"],
    ]
    assert listed["chooses"] == [{"probe": 1}, {"probe": 4}, {"probe": 5}]
    assert all(table.still for table in (totals, classes, forgotten))


def test_it_may_be_of_the_evaluation_set(recorded):
    spec = evaluated()
    panel = drawn(recorded(spec))
    totals, classes, forgotten = panel.select(StepTable)
    labels = np.arange(EXAMPLES) % 4
    right = np.stack(
        [frames_at(spec, step)["evaluation/prediction"].argmax(axis=1) == labels for step in STEPS]
    )
    (row,) = payload_of(totals)["rows"]
    assert row[0] == str(right[-1].sum())
    assert row[3] == str((~right.any(axis=0)).sum())
    events = (right[:-1] & ~right[1:]).sum(axis=0)
    listed = payload_of(forgotten)
    forgotten_often = [count for count in sorted(events, reverse=True) if count]
    assert [int(line[2]) for line in listed["rows"]] == forgotten_often
    assert listed["chooses"] == [{}] * len(forgotten_often)
    assert [line[1] for line in payload_of(classes)["rows"]] == ["10"] * 4
    caption = LearningOrder().caption(scene_of(recorded(spec, steps=(0, 1))))
    assert caption.startswith("Of 40 held-out examples: a row for each")
    assert "A forgetting event is a turn from right to wrong" in caption
    assert "a forgotten example has one at least" in caption


def test_nothing_forgotten_is_said(recorded, monkeypatch):
    def wrong(spec, step):
        frames = frames_at(spec, step)
        frames["layers/softmax/activation"][:] = np.eye(4)[(LABELS + (step < 10)) % 4]
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", wrong)
    _, classes, forgotten = drawn(recorded()).select(StepTable)
    assert payload_of(forgotten)["rows"] == []
    assert forgotten.empty == "No probe was forgotten between two recorded steps."
    assert {row[2] for row in payload_of(classes)["rows"]} == {"10"}


def test_lost_predictions_are_see_through(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = marked(spec, step)
        if step == 5:
            frames["layers/softmax/activation"][3] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    panel = drawn(recorded())
    (pane,) = panel.select(pn.pane.HoloViews)
    names = [name for _, name in hv_option(pane.object, "yticks")]
    row = 5 - names.index("dog #3")
    assert np.isnan(pane.object[5, row])
    assert pane.object[2, row] == pane.object[10, row] == 1


def test_it_says_what_is_missing(recorded, text_data):
    assert drawn(recorded(steps=(0,))).startswith("This needs 2 recorded steps; 1 step was")
    assert drawn(recorded(with_probe(labels=None), steps=(0, 1))) == Lack(NO_LABELS)
    assert drawn(recorded(without_probe(), steps=(0, 1))) == Lack(GIVE_PROBE)
    assert drawn(text_data).select(StepTable)
    assert "Click a probe in the list" in LearningOrder().caption(scene_of(text_data))


# -- the picture ------------------------------------------------------------------------------


def test_a_map_of_very_many_is_the_share_among_neighbours():
    rng = np.random.default_rng(3)
    marks = rng.integers(0, 2, (3, 2 * MOST_ROWS)).astype(np.uint8)
    marks[0, 0] = 2  # unknown
    picture = verdict_map(
        marks,
        [],
        y_label="examples",
        x_edges=np.array([0.0, 1, 2, 3]),
        positions=np.array([0.5, 1.5, 2.5]),
        x_label="step",
    )
    shares = marks.reshape(3, MOST_ROWS, 2).mean(axis=2)
    assert np.isnan(picture[0.5, MOST_ROWS - 1])
    for step in (1, 2):
        for row in (0, 17, MOST_ROWS - 1):
            assert picture[step + 0.5, MOST_ROWS - 1 - row] == shares[step, row]


def test_colours_run_from_wrong_to_right():
    colours = blend(WRONG_COLOUR, RIGHT_COLOUR)
    assert (colours[0], colours[255], len(colours)) == (WRONG_COLOUR, RIGHT_COLOUR, 256)


@pytest.mark.parametrize(("count", "named"), [(1, True), (25, True), (50, True), (51, False)])
def test_names_are_written_where_there_is_room(count, named):
    assert has_names(count) == named
    assert not has_names(count, 12 * count + 59)
    assert 300 <= verdict_height(count) <= 660

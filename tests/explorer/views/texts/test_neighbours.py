"""Neighbours as by double precision, distances as by NumPy, at several steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.texts.embeddings import neighbours
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.texts.neighbours import NearestWords, Trained, cosines, greatest
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.page.choice import Choice
from store.testing import frames_at, text_run_spec
from tests.explorer.conftest import with_probe
from tests.explorer.drawing import payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
TABLE = "layers/embedding/weights/embeddings"
NAMES = ["", "[UNK]", "not", "a", "good", "film", "<b>bad</b>"]
FROZEN = [1, 3]  # words that no text of the training has


@pytest.fixture
def data(recorded, monkeypatch):
    """The text run, with words that are never trained."""

    def partly(spec, step):
        frames = frames_at(spec, step)
        frames[TABLE][FROZEN] = frames_at(spec, 0)[TABLE][FROZEN]
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", partly)
    return recorded(text_run_spec())


def scene_of(data, probe=0):
    return Scene(data, SelectionKey("embedding", probe, "step"))


@pytest.mark.parametrize("index", [0, 3, 7])
@pytest.mark.parametrize("word", [4, 3])
def test_the_nearest_are_those_of_double_precision_among_trained_words(data, index, word):
    among = np.array([2, 4, 5, 6])
    table = frames_at(text_run_spec(), STEPS[index])[TABLE]
    table[FROZEN] = frames_at(text_run_spec(), 0)[TABLE][FROZEN]
    ids, similarities = neighbours(table, word, among=among)
    found = Trained.of(data, "embedding").nearest(word, index)["rows"]
    assert [row[0] for row in found] == [NAMES[number] for number in ids]
    np.testing.assert_allclose([float(row[1]) for row in found], similarities, atol=0.006)


@pytest.mark.parametrize("index", [2, 7])
def test_the_furthest_are_those_of_the_greatest_distance(data, index):
    first, now = (frames_at(text_run_spec(), STEPS[at])[TABLE] for at in (0, index))
    far = np.linalg.norm(now - first, axis=1)
    far[[0, *FROZEN]] = -1
    order = np.argsort(-far)[:4]
    found = Trained.of(data, "embedding").furthest(index)
    assert [row[0] for row in found["rows"]] == [NAMES[number] for number in order]
    np.testing.assert_allclose([float(row[1]) for row in found["rows"]], far[order], rtol=0.01)
    probes = {"not": 0, "good": 0, "film": 0, "<b>bad</b>": 1}
    assert found["chooses"] == [{"probe": probes[row[0]]} for row in found["rows"]]
    assert [row[2] for row in found["rows"]] == [str(probes[row[0]]) for row in found["rows"]]


def test_at_the_start_nothing_has_moved(data):
    assert Trained.of(data, "embedding").furthest(0)["rows"] == [["none yet", "0", ""]]


def test_the_word_that_moved_most_is_chosen_first_and_others_on_demand(data):
    view, scene = NearestWords(), scene_of(data)
    body = view.draw(scene, view.compute(scene))
    (choice,) = body.select(Choice)
    near, far = body.select(StepTable)
    assert list(choice.options.values()) == ["not", "a", "good", "film"]  # as they are read
    change = frames_at(text_run_spec(), 100)[TABLE] - frames_at(text_run_spec(), 0)[TABLE]
    lengths = np.linalg.norm(change, axis=1)
    most = max((2, 4, 5), key=lambda number: lengths[number])
    assert choice.options[choice.value] == NAMES[most]
    trained = Trained.of(data, "embedding")
    assert payload_of(near, 3) == trained.nearest(most, 3)
    assert payload_of(far, 3) == trained.furthest(3)
    before = near.key
    choice.value = "word 3"
    assert near.key != before
    assert payload_of(near, 3) == trained.nearest(3, 3)
    # In another text that has the word it stays the chosen one.
    again = view.draw(scene_of(data), view.compute(scene)).select(Choice)[0]
    assert again.value == "word 3"


def test_nan_is_nobodys_neighbour(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        frames[TABLE][5 if step == 1 else slice(None)] *= np.nan if step else 1
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    trained = Trained.of(recorded(text_run_spec(), steps=(0, 1, 2)), "embedding")
    assert "film" not in [row[0] for row in trained.nearest(4, 1)["rows"]]
    assert len(trained.nearest(4, 1)["rows"]) == 4
    assert trained.nearest(5, 1)["rows"] == []
    assert trained.furthest(2)["rows"] == []
    assert trained.default(np.array([4, 2])) in (2, 4)


@given(hnp.arrays(np.float32, (6, 3), elements=st.floats(-9, 9, width=32)), st.integers(0, 5))
def test_cosines_are_those_of_the_angle(rows, word):
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    found = cosines(rows, rows[word])
    for at in range(6):
        product = lengths[at] * lengths[word]
        if lengths[[at, word]].min() > 1e-3:
            expected = float(rows[at].astype(np.float64) @ rows[word]) / product
            assert found[at] == pytest.approx(expected, abs=1e-5)
        elif product == 0:
            assert np.isnan(found[at])


@given(
    hnp.arrays(np.float64, 12, elements=st.integers(0, 5) | st.sampled_from([np.nan])),
    st.integers(0, 14),
)
def test_the_greatest_are_as_by_sorting(values, most):
    found = greatest(values, most)
    expected = sorted(values[np.isfinite(values)], reverse=True)[:most]
    assert values[found].tolist() == expected
    assert len(set(found)) == len(found)


def test_what_is_missing_is_said(recorded, text_data):
    view = NearestWords()
    assert "needs 2 recorded steps" in view.requirement(
        scene_of(recorded(text_run_spec(), steps=(0,)))
    )
    ids = np.array([[0] * 5, [2] * 5], np.int32)
    empty = recorded(with_probe(text_run_spec(), inputs={"input": ids}), steps=(0, 1))
    assert view.requirement(scene_of(empty)) == "Probe 0 has no words; choose another one."
    assert view.requirement(scene_of(empty, probe=1)) is None
    assert "probe 0" in view.caption(scene_of(text_data))

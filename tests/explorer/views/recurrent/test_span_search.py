"""Units that behave like selected words: ranks, other places, curves, and what a selection does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from explorer.plots.ranks import Findings, findings
from explorer.views.awaited import Awaited
from explorer.views.recurrent import span_search
from explorer.views.recurrent.span_search import (
    ALL_SELECTED,
    SELECT,
    TOO_LARGE,
    Search,
    SpanSearch,
    _quoted,
)
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from tests.explorer.data.test_recurrent import IDS, STEPS, layer_of
from tests.explorer.drawing import payload_of
from tests.explorer.views.recurrent.test_states import KINDS, ODD_KINDS, drawn, every, scene_of


def figures_of(panel):
    from bokeh.models import Plot

    return list(panel.get_root().select({"type": Plot}))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, *ODD_KINDS, "own"])
def test_it_draws_every_kind_of_recurrent_layer(kind):
    view, scene = SpanSearch(), scene_of(kind, probe=0)
    panel = drawn(view, scene)
    view.follow(scene, panel)
    for table in every(StepTable, panel):
        for row in payload_of(table, 0)["rows"]:
            assert len(row) == len(table.columns)
    caption = view.caption(scene)
    assert "rnn" in caption
    assert "<" not in caption


def test_units_are_ranked_as_a_rank_test_would():
    layer = layer_of("lstm")
    rows = Search.of(layer, 0).unit_rows((5, 8))(2)
    hidden = layer.data.activations("rnn", 2)[0]
    inside, outside = hidden[5:8], hidden[:5]
    share = mannwhitneyu(inside, outside).statistic / (len(inside) * len(outside))
    strength = np.maximum(share, 1 - share)
    assert [float(row[2]) for row in rows["rows"][:-1]] == pytest.approx(
        sorted(strength, reverse=True), abs=0.006
    )
    for row, chosen in zip(rows["rows"][:-1], rows["chooses"], strict=False):
        unit = chosen["unit"]
        assert row[0] == str(unit)
        assert row[1] == ("higher" if share[unit] >= 0.5 else "lower")
        assert float(row[2]) == pytest.approx(strength[unit], abs=0.006)
        assert float(row[3]) == pytest.approx(inside[:, unit].mean(), abs=0.001)
        assert float(row[4]) == pytest.approx(outside[:, unit].mean(), abs=0.001)


def test_what_the_best_unit_reaches_for_any_span_stands_beside():
    """States change slowly: among many units, one tells nearly any stretch of a text."""
    layer = layer_of("lstm")
    rows = Search.of(layer, 0).unit_rows((5, 8))(2)
    hidden, best = layer.data.activations("rnn", 2)[0], []
    for start in range(len(hidden) - 2):
        inside = np.isin(np.arange(len(hidden)), range(start, start + 3))
        share = mannwhitneyu(hidden[inside], hidden[~inside]).statistic / (3 * 5)
        best.append(np.maximum(share, 1 - share).max())
    name, _, reached, *_ = rows["rows"][-1]
    assert name == "best of any span"
    assert float(reached) == pytest.approx(np.median(best), abs=0.006)
    assert rows["chooses"][-1] == {}
    assert np.median(best) > 0.7, "far above one half, of three units"


def test_padding_is_no_word_to_compare_with():
    layer = layer_of("lstm")
    found = Search.of(layer, 1).rated(2, (2, 3))
    hidden = layer.data.activations("rnn", 2)[1]
    np.testing.assert_allclose(found.outside, hidden[:2].mean(axis=0), rtol=1e-5)


def test_of_units_that_tell_equally_well_the_one_with_the_wider_gap_comes_first():
    hidden = np.array([[0, 0, 0.5], [0, 0, 0.5], [0.1, -9, 0.5], [0.2, -8, 0.5]])
    found = findings(hidden, (2, 4), np.ones(4, bool))
    assert found.ranked().tolist() == [1, 0, 2]
    assert found.is_high.tolist() == [True, False, True]
    unknown = Findings(np.array([np.nan, 0.5]), np.zeros(2), np.zeros(2))
    assert unknown.ranked().tolist() == [1]
    whole = findings(hidden, (0, 4), np.ones(4, bool))
    assert not len(whole.ranked())


def test_other_places_are_where_the_best_units_are_on_together():
    layer, span, index = layer_of("lstm"), (1, 3), 3
    search = Search.of(layer, 0)
    rated = search.rated(index, span)
    best = rated.ranked()[:3]
    hidden = layer.data.activations("rnn", index)
    signs = np.where(rated.is_high[best], 1, -1)
    middle = [
        (np.median(hidden[0, 1:3, at]) + np.median(np.delete(hidden[0, :, at], [1, 2]))) / 2
        for at in best
    ]
    on = (hidden[..., best] * signs > np.array(middle) * signs).all(axis=-1) & (IDS != 0)
    on[0, 1:3] = False
    found = search.place_rows(span)(index)
    probes = {chosen["probe"] for chosen in found["chooses"]}
    # Of the searched probe itself only stretches count that do not touch the span.
    assert probes - {0} == set(np.flatnonzero(on.any(axis=1)).tolist()) - {0}
    for row in found["rows"]:
        assert "«" in row[1]
        assert "»" in row[1]


def test_a_selection_searches_anew_and_is_remembered():
    view, scene = SpanSearch(), scene_of("gru")
    panel = drawn(view, scene)
    (strip,) = every(TokenStrip, panel)
    assert strip.selectable
    assert strip.span == [5, 8]  # the last third
    units, places = every(StepTable, panel)
    assert len(figures_of(panel)) == 1
    before = units.key
    strip.span = [0, 2]
    assert units.key != before
    expected = Search.of(layer_of("gru"), 0).unit_rows((0, 2))(1)
    assert payload_of(units, 1)["rows"] == expected["rows"]
    assert payload_of(places, 1) == Search.of(layer_of("gru"), 0).place_rows((0, 2))(1)
    (again,) = every(TokenStrip, drawn(view, scene))
    assert again.span == [0, 2]
    (other,) = every(TokenStrip, drawn(view, scene_of("gru", probe=1)))
    assert other.span == [2, 3]


def test_without_a_selection_it_says_what_to_do():
    panel = drawn(SpanSearch(), scene_of("gru"))
    (strip,) = every(TokenStrip, panel)
    tables = every(StepTable, panel)
    strip.span = []
    assert [table.empty for table in tables] == [SELECT, SELECT]
    assert all(not payload_of(table, 0).get("rows") for table in tables)
    (place,) = every(Awaited, panel)
    assert (place.sign.state, place.sign.said, place.pictures.shown) == ("nothing", SELECT, None)
    strip.span = [0, 8]
    assert (place.sign.state, place.sign.said) == ("nothing", ALL_SELECTED)
    assert tables[0].empty == ALL_SELECTED
    assert payload_of(tables[0], 1)["rows"] == []


def test_a_layer_that_is_too_large_is_searched_in_one_probe_alone(monkeypatch):
    monkeypatch.setattr(span_search, "MOST_OPERATIONS", 1)
    units, places = every(StepTable, drawn(SpanSearch(), scene_of("gru")))
    assert places.empty == TOO_LARGE
    assert payload_of(places, 1) == {}
    assert payload_of(units, 1)["rows"]


def test_curves_are_the_scores_over_the_training():
    layer = layer_of("simple")
    search = Search.of(layer, 0)
    auc, at_end = search.history((0, 3))
    assert auc.shape == (STEPS, 3)
    for index in range(STEPS):
        np.testing.assert_allclose(auc[index], search.rated(index, (0, 3)).auc)
    np.testing.assert_allclose(at_end.auc, auc[-1])
    _, known = Search.of(layer_of("diverged"), 0).history((0, 3))
    assert np.isfinite(known.auc).all()  # the last step before


def test_the_words_have_the_colours_of_the_chosen_unit():
    view, scene = SpanSearch(), scene_of("both", unit=1)
    panel = drawn(view, scene)
    (strip,) = every(TokenStrip, panel)
    assert strip.rows == ["unit 1"]
    view.follow(scene_of("both", unit=5), panel)
    assert strip.rows == ["unit 5"]
    backward = layer_of("both").states(3, 0)["backward"].hidden[0, :, 2]
    np.testing.assert_allclose(strip.values[3, 0], backward, rtol=1e-5, atol=1e-6)


def test_units_of_both_directions_that_are_added_are_told_apart():
    search = Search.of(layer_of("sum"), 0)
    assert search.name(search.units[0]) == "0, forward"
    assert search.name(search.units[4]) == "1, backward"


def test_a_long_stretch_is_shown_by_its_ends():
    text = layer_of("lstm").text(0)
    assert _quoted(text, 1, 3) == "not «a good» film but long film ."
    long = type(text)([str(number) for number in range(30)], np.ones(30, bool))
    assert _quoted(long, 2, 28) == "0 1 «2 3 4 5 6 … 23 24 25 26 27» 28 29"

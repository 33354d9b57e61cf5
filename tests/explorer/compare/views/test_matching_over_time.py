"""Curves of a layer's matching and one unit's partners, against the matchings themselves."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.cards.numbers import numbers_behind
from explorer.compare.matching.over_time import Chances, Tracked, track
from explorer.compare.pair import RunPair
from explorer.compare.views.matching_over_time import (
    MatchingOverTime,
    pair_rows,
    said_of_partners,
)
from explorer.plots.partners import partners_over_time
from explorer.plots.style import CURSOR_NAME
from explorer.views.base import Scene
from explorer.widgets.charts.step_table import StepTable
from tests.explorer.compare.views.test_activation_difference import shown_on
from tests.explorer.conftest import without_probe
from tests.explorer.drawing import payload_of

pytestmark = pytest.mark.slow


def figures_on(card):
    return [pane.object for pane in card.panel.select(pn.pane.HoloViews)]


def test_curves_are_those_of_the_matchings(pair):
    comparison, card, _ = shown_on(pair, MatchingOverTime, layer="conv1", unit="1")
    alignment = comparison.alignment
    tracked = track(pair, "conv1", "first", alignment)
    curves, partners = figures_on(card)
    places = np.log10(1 + alignment.coordinates)  # steps are recorded by the logarithm
    drawn = {curve.label: curve for curve in curves if isinstance(curve, hv.Curve)}
    for name, values in (
        ("mean correlation", [tracked.at(at).mean for at in range(len(alignment))]),
        ("units in pairs", [len(tracked.at(at).first) / 3 for at in range(len(alignment))]),
        ("mean correlation by chance", [tracked.chance.at(at)[0] for at in range(len(alignment))]),
        ("last pairs", tracked.settled),
    ):
        np.testing.assert_array_equal(drawn[name].dimension_values(0), places)
        np.testing.assert_allclose(drawn[name].dimension_values(1), values)
    stays = drawn["pairs that stay"].dimension_values(1)
    for at in range(1, len(alignment)):
        before, now = (
            set(zip(tracked.at(k).first.tolist(), tracked.at(k).second.tolist(), strict=True))
            for k in (at - 1, at)
        )
        share = len(before & now) / len(before) if before else np.nan
        np.testing.assert_allclose(stays[at], share)
    line = next(part for part in partners if isinstance(part, hv.Curve))
    mates = [tracked.at(at).to_second(1) for at in range(len(alignment))]
    np.testing.assert_array_equal(
        line.dimension_values(1), [np.nan if mate is None else mate for mate in mates]
    )


def test_another_unit_is_followed_without_drawing_anew(pair):
    comparison, card, _ = shown_on(pair, MatchingOverTime, layer="conv1", unit="0")
    curves, partners = figures_on(card)
    comparison.first.selection.choose(unit=2)
    again, changed = figures_on(card)
    assert again is curves
    assert changed is not partners
    told = [pane.object for pane in card.panel.select(pn.pane.HTML)]
    assert any("Unit 2 of A has had" in text for text in told)


def test_both_figures_have_a_cursor_of_the_common_clock(pair):
    comparison, card, _ = shown_on(pair, MatchingOverTime, layer="dense")
    spans = list(card.panel.get_root().select({"name": CURSOR_NAME}))
    assert len(spans) == 2
    for span in spans:
        np.testing.assert_array_equal(span.tags[0], np.log10(1 + comparison.alignment.coordinates))


def test_what_is_missing_is_said(recorded, image_data):
    pair = RunPair(image_data, recorded(without_probe(), steps=(0, 1)))
    _, card, _ = shown_on(pair, MatchingOverTime, layer="pool1")
    assert "they share none" in card.head.said
    _, card, _ = shown_on(pair, MatchingOverTime, layer="conv1")
    assert "by their weights" in card.head.caption
    assert len(figures_on(card)) == 2


def tracked_of(partners):
    values = np.array(partners)
    scores = np.where(values < 0, np.nan, 0.5)
    return Tracked(len(values), np.arange(len(values)), values, scores, 9)


def test_partners_of_a_unit_in_a_sentence():
    said = said_of_partners(tracked_of([[4], [4], [7], [-1], [7], [7]]), 0)
    assert said == (
        "Unit 0 of A has had 2 partners, the last is unit 7 of B, for the last 2 of 6 moments."
    )
    assert "the last is none, for the last 1 of 2" in said_of_partners(tracked_of([[4], [-1]]), 0)
    assert "no counterpart at any moment" in said_of_partners(tracked_of([[-1]]), 0)
    assert "one partner" in said_of_partners(tracked_of([[3]]), 0)


def test_a_unit_without_any_partner_is_an_empty_figure():
    for partners in ([-1], [-1, -1]):
        values = np.array(partners)
        figure = partners_over_time(
            values,
            np.full(len(values), np.nan),
            positions=np.arange(len(values), dtype=float),
            others=0,
            x_label="step",
            y_label="unit",
            score_label="correlation",
            cursor=np.arange(len(values), dtype=float),
        )
        assert hv.render(figure) is not None


def test_the_common_axis_is_that_of_the_curves_unless_it_counts_no_steps(pair):
    comparison, card, _ = shown_on(pair, MatchingOverTime, layer="conv1")
    view, updates = card.view, np.array([0, 4, 8])
    assert comparison.first.selection.axis == "log_step"
    coordinates = comparison.alignment.coordinates
    np.testing.assert_array_equal(view.positions, np.log10(1 + coordinates))
    np.testing.assert_allclose(view.places(1, updates), np.log10(1 + updates))
    curves, _ = figures_on(card)
    assert "logarithmic" in next(iter(curves)).kdims[0].label
    comparison.transport.axis = "step"
    np.testing.assert_array_equal(view.positions, coordinates)
    np.testing.assert_allclose(view.places(1, updates), updates)
    curves = figures_on(card)[-2]  # the picture before is kept
    assert next(iter(curves)).kdims[0].label == comparison.alignment.label
    comparison.transport.axis = "log_step"
    comparison.transport.mode = "epoch"
    np.testing.assert_array_equal(view.positions, comparison.alignment.coordinates)


def test_all_pairs_are_listed_at_the_moment_on_screen_and_saved(pair):
    comparison, card, _ = shown_on(pair, MatchingOverTime, layer="conv1", unit="1")
    tracked = track(pair, "conv1", "first", comparison.alignment)
    (table,) = card.panel.select(StepTable)
    for position in range(len(comparison.alignment)):
        matching, bound = tracked.at(position), tracked.chance.at(position)[1]
        rows = payload_of(table, position)["rows"]
        assert [row[0] for row in rows] == ["0", "1", "2"]
        for unit, row in enumerate(rows):
            mate = matching.to_second(unit)
            assert (row[4] == "above") == (mate is not None)
            if mate is not None:
                assert row[1] == str(mate)
                assert row[2] == f"{matching.scores[matching.first == unit][0]:.2f}"
                assert row[3] == f"{bound:.2f}"
    scene = Scene(pair.first, comparison.first.selection.key())
    body = card.pictures.shown
    parts, about = numbers_behind(card.view, scene, body, range(len(comparison.alignment)))
    saved = next(part for part in parts if part.attrs["title"] == "Pairs of units of conv1")
    assert saved.sizes["row"] == 3 * len(comparison.alignment)
    steps = np.repeat(comparison.alignment.coordinates, 3)
    np.testing.assert_array_equal(saved["step"], steps)
    assert about["view"] == "How units go together over time"


def test_pairs_are_said_to_be_above_chance_or_struck_out():
    tracked = Tracked(
        1,
        np.array([0]),
        np.array([[2, 0, -1]]),
        np.array([[-0.9, 0.2, np.nan]]),
        3,
        Chances(np.array([0]), np.array([0.3]), np.array([0.5])),
    )
    assert pair_rows(tracked, 0)["rows"] == [
        ["0", "\N{MINUS SIGN}2", "-0.90", "0.50", "above"],
        ["1", "0", "0.20", "0.50", "below, struck out"],
        ["2", "none", "", "0.50", "no counterpart"],
    ]
    assert pair_rows(tracked_of([[4]]), 0)["rows"] == [["0", "4", "0.50", "", "not known"]]

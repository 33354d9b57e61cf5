"""Which curves a legend names, and where it stands."""

from __future__ import annotations

import holoviews as hv
import numpy as np
import panel as pn
import pytest
from bokeh.models import CustomLabelingPolicy

from explorer.notebook import _pictures
from explorer.plots.curves import metric_curves, probability_curves
from explorer.plots.legend import Entry, entries
from explorer.plots.overlays import Line, overlay
from explorer.plots.style import LEGEND_COLUMNS, LINES
from explorer.views.base import WithLegend, plot_pane
from explorer.widgets.charts.legend import legend

PLACES = np.arange(5.0)


def curves(*names):
    series = dict.fromkeys(names, (PLACES, PLACES))
    return metric_curves(series, y_label="y", x_label="x", cursor=PLACES)


def test_a_legend_names_each_curve_once_with_its_colour_and_dashes():
    found = entries(curves("training", "validation"))
    assert found == [Entry("training", LINES[0]), Entry("validation", LINES[0], True)]
    lines = [Line("A", PLACES, PLACES, "#123456"), Line("B", PLACES, PLACES, "#abcdef", True)]
    found = entries(overlay(lines, x_label="x", y_label="y", cursor=PLACES))
    assert found == [Entry("A", "#123456"), Entry("B", "#abcdef", True)]


def test_one_curve_and_curves_that_are_named_elsewhere_have_no_legend():
    assert entries(curves("alone")) == []
    shares = np.full((5, 2), 0.5)
    shown = probability_curves(shares, ["a", "b"], positions=PLACES, x_label="x")
    assert entries(shown) == []
    assert isinstance(plot_pane(shown), pn.pane.HoloViews)


def test_the_legend_stands_below_the_figure_and_wraps_where_it_is_in_it():
    picture = curves(*"abcdefg")
    panel = plot_pane(picture)
    assert isinstance(panel, WithLegend)
    figure, names = panel
    assert not any(shown.items for shown in hv.render(figure.object).legend)
    assert [name for name in "abcdefg" if f">{name}</span>" in names.object] == list("abcdefg")
    # In a notebook the picture is by itself.
    (alone,) = _pictures(panel, 0)
    (own,) = hv.render(alone).legend
    assert len(own.items) == len("abcdefg")
    assert own.ncols == LEGEND_COLUMNS


def test_names_are_text():
    said = legend([("<b>x</b>", "#000000", True)], "line").object
    assert "<b>" not in said
    assert said.count("<span></span>") == 3


@pytest.mark.slow
@pytest.mark.parametrize("axis", ["xaxis", "yaxis"])
def test_labels_of_ticks_keep_apart_on_both_axes(axis):
    (shown,) = getattr(hv.render(curves("a", "b")), axis)
    assert isinstance(shown.major_label_policy, CustomLabelingPolicy)

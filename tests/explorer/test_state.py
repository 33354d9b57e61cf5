"""The selection: from an address, with a warning for what cannot be used; without any Panel."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.state import Moment, Selection, select_in
from store.testing import image_run_spec
from tests.explorer.conftest import renamed, without_probe

DEFAULTS = {"step": 100, "layer": "conv1", "probe": 0, "axis": "step"}


def values_of(selection):
    return {name: getattr(selection, name) for name in DEFAULTS}


def test_without_an_address_the_last_step_of_the_first_telling_layer_is_shown(image_run):
    selection, warnings = select_in(image_run, {})
    assert values_of(selection) == DEFAULTS
    assert warnings == []


def test_an_address_is_taken_over(text_run):
    query = {"step": "10", "layer": "embedding", "probe": "1", "axis": "epoch", "theme": "dark"}
    selection, warnings = select_in(text_run, query)
    assert values_of(selection) == {
        "step": 10, "layer": "embedding", "probe": 1, "axis": "epoch",
    }  # fmt: skip
    assert warnings == []


@pytest.mark.parametrize(
    ("query", "field", "value", "warning"),
    [
        ({"layer": "cnv1"}, "layer", "conv1", r"no layer 'cnv1'. Did you mean 'conv1'\?"),
        ({"layer": "x"}, "layer", "conv1", "There are: image, conv1, relu1, pool1"),
        ({"axis": "epochs"}, "axis", "step", r"no time axis 'epochs'. Did you mean 'epoch'\?"),
        ({"step": "12"}, "step", 10, "Step 12 was not recorded; the nearest one is 10"),
        ({"step": -5}, "step", 0, "Step -5 was not recorded; the nearest one is 0"),
        ({"step": "1" * 30}, "step", 100, "the nearest one is 100"),
        ({"step": "ten"}, "step", 100, "step should be a whole number, got 'ten'"),
        ({"step": "2.5"}, "step", 100, "step should be a whole number, got '2.5'"),
        ({"step": float("inf")}, "step", 100, "step should be a whole number, got 'inf'"),
        ({"step": float("nan")}, "step", 100, "step should be a whole number, got 'nan'"),
        ({"probe": "-1"}, "probe", 0, "There is no probe -1; the run has 6, counted from 0"),
        ({"probe": 6}, "probe", 0, "There is no probe 6; the run has 6, counted from 0"),
        ({"probe": [1]}, "probe", 0, "probe should be a whole number"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_rest_kept(image_run, query, field, value, warning):
    selection, warnings = select_in(image_run, query)
    assert values_of(selection) == {**DEFAULTS, field: value}
    (sentence,) = warnings
    assert re.search(warning, sentence), sentence


def test_every_fault_has_a_sentence_of_its_own(image_run):
    _, warnings = select_in(image_run, {"layer": "?", "axis": "?", "probe": "?", "step": "?"})
    assert len(warnings) == 4


def test_a_run_without_steps_is_at_step_0_and_asks_nothing(recorded):
    selection, warnings = select_in(recorded(steps=()).run, {"step": "7"})
    assert (selection.step, warnings) == (0, [])


def test_a_run_without_a_probe_has_none_to_select(recorded):
    selection, warnings = select_in(recorded(without_probe()).run, {"probe": "2"})
    assert selection.probe == 0
    assert warnings == ["There is no probe 2; the run has 0, counted from 0."]


@pytest.mark.parametrize(
    "changes", [{"layer": "conv9"}, {"probe": 6}, {"probe": -1}, {"axis": "x"}]
)
def test_a_selection_holds_nothing_that_the_run_does_not_have(image_run, changes):
    selection, _ = select_in(image_run, {})
    with pytest.raises(ValueError):
        selection.param.update(**changes)
    assert values_of(selection) == DEFAULTS


def test_selections_of_two_runs_do_not_know_each_other(image_run, text_run):
    one, _ = select_in(image_run, {})
    other, _ = select_in(text_run, {})
    one.layer, one.probe = "dense", 5
    assert (other.layer, other.probe) == ("lstm", 0)
    with pytest.raises(ValueError):
        other.probe = 2


def test_a_layer_may_have_any_name(recorded):
    odd = recorded(renamed(image_run_spec(), {"conv1": "1e3", "relu1": "été & co"})).run
    for name in ("1e3", "été & co"):
        selection, warnings = select_in(odd, {"layer": name})
        assert (selection.layer, warnings) == (name, [])


def test_the_address_and_a_moment_hold_the_selection(image_run):
    selection, _ = select_in(image_run, {"layer": "dense", "probe": 3, "axis": "log_step"})
    assert selection.moment() == Moment("dense", 3, "log_step")
    assert selection.to_query() == {"layer": "dense", "probe": "3"}
    again, warnings = select_in(image_run, selection.to_query())
    assert (again.layer, again.probe, warnings) == ("dense", 3, [])


def test_every_parameter_is_documented():
    own = set(Selection.param) - {"name"}
    assert own == set(DEFAULTS)
    assert all(Selection.param[name].doc for name in own)


def test_it_needs_no_panel():
    program = (
        "import sys, explorer.state as state; state.Selection(step=3);"
        "print([name for name in ('panel', 'bokeh', 'holoviews') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"

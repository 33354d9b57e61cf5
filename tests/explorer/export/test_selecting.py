"""What commands name is found in the run, or said to be missing."""

from __future__ import annotations

import pytest

from explorer.export.selecting import (
    SelectionError,
    every_view,
    index_at,
    indices_between,
    select,
)
from store.errors import StepNotRecordedError


@pytest.mark.parametrize(
    ("named", "title"),
    [
        ("Feature maps", "Feature maps"),
        ("feature MAPS ", "Feature maps"),
        ("feat", "Feature maps"),
        ("maps", "Feature maps"),
        ("kernels", "Kernels"),
    ],
)
def test_a_card_is_found_by_its_title_or_a_part_of_it(image_run, named, title):
    target = select(image_run, named, layer="conv1", probe=3)
    assert target.view.title == title
    assert (target.selection.layer, target.selection.probe) == ("conv1", 3)


@pytest.mark.parametrize("named", ["featur mpas", "", "the"])
def test_a_wrong_or_ambiguous_card_lists_all(image_run, named):
    with pytest.raises(SelectionError) as caught:
        select(image_run, named)
    message = str(caught.value)
    assert f"There is no card {named!r}." in message
    assert ("Did you mean 'Feature maps'?" in message) == (named == "featur mpas")
    offered = [line.strip() for line in message.splitlines()[1:]]
    titles = {view.title for view in every_view()}
    assert {"Feature maps", "Loss"} <= set(offered) <= titles


def test_without_a_layer_a_card_shows_one_that_it_serves(image_run):
    assert select(image_run, "What pooling keeps").selection.layer == "pool1"


def test_a_card_that_does_not_serve_the_layer_says_which_it_serves(image_run):
    with pytest.raises(SelectionError, match=r"'Feature maps' is not for the layer 'dense'.*conv1"):
        select(image_run, "Feature maps", layer="dense")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"layer": "cnv1"}, "no layer 'cnv1'. Did you mean 'conv1'"),
        ({"probe": 99}, "no probe 99"),
        ({"layer": "conv1", "unit": 99}, "no unit 99"),
        ({"target": 99}, "no target 99"),
    ],
)
@pytest.mark.parametrize("card", [None, "Loss"])
def test_what_the_run_does_not_have_is_refused(image_run, card, chosen, message):
    with pytest.raises(SelectionError, match=message):
        select(image_run, card, **chosen)


def test_what_a_card_requires_is_said(recorded):
    data = recorded(steps=(0,))
    with pytest.raises(SelectionError, match=r"This needs 2 recorded steps; 1 step was recorded"):
        select(data.run, "Norms and update ratio", layer="conv1")


def test_a_run_without_steps_has_nothing_to_show(recorded):
    with pytest.raises(SelectionError, match="has no recorded step yet"):
        select(recorded(steps=(), finished=False).run, None)


def test_the_dashboard_needs_no_card(image_run):
    assert select(image_run, None).view is None


def test_steps_between_two_are_taken_both_included(recorded):
    run = recorded(steps=(0, 1, 2, 5, 9)).run
    assert indices_between(run, None, None) == [0, 1, 2, 3, 4]
    assert indices_between(run, 1, 5) == [1, 2, 3]
    assert indices_between(run, 3, None) == [3, 4]
    assert indices_between(run, None, None, 2) == [0, 2, 4]
    with pytest.raises(StepNotRecordedError, match=r"No step from 6 to 8 was recorded.*0 to 9"):
        indices_between(run, 6, 8)


def test_a_step_is_exact_and_the_last_by_default(recorded):
    run = recorded(steps=(0, 1, 2, 5, 9)).run
    assert index_at(run, 5) == 3
    assert index_at(run, None) == 4
    for step, near in ((3, "2 and 5"), (12, "9")):
        with pytest.raises(StepNotRecordedError, match=f"nearest recorded is {near}"):
            index_at(run, step)

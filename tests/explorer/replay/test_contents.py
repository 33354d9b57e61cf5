"""Which part of a run is asked for, and how it is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.replay.contents import Contents, chosen, everything, numbers, ranges, summary
from store.errors import LayerNotFoundError, SpecError, StepNotRecordedError

LAYERS = ("conv1", "relu1", "pool1", "flatten", "dense", "softmax")


def test_by_default_everything_with_an_activation(image_data):
    there = Contents(LAYERS, tuple(range(6)), tuple(range(8)))
    assert everything(image_data) == chosen(image_data) == there


def test_layers_come_in_network_order_whatever_was_asked_first(image_data):
    assert chosen(image_data, ["soft*", "*1", "relu1"]).layers == (
        "conv1", "relu1", "pool1", "softmax",
    )  # fmt: skip


def test_probes_and_steps_are_numbers_and_ranges(image_data):
    # Recorded are the steps 0, 1, 2, 5, 10, 20, 50 and 100.
    part = chosen(image_data, probes="4-,0,1-1", steps="50, 1-9")
    assert part.probes == (0, 1, 4, 5)
    assert part.steps == (1, 2, 3, 6)
    assert chosen(image_data, steps="20-").steps == (5, 6, 7)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"layers": ["cnv1"]}, LayerNotFoundError, "No layer matches 'cnv1'. Did you mean 'conv1'"),
        ({"layers": ["image"]}, SpecError, "Of image no activation was recorded"),
        ({"probes": "6"}, SpecError, "There is no probe 6; the run has 6, counted from 0"),
        ({"probes": "2-9"}, SpecError, "There is no probe 9"),
        ({"probes": "3-1"}, SpecError, "to a greater one, got '3-1'"),
        ({"probes": "a"}, SpecError, "Expected probes as numbers and ranges like 0-7,12, got 'a'"),
        ({"probes": ""}, SpecError, "Expected probes"),
        ({"probes": "-3"}, SpecError, "Expected probes"),
        ({"steps": "30"}, StepNotRecordedError, "Step 30 .* nearest recorded steps are 20, 50"),
        ({"steps": "21-49"}, SpecError, "No step from 21 to 49 .* has 8, from 0 to 100"),
        ({"steps": "200-"}, SpecError, "No step from 200 to 100"),
        ({"steps": "1-2-3"}, SpecError, "Expected steps"),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(image_data, options, error, message):
    with pytest.raises(error, match=message):
        chosen(image_data, **options)


def test_a_run_without_a_step_has_nothing_to_replay(recorded):
    with pytest.raises(SpecError, match="No step has been recorded yet"):
        everything(recorded(steps=()))


def test_everything_kept_leaves_nothing_to_tell():
    there = Contents(("conv1",), (0,), (0, 1))
    held, left_out = summary(there, there, there)
    assert held == (
        "In this file: 2 of 2 recorded steps, 1 of 1 probe, the activations of 1 of 1 layer."
    )
    assert left_out == []


def test_what_was_not_asked_for_is_told_apart_from_what_did_not_fit():
    there = Contents(LAYERS, tuple(range(6)), tuple(range(8)))
    wanted = Contents(LAYERS[:3], tuple(range(6)), tuple(range(8)))
    kept = Contents(LAYERS[1:3], (0, 2), (0, 3, 7))
    held, left_out = summary(there, wanted, kept)
    assert held.startswith("In this file: 3 of 8 recorded steps, 2 of 6 probes, the activations of")
    assert left_out == [
        "Left out, not asked for: the activations of flatten, dense, softmax.",
        "Left out, to keep the file small: 5 recorded steps; probes 1, 3-5; "
        "the activation of conv1.",
    ]


@given(st.sets(st.integers(0, 30), min_size=1))
def test_numbers_told_are_read_as_the_same(values):
    read = {
        n for first, last in ranges(numbers(sorted(values)), "") for n in range(first, last + 1)
    }
    assert read == values

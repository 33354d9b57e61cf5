"""Two runs: colours that mean the same in both, and the ways to put them beside each other."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from explorer.compare.pair import RunPair, joint_limits
from explorer.derived.time.frames import Limits, quantize, robust_limits
from store.testing import text_run_spec

BOUNDS = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).filter(
    lambda pair: pair[0] != pair[1]
)


@given(BOUNDS, BOUNDS)
def test_joint_limits_hold_both_and_are_symmetric_if_one_is(one, other):
    limits = [
        Limits(*sorted(bounds), signed=min(bounds) < 0 < max(bounds)) for bounds in (one, other)
    ]
    joint = joint_limits(*limits)
    assert joint == joint_limits(*limits[::-1])
    assert joint.low <= min(each.low for each in limits)
    assert joint.high >= max(each.high for each in limits)
    assert joint.signed == any(each.signed for each in limits)
    if joint.signed:
        assert joint.low == -joint.high


def test_tied_pictures_have_the_limits_of_both_runs(pair):
    frames = [
        [data.activation(layer, index, 2) for index in range(len(data.run))]
        for data, layer in ((pair.first, "conv1"), (pair.second, "first"))
    ]
    bound = max(robust_limits(side).high for side in frames)
    limits = Limits(-bound, bound, signed=True)
    for tied, layer, side in zip(pair.tied, ("conv1", "first"), frames, strict=True):
        assert tied.limits(layer, 2) == limits
        expected = quantize(np.moveaxis(side[1], -1, 0), limits)
        np.testing.assert_array_equal(tied.frame(layer, 1, 2), expected)
    own = pair.first.limits("conv1", 2), pair.second.limits("first", 2)
    assert own[0] != own[1]
    assert pair.first.frame("conv1", 1, 2).max() <= 255


def test_a_layer_or_probe_without_counterpart_keeps_its_own_limits(recorded, image_data):
    pair = RunPair(image_data, recorded(text_run_spec(), steps=(0, 1)))
    assert pair.layers.to_second("conv1") is None
    assert pair.tied[0].limits("conv1", 0) == image_data.limits("conv1", 0)
    dense = RunPair(image_data, image_data, {"conv1": None})
    assert dense.tied[0].limits("conv1", 0) == image_data.limits("conv1", 0)


def test_tied_runs_share_what_is_dear(pair):
    assert pair.tied[0].worker is pair.first.worker
    made = []
    for data in (pair.tied[0], pair.first):
        data.derived("something", lambda: made.append(1) or {"a": np.zeros(1)})
    assert made == [1]


def test_every_mode_puts_equal_moments_beside_each_other(pair):
    # The second is too short for a validation.
    assert list(pair.modes) == [
        "step", "epoch", "wall_time", "metric:accuracy", "metric:loss", "anchors",
    ]  # fmt: skip
    by_step = pair.align("step")
    for step, a, b in zip(by_step.coordinates, by_step.first, by_step.second, strict=True):
        for index, steps in ((a, pair.first.run.steps), (b, pair.second.run.steps)):
            assert abs(steps[index] - step) == np.abs(steps - step).min()
    assert by_step.second_beyond.tolist() == [step > 8 for step in by_step.coordinates]
    # Both have the same loss at the same update.
    by_loss = pair.align("metric:loss")
    steps = pair.first.run.steps[by_loss.first], pair.second.run.steps[by_loss.second]
    near = ~by_loss.first_beyond & ~by_loss.second_beyond
    assert np.abs(steps[0] - steps[1])[near].max() <= 5
    anchored = pair.align("anchors", ((0, 0), (20, 8)))
    assert (anchored.first[-1], anchored.second[-1]) == (5, 3)
    assert not anchored.second_beyond.any()


def test_metrics_of_held_out_examples_come_first(recorded, image_data):
    pair = RunPair(image_data, recorded(steps=(0, 30)))
    assert pair.metrics == ["val_loss", "accuracy", "loss"]


def test_who_never_reaches_what_is_said_by_the_direction_of_the_metric(pair):
    for mode in ("metric:loss", "metric:accuracy"):
        alignment = pair.align(mode)
        assert "B never reaches what A does" in pair.said_of(mode, alignment)
        turned = RunPair(pair.second, pair.first)
        assert "A never reaches what B does" in turned.said_of(mode, turned.align(mode))


def test_equal_values_are_those_of_batches_where_the_run_tells(metrics, recorded):
    samples = np.tile([64, 128, 192, 256], 25)
    batches = np.linspace(5, 1, 100)
    sums = np.concatenate([np.cumsum(64 * part) for part in np.split(batches, 25)])
    logged = metrics(samples, loss=sums / samples)
    other = recorded(steps=(0, 100))
    vars(other)["metrics"] = xr.Dataset(
        {"loss": ("update", batches)}, coords={"update": np.arange(1, 101)}
    )
    pair = RunPair(logged, other)
    found = pair.align("metric:loss")
    steps = logged.run.steps[found.first] - found.first_off
    np.testing.assert_allclose(steps, other.run.steps[found.second] - found.second_off, atol=0.5)
    assert "A: loss as logged" not in pair.said_of("metric:loss", found)
    assert "B: loss as logged" in pair.said_of("metric:loss", found)


@pytest.mark.parametrize(
    ("mode", "anchors", "said"),
    [
        ("stp", None, "There is no alignment 'stp'. Did you mean 'step'"),
        ("anchors", ((5, 5), (2, 2)), "Choose two moments that follow each other"),
    ],
)
def test_what_cannot_be_aligned_says_why(pair, mode, anchors, said):
    with pytest.raises(ValueError, match=said):
        pair.align(mode, anchors)


def test_runs_without_steps_cannot_be_aligned(recorded, image_data):
    pair = RunPair(image_data, recorded(steps=()))
    for mode in ("step", "anchors"):
        with pytest.raises(ValueError, match="has recorded no step yet"):
            pair.align(mode)


def test_layers_set_by_hand_are_checked(image_data):
    with pytest.raises(ValueError, match="no layer 'conv9'"):
        RunPair(image_data, image_data, {"conv9": "conv1"})
    assert RunPair(image_data, image_data, {"conv1": "relu1"}).layers.to_second("conv1") == "relu1"

"""What a pooling keeps: switches, dropped evidence and levelled variance, by hand and by rule."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.network.node import Call
from explorer.derived.network.registry import layer_ops
from explorer.derived.network.windows import Windows
from explorer.derived.units.pooling import (
    NOWHERE,
    dropped_share,
    levelled_share,
    pooling_windows,
    switches,
)

PAIRS = Windows((2,), (2,), (1,), "valid")


def row(*values):
    """One probe, one channel, along one axis."""
    return np.array(values, np.float32).reshape(1, -1, 1)


@st.composite
def poolings(draw):
    """A small map with few values, so that there are ties, and a layer that pools it."""
    axes = draw(st.sampled_from([1, 2]))
    lengths = tuple(draw(st.integers(3, 6)) for _ in range(axes))
    config = {
        "pool_size": [draw(st.integers(1, 3)) for _ in range(axes)],
        "strides": [draw(st.integers(1, 3)) for _ in range(axes)],
        "padding": draw(st.sampled_from(["valid", "same"])),
    }
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    return axes, config, rng.integers(-3, 4, (2, *lengths, 2)).astype(np.float32)


def windows_by_hand(x, windows):
    """Positions that each window sees, by window."""
    lengths = x.shape[1:-1]
    pads = windows.pads(lengths)
    for window in np.ndindex(*windows.counts(lengths)):
        starts = [
            at * stride - before
            for at, stride, (before, _) in zip(window, windows.strides, pads, strict=True)
        ]
        ranges = [
            [place for place in range(start, start + size) if 0 <= place < length]
            for start, size, length in zip(starts, windows.size, lengths, strict=True)
        ]
        yield window, list(itertools.product(*ranges))


# -- switches -----------------------------------------------------------------------------------


@given(poolings())
def test_a_switch_is_the_first_greatest_value_of_its_window(pooling):
    axes, config, x = pooling
    windows = pooling_windows(f"MaxPooling{axes}D", config, x.shape[1:-1])
    found = switches(x, windows)
    for window, places in windows_by_hand(x, windows):
        for probe, channel in np.ndindex(len(x), x.shape[-1]):
            values = [x[(probe, *place, channel)] for place in places]
            first = places[int(np.argmax(values))]
            expected = np.ravel_multi_index(first, x.shape[1:-1])
            assert found[(probe, *window, channel)] == expected


@given(poolings())
def test_switches_lead_to_the_output_and_gradients_go_there(pooling):
    axes, config, x = pooling
    name = f"MaxPooling{axes}D"
    found = switches(x, pooling_windows(name, config, x.shape[1:-1]))
    call = Call(name, config, (x,), {})
    output = layer_ops()[name].forward(call)
    flat = x.reshape(len(x), -1, x.shape[-1])
    picked = np.take_along_axis(flat, found.reshape(len(x), -1, x.shape[-1]), axis=1)
    np.testing.assert_array_equal(picked.reshape(output.shape), output)
    (gradient,) = layer_ops()[name].backward(call, np.ones_like(output))
    counted = np.zeros_like(flat)
    for probe, window, channel in np.ndindex(picked.shape):
        counted[probe, found.reshape(picked.shape)[probe, window, channel], channel] += 1
    np.testing.assert_array_equal(counted.reshape(x.shape), gradient)


def test_a_window_with_nan_has_no_switch_and_one_of_minus_infinity_has():
    found = switches(row(1, np.nan, -np.inf, -np.inf, 2, 3), PAIRS)
    assert found.ravel().tolist() == [NOWHERE, 2, 5]


def test_a_global_pooling_is_one_window():
    windows = pooling_windows("GlobalMaxPooling1D", {"keepdims": False}, (5,))
    assert switches(row(0, 4, 1, 4, 2), windows).ravel().tolist() == [1]


# -- what is lost -------------------------------------------------------------------------------


def test_dropped_evidence_by_hand():
    # Kept 3 and 5 of 1 + 3 + 5 + 1 = 10; what is negative is no evidence.
    assert dropped_share(row(1, 3, 5, 1, -7, -2), PAIRS)[0] == pytest.approx(0.2)


def test_a_value_that_two_windows_hand_on_counts_once():
    overlapping = Windows((3,), (2,), (1,), "valid")
    assert dropped_share(row(1, 0, 6, 0, 1), overlapping)[0] == pytest.approx(2 / 8)


def test_what_no_window_sees_is_dropped():
    assert dropped_share(row(1, 0, 0, 2, 3), PAIRS)[0] == pytest.approx(0.5)


def test_channels_are_told_apart_and_probes_are_summed():
    x = np.zeros((2, 2, 2), np.float32)
    x[0, :, 0] = 2, 2
    x[1, :, 0] = 4, 0
    x[0, :, 1] = 1, 0
    np.testing.assert_allclose(dropped_share(x, PAIRS), [2 / 8, 0])


def test_without_evidence_nothing_is_said_of_it():
    assert np.isnan(dropped_share(row(0, 0, -1, -2), PAIRS)[0])
    assert np.isnan(dropped_share(row(np.inf, 1, 1, 1), PAIRS)[0])
    assert np.isnan(dropped_share(row(np.nan, 1, 1, 1), PAIRS)[0])


@given(poolings())
def test_levelled_variance_is_what_means_of_windows_do_not_show(pooling):
    axes, config, x = pooling
    windows = pooling_windows(f"AveragePooling{axes}D", config, x.shape[1:-1])
    found = levelled_share(x, windows)
    for channel in range(x.shape[-1]):
        seen, means = [], []
        for probe in range(len(x)):
            for _, places in windows_by_hand(x, windows):
                values = [float(x[(probe, *place, channel)]) for place in places]
                seen += values
                means += [np.mean(values)] * len(values)
        if not seen or np.ptp(seen) == 0:
            assert np.isnan(found[channel])
        else:
            expected = np.mean((np.array(seen) - means) ** 2) / np.var(seen)
            assert found[channel] == pytest.approx(expected, abs=1e-9)


def test_levelled_variance_keeps_its_digits_far_from_zero():
    x = row(1, 2, 3, 4).astype(np.float64) + 1e6
    assert levelled_share(x, PAIRS)[0] == pytest.approx(0.25 / 1.25)


def test_levelled_variance_of_what_is_not_finite_is_unknown():
    assert np.isnan(levelled_share(row(1, np.nan, 2, 3), PAIRS)[0])
    assert np.isnan(levelled_share(row(1, np.inf, 2, 3), PAIRS)[0])

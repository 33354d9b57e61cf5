"""Size and movement of variables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.derived.time.norms import norms_over_steps, unit_norms

histories = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)),
    elements=st.floats(-100, 100, width=16),
)  # fmt: skip


@given(histories, st.data())
def test_norms_are_written_out_by_hand(history, data):
    gaps = data.draw(st.lists(st.integers(1, 50), min_size=len(history), max_size=len(history)))
    steps = np.cumsum(gaps)
    found = norms_over_steps(iter(history), steps)
    exact = history.astype(float).reshape(len(history), -1)
    for step, values in enumerate(exact):
        size = sum(value**2 for value in values) ** 0.5
        assert found.norm[step] == pytest.approx(size)
        assert found.mean_size[step] == pytest.approx(sum(map(abs, values)) / len(values))
        assert found.rms[step] == pytest.approx((size**2 / len(values)) ** 0.5)
        assert found.from_start[step] == pytest.approx(np.sqrt(((values - exact[0]) ** 2).sum()))
        if step:
            change = np.sqrt(((values - exact[step - 1]) ** 2).sum())
            updates = steps[step] - steps[step - 1]
            assert found.change[step] == pytest.approx(change)
            assert found.net_change[step] == pytest.approx(change / updates)
            before = np.sqrt((exact[step - 1] ** 2).sum())
            ratio = change / updates / before if before else np.nan
            assert found.net_ratio[step] == pytest.approx(ratio, nan_ok=True)
    for values in (found.change, found.net_change, found.net_ratio):
        assert np.isnan(values[0])


def test_gradient_descent_with_a_constant_step_has_a_constant_change_per_update():
    steps = np.array([0, 1, 3, 10])
    history = [np.array([3.0, 4.0]) - step * np.array([0.3, 0.4]) for step in steps]
    found = norms_over_steps(history, steps)
    np.testing.assert_allclose(found.net_change[1:], 0.5)
    np.testing.assert_allclose(found.from_start, 0.5 * steps)
    np.testing.assert_allclose(found.net_ratio[1:], 0.5 / np.array([5, 4.5, 3.5]))


def test_biases_that_start_at_0_have_no_ratio_at_first():
    found = norms_over_steps([np.zeros(2), np.ones(2), np.ones(2)], np.arange(3))
    np.testing.assert_allclose(found.net_ratio, [np.nan, np.nan, 0])


def test_a_single_step_has_moved_nowhere():
    found = norms_over_steps([np.array(-2.0)], np.array([7]))
    assert (found.norm.item(), found.rms.item(), found.from_start.item()) == (2, 2, 0)
    assert np.isnan(found.change).all()


def test_what_diverged_is_infinite_or_nan_without_a_warning():
    history = [np.ones(2), np.array([np.inf, 1]), np.array([np.inf, 1]), np.array([np.nan, 1])]
    found = norms_over_steps(history, np.arange(4))
    np.testing.assert_array_equal(found.norm[1:], [np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(found.change[1:], [np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(unit_norms(history)[1:, 0], [np.inf, np.inf, np.nan])


def test_values_near_the_end_of_float32_have_a_finite_norm():
    found = norms_over_steps([np.full(4, 3e38, np.float32)], np.array([0]))
    assert found.norm[0] == pytest.approx(6e38)


def test_steps_and_frames_must_match():
    with pytest.raises(ValueError, match="2 frames were passed with 3 steps"):
        norms_over_steps([np.ones(1)] * 2, np.arange(3))


@given(hnp.arrays(np.float32, (2, 2, 2, 3, 4), elements=st.floats(-9, 9, width=16)))
def test_norms_of_units_on_either_side_of_a_kernel(history):
    out, into = unit_norms(iter(history)), unit_norms(iter(history), axis=-2)
    assert (out.shape, into.shape) == ((2, 4), (2, 3))
    for step, kernel in enumerate(history):
        for unit in range(4):
            assert out[step, unit] == pytest.approx(np.linalg.norm(kernel[..., unit]), rel=1e-5)
        for unit in range(3):
            assert into[step, unit] == pytest.approx(np.linalg.norm(kernel[..., unit, :]), rel=1e-5)
        assert np.linalg.norm(out[step]) == pytest.approx(np.linalg.norm(kernel), rel=1e-5)


def test_a_bias_has_the_size_of_each_value():
    assert unit_norms([np.array([-2.0, 0.0])]).tolist() == [[2, 0]]

"""Inner products and distances, block by block, are those of NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from explorer.derived.units import gram as module
from explorer.derived.units.gram import centred_gram, distances, flat_rows, gram


@pytest.fixture(params=[1, 7, 1 << 20], ids=["a column", "some columns", "all columns"])
def _blocks(request, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_VALUES", 5 * request.param)


@pytest.mark.usefixtures("_blocks")
def test_products_and_distances_do_not_depend_on_the_blocks():
    rows = np.random.default_rng(0).normal(3, 2, (5, 23)).astype(np.float32)
    exact = rows.astype(np.float64)
    centred = exact - exact.mean(axis=0)
    np.testing.assert_allclose(gram(rows), exact @ exact.T)
    np.testing.assert_allclose(centred_gram(rows), centred @ centred.T, atol=1e-12)
    np.testing.assert_allclose(distances(rows), cdist(exact, exact), atol=1e-12)


@pytest.mark.parametrize("count", [13, 29, 65])
def test_equal_rows_have_no_distance_however_far_off_they_lie(count):
    rows = np.random.default_rng(1).normal(1e6, 1, (count, 1001))
    rows[12], rows[7] = rows[0], rows[1] + 1
    apart = distances(rows)
    assert apart[0, 12] == apart[12, 0] == 0
    np.testing.assert_allclose(apart[1, 7], np.sqrt(1001), rtol=1e-6)
    assert not np.diag(apart).any()


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (1, 2)])
def test_nothing_to_compare_is_no_error(shape):
    assert distances(np.zeros(shape)).tolist() == np.zeros((shape[0], shape[0])).tolist()


@pytest.mark.parametrize(
    ("shape", "flat"), [((2, 3, 4, 5), (2, 60)), ((2,), (2, 1)), ((0, 3, 2), (0, 6))]
)
def test_a_frame_is_a_row_a_probe(shape, flat):
    assert flat_rows(np.zeros(shape)).shape == flat


@pytest.mark.usefixtures("_blocks")
def test_some_matrices_are_read_as_one_below_the_other():
    parts = [np.random.default_rng(2).normal(size=(rows, 9)) for rows in (2, 0, 3)]
    whole = np.concatenate(parts)
    np.testing.assert_allclose(centred_gram(*parts), centred_gram(whole))
    np.testing.assert_array_equal(whole, np.concatenate(parts), "they are left as they are")

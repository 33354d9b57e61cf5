"""Probes in the plane: principal components, methods of neighbourhoods, alignment."""

from __future__ import annotations

import importlib.util
import sys
import types
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group

from explorer.derived.units import gram, projection
from explorer.derived.units.projection import aligned, available_methods, embed, fit_axes, project

CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def by_svd(rows):
    """Scores and shares of two principal components: NumPy's decomposition, signs open."""
    centred = rows - rows.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, :2] * sizes[:2], sizes[:2] ** 2 / (sizes**2).sum()


def scattered(shape, seed=0):
    """Rows with a different spread along each feature, away from the origin."""
    generator = np.random.default_rng(seed)
    features = int(np.prod(shape[1:]))
    rows = generator.normal(size=(shape[0], features)) * np.linspace(3, 0.2, features) + 5
    return rows.reshape(shape).astype(np.float32)


@pytest.mark.parametrize("block", [1 << 22, 64], ids=["whole", "in blocks"])
@pytest.mark.parametrize("shape", [(9, 4, 5, 3), (40, 6), (8, 8)], ids=["wide", "tall", "square"])
def test_components_are_those_of_the_singular_value_decomposition(shape, block, monkeypatch):
    monkeypatch.setattr(gram, "BLOCK_VALUES", block)
    samples = [scattered(shape, seed) for seed in range(2)]
    axes = fit_axes(samples)
    scores, shares = by_svd(np.concatenate(samples).reshape(2 * shape[0], -1).astype(float))
    found = np.concatenate([axes.positions(sample) for sample in samples])
    flipped = np.sign((found * scores).sum(axis=0))
    np.testing.assert_allclose(found, scores * flipped, **CLOSE)
    np.testing.assert_allclose(axes.explained, shares)
    np.testing.assert_allclose(axes.components @ axes.components.T, np.eye(2), atol=1e-9)


def test_signs_are_fixed_by_the_largest_value():
    rows = scattered((12, 30))
    for part in (rows, rows[::-1], -rows):
        components = fit_axes([part]).components
        assert all(row[np.abs(row).argmax()] > 0 for row in components)
    np.testing.assert_allclose(
        fit_axes([rows]).components, fit_axes([rows[::-1]]).components, atol=1e-9
    )


def test_all_steps_share_one_plane_and_say_how_much_of_them_it_shows():
    history = np.stack([scattered((7, 20), seed) for seed in range(4)])
    axes = fit_axes(history[-1:])
    found = project(iter(history), axes)
    assert (found.positions.shape, found.positions.dtype) == ((4, 7, 2), np.float32)
    for frame, positions, explained in zip(history, found.positions, found.explained, strict=True):
        expected = (frame - history[-1].mean(axis=0)) @ axes.components.T
        np.testing.assert_allclose(positions, expected, **CLOSE)
        within = (frame - frame.mean(axis=0)) @ axes.components.T
        total = ((frame - frame.mean(axis=0)) ** 2).sum()
        np.testing.assert_allclose(explained, (within**2).sum() / total, rtol=1e-4)
    np.testing.assert_allclose(found.explained[-1], axes.explained.sum(), rtol=1e-5)


def test_fewer_directions_than_two_leave_the_second_empty():
    line = np.arange(5.0)[:, None] * np.array([1.0, -2.0, 0.5])
    for rows in (line, line[:, :1], line[:2]):
        axes = fit_axes([rows])
        np.testing.assert_allclose(axes.explained, [1, 0], atol=1e-12)
        assert (axes.positions(rows)[:, 1] == 0).all()
        assert np.ptp(axes.positions(rows)[:, 0]) == pytest.approx(
            np.linalg.norm(rows[-1] - rows[0]), rel=1e-6
        )


@pytest.mark.parametrize("rows", [np.zeros((4, 6)), np.full((4, 2), 0.1), np.ones((1, 3))])
def test_probes_that_are_all_alike_lie_at_one_place(rows):
    found = project([rows], fit_axes([rows]))
    assert (found.positions == 0).all()
    assert np.isnan(found.explained).all()
    assert np.isnan(fit_axes([rows]).explained).all()


def test_what_diverged_is_left_out_and_has_no_position():
    whole = scattered((6, 10))
    broken = np.concatenate([whole, whole[:2]])
    broken[6, 3], broken[7, 5] = np.nan, np.inf
    axes = fit_axes([broken])
    np.testing.assert_array_equal(axes.components, fit_axes([whole]).components)
    found = project([broken, np.full((8, 10), np.nan)], axes)
    np.testing.assert_array_equal(found.positions[0, :6], axes.positions(whole))
    assert np.isnan(found.positions[0, 6:]).all()
    assert np.isnan(found.positions[1]).all()
    assert np.isnan(found.explained).tolist() == [False, True]
    nothing = fit_axes([np.full((3, 10), np.nan)])
    assert (nothing.positions(whole) == 0).all()
    assert np.isnan(nothing.explained).all()


def test_activations_far_beyond_float32_squares_still_project():
    rows = scattered((6, 10)) * np.float32(1e30)
    scores, shares = by_svd(rows.astype(float))
    axes = fit_axes([rows])
    np.testing.assert_allclose(np.abs(axes.positions(rows)) / 1e30, np.abs(scores) / 1e30, **CLOSE)
    np.testing.assert_allclose(axes.explained, shares)


def test_axes_of_another_layer_are_refused():
    axes = fit_axes([scattered((4, 6))])
    with pytest.raises(ValueError, match=r"7 values a probe was passed.*of a layer with 6"):
        axes.positions(np.zeros((4, 7)))


# -- alignment --------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.floats(-50, 50))
def test_a_turned_mirrored_and_shifted_picture_is_turned_back(seed, shift):
    points = np.random.default_rng(seed).normal(size=(8, 2))
    turned = points @ ortho_group.rvs(2, random_state=seed) + shift
    np.testing.assert_allclose(aligned(turned, points), points, **CLOSE)


def test_alignment_keeps_all_distances_and_looks_at_known_probes_only():
    generator = np.random.default_rng(3)
    points, onto = generator.normal(size=(2, 6, 2))
    points[4], onto[1] = np.nan, np.nan
    found = aligned(points, onto)
    apart = np.linalg.norm(points[:, None] - points, axis=-1)
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found, axis=-1), apart, **CLOSE)
    known = [0, 2, 3, 5]
    np.testing.assert_allclose(found[known].mean(axis=0), onto[known].mean(axis=0), **CLOSE)
    np.testing.assert_allclose(found[known], aligned(points[known], onto[known]), **CLOSE)
    np.testing.assert_array_equal(aligned(points, np.full((6, 2), np.nan)), points.astype("f4"))


# -- methods of neighbourhoods ----------------------------------------------------------------


# Each half has two points as far from each other as the circle is wide. No two distances else are
# equal, so that the picture can be turned in one way only.
CIRCLE = 5 * np.array(
    [[np.cos(angle), np.sin(angle)] for angle in np.deg2rad([0, 180, 25, 70, 90, 270, 130, 215])]
)


class OneAfterTheOther:
    """Stands for UMAP: gives classical scaling of the distances, mirrored every other time."""

    calls: ClassVar[list[dict]] = []

    def __init__(self, **options):
        self.options = options
        self.calls.append(options)

    def fit_transform(self, apart):
        assert self.options["metric"] == "precomputed"
        middle = np.eye(len(apart)) - 1 / len(apart)
        values, vectors = np.linalg.eigh(-middle @ apart**2 @ middle / 2)
        points = vectors[:, -2:] * np.sqrt(values[-2:])
        return points * (-1) ** len(self.calls)


@pytest.fixture
def _umap(monkeypatch):
    package = types.ModuleType("umap")
    package.UMAP = OneAfterTheOther
    package.__spec__ = importlib.util.spec_from_loader("umap", loader=None)
    monkeypatch.setitem(sys.modules, "umap", package)
    monkeypatch.setattr(OneAfterTheOther, "calls", [])


@pytest.mark.usefixtures("_umap")
def test_a_method_that_flips_is_turned_back_step_by_step():
    points = np.concatenate([CIRCLE, scattered((2, 2)) - 5])
    history = [points * (1 + 0.01 * step) for step in range(4)]
    history[2][8] = np.nan
    found = embed(history, fit_axes(history[:1]), method="umap", seed=5)
    assert "umap" in available_methods()
    assert found.positions.shape == (4, 10, 2)
    for step, frame in enumerate(history):
        known = np.isfinite(frame).all(axis=1)
        assert np.isfinite(found.positions[step]).all(axis=1).tolist() == known.tolist()
        moved = found.positions[step, known] - found.positions[0, known]
        assert np.abs(moved).max() < 0.1 * np.ptp(found.positions[0])
    assert np.isnan(found.explained).all()
    for options in OneAfterTheOther.calls:
        assert (options["random_state"], options["n_neighbors"] < 10) == (5, True)
        assert np.abs(options["init"]).max() == pytest.approx(projection.UMAP_START)


@pytest.mark.usefixtures("_umap")
def test_each_step_is_turned_onto_the_one_before_it():
    history = [CIRCLE.copy() for _ in range(3)]
    history[0][4:], history[2][:4] = np.nan, np.nan  # the first and the last share no probe
    found = embed(history, fit_axes([CIRCLE]), method="umap").positions
    np.testing.assert_allclose(found[1, :4], found[0, :4], **CLOSE)
    np.testing.assert_allclose(found[2, 4:], found[1, 4:], **CLOSE)


@pytest.mark.usefixtures("_umap")
def test_a_step_with_too_few_probes_has_no_neighbourhoods():
    rows = scattered((6, 3))
    few = rows.copy()
    few[3:] = np.nan
    found = embed([few, rows], fit_axes([rows]), method="umap")
    assert np.isnan(found.positions[0]).all()
    assert np.isfinite(found.positions[1]).all()


@pytest.mark.slow
@pytest.mark.skipif("tsne" not in available_methods(), reason="needs scikit-learn, not required")
def test_tsne_keeps_clusters_together_and_steps_alike():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 6)
    centre = np.where(labels[:, None] == 0, 8, -8) * np.ones(20)
    history = [centre + generator.normal(size=(12, 20)) for _ in range(2)]
    history += [np.zeros((12, 20)), history[0] * 1e30]  # dead, and about to diverge
    axes = fit_axes(history[:2])
    found = embed(history, axes, method="tsne").positions
    again = embed(history[:1], axes, method="tsne").positions
    np.testing.assert_array_equal(again, found[:1])
    for points in found[:2]:
        apart = np.linalg.norm(points[:, None] - points, axis=-1)
        same = labels[:, None] == labels
        assert apart[same].mean() < 0.5 * apart[~same].mean()
    assert np.ptp(found[2], axis=0).tolist() == [0, 0]
    assert np.isfinite(found[3]).all()
    middles = [[points[labels == name].mean(axis=0) for name in (0, 1)] for points in found[:2]]
    assert np.dot(middles[0][0] - middles[0][1], middles[1][0] - middles[1][1]) > 0


def test_pca_always_works_and_is_the_projection(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert available_methods() == ("pca",)
    rows = scattered((5, 4))
    axes = fit_axes([rows])
    np.testing.assert_array_equal(
        embed([rows], axes, method="pca").positions, project([rows], axes).positions
    )
    with pytest.raises(ValueError, match="install the package sklearn, or choose one of: pca"):
        embed([rows], axes, method="tsne")
    with pytest.raises(ValueError, match=r"'isomap' was asked for.*choose one of: pca"):
        embed([rows], axes, method="isomap")

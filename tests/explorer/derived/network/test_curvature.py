"""Sharpness against the exact Hessian, the noise scale against gradients of known noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.network.curvature import hessian_product, noise_scale, top_eigenvalue


@given(st.integers(0, 1000), st.integers(1, 30))
def test_of_a_quadratic_it_is_the_largest_eigenvalue(seed: int, size: int) -> None:
    generator = np.random.default_rng(seed)
    half = generator.normal(size=(size, size))
    matrix = half + half.T
    found = top_eigenvalue(lambda w: matrix @ w, generator.normal(size=size), most=60)
    expected = np.linalg.eigvalsh(matrix)[-1]
    assert found.settled
    assert found.value == pytest.approx(expected, abs=0.05 * np.abs(matrix).sum(axis=1).max())


def test_an_eigenvalue_of_larger_size_that_is_negative_is_not_the_top() -> None:
    matrix = np.diag([-100.0, 3.0, 1.0, 0.5])
    found = top_eigenvalue(lambda w: matrix @ w, np.ones(4))
    assert found.value == pytest.approx(3, rel=1e-3)
    assert top_eigenvalue(lambda w: 0 * w, np.ones(4)).value == pytest.approx(0, abs=1e-9)
    assert np.isnan(top_eigenvalue(lambda w: np.nan * w, np.ones(4)).value)


@pytest.mark.slow
def test_of_a_network_it_is_that_of_tensorflows_hessian(recorded: Callable[..., Any]) -> None:
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation="tanh", name="hidden"),
            keras.layers.Dense(3, activation="softmax", name="out"),
        ]
    )
    x = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 3, 40)
    one = recorded(model, {"input": x})
    keys = [("hidden", "kernel"), ("hidden", "bias"), ("out", "kernel"), ("out", "bias")]
    shapes = [one.weights[layer][name].shape for layer, name in keys]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def gradient(flat: np.ndarray) -> np.ndarray:
        weights: dict[str, dict[str, np.ndarray]] = {"hidden": {}, "out": {}}
        for (layer, name), shape, part in zip(keys, shapes, np.split(flat, ends), strict=True):
            weights[layer][name] = part.reshape(shape)
        found = one.network.forward(one.inputs, weights)
        seed = (found["out"] - np.eye(3)[labels]) / len(x)
        by = one.network.weight_gradients(found, weights, {"out": seed}, before_activation=True)
        return np.concatenate([by[layer][name].ravel() for layer, name in keys], dtype=np.float64)

    flat = np.concatenate([one.weights[layer][name].ravel() for layer, name in keys])

    def loss(values: Any) -> Any:
        k1, b1, k2, b2 = (
            tf.reshape(part, shape)
            for part, shape in zip(
                tf.split(values, [int(np.prod(s)) for s in shapes]), shapes, strict=True
            )
        )
        logits = tf.tanh(x.astype(np.float64) @ k1 + b1) @ k2 + b2
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        )

    point = tf.constant(flat.astype(np.float64))
    with tf.GradientTape() as outer:
        outer.watch(point)
        with tf.GradientTape() as inner:
            inner.watch(point)
            value = loss(point)
        first = inner.gradient(value, point)
    hessian = outer.jacobian(first, point).numpy()
    direction = np.random.default_rng(3).normal(size=len(flat))
    product = hessian_product(gradient, flat.astype(np.float64), direction)
    np.testing.assert_allclose(product, hessian @ direction, atol=2e-3 * np.abs(product).max())
    found = top_eigenvalue(gradient, flat.astype(np.float64))
    assert found.value == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=0.02)
    assert found.settled


def test_the_noise_scale_of_gradients_whose_noise_is_known() -> None:
    generator = np.random.default_rng(0)
    mean, deviation, size = np.full(50, 0.2), 1.5, 10
    noise = deviation / np.sqrt(size) * generator.normal(size=(4000, 50))
    expected = 50 * deviation**2 / (mean**2).sum()
    assert noise_scale(mean + noise, size) == pytest.approx(expected, rel=0.05)
    assert noise_scale(np.tile(mean, (4, 1)), size) == pytest.approx(0, abs=1e-9)


def test_the_noise_scale_does_not_depend_on_the_batches() -> None:
    each = 0.3 + np.random.default_rng(1).normal(size=(4000, 20))
    by_size = [noise_scale(each.reshape(-1, size, 20).mean(axis=1), size) for size in (1, 5, 20)]
    np.testing.assert_allclose(by_size, 20 / (20 * 0.09), rtol=0.1)


def test_a_gradient_that_is_all_noise_has_no_scale() -> None:
    assert np.isnan(noise_scale(np.array([[1.0, 0.0], [-1.0, 0.0]]), 5))
    assert np.isnan(noise_scale(np.array([[1.0, np.inf], [-1.0, 0.0]]), 5))

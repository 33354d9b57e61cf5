"""Where an answer comes from: how much each value of an input, or of a layer, has to do with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from explorer.derived.network.node import Array, as_float

# Takes points (point, ...) and the number of the example that each belongs to; gives the gradient
# of the answer there (point, ...), or the answer itself (point,).
OfPoints = Callable[[Array, Array], Array]

SAMPLES = 64
# Bytes of covered copies that are held at once.
COPY_BYTES = 64 * 1024 * 1024
# Standard deviation of the noise as a share of the range of the values (Smilkov et al., fig. 3).
NOISE = 0.15


def plain_gradient(x: Array, gradient: OfPoints) -> Array:
    """Gradient of the answer (Simonyan et al. 2013, arXiv:1312.6034).

    Parameters
    ----------
    x : ndarray (example, ...)
        Where it is taken.
    gradient : callable
        See `OfPoints`.

    Returns
    -------
    ndarray (example, ...), float32
    """
    return as_float(gradient(x, np.arange(len(x))))


def gradient_x_input(x: Array, gradient: OfPoints) -> Array:
    """Gradient times value (Shrikumar et al. 2016, arXiv:1605.01713); see `plain_gradient`."""
    return plain_gradient(x, gradient) * as_float(x)


def smoothgrad(
    x: Array, gradient: OfPoints, *, samples: int = SAMPLES, noise: float = NOISE, seed: int = 0
) -> Array:
    """Mean gradient at noisy copies (Smilkov et al. 2017, arXiv:1706.03825).

    Parameters
    ----------
    x, gradient
        See `plain_gradient`.
    samples : int
        Copies of each example.
    noise : float
        Standard deviation, as a share of the range of the example's values.
    seed : int
        Of the noise.
    """
    generator = np.random.default_rng(seed)
    found = np.empty(x.shape, np.float32)
    for number, example in enumerate(as_float(x)):
        spread = noise * (example.max(initial=0) - example.min(initial=0))
        copies = example + spread * generator.normal(size=(samples, *example.shape))
        found[number] = gradient(as_float(copies), np.full(samples, number)).mean(axis=0)
    return found


def integrated_gradients(
    x: Array, gradient: OfPoints, *, baseline: Array | float = 0.0, samples: int = SAMPLES
) -> Array:
    """Gradients on the way from a baseline, times that way (Sundararajan et al. 2017).

    Of arXiv:1703.01365. What is attributed adds up to the answer less that at the baseline, but for
    the error of the sum over `samples` (completeness).

    Parameters
    ----------
    x, gradient
        See `plain_gradient`.
    baseline : ndarray (...) or float
        Where the way begins, for all examples.
    samples : int
        Places on the way, by Gauss and Legendre.
    """
    nodes, parts = np.polynomial.legendre.leggauss(samples)
    places, parts = (nodes + 1) / 2, parts / 2
    found = np.empty(x.shape, np.float32)
    for number, example in enumerate(as_float(x)):
        way = example - np.broadcast_to(as_float(np.asarray(baseline)), example.shape)
        points = (example - way) + places.reshape(-1, *[1] * example.ndim) * way
        gradients = gradient(as_float(points), np.full(samples, number))
        found[number] = way * np.tensordot(parts, gradients, axes=1)
    return found


def occlusion(
    x: Array, answer: OfPoints, *, patch: Sequence[int], stride: Sequence[int], value: float = 0.0
) -> Array:
    """Fall of the answer when a patch is covered (Zeiler and Fergus 2013, arXiv:1311.2901).

    Parameters
    ----------
    x : ndarray (example, place, ..., unit)
        Examples; all units of a place are covered at once. Of values without places, (example,
        unit), each unit is a place.
    answer : callable
        See `OfPoints`.
    patch, stride : sequence of int
        Size of the patch, and how far the next one is, along each axis of places.
    value : float
        What covers.

    Returns
    -------
    ndarray (example, place, ...), float32
        Mean fall over all patches that cover a place.
    """
    places = x.shape[1:-1] or x.shape[1:]
    starts = [
        sorted({*range(0, length - size + 1, step), length - size})
        for length, size, step in zip(places, patch, stride, strict=True)
    ]
    corners = list(itertools.product(*starts))
    windows = [
        tuple(slice(start, start + size) for start, size in zip(corner, patch, strict=True))
        for corner in corners
    ]
    found = np.zeros((len(x), *places), np.float32)
    counts = np.zeros(places, np.float32)
    for window in windows:
        counts[window] += 1
    at_once = max(1, COPY_BYTES // max(1, x[:1].size * found.itemsize))
    for number, example in enumerate(as_float(x)):
        whole = answer(example[None], np.array([number]))[0]
        for first in range(0, len(windows), at_once):
            some = windows[first : first + at_once]
            covered = np.repeat(example[None], len(some), axis=0)
            for copy, window in zip(covered, some, strict=True):
                copy[window] = value
            falls = whole - answer(covered, np.full(len(some), number))
            for fall, window in zip(falls, some, strict=True):
                found[number][window] += fall
    return found / counts


def grad_cam(activation: Array, gradient: Array) -> Array:
    """Where a layer speaks for the answer (Selvaraju et al. 2016, arXiv:1610.02391).

    Parameters
    ----------
    activation, gradient : ndarray (example, place, ..., unit)
        Of the layer, and of the answer by it.

    Returns
    -------
    ndarray (example, place, ...), float32
        Units weighted by their mean gradient over the places and summed; what speaks against the
        answer is 0.
    """
    places = tuple(range(1, activation.ndim - 1))
    shares = gradient.mean(axis=places, keepdims=True)
    return as_float(np.maximum((activation * shares).sum(axis=-1), 0))

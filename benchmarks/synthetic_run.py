"""A LeNet in NumPy that drifts as in training: frames as sparse and as correlated as real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from store import RunWriter
from store.format.names import Array
from store.format.spec import LayerSpec, ProbeSpec, RunSpec, WeightSpec

PROBES = 48
IMAGE = ("probe", "y", "x", "unit")
KERNEL = ("kernel_y", "kernel_x", "in_unit", "unit")
DENSE_UNITS = 256


def spec(probes: int = PROBES) -> RunSpec:
    """Describe the network: two convolutions, two dense layers, 5.3 MB a step with 48 probes."""

    def conv(name: str, source: str, side: int, inner: int, units: int) -> LayerSpec:
        weights = (
            WeightSpec("kernel", KERNEL, (5, 5, inner, units)),
            WeightSpec("bias", ("unit",), (units,)),
        )
        shape = (probes, side, side, units)
        return LayerSpec(name, "Conv2D", "conv", {}, (source,), IMAGE, shape, weights=weights)

    def pool(name: str, source: str, side: int, units: int) -> LayerSpec:
        shape = (probes, side, side, units)
        return LayerSpec(name, "MaxPooling2D", "pooling", {}, (source,), IMAGE, shape)

    def dense(name: str, source: str, inner: int, units: int, kind: str) -> LayerSpec:
        weights = (
            WeightSpec("kernel", ("in_unit", "unit"), (inner, units)),
            WeightSpec("bias", ("unit",), (units,)),
        )
        dims = ("probe", "unit")
        return LayerSpec(name, "Dense", kind, {}, (source,), dims, (probes, units), weights=weights)

    layers = (
        LayerSpec("image", "InputLayer", "input"),
        conv("conv1", "image", 24, 1, 20),
        pool("pool1", "conv1", 12, 20),
        conv("conv2", "pool1", 8, 20, 50),
        pool("pool2", "conv2", 4, 50),
        dense("dense1", "pool2", 800, DENSE_UNITS, "dense"),
        dense("dense2", "dense1", DENSE_UNITS, 10, "softmax"),
    )
    images = digits(probes)
    probe = ProbeSpec({"input": images}, "image", {"input": ("probe", "y", "x", "channel")})
    return RunSpec("synthetic LeNet", layers, probe, outputs=("dense2",))


def digits(count: int) -> Array:
    """Draw strokes on black: as empty as MNIST's images."""
    rng = np.random.default_rng(1)
    images = np.zeros((count, 28, 28, 1), np.float32)
    rows, columns = np.mgrid[:28, :28]
    for image in images[..., 0]:
        at = rng.uniform(8, 20, 2)
        for _ in range(40):
            at = np.clip(at + rng.normal(0, 1.5, 2), 5, 22)
            distance = (rows - at[0]) ** 2 + (columns - at[1]) ** 2
            np.maximum(image, np.where(distance < 6, np.exp(-distance / 3), 0), out=image)
    return np.round(images * 255) / np.float32(255)


def frames(steps: int, probes: int = PROBES) -> Iterator[dict[str, Array]]:
    """Yield the frames of consecutive steps: weights take Adam-like steps, activations follow."""
    rng = np.random.default_rng(0)
    images = digits(probes)
    weights: dict[str, Array] = {}
    for layer in spec(probes).layers:
        for weight in layer.weights:
            scale = 0 if weight.name == "bias" else np.sqrt(2 / np.prod(weight.shape[:-1]))
            values = rng.normal(0, scale, weight.shape).astype(np.float32)
            weights[f"layers/{layer.name}/weights/{weight.name}"] = values
    momentum = {path: np.zeros_like(values) for path, values in weights.items()}
    for step in range(steps):
        rate = 1e-3 / (1 + step / 200)
        for path, values in weights.items():
            noise = rng.standard_normal(values.shape, np.float32)
            momentum[path] = np.float32(0.9) * momentum[path] + np.float32(0.436) * noise
            weights[path] = values + np.float32(rate) * momentum[path]
        yield {**weights, **_activations(weights, images)}


def _activations(weights: dict[str, Array], images: Array) -> dict[str, Array]:
    conv1 = _conv(images, weights, "conv1")
    pool1 = _pool(conv1)
    conv2 = _conv(pool1, weights, "conv2")
    pool2 = _pool(conv2)
    flat = pool2.reshape(len(images), -1)
    dense1 = np.maximum(flat @ _of(weights, "dense1") + _of(weights, "dense1", "bias"), 0)
    scores = dense1 @ _of(weights, "dense2") + _of(weights, "dense2", "bias")
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    values = {
        "conv1": conv1,
        "pool1": pool1,
        "conv2": conv2,
        "pool2": pool2,
        "dense1": dense1,
        "dense2": odds / odds.sum(axis=1, keepdims=True),
    }
    return {f"layers/{name}/activation": each for name, each in values.items()}


def _of(weights: dict[str, Array], layer: str, name: str = "kernel") -> Array:
    return weights[f"layers/{layer}/weights/{name}"]


def _conv(images: Array, weights: dict[str, Array], layer: str) -> Array:
    kernel = _of(weights, layer)
    windows = np.lib.stride_tricks.sliding_window_view(images, kernel.shape[:2], axis=(1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(*windows.shape[:3], -1)
    values = patches @ kernel.reshape(-1, kernel.shape[-1]) + _of(weights, layer, "bias")
    return np.maximum(values, 0)


def _pool(values: Array) -> Array:
    count, rows, columns, units = values.shape
    return values.reshape(count, rows // 2, 2, columns // 2, 2, units).max(axis=(2, 4))


def record(path: Path, steps: int, probes: int = PROBES) -> Path:
    """Write a synthetic run in the live form."""
    with RunWriter.create(path, spec(probes)) as writer:
        for step, values in enumerate(frames(steps, probes)):
            writer.append(step, epoch=step / 100, wall_time=step / 10, frames=values)
            writer.append_metrics(step, {"loss": 2 / (1 + step / 50)})
    return path

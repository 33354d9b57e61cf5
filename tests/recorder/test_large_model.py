"""A large network of keras.applications, with all of its layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recorder import Probe, Recorder, every_n_steps
from store import open_run

STEPS = 20


@pytest.mark.slow
def test_a_mobile_net_records_every_layer_at_every_step(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(1)
    generator = np.random.default_rng(0)
    x = generator.uniform(0, 255, (4, 96, 96, 3)).astype(np.float32)
    model = keras.applications.MobileNetV3Small(weights=None, input_shape=(96, 96, 3))
    model.compile("sgd", "sparse_categorical_crossentropy")
    recorder = Recorder(tmp_path / "run.zarr", Probe(x[:2]), schedule=every_n_steps(1))
    model.fit(*(x, np.arange(4)), batch_size=1, epochs=STEPS // 4, verbose=0, callbacks=[recorder])
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(STEPS + 1))
    inner = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    recorded = {name for name, layer in run.layers.items() if layer.has_activation}
    assert recorded == {layer.name for layer in inner}
    outputs = keras.Model(model.inputs[0], [layer.output for layer in inner])(x[:2], training=False)
    for layer, expected in zip(inner, outputs, strict=True):
        found = np.asarray(run.activations(layer.name).isel(step=-1))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4, err_msg=layer.name)

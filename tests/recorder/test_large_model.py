"""A large network of keras.applications, with all of its layers.

``benchmarks/large_model.py`` trains one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recorder import Probe, Recorder, every_n_steps
from store import open_run
from tests.recorder.networks import values_of

STEPS = 2


@pytest.mark.slow
def test_a_mobile_net_records_every_layer_at_every_step(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(1)
    generator = np.random.default_rng(0)
    x = generator.uniform(0, 255, (2, 96, 96, 3)).astype(np.float32)
    model = keras.applications.MobileNetV3Small(weights=None, input_shape=(96, 96, 3))
    moments = [[values_of(variable) for variable in model.weights]]
    with Recorder(
        tmp_path / "run.zarr", Probe(x), model=model, schedule=every_n_steps(1)
    ) as recorder:
        for step in range(1, STEPS + 1):
            # To trace a training of it takes longer than all the rest, and any weights will do.
            for variable in model.weights:
                variable.assign(variable * generator.uniform(0.9, 1.1, variable.shape))
            moments.append([values_of(variable) for variable in model.weights])
            recorder.record(step)
    assert recorder.report.fault is None
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == list(range(STEPS + 1))
    inner = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    recorded = {name for name, layer in run.layers.items() if layer.has_activation}
    assert recorded == {layer.name for layer in inner}
    whole = keras.Model(model.inputs[0], [layer.output for layer in inner])
    for index, weights in enumerate(moments):
        model.set_weights(weights)
        for layer, expected in zip(inner, whole(x, training=False), strict=True):
            found = np.asarray(run.activations(layer.name).isel(step=index))
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4, err_msg=layer.name)

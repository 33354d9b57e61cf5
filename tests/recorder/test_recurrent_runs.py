"""All that a recurrent layer does inside follows from what its run holds, at every step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.derived.recurrent.equations import States, layer_output, layer_states, token_mask
from recorder import Probe, Recorder, every_n_steps
from store import open_run
from store.reading.run import Run
from tests.recorder.networks import CLASSES, sentences

pytestmark = pytest.mark.slow

PROBES = 4
VOCABULARY = 12


def tokens() -> Any:
    import keras

    return keras.Input((6,), dtype="int32", name="tokens")


def sequential(*hidden: Any, mask_zero: bool = True) -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            tokens(),
            layers.Embedding(VOCABULARY, 4, mask_zero=mask_zero, name="embedding"),
            *hidden,
            layers.Dense(CLASSES, activation="softmax", name="out"),
        ]
    )


def stacked() -> Any:
    from keras import layers

    return sequential(
        layers.SimpleRNN(3, return_sequences=True, name="simple"),
        layers.Dropout(0.5, name="drop"),
        layers.LSTM(4, return_sequences=True, name="lstm"),
        layers.GRU(3, reset_after=False, name="gru"),
    )


def both_ways() -> Any:
    from keras import layers

    return sequential(
        layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="deep"),
        layers.Bidirectional(layers.GRU(2, use_bias=False), merge_mode="ave", name="top"),
    )


def backwards() -> Any:
    from keras import layers

    return sequential(
        layers.LSTM(3, go_backwards=True, return_sequences=True, name="lstm"),
        layers.GRU(3, go_backwards=True, recurrent_activation="hard_sigmoid", name="gru"),
        mask_zero=False,
    )


def between_operations() -> Any:
    """Neither the recurrent layers' inputs nor one's mask are what a layer gives."""
    import keras
    from keras import layers, ops

    given = tokens()
    embedded = layers.Embedding(VOCABULARY, 4, name="embedding")(given)
    wanted = ops.not_equal(given, 3)
    hidden = layers.GRU(3, return_sequences=True, name="gru")(embedded * 2.0, mask=wanted)
    last = layers.LSTM(3, name="lstm")(ops.concatenate([hidden, embedded], axis=-1))
    return keras.Model(given, layers.Dense(CLASSES, activation="softmax", name="out")(last))


def masking() -> Any:
    import keras
    from keras import layers

    given = keras.Input((6, 1), name="numbers")
    masked = layers.Masking(0.0, name="masking")(given)
    last = layers.SimpleRNN(3, name="simple")(masked)
    return keras.Model(given, layers.Dense(CLASSES, activation="softmax", name="out")(last))


def subclassed() -> Any:
    import keras
    from keras import layers

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = layers.Embedding(VOCABULARY, 4, mask_zero=True, name="embedding")
            self.lstm = layers.LSTM(3, name="lstm")
            self.out = layers.Dense(CLASSES, activation="softmax", name="out")

        def call(self, inputs: Any) -> Any:
            return self.out(self.lstm(self.embedding(inputs)))

    return Net()


def subclassed_masking() -> Any:
    import keras
    from keras import layers

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.masking = layers.Masking(0.0, name="masking")
            self.gru = layers.GRU(3, name="gru")
            self.out = layers.Dense(CLASSES, activation="softmax", name="out")

        def call(self, inputs: Any) -> Any:
            return self.out(self.gru(self.masking(inputs)))

    return Net()


NETWORKS: dict[str, Callable[[], Any]] = {
    function.__name__: function
    for function in (
        stacked,
        both_ways,
        backwards,
        between_operations,
        masking,
        subclassed,
        subclassed_masking,
    )
}


def values_of(run: Run, layer: str, index: int) -> np.ndarray:
    """What a layer gave at a recorded step, or the probe's input."""
    if run.layers[layer].kind == "input":
        assert run.probe is not None
        return next(iter(run.probe.inputs.values()))
    return np.asarray(run.activations(layer).isel(step=index))


def mask_of(run: Run, layer: str, index: int) -> np.ndarray | None:
    maker = run.layers[layer].mask_from
    if maker is None:
        return None
    known = run.layers[maker]
    source = maker if known.class_name == "Operations" else known.inbound[0]
    return token_mask(known.class_name, known.config, values_of(run, source, index))


def states_of(run: Run, layer: str, index: int) -> dict[str, States]:
    known = run.layers[layer]
    weights = {
        name: np.asarray(run.weights(layer, name).isel(step=index)) for name in known.weights
    }
    inputs = values_of(run, known.inbound[0], index)
    return layer_states(known.class_name, known.config, weights, inputs, mask_of(run, layer, index))


# Which layer makes the mask that each recurrent one obeys.
MASKS = {
    "stacked": {"simple": "embedding", "lstm": "embedding", "gru": "embedding"},
    "both_ways": {"deep": "embedding", "top": "embedding"},
    "backwards": {"lstm": None, "gru": None},
    "between_operations": {"gru": "gru.mask", "lstm": None},
    # A functional model computes this mask otherwise than the layer does, so it is recorded.
    "masking": {"simple": "simple.mask"},
    "subclassed": {"lstm": "embedding"},
    "subclassed_masking": {"gru": "masking"},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_states_follow_from_the_run(name: str, tmp_path: Path) -> None:
    x, _ = sentences(PROBES)
    if "masking" in name:
        x = x[:, :, None].astype(np.float32)
    model, generator = NETWORKS[name](), np.random.default_rng(0)
    path = tmp_path / "run.zarr"
    with Recorder(path, Probe(x), model=model, schedule=every_n_steps(1)) as recorder:
        for step in (1, 2):  # any weights will do
            for variable in model.weights:
                variable.assign(generator.normal(0, 0.5, variable.shape))
            recorder.record(step)
    run = open_run(path)
    assert list(run.steps) == [0, 1, 2]
    recurrent = [layer for layer in run.layers.values() if layer.kind == "recurrent"]
    assert {layer.name: layer.mask_from for layer in recurrent} == MASKS[name]
    for index in range(len(run)):
        for layer in recurrent:
            found = states_of(run, layer.name, index)
            output = layer_output(
                layer.class_name, layer.config, found, mask_of(run, layer.name, index)
            )
            np.testing.assert_allclose(
                output, values_of(run, layer.name, index), rtol=1e-5, atol=1e-5, err_msg=layer.name
            )
            for state in found.values():
                assert (state.cell is None) == ("lstm" not in str(layer.config).lower())

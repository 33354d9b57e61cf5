"""The network of imported checkpoints: data from a stranger is never run as code."""

from __future__ import annotations

import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recorder import Probe
from recorder.checkpoints.import_run import import_run
from recorder.checkpoints.model_source import load_network
from store import open_run
from store.errors import CheckpointError
from tests.recorder.networks import CLASSES, compiled, rows

# Keras's own saving converts its variables in a way that NumPy 2 calls old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def own_code(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module of the user's."""
    import keras

    class Twice(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return 2 * inputs

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(CLASSES, name="dense")

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    module = types.ModuleType("own_code")
    for cls in (Twice, Net):
        cls.__module__ = "own_code"
        setattr(module, cls.__name__, cls)
    module.number = lambda: 3
    monkeypatch.setitem(sys.modules, "own_code", module)
    return module


def with_layer(layer: Any) -> Any:
    import keras

    return keras.Sequential([keras.Input((5,)), layer, keras.layers.Dense(2)])


def test_a_layer_of_ones_own_needs_to_be_given(own_code: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with_layer(own_code.Twice()).save(path)
    with pytest.raises(CheckpointError, match=r"needs code .*Twice.*--custom module:Name"):
        load_network(path)
    assert load_network(path, ["own_code:Twice"]).layers[0].__class__ is own_code.Twice


def test_a_foreign_module_is_not_even_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    path = tmp_path / "m.keras"
    with_layer(keras.layers.ReLU(name="relu")).save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = members["config.json"].replace(
        b'"module": "keras.layers", "class_name": "ReLU"',
        b'"module": "antigravity", "class_name": "Relay"',
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    with pytest.raises(CheckpointError, match="Relay"):
        load_network(path)
    assert "antigravity" not in sys.modules


def test_a_lambda_is_refused(tmp_path: Path) -> None:
    import keras

    path = tmp_path / "m.keras"
    with_layer(keras.layers.Lambda(lambda x: x)).save(path)
    with pytest.raises(CheckpointError, match=r"Lambda layer.*--model module:function"):
        load_network(path, ["keras.layers:Lambda"])


def test_a_loss_of_ones_own_does_not_matter(tmp_path: Path) -> None:
    import keras

    class Loss(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return y_pred - y_true

    model = with_layer(keras.layers.ReLU())
    model.compile("adam", Loss())
    model.save(tmp_path / "m.keras")
    assert not load_network(tmp_path / "m.keras").compiled


def test_a_subclassed_model_from_ones_own_function(own_code: Any, tmp_path: Path) -> None:
    import keras

    model, data = compiled(own_code.Net), rows()
    saver = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}.weights.h5"), save_weights_only=True
    )
    model.fit(*data, epochs=2, batch_size=8, verbose=0, callbacks=[saver])
    probe = Probe(data[0][:3])
    import_run(tmp_path, tmp_path / "run.zarr", probe, model="own_code:Net", progress=False)
    run = open_run(tmp_path / "run.zarr")
    assert list(run.steps) == [4, 8]
    np.testing.assert_array_equal(
        run.weights("dense", "kernel").sel(step=8), model.dense.kernel.numpy()
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("own_code:number", "gave a int, not a keras.Model"),
        ("own_code:nothing", "cannot be imported"),
        ("no_such_module:build", "cannot be imported"),
        ("missing.keras", "no model in missing.keras"),
        ("missing.json", "no model in missing.json"),
        ("weights.bin", "holds weights only"),
    ],
)
def test_no_model(source: str, message: str, own_code: Any) -> None:
    with pytest.raises(CheckpointError, match=message):
        load_network(source)


def test_weights_without_a_model(tmp_path: Path) -> None:
    import keras

    with_layer(keras.layers.ReLU()).save_weights(tmp_path / "step-1.weights.h5")
    with pytest.raises(CheckpointError, match=r"holds weights only.*--model"):
        import_run(tmp_path, tmp_path / "run.zarr", Probe(rows()[0]))

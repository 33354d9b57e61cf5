"""Every kind of model that the recorder is tried with: its outputs at three steps are Keras's."""

from __future__ import annotations

import numpy as np
import pytest

from explorer import network_at
from store.errors import SpecError
from tests.recorder.matrix_models import KINDS

pytestmark = pytest.mark.slow


def custom_of(model):
    """Classes that are not Keras's own, by name."""
    held = [model, *model._flatten_layers()]
    own = {type(one) for one in held if not type(one).__module__.startswith("keras")}
    return {one.__name__: one for one in own}


@pytest.mark.parametrize("name", [name for name in KINDS if name != "subclassed"])
def test_outputs_are_those_of_keras(trained, name):
    kind = KINDS[name]
    loss = kind.loss() if callable(kind.loss) else kind.loss
    done = trained(
        kind.build, kind.data, loss=tuple(loss.items()) if isinstance(loss, dict) else loss
    )
    for step in (0, 1, 2):
        net = network_at(done.run, step, custom_objects=custom_of(done.model))
        found, expected = net(done.inputs), done.keras_at(step)(done.inputs, training=False)
        if not isinstance(expected, dict):
            found, expected = {"": found}, {"": expected}
        assert found.keys() == expected.keys()
        for output, values in expected.items():
            np.testing.assert_allclose(found[output], np.asarray(values), rtol=1e-5, atol=1e-5)


REPEATED = [name for name in KINDS if name not in ("functional", "attention", "subclassed")]


@pytest.mark.parametrize("name", REPEATED)
def test_both_engines_give_the_same_gradients(trained, name):
    kind = KINDS[name]
    loss = kind.loss() if callable(kind.loss) else kind.loss
    done = trained(
        kind.build, kind.data, loss=tuple(loss.items()) if isinstance(loss, dict) else loss
    )
    numpys, kerass = (network_at(done.run, 2, engine=engine) for engine in ("numpy", "keras"))
    # To trace a gradient takes a second: the inputs, and a few layers.
    layers = numpys.layers[:: max(1, len(numpys.layers) // 4)]
    for output in numpys.outputs:
        asked = {"target": 0, "output": output}
        for layer in layers:
            if layer in numpys.inputs and numpys.input_specs[layer].is_whole:
                continue
            try:
                expected = kerass.gradient(done.inputs, wrt=layer, **asked)
            except SpecError:
                with pytest.raises(SpecError, match="does not depend on"):
                    numpys.gradient(done.inputs, wrt=layer, **asked)
                continue
            found = numpys.gradient(done.inputs, wrt=layer, **asked)
            scale = max(1.0, float(np.abs(expected).max()))
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * scale)


def subclassed():
    import keras

    class Net(keras.Model):
        def __init__(self, width=4, **options):
            super().__init__(**options)
            self.width = width
            self.hidden = keras.layers.Dense(width, activation="relu", name="hidden")
            self.out = keras.layers.Dense(3, name="out")

        def call(self, x):
            return self.out(2 * self.hidden(x))

        def get_config(self):
            return {**super().get_config(), "width": self.width}

    return Net(name="net")


def test_a_class_of_ones_own_is_rebuilt_by_its_configuration(trained):
    kind = KINDS["subclassed"]
    done = trained(subclassed, kind.data, loss=kind.loss())
    net = network_at(done.run, 1, custom_objects={"Net": type(done.model)})
    assert net.engine == "keras"
    expected = np.asarray(done.keras_at(1)(done.inputs))
    np.testing.assert_allclose(net(done.inputs), expected, atol=1e-6)
    silent = net.without("hidden")(done.inputs)
    np.testing.assert_allclose(silent, np.broadcast_to(done.weights[1][3], (6, 3)), atol=1e-6)
    assert np.abs(net.gradient(done.inputs, 2)).max() > 0

"""What a run keeps of a training beside arrays."""

from __future__ import annotations

import json
import warnings

import pytest

from recorder.keras import settings

pytestmark = pytest.mark.slow


def test_functions_without_a_name_are_kept_without_their_code_and_without_a_warning() -> None:
    import keras

    layers = [keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", lambda truth, said: keras.ops.mean(said - truth))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = [
            settings.model_configuration(model).value,
            settings.loss_configuration(model.loss).value,
        ]
    assert found[1] == {"class_name": "__lambda__"}
    kept = json.dumps(found)
    assert kept.count("__lambda__") == 2
    assert "code" not in kept
    assert "value" not in kept

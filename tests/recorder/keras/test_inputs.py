"""A probe is checked against the inputs of a Keras model before anything runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recorder import Probe
from recorder.keras.inputs import check_fits
from store.errors import SpecError
from tests.recorder.networks import branched_model, conv_model, lstm_model


def test_a_probe_that_fits_is_accepted() -> None:
    check_fits(Probe(np.zeros((2, 8, 8, 1))), conv_model())
    check_fits(Probe(np.zeros((2, 8, 8))), conv_model())  # Keras itself adds the channel
    check_fits(Probe(np.zeros((2, 6))), lstm_model())  # whole numbers, though stored as floats


@pytest.mark.parametrize(
    ("inputs", "build", "message"),
    [
        (
            np.zeros((2, 7, 8, 1)),
            conv_model,
            r"expects shape \(any, 8, 8, 1\), the probe has shape \(2, 7, 8, 1\)",
        ),
        (np.zeros((2, 5, 5)), branched_model, r"expects shape \(any, 5\).*\(2, 5, 5\)"),
        (np.full((2, 6), 0.5), lstm_model, "expects int32 numbers, the probe holds float64"),
        (
            {"a": np.zeros((2, 5)), "rows": np.zeros((2, 5))},
            branched_model,
            "inputs row are missing.*\n- the model has no inputs a, rows",
        ),
        ([np.zeros((2, 5))] * 2, branched_model, "takes 1 .*, the probe has 2 inputs.*numpy.stack"),
    ],
)
def test_a_probe_that_does_not_fit_is_refused_with_both_shapes(
    inputs: Any, build: Any, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        check_fits(Probe(inputs), build())

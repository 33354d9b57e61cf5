"""What was recorded is the truth: a configuration that does not fit it costs nothing."""

from __future__ import annotations

import contextlib
import tracemalloc

import numpy as np
import pytest

from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.network.windows import windows_of
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.texts.alignment import Window
from explorer.derived.units.pooling import (
    dropped_share,
    levelled_share,
    pooling_windows,
    switches,
)

IMAGE = np.ones((2, 6, 6, 3), np.float32)
TEXT = np.ones((2, 6, 3), np.float32)
KERNEL = {"kernel": np.ones((2, 2, 3, 4), np.float32), "bias": np.zeros(4, np.float32)}
HUGE = 30_000
# Held at once: a hundredth of what the smallest of these asks for.
MOST_BYTES = 96 * 2**20

CASES = [
    (IMAGE, "MaxPooling2D", {"pool_size": [HUGE, HUGE], "strides": [1, 1], "padding": "same"}),
    (IMAGE, "MaxPooling2D", {"pool_size": HUGE, "strides": HUGE, "padding": "same"}),
    (IMAGE, "MaxPooling2D", {"pool_size": HUGE, "padding": "valid"}),
    (IMAGE, "MaxPooling2D", {"pool_size": [0, -1]}),
    (IMAGE, "MaxPooling2D", {"pool_size": [2, 2], "strides": [0, 0]}),
    (IMAGE, "AveragePooling2D", {"pool_size": HUGE, "strides": 1, "padding": "same"}),
    (TEXT, "MaxPooling1D", {"pool_size": HUGE * HUGE, "strides": 1, "padding": "same"}),
    (IMAGE, "Conv2D", {"kernel_size": [HUGE, HUGE], "strides": 1, "padding": "same"}),
    (IMAGE, "Conv2D", {"kernel_size": [40, 40], "strides": 1, "padding": "same"}),
    (IMAGE, "Conv2D", {"kernel_size": 2, "strides": 1, "dilation_rate": HUGE, "padding": "same"}),
    (
        IMAGE,
        "DepthwiseConv2D",
        {"kernel_size": 2, "strides": 1, "dilation_rate": HUGE, "padding": "same"},
    ),
    (IMAGE, "Conv2DTranspose", {"kernel_size": 2, "strides": HUGE, "padding": "same"}),
    (IMAGE, "ZeroPadding2D", {"padding": HUGE}),
    (IMAGE, "UpSampling2D", {"size": HUGE}),
    (IMAGE, "Cropping2D", {"cropping": HUGE}),
    (IMAGE, "Reshape", {"target_shape": [HUGE, HUGE]}),
    (np.ones((2, 3), np.float32), "RepeatVector", {"n": HUGE * HUGE}),
]


@pytest.mark.parametrize(("x", "class_name", "config"), CASES)
@pytest.mark.parametrize("is_inside", [False, True], ids=["alone", "at every token"])
def test_a_configuration_cannot_ask_for_memory(x, class_name, config, is_inside):
    given = x
    if is_inside:
        given = np.broadcast_to(x[:, None], (len(x), 2, *x.shape[1:]))
        config = {"layer": {"class_name": class_name, "config": config}}
        class_name = "TimeDistributed"
    network = Network(
        [
            Node("x", "InputLayer"),
            Node("layer", class_name, config, ("x",), output_shape=x.shape[1:]),
        ]
    )
    tracemalloc.start()
    try:
        with contextlib.suppress(NotDerivableError):
            found = network.forward(given, {"layer": KERNEL})
            seeds = {"layer": np.ones_like(found["layer"])}
            network.backward(found, {"layer": KERNEL}, seeds)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES


def test_windows_over_a_text_are_held_against_its_length():
    with pytest.raises(ValueError, match="A window sees 900000000 positions"):
        Window(HUGE * HUGE, padding="same").taps(8)
    with pytest.raises(ValueError, match="moves on by 0"):
        Window(2, stride=0).taps(8)
    assert Window(7, padding="same").taps(2).shape == (2, 7)


@pytest.mark.parametrize("measure", [switches, dropped_share, levelled_share])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_neither_can_what_is_asked_of_a_pooling(measure, padding):
    config = {"pool_size": HUGE, "strides": 1, "padding": padding}
    with pytest.raises(
        NotDerivableError, match=r"out of all proportion|Its configuration has windows"
    ):
        measure(IMAGE, pooling_windows("MaxPooling2D", config, (6, 6)))


@pytest.mark.parametrize(
    "value", [None, "two", [], [2], [2, 2, 2], 0, -1, [2, None], 10**30, 1e300]
)
@pytest.mark.parametrize("option", ["pool_size", "strides", "dilation_rate"])
def test_what_is_no_window_is_said(option, value):
    if option == "strides" and value is None:
        return  # as long as the window
    with pytest.raises(NotDerivableError, match="each should be 2 numbers from 1 to"):
        windows_of({"pool_size": 2, option: value}, 2)

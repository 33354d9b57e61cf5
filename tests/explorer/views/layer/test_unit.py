"""The selected unit on the probe: its map, where the map lies, and what its positions see."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data.units import images, sight_of, unit_values
from explorer.derived.time.frames import quantize, robust_limits
from explorer.plots.style import DIVERGING, SEQUENTIAL, palette_bytes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.unit import Unit
from store.format.spec import LayerSpec
from store.testing import frames_at, image_run_spec
from tests.explorer.conftest import (
    CHANNELS_FIRST,
    image_spec_with_conv1,
    with_probe,
    without_probe,
)
from tests.explorer.drawing import drawn_by, payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
IMAGE = ("probe", "y", "x", "unit")


def scene_of(data, layer="conv1", *, unit=0, probe=0):
    return Scene(data, SelectionKey(layer, probe, "step", unit))


def drawn(scene):
    return drawn_by(Unit(), scene)


def shown(widget, index):
    return payload_of(widget, index)["frame"]


# -- the map ------------------------------------------------------------------------------------


def test_the_map_is_the_units_at_every_step(image_data):
    spec = image_run_spec()
    widget = drawn(scene_of(image_data, unit=1, probe=4))
    maps = [frames_at(spec, step)["layers/conv1/activation"][4, ..., 1] for step in STEPS]
    limits = robust_limits(maps)
    assert (widget.low, widget.high, widget.signed) == (limits.low, limits.high, True)
    np.testing.assert_array_equal(widget.palette, palette_bytes(DIVERGING))
    for index, values in enumerate(maps):
        np.testing.assert_array_equal(shown(widget, index), quantize(values, limits))


def test_units_that_come_before_the_places_are_found(recorded):
    data = recorded(CHANNELS_FIRST, steps=(0, 3))
    values = frames_at(CHANNELS_FIRST, 3)["layers/conv1/activation"]
    np.testing.assert_array_equal(unit_values(data, "conv1", 1, 2, 5), values[5, 2])
    np.testing.assert_array_equal(unit_values(data, "conv1", 1, 2), values[:, 2])
    assert shown(drawn(scene_of(data, unit=2)), 1).shape == (8, 8)


def test_what_is_never_negative_has_sequential_colours(recorded, monkeypatch):
    def rectified(spec, step):
        return {path: np.maximum(values, 0) for path, values in frames_at(spec, step).items()}

    monkeypatch.setattr("store.testing.runs.frames_at", rectified)
    widget = drawn(scene_of(recorded(steps=(0, 1))))
    assert (widget.low, widget.signed) == (0, False)
    np.testing.assert_array_equal(widget.palette, palette_bytes(SEQUENTIAL))


def test_lost_and_dead_maps_are_drawn(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        frames["layers/conv1/activation"][..., 0] = np.nan
        frames["layers/conv1/activation"][..., 1] = 0
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    data = recorded(steps=(0,))
    assert (shown(drawn(scene_of(data, unit=0)), 0) == 0).all()
    dead = drawn(scene_of(data, unit=1))
    assert dead.low < dead.high
    assert (shown(dead, 0) == 1).all()


def test_units_and_probes_have_keys_of_their_own(image_data):
    keys = {
        drawn(scene_of(image_data, layer, unit=unit, probe=probe)).key
        for layer in ("conv1", "relu1")
        for unit in (0, 1)
        for probe in (0, 1)
    }
    assert len(keys) == 8


# -- the picture --------------------------------------------------------------------------------


def test_the_probe_is_drawn_in_grey_beneath(image_data):
    widget = drawn(scene_of(image_data, probe=3))
    given = image_run_spec().probe.inputs["input"][..., 0].astype(np.float64)
    share = (given[3] - given.min()) / (given.max() - given.min())
    np.testing.assert_allclose(widget.picture, 1 + 254 * share, atol=0.5 + 1e-9)
    assert widget.size == [8, 8]


@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((6, 8, 8), ("probe", "y", "x")),
        ((6, 3, 8, 8), ("probe", "channel", "y", "x")),
        ((6, 8, 8, 3), ("probe", "y", "x", "channel")),
    ],
    ids=["grey", "channels first", "channels last"],
)
def test_images_have_their_channels_last(recorded, shape, dims):
    values = np.random.default_rng(0).random(shape)
    spec = with_probe(inputs={"input": values}, dims={"input": dims})
    given = images(recorded(spec, steps=(0,)))
    assert given.shape[:3] == (6, 8, 8)
    if "channel" in dims:
        np.testing.assert_array_equal(given[..., 1], values.take(1, dims.index("channel")))


def test_without_a_picture_the_map_stands_alone(recorded):
    data = recorded(with_probe(kind="other"), steps=(0, 1))
    scene = scene_of(data)
    widget = drawn(scene)
    assert images(data) is None
    assert widget.picture is None
    assert widget.size == [8, 8]
    assert "shown alone" in Unit().caption(scene)


# -- what a position sees ------------------------------------------------------------------------


def test_what_positions_see_is_known_by_hand(recorded):
    """A kernel of 3 with padding; then windows of 2."""
    spec = image_run_spec()
    layers = tuple(
        dataclasses.replace(layer, config={**layer.config, "strides": [1, 1]})
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    )
    data = recorded(dataclasses.replace(spec, layers=layers), steps=(0,))
    sight = sight_of(data, data.run.layers["conv1"])
    np.testing.assert_array_equal(sight.rows[[0, 3, 7]], [[0, 2], [2, 5], [6, 8]])
    np.testing.assert_array_equal(sight.reach[0][[0, 3, 7]], [[-1, 2], [2, 5], [6, 9]])
    assert sight.extent == [0, 0, 8, 8]
    pooled = sight_of(data, data.run.layers["pool1"])
    np.testing.assert_array_equal(pooled.columns, [[0, 3], [1, 5], [3, 7], [5, 8]])
    np.testing.assert_array_equal(pooled.reach[1], [[-1, 3], [1, 5], [3, 7], [5, 9]])
    assert pooled.extent == [0, 0, 8, 8]
    assert (pooled.fault, pooled.is_whole) == (None, False)


# Layers over 13 rows and 10 columns: class, configuration, places of the output.
CHAINS = {
    "strides": [
        ("Conv2D", {"kernel_size": [5, 3], "strides": [2, 1], "padding": "same"}, (7, 10)),
        ("ReLU", {}, (7, 10)),
        ("MaxPooling2D", {"pool_size": [3, 3], "strides": [2, 2]}, (3, 4)),
    ],
    "border": [
        ("ZeroPadding2D", {"padding": [[2, 1], [1, 1]]}, (16, 12)),
        ("DepthwiseConv2D", {"kernel_size": [4, 4], "depth_multiplier": 3}, (13, 9)),
        ("AveragePooling2D", {"pool_size": [2, 2], "padding": "same"}, (7, 5)),
    ],
    "dilation": [
        ("Conv2D", {"kernel_size": [3, 3], "dilation_rate": [2, 2]}, (9, 6)),
        ("Conv2D", {"kernel_size": [3, 3], "padding": "same"}, (9, 6)),
    ],
    "wider than the input": [
        ("Conv2D", {"kernel_size": [7, 7], "padding": "same"}, (13, 10)),
        ("Conv2D", {"kernel_size": [7, 7], "padding": "same"}, (13, 10)),
        ("Conv2D", {"kernel_size": [7, 7], "padding": "same"}, (13, 10)),
    ],
}


def chain_spec(chain):
    """A run of these layers, one behind the other; Keras always writes the strides."""
    spec = without_probe()
    layers = [LayerSpec("image", "InputLayer", "input")]
    for number, (class_name, config, places) in enumerate(chain):
        shape = (6, *places, 3)
        strides = config.get("strides", config.get("pool_size", [1, 1]))
        before = layers[-1].name
        kind = "pooling" if "Pooling" in class_name else "conv"
        layers.append(
            LayerSpec(
                f"layer{number}",
                class_name,
                kind,
                {**config, "strides": strides},
                (before,),
                IMAGE,
                shape,
            )
        )
    probe = with_probe(
        inputs={"input": np.ones((6, 13, 10, 1), np.float32)}, labels=None, class_names=None
    ).probe
    return dataclasses.replace(spec, layers=tuple(layers), probe=probe, outputs=(layers[-1].name,))


def touched(length, chain, axis):
    """Which places of an axis each output depends on, followed place by place."""
    sees = [{place} for place in range(length)]
    for class_name, config, places in chain:
        if class_name == "ReLU":
            continue
        if class_name == "ZeroPadding2D":
            before, after = config["padding"][axis]
            sees = [set() for _ in range(before)] + sees + [set() for _ in range(after)]
            continue
        size = config.get("kernel_size", config.get("pool_size"))[axis]
        stride = config.get("strides", config.get("pool_size", [1, 1]))[axis]
        step = config.get("dilation_rate", [1, 1])[axis]
        span = (size - 1) * step + 1
        count = places[axis]
        pad = 0
        if config.get("padding") == "same":
            pad = max(0, (count - 1) * stride + span - len(sees)) // 2
        sees = [
            set().union(
                *(
                    sees[at]
                    for tap in range(size)
                    if 0 <= (at := out * stride - pad + tap * step) < len(sees)
                )
            )
            for out in range(count)
        ]
    return [[min(seen), max(seen) + 1] for seen in sees]


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_what_positions_see_is_what_they_depend_on(recorded, chain):
    data = recorded(chain_spec(chain), steps=(0,))
    sight = sight_of(data, data.run.layers[f"layer{len(chain) - 1}"])
    assert sight.fault is None
    np.testing.assert_array_equal(sight.rows, touched(13, chain, 0))
    np.testing.assert_array_equal(sight.columns, touched(10, chain, 1))


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_beyond_the_border_all_positions_see_alike(recorded, chain):
    data = recorded(chain_spec(chain), steps=(0,))
    sight = sight_of(data, data.run.layers[f"layer{len(chain) - 1}"])
    for reach, seen in zip(sight.reach, (sight.rows, sight.columns), strict=True):
        assert len(set(np.ptp(reach, axis=1))) == 1
        assert len(set(np.diff(reach[:, 0]))) == 1
        assert (reach[:, 0] <= seen[:, 0]).all()
        assert (reach[:, 1] >= seen[:, 1]).all()


def test_a_map_lies_in_the_middle_of_what_its_positions_see(recorded):
    chain = [("Conv2D", {"kernel_size": [5, 5]}, (9, 6))]
    data = recorded(chain_spec(chain), steps=(0,))
    assert drawn(scene_of(data, "layer0")).extent == [2, 2, 11, 8]
    sentence = Unit().caption(scene_of(data, "layer0", unit=2, probe=1))
    assert sentence.startswith("Unit 2 of layer0 on probe 1. A position sees up to 5 × 5 pixels")


@pytest.mark.parametrize(
    "layer",
    [
        ("Conv2DTranspose", {"kernel_size": [3, 3], "strides": [2, 2], "padding": "same"}),
        ("UpSampling2D", {"size": [2, 2]}),
    ],
    ids=lambda layer: layer[0],
)
def test_an_enlarged_map_covers_what_it_was_made_from(recorded, layer):
    """The middles of what positions see are those of the input, up to half a pixel."""
    chain = [("Conv2D", {"kernel_size": [9, 9], "padding": "same"}, (13, 10)), (*layer, (26, 20))]
    data = recorded(chain_spec(chain), steps=(0,))
    sight = sight_of(data, data.run.layers["layer1"])
    np.testing.assert_allclose(sight.extent, [0, 0, 13, 10], atol=0.5)
    for reach, seen, size in zip(sight.reach, (sight.rows, sight.columns), (13, 10), strict=True):
        np.testing.assert_array_equal(np.clip(reach, 0, size), seen)


def test_branches_are_seen_together(recorded):
    def layer(name, class_name, config, *inbound):
        config = {**config, "strides": [1, 1]}
        return LayerSpec(name, class_name, "conv", config, inbound, IMAGE, (6, 13, 10, 3))

    spec = chain_spec([])
    layers = (
        *spec.layers,
        layer("near", "Conv2D", {"kernel_size": [1, 1], "padding": "same"}, "image"),
        layer("far", "Conv2D", {"kernel_size": [3, 5], "padding": "same"}, "near"),
        layer("sum", "Add", {}, "near", "far"),
    )
    data = recorded(dataclasses.replace(spec, layers=layers, outputs=("sum",)), steps=(0,))
    sight = sight_of(data, data.run.layers["sum"])
    np.testing.assert_array_equal(sight.reach[0][[0, 6]], [[-1, 2], [5, 8]])
    np.testing.assert_array_equal(sight.reach[1][[0, 6]], [[-2, 3], [4, 9]])


@pytest.mark.parametrize(
    ("class_name", "config", "why"),
    [
        ("Whirl", {}, "Whirl is not repeated here"),
        ("Conv2D", {"kernel_size": [3, 3], "data_format": "channels_first"}, "channels_first"),
    ],
)
def test_where_a_map_lies_is_not_known_behind_an_unknown_layer(recorded, class_name, config, why):
    data = recorded(chain_spec([(class_name, config, (4, 5))]), steps=(0,))
    scene = scene_of(data, "layer0")
    sight = sight_of(data, scene.layer)
    assert sight.is_whole
    assert sight.extent == [0, 0, 13, 10]
    caption = Unit().caption(scene)
    assert why in caption
    assert "stretched over it" in caption


def test_a_layer_without_its_input_recorded_is_stretched_too(recorded):
    spec = chain_spec(
        [("Conv2D", {"kernel_size": [3, 3]}, (11, 8)), ("ReLU", {}, (11, 8))],
    )
    hidden = dataclasses.replace(spec.layers[1], output_dims=(), output_shape=())
    spec = dataclasses.replace(spec, layers=(spec.layers[0], hidden, spec.layers[2]))
    data = recorded(spec, steps=(0,))
    sight = sight_of(data, data.run.layers["layer1"])
    assert sight.fault is not None
    assert sight.is_whole


def test_a_layer_that_mixes_all_places_sees_the_whole(recorded):
    chain = [("Conv2D", {"kernel_size": [13, 10], "padding": "same"}, (13, 10))] * 3
    data = recorded(chain_spec(chain), steps=(0,))
    scene = scene_of(data, "layer2")
    assert sight_of(data, scene.layer).is_whole
    assert "each position sees the whole input" in Unit().caption(scene)


# -- where it is shown ---------------------------------------------------------------------------


def test_only_layers_with_maps_are_served(image_data, text_data):
    view = Unit()
    served = {name for name, layer in image_data.run.layers.items() if view.serves(layer)}
    assert served == {"conv1", "relu1", "pool1"}
    assert not any(view.serves(layer) for layer in text_data.run.layers.values())


def test_what_is_missing_is_said(recorded):
    spec = image_spec_with_conv1(("probe", "token", "row", "column"), (6, 4, 8, 8))
    sentence = drawn(scene_of(recorded(spec, steps=(0,))))
    assert "token, row, column" in sentence
    assert drawn(scene_of(recorded(steps=()))) == "No step has been recorded yet."


def test_a_map_of_inputs_that_are_no_images_is_shown_alone(recorded):
    spec = chain_spec([("UpSampling2D", {"size": [2, 2]}, (26, 20))])
    probe = dataclasses.replace(spec.probe, kind="other")
    data = recorded(dataclasses.replace(spec, probe=probe), steps=(0,))
    widget = drawn(scene_of(data, "layer0"))
    assert widget.picture is None
    assert widget.rows.tolist() == [[0, len(widget.rows)]] * len(widget.rows)

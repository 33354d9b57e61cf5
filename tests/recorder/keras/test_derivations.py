"""How Keras's own layers follow from what they take: held to Keras, value by value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder import Probe
from recorder.keras.derivations import derivation_of
from recorder.keras.inputs import Feed
from recorder.keras.structure import describe
from recorder.keras.trace import trace
from store.format.names import Array
from store.format.spec import LayerSpec

FORMATS = ("channels_last", "channels_first")


def values(shape: tuple[int, ...], seed: int = 0, dtype: str = "float32") -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def described(model: Any, inputs: Array) -> tuple[LayerSpec, ...]:
    feed = Feed.of(Probe(inputs))
    return describe(model, trace(model, feed), feed).layers


def given_by(layer: Any, *sources: Array) -> Array:
    taken = sources[0] if len(sources) == 1 else list(sources)
    return np.asarray(layer(taken, training=False))


def follows(layer: Any, *sources: Array) -> bool:
    """Whether a layer is said to follow; what it gives must then be what Keras gives."""
    frame = given_by(layer, *sources)
    names = [f"source{number}" for number in range(len(sources))]
    derivation = derivation_of(layer, names, sources[0].shape, frame.shape)
    if derivation is None:
        return False
    assert derivation.sources == tuple(names)
    assert derivation.operation.shape(*(source.shape for source in sources)) == frame.shape
    assert derivation.gives(sources, frame), derivation
    return True


def along(data_format: str, places: list[int], units: int) -> tuple[int, ...]:
    """Shape of three probes."""
    return (3, units, *places) if data_format == "channels_first" else (3, *places, units)


places = st.integers(1, 3).flatmap(lambda n: st.lists(st.integers(3, 9), min_size=n, max_size=n))
formats = st.sampled_from(FORMATS)


@given(
    places=places,
    data_format=formats,
    units=st.integers(1, 3),
    padding=st.sampled_from(("valid", "same")),
    data=st.data(),
)
def test_max_pooling(
    places: list[int], data_format: str, units: int, padding: str, data: st.DataObject
) -> None:
    import keras

    window = [data.draw(st.integers(1, 3)) for _ in places]
    strides = [data.draw(st.integers(1, 4)) for _ in places]
    layer = getattr(keras.layers, f"MaxPooling{len(places)}D")(
        window, strides, padding, data_format=data_format
    )
    assert follows(layer, values(along(data_format, places, units)))


@given(places=places, data_format=formats, data=st.data())
def test_padding_cropping_and_repeating(
    places: list[int], data_format: str, data: st.DataObject
) -> None:
    import keras

    rank, one_place = len(places), len(places) == 1
    amounts = [(data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in places]
    cut = [(data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))) for _ in places]
    times = [data.draw(st.integers(1, 3)) for _ in places]
    where = {} if one_place else {"data_format": data_format}
    source = values(along(where.get("data_format", "channels_last"), places, 2))
    pad = getattr(keras.layers, f"ZeroPadding{rank}D")
    crop = getattr(keras.layers, f"Cropping{rank}D")
    repeat = getattr(keras.layers, f"UpSampling{rank}D")
    assert follows(pad(amounts[0] if one_place else amounts, **where), source)
    assert follows(crop(cut[0] if one_place else cut, **where), source)
    assert follows(repeat(times[0] if one_place else times, **where), source)


@pytest.mark.slow
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), dtype=st.sampled_from(["f4", "f2"])
)
def test_layers_of_one_source(shape: list[int], dtype: str) -> None:
    import keras

    layers = keras.layers
    source = values((3, *shape), dtype=dtype)
    policy = np.dtype(dtype).name
    for layer in (
        layers.ReLU(),
        layers.ReLU(max_value=0.7),
        layers.Activation("relu"),
        layers.Activation("relu6"),
        layers.Activation(keras.activations.relu),
        layers.Activation("linear"),
        layers.Dropout(0.5),
        layers.GaussianNoise(0.5),
        layers.GaussianDropout(0.5),
        layers.AlphaDropout(0.5),
        layers.ActivityRegularization(0.1),
        layers.Identity(),
        layers.Flatten(),
        layers.Reshape((-1, 1)),
        layers.Permute(tuple(range(len(shape), 0, -1))),
    ):
        layer.dtype_policy = policy
        assert follows(layer, source), layer


@pytest.mark.slow
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), data=st.data())
def test_layers_of_two_sources(shape: list[int], data: st.DataObject) -> None:
    import keras

    probes = 7  # Keras 3.15 takes one value for each of 3 probes for the bias of 3 units
    other = [data.draw(st.sampled_from([1, size])) for size in shape]
    for name in ("Add", "Subtract", "Multiply", "Maximum", "Minimum"):
        layer = getattr(keras.layers, name)()
        assert follows(layer, values((probes, *shape)), values((probes, *other), 1))
    axis = data.draw(st.integers(1, len(shape)))
    more = [*shape[: axis - 1], 2, *shape[axis:]]
    for at in (axis, axis - len(shape) - 1):
        assert follows(
            keras.layers.Concatenate(axis=at), values((probes, *shape)), values((probes, *more), 1)
        )


@pytest.mark.parametrize("data_format", FORMATS)
def test_images_flattened(data_format: str) -> None:
    """With channels first Keras moves them behind, which is no plain reshaping."""
    import keras

    layer = keras.layers.Flatten(data_format=data_format)
    assert follows(layer, values((3, 2, 4, 5))) is (data_format == "channels_last")


def test_layers_that_compute_are_stored() -> None:
    import keras

    layers, image = keras.layers, values((3, 4, 4, 2))

    class MyReLU(layers.ReLU):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return super().call(inputs) + 1

    @keras.saving.register_keras_serializable("tests")
    def relu(x: Any) -> Any:
        return 2 * x

    for layer in (
        MyReLU(),
        layers.ReLU(negative_slope=0.1),
        layers.ReLU(threshold=0.5),
        layers.LeakyReLU(),
        layers.Activation("tanh"),
        layers.Activation(relu),
        layers.AveragePooling2D(2),
        layers.UpSampling2D(interpolation="bilinear"),
        layers.BatchNormalization(),
        layers.TimeDistributed(layers.ReLU()),
    ):
        assert not follows(layer, image), layer
    assert not follows(layers.Add(), image, image, image)
    assert not follows(layers.Average(), image, image)


def test_max_pooling_of_nan_does_not_follow() -> None:
    """TensorFlow drops NaN, NumPy keeps it: such a frame is stored."""
    import keras

    source = values((3, 4, 4, 2))
    source[1, 0, 0, 0] = np.nan
    layer = keras.layers.MaxPooling2D()
    frame = given_by(layer, source)
    derivation = derivation_of(layer, ["conv"], source.shape, frame.shape)
    assert derivation is not None
    assert not derivation.gives([source], frame)


def test_a_layer_follows_from_a_layer_never_from_an_input_of_the_model() -> None:
    import keras

    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dropout(0.5, name="first"),
            keras.layers.Dense(3, name="dense"),
            keras.layers.ReLU(name="relu"),
        ]
    )
    inputs = values((2, 4))
    layers = {layer.name: layer for layer in described(model, inputs)}
    assert layers["first"].derivation is None
    assert layers["dense"].derivation is None
    found = layers["relu"].derivation
    assert found is not None
    assert found.sources == ("dense",)


def test_sums_that_are_rounded_to_bfloat16_are_stored_from_the_start() -> None:
    import keras

    layers, policy = keras.layers, "mixed_bfloat16"
    row = keras.Input((5,))
    one, other = (layers.Dense(4, dtype=policy, name=name)(row) for name in ("one", "other"))
    total = layers.Add(dtype=policy, name="sum")([one, other])
    model = keras.Model(row, layers.ReLU(dtype=policy, name="relu")(total))
    inputs = values((2, 5))
    found = {layer.name: layer for layer in described(model, inputs)}
    assert found["sum"].derivation is None
    assert found["relu"].derivation is not None


def test_a_layer_that_takes_what_plain_operations_made_is_stored() -> None:
    import keras

    row = keras.Input((5,))
    doubled = keras.layers.Dense(4, name="dense")(row) * 2.0
    model = keras.Model(row, keras.layers.ReLU(name="relu")(doubled))
    inputs = values((2, 5))
    relu = next(layer for layer in described(model, inputs) if layer.name == "relu")
    assert relu.derivation is None

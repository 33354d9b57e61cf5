"""What passes from unit to unit, for each class of layer and kind of graph, against Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from explorer.derived.network.engine import Network
from explorer.derived.network.joint import (
    Column,
    Way,
    columns_of,
    passages,
    trace,
    unit_sums,
)
from explorer.derived.network.node import Node
from explorer.derived.network.operations.attention import Attending
from explorer.derived.network.registry import FIXED_UNITS_CLASS, layer_ops
from explorer.derived.recurrent.equations import NotDerivableError

pytestmark = pytest.mark.slow

Array = np.ndarray
IMAGE, SEQUENCE, UNITS = (7, 6, 4), (8, 4), (5,)
CLASSES, TARGET = 3, 1
EVERY = 10_000

# Class, arguments, options, and shapes of the inputs: all that is linear but for a constant.
LINEAR: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[tuple[int, ...], ...]]] = [
    ("Dense", (3,), {}, (UNITS,)),
    ("Dense", (3,), {}, (IMAGE,)),
    ("Conv1D", (4, 3), {"padding": "causal", "dilation_rate": 2, "groups": 2}, (SEQUENCE,)),
    ("Conv2D", (3, (3, 2)), {"strides": (2, 1), "padding": "same"}, (IMAGE,)),
    ("Conv2D", (4, 2), {"dilation_rate": (2, 3), "groups": 2}, (IMAGE,)),
    ("Conv3D", (2, 2), {"padding": "same", "strides": 2}, ((3, 4, 5, 2),)),
    ("DepthwiseConv1D", (3,), {"strides": 2}, (SEQUENCE,)),
    ("DepthwiseConv2D", (3,), {"depth_multiplier": 2, "padding": "same"}, (IMAGE,)),
    ("SeparableConv1D", (5, 3), {}, (SEQUENCE,)),
    ("SeparableConv2D", (5, 3), {"strides": 2, "depth_multiplier": 2}, (IMAGE,)),
    ("Conv1DTranspose", (3, 3), {"strides": 2}, (SEQUENCE,)),
    ("Conv2DTranspose", (3, 3), {"padding": "same"}, (IMAGE,)),
    ("Conv2DTranspose", (3, (2, 3)), {"strides": (3, 2), "padding": "same"}, (IMAGE,)),
    ("AveragePooling1D", (3,), {"strides": 1}, (SEQUENCE,)),
    ("AveragePooling2D", (3,), {"strides": 2, "padding": "same"}, (IMAGE,)),
    ("GlobalAveragePooling1D", (), {"keepdims": True}, (SEQUENCE,)),
    ("GlobalAveragePooling2D", (), {}, (IMAGE,)),
    ("Flatten", (), {}, (IMAGE,)),
    ("Reshape", ((6, -1),), {}, (IMAGE,)),
    ("Permute", ((3, 1, 2),), {}, (IMAGE,)),
    ("RepeatVector", (4,), {}, (UNITS,)),
    ("ZeroPadding1D", ((1, 2),), {}, (SEQUENCE,)),
    ("ZeroPadding2D", (((1, 0), (2, 3)),), {}, (IMAGE,)),
    ("Cropping1D", (2,), {}, (SEQUENCE,)),
    ("Cropping2D", (((1, 0), (2, 1)),), {}, (IMAGE,)),
    ("UpSampling1D", (3,), {}, (SEQUENCE,)),
    ("UpSampling2D", ((2, 3),), {}, (IMAGE,)),
    ("Dropout", (0.5,), {}, (UNITS,)),
    ("Rescaling", (0.5,), {"offset": -1.0}, (IMAGE,)),
    ("BatchNormalization", (), {}, (IMAGE,)),
    ("BatchNormalization", (), {"axis": 1}, (IMAGE,)),
    ("Normalization", (), {"mean": 2.0, "variance": 4.0, "axis": None}, (IMAGE,)),
    ("EinsumDense", ("abc,cd->abd", (None, 3)), {"bias_axes": "d"}, (SEQUENCE,)),
    ("Add", (), {}, (IMAGE, IMAGE, IMAGE)),
    ("Subtract", (), {}, (UNITS, UNITS)),
    ("Average", (), {}, (SEQUENCE, SEQUENCE)),
    ("Concatenate", (), {}, (SEQUENCE, (8, 2))),
    ("Concatenate", (), {"axis": 1}, (SEQUENCE, (3, 4))),
]
# And what is not: there, what passes follows the gradient.
OTHERS = [
    ("Dense", (3,), {"activation": "tanh"}, (UNITS,)),
    ("Conv2D", (3, 3), {"activation": "relu"}, (IMAGE,)),
    ("Conv2DTranspose", (3, 2), {"strides": 3, "activation": "sigmoid"}, (IMAGE,)),
    ("MaxPooling1D", (3,), {"strides": 2, "padding": "same"}, (SEQUENCE,)),
    ("MaxPooling2D", ((3, 2),), {"strides": 1}, (IMAGE,)),
    ("GlobalMaxPooling2D", (), {}, (IMAGE,)),
    ("LayerNormalization", (), {}, (SEQUENCE,)),
    ("RMSNormalization", (), {}, (SEQUENCE,)),
    ("UnitNormalization", (), {}, (SEQUENCE,)),
    ("Multiply", (), {}, (IMAGE, (1, 1, 4))),
    ("Maximum", (), {}, (SEQUENCE, SEQUENCE)),
    ("Minimum", (), {}, (UNITS, UNITS)),
    ("Dot", (), {"axes": (2, 1)}, (SEQUENCE, (4, 3))),
    ("Activation", ("swish",), {}, (UNITS,)),
    ("ReLU", (), {"max_value": 0.8, "negative_slope": 0.2}, (IMAGE,)),
    ("LeakyReLU", (), {}, (IMAGE,)),
    ("ELU", (), {}, (UNITS,)),
    ("PReLU", (), {"shared_axes": [1, 2]}, (IMAGE,)),
    ("Softmax", (), {}, (SEQUENCE,)),
    ("Masking", (), {}, (SEQUENCE,)),
    ("SimpleRNN", (3,), {"return_sequences": True}, (SEQUENCE,)),
    ("LSTM", (3,), {}, (SEQUENCE,)),
    ("GRU", (3,), {"return_sequences": True, "go_backwards": True}, (SEQUENCE,)),
]


@pytest.fixture
def between(single: Callable[..., Any]) -> Callable[..., Any]:
    """Put a Keras layer between columns of its inputs and classes without a bias, and trace it."""

    def make(
        name: str, arguments: tuple[Any, ...], options: dict[str, Any], shapes: tuple[Any, ...]
    ) -> tuple[Any, list[Array], Array, Way]:
        import keras

        random = np.random.default_rng(3)
        inputs = [random.normal(size=(1, *shape)).astype(np.float32) for shape in shapes]
        layer = getattr(keras.layers, name)(*arguments, **options)
        alone, weights, _ = single(layer, inputs)
        given = inputs[0] if len(inputs) == 1 else inputs
        output = np.asarray(layer(given))
        kernel = random.normal(size=(output.size, CLASSES)).astype(np.float32)
        names = [f"input{number}" for number in range(len(inputs))]
        sources = [f"source{number}" for number in range(len(inputs))]
        node = alone.nodes["layer"]
        network = Network(
            [
                *(Node(each, "InputLayer") for each in names),
                *(
                    Node(source, "Identity", {}, (each,))
                    for source, each in zip(sources, names, strict=True)
                ),
                Node("layer", node.class_name, node.config, tuple(sources)),
                Node("flat", "Flatten", {}, ("layer",)),
                Node("classes", "Dense", {"use_bias": False, "activation": "softmax"}, ("flat",)),
            ]
        )
        weights["classes"] = {"kernel": kernel}
        activations = network.forward(dict(zip(names, inputs, strict=True)), weights)
        columns = [
            *(Column(source, source, "vector", (source,)) for source in sources),
            Column("layer", "layer", "vector", ("layer",)),
            Column("classes", "classes", "classes", ("classes",)),
        ]
        way = trace(
            network, activations, weights, columns, TARGET,
            rows=EVERY, classes=activations["classes"][0],
        )  # fmt: skip
        return layer, inputs, kernel[:, TARGET].reshape(output.shape), way

    return make


def in_order(way: Way, number: int) -> Array:
    """Links from the units of one input to those of the layer, by number: (unit, unit)."""
    links = way.links[f"source{number}", "layer"]
    rows, columns = (np.argsort(way.units[at]) for at in (number, -2))
    return np.asarray(links[np.ix_(rows, columns)])


@pytest.mark.parametrize(("name", "arguments", "options", "shapes"), LINEAR, ids=str)
def test_what_passes_through_a_linear_layer_is_what_keras_gives_for_the_unit_alone(
    name: str, arguments: Any, options: Any, shapes: Any, between: Any, close: Any
) -> None:
    layer, inputs, gradient, way = between(name, arguments, options, shapes)

    def by_keras(given: list[Array]) -> Array:
        return np.asarray(layer(given[0] if len(given) == 1 else given))

    nothing = [np.zeros_like(each) for each in inputs]
    for number, values in enumerate(inputs):
        expected = []
        for unit in range(values.shape[-1]):
            alone = [each.copy() for each in nothing]
            alone[number][..., unit] = values[..., unit]
            expected.append(unit_sums((by_keras(alone) - by_keras(nothing)) * gradient))
        close(in_order(way, number), expected)
        close(in_order(way, number).sum(axis=1), np.sum(expected, axis=1))
        contributed = unit_sums(way.contributions[f"source{number}"])
        close(in_order(way, number).sum(axis=1), contributed)


@pytest.mark.parametrize(("name", "arguments", "options", "shapes"), OTHERS, ids=str)
def test_what_passes_through_any_layer_is_the_gradient_at_one_of_its_units_times_the_activation(
    name: str, arguments: Any, options: Any, shapes: Any, between: Any, close: Any
) -> None:
    import tensorflow as tf

    layer, inputs, gradient, way = between(name, arguments, options, shapes)
    tensors = [tf.constant(each) for each in inputs]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(tensors)
        output = layer(tensors[0] if len(tensors) == 1 else tensors)
        weighted = tf.reduce_sum(output * gradient, axis=range(len(output.shape) - 1))
        units = tf.unstack(weighted)
    for number, values in enumerate(inputs):
        back = [
            tape.gradient(unit, tensors[number], unconnected_gradients="zero").numpy()
            for unit in units
        ]
        expected = np.stack([unit_sums(values * each) for each in back], axis=1)
        close(in_order(way, number), expected)


def test_every_way_to_compute_a_layer_is_tested_here() -> None:
    tested = {type(layer_ops()[name]) for name, *_ in [*LINEAR, *OTHERS]}
    left = {name for name, op in layer_ops().items() if type(op) not in tested}
    attending = {name for name, op in layer_ops().items() if isinstance(op, Attending)}
    # Neither tokens nor categories have a gradient, nor has a place; one is a layer inside of a
    # layer, one an edit, which is no layer of Keras; and what passes through attention is tested
    # with masks and several inputs.
    without = {"Embedding", "ReversibleEmbedding", "PositionEmbedding"}
    without |= {"Discretization", "CategoryEncoding"}
    assert left == {"TimeDistributed", FIXED_UNITS_CLASS} | without | attending


# -- graphs ---------------------------------------------------------------------------------------


def traced(recorded: Any, model: Any) -> tuple[Any, list[Column], Way, dict[str, Array]]:
    """Trace a Keras model for one image; give what each unit contributes too, by TensorFlow."""
    random = np.random.default_rng(7)
    for variable in model.weights:
        if "variance" not in variable.name:
            variable.assign(0.4 * random.normal(size=variable.shape))
    image = random.normal(size=(1, 8, 8, 2)).astype(np.float32)
    run = recorded(model, {"image": image})
    activations = run.by_keras() | run.inputs
    layers = [
        (spec, kind_of(node.class_name), activations[spec].shape[1:])
        for spec, node in run.network.nodes.items()
        if node.class_name != "InputLayer"
    ]
    columns = columns_of(layers, run.network.followers)
    seed = np.zeros((1, CLASSES), np.float32)
    seed[0, TARGET] = 1
    gradients = run.gradients(seed)
    contributed = {name: unit_sums(activations[name] * gradients[name]) for name in gradients}
    way = trace(
        run.network, activations, run.weights, columns, TARGET,
        rows=EVERY, classes=activations[run.output][0],
    )  # fmt: skip
    return run, columns, way, contributed


def kind_of(class_name: str) -> str:
    kinds = {"Dense": "dense", "Flatten": "reshape", "ReLU": "activation"}
    merging = {"Add": "merge", "Concatenate": "merge"}
    norm = {"BatchNormalization": "normalization"}
    return (kinds | merging | norm).get(class_name, "conv" if "Conv" in class_name else "pooling")


def graph(build: Callable[[Any, Any], Any]) -> Any:
    import keras

    layers = keras.layers
    image = layers.Input((8, 8, 2), name="image")
    flat = layers.Flatten(name="flat")(build(layers, image))
    return keras.Model(image, layers.Dense(CLASSES, name="classes")(flat))


def parallel(layers: Any, image: Any) -> Any:
    stem = layers.Conv2D(3, 3, activation="relu", name="stem")(image)
    branches = [
        layers.Conv2D(4, size, padding="same", activation="relu", name=f"branch{size}")(stem)
        for size in (3, 5)
    ]
    return layers.Concatenate(name="joined")(branches)


def residual(layers: Any, image: Any) -> Any:
    stem = layers.Conv2D(3, 3, padding="same", activation="relu", name="stem")(image)
    inner = layers.Conv2D(3, 3, padding="same", activation="relu", name="inner")(stem)
    return layers.Add(name="sum")([stem, inner])


def from_the_input_twice(layers: Any, image: Any) -> Any:
    deep = layers.Conv2D(3, 3, strides=2, padding="same", name="deep")(image)
    deep = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(deep))
    flat = layers.Conv2D(2, 4, strides=2, padding="same", name="flat_branch")(image)
    return layers.Concatenate(name="joined")([layers.MaxPooling2D(1, name="pool")(deep), flat])


def upwards(layers: Any, image: Any) -> Any:
    low = layers.SeparableConv2D(4, 3, strides=2, padding="same", name="low")(image)
    high = layers.Conv2DTranspose(3, 3, strides=2, padding="same", name="high")(low)
    return layers.Conv2D(6, 3, groups=3, name="grouped")(high)


GRAPHS = {
    parallel: [
        ("image", "stem"),
        ("stem", "branch3"),
        ("stem", "branch5"),
        ("branch3", "joined"),
        ("branch5", "joined"),
        ("joined", "classes"),
    ],
    residual: [
        ("image", "stem"),
        ("stem", "inner"),
        ("stem", "sum"),
        ("inner", "sum"),
        ("sum", "classes"),
    ],
    from_the_input_twice: [
        ("image", "relu"),
        ("image", "flat_branch"),
        ("relu", "pool"),
        ("flat_branch", "joined"),
        ("pool", "joined"),
        ("joined", "classes"),
    ],
    upwards: [("image", "low"), ("low", "high"), ("high", "grouped"), ("grouped", "classes")],
}


@pytest.mark.parametrize("build", GRAPHS, ids=lambda build: build.__name__)
def test_links_lie_between_columns_of_which_one_takes_the_other_and_sum_to_the_contribution(
    build: Any, recorded: Any, close: Any
) -> None:
    run, columns, way, contributed = traced(recorded, graph(build))
    pairs = passages(run.network, columns)
    assert sorted(pairs) == sorted(GRAPHS[build])
    assert way.links.keys() == {*pairs}
    units = {column.layer: part for column, part in zip(columns, way.units, strict=True)}
    target = units["classes"].tolist().index(TARGET)
    for source, part in units.items():
        if source == "classes":
            continue
        passed = sum(
            links[:, target] if to == "classes" else links.sum(axis=1)
            for (given, to), links in way.links.items()
            if given == source
        )
        close(passed, contributed[source][part])


def test_of_a_layer_that_cannot_be_repeated_nothing_is_said() -> None:
    nodes = [
        Node("image", "InputLayer"),
        Node("first", "Dense", {}, ("image",)),
        Node("own", "MyLayer", {}, ("first",)),
        Node("classes", "Dense", {}, ("own",)),
    ]
    weights = {name: {"kernel": np.eye(2), "bias": np.zeros(2)} for name in ("first", "classes")}
    values = dict.fromkeys([node.name for node in nodes], np.ones((1, 2), np.float32))
    columns = [
        Column("first", "first", "vector", ("first",)),
        Column("classes", "classes", "classes", ("classes",)),
    ]
    with pytest.raises(NotDerivableError, match="MyLayer"):
        trace(Network(nodes), values, weights, columns, 0, rows=2, classes=np.array([1.0, 0]))


def test_nothing_passes_into_an_embedding() -> None:
    network = Network(
        [
            Node("tokens", "InputLayer"),
            Node("vectors", "Embedding", {}, ("tokens",)),
            Node("mean", "GlobalAveragePooling1D", {}, ("vectors",)),
            Node("classes", "Dense", {"use_bias": False}, ("mean",)),
        ]
    )
    layers = [
        ("vectors", "embedding", (3, 2)),
        ("mean", "pooling", (2,)),
        ("classes", "dense", (2,)),
    ]
    columns = columns_of(layers, network.followers)
    assert passages(network, columns) == [("vectors", "mean"), ("mean", "classes")]

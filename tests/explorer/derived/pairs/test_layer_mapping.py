"""Which layer belongs to which."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.derived.pairs import layer_mapping
from explorer.derived.pairs.layer_mapping import LayerOutline, LayerPair, map_layers
from store.format.layers import Layer


def conv(name, *shape):
    return LayerOutline(name, "Conv2D", "conv", shape)


def dense(name, *shape):
    return LayerOutline(name, "Dense", "dense", shape)


def test_a_network_belongs_to_itself():
    layers = [conv("a", 8, 8, 4), conv("b", 4, 4, 8), dense("c", 10)]
    mapping = map_layers(layers, layers)
    assert mapping.pairs == tuple(LayerPair(n, n, "same name") for n in "abc")
    assert mapping.together == (("a", "a"), ("b", "b"), ("c", "c"))


def test_names_that_a_person_gave_decide_even_where_the_order_does_not_fit():
    first = [dense("wide", 8), dense("narrow", 2)]
    second = [dense("narrow", 2), dense("wide", 8)]
    assert map_layers(first, second).pairs == (
        LayerPair("wide", "wide", "same name"),
        LayerPair("narrow", "narrow", "same name"),
    )


def test_a_name_of_another_kind_is_no_counterpart():
    mapping = map_layers([conv("x", 4, 4, 2)], [dense("x", 4)])
    assert mapping.pairs == (LayerPair(None, "x", "none"), LayerPair("x", None, "none"))
    assert mapping.to_second("x") is None
    assert mapping.to_first("x") is None


def test_numbers_that_keras_counts_through_a_session_do_not_shift_the_layers():
    """The same network built twice: the second time Keras counts on."""
    first = [conv("conv2d", 8, 8, 4), conv("conv2d_1", 8, 8, 4), dense("dense", 10)]
    second = [conv("conv2d_1", 8, 8, 4), conv("conv2d_2", 8, 8, 4), dense("dense_1", 10)]
    assert map_layers(first, second).together == (
        ("conv2d", "conv2d_1"),
        ("conv2d_1", "conv2d_2"),
        ("dense", "dense_1"),
    )
    assert {pair.reason for pair in map_layers(first, second).pairs} == {"same kind and place"}


@pytest.mark.parametrize(
    ("name", "class_name", "default"),
    [
        ("max_pooling2d_3", "MaxPooling2D", True),
        ("lstm", "LSTM", True),
        ("batch_normalization_12", "BatchNormalization", True),
        ("head_1", "Dense", False),
        ("dense_head", "Dense", False),
    ],
)
def test_names_that_keras_makes_are_known(name, class_name, default):
    layer = LayerOutline(name, class_name, "other")
    assert layer_mapping._is_default_name(layer) is default


def test_a_layer_that_only_one_has_stays_alone_at_its_place():
    first = [conv("p", 8, 8, 4), dense("q", 10)]
    second = [conv("r", 8, 8, 4), conv("s", 4, 4, 8), LayerOutline("t", "Dropout", "other", (8,)),
              dense("u", 10)]  # fmt: skip
    assert map_layers(first, second).pairs == (
        LayerPair("p", "r", "same kind and place"),
        LayerPair(None, "s", "none"),
        LayerPair(None, "t", "none"),
        LayerPair("q", "u", "same kind and place"),
    )


def test_a_recurrent_layer_answers_another_class_of_its_kind():
    first = [LayerOutline("lstm", "LSTM", "recurrent", (40, 32))]
    second = [LayerOutline("gru", "GRU", "recurrent", (40, 24))]
    assert map_layers(first, second).together == (("lstm", "gru"),)


def test_a_name_that_counts_does_not_tie_a_map_to_a_vector():
    """relu3 of LeNet follows a dense layer, that of AlexNet a convolution."""

    def relu(name, *shape):
        return LayerOutline(name, "ReLU", "activation", shape)

    first = [conv("conv1", 8, 8, 4), relu("relu1", 8, 8, 4), dense("dense1", 9), relu("relu2", 9)]
    second = [conv("conv1", 9, 9, 4), relu("relu1", 9, 9, 4), conv("conv2", 5, 5, 4),
              relu("relu2", 5, 5, 4), dense("fc3", 7), relu("relu3", 7)]  # fmt: skip
    assert map_layers(first, second).together == (
        ("conv1", "conv1"),
        ("relu1", "relu1"),
        ("dense1", "fc3"),
        ("relu2", "relu3"),
    )
    # Where an output was not recorded, the name has to do.
    first, second = [relu("x"), relu("y", 4)], [relu("y", 4), relu("x", 4)]
    assert map_layers(first, second).together == (("x", "x"), ("y", "y"))


def recurrent(name, class_name, *shape):
    return LayerOutline(name, class_name, "recurrent", shape)


@pytest.mark.parametrize(
    ("layer", "others", "expected"),
    [
        (recurrent("a", "GRU", 9), [recurrent("b", "LSTM", 9), recurrent("c", "GRU", 9)], "c"),
        (recurrent("a", "GRU", 9), [recurrent("b", "GRU", 7, 9), recurrent("c", "GRU", 8)], "c"),
        (recurrent("a", "GRU", 9), [recurrent("b", "GRU", 8), recurrent("c", "GRU", 9)], "c"),
        (dense("dense_1", 9), [dense("dense", 9), dense("dense_1", 9)], "dense_1"),
    ],
    ids=["class", "axes", "shape", "default name"],
)
def test_among_layers_of_a_kind_the_one_that_agrees_best_is_taken(layer, others, expected):
    assert map_layers([layer], others).to_second(layer.name) == expected


def test_among_equals_the_one_at_the_same_depth_is_taken():
    first = [dense("in", 2), conv("a", 4, 4, 1), dense("out", 3)]
    second = [dense("in", 2), *(conv(name, 4, 4, 1) for name in "xyz"), dense("out", 3)]
    assert map_layers(first, second).to_second("a") == "y"


def test_hands_overrule_names_and_order():
    first = [conv("a", 8, 8, 4), conv("b", 8, 8, 4), dense("c", 10)]
    second = [conv("a", 8, 8, 4), conv("b", 8, 8, 4), dense("c", 10)]
    mapping = map_layers(first, second, {"a": "b", "c": None})
    assert mapping.pairs == (
        LayerPair(None, "a", "none"),
        LayerPair("a", "b", "by hand"),
        LayerPair(None, "c", "none"),
        LayerPair("b", None, "none"),
        LayerPair("c", None, "by hand"),
    )
    assert mapping.to_second("a") == "b"
    assert mapping.to_second("c") is None
    # Another kind by hand is allowed, and is not given to the layer of that name as well.
    mapping = map_layers(first, second, {"a": "c"})
    assert (mapping.to_first("c"), mapping.to_second("c")) == ("a", None)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"conv1_": "conv1"}, "first run has no layer 'conv1_'. Did you mean 'conv1'"),
        ({"conv1": "zzz"}, "second run has no layer 'zzz'. It has: conv1, conv2"),
        ({"conv1": "conv2", "conv2": "conv2"}, "'conv2' of the second run was given to more"),
    ],
)
def test_an_impossible_pair_is_refused(overrides, message):
    layers = [conv("conv1", 4), conv("conv2", 4)]
    with pytest.raises(ValueError, match=message):
        map_layers(layers, layers, overrides)


def test_a_layer_of_the_store_will_do():
    layer = Layer("d", "Dense", "dense", {}, (), (3,), 12, {}, True)
    assert map_layers([layer], [dense("e", 3)]).together == (("d", "e"),)


def test_nothing_beside_nothing():
    assert map_layers([], []).pairs == ()
    assert map_layers([], [dense("a")]).pairs == (LayerPair(None, "a", "none"),)


kinds = st.lists(st.sampled_from(["conv", "dense", "other"]), max_size=7)


@given(kinds, kinds)
def test_every_layer_is_there_once_and_pairs_keep_the_order(first, second):
    ours = [LayerOutline(f"a{k}", "X", kind, (k,)) for k, kind in enumerate(first)]
    theirs = [LayerOutline(f"b{k}", "X", kind, (k,)) for k, kind in enumerate(second)]
    mapping = map_layers(ours, theirs)
    assert [p.first for p in mapping.pairs if p.first] == [layer.name for layer in ours]
    assert [p.second for p in mapping.pairs if p.second] == [layer.name for layer in theirs]
    for a, b in mapping.together:
        assert first[int(a[1:])] == second[int(b[1:])]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 1000))
def test_the_alignment_is_the_best_of_all(rows, columns, seed):
    scores = np.random.default_rng(seed).uniform(-1, 3, (rows, columns))
    found = layer_mapping._aligned(scores)
    best = 0.0
    for size in range(1, min(rows, columns) + 1):
        for i in itertools.combinations(range(rows), size):
            for j in itertools.combinations(range(columns), size):
                best = max(best, scores[i, j].clip(0).sum())
    assert sum(scores[pair] for pair in found) == pytest.approx(best)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.probe import Probe
from store.errors import SpecError

WORDS = ["", "[UNK]", "good", "film"]


@pytest.mark.parametrize(
    ("inputs", "options", "kind", "dims"),
    [
        (np.zeros((4, 8, 8, 1)), {}, "image", ("probe", "y", "x", "channel")),
        (np.zeros((4, 3, 8, 8)), {}, "image", ("probe", "channel", "y", "x")),
        (np.zeros((4, 8, 9), np.uint8), {}, "image", ("probe", "y", "x")),
        (np.zeros((4, 28, 28)), {}, "image", ("probe", "y", "x")),
        (np.zeros((4, 5, 7)), {}, "other", ("probe", "dim_1", "dim_2")),
        (np.zeros((4, 6), int), {"vocabulary": WORDS}, "text", ("probe", "token")),
        (np.zeros((4, 6), int), {"texts": list("abcd")}, "text", ("probe", "token")),
        (np.zeros((4, 6), int), {}, "tabular", ("probe", "feature")),
        (np.zeros((4, 6)), {}, "tabular", ("probe", "feature")),
        (np.zeros((4, 6)), {"kind": "other"}, "other", ("probe", "dim_1")),
        (np.zeros((4, 8, 8, 2)), {}, "other", ("probe", "dim_1", "dim_2", "dim_3")),
        (np.zeros(4), {}, "other", ("probe",)),
    ],
)
def test_kind_and_dimensions_follow_from_the_input(inputs, options, kind, dims):
    spec = Probe(inputs, **options).to_spec()
    assert spec.kind == kind
    assert spec.dims == {"input": dims}
    np.testing.assert_array_equal(spec.inputs["input"], inputs)


def test_several_inputs_keep_their_names():
    spec = Probe({"a": np.zeros((3, 2)), "b": np.zeros((3, 4, 4, 1))}).to_spec()
    assert spec.dims == {"a": ("probe", "feature"), "b": ("probe", "dim_1", "dim_2", "dim_3")}
    assert spec.size == 3


def test_one_hot_labels_become_class_numbers():
    labels = np.eye(3)[[2, 0, 1, 1]]
    probe = Probe(np.zeros((4, 2)), labels=labels, class_names=list("abc"))
    assert probe.labels.tolist() == [2, 0, 1, 1]


def test_labels_in_a_column_become_class_numbers():
    assert Probe(np.zeros((2, 2)), labels=[[1.0], [0.0]]).labels.tolist() == [1, 0]


def test_string_labels_give_the_class_names():
    probe = Probe(np.zeros((3, 2)), labels=["dog", "cat", "dog"])
    assert probe.labels.tolist() == [1, 0, 1]
    assert probe.class_names == ["cat", "dog"]


def test_targets_that_are_no_classes_are_left_alone():
    targets = [[0.5, 0.25], [0.1, 3.0]]
    assert Probe(np.zeros((2, 2)), labels=targets).labels.tolist() == targets


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ({}, {}, "no input"),
        (np.zeros((0, 3)), {}, r"input 'input' has shape \(0, 3\); pass at least one"),
        (np.array(["a"]), {}, "holds <U1; pass numbers"),
        (np.zeros((3, 2)), {"labels": [1, 2]}, "lengths differ: {'input': 3, 'labels': 2}"),
        (np.zeros((3, 2)), {"texts": ["a"]}, "lengths differ: {'input': 3, 'texts': 1}"),
        ({"a": np.zeros(2), "b": np.zeros(3)}, {}, "lengths differ: {'a': 2, 'b': 3}"),
        (np.zeros((2, 2)), {"kind": "picture"}, "kind 'picture' is not one of image, text"),
        (
            np.zeros((2, 2)),
            {"labels": [0, 3], "class_names": ["a", "b"]},
            "labels run from 0 to 3, but there are 2 class_names",
        ),
        (np.zeros((2, 2)), {"labels": [0.5, 1.5], "class_names": ["a"]}, "not class numbers"),
        (np.full((2, 2), 9), {"vocabulary": WORDS}, "run from 9 to 9, but the vocabulary has 4"),
    ],
)
def test_what_is_wrong_is_named(inputs, options, message):
    with pytest.raises(SpecError, match=message):
        Probe(inputs, **options)


def test_every_problem_is_named_at_once():
    with pytest.raises(SpecError) as caught:
        Probe(np.zeros((3, 2)), labels=[0, 5], class_names=["a"], kind="x")
    for part in ("lengths differ", "kind 'x'", "labels run from 0 to 5"):
        assert part in str(caught.value)


@given(st.integers(1, 4), st.integers(0, 5), st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_pick_takes_the_same_number_of_every_class(per_class, seed, labels):
    x = np.arange(len(labels))[:, None]
    probe = Probe.pick(x, labels, per_class=per_class, seed=seed)
    picked = probe.inputs["input"][:, 0]
    assert len(set(picked.tolist())) == len(picked)
    np.testing.assert_array_equal(np.asarray(labels)[picked], probe.labels)
    for label in set(labels):
        assert (probe.labels == label).sum() == min(per_class, labels.count(label))
    again = Probe.pick(x, labels, per_class=per_class, seed=seed)
    np.testing.assert_array_equal(again.inputs["input"], probe.inputs["input"])


def test_pick_depends_on_the_seed():
    x, y = np.arange(1000)[:, None], np.zeros(1000, int)
    first, second = (Probe.pick(x, y, seed=seed).inputs["input"] for seed in (0, 1))
    assert first.tolist() != second.tolist()


def test_pick_takes_texts_along():
    x = np.arange(6)[:, None]
    probe = Probe.pick(x, [0, 1] * 3, per_class=2, texts=list("abcdef"), vocabulary=list("abcdef"))
    assert probe.texts == ["abcdef"[index] for index in probe.inputs["input"][:, 0]]


def test_pick_needs_classes():
    with pytest.raises(SpecError, match="must be classes, got float64"):
        Probe.pick(np.zeros((2, 2)), [0.5, 0.7])


def test_pick_needs_a_label_for_each_example():
    with pytest.raises(SpecError, match="differ in length"):
        Probe.pick(np.zeros((3, 2)), [0, 1])


def test_texts_by_a_text_vectorization_layer():
    import keras

    texts = ["a good film", "film", "a bad bad film"]
    layer = keras.layers.TextVectorization(output_sequence_length=4)
    layer.adapt(texts)
    probe = Probe.from_texts(texts, layer, labels=[1, 1, 0])
    assert probe.kind == "text"
    assert probe.texts == texts
    assert probe.vocabulary == layer.get_vocabulary()
    words = [[probe.vocabulary[n] for n in row if n] for row in probe.inputs["input"]]
    assert [" ".join(row) for row in words] == texts
    assert probe.labels.tolist() == [1, 1, 0]


class Encoding:
    """What the tokenizers library gives for a text."""

    def __init__(self, ids):
        self.ids = ids


class Tokenizer:
    """Stands for one of the tokenizers library, whose tokens are single letters."""

    def __call__(self, texts):
        return [Encoding([ord(letter) - 96 for letter in text]) for text in texts]

    def get_vocab(self):
        return {chr(96 + number): number for number in range(1, 5)}


def test_texts_by_a_tokenizer():
    probe = Probe.from_texts(["ab", "d"], Tokenizer())
    assert probe.inputs["input"].tolist() == [[1, 2], [4, 0]]
    assert probe.vocabulary == ["", "a", "b", "c", "d"]


def test_texts_of_which_several_inputs_are_made():
    def vectorize(texts):
        numbers = [[1] * len(text) for text in texts]
        return {"token_ids": numbers, "padding_mask": numbers}

    probe = Probe.from_texts(["ab", "d"], vectorize)
    assert probe.inputs.keys() == {"token_ids", "padding_mask"}
    assert probe.inputs["padding_mask"].tolist() == [[1, 1], [1, 0]]
    assert probe.vocabulary is None


def test_numbers_that_are_no_tokens_are_refused():
    with pytest.raises(SpecError, match="expected whole numbers: one row of tokens for each of"):
        Probe.from_texts(["a", "b"], lambda texts: [[0.5]] * len(texts))


def test_features_have_names():
    probe = Probe(np.zeros((3, 2)), feature_names=["age", "height"])
    assert probe.to_spec().feature_names == ["age", "height"]
    with pytest.raises(SpecError, match="there are 1 feature_names; pass one name"):
        Probe(np.zeros((3, 2)), feature_names=["age"])
    with pytest.raises(SpecError, match="not one table"):
        Probe(np.zeros((3, 8, 8, 1)), feature_names=["age"])

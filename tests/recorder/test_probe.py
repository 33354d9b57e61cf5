from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.probe import Probe
from store.errors import ArgumentError, SpecError

WORDS = ["", "[UNK]", "good", "film"]


@pytest.mark.parametrize(
    ("inputs", "options", "kind", "dims"),
    [
        (np.zeros((4, 8, 8, 1)), {}, "image", ("probe", "y", "x", "channel")),
        (np.zeros((4, 3, 8, 8)), {}, "image", ("probe", "channel", "y", "x")),
        (np.zeros((4, 8, 9), np.uint8), {}, "image", ("probe", "y", "x")),
        (np.zeros((4, 28, 28)), {}, "image", ("probe", "y", "x")),
        (np.zeros((4, 5, 7)), {}, "signal", ("probe", "time", "channel")),
        (np.zeros((4, 5, 7), int), {}, "other", ("probe", "dim_1", "dim_2")),
        (np.zeros((4, 9, 8, 7, 1)), {}, "volume", ("probe", "z", "y", "x", "channel")),
        (np.zeros((4, 50)), {"kind": "signal"}, "signal", ("probe", "time")),
        (np.zeros((4, 6), int), {"vocabulary": WORDS}, "text", ("probe", "token")),
        (np.zeros((4, 6), int), {"texts": list("abcd")}, "text", ("probe", "token")),
        (np.zeros((4, 6), int), {}, "tabular", ("probe", "feature")),
        (np.zeros((4, 6)), {}, "tabular", ("probe", "feature")),
        (np.zeros((4, 6)), {"kind": "other"}, "other", ("probe", "dim_1")),
        (np.zeros((4, 8, 8, 2)), {}, "other", ("probe", "dim_1", "dim_2", "dim_3")),
        (np.zeros(4), {}, "tabular", ("probe",)),
    ],
)
def test_kind_and_dimensions_follow_from_the_input(inputs, options, kind, dims):
    spec = Probe(inputs, **options).to_spec()
    assert spec.kind == kind
    assert spec.dims == {"input": dims}
    np.testing.assert_array_equal(spec.inputs["input"], inputs)


def test_several_inputs_keep_their_names():
    spec = Probe({"a": np.zeros((3, 2)), "b": np.zeros((3, 4, 4, 1))}).to_spec()
    assert spec.dims == {"a": ("probe", "feature"), "b": ("probe", "y", "x", "channel")}
    assert (spec.kind, spec.kinds) == ("tabular", {"b": "image"})
    assert spec.size == 3


def test_one_hot_labels_of_classes_become_class_numbers():
    labels = np.eye(3)[[2, 0, 1, 1]]
    probe = Probe(np.zeros((4, 2)), labels=labels, class_names=list("abc"), task="classes")
    assert probe.labels.tolist() == [2, 0, 1, 1]


def test_labels_in_a_column_of_classes_become_class_numbers():
    probe = Probe(np.zeros((2, 2)), labels=[[1.0], [0.0]], task="classes")
    assert probe.labels.tolist() == [1, 0]


def test_rows_that_happen_to_have_one_tag_each_are_not_taken_for_classes():
    tags = np.array([[0, 0, 1], [1, 1, 0], [0, 1, 0]])
    some = Probe(np.zeros((2, 2)), labels=tags[[0, 2]], class_names=["sea", "sky", "dog"])
    assert some.labels.tolist() == [[0, 0, 1], [0, 1, 0]]
    assert Probe(np.zeros((3, 2)), labels=[34.0, 21.0, 50.0]).labels.dtype == np.float64


def test_tags_may_be_given_by_name():
    probe = Probe(np.zeros((3, 2)), labels=[["sea", "sun"], [], ("dog",)])
    assert (probe.task, probe.class_names) == ("tags", ["dog", "sea", "sun"])
    assert probe.labels.tolist() == [[0, 1, 1], [0, 0, 0], [1, 0, 0]]


def test_names_of_classes_are_numbered_as_the_class_names_are():
    probe = Probe(np.zeros((2, 2)), labels=["dog", "ant"], class_names=["ewe", "dog", "ant"])
    assert probe.labels.tolist() == [1, 2]
    with pytest.raises(SpecError, match=r"'dogs', no class of that name. Did you mean 'dog'\?"):
        Probe(np.zeros((1, 2)), labels=["dogs"], class_names=["cat", "dog"])


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        ([0.5, 1.5], {"task": "classes"}, "float64 are no classes; pass task='values'"),
        ([[0, 2], [1, 0]], {"task": "tags"}, "no tags; pass a row of 0 and 1"),
        ([1, 2], {"task": "none"}, "labels were given, but the task is 'none'"),
        ([1, 2], {"task": "image"}, r"no image; pass \(example, y, x\)"),
        ([[0, 1], [1, 0]], {"class_names": ["a"]}, "have 2 columns, but there are 1 class_names"),
    ],
)
def test_labels_that_do_not_fit_their_task_are_refused(labels, options, message):
    with pytest.raises(SpecError, match=message):
        Probe(np.zeros((2, 2)), labels=labels, **options)


def test_a_task_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(ArgumentError, match=r"no 'class'\. Did you mean 'classes'"):
        Probe(np.zeros((2, 2)), task="class")


def test_a_list_of_arrays_is_several_inputs():
    first, second = np.zeros((3, 2)), np.ones((3, 4))
    for inputs in ([first, second], (first, second)):
        probe = Probe(inputs)
        assert list(probe.inputs) == ["input_0", "input_1"]
        assert probe.given is inputs
        assert probe.to_spec().dims["input_1"] == ("probe", "feature_of_input_1")
    nested = Probe({"pair": [first, second], "text": second})
    assert list(nested.inputs) == ["pair.0", "pair.1", "text_2"]


def test_texts_are_described_and_kept_as_the_words_of_the_probe():
    spec = Probe(np.array([["a film"], ["no film"]])).to_spec()
    assert (spec.kind, spec.texts, dict(spec.inputs)) == ("text", ["a film", "no film"], {})
    assert spec.not_stored["input"]["dtype"] == "string"
    assert spec.not_stored["input"]["shape"] == [2, 1]
    other = Probe(np.array([["a film"], ["a film"]])).to_spec()
    assert spec.fingerprint() != other.fingerprint()
    table = Probe({"colour": ["red", "blue"], "size": np.ones((2, 3)), "shop": ["x", "y"]})
    assert table.texts == ["colour: red; shop: x", "colour: blue; shop: y"]
    assert table.kind == "tabular"


def test_a_graph_has_no_axis_of_probes():
    nodes, edges = np.zeros((10, 4)), np.zeros((20, 2), int)
    spec = Probe([nodes, edges], labels=[0, 1, 2]).to_spec()
    assert spec.dims["input_0"] == ("row_of_input_0", "dim_1")
    assert spec.size == 3


def test_the_columns_of_a_table_are_the_names_of_its_features():
    class Table(np.ndarray):
        columns = ("age", "height")

    probe = Probe(np.zeros((3, 2)).view(Table))
    assert probe.to_spec().feature_names == ["age", "height"]


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
        (np.array([object()]), {}, "holds object; pass numbers or texts"),
        (np.zeros((3, 2)), {"labels": [1, 2]}, "lengths differ: {'input': 3, 'labels': 2}"),
        (np.zeros((3, 2)), {"texts": ["a"]}, "lengths differ: {'input': 3, 'texts': 1}"),
        ([np.zeros((5, 2))] * 3, {"labels": [1, 2, 3]}, "is several inputs; make one of rows by"),
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


def test_a_vocabulary_that_is_no_utf8_is_refused_with_what_to_do():
    class Layer:
        def __call__(self, texts):
            return [[1]] * len(texts)

        def get_vocabulary(self):
            return [b"caf\xe9".decode()]

    with pytest.raises(SpecError, match=r"no UTF-8: decode them before adapt\(\), or pass the tok"):
        Probe.from_texts(["gut"], Layer())


def test_words_of_a_ragged_tensor_are_told_from_what_fills_it_up():
    import tensorflow as tf

    probe = Probe(tf.ragged.constant([[[1, 2], [3]], [[0]]]))
    spec = probe.to_spec()
    assert spec.inputs["input"].tolist() == [[[1, 2], [3, 0]], [[0, 0], [0, 0]]]
    assert spec.present["input"].astype(int).tolist() == [[[1, 1], [1, 0]], [[1, 0], [0, 0]]]


def test_a_sparse_tensor_is_kept_with_its_zeros():
    import scipy.sparse
    import tensorflow as tf

    dense = np.array([[0, 2.0, 0], [1, 0, 0]])
    for sparse in (tf.sparse.from_dense(dense), scipy.sparse.csr_array(dense)):
        np.testing.assert_array_equal(Probe(sparse).inputs["input"], dense)
    large = scipy.sparse.csr_array((3, 4_000_000))
    about = Probe(large).to_spec().not_stored["input"]
    assert (about["shape"], about["form"]) == ([3, 4_000_000], "sparse")

"""Words of the probes, and what the places of a layer see of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.data.texts import (
    Texts,
    in_text,
    needs_places,
    needs_table,
    needs_texts,
    over_tokens,
    place_spans,
    place_words,
    table_at,
    texts_of,
)
from store.format.spec import LayerSpec, RunSpec
from store.testing import frames_at, text_run_spec
from tests.explorer.conftest import with_probe, without_probe

VOCABULARY = ["", "[UNK]", "not", "a", "good", "film", "<b>bad</b>"]


def stacked(*layers: tuple[str, str, dict, tuple[int, ...]], **changes) -> RunSpec:
    """The text run with other layers behind its embedding: name, class, configuration, shape."""
    spec = text_run_spec()
    kept, source = list(spec.layers[:2]), "embedding"
    for name, class_name, config, shape in layers:
        dims = ("probe", "token", "unit") if len(shape) == 2 else ("probe", "unit")
        kind = "pooling" if "Pooling" in class_name else "conv"
        kept.append(LayerSpec(name, class_name, kind, config, (source,), dims, (2, *shape)))
        source = name
    kept.append(dataclasses.replace(spec.layers[-1], inbound=(source,)))
    return dataclasses.replace(spec, layers=tuple(kept), **changes)


CONV = ("conv", "Conv1D", {"kernel_size": [3], "padding": "same"}, (5, 4))
POOL = ("pool", "MaxPooling1D", {"pool_size": [2]}, (2, 4))


def test_texts_are_words_without_their_padding(text_data):
    texts = texts_of(text_data)
    assert texts.vocabulary == tuple(VOCABULARY)
    assert (texts.padding, texts.separator, texts.noun) == (0, " ", "word")
    assert texts.names(texts.of(0)) == ["not", "a", "good", "film"]
    assert texts.phrase(texts.of(1)) == "<b>bad</b> film"
    assert texts.is_padding(1).tolist() == [0, 0, 1, 1, 1]
    assert texts.spans.tolist() == [[0, 4], [0, 2]]
    assert texts.names([2, 99]) == ["not", "#99"]
    assert texts.first_with([5, 6, 1]) == {5: 0, 6: 1}


def test_characters_stand_side_by_side_and_can_be_seen():
    texts = Texts(np.array([[1, 2, 1]]), ("", "a", " "), 0)
    assert (texts.separator, texts.noun) == ("", "character")
    assert texts.phrase(texts.of(0)) == "a␣a"


def test_padding_before_a_text_shifts_its_numbers():
    texts = Texts(np.array([[0, 0, 4], [3, 2, 0]]), tuple(VOCABULARY), 0)
    assert texts.of(0).tolist() == [4]
    assert [texts.hover_name(probe) for probe in (0, 1)] == ["place", "token"]


@pytest.mark.parametrize(
    ("vocabulary", "mask_zero", "padding"),
    [
        (VOCABULARY, False, 0),
        (["[PAD]", "a"], False, 0),
        (["the", "a"], True, None),
        (None, True, 0),
        (None, False, None),
    ],
)
def test_a_number_is_padding_if_the_vocabulary_or_else_a_mask_says_so(
    recorded, vocabulary, mask_zero, padding
):
    spec = with_probe(text_run_spec(), vocabulary=vocabulary)
    masked = dataclasses.replace(spec.layers[1], config={"mask_zero": mask_zero})
    spec = dataclasses.replace(spec, layers=(spec.layers[0], masked, *spec.layers[2:]))
    texts = texts_of(recorded(spec, steps=(0,)))
    assert texts.padding == padding
    assert len(texts.of(1)) == (2 if padding == 0 else 5)


def test_what_is_no_text_is_refused_with_a_sentence(image_data, recorded):
    assert texts_of(image_data) is None
    assert "The probes are no texts" in needs_texts(image_data)
    assert "were not kept" in needs_texts(recorded(without_probe(text_run_spec()), steps=(0,)))
    ids = text_run_spec().probe.inputs["input"]
    two = with_probe(
        text_run_spec(),
        inputs={"one": ids, "two": ids},
        dims={"one": ("probe", "token"), "two": ("probe", "token")},
    )
    assert "takes 2 inputs" in needs_texts(recorded(two, steps=(0,)))


def test_places_see_the_tokens_that_convolution_and_pooling_reach(recorded):
    data = recorded(stacked(CONV, POOL), steps=(0,))
    texts = texts_of(data)
    conv, pool = (place_spans(data, data.run.layers[name]) for name in ("conv", "pool"))
    # Each place of the convolution and its two neighbours; each of the pooling two of those.
    assert conv.tolist() == [[0, 2], [0, 3], [1, 4], [2, 5], [3, 5]]
    assert pool.tolist() == [[0, 3], [1, 5]]
    assert place_words(texts, 0, conv) == ["not", "a", "good", "film", ""]
    assert place_words(texts, 0, pool) == ["not a", "good film"]
    assert in_text(texts, conv).tolist() == [[True] * 5, [True, True, True, False, False]]
    assert needs_places(data, data.run.layers["conv"]) is None


def test_places_behind_operations_that_are_in_no_layer_are_not_known(recorded):
    spec = stacked(CONV, POOL)
    layers = (
        dataclasses.replace(layer, operations_between=layer.name == "pool") for layer in spec.layers
    )
    data = recorded(dataclasses.replace(spec, layers=tuple(layers)), steps=(0,))
    assert place_spans(data, data.run.layers["conv"]) is not None
    assert place_spans(data, data.run.layers["pool"]) is None
    assert "operations lie between layers" in needs_places(data, data.run.layers["pool"])


def test_places_of_a_state_or_of_a_reversed_sequence_are_not_known(recorded, text_data):
    assert place_spans(text_data, text_data.run.layers["lstm"]) is None
    turned = ("gru", "GRU", {"go_backwards": True}, (5, 4))
    data = recorded(stacked(turned), steps=(0,))
    assert place_spans(data, data.run.layers["gru"]) is None
    assert "its order is turned" in needs_places(data, data.run.layers["gru"])


def test_the_table_of_an_embedding_is_read_at_any_step(text_data):
    expected = frames_at(text_run_spec(), 5)["layers/embedding/weights/embeddings"]
    np.testing.assert_array_equal(table_at(text_data, "embedding", 3), expected)
    assert needs_table(text_data, text_data.run.layers["embedding"]) is None


def test_an_embedding_without_words_or_weights_is_refused(recorded):
    spec = text_run_spec()
    bare = dataclasses.replace(spec.layers[1], weights=())
    data = recorded(
        dataclasses.replace(spec, layers=(spec.layers[0], bare, *spec.layers[2:])), steps=(0,)
    )
    assert "were not recorded" in needs_table(data, data.run.layers["embedding"])
    inner = dataclasses.replace(spec.layers[1], name="again", inbound=("embedding",))
    layers = (*spec.layers[:2], inner, *spec.layers[2:])
    data = recorded(dataclasses.replace(spec, layers=layers), steps=(0,))
    assert "does not take the texts' words" in needs_table(data, data.run.layers["again"])


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=5),
    st.integers(0, 2**32 - 1),
)
def test_a_token_has_the_greatest_value_of_the_places_that_see_it(ends, seed):
    spans = np.array([sorted(pair) for pair in ends], np.int64).reshape(-1, 2)
    values = np.random.default_rng(seed).normal(size=(3, len(spans))).astype(np.float32)
    found = over_tokens(values, spans, 6)
    for step, token in np.ndindex(3, 6):
        seen = [values[step, at] for at, (start, end) in enumerate(spans) if start <= token < end]
        expected = max(seen) if seen else np.nan
        np.testing.assert_equal(found[step, token], np.float32(expected))


def test_nan_is_not_outshone():
    found = over_tokens(np.array([np.nan, 1.0]), np.array([[0, 2], [1, 3]]), 3)
    np.testing.assert_array_equal(found, [np.nan, np.nan, 1.0])

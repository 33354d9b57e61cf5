"""A network that predicts characters against Keras: surprise, candidates, generated text."""

from __future__ import annotations

import dataclasses

import numpy as np
import panel as pn
import pytest

from explorer.data.absence import Nothing
from explorer.data.run import RunData
from explorer.data.writing import (
    MOST_PIECES,
    WRITTEN,
    NextTokenNetwork,
    Writer,
    breakable,
    shown,
    stepper,
    writing_fault,
)
from explorer.derived.network.engine import Network
from explorer.derived.network.node import Node
from explorer.derived.predictions.reading import OutputReading
from explorer.derived.texts.words import visible
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.network.next_character import NextCharacter
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from explorer.widgets.page.choice import Choice
from recorder import Probe, Recorder, every_n_steps
from store import open_run
from store.format.spec import LayerSpec
from store.testing import frames_at, text_run_spec
from tests.explorer.conftest import with_probe
from tests.explorer.drawing import payload_of

VOCABULARY = ["", "[UNK]", "a", "b", "c", " ", "\n", "\x96"]
TOKENS = 6
READ = np.array([[2, 3, 4, 5, 2, 3], [5, 4, 0, 0, 0, 0]], np.int32)
CAME = np.array([[3, 4, 5, 2, 3, 7], [4, 0, 0, 0, 0, 0]], np.int32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A recorded training, and what Keras expects after any text at its last step."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.Input((TOKENS,), dtype="int32"),
            layers.Embedding(8, 4, name="embedding"),
            layers.GRU(5, return_sequences=True, name="gru"),
            layers.LSTM(4, return_sequences=True, name="lstm"),
            layers.SimpleRNN(5, return_sequences=True, name="simple"),
            layers.LayerNormalization(name="normalized"),
            layers.Dense(8, name="logits"),
            layers.Softmax(name="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    path = tmp_path_factory.mktemp("runs") / "write.zarr"
    generator = np.random.default_rng(0)
    x = generator.integers(2, 7, (24, TOKENS))
    recorder = Recorder(path, Probe(READ, CAME, vocabulary=VOCABULARY), schedule=every_n_steps(1))
    model.fit(x, np.roll(x, -1, axis=1), batch_size=8, epochs=2, verbose=0, callbacks=[recorder])

    def expects(text):
        """Give the chances of what comes after each token; Keras needs the full length."""
        padded = np.zeros((1, TOKENS), np.int32)
        padded[0, : len(text)] = text
        return np.asarray(model(padded))[0, : len(text)]

    return open_run(path), expects


@pytest.fixture
def found(trained):
    return NextTokenNetwork.of(RunData(trained[0]))


def scene_of(data, probe=0):
    return Scene(data, SelectionKey("gru", probe, "step"))


def sent(table, index):
    return payload_of(table, index)["rows"]


@pytest.mark.slow
def test_surprise_is_minus_the_logarithm_of_what_keras_expects(trained, found):
    last = len(found.data.run) - 1
    bits = found.surprise(last)
    for probe, text in enumerate(([2, 3, 4, 5, 2, 3], [5, 4])):
        chances = trained[1](text)
        for at in range(TOKENS):
            came = CAME[probe, at]
            expected = -np.log2(chances[at, came]) if at < len(text) and came else np.nan
            np.testing.assert_allclose(bits[probe, at], expected, rtol=1e-4)
    np.testing.assert_array_equal(found.history(1)[last], bits[1])
    np.testing.assert_allclose(found.mean_history()[last], np.nanmean(bits), rtol=1e-6)


def test_without_labels_the_next_token_is_that_of_the_text(found, monkeypatch):
    probe = dataclasses.replace(found.data.run.probe, labels=None)
    monkeypatch.setitem(found.data.run.__dict__, "probe", probe)
    bare = NextTokenNetwork.of(found.data)
    assert bare.next_ids.tolist() == [[3, 4, 5, 2, 3, -1], [4, -1, -1, -1, -1, -1]]
    assert bare.are_shifted


def test_candidates_are_the_most_probable_and_what_comes(trained, found):
    last = len(found.data.run) - 1
    chances = trained[1]([2, 3, 4, 5, 2, 3])
    for token in range(TOKENS):
        order, came = np.argsort(-chances[token]), CAME[0, token]
        names = [visible([VOCABULARY[n]])[0] if n != 7 else "U+0096" for n in range(8)]
        expected = [names[n] + (" (comes)" if n == came else "") for n in order[:5]]
        if came not in order[:5]:
            expected.append(f"{names[came]} (comes, no. {1 + list(order).index(came)})")
        rows = found.rows(0, token, last)["rows"]
        assert [row[0] for row in rows] == expected
        assert rows[0][1] == f"{chances[token].max():.1%}"


def test_reading_on_token_by_token_is_reading_the_whole(trained, found):
    data, network = found.data, found.data.network
    weights = {name: data.weights(name, len(data.run) - 1) for name in data.run.layers}
    step, state = stepper(network, "softmax", weights, found.reading), {}
    text = [2, 6, 4, 5, 3, 7]
    for token, expected in zip(text, trained[1](text), strict=True):
        chances, state = step(token, state)
        np.testing.assert_allclose(chances, expected, atol=1e-5)


def test_what_is_written_is_drawn_from_what_keras_expects(trained, found):
    last, start = len(found.data.run) - 1, np.array([2, 3, 4])
    written = Writer(found, start).write(last, 0.5, count=3)
    for seed, piece in enumerate(written):
        draws, text = np.random.default_rng(seed).random(3), start.tolist()
        for token, draw in zip(piece, draws, strict=False):
            heated = trained[1](text)[-1].astype(np.float64) ** 2  # to the power of 1 / 0.5
            share = heated.cumsum() / heated.sum()
            assert token == np.searchsorted(share, draw, side="right")
            text.append(int(token))
    assert sum(map(len, written)) <= 3


def test_a_text_that_ends_is_begun_anew(found, monkeypatch):
    assert found.end == 6
    often = np.array([0, 0, 0.5, 0, 0, 0, 0.5, 0])
    monkeypatch.setattr(
        "explorer.data.writing.stepper", lambda *_: lambda _, before: (often, before)
    )
    written = Writer(found, np.array([2])).write(0, 1.0)
    assert 1 < len(written) <= MOST_PIECES
    for piece in written[:-1]:
        assert 6 not in piece[:-1]
        assert piece[-1] == 6
    assert sum(map(len, written)) <= WRITTEN
    # A probe that goes on after a line break: it ends nothing.
    ids = np.array([[6, 2, 3, 4, 5, 2], [5, 4, 0, 0, 0, 0]])
    going_on = dataclasses.replace(found, texts=dataclasses.replace(found.texts, ids=ids))
    assert going_on.end == -1
    (whole,) = Writer(going_on, np.array([2])).write(0, 1.0)
    assert len(whole) == WRITTEN
    assert 6 in whole[:-1]


def test_a_line_can_hold_what_is_written():
    assert shown("a\nb\x96") == "a ↵ b\ufffd"
    assert breakable("ab cd") == "ab cd"
    assert breakable("x" * 41).split("\u200b") == ["x" * 20, "x" * 20, "x"]


@pytest.mark.parametrize(
    ("class_name", "config", "inbound", "says"),
    [
        ("Conv1D", {"kernel_size": [3]}, ["a"], "layer (Conv1D) takes several tokens at once"),
        ("LSTM", {"go_backwards": True}, ["a"], "takes several tokens at once"),
        ("LayerNormalization", {"axis": [1]}, ["a"], "takes several tokens at once"),
        ("Attention", {}, ["a"], "layer is not repeated"),
        ("LayerNormalization", {"axis": [-1]}, ["a"], None),
        ("GRU", {"activation": "tanh"}, ["a"], None),
    ],
)
def test_only_networks_that_read_token_by_token_write(class_name, config, inbound, says):
    network = Network([Node("a", "InputLayer"), Node("layer", class_name, config, tuple(inbound))])
    fault = writing_fault(network, "layer")
    assert (fault is None) if says is None else says in fault


def test_the_card_shows_text_candidates_writing_and_curve(found):
    view, scene = NextCharacter(), scene_of(found.data)
    assert view.requirement(scene) is None
    body = view.draw(scene, view.compute(scene))
    (strip,), (choice,) = body.select(TokenStrip), body.select(Choice)
    after, written = body.select(StepTable)
    # The last character is known from the labels.
    assert strip.tokens == ["a", "b", "c", " ", "a", "b", "\x96"]
    bits = found.history(0)
    assert np.isnan(strip.values[:, 0, 0]).all()
    np.testing.assert_array_equal(strip.values[:, 0, 1:], bits)
    learned = int((bits[0] - bits[-1]).argmax())
    assert strip.span == [learned, learned + 1]
    assert sent(after, 2) == found.rows(0, learned, 2)["rows"]
    strip.span = [1, 4]
    assert sent(after, 2) == found.rows(0, 3, 2)["rows"]
    said = body.select(pn.pane.HTML)[0].object
    assert "After “abc ” comes “a”" in said
    (text,) = sent(written, 5)[0]
    writer = Writer(found, READ[0])
    assert text == writer.rows(5, 0.8)["rows"][0][0]
    choice.value = "1.0"
    assert sent(written, 5) == writer.rows(5, 1.0)["rows"]
    curves = body.select(pn.pane.HoloViews)[0].object
    own = next(curve for curve in curves if curve.label == "probe 0")
    np.testing.assert_allclose(own["y"], np.nanmean(bits, axis=1))
    assert "3.0 for a guess among all 8" in view.caption(scene)


def test_a_padded_text_ends_where_its_words_do(found):
    view, scene = NextCharacter(), scene_of(found.data, probe=1)
    (strip,) = view.draw(scene, view.compute(scene)).select(TokenStrip)
    assert strip.tokens == [" ", "c"]
    np.testing.assert_array_equal(strip.values[:, 0, 1], found.history(1)[:, 0])


def sequence_spec(**changes):
    """A synthetic run whose output shares out the vocabulary at each token."""
    spec = text_run_spec()
    out = LayerSpec(
        "out", "Softmax", "softmax", {}, ("embedding",), ("probe", "token", "unit"), (2, 5, 7)
    )
    return with_probe(
        dataclasses.replace(spec, layers=(*spec.layers[:2], out), outputs=("out",)),
        **{"labels": None, **changes},
    )


def test_a_text_without_a_number_is_said(recorded, monkeypatch):
    def spoiled(spec, step):
        return {name: frame * np.nan for name, frame in frames_at(spec, step).items()}

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    data = recorded(sequence_spec(), steps=(0,))
    view, scene = NextCharacter(), scene_of(data)
    said = "The surprise at probe 0 is not a number at any recorded step."
    assert view.compute(scene) == Nothing(said)


def test_what_predicts_no_token_has_no_card(recorded, image_data, text_data):
    view = NextCharacter()
    assert not view.applies(image_data)
    assert not view.applies(text_data)
    assert not view.applies(recorded(sequence_spec(vocabulary=["", "a"]), steps=(0,)))
    tagged = recorded(sequence_spec(labels=np.ones((2, 5), np.int64)), steps=(0, 1))
    assert "not the tokens that follow" in view.requirement(scene_of(tagged))


def test_logits_are_read_as_such(recorded):
    spec = sequence_spec()
    raw = dataclasses.replace(spec.layers[2], kind="dense", class_name="Dense")
    data = recorded(dataclasses.replace(spec, layers=(*spec.layers[:2], raw)), steps=(0, 1))
    found = NextTokenNetwork.of(data)
    assert found.reading == OutputReading("logits", 7, is_assumed=True)  # it has no loss
    np.testing.assert_allclose(found.probabilities(1).sum(axis=-1), 1, rtol=1e-5)


# -- networks that read the whole text anew ---------------------------------------------------


def attending(path, *, causal):
    """Record a small network of attention, and give what Keras expects after each token."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(3)
    given = keras.Input((TOKENS,), dtype="int32")
    x = layers.Embedding(8, 4, name="embedding")(given)
    seen = layers.MultiHeadAttention(2, 4, name="attention")(x, x, use_causal_mask=causal)
    logits = layers.Dense(8, name="logits")(layers.Add(name="add")([x, seen]))
    model = keras.Model(given, layers.Softmax(name="softmax")(logits))
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    whole = np.array([[2, 3, 4, 5, 2, 3], [5, 4, 3, 2, 2, 4]], np.int32)
    recorder = Recorder(
        path, Probe(whole, np.roll(whole, -1, axis=1), vocabulary=VOCABULARY), cost_limit=100.0
    )
    model.fit(whole, np.roll(whole, -1, axis=1), epochs=3, verbose=0, callbacks=[recorder])
    return NextTokenNetwork.of(RunData(open_run(path))), model


@pytest.mark.slow
def test_a_network_that_attends_to_what_came_before_writes_as_keras_does(tmp_path):
    found, model = attending(tmp_path / "run.zarr", causal=True)
    assert found.writing_fault is None
    assert found.is_reread
    text = [2, 3, 4]
    (written,) = Writer(found, np.array(text)).write(len(found.data.run) - 1, 0.0, count=7)
    for token in written:
        padded = np.zeros((1, TOKENS), np.int32)
        seen = text[-TOKENS:]  # it never saw longer texts
        padded[0, : len(seen)] = seen
        assert token == np.asarray(model(padded))[0, len(seen) - 1].argmax()
        text.append(int(token))


@pytest.mark.slow
def test_a_network_that_looks_ahead_does_not_write(tmp_path):
    found, _ = attending(tmp_path / "run.zarr", causal=False)
    assert "takes several tokens at once" in found.writing_fault

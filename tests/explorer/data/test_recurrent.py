"""States of recurrent layers, as the views get them, against what Keras recorded; and the words."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import explorer.data.recurrent as recurrent_data
from explorer.data.recurrent import RECORDED, RecurrentLayer, plain, quantity_of
from explorer.data.run import RunData
from explorer.derived.recurrent.equations import NotDerivableError
from recorder import Probe, Recorder, every_n_steps
from store import open_run
from tests.explorer.conftest import without_probe

pytestmark = pytest.mark.slow

FOLDER = tempfile.TemporaryDirectory(prefix="trainlapse-recurrent-")
WORDS = ["", "[UNK]", "not", "a", "good", "film", "but", "long", "."]
IDS = np.array(
    [
        [2, 3, 4, 5, 6, 7, 5, 8],
        [4, 5, 8, 0, 0, 0, 0, 0],
        [0, 0, 0, 2, 4, 0, 5, 8],
    ],
    np.int32,
)
UNITS, STEPS = 3, 4
# Kinds whose embedding makes no mask, so that what follows reads padding too.
UNMASKED = ("pooled", "unmasked")
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def hidden_of(kind: str) -> list[Any]:
    """Layers between the embedding and the classes; the recurrent one is called ``rnn``."""
    from keras import layers

    class OwnCell(layers.SimpleRNNCell):
        """A cell of somebody's own: nobody knows that it is a known one."""

    options: dict[str, Any] = {"return_sequences": True, "bias_initializer": "normal"}
    match kind:
        case "one unit":
            return [layers.LSTM(1, name="rnn", **options)]
        case "lstm" | "unmasked" | "diverged" | "one step":
            return [layers.LSTM(UNITS, name="rnn", **options)]
        case "gru":
            return [layers.GRU(UNITS, name="rnn", **options)]
        case "simple":
            return [layers.SimpleRNN(UNITS, name="rnn", **options)]
        case "last":
            return [layers.LSTM(UNITS, name="rnn", go_backwards=True)]
        case "both":
            # Keras would count the inner layer among all of its class in this process.
            inner = layers.LSTM(UNITS, name="lstm", **options)
            return [layers.Bidirectional(inner, name="rnn")]
        case "sum":
            inner = layers.GRU(UNITS, name="gru", **options)
            return [layers.Bidirectional(inner, merge_mode="sum", name="rnn")]
        case "cell":
            return [layers.RNN(layers.GRUCell(UNITS), return_sequences=True, name="rnn")]
        case "own":
            return [layers.RNN(OwnCell(UNITS), return_sequences=True, name="rnn")]
        case "own last":
            return [layers.RNN(OwnCell(UNITS), name="rnn")]
        case "stateful":
            return [layers.LSTM(UNITS, stateful=True, name="rnn", **options)]
        case "pooled":
            return [
                layers.Conv1D(4, 3, padding="same", name="conv"),
                layers.MaxPooling1D(2, name="pool"),
                layers.LSTM(UNITS, name="rnn", **options),
            ]
    raise ValueError(kind)


def model_of(kind: str) -> Any:
    import keras
    from keras import layers, ops

    if kind == "images":
        given = keras.Input((2, 5, 5, 1), name="frames")
        seen = layers.ConvLSTM2D(2, 3, return_sequences=True, name="rnn")(given)
        return keras.Model(given, layers.Dense(2, name="out")(ops.mean(seen, axis=(1, 2, 3))))
    if kind == "series":
        given = keras.Input((6, 2), name="series")
        return keras.Model(given, layers.Dense(2, name="out")(layers.GRU(UNITS, name="rnn")(given)))
    if kind.startswith("started"):
        given = keras.Input((IDS.shape[1],), dtype="int32", name="tokens")
        masked = kind == "started"
        embedded = layers.Embedding(len(WORDS), 4, mask_zero=masked, name="embedding")(given)
        _, *states = layers.LSTM(UNITS, return_state=True, name="before")(embedded)
        last = layers.LSTM(UNITS, name="rnn")(embedded, initial_state=states)
        return keras.Model(given, layers.Dense(2, activation="softmax", name="out")(last))
    hidden = hidden_of(kind)
    shape = {"batch_shape": (len(IDS), IDS.shape[1])} if kind == "stateful" else {}
    shape = shape or {"shape": (IDS.shape[1],)}
    return keras.Sequential(
        [
            keras.Input(dtype="int32", name="tokens", **shape),
            layers.Embedding(len(WORDS), 4, mask_zero=kind not in UNMASKED, name="embedding"),
            *hidden,
            layers.Dense(2, activation="softmax", name="out"),
        ]
    )


@functools.cache
def recorded_path(kind: str) -> Path:
    """Record a small network at some steps, with weights of any size at each."""
    generator = np.random.default_rng(7)
    texts = [" ".join(WORDS[i] for i in row if i) for row in IDS]
    labels = np.arange(len(IDS)) % 2
    if kind == "images":
        probe = Probe(generator.normal(size=(3, 2, 5, 5, 1)).astype(np.float32))
    elif kind == "series":
        probe = Probe(generator.normal(size=(3, 6, 2)).astype(np.float32))
    elif kind == "stateful":
        probe = Probe(IDS)
    else:
        names = ("bad", "good")
        probe = Probe(IDS, labels, texts=texts, vocabulary=WORDS, class_names=names)
    path = Path(FOLDER.name) / f"{kind}.zarr"
    model = model_of(kind)
    with Recorder(path, probe, model=model, schedule=every_n_steps(1)) as recorder:
        for step in range(1, 1 if kind == "one step" else STEPS):
            for variable in model.weights:
                values = generator.normal(0, 0.4 * step, variable.shape)
                broken = kind == "diverged" and step == STEPS - 1
                variable.assign(np.full_like(values, np.nan) if broken else values)
            recorder.record(step)
    return path


def data_of(kind: str) -> RunData:
    return RunData(open_run(recorded_path(kind)))


def layer_of(kind: str) -> RecurrentLayer:
    return RecurrentLayer(data_of(kind), "rnn")


# -- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lstm", "gru", "simple", "cell", "pooled"])
def test_hidden_states_are_the_output_that_keras_gave_at_every_token(kind):
    layer = layer_of(kind)
    assert layer.fault is None
    assert layer.directions == ["forward"]
    for index in range(STEPS):
        found = layer.states(index)["forward"]
        np.testing.assert_allclose(found.hidden, layer.data.activations("rnn", index), **CLOSE)


def test_both_directions_are_the_halves_of_the_output():
    layer = layer_of("both")
    assert layer.directions == ["forward", "backward"]
    output = layer.data.activations("rnn", 2)
    for way, half in zip(layer.directions, np.split(output, 2, axis=-1), strict=True):
        hidden = layer.states(2)[way].hidden
        np.testing.assert_allclose(np.where(IDS[..., None] != 0, hidden, 0), half, **CLOSE)
    np.testing.assert_array_equal(layer.units("backward"), [3, 4, 5])
    assert layer.homes(4) == [("backward", 1)]
    assert layer.homes(0) == [("forward", 0)]


def test_units_of_directions_that_are_added_have_the_same_numbers():
    layer = layer_of("sum")
    assert layer.homes(1) == [("forward", 1), ("backward", 1)]
    both = [layer.states(1)[way].hidden for way in layer.directions]
    np.testing.assert_allclose(
        np.where(IDS[..., None] != 0, both[0] + both[1], 0),
        layer.data.activations("rnn", 1),
        **CLOSE,
    )


def test_gates_follow_the_equations_of_an_lstm():
    layer = layer_of("lstm")
    index, probe = 3, 0
    weights = layer.data.weights("rnn", index)
    taken = layer.data.activations("embedding", index)[probe]
    found = layer.states(index, probe)["forward"]
    hidden, cell = np.zeros(UNITS), np.zeros(UNITS)
    for token, row in enumerate(taken):
        sums = row @ weights["kernel"] + hidden @ weights["recurrent_kernel"] + weights["bias"]
        into, forget, candidate, out = np.split(sums, 4)
        into, forget, out = (1 / (1 + np.exp(-values)) for values in (into, forget, out))
        cell = forget * cell + into * np.tanh(candidate)
        hidden = out * np.tanh(cell)
        expected = [into, forget, np.tanh(candidate), out, cell, hidden]
        names = ["input", "forget", "candidate", "output", "cell", "hidden"]
        for name, values in zip(names, expected, strict=True):
            np.testing.assert_allclose(
                quantity_of(found, name)[0, token], values, rtol=1e-4, atol=1e-5, err_msg=name
            )


def test_a_layer_that_reads_backwards_ends_at_the_first_token():
    layer = layer_of("last")
    assert layer.directions == ["backward"]
    found = layer.states(2)["backward"]
    np.testing.assert_allclose(found.final, layer.data.activations("rnn", 2), **CLOSE)
    np.testing.assert_allclose(found.hidden[:, 0], found.final, **CLOSE)
    assert not layer.gives_sequence


@pytest.mark.parametrize("kind", ["lstm", "both", "own"])
def test_one_probe_is_a_part_of_all(kind):
    layer = layer_of(kind)
    for way in layer.directions:
        every, one = layer.states(1)[way], layer.states(1, 2)[way]
        for name in layer.quantities(way):
            np.testing.assert_allclose(
                quantity_of(one, name)[0], quantity_of(every, name)[2], **CLOSE
            )


def test_several_views_share_one_derivation(monkeypatch):
    data = data_of("lstm")
    first = RecurrentLayer(data, "rnn")
    found = first.states(1, 0)
    monkeypatch.setattr(RecurrentLayer, "derive", lambda *_: pytest.fail("derived again"))
    again = RecurrentLayer(data, "rnn").states(1, 0)
    assert again["forward"].gates["forget"] is found["forward"].gates["forget"]


def test_a_series_without_words_is_numbered():
    layer = layer_of("series")
    np.testing.assert_allclose(
        layer.states(3)["forward"].final, layer.data.activations("rnn", 3), **CLOSE
    )
    text = layer.text(1)
    assert text.words == ["0", "1", "2", "3", "4", "5"]
    assert text.counted.all()
    assert text.remark == ""


# -- over the training ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gru", "both", "own"])
def test_a_history_has_the_states_of_every_step(kind):
    layer = layer_of(kind)
    sampling, values = layer.history(1)
    assert sampling.is_whole
    for index in range(STEPS):
        for way, found in layer.states(index, 1).items():
            for name in layer.quantities(way):
                expected = quantity_of(found, name)[0]
                np.testing.assert_allclose(values[way][name][index], expected, **CLOSE)


def test_a_long_history_leaves_out_steps_and_says_so(monkeypatch):
    monkeypatch.setattr(recurrent_data, "MOST_VALUES", 1)
    sampling, values = layer_of("simple").history(0)
    assert sampling.indices == [0, 3]
    shown = sampling.spread(values["forward"]["hidden"])
    assert len(shown) == STEPS
    np.testing.assert_array_equal(shown[1], shown[0])
    np.testing.assert_array_equal(shown[2], shown[3])
    assert sampling.remark == (
        " Computed at 2 of the 4 recorded steps; between them the nearest one is shown."
    )


# -- words ------------------------------------------------------------------------------------


def test_masked_tokens_do_not_count_and_padding_is_not_shown():
    layer = layer_of("lstm")
    short = layer.text(1)
    assert short.labels == ["good", "film", "."]
    assert short.remark == " 5 tokens of padding are left out."
    before = layer.text(2)
    assert before.shown == slice(3, 8)
    assert before.labels == ["not", "good", "∅", "film", "."]
    assert before.counted.tolist() == (IDS[2] != 0).tolist()
    assert (short.x_name, before.x_name) == ("token", "place")


def test_a_pooled_position_has_the_words_that_it_covers():
    text = layer_of("pooled").text(0)
    assert text.words == ["not a", "good film", "but long", "film ."]
    assert text.spans.tolist() == [[0, 3], [1, 5], [3, 7], [5, 8]]
    assert "sees 4 tokens" in text.remark
    short = layer_of("pooled").text(1)
    assert short.labels == ["good film", "."]
    assert "2 places of padding are left out, though the layer reads them too." in short.remark


# -- what cannot be derived -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("own", "cell of its own"),
        ("stateful", "state from batch to batch"),
        ("images", "ConvLSTM2D"),
        ("started", "takes 2 inputs"),
        ("started unmasked", "Started from zero, the equations of LSTM do not give"),
    ],
)
def test_what_cannot_be_derived_is_said_in_a_sentence(kind, words):
    fault = layer_of(kind).fault
    assert words in fault
    assert fault.endswith(".")


def test_the_recorded_output_stands_in_for_states_that_are_not_known():
    layer = layer_of("own")
    assert layer.directions == [RECORDED]
    assert layer.quantities(RECORDED) == {"hidden": "recorded output"}
    np.testing.assert_array_equal(
        layer.states(2)[RECORDED].hidden, layer.data.activations("rnn", 2)
    )
    assert layer.text(1).words[:3] == ["good", "film", "."]
    assert "Only the recorded output can be shown." in layer.limitation
    assert not layer_of("own last").gives_sequence
    assert layer_of("lstm").limitation == ""


def test_equations_that_do_not_give_the_recorded_output_are_not_believed(text_data):
    """The synthetic run is random numbers."""
    assert "not give the output that was recorded" in RecurrentLayer(text_data, "lstm").fault


def test_a_layer_whose_input_was_not_recorded_says_so(recorded):
    from store.testing import text_run_spec

    data = recorded(without_probe(text_run_spec()), steps=(0, 1))
    layer = RecurrentLayer(data, "lstm")
    assert "The activation of embedding was not recorded" in layer.fault
    with pytest.raises(NotDerivableError, match="Record that layer too"):
        layer.taken(0)


def test_a_cell_of_keras_is_unpacked_and_others_are_not():
    cell = {"class_name": "LSTMCell", "module": "keras.layers", "config": {"units": 2}}
    found = plain("Bidirectional", {"layer": {"class_name": "RNN", "config": {"cell": cell}}})
    assert found[1]["layer"]["class_name"] == "LSTM"
    assert found[1]["layer"]["config"]["units"] == 2
    assert plain("RNN", {"cell": {**cell, "module": "mine"}})[0] == "RNN"
    assert plain("LSTM", {"units": 2}) == ("LSTM", {"units": 2})


def test_a_training_that_diverged_has_states_that_are_no_numbers():
    layer = layer_of("diverged")
    assert layer.fault is None
    assert np.isfinite(layer.states(0)["forward"].hidden).all()
    last = layer.states(STEPS - 1)["forward"]
    assert np.isnan(last.hidden[0]).all()
    assert np.isnan(last.gates["forget"][0]).all()

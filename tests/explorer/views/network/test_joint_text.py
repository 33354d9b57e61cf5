"""The picture of a sentence in all layers: its numbers against Keras, and what it says."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explorer.data.absence import Nothing, Unfit
from explorer.data.recurrent import RecurrentLayer, quantity_of
from explorer.data.run import RunData
from explorer.data.sentence import Sentence
from explorer.derived.network.contributions import contributions
from explorer.derived.recurrent.equations import NotDerivableError
from explorer.derived.time.frames import quantize
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.network.joint_text import JointText, Reader, SentencePane
from recorder import Probe, Recorder, every_n_steps
from store import open_run
from tests.explorer.conftest import without_probe
from tests.explorer.data.test_recurrent import IDS, WORDS
from tests.explorer.node import evaluated

FOLDER = tempfile.TemporaryDirectory(prefix="trainlapse-sentence-")
STEPS = 3
LAST = STEPS - 1
CLOSE = {"rtol": 2e-4, "atol": 2e-5}
KINDS = ["conv", "both", "sum", "last", "next", "diverged", "one step"]


def hidden_of(kind: str) -> list[Any]:
    """Layers behind the embedding."""
    from keras import layers

    classes = layers.Dense(2, activation="softmax", name="out")
    match kind:
        case "conv" | "diverged" | "one step":
            return [
                layers.Conv1D(5, 3, padding="same", activation="relu", name="conv"),
                layers.MaxPooling1D(2, name="pool"),
                layers.LSTM(3, return_sequences=True, name="rnn"),
                layers.GlobalMaxPooling1D(name="max"),
                layers.Dense(4, activation="tanh", name="dense"),
                classes,
            ]
        case "both":
            inner = layers.LSTM(3, return_sequences=True)
            both = layers.Bidirectional(inner, name="rnn")
            return [both, layers.GlobalAveragePooling1D(name="mean"), classes]
        case "sum":
            inner = layers.GRU(3, bias_initializer="normal")
            one = layers.Dense(1, activation="sigmoid", name="out")
            return [layers.Bidirectional(inner, merge_mode="sum", name="rnn"), one]
        case "last":
            return [layers.SimpleRNN(8, go_backwards=True, name="rnn"), classes]
        case "next":
            words = layers.Dense(len(WORDS), activation="softmax", name="out")
            return [layers.GRU(3, return_sequences=True, name="rnn"), words]
    raise ValueError(kind)


@functools.cache
def recorded(kind: str) -> tuple[Path, Any]:
    """Record a small network at some steps; the model is left as at the last of them."""
    import keras
    from keras import layers

    generator = np.random.default_rng(5)
    is_masked = kind in ("both", "sum", "last")
    given = keras.Input((IDS.shape[1],), dtype="int32", name="tokens")
    embedding = layers.Embedding(len(WORDS), 4, mask_zero=is_masked, name="embedding")
    if kind == "added":
        x = embedding(given)
        both = [layers.Conv1D(4, 3, padding="same", name=f"conv{at}")(x) for at in (1, 2)]
        pooled = layers.GlobalMaxPooling1D(name="max")(layers.Add(name="add")(both))
        out = layers.Dense(2, activation="softmax", name="out")(pooled)
        model = keras.Model(given, out)
    else:
        model = keras.Sequential([given, embedding, *hidden_of(kind)])
    labels = IDS[:, 1:] if kind == "next" else np.arange(len(IDS)) % 2
    names = None if kind == "next" else ("bad", "good")
    if kind == "next":
        labels = np.concatenate([labels, labels[:, :1]], axis=1)
    texts = [" ".join(WORDS[number] for number in row if number) for row in IDS]
    probe = Probe(IDS, labels, texts=texts, vocabulary=WORDS, class_names=names)
    path = Path(FOLDER.name) / f"{kind}.zarr"
    with Recorder(path, probe, model=model, schedule=every_n_steps(1)) as recorder:
        for step in range(1, 1 if kind == "one step" else STEPS):
            for variable in model.weights:
                values = generator.normal(0, 0.5, variable.shape)
                broken = kind == "diverged" and step == LAST
                variable.assign(np.full_like(values, np.nan) if broken else values)
            recorder.record(step)
    return path, model


def data_of(kind: str) -> RunData:
    return RunData(open_run(recorded(kind)[0]))


def scene_of(
    kind: str, *, probe: int = 0, target: int = -1, layer: str = "rnn", unit: int = 0
) -> Scene:
    return Scene(data_of(kind), SelectionKey(layer, probe, "step", unit, target))


def reader_of(kind: str, probe: int = 0, target: int = 1) -> Reader:
    return Reader(Sentence(data_of(kind), probe, target))


def parted(reader: Reader, payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Part a payload among the bands, as the browser does."""
    at = dict.fromkeys(("units", "codes", "all", "kept"), 0)

    def take(name: str, count: int) -> Any:
        start = at[name]
        at[name] += count
        return payload[name][start : at[name]]

    bands = []
    for band in reader.described():
        start = at["units"]
        own = {"band": band, "units": take("units", band["rows"])}
        own["adds"] = payload["adds"][start : at["units"]]
        own["values"] = payload["values"][start : at["units"]]
        if band["ranges"] is not None:
            places = len(band["ranges"]) // 2 + 1
            own["all"] = None if band["kind"] == "class places" else take("all", places)
            own["codes"] = [
                take("codes", band["rows"] * places).reshape(band["rows"], places)
                for _ in band["quantities"]
            ]
            if band["keeps"]:
                own["kept"] = take("kept", band["rows"] * (places - 1)).reshape(-1, places - 1)
        bands.append(own)
    assert at == {name: len(payload[name]) for name in at}
    return bands


def added_in_keras(kind: str, probe: int, target: int) -> Any:
    """Embedding × gradient of a class's logit, by TensorFlow, at the last step: (token, unit)."""
    import tensorflow as tf

    model = recorded(kind)[1]
    ids = IDS[probe : probe + 1]
    with tf.GradientTape() as tape:
        x = model.layers[0](ids)
        tape.watch(x)
        y, mask = x, (model.layers[0].compute_mask(ids) if model.layers[0].mask_zero else None)
        for layer in model.layers[1:-1]:
            masked = {"mask": mask} if layer.name in ("rnn", "mean") and mask is not None else {}
            y = layer(y, **masked)
        dense = model.layers[-1]
        logits = y @ dense.kernel + dense.bias
        if kind == "next":
            logits = logits[:, -1]
        score = logits[0, target] if logits.shape[-1] > 1 else logits[0, 0] * (1 if target else -1)
    return (tape.gradient(score, x) * x)[0].numpy()


# -- the numbers ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["conv", "both", "sum", "last", "next"])
def test_evidence_is_what_keras_says_that_each_token_adds(kind):
    reader = reader_of(kind)
    found = parted(reader, reader.payload(LAST))[0]
    truth = added_in_keras(kind, 0, 1)
    assert np.abs(truth).max() > 1e-3
    np.testing.assert_allclose(found["all"], [*truth.sum(axis=1), 0], **CLOSE)
    np.testing.assert_allclose(found["adds"], truth.sum(axis=0)[found["units"]], **CLOSE)


def test_what_padding_adds_has_a_column_of_its_own():
    reader = reader_of("conv", probe=1)
    found = parted(reader, reader.payload(LAST))[0]
    truth = added_in_keras("conv", 1, 1).sum(axis=1)
    np.testing.assert_allclose(found["all"], [*truth[:3], truth[3:].sum()], **CLOSE)


@pytest.mark.parametrize(("kind", "way"), [("conv", 0), ("both", 0), ("both", 1), ("next", 0)])
def test_rows_are_the_states_and_gates_of_the_units_that_add_most(kind, way):
    reader, rnn = reader_of(kind), RecurrentLayer(data_of(kind), "rnn")
    at = [band.kind for band in reader.sentence.bands].index("states") + way
    band = reader.sentence.bands[at]
    for index in range(STEPS):
        found = parted(reader, reader.payload(index))[at]
        states = rnn.states(index, 0)[rnn.directions[way]]
        assert np.isin(found["units"], band.units).all()
        assert (np.diff(np.abs(found["adds"])) <= 1e-7).all()
        rows = found["units"] - band.units[0]
        for name, codes in zip(rnn.quantities(band.way), found["codes"], strict=True):
            values = quantity_of(states, name)[0][:, rows].T
            limits = reader.plan.limits[at][name]
            np.testing.assert_array_equal(codes[:, :-1], quantize(values, limits))
            assert not codes[:, -1].any()


@pytest.mark.parametrize("kind", ["both", "sum", "last", "conv"])
def test_directions_add_up_to_output_times_gradient(kind):
    data, reader = data_of(kind), reader_of(kind)
    layers = data.run.layers
    known = {
        name: data.activations(name, LAST, 0) for name in layers if layers[name].has_activation
    }
    known["tokens"] = IDS[:1]
    weights = {name: data.weights(name, LAST) for name in layers}
    truth = contributions(data.network, known, weights, "out", 1, wanted=["rnn"])["rnn"].sum()
    totals = reader.payload(LAST)["totals"]
    states = [at for at, band in enumerate(reader.sentence.bands) if band.kind == "states"]
    np.testing.assert_allclose(totals[states].sum(), truth, **CLOSE)


def test_a_last_state_adds_at_the_token_that_was_read_last():
    reader = reader_of("last", probe=1)  # read backwards: the first
    found = parted(reader, reader.payload(LAST))[1]
    assert np.flatnonzero(found["all"]).tolist() == [0]
    assert found["band"]["title"] == "rnn ←"


def test_a_pooling_over_the_text_shows_through_which_token_a_unit_adds():
    data, reader = data_of("conv"), reader_of("conv")
    at = [band.kind for band in reader.sentence.bands].index("pooled")
    found = parted(reader, reader.payload(LAST))[at]
    given = data.activations("rnn", LAST, 0)[0]
    winners = given.argmax(axis=0)[found["units"]]
    assert [np.flatnonzero(row).tolist() for row in found["codes"][0]] == [[w] for w in winners]
    np.testing.assert_allclose(found["values"], given.max(axis=0)[found["units"]], **CLOSE)
    adds = dict(zip(found["units"], found["adds"], strict=True))
    for place in range(4):
        expected = sum(adds[unit] for unit in found["units"][winners == place])
        np.testing.assert_allclose(found["all"][place], expected, **CLOSE)


def test_a_mean_over_the_text_adds_through_every_token_that_it_counts():
    data, reader = data_of("both"), reader_of("both", probe=1)
    found = parted(reader, reader.payload(LAST))[3]
    assert found["band"]["kind"] == "pooled"
    kernel = data.weight("out", "kernel", LAST)
    values = data.activations("rnn", LAST, 1)[0, :3]
    np.testing.assert_allclose(found["all"], [*(values @ kernel[:, 1]) / 3, 0], **CLOSE)


def test_marks_show_which_token_a_pooling_of_neighbours_kept():
    data, reader = data_of("conv"), reader_of("conv")
    found = parted(reader, reader.payload(LAST))[2]
    given = data.activations("conv", LAST, 0)[0].reshape(4, 2, 5)
    kept = given.argmax(axis=1) + 2 * np.arange(4)[:, None] + 0.5
    np.testing.assert_array_equal(found["kept"], kept[:, found["units"]].T)
    assert found["band"]["ranges"] == [0, 2, 2, 4, 4, 6, 6, 8]


def test_one_that_predicts_the_next_token_is_explained_after_its_last():
    data = data_of("next")
    reader = reader_of("next", target=-1)
    found = parted(reader, reader.payload(LAST))[-1]
    shares = data.activations("out", LAST, 0)[0]
    np.testing.assert_array_equal(found["units"], np.argsort(-shares[-1])[:6])
    codes = quantize(shares[:, found["units"]].T, reader.plan.limits[-1]["output"])
    np.testing.assert_array_equal(found["codes"][0][:, :-1], codes)
    assert reader.payload(LAST)["target"] == shares[-1].argmax()


def test_classes_are_shown_with_their_probabilities():
    reader = reader_of("sum", target=0)
    found = parted(reader, reader.payload(1))[-1]
    second = data_of("sum").activations("out", 1, 0)[0, 0]
    assert dict(zip(found["units"].tolist(), found["values"], strict=True)) == pytest.approx(
        {0: 1 - second, 1: second}
    )
    assert reader.payload(1)["target"] == 0


def test_the_chosen_unit_is_shown_in_any_case():
    reader = reader_of("last")
    for unit in range(8):
        found = parted(reader, reader.payload(LAST, ("rnn", unit)))[1]
        assert unit in found["units"]
        assert len(set(found["units"].tolist())) == 6


@pytest.mark.slow
def test_a_training_that_diverged_has_no_numbers_from_there_on():
    reader = reader_of("diverged")
    assert np.isfinite(reader.payload(1)["totals"][:-1]).all()
    payload = reader.payload(LAST)
    assert np.isnan(payload["totals"]).all()
    by_layer = {own["band"]["layer"]: own for own in parted(reader, payload)}
    for layer in ("embedding", "rnn", "max"):
        assert not np.any(by_layer[layer]["codes"])
        assert np.isnan(by_layer[layer]["adds"]).all()
    described = reader.described()
    assert all(np.isfinite([band["most"], band["bar"]]).all() for band in described)


def test_the_browser_parts_a_payload_as_it_was_joined():
    reader = reader_of("conv")
    payload = reader.payload(LAST)
    made = ", ".join(
        f"{name}: new {kind}({payload[name].tolist()})".replace("nan", "NaN")
        for name, kind in [
            ("units", "Int32Array"), ("codes", "Uint8Array"), ("adds", "Float32Array"),
            ("values", "Float32Array"), ("all", "Float32Array"), ("kept", "Float32Array"),
        ]
    )  # fmt: skip
    bands = str(reader.described()).replace("None", "null").replace("True", "true")
    plain = "own => ({units: [...own.units], all: [...own.all ?? []], kept: [...own.kept ?? []]})"
    call = f"bandParts({{{made}}}, {bands.replace('False', 'false')}).map({plain})"
    for own, found in zip(
        evaluated("widgets/shared/bands.js", call), parted(reader, payload), strict=True
    ):
        assert own["units"] == found["units"].tolist()
        np.testing.assert_allclose(own["all"], found.get("all", []), rtol=1e-6)
        np.testing.assert_array_equal(own["kept"], np.ravel(found.get("kept", [])))


# -- what is shown and said ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, "added"])
def test_it_draws_every_kind_of_network(kind):
    view, scene = JointText(), scene_of(kind, probe=1)
    assert view.applies(scene.data)
    assert view.requirement(scene) is None
    picture = view.draw(scene, view.compute(scene))
    assert isinstance(picture, SentencePane)
    assert picture.words == ["good", "film", "."]
    sent: list[Any] = []
    picture._send_msg = sent.append
    picture._handle_msg({"key": picture.key, "want": [0]})
    assert "error" not in sent[0], sent[0]
    assert len(sent[0]["payload"]["units"]) == sum(band["rows"] for band in picture.bands)
    assert view.caption(scene).startswith("Probe 1 word by word, explained")


def test_layers_whose_places_are_unknown_are_named():
    view, scene = JointText(), scene_of("added", layer="max")
    picture = view.draw(scene, view.compute(scene))
    assert picture.remark == "add is left out: which tokens their places see is unknown."
    assert [band["layer"] for band in picture.bands] == [
        "embedding",
        "conv1",
        "conv2",
        "max",
        "out",
    ]


def test_padding_in_front_has_its_column_there_and_words_have_numbers_of_their_own():
    view, scene = JointText(), scene_of("conv", probe=2)
    picture = view.draw(scene, view.compute(scene))
    assert (picture.padding, picture.padding_first, picture.x_name) == (3, True, "place")
    assert picture.words == ["not", "good", "∅", "film", "."]
    assert "The 3 tokens of padding are folded" in view.caption(scene)


def test_a_chosen_unit_or_class_changes_the_key_of_the_frames():
    view, scene = JointText(), scene_of("conv")
    picture = view.draw(scene, view.compute(scene))
    first = picture.key
    view.follow(scene_of("conv", unit=2), picture)
    assert picture.key != first
    view.follow(scene_of("conv", layer="tokens"), picture)
    assert picture.key.endswith("None")
    assert "“good”, which was chosen" in view.caption(scene_of("conv", target=1))
    assert "the true class" in view.caption(scene)


def test_the_explained_class_is_one_at_every_step():
    reader = reader_of("conv", target=-1)
    label = int(data_of("conv").class_labels[0])
    assert {int(reader.payload(index)["target"]) for index in range(LAST + 1)} == {label}


def test_it_says_what_the_evidence_measures_and_why_reading_word_by_word_may_differ():
    said = JointText().caption(scene_of("conv"))
    assert "small change of the word" in said
    assert "may differ, even in sign" in said


def test_runs_of_other_kinds_are_none_of_its_own(image_data):
    assert not JointText().applies(image_data)


def test_a_run_without_a_readable_output_says_so():
    from tests.explorer.data.test_recurrent import data_of as other

    scene = Scene(other("lstm"), SelectionKey("rnn", 0, "step"))
    said = JointText().requirement(scene)
    assert isinstance(said, Unfit)
    assert "does not say how probable each class is" in said


def test_a_run_without_texts_is_not_for_it():
    from store.testing import text_run_spec, write_run

    path = write_run(Path(FOLDER.name) / "without.zarr", without_probe(text_run_spec()))
    assert not JointText().applies(RunData(open_run(path)))


def test_a_layer_that_cannot_be_followed_is_said(monkeypatch):
    scene = scene_of("conv")

    def fail(*_):
        raise NotDerivableError("conv has no rule")

    monkeypatch.setattr("explorer.views.network.joint_text.Reader", fail)
    said = JointText().compute(scene)
    assert said == Nothing("The network cannot be followed: conv has no rule.")

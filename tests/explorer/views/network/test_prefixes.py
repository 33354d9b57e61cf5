"""Beginnings of a text against Keras, at the first and the last step."""

from __future__ import annotations

import dataclasses

import numpy as np
import panel as pn
import pytest

from explorer.data.absence import Nothing
from explorer.data.run import RunData
from explorer.plots.token_map import token_map
from explorer.selection import UNCHOSEN, SelectionKey
from explorer.views.alternatives import Alternatives
from explorer.views.base import Scene, Unfinished
from explorer.views.network import prefixes
from explorer.views.network.prefixes import CHANGE, Prefixes, Reading
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.charts.token_strip import TokenStrip
from recorder import Probe, Recorder, every_n_steps
from store import open_run
from store.testing import text_run_spec
from tests.explorer.conftest import with_probe

VOCABULARY = ["", "[UNK]", *"abcdefghij"]
NAMES = ["bad", "fair", "good"]
TEXTS = np.array([[3, 4, 5, 0, 0], [6, 7, 8, 9, 10], [0, 0, 0, 0, 0]], np.int32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A recorded training, and what Keras says to any texts at its first and its last step."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(12, 4, mask_zero=True, name="embedding"),
            layers.LSTM(3, name="lstm"),
            layers.Dense(3, activation="softmax", name="out"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    start = model.get_weights()
    path = tmp_path_factory.mktemp("runs") / "read.zarr"
    probe = Probe(TEXTS, np.array([2, 0, 1]), vocabulary=VOCABULARY, class_names=NAMES)
    generator = np.random.default_rng(0)
    x, y = generator.integers(1, 12, (24, 5)), generator.integers(0, 3, 24)
    recorder = Recorder(path, probe, schedule=every_n_steps(1))
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[recorder])
    end = model.get_weights()

    def says(texts, *, last):
        model.set_weights(end if last else start)
        return np.asarray(model(np.asarray(texts)))

    return open_run(path), says


def scene_of(data, probe=0, target=UNCHOSEN):
    return Scene(data, SelectionKey("lstm", probe, "step", 0, target))


def pictures(data, **chosen):
    view, scene = Prefixes(), scene_of(data, **chosen)
    assert view.requirement(scene) is None
    reading = view.compute(scene)
    body = view.draw(scene, reading)
    return reading, body.select(TokenStrip)[0], body.select(StepLines)[0], body


def texts_in(body):
    return " ".join(pane.object for pane in body.select(pn.pane.HTML))


@pytest.mark.slow
@pytest.mark.parametrize("probe", [0, 1])
def test_every_beginning_is_what_keras_says_to_it(trained, probe):
    run, says = trained
    reading, strip, lines, body = pictures(RunData(run), probe=probe)
    length = (3, 5)[probe]
    beginnings = np.array([[*TEXTS[probe, :n], *[0] * (5 - n)] for n in range(length + 1)])
    for index, last in ((0, False), (-1, True)):
        expected = says(beginnings, last=last)
        np.testing.assert_allclose(reading.before[index], expected[0], atol=1e-5)
        np.testing.assert_allclose(reading.probabilities[index], expected[1:], atol=1e-5)
        np.testing.assert_allclose(lines.y[index], expected[1:].T, atol=1e-5)
        target = (2, 0)[probe]
        change = np.diff(expected[:, target])
        np.testing.assert_allclose(strip.values[index, 0], change, atol=1e-5)
    assert strip.tokens == lines.x_labels == [VOCABULARY[n] for n in TEXTS[probe, :length]]
    assert (strip.low, strip.signed) == (-strip.high, True)
    assert reading.deviation < 1e-4
    assert texts_in(body) == ""


def test_the_followed_class_is_the_chosen_or_the_true_one(trained):
    data = RunData(trained[0])
    reading, strip, lines, _ = pictures(data, target=1)
    assert "fair" in strip.value_name
    np.testing.assert_allclose(strip.values[:, 0], reading.effects(1))
    assert lines.names == ["bad", "fair", "good (true)"]
    assert (lines.selects, lines.picks, lines.ids) == ("target", "series", [0, 1, 2])
    assert "good" in pictures(data)[1].value_name
    assert "“fair”, which was chosen" in Prefixes().caption(scene_of(data, target=1))
    assert "“good”, the true class" in Prefixes().caption(scene_of(data))


def test_it_says_why_the_evidence_may_say_something_else(trained):
    said = Prefixes().caption(scene_of(RunData(trained[0])))
    assert "may differ, even in sign" in said


def test_maps_show_the_class_over_words_and_training(trained):
    reading, _, _, body = pictures(RunData(trained[0]))
    (choice,) = body.select(Alternatives)
    shown = [pane.object for pane in body.select(pn.pane.HoloViews) if pane.visible]
    assert shown[0].vdims[0].range == (0.0, 1.0)
    steps = reading.data.timeline.steps
    for at, step in enumerate(steps):
        for word in range(3):
            # The first word is the top row.
            assert shown[0][float(step), 2 - word] == pytest.approx(
                reading.probabilities[at, word, 2]
            )
    choice.choice.value = CHANGE
    (low, high) = choice.place.pictures.get(CHANGE).object.vdims[0].range
    assert low == -high == -np.abs(reading.effects(2)).max()


def test_steps_and_words_that_are_left_out_are_said(trained, monkeypatch):
    data = RunData(trained[0])
    whole = Reading(data, 1)
    whole.advance(60)
    monkeypatch.setattr(prefixes, "MOST_STEPS", 3)
    monkeypatch.setattr(prefixes, "MOST_PREFIXES", 3)
    reading, strip, lines, body = pictures(data, probe=1)
    count = len(data.run)
    assert (reading.indices, reading.ends) == ([0, 3, count - 1], [0, 2, 4])
    np.testing.assert_allclose(
        reading.probabilities, whole.probabilities[[0, 3, count - 1]][:, [0, 2, 4]], atol=1e-6
    )
    # Each recorded step shows the nearest of the three, each word its stretch.
    assert reading.nearest.tolist() == [0, 0, 1, 1, 1, 2, 2]
    effects = reading.effects(0)
    np.testing.assert_array_equal(strip.values[:, 0, [1, 2]], effects[reading.nearest][:, [1, 1]])
    assert lines.x_hover == ""
    said = texts_in(body)
    assert "at 3 of the 7 recorded steps" in said
    assert "up to 3 of the 5 words" in said


def test_a_long_computation_goes_on_in_parts(trained, monkeypatch):
    monkeypatch.setattr(prefixes, "PART_SECONDS", -1)
    monkeypatch.setattr(prefixes, "BLOCK", 2)
    view, scene = Prefixes(), scene_of(RunData(trained[0]))
    made, shares = view.compute(scene), []
    while isinstance(made, Unfinished):
        shares.append(made.share)
        made = made.go_on()
    assert shares == [2 / 7, 4 / 7, 6 / 7]
    assert len(view.draw(scene, made).select(TokenStrip)) == 1


def test_what_is_computed_is_kept_on_disk(trained, monkeypatch):
    Reading(RunData(trained[0]), 0).advance(60)
    monkeypatch.setattr(Reading, "_computed", lambda *_: pytest.fail("computed again"))
    reading = Reading(RunData(trained[0]), 0)
    reading.advance(60)
    assert reading.is_done


def test_a_network_that_is_not_the_recorded_one_is_betrayed(text_data):
    # Frames of the synthetic run are random: no network gives them.
    _, _, _, body = pictures(text_data)
    assert "differs from the recorded output" in texts_in(body)


def test_a_network_that_gives_no_number_is_said(recorded, monkeypatch):
    from store.testing import frames_at

    def spoiled(spec, step):
        return {name: frame * np.nan for name, frame in frames_at(spec, step).items()}

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    said = Prefixes().compute(scene_of(recorded(text_run_spec(), steps=(0,))))
    assert isinstance(said, Nothing)
    assert "gives no probability for any beginning of probe 0" in said


def test_what_is_missing_is_said(trained, recorded, image_data):
    view = Prefixes()
    assert not view.applies(image_data)
    data = RunData(trained[0])
    assert view.requirement(scene_of(data, 2)) == "Probe 2 has no words; choose another one."
    assert "probe 1 with one word more" in view.caption(scene_of(data, 1))
    unpadded = recorded(with_probe(text_run_spec(), vocabulary=["x"] * 7), steps=(0, 1))
    assert "there is none in this run" in view.requirement(scene_of(unpadded))
    spec = text_run_spec()
    strange = dataclasses.replace(spec.layers[2], class_name="Strange")
    layers = (*spec.layers[:2], strange, spec.layers[3])
    sentence = view.requirement(
        scene_of(recorded(dataclasses.replace(spec, layers=layers), steps=(0, 1)))
    )
    assert "lstm: The class Strange is not repeated here." in sentence


def test_words_that_have_no_room_are_left_out_beside_a_map():
    options = {
        "x_edges": np.arange(3.0),
        "x_label": "step",
        "value_label": "p",
        "positions": np.arange(2.0),
    }
    values = np.arange(200.0).reshape(2, 100)
    picture = token_map(values, [f"w{n}" for n in range(100)], y_label="word", **options)
    ticks = picture.opts.get("plot").kwargs["yticks"]
    assert len(ticks) < 50
    assert ticks[0] == (99, "w0")
    assert picture[0.5, 99] == 0.0
    few = token_map(values[:, :3], ["a", "b" * 20, "c"], y_label="word", **options)
    assert few.opts.get("plot").kwargs["yticks"] == [(2, "a"), (1, "b" * 13 + "…"), (0, "c")]

"""Inputs that a visitor tries: read and shown as recorded ones are, at every step."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest

from explorer import network_at
from explorer.at_step.inputs import UNKNOWN
from explorer.data.run import RunData
from explorer.data.texts import texts_of
from explorer.data.units import image_of, unit_values
from explorer.data.units import images as images_of
from explorer.session.session import Explorer
from explorer.widgets.page.states import FAULT
from store import open_run
from store.format.names import activation_path
from store.testing import text_run_spec, write_run
from tests.explorer.conftest import cards_of
from tests.recorder.networks import conv_model, images, lstm_model, sentences

pytestmark = pytest.mark.slow

MODELS = {"conv": (conv_model, images), "lstm": (lstm_model, sentences)}
COPIED = 1


@pytest.fixture(params=MODELS)
def data(request, trained):
    return RunData(trained(*MODELS[request.param]).run)


def copied(data):
    """Try what is one of the probes already."""
    (values,) = data.run.probe.inputs.values()
    (layer,) = data.network.inputs
    return data.try_input({layer: values[COPIED : COPIED + 1]})


def test_a_probe_that_is_tried_again_is_read_as_it_was_recorded(data):
    number, last = copied(data), len(data.run) - 1
    assert number == data.run.probe.size
    for layer in data.run.layers.values():
        if not layer.has_activation:
            continue
        path = activation_path(layer.name)
        for step in (0, last, -1, slice(None), slice(1, 3), slice(None, None, 2)):
            for one, other in (
                (number, COPIED),
                (slice(number, number + 1), slice(COPIED, COPIED + 1)),
            ):
                found, known = data.read(path, (step, one)), data.read(path, (step, other))
                assert found.shape == known.shape
                np.testing.assert_allclose(found, known, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            unit_values(data, layer.name, last, 0, number),
            unit_values(data, layer.name, last, 0, COPIED),
            rtol=1e-4,
            atol=1e-5,
        )
        history = data.unit_history(layer.name, number)
        np.testing.assert_allclose(
            history, data.unit_history(layer.name, COPIED), rtol=1e-4, atol=1e-5
        )
    np.testing.assert_allclose(
        data.probabilities(number), data.probabilities(COPIED), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_array_equal(data.probe_input(number), data.probe_input(COPIED))


def test_what_is_of_all_probes_is_of_the_recorded_ones(data):
    output = data.output
    before = data.activations(output, 0)
    number = copied(data)
    np.testing.assert_array_equal(data.activations(output, 0), before)
    assert len(data.input()) == number == data.run.probe.size
    assert data.true_class(number) is None
    assert data.true_class(COPIED) == data.class_labels[COPIED]
    assert copied(data) == number + 1


def test_a_newer_reading_of_the_run_knows_what_was_tried(data):
    number = copied(data)
    newer = RunData(data.run, data.tried)
    np.testing.assert_array_equal(newer.probabilities(number), data.probabilities(number))


@pytest.fixture(params=["pictures", "texts"])
def explorer(request):
    return request.getfixturevalue(request.param)


def test_every_card_of_one_probe_shows_it(explorer):
    data = explorer.data
    number = copied(data)
    explorer.trying.numbers = [number]
    explorer._try(number)
    for card in cards_of(explorer):
        card.head.seen = True
    for layer in data.run.layers:
        explorer.selection.choose(layer=layer)
        for card in cards_of(explorer):
            said = f"{card.view.title} of {layer}: {card.head.said}"
            assert not (card.panel.visible and card.head.state == FAULT), said
    for tab in ("learning", "training"):
        explorer.selection.choose(tab=tab)
        for card in cards_of(explorer):
            said = f"{card.view.title}: {card.head.said}"
            assert not (card.panel.visible and card.head.state == FAULT), said


# -- what a visitor makes ----------------------------------------------------------------------


@pytest.fixture
def pictures(trained):
    return Explorer(RunData(trained(conv_model, images).run), {"probe": "1"})


@pytest.fixture
def texts(tmp_path, monkeypatch):
    monkeypatch.setattr("explorer.at_step.door.TOLERANCE", np.inf)  # it holds any numbers
    run = open_run(write_run(tmp_path / "text.zarr", text_run_spec()))
    return Explorer(RunData(run), {"probe": "1"})


def test_a_drawing_is_what_the_network_is_sent(pictures):
    editor, data = pictures.trying.editor, pictures.data
    codes = editor.image.astype(int)
    codes[0, 0] = 255
    editor.made = {"values": codes.ravel().tolist()}
    number = pictures.selection.probe
    assert pictures.trying.numbers == [number] == [data.run.probe.size]
    drawn, recorded = image_of(data, number), images_of(data)[1]
    changed = np.zeros(drawn.shape[:2], bool)
    changed[0, 0] = True
    # What was not touched is what was recorded, in every bit.
    np.testing.assert_array_equal(drawn[~changed], recorded[~changed])
    np.testing.assert_allclose(drawn[changed], images_of(data).max(), rtol=1e-6)
    last = int(data.run.steps[-1])
    given = data.probe_input(number)[None]
    np.testing.assert_allclose(
        pictures.bars.values[-1], network_at(data.run, last)(given)[0], rtol=1e-4, atol=1e-5
    )
    assert pictures.picker.yours == [number]
    assert pictures.picker.labels[-1] == "yours"
    assert len(pictures.picker.images) == len(pictures.picker.labels) == number + 1
    editor.made = {"values": codes[::-1].ravel().tolist(), "count": 2}
    assert pictures.picker.yours == [number + 1, number]


def file_of(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"values": [1, 2, 3]}, "A picture is .* whole numbers from 0 to 255"),
        ({"values": "abc"}, "A picture is"),
        ({"values": None}, "A picture is"),
        ({"values": [[1], [1, 2]]}, "A picture is"),
        ({}, "A picture is"),
        ({"file": "%%%", "name": "a.npz"}, "did not arrive whole"),
        ({"file": base64.b64encode(b"no").decode(), "name": "a.npz"}, "a.npz is no npz file"),
        ({"file": file_of(x=np.zeros((1, 10000, 10000, 1), "i1"))}, "10000, 10000"),
        ({"file": file_of(x=np.full((1, 8, 8, 1), np.nan, "f4"))}, "not finite"),
        ({"file": file_of(x=np.zeros((2**21, 8, 8, 1), "i1"))}, "bytes, more than"),
        ({"file": file_of(x=np.full((1, 8, 8, 1), 1e9, "f4"))}, "prepare it as the training did"),
    ],
)
def test_what_is_no_input_gets_a_sentence_and_changes_nothing(pictures, made, said):
    pictures.trying.editor.made = {"count": 1, **made}
    assert pictures.selection.probe == 1
    assert pictures.trying.numbers == []
    assert re.search(said, pictures.trying.editor.said)


def test_examples_of_a_file_stand_beside_each_other(pictures):
    probe = pictures.data.run.probe
    x = next(iter(probe.inputs.values()))[:3]
    pictures.trying.editor.made = {"file": file_of(anything=x), "name": "three.npz"}
    assert pictures.trying.editor.said == ""
    numbers = [probe.size + 2, probe.size + 1, probe.size]
    assert pictures.picker.yours == numbers
    np.testing.assert_array_equal(pictures.data.probe_input(numbers[0]), x[2])


def test_words_are_looked_up_and_unknown_ones_are_shown(texts):
    editor, read = texts.trying.editor, texts_of(texts.data)
    assert editor.words == read.names(read.of(1))
    word = next(name for name in read.vocabulary if name and not name.startswith("["))
    editor.made = {"words": [word, word]}
    number = texts.selection.probe
    assert texts.trying.numbers == [number]
    read = texts_of(texts.data)
    assert read.names(read.of(number)) == [word, word]
    assert texts.picker.texts[-1] == f"{word} {word}"
    assert (editor.unknown, editor.said) == ([], "")
    editor.made = {"words": [word, "qzxy"]}
    if {*UNKNOWN} & {*read.vocabulary}:
        assert editor.unknown == [1]
    else:
        assert "'qzxy' is not in the run's vocabulary" in editor.said
    editor.made = {"words": []}
    assert "A text is empty" in editor.said


def test_another_visitor_has_another_inputs(pictures):
    editor = pictures.trying.editor
    editor.made = {"values": editor.image.ravel().tolist()}
    number = pictures.selection.probe
    other = Explorer(pictures.data)
    other._set(probe=number)
    assert other.selection.probe == 0
    pictures._set(probe=0)
    pictures._set(probe=number)
    assert pictures.selection.probe == number

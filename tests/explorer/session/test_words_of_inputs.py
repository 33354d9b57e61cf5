"""A signal is no text: each kind of input is called what it is, on every card."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from explorer.data.absence import Unfit
from explorer.data.places import place_noun
from explorer.data.texts import needs_texts
from explorer.session.session import Explorer
from explorer.views.requirements import needs_input
from store.format.spec import LayerSpec, ProbeSpec, RunSpec
from store.testing.runs import text_run_spec
from tests.explorer.conftest import texts_of_every_tab, with_probe

PLACES = 5


def signal_run_spec(kind: str) -> RunSpec:
    """Describe a recurrent network that reads a signal of four channels, after a convolution."""
    spec = text_run_spec(tokens=PLACES)
    _, _, lstm, output = spec.layers
    source = LayerSpec("source", "InputLayer", "input")
    conv = LayerSpec(
        "conv",
        "Conv1D",
        "conv",
        {"kernel_size": [1]},
        (source.name,),
        ("probe", "token", "unit"),
        (2, PLACES, 4),
    )
    values = np.random.default_rng(0).normal(size=(2, PLACES, 4)).astype(np.float32)
    dims = ("probe", "time", "channel")
    probe = ProbeSpec({"input": values}, kind, {"input": dims}, labels=np.array([1, 0]))
    layers = (source, conv, dataclasses.replace(lstm, inbound=("conv",)), output)
    return dataclasses.replace(spec, layers=layers, probe=probe)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["signal", "other"])
@pytest.mark.parametrize("layer", ["conv", "lstm", "output"])
def test_no_card_of_a_signal_speaks_of_words(kind, layer, recorded):
    explorer = Explorer(recorded(signal_run_spec(kind)), {"layer": layer})
    said = re.sub(r"<[^>]*>|var\([^)]*\)", " ", texts_of_every_tab(explorer))
    assert not re.findall(r"(?i)[^.]*\b(?:tokens?|words?|texts?|sentences?)\b[^.]*", said)


def test_a_network_that_reads_texts_itself_is_shown_with_its_words(recorded):
    about = {"dtype": "string", "shape": [2, 1], "form": "dense", "sha256": "0" * 64}
    spec = with_probe(text_run_spec(), inputs={}, vocabulary=None, not_stored={"input": about})
    data = recorded(spec)
    assert data.run.probe.texts == ["not a good film", "<b>bad</b> film"]
    assert data.run.probe.fingerprint() != with_probe(spec, not_stored={}).probe.fingerprint()
    assert isinstance(needs_texts(data), Unfit)
    assert isinstance(needs_input(data), Unfit)
    said = texts_of_every_tab(Explorer(data, {"layer": "lstm"}))
    assert "cannot be drawn" not in said


def test_a_stored_input_beside_texts_is_not_the_only_one(recorded):
    about = {"dtype": "string", "shape": [6, 1], "form": "dense", "sha256": "0" * 64}
    data = recorded(with_probe(not_stored={"colour": about}))
    assert data.input() is None
    assert needs_input(data) == "The network takes 2 inputs; this is for one."


def test_an_output_without_an_entry_for_each_probe_is_read_as_a_whole(recorded):
    spec = text_run_spec()
    lstm = dataclasses.replace(
        spec.layers[2], output_dims=("dim_0", "unit"), output_shape=(7, 4), weights=()
    )
    data = recorded(dataclasses.replace(spec, layers=(*spec.layers[:2], lstm, spec.layers[3])))
    assert not data.run.layers["lstm"].has_activation
    assert data.run.activations("lstm").dims == ("step", "dim_0", "unit")
    said = texts_of_every_tab(Explorer(data, {"layer": "lstm"}))
    assert "cannot be drawn" not in said


@pytest.mark.parametrize(
    ("kind", "nouns"),
    [
        ("text", ("token", "token")),
        ("signal", ("time step", "time step")),
        ("other", ("position", "time step")),
    ],
)
def test_places_are_called_what_they_are(kind, nouns, recorded):
    data = recorded(signal_run_spec(kind))
    assert tuple(place_noun(data, data.run.layers[name]) for name in ("conv", "lstm")) == nouns

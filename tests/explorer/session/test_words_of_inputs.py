"""A signal is no text: each kind of input is called what it is, on every card."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from explorer.data.places import place_noun
from explorer.session.session import Explorer
from store.format.spec import LayerSpec, ProbeSpec, RunSpec
from store.testing.runs import text_run_spec
from tests.explorer.conftest import texts_of_every_tab

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


@pytest.mark.parametrize("kind", ["signal", "other"])
@pytest.mark.parametrize("layer", ["conv", "lstm", "output"])
def test_no_card_of_a_signal_speaks_of_words(kind, layer, recorded):
    explorer = Explorer(recorded(signal_run_spec(kind)), {"layer": layer})
    said = re.sub(r"<[^>]*>|var\([^)]*\)", " ", texts_of_every_tab(explorer))
    assert not re.findall(r"(?i)[^.]*\b(?:tokens?|words?|texts?|sentences?)\b[^.]*", said)


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

"""Top n-grams by looking at every window, and the text by the windows over each token."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from explorer.data.absence import GIVE_PROBE, Lack
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.texts.ngrams import NGrams
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from store.format.spec import LayerSpec
from store.testing import frames_at, text_run_spec
from tests.explorer.conftest import without_probe
from tests.explorer.data.test_texts import CONV, POOL, stacked
from tests.explorer.drawing import payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
WORDS = [["not", "a", "good", "film"], ["<b>bad</b>", "film"]]
ACTIVATION = "layers/conv/activation"


def scene_of(data, layer="conv", *, probe=0, unit=2):
    return Scene(data, SelectionKey(layer, probe, "step", unit))


def drawn(data, **chosen):
    view, scene = NGrams(), scene_of(data, **chosen)
    assert view.requirement(scene) is None
    body = view.draw(scene, view.compute(scene))
    return body.select(TokenStrip)[0], body.select(StepTable)[0]


@pytest.mark.parametrize("index", [0, 4, 7])
@pytest.mark.parametrize("unit", [0, 3])
def test_the_top_is_that_of_every_window(recorded, index, unit):
    values = frames_at(stacked(CONV), STEPS[index])[ACTIVATION][..., unit]
    best: dict[str, tuple[float, int]] = {}
    for probe, words in enumerate(WORDS):
        for place in range(5):
            text = " ".join(words[max(0, place - 1) : place + 2])
            if text:
                best[text] = max(best.get(text, (-9.0, 0)), (values[probe, place], probe))
    expected = sorted(best.items(), key=lambda entry: -entry[1][0])[:8]
    _, table = drawn(recorded(stacked(CONV)), unit=unit)
    found = payload_of(table, index)
    assert [row[0] for row in found["rows"]] == [text for text, _ in expected]
    np.testing.assert_allclose(
        [float(row[1]) for row in found["rows"]], [value for _, (value, _) in expected], rtol=5e-3
    )
    assert found["chooses"] == [{"probe": probe} for _, (_, probe) in expected]


def test_each_token_has_the_largest_output_of_its_windows(recorded):
    data = recorded(stacked(CONV))
    strip, _ = drawn(data, probe=1)
    assert strip.tokens == ["<b>bad</b>", "film", "", "", ""]
    assert strip.padding.tolist() == [0, 0, 1, 1, 1]
    for index, step in enumerate(STEPS):
        values = frames_at(stacked(CONV), step)[ACTIVATION][1, :, 2]
        expected = [values[max(0, token - 1) : token + 2].max() for token in range(5)]
        np.testing.assert_allclose(strip.values[index, 0], expected)
    assert strip.signed
    assert strip.low == -strip.high


def test_outputs_with_the_units_first_are_read_as_such(recorded):
    spec = stacked(CONV)
    first = dataclasses.replace(
        spec.layers[2], output_dims=("probe", "unit", "token"), output_shape=(2, 4, 5)
    )
    spec = dataclasses.replace(spec, layers=(*spec.layers[:2], first, *spec.layers[3:]))
    strip, table = drawn(recorded(spec, steps=(0, 1)), probe=0)
    values = frames_at(spec, 1)[ACTIVATION][0, 2]
    expected = [values[max(0, token - 1) : token + 2].max() for token in range(5)]
    np.testing.assert_allclose(strip.values[1, 0], expected)
    every = frames_at(spec, 1)[ACTIVATION][:, 2]
    np.testing.assert_allclose(
        float(payload_of(table, 1)["rows"][0][1]),
        max(every[0].max(), every[1, :3].max()),
        rtol=5e-3,
    )


def test_nan_and_a_lone_step_are_shown_as_they_are(recorded, monkeypatch):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        frames[ACTIVATION][0] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    strip, table = drawn(recorded(stacked(CONV), steps=(0,)))
    assert np.isnan(strip.values).all()
    assert {row[3] for row in payload_of(table, 0)["rows"]} == {"1"}


def test_what_is_not_meant_or_missing_is_said(recorded, image_data):
    view = NGrams()
    assert not view.applies(image_data)
    data = recorded(stacked(CONV, POOL), steps=(0,))
    assert [name for name, layer in data.run.layers.items() if view.serves(layer)] == ["conv"]
    assert "sees 3 tokens at a time" in view.caption(scene_of(data))
    bare = recorded(without_probe(stacked(CONV)), steps=(0,))
    assert not view.applies(bare)
    assert view.requirement(scene_of(bare)) == Lack(GIVE_PROBE)
    spec = text_run_spec()
    sequence = ("probe", "token", "unit")
    other = LayerSpec("other", "Dense", "dense", {}, ("embedding",), sequence, (2, 5, 4))
    both = LayerSpec("both", "Add", "merge", {}, ("embedding", "other"), sequence, (2, 5, 4))
    conv = LayerSpec("conv", *CONV[1:2], "conv", CONV[2], ("both",), sequence, (2, 5, 4))
    layers = (*spec.layers[:2], other, both, conv, *spec.layers[2:])
    joined = recorded(dataclasses.replace(spec, layers=layers), steps=(0,))
    assert "branches meet" in view.requirement(scene_of(joined))

"""What pooling keeps: windows by hand, shares by counting, for maximum and mean."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.data.absence import Lack
from explorer.derived.texts.alignment import Window
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.texts.text_pooling import TextPooling, cancelled_share
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.charts.token_strip import TokenStrip
from store.testing import frames_at
from tests.explorer.data.test_texts import CONV, stacked
from tests.explorer.drawing import payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
TAKEN = "layers/conv/activation"
UNIT = 1
SPECS = {
    "max": stacked(CONV, ("pool", "MaxPooling1D", {"pool_size": [2]}, (2, 4))),
    "average": stacked(CONV, ("pool", "AveragePooling1D", {"pool_size": [2]}, (2, 4))),
    "global max": stacked(CONV, ("pool", "GlobalMaxPooling1D", {}, (4,))),
    "global average": stacked(CONV, ("pool", "GlobalAveragePooling1D", {}, (4,))),
}
PAIRS, WHOLE = [[0, 1], [2, 3]], [[0, 1, 2, 3, 4]]
WINDOWS = {"max": PAIRS, "average": PAIRS, "global max": WHOLE, "global average": WHOLE}
# Places whose window of three tokens has any of the text.
IN_TEXT = np.array([[True] * 5, [True, True, True, False, False]])


def masked(spec):
    """The same run, but its pooling obeys the embedding's mask."""
    layers = [
        dataclasses.replace(layer, mask_from="embedding") if layer.name == "pool" else layer
        for layer in spec.layers
    ]
    return dataclasses.replace(spec, layers=tuple(layers))


def scene_of(data, *, probe=1):
    return Scene(data, SelectionKey("pool", probe, "step", UNIT))


def drawn(data, **chosen):
    view, scene = TextPooling(), scene_of(data, **chosen)
    assert view.requirement(scene) is None
    computed = view.compute(scene)
    body = view.draw(scene, computed)
    return computed[1], body.select(TokenStrip)[0], body.select(StepTable)[0]


def values_at(name, step, spec=None):
    return frames_at(spec or SPECS[name], step)[TAKEN][..., UNIT].astype(np.float64)


def lost(values, windows, is_text, *, keeps_greatest, counted=None):
    """Share of positive evidence that is lost, window by window."""
    dropped = total = 0.0
    kept = set()
    for probe, row in enumerate(values):
        for window in windows:
            kept.add((probe, max(window, key=lambda place: row[place])))
            inside = [p for p in window if counted is None or counted[probe][p]]
            positive = sum(max(0, row[p]) for p in inside)
            if not keeps_greatest:
                dropped += min(positive, sum(max(0, -row[p]) for p in inside))
                total += positive
        if keeps_greatest:
            for place, value in enumerate(row):
                if is_text[probe][place] and value > 0:
                    total += value
                    dropped += value * ((probe, place) not in kept)
    return dropped / total if total else np.nan


@pytest.mark.parametrize("name", SPECS)
def test_what_is_kept_and_what_is_lost_are_as_counted(recorded, name):
    found, strip, _ = drawn(recorded(SPECS[name]))
    keeps_greatest, windows = "max" in name, WINDOWS[name]
    for index, step in enumerate(STEPS):
        values = values_at(name, step)
        np.testing.assert_allclose(strip.values[index, 0], values[1], rtol=1e-6)
        expected = np.full(5, np.nan)
        for window in windows:
            seen = values[1, window]
            if keeps_greatest:
                expected[window[seen.argmax()]] = seen.max()
            else:
                expected[window] = seen.mean()
        np.testing.assert_allclose(strip.values[index, 1], expected, rtol=1e-5)
        options = {"keeps_greatest": keeps_greatest}
        every = lost(values, windows, IN_TEXT, **options)
        own = lost(values[1:], windows, IN_TEXT[1:], **options)
        np.testing.assert_allclose(found.overall[index], every, rtol=1e-5)
        np.testing.assert_allclose(found.own[index], own, rtol=1e-5)


def test_a_masked_mean_leaves_the_padding_out(recorded):
    spec = masked(SPECS["global average"])
    found, strip, table = drawn(recorded(spec, steps=(0, 1)))
    values = values_at("", 1, spec)
    expected = [values[1, :3].mean()] * 3 + [np.nan] * 2
    np.testing.assert_allclose(strip.values[1, 1], expected, rtol=1e-5)
    share = lost(values, WHOLE, IN_TEXT, keeps_greatest=False, counted=IN_TEXT)
    np.testing.assert_allclose(found.overall[1], share, rtol=1e-5)
    assert sent(table, 1)[0] == ["mean", f"{expected[0]:#.3g}"]
    assert "padding is left out" in TextPooling().caption(scene_of(recorded(spec)))


def sent(table, index):
    return payload_of(table, index)["rows"]


def test_the_table_names_what_is_kept(recorded):
    _, _, table = drawn(recorded(SPECS["global max"]), probe=0)
    words = ["not", "a", "good", "film"]
    for index, step in enumerate(STEPS):
        place = int(values_at("global max", step)[0].argmax())
        expected = " ".join(words[max(0, place - 1) : place + 2])
        assert sent(table, index)[0] == ["kept", f"“{expected}”"]
    _, _, table = drawn(recorded(SPECS["global max"]), probe=1)
    for index, step in enumerate(STEPS):
        place = int(values_at("global max", step)[1].argmax())
        assert (sent(table, index)[0][1] == "the padding") == (place > 2)
    _, _, table = drawn(recorded(SPECS["max"]), probe=1)
    count = [int(window[values_at("max", 5)[1, window].argmax()] < 3) for window in np.array(PAIRS)]
    assert sent(table, 3)[0] == ["places of the text kept", f"{sum(count)} of 3"]
    assert sent(table, 3)[1][1].endswith("%")


def test_windows_are_marked_and_padding_is_folded(recorded):
    _, strip, _ = drawn(recorded(SPECS["max"]), probe=0)
    assert strip.tokens == ["not", "a |", "good", "film", "∅"]
    assert strip.padding.tolist() == [0] * 5
    assert strip.rows == ["taken", "kept"]
    _, strip, _ = drawn(recorded(SPECS["global average"]), probe=1)
    assert strip.tokens == ["<b>bad</b>", "film", "∅", "∅", "∅"]
    assert strip.padding.tolist() == [0, 0, 0, 1, 1]
    assert strip.rows == ["taken", "mean"]


@given(
    hnp.arrays(np.float64, (2, 7), elements=st.integers(-4, 4)),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_the_cancelled_share_is_as_counted(values, kernel, stride):
    window = Window(kernel, stride)
    windows = [row.tolist() for row in window.taps(7)]
    share = cancelled_share(values, window, np.ones(values.shape, bool))
    expected = lost(values, windows, np.ones(values.shape), keeps_greatest=False)
    np.testing.assert_allclose(share, expected)


@pytest.mark.parametrize("name", SPECS)
def test_nan_and_a_lone_step_are_drawn(recorded, monkeypatch, name):
    def spoiled(spec, step):
        frames = frames_at(spec, step)
        frames[TAKEN][:] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", spoiled)
    found, _, table = drawn(recorded(SPECS[name], steps=(0,)))
    assert np.isnan(found.overall).all()
    assert sent(table, 0)[-1] == ["lost of all probes", "\u2013"]


def test_what_is_missing_is_said(recorded, image_data):
    view = TextPooling()
    assert not view.applies(image_data)
    spec = SPECS["max"]
    bare = dataclasses.replace(spec.layers[2], output_dims=(), output_shape=())
    layers = (*spec.layers[:2], bare, *spec.layers[3:])
    data = recorded(dataclasses.replace(spec, layers=layers), steps=(0,))
    said = view.requirement(scene_of(data))
    assert isinstance(said, Lack)
    assert said.startswith("The activation of conv was not recorded. ")
    data = recorded(spec, steps=(0,))
    assert [name for name, layer in data.run.layers.items() if view.serves(layer)] == ["pool"]
    assert "windows of 2 places, 2 apart" in view.caption(scene_of(data))

"""The unit over the sentence: colours of the words, and the film over the training."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import explorer.data.recurrent as recurrent_data
from explorer.data.recurrent import quantity_of
from explorer.derived.texts.alignment import Window, token_spans
from explorer.derived.texts.words import (
    Text,
    is_spelled,
    own_tokens,
    position_words,
    visible,
    vocabulary_words,
)
from explorer.plots.style import CURSOR_NAME
from explorer.plots.token_film import LEAST_ROW, MOST_HEIGHT, film_height, token_film
from explorer.views.alternatives import Alternatives
from explorer.views.texts import unit_in_words
from explorer.views.texts.unit_in_words import Film, UnitInWords
from explorer.widgets.charts.token_strip import TokenStrip
from tests.explorer.data.test_recurrent import CLOSE, STEPS, WORDS, layer_of
from tests.explorer.views.recurrent.test_states import KINDS, ODD_KINDS, drawn, every, scene_of


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, *ODD_KINDS, "own"])
def test_it_draws_every_kind_of_recurrent_layer(kind):
    view, scene = UnitInWords(), scene_of(kind, probe=1, unit=0)
    panel = drawn(view, scene)
    assert every(TokenStrip, panel)
    assert panel.get_root() is not None
    assert view.caption(scene).startswith("Unit 0 of rnn")


@pytest.mark.parametrize("kind", ["lstm", "gru", "simple"])
def test_every_row_has_the_values_of_the_unit_at_every_step(kind):
    layer = layer_of(kind)
    strips = every(TokenStrip, drawn(UnitInWords(), scene_of(kind, unit=1)))
    shown = {row: strip.values[:, at] for strip in strips for at, row in enumerate(strip.rows)}
    names = layer.quantities("forward")
    assert set(shown) == set(names.values())
    for index in range(STEPS):
        states = layer.states(index, 0)["forward"]
        for name, title in names.items():
            expected = quantity_of(states, name)[0, :, 1]
            np.testing.assert_allclose(shown[title][index], expected, **CLOSE)


def test_rows_of_the_same_limits_share_a_strip():
    strips = every(TokenStrip, drawn(UnitInWords(), scene_of("lstm")))
    assert [strip.rows for strip in strips] == [
        ["hidden state"],
        ["cell state"],
        ["input gate", "forget gate", "output gate"],
        ["candidate"],
    ]
    gates = strips.pop(2)
    assert (gates.low, gates.high) == (0, 1)
    assert all(strip.low == -strip.high for strip in strips)


def test_padding_is_folded_away_and_words_keep_their_numbers():
    (strip,) = every(TokenStrip, drawn(UnitInWords(), scene_of("simple", probe=2)))
    assert strip.tokens == ["", "", "", "not", "good", "", "film", "."]
    assert strip.padding.tolist() == [1, 1, 1, 0, 0, 0, 0, 0]


def test_a_unit_of_the_output_is_looked_up_in_its_direction():
    scene = scene_of("both", unit=4)
    film = Film.of(layer_of("both"), 4, 0)
    assert next(iter(film.rows)) == "backward hidden"
    backward = layer_of("both").states(2, 0)["backward"].hidden[0, :, 1]
    np.testing.assert_allclose(film.rows["backward hidden"].values[2], backward, **CLOSE)
    assert "unit 1 of those that read backwards" in UnitInWords().caption(scene)
    shared = Film.of(layer_of("sum"), 1, 0)
    titles = [row.title for row in shared.rows.values() if row.quantity == "hidden"]
    assert titles == ["hidden state, forward", "hidden state, backward"]


def test_the_film_is_of_what_is_chosen_with_a_cursor():
    from bokeh.models import Plot

    scene = scene_of("gru", probe=1, unit=2, index=2)
    view = UnitInWords()
    panel = drawn(view, scene)
    (pictures,) = every(Alternatives, panel)
    assert pictures.choice.value == "forward hidden"
    figures = list(panel.get_root().select({"type": Plot}))
    assert len(figures) == 1
    (cursor,) = figures[0].select({"name": CURSOR_NAME})
    assert cursor.location == scene.positions[2]
    pictures.choice.value = "forward update"
    assert len(list(panel.get_root().select({"type": Plot}))) == 2
    again = view.draw(scene, view.compute(scene))
    assert every(Alternatives, again)[0].choice.value == "forward update"


def test_the_film_puts_the_first_word_on_top():
    values = np.arange(6.0).reshape(2, 3)
    picture = token_film(
        values,
        ["not", "a", "film"],
        x_edges=np.array([0.0, 1.0, 2.0]),
        x_label="step",
        value_label="state",
        positions=np.array([0.5, 1.5]),
    )
    rows = picture.dimension_values("value", flat=False)
    np.testing.assert_array_equal(rows[:, 0], [2.0, 1.0, 0.0])  # from below
    ticks = picture.opts.get("plot").kwargs["yticks"]
    assert ticks == [(2, "not"), (1, "a"), (0, "film")]
    assert film_height(10_000) == MOST_HEIGHT
    assert film_height(20) > 20 * LEAST_ROW


def test_a_long_training_is_thinned_and_says_so(monkeypatch):
    monkeypatch.setattr(recurrent_data, "MOST_VALUES", 1)
    scene = scene_of("simple", unit=0)
    (strip,) = every(TokenStrip, drawn(UnitInWords(), scene))
    assert len(strip.values) == STEPS
    np.testing.assert_array_equal(strip.values[1], strip.values[0])
    assert "Computed at 2 of the 4 recorded steps" in UnitInWords().caption(scene)


def test_of_a_very_long_text_the_beginning_is_coloured(monkeypatch):
    monkeypatch.setattr(unit_in_words, "MOST_TOKENS", 2)
    scene = scene_of("simple", probe=2)
    (strip,) = every(TokenStrip, drawn(UnitInWords(), scene))
    assert strip.tokens == ["", "", "", "not", "good"]
    assert "Coloured are the first 2 tokens." in UnitInWords().caption(scene)


def test_a_training_that_diverged_has_no_colours_from_there_on():
    for strip in every(TokenStrip, drawn(UnitInWords(), scene_of("diverged"))):
        assert np.isfinite(strip.values[0]).all()
        assert np.isnan(strip.values[-1]).all()


# -- the words ---------------------------------------------------------------------------------


@given(
    length=st.integers(1, 30),
    windows=st.lists(
        st.builds(
            Window,
            st.integers(1, 4),
            st.integers(1, 3),
            st.sampled_from(["valid", "same", "causal"]),
            st.integers(1, 2),
        ),
        max_size=3,
    ),
)
def test_positions_part_the_words_among_them_within_what_they_see(length, windows):
    spans = token_spans(length, windows)
    owned = own_tokens(spans)
    assert owned.shape == spans.shape
    tokens = [token for start, end in owned for token in range(start, end)]
    assert len(tokens) == len(set(tokens))
    if (np.diff(spans, axis=0) >= 0).all():  # widely dilated, the taps of a short text may cross
        assert tokens == sorted(tokens)
    has = owned[:, 1] > owned[:, 0]
    assert (owned[has, 0] >= spans[has, 0]).all()
    assert (owned[has, 1] <= spans[has, 1]).all()
    words = [str(token) for token in range(length)]
    assert len(position_words(words, spans)) == len(spans)
    if not windows:
        assert position_words(words, spans) == words


def test_characters_are_written_without_spaces_and_numbers_without_names():
    assert is_spelled(["", "[UNK]", "a", " "])
    assert not is_spelled(WORDS)
    assert not is_spelled([])
    spans = np.array([[0, 2], [2, 4]])
    assert position_words(["a", " ", "b", ""], spans, "") == ["a ", "b"]
    assert visible(["", " ", "\n", "a"]) == ["∅", "␣", "↵", "a"]
    assert vocabulary_words(np.array([2, 99, -1]), WORDS) == ["not", "#99", "#-1"]
    assert vocabulary_words(np.array([2]), None) == ["#2"]


def test_a_text_of_nothing_but_padding_is_shown_whole():
    text = Text(["", ""], np.zeros(2, bool))
    assert text.shown == slice(0, 2)
    assert text.labels == ["∅", "∅"]
    assert text.remark == ""

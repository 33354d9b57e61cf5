"""The probes that excite a unit most: which ones, cut where, and what is written beside them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.data.windows import token_windows
from explorer.derived.texts.words import MOST_LETTERS, marked
from explorer.plots.pictures import grey_codes
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer.top_probes import SILENT, TopProbes
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.pictures.frame_grid import FrameGrid
from store.format.spec import LayerSpec
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import with_probe, without_probe
from tests.explorer.drawing import drawn_by, payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]
CLASSES = ["ant", "bee", "cat", "dog"]
SEQUENCE = ("probe", "token", "unit")


def scene_of(data, layer="conv1", *, unit=0):
    return Scene(data, SelectionKey(layer, 0, "step", unit))


def drawn(scene):
    return drawn_by(TopProbes(), scene)


@pytest.fixture
def changed(recorded, monkeypatch):
    """Record the image run with other values: ``changed(path=lambda values: ...)``."""

    def record(layer, change, spec=None, **options):
        def frames(spec, step):
            made = frames_at(spec, step)
            path = f"layers/{layer}/activation"
            made[path] = change(made[path]).astype(np.float32)
            return made

        monkeypatch.setattr("store.testing.runs.frames_at", frames)
        return recorded(spec, **options)

    return record


# -- pictures ------------------------------------------------------------------------------------


def strided_spec():
    """The image run; Keras always writes the strides."""
    spec = image_run_spec()
    layers = tuple(
        dataclasses.replace(layer, config={**layer.config, "strides": [1, 1]})
        if layer.name == "conv1"
        else layer
        for layer in spec.layers
    )
    return dataclasses.replace(spec, layers=layers)


def test_patches_are_what_the_unit_sees_at_its_strongest_positions(recorded):
    spec = strided_spec()
    grid = drawn(scene_of(recorded(spec), unit=1))
    assert isinstance(grid, FrameGrid)
    assert (grid.selects, grid.value_name) == ("probe", "input")
    pictures = np.pad(grey_codes(spec.probe.inputs["input"]), ((0, 0), (1, 1), (1, 1)))
    for index, step in enumerate(STEPS):
        maps = frames_at(spec, step)["layers/conv1/activation"][..., 1]
        order = np.argsort(-maps.max(axis=(1, 2)), kind="stable")
        payload = payload_of(grid, index)
        assert payload["tile_ids"] == order.tolist()
        for tile, probe in enumerate(order):
            y, x = np.unravel_index(maps[probe].argmax(), (8, 8))
            # Kernels of 3: the padded picture begins one pixel further up and left.
            np.testing.assert_array_equal(
                payload["frame"][tile], pictures[probe, y : y + 3, x : x + 3]
            )
            named = f"{probe} ({CLASSES[probe % 4]}) · {maps[probe].max():.3g}"
            assert payload["captions"][tile] == named


def test_windows_wider_than_the_input_show_the_input_not_its_padding(recorded):
    spec = strided_spec()
    wide = {"kernel_size": [13, 5], "strides": [1, 1], "padding": "same"}
    layers = tuple(
        dataclasses.replace(layer, config=wide) if layer.name == "conv1" else layer
        for layer in spec.layers
    )
    spec = dataclasses.replace(spec, layers=layers)
    payload = payload_of(drawn(scene_of(recorded(spec, steps=(0,)))), 0)
    maps = frames_at(spec, 0)["layers/conv1/activation"][..., 0]
    pictures = np.pad(grey_codes(spec.probe.inputs["input"]), ((0, 0), (0, 0), (2, 2)))
    assert payload["frame"].shape == (6, 8, 5)
    for tile, probe in enumerate(payload["tile_ids"]):
        y, x = np.unravel_index(maps[probe].argmax(), (8, 8))
        seen = pictures[probe, max(0, y - 6) : y + 7, x : x + 5]
        # What is cut off above is filled up there, what is cut off below, below.
        top = 8 - len(seen) if y < 6 else 0
        np.testing.assert_array_equal(payload["frame"][tile, top : top + len(seen)], seen)


def test_a_unit_without_places_is_shown_whole_probes(image_data):
    grid = drawn(scene_of(image_data, "dense", unit=2))
    spec = image_run_spec()
    pictures = grey_codes(spec.probe.inputs["input"])
    for index in (0, 4, 7):
        values = frames_at(spec, STEPS[index])["layers/dense/activation"][:, 2]
        order = np.argsort(-values, kind="stable")
        payload = payload_of(grid, index)
        assert payload["tile_ids"] == order.tolist()
        np.testing.assert_array_equal(payload["frame"], pictures[order])


def test_of_many_probes_twelve_are_shown(recorded):
    spec = without_probe()
    dense = LayerSpec("dense", "Dense", "dense", {}, ("image",), ("probe", "unit"), (30, 2))
    probe = with_probe(
        inputs={"input": np.random.default_rng(0).random((30, 4, 4, 1))}, labels=None
    ).probe
    spec = dataclasses.replace(
        spec, layers=(spec.layers[0], dense), probe=probe, outputs=("dense",)
    )
    data = recorded(spec, steps=(0, 1))
    payload = payload_of(drawn(scene_of(data, "dense", unit=1)), 1)
    values = frames_at(spec, 1)["layers/dense/activation"][:, 1]
    assert payload["tile_ids"] == np.argsort(-values, kind="stable")[:12].tolist()
    assert payload["frame"].shape == (12, 4, 4)
    assert payload["captions"][0] == f"{values.argmax()} · {values.max():.3g}"
    assert "below probe · output" in TopProbes().caption(scene_of(data, "dense"))


def test_probes_that_a_rectified_unit_does_not_answer_to_are_left_empty(changed):
    def answers_to_two(values):
        values = np.maximum(values, 0)
        values[[0, 1, 3, 4]] = 0
        return values

    payload = payload_of(drawn(scene_of(changed("relu1", answers_to_two), "relu1")), 3)
    assert set(payload["tile_ids"][:2]) == {2, 5}
    assert sorted(payload["tile_ids"]) == list(range(6))
    assert payload["captions"][2:] == [SILENT] * 4
    assert (payload["frame"][2:] == 0).all()
    assert payload["frame"][:2].max() > 0


@pytest.mark.parametrize("value", [0.0, 0.7, np.nan])
def test_a_unit_that_is_the_same_everywhere_answers_to_nothing(changed, value):
    payload = payload_of(drawn(scene_of(changed("conv1", lambda old: np.full_like(old, value)))), 0)
    assert payload["captions"] == [SILENT] * 6
    assert sorted(payload["tile_ids"]) == list(range(6))
    assert (payload["frame"] == 0).all()


def test_the_least_of_all_answers_counts_too(changed):
    """With one value a probe the smallest one is no silence."""
    data = changed("dense", lambda old: 1 + np.arange(24.0).reshape(old.shape))
    payload = payload_of(drawn(scene_of(data, "dense")), 0)
    assert payload["tile_ids"] == [5, 4, 3, 2, 1, 0]
    assert SILENT not in payload["captions"]


def test_lost_probes_come_last(changed):
    def lost(values):
        values[[1, 4]] = np.nan
        return values

    payload = payload_of(drawn(scene_of(changed("conv1", lost))), 2)
    assert set(payload["tile_ids"][4:]) == {1, 4}
    assert payload["captions"][4:] == [SILENT] * 2


def test_captions_say_whether_probes_are_cut(recorded):
    data = recorded(strided_spec(), steps=(0,))
    cut = TopProbes().caption(scene_of(data, unit=2))
    assert "What the unit sees where it answers most, of the 6 probes" in cut
    assert "output of unit 2" in cut
    assert "below probe (class) · output" in cut
    whole = TopProbes().caption(scene_of(data, "dense"))
    assert whole.startswith("The 6 probes with the largest output of unit 0")


# -- texts ---------------------------------------------------------------------------------------


@pytest.fixture
def over_text(changed):
    """A convolution of 3 tokens without padding over the five of each text."""
    spec = text_run_spec()
    conv = LayerSpec(
        "conv",
        "Conv1D",
        "conv",
        {"kernel_size": [3], "strides": [1], "padding": "valid"},
        ("embedding",),
        SEQUENCE,
        (2, 3, 2),
    )
    layers = (*spec.layers[:2], conv, *spec.layers[2:])
    spec = dataclasses.replace(spec, layers=layers)

    def values(old):
        # Unit 0: the second place of "not a good film", then the first of "<b>bad</b> film",
        # whose last place holds nothing but padding and does not count, however large.
        old[..., 0] = [[1, 5, 2], [3, 0, 9]]
        old[..., 1] = 0
        return old

    return changed("conv", values, spec, steps=(0, 1))


def test_what_is_seen_of_a_text_is_marked(over_text):
    table = drawn(scene_of(over_text, "conv"))
    assert isinstance(table, StepTable)
    assert table.columns == ["probe", "text", "output", "class"]
    payload = payload_of(table, 1)
    assert payload["rows"] == [
        ["0", "not «a good film»", "5", "positive"],
        ["1", "«<b>bad</b> film»", "3", "negative"],
    ]
    assert payload["chooses"] == [{"probe": 0}, {"probe": 1}]


def test_a_silent_unit_has_no_rows(over_text):
    assert payload_of(drawn(scene_of(over_text, "conv", unit=1)), 0) == {"rows": [], "chooses": []}


def test_without_places_the_whole_text_is_shown(text_data):
    payload = payload_of(drawn(scene_of(text_data, "lstm", unit=1)), 5)
    values = frames_at(text_run_spec(), STEPS[5])["layers/lstm/activation"][:, 1]
    texts = ["not a good film", "<b>bad</b> film"]
    order = np.argsort(-values).tolist()
    assert [row[:3] for row in payload["rows"]] == [
        [str(probe), texts[probe], f"{values[probe]:.3g}"] for probe in order
    ]
    assert "«»" not in TopProbes().caption(scene_of(text_data, "lstm"))


def test_texts_without_labels_have_no_column_for_them(recorded):
    data = recorded(with_probe(text_run_spec(), labels=None, class_names=None), steps=(0,))
    table = drawn(scene_of(data, "lstm"))
    assert table.columns == ["probe", "text", "output"]
    assert all(len(row) == 3 for row in payload_of(table, 0)["rows"])


def test_letters_stand_side_by_side(recorded):
    spec = with_probe(
        text_run_spec(),
        vocabulary=["", "[UNK]", "a", "b", "c", "d", "e"],
        texts=None,
        labels=np.zeros((2, 5), np.int64),
        class_names=None,
    )
    payload = payload_of(drawn(scene_of(recorded(spec, steps=(0,)), "embedding")), 0)
    plain = {row[1].replace("«", "").replace("»", "") for row in payload["rows"]}
    assert plain == {"abcd", "ed"}  # token numbers 2 3 4 5 and 6 5
    assert all(len(row) == 3 for row in payload["rows"])


def test_the_tokens_that_a_position_sees(over_text, text_data, image_data):
    layers = over_text.run.layers
    assert token_windows(over_text, layers["conv"]).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert token_windows(text_data, text_data.run.layers["embedding"]).tolist() == [
        [at, at + 1] for at in range(5)
    ]
    assert token_windows(text_data, text_data.run.layers["lstm"]) is None
    assert token_windows(image_data, image_data.run.layers["conv1"]) is None


def test_behind_a_junction_positions_are_not_known(recorded):
    spec = text_run_spec()
    both = LayerSpec("both", "Add", "merge", {}, ("embedding", "embedding2"), SEQUENCE, (2, 5, 4))
    second = dataclasses.replace(spec.layers[1], name="embedding2")
    layers = (*spec.layers[:2], second, both, *spec.layers[2:])
    data = recorded(dataclasses.replace(spec, layers=layers), steps=(0,))
    assert token_windows(data, data.run.layers["both"]) is None
    assert len(payload_of(drawn(scene_of(data, "both")), 0)["rows"]) == 2


words = st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=40)


@given(words, st.data(), st.sampled_from([" ", ""]))
def test_a_marked_text_holds_what_is_marked_and_its_neighbours(text, data, separator):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    made = marked(text, start, end, separator)
    inside = separator.join(text[start:end])
    before, rest = made.split("«")
    seen, after = rest.split("»")
    assert seen == inside
    whole = separator.join(text)
    plain = (before + seen + after).removeprefix(f"…{separator}").removesuffix(f"{separator}…")
    assert plain in whole
    assert len(plain) <= max(MOST_LETTERS, len(inside)) + len(separator)
    assert ("…" in made) == (plain != whole)


# -- other probes, and where it is shown ----------------------------------------------------------


def test_probes_without_a_picture_are_described(recorded):
    values = np.arange(48.0).reshape(6, 8)
    spec = with_probe(
        kind="tabular", inputs={"input": values}, dims={"input": ("probe", "feature")}
    )
    data = recorded(spec, steps=(0,))
    rows = payload_of(drawn(scene_of(data, "dense")), 0)["rows"]
    assert {row[1] for row in rows} == {
        ", ".join(f"{value:.3g}" for value in row) for row in values
    }
    assert TopProbes().caption(scene_of(data, "dense")).endswith("at this step, the largest first.")


def test_every_layer_with_an_output_is_served_and_the_rest_explained(recorded, image_data):
    view = TopProbes()
    assert not view.serves(image_data.run.layers["image"])
    assert all(
        view.serves(layer) for name, layer in image_data.run.layers.items() if name != "image"
    )
    assert drawn(scene_of(recorded(steps=()))) == "No step has been recorded yet."

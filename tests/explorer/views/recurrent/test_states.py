"""States and gates as a picture: what its colours stand for, its rows, columns and options."""

from __future__ import annotations

import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_PROBE, Lack
from explorer.data.recurrent import limits_of
from explorer.derived.recurrent.equations import Cell
from explorer.derived.recurrent.quantities import SHARE, SIGNED, quantities, range_of
from explorer.derived.time.frames import Limits, quantize
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.parts import options_row
from explorer.views.recurrent.states import RecurrentStates, StateRows
from explorer.widgets.page.choice import Choice
from explorer.widgets.pictures.frame_grid import FrameGrid
from tests.explorer.conftest import without_probe
from tests.explorer.data.test_recurrent import IDS, STEPS, data_of, layer_of
from tests.explorer.drawing import payload_of

KINDS = ["lstm", "gru", "simple", "both", "sum", "last", "cell", "pooled", "series"]
ODD_KINDS = ["diverged", "one step", "one unit"]


def scene_of(kind, *, probe=0, unit=0, index=0, axis="step"):
    return Scene(data_of(kind), SelectionKey("rnn", probe, axis, unit), index)


def drawn(view, scene):
    """Draw a view that lacks nothing."""
    assert view.requirement(scene) is None
    return view.draw(scene, view.compute(scene))


def every(kind, panel):
    """Widgets of a class within what a view drew."""
    return list(panel.select(kind)) if isinstance(panel, pn.viewable.Viewable) else []


def colours(grid):
    """Limits of a signed picture."""
    assert grid.low == -grid.high < 0
    return Limits(grid.low, grid.high, signed=True)


@pytest.mark.parametrize("kind", [*KINDS, *ODD_KINDS, "own"])
def test_it_draws_every_kind_of_recurrent_layer(kind):
    view, scene = RecurrentStates(), scene_of(kind, probe=1)
    (grid,) = every(FrameGrid, drawn(view, scene))
    frame = payload_of(grid, 0)["frame"]
    assert frame.shape == (1, len(grid.y_labels), len(grid.x_labels))
    caption = view.caption(scene)
    place = "time step" if kind == "series" else "token"
    assert caption.startswith(f"What rnn holds after each {place} of probe 1")
    assert caption.endswith(".")
    assert "<" not in caption


def test_a_row_is_a_unit_and_a_column_a_token_without_padding():
    (grid,) = every(FrameGrid, drawn(RecurrentStates(), scene_of("lstm", probe=1)))
    assert (grid.mode, grid.selects) == ("matrix", "unit")
    assert grid.x_labels == ["good", "film", "."]
    assert grid.y_labels == ["0", "1", "2"]
    hidden = data_of("lstm").activations("rnn", 2)[1, :3]
    np.testing.assert_array_equal(
        payload_of(grid, 2)["frame"], quantize(hidden.T, colours(grid))[None]
    )


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_every_quantity_can_be_chosen_in_its_own_limits(kind):
    panel = drawn(RecurrentStates(), scene_of(kind))
    (grid,) = every(FrameGrid, panel)
    show = every(Choice, panel)[0]
    layer = layer_of(kind)
    assert show.options == quantities(layer.cells["forward"])
    for name in show.options:
        show.value = name
        limits = limits_of(layer, "forward", name, 0)
        assert (grid.low, grid.high) == (limits.low, limits.high)
        states = layer.states(3, 0)["forward"]
        values = {"hidden": states.hidden, "cell": states.cell, **states.gates}[name]
        np.testing.assert_array_equal(
            payload_of(grid, 3)["frame"], quantize(values[0].T, limits)[None]
        )


def test_the_other_direction_shows_its_own_units_of_the_output():
    panel = drawn(RecurrentStates(), scene_of("both"))
    (grid,) = every(FrameGrid, panel)
    (way,) = (choice for choice in every(Choice, panel) if choice.title == "reading")
    way.value = "backward"
    assert grid.tile_ids == [3, 4, 5]
    half = data_of("both").activations("rnn", 1)[0, :, 3:]
    np.testing.assert_array_equal(
        payload_of(grid, 1)["frame"], quantize(half.T, colours(grid))[None]
    )


def test_units_that_are_alike_lie_together_in_an_order_that_holds():
    board = StateRows.of(layer_of("gru"), 0)
    order = board.units("forward", "alike")
    assert sorted(order) == [0, 1, 2]
    looks = board.looks("forward", "hidden", "alike")
    assert looks["tile_ids"] == order.tolist()
    plain, alike = (board.provider("forward", "update", name)(1) for name in ("number", "alike"))
    np.testing.assert_array_equal(alike[0], plain[0][order])


def test_a_gate_of_a_token_that_is_left_out_has_no_colour():
    panel = drawn(RecurrentStates(), scene_of("lstm", probe=2))
    every(Choice, panel)[0].value = "forget"
    frame = payload_of(every(FrameGrid, panel)[0], 1)["frame"][0]
    np.testing.assert_array_equal((frame == 0).all(axis=0), IDS[2, 3:] == 0)


def test_a_training_that_diverged_shows_no_colours_from_there_on():
    (grid,) = every(FrameGrid, drawn(RecurrentStates(), scene_of("diverged")))
    assert (payload_of(grid, 0)["frame"] > 0).all()
    assert not payload_of(grid, STEPS - 1)["frame"].any()


def test_bounds_are_those_that_the_functions_have():
    assert range_of(Cell("LSTM"), "hidden") == SIGNED
    assert range_of(Cell("LSTM"), "cell") is None
    assert range_of(Cell("GRU"), "update") == SHARE
    assert range_of(Cell("GRU", "relu"), "hidden") is None
    assert range_of(Cell("GRU", "tanh", "relu"), "hidden") is None
    assert range_of(Cell("GRU", "tanh", "relu"), "update") is None
    assert range_of(Cell("GRU", "tanh", "relu"), "candidate") == SIGNED
    assert range_of(Cell("SimpleRNN", "sigmoid"), "hidden") == SHARE
    assert range_of(None, "hidden") is None


def test_a_cell_state_has_limits_that_hold_it_at_most_of_the_steps():
    layer = layer_of("lstm")
    limits = limits_of(layer, "forward", "cell", 0)
    cells = np.abs([layer.states(index, 0)["forward"].cell for index in range(STEPS)])
    assert limits == Limits(-limits.high, limits.high, signed=True)
    assert np.quantile(cells, 0.95) < limits.high <= cells.max()


@pytest.mark.slow
def test_it_says_what_is_missing(recorded, text_data):
    from store.testing import text_run_spec

    view = RecurrentStates()
    bare = recorded(without_probe(text_run_spec()), steps=(0, 1))
    assert view.requirement(Scene(bare, SelectionKey("lstm", 0, "step"))) == Lack(GIVE_PROBE)
    none = recorded(text_run_spec(), steps=())
    assert "No step" in view.requirement(Scene(none, SelectionKey("lstm", 0, "step")))
    random = Scene(text_data, SelectionKey("lstm", 0, "step"))
    assert "so its states are not known" in view.requirement(random)
    assert "cell of its own" in view.requirement(scene_of("own last"))
    assert "ConvLSTM2D" in view.requirement(scene_of("images"))
    assert "Only the recorded output can be shown." in view.caption(scene_of("own"))


def test_choices_of_one_are_not_offered():
    offered = options_row([Choice(options={"a": "a"}), Choice(options={"a": "a", "b": "b"})])
    assert len(offered) == 1

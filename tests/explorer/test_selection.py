"""The selection: from an address, with a warning for what cannot be used; without any Panel."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from explorer.selection import (
    Selection,
    SelectionKey,
    class_count,
    select_in,
    unit_counts,
    unit_families,
)
from store.format.layers import Layer
from store.testing import image_run_spec
from tests.explorer.conftest import image_spec_with_conv1, renamed, without_probe

DEFAULTS = {
    "step": 100, "layer": "conv1", "unit": 0, "probe": 0, "target": -1, "axis": "log_step",
    "tab": "layers",
}  # fmt: skip


def values_of(selection):
    return {name: getattr(selection, name) for name in DEFAULTS}


def test_without_an_address_the_last_step_of_the_first_telling_layer_is_shown(image_run):
    selection, warnings = select_in(image_run, {})
    assert values_of(selection) == DEFAULTS
    assert warnings == []


def test_an_address_is_taken_over(text_run):
    query = {
        "step": "10", "layer": "embedding", "unit": "2", "probe": "1", "target": "1",
        "axis": "epoch", "tab": "training", "theme": "dark",
    }  # fmt: skip
    selection, warnings = select_in(text_run, query)
    assert values_of(selection) == {
        "step": 10, "layer": "embedding", "unit": 2, "probe": 1, "target": 1,
        "axis": "epoch", "tab": "training",
    }  # fmt: skip
    assert warnings == []


@pytest.mark.parametrize(
    ("query", "field", "value", "warning"),
    [
        ({"layer": "cnv1"}, "layer", "conv1", r"no layer 'cnv1'. Did you mean 'conv1'\?"),
        ({"layer": "x"}, "layer", "conv1", "There are: image, conv1, relu1, pool1"),
        ({"axis": "epochs"}, "axis", "log_step", r"no time axis 'epochs'. Did you mean 'epoch'\?"),
        ({"step": "12"}, "step", 10, "Step 12 was not recorded; the nearest one is 10"),
        ({"step": -5}, "step", 0, "Step -5 was not recorded; the nearest one is 0"),
        ({"step": "1" * 30}, "step", 100, "the nearest one is 100"),
        ({"step": "ten"}, "step", 100, "step should be a whole number, got 'ten'"),
        ({"step": "2.5"}, "step", 100, "step should be a whole number, got '2.5'"),
        ({"step": float("inf")}, "step", 100, "step should be a whole number, got 'inf'"),
        ({"step": float("nan")}, "step", 100, "step should be a whole number, got 'nan'"),
        ({"probe": "-1"}, "probe", 0, "There is no probe -1; the run has 6, counted from 0"),
        ({"probe": 6}, "probe", 0, "There is no probe 6; the run has 6, counted from 0"),
        ({"probe": [1]}, "probe", 0, "probe should be a whole number"),
        ({"unit": "3"}, "unit", 0, "There is no unit 3; conv1 has 3, counted from 0"),
        ({"unit": "-1"}, "unit", 0, "There is no unit -1; conv1 has 3"),
        ({"unit": "one"}, "unit", 0, "unit should be a whole number, got 'one'"),
        ({"target": "4"}, "target", -1, "There is no target 4; the run has 4 classes"),
        ({"target": -2}, "target", -1, "There is no target -2; the run has 4 classes"),
        ({"tab": "trainings"}, "tab", "layers", r"no tab 'trainings'. Did you mean 'training'\?"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_rest_kept(image_run, query, field, value, warning):
    selection, warnings = select_in(image_run, query)
    assert values_of(selection) == {**DEFAULTS, field: value}
    (sentence,) = warnings
    assert re.search(warning, sentence), sentence


def test_every_fault_has_a_sentence_of_its_own(image_run):
    _, warnings = select_in(image_run, dict.fromkeys(DEFAULTS, "?"))
    assert len(warnings) == len(DEFAULTS)


def test_a_run_without_steps_is_at_step_0_and_asks_nothing(recorded):
    selection, warnings = select_in(recorded(steps=()).run, {"step": "7"})
    assert (selection.step, warnings) == (0, [])


def test_a_run_without_a_probe_has_none_to_select(recorded):
    selection, warnings = select_in(recorded(without_probe()).run, {"probe": "2"})
    assert selection.probe == 0
    assert warnings == ["There is no probe 2; the run has 0, counted from 0."]


@pytest.mark.parametrize("steps", [(), (0, 1)], ids=["no step", "two steps"])
@pytest.mark.parametrize("bare", [False, True], ids=["probe", "no probe"])
def test_the_address_that_a_page_writes_is_read_without_a_warning(recorded, bare, steps):
    run = recorded(without_probe() if bare else None, steps=steps).run
    selection, _ = select_in(run, {})
    assert select_in(run, selection.to_query())[1] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"layer": "conv9"}, {"probe": 6}, {"probe": -1}, {"axis": "x"}, {"target": 4},
        {"target": -2}, {"tab": "x"}, {"unit": -1},
    ],
)  # fmt: skip
def test_a_selection_holds_nothing_that_the_run_does_not_have(image_run, changes):
    selection, _ = select_in(image_run, {})
    with pytest.raises(ValueError):
        selection.param.update(**changes)
    assert values_of(selection) == DEFAULTS


def test_selections_of_two_runs_do_not_know_each_other(image_run, text_run):
    one, _ = select_in(image_run, {})
    other, _ = select_in(text_run, {})
    one.layer, one.probe = "dense", 5
    assert (other.layer, other.probe) == ("lstm", 0)
    with pytest.raises(ValueError):
        other.probe = 2


def test_a_layer_may_have_any_name(recorded):
    odd = recorded(renamed(image_run_spec(), {"conv1": "1e3", "relu1": "été & co"})).run
    for name in ("1e3", "été & co"):
        selection, warnings = select_in(odd, {"layer": name})
        assert (selection.layer, warnings) == (name, [])


def test_the_address_and_a_moment_hold_the_selection(image_run):
    query = {"layer": "dense", "unit": 2, "probe": 3, "target": 1, "axis": "log_step"}
    selection, _ = select_in(image_run, query | {"tab": "learning"})
    assert selection.key() == SelectionKey("dense", 3, "log_step", unit=2, target=1)
    chosen = {"layer": "dense", "unit": 2, "probe": 3, "target": 1, "tab": "learning"}
    assert selection.choice() == chosen
    assert selection.to_query() == {name: str(value) for name, value in chosen.items()}
    again, warnings = select_in(image_run, selection.to_query())
    assert (again.choice(), warnings) == (chosen, [])


# -- choosing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probe": 3, "unit": 3}, "no unit 3; conv1 has 3, counted from 0"),
        ({"probe": 3, "layer": "dense", "unit": 4}, "no unit 4; dense has 4"),
        ({"layer": "dense", "probe": 99}, "99"),
        ({"layer": "dense", "target": 9}, "9"),
        ({"probe": 3, "tab": "nowhere"}, "nowhere"),
        ({"tab": "training", "layer": "conv9"}, "conv9"),
        ({"probe": 3, "unti": 1}, r"no 'unti' to choose. Did you mean 'unit'\?"),
        ({"probe": "3", "layer": "dense"}, "must be an integer"),
    ],
)
def test_a_choice_is_made_as_a_whole_or_not_at_all(image_run, changes, message):
    selection, _ = select_in(image_run, {})
    heard = []
    selection.param.watch(heard.append, list(DEFAULTS))
    with pytest.raises(ValueError, match=message):
        selection.choose(**changes)
    assert values_of(selection) == DEFAULTS
    selection.choose(unit=1)  # and nothing of what failed is heard of later
    assert [event.name for event in heard] == ["unit"]


def test_a_choice_is_heard_of_once(image_run):
    selection, _ = select_in(image_run, {})
    heard = []
    selection.param.watch(lambda *events: heard.append(len(events)), list(DEFAULTS))
    selection.choose(layer="dense", unit=3, probe=2, target=1, tab="learning")
    assert heard == [5]


def test_each_layer_remembers_its_unit(image_run):
    selection, _ = select_in(image_run, {"unit": "1"})
    selection.choose(layer="dense")
    assert (selection.layer, selection.unit) == ("dense", 0)
    selection.choose(unit=3)
    selection.choose(layer="conv1", unit=None)  # as the page says it
    assert selection.unit == 1
    selection.choose(layer="dense")
    assert selection.unit == 3
    selection.choose(layer="conv1", unit=2)  # what is said goes before what is remembered
    selection.choose(layer="dense", unit=None)
    selection.choose(layer="conv1", unit=None)
    assert selection.unit == 2
    selection.choose(probe=4)
    assert selection.unit == 2


def test_the_unit_stays_in_layers_that_keep_units_in_place(image_run):
    selection, _ = select_in(image_run, {"layer": "conv1", "unit": "2"})
    for layer in ("relu1", "pool1", "relu1", "conv1", "pool1"):
        selection.choose(layer=layer)
        assert (selection.layer, selection.unit) == (layer, 2)
    selection.choose(unit=1)
    selection.choose(layer="dense")  # four units, none of which is one of the maps'
    assert selection.unit == 0
    selection.choose(layer="softmax", unit=3)
    selection.choose(layer="dense")
    assert selection.unit == 3
    selection.choose(layer="relu1")  # where the maps were left
    assert selection.unit == 1
    selection.choose(layer="flatten")
    assert selection.unit == 0


def test_a_unit_set_without_choosing_stays_too(image_run):
    selection, _ = select_in(image_run, {})
    selection.unit = 2
    selection.choose(layer="pool1")
    assert selection.unit == 2


def test_what_was_refused_is_not_remembered(image_run):
    selection, _ = select_in(image_run, {})
    with pytest.raises(ValueError):
        selection.choose(layer="dense", unit=3, probe=99)
    selection.choose(layer="dense")
    assert selection.unit == 0


def test_units_are_counted_by_activation_or_else_by_shape(image_run, text_run, recorded):
    assert unit_counts(image_run) == {
        "image": 1, "conv1": 3, "relu1": 3, "pool1": 3, "flatten": 48, "dense": 4, "softmax": 4,
    }  # fmt: skip
    counts = unit_counts(text_run)
    assert counts == {
        name: layer.output_shape[-1] if layer.output_shape else 1
        for name, layer in text_run.layers.items()
    }
    first = recorded(image_spec_with_conv1(("probe", "unit", "y", "x"), (6, 3, 8, 8)), steps=(0,))
    assert unit_counts(first.run)["conv1"] == 3
    assert set(unit_counts(recorded(without_probe(), steps=(0,)).run).values()) == {1}


def network(*layers):
    """A run as far as its layers go: (name, class, kind, layers it takes, units) of each."""
    made = {
        name: Layer(name, cls, kind, {}, inbound, (units,), 0, {}, False)
        for name, cls, kind, inbound, units in layers
    }
    return types.SimpleNamespace(layers=made)


def families_of(*layers):
    """Groups of layers whose units stand for each other."""
    groups = {}
    for name, family in unit_families(network(*layers)).items():
        groups.setdefault(family, []).append(name)
    return list(groups.values())


def test_units_stay_through_what_does_not_mix_them(image_run, text_run):
    assert unit_families(image_run) == {
        "image": "image", "conv1": "conv1", "relu1": "conv1", "pool1": "conv1",
        "flatten": "flatten", "dense": "dense", "softmax": "dense",
    }  # fmt: skip
    assert set(unit_families(text_run)) == set(text_run.layers)
    assert families_of(
        ("conv", "Conv2D", "conv", (), 8),
        ("batch", "BatchNormalization", "normalization", ("conv",), 8),
        ("relu", "ReLU", "activation", ("batch",), 8),
        ("drop", "SpatialDropout2D", "regularization", ("relu",), 8),
        ("pad", "ZeroPadding2D", "reshape", ("drop",), 8),
        ("pool", "GlobalAveragePooling2D", "pooling", ("pad",), 8),
        ("dense", "Dense", "dense", ("pool",), 8),  # as many, but each made of all
        ("soft", "Softmax", "softmax", ("dense",), 8),
    ) == [["conv", "batch", "relu", "drop", "pad", "pool"], ["dense", "soft"]]


@pytest.mark.parametrize(
    ("cls", "kind", "units"),
    [
        ("Conv2D", "conv", 6), ("DepthwiseConv2D", "conv", 6), ("LSTM", "recurrent", 6),
        ("Attention", "attention", 6), ("Embedding", "embedding", 6), ("Mine", "other", 6),
        ("Permute", "reshape", 6), ("Flatten", "reshape", 24), ("MaxPooling2D", "pooling", 3),
    ],
)  # fmt: skip
def test_units_do_not_stay_where_others_are_made(cls, kind, units):
    layers = ("a", "Conv2D", "conv", (), 6), ("b", cls, kind, ("a",), units)
    assert families_of(*layers) == [["a"], ["b"]]


def test_units_stay_through_a_merge_of_as_many():
    two = ("a", "Conv2D", "conv", (), 6), ("b", "Conv2D", "conv", (), 6)
    after = ("relu", "ReLU", "activation", ("sum",), 6)
    assert families_of(*two, ("sum", "Add", "merge", ("a", "b"), 6), after) == [
        ["a", "b", "sum", "relu"]
    ]
    joined = ("all", "Concatenate", "merge", ("a", "b"), 12)
    assert families_of(*two, joined) == [["a"], ["b"], ["all"]]
    assert families_of(*two, ("dot", "Dot", "merge", ("a", "b"), 6)) == [["a"], ["b"], ["dot"]]
    alone = ("b", "Conv2D", "conv", (), 1)
    broadcast = ("sum", "Multiply", "merge", ("a", "b"), 6)
    assert families_of(two[0], alone, broadcast) == [["a"], ["b"], ["sum"]]


def test_a_damaged_network_has_families_too():
    assert families_of(
        ("a", "ReLU", "activation", ("b",), 6),
        ("b", "ReLU", "activation", ("a", "gone"), 6),
        ("c", "ReLU", "activation", ("c",), 6),
    ) == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("outputs", "classes"),
    [(("softmax",), 4), (("conv1",), 0), (("dense", "softmax"), 0), ((), 0), (("gone",), 0)],
)
def test_classes_are_those_of_the_only_output(outputs, classes):
    layers = {
        name: Layer(name, "Any", "dense", {}, (), shape, 0, {}, True)
        for name, shape in {"conv1": (8, 8, 3), "dense": (5,), "softmax": (4,)}.items()
    }
    assert class_count(types.SimpleNamespace(layers=layers, outputs=outputs)) == classes


def test_a_lone_output_unit_tells_two_classes(text_run, recorded):
    selection, _ = select_in(text_run, {"target": "1"})
    assert selection.target == 1
    with pytest.raises(ValueError):
        selection.choose(target=2)
    bare, warnings = select_in(recorded(without_probe(), steps=(0,)).run, {"target": "0"})
    assert bare.target == -1
    assert warnings == ["There is no target 0; the run has 0 classes, counted from 0."]


def test_every_parameter_is_documented():
    own = set(Selection.param) - {"name"}
    assert own == set(DEFAULTS)
    assert all(Selection.param[name].doc for name in own)


@pytest.mark.slow
def test_it_needs_no_panel():
    program = (
        "import sys, explorer.selection as state; state.Selection(step=3);"
        "print([name for name in ('panel', 'bokeh', 'holoviews') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"

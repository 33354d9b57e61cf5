"""The numbers behind a card, and the files that hold them."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import xarray as xr

from explorer.cards.files import csv_tables, joined, netcdf_bytes, npz_bytes, packed
from explorer.cards.numbers import NoNumbersError, numbers_behind, numbers_of
from explorer.data.absence import Nothing
from explorer.derived.time.timeline import edges
from explorer.export.selecting import every_view
from explorer.plots.curves import metric_curves
from explorer.plots.layers import layer_heatmap
from explorer.selection import select_in
from explorer.views.base import Scene, Unfinished, View, plot_pane
from explorer.views.layer.activation import FeatureMaps
from explorer.views.layer.kernels import Kernels
from explorer.views.layer.unit import Unit
from explorer.views.layer.weights import DenseWeights
from explorer.widgets.charts.step_lines import StepLines
from explorer.widgets.charts.step_table import StepTable
from explorer.widgets.shaping import Steps, TimeAxis
from store.format.names import activation_path
from tests.explorer.conftest import CardPage, Told

STEPS = Steps([0, 2], np.array([0, 5, 9]))


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def lines(title="lines", **options):
    return StepLines(y=np.arange(6, dtype=np.float32).reshape(3, 1, 2), label=title, **options)


# -- what stands on a card --------------------------------------------------------------------


def test_curves_are_a_table_with_a_column_that_names_the_series():
    x, y = np.array([0.0, 1.0]), np.array([3.0, np.nan])
    curves = metric_curves(
        {"training": (x, y), "validation": (x, 2 * y)}, y_label="loss", x_label="step", cursor=x
    )
    (table,) = numbers_of(plot_pane(curves), STEPS)
    assert table.series.values.tolist() == ["training"] * 2 + ["validation"] * 2
    # Nothing says of which updates these places are.
    np.testing.assert_array_equal(table.place, [0, 1, 0, 1])
    np.testing.assert_array_equal(table.loss, [3, np.nan, 6, np.nan])


def over_time(places, **series):
    return plot_pane(
        metric_curves(
            {name: (places, values) for name, values in series.items()},
            y_label="loss (%)",
            x_label="step (log); dotted: epochs",
            cursor=places,
        )
    )


def test_curves_over_recorded_steps_are_an_array_over_steps():
    places = np.log10([1.0, 6.0, 10.0])
    axis = TimeAxis("step (log)", np.array([0, 5, 9, 7]), np.log10([1.0, 6.0, 10.0, 8.0]))
    steps = Steps([0, 2], np.array([0, 5, 9]), axis)
    body = over_time(places, one=np.array([1.0, 2, 3]), two=np.array([4.0, 5, 6]))
    (read,) = numbers_of(body, steps)
    assert read.loss.dims == ("step", "series")
    assert read.step.values.tolist() == [0, 9]
    assert read.loss.sel(series="two").values.tolist() == [4, 6]
    assert read.loss.attrs == {"long_name": "loss (%)", "units": "percent"}
    # What is of other updates, such as a metric, is a table of them.
    (table,) = numbers_of(over_time(np.log10([6.0, 8.0]), one=np.array([1.0, 2.0])), steps)
    assert table["update"].values.tolist() == [5, 7]
    assert "step" not in table.variables


def test_a_heat_map_over_time_gives_what_it_was_drawn_from():
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, np.nan]])
    places = np.array([0.0, 1.0, 7.0])
    picture = layer_heatmap(
        values,
        ["conv", "dense"],
        x_edges=edges(places),
        x_label="step (log)",
        value_label="norm",
        positions=places,
    )
    (read,) = numbers_of(plot_pane(picture), STEPS)
    assert read.norm.dims == ("step", "layer")
    assert read.step.values.tolist() == [0, 9]
    np.testing.assert_array_equal(read.norm.sel(layer="dense"), [2, np.nan])


def test_a_matrix_of_holoviews_is_a_row_a_cell():
    picture = hv.QuadMesh(([0.5, 1.5], [0, 1, 2], np.arange(6.0).reshape(3, 2)), ["x", "y"], "z")
    (table,) = numbers_of(pn.pane.HoloViews(picture), STEPS)
    cells = {(x, y): z for x, y, z in zip(*(table[name].values for name in "xyz"), strict=True)}
    assert cells == {(0.5 + i, j): 2 * j + i for i in range(2) for j in range(3)}


def test_hidden_pictures_and_texts_are_left_out():
    hidden = pn.Column(lines("hidden"), visible=False)
    body = pn.Column(hidden, pn.pane.HTML("text"), pn.Row(lines("shown")))
    assert [read.attrs["title"] for read in numbers_of(body, STEPS)] == ["shown"]


@pytest.mark.parametrize(
    "body",
    [
        pn.pane.HTML("nothing"),
        pn.Column(),
        StepTable(lambda _: {"rows": []}, 3, columns=["a"]),
        pn.pane.HoloViews(hv.Overlay([hv.Text(0, 0, "none")])),
    ],
    ids=["text", "empty", "table without rows", "annotation"],
)
def test_a_card_without_numbers_says_so(body):
    with pytest.raises(NoNumbersError, match="There are no numbers behind this picture"):
        numbers_of(body, STEPS)


def test_a_run_without_steps_has_no_numbers():
    with pytest.raises(NoNumbersError):
        numbers_of(lines(), Steps([], np.array([])))


def scene_of(data, **query):
    return Scene(data, select_in(data.run, query)[0].key())


def drawn(view: View, scene):
    return pn.panel(view.draw(scene, view.compute(scene)))


def test_feature_maps_are_the_recorded_activations(image_data):
    view, scene = FeatureMaps(), scene_of(image_data, layer="conv1", probe=2)
    (read,), about = numbers_behind(view, scene, drawn(view, scene), [0, 3, 7])
    recorded = image_data.run.read(activation_path("conv1"), (slice(None), 2))[[0, 3, 7]]
    np.testing.assert_array_equal(
        read.activation.transpose("step", "y", "x", "unit"), recorded, strict=True
    )
    assert "quantized" not in read.activation.attrs
    assert (about["layer"], about["probe"], about["run"]) == ("conv1", 2, "synthetic")


def test_a_unit_on_the_probe_is_its_recorded_map(image_data):
    view, scene = Unit(), scene_of(image_data, layer="conv1", unit=1, probe=2)
    (read,), _ = numbers_behind(view, scene, drawn(view, scene), range(8))
    recorded = image_data.run.read(activation_path("conv1"), (slice(None), 2))[..., 1]
    np.testing.assert_array_equal(read.activation, recorded)


# Matrices of all steps would be large; inputs are shown in grey, and the run holds them.
KEPT_AS_COLOURS = {"Similar units", "What excites the unit most", "Data map"}


def assert_same(read, written):
    assert read.dims == written.dims
    if written.dtype.kind in "SU":
        assert read.values.astype(str).tolist() == written.values.tolist()
    else:
        np.testing.assert_array_equal(np.asarray(read, np.float64), np.asarray(written, np.float64))


def check_names(title, whole, recorded):
    """What a reader of the file may rely on."""
    for name, variable in whole.variables.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
        if variable.ndim == 1 and "step" in name:
            assert variable.dtype.kind in "if", (title, name)
            assert set(np.asarray(variable, float).tolist()) <= set(map(float, recorded)), name
        if "quantized" in variable.attrs:
            assert title in KEPT_AS_COLOURS, (title, name)


def values_at(parts, name, index):
    return np.sort(np.ravel(parts[0][name].isel(step=index)))


@pytest.mark.parametrize(
    ("view", "query", "name", "path"),
    [
        (DenseWeights(), {"layer": "dense"}, "weight", "layers/dense/weights/kernel"),
        (Kernels(), {"layer": "conv1"}, "weight", "layers/conv1/weights/kernel"),
    ],
    ids=["weights", "kernels"],
)
def test_pictures_of_weights_hold_the_recorded_ones_and_no_colours(
    image_data, view, query, name, path
):
    scene = scene_of(image_data, **query)
    parts, _ = numbers_behind(view, scene, drawn(view, scene), [1, 5])
    for at, index in enumerate((1, 5)):
        recorded = np.sort(image_data.run.read(path, (index,)), axis=None)
        np.testing.assert_array_equal(values_at(parts, name, at), recorded)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["image_data", "text_data"])
def test_every_view_gives_numbers_in_every_format_or_says_that_it_has_none(name, request):
    data = request.getfixturevalue(name)
    given = set()
    for layer in data.run.layers:
        scene = scene_of(data, layer=layer)
        for view in every_view():
            ours = view.region not in ("stage", "layer") or view.serves(scene.layer)
            if view.title in given or not (ours and view.applies(data)) or view.requirement(scene):
                continue
            computed = view.compute(scene)
            while isinstance(computed, Unfinished):
                computed = computed.go_on()
            if isinstance(computed, Nothing):
                continue
            body = pn.panel(view.draw(scene, computed))
            try:
                parts, about = numbers_behind(view, scene, body, [0, len(data.run) - 1])
            except NoNumbersError:
                continue
            given.add(view.title)
            whole = joined(parts, about)
            back = xr.open_dataset(io.BytesIO(netcdf_bytes(whole)), engine="scipy")
            assert {*back.variables} == {*whole.variables}
            for variable in whole.variables:
                assert_same(back[variable], whole[variable])
            check_names(view.title, whole, data.run.steps)
            few = [part.head(8) for part in parts]
            assert all(rows_of(text) for text in csv_tables(few).values())
            assert packed("npz", few, about)[1] == "npz"
    assert {"Loss", "Unit activations", "Norms and update ratio"} <= given


# -- files ------------------------------------------------------------------------------------


def test_csv_has_a_row_for_each_combination_and_says_what_is_quantized():
    part = xr.Dataset(
        {
            "value": (("unit", "step"), [[1.0, np.nan]], {"quantized": "8 bit"}),
            "n": ("step", [7, 8]),
        },
        {"step": [0, 5], "name": ("unit", ["é"])},
        {"title": "Some Title"},
    )
    tables = csv_tables([part])
    assert set(tables) == {"some_title_value", "some_title_n"}
    assert rows_of(tables["some_title_value"]) == [
        {"step": "0", "unit": "0", "value (8 bit)": "1.0", "name": "é"},
        {"step": "5", "unit": "0", "value (8 bit)": "NaN", "name": "é"},
    ]
    assert rows_of(tables["some_title_n"]) == [{"step": "0", "n": "7"}, {"step": "5", "n": "8"}]


def test_numbers_survive_csv_bit_for_bit():
    values = np.random.default_rng(0).normal(size=(3, 1, 50)).astype(np.float32)
    parts = numbers_of(StepLines(y=values, label="t"), STEPS)
    read = [np.float32(row["value"]) for row in rows_of(csv_tables(parts)["t"])]
    np.testing.assert_array_equal(read, values[[0, 2]].ravel())


def test_one_part_keeps_its_names_and_several_begin_with_their_titles():
    one, two = numbers_of(pn.Row(lines("First one"), lines("First one")), STEPS)
    assert set(joined([one], {}).data_vars) == {"value"}
    both = joined([one, two], {"run": "r"})
    assert set(both.data_vars) == {"first_one_value", "other_first_one_value"}
    assert both.first_one_value.dims == ("step", "first_one_series", "first_one_position")
    assert both.attrs == {
        "Conventions": "CF-1.11",
        "run": "r",
        "parts": '["First one", "First one"]',
    }


def test_npz_holds_arrays_dimensions_and_attributes():
    whole = joined(numbers_of(lines(), STEPS), {"run": "r"})
    read = np.load(io.BytesIO(npz_bytes(whole)))
    np.testing.assert_array_equal(read["value"], [[[0, 1]], [[4, 5]]])
    assert json.loads(str(read["dimensions"]))["value"] == ["step", "series", "position"]
    assert json.loads(str(read["attributes"]))[""]["run"] == "r"


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i8", "u8", "?", "f2", "f4", "f8", "i4"])
def test_netcdf_takes_every_kind_of_number(dtype):
    values = np.array([0, 1, 200 if dtype == "u1" else 1]).astype(dtype)
    made = xr.Dataset({"v": ("x", values, {"about": "é"})}, attrs={"run": "ü"})
    back = xr.open_dataset(io.BytesIO(netcdf_bytes(made)), engine="scipy")
    np.testing.assert_array_equal(back.v, values)
    assert (back.attrs["run"], back.v.attrs["about"]) == ("ü", "é")


def test_several_tables_are_packed_into_a_zip():
    parts = numbers_of(pn.Row(lines("a"), lines("b")), STEPS)
    content, ending = packed("csv", parts, {})
    assert ending == "zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["a.csv", "b.csv"]
        assert len(rows_of(archive.read("a.csv").decode())) == 4
    assert packed("csv", parts[:1], {})[1] == "csv"


# -- the menu of a card -----------------------------------------------------------------------


@pytest.fixture
def asked(image_data):
    """A card, and what its heading tells the browser when that asks for numbers."""
    page = CardPage(image_data, Told()).select()
    told = []
    page.card.head._send_msg = told.append

    def ask(**message):
        page.card.head._handle_msg({"save": "csv", "index": 2, "step": "step 3", **message})
        return told.pop() if told else None

    ask.view = page.view
    ask.page = page
    return ask


def with_lines(asked):
    asked.view.draw = lambda *_: StepLines(
        y=np.arange(8, dtype=np.float32).reshape(8, 1, 1), label="t"
    )
    asked.page.select(layer="dense")


def test_the_browser_gets_the_step_on_screen_as_csv_and_all_steps_as_npz(asked, image_data):
    with_lines(asked)
    answer = asked()
    assert (answer["ending"], answer["step"]) == ("csv", "step 3")
    (row,) = rows_of(answer["file"].tobytes().decode())
    assert (row["step"], row["value"]) == (str(image_data.run.steps[2]), "2.0")
    answer = asked(save="npz")
    assert (answer["ending"], answer["step"]) == ("npz", "")
    assert np.load(io.BytesIO(answer["file"].tobytes()))["value"].shape == (8, 1, 1)


def test_a_card_without_numbers_or_picture_answers_with_a_sentence(asked):
    assert asked()["error"] == "There are no numbers behind this picture."
    asked.view.missing = "This needs patience."
    asked.page.select(layer="dense")
    assert asked()["error"] == "There is no picture here to save."
    assert asked(index=99)["error"] == "There is no picture here to save."


def test_a_fault_in_reading_is_a_sentence_and_in_the_log(asked, caplog, monkeypatch):
    with_lines(asked)

    def fail(_):
        raise RuntimeError("no luck")

    monkeypatch.setattr(asked.view, "caption", fail)
    assert asked()["error"] == "These numbers cannot be saved: RuntimeError: no luck"
    assert "cannot be saved" in caplog.text


@pytest.mark.parametrize(
    "message", [{"save": "exe"}, {"save": None}, {"index": "2"}, {"index": True}, {"step": 3}]
)
def test_what_is_malformed_is_ignored(asked, message):
    assert asked(**message) is None


def test_a_card_may_offer_no_numbers(image_data):
    assert CardPage(image_data, Told()).card.head.numbers
    assert not CardPage(image_data, Told(), numbers=False).card.head.numbers


def test_a_heading_without_numbers_offers_none_and_answers_nothing():
    from explorer.cards.card import card_head

    head = card_head("Probe")
    assert not head.numbers
    head._handle_msg({"save": "csv", "index": 0, "step": ""})
    assert card_head("x", wanted=lambda *_: None).numbers

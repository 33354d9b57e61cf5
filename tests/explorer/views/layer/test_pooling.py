"""What pooling keeps: both maps, the marked positions, and the share that is lost."""

from __future__ import annotations

import dataclasses

import holoviews as hv
import numpy as np
import panel as pn
import pytest

from explorer.data.absence import GIVE_PROBE, Lack, Unfit
from explorer.derived.time.frames import quantize, robust_limits
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.layer import pooling
from explorer.views.layer.pooling import Pooling
from explorer.widgets.pictures.pool_switches import PoolSwitches
from store.format.layers import Layer
from store.format.spec import LayerSpec
from store.testing import frames_at, image_run_spec, text_run_spec
from tests.explorer.conftest import without_probe
from tests.explorer.drawing import drawn_by, payload_of

STEPS = [0, 1, 2, 5, 10, 20, 50, 100]


def scene_of(data, layer="pool1", *, unit=0, probe=0):
    return Scene(data, SelectionKey(layer, probe, "step", unit))


def drawn(scene):
    return drawn_by(Pooling(), scene)


def widget_of(body):
    (widget,) = body.select(PoolSwitches)
    return widget


def curves_of(body):
    (pane,) = body.select(pn.pane.HoloViews)
    return {one.label: one.dimension_values(1) for one in pane.object.traverse(specs=[hv.Curve])}


def averaging():
    spec = image_run_spec()
    layers = (
        dataclasses.replace(layer, class_name="AveragePooling2D")
        if layer.name == "pool1"
        else layer
        for layer in spec.layers
    )
    return dataclasses.replace(spec, layers=tuple(layers))


def over_text(class_name, config, places):
    spec = text_run_spec()
    dims = ("probe", "token", "unit") if places else ("probe", "unit")
    shape = (2, places, 4) if places else (2, 4)
    pool = LayerSpec("pool", class_name, "pooling", config, ("embedding",), dims, shape)
    return dataclasses.replace(spec, layers=(*spec.layers, pool))


# -- maps ---------------------------------------------------------------------------------------


def test_both_maps_and_the_kept_positions_at_every_step(image_data):
    spec = image_run_spec()
    widget = widget_of(drawn(scene_of(image_data, unit=1, probe=4)))
    before = [frames_at(spec, step)["layers/relu1/activation"][4, ..., 1] for step in STEPS]
    after = [frames_at(spec, step)["layers/pool1/activation"][4, ..., 1] for step in STEPS]
    limits = robust_limits([*before, *after])
    assert (widget.low, widget.high) == (limits.low, limits.high)
    assert widget.window == [{"start": 0, "size": 2, "stride": 2}] * 2
    assert widget.names == ["before (relu1)", "after (pool1)"]
    for index in range(len(STEPS)):
        payload = payload_of(widget, index)
        np.testing.assert_array_equal(payload["before"], quantize(before[index], limits))
        np.testing.assert_array_equal(payload["after"], quantize(after[index], limits))
        values = before[index]
        kept = payload["kept"].reshape(4, 4)
        for y, x in np.ndindex(4, 4):
            window = values[2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
            assert values.ravel()[kept[y, x]] == window.max()
        positive = np.maximum(values, 0)
        share = 1 - positive.ravel()[kept.ravel()].sum() / positive.sum()
        assert payload["note"] == f"{share:.0%} of the evidence dropped"


def test_where_all_values_are_equal_nothing_is_marked(recorded, monkeypatch):
    def flat(spec, step):
        frames = frames_at(spec, step)
        frames["layers/relu1/activation"][:, :2] = 0
        frames["layers/relu1/activation"][:, 4:] = np.nan
        return frames

    monkeypatch.setattr("store.testing.runs.frames_at", flat)
    kept = payload_of(widget_of(drawn(scene_of(recorded(steps=(0, 1))))), 1)["kept"].reshape(4, 4)
    assert (kept[0] == -1).all()
    assert (kept[1] >= 0).all()
    assert (kept[2:] == -1).all()


def test_the_curve_is_over_all_probes(image_data):
    lost = curves_of(drawn(scene_of(image_data, unit=2)))
    assert set(lost) == {"unit 2", "mean of all units"}
    shares = []
    for step in STEPS:
        frame = np.maximum(frames_at(image_run_spec(), step)["layers/relu1/activation"], 0)
        kept = frame.reshape(6, 4, 2, 4, 2, 3).max((2, 4))
        shares.append(1 - kept.sum((0, 1, 2)) / frame.sum((0, 1, 2)))
    np.testing.assert_allclose(lost["unit 2"], np.array(shares)[:, 2], rtol=1e-5)
    np.testing.assert_allclose(lost["mean of all units"], np.mean(shares, axis=1), rtol=1e-5)


def test_averaging_marks_nothing_and_says_what_it_levels_out(recorded):
    data = recorded(averaging(), steps=(0, 1))
    body = drawn(scene_of(data, unit=1, probe=3))
    payload = payload_of(widget_of(body), 1)
    assert payload["kept"].size == 0
    values = frames_at(averaging(), 1)["layers/relu1/activation"][3, ..., 1].astype(np.float64)
    means = values.reshape(4, 2, 4, 2).mean((1, 3)).repeat(2, 0).repeat(2, 1)
    share = np.mean((values - means) ** 2) / values.var()
    assert payload["note"] == f"{share:.0%} of the variance levelled out"
    assert "mean of its window" in Pooling().caption(scene_of(data))
    assert curves_of(body)["unit 1"].shape == (2,)


def test_a_large_layer_is_measured_over_some_probes(recorded, monkeypatch):
    data = recorded(steps=(0, 1))
    monkeypatch.setattr(pooling, "MOST_VALUES", 2 * 192 * 3)
    assert pooling.probes_seen(data, "relu1") == [0, 2, 5]
    lost = pooling.lost_shares(data, data.run.layers["pool1"])
    frame = np.maximum(frames_at(image_run_spec(), 1)["layers/relu1/activation"][[0, 2, 5]], 0)
    kept = frame.reshape(3, 4, 2, 4, 2, 3).max((2, 4)).sum((0, 1, 2))
    np.testing.assert_allclose(lost[1], 1 - kept / frame.sum((0, 1, 2)), rtol=1e-5)
    assert "over 3 of the probes" in Pooling().caption(scene_of(data))


# -- rows ---------------------------------------------------------------------------------------


def test_a_row_is_a_map_of_height_one(recorded):
    spec = over_text("MaxPooling1D", {"pool_size": [2], "strides": [2], "padding": "same"}, 3)
    data = recorded(spec, steps=(0, 1))
    widget = widget_of(drawn(scene_of(data, "pool", unit=2)))
    payload = payload_of(widget, 1)
    assert (payload["before"].shape, payload["after"].shape) == ((1, 5), (1, 3))
    values = frames_at(spec, 1)["layers/embedding/activation"][0, :, 2]
    chosen = [int(np.argmax(values[:2])), 2 + int(np.argmax(values[2:4])), -1]
    assert payload["kept"].tolist() == chosen  # a window of one has no choice
    assert widget.window == [
        {"start": 0, "size": 1, "stride": 1},
        {"start": 0, "size": 2, "stride": 2},
    ]


def test_a_global_pooling_has_a_single_window(recorded):
    data = recorded(over_text("GlobalMaxPooling1D", {}, 0), steps=(0, 1))
    widget = widget_of(drawn(scene_of(data, "pool", unit=1, probe=1)))
    values = frames_at(over_text("GlobalMaxPooling1D", {}, 0), 1)
    payload = payload_of(widget, 1)
    assert payload["kept"].tolist() == [values["layers/embedding/activation"][1, :, 1].argmax()]
    assert payload["after"].shape == (1, 1)
    assert widget.window[1] == {"start": 0, "size": 5, "stride": 5}


def test_texts_have_a_view_of_their_own(image_data, text_data):
    assert Pooling().applies(image_data)
    assert not Pooling().applies(text_data)


# -- what may be missing ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("class_name", "serves"),
    [
        ("MaxPooling2D", True),
        ("AveragePooling1D", True),
        ("GlobalAveragePooling2D", True),
        ("MaxPooling3D", False),
        ("AdaptiveMaxPooling2D", False),
        ("Dense", False),
    ],
)
def test_it_serves_poolings_of_rows_and_maps(class_name, serves):
    layer = Layer("any", class_name, "pooling", {}, ("one",), (3,), 0, {}, True)
    assert Pooling().serves(layer) is serves


def test_what_is_missing_is_said(recorded):
    bare = recorded(without_probe(), steps=(0, 1))
    assert drawn(scene_of(bare)) == Lack(GIVE_PROBE)
    spec = image_run_spec()
    layers = tuple(
        dataclasses.replace(layer, inbound=("image",)) if layer.name == "pool1" else layer
        for layer in spec.layers
    )
    data = recorded(dataclasses.replace(spec, layers=layers), steps=(0,))
    assert drawn(scene_of(data)) == Unfit(
        "pool1 takes the probe itself; there is no unit to follow."
    )


def test_a_dead_unit_at_a_single_step_is_drawn(recorded, monkeypatch):
    def dead(spec, step):
        return {path: np.zeros_like(values) for path, values in frames_at(spec, step).items()}

    monkeypatch.setattr("store.testing.runs.frames_at", dead)
    body = drawn(scene_of(recorded(steps=(0,))))
    assert payload_of(widget_of(body), 0)["note"] == "no evidence"
    (said,) = body.select(pn.pane.HTML)  # in place of a curve without a point
    assert "does pool1 take any evidence" in said.object
    averaged = drawn(scene_of(recorded(averaging(), steps=(0,))))
    assert payload_of(widget_of(averaged), 0)["note"] == "nothing varies"

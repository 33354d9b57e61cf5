"""Metrics: which belong in one picture, and curves with fewer points that look the same."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from explorer.data.metrics import ACCURACY, LOSS, metric_curve


@pytest.fixture
def metrics(image_data, monkeypatch):
    """Replace what was logged, in a run."""

    def given(**values):
        count = len(next(iter(values.values())))
        table = {name: ("update", np.asarray(each, np.float32)) for name, each in values.items()}
        logged = xr.Dataset(table, coords={"update": np.arange(1, count + 1)})
        monkeypatch.setattr(type(image_data.run), "metrics", logged)
        monkeypatch.setitem(vars(image_data), "metrics", logged)
        return image_data

    return given


def test_a_metric_belongs_where_its_name_says(metrics):
    data = metrics(loss=[1.0], val_loss=[1.0], auc=[0.5], val_recall=[0.5], lr=[0.1])
    assert LOSS.names(data) == ["loss", "val_loss"]
    assert ACCURACY.names(data) == ["auc", "val_recall"]


def test_what_is_measured_now_and_then_is_joined_and_else_there_are_gaps(metrics):
    nan = np.nan
    data = metrics(loss=[3, nan, 1, 2, 1], val_loss=[nan, nan, 2, nan, 1])
    updates, values = metric_curve(data, "loss", 100)
    np.testing.assert_array_equal(updates, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(values, [3, nan, 1, 2, 1])
    updates, values = metric_curve(data, "val_loss", 100)
    np.testing.assert_array_equal(updates, [3, 5])
    np.testing.assert_array_equal(values, [2, 1])


def test_a_long_curve_keeps_its_peak(metrics):
    loss = np.ones(1000)
    loss[637] = 9
    updates, values = metric_curve(metrics(loss=loss), "loss", 20)
    assert len(updates) <= 24
    assert values.max() == 9
    assert updates[values.argmax()] == 638

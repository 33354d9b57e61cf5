"""How far an update moves a layer's weights: of single updates, or what stands for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.data.run import RunData
from explorer.data.updates import how_measured, unrelated_cosine, update_cosine, update_sizes
from recorder import at_steps, every_n_steps
from store import open_run
from tests.recorder import numpy_training as training

FEW, LAST = [1, 2, 9], training.UPDATES


def data_of(path: Path, **options: object) -> RunData:
    training.record(path, **options)
    return RunData(open_run(path))


def test_the_schedule_does_not_change_the_ratio(tmp_path: Path) -> None:
    """The same training, recorded at every update and at few: each step shows the same number."""
    dense = data_of(tmp_path / "dense.zarr", schedule=every_n_steps(1))
    sparse = data_of(tmp_path / "sparse.zarr", schedule=at_steps(FEW))
    ratios = {}
    for name, data in {"dense": dense, "sparse": sparse}.items():
        found = update_sizes(data, "dense1")
        assert found is not None
        ratios[name] = dict(zip(data.run.steps.tolist(), found.ratio, strict=True))
        assert how_measured(data).startswith("Measured at the one update")
    kernels = dense.run.weights("dense1", "kernel").values.astype(float)
    for step in FEW:
        move = np.linalg.norm(kernels[step] - kernels[step - 1])
        expected = move / np.linalg.norm(kernels[step - 1])
        assert ratios["dense"][step] == pytest.approx(expected, rel=1e-9)
        assert ratios["sparse"][step] == ratios["dense"][step]
    assert np.isnan(ratios["sparse"][LAST]), "nothing told beforehand that the loop would end"


def test_a_run_without_single_updates_has_net_ways(tmp_path: Path) -> None:
    data = data_of(tmp_path / "old.zarr", schedule=at_steps(FEW), updates=False)
    found = update_sizes(data, "dense1")
    assert found is not None
    kernels = data.run.weights("dense1", "kernel").values.astype(float)
    net = np.linalg.norm(kernels[3] - kernels[2]) / 7
    assert found.norm[3] == pytest.approx(net, rel=1e-6)
    assert found.ratio[3] == pytest.approx(net / np.linalg.norm(kernels[2]), rel=1e-6)
    assert update_cosine(data, "dense1") is None
    assert "net way between two recorded steps, divided by the updates" in how_measured(data)
    assert update_sizes(data, "input") is None


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_unrelated_gradients_have_the_cosine_that_is_said(
    momentum: float, image_data: RunData, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, update, cosines = np.random.default_rng(1), np.zeros(4000), []
    for _ in range(200):
        last, update = update, momentum * update - 0.1 * random.normal(size=4000)
        cosines.append(update @ last / max(1e-9, np.linalg.norm(update) * np.linalg.norm(last)))
    optimizer = {"class": "SGD", "momentum": momentum, "nesterov": False}
    monkeypatch.setitem(image_data.run.attributes, "optimizer", optimizer)
    assert unrelated_cosine(image_data) == pytest.approx(np.mean(cosines[100:]), abs=0.01)

"""What the network trained with, and since when, on the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from explorer.data.run import RunData
from explorer.selection import SelectionKey
from explorer.views.base import Scene
from explorer.views.training.settings import Settings
from store import open_run
from store.live.writer import RunWriter
from store.testing import append_steps, image_run_spec


def data_of(path: Path, *notes: tuple[int, dict[str, Any]], **left_out: str) -> RunData:
    with RunWriter.create(path, image_run_spec()) as writer:
        append_steps(writer, 0, 5)
        for step, holds in notes:
            writer.note_facts(step, holds, left_out)
    return RunData(open_run(path))


def shown(data: RunData) -> tuple[str, str]:
    scene, view = Scene(data, SelectionKey("conv1", 0, "step")), Settings()
    return view.caption(scene), view.draw(scene, view.compute(scene)).object


def test_each_setting_is_shown_with_the_step_since_which_it_holds(tmp_path: Path) -> None:
    caption, page = shown(
        data_of(
            tmp_path / "run.zarr",
            (0, {"optimizer": {"class": "SGD", "learning_rate": 0.1}, "batch_size": 8}),
            (5000, {"optimizer": {"class": "Adam"}, "not_trained": ["layers/conv1/weights/bias"]}),
            optimizer="<b>Warmup</b> gives no configuration.",
        )
    )
    for cells in (
        ("0", "optimizer", "SGD(learning_rate=0.1)"),
        ("0", "batch size", "8"),
        ("5,000", "optimizer", "Adam"),
        ("5,000", "not trained", "conv1.bias"),
        ("not kept", "optimizer", "&lt;b&gt;Warmup&lt;/b&gt; gives no configuration."),
    ):
        assert "".join(f"<td>{cell}</td>" for cell in cells) in page
    assert "holds until a later one" in caption


def test_settings_that_never_changed_are_not_said_to_have(tmp_path: Path) -> None:
    caption, _ = shown(data_of(tmp_path / "run.zarr", (0, {"loss": "mse"})))
    assert "changed" not in caption


def test_a_run_that_holds_none_has_no_such_card(tmp_path: Path) -> None:
    assert not Settings().applies(data_of(tmp_path / "run.zarr"))


@pytest.mark.parametrize("name", ["learning_rate", "learning_rate.d"])
def test_the_rates_of_several_optimizers_are_curves_of_one_picture(metrics: Any, name: str) -> None:
    from explorer.views.training.curves import LearningRate

    data = metrics(**{name: [0.1, 0.01], "learning_rate.g": [1.0, 1.0]})
    assert LearningRate().applies(data)
    assert set(LearningRate().series(data)) == {name.replace("_", " "), "learning rate.g"}

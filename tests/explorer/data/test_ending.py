"""The network after the training is the explorer's last step, in every view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.data.run import RunData
from explorer.data.updates import update_sizes
from explorer.session.session import Explorer
from store import open_run
from store.live.writer import RunWriter
from store.testing import append_steps, frames_at, image_run_spec


@pytest.fixture
def data(tmp_path: Path) -> RunData:
    with RunWriter.create(tmp_path / "run.zarr", image_run_spec()) as writer:
        append_steps(writer, 0, 1, 2, 5)
        writer.keep_ending(frames_at(image_run_spec(), 99), wall_time=8.0)
    return RunData(open_run(tmp_path / "run.zarr"))


def test_frames_histories_and_answers_have_it_at_the_last_place(data: RunData) -> None:
    expected = frames_at(image_run_spec(), 99)
    assert data.has_ending
    assert list(data.timeline.steps) == [0, 1, 2, 5, 6]
    assert data.timeline.wall_times[-1] == 8.0
    np.testing.assert_array_equal(
        data.weight("conv1", "kernel", 4), expected["layers/conv1/weights/kernel"]
    )
    maps = expected["layers/conv1/activation"]
    np.testing.assert_array_equal(data.activation("conv1", 4, 1), maps[1])
    assert len(list(data.activation_frames("conv1"))) == 5
    history = data.unit_history("conv1", 1)
    np.testing.assert_allclose(history[-1], maps[1].mean(axis=(0, 1)), rtol=1e-5)
    verdicts = data.verdicts()
    assert verdicts is not None
    assert data.run.index_of(6) == 4


def test_the_time_control_names_it(data: RunData) -> None:
    session = Explorer(data)
    assert session.transport.ending
    assert list(session.transport.steps) == [0, 1, 2, 5, 6]


def test_a_run_that_goes_on_loses_the_notch(data: RunData) -> None:
    session, path = Explorer(data), Path(data.run.location)
    with RunWriter.resume(path, image_run_spec()) as writer:
        append_steps(writer, 9)
    session.adopt(RunData(open_run(path)))
    assert not session.transport.ending
    assert list(session.transport.steps) == [0, 1, 2, 5, 9]


def test_no_update_led_to_it(data: RunData) -> None:
    assert data.run.updates is None, "measured ones are not known of it anyway"
    sizes = update_sizes(data, "conv1")
    assert sizes is not None
    for values in (sizes.norm, sizes.ratio):
        assert np.isnan(values).tolist() == [True, False, False, False, True]

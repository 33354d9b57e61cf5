"""A run that is being recorded: its pages go over to newer readings, and none of these changes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from explorer.data.run import RunData
from explorer.session import following
from explorer.session.following import Following, Latest, is_recorded
from store import RunWriter, open_run
from store.packed.pack import pack
from store.testing import append_steps, frames_at, image_run_spec, text_run_spec, write_run
from store.testing.http import served
from store.tools.share import share

ACTIVATION = "layers/conv1/activation"


@pytest.fixture
def writer(tmp_path):
    made = RunWriter.create(tmp_path / "run.zarr", image_run_spec())
    yield made
    made.abandon()


def record(writer, *steps):
    append_steps(writer, *steps)
    writer.commit()


def frames(data):
    rest = (slice(None),) * 4
    return [data.run.read(ACTIVATION, (at, *rest)) for at in range(len(data.run))]


# -- readings ----------------------------------------------------------------------------------


def test_a_run_that_grew_is_read_anew_and_the_old_reading_stays(writer):
    record(writer, 0, 1)
    latest = Latest(open_run(writer.path))
    before = latest.data
    assert not latest.has_changed()
    assert latest.read() is before
    record(writer, 2, 5)
    assert latest.has_changed()
    after = latest.read()
    assert after is latest.data is not before
    assert not latest.has_changed()
    assert before.timeline.steps.tolist() == [0, 1]
    assert after.timeline.steps.tolist() == [0, 1, 2, 5]
    for data in (before, after):
        for frame, step in zip(frames(data), data.run.steps, strict=True):
            np.testing.assert_array_equal(frame, frames_at(image_run_spec(), int(step))[ACTIVATION])


def test_what_grew_since_it_was_opened_is_in_the_first_reading(writer):
    record(writer, 0)
    run = open_run(writer.path)
    record(writer, 1)
    latest = Latest(run)
    assert len(latest.data.run) == 2
    assert not latest.has_changed()


def test_a_run_that_is_packed_meanwhile_is_read_anew(tmp_path):
    path = write_run(tmp_path / "run.zarr")
    latest = Latest(open_run(path))
    before = frames(latest.data)
    pack(path)
    assert latest.has_changed()
    np.testing.assert_array_equal(frames(latest.read()), before)
    assert not is_recorded(latest.data.run)


def test_a_run_that_is_gone_or_broken_stays_as_it_was(writer, caplog):
    record(writer, 0, 1)
    latest = Latest(open_run(writer.path))
    root = writer.path / "zarr.json"
    content = root.read_bytes()
    root.write_bytes(b"{")
    assert latest.has_changed()
    assert latest.read() is latest.data
    assert "cannot be read now" in caplog.text
    root.unlink()
    assert not latest.has_changed()
    root.write_bytes(content)
    assert latest.has_changed()
    assert len(latest.read().run) == 2


def test_what_cannot_grow_is_not_looked_at(tmp_path):
    path = write_run(tmp_path / "run.zarr")
    zipped = share(path, tmp_path / "run.zip").path
    inside = Latest(open_run(zipped))
    zipped.touch()
    assert not inside.has_changed()
    with served(tmp_path) as place:
        away = Latest(open_run(f"{place.url}/run.zarr"))
        asked = len(place.requests)
        assert not away.has_changed()
        assert away.read() is away.data
        assert len(place.requests) == asked


# -- pages -------------------------------------------------------------------------------------


class Page:
    """A page that follows: what it was given, and whether it is still drawing."""

    def __init__(self, latest):
        self.adopted = []
        self.busy = False
        self.following = Following(latest, latest.data, self.adopted.append, lambda: self.busy)

    def look(self):
        self.following.poll()
        return [len(data.run) for data in self.adopted]

    @property
    def widget(self):
        return self.following.widget


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when a test says so."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(following, "time", made)
    return made


def test_every_page_takes_over_what_is_new(writer, clock):
    record(writer, 0)
    latest = Latest(open_run(writer.path))
    one, two = Page(latest), Page(latest)
    assert one.look() == []
    assert (one.widget.count, one.widget.live) == (1, True)
    record(writer, 1)
    assert one.look() == [2]
    assert two.look() == [2]
    assert one.adopted == two.adopted == [latest.data]
    assert two.widget.count == 2
    record(writer, 2)
    assert (one.look(), two.look(), one.look()) == ([2, 3], [2, 3], [2, 3])
    writer.close()
    one.look()
    assert (one.widget.count, one.widget.live) == (3, False)


def test_a_page_that_is_still_drawing_is_left_in_peace_and_rests_in_proportion(writer, clock):
    record(writer, 0)
    page = Page(Latest(open_run(writer.path)))
    record(writer, 1)
    assert page.look() == [2]
    page.busy = True
    record(writer, 2)
    clock.now += 4
    assert page.look() == [2]
    page.busy = False  # drawing took 4 s
    assert page.look() == [2]
    clock.now += 4 * following.REST_FACTOR - 1
    assert page.look() == [2]
    clock.now += 2
    assert page.look() == [2, 3]


@pytest.mark.parametrize("change", ["first step", "another recording", "other layers", "no steps"])
def test_a_page_that_was_built_for_another_run_is_loaded_anew(tmp_path, clock, change):
    path = tmp_path / "run.zarr"
    write_run(path, steps=() if change == "first step" else (0, 1), finished=False)
    page = Page(Latest(open_run(path)))
    if change == "first step":
        resumed = RunWriter.resume(path, image_run_spec())
        record(resumed, 0)
        resumed.close()
    else:
        spec = text_run_spec() if change == "other layers" else image_run_spec()
        write_run(path, spec, steps=() if change == "no steps" else (0, 1, 2), overwrite=True)
    assert page.look() == []
    assert page.widget.reload == 1
    assert page.look() == []  # what is left of it does no more
    assert page.widget.reload == 1


def test_a_recording_that_went_back_is_followed_back(writer, clock):
    record(writer, 0, 1, 2, 5)
    page = Page(Latest(open_run(writer.path)))
    writer.close(finished=False)
    resumed = RunWriter.resume(writer.path, image_run_spec(), after_step=1)
    assert page.look() == [2]
    assert page.widget.count == 2
    record(resumed, 3)
    assert page.look() == [2, 3]
    assert page.adopted[-1].run.steps.tolist() == [0, 1, 3]
    resumed.abandon()


@pytest.mark.parametrize(("form", "live"), [("live", True), ("finished", False), ("packed", False)])
def test_a_run_that_has_not_ended_is_said_to_be_recorded(tmp_path, form, live):
    path = write_run(tmp_path / "run.zarr", finished=form == "finished")
    if form == "packed":
        pack(path)
    assert is_recorded(open_run(path)) is live
    assert Page(Latest(open_run(path))).widget.live is live


def test_a_run_that_was_moved_away_leaves_its_page_alone(tmp_path, clock):
    path = write_run(tmp_path / "run.zarr")
    page = Page(Latest(open_run(path)))
    shutil.move(path, tmp_path / "elsewhere.zarr")
    assert page.look() == []
    assert isinstance(page.following._data, RunData)

"""Components whose pictures are served on demand: in which order, and what is sent."""

from __future__ import annotations

import types

import numpy as np
import pytest

from explorer.widgets.stepped import MOST_WAITING, MOST_WANTED, Stepped

KEY = "run|conv1|0"


class Asked:
    """A stepped component, what its provider was asked for, and what it sent to the browser."""

    def __init__(self, provider=None, count=100):
        self.asked = []
        self.sent = []

        def frame(index):
            self.asked.append(index)
            return provider(index) if provider else np.full((1, 2, 3), index, np.uint8)

        self.widget = Stepped(frame, count, key=KEY)
        self.widget._send_msg = self.sent.append

    def want(self, *indices, key=KEY):
        self.widget._handle_msg({"key": key, "want": list(indices)})


@pytest.fixture
def slow_server(monkeypatch):
    """A session whose event loop turns only when the test says so."""
    callbacks = []
    document = types.SimpleNamespace(
        session_context=object(), add_next_tick_callback=callbacks.append
    )
    state = types.SimpleNamespace(curdoc=document)
    monkeypatch.setattr("explorer.widgets.stepped.pn", types.SimpleNamespace(state=state))

    def turn(most=10**6):
        for _ in range(most):
            if not callbacks:
                return
            callbacks.pop(0)()

    return turn


def test_a_frame_that_is_wanted_is_sent():
    component = Asked()
    component.want(7, 3)
    assert [(answer["key"], answer["index"]) for answer in component.sent] == [
        (KEY, 7),
        (KEY, 3),
    ]
    assert component.sent[0]["payload"]["frame"].tolist() == [[[7, 7, 7], [7, 7, 7]]]


def test_one_frame_a_turn_of_the_event_loop(slow_server):
    component = Asked()
    component.want(1, 2, 3)
    assert component.asked == [1]
    slow_server(1)
    assert component.asked == [1, 2]
    slow_server()
    assert component.asked == [1, 2, 3]


def test_the_newest_request_is_served_first(slow_server):
    component = Asked()
    component.want(10, 11, 12, 13)
    component.want(50)
    component.want(13)  # already waiting: it moves to the head, and is not sent twice
    slow_server()
    assert component.asked == [10, 13, 50, 11, 12]


def test_the_queue_is_bounded(slow_server):
    component = Asked()
    for start in range(0, 100, 10):
        component.want(*range(start, start + 10))
    slow_server()
    assert component.asked[1:11] == list(range(90, 100))
    assert len(component.asked) == 1 + 10 + MOST_WAITING
    component.want(*range(100))
    slow_server()
    assert len(component.asked) == 1 + 10 + MOST_WAITING + MOST_WANTED


def test_a_component_that_came_to_rest_serves_again(slow_server):
    component = Asked()
    component.want(1)
    slow_server()
    component.want(2)
    slow_server()
    assert component.asked == [1, 2]


@pytest.mark.parametrize(
    "message",
    [
        None,
        "want",
        [],
        {},
        {"want": [1]},
        {"key": KEY},
        {"key": KEY, "want": None},
        {"key": KEY, "want": 1},
        {"key": KEY, "want": {"0": 1}},
        {"key": KEY, "want": [None, "1", 1.5, [1], True]},
        {"key": KEY, "want": [-1, 100, 10**30]},
        {"key": "run|conv2|0", "want": [1]},
    ],
    ids=str,
)
def test_what_is_malformed_outdated_or_out_of_range_is_ignored(message):
    component = Asked()
    component.widget._handle_msg(message)
    assert (component.asked, component.sent) == ([], [])
    component.want(1)  # and it did no harm
    assert component.asked == [1]


def test_sound_parts_of_a_request_are_served_once():
    component = Asked()
    component.want(5, "x", 5, 200, 6)
    assert component.asked == [5, 6]


def test_a_fault_is_told_to_the_browser_and_logged_and_the_next_frame_is_served(caplog):
    def provider(index):
        if index == 1:
            raise OSError("the disk is gone")
        return np.zeros((1, 1, 1), np.uint8)

    component = Asked(provider)
    component.want(1, 2)
    failed, served = component.sent
    assert failed["error"] == "This step cannot be shown: the disk is gone"
    assert "payload" not in failed
    assert served["index"] == 2
    assert f"Frame 1 of {KEY}" in caplog.text


# -- what is sent ------------------------------------------------------------------------------


def test_a_lone_array_is_sent_as_the_frame():
    frame = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    component = Asked(lambda _: frame)
    component.want(4)
    (answer,) = component.sent
    assert set(answer) == {"key", "index", "payload"}
    assert set(answer["payload"]) == {"frame"}
    assert answer["payload"]["frame"] is frame


def test_named_parts_are_sent_under_their_names():
    frame, captions = np.zeros((2, 1, 1), np.uint8), ["3.1 %", "NaN"]
    parts = {"frame": frame, "captions": captions, "tile_ids": [7, 2]}
    component = Asked(lambda _: types.MappingProxyType(parts))
    component.want(4)
    payload = component.sent[0]["payload"]
    assert type(payload) is dict  # the only mapping that Bokeh sends
    assert payload == parts
    assert payload["frame"] is frame


def test_an_empty_payload_is_no_fault():
    component = Asked(lambda _: {})
    component.want(0)
    assert component.sent == [{"key": KEY, "index": 0, "payload": {}}]


# -- showing something else --------------------------------------------------------------------


def test_after_a_change_the_new_frames_are_served(slow_server):
    component, served = Asked(), []

    def provider(index):
        served.append(index)
        return np.zeros((1, 1, 1), np.uint8)

    component.want(1, 2, 3)
    component.widget.change("run|dense|0", provider, label="dense")
    assert (component.widget.key, component.widget.label) == ("run|dense|0", "dense")
    slow_server()
    assert component.asked == [1]  # what waited was of the old ones
    component.want(4)
    component.want(5, key="run|dense|0")
    slow_server()
    assert (component.asked, served) == ([1], [5])
    assert [(answer["key"], answer["index"]) for answer in component.sent] == [
        (KEY, 1),
        ("run|dense|0", 5),
    ]


def test_a_change_is_heard_of_once():
    component, heard = Asked(), []
    component.widget.param.watch(lambda *events: heard.append(len(events)), ["key", "label"])
    component.widget.change("other", lambda _: None, label="other")
    assert heard == [2]


def test_a_change_with_a_wrong_parameter_says_so():
    with pytest.raises(ValueError, match="captoins"):
        Asked().widget.change("other", lambda _: None, captoins=[])


def test_a_still_picture_tells_the_browser_so():
    still = Stepped(lambda _: np.zeros((1, 1, 1), np.uint8), 8, still=True)
    assert still.get_root().data.still
    assert not Stepped(lambda _: None, 8).get_root().data.still

"""What a page holds is what was put into it."""

from __future__ import annotations

import base64
import json
import re
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.replay.encode import Blocks, deflated, document, film

CODES = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=4, max_side=5), elements=st.integers(0, 255)
)


def inflated(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text, validate=True))


@given(CODES)
def test_adding_up_the_changes_of_a_film_gives_its_frames(frames):
    changes = np.frombuffer(inflated(film(frames)), np.uint8).reshape(frames.shape)
    np.testing.assert_array_equal(np.cumsum(changes, axis=0, dtype=np.uint8), frames)


def test_a_film_that_changes_slowly_is_smaller_than_its_frames():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, 500).astype(np.uint8)
    drift = rng.integers(-1, 2, (20, 500)).cumsum(axis=0).astype(np.uint8)
    frames = first + drift
    assert len(film(frames)) < len(deflated(frames.tobytes())) / 2


@given(
    hnp.arrays(
        st.sampled_from(["u1", "u2", ">u4", "f4", ">f8"]),
        hnp.array_shapes(min_dims=0, min_side=0, max_dims=3),
    )
)
def test_an_array_comes_back_from_little_endian_bytes_with_nan_and_infinities(values):
    blocks = Blocks()
    reference = blocks.array(values)
    (text,) = blocks.texts
    kind = np.dtype(reference["dtype"]).newbyteorder("<")
    read = np.frombuffer(inflated(text), kind).reshape(reference["shape"])
    np.testing.assert_array_equal(read, values)


def test_equal_arrays_are_kept_once_and_others_apart():
    blocks = Blocks()
    ones, zeros = np.ones(4, np.float32), np.zeros(4, np.float32)
    state = blocks.state({"a": ones, "b": [zeros, ones.copy()], "c": (1, "x", np.float64(0.5))})
    assert state["a"]["block"] == state["b"][1]["block"] != state["b"][0]["block"]
    assert state["c"] == [1, "x", 0.5]
    assert len(blocks.texts) == 2


def test_an_array_that_the_page_cannot_hold_is_refused():
    with pytest.raises(ValueError, match=r"Expected an array of uint8, .*, got int64"):
        Blocks().array(np.arange(3))


@pytest.mark.slow
@given(st.text())
def test_a_document_is_no_markup_and_says_the_same(name):
    text = document({"name": name, "more": ["</script><script>alert(1)</script>", 0.5, None]})
    assert re.fullmatch(r"[A-Za-z0-9+/=]*", text)
    assert json.loads(inflated(text))["name"] == name


def test_a_document_takes_a_lone_surrogate_and_refuses_nan():
    assert json.loads(inflated(document("a\ud800b"))) == "a?b"
    with pytest.raises(ValueError, match="not JSON compliant"):
        document([float("nan")])

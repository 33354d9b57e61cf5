"""The document of moments: what is written is read, and anything else is refused."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import open_run
from store.errors import RunFormatError, SchemaVersionError, SpecError
from store.reading import moments
from store.reading.bookmarks import (
    _FIELDS,
    MOST_BYTES,
    MOST_MOMENTS,
    MOST_NOTE_CHARACTERS,
    Bookmark,
    parse,
    render,
)
from tests.store.conftest import digest

TOUR = (
    Bookmark(20, "edges appear", layer="conv1", unit=2, probe=4, tab="layers", view="Feature maps"),
    Bookmark(3, "<b>bold</b>\nand a second line", target=-1),
    Bookmark(100),
)


def document(*items: Any, run_id: str = "r", **changes: Any) -> bytes:
    return json.dumps(
        {"moments_version": 1, "run_id": run_id, "moments": list(items), **changes}
    ).encode()


def read(content: bytes) -> tuple[Bookmark, ...] | None:
    return parse(content, where="tour.json", run_id="r")


numbers = st.none() | st.integers(0, 2**53 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
bookmarks = st.builds(
    Bookmark,
    step=st.integers(0, 2**53 - 1),
    note=texts,
    layer=st.none() | texts,
    unit=numbers,
    probe=numbers,
    target=st.none() | st.integers(-1, 9),
    tab=st.none() | texts,
    view=st.none() | texts,
    created=st.just("2026-01-01T00:00:00+00:00"),
)


@given(st.lists(bookmarks, max_size=5))
def test_what_is_written_is_read(tour: list[Bookmark]) -> None:
    assert read(render(tour, run_id="r")) == tuple(tour)
    assert parse(render(tour, run_id="r"), where="", run_id="another") is None


def test_a_document_by_hand_needs_steps_alone_and_may_hold_more() -> None:
    found = read(document({"step": 5}, {"step": 7, "note": "n", "colour": "red"}, author="me"))
    assert found == (Bookmark(5, id="0"), Bookmark(7, "n", id="1"))


def test_every_field_is_checked_and_explained() -> None:
    assert list(_FIELDS) == ["id", *(each.name for each in fields(Bookmark) if each.name != "id")]
    text = Path(__file__).parents[3].joinpath("SCHEMA.md").read_text(encoding="utf-8")
    section = text.split("## Moments")[1].split("\n## ")[0]
    for name in (*_FIELDS, "moments_version", "run_id", "moments"):
        assert f"`{name}`" in section
    assert f"at most {MOST_MOMENTS}" in section
    assert f"{MOST_NOTE_CHARACTERS:,} characters" in section
    assert f"{MOST_BYTES // 1024**2} MiB" in section


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no moments"),
        (b"\xff\xfe", "holds no moments"),
        (b"[" * 100_000, "holds no moments"),
        (b"[]", "not an object"),
        (b" " * (MOST_BYTES + 1), "more than 4,194,304 bytes"),
        (document(moments={}), "moments should be a list"),
        (document(moments_version=None), "moments_version should be 1, got None"),
        (document(moments_version=True), "moments_version should be 1, got True"),
        (document(7), "moment 1 should be an object, got 7"),
        (document({}), "step of moment 1 should be a whole number from 0 on, got None"),
        (document({"step": -1}), "got -1"),
        (document({"step": 1.0}), "got 1.0"),
        (document({"step": float("nan")}), "got nan"),
        (document({"step": True}), "got True"),
        (document({"step": 2**53}), "got 9007199254740992"),
        (document({"step": 1, "note": None}), "note of moment 1 should be a text"),
        (document({"step": 1, "note": "x" * 2001}), "at most 2,000 characters"),
        (document({"step": 1, "note": "\ud800"}), "note of moment 1"),
        (document({"step": 1, "layer": "x" * 201}), "at most 200 characters"),
        (document({"step": 1, "layer": ["a"]}), "layer of moment 1"),
        (document({"step": 1, "target": -2}), "from -1 on"),
        (document({"step": 1, "id": ""}), "not empty"),
        (document({"step": 1, "id": "1"}, {"step": 2}), "has the id '1' of another one"),
        (document(*[{"step": 1}] * 201), "more than 200 moments"),
        (document(*[{"step": -1}] * 100), "and 92 more"),
    ],
)
def test_a_damaged_document_is_refused_with_what_is_wrong(content: bytes, message: str) -> None:
    with pytest.raises(RunFormatError) as caught:
        read(content)
    text = str(caught.value)
    assert text.startswith("tour.json ")
    assert message in text
    assert "Mend the file" in text
    assert len(text) < 3000


def test_a_newer_document_is_refused_with_the_remedy() -> None:
    with pytest.raises(SchemaVersionError, match="pip install --upgrade"):
        read(document(moments_version=2))


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 255))
def test_any_damage_is_our_own_error(junk: bytes, at: int, byte: int) -> None:
    content = bytearray(render(TOUR, run_id="r"))
    content[at % len(content)] = byte
    for damaged in (junk, bytes(content)):
        try:
            found = read(damaged)
        except RunFormatError:
            continue
        assert found is None or all(isinstance(each, Bookmark) for each in found)


@pytest.mark.parametrize(
    ("tour", "message"),
    [
        ([Bookmark(-1)], "step of moment 1"),
        ([Bookmark(1, "x" * 2001)], "note of moment 1"),
        ([Bookmark(1, id="a"), Bookmark(2, id="a")], "moment 2 has the id 'a'"),
        ([Bookmark(step) for step in range(201)], "more than 200 moments; delete some"),
        ([Bookmark(step, "\x01" * 2000) for step in range(200)], "they take"),
    ],
)
def test_what_could_not_be_read_is_not_written(
    live_run: Path, monkeypatch: pytest.MonkeyPatch, tour: list[Bookmark], message: str
) -> None:
    if "take" in message:
        monkeypatch.setattr("store.reading.bookmarks.MOST_BYTES", 1_000_000)
    run = open_run(live_run)
    moments.save(run, TOUR)
    before = digest(live_run)
    with pytest.raises(SpecError, match=message):
        moments.edit(run, lambda _: tour)
    assert digest(live_run) == before

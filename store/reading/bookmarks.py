"""Bookmarks of a training and the JSON document that holds them; it may come from a stranger.

Its size is bounded, and all of it is checked on reading.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from store.errors import RunFormatError, SchemaVersionError, SpecError
from store.storage.location import MAX_PROBLEMS_SHOWN

FORMAT_VERSION = 1

# Far above any real tour. A document that keeps the first three is smaller than `MOST_BYTES`.
MOST_MOMENTS = 200
MOST_NOTE_CHARACTERS = 2000
MOST_NAME_CHARACTERS = 200
MOST_BYTES = 4 * 1024 * 1024
# Exact in JavaScript as well.
MOST_NUMBER = 2**53 - 1


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True, slots=True)
class Bookmark:
    """One moment: where to look, when, and why. What is None is left as it is on screen.

    Attributes
    ----------
    step : int
        Recorded step: optimizer updates done.
    note : str
        What there is to see.
    layer : str or None
        Selected layer.
    unit, probe : int or None
        Selected unit and probe, counted from 0.
    target : int or None
        Explained class; -1: the predicted one.
    part : str or None
        Selected part of a run of several models.
    tab, view : str or None
        Group of views, and the title of the one to look at.
    created : str or None
        When it was marked, ISO 8601.
    id : str
        Unique among the moments of a run.
    """

    step: int
    note: str = ""
    layer: str | None = None
    unit: int | None = None
    probe: int | None = None
    target: int | None = None
    tab: str | None = None
    view: str | None = None
    part: str | None = None
    created: str | None = None
    id: str = field(default_factory=_new_id)

    def as_json(self) -> dict[str, Any]:
        """Give the bookmark as a JSON object, without what it leaves open."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def render(bookmarks: Sequence[Bookmark], *, run_id: str) -> bytes:
    """Document of some moments.

    Raises
    ------
    SpecError
        Too many, or one of them is not as it must be; every problem is listed.
    """
    items = [bookmark.as_json() for bookmark in bookmarks]
    found = _problems(items)
    content = b""
    if not found:
        document = {"moments_version": FORMAT_VERSION, "run_id": run_id, "moments": items}
        content = json.dumps(document, ensure_ascii=False, indent=1).encode()
        if len(content) > MOST_BYTES:
            found = [f"they take {len(content):,} bytes, of at most {MOST_BYTES:,}"]
    if found:
        raise SpecError("The moments cannot be kept:" + _listing(found))
    return content


def parse(content: bytes, *, where: str, run_id: str) -> tuple[Bookmark, ...] | None:
    """Check a document and give its moments; None if they belong to another run.

    Parameters
    ----------
    content : bytes
        The document; what is longer than `MOST_BYTES` is refused.
    where : str
        Where it was found, for messages.
    run_id : str
        The run that they must belong to.

    Raises
    ------
    RunFormatError
        It is damaged; the message lists what is wrong.
    SchemaVersionError
        It was written by a newer Trainlapse.
    """
    try:
        if len(content) > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES:,} bytes")
        document = json.loads(content)
        if not isinstance(document, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError) as error:
        raise RunFormatError(f"{where} holds no moments ({error}). {_REMEDY}") from error
    version: Any = document.get("moments_version")
    if _is_number(version) and version > FORMAT_VERSION:
        raise SchemaVersionError(
            f"{where} was written in version {version}; this Trainlapse reads up to "
            f"{FORMAT_VERSION}. Upgrade with: pip install --upgrade trainlapse"
        )
    if document.get("run_id") != run_id:
        return None  # of a run that was at this place before
    found = []
    if not _is_number(version, FORMAT_VERSION):
        found.append(f"moments_version should be {FORMAT_VERSION}, got {version!r:.80}")
    items: Any = document.get("moments")
    if isinstance(items, list):
        items = [
            {"id": str(place), "note": "", **item} if isinstance(item, dict) else item
            for place, item in enumerate(items[: MOST_MOMENTS + 1])
        ]
    found += _problems(items)
    if found:
        raise RunFormatError(f"{where} is damaged:{_listing(found)}\n{_REMEDY}")
    known = {each.name for each in fields(Bookmark)}
    return tuple(
        Bookmark(**{key: value for key, value in item.items() if key in known}) for item in items
    )


_REMEDY = "Mend the file, or move it away: a new one is then begun."


def _listing(problems: Sequence[str]) -> str:
    hidden = len(problems) - MAX_PROBLEMS_SHOWN
    more = [f"and {hidden} more"] if hidden > 0 else []
    return "".join(f"\n- {problem}" for problem in [*problems[:MAX_PROBLEMS_SHOWN], *more])


def _problems(items: Any) -> list[str]:
    """Everything that is wrong with a list of moments, as plain JSON."""
    if not isinstance(items, list):
        return [f"moments should be a list, got {items!r:.80}"]
    found = []
    if len(items) > MOST_MOMENTS:
        found.append(f"there are more than {MOST_MOMENTS} moments; delete some")
    ids: set[str] = set()
    for place, item in enumerate(items[:MOST_MOMENTS], start=1):
        if not isinstance(item, dict):
            found.append(f"moment {place} should be an object, got {item!r:.80}")
            continue
        for name, (expected, fits) in _FIELDS.items():
            value = item.get(name)
            if not fits(value) and not (value is None and name not in _NEEDED):
                found.append(f"{name} of moment {place} should be {expected}, got {value!r:.80}")
        own = item.get("id")
        if isinstance(own, str) and own in ids:
            found.append(f"moment {place} has the id {own!r:.80} of another one")
        ids.add(str(own))
    return found


def _is_number(value: Any, least: int = 0) -> bool:
    return type(value) is int and least <= value <= MOST_NUMBER


def _is_text(value: Any, most: int = MOST_NAME_CHARACTERS) -> bool:
    if not isinstance(value, str) or len(value) > most:
        return False
    try:
        value.encode()  # half a surrogate pair is no text
    except UnicodeEncodeError:
        return False
    return True


_NUMBER = ("a whole number from 0 on", _is_number)
_NAME = (f"a text of at most {MOST_NAME_CHARACTERS} characters", _is_text)
_NEEDED = ("id", "step", "note")
_FIELDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "id": ("a text that is not empty", lambda value: _is_text(value) and value != ""),
    "step": _NUMBER,
    "note": (
        f"a text of at most {MOST_NOTE_CHARACTERS:,} characters",
        lambda value: _is_text(value, MOST_NOTE_CHARACTERS),
    ),
    "layer": _NAME,
    "unit": _NUMBER,
    "probe": _NUMBER,
    "target": ("a whole number from -1 on", lambda value: _is_number(value, -1)),
    "tab": _NAME,
    "view": _NAME,
    "part": _NAME,
    "created": _NAME,
}


# -- of a part of a run ------------------------------------------------------------------------


def within(
    bookmarks: Iterable[Bookmark],
    *,
    steps: Collection[int],
    probes: Sequence[int] | None = None,
    notes: bool = True,
) -> tuple[Bookmark, ...]:
    """Moments that a part of a run still has.

    Parameters
    ----------
    bookmarks : iterable of Bookmark
        Those of the whole run.
    steps : collection of int
        Steps that are left.
    probes : sequence of int, optional
        Positions of the probes that are left; moments follow theirs to its new position.
    notes : bool
        Whether notes are kept.
    """
    places = None if probes is None else {probe: at for at, probe in enumerate(sorted(set(probes)))}
    kept = []
    for bookmark in bookmarks:
        if bookmark.step not in steps:
            continue
        probe = bookmark.probe
        if places is not None and probe is not None:
            probe = places.get(probe)
        kept.append(replace(bookmark, probe=probe, note=bookmark.note if notes else ""))
    return tuple(kept)

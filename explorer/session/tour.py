"""Moments of a run on a page: saved when the browser marks them, and shown as a tour."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from explorer.data.run import RunData
from explorer.selection import TABS, UNCHOSEN, class_count, unit_counts
from explorer.widgets.time.moments import Moments
from explorer.worker import in_worker
from store.errors import TrainlapseError
from store.live.commit import timestamp
from store.reading import moments as stored_moments
from store.reading.bookmarks import Bookmark

logger = logging.getLogger(__name__)

# Parts of the selection that a bookmark holds, as `Selection.choice` names them.
CHOSEN = ("layer", "unit", "probe", "target", "tab")

Change = Callable[[tuple[Bookmark, ...]], Iterable[Bookmark]]


class Tour:
    """Moments of a run, on one page.

    Parameters
    ----------
    data : RunData
        The run.
    channel : str
        Name of the page's clock.

    Attributes
    ----------
    widget : Moments
        The widget to place below the time control.
    """

    def __init__(self, data: RunData, channel: str = "main") -> None:
        self._data = data
        self._deleted: tuple[int, Bookmark] | None = None
        self.widget = Moments(self._apply, channel=channel, sizing_mode="stretch_width", margin=0)
        in_worker(data, self._read, self._show)

    def adopt(self, data: RunData) -> None:
        """Take over a newer reading of the run."""
        self._data = data
        in_worker(data, self._read, self._show)

    # -- what the browser wants --------------------------------------------------------------

    def _apply(self, wanted: Mapping[str, Any]) -> None:
        """Apply one change to the moments as they are stored; the page shows why if it fails."""
        try:
            change = self._changes()[wanted["do"]](wanted)
            bookmarks = stored_moments.edit(self._data.run, change)
        except (AttributeError, LookupError, TypeError):  # malformed, or deleted by another page
            logger.warning("Nothing that can be done to moments: %.200r", wanted)
            self._show(self._read())
        except (TrainlapseError, OSError) as error:
            self.widget.problem = str(error)
        else:
            self._show(bookmarks)

    def _changes(self) -> Mapping[Any, Callable[[Mapping[str, Any]], Change]]:
        return {
            "add": self._add,
            "edit": self._edit,
            "delete": self._delete,
            "move": self._move,
            "undo": self._undo,
        }

    def _add(self, wanted: Mapping[str, Any]) -> Change:
        made = bookmark_at(
            self._data,
            wanted["index"],
            wanted["choice"],
            note=wanted.get("note", ""),
            view=wanted.get("view"),
        )
        return lambda old: (*old, made)

    def _edit(self, wanted: Mapping[str, Any]) -> Change:
        own, note = wanted["id"], wanted["note"]
        return lambda old: [replace(each, note=note) if each.id == own else each for each in old]

    def _delete(self, wanted: Mapping[str, Any]) -> Change:
        own = wanted["id"]

        def change(old: tuple[Bookmark, ...]) -> Iterable[Bookmark]:
            at = _place(old, own)
            self._deleted = (at, old[at])
            return (*old[:at], *old[at + 1 :])

        return change

    def _undo(self, _: Mapping[str, Any]) -> Change:
        if self._deleted is None:
            raise KeyError("undo")
        at, bookmark = self._deleted

        def change(old: tuple[Bookmark, ...]) -> Iterable[Bookmark]:
            self._deleted = None
            return (*old[:at], bookmark, *old[at:])

        return change

    def _move(self, wanted: Mapping[str, Any]) -> Change:
        own, by = wanted["id"], 1 if wanted["by"] > 0 else -1

        def change(old: tuple[Bookmark, ...]) -> Iterable[Bookmark]:
            at = _place(old, own)
            rest = [*old[:at], *old[at + 1 :]]
            rest.insert(max(0, at + by), old[at])
            return rest

        return change

    # -- what the browser shows --------------------------------------------------------------

    def _read(self) -> tuple[Bookmark, ...] | str:
        try:
            return stored_moments.load(self._data.run)
        except (TrainlapseError, OSError) as error:
            return f"The moments of this run cannot be read: {error}"
        except Exception as error:
            logger.exception("Moments cannot be read")
            return f"The moments of this run cannot be read: {type(error).__name__}"

    def _show(self, found: tuple[Bookmark, ...] | str) -> None:
        problem = found if isinstance(found, str) else ""
        bookmarks = () if isinstance(found, str) else found
        undo = "" if self._deleted is None else f"Deleted: {_named(self._deleted[1])}."
        self.widget.param.update(
            moments=describe(self._data, bookmarks), problem=problem, undo=undo
        )


def bookmark_at(
    data: RunData, index: int, choice: Mapping[str, Any], *, note: str = "", view: str | None = None
) -> Bookmark:
    """Make a bookmark of a selection at a recorded step.

    Parameters
    ----------
    data : RunData
        The run.
    index : int
        Position of the step among the recorded ones.
    choice : mapping
        As from `Selection.choice`. A name that is missing or None is left open.
    note : str
        The user's note.
    view : str, optional
        Title of the view that the moment is about.

    Raises
    ------
    IndexError
        There is no recorded step at the position.
    """
    steps = data.timeline.steps
    if type(index) is not int or not 0 <= index < len(steps):
        raise IndexError(f"position {index!r} is not among the {len(steps)} recorded steps")
    chosen: dict[str, Any] = {name: choice.get(name) for name in CHOSEN}
    part = data.run.part or None
    return Bookmark(int(steps[index]), note, **chosen, view=view, part=part, created=timestamp())


def describe(
    data: RunData,
    bookmarks: Iterable[Bookmark],
    *,
    steps: Sequence[int] | None = None,
    probes: Sequence[int] | None = None,
    place: str = "run",
) -> list[dict[str, Any]]:
    """Describe bookmarks for the widget `Moments`.

    Parameters
    ----------
    data : RunData
        The run.
    bookmarks : iterable of Bookmark
        In the order of the tour.
    steps, probes : sequence of int, optional
        Positions of the recorded steps, and numbers of the probes, that the page has; by default
        all. The positions that a description holds are among these.
    place : str
        What the page shows, as the sentence on missing parts names it.

    Returns
    -------
    list of dict
        ``id, step, index, note, place, go, view, missing`` of each bookmark: ``go`` is the
        selection as far as the page has it, ``missing`` a sentence on what it does not have.
    """
    bookmarks = list(bookmarks)
    if not bookmarks:
        return []
    available = _Available(data, steps, probes, place)
    return [available.describe(bookmark) for bookmark in bookmarks]


class _Available:
    """The steps, layers, units, probes and classes that a page has."""

    def __init__(
        self,
        data: RunData,
        steps: Sequence[int] | None,
        probes: Sequence[int] | None,
        place: str,
    ) -> None:
        run = data.run
        every = data.timeline.steps
        self._steps = every if steps is None else every[list(steps)]
        self._units = unit_counts(run)
        if probes is None:  # without probes, pages select probe 0
            probes = range(max(1, run.probe.size if run.probe else 0))
        self._probes = {number: at for at, number in enumerate(probes)}
        self._classes = class_count(run)
        self._place = place
        self._part = run.part

    def describe(self, bookmark: Bookmark) -> dict[str, Any]:
        go, missing = self._go(bookmark)
        lacks = f"This {self._place} has no {' and no '.join(missing)}." if missing else ""
        if bookmark.part is not None and bookmark.part != self._part:
            go, lacks = {}, f"This is of the part {bookmark.part!r}: choose it beside the network."
        return {
            "id": bookmark.id,
            "step": bookmark.step,
            "index": self._index(bookmark.step),
            "note": bookmark.note,
            "place": _named(bookmark),
            "go": go,
            "view": bookmark.view or "",
            "missing": lacks,
        }

    def _index(self, step: int) -> int:
        if not len(self._steps):
            return 0
        within = min(max(step, int(self._steps[0])), int(self._steps[-1]))
        return int(abs(self._steps - within).argmin())

    def _go(self, bookmark: Bookmark) -> tuple[dict[str, Any], list[str]]:
        missing = []
        if bookmark.step not in self._steps:
            missing.append(f"step {bookmark.step}")
        go: dict[str, Any] = {}
        layer, unit, probe = bookmark.layer, bookmark.unit, bookmark.probe
        if layer is not None and layer not in self._units:
            missing.append(f"layer {layer!r}")
        elif layer is not None:
            go["layer"] = layer
            if unit is not None and unit < max(1, self._units[layer]):
                go["unit"] = unit
            elif unit is not None:
                missing.append(f"unit {unit} in {layer}")
        if probe in self._probes:
            go["probe"] = self._probes[probe]
        elif probe is not None:
            missing.append(f"probe {probe}")
        target = bookmark.target
        if target is not None and (target == UNCHOSEN or target < self._classes):
            go["target"] = target
        if bookmark.tab in TABS:
            go["tab"] = bookmark.tab
        return go, missing


def _named(bookmark: Bookmark) -> str:
    """Name the selection of a bookmark in a line."""
    parts = [f"step {bookmark.step}", *([bookmark.part] if bookmark.part else [])]
    if bookmark.layer is not None:
        parts.append(bookmark.layer)
        if bookmark.unit is not None:
            parts.append(f"unit {bookmark.unit}")
    if bookmark.probe is not None:
        parts.append(f"probe {bookmark.probe}")
    if bookmark.view:
        parts.append(bookmark.view)
    return " · ".join(parts)


def _place(bookmarks: tuple[Bookmark, ...], own: str) -> int:
    """Position of a bookmark by its id; KeyError if it has been deleted."""
    for at, each in enumerate(bookmarks):
        if each.id == own:
            return at
    raise KeyError(own)

"""The tour of a replay: the moments of the run whose step and layer are in the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from explorer.data.run import RunData
from explorer.replay.contents import Contents
from explorer.session.tour import describe
from store.reading.bookmarks import Bookmark

# Note of an export without moments; whether the run has any is not read.
NOT_REQUESTED = "Moments of the run and their notes, if it has any, were left out: not asked for."
NOTES_INCLUDED = "Their notes are in the file as they were written; --no-moments leaves them out."

Tour = Sequence[Bookmark]


def kept(data: RunData, tour: Tour, contents: Contents) -> list[Bookmark]:
    """Return the moments whose step and layer are among the contents."""
    return [each for each in tour if missing(data, each, contents) is None]


def missing(data: RunData, bookmark: Bookmark, contents: Contents) -> str | None:
    """Return what the contents lack of a moment, "part", "step" or "layer"; None: nothing."""
    steps = data.timeline.steps
    if bookmark.part not in (None, data.run.part):
        return "part"
    if bookmark.step not in steps[list(contents.steps)]:
        return "step"
    if bookmark.layer is not None and bookmark.layer not in contents.layers:
        return "layer"
    return None


def positions(data: RunData, tour: Tour, contents: Contents) -> frozenset[int]:
    """Positions of the recorded steps of the moments that the contents can show."""
    of_tour = {each.step for each in kept(data, tour, contents)}
    steps = data.timeline.steps
    return frozenset(at for at in contents.steps if int(steps[at]) in of_tour)


def described(data: RunData, tour: Tour, contents: Contents) -> list[dict[str, Any]]:
    """Describe the moments for the widget `Moments`, by positions in the file."""
    plain = [replace(each, tab=None, view=None) for each in kept(data, tour, contents)]
    return describe(data, plain, steps=contents.steps, probes=contents.probes, place="file")


def summary(
    data: RunData, tour: Tour, wanted: Contents, part: Contents
) -> tuple[list[str], list[str]]:
    """Say in sentences which moments a file holds, and why others are left out.

    Parameters
    ----------
    data : RunData
        The run.
    tour : sequence of Bookmark
        Moments of the run.
    wanted, part : Contents
        What was requested, and what is in the file.

    Returns
    -------
    held : list of str
        One sentence; empty for a run without moments.
    left_out : list of str
        One sentence; empty if no moment is left out.
    """
    if not tour:
        return [], []
    there = len(kept(data, tour, part))
    reasons: Counter[str] = Counter()
    for bookmark in tour:
        unasked, dropped = (missing(data, bookmark, each) for each in (wanted, part))
        if unasked is not None:
            reasons[f"whose {unasked} was not asked for"] += 1
        elif dropped is not None:
            reasons[f"whose {dropped} was left out to keep the file small"] += 1
    held = [f"Moments in this file: {there} of {len(tour)}."]
    said = "; ".join(f"{count} {why}" for why, count in reasons.items())
    return held, [f"Moments left out: {said}."] if said else []

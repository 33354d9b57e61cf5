"""Find the card, the selection and the steps that a command names, in a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

from explorer.data.run import RunData
from explorer.selection import Selection, chosen_part, select_in
from explorer.views.base import Region, Scene, View, fits
from explorer.views.registry import views
from store import Run
from store.errors import StepNotRecordedError, TrainlapseError, did_you_mean


class SelectionError(TrainlapseError, ValueError):
    """The run does not have what was named."""


@dataclass(frozen=True)
class Target:
    """What a command saves: a card or the whole dashboard, at a selection.

    Attributes
    ----------
    data : RunData
        The run.
    selection : Selection
        Layer, unit, probe, explained class, time axis and tab.
    view : View or None
        View of the card; None: the dashboard.
    """

    data: RunData
    selection: Selection
    view: View | None

    def scene(self, index: int) -> Scene:
        """Scene of the card at a recorded step, by its position."""
        return Scene(self.data, self.selection.key(), index)


def select(run: Run, card: str | None, **chosen: Any) -> Target:
    """Find the card and the selection that a command names.

    Parameters
    ----------
    run : Run
        The run.
    card : str or None
        Title of a card, or its beginning or a part, if no other title has that; None: dashboard.
    **chosen
        Values of the selection, and the part, by name, None for the default. Without a layer, a
        card that is not for the run's default layer shows the first layer that it is for.

    Raises
    ------
    SelectionError
        The run has no step, or there is no such card, layer, unit, probe or class, or the card has
        nothing to show.
    """
    query = {name: value for name, value in chosen.items() if value is not None}
    run = chosen_part(run, query)
    data = RunData(run)
    if not len(run):
        raise SelectionError(f"{run.name!r} has no recorded step yet.")
    selection = _checked(run, query)
    if card is None:
        return Target(data, selection, None)
    view = _view_titled(card, [view for view in every_view() if view.applies(data)])
    if not fits(view, data, selection.layer):
        served = [layer for layer in run.layers if fits(view, data, layer)]
        if not served:
            raise SelectionError(f"No layer of this run is for the card {view.title!r}.")
        if "layer" in query:
            raise SelectionError(
                f"The card {view.title!r} is not for the layer {selection.layer!r}. "
                f"{did_you_mean(selection.layer, served)}"
            )
        selection = _checked(run, {**query, "layer": served[0]})
    target = Target(data, selection, view)
    missing = view.requirement(target.scene(0))
    if missing is not None:
        raise SelectionError(f"{view.title}: {missing}")
    return target


def _checked(run: Run, query: dict[str, Any]) -> Selection:
    selection, warnings = select_in(run, query)
    if warnings:
        raise SelectionError(" ".join(warnings))
    return selection


def every_view() -> list[View]:
    """All views of the explorer, region by region."""
    return [view for region in get_args(Region) for view in views(region)]


def _view_titled(wanted: str, offered: list[View]) -> View:
    folded = wanted.strip().casefold()
    by_title = {view.title.casefold(): view for view in offered}
    for near in (
        [title for title in by_title if title == folded],
        [title for title in by_title if title.startswith(folded)],
        [title for title in by_title if folded in title],
    ):
        if len(near) == 1 and folded:
            return by_title[near[0]]
    titles = [view.title for view in offered]
    near_title = did_you_mean(wanted, titles).partition(" There are:")[0]
    suggestion = f"{near_title} " if near_title.startswith("Did") else ""
    raise SelectionError(f"There is no card {wanted!r}. {suggestion}There are: {_lines(titles)}")


def _lines(titles: Iterable[str]) -> str:
    return "".join(f"\n  {title}" for title in titles)


def indices_between(run: Run, first: int | None, last: int | None, every: int = 1) -> list[int]:
    """Positions of the recorded steps from `first` to `last`, both included.

    Parameters
    ----------
    run : Run
        The run, with at least one step.
    first, last : int or None
        Numbers of optimizer updates; None: the first, or last, recorded step.
    every : int
        Keep one of this many.

    Raises
    ------
    StepNotRecordedError
        No step was recorded between them.
    """
    steps = run.steps
    low = int(steps[0]) if first is None else first
    high = int(steps[-1]) if last is None else last
    found = [index for index, step in enumerate(steps) if low <= step <= high]
    if not found:
        raise StepNotRecordedError(
            f"No step from {low} to {high} was recorded; recorded are {len(steps)} steps from "
            f"{steps[0]} to {steps[-1]}."
        )
    return found[::every]


def index_at(run: Run, step: int | None) -> int:
    """Position of a recorded step; of the last one for None.

    Parameters
    ----------
    run : Run
        The run, with at least one step.
    step : int or None
        Number of optimizer updates.

    Raises
    ------
    StepNotRecordedError
        The step was not recorded; the nearest ones are named.
    """
    steps = run.steps
    if step is None:
        return len(steps) - 1
    at = int(steps.searchsorted(step))
    if at < len(steps) and steps[at] == step:
        return at
    near = " and ".join(str(steps[other]) for other in (at - 1, at) if 0 <= other < len(steps))
    raise StepNotRecordedError(f"Step {step} was not recorded; the nearest recorded is {near}.")

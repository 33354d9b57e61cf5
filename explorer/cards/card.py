"""A card shows one view: its heading, caption, picture and numbers."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import panel as pn
from cachetools import LRUCache

from explorer.cards.films import CardFilms
from explorer.data.absence import Absence, Lack, Unfit
from explorer.data.run import RunData
from explorer.selection import SelectionKey
from explorer.views.base import (
    DIMMED,
    KEPT_PICTURES,
    KEPT_SENTENCES,
    Failure,
    Scene,
    Unfinished,
    View,
    fits,
)
from explorer.widgets.page.beside import columns
from explorer.widgets.page.card_head import CardHead
from explorer.widgets.page.one_of import OneOf
from explorer.widgets.page.states import CONTENT, UNSEEN
from explorer.worker import OutOfTimeError, TimeLimit, in_worker
from store.errors import TrainlapseError

logger = logging.getLogger(__name__)
# Height of a card before its first picture, about as much as after it. If cards were lower, those
# further down would be on screen for a moment, and be drawn before those that stay there.
EMPTY_PX = 400
CARD_STYLE = """
:host {
  background: var(--tl-card);
  border: 1px solid var(--tl-line);
  border-radius: 10px;
  padding: 12px 14px;
  box-sizing: border-box;
}
"""


@dataclasses.dataclass(frozen=True)
class Stopped:
    """Why a picture was not computed to its end."""

    why: str


class Card:
    """Shows a view, and redraws it when what it depends on has changed and the card is on screen.

    Parameters
    ----------
    view : View
        What is shown.
    data : RunData
        The run.
    channel : str
        Clock of the page.
    current : callable
        Returns the selection, and the position of the step on screen among the recorded ones.
    lazy : bool
        Draw nothing until the browser reports that the card is on screen.
    numbers : bool
        Offer to save the numbers behind the picture.
    films : bool
        Offer films of it, over the steps of `data`.
    """

    def __init__(
        self,
        view: View,
        data: RunData,
        channel: str,
        current: Callable[[], tuple[SelectionKey, int]],
        *,
        lazy: bool = False,
        numbers: bool = True,
        films: bool = True,
    ) -> None:
        self.view = view
        self._data = data
        self._channel = channel
        self._current = current
        self._followed: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._nothing: LRUCache[tuple[Any, ...], Absence] = LRUCache(KEPT_SENTENCES)
        self._asked: tuple[Any, ...] | None = None
        self._missing: Any = None  # an absence, a failure, or None
        self._shown: tuple[Any, ...] | None = None
        self._outdated: tuple[Any, ...] | None = (
            None  # the key on screen, drawn from an earlier reading of the run
        )
        self._part: tuple[Any, ...] | None = None  # the key of a picture that is not whole yet
        self._stopped: tuple[tuple[Any, ...], Stopped] | None = None  # what is not to be computed
        self.head = card_head(
            view.title,
            wanted=self._save if numbers else None,
            channel=channel,
            seen=not lazy,
            state=UNSEEN,
            source=data.run.name,
        )
        if films:
            self.head.films_from(CardFilms(self.head, view, self._on_screen))
        self.pictures = OneOf(KEPT_PICTURES, min_height=EMPTY_PX)
        self.panel = framed(self.head, self.pictures, width=view.width)
        self.head.param.watch(lambda _: self.update(), "seen")
        self.head.param.watch(lambda _: self._cancel(), "cancels")
        self.head.param.watch(lambda _: self._retry(), "retries")

    def update(self, deadline: float = 0.0) -> None:
        """Show what is selected now, if the card is on screen.

        Parameters
        ----------
        deadline : float
            As of `explorer.worker.in_worker`.
        """
        scene = self._scene()
        key = self.view.key(scene.selected)
        if key != self._asked:
            self._asked = key
            self._missing = self._guard(lambda: self._absence(scene))
        self.panel.visible = self.absence is None
        if self.absence is not None or not self.head.seen:
            return
        if key == self._shown:
            failure = self._guard(lambda: self._follow(key, scene, self.pictures.get(key)))
            if isinstance(failure, Failure):
                self._say(failure)
            return
        self._shown = key
        self._leave_part()
        if self._missing is not None:
            self._say(self._missing)
        elif key in self._nothing:
            self._say(self._nothing[key], scene)
        elif key in self.pictures:
            self._show(key, scene)
        elif self._stopped is not None and key == self._stopped[0]:
            self._say(self._stopped[1])
        else:
            self._compute(scene, key, deadline)

    @property
    def absence(self) -> Absence | None:
        """Why the card is hidden for what is selected; None if it is shown."""
        return self._missing if isinstance(self._missing, Unfit | Lack) else None

    def renew(self, data: RunData) -> None:
        """Show a newer reading of the run. The picture on screen stays until it is redrawn."""
        self._data = data
        self.pictures.forget()
        self._part = None
        self._followed.clear()
        self._nothing.clear()
        self._stopped = None
        if self.head.state == CONTENT:
            self._outdated = self._shown
        self._asked = self._shown = None
        self.update()

    def _absence(self, scene: Scene) -> Absence | None:
        """Say why there is no picture, before anything is computed."""
        if not fits(self.view, self._data, scene.selected.layer):
            return Unfit()  # needs no sentence
        return self.view.requirement(scene)

    def _compute(self, scene: Scene, key: tuple[Any, ...], deadline: float) -> None:
        failure = self._guard(lambda: self.view.prepare(scene))
        if isinstance(failure, Failure):
            self._say(failure)
            return
        self._stopped = None
        self.head.begin(renewing=key == self._outdated)
        self._go_on(scene, key, lambda: self.view.compute(scene), TimeLimit(), deadline)

    def _go_on(
        self,
        scene: Scene,
        key: tuple[Any, ...],
        make: Callable[[], Any],
        limit: TimeLimit,
        deadline: float = 0.0,
    ) -> None:
        """Compute a picture, or continue to compute it, in the worker."""

        def is_wanted() -> bool:
            # Who went away and came back has asked twice: the first whole picture is enough.
            is_whole = key in self.pictures and key != self._part
            return key == self._shown and self._stopped is None and not is_whole

        def use(made: Any) -> None:
            if not is_wanted():
                return
            if isinstance(made, Unfinished):
                if made.so_far is not None:
                    self._draw_meanwhile(scene, key, made.so_far)
                progress(made.share)
                self._go_on(scene, key, made.go_on, limit, deadline)
            elif isinstance(made, Stopped):
                self._stop(made)
            else:
                self._leave_part()
                self._draw(scene, key, made)

        def progress(share: float) -> None:
            if is_wanted():
                self.head.share = share

        in_worker(
            self._data,
            lambda: self._guard(make),
            use,
            deadline=deadline,
            progress=progress,
            wanted=is_wanted,
            limit=limit,
        )

    def _cancel(self) -> None:
        """Compute no further what is being computed."""
        if self.head.busy:
            self._stop(Stopped("It was cancelled."))

    def _stop(self, why: Stopped) -> None:
        assert self._shown is not None
        self._stopped = self._shown, why
        self._leave_part()
        self._say(why)

    def _retry(self) -> None:
        """Compute what was stopped, from the beginning."""
        if self._stopped is not None:
            self._stopped = self._shown = None
            self.update()

    def _draw_meanwhile(self, scene: Scene, key: tuple[Any, ...], so_far: Any) -> None:
        """Show a part of a picture, while the rest of it is computed."""
        self._leave_part()
        self._draw(scene, key, so_far)
        if self.head.state == CONTENT:
            self._part = key
            self.head.begin(renewing=True)

    def _leave_part(self) -> None:
        """Keep no part of a picture; on screen it stays until something else is shown."""
        if self._part is not None:
            self.pictures.release(self._part)
            self._part = None

    def _draw(self, scene: Scene, key: tuple[Any, ...], outcome: Any) -> None:
        selected, index = self._current()
        if self.view.key(selected) != key:  # the card is off screen and shows an older selection
            selected = scene.selected
        scene = dataclasses.replace(scene, selected=selected, index=index)
        if isinstance(outcome, Absence):
            self._nothing[key] = outcome
            self._say(outcome, scene)
            return
        if not isinstance(outcome, Failure):
            computed = outcome
            outcome = self._guard(lambda: pn.panel(self.view.draw(scene, computed)))
        if isinstance(outcome, Failure):
            self._say(outcome)
        else:
            self._show(key, scene, outcome)

    def _show(self, key: tuple[Any, ...], scene: Scene, drawn: Any = None) -> None:
        """Show a new picture, or the one that is kept under the key."""

        def place() -> None:
            self._follow(key, scene, self.pictures.get(key) if drawn is None else drawn)
            caption = self.view.caption(scene)
            with pn.io.hold():  # one message, so that picture and caption always fit each other
                self.head.content(caption=caption)
                self.pictures.min_height = None
                if drawn is None:
                    self.pictures.turn_to(key)
                else:
                    self.pictures.put(key, drawn)  # this renders it
            self._outdated = None

        failure = self._guard(place)
        if isinstance(failure, Failure):
            self.pictures.drop(key)
            self._say(failure)

    def _follow(self, key: tuple[Any, ...], scene: Scene, picture: Any) -> None:
        """Let the view adapt a picture to what it follows, once for each change."""
        now = tuple(getattr(scene.selected, name) for name in self.view.follows)
        if picture is None or not now or self._followed.get(key) == now:
            return
        kept = {*self.pictures.keys, key}
        self._followed = {of: was for of, was in self._followed.items() if of in kept} | {key: now}
        self.view.follow(scene, picture)

    def _say(self, sentence: str | Failure | Stopped, captioned: Scene | None = None) -> None:
        """Show a sentence in place of the picture, below the caption of a scene if one is given."""
        caption = "" if captioned is None else self._guard(lambda: self.view.caption(captioned))
        self._outdated = None
        with pn.io.hold():
            self.pictures.min_height = None
            self.pictures.hide()
            if isinstance(sentence, Failure):
                self.head.fault(str(sentence), caption="")
            elif isinstance(sentence, Stopped):
                self.head.stopped(sentence.why, caption="")
            else:
                known = "" if isinstance(caption, Failure) else caption
                self.head.nothing(sentence, caption=known)

    def _save(self, ending: str, index: int, step: str) -> None:
        """Send the numbers behind the picture: of one step as csv, else of all steps."""
        scene, body = self._on_screen()
        count = 0 if body is None else len(self.view.moments(scene))
        if not 0 <= index < count:
            self.head.decline("There is no picture here to save.")
            return
        indices = [index] if ending == "csv" else range(count)

        def work() -> Any:
            from explorer.cards.files import packed
            from explorer.cards.numbers import numbers_behind

            try:
                return packed(ending, *numbers_behind(self.view, scene, body, indices))
            except TrainlapseError as error:
                return Failure(str(error))
            except Exception as error:
                logger.exception("The numbers behind %r cannot be saved", self.view.title)
                return Failure(f"These numbers cannot be saved: {type(error).__name__}: {error}")

        def use(made: Any) -> None:
            if isinstance(made, Failure):
                self.head.decline(made.message)
            else:
                content, kind = made
                self.head.hand_over(content, kind, step if ending == "csv" else "")

        in_worker(self._data, work, use)

    def _on_screen(self) -> tuple[Scene, Any]:
        """Return what the card shows, and its picture; None if that is not on screen."""
        scene = self._scene()
        picture = self.pictures.get(self.view.key(scene.selected))
        return scene, picture if picture is self.pictures.shown else None

    def _scene(self) -> Scene:
        selected, index = self._current()
        return Scene(self._data, selected, index, self._channel)

    def _guard(self, make: Callable[[], Any]) -> Any:
        """Call `make`. An exception is logged and returned as a sentence for the card."""
        try:
            return make()
        except OutOfTimeError as error:
            return Stopped(str(error))
        except Exception as error:
            logger.exception("View %r failed", self.view.title)
            return Failure(f"{type(error).__name__}: {error}")


def card_head(title: str, **params: Any) -> CardHead:
    """Make a heading that fills the width of its card."""
    return CardHead(title=title, sizing_mode="stretch_width", margin=(0, 0, 8, 0), **params)


def framed(head: CardHead, *content: Any, width: int) -> pn.Column:
    """Put the frame of a card around a heading and content.

    Parameters
    ----------
    head : CardHead
        The heading.
    *content
        Panel objects below it.
    width : int
        Width of the card in columns, of the twelve that the page has.
    """
    return pn.Column(
        head,
        *content,
        stylesheets=[CARD_STYLE, DIMMED],
        styles={
            "grid-column": columns(width),
            "min-width": "0",
            "align-self": "stretch",
            "container-type": "inline-size",  # its content is laid out by the card's width
        },
        sizing_mode="stretch_width",
        margin=0,
    )

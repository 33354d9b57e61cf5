"""A card holds one view: heading, caption, the body for the current selection, its numbers."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

import panel as pn

from explorer.data import RunData
from explorer.state import Moment
from explorer.views.base import Scene, View
from explorer.widgets.beside import columns
from explorer.widgets.card_head import CardHead
from explorer.widgets.one_of import OneOf
from store.errors import TrainlapseError

T = TypeVar("T")

logger = logging.getLogger(__name__)

# Pictures that stay in the page, so that going back to a layer is instant.
KEPT_PICTURES = 3
# Room that a card takes before its first picture, about as much as after it: cards that are on
# screen for a moment only would be drawn before those that stay there.
EMPTY_PX = 400
# In place of what was not computed, since nobody waits for it any more.
SKIPPED = object()

CARD_STYLE = """
:host {
  background: var(--tl-card);
  border: 1px solid var(--tl-line);
  border-radius: 10px;
  padding: 12px 14px;
  box-sizing: border-box;
}
"""


def in_worker(
    data: RunData, compute: Callable[[], T], use: Callable[[T], None], *, until: float = 0.0
) -> None:
    """Compute in the run's worker and use the outcome in the session; without a server, at once.

    Parameters
    ----------
    data : RunData
        The run.
    compute : callable
        May be slow, and must not fail: nobody would hear of it.
    use : callable
        Takes what `compute` returns.
    until : float
        Wait for that as long as the monotonic clock is not there: until it is used, all sessions
        stand still.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        use(compute())
        return

    outcome = data.worker.submit(compute)
    if until and not wait([outcome], max(0.0, until - time.monotonic())).not_done:
        use(outcome.result())
        return

    def hand_over(done: Future[T]) -> None:
        document.add_next_tick_callback(lambda: use(done.result()))

    # What a session is told before its page is there would be lost.
    pn.state.onload(lambda: outcome.add_done_callback(hand_over))


class Card:
    """Shows a view, draws it anew when what it depends on changes and somebody looks.

    Parameters
    ----------
    view : View
        What is shown.
    data : RunData
        The run.
    channel : str
        Clock of the page.
    current : callable
        Returns the selection and the position of the step on screen.
    lazy : bool
        Wait with every picture until the browser says that the card is on screen.
    numbers : bool
        Offer the numbers behind the picture, and films of it; their steps are those of `data`.
    """

    def __init__(
        self,
        view: View,
        data: RunData,
        channel: str,
        current: Callable[[], tuple[Moment, int]],
        *,
        lazy: bool = False,
        numbers: bool = True,
    ) -> None:
        self.view = view
        self._data = data
        self._channel = channel
        self._current = current
        self._followed: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._shown: tuple[Any, ...] | None = None
        self.head = card_head(
            view.title,
            wanted=self._save if numbers else None,
            channel=channel,
            seen=not lazy,
            source=data.run.name,
        )
        if numbers:
            from explorer.export.on_page import CardFilms  # it imports this module

            self.head.films_from(CardFilms(self.head, view, self._on_screen))
        self.pictures = OneOf(KEPT_PICTURES, min_height=EMPTY_PX)
        self.panel = framed(self.head, self.pictures, width=view.width)
        self.head.param.watch(lambda _: self.update(), "seen")

    def update(self, until: float = 0.0) -> None:
        """Bring the card up to the selection, if it is on screen; `until` is as of `in_worker`."""
        scene = self._scene()
        serves = self._guard(lambda: self._serves(scene))
        self.panel.visible = bool(serves)
        key = self.view.key(scene.moment)
        if not serves or not self.head.seen:
            return
        if key == self._shown:
            failure = self._guard(lambda: self._follow(key, scene, self.pictures.get(key)))
            if isinstance(failure, Failure):
                self._say(failure)
            return
        self._shown = key
        missing = self._guard(lambda: self.view.requirement(scene))
        if isinstance(serves, Failure) or missing is not None:
            self._say(serves if isinstance(serves, Failure) else missing)
        elif key in self.pictures:
            self._show(key, scene)
        else:
            self.head.busy = True
            self._compute(scene, key, until)

    def renew(self, data: RunData) -> None:
        """Show a newer reading of the run; the picture stays until it has been drawn anew."""
        self._data = data
        self.pictures.forget()
        self._followed.clear()
        self._shown = None
        self.update()

    def _serves(self, scene: Scene) -> bool:
        if not self.view.applies(self._data):
            return False
        if self.view.region not in ("stage", "layer"):
            return True
        return scene.moment.layer in self._data.run.layers and self.view.serves(scene.layer)

    def _compute(self, scene: Scene, key: tuple[Any, ...], until: float) -> None:
        def work() -> Any:
            # Of quick selections only the last is worth the work.
            if key != self._shown:
                return SKIPPED
            return self._guard(lambda: self.view.compute(scene))

        in_worker(self._data, work, lambda made: self._draw(scene, key, made), until=until)

    def _draw(self, scene: Scene, key: tuple[Any, ...], outcome: Any) -> None:
        if outcome is SKIPPED or key != self._shown or key in self.pictures:
            return  # the selection has moved on, or has been there twice
        self.head.busy = False
        moment, index = self._current()
        if self.view.key(moment) != key:  # out of sight, and not brought up to it
            moment = scene.moment
        scene = dataclasses.replace(scene, moment=moment, index=index)
        if not isinstance(outcome, Failure):
            computed = outcome
            outcome = self._guard(lambda: pn.panel(self.view.draw(scene, computed)))
        if isinstance(outcome, Failure):
            self._say(outcome)
        else:
            self._show(key, scene, outcome)

    def _show(self, key: tuple[Any, ...], scene: Scene, drawn: Any = None) -> None:
        """Put what was drawn, or what is kept for the key, on the page."""

        def place() -> str:
            self._follow(key, scene, self.pictures.get(key) if drawn is None else drawn)
            self.pictures.min_height = None
            if drawn is None:
                self.pictures.turn_to(key)
            else:
                self.pictures.put(key, drawn)  # which renders it
            return self.view.caption(scene)

        caption = self._guard(place)
        if isinstance(caption, Failure):
            self.pictures.drop(key)
            self._say(caption)
        else:
            self.head.param.update(caption=caption, busy=False)

    def _follow(self, key: tuple[Any, ...], scene: Scene, picture: Any) -> None:
        """Adapt a picture to what it follows, once for each change."""
        now = tuple(getattr(scene.moment, name) for name in self.view.follows)
        if picture is None or not now or self._followed.get(key) == now:
            return
        kept = {*self.pictures.keys, key}
        self._followed = {of: was for of, was in self._followed.items() if of in kept} | {key: now}
        self.view.follow(scene, picture)

    def _say(self, sentence: str | Failure) -> None:
        self.head.param.update(caption=str(sentence), busy=False)
        self.pictures.min_height = None
        self.pictures.hide()

    def _save(self, ending: str, index: int, step: str) -> None:
        """Hand the numbers behind the picture to the browser: a table of one step, else all."""
        scene, body = self._on_screen()
        count = len(self._data.run)
        if body is None or not 0 <= index < count:
            self.head.decline("There is no picture here to save.")
            return
        indices = [index] if ending == "csv" else range(count)

        def work() -> Any:
            from explorer.export.files import packed
            from explorer.export.of_view import numbers_behind

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
        """Give what the card shows, and what was drawn for it; None if that is not on screen."""
        scene = self._scene()
        picture = self.pictures.get(self.view.key(scene.moment))
        return scene, picture if picture is self.pictures.shown else None

    def _scene(self) -> Scene:
        moment, index = self._current()
        return Scene(self._data, moment, index, self._channel)

    def _guard(self, make: Callable[[], Any]) -> Any:
        """Return what `make` does; a fault becomes a sentence for the card and a log entry."""
        try:
            return make()
        except Exception as error:
            logger.exception("View %r failed", self.view.title)
            return Failure(f"{type(error).__name__}: {error}")


@dataclasses.dataclass(frozen=True)
class Failure:
    """What went wrong, in place of a result."""

    message: str

    def __str__(self) -> str:
        return f"This picture cannot be drawn: {self.message}"


def card_head(title: str, **params: Any) -> CardHead:
    """Heading that fills the width of its card."""
    return CardHead(title=title, sizing_mode="stretch_width", margin=(0, 0, 8, 0), **params)


def framed(head: CardHead, *content: Any, width: int) -> pn.Column:
    """Put a card around anything: heading, content, columns out of twelve."""
    return pn.Column(
        head,
        *content,
        stylesheets=[CARD_STYLE],
        styles={
            "grid-column": columns(width),
            "min-width": "0",
            "align-self": "stretch",
            "container-type": "inline-size",  # what is on it is laid out by its width
        },
        sizing_mode="stretch_width",
        margin=0,
    )

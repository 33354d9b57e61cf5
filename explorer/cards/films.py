"""Films that are asked for on a page: of its cards, one at a time, gone when the page is left."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import panel as pn
from bokeh.document import Document

from explorer.cards.numbers import widgets_of
from explorer.films.browser import require_browser
from explorer.films.job import FilmJob
from explorer.films.writer import require_gif, require_mp4
from explorer.views.base import Scene, View
from explorer.widgets.page.card_head import FILMS, CardHead, FilmWish
from explorer.widgets.page.choice import Choice
from explorer.worker import in_worker
from store.errors import MissingExtraError

logger = logging.getLogger(__name__)

# A film goes to the browser in parts, between which the server answers others.
PART_BYTES = 1 << 20
# As the command has it.
FPS = (0.1, 60.0)
NO_SERVER = "In a notebook, make it by the command: trainlapse film"


class CardFilms:
    """Films of one card, made as ``trainlapse film`` makes them, in a process of their own.

    Parameters
    ----------
    head : CardHead
        Asks, and is told.
    view : View
        What the card shows.
    current : callable
        Returns what it shows now, and what the view drew for it or None.
    """

    def __init__(
        self, head: CardHead, view: View, current: Callable[[], tuple[Scene, Any]]
    ) -> None:
        self._head, self._view, self._current = head, view, current
        self._told_busy = False

    def offer(self) -> None:
        """Say which films there can be, and which one is being made elsewhere on the page."""
        scene, _ = self._current()
        asked = self._head.film_asked
        page = _page()
        self._head.film_steps = scene.data.timeline.steps.astype(np.float64)
        self._say_busy(page)

        def use(found: tuple[str, list[str]]) -> None:
            lacks, formats = found
            self._head.param.update(
                film_lacks=lacks if page is not None else NO_SERVER,
                film_formats=formats,
                film_answered=asked,
            )

        in_worker(scene.data, _offered, use)

    def make(self, wish: FilmWish) -> None:
        """Begin a film, or say why not."""
        page = _page()
        scene, body = self._current()
        if page is None or self._say_busy(page):
            return
        refusal = _refusal(scene, body, wish)
        if refusal:
            self._head.film_said = refusal
            return
        request = {
            "run": scene.data.run.location,
            "card": self._view.title,
            "fps": wish.fps,
            "first": int(np.ceil(wish.first)),
            "last": int(np.floor(wish.last)),
            "theme": wish.theme,
            "layer": scene.selected.layer or None,
            "unit": scene.selected.unit,
            "probe": scene.selected.probe,
            "target": scene.selected.target,
            "axis": scene.selected.axis,
            "choices": [
                {"title": widget.title, "value": widget.value}
                for widget in widgets_of(body)
                if isinstance(widget, Choice)
            ],
        }
        page.begin(self._head, self._view.title, request, wish.ending)

    def _say_busy(self, page: PageFilms | None) -> bool:
        """Say that another film is being made, while that is so; give whether any is."""
        busy = page is not None and page.job is not None
        if page is not None and busy and page.head is not self._head:
            self._head.film_said, self._told_busy = page.busy_with, True
        elif self._told_busy:
            self._head.film_said, self._told_busy = "", False
        return busy

    def cancel(self) -> None:
        """End the card's film, if one is being made."""
        page = _page()
        if page is not None and page.head is self._head:
            page.cancel()


def _refusal(scene: Scene, body: Any, wish: FilmWish) -> str:
    """Say why there is no such film; an empty text if there is."""
    steps = scene.data.timeline.steps
    if body is None:
        return "There is no picture here to film."
    if not FPS[0] <= wish.fps <= FPS[1]:
        return f"Frames a second are {FPS[0]:g} to {FPS[1]:g}, got {wish.fps:g}."
    if wish.first > wish.last:
        return f"Step {wish.first:g} is after step {wish.last:g}: exchange them."
    if not ((steps >= wish.first) & (steps <= wish.last)).any():
        return f"No step from {wish.first:g} to {wish.last:g} was recorded."
    return ""


class PageFilms:
    """The films of one page, one at a time.

    Attributes
    ----------
    head : CardHead or None
        Of the card whose film is being made.
    job : FilmJob or None
        The film.
    """

    def __init__(self, document: Document) -> None:
        self.head: CardHead | None = None
        self.job: FilmJob | None = None
        self._title = ""
        document.on_session_destroyed(lambda _: self._end())

    @property
    def busy_with(self) -> str:
        """A sentence on the film that is being made."""
        return f"A film of “{self._title}” is being made; one at a time."

    def begin(self, head: CardHead, title: str, request: dict[str, Any], ending: str) -> None:
        """Start a film; the heading is told how far it is, then given the file."""
        document = pn.state.curdoc
        assert document is not None

        def soon(call: Callable[[], None]) -> None:
            document.add_next_tick_callback(lambda: call() if self.job is job else None)

        def told(done: int, count: int) -> None:
            soon(lambda: setattr(head, "film", {"done": done, "count": count}))

        def ended(content: bytes | None, why: str) -> None:
            name = f"steps {request['first']} to {request['last']}"
            if content is None:
                soon(lambda: self._finish(f"The film cannot be made: {why}"))
            else:
                soon(lambda: self._deliver(document, content, ending, name))

        job = None
        try:
            job = FilmJob(request, ending, told, ended)
        except OSError as error:
            logger.exception("The film of %r cannot be begun", title)
            head.film_said = f"The film cannot be made: {type(error).__name__}: {error}"
            return
        self.head, self.job, self._title = head, job, title
        head.param.update(film={"done": 0, "count": 0}, film_said="")

    def cancel(self) -> None:
        """End the film; the card says so."""
        self._finish("The film was cancelled.")

    def _deliver(self, document: Document, content: bytes, ending: str, name: str) -> None:
        """Give the browser a film, part by part."""
        job, head = self.job, self.head
        assert head is not None

        def deliver(begin: int) -> None:
            if self.job is not job:
                return
            end = begin + PART_BYTES
            head.hand_over_film(content[begin:end], ending, name, ends=end >= len(content))
            if end < len(content):
                document.add_next_tick_callback(lambda: deliver(end))
            else:
                self._finish(f"The film is saved: {len(content) / 1000:,.0f} kB.")

        deliver(0)

    def _finish(self, said: str) -> None:
        head = self.head
        self._end()
        if head is not None:
            head.param.update(film={}, film_said=said)

    def _end(self) -> None:
        job, self.job, self.head = self.job, None, None
        if job is not None:
            job.cancel()


_pages: WeakKeyDictionary[Document, PageFilms] = WeakKeyDictionary()


def _page() -> PageFilms | None:
    """Films of the page that asks; None where no server is behind it, as in a notebook."""
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        return None
    if document not in _pages:
        _pages[document] = PageFilms(document)
    return _pages[document]


def _offered() -> tuple[str, list[str]]:
    """Give what is lacking for any film, and the files that can be made; in a worker thread."""
    try:
        _require_browser()
        require_gif()
    except MissingExtraError as error:
        return str(error), []
    except Exception as error:
        logger.exception("Whether films can be made is not known")
        return f"Films cannot be made here: {type(error).__name__}: {error}", []
    try:
        require_mp4()
    except MissingExtraError:
        return "", ["gif"]
    return "", list(FILMS)


@functools.cache
def _require_browser() -> None:
    require_browser()

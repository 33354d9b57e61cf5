"""Films that are requested on a page: of one card at a time, cancelled when the page is closed."""

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
from explorer.widgets.page.card_head import FILMS, CardHead, FilmRequest
from explorer.widgets.page.choice import Choice
from explorer.worker import in_worker
from store.errors import MissingExtraError

logger = logging.getLogger(__name__)

# Size of the parts in which a film is sent; between two the server answers other requests.
PART_BYTES = 1 << 20
# Least and most frames a second, as for the command.
FPS = (0.1, 60.0)
NO_SERVER = "In a notebook, make it by the command: trainlapse film"


class CardFilms:
    """Films of one card, made as by ``trainlapse film``, in a process of their own.

    Parameters
    ----------
    head : CardHead
        Heading of the card, where films are requested and their progress is shown.
    view : View
        View of the card.
    current : callable
        Returns the scene on the card, and what the view drew for it, or None.
    """

    def __init__(
        self, head: CardHead, view: View, current: Callable[[], tuple[Scene, Any]]
    ) -> None:
        self._head, self._view, self._current = head, view, current
        self._told_busy = False

    def offer(self) -> None:
        """Show which formats are possible, and whether another card's film is being made."""
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

    def make(self, wanted: FilmRequest) -> None:
        """Start a film, or show why it cannot be made."""
        page = _page()
        scene, body = self._current()
        if page is None or self._say_busy(page):
            return
        refusal = _refusal(scene, body, wanted)
        if refusal:
            self._head.film_said = refusal
            return
        request = {
            "run": scene.data.run.location,
            "card": self._view.title,
            "fps": wanted.fps,
            "first": int(np.ceil(wanted.first)),
            "last": int(np.floor(wanted.last)),
            "theme": wanted.theme,
            "part": scene.data.run.part or None,
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
        page.begin(self._head, self._view.title, request, wanted.ending)

    def _say_busy(self, page: PageFilms | None) -> bool:
        """Show whether another card's film is being made; return whether any film is."""
        busy = page is not None and page.job is not None
        if page is not None and busy and page.head is not self._head:
            self._head.film_said, self._told_busy = page.busy_with, True
        elif self._told_busy:
            self._head.film_said, self._told_busy = "", False
        return busy

    def cancel(self) -> None:
        """Cancel the card's film, if it is being made."""
        page = _page()
        if page is not None and page.head is self._head:
            page.cancel()


def _refusal(scene: Scene, body: Any, wanted: FilmRequest) -> str:
    """Say why a film cannot be made; an empty text if it can."""
    steps = scene.data.timeline.steps
    if body is None:
        return "There is no picture here to film."
    if not FPS[0] <= wanted.fps <= FPS[1]:
        return f"Frames a second are {FPS[0]:g} to {FPS[1]:g}, got {wanted.fps:g}."
    if wanted.first > wanted.last:
        return f"Step {wanted.first:g} is after step {wanted.last:g}: exchange them."
    if not ((steps >= wanted.first) & (steps <= wanted.last)).any():
        return f"No step from {wanted.first:g} to {wanted.last:g} was recorded."
    return ""


class PageFilms:
    """The films of one page, one at a time.

    Attributes
    ----------
    head : CardHead or None
        Heading of the card whose film is being made.
    job : FilmJob or None
        The film that is being made.
    """

    def __init__(self, document: Document) -> None:
        self.head: CardHead | None = None
        self.job: FilmJob | None = None
        self._title = ""
        document.on_session_destroyed(lambda _: self._end())

    @property
    def busy_with(self) -> str:
        """Sentence that names the film that is being made."""
        return f"A film of “{self._title}” is being made; one at a time."

    def begin(self, head: CardHead, title: str, request: dict[str, Any], ending: str) -> None:
        """Start a film. The heading gets its progress, and at the end the file.

        Parameters
        ----------
        head : CardHead
            Heading of the card.
        title : str
            Title of the card.
        request : dict
            As for `explorer.films.job.FilmJob`.
        ending : {"mp4", "gif"}
            Format of the film.
        """
        document = pn.state.curdoc
        assert document is not None

        def soon(call: Callable[[], None]) -> None:
            document.add_next_tick_callback(lambda: call() if self.job is job else None)

        def progress(done: int, count: int) -> None:
            soon(lambda: setattr(head, "film", {"done": done, "count": count}))

        def finished(content: bytes | None, why: str) -> None:
            name = f"steps {request['first']} to {request['last']}"
            if content is None:
                soon(lambda: self._finish(f"The film cannot be made: {why}"))
            else:
                soon(lambda: self._deliver(document, content, ending, name))

        job = None
        try:
            job = FilmJob(request, ending, progress, finished)
        except OSError as error:
            logger.exception("The film of %r cannot be begun", title)
            head.film_said = f"The film cannot be made: {type(error).__name__}: {error}"
            return
        self.head, self.job, self._title = head, job, title
        head.param.update(film={"done": 0, "count": 0}, film_said="")

    def cancel(self) -> None:
        """Cancel the film; the card says so."""
        self._finish("The film was cancelled.")

    def _deliver(self, document: Document, content: bytes, ending: str, name: str) -> None:
        """Send a film to the browser, part by part."""
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
    """Films of the current page; None without a server, as in a notebook."""
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        return None
    if document not in _pages:
        _pages[document] = PageFilms(document)
    return _pages[document]


def _offered() -> tuple[str, list[str]]:
    """Return what is missing for any film, and the possible formats; called in a worker thread."""
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

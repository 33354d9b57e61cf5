"""A place for pictures that are computed when they are wanted, within a card."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from typing import Any

import panel as pn
from cachetools import LRUCache

from explorer.data.absence import Absence
from explorer.data.run import RunData
from explorer.views.base import DIMMED, KEPT_SENTENCES, Failure
from explorer.widgets.page.one_of import OneOf
from explorer.widgets.page.sign import Sign
from explorer.widgets.page.states import STOPPED
from explorer.worker import OutOfTimeError, in_worker

logger = logging.getLogger(__name__)


class Awaited(pn.Column):
    """Shows one of several pictures, each computed when it is first wanted.

    Until it is there, the one on screen is dimmed. In place of one that has nothing to show, or
    cannot be drawn, stands a sentence.

    Parameters
    ----------
    data : RunData
        The run, in whose worker thread pictures are computed.
    most : int, optional
        Pictures that are kept.
    channel : str
        Clock of the page.
    **params
        Those of a Column.
    """

    def __init__(
        self, data: RunData, most: int | None = None, *, channel: str = "main", **params: Any
    ) -> None:
        self._data = data
        self._wanted: object = None
        self._last: tuple[Any, ...] = ()  # what was wanted last, to compute it again
        self._nothing: LRUCache[Hashable, Absence] = LRUCache(KEPT_SENTENCES)
        self.sign = Sign(channel=channel, sizing_mode="stretch_width", margin=0)
        self.pictures = OneOf(most)
        self.sign.param.watch(lambda _: self._cancel(), "cancels")
        self.sign.param.watch(lambda _: self._retry(), "retries")
        super().__init__(
            self.sign,
            self.pictures,
            sizing_mode="stretch_width",
            margin=0,
            stylesheets=[DIMMED],
            **params,
        )

    def want(
        self,
        key: Hashable,
        compute: Callable[[], Any],
        draw: Callable[[Any], Any],
        there: Callable[[], None] = lambda: None,
    ) -> None:
        """Show a picture: at once if it is kept, else when it has been computed.

        Parameters
        ----------
        key : hashable
            What it is kept under.
        compute : callable
            Gives what `draw` needs, or `explorer.data.absence.Nothing`; may be slow.
        draw : callable
            Takes what was computed, gives something that Panel shows.
        there : callable, optional
            Called once it is on screen, or a sentence in its place.
        """
        self._wanted = wish = object()
        if key in self.pictures or key in self._nothing:
            self._place(key)
            there()
            return
        self._last = key, compute, draw, there
        self.sign.begin()

        def use(computed: Any) -> None:
            if wish is not self._wanted:
                return
            if isinstance(computed, OutOfTimeError):
                self._stop(str(computed))
                return
            failure = _guarded(key, lambda: self.put(key, computed, draw))
            if isinstance(failure, Failure):
                self.put(key, failure, draw)
            there()

        def progress(share: float) -> None:
            if wish is self._wanted:
                self.sign.share = share

        in_worker(
            self._data,
            lambda: _guarded(key, compute),
            use,
            progress=progress,
            wanted=lambda: wish is self._wanted,
        )

    def _cancel(self) -> None:
        """Compute no further what is being computed."""
        if self.sign.busy:
            self._stop("It was cancelled.")

    def _stop(self, why: str) -> None:
        self._wanted = None
        self.pictures.hide()
        self.sign.stopped(why)

    def _retry(self) -> None:
        """Compute what was stopped, from the beginning."""
        if self.sign.state == STOPPED:
            self.want(*self._last)

    def put(self, key: Hashable, computed: Any, draw: Callable[[Any], Any]) -> None:
        """Show what was computed, and wait for nothing else."""
        self._wanted = None
        if isinstance(computed, Failure):
            self.pictures.hide()
            self.sign.fault(str(computed))
        elif isinstance(computed, Absence):
            self._nothing[key] = computed
            self._place(key)
        else:
            self.pictures.put(key, pn.panel(draw(computed)))
            self.sign.content()

    def drop(self, key: Hashable) -> None:
        """Keep what is under a key no longer; what is on screen stays until something else is."""
        self._nothing.pop(key, None)
        self.pictures.release(key)

    def _place(self, key: Hashable) -> None:
        if key in self._nothing:
            self.pictures.hide()
            self.sign.nothing(self._nothing[key])
        else:
            self.pictures.turn_to(key)
            self.sign.content()


def _guarded(key: Hashable, make: Callable[[], Any]) -> Any:
    """Return what `make` does; a fault becomes a sentence and a log entry."""
    try:
        return make()
    except OutOfTimeError as error:
        return error
    except Exception as error:
        logger.exception("The picture %r cannot be drawn", key)
        return Failure(f"{type(error).__name__}: {error}")

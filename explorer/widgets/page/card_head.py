"""Heading of a card: title, caption, state, and a menu to save picture, numbers and films."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import param

from explorer.widgets.base import script, styles
from explorer.widgets.page.states import States

# Files of numbers that the menu offers.
ENDINGS = ("csv", "npz", "nc")
FILMS = ("mp4", "gif")
THEMES = ("light", "dark")


@dataclass(frozen=True)
class FilmRequest:
    """A film as the menu requests it.

    Attributes
    ----------
    ending : {"mp4", "gif"}
        Format of the film.
    fps : float
        Recorded steps a second.
    first, last : float
        First and last step, as numbers of optimizer updates.
    theme : {"light", "dark"}
        Colours of the page.
    """

    ending: str
    fps: float
    first: float
    last: float
    theme: str


class FilmMaker(Protocol):
    """Makes films for a heading, and sets its parameters to progress and outcome."""

    def offer(self) -> None:
        """Set which formats are possible, and then ``film_answered`` to ``film_asked``."""

    def make(self, request: FilmRequest) -> None:
        """Start a film."""

    def cancel(self) -> None:
        """Cancel the film that is being made."""


class CardHead(States):
    """Shows title, caption and state of a card, and offers to save it.

    It tells Python when the card comes into view. The browser saves pictures of the card by itself;
    numbers and films it requests from Python.

    Parameters
    ----------
    wanted : callable, optional
        Called when numbers are requested, with the ending of the file, the position of the step on
        screen, and the step as text. It answers with `hand_over` or `decline`. Without it, no
        numbers are offered.
    **params
        Parameters of the component.
    """

    title = param.String(default="", doc="Name of the view.")
    caption = param.String(default="", doc="What is shown, in which units, and how to read it.")
    seen = param.Boolean(default=False, doc="Whether the card is on screen, or nearly.")
    source = param.String(default="", doc="Name of the run, for the names of files.")
    numbers = param.Boolean(default=False, doc="Whether the numbers behind it can be saved.")

    films = param.Boolean(default=False, doc="Whether films of it can be requested.")
    film_asked = param.Integer(
        default=0, doc="Number of times the browser has asked which films are possible."
    )
    film_answered = param.Integer(default=0, doc="The last of these that has been answered.")
    film_lacks = param.String(
        default="", doc="What is missing for any film, and how to install it."
    )
    film_formats = param.List(default=list(FILMS), item_type=str, doc="Possible formats.")
    film_steps = param.Array(
        default=np.zeros(0),
        doc="Recorded steps, as numbers of optimizer updates: (step,), float64.",
    )
    film = param.Dict(default={}, doc="Frames ``done`` of ``count``, while one is being made.")
    film_said = param.String(default="", doc="How the last one ended, or why there is none.")

    _esm = script("card_head.js")
    _stylesheets = styles("states", "card_head")

    def __init__(
        self, wanted: Callable[[str, int, str], None] | None = None, **params: Any
    ) -> None:
        self._wanted = wanted
        self._maker: FilmMaker | None = None
        super().__init__(numbers=wanted is not None, **params)

    def films_from(self, maker: FilmMaker) -> None:
        """Offer films in the menu, which `maker` makes."""
        self._maker = maker
        self.films = True
        self.param.watch(lambda _: maker.offer(), "film_asked")

    def hand_over_film(self, part: bytes, ending: str, name: str, *, ends: bool) -> None:
        """Send the browser the next part of a film.

        Parameters
        ----------
        part : bytes
            The part.
        ending : {"mp4", "gif"}
            Format of the film.
        name : str
            End of the file's name.
        ends : bool
            Whether this is the last part.
        """
        content = np.frombuffer(part, np.uint8)
        self._send_msg({"film": {"part": content, "ends": ends, "kind": ending, "name": name}})

    def hand_over(self, content: bytes, ending: str, step: str) -> None:
        """Send the browser a file of numbers to save.

        Parameters
        ----------
        content : bytes
            The file.
        ending : str
            Ending of the file's name.
        step : str
            Step that the file's name holds; empty for all steps.
        """
        file = np.frombuffer(content, np.uint8)
        self._send_msg({"file": file, "ending": ending, "step": step})

    def decline(self, why: str) -> None:
        """Tell the browser why there are no numbers to save."""
        self._send_msg({"error": why})

    def _handle_msg(self, data: Any) -> None:
        """Pass on what the browser requests; malformed requests are ignored."""
        if not isinstance(data, dict):
            return
        if "film" in data:
            self._on_film(data)
            return
        if self._wanted is None:
            return
        ending, index, step = (data.get(name) for name in ("save", "index", "step"))
        if ending in ENDINGS and type(index) is int and isinstance(step, str):
            self._wanted(ending, index, step)

    def _on_film(self, data: dict[str, Any]) -> None:
        if self._maker is None:
            return
        if data["film"] == "cancel":
            self._maker.cancel()
        elif data["film"] == "make":
            request = _film_request(data)
            if request is not None:
                self._maker.make(request)


def _film_request(data: dict[str, Any]) -> FilmRequest | None:
    """Read the browser's request for a film; None if it is malformed."""
    ending, theme = data.get("ending"), data.get("theme")
    fps, first, last = (_number(data.get(name)) for name in ("fps", "first", "last"))
    if ending not in FILMS or theme not in THEMES or fps is None or first is None or last is None:
        return None
    return FilmRequest(ending, fps, first, last, theme)


def _number(value: Any) -> float | None:
    if type(value) is int and abs(value) < 1 << 53:
        return float(value)
    return value if type(value) is float and math.isfinite(value) else None

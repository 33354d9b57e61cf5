"""Heading of a card: title, caption, whether it is on screen, and its picture as a file."""

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
class FilmWish:
    """A film as the menu asks for it.

    Attributes
    ----------
    ending : {"mp4", "gif"}
        What file.
    fps : float
        Recorded steps a second.
    first, last : float
        From which step to which (optimizer updates).
    theme : {"light", "dark"}
        Colours of the page.
    """

    ending: str
    fps: float
    first: float
    last: float
    theme: str


class FilmMaker(Protocol):
    """What a heading asks for films, and tells the outcome by its parameters."""

    def offer(self) -> None:
        """Say which films there can be; ends with ``film_answered`` at ``film_asked``."""

    def make(self, wish: FilmWish) -> None:
        """Begin a film."""

    def cancel(self) -> None:
        """End the film that is being made."""


class CardHead(States):
    """Says what a card shows, and its state; tells Python when the card comes into view; saves it.

    The browser makes pictures of the card by itself. It asks Python for the numbers behind it:
    `wanted` is called with the file's ending and the position of the step on screen, and answers
    by `hand_over` or `decline`. Films are asked from a `FilmMaker`, by `films_from`.
    """

    title = param.String(default="", doc="Name of the view.")
    caption = param.String(default="", doc="What is shown, in which units, and how to read it.")
    seen = param.Boolean(default=False, doc="Whether the card is on screen, or nearly.")
    source = param.String(default="", doc="What the picture is of, for its file.")
    numbers = param.Boolean(default=False, doc="Whether the numbers behind it can be saved.")

    films = param.Boolean(default=False, doc="Whether films of it can be asked for.")
    film_asked = param.Integer(default=0, doc="How often the browser has asked for the offer.")
    film_answered = param.Integer(default=0, doc="Up to which question the offer is known.")
    film_lacks = param.String(default="", doc="What no film can be made without, and the remedy.")
    film_formats = param.List(default=list(FILMS), item_type=str, doc="Files that it can be.")
    film_steps = param.Array(default=np.zeros(0), doc="Recorded steps that it can show.")
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
        """Offer films in the menu."""
        self._maker = maker
        self.films = True
        self.param.watch(lambda _: maker.offer(), "film_asked")

    def hand_over_film(self, part: bytes, ending: str, name: str, *, ends: bool) -> None:
        """Give the browser the next part of a film; `name` ends that of the file."""
        content = np.frombuffer(part, np.uint8)
        self._send_msg({"film": {"part": content, "ends": ends, "kind": ending, "name": name}})

    def hand_over(self, content: bytes, ending: str, step: str) -> None:
        """Give the browser a file of numbers to save; `step` ends its name."""
        file = np.frombuffer(content, np.uint8)
        self._send_msg({"file": file, "ending": ending, "step": step})

    def decline(self, why: str) -> None:
        """Say why there are no numbers to save."""
        self._send_msg({"error": why})

    def _handle_msg(self, data: Any) -> None:
        """Pass on what the browser asks for; anything malformed is ignored."""
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
            wish = _wish(data)
            if wish is not None:
                self._maker.make(wish)


def _wish(data: dict[str, Any]) -> FilmWish | None:
    """Read what the browser asks for; None if that is malformed."""
    ending, theme = data.get("ending"), data.get("theme")
    fps, first, last = (_number(data.get(name)) for name in ("fps", "first", "last"))
    if ending not in FILMS or theme not in THEMES or fps is None or first is None or last is None:
        return None
    return FilmWish(ending, fps, first, last, theme)


def _number(value: Any) -> float | None:
    if type(value) is int and abs(value) < 1 << 53:
        return float(value)
    return value if type(value) is float and math.isfinite(value) else None

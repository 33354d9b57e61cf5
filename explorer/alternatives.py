"""A choice among the pictures of one card, each computed when it is first wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import panel as pn

from explorer.data import RunData
from explorer.views.card import in_worker
from explorer.widgets.choice import Choice
from explorer.widgets.one_of import OneOf

logger = logging.getLogger(__name__)

Compute = Callable[[str], Any]
Draw = Callable[[str, Any], Any]


class Alternatives(pn.Column):
    """Pictures of which one is shown, under the buttons that choose it.

    Parameters
    ----------
    data : RunData
        The run, in whose worker thread pictures are computed.
    options : mapping of str to str
        Text of each picture's button, by its name.
    value : str
        Name of the first picture.
    computed : object
        What `compute` gives for the first picture.
    compute : callable
        Takes a name, gives what `draw` needs; may be slow.
    draw : callable
        Takes a name and what was computed, gives something that Panel shows.
    chosen : callable, optional
        Hears of the name that is chosen.
    title : str
        What is chosen.
    channel : str
        Clock of the page.
    """

    def __init__(
        self,
        data: RunData,
        options: Mapping[str, str],
        value: str,
        computed: Any,
        *,
        compute: Compute,
        draw: Draw,
        chosen: Callable[[str], None] | None = None,
        title: str = "Of",
        channel: str = "main",
    ) -> None:
        self._data, self._compute, self._draw, self._chosen = data, compute, draw, chosen
        self._renewed = 0
        # All stay on the page: back at one, it is there at once, with its place and its cursor.
        self.pictures = OneOf()
        self.choice = Choice(
            title=title, options=dict(options), value=value, channel=channel, margin=0
        )
        super().__init__(
            self.choice,
            self.pictures,
            sizing_mode="stretch_width",
            margin=0,
            styles={"gap": "6px"},
        )
        self._put(value, computed)
        self.choice.param.watch(lambda event: self._on_choice(event.new), "value")

    def renew(self, name: str, text: str, *, compute: Compute, draw: Draw) -> None:
        """Let a picture, and its button, be of something else from now on.

        Parameters
        ----------
        name : str
            Name of the picture.
        text : str
            New text of its button; if it has that already, nothing changes.
        compute, draw : callable
            As in the constructor.
        """
        if name not in self.choice.options or self.choice.options[name] == text:
            return
        self._compute, self._draw = compute, draw
        self._renewed += 1
        self.choice.options = {**self.choice.options, name: text}
        if self.choice.value == name:
            self._make(name)
        else:
            self.pictures.drop(name)

    def _on_choice(self, name: str) -> None:
        if self._chosen is not None:
            self._chosen(name)
        if name in self.pictures:
            self.pictures.turn_to(name)
        else:
            self._make(name)

    def _make(self, name: str) -> None:
        compute, now = self._compute, self._renewed

        def work() -> Any:
            try:
                return compute(name)
            except Exception as error:
                logger.exception("The picture %r cannot be computed", name)
                return error

        def use(computed: Any) -> None:
            if now == self._renewed:  # else it is of what was selected before
                self._put(name, computed)

        in_worker(self._data, work, use)

    def _put(self, name: str, computed: Any) -> None:
        if isinstance(computed, Exception):
            said = f"This picture cannot be drawn: {type(computed).__name__}: {computed}"
            picture: Any = pn.pane.Str(said, margin=0)
        else:
            picture = pn.panel(self._draw(name, computed))
        self.pictures.put(name, picture, show=name == self.choice.value)

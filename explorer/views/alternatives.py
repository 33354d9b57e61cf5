"""A choice among the pictures of one card, each computed when it is first wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import panel as pn

from explorer.data.absence import Nothing
from explorer.data.run import RunData
from explorer.views.awaited import Awaited
from explorer.widgets.page.choice import Choice

Compute = Callable[[str], Any]
Draw = Callable[[str, Any], Any]


class Chosen(NamedTuple):
    """What a view computed for that of its alternatives which is shown first.

    Attributes
    ----------
    name : str
        Which one.
    made : object
        For its picture; `explorer.data.absence.Nothing` if that has nothing to show.
    """

    name: str
    made: Any

    @classmethod
    def of(cls, name: str, made: Any, *, alone: bool = False) -> Chosen | Nothing:
        """Keep both; without alternatives, `Nothing` stands for the whole card."""
        return made if alone and isinstance(made, Nothing) else cls(name, made)


class Alternatives(pn.Column):
    """Pictures of which one is shown, under the buttons that choose it.

    Until the picture of what was chosen is there, the button of the one on screen stays pressed.

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
        Takes a name, gives what `draw` needs, or `explorer.data.absence.Nothing`; may be slow.
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
        self._compute, self._draw, self._chosen = compute, draw, chosen
        # All stay on the page: back at one, it is there at once, with its place and its cursor.
        self.place = Awaited(data, channel=channel)
        self.choice = Choice(
            title=title,
            options=dict(options),
            value=value,
            shown=value,
            channel=channel,
            margin=0,
        )
        super().__init__(
            self.choice,
            self.place,
            sizing_mode="stretch_width",
            margin=0,
            styles={"gap": "6px"},
        )
        self.place.put(value, computed, lambda made: draw(value, made))
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
        self.choice.options = {**self.choice.options, name: text}
        self.place.drop(name)
        if self.choice.shown == name:
            self.choice.shown = ""
        if self.choice.value == name:
            self._want(name)

    def _on_choice(self, name: str) -> None:
        if self._chosen is not None:
            self._chosen(name)
        self._want(name)

    def _want(self, name: str) -> None:
        compute, draw = self._compute, self._draw
        self.choice.waits = True
        self.place.want(
            name,
            lambda: compute(name),
            lambda made: draw(name, made),
            there=lambda: self._there(name),
        )

    def _there(self, name: str) -> None:
        self.choice.param.update(waits=False, shown=name)

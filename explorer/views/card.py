"""A card holds one view: heading, caption, and the body for the current selection."""

from __future__ import annotations

import dataclasses
import html
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import panel as pn

from explorer.data import RunData
from explorer.state import Moment
from explorer.views.base import Scene, View

T = TypeVar("T")

logger = logging.getLogger(__name__)

# Bodies that stay in the page, so that going back to a layer is instant.
KEPT_BODIES = 3

CARD_STYLE = """
:host {
  background: var(--tl-card);
  border: 1px solid var(--tl-line);
  border-radius: 10px;
  padding: 12px 14px;
  box-sizing: border-box;
}
"""


def in_worker(data: RunData, compute: Callable[[], T], use: Callable[[T], None]) -> None:
    """Compute in the run's worker and use the outcome in the session; without a server, at once.

    Parameters
    ----------
    data : RunData
        The run.
    compute : callable
        May be slow, and must not fail: nobody would hear of it.
    use : callable
        Takes what `compute` returns.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        use(compute())
        return

    def work() -> None:
        outcome = compute()
        document.add_next_tick_callback(lambda: use(outcome))

    data.worker.submit(work)


class Card:
    """Shows a view, draws it anew when what it depends on changes.

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
    """

    def __init__(
        self,
        view: View,
        data: RunData,
        channel: str,
        current: Callable[[], tuple[Moment, int]],
    ) -> None:
        self.view = view
        self._data = data
        self._channel = channel
        self._current = current
        self._bodies: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._shown: tuple[Any, ...] | None = None
        self._caption = pn.pane.HTML("", margin=(0, 0, 8, 0), sizing_mode="stretch_width")
        self._holder = pn.Column(margin=0, sizing_mode="stretch_width")
        self.panel = framed(view.title, self._caption, self._holder, width=view.width)

    def update(self) -> None:
        """Bring the card up to the selection."""
        scene = self._scene()
        serves = self._guard(lambda: self._serves(scene))
        self.panel.visible = bool(serves)
        key = self.view.key(scene.moment)
        if not serves or key == self._shown:
            return
        self._shown = key
        missing = self._guard(lambda: self.view.requirement(scene))
        if isinstance(serves, Failure) or missing is not None:
            self._say(serves if isinstance(serves, Failure) else missing)
        elif key in self._bodies:
            self._show(key, scene)
        else:
            self._say("Computing …")
            self._compute(scene, key)

    def _serves(self, scene: Scene) -> bool:
        if self.view.region == "run":
            return True
        return scene.moment.layer in self._data.run.layers and self.view.serves(scene.layer)

    def _compute(self, scene: Scene, key: tuple[Any, ...]) -> None:
        in_worker(
            self._data,
            lambda: self._guard(lambda: self.view.compute(scene)),
            lambda outcome: self._draw(scene, key, outcome),
        )

    def _draw(self, scene: Scene, key: tuple[Any, ...], outcome: Any) -> None:
        if key != self._shown or key in self._bodies:
            return  # the selection has moved on, or has been there twice
        if not isinstance(outcome, Failure):
            now = dataclasses.replace(scene, index=self._current()[1])
            computed = outcome
            outcome = self._guard(lambda: pn.panel(self.view.draw(now, computed)))
        if isinstance(outcome, Failure):
            self._say(outcome)
            return
        self._bodies[key] = outcome
        while len(self._bodies) > KEPT_BODIES:
            self._bodies.popitem(last=False)
        self._show(key, scene)

    def _show(self, key: tuple[Any, ...], scene: Scene) -> None:
        caption = self._guard(lambda: self._place(key, scene))
        if isinstance(caption, Failure):
            del self._bodies[key]
            self._holder[:] = list(self._bodies.values())
            self._say(caption)
        else:
            self._caption.object = _paragraph(caption)

    def _place(self, key: tuple[Any, ...], scene: Scene) -> str:
        """Put a body on the page, which renders it, and return its caption."""
        self._bodies.move_to_end(key)
        for other, body in self._bodies.items():
            body.visible = other == key
        self._holder[:] = list(self._bodies.values())
        return self.view.caption(scene)

    def _say(self, sentence: str | Failure) -> None:
        self._caption.object = _paragraph(str(sentence))
        for body in self._bodies.values():
            body.visible = False

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


def framed(title: str, *content: Any, width: int) -> pn.Column:
    """Put a card around anything: heading, content, columns out of twelve."""
    heading = f'<h3 style="margin:0;font-size:14px;font-weight:650">{html.escape(title)}</h3>'
    return pn.Column(
        pn.pane.HTML(heading, margin=0),
        *content,
        stylesheets=[CARD_STYLE],
        styles={"grid-column": f"span {width}", "min-width": "0", "align-self": "stretch"},
        sizing_mode="stretch_width",
        margin=0,
    )


def _paragraph(text: str) -> str:
    style = "margin:1px 0 0;color:var(--tl-muted);font-size:12px"
    return f'<p style="{style}">{html.escape(text)}</p>'

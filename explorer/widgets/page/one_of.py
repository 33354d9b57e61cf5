"""Several pictures in one place: one is on screen, the others stay in the page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import panel as pn


class OneOf(pn.Column):
    """Pictures by a key, of which one is shown or none; going back to one costs nothing.

    Each stands in a frame of its own, and it is the frame that is hidden. Bokeh hides by a style
    sheet inside of an element, so a picture that is laid out by a ``display`` among its styles
    could not be hidden itself.

    Parameters
    ----------
    most : int, optional
        Pictures that are kept; the one that was not shown for the longest time goes first.
    **params
        Those of a Column.
    """

    def __init__(self, most: int | None = None, **params: Any) -> None:
        self._most = most
        self._frames: OrderedDict[Hashable, pn.Column] = OrderedDict()
        super().__init__(sizing_mode="stretch_width", margin=0, **params)

    def __contains__(self, key: object) -> bool:
        """Whether there is a picture under a key."""
        return key in self._frames

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """Keys of the pictures, that of the one which was shown last at the end."""
        return tuple(self._frames)

    @property
    def shown(self) -> Any:
        """The picture on screen; None if there is none."""
        return self.get(self._key_shown())

    def get(self, key: Hashable) -> Any:
        """Give the picture under a key; None if there is none."""
        frame = self._frames.get(key)
        return None if frame is None else frame[0]

    def put(self, key: Hashable, picture: Any, *, show: bool = True) -> None:
        """Add a picture, in place of one that has its key, and show it.

        Raises
        ------
        Exception
            What the picture raises when it becomes part of the page. The page is then as before,
            but shows none.
        """
        before = self._key_shown()
        self._frames.pop(key, None)
        self._frames[key] = pn.Column(picture, sizing_mode="stretch_width", margin=0)
        while self._most is not None and len(self._frames) > self._most:
            self._frames.popitem(last=False)
        try:
            self._arrange(key if show else before)
        except Exception:
            del self._frames[key]
            self.hide()
            raise

    def turn_to(self, key: Hashable) -> None:
        """Show the picture under a key in place of the one on screen."""
        self._frames.move_to_end(key)
        self._arrange(key)

    def hide(self) -> None:
        """Show none; all are kept."""
        self._arrange(None)

    def drop(self, key: Hashable) -> None:
        """Take a picture out of the page."""
        if self._frames.pop(key, None) is not None:
            self._arrange(self._key_shown())

    def release(self, key: Hashable) -> None:
        """Keep a picture no longer; on screen it stays until another one is shown, or none."""
        frame = self._frames.get(key)
        if frame is not None and not frame.visible:
            self.drop(key)
        else:
            self._frames.pop(key, None)

    def forget(self) -> None:
        """Keep none; the one on screen stays there until another one is shown, or none."""
        self._frames.clear()

    def _key_shown(self) -> Hashable | None:
        return next((key for key, frame in self._frames.items() if frame.visible), None)

    def _arrange(self, shown: Hashable | None) -> None:
        with pn.io.hold():  # one message: never two pictures on screen, or none in between
            for key, frame in self._frames.items():
                frame.visible = key == shown
            frames = list(self._frames.values())
            staying = [frame for frame in self if frame in frames]
            arranged = staying + [frame for frame in frames if frame not in staying]
            if arranged != list(self):
                self[:] = arranged

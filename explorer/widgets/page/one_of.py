"""Several pictures in one place: one is on screen, the others are hidden in the page."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import panel as pn


class OneOf(pn.Column):
    """Pictures by key, of which at most one is shown. To show a kept one again costs nothing.

    Each picture is in a frame, and it is the frame that is hidden: Bokeh hides an element by a
    style sheet inside of it, which a ``display`` among the picture's own styles would override.

    Parameters
    ----------
    most : int, optional
        Number of pictures that are kept; the least recently shown is dropped first.
    **params
        Parameters of the Column.
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
        """Keys of the pictures; the most recently shown one is the last."""
        return tuple(self._frames)

    @property
    def shown(self) -> Any:
        """The picture on screen; None if there is none."""
        return self.get(self._key_shown())

    def get(self, key: Hashable) -> Any:
        """Return the picture under a key; None if there is none."""
        frame = self._frames.get(key)
        return None if frame is None else frame[0]

    def put(self, key: Hashable, picture: Any, *, show: bool = True) -> None:
        """Add a picture, in place of the one under the key.

        Parameters
        ----------
        key : hashable
            Key of the picture.
        picture : Viewable
            The picture.
        show : bool
            Whether to show it in place of the one on screen.

        Raises
        ------
        Exception
            What is raised while the picture is put on the page. It is not kept then, and none is
            shown.
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
        """Hide the picture on screen; all are kept."""
        self._arrange(None)

    def drop(self, key: Hashable) -> None:
        """Remove a picture from the page."""
        if self._frames.pop(key, None) is not None:
            self._arrange(self._key_shown())

    def release(self, key: Hashable) -> None:
        """Drop a picture. If it is on screen, it stays there until another one is shown."""
        frame = self._frames.get(key)
        if frame is not None and not frame.visible:
            self.drop(key)
        else:
            self._frames.pop(key, None)

    def forget(self) -> None:
        """Drop all pictures. The one on screen stays there until another one is shown."""
        self._frames.clear()

    def _key_shown(self) -> Hashable | None:
        return next((key for key, frame in self._frames.items() if frame.visible), None)

    def _arrange(self, shown: Hashable | None) -> None:
        with pn.io.hold():  # one message, so that never two or none are on screen in between
            for key, frame in self._frames.items():
                frame.visible = key == shown
            frames = list(self._frames.values())
            staying = [frame for frame in self if frame in frames]
            arranged = staying + [frame for frame in frames if frame not in staying]
            if arranged != list(self):
                self[:] = arranged

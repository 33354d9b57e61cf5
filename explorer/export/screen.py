"""The explorer in a headless browser: pictures of a card, or of the whole page, at any step."""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from explorer.films.browser import bundled_browser, find_browser, playwright_library
from explorer.plots.style import CHANNEL
from explorer.server import app
from explorer.server.server import HOST
from explorer.widgets.base import script
from store import Run
from store.errors import TrainlapseError

FLAGS = ("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
# A heavy view of a large run takes a minute to compute, once.
TIMEOUT_MS = 180_000
# Height of the page before the size of the card is known: what is below the window is not drawn.
FIRST_HEIGHT = 2400


class DrawingError(TrainlapseError, RuntimeError):
    """The browser did not draw the page, or drew it without a picture."""


class Screen:
    """An open page of the explorer; made by `opened`.

    Parameters
    ----------
    page : playwright Page
        Page that shows the explorer, with the functions of ``stage.js`` as ``window.stage``.
    alone : bool
        Whether the page shows a single card.
    """

    def __init__(self, page: Any, *, alone: bool) -> None:
        self._page = page
        self._alone = alone
        self._box: dict[str, float] = {}

    def show(self, index: int) -> None:
        """Go to a recorded step and wait until everything is drawn.

        Parameters
        ----------
        index : int
            Position of the step among the recorded ones.

        Raises
        ------
        DrawingError
            It takes longer than `TIMEOUT_MS`, or the card has nothing to show at the step.
        """
        _within_timeout(self._page, "([index, ms]) => stage.show(index, ms)", [index, TIMEOUT_MS])
        absence = self._page.evaluate("stage.absence()")
        if absence:
            raise DrawingError(f"There is nothing to draw: the card says {absence!r}")

    def choose(self, choices: Sequence[Mapping[str, str]]) -> None:
        """Set options of the card, and wait until it is redrawn.

        Parameters
        ----------
        choices : sequence of mapping
            ``title`` and ``value`` of widgets `explorer.widgets.page.choice.Choice`; those that are
            not on the card are ignored.

        Raises
        ------
        DrawingError
            It takes longer than `TIMEOUT_MS`.
        """
        for choice in choices:
            call = "([choice, ms]) => stage.choose(choice, ms)"
            _within_timeout(self._page, call, [dict(choice), TIMEOUT_MS])

    def fit(self, indices: list[int]) -> None:
        """Set the size of all pictures to that of the largest one among some steps.

        Parameters
        ----------
        indices : list of int
            Positions of recorded steps. Width and height are rounded up to even pixels.

        Raises
        ------
        DrawingError
            As of `show`.
        """
        boxes = []
        for index in indices:
            self.show(index)
            boxes.append(self._page.evaluate("stage.box()"))
        box = dict(boxes[0])
        for side in ("width", "height"):
            box[side] = 2 * math.ceil(max(other[side] for other in boxes) / 2)
        if self._alone:
            size = self._page.viewport_size
            self._page.set_viewport_size({"width": size["width"], "height": int(box["height"])})
        self._box = box

    def png(self) -> bytes:
        """Take a PNG picture of what is on screen, of the size that `fit` has set."""
        return bytes(self._page.screenshot(clip=self._box, animations="disabled", caret="hide"))

    def svg(self) -> str:
        """Return the card as an SVG document with texts and lines."""
        return str(self._page.evaluate("stage.svg()"))

    def pdf(self, svg: str) -> bytes:
        """Return a PDF of one page, made from an SVG document, as from `svg`."""
        sheet = self._page.context.new_page()
        try:
            sheet.set_content(svg)
            sheet.add_style_tag(content="body { margin: 0 } svg { display: block }")
            width, height = sheet.evaluate(
                "() => { const { width, height } = document.querySelector('svg')"
                ".getBoundingClientRect(); return [width, height] }"
            )
            # Rounded up: a page that is too low by a fraction of a pixel is followed by another.
            size = {"width": f"{math.ceil(width)}px", "height": f"{math.ceil(height) + 1}px"}
            return bytes(sheet.pdf(print_background=True, **size))
        finally:
            sheet.close()


@contextmanager
def opened(
    run: Run,
    query: Mapping[str, Any],
    *,
    card: str | None = None,
    width: int,
    height: int = FIRST_HEIGHT,
    scale: float = 1,
) -> Iterator[Screen]:
    """Serve a run on this machine, and open it in a headless browser.

    Parameters
    ----------
    run : Run
        The run.
    query : mapping
        Parameters of the page's address: the selection, and ``theme``.
    card : str, optional
        Title of a card, to be shown without the rest of the page.
    width, height : int
        Size of the page in pixels; `height` is not used for a card.
    scale : float
        Pixels of a picture for each pixel of the page.

    Yields
    ------
    Screen
        The open page.

    Raises
    ------
    MissingExtraError
        Playwright, or a browser, is not installed.
    DrawingError
        The browser fails, or the page does not have the card.
    """
    library = playwright_library()
    with _as_drawing_error(library.Error), library.sync_playwright() as playwright:
        path = find_browser() or bundled_browser(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            with served(run) as address:
                context = browser.new_context(
                    # Even, as frames of an mp4 must be.
                    viewport={
                        "width": width + width % 2,
                        "height": height + height % 2 if card is None else FIRST_HEIGHT,
                    },
                    device_scale_factor=scale,
                )
                try:
                    page = context.new_page()
                    page.goto(f"{address}&{urlencode(query)}")
                    yield _screen_of(page, card)
                finally:
                    context.close()  # the page must close before its server stops
        finally:
            browser.close()


@contextmanager
def _as_drawing_error(fault: type[Exception]) -> Iterator[None]:
    """Raise `DrawingError` with one line in place of an error of the browser."""
    try:
        yield
    except fault as error:
        said = str(error).strip().partition("\n")[0]
        raise DrawingError(f"The browser failed: {said}") from error


@contextmanager
def served(run: Run) -> Iterator[str]:
    """Serve a run in a thread.

    Yields
    ------
    str
        Address of the page, with the server's token: parameters are added after ``&``.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    server = app.server([run], port=port)
    server.start()
    try:
        yield server.address
    finally:
        server.end()


def _screen_of(page: Any, card: str | None) -> Screen:
    _wait(page, f"window.Bokeh?.documents?.length && window.trainlapseClocks?.has('{CHANNEL}')")
    page.evaluate(script("stage.js"))
    page.evaluate(
        "([channel, card]) => { window.stage = stageOf(channel, card); }", [CHANNEL, card]
    )
    _wait(page, "stage.isReady()")
    if card is not None and not page.evaluate("stage.isolate()"):
        raise DrawingError(f"The card {card!r} is not on the page.")
    return Screen(page, alone=card is not None)


def _wait(page: Any, condition: str) -> None:
    page.wait_for_function(f"() => Boolean({condition})", timeout=TIMEOUT_MS)


def _within_timeout(page: Any, call: str, argument: Any) -> None:
    fault = page.evaluate(call, argument)
    if fault:
        raise DrawingError(
            f"The picture was not finished within {TIMEOUT_MS / 1000:.0f} seconds: {fault}."
        )

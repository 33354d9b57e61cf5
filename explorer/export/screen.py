"""The explorer in a headless browser: a card, or the whole page, brought to a step and taken."""

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
PATIENCE_MS = 180_000
# While a card is looked at for the first time, it must fit: what is below may not be drawn.
TALL = 2400


class DrawingError(TrainlapseError, RuntimeError):
    """The browser did not draw what was asked for."""


class Screen:
    """A page of the explorer; made by `opened`.

    Parameters
    ----------
    page : playwright Page
        Shows the explorer, with ``stage`` on its window.
    alone : bool
        Whether the page shows one card alone.
    """

    def __init__(self, page: Any, *, alone: bool) -> None:
        self._page = page
        self._alone = alone
        self._box: dict[str, float] = {}

    def show(self, index: int) -> None:
        """Bring the page to a recorded step, by its position, and wait until all is drawn.

        Raises
        ------
        DrawingError
            It takes longer than `PATIENCE_MS`, or the card has nothing to show there.
        """
        _patiently(self._page, "([index, ms]) => stage.show(index, ms)", [index, PATIENCE_MS])
        absence = self._page.evaluate("stage.absence()")
        if absence:
            raise DrawingError(f"There is nothing to draw: the card says {absence!r}")

    def choose(self, choices: Sequence[Mapping[str, str]]) -> None:
        """Choose among a card's own options, and wait for what that brings.

        Parameters
        ----------
        choices : sequence of mapping
            ``title`` and ``value`` of widgets `explorer.widgets.page.choice.Choice`; what is not on
            the card is left out.

        Raises
        ------
        DrawingError
            It takes longer than `PATIENCE_MS`.
        """
        for choice in choices:
            call = "([choice, ms]) => stage.choose(choice, ms)"
            _patiently(self._page, call, [dict(choice), PATIENCE_MS])

    def fit(self, indices: list[int]) -> None:
        """Fix the size of pictures to the largest card among some steps, in even pixels."""
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
        """Take a picture of what is on screen, of the size that `fit` found."""
        return bytes(self._page.screenshot(clip=self._box, animations="disabled", caret="hide"))

    def svg(self) -> str:
        """Draw the card as an SVG with texts and lines."""
        return str(self._page.evaluate("stage.svg()"))

    def pdf(self) -> bytes:
        """Draw the card as a PDF of one page, from the SVG."""
        svg = self.svg()
        sheet = self._page.context.new_page()
        try:
            sheet.set_content(svg)
            sheet.add_style_tag(content="body { margin: 0 } svg { display: block }")
            width, height = sheet.evaluate(
                "() => { const { width, height } = document.querySelector('svg')"
                ".getBoundingClientRect(); return [width, height] }"
            )
            # Rounded up: a sheet that is too short by a hair has a second page.
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
    height: int = TALL,
    scale: int = 1,
) -> Iterator[Screen]:
    """Serve a run on this machine, and open it in a headless browser.

    Parameters
    ----------
    run : Run
        The run.
    query : mapping
        Parameters of the page's address: the selection, and ``theme``.
    card : str, optional
        Title of a card, to be alone on the page.
    width, height : int
        Size of the page in pixels; that of a card finds its own height.
    scale : int
        Pixels of a picture for each pixel of the page.

    Raises
    ------
    MissingExtraError
        Playwright, or a browser, is not installed.
    DrawingError
        The page does not come up.
    """
    library = playwright_library()
    with _named(library.Error), library.sync_playwright() as playwright:
        path = find_browser() or bundled_browser(playwright.chromium.executable_path)
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            with served(run) as address:
                context = browser.new_context(
                    # Even: a film's pictures must be.
                    viewport={
                        "width": width + width % 2,
                        "height": height + height % 2 if card is None else TALL,
                    },
                    device_scale_factor=scale,
                )
                try:
                    page = context.new_page()
                    page.goto(f"{address}?{urlencode(query)}")
                    yield _staged(page, card)
                finally:
                    context.close()  # the page goes before its server
        finally:
            browser.close()


@contextmanager
def _named(fault: type[Exception]) -> Iterator[None]:
    """Turn a fault of the browser into one of ours, in a line."""
    try:
        yield
    except fault as error:
        said = str(error).strip().partition("\n")[0]
        raise DrawingError(f"The browser failed: {said}") from error


@contextmanager
def served(run: Run) -> Iterator[str]:
    """Serve a run in a thread; give its address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    server = app.server([run], port=port)
    server.start()
    try:
        yield server.address
    finally:
        server.end()


def _staged(page: Any, card: str | None) -> Screen:
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
    page.wait_for_function(f"() => Boolean({condition})", timeout=PATIENCE_MS)


def _patiently(page: Any, call: str, argument: Any) -> None:
    fault = page.evaluate(call, argument)
    if fault:
        raise DrawingError(
            f"The picture was not finished within {PATIENCE_MS / 1000:.0f} seconds: {fault}."
        )

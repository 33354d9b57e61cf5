"""A real headless Chromium, pages that are watched while a test drives them, and an explorer."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from explorer.server.gate import TOKEN_VARIABLE
from explorer.server.server import HOST
from recorder.presets.training import record_preset
from store import Run, RunWriter, open_run
from store.testing import append_steps, image_run_spec, text_run_spec, write_run
from tests.e2e.watching import PATIENCE_MS, SERVER_TOKEN, Contexts, PageWatch, computed

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    # Nothing that is drawn needs it, and it would be drawn by the processor, slowly.
    "--disable-software-rasterizer",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    # Whatever asks for another host gets no answer, on a developer's machine too.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)
expect.set_options(timeout=PATIENCE_MS)

PageChecker = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Browser]:
    """The system's Chromium, started once."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium_path, args=list(CHROMIUM_FLAGS)
        )
        yield running
        running.close()


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Contexts:
    """What pages are opened in."""
    return Contexts(browser)


@pytest.fixture
def page_checker(contexts: Contexts) -> PageChecker:
    """Open a watched page: ``with page_checker(viewport={"width": 1920, "height": 1080}) as page``.

    Leaving the block without an error of its own fails for a console error, an uncaught error or
    a request that left the machine. Arguments are those of a Playwright context.
    """

    @contextmanager
    def checked(**options: Any) -> Iterator[Page]:
        with contexts.watched(**options) as (page, watch):
            yield page
            watch.check(page)

    return checked


# Pictures out of sight are not drawn: so high that the selected layer's is in sight, and not so
# high that all cards below it are drawn as well, which takes longer than most tests.
VIEWPORT: ViewportSize = {"width": 1280, "height": 1200}
# Above the pictures of a text there is one picture more.
VIEWPORT_OF_TEXTS: ViewportSize = {"width": 1280, "height": 1600}


@pytest.fixture
def watched_page(page_checker: PageChecker) -> Iterator[Page]:
    """A page of the size `VIEWPORT` whose problems fail the test, see `page_checker`."""
    with page_checker(viewport=VIEWPORT) as page:
        yield page


# -- the explorer -----------------------------------------------------------------------------

PIXELS = """
(canvas) => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum = (31 * sum + data[i]) % 2147483647;
  return sum;
}
"""

# Served side by side by one explorer, as `trainlapse demo` does.
RUNS = ("lenet", "image", "text", "one", "empty", "live")

# The main picture of the selected layer, among all grids on the page.
STAGE = ", ".join(
    f'canvas[data-index][aria-label^="{title} of "]:visible'
    for title in ("Feature maps", "Unit activations")
)

Open = Callable[..., None]


def recorded_once(factory: pytest.TempPathFactory, preset: str, **options: Any) -> Path:
    """Path of a recording that all processes of a test run share; the first one makes it."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    named = "-".join(f"{name}{value}" for name, value in sorted(options.items()))
    path = folder / f"{preset}-{named}.zarr"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            unfinished = path.with_suffix(f".{os.getpid()}.zarr")
            record_preset(preset, unfinished, progress=False, **options)
            unfinished.rename(path)
    return path


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunWriter]:
    """A run of which three steps have been recorded so far; for one test alone."""
    writer = RunWriter.create(tmp_path_factory.mktemp("live") / "live.zarr", image_run_spec("live"))
    append_steps(writer, 0, 1, 2)
    writer.commit()
    yield writer
    writer.abandon()


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, recording: RunWriter) -> dict[str, Run]:
    """LeNet on real digits for one epoch, and synthetic runs, by name; `recording` is live.

    LeNet's is for reading: tests in another process read it, too.
    """
    folder = tmp_path_factory.mktemp("runs")
    paths = {name: folder / f"{name}.zarr" for name in RUNS} | {"live": recording.path}
    paths["lenet"] = recorded_once(tmp_path_factory, "lenet-mnist", epochs=1)
    write_run(paths["image"], image_run_spec("an <i>image</i> run"), steps=(0, 1, 2, 5))
    write_run(paths["text"], text_run_spec())
    write_run(paths["one"], image_run_spec(), steps=(0,))
    write_run(paths["empty"], image_run_spec(), steps=(), finished=False)
    return {name: open_run(path) for name, path in paths.items()}


def unused_port() -> int:
    """Give a port that no other test run on this machine will be given in a moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


FAULT = re.compile(r".*(?:Traceback|ERROR|[A-Z]\w+Warning|[A-Z]\w+Error).*")


def no_fault_in(log: Path) -> None:
    """Fail for a fault that a server has logged."""
    logged = log.read_text()
    assert not FAULT.search(logged), logged


@contextmanager
def serving(command: Sequence[str], port: int, log: Path) -> Iterator[str]:
    """Address of an explorer in a process of its own; what it logs must hold no fault."""
    with spoken_to(command, port, log) as (address, _):
        yield address


@contextmanager
def spoken_to(
    command: Sequence[str], port: int, log: Path
) -> Iterator[tuple[str, Callable[[], None]]]:
    """Address of such an explorer, and what gives it a line to read."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=os.environ | {TOKEN_VARIABLE: SERVER_TOKEN},
        )

        def speak() -> None:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()

        try:
            deadline = time.monotonic() + 60
            while not answers(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield f"http://{HOST}:{port}", speak
        finally:
            process.terminate()
            process.communicate(timeout=30)
    no_fault_in(log)


@pytest.fixture(scope="session")
def server_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `server` logs."""
    return tmp_path_factory.mktemp("log") / "server.txt"


@pytest.fixture(scope="session")
def server(runs: dict[str, Run], server_log: Path) -> Iterator[str]:
    """Address of an explorer of all the runs."""
    port = unused_port()
    code = (
        "import sys; from explorer.server import app; from store import open_run; "
        f"app.serve([open_run(path) for path in sys.argv[1:]], port={port}, open_browser=False)"
    )
    locations = [run.location for run in runs.values()]
    command = [sys.executable, "-W", "default", "-c", code, *locations]
    with serving(command, port, server_log) as address:
        yield address


@pytest.fixture
def explore(watched_page: Page, server: str) -> Open:
    """Open a run at an address with these parameters."""

    def open_page(name: str, wait: str = STAGE, **query: Any) -> None:
        watched_page.set_viewport_size(viewport_of(name))
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        watched_page.goto(f"{address_of(server, name)}?{parameters}")
        watched_page.locator(wait).first.wait_for()
        computed(watched_page)

    return open_page


def viewport_of(run: str) -> ViewportSize:
    """Size of the window in which a run is looked at."""
    return VIEWPORT_OF_TEXTS if run == "text" else VIEWPORT


def address_of(server: str, run: str) -> str:
    """Where an explorer of all the runs shows one of them."""
    number = RUNS.index(run) + 1
    return f"{server}/" if number == 1 else f"{server}/run-{number}"


# What is chosen on a new page.
NEW_PAGE = {"layer": "conv1", "unit": 0, "probe": 0, "target": -1, "tab": "layers"}
NEW_PAGES = {"lenet": NEW_PAGE, "image": NEW_PAGE, "text": NEW_PAGE | {"layer": "embedding"}}
BEGIN = """
([channel, index, choice, theme]) => {
  document.activeElement?.blur();
  document.querySelector("main").scrollTo(0, 0);
  if (document.documentElement.dataset.theme !== theme) document.getElementById("theme").click();
  const clock = window.trainlapseClocks.get("main");
  clock.hover();
  clock.choose(choice);
  window.trainlapseClocks.get(channel).go(index);
}
"""


class LongPage:
    """A page which one test takes over from another: to load it takes longer than most.

    A test that is about the page's address or its history, or leaves more behind than what
    `begin` sets, has a page of its own (`explore`). After a failure there is a new page.

    Parameters
    ----------
    contexts : Contexts
        What it is opened in, when it is first asked for.
    url : str
        Its address.
    viewport : dict
        Size of its window.
    new : dict
        What is chosen on it when it is new.
    channel : str
        Clock that moves its time.
    lists : dict
        Values of a new page's lists, by their labels.
    """

    def __init__(
        self,
        contexts: Contexts,
        url: str,
        *,
        viewport: ViewportSize = VIEWPORT,
        new: Mapping[str, Any] = NEW_PAGE,
        channel: str = "main",
        lists: Mapping[str, str] = {"Time axis": "step"},
    ) -> None:
        self._contexts, self._url, self._viewport = contexts, url, viewport
        self._new, self._channel, self._lists = new, channel, lists
        self._open = ExitStack()
        self._page: tuple[Page, PageWatch] | None = None

    def begin(self, *, index: int = 0, theme: str = "light", **choice: Any) -> Page:
        """Give the page at a recorded step, with a choice, for the rest as a new one is."""
        if self._page is None:
            self._page = self._open.enter_context(self._contexts.watched(viewport=self._viewport))
            self._page[0].goto(self._url)
            grid(self._page[0]).first.wait_for()
        page, whole = self._page[0], {**self._new, **choice}
        page.set_viewport_size(self._viewport)
        page.mouse.move(0, 0)
        page.keyboard.press("Escape")
        for label, value in self._lists.items():
            if page.get_by_label(label).input_value() != value:
                page.get_by_label(label).select_option(value)
        page.evaluate(BEGIN, [self._channel, index, whole, theme])
        answered(page)
        self.is_drawn(page, whole, index)
        return page

    def is_drawn(self, page: Page, chosen: Mapping[str, Any], index: int) -> None:
        """Wait until what is chosen is on screen."""
        if chosen["tab"] != "layers":
            expect(grid(page)).to_have_count(0)
            return
        key = re.compile(r"\|{layer}\|{probe}$".format(**chosen))
        expect(grid(page)).to_have_attribute("data-key", key)
        at(page, index)

    def end(self, *, close: bool) -> None:
        """Fail for what the watch has seen."""
        if self._page is None:
            return
        page, watch = self._page
        if close:
            self._page = None
            page.close()
            self._open.close()
        else:
            watch.check(page)


Begin = Callable[..., Page]


@pytest.fixture(scope="session")
def long_pages(contexts: Contexts, server: str) -> Iterator[dict[str, LongPage]]:
    """One page for the tests of each run; opened when the first of them begins."""
    kept = {
        run: LongPage(contexts, address_of(server, run), viewport=viewport_of(run), new=new)
        for run, new in NEW_PAGES.items()
    }
    yield kept
    for each in kept.values():
        each.end(close=True)


@pytest.fixture
def begin(long_pages: dict[str, LongPage], request: pytest.FixtureRequest) -> Iterator[Begin]:
    """Take over a run's page: ``page = begin(layer="conv1", unit=4, index=3)``, by default LeNet's.

    The step is by its number among the recorded ones.
    """
    failed_before = request.session.testsfailed
    begun: set[str] = set()

    def take_over(run: str = "lenet", **choice: Any) -> Page:
        begun.add(run)
        return long_pages[run].begin(**choice)

    yield take_over
    for run in begun:
        long_pages[run].end(close=request.session.testsfailed > failed_before)


def card(page: Page, title: str) -> Locator:
    """The card with a heading."""
    heading = page.get_by_role("heading", name=title, exact=True)
    return page.locator(".bk-panel-models-layout-Column", has=heading).last


def grid(page: Page) -> Any:
    """The picture grid of the selected layer's activation."""
    return page.locator(STAGE)


def at(page: Page, index: int) -> None:
    """Wait until the picture of a recorded step is painted."""
    expect(grid(page)).to_have_attribute("data-index", str(index))


ANSWERED = """
() => {
  const models = Bokeh.documents.flatMap((doc) => [...doc._all_models.values()]);
  const relays = models.map((model) => model.attributes).filter((held) => "answered" in held);
  return relays.length > 0 && relays.every(({ asked, answered }) => asked === answered);
}
"""


def answered(page: Page, channel: str = "main") -> dict[str, Any]:
    """Give what a page holds once Python has answered for all that was chosen."""
    page.wait_for_function(ANSWERED)
    computed(page)
    held = page.evaluate("(name) => window.trainlapseClocks.get(name).choice", channel)
    return dict(held)


def bars(page: Page) -> list[str]:
    """Texts of the probability bars."""
    return page.locator(".bars .value").all_inner_texts()


def nothing_is_cut_off(page: Page, width: int) -> None:
    """Wait until a page of this width has room for all that is beside each other."""
    page.set_viewport_size({"width": width, "height": 900})
    for part in ("html", "main"):
        page.wait_for_function(
            "(part) => { const box = document.querySelector(part);"
            " return box.scrollWidth <= box.clientWidth; }",
            arg=part,
        )

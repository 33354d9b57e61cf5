"""What sessions leave behind: files, threads and memory of a server, before and after.

    python benchmarks/sessions.py RUN [--sessions 30] [--changes 200] [--reloads 30]

A headless Chromium opens and closes pages, changes the layer as quickly as it can, and reloads one
page over and over without waiting for it. A fifth of it is done first to warm up (caches fill,
libraries load), and measured: what the whole adds is what is never given back. Prints
for each moment the sessions that live, files and threads that are open, memory, and its peak since
the moment before. The exit code is 1 if sessions, files or threads do not come back. Linux only.
"""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

PROCESS = Path("/proc/self")
# Bokeh gives up a session that nobody has claimed for 15 seconds, and looks every 17.
PATIENCE_S = 90.0
WARM_SHARE = 5
CHOOSE = """
async ({layers, changes}) => {
  const clock = window.trainlapseClocks.get("main");
  for (let number = 0; number < changes; number++) {
    clock.choose({ layer: layers[number % layers.length] });
    await new Promise((done) => setTimeout(done, 20));
  }
}
"""
# A page that loads itself anew, so many times, without waiting for what it has asked for.
RELOAD = """
const left = Number(sessionStorage.getItem("left") ?? %d);
sessionStorage.setItem("left", left - 1);
if (left > 0) setTimeout(() => location.reload(), 150);
"""
# Of one act in the browser, however busy the machine is.
ACT_MS = 240_000


class Held(NamedTuple):
    """What a process holds."""

    sessions: int
    files: int
    threads: int
    megabytes: float
    peak: float


def held() -> Held:
    """Measure this process, and begin a new peak."""
    from explorer.session.session import Explorer

    gc.collect()
    # By `type`: to ask a dead proxy for its class raises.
    sessions = sum(issubclass(type(each), Explorer) for each in gc.get_objects())
    status = dict(
        line.split(":", 1) for line in (PROCESS / "status").read_text().splitlines() if ":" in line
    )
    now, peak = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    (PROCESS / "clear_refs").write_text("5")
    files = len(list((PROCESS / "fd").iterdir()))
    return Held(sessions, files, threading.active_count(), now, peak)


def settled() -> Held:
    """Measure this process when no session lives any more, or patience ends."""
    end, peak = time.monotonic() + PATIENCE_S, 0.0
    while (now := held()).sessions and time.monotonic() < end:
        peak = max(peak, now.peak)
        time.sleep(1)
    return now._replace(peak=max(peak, now.peak))


class Visitor:
    """A browser that visits the server."""

    def __init__(self, browser: Any, address: str, layers: list[str]) -> None:
        self._context = browser.new_context(viewport={"width": 1280, "height": 1000})
        self._context.set_default_timeout(ACT_MS)
        self._address, self._layers = address, layers

    def _opened(self, script: str = "") -> Any:
        page = self._context.new_page()
        if script:
            page.add_init_script(script)
        page.goto(self._address, wait_until="commit")
        page.locator("canvas[data-index]:visible").first.wait_for()
        return page

    def open_and_close(self, count: int) -> None:
        """Open pages one after the other, each closed as soon as it has a picture."""
        for _ in range(count):
            self._opened().close()

    def change_layers(self, count: int) -> None:
        """Choose another layer every 20 ms."""
        page = self._opened()
        page.evaluate(CHOOSE, {"layers": self._layers, "changes": count})
        page.locator(".busy:visible").first.wait_for(state="hidden")
        page.close()

    def reload(self, count: int) -> None:
        """Reload a page without waiting for it."""
        page = self._opened(RELOAD % count)
        page.wait_for_function("Number(sessionStorage.getItem('left')) < 0")
        page.close()


def main() -> None:
    """Serve the run, visit it, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", help="a recorded run")
    parser.add_argument("--sessions", type=int, default=30, help="pages (default 30)")
    parser.add_argument("--changes", type=int, default=200, help="of the layer (default 200)")
    parser.add_argument("--reloads", type=int, default=30, help="of one page (default 30)")
    options = parser.parse_args()
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        sys.exit("This needs Chromium on the PATH.")

    from playwright.sync_api import sync_playwright

    from explorer.server import app
    from store import open_run

    run = open_run(options.run)
    server = app.server([run], port=app.free_port(5200))
    server.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        visitor = Visitor(browser, server.address, list(run.layers))
        trials: dict[str, tuple[Callable[[int], None], int]] = {
            "pages opened and closed": (visitor.open_and_close, options.sessions),
            "changes of the layer": (visitor.change_layers, options.changes),
            "reloads at once": (visitor.reload, options.reloads),
        }
        print(f"{run.name}: {len(run)} steps, {len(run.layers)} layers")
        print(f"{'':34}{'sessions':>9}{'files':>7}{'threads':>9}{'MB':>7}{'peak':>7}")
        for trial, count in trials.values():
            trial(max(1, count // WARM_SHARE))
        before = settled()
        show("before", before)
        last = before
        for name, (trial, count) in trials.items():
            trial(count)
            last = settled()
            show(f"{count} {name}", last)
        browser.close()
    print(f"{'added':34}{last.sessions - before.sessions:9}", end="")
    print(
        f"{last.files - before.files:7}{last.threads - before.threads:9}"
        f"{last.megabytes - before.megabytes:7.0f}"
    )
    sys.stdout.flush()
    # The server's threads would wait for their sessions to time out.
    os._exit(int(last.sessions > 0 or last.files > before.files or last.threads > before.threads))


def show(name: str, now: Held) -> None:
    """Print a row."""
    row = f"{now.sessions:9}{now.files:7}{now.threads:9}{now.megabytes:7.0f}{now.peak:7.0f}"
    print(f"{name:34}{row}", flush=True)


if __name__ == "__main__":
    main()

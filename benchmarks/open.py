"""What opening a run takes: seconds, and what is sent, in a headless Chromium.

    python benchmarks/open.py RUN [--against TREE [--rounds N]]

Each visit is to the address of a server that listens already, after one to warm it up. The first
one is that of a browser without a cache; the second one finds what the first has kept. Prints for
both the time to the first picture and until nothing is busy, and the kilobytes of the page's own
messages and of files that were sent. With --against, the same of another working tree that has
this benchmark, and the ratios to it (`trees`).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import trees

PICTURE = "canvas[data-index]:visible"
BUSY = ".busy:visible"
# However busy the machine is.
PATIENCE_MS = 300_000
SENT = """
() => performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .reduce((sum, entry) => sum + entry.transferSize, 0)
"""
FIGURES = ("first picture, s", "all drawn, s", "messages, kB", "files, kB")
VISITS = ("first visit", "second visit")


def visit(context: Any, address: str) -> tuple[float, ...]:
    """Open the page and close it again; give the figures."""
    page = context.new_page()
    messages: list[int] = []
    page.on(
        "websocket", lambda socket: socket.on("framereceived", lambda it: messages.append(len(it)))
    )
    begin = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator(PICTURE).first.wait_for()
    first = time.perf_counter() - begin
    page.locator(BUSY).first.wait_for(state="hidden")
    drawn = time.perf_counter() - begin
    files = page.evaluate(SENT)
    page.close()
    return first, drawn, sum(messages) / 1000, files / 1000


def of_tree(root: Path, run: str) -> trees.Figures:
    """Give the figures of a tree, measured in a process of its own."""
    printed = trees.run_script(root, "open.py", [str(Path(run).resolve())])
    found = {}
    for name in VISITS:
        values = re.findall(r"[\d.]+", printed.split(name, 1)[1].splitlines()[0])
        found |= {f"{name}: {what}": float(v) for what, v in zip(FIGURES, values, strict=True)}
    return found


def main() -> None:
    """Serve the run, open it, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", help="a recorded run")
    parser.add_argument("--against", type=Path, help="root of another tree to compare with")
    parser.add_argument("--rounds", type=int, default=5, help="with --against (default 5)")
    options = parser.parse_args()
    if options.against:
        print(
            trees.compare(lambda root: of_tree(root, options.run), options.against, options.rounds)
        )
        return
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        sys.exit("This needs Chromium on the PATH.")

    from playwright.sync_api import sync_playwright

    from explorer.server import app
    from store import open_run

    server = app.server([open_run(options.run)], port=app.free_port(5200))
    server.start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )

        def visitor() -> Any:
            context = browser.new_context(viewport={"width": 1280, "height": 1000})
            context.set_default_timeout(PATIENCE_MS)
            return context

        visit(visitor(), server.address)
        again = visitor()
        print(" " * 14 + "".join(f"{name:>20}" for name in FIGURES))
        for name in VISITS:
            figures = visit(again, server.address)
            print(f"{name:<14}" + "".join(f"{value:20.2f}" for value in figures), flush=True)
        browser.close()
    os._exit(0)  # the server's threads would wait for their sessions to time out


if __name__ == "__main__":
    main()

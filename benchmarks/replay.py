"""Size of replay pages, and time until they show a picture, of a real recording.

    python benchmarks/replay.py RUN [--layer LAYER] [--max-size SIZE] [--times N]

Two files: the view of one layer for one probe at every recorded step, and all of the run within a
size. Each is opened from a file by a headless Chromium without a network, N times in a new
browser context. Prints what the files hold, how long writing took, the time from the address to the
first painted picture, from a step to its painted frame, and whether anything was asked for.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STEPS = """
async (count) => {
  const clock = window.trainlapseClocks.get("main");
  const picture = document.getElementById("picture").shadowRoot.querySelector("canvas[data-index]");
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  for (let step = 0; step < count; step++) {
    const target = (clock.index + 1) % clock.count;
    const begin = performance.now();
    clock.go(target);
    while (Number(picture.dataset.index) !== target) await frame();
    await frame();
    times.push(performance.now() - begin);
  }
  return times;
}
"""


def spread(times: list[float], unit: str, digits: int) -> str:
    """Median and range."""
    low, middle, high = min(times), statistics.median(times), max(times)
    return f"median {middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"


def measure(browser: Any, path: Path, times: int) -> None:
    """Open a file again and again; print."""
    opening: list[float] = []
    stepping: list[float] = []
    others: set[str] = set()
    for _ in range(times):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
        context.on("request", lambda request: others.add(request.url))
        page = context.new_page()
        begin = time.perf_counter()
        page.goto(path.as_uri())
        page.wait_for_selector("#picture canvas[data-index]")
        opening.append(time.perf_counter() - begin)
        stepping += page.evaluate(STEPS, 40)
        context.close()
    others.discard(path.as_uri())
    print(f"  open to first picture  {spread(opening, 's', 2)}, n = {len(opening)}")
    print(f"  step to painted frame  {spread(stepping, 'ms', 1)}, n = {len(stepping)}")
    print(f"  other requests         {len(others)}")


def main() -> None:
    """Write the pages, open them, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", help="a recorded run")
    parser.add_argument("--layer", help="layer of the small page; by default the first convolution")
    parser.add_argument("--max-size", default="20MB", help="size of the large page (default 20MB)")
    parser.add_argument("--times", type=int, default=5, help="how often to open (default 5)")
    options = parser.parse_args()
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        sys.exit("This needs Chromium on the PATH.")

    from playwright.sync_api import sync_playwright

    from explorer.replay.command import parse_size
    from explorer.replay.export import export_replay
    from explorer.selection import default_layer
    from store import open_run

    run = open_run(Path(options.run))
    layer = options.layer or default_layer(run)
    pages: list[tuple[str, dict[str, Any]]] = [
        (f"{layer}, one probe", {"layers": [layer], "probes": "0", "most_bytes": 10**12}),
        (f"all within {options.max_size}", {"most_bytes": parse_size(options.max_size)}),
    ]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        for number, (title, choice) in enumerate(pages):
            begin = time.perf_counter()
            report = export_replay(run, Path(folder, f"{number}.html"), **choice)
            taken = time.perf_counter() - begin
            print(f"{title}: {report.bytes / 1e6:.2f} MB, written in {taken:.1f} s")
            for line in (report.held, *report.left_out):
                print(f"  {line}")
            measure(browser, report.path, options.times)
        browser.close()


if __name__ == "__main__":
    main()

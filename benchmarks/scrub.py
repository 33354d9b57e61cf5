"""Time from a slider event to painted pixels, in a headless Chromium, on a real recording.

    python benchmarks/scrub.py RUN [--beside RUN] [--layer LAYER] [--probe N] [--colour QUANTITY]
                               [--against TREE [--rounds N]]

The page is tall enough for the default dashboard: graph (coloured by a quantity), curves, the joint
picture, the layer's maps and the probe's probabilities. A step counts as painted in the first
animation frame after everything on screen that follows the step shows it. Prints the time from the
address to the first picture and to all of them; medians and 95th percentiles (ms) of steps that
were read ahead and of jumps to cold frames; what playback reaches, by the slowest of the pictures,
and how far that one was behind at its end. With --against, the same of another working tree of
Trainlapse, and the ratios to it (`trees`).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import trees

# Everything on screen that says which recorded step it shows.
STEPPED = """
const stepped = () => {
  const found = [];
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      const box = node.dataset?.index !== undefined && node.getBoundingClientRect();
      if (box && box.width && box.top < innerHeight && box.bottom > 0) found.push(node);
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
  return found;
};
const frame = () => new Promise(requestAnimationFrame);
const channel = window.trainlapseClocks?.has("pair") ? "pair" : "main";
const clock = window.trainlapseClocks?.get(channel);
"""

MEASURE = (
    """
async ({moves, timeout}) => {"""
    + STEPPED
    + """
  const times = [];
  for (const move of moves) {
    const pictures = stepped();
    const target = move.to ?? Math.min(clock.count - 1, clock.index + move.by);
    const begin = performance.now();
    window.dispatchEvent(new CustomEvent("trainlapse:goto", {detail: {index: target, channel}}));
    const shown = () => pictures.every((node) => Number(node.dataset.index) === target);
    while (!shown() && performance.now() - begin < timeout) await frame();
    await frame();
    times.push(performance.now() - begin);
    await new Promise((done) => setTimeout(done, move.rest));
  }
  return times;
}
"""
)

PLAY = (
    """
async ({seconds}) => {"""
    + STEPPED
    + """
  const pictures = stepped();
  const painted = pictures.map(() => 0);
  const watchers = pictures.map((node, at) => {
    const watcher = new MutationObserver(() => { painted[at] += 1; });
    watcher.observe(node, { attributes: true, attributeFilter: ["data-index"] });
    return watcher;
  });
  let frames = 0;
  const begin = performance.now();
  while (performance.now() - begin < 1000 * seconds) {
    await frame();
    frames += 1;
  }
  const taken = (performance.now() - begin) / 1000;
  watchers.forEach((watcher) => watcher.disconnect());
  const behind = Math.max(...pictures.map((node) => clock.index - Number(node.dataset.index)));
  return [Math.min(...painted) / taken, frames / taken, behind, pictures.length];
}
"""
)

READY = (
    "() => {"
    + STEPPED
    + """
  const pictures = stepped();
  const shown = (node) => Number(node.dataset.index) === clock.index;
  return pictures.length >= %d && pictures.every(shown);
}"""
)


HEIGHT_PX = 1700
# Joint picture, maps of the layer, probabilities.
PICTURES = 3
COLD_ROUNDS = 3
# What is compared between two trees: figures by what is printed before each.
FIGURES = {
    "open to first picture, s": r"open to first picture +([\d.]+)",
    "open to all of the dashboard, s": r"all of the dashboard ([\d.]+)",
    "step, read ahead, ms": r"step, read ahead +median +([\d.]+)",
    "jump to a cold frame, ms": r"jump to a cold frame +median +([\d.]+)",
    "playing at 30 steps a second, steps/s": r"playing at 30 steps a second +([\d.]+)",
}


def summary(name: str, times: list[float]) -> str:
    """One line: median, 95th percentile and worst, in milliseconds."""
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return (
        f"{name:<28} median {statistics.median(ordered):6.1f} ms   p95 {p95:6.1f} ms   "
        f"worst {ordered[-1]:6.1f} ms   n = {len(ordered)}"
    )


def measure(page: Any, steps: int, count: int) -> None:
    """Print every figure of one page."""
    page.evaluate(MEASURE, {"moves": [{"to": 0, "rest": 1500}], "timeout": 5000})
    ahead = [{"by": 1, "rest": 60} for _ in range(min(steps, count - 1))]
    print(summary("step, read ahead", page.evaluate(MEASURE, {"moves": ahead, "timeout": 5000})))
    # Far enough apart that nothing was read ahead for them; a page loaded anew keeps nothing.
    cold = [{"to": int(i * (count - 1) / 9), "rest": 700} for i in (1, 7, 3, 8, 5, 2, 6, 4)]
    times = []
    for _ in range(COLD_ROUNDS):
        page.reload()
        page.wait_for_function(READY % PICTURES)
        time.sleep(2)
        times += page.evaluate(MEASURE, {"moves": cold, "timeout": 5000})
    print(summary("jump to a cold frame", times))
    page.evaluate(MEASURE, {"moves": [{"to": 0, "rest": 500}], "timeout": 5000})
    page.get_by_label("Speed").select_option("30")
    page.get_by_label("Play or pause (Space)").click()
    played, painted, behind, pictures = page.evaluate(PLAY, {"seconds": min(4.0, 0.8 * count / 30)})
    print(
        f"playing at 30 steps a second   {played:.1f} steps/s by the slowest of {pictures} "
        f"pictures ({behind} behind at the end), {painted:.1f} frames/s"
    )


def of_tree(root: Path, options: argparse.Namespace) -> trees.Figures:
    """Give the figures of another tree's page, or of this one's in a process of its own."""
    arguments = [str(Path(options.run).resolve())]
    if options.beside:
        arguments += ["--beside", str(options.beside.resolve())]
    for name in ("layer", "probe", "colour", "steps", "width"):
        if getattr(options, name) is not None:
            arguments += [f"--{name}", str(getattr(options, name))]
    printed = trees.run_script(root, "scrub.py", arguments)
    found = {name: re.search(pattern, printed) for name, pattern in FIGURES.items()}
    return {name: float(match[1]) for name, match in found.items() if match}


def main() -> None:
    """Serve the run, drive a browser, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("run", help="a recorded run")
    parser.add_argument("--beside", type=Path, help="another run of the same recorded steps")
    parser.add_argument("--layer", help="selected layer; by default the first convolution")
    parser.add_argument("--probe", type=int, default=0, help="selected probe (default 0)")
    parser.add_argument("--colour", help="quantity that colours the graph, such as 'update ratio'")
    parser.add_argument("--steps", type=int, default=60, help="steps to time (default 60)")
    parser.add_argument("--width", type=int, default=1280, help="width of the page in pixels")
    parser.add_argument("--against", type=Path, help="root of another tree to compare with")
    parser.add_argument("--rounds", type=int, default=5, help="with --against (default 5)")
    options = parser.parse_args()
    if options.against:
        print(trees.compare(lambda root: of_tree(root, options), options.against, options.rounds))
        return
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        sys.exit("This needs Chromium on the PATH.")

    from playwright.sync_api import sync_playwright

    from explorer.server import app
    from store import open_run

    run = open_run(Path(options.run))
    port = app.free_port(5200)
    runs = [run, *([open_run(options.beside)] if options.beside else [])]
    server = app.server(runs, port=port, side_by_side=len(runs) > 1)
    server.start()
    chosen = {"probe": options.probe} | ({"layer": options.layer} if options.layer else {})
    # Of a tree before servers had tokens, the address has no parameter yet.
    address = f"{server.address}{'&' if '?' in server.address else '?'}{urlencode(chosen)}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        page = browser.new_page(viewport={"width": options.width, "height": HEIGHT_PX})
        begin = time.perf_counter()
        page.goto(address)
        page.wait_for_selector("canvas[data-index]")
        first = time.perf_counter() - begin
        page.wait_for_function(READY % PICTURES)
        every = time.perf_counter() - begin
        print(f"{run.name}: {len(run)} steps, page {options.width} x {HEIGHT_PX} px")
        print(
            f"open to first picture          {first:.2f} s; to all of the dashboard {every:.2f} s"
        )
        if options.colour:
            page.get_by_label("What the boxes show").select_option(options.colour)
        time.sleep(2)
        measure(page, options.steps, len(run))
        browser.close()
    sys.stdout.flush()
    os._exit(0)  # the server's threads would wait for their sessions to time out


if __name__ == "__main__":
    main()

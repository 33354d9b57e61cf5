"""How many figures each card of a page shows, and how much a page holds."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.e2e.conftest import spoken_to, unused_port
from tests.e2e.watching import CARDS_PATIENCE_MS

Place = Mapping[str, Any]
Figures = dict[str, list[int]]

PATIENCE_S = CARDS_PATIENCE_MS / 1000
# Frames of the browser without a change after which a page is at rest, on a busy machine too.
QUIET_FRAMES = 40
# The same where the next change may come before the last stroke is drawn.
BRIEF_FRAMES = 10
# To look through all of a page takes several frames, so it is done in every fifth.
BETWEEN_LOOKS = 5
# So high that all cards are in sight, or some; what is out of sight is not drawn.
ALL_CARDS, SOME_CARDS = 9000, 1000
# What a hundred changes may add to the server's memory: allocators are not exact.
MOST_MB = 5


def _places(layers: dict[str, int], probes: tuple[int, int]) -> list[Place]:
    """Whole places, so that each can be an address: layers with a unit each, and the other tabs."""
    axes = itertools.cycle(("step", "log_step", "epoch", "wall_time"))
    found: list[Place] = []
    for number, (layer, unit) in enumerate(layers.items()):
        chosen = {"layer": layer, "unit": unit, "probe": probes[number % 2]}
        found.append({**chosen, "axis": next(axes), "tab": "layers"})
    last = {name: found[-1][name] for name in ("layer", "unit", "probe")}
    for tab in ("learning", "training"):
        found += [{**last, "axis": axis, "tab": tab} for axis in ("epoch", "log_step")]
    return found


# Ways through the page of a network that sees images, and of one that reads texts.
WALKS: dict[str, list[Place]] = {
    "conv": _places({"conv": 0, "relu": 3, "pool": 1, "logits": 2, "softmax": 0}, (0, 5)),
    "lstm": _places({"embedding": 0, "lstm": 1, "both": 4, "out": 2}, (0, 5)),
}

# Of each card in sight, by its heading: canvases, drawings, tables. A sentence while a view among
# them computes or has neither a figure nor a word to say, or a part of the page is not built.
FIGURES = """
() => {
  const unbuilt = (view) => {
    if (view.model.visible === false) return "";
    const parts = view.child_views ?? [];
    if (parts.length < (view.model.children?.length ?? 0)) return `parts of ${view.model.type}`;
    const isDrawn = view.container?.firstElementChild || !view.el.offsetWidth; // or draws nothing
    if (view.model.type.endsWith("ReactiveESM") && !isDrawn) {
      return `a widget with ${Object.keys(view.model.data.attributes)}`;
    }
    return parts.map(unbuilt).find(Boolean) ?? "";
  };
  if (!window.Bokeh?.documents?.length) return "the page is not there";
  const late = [...Bokeh.index].map(unbuilt).find(Boolean);
  if (late) return `not built: ${late}`;
  const cards = {};
  let silent = "";
  const kinds = ["canvas", "svg", "table"];
  const count = (root, found) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) count(node.shadowRoot, found);
      const kind = kinds.indexOf(node.localName);
      const { width, height } = node.getBoundingClientRect();
      if (kind >= 0 && width > 0 && height > 0) found[kind]++;
    }
    return found;
  };
  const seek = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (!node.shadowRoot) continue;
      const heading = node.shadowRoot.querySelector("h3");
      if (!heading) {
        seek(node.shadowRoot);
        continue;
      }
      const card = node.getRootNode().host;
      if (!card.getClientRects().length || card.getBoundingClientRect().top > innerHeight) continue;
      let name = heading.textContent;
      while (name in cards) name += " (2)";
      cards[name] = count(card.shadowRoot, [0, 0, 0]);
      const draws = card.shadowRoot.querySelector(".bk-panel-models-layout-Column"); // not a widget
      const busy = node.shadowRoot.querySelector(".busy");
      if (busy && !busy.hidden) silent ||= `${name} computes`;
      const says = [...node.shadowRoot.querySelectorAll("p")].some((said) => said.textContent);
      if (draws && !says && !cards[name].some(Boolean)) silent ||= `${name} says nothing`;
    }
  };
  seek(document);
  return silent || cards;
}
"""

# Figures that were the same for some frames of the browser, which a busy machine draws late.
SETTLED = """
async () => {{
  const look = {figures};
  const end = performance.now() + {patience};
  let [found, quiet] = ["", 0];
  while (quiet < {frames}) {{
    if (performance.now() > end) throw new Error(`not at rest: ${{found}}`);
    for (let at = 0; at < {between}; at++) await new Promise(requestAnimationFrame);
    const now = JSON.stringify(look());
    quiet = now === found && now.startsWith("{{") && now !== "{{}}" ? quiet + {between} : 0;
    found = now;
  }}
  return JSON.parse(found);
}}
"""

# Elements in the page, and models that its documents hold.
HELD = """
() => {
  let nodes = 0;
  const walk = (root) => {
    for (const node of root.querySelectorAll("*")) {
      nodes++;
      if (node.shadowRoot) walk(node.shadowRoot);
    }
  };
  walk(document);
  const models = Bokeh.documents.reduce((sum, { all_models }) => sum + all_models.size, 0);
  return [nodes, models];
}
"""

# Whether the documents hold nothing but what their roots reach.
NOTHING_DROPPED = """
() => Bokeh.documents.every((doc) => {
  const reached = new Set(doc.roots().flatMap((root) => [...root.references()]));
  return doc.all_models.size <= reached.size + 1; // and the document's configuration
})
"""

CHOOSE = """
([channel, choice, axis]) => {
  window.trainlapseClocks.get(channel).choose(choice);
  if (!axis) return;
  const seek = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.matches("select[aria-label='Time axis']")) return node;
      const found = node.shadowRoot && seek(node.shadowRoot);
      if (found) return found;
    }
  };
  const select = seek(document);
  select.value = axis;
  select.dispatchEvent(new Event("change"));
}
"""


def go(page: Page, place: Place, *, channel: str = "main") -> None:
    """Choose a layer, a unit, a probe, a tab, and an axis."""
    choice = {name: value for name, value in place.items() if name != "axis"}
    page.evaluate(CHOOSE, [channel, choice, place.get("axis")])


def at_rest(page: Page, frames: int = QUIET_FRAMES) -> Figures:
    """Give the figures of each card once they have settled and nothing is being computed."""
    found: Figures = page.evaluate(
        SETTLED.format(
            figures=FIGURES, frames=frames, between=BETWEEN_LOOKS, patience=CARDS_PATIENCE_MS
        )
    )
    return found


def become(page: Page, expected: Figures) -> None:
    """Wait until each card has as many figures as expected."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := at_rest(page)) != expected:
        assert time.monotonic() < deadline, {"found": found, "expected": expected}


# An explorer that writes, after each line of its input, how many kB of memory it holds of its own.
WEIGHED = """
import ctypes, gc, sys, threading
from pathlib import Path
from explorer.server import app
from store import open_run

port, two, weights, *paths = sys.argv[1:]

def weigh():
    for _ in sys.stdin:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        status = Path("/proc/self/status").read_text().splitlines()
        (kilobytes,) = (line.split()[1] for line in status if line.startswith("RssAnon"))
        with open(weights, "a") as file:
            file.write(kilobytes + "\\n")

threading.Thread(target=weigh, daemon=True).start()
runs = [open_run(path) for path in paths]
app.serve(runs, port=int(port), open_browser=False, side_by_side=two == "two")
"""


@contextmanager
def weighed(
    paths: Sequence[str], folder: Path, *, side_by_side: bool = False
) -> Iterator[tuple[str, Callable[[], float]]]:
    """Give the address of an explorer of these runs, and what tells its memory in MB."""
    port, weights = unused_port(), folder / "kilobytes"
    pages = "two" if side_by_side else "one"
    command = [sys.executable, "-c", WEIGHED, str(port), pages, str(weights), *paths]
    weights.touch()
    with spoken_to(command, port, folder / "server.txt") as (address, speak):

        def weigh() -> float:
            known = len(weights.read_text().splitlines())
            speak()
            deadline = time.monotonic() + PATIENCE_S
            while not (text := weights.read_text()).endswith("\n") or text.count("\n") == known:
                assert time.monotonic() < deadline, "the explorer says no more what it holds"
                time.sleep(0.01)
            return int(text.split()[-1]) / 1000

        yield address, weigh


def walk(
    walked: Page, loaded: Page, places: Sequence[Place], address: Callable[[Place], str]
) -> set[str]:
    """Fail if a card has other figures at a place, however one came there, than on a fresh page.

    One page is walked through all places and back, while another one is loaded for each.

    Parameters
    ----------
    walked, loaded : Page
        Both pages; the first is there already.
    places : sequence of dict
        What is chosen at each.
    address : callable
        Gives the address of a place.

    Returns
    -------
    set of str
        Headings of all cards that were seen.
    """
    seen: set[str] = set()
    at_rest(walked)
    for place in places:
        go(walked, place)
        at_rest(walked, BRIEF_FRAMES)
    for place in reversed(places):
        loaded.goto(address(place))
        fresh = at_rest(loaded)
        go(walked, place)
        become(walked, fresh)
        seen |= set(fresh)
    return seen


def go_round(page: Page, places: Sequence[Place], weigh: Callable[[], float]) -> None:
    """Fail if the changes 51 to 150 around the same ten places leave anything behind.

    A card is drawn once it comes in sight. So all are in sight in the rounds after which it is
    counted; in the others those of a screen are, and a change takes a third of the time.
    """
    ten = list(itertools.islice(itertools.cycle(places), 10))
    width = page.evaluate("innerWidth")
    held: list[tuple[list[int], float]] = []
    for turn in range(1, 16):
        is_counted = turn in (5, 15)
        page.set_viewport_size({"width": width, "height": ALL_CARDS if is_counted else SOME_CARDS})
        for place in ten:
            go(page, place)
            at_rest(page, BRIEF_FRAMES)
        if is_counted:
            at_rest(page)
            page.wait_for_function(NOTHING_DROPPED)
            held.append((page.evaluate(HELD), weigh()))
    (before, light), (after, heavy) = held
    assert all(now <= then for now, then in zip(after, before, strict=True)), (before, after)
    assert heavy - light <= MOST_MB, (light, heavy)

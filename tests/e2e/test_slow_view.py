"""While a view takes long, the picture before it stays on its card, dimmed, below its caption."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from store import Run
from tests.e2e.conftest import card, spoken_to, unused_port

TITLE = "Weight distribution"
# An explorer in which one view of one layer is not computed before a line comes in.
HELD_BACK = f"""
import sys, threading
from explorer.server import app
from explorer.views.registry import views
from store import open_run

location, port = sys.argv[1:]
come = threading.Event()
view = next(type(view) for view in views("layer") if view.title == {TITLE!r})
compute = view.compute

def compute_late(self, scene):
    if scene.selected.layer == "dense":
        come.wait()
    return compute(self, scene)

view.compute = compute_late
threading.Thread(target=lambda: (sys.stdin.readline(), come.set()), daemon=True).start()
app.serve([open_run(location)], port=int(port), open_browser=False)
"""


def comes_to(picture: Locator, opacity: float) -> None:
    """Wait until a picture is seen through all that it lies in with this opacity.

    Dimming is a transition: what is seen in its midst depends on how busy the machine is.
    """
    picture.page.wait_for_function(
        """([node, opacity]) => {
          let seen = 1;
          for (let at = node; at; at = at.parentNode ?? at.host) {
            if (at.nodeType === Node.ELEMENT_NODE) seen *= getComputedStyle(at).opacity;
          }
          return Math.abs(seen - opacity) < 1e-6;
        }""",
        arg=[picture.element_handle(), opacity],
    )


def test_until_a_slow_view_is_there_the_one_before_stays_dimmed_below_its_caption(
    watched_page: Page, runs: dict[str, Run], tmp_path: Path
) -> None:
    port = unused_port()
    command = [sys.executable, "-c", HELD_BACK, runs["image"].location, str(port)]
    with spoken_to(command, port, tmp_path / "server.txt") as (address, let_go):
        watched_page.goto(f"{address}/?layer=conv1")
        place = card(watched_page, TITLE)
        place.scroll_into_view_if_needed()
        figure = place.locator("canvas").first
        figure.wait_for()
        caption = place.locator(".caption")
        expect(caption).to_contain_text("kernel (3 × 3 × 1 × 3)")
        status = place.locator(".card-head .busy")
        expect(status).to_be_hidden()
        comes_to(figure, 1)

        watched_page.evaluate("window.trainlapseClocks.get('main').choose({layer: 'dense'})")
        expect(status).to_contain_text("computing …")
        assert status.get_by_role("progressbar").is_hidden()
        # Past a second it says for how long.
        expect(status.get_by_role("progressbar")).to_be_visible()
        expect(status).to_contain_text("1 s")
        expect(caption).to_contain_text("kernel (3 × 3 × 1 × 3)")
        comes_to(figure, 0.4)
        comes_to(caption, 0.4)

        let_go()
        expect(status).to_be_hidden()
        expect(caption).to_contain_text("kernel (48 × 4)")
        comes_to(place.locator("canvas:visible").first, 1)

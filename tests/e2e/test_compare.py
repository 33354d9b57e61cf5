"""Two runs side by side in a real browser: one slider, what is chosen in both, what differs."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from store import Run, open_run
from store.testing import image_run_spec, write_run
from tests.e2e.conftest import PIXELS, STAGE, recorded_once, serving, unused_port

# What there is of the tab with differences from the beginning; and its card with all layers.
TAB = "text=How units go together over time"
LAYERS = "Which layer belongs to which"
Look = Callable[..., None]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """LeNet on digits, two seeds; the second training ends before the first."""
    options = {"epochs": 2, "seed": 1}, {"epochs": 1}
    first, second = (recorded_once(tmp_path_factory, "lenet-mnist", **each) for each in options)
    return open_run(first), open_run(second)


@pytest.fixture(scope="module")
def pair_server(pair: tuple[Run, Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of ``trainlapse explore A B``."""
    port = unused_port()
    command = [sys.executable, "-m", "explorer.cli", "explore", "--no-browser", "--port", str(port)]
    command += [run.location for run in pair]
    with serving(command, port, tmp_path_factory.mktemp("log") / "server.txt") as address:
        yield address


@pytest.fixture
def look(watched_page: Page, pair_server: str) -> Look:
    """Open the comparison at an address with these parameters."""

    def open_page(wait: str = STAGE, **query: Any) -> None:
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        watched_page.goto(f"{pair_server}/?{parameters}")
        watched_page.locator(wait).first.wait_for()
        expect(watched_page.locator(".busy:visible")).to_have_count(0)

    return open_page


def sides(page: Page) -> tuple[Locator, Locator]:
    """Main pictures of A and of B."""
    pictures = page.locator(STAGE)
    expect(pictures).to_have_count(2)
    return pictures.nth(0), pictures.nth(1)


def shown(page: Page, first: int, second: int) -> None:
    """Wait until both pictures are of these recorded steps."""
    for picture, index in zip(sides(page), (first, second), strict=True):
        expect(picture).to_have_attribute("data-index", str(index))


def cursors(page: Page, channel: str) -> set[float]:
    """Places of all cursors of a clock."""
    places = page.evaluate(
        """(channel) => Bokeh.documents.flatMap((doc) => [...doc._all_models.values()])
          .filter((model) => model.name === "trainlapse-cursor" && model.tags[1] === channel)
          .map((span) => span.location)""",
        channel,
    )
    return set(places)


def scroll_to(page: Page, title: str, drawn: str) -> Locator:
    """Bring a card into view: what is out of sight is not drawn; the page grows meanwhile."""
    wanted = page.locator(drawn).first
    for _ in range(300):
        page.get_by_text(title, exact=True).scroll_into_view_if_needed()
        if wanted.is_visible():
            return wanted
        page.wait_for_timeout(100)
    raise AssertionError(f"{drawn} does not come into view with {title!r}")


def moments(page: Page) -> list[str]:
    return page.locator(".moment").all_inner_texts()


def test_one_slider_moves_both_runs_each_to_its_nearest_step(
    watched_page: Page, look: Look, pair: tuple[Run, Run]
) -> None:
    first, second = pair
    look(step=0, layer="conv1", probe=2)
    shown(watched_page, 0, 0)
    before = [side.evaluate(PIXELS) for side in sides(watched_page)]
    assert before[0] != before[1]  # other seeds

    watched_page.get_by_label("Recorded step", exact=True).press("End")
    shown(watched_page, len(first) - 1, len(second) - 1)
    after = [side.evaluate(PIXELS) for side in sides(watched_page)]
    assert after[0] != before[0]
    assert after[1] != before[1]
    a, b = moments(watched_page)
    assert f"step {first.steps[-1]}" in a
    assert f"step {second.steps[-1]}" in b
    assert "ended, held" in b
    assert "held" not in a
    assert cursors(watched_page, "pair") == {float(first.steps[-1])}
    expect(watched_page).to_have_url(re.compile(rf"step={first.steps[-1]}\b"))
    expect(watched_page).to_have_url(re.compile(rf"step_b={second.steps[-1]}\b"))


def test_no_message_leaves_the_browser_while_the_slider_is_dragged(
    watched_page: Page, look: Look
) -> None:
    look(step=0)
    watched_page.wait_for_timeout(1500)
    sent = watched_page.evaluate(
        """async () => {
          const sent = [];
          const socket = WebSocket.prototype.send;
          WebSocket.prototype.send = function (data) {
            sent.push(String(data));
            socket.call(this, data);
          };
          const slider = window.trainlapseClocks.get("pair");
          // Back and forth where frames have been read ahead, faster than any rest.
          for (const index of [1, 2, 3, 2, 1, 0]) {
            slider.go(index);
            await new Promise((done) => setTimeout(done, 30));
          }
          WebSocket.prototype.send = socket;
          return sent.filter((text) => text.includes("resting") || text.includes("path"));
        }"""
    )
    assert sent == []
    shown(watched_page, 0, 0)


def test_what_is_chosen_in_one_run_is_chosen_in_the_other(watched_page: Page, look: Look) -> None:
    look(step=0, layer="conv1")
    watched_page.locator(".node[data-layer=dense1]").click()
    expect(watched_page.locator(STAGE)).to_have_count(2)
    for side in sides(watched_page):
        expect(side).to_have_attribute("aria-label", re.compile("of dense1, probe 0"))
    watched_page.locator(".probe:visible").nth(3).click()  # in A
    for side in sides(watched_page):
        expect(side).to_have_attribute("aria-label", re.compile("probe 3"))
    pickers = watched_page.locator(".picker:visible")
    expect(pickers).to_have_count(2)
    pickers.nth(1).locator(".probe").nth(5).click()  # in B
    for side in sides(watched_page):
        expect(side).to_have_attribute("aria-label", re.compile("probe 5"))
    expect(watched_page).to_have_url(re.compile("layer=dense1.*probe=5"))


def test_a_link_restores_everything(watched_page: Page, look: Look, pair: tuple[Run, Run]) -> None:
    first, second = pair
    at = 10
    look(
        step=int(first.steps[at]), step_b=int(second.steps[at]), align="epoch", layer="conv2",
        unit=3, probe=4, axis="log_step",
    )  # fmt: skip
    shown(watched_page, at, at)
    expect(watched_page.get_by_label("Alignment")).to_have_value("epoch")
    expect(watched_page.get_by_label("Time axis")).to_have_value("log_step")
    choices = watched_page.evaluate(
        """() => ["main", "second"].map((name) => window.trainlapseClocks.get(name).choice)"""
    )
    for choice in choices:
        assert (choice["layer"], choice["unit"], choice["probe"]) == ("conv2", 3, 4)


def test_another_alignment_keeps_the_place_and_says_what_is_off(
    watched_page: Page, look: Look, pair: tuple[Run, Run]
) -> None:
    first, second = pair
    at = 10
    step = int(first.steps[at])
    look(step=step)
    shown(watched_page, at, second.index_of(step))
    watched_page.get_by_label("Alignment").select_option("metric:loss")
    expect(watched_page).to_have_url(re.compile("align=metric"))
    assert first.steps[int(sides(watched_page)[0].get_attribute("data-index") or -1)] == step
    watched_page.get_by_label("Alignment").select_option("anchors")
    fields = watched_page.locator(".anchors input")
    expect(fields.first).to_be_visible()
    expect(fields.nth(2)).not_to_have_value("")  # the ends of both runs, to begin with
    for field, value in zip(fields.all(), (0, 0, 100, 50), strict=True):
        field.fill(str(value))
    watched_page.get_by_text("Put together").click()
    expect(watched_page).to_have_url(re.compile("anchors=0(%2C|,)0(%2C|,)100(%2C|,)50"))
    watched_page.keyboard.press("End")
    fields.nth(2).fill("-5")
    watched_page.get_by_text("Put together").click()
    expect(watched_page.locator(".note:visible").first).to_contain_text("was expected")


def test_a_click_on_a_curve_of_one_run_moves_both(watched_page: Page, look: Look) -> None:
    look(step=0, tab="training", wait=".bk-Canvas")
    place = """(channel) => {
      const span = Bokeh.documents.flatMap((doc) => [...doc._all_models.values()])
        .find((model) => model.name === "trainlapse-cursor" && model.tags[1] === channel);
      window.dispatchEvent(new CustomEvent("trainlapse:goto", { detail: { index: 7, channel } }));
      return ["pair", "main", "second"].map((name) => window.trainlapseClocks.get(name).index);
    }"""
    _, first, second = watched_page.evaluate(place, "second")
    assert second == 7
    assert first > 0
    position, first, _ = watched_page.evaluate(place, "main")
    assert first == 7
    assert position > 0


def test_a_dispute_leads_to_its_probe(watched_page: Page, look: Look) -> None:
    look(tab="differences", wait=TAB, step=20)
    scroll_to(
        watched_page, "How far weights are apart", "text=They do not share their initialization"
    )
    scroll_to(watched_page, "Probes in dispute", ".listing:has-text('A says') tr.link")
    rows = watched_page.locator(".listing", has_text="A says").locator("tr.link")
    expect(rows.first).to_be_visible()
    probe = rows.first.locator("td").first.inner_text().split()[0]
    rows.first.click()
    for side in sides(watched_page):
        expect(side).to_have_attribute("aria-label", re.compile(rf"probe {probe},"))


def test_a_row_of_the_layers_chooses_both(watched_page: Page, look: Look) -> None:
    look(tab="differences", wait=TAB)
    scroll_to(watched_page, LAYERS, ".listing tr.link")
    row = watched_page.get_by_role("row", name=re.compile("^dense2 "))
    row.click()
    expect(row).to_have_attribute("aria-selected", "true")
    watched_page.get_by_role("tab", name="Layers").click()
    for side in sides(watched_page):
        expect(side).to_have_attribute("aria-label", re.compile("of dense2"))


def test_units_are_matched_as_the_address_says_and_the_address_follows(
    watched_page: Page, look: Look
) -> None:
    look(layer="conv1", unit=1, units="matched", matching="last")
    choice = watched_page.get_by_label("unit of B")
    expect(choice).to_have_value("last")
    said = watched_page.get_by_text(re.compile(r"pairs in conv1, mean 0\.\d\d"))
    expect(said).to_contain_text("Matched at step")
    held = said.inner_text()
    watched_page.get_by_label("Recorded step", exact=True).press("Home")
    expect(said).to_have_text(held)
    choice.select_option("tracked")
    expect(watched_page).to_have_url(re.compile("units=matched&matching=tracked"))
    expect(said).to_contain_text("Matched at every step anew")
    watched_page.wait_for_timeout(500)  # two choices at once would be one entry of the history
    choice.select_option("number")
    expect(watched_page).to_have_url(re.compile("units=number"))
    expect(said).to_have_count(0)
    watched_page.go_back()
    expect(choice).to_have_value("tracked")


def test_a_counterpart_is_set_by_hand_and_taken_back(watched_page: Page, look: Look) -> None:
    look(tab="differences", wait=TAB)
    table = watched_page.locator(".pairs")
    rows = table.locator("tr.hand")
    scroll_to(watched_page, LAYERS, ".pairs")
    table.get_by_text("Set counterparts by hand").click()
    table.get_by_label("Counterpart of conv1").select_option("conv2")
    watched_page.wait_for_url(re.compile("map=[^&]*conv2"))

    look(tab="differences", wait=TAB, map='{"conv1":"conv2","conv2":null}')
    scroll_to(watched_page, LAYERS, ".pairs")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("by hand")
    expect(table.get_by_label("Counterpart of conv1")).to_have_value("conv2")
    table.get_by_label("Reset conv1").click()
    watched_page.wait_for_url(re.compile("map=(?![^&]*conv1)"))
    scroll_to(watched_page, LAYERS, ".pairs")
    expect(rows).to_have_count(1)
    expect(table.get_by_label("Counterpart of conv1")).to_have_value("conv1")
    table.get_by_text("Reset all").click()
    expect(watched_page).not_to_have_url(re.compile("map="))


def test_a_run_that_the_server_was_not_started_with_is_opened_by_its_path(
    watched_page: Page, look: Look, tmp_path: Path
) -> None:
    write_run(tmp_path / "third.zarr", image_run_spec("third"), steps=(0, 1))
    look(layer="conv1", units="matched", matching="last")
    watched_page.get_by_label("Run B").select_option(label="Another run …")
    field = watched_page.get_by_label("Path of another run")
    field.fill(str(tmp_path / "thrid.zarr"))
    field.press("Enter")
    expect(watched_page.get_by_text("Did you mean 'third.zarr'")).to_be_visible()
    field.fill(str(tmp_path / "third.zarr"))
    watched_page.get_by_role("button", name="Open", exact=True).click()
    watched_page.wait_for_url(re.compile(r"/compare\?a=1&b=3.*matching=last"))
    chosen = watched_page.get_by_label("Run B").locator("option:checked")
    expect(chosen).to_have_text("third")
    alone = watched_page.get_by_title("Look at run B alone")
    assert alone.get_attribute("href") == "/run?number=3"
    alone.click()
    expect(watched_page.locator("nav a[aria-current]")).to_have_text("third")
    watched_page.get_by_label("Compare with").select_option(index=1)
    watched_page.wait_for_url(re.compile(r"/compare\?a=3&b=1"))


def test_runs_without_a_common_probe_say_so(watched_page: Page, server: str) -> None:
    watched_page.goto(f"{server}/compare?a=1&b=3&tab=differences")
    expect(watched_page.get_by_text("The runs have no probe in common")).to_be_visible()
    scroll_to(watched_page, "Both runs in numbers", ".facts")
    scroll_to(watched_page, "Layers of A and of B: how alike they see", "text=they share 0")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("a=1&b=99", "There is no run '99' to show"),
        ("a=x&b=1", "There is no run 'x' to show"),
        ("a=1&b=2&map=nonsense", "map in the address should be"),
        ("a=1&b=2&map={%22conv9%22:null}", "has no layer 'conv9'"),
        ("a=2&b=5", "has recorded no step yet"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(
    watched_page: Page, server: str, query: str, said: str
) -> None:
    watched_page.goto(f"{server}/compare?{query}")
    expect(watched_page.get_by_text(said).first).to_be_visible()


def test_a_menu_leads_from_one_run_to_two(watched_page: Page, server: str) -> None:
    watched_page.goto(f"{server}/run-2?layer=dense&step=2")
    watched_page.locator(STAGE).first.wait_for()
    watched_page.get_by_label("Compare with").select_option(index=3)  # the run with one step
    watched_page.wait_for_url(re.compile(r"/compare\?a=2&b=4"))
    for side in sides(watched_page):
        expect(side).to_have_attribute("aria-label", re.compile("of dense"))
    shown(watched_page, 2, 0)


@pytest.mark.parametrize("width", [1280, 1920])
def test_nothing_is_cut_off(page_checker: Any, pair_server: str, width: int) -> None:
    with page_checker(viewport={"width": width, "height": 900}) as page:
        page.goto(f"{pair_server}/?theme=dark")
        page.locator(STAGE).first.wait_for()
        expect(page.locator(".busy:visible")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(
            "(() => { const main = document.querySelector('main');"
            " return main.scrollWidth <= main.clientWidth; })()"
        )

"""A folder of runs as a page: sorted, filtered, opened, compared, by mouse and by keys."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from store import RunWriter
from store.testing import append_steps, image_run_spec, write_run
from tests.e2e.boxes import faults, watch_boxes
from tests.e2e.conftest import STAGE, PageChecker, serving, unused_port
from tests.e2e.contrast import assert_legible, opened, switch

SIZES = [800, 1280, 1920]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Runs of every state, one with a name that would be markup."""
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "2.zarr", image_run_spec("two"), steps=(0, 1, 2))
    write_run(folder / "10.zarr", image_run_spec("<i>ten</i>"), steps=(0, 1, 2, 5, 900))
    write_run(folder / "seeds" / "a.zarr", image_run_spec("a"), steps=(0, 1), finished=False)
    root = write_run(folder / "broken.zarr") / "zarr.json"
    document = json.loads(root.read_text())
    document["attributes"]["trainlapse"]["committed"] = 99
    root.write_text(json.dumps(document))
    with RunWriter.create(folder / "now.zarr", image_run_spec("now")) as writer:
        append_steps(writer, 0, 1)
        writer.commit()
        yield folder


@pytest.fixture(scope="module")
def address(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = unused_port()
    command = [sys.executable, "-W", "default", "-m", "explorer.cli", "explore", str(folder)]
    command += ["--no-browser", "--port", str(port)]
    with serving(command, port, tmp_path_factory.mktemp("log") / "server.txt") as address:
        yield address


def names(page: Page) -> list[str]:
    return page.locator("tbody .open").all_text_contents()


def cell(page: Page, run: str, column: int) -> Locator:
    return (
        page.locator("tbody tr")
        .filter(has=page.get_by_text(run, exact=True))
        .locator("td")
        .nth(column)
    )


@pytest.fixture
def listed(watched_page: Page, address: str) -> Page:
    watched_page.goto(address)
    expect(watched_page.get_by_text(re.compile("^5 runs in "))).to_be_visible()
    return watched_page


def test_every_run_is_there_with_its_state(listed: Page) -> None:
    expect(cell(listed, "2.zarr", 1)).to_have_text("finished")
    expect(cell(listed, "seeds/a.zarr", 1)).to_have_text("interrupted")
    expect(cell(listed, "now.zarr", 1)).to_have_text("recording")
    expect(cell(listed, "broken.zarr", 1)).to_contain_text("99 steps are committed")
    expect(cell(listed, "10.zarr", 2)).to_have_text("900 (5)")
    assert listed.get_by_role("button", name="broken.zarr").is_disabled()


def test_rows_are_sorted_and_filtered(listed: Page) -> None:
    listed.get_by_role("button", name="Run", exact=True).click()
    assert names(listed) == ["2.zarr", "10.zarr", "broken.zarr", "now.zarr", "seeds/a.zarr"]
    listed.get_by_role("button", name="Run", exact=True).press("Enter")
    assert names(listed)[0] == "seeds/a.zarr"
    listed.get_by_role("button", name="Steps").click()
    assert names(listed)[0] == "10.zarr"
    assert names(listed)[-1] == "broken.zarr"
    field = listed.get_by_label("Filter runs")
    field.fill("finished zarr")
    assert set(names(listed)) == {"2.zarr", "10.zarr"}
    expect(listed.get_by_text(re.compile("^2 of 5 runs"))).to_be_visible()


def test_a_run_is_opened_by_keys_and_leads_back(listed: Page) -> None:
    listed.get_by_role("button", name="Run", exact=True).click()
    listed.get_by_role("button", name="2.zarr").focus()
    listed.keyboard.press("ArrowDown")
    listed.keyboard.press("Enter")
    listed.wait_for_url(re.compile(r"/run\?number=\d+$"))
    listed.locator(STAGE).first.wait_for()
    expect(listed.locator("header")).to_contain_text("<i>ten</i>")
    listed.get_by_role("link", name="All runs").click()
    expect(listed.get_by_text(re.compile("^5 runs in "))).to_be_visible()


def test_two_runs_are_compared(listed: Page) -> None:
    compare = listed.get_by_role("button", name="Compare")
    assert compare.is_disabled()
    for run in ("10.zarr", "2.zarr"):
        listed.get_by_label(f"Compare {run}").check()
    compare.click()
    listed.wait_for_url(re.compile(r"/compare\?a=\d+&b=\d+"))
    expect(listed.get_by_role("link", name="All runs")).to_be_visible()
    listed.locator(STAGE).first.wait_for()


@pytest.mark.parametrize("width", SIZES)
def test_there_is_room_and_it_can_be_read_in_both_themes(
    page_checker: PageChecker, address: str, width: int, request: pytest.FixtureRequest
) -> None:
    with page_checker(viewport={"width": width, "height": 700}) as page:
        watch_boxes(page.context)
        page.goto(address)
        expect(page.get_by_text(re.compile("^5 runs in "))).to_be_visible()
        assert not faults(page)
    browser = request.getfixturevalue("browser")
    wait = "tbody .open"
    with opened(browser, address, wait, viewport={"width": width, "height": 700}) as page:
        assert_legible(page)
        switch(page)
        assert_legible(page)

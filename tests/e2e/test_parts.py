"""A run of several models in a browser: its parts are chosen beside the network."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from store.testing import parts_run_spec, write_run
from tests.e2e.conftest import serving, unused_port


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an explorer of one run of three parts."""
    folder = tmp_path_factory.mktemp("parts")
    path, port = write_run(folder / "parts.zarr", parts_run_spec()), unused_port()
    code = (
        "import sys; from explorer.server import app; from store import open_run; "
        f"app.serve([open_run(sys.argv[1])], port={port}, open_browser=False)"
    )
    command = [sys.executable, "-W", "default", "-c", code, str(path)]
    with serving(command, port, folder / "log.txt") as served:
        yield served


def test_another_part_is_chosen_beside_the_network(watched_page: Page, address: str) -> None:
    page = watched_page
    page.goto(f"{address}/?part=critic&layer=conv1&unit=1&step=5&tab=training")
    part, network = page.locator("#part"), page.get_by_role("tree", name="Layers of the network")
    expect(part).to_have_value("critic")
    expect(network).to_contain_text("conv1")
    part.select_option("reader")
    page.wait_for_url("**part=reader**")
    expect(network).to_contain_text("lstm")
    expect(network).not_to_contain_text("conv1")
    expect(part).to_have_value("reader")
    assert "step=5" in page.url
    assert "tab=training" in page.url
    assert "conv1" not in page.url
    page.go_back()
    expect(part).to_have_value("critic")
    expect(network).to_contain_text("conv1")
    part.select_option("average")
    expect(page.get_by_text("Of this part only the weights were recorded.").first).to_be_attached()

"""From the command line and the server to a page with two runs."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from explorer.cli import main
from explorer.server import app
from explorer.server.runs import RunRegistry
from store.testing import image_run_spec, write_run
from tests.explorer.conftest import renamed

MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def served(monkeypatch):
    """What would have been served."""
    calls = []

    def serve(runs, *, ready, port, **options):
        calls.append((runs, {"port": port, **options}))
        ready(f"http://127.0.0.1:{port}/")

    monkeypatch.setattr(app, "serve", serve)
    monkeypatch.setattr(app, "free_port", lambda: 5999)
    return calls


def test_two_runs_open_side_by_side_and_others_with_a_switch(served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "c"):
        write_run(f"{name}.zarr", image_run_spec(name), steps=(0, 1))
    for names, options in (
        (["a.zarr"], {}),
        (["a.zarr", "b.zarr"], {"side_by_side": True}),
        (["a.zarr", "b.zarr", "c.zarr"], {}),
    ):
        result = CliRunner().invoke(main, ["explore", *names, "--no-browser"])
        assert result.exit_code == 0, result.output
        runs, found = served.pop()
        assert [f"{run.name}.zarr" for run in runs] == names
        assert found == {"port": 5999, "open_browser": False, **options}


def test_a_second_run_that_is_not_there_is_one_line(served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run("a.zarr", steps=(0, 1))
    result = CliRunner().invoke(main, ["explore", "a.zarr", "nowhere.zarr"])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "nowhere.zarr" in line
    assert not served


def test_runs_of_one_name_are_told_apart_by_their_places(recorded):
    same = [recorded(steps=(0, 1)).run for _ in range(2)]
    other = recorded(image_run_spec("other"), steps=(0, 1)).run
    assert app.disambiguated_names([*same, other]) == [
        "synthetic (run0.zarr)",
        "synthetic (run1.zarr)",
        "other",
    ]


@pytest.mark.slow
def test_the_header_of_two_runs_names_both_as_text(pair):
    switch = [("/run-1", "a"), ("/run-2", "b")]
    variables = app.comparison_page(pair, {}, switch, (1, 2))._render_variables
    assert variables["run_name"] == "a and b"
    sides = variables["sides"]
    assert [(side["letter"], side["alone"]) for side in sides] == [("A", "/run-1"), ("B", "/run-2")]
    assert [side["facts"] for side in sides] == ["6 recorded steps", "4 recorded steps"]


@pytest.mark.slow
def test_names_with_markup_stay_text_on_a_page_of_two(recorded, image_data):
    from explorer.compare.page import ComparisonPage
    from explorer.compare.pair import RunPair

    hostile = recorded(renamed(image_run_spec(MARKUP), {"conv1": "a & 'b'"}), steps=(0, 1))
    page = ComparisonPage(RunPair(image_data, hostile), {"align": MARKUP, "tab": "differences"})
    for card in page.cards:
        card.head.seen = True
    html = [str(part.object) for part in page.body.select(lambda p: hasattr(p, "object"))]
    assert any("&lt;script&gt;" in text for text in html)  # the alignment in the notice
    assert not any("<script" in text for text in html)


def test_a_page_of_one_run_offers_the_others():
    switch = [("/", "a"), ("/run-2", "b"), ("/run-3", "c")]
    assert app._others(switch, "/run-2") == [("/compare?a=2&b=1", "a"), ("/compare?a=2&b=3", "c")]
    assert app._others((), "/") == []


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["x", "0", "4", "-1", "1.5", ""])
def test_a_run_that_the_server_does_not_show_is_said(recorded, wrong):
    registry = RunRegistry([recorded(steps=(0, 1)).run for _ in range(3)], ["/", "/b", "/c"])
    with pytest.raises(ValueError, match="this server shows 3, counted from 1"):
        registry.number(wrong, "a")


@pytest.mark.parametrize("wrong", ["nonsense", "[1]", '{"a": 1}', "{" * 2000])
def test_layers_by_hand_that_cannot_be_read_are_said(wrong):
    with pytest.raises(ValueError, match="layers of B by layers of A"):
        app._overrides(wrong)
    assert app._overrides('{"a": "b", "c": null}') == {"a": "b", "c": None}

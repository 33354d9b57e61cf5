"""Runs that a server shows, and those that are added while it runs."""

from __future__ import annotations

import pytest

from explorer.compare.pair import RunPair
from explorer.server import app
from explorer.server.runs import RunRegistry, another_run
from store.testing import image_run_spec, write_run


@pytest.fixture
def registry(recorded):
    """Two runs, as a server is started with them."""
    return RunRegistry(
        [recorded(image_run_spec(name), steps=(0, 1)).run for name in ("a", "b")], ["/", "/run-2"]
    )


def test_a_run_is_added_once_and_offered_from_then_on(registry, tmp_path, monkeypatch):
    write_run(tmp_path / "c.zarr", image_run_spec("c"), steps=(0, 1))
    assert registry.switch == [("/", "a"), ("/run-2", "b")]
    assert registry.add(f"  '{tmp_path / 'c.zarr'}' ") == 3
    assert registry.switch[2:] == [("/run?number=3", "c")]
    monkeypatch.chdir(tmp_path)
    assert registry.add("c.zarr") == 3
    assert registry.add(registry.every[1].data.run.location) == 2
    assert len(registry.every) == 3
    assert registry.number("3", "b") == 3


def test_runs_of_one_name_are_told_apart_once_there_are_two(registry, tmp_path):
    write_run(tmp_path / "other.zarr", image_run_spec("a"), steps=(0, 1))
    registry.add(str(tmp_path / "other.zarr"))
    names = [name for _, name in registry.switch]
    assert names[2] == "a (other.zarr)"
    assert names[0].startswith("a (")
    assert names[1] == "b"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Type the path of a run"),
        ("runs/lene.zarr", "Did you mean 'lenet.zarr'"),
        ("runs", "is not a run"),
        ("runs/text.txt", "zip"),
        ("ftp://example.org/a.zarr", "http"),
        ("\0", "no run at"),
    ],
)
def test_what_cannot_be_opened_is_a_sentence(registry, tmp_path, monkeypatch, typed, said):
    monkeypatch.chdir(tmp_path)
    write_run("runs/lenet.zarr", steps=(0, 1))
    (tmp_path / "runs" / "text.txt").write_text("no run")
    with pytest.raises(ValueError, match=said):
        registry.add(typed)
    assert len(registry.every) == 2


def test_the_page_hears_of_the_number_or_of_the_reason(registry, image_data, tmp_path):
    write_run(tmp_path / "c.zarr", image_run_spec("c"), steps=(0, 1))
    widget = another_run(image_data, registry.add)
    widget.asked = [str(tmp_path / "d.zarr"), 1]
    assert "There is no run at" in widget.said
    assert widget.opened == []
    widget.asked = [str(tmp_path / "c.zarr"), 2]
    assert widget.opened == [3, 2]


def test_what_nobody_expected_is_a_sentence_too(image_data):
    def fail(_):
        raise RuntimeError("the disk is on fire")

    widget = another_run(image_data, fail)
    widget.asked = ["a.zarr", 1]
    assert widget.said == "a.zarr cannot be opened: RuntimeError: the disk is on fire"


@pytest.mark.slow
def test_only_a_server_offers_to_add_runs(image_data, registry, recorded):
    alone = app.page(image_data)._render_variables
    assert not alone["adds"]
    template = app.page(image_data, {}, registry.switch, "/run-2", None, registry.add)
    assert (template._render_variables["adds"], template._render_variables["here"]) == (True, 2)
    pair = RunPair(image_data, recorded(steps=(0, 1)))
    two = app.comparison_page(pair, {}, registry.switch, (1, 2), registry.add)
    assert two._render_variables["adds"]


# -- which runs may be added ----------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path_factory):
    """Path of a run in a folder of its own."""
    return write_run(tmp_path_factory.mktemp("elsewhere") / "run.zarr", steps=(0, 1))


@pytest.mark.parametrize("form", ["{0}", "{0}/../run.zarr", "{1}/link.zarr", "{1}/link/run.zarr"])
def test_a_run_elsewhere_is_not_added(registry, tmp_path, elsewhere, form):
    (tmp_path / "link.zarr").symlink_to(elsewhere)
    (tmp_path / "link").symlink_to(elsewhere.parent)
    with pytest.raises(ValueError, match=r"may open runs from.*--allow FOLDER"):
        registry.add(form.format(elsewhere, tmp_path))
    assert len(registry.every) == 2


def test_nothing_is_said_of_what_lies_elsewhere(registry, elsewhere):
    with pytest.raises(ValueError, match="may open runs from") as refused:
        registry.add(str(elsewhere.parent / "rum.zarr"))
    assert "run.zarr" not in str(refused.value)


def test_a_folder_can_be_allowed(image_run, elsewhere):
    registry = RunRegistry([image_run], ["/"], allow=[elsewhere.parent.parent])
    assert registry.add(str(elsewhere)) == 2


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/run.zarr",
        "https://host/other/run.zip",
        "http://host/runs/run.zip",
        "https://host:444/runs/run.zip",
        "https://host/runs/../other/run.zip",
        "https://host/runs/%2e%2e/other/run.zip",
        "https://host/runs/%252e%252e/other/run.zip",
        "https://host/runs/..;/other/run.zip",
        "https://host/runs/..%5cother/run.zip",
        "https://host@evil.example/runs/run.zip",
        "https://evil.example/https://host/runs/run.zip",
        "https://host/runs-of-others/run.zip",
        "s3://host/runs/run.zip",
        "file:///etc/passwd",
    ],
)
def test_no_address_is_asked_that_was_not_allowed(image_run, monkeypatch, address):
    asked = []
    monkeypatch.setattr("explorer.server.runs.open_run", asked.append)
    registry = RunRegistry([image_run], ["/"], allow=["https://host/runs"])
    with pytest.raises(ValueError, match=r"may open runs from|leads upwards"):
        registry.add(address)
    assert asked == []


def test_addresses_below_an_allowed_one_are_asked(image_run, monkeypatch):
    asked = []

    def open_run(address):
        asked.append(address)
        raise OSError("no network")

    monkeypatch.setattr("explorer.server.runs.open_run", open_run)
    registry = RunRegistry([image_run], ["/"], allow=["https://HOST/runs/"])
    for address in ("https://host/runs/a.zip", "https://host/runs//deep/b%20c.zarr"):
        with pytest.raises(ValueError, match="no network"):
            registry.add(address)
    assert len(asked) == 2

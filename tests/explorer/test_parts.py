"""A run of several models: a page shows one of them, chosen beside the network."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path

import pytest
from click.testing import CliRunner

from explorer.cli import main
from explorer.compare.pair import RunPair
from explorer.compare.session import Comparison
from explorer.data.absence import GIVE_PROBE_OF_PART
from explorer.data.run import RunData
from explorer.export.selecting import SelectionError, select
from explorer.notebook import explore, picture, titles
from explorer.replay.export import export_replay
from explorer.selection import SelectionKey, chosen_part, select_in
from explorer.server import app
from explorer.server.runs import RunRegistry
from explorer.session.following import Latest
from explorer.session.session import Explorer
from explorer.session.tour import bookmark_at, describe
from explorer.views.base import Scene
from explorer.views.training.curves import Loss
from store import Run, open_run
from store.errors import PartNotFoundError, SpecError
from store.live.writer import RunWriter
from store.testing import append_steps, parts_run_spec, write_run
from store.tools.share import share


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("runs") / "parts.zarr"
    return open_run(write_run(path, parts_run_spec()))


def variables(template):
    return template._render_variables


def test_the_first_part_with_activations_is_shown_unless_another_is_chosen(run):
    assert chosen_part(run, {}).part == "reader"
    assert chosen_part(run, {"part": "average"}).part == "average"
    assert chosen_part(run.parts["critic"], {"part": "reader"}).part == "critic"
    selection, warnings = select_in(chosen_part(run, {"part": "critik"}), {"part": "critik"})
    assert selection.layer == "lstm"
    assert warnings == [
        "There is no part 'critik'. Did you mean 'critic'? There are: reader, critic, average."
    ]


def test_a_run_of_one_model_says_that_it_has_no_parts(image_run):
    assert chosen_part(image_run, {"part": "critic"}) is image_run
    _, warnings = select_in(image_run, {"part": "critic"})
    assert warnings == ["This run has no parts, so no 'critic'."]


@pytest.mark.parametrize("part", ["reader", "critic"])
def test_every_tab_of_a_part_is_that_of_a_run_of_its_model(run, part, text_run, image_run):
    alone = {"reader": text_run, "critic": image_run}[part]
    own, other = (Explorer(RunData(each)) for each in (run.parts[part], alone))
    assert own.selection.choice() == other.selection.choice()
    for region, cards in other.cards.items():
        assert [card.head.title for card in own.cards[region]] == [c.head.title for c in cards]
    assert own.graph.nodes == other.graph.nodes


def test_a_part_of_weights_alone_says_what_to_do(run):
    session = Explorer(RunData(run.parts["average"]))
    assert session.picker is None
    assert session.selection.layer == "conv1"
    said = session.absent["layers"].object
    assert GIVE_PROBE_OF_PART.format(part="average").replace('"', "&#34;") in said
    assert "Kernels" in titles(run, part="average")


def test_pages_offer_all_parts_and_mark_the_one_that_they_show(run, image_run):
    registry = RunRegistry([run, image_run], ["/", "/run-2"])
    reader, critic = (registry.latest(1, {"part": name}) for name in ("reader", "critic"))
    assert registry.latest(1, {"part": "critic"}) is critic
    assert registry.latest(1, {}) is reader
    assert registry.latest(2, {"part": "critic"}) is registry.every[1]
    shown = variables(app.page(critic.data, {"part": "critic"}))
    assert (shown["parts"], shown["part"]) == (["reader", "critic", "average"], "critic")
    assert shown["run_name"] == "synthetic parts · critic"
    assert variables(app.page(registry.every[1].data, {}))["parts"] == []


def test_the_same_part_of_two_runs_stands_side_by_side(run, image_run, tmp_path):
    second = open_run(write_run(tmp_path / "b.zarr", parts_run_spec("b")))
    registry = RunRegistry([run, second, image_run], ["/", "/run-2", "/run-3"])
    query = {"part": "critic", "layer": "conv1"}
    ours, theirs, alone = (registry.latest(number, query).data for number in (1, 2, 3))
    pair = RunPair(ours, theirs)
    assert pair.layers.to_second("conv1") == "conv1"
    shown = variables(app.comparison_page(pair, query))
    assert shown["part"] == "critic"
    assert [side["name"] for side in shown["sides"]] == ["synthetic parts · critic", "b · critic"]
    mixed = variables(app.comparison_page(RunPair(alone, ours), query))
    assert mixed["parts"] == ["reader", "critic", "average"]
    assert Comparison(RunPair(alone, ours), query).warnings == []
    other = RunData(run.parts["reader"])
    assert Comparison(RunPair(ours, other), query).warnings[0] == (
        "Run B has no part 'critic': its part 'reader' stands beside it."
    )


def test_a_growing_part_shows_new_steps(tmp_path):
    with RunWriter.create(tmp_path / "run.zarr", parts_run_spec()) as writer:
        append_steps(writer, 0)
        writer.commit()
        latest = Latest(open_run(tmp_path / "run.zarr").parts["critic"])
        append_steps(writer, 1)
        writer.commit()
        assert latest.has_changed()
        newer = latest.read()
    assert newer.run.part == "critic"
    assert len(newer.run) == 2


@pytest.mark.parametrize(
    ("losses", "balance"),
    [(["d_loss", "g_loss"], True), (["d_loss"], True), (["loss", "val_loss"], False)],
)
def test_losses_of_rivals_are_not_said_to_fall(losses, balance, image_run, tmp_path):
    with RunWriter.create(tmp_path / "run.zarr", parts_run_spec()) as writer:
        append_steps(writer, 0)
        writer.append_metrics(1, dict.fromkeys(losses, 1.0))
        writer.commit()
    critic = RunData(open_run(tmp_path / "run.zarr").parts["critic"])
    said = Loss().caption(Scene(critic, SelectionKey("conv1", 0, "step")))
    assert ("as in a GAN, balance" in said) == balance
    alone = Loss().caption(Scene(RunData(image_run), SelectionKey("conv1", 0, "step")))
    assert alone.endswith("Healthy: falls.")


def test_notebooks_take_a_part(run, image_run):
    assert titles(run, part="critic") == titles(image_run)
    assert titles(run, part="reader") == titles(run)
    assert picture(run, "Kernels", part="critic", layer="conv1") is not None
    with pytest.raises(SpecError, match="Did you mean 'critic'"):
        titles(run, part="critc")
    with pytest.raises(SpecError, match="no parts"):
        titles(image_run, part="critic")
    assert explore(run, part="critic", layer="conv1") is not None


def test_commands_take_a_part(run, tmp_path):
    assert select(run, "Kernels", part="average").data.run.part == "average"
    with pytest.raises(SelectionError, match="Did you mean 'critic'"):
        select(run, None, part="critc")
    out = tmp_path / "kernels.npz"
    arguments = ["numbers", run.location, "-o", str(out), "--card", "Kernels", "--part", "critic"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert out.exists()


def test_a_replay_is_of_one_part_and_says_of_which(run, tmp_path):
    report = export_replay(run, tmp_path / "a.html", part="critic")
    assert report.contents.layers[0] == "conv1"
    said = "Part critic. Not in this file: reader, average; choose by --part."
    assert said in report.left_out
    page = report.path.read_text(encoding="utf-8")
    assert said in page
    assert "synthetic parts · critic" in page
    assert export_replay(run, tmp_path / "b.html").contents.layers[0] == "embedding"
    with pytest.raises(PartNotFoundError, match="Did you mean 'critic'"):
        export_replay(run, tmp_path / "c.html", part="critc")


def test_a_moment_knows_its_part(run):
    critic, reader = (RunData(run.parts[name]) for name in ("critic", "reader"))
    bookmark = bookmark_at(critic, 2, {"layer": "conv1", "unit": 1})
    assert json.loads(json.dumps(bookmark.as_json()))["part"] == "critic"
    (here,) = describe(critic, [bookmark])
    assert here["go"]["layer"] == "conv1"
    assert not here["missing"]
    assert "critic" in here["place"]
    (there,) = describe(reader, [bookmark])
    assert there["go"] == {}
    assert there["missing"] == "This is of the part 'critic': choose it beside the network."


def test_moments_and_zip_files_serve_all_parts(run, tmp_path):
    zipped = open_run(share(run.location, tmp_path / "parts.zip").path)
    assert titles(zipped, part="critic") == titles(run, part="critic")
    assert urllib.parse.quote(Path(zipped.location).name) == "parts.zip"

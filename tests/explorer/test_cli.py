"""The command line: help, suggestions, one line for what the user can mend."""

from __future__ import annotations

import json
import shutil

import pytest
import zarr
from click.testing import CliRunner

import recorder.commands.cli
import store.cli
from explorer.cli import main
from explorer.server import app
from store import open_run
from store.testing import image_run_spec, text_run_spec, write_run


@pytest.fixture
def trainlapse(tmp_path, monkeypatch):
    """Call the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return CliRunner().invoke(main, list(map(str, arguments)), prog_name="trainlapse")

    return call


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


def failed(result):
    """The one line on stderr of a command that failed."""
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "Traceback" not in line
    return line


# -- help -------------------------------------------------------------------------------------


def test_help_lists_every_command_with_a_line(trainlapse):
    result = trainlapse("--help")
    assert result.exit_code == 0
    expected = {"demo", "explore", "export", "film", "figure", "findings", "numbers"}
    expected |= {"predict", "checkpoint"}
    expected |= {command.name for command in [*recorder.commands.cli.COMMANDS, *store.cli.COMMANDS]}
    assert {"record", "info"} <= expected
    assert set(main.commands) == expected
    lines = {line.split()[0]: line.split() for line in result.output.splitlines() if line.strip()}
    for name in expected:
        assert len(lines[name]) > 3, f"{name} has no help"


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_and_option_has_help(trainlapse, name):
    assert trainlapse(name, "--help").exit_code == 0
    assert trainlapse(name, "-h").output == trainlapse(name, "--help").output
    command = main.commands[name]
    assert command.help
    options = [option for option in command.params if option.param_type_name == "option"]
    assert all(option.help for option in options)


@pytest.mark.parametrize(
    ("wrong", "meant"), [("explor", "explore"), ("inof", "info"), ("DEMO", "demo")]
)
def test_an_unknown_command_is_answered_with_the_nearest(trainlapse, wrong, meant):
    result = trainlapse(wrong)
    assert result.exit_code == 2
    assert f"There is no command {wrong!r}. Did you mean {meant!r}?" in result.stderr


def test_a_command_like_no_other_is_answered_with_the_list(trainlapse):
    result = trainlapse("qqq")
    assert result.exit_code == 2
    assert f"There are: {', '.join(sorted(main.commands))}." in result.stderr
    assert "Did you mean" not in result.stderr


# -- explore ----------------------------------------------------------------------------------


def test_explore_serves_the_run_and_says_where(trainlapse, served, tmp_path):
    write_run(tmp_path / "run.zarr", steps=(0, 1))
    result = trainlapse("explore", "run.zarr", "--no-browser")
    assert result.exit_code == 0, result.output
    assert "http://127.0.0.1:5999/" in result.output
    ((runs, options),) = served
    assert [run.name for run in runs] == ["synthetic"]
    assert options == {"port": 5999, "open_browser": False}


def test_explore_takes_a_port_and_opens_the_browser(trainlapse, served, tmp_path):
    write_run(tmp_path / "run.zarr", steps=(0, 1))
    assert trainlapse("explore", "run.zarr", "--port", "6123").exit_code == 0
    assert served[0][1] == {"port": 6123, "open_browser": True}
    assert trainlapse("explore", "run.zarr", "--port", "70000").exit_code == 2


def test_explore_says_what_may_be_opened_and_under_which_names(trainlapse, served, tmp_path):
    write_run(tmp_path / "run.zarr", steps=(0, 1))
    words = ["--allow", "a", "--allow", "https://host/runs", "--allow-host", "lab.example"]
    assert trainlapse("explore", "run.zarr", "--no-browser", *words).exit_code == 0
    assert served[0][1]["allow"] == ("a", "https://host/runs")
    assert served[0][1]["allow_hosts"] == ("lab.example",)


def test_a_token_of_ones_own_that_is_too_short_is_one_line(trainlapse, tmp_path, monkeypatch):
    monkeypatch.setenv("TRAINLAPSE_TOKEN", "short")
    write_run(tmp_path / "run.zarr", steps=(0, 1))
    assert "at least 16" in failed(trainlapse("explore", "run.zarr", "--no-browser"))


def test_explore_hands_an_address_on_as_it_is(trainlapse, served, monkeypatch):
    opened = []
    monkeypatch.setattr("store.reading.run.open_run", opened.append)
    assert trainlapse("explore", "http://127.0.0.1:1/runs//a.zarr").exit_code == 0
    assert opened == ["http://127.0.0.1:1/runs//a.zarr"]


def test_explore_of_a_port_in_use_is_one_line(trainlapse, tmp_path, monkeypatch):
    def serve(runs, **options):
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(app, "serve", serve)
    write_run(tmp_path / "run.zarr", steps=(0, 1))
    result = trainlapse("explore", "run.zarr", "--port", "6123")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Error: port 6123 cannot be used: [Errno 98] Address already in use"
    ]


def test_a_folder_of_runs_opens_as_a_list(trainlapse, served, tmp_path):
    write_run(tmp_path / "runs" / "deep" / "a.zarr", steps=(0, 1))
    assert trainlapse("explore", "runs/").exit_code == 0
    ((runs, options),) = served
    assert runs == []
    assert str(options["folder"]) == "runs"


def test_a_folder_without_runs_says_so(trainlapse, served, tmp_path):
    (tmp_path / "runs").mkdir()
    assert "There is no run in runs" in failed(trainlapse("explore", "runs"))
    assert not served


def newer(path):
    write_run(path, steps=(0, 1))
    root = path / "zarr.json"
    document = json.loads(root.read_text())
    document["attributes"]["trainlapse"]["schema_version"] = 999
    root.write_text(json.dumps(document))


def foreign(path):
    zarr.create_group(path).create_array("a", shape=(2,), dtype="f4")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, ["run.zarr"]),
        (lambda path: path.mkdir(), ["run.zarr"]),
        (lambda path: path.write_text("hello"), ["run.zarr"]),
        (foreign, ["run.zarr"]),
        (newer, ["999"]),
        (lambda path: write_run(path) and (path / "zarr.json").write_text("{"), ["run.zarr"]),
    ],
    ids=["nothing", "empty folder", "a text", "foreign zarr", "newer schema", "damaged"],
)
@pytest.mark.parametrize("command", ["explore", "info"])
def test_what_cannot_be_opened_is_one_line(trainlapse, served, tmp_path, command, make, words):
    make(tmp_path / "run.zarr")
    line = failed(trainlapse(command, "run.zarr"))
    assert all(word in line for word in words), line
    assert not served


def test_a_missing_framework_is_named_with_the_remedy(trainlapse, monkeypatch):
    def record_preset(*_, **__):
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(recorder.commands.cli, "record_preset", record_preset)
    line = failed(trainlapse("demo", "cnn", "--no-explore"))
    assert 'pip install "trainlapse[demo]"' in line
    assert "tensorflow" in line


def test_a_fault_of_our_own_keeps_its_traceback(trainlapse, monkeypatch):
    def record_preset(*_, **__):
        raise ModuleNotFoundError("No module named 'store.gone'", name="store.gone")

    monkeypatch.setattr(recorder.commands.cli, "record_preset", record_preset)
    assert isinstance(trainlapse("demo", "cnn").exception, ModuleNotFoundError)


# -- demo -------------------------------------------------------------------------------------


@pytest.fixture
def recordings(monkeypatch):
    """Record synthetic runs instead of training; what was asked for."""
    calls = []
    specs = {"lenet-mnist": image_run_spec("lenet"), "lstm-reviews": text_run_spec("lstm")}

    def record_preset(name, path, *, epochs, overwrite):
        calls.append((name, str(path), epochs))
        if path.exists():
            assert overwrite
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_run(path, specs[name], steps=(0, 1))

    monkeypatch.setattr(recorder.commands.cli, "record_preset", record_preset)
    return calls


def test_the_demo_records_both_trainings_and_opens_them(trainlapse, served, recordings):
    result = trainlapse("demo", "--no-browser", "--epochs", "1")
    assert result.exit_code == 0, result.output
    assert [(name, epochs) for name, _, epochs in recordings] == [
        ("lenet-mnist", 1),
        ("lstm-reviews", 1),
    ]
    assert [run.name for run in served[0][0]] == ["lenet", "lstm"]
    assert all(open_run(path).finished for _, path, _ in recordings)


def test_the_demo_opens_again_what_is_there(trainlapse, served, recordings):
    trainlapse("demo", "cnn", "--folder", "mine")
    result = trainlapse("demo", "--folder", "mine")
    assert [name for name, *_ in recordings] == ["lenet-mnist", "lstm-reviews"]
    assert "lenet-mnist.zarr is there already (--again records it anew)" in result.output
    trainlapse("demo", "rnn", "--folder", "mine", "--again")
    assert [name for name, *_ in recordings][2:] == ["lstm-reviews"]
    assert [run.name for run in served[-1][0]] == ["lstm"]


def test_the_demo_records_anew_what_was_interrupted_or_is_damaged(
    trainlapse, served, recordings, tmp_path
):
    write_run(tmp_path / "runs" / "lenet-mnist.zarr", steps=(0,), finished=False)
    (tmp_path / "runs" / "lstm-reviews.zarr").mkdir()
    assert trainlapse("demo").exit_code == 0
    assert [name for name, *_ in recordings] == ["lenet-mnist", "lstm-reviews"]


def test_the_demo_can_record_only(trainlapse, served, recordings):
    assert trainlapse("demo", "rnn", "--no-explore").exit_code == 0
    assert [name for name, *_ in recordings] == ["lstm-reviews"]
    assert not served

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from store import open_run
from store.cli import COMMANDS
from store.testing import text_run_spec, write_run
from store.tools.verify import verify
from tests.store.conftest import STEPS

ACTIVATION = "layers/conv1/activation"


def call(*words: object) -> Result:
    """Run a command; what it prints must come from click, never from a traceback."""
    name, *arguments = map(str, words)
    command = next(command for command in COMMANDS if command.name == name)
    result = CliRunner().invoke(command, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def damage(run: Path) -> None:
    file = run / ACTIVATION / "c.1.0.0.0.0"
    file.write_bytes(file.read_bytes()[:-3])


def test_info_shows_what_a_run_is(live_run: Path) -> None:
    text = call("info", live_run).stdout
    for part in (
        "synthetic",
        "live form",
        "13, 0 to 100",
        "6 (image: input (8, 8, 1))",
        "conv1    Conv2D",
        "8 x 8 x 3",
        "activation, bias, kernel",
        "val_loss  0.0274725",
        "inputs, labels, class_names, weights, activations, model_config",
    ):
        assert part in text


def test_info_as_json_agrees_with_the_run(packed_run: Path) -> None:
    description = json.loads(call("info", packed_run, "--json").stdout)
    run = open_run(packed_run)
    assert description["id"] == run.id
    assert description["steps"] == {"count": 13, "first": 0, "last": 100, "epochs": 100 / 30}
    assert [layer["name"] for layer in description["layers"]] == list(run.layers)
    assert description["metrics"]["last"]["loss"] == float(run.metrics["loss"][-1])
    conv1 = next(layer for layer in description["layers"] if layer["name"] == "conv1")
    assert conv1["raw_bytes"] == run.read(ACTIVATION, ()).nbytes + 4 * len(STEPS) * 30
    assert sum(layer["bytes"] for layer in description["layers"]) < description["bytes"]


def test_a_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr", text_run_spec(name="evil\x1b[2Jname\nsecond"))
    text = call("info", path).stdout
    assert "\x1b" not in text
    assert text.splitlines()[0].startswith("evil\N{REPLACEMENT CHARACTER}[2Jname")


def test_verify_names_damage_and_salvages(packed_run: Path, tmp_path: Path) -> None:
    sound = call("verify", packed_run)
    assert (sound.exit_code, sound.stdout.startswith("Sound: ")) == (0, True)
    damage(packed_run)
    result = call("verify", packed_run, "--salvage", tmp_path / "saved.zarr")
    assert result.exit_code == 1
    assert f"{ACTIVATION}, steps" in result.stdout
    assert "layers: conv1" in result.stdout
    assert "with everything" in result.stdout  # the twin was sound
    saved = open_run(tmp_path / "saved.zarr")
    np.testing.assert_array_equal(saved.steps, STEPS)
    assert verify(saved).is_sound


def test_pack_says_what_it_did(live_run: Path, tmp_path: Path) -> None:
    before = open_run(live_run).tree.load()
    result = call("pack", live_run, "-o", tmp_path / "out.zarr", "--precision", "weights=7")
    assert result.exit_code == 0
    assert "layers/dense/weights/kernel: off by at most 0.00" in result.stdout
    assert call("pack", live_run, "--no-history", "--level", "9").exit_code == 0
    assert open_run(live_run).attributes["form"] == "packed"
    assert open_run(live_run).tree.equals(before)


def test_crop_and_share(live_run: Path, tmp_path: Path) -> None:
    cut, file = tmp_path / "cut.zarr", tmp_path / "cut.zip"
    options = "--steps 2:64 --every 2 --layers conv* --probes 0-1,5 --no-inputs --no-labels"
    assert call("crop", live_run, "-o", cut, *options.split()).exit_code == 0
    result = call("share", cut, "-o", file)
    assert result.exit_code == 0
    assert "every recorded weight" in result.stdout
    assert "inputs themselves" not in result.stdout
    assert result.stdout.index("will contain") < result.stdout.index("Wrote")
    run = open_run(file)
    np.testing.assert_array_equal(run.steps, [step for step in STEPS if 2 <= step <= 64][::2])
    assert run.read(ACTIVATION, (0,)).shape == (3, 8, 8, 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["info", "{tmp}/live.zar"], "Did you mean 'live.zarr'?"),
        (["pack", "{tmp}/live.zarr", "-o", "{tmp}/live.zarr"], "There is a run at"),
        (["pack", "{tmp}/live.zarr", "--precision", "weights=no"], "weights=no is not known"),
        (["crop", "{tmp}/live.zarr", "-o", "{tmp}/x", "--layers", "cnv1"], "Did you mean 'conv1'?"),
        (["share", "{tmp}/none", "-o", "{tmp}/x.zip"], "There is no run at"),
        (["verify", "{tmp}"], "is not a run"),
    ],
)
def test_errors_are_one_line_and_exit_code_1(
    live_run: Path, words: list[str], message: str
) -> None:
    result = call(*(word.format(tmp=live_run.parent) for word in words))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["info"],
        ["crop", "run", "-o", "x", "--steps", "7"],
        ["crop", "run", "-o", "x", "--probes", "a-b"],
        ["pack", "run", "--level", "12"],
        ["pack", "run", "--precision", "float16"],
        ["share", "run"],
    ],
)
def test_wrong_usage_is_exit_code_2(words: list[str]) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_every_option_has_help(command) -> None:  # type: ignore[no-untyped-def]
    text = call(command.name, "--help").stdout
    assert command.help
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert parameter.help
            assert parameter.opts[-1] in text


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; import store.cli;"
        "print([name for name in ('numpy', 'zarr', 'xarray', 'tensorflow') if name in sys.modules])"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

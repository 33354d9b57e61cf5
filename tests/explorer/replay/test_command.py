"""The command: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from explorer.replay.command import export, parse_size
from explorer.replay.export import export_replay
from store import Run


@pytest.fixture
def run_command(image_run: Run, tmp_path):
    """Export the image run: ``run_command("--probes", "0")``; output, or the error."""
    target = tmp_path / "out" / "replay.html"

    def call(*options: str, out=target):
        arguments = [image_run.location, "-o", str(out), *options]
        return CliRunner().invoke(export, arguments), out

    return call


def test_a_file_is_written_and_told(run_command):
    done, out = run_command("--layers", "conv*", "--layers", "softmax", "--probes", "0-1")
    assert done.exit_code == 0, done.output
    told = done.output.splitlines()
    assert re.fullmatch(r"Wrote \d+\.\d KiB: .*replay\.html", told[0])
    assert told[1] == (
        "In this file: 8 of 8 recorded steps, 2 of 6 probes, the activations of 2 of 6 layers."
    )
    assert told[2].startswith("Left out, not asked for: probes 2-5; the activations of relu1, ")
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert told[1] in page
    assert told[2] in page
    assert [file.name for file in out.parent.iterdir()] == ["replay.html"]


@pytest.mark.slow
def test_a_file_is_no_larger_than_allowed_and_holds_what_fits(run_command):
    done, out = run_command()
    whole = out.stat().st_size
    assert "Left out" not in done.output
    done, out = run_command("--max-size", str(whole - 1), "--overwrite")
    assert done.exit_code == 0, done.output
    assert whole * 0.8 < out.stat().st_size < whole
    assert "Left out, to keep the file small: probe 5." in done.output  # of 8 steps none can go
    again = out.read_bytes()
    run_command("--max-size", str(whole - 1), "--overwrite")
    assert out.read_bytes() == again


def test_what_is_there_is_replaced_only_if_asked(run_command, image_run):
    _, out = run_command("--probes", "0")
    first = out.read_bytes()
    done, _ = run_command("--probes", "1")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert "Choose another path, or --overwrite a file." in done.stderr
    with pytest.raises(FileExistsError):
        export_replay(image_run, out)
    assert out.read_bytes() == first
    run_command("--probes", "1", "--overwrite")
    assert out.read_bytes() != first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layers", "softmx"], "No layer matches 'softmx'. Did you mean 'softmax'?"),
        (["--steps", "4"], "Step 4 was not recorded; the nearest recorded steps are 2, 5."),
        (["--probes", "9"], "There is no probe 9; the run has 6, counted from 0."),
        (["--max-size", "1kB"], "At most 1,000 bytes are too few: the least possible, "),
    ],
)
def test_a_refusal_says_what_there_is_and_leaves_nothing(run_command, options, message):
    done, out = run_command(*options)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr
    assert not out.parent.exists() or not list(out.parent.iterdir())


@pytest.mark.slow
def test_the_least_that_is_told_is_enough(run_command):
    done, _ = run_command("--max-size", "1")
    least = re.search(r"takes about ([\d,]+) bytes", done.stderr)[1].replace(",", "")
    assert run_command("--max-size", least)[0].exit_code == 0


def test_another_ending_is_refused(run_command, tmp_path):
    done, _ = run_command(out=tmp_path / "film.mp4")
    assert "Expected a file that ends in .html, got" in done.stderr


@pytest.mark.parametrize(
    ("text", "count"),
    [("20MB", 20_000_000), ("1.5mib", 1_572_864), ("400 kB", 400_000), ("2G", 2 * 10**9),
     ("7", 7), ("7B", 7)],
)  # fmt: skip
def test_sizes_are_read(text, count):
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "MB", "20 TB", "-3MB", "1,5MB", "20MBs", "IB", "5I"])
def test_what_is_no_size_is_refused(text, run_command):
    with pytest.raises(ValueError, match=r"expected a size like 20MB, 1\.5MiB or 400kB"):
        parse_size(text)
    done, _ = run_command("--max-size", text)
    assert done.exit_code == 2
    assert "expected a size like 20MB" in done.output

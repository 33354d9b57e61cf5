"""Findings of runs: the contract, and that no run is too odd."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings

from explorer import Finding, findings
from explorer.cli import main
from explorer.derived.findings.observation import SUSPECTS
from store import Run, open_run
from store.live.writer import RunWriter
from store.testing import image_run_spec, strategies, text_run_spec, write_run
from store.testing.runs import derived_run_spec, frames_at, parts_run_spec

FIELDS = [
    *("kind", "severity", "sentence", "evidence", "remedy", "suspects", "step", "layer"),
    *("units", "probes", "card", "score"),
]


def checked(found: list[Finding]) -> list[dict[str, Any]]:
    """Hold findings to what is promised of them, and give them as JSON has them."""
    given = [each.as_json() for each in found]
    read = json.loads(json.dumps(given, allow_nan=False))
    severities = [each["severity"] for each in read]
    assert severities == sorted(severities, key=["fault", "warning", "note"].index)
    for each in read:
        own = [name for name in each if name != "run"]
        assert own == FIELDS
        assert each["sentence"].endswith(".")
        assert set(each["suspects"]) <= set(SUSPECTS)
        assert each["remedy"] is None or each["remedy"]
        for number in each["evidence"]:
            assert list(number) == ["name", "value", "n", "unit"]
    return read  # type: ignore[no-any-return]


@pytest.mark.parametrize("spec", [image_run_spec, text_run_spec, derived_run_spec, parts_run_spec])
@pytest.mark.parametrize("steps", [(), (0,), (0, 1), (3, 5, 40)])
def test_no_run_is_too_short_or_too_odd(spec: Any, steps: tuple[int, ...], tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr", spec(), steps=steps, finished=bool(len(steps) % 2))
    checked(findings(path))
    checked(findings(path, path))


@settings(max_examples=8, deadline=None)
@given(spec=strategies.run_specs())
def test_no_network_is_too_odd(spec: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        checked(findings(write_run(Path(folder) / "run.zarr", spec, steps=(0, 1, 4))))


def test_weights_and_losses_that_are_no_numbers_are_a_fault(tmp_path: Path) -> None:
    spec = image_run_spec()
    writer = RunWriter.create(tmp_path / "run.zarr", spec)
    for step in range(5):
        frames = {
            name: np.full_like(frame, np.nan) if step > 2 and frame.dtype.kind == "f" else frame
            for name, frame in frames_at(spec, step).items()
        }
        writer.append_metrics(step, {"loss": np.inf if step > 2 else 1.0})
        writer.append(step, epoch=step / 4, wall_time=float(step), frames=frames)
    writer.close()
    found = checked(findings(tmp_path / "run.zarr"))
    assert found[0]["severity"] == "fault"
    assert found[0]["step"] == 3


def test_a_run_without_metrics_has_findings(tmp_path: Path) -> None:
    spec = image_run_spec()
    writer = RunWriter.create(tmp_path / "run.zarr", spec)
    writer.append(0, epoch=0.0, wall_time=0.0, frames=frames_at(spec, 0))
    writer.close(finished=False)
    checked(findings(tmp_path / "run.zarr"))


def with_optimizer(rate: float, tmp_path: Path) -> Path:
    spec = dataclasses.replace(image_run_spec(), optimizer={"class": "Adam", "learning_rate": rate})
    return write_run(tmp_path / f"{rate}.zarr", spec)


def test_of_two_runs_it_is_said_what_differs(tmp_path: Path) -> None:
    found = checked(findings(with_optimizer(1e-3, tmp_path), with_optimizer(0.5, tmp_path)))
    assert {each["run"] for each in found} <= {"a", "b"}
    (settings_,) = [each for each in found if each["kind"] == "settings"]
    assert "optimizer learning_rate 0.001 → 0.5" in settings_["sentence"]


def test_the_same_run_twice_has_no_better_one(image_run: Run) -> None:
    found = findings(image_run, image_run)
    assert [each.kind for each in found if each.kind in ("better", "equal")] == ["equal"]
    assert "same_settings" in {each.kind for each in found}


def test_the_command_prints_a_list_alone(tmp_path: Path) -> None:
    path = with_optimizer(0.5, tmp_path)
    answer = CliRunner().invoke(main, ["findings", str(path), "--json"])
    assert answer.exit_code == 0
    assert json.loads(answer.stdout) == [each.as_json() for each in findings(path)]
    faults = CliRunner().invoke(main, ["findings", str(path), "--json", "--least", "fault"])
    assert {each["severity"] for each in json.loads(faults.stdout)} <= {"fault"}


def test_it_fails_only_where_that_is_asked_for(tmp_path: Path) -> None:
    path = with_optimizer(0.5, tmp_path)
    severities = {each.severity for each in findings(path)}
    for severity in ("fault", "warning", "note"):
        heavier = ["fault", "warning", "note"][: ["fault", "warning", "note"].index(severity) + 1]
        answer = CliRunner().invoke(main, ["findings", str(path), "--fail-on", severity])
        assert answer.exit_code == int(bool(severities & set(heavier)))


def test_findings_load_no_page_and_no_framework(image_run: Run) -> None:
    script = (
        "import sys; from explorer import findings; findings(sys.argv[1]);"
        "print({'panel', 'holoviews', 'bokeh', 'keras', 'tensorflow'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script, image_run.location],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == "set()"


def test_a_second_look_reads_what_was_found(image_run: Run, monkeypatch: Any) -> None:
    first = findings(image_run)
    monkeypatch.setattr("explorer.data.findings.observe", None)
    assert findings(open_run(image_run.location)) == first

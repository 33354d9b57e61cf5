from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from store import open_run
from store.errors import RunFormatError, TrainlapseError
from store.reading.run import Run
from store.testing import frames_at, image_run_spec, write_run
from store.testing.damage_trials import damage, outcome
from store.tools.verify import Finding, salvage, verify
from tests.store.conftest import STEPS, digest

ACTIVATION = "layers/conv1/activation"
KERNEL = "layers/dense/weights/kernel"


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 0x10
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def chunks(run: Path, array: str) -> list[Path]:
    return sorted((run / array).glob("c.*"))


def findings(run: Path) -> list[Finding]:
    return list(verify(open_run(run)).findings)


@pytest.mark.parametrize("form", ["live", "packed", "lz4"])
def test_a_sound_run_is_sound(form: str, live_run: Path, packed_run: Path, tmp_path: Path) -> None:
    lz4 = write_run(tmp_path / "lz4.zarr", image_run_spec(side=32), steps=STEPS, compression="lz4")
    report = verify(open_run({"live": live_run, "packed": packed_run, "lz4": lz4}[form]))
    assert report.is_sound
    assert report.checksummed == (form == "packed")
    assert report.arrays >= 20


@pytest.mark.slow
def test_no_changed_bit_of_a_packed_run_goes_unseen(packed_run: Path) -> None:
    rng = np.random.default_rng(3)
    files = [file for file in packed_run.rglob("c*") if file.is_file()]
    for file in rng.choice(np.array(files, object), 60):
        sound = file.read_bytes()
        flip(file, int(rng.integers(len(sound))))
        found = findings(packed_run)
        path = file.parent.relative_to(packed_run).as_posix()
        assert [finding.path for finding in found] == [path], file
        file.write_bytes(sound)
    assert findings(packed_run) == []


def test_bad_steps_and_layers_are_named(packed_run: Path) -> None:
    run = open_run(packed_run)
    reader = run.array(ACTIVATION).frames  # type: ignore[attr-defined]
    per_file = reader.shard_shape[0] // reader.block_shape[0]
    assert 1 < per_file < len(STEPS)
    flip(packed_run / ACTIVATION / "c.1.0.0.0.0", 5)  # the first block of the second file
    (finding,) = findings(packed_run)
    assert finding.layer == "conv1"
    assert finding.steps == (STEPS[per_file],)
    assert str(finding).startswith(f"{ACTIVATION}, steps {STEPS[per_file]}: block")


def test_damage_to_a_history_names_its_layer_too(packed_run: Path) -> None:
    cut(chunks(packed_run, f"history/{ACTIVATION}")[0])
    (finding,) = findings(packed_run)
    assert finding.layer == "conv1"
    assert "fails its checksum" in finding.problem


@pytest.mark.slow
def test_a_damaged_packed_run_opens_or_is_refused_by_an_error_of_ours(packed_run: Path) -> None:
    seen = set()
    for seed in range(25):
        damaged = packed_run.with_name("damaged.zarr")
        shutil.copytree(packed_run, damaged)
        damage(damaged, random.Random(seed))  # noqa: S311 - not for secrets
        seen.add(outcome(damaged))
        with contextlib.suppress(TrainlapseError):
            verify(open_run(damaged))
        shutil.rmtree(damaged)
    assert seen == {"opened", "refused", "refused in part"}


Damage = Callable[[Path], None]


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [cut, Path.unlink, lambda file: file.write_bytes(b"")])
@pytest.mark.parametrize("array", [ACTIVATION, KERNEL, "probe/input", "epoch"])
def test_missing_and_short_files_of_a_live_run_are_found(
    tmp_path: Path, array: str, spoil: Damage
) -> None:
    path = write_run(tmp_path / "run.zarr", image_run_spec(side=24), steps=range(70))
    spoil(chunks(path, array)[-1])
    (finding,) = findings(path)
    assert finding.path == array


def test_a_live_index_that_points_elsewhere_is_found(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr", image_run_spec(side=24), steps=range(70))
    flip(chunks(path, ACTIVATION)[0], 16 * 3)  # the offset of the fourth step
    (finding,) = findings(path)
    assert finding.steps == (3,)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda file: file.unlink(), "missing"),
        (lambda file: file.write_text("{"), "not JSON"),
        (lambda file: file.write_text('{"zarr_format": NaN}'), "not JSON"),
        (lambda file: file.write_text("[]"), "contradicts"),
        (
            lambda file: file.write_text(
                json.dumps({**json.loads(file.read_text()), "data_type": "int32"})
            ),
            "contradicts",
        ),
    ],
)
def test_documents_of_nodes_are_compared(packed_run: Path, change: Damage, problem: str) -> None:
    change(packed_run / ACTIVATION / "zarr.json")
    (finding,) = findings(packed_run)
    assert (finding.path, problem in finding.problem) == (ACTIVATION, True)


def test_damaged_texts_are_found(live_run: Path) -> None:
    flip(chunks(live_run, "model/config")[0], 0)
    (finding,) = findings(live_run)
    assert finding.path == "model/config"


# -- salvage ------------------------------------------------------------------------------------


def saved(damaged: Path) -> tuple[Run, list[str]]:
    run = open_run(damaged)
    before = digest(damaged)
    report, lost = salvage(run, verify(run), damaged.with_name("saved.zarr"))
    assert digest(damaged) == before
    rescued = open_run(report.path)
    assert verify(rescued).is_sound
    return rescued, lost


def check_frames(run: Run, steps: list[int]) -> None:
    np.testing.assert_array_equal(run.steps, steps)
    for path, node in run.nodes.items():
        if path.startswith("layers/") and node["node_type"] == "array":
            expected = np.stack([frames_at(image_run_spec(), step)[path] for step in steps])
            np.testing.assert_array_equal(run.read(path, ()), expected)


def test_salvage_takes_from_one_twin_what_the_other_lost(packed_run: Path) -> None:
    for file in chunks(packed_run, ACTIVATION):
        cut(file)
    for file in chunks(packed_run, f"history/{KERNEL}"):
        file.unlink()
    run, lost = saved(packed_run)
    assert lost == []
    assert run.layers["conv1"].has_activation
    check_frames(run, list(STEPS))


def test_salvage_leaves_out_steps_that_no_twin_has(packed_run: Path) -> None:
    flip(packed_run / ACTIVATION / "c.1.0.0.0.0", 5)
    (bad,) = (finding.steps for finding in findings(packed_run))
    for file in chunks(packed_run, f"history/{ACTIVATION}"):
        file.unlink()
    run, lost = saved(packed_run)
    assert lost == ["1 of 13 steps"]
    assert bad is not None
    check_frames(run, [step for step in STEPS if step not in bad])


def test_salvage_leaves_out_an_array_that_is_mostly_lost(packed_run: Path) -> None:
    for twin in (ACTIVATION, f"history/{ACTIVATION}"):
        for file in chunks(packed_run, twin):
            file.unlink()
    for name in ("loss", "update"):
        (packed_run / "metrics" / name / "c.0").unlink(missing_ok=True)
    (packed_run / "epoch" / "c.0").unlink()
    run, lost = saved(packed_run)
    assert f"{ACTIVATION} (damaged)" in lost
    assert "epoch (unknown now)" in lost
    assert not run.layers["conv1"].has_activation
    assert np.isnan(run.epochs).all()
    assert dict(run.metrics.sizes).get("update", 0) == 0
    check_frames(run, list(STEPS))


def test_salvage_of_a_live_run_with_a_lost_file(tmp_path: Path) -> None:
    path = write_run(tmp_path / "run.zarr", image_run_spec(side=24), steps=range(150))
    chunks(path, ACTIVATION)[1].unlink()
    run, lost = saved(path)
    assert lost == ["64 of 150 steps"]
    np.testing.assert_array_equal(run.steps, [*range(64), *range(128, 150)])


def test_salvage_refuses_when_nothing_is_left(packed_run: Path) -> None:
    (packed_run / "step" / "c.0").unlink()
    run = open_run(packed_run)
    with pytest.raises(RunFormatError, match="no step is sound"):
        salvage(run, verify(run), packed_run.with_name("saved.zarr"))
    assert not packed_run.with_name("saved.zarr").exists()

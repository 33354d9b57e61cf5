"""A user's own file that hides a package of ours is named, with the remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a user does: its folder comes before the installed packages."""
    script = folder / "train.py"
    script.write_text(text)
    return subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("name", ["store.py", "store/__init__.py"])
@pytest.mark.parametrize("first", ["", "import store\n"])
def test_a_store_of_ones_own_beside_the_script(tmp_path: Path, name: str, first: str) -> None:
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("print('ran')\n")
    done = run_script(tmp_path, f"{first}from recorder import Probe\n")
    last = done.stderr.splitlines()[-1]
    assert last == (
        f"ImportError: {own} hides Trainlapse's package 'store', because Python looks beside your "
        "script first: give that file or folder another name."
    )
    assert done.stdout.count("ran") == bool(first), "the user's module is run by the user alone"


def test_ours_is_not_mistaken_for_the_users(tmp_path: Path) -> None:
    (tmp_path / "stores.py").write_text("")
    (tmp_path / "store").mkdir()  # an empty folder hides nothing
    done = run_script(tmp_path, "import store\nfrom recorder import Probe, SpecError\nprint('ok')")
    assert done.stdout == "ok\n", done.stderr

"""Opening a run stays light: the frameworks load only where they are needed.

Each module is imported in an interpreter of its own, because this one has loaded everything.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FRAMEWORKS = ("keras", "tensorflow", "torch", "jax")
DRAWING = ("bokeh", "holoviews", "matplotlib", "panel")

# Imports the module named first, then prints which of the others came along, each with the file
# and line that asked first. sys.modules decides: a finder also sees mere look-ups of a spec.
PROGRAM = """
import importlib, json, sys

module, *forbidden = sys.argv[1:]
culprits = {}

class Witness:
    def find_spec(self, name, path=None, target=None):
        if name in forbidden:
            frame = sys._getframe(1)
            while "importlib" in frame.f_code.co_filename:
                frame = frame.f_back
            culprits.setdefault(name, f"{frame.f_code.co_filename}:{frame.f_lineno}")

sys.meta_path.insert(0, Witness())
importlib.import_module(module)
print(json.dumps({name: culprits[name] for name in forbidden if name in sys.modules}))
"""


def loaded_by(module: str, forbidden: tuple[str, ...], root: Path = ROOT) -> dict[str, str]:
    """Top-level packages of `forbidden` that importing `module` loads, and who asked for each."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, *forbidden],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"import {module} fails:\n{done.stderr}"
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("explorer.cli", FRAMEWORKS + DRAWING),
        ("explorer.server.app", FRAMEWORKS),
        ("explorer.derived", FRAMEWORKS + DRAWING),
        ("explorer.selection", FRAMEWORKS + DRAWING),
        ("recorder", FRAMEWORKS + DRAWING),
        ("recorder.commands.cli", FRAMEWORKS + DRAWING),
        ("store", FRAMEWORKS + DRAWING),
        ("store.testing", FRAMEWORKS + DRAWING),
    ],
)
def test_importing_stays_light(module: str, forbidden: tuple[str, ...]) -> None:
    loaded = loaded_by(module, forbidden)
    assert not loaded, (
        f"import {module} loads "
        + ", ".join(f"{name} (asked for by {where})" for name, where in loaded.items())
        + "; import it inside the function that needs it"
    )


def test_the_check_sees_a_heavy_import_and_who_asked(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("")
    (tmp_path / "between.py").write_text("\nimport keras\n")
    (tmp_path / "heavy.py").write_text("import between\n")
    found = loaded_by("heavy", FRAMEWORKS, root=tmp_path)
    assert found == {"keras": f"{tmp_path / 'between.py'}:2"}


def test_the_check_forgives_a_look_up_and_a_deferred_import(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("")
    (tmp_path / "light.py").write_text(
        "import importlib.util\n"
        "available = importlib.util.find_spec('keras') is not None\n"
        "def record():\n"
        "    import keras\n"
    )
    assert loaded_by("light", FRAMEWORKS, root=tmp_path) == {}

"""What checks and bundles the scripts: exact versions, from whatever registry somebody uses."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "package-lock.json").read_text(encoding="utf-8")


def test_the_lock_file_names_no_registry() -> None:
    assert '"integrity"' in LOCK
    assert not re.findall(r'"resolved"|https?://[^"]*\.tgz', LOCK)
    settings = (ROOT / ".npmrc").read_text(encoding="utf-8").splitlines()
    assert "omit-lockfile-registry-resolved=true" in settings


def test_tools_have_exact_versions_the_locked_ones() -> None:
    asked = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    locked = json.loads(LOCK)["packages"]
    assert asked == {name: locked[f"node_modules/{name}"]["version"] for name in asked}

"""Scripts of the page in node: one process for all tests, a page of its own for each question."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

ROOT = Path(__file__).parents[2]

# Answers each line with a line. What a script leaves behind ends with its context.
SERVER = """
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import vm from "node:vm";

const GIVEN = { EventTarget, Event, TextDecoder, TextEncoder, URLSearchParams };
const TIMEOUT_MS = 30_000;

async function answer({ script, url, runs }) {
  try {
    const context = vm.createContext({ ...GIVEN });
    const made = new Map();
    const moduleOf = (text, identifier) => new vm.SourceTextModule(text, { context, identifier });
    const imported = (name, { identifier }) => {
      const path = new URL(name, identifier).href;
      if (!made.has(path)) made.set(path, moduleOf(readFileSync(new URL(path), "utf8"), path));
      return made.get(path);
    };
    const module = moduleOf(script, url);
    if (!runs) return {};
    await module.link(imported);
    await module.evaluate({ timeout: TIMEOUT_MS });
    return { found: module.namespace.foundByTheTest };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
"""


@functools.cache
def _server() -> subprocess.Popen[str] | None:
    """Start node, if it is there; starting it takes longer than any script."""
    node = shutil.which("node")
    if node is None:
        return None
    server = subprocess.Popen(
        [node, "--experimental-vm-modules", "--no-warnings", "--input-type=module", "-e", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )

    def stop() -> None:
        server.communicate()

    atexit.register(stop)
    return server


def _asked(script: str, path: Path, *, runs: bool, without: str) -> dict[str, Any]:
    server = _server()
    if server is None:
        pytest.skip(f"node is not installed, so {without}")
    assert server.stdin is not None
    assert server.stdout is not None
    question = {"script": script, "url": path.as_uri(), "runs": runs}
    server.stdin.write(json.dumps(question) + "\n")
    server.stdin.flush()
    return dict(json.loads(server.stdout.readline()))


def parses(script: str) -> None:
    """Fail unless a script is a module of the language; none of it is run."""
    without = "scripts are not parsed; the browser tests run them"
    told = _asked(script, ROOT, runs=False, without=without)
    assert "error" not in told, told["error"]


def evaluated(path: Path | str, expression: str) -> Any:
    """Give what an expression gives behind a script.

    Parameters
    ----------
    path : Path or str
        The script's file; a str is relative to the folder ``explorer``.
    expression : str
        May use all that the script declares or imports.
    """
    path = ROOT / "explorer" / path
    text = path.read_text(encoding="utf-8")
    module = f"{text}\nexport const foundByTheTest = JSON.stringify({expression});"
    told = _asked(module, path, runs=True, without="functions of scripts are not called")
    assert "error" not in told, told["error"]
    return json.loads(told["found"])


def js(values: npt.ArrayLike) -> str:
    """Write numbers as a script does, with NaN and infinities."""
    return json.dumps(np.asarray(values, np.float64).tolist())

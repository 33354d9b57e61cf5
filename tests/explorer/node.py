"""Scripts of the page in node: one process for all tests, a page of its own for each script."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import subprocess
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

# Answers each line with a line. What a script leaves behind ends with its context.
SERVER = """
import { createInterface } from "node:readline";
import vm from "node:vm";

const GIVEN = { EventTarget, Event, TextDecoder, TextEncoder, URLSearchParams };
const TIMEOUT_MS = 30_000;

async function answer({ script, runs }) {
  try {
    const module = new vm.SourceTextModule(script, { context: vm.createContext({ ...GIVEN }) });
    if (!runs) return {};
    await module.link((name) => { throw new Error(`${name} is imported`); });
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


def _asked(script: str, *, runs: bool, without: str) -> dict[str, Any]:
    server = _server()
    if server is None:
        pytest.skip(f"node is not installed, so {without}")
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps({"script": script, "runs": runs}) + "\n")
    server.stdin.flush()
    return dict(json.loads(server.stdout.readline()))


def parses(script: str) -> None:
    """Fail unless a script is a module of the language; none of it is run."""
    told = _asked(script, runs=False, without="scripts are not parsed; the browser tests run them")
    assert "error" not in told, told["error"]


def evaluated(script: str, expression: str) -> Any:
    """Give what an expression gives behind a script."""
    module = f"{script}\nexport const foundByTheTest = JSON.stringify({expression});"
    told = _asked(module, runs=True, without="functions of scripts are not called")
    assert "error" not in told, told["error"]
    return json.loads(told["found"])


def js(values: npt.ArrayLike) -> str:
    """Write numbers as a script does, with NaN and infinities."""
    return json.dumps(np.asarray(values, np.float64).tolist())

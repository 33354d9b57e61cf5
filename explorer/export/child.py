"""The process that makes a film: it reads a request, reports progress, and exits with its parent.

Both sides write lines of JSON. On standard input comes the request; when the input ends, also
because the parent was killed, the process stops. On standard output it writes ``{"done", "count"}``
in frames, and ``{"error"}`` with a message for the user.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from store.errors import TrainlapseError


def main(request: dict[str, Any]) -> None:
    """Make the film that a request describes.

    Parameters
    ----------
    request : dict
        ``run``: location of the run. ``out``: the file to write, in a folder of its own, which is
        removed if the process is stopped. The rest are arguments of
        `explorer.export.making.make_film`.
    """
    lines, sys.stdout = sys.stdout, sys.stderr  # libraries may print to the standard output
    out = Path(request.pop("out"))
    threading.Thread(target=_exit_with_parent, args=(out.parent,), daemon=True).start()
    from explorer.export.making import make_film
    from store.reading.run import open_run

    def progress(done: int, count: int) -> None:
        _send(lines, done=done, count=count)

    try:
        make_film(open_run(request.pop("run")), out, progress=progress, **request)
    except TrainlapseError as error:
        _send(lines, error=str(error))
        sys.exit(1)


def _exit_with_parent(folder: Path) -> None:
    """Wait for the end of the input, then exit at once. The browser exits with the pipe to it."""
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _send(lines: TextIO, **message: Any) -> None:
    lines.write(json.dumps(message) + "\n")
    lines.flush()

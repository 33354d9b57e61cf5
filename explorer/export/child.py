"""A film in a process of its own: takes a request, tells how far it is, ends with who asked.

Lines of JSON on both sides. On standard input the request, then nothing until its end, which is an
order to stop: it comes too when whoever asked is killed. On standard output ``{"done", "count"}``
for frames, and ``{"error"}`` for what the user can mend.
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
        ``run``, the location; ``out``, the file, alone in a folder that goes with it; the rest as
        `explorer.export.making.make_film` takes it.
    """
    lines, sys.stdout = sys.stdout, sys.stderr  # libraries may print
    out = Path(request.pop("out"))
    threading.Thread(target=_end_with_asker, args=(out.parent,), daemon=True).start()
    from explorer.export.making import make_film
    from store.reading.run import open_run

    def told(done: int, count: int) -> None:
        _say(lines, done=done, count=count)

    try:
        make_film(open_run(request.pop("run")), out, told=told, **request)
    except TrainlapseError as error:
        _say(lines, error=str(error))
        sys.exit(1)


def _end_with_asker(folder: Path) -> None:
    """Wait for the end of the input, then end at once; the browser ends with its driver's pipe."""
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _say(lines: TextIO, **what: Any) -> None:
    lines.write(json.dumps(what) + "\n")
    lines.flush()

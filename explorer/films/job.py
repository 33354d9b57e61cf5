"""A film that another process makes, followed and ended from this one."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

logger = logging.getLogger(__name__)

# With the path of this process: the same code, wherever it was started.
CHILD = """
import json, sys
request = json.loads(sys.stdin.readline())
sys.path[:] = request.pop("path")
from explorer.export.child import main
main(request)
"""
# A child ends within milliseconds of being told; one that cannot is killed.
GRACE_S = 5.0


class FilmJob:
    """A film under way; its process has started.

    Parameters
    ----------
    request : mapping
        As `explorer.export.child.main` takes it, without ``out``.
    ending : {"mp4", "gif"}
        What film it is.
    told : callable
        Hears of frames done and of their number; in a thread.
    ended : callable
        Takes the film, or None and why there is none; once, in a thread, unless it is cancelled.
        By then process and files are gone.
    code : str
        What the process runs.

    Attributes
    ----------
    process : Popen
        The child.
    folder : Path
        What it writes, in a temporary directory; removed at the end, however that comes.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        ending: str,
        told: Callable[[int, int], None],
        ended: Callable[[bytes | None, str], None],
        *,
        code: str = CHILD,
    ) -> None:
        self._told, self._ended = told, ended
        self._cancelled = False
        self.folder = Path(tempfile.mkdtemp(prefix="trainlapse-film-"))
        self._out = self.folder / f"film.{ending}"
        # Not a pipe: nobody reads it while the film is made.
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            # -P: a file of the folder where the server was started is not taken for a library.
            self.process = subprocess.Popen(  # noqa: S603 (all of it is ours)
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                text=True,
                encoding="utf-8",
            )
        except OSError:
            self._remove()
            raise
        self._thread = threading.Thread(
            target=self._follow, args=(dict(request),), name="trainlapse-film", daemon=True
        )
        self._thread.start()

    def cancel(self) -> None:
        """End the process and remove what it wrote, soon; nothing is told any more."""
        self._cancelled = True
        with contextlib.suppress(OSError, ValueError):
            self._input.close()
        killer = threading.Timer(GRACE_S, self.process.kill)
        killer.daemon = True
        killer.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until process and files are gone; give whether they are."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def _input(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin

    def _follow(self, request: dict[str, Any]) -> None:
        content, why = None, ""
        try:
            why = self._read(request)
            if self.process.wait() == 0 and not self._cancelled:
                content = self._out.read_bytes()
        except OSError as error:
            why = f"{type(error).__name__}: {error}"
        finally:
            if content is None and not self._cancelled:
                why = why or self._last_words()
                logger.error("The film cannot be made: %s\n%s", why, self._complained())
            with contextlib.suppress(OSError, ValueError):
                self._input.close()
            self.process.kill()
            self.process.wait()
            self._remove()
        if not self._cancelled:
            self._ended(content, "" if content is not None else why)

    def _read(self, request: dict[str, Any]) -> str:
        """Follow what the child says to its end; give its complaint."""
        why = ""
        with contextlib.suppress(OSError, ValueError):  # it may be gone, or cancelled
            self._input.write(
                json.dumps({**request, "out": str(self._out), "path": sys.path}) + "\n"
            )
            self._input.flush()
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                try:
                    said = json.loads(line)
                except ValueError:  # a library's, past Python
                    continue
                if "error" in said:
                    why = said["error"]
                elif not self._cancelled:
                    self._told(said["done"], said["count"])
        return why

    def _complained(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read().decode(errors="replace").strip()

    def _last_words(self) -> str:
        """Give the last line of a traceback, or how the process ended."""
        lines = self._complained().splitlines()
        return lines[-1].strip() if lines else f"its process ended with {self.process.returncode}."

    def _remove(self) -> None:
        self._complaints.close()
        shutil.rmtree(self.folder, ignore_errors=True)

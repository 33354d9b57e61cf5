"""A film that a child process makes: started, followed and cancelled from here."""

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

# Takes over the import path of this process, so that both run the same code.
CHILD_CODE = """
import json, sys
request = json.loads(sys.stdin.readline())
sys.path[:] = request.pop("path")
from explorer.export.child import main
main(request)
"""
# Once its input is closed, a child exits within milliseconds; one that does not is killed.
GRACE_S = 5.0


class FilmJob:
    """A film being made; its process has started.

    Parameters
    ----------
    request : mapping
        As `explorer.export.child.main` takes it, without ``out``.
    ending : {"mp4", "gif"}
        Format of the film.
    progress : callable
        Takes the number of frames done and of all frames; called in a thread.
    finished : callable
        Takes the film's content and an empty text, or None and the reason. Called once, in a
        thread, after the process has exited and its files are removed; not if it is cancelled.
    code : str
        Python code that the process runs.

    Attributes
    ----------
    process : Popen
        The child process.
    folder : Path
        Temporary directory that the child writes to; removed in any case at the end.

    Raises
    ------
    OSError
        The process cannot be started.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        ending: str,
        progress: Callable[[int, int], None],
        finished: Callable[[bytes | None, str], None],
        *,
        code: str = CHILD_CODE,
    ) -> None:
        self._progress, self._finished = progress, finished
        self._cancelled = False
        self.folder = Path(tempfile.mkdtemp(prefix="trainlapse-film-"))
        self._out = self.folder / f"film.{ending}"
        # A file, since nobody reads a pipe while the film is made, and a full pipe blocks.
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            # -P: Python imports no module from the current directory.
            self.process = subprocess.Popen(  # noqa: S603 (the command is our own)
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
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
        """Stop the process and remove its files, soon; no callback is called any more."""
        self._cancelled = True
        with contextlib.suppress(OSError, ValueError):
            self._input.close()
        killer = threading.Timer(GRACE_S, self.process.kill)
        killer.daemon = True
        killer.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the process has exited and its files are removed; return whether they are.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at the most.
        """
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
                why = why or self._last_line_of_stderr()
                logger.error("The film cannot be made: %s\n%s", why, self._stderr_text())
            with contextlib.suppress(OSError, ValueError):
                self._input.close()
            self.process.kill()
            self.process.wait()
            self._remove()
        if not self._cancelled:
            self._finished(content, "" if content is not None else why)

    def _read(self, request: dict[str, Any]) -> str:
        """Read the child's messages to the end; return its error message, if any."""
        why = ""
        with contextlib.suppress(
            OSError, ValueError
        ):  # the child has exited, or the film is cancelled
            self._input.write(
                json.dumps({**request, "out": str(self._out), "path": sys.path}) + "\n"
            )
            self._input.flush()
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                try:
                    said = json.loads(line)
                except ValueError:  # printed by a library in C
                    continue
                if "error" in said:
                    why = said["error"]
                elif not self._cancelled:
                    self._progress(said["done"], said["count"])
        return why

    def _stderr_text(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace").strip()

    def _last_line_of_stderr(self) -> str:
        """Return the last line of a traceback, or the exit code of the process."""
        lines = self._stderr_text().splitlines()
        return lines[-1].strip() if lines else f"its process ended with {self.process.returncode}."

    def _remove(self) -> None:
        self._stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

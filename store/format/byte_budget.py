"""How much is read at once: what a run claims is held against what its files bear out.

A few bytes of a stranger can claim to be gigabytes: by a shape, by a compressor, by an index whose
entries all point to one block. The budget bounds what is in memory at a time, never the size of a
run. What a file holds byte for byte is not counted: whoever can store it can read it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable

from store.errors import RunFormatError

# Raises the budget, in bytes, for whoever reads more of a run of their own at once.
BUDGET_VARIABLE = "TRAINLAPSE_READ_BYTES"
# Far above a frame, a history or a probe; a laptop bears it twice.
BUDGET_BYTES = 512 * 1024**2
# Beyond the budget, what is made may be so many times larger than what the files hold.
MOST_EXPANSION = 64
# Texts and configurations as JSON: parsed, they take up to twenty times as much.
DOCUMENT_BYTES = 32 * 1024**2


def budget_bytes() -> int:
    """Bytes that may be made at once out of fewer."""
    wanted = os.environ.get(BUDGET_VARIABLE, "")
    return max(BUDGET_BYTES, int(wanted)) if wanted.isascii() and wanted.isdigit() else BUDGET_BYTES


def check_at_once(what: str, size: int) -> None:
    """Raise `RunFormatError` if what is read whole, to be kept, claims more than the budget."""
    if _is_beyond(size):
        raise _beyond(what, size)


class ByteBudget:
    """Counts what one read makes out of the bytes of files; threads may share it.

    Parameters
    ----------
    what : str
        What is read, for the message.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._made = self._stored = 0
        self._seen: set[Hashable] = set()
        self._lock = threading.Lock()

    def spend(self, made: int, *, stored: int, at: Hashable) -> None:
        """Count bytes that are about to be made.

        Parameters
        ----------
        made : int
            Bytes in memory.
        stored : int
            Bytes of a file that they are made of.
        at : hashable
            Where those lie. The same place is counted once.

        Raises
        ------
        RunFormatError
            It is more than the budget, and more than the files bear out.
        """
        with self._lock:
            self._made += made
            if at not in self._seen:
                self._seen.add(at)
                self._stored += stored
            unfounded = self._made - MOST_EXPANSION * self._stored
        if _is_beyond(unfounded):
            raise _beyond(self._what, self._made)


def _is_beyond(size: int) -> bool:
    return size > BUDGET_BYTES and size > budget_bytes()  # which takes a microsecond


def _beyond(what: str, size: int) -> RunFormatError:
    return RunFormatError(
        f"{what} claims {size} bytes at once, beyond what is read of a run; the run is damaged. "
        f"If it is your own and sound, set {BUDGET_VARIABLE} to a larger number of bytes."
    )

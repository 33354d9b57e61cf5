"""Pack a run when its training has ended, without ever disturbing that training."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from store.packed.pack import pack
from store.tools.info import human_bytes

log = logging.getLogger("trainlapse.recorder")


def pack_quietly(path: Path) -> bool:
    """Turn a run into its packed form; whatever goes wrong is logged, and the run stays whole.

    Parameters
    ----------
    path : Path
        A run that nobody records any more.

    Returns
    -------
    bool
        Whether it is packed now.
    """
    try:
        # No progress bar where nobody sees it: in a log file, or in a notebook run as a batch.
        with tqdm(
            desc="pack", unit="B", unit_scale=True, leave=False, disable=not sys.stderr.isatty()
        ) as bar:
            report = pack(path, progress=lambda done, total, _: _show(bar, done, total))
    except KeyboardInterrupt:
        log.warning(
            "Packing was interrupted; the run is whole as it was recorded. "
            "Pack it whenever you like: trainlapse pack %s",
            path,
        )
        return False
    except Exception as fault:
        log.warning(
            "The run could not be packed, and is whole as it was recorded. %s: %s "
            "Try again: trainlapse pack %s",
            type(fault).__name__,
            fault,
            path,
        )
        return False
    log.info(
        "Packed %s into %s: %s", human_bytes(report.raw_bytes), human_bytes(report.bytes), path
    )
    return True


def _show(bar: tqdm[Any], done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)

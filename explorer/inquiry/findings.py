"""The findings of a run, or of two, for programs and the command line."""

from __future__ import annotations

from pathlib import Path

from explorer.data.findings import findings_of
from explorer.data.run import RunData
from explorer.data.verdict import verdict
from explorer.derived.findings.finding import Finding
from store import Run, open_run


def findings(run: Run | str | Path, other: Run | str | Path | None = None) -> list[Finding]:
    """Say what happened in a training, why, and what to try.

    Parameters
    ----------
    run : Run, str or Path
        An open run, or whatever `store.open_run` opens.
    other : Run, str or Path, optional
        Another one, to be compared: who is better, since when, where, why.

    Returns
    -------
    list of Finding
        The heaviest first. Of two runs each has a ``run``, "a" or "b". Of a training of several
        models the findings of each part, one after the other.

    Raises
    ------
    RunNotFoundError, RunFormatError, SchemaVersionError, RemoteError
        The run cannot be opened, see `store.open_run`.

    Examples
    --------
    >>> for finding in findings("runs/mine.zarr"):  # doctest: +SKIP
    ...     print(finding.severity, finding.sentence)
    """
    opened = run if isinstance(run, Run) else open_run(run)
    if other is None:
        return findings_of(RunData(opened))
    beside = other if isinstance(other, Run) else open_run(other)
    return verdict(RunData(opened), RunData(beside))

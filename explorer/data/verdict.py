"""The verdict on two runs: what compares them, and then what was found in each."""

from __future__ import annotations

from dataclasses import replace

from explorer.data.findings import findings_of
from explorer.data.run import RunData
from explorer.data.training_facts import gather_facts
from explorer.derived.findings.comparison import compare
from explorer.derived.findings.finding import Finding
from explorer.derived.findings.observation import SEVERITIES


def verdict(a: RunData, b: RunData) -> list[Finding]:
    """Compare two runs; call it in the worker thread.

    Returns
    -------
    list of Finding
        The comparison, and the faults and warnings of each run; the heaviest first.
    """
    probes = [each.run.probe for each in (a, b)]
    same = all(probe is not None for probe in probes) and (
        probes[0].fingerprint() == probes[1].fingerprint()  # type: ignore[union-attr]
    )
    compared = compare(gather_facts(a), gather_facts(b), same_probes=same)
    own = [
        replace(each, run="a" if data is a else "b")
        for data in (a, b)
        for each in findings_of(data)
        if each.severity != "note"
    ]
    # What compares comes first among notes: it is the answer to what was asked.
    return sorted([*compared, *own], key=lambda each: SEVERITIES.index(each.severity))

"""A finding: a sentence on a training, with what it rests on and what to try."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from explorer.derived.findings.observation import Evidence, Severity


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found in a training.

    Attributes
    ----------
    kind : str
        Names what was seen.
    severity : {"fault", "warning", "note"}
        A fault keeps the network from learning what it could; a warning may; a note is worth
        knowing.
    sentence : str
        What was found.
    evidence : tuple of Evidence
        The numbers that it rests on.
    remedy : str or None
        What to try, as a line of configuration where that is possible.
    suspects : tuple of str
        What may be to blame, most likely first: see `explorer.derived.findings.observation`.
    step : int or None
        Since when, or when it shows most.
    layer : str or None
    units, probes : tuple of int
        Where it shows most.
    card : str or None
        Title of the card where it is seen.
    score : float
        How much it weighs among those of its severity, from 0 to 1: of one with suspects the share
        of the first among all explanations.
    run : {"a", "b"} or None
        Of two runs, the one that it is about; None of a single run.
    """

    kind: str
    severity: Severity
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    remedy: str | None = None
    suspects: tuple[str, ...] = ()
    step: int | None = None
    layer: str | None = None
    units: tuple[int, ...] = ()
    probes: tuple[int, ...] = ()
    card: str | None = None
    score: float = 0.0
    run: Literal["a", "b"] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values; ``run`` only where it is of one of two."""
        found = asdict(self)
        for name in ("evidence", "suspects", "units", "probes"):
            found[name] = list(found[name])
        if self.run is None:
            del found["run"]
        return found

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Finding:
        """Make one of what `as_json` gave."""
        several = {name: tuple(found[name]) for name in ("suspects", "units", "probes")}
        evidence = tuple(Evidence(**each) for each in found["evidence"])
        return cls(**{**found, **several, "evidence": evidence})

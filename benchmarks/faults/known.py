"""Facts of a training as other recordings of it would have had them: with less that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from explorer.derived.findings.facts import NO_SERIES, Facts


def _all(facts: Facts) -> Facts:
    return facts


def _no_labels(facts: Facts) -> Facts:
    answers = facts.answers
    bare = None if answers is None else replace(answers, labels=None, targets=None)
    return replace(facts, answers=bare, target_deviation=float("nan"))


def _loss_alone(facts: Facts) -> Facts:
    bare = _no_labels(facts)
    return replace(bare, val_loss=NO_SERIES, quality=NO_SERIES, val_quality=NO_SERIES)


def _no_validation(facts: Facts) -> Facts:
    return replace(facts, val_loss=NO_SERIES, val_quality=NO_SERIES)


# Name of what is known, and the facts that are left then.
KNOWN: dict[str, Callable[[Facts], Facts]] = {
    "all": _all,
    "no labels": _no_labels,
    "no validation": _no_validation,
    "loss alone": _loss_alone,
}

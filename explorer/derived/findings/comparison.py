"""Two trainings against each other: who is better, since when, in what they differ, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from explorer.derived.findings.facts import Facts, Series
from explorer.derived.findings.finding import Finding
from explorer.derived.findings.measures import last_level
from explorer.derived.findings.observation import Evidence

# In the order in which they decide: what is held out first.
DECIDING = (
    ("val_quality", "share right on held-out examples", 1),
    ("val_loss", "loss on held-out examples", -1),
    ("quality", "share right in training batches", 1),
    ("loss", "loss of training batches", -1),
)
# Settings that say nothing of how a network learns.
NAMES = ("name", "dtype", "registered_name", "module", "seed", "build_config", "batch_shape")
MOST_SETTINGS = 6
MOST_PROBES = 20
# Weights that went less than this much further are no news.
LEAST_TIMES = 1.1


def compare(a: Facts, b: Facts, *, same_probes: bool) -> list[Finding]:
    """Compare two trainings.

    Parameters
    ----------
    a, b : Facts
        Of each.
    same_probes : bool
        Whether both were asked of the same inputs.
    """
    found = [*_better(a, b), *_settings(a, b), *_layers(a, b)]
    return [*found, *_dispute(a, b)] if same_probes else found


def _better(a: Facts, b: Facts) -> Iterator[Finding]:
    for name, words, sign in DECIDING:
        of_a, of_b = getattr(a, name).finite, getattr(b, name).finite
        if not len(of_a) or not len(of_b):
            continue
        last_a, last_b = last_level(of_a), last_level(of_b)
        scatter = max(_scatter(of_a), _scatter(of_b))
        difference = sign * (last_b - last_a)
        better: Literal["a", "b"] = "b" if difference > 0 else "a"
        names = {"a": "The first run", "b": "The second run"}
        evidence = (
            Evidence.of(f"{words}, a", last_a, len(of_a)),
            Evidence.of(f"{words}, b", last_b, len(of_b)),
            Evidence.of("scatter from one value to the next", scatter),
        )
        if abs(difference) <= 2 * scatter or difference == 0:
            sentence = (
                f"Neither run is better beyond what scatters: {words} {last_a:.4g} and "
                f"{last_b:.4g} at the end."
            )
            yield Finding(
                kind="equal",
                severity="note",
                sentence=sentence,
                evidence=evidence,
                card="Loss",
                score=0.9,
                run="a",
            )
            return
        high, low = (last_b, last_a) if better == "b" else (last_a, last_b)
        since = _ahead_since(of_a, of_b, sign if better == "b" else -sign)
        when = f", ahead since step {since:,}" if since is not None else ""
        yield Finding(
            kind="better",
            severity="note",
            sentence=f"{names[better]} is better: {words} {high:.4g} against {low:.4g} at the end"
            f"{when}.",
            evidence=evidence,
            step=since,
            card="Accuracy" if "quality" in name else "Loss",
            score=1.0,
            run=better,
        )
        return


def _scatter(series: Series) -> float:
    """Give how far a value lies from the mean of its neighbours, in the last half: the median."""
    known = series.values[len(series.values) // 2 :]
    if len(known) < 3:
        return 0.0
    away = known[1:-1] - (known[:-2] + known[2:]) / 2
    # Of many batches the level is a median: its scatter shrinks with their number.
    return float(np.median(np.abs(away)) / np.sqrt(max(1, len(known) // 10)))


def _ahead_since(a: Series, b: Series, sign: int) -> int | None:
    """Give the first common update from which on one is ahead for good; None: never before."""
    updates = np.union1d(a.updates, b.updates)
    first, last = max(a.updates[0], b.updates[0]), min(a.updates[-1], b.updates[-1])
    updates = updates[(updates >= first) & (updates <= last)]
    if not len(updates):
        return None
    width = max(1, len(updates) // 50)
    kernel = np.ones(width) / width
    difference = np.interp(updates, b.updates, b.values) - np.interp(updates, a.updates, a.values)
    smooth = np.convolve(sign * difference, kernel, mode="same")
    behind = np.flatnonzero(smooth <= 0)
    place = behind[-1] + 1 if len(behind) else 0
    return int(updates[place]) if place < len(updates) else None


def _settings(a: Facts, b: Facts) -> Iterator[Finding]:
    of_a, of_b = dict(_flat(a)), dict(_flat(b))
    differing = [
        name
        for name in dict.fromkeys([*of_a, *of_b])
        if of_a.get(name, "none") != of_b.get(name, "none")
    ]
    if not differing:
        yield Finding(
            kind="same_settings",
            severity="note",
            sentence="All recorded settings are the same: what differs is chance (seed, order) or "
            "the data.",
            card="Settings",
            score=0.7,
            run="b",
        )
        return
    shown = [
        f"{name} {_short(of_a.get(name, 'none'))} → {_short(of_b.get(name, 'none'))}"
        for name in differing[:MOST_SETTINGS]
    ]
    more = f"; and {len(differing) - MOST_SETTINGS} more" if len(differing) > MOST_SETTINGS else ""
    yield Finding(
        kind="settings",
        severity="note",
        sentence=f"From the first run to the second differs: {'; '.join(shown)}{more}.",
        evidence=(Evidence("settings that differ", float(len(differing)), len(of_a)),),
        card="Settings",
        score=0.8,
        run="b",
    )


def _flat(facts: Facts) -> Iterator[tuple[str, Any]]:
    """Name every setting, the outermost first: (name, value)."""
    yield "loss", facts.loss_name
    yield "batch size", facts.batch_size
    yield "training examples", facts.examples
    yield "epochs", round(facts.epochs, 2)
    yield from _entries("optimizer", facts.optimizer or {})
    for number, layer in enumerate(facts.layers.values()):
        # Keras numbers layers on: the same layer may have another name in another process.
        yield f"layer {number + 1} ({layer.class_name})", "there"
        yield from _entries(f"layer {number + 1} ({layer.class_name})", layer.config)


def _entries(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if name in NAMES:
            continue
        if isinstance(value, Mapping):
            yield from _entries(f"{prefix} {name}", value)
        elif isinstance(value, list):
            yield f"{prefix} {name}", tuple(map(str, value))
        else:
            yield f"{prefix} {name}", value


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _layers(a: Facts, b: Facts) -> Iterator[Finding]:
    """Say in which layer the weights of one run went much further than those of the other."""
    pairs = [
        (first, second)
        for first, second in zip(a.trained, b.trained, strict=False)
        if first.class_name == second.class_name and len(first.moved) and len(second.moved)
    ]
    if not pairs:
        return
    apart = {}
    for first, second in pairs:
        way_a, way_b = first.moved[-1], second.moved[-1]
        if np.isfinite(way_a) and np.isfinite(way_b) and max(way_a, way_b) > 0:
            apart[first.name] = float(np.log2(max(way_b, 1e-9) / max(way_a, 1e-9)))
    if not apart:
        return
    most = max(apart, key=lambda name: abs(apart[name]))
    times = 2 ** abs(apart[most])
    if times < LEAST_TIMES:
        return
    further: Literal["a", "b"] = "b" if apart[most] > 0 else "a"
    names = {"a": "first", "b": "second"}
    yield Finding(
        kind="layers_apart",
        severity="note",
        sentence=f"How far weights went differs most in {most}: in the {names[further]} run they "
        f"end {times:.2g} times as far from their start, relative to their size.",
        evidence=(Evidence.of("way, of the one / of the other", times, len(apart), "layers"),),
        step=a.updates,
        layer=most,
        card="Whether each layer turns or only grows",
        score=0.5,
        run=further,
    )


def _dispute(a: Facts, b: Facts) -> Iterator[Finding]:
    if a.answers is None or b.answers is None:
        return
    of_a, of_b = a.answers.shares, b.answers.shares
    if of_a is None or of_b is None or of_a.shape[1:] != of_b.shape[1:]:
        return
    said_a, said_b = of_a[-1].argmax(axis=-1), of_b[-1].argmax(axis=-1)
    known = np.isfinite(of_a[-1]).all(axis=-1) & np.isfinite(of_b[-1]).all(axis=-1)
    disputed = np.flatnonzero((said_a != said_b) & known)
    if not len(disputed):
        return
    labels = a.answers.labels
    right = ""
    better: Literal["a", "b"] = "a"
    if labels is not None:
        right_a = int((said_a == labels)[disputed].sum())
        right_b = int((said_b == labels)[disputed].sum())
        right = f"; there the first is right in {right_a}, the second in {right_b}"
        better = "b" if right_b > right_a else "a"
    yield Finding(
        kind="dispute",
        severity="note",
        sentence=f"The two disagree on {len(disputed)} of {int(known.sum())} probes at the end"
        f"{right}.",
        evidence=(Evidence.of("probes in dispute", len(disputed), int(known.sum()), "probes"),),
        step=a.updates,
        probes=tuple(disputed[:MOST_PROBES].tolist()),
        card="Confusion",
        score=0.6,
        run=better,
    )

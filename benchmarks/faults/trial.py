"""One training: a program, healthy or with a fault, recorded by a plain recorder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.faults.data import changed
from benchmarks.faults.mutations import MUTATIONS
from benchmarks.faults.programs import PROGRAMS, Program
from benchmarks.faults.truth import HEALTHY
from recorder import Probe, Recorder

PROBES = 24


@dataclass(frozen=True, order=True)
class Trial:
    """A training.

    Attributes
    ----------
    program : str
        One of `PROGRAMS`.
    mutation : str
        One of `MUTATIONS`, or "healthy".
    seed : int
        Of weights, batches and changed data. Odd ones have a probe without labels, every third no
        validation; healthy ones take turns in the program's variants.
    """

    program: str
    mutation: str
    seed: int

    @property
    def name(self) -> str:
        """As a file's name."""
        return f"{self.program}, {self.mutation}, {self.seed}".replace("/", "over")

    def run(self, path: Path) -> dict[str, Any]:
        """Train and record; give what is known of the training beside its run."""
        program = PROGRAMS[self.program]
        settings = program.settings
        if self.mutation == HEALTHY:
            variants = ({}, *program.variants)
            settings = settings.but(**variants[self.seed % len(variants)])
        else:
            settings = settings.but(**MUTATIONS[self.mutation].changes(settings))
        keras.utils.clear_session()
        keras.utils.set_random_seed(100 + self.seed)
        data = changed(program.data(), settings, self.seed)
        model = program.model(settings, data)
        classes = int(data.y.max()) + 1 if program.task == "classes" else 0
        y, y_test = (program.targets(each, settings, classes) for each in (data.y, data.y_test))
        labels = None if self.seed % 2 else data.y_test[:PROBES]
        probe = Probe(data.x_test[:PROBES], labels=labels)
        began = time.monotonic()
        model.fit(
            data.x,
            y,
            batch_size=min(settings.batch_size, len(data.x)),
            epochs=settings.epochs,
            shuffle=not settings.ordered,
            validation_data=None if self.seed % 3 == 2 else (data.x_test, y_test),
            callbacks=[Recorder(path, probe)],
            verbose=0,
        )
        said = model.predict(data.x_test, verbose=0)
        return {
            **asdict(self),
            "settings": asdict(settings),
            "score": _score(program, said, data.y_test),
            "seconds": time.monotonic() - began,
        }


def trials(seeds: int, healthy_seeds: int) -> Iterator[Trial]:
    """Name all trainings, so that the first ones are of every kind."""
    healthy = [Trial(name, HEALTHY, seed) for seed in range(healthy_seeds) for name in PROGRAMS]
    faulty = [
        Trial(program, name, seed)
        for seed in range(seeds)
        for name, mutation in MUTATIONS.items()
        for program in PROGRAMS
        if mutation.applies(PROGRAMS[program])
    ]
    mixed = healthy[len(PROGRAMS) :] + faulty
    np.random.default_rng(0).shuffle(mixed)
    yield from healthy[: len(PROGRAMS)]
    yield from sorted(mixed, key=lambda trial: trial.seed if trial.mutation != HEALTHY else 0)


def _score(program: Program, said: Any, truth: Any) -> float:
    """Share of right answers, or of the variance that is explained; at least -1."""
    if not np.isfinite(said).all():
        return -1.0
    if program.task == "classes":
        return float((said.argmax(axis=-1) == truth).mean())
    if program.task == "binary":
        return float(((said[:, 0] > 0.5) == truth).mean())
    truth = truth.reshape(said.shape)
    spread = ((truth - truth.mean(axis=0)) ** 2).mean()
    return max(-1.0, float(1 - ((said - truth) ** 2).mean() / spread))

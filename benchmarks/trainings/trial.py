"""The trial of one kind: two trainings without the recorder, one with it, and what was recorded."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.trainings.attempt import Attempt, Seen
from benchmarks.trainings.catalogue import Training

SEED = 7


@dataclass
class Outcome:
    """How a trial ended.

    Attributes
    ----------
    kind : str
        Name of the kind.
    seconds, cpu_seconds : float
        Time that it took, and that of the processor: what it takes on a machine that is idle.
    steps, layers : int
        Recorded steps of all runs, and layers of all models.
    control : list of str
        How two trainings without the recorder differ: where they do, the training is not
        deterministic, and the losses of the one with it are held to a tolerance.
    not_answered : list of str
        Models whose network at a step cannot be computed, and why.
    problems : list of str
        What is wrong; empty where nothing is.
    """

    kind: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    steps: int = 0
    layers: int = 0
    control: list[str] = field(default_factory=list)
    not_answered: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def try_out(kind: str, training: Training, folder: Path) -> Outcome:
    """Train three times, in folders of their own, and compare.

    Parameters
    ----------
    kind : str
        Name of the kind.
    training : Training
        The kind.
    folder : Path
        Empty; the recorded runs are kept there.
    """
    outcome, began = Outcome(kind), time.perf_counter()
    try:
        for problem in _problems(training, folder, outcome):
            outcome.problems.append(problem)
    except Exception as error:
        # The benchmark's own process must end well: what failed is what it is there to tell.
        outcome.problems.append(_where(error))
    outcome.seconds, outcome.cpu_seconds = time.perf_counter() - began, time.process_time()
    return outcome


def _problems(training: Training, folder: Path, outcome: Outcome) -> Iterator[str]:
    from benchmarks.trainings import comparison

    plain, usual = _attempt(training, folder / "plain", is_recorded=False)
    again, _ = _attempt(training, folder / "again", is_recorded=False)
    recorded, said = _attempt(training, folder / "recorded", is_recorded=True)
    yield from (f"with the recorder Python warns: {text}" for text in said if text not in usual)
    outcome.control = comparison.differences(plain, again)
    if not outcome.control:
        yield from (
            f"with the recorder {found}" for found in comparison.differences(plain, recorded)
        )
    elif comparison.loss_difference(plain, recorded) > comparison.LOSS_TOLERANCE:
        yield "with the recorder losses differ by more than two trainings without one"
    for recorder in recorded.recorders:
        if recorder.report.fault is not None:
            yield f"the recording stopped: {_where(recorder.report.fault)}"
    if len(recorded.runs) != len(recorded.seen):
        yield f"{len(recorded.seen)} models were trained, but {len(recorded.runs)} runs recorded"
        return
    for path, seen in zip(recorded.runs, recorded.seen, strict=True):
        yield from _run_problems(path, seen, training.tolerance, outcome)


def _attempt(training: Training, folder: Path, *, is_recorded: bool) -> tuple[Attempt, list[str]]:
    """Train once; give the attempt, and what it was warned of."""
    import keras

    folder.mkdir(parents=True)
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    attempt = Attempt(folder, is_recorded=is_recorded)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        training.train(attempt)
    for seen in attempt.seen:
        seen.note_end()
    return attempt, list(dict.fromkeys(str(warning.message) for warning in heard))


def _run_problems(path: Path, seen: Seen, tolerance: float, outcome: Outcome) -> Iterator[str]:
    from benchmarks.trainings import comparison
    from benchmarks.trainings.answers import answer_problems
    from benchmarks.trainings.pages import page_problems
    from store import open_run
    from store.errors import TrainlapseError
    from store.tools.verify import verify

    run = open_run(path)
    outcome.steps += len(run)
    report = verify(run)
    yield from (f"verify: {finding}" for finding in report.findings)
    yield from comparison.step_problems(run, seen)
    steps = [step for step in run.steps.tolist() if step in seen.moments]
    if not steps:
        yield "no step was recorded"
        return
    chosen = sorted({steps[0], steps[len(steps) // 2], steps[-1]})
    for part in seen.models:
        within = run.parts[part] if part else run
        outcome.layers += len(within.layers)
        yield from comparison.weight_problems(within, part, seen)
        yield from comparison.end_problems(within, part, seen)
        yield from comparison.activation_problems(within, part, seen, tolerance, chosen)
        yield from page_problems(within)
        try:
            yield from answer_problems(within, part, seen, tolerance, chosen)
        except TrainlapseError as why:
            outcome.not_answered.append(f"{within.name}: {why}")


def _where(error: BaseException) -> str:
    """Say what was raised, and in which line of the project it was."""
    root = Path(__file__).parents[2]
    places, trace = [], error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(root) and ".venv" not in file.parts:
            places.append(f"{file.relative_to(root)}:{trace.tb_lineno}")
        trace = trace.tb_next
    at = f" ({places[-1]})" if places else ""
    return f"{type(error).__name__}: {error}{at}"

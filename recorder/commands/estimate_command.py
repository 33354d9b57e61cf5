"""``trainlapse estimate``: what a recording will take, before the training begins."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from recorder import schedule as schedules
from recorder.evaluation import Evaluation
from recorder.given import changed
from recorder.probe import Probe
from recorder.schedule import Schedule
from recorder.startup import without_startup_noise
from store.commands import Command
from store.errors import TrainlapseError, did_you_mean
from store.terminal import say

SCHEDULES: dict[str, Callable[..., Schedule]] = {
    name: getattr(schedules, name)
    for name in ("every_n_steps", "every_epoch", "log_spaced", "at_steps")
}
PROBES = 64
STEPS = 1000
# Axes of a model's inputs that may have any size, such as the length of a text.
ANY_SIZE = 32


def parse_schedule(text: str) -> Schedule:
    """Read a schedule as it is written in Python, and as runs keep it.

    Examples
    --------
    >>> parse_schedule("every_n_steps(10) | every_epoch()")
    every_n_steps(10) | every_epoch()
    """
    try:
        return _schedule(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError) as error:
        raise click.BadParameter(
            f"{text!r} is no schedule: {error}. Write for instance 'every_n_steps(10)' or "
            "'log_spaced(40) | every_epoch()'.",
            param_hint="--schedule",
        ) from error


def _schedule(node: ast.expr) -> Schedule:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _schedule(node.left) | _schedule(node.right)
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        raise ValueError("it is not made of calls joined by |")
    make = SCHEDULES.get(node.func.id)
    if make is None:
        raise ValueError(
            f"there is no {node.func.id!r} here. {did_you_mean(node.func.id, SCHEDULES)}".strip(".")
        )
    named = {entry.arg: ast.literal_eval(entry.value) for entry in node.keywords if entry.arg}
    return make(*[ast.literal_eval(value) for value in node.args], **named)


@click.command(cls=Command, short_help="Say what a recording will take.")
@click.argument("model", metavar="PRESET_OR_KERAS_FILE")
@click.option(
    "--probes", type=click.IntRange(1), help=f"Number of probes; {PROBES}, or as the preset has."
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    help=f"Optimizer updates of the training; {STEPS}, or as the preset does.",
)
@click.option(
    "--steps-per-epoch", type=click.IntRange(1), help="Updates an epoch; by default all of them."
)
@click.option(
    "--schedule",
    "schedule_text",
    metavar="SCHEDULE",
    help="Which steps to record, as in Python: 'every_n_steps(10) | every_epoch()'.",
)
@click.option(
    "--layers", multiple=True, metavar="GLOB", help='Record these layers; "!GLOB": not these.'
)
@click.option("--no-activations", is_flag=True, help="Record no activations.")
@click.option("--no-weights", is_flag=True, help="Record no weights.")
@click.option("--every-unit", type=click.IntRange(1), default=1, help="Record every k-th unit.")
@click.option("--dtype", type=click.Choice(["float16", "float32"]), help="Store floats as these.")
@click.option("--byte-budget", metavar="SIZE", help="Most bytes of the run, for instance '2 GB'.")
@click.option(
    "--size",
    type=click.IntRange(1),
    default=ANY_SIZE,
    show_default=True,
    help="Size of the axes of a .keras model's inputs that may have any, such as tokens.",
)
def estimate(
    model: str,
    probes: int | None,
    steps: int | None,
    steps_per_epoch: int | None,
    schedule_text: str | None,
    layers: tuple[str, ...],
    no_activations: bool,
    no_weights: bool,
    every_unit: int,
    dtype: str | None,
    byte_budget: str | None,
    size: int,
) -> None:
    """Say how many bytes and milliseconds a recording takes, measured on the model itself.

    The model is a preset or a .keras file. A few steps are recorded into a temporary folder,
    before any training, and removed.

    \b
    trainlapse estimate lenet-mnist
    trainlapse estimate model.keras --probes 64 --steps 5000 --schedule 'log_spaced(40)'
    """  # noqa: D301 - click wants the control character itself
    schedule = None if schedule_text is None else parse_schedule(schedule_text)
    with without_startup_noise():
        import keras  # noqa: F401

        from recorder.forecast import estimate as estimate_recording

    planned = _of_file(Path(model), probes, size) if _is_file(model) else _of_preset(model)
    found = estimate_recording(
        planned.model,
        planned.probe if probes is None else _sized(planned.probe, probes),
        planned.schedule if schedule is None else schedule,
        steps=steps or planned.updates,
        steps_per_epoch=steps_per_epoch or planned.updates_per_epoch,
        evaluation=planned.evaluations,
        layers=layers or "*",
        activations=not no_activations,
        weights=not no_weights,
        every_unit=every_unit,
        dtype=dtype or {},
        byte_budget=byte_budget,
    )
    say(*str(found).split("\n"))


class Planned(NamedTuple):
    """A model, its probe, and what is known of its training."""

    model: Any
    probe: Probe
    updates: int
    updates_per_epoch: int | None = None
    schedule: Schedule | None = None
    evaluations: Sequence[Evaluation] = ()


def _is_file(model: str) -> bool:
    return model.endswith(".keras") or Path(model).is_file()


def _of_preset(name: str) -> Planned:
    from recorder.presets.preset import evaluations
    from recorder.presets.training import find_preset, load

    try:
        preset = find_preset(name)
    except TrainlapseError as error:
        raise click.UsageError(f"{error} For a model of your own give a .keras file.") from error
    data = load(preset)
    per_epoch = -(-len(data.x_train) // preset.batch_size)
    return Planned(
        preset.build_model(data),
        data.probe,
        preset.epochs * per_epoch,
        per_epoch,
        preset.schedule,
        evaluations(data, preset.evaluated),
    )


def _of_file(path: Path, probes: int | None, size: int) -> Planned:
    from recorder.checkpoints.model_source import load_network

    if not path.is_file():
        raise click.UsageError(f"There is no file {path}.")
    try:
        model = load_network(path, compiled=False)
    except Exception as error:  # a file may hold anything
        raise click.ClickException(f"{path} cannot be loaded as a Keras model: {error}") from error
    tensors = getattr(model, "inputs", None)
    if not tensors:
        raise click.ClickException(
            f"{path} does not say what its inputs are. Use recorder.estimate(model, probe) in "
            "Python."
        )
    inputs = {tensor.name: _zeros(tensor, probes or PROBES, size) for tensor in tensors}
    single = len(inputs) == 1
    return Planned(model, Probe(next(iter(inputs.values())) if single else inputs), STEPS)


def _zeros(tensor: Any, probes: int, size: int) -> Any:
    """Make inputs of the right shape: what they hold decides neither bytes nor time."""
    shape = [size if length is None else length for length in tensor.shape[1:]]
    dtype = str(tensor.dtype)
    return np.zeros([probes, *shape], np.str_ if dtype == "string" else dtype)


def _sized(probe: Probe, count: int) -> Probe:
    """Give a probe of as many examples, repeated where it has fewer."""
    return Probe(changed(probe.given, lambda values: np.resize(values, (count, *values.shape[1:]))))

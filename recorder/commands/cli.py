"""``trainlapse record``, and the list of the recorder's commands."""

from __future__ import annotations

from pathlib import Path

import click

from recorder.commands.estimate_command import estimate
from recorder.commands.import_command import import_checkpoints
from recorder.presets import PRESETS
from recorder.presets.training import UnknownPresetError, find_preset, record_preset
from recorder.schedule import Schedule, every_n_steps
from store.commands import Command
from store.terminal import say

__all__ = ["COMMANDS", "record", "record_preset"]


@click.command(cls=Command, short_help="Train a preset and record it.")
@click.argument("preset", required=False)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="RUN", help="Directory of the run."
)
@click.option("--epochs", type=click.IntRange(min=1), help="Length of the training.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed of the initial weights and of the order of the examples.",
)
@click.option("--overwrite", is_flag=True, help="Replace a run that is already there.")
@click.option(
    "--every",
    type=click.IntRange(min=1),
    metavar="N",
    help="Record every N steps; by default densely at first, and every epoch.",
)
@click.option("--quiet", is_flag=True, help="Show no progress bar.")
@click.option("--list", "list_presets", is_flag=True, help="List the presets.")
def record(
    preset: str | None,
    output: Path | None,
    epochs: int | None,
    seed: int,
    overwrite: bool,
    every: int | None,
    quiet: bool,
    list_presets: bool,
) -> None:
    """Train PRESET, a small real network, and record it into RUN.

    \b
    trainlapse record --list
    trainlapse record lenet-mnist -o runs/lenet.zarr
    """  # noqa: D301 - click wants the control character itself
    if list_presets:
        width = max(len(name) for name in PRESETS)
        for name, entry in PRESETS.items():
            say(f"{name:<{width}}  {entry.title}. {entry.description}")
        return
    if preset is None:
        raise click.UsageError("Missing argument 'PRESET'. List them: trainlapse record --list")
    try:
        find_preset(preset)
    except UnknownPresetError as error:
        raise click.UsageError(str(error)) from error
    if output is None:
        raise click.UsageError("Missing option '-o': where to put the run, say -o runs/run.zarr.")
    schedule: Schedule | None = None if every is None else every_n_steps(every)
    path = record_preset(
        preset,
        output,
        epochs=epochs,
        seed=seed,
        overwrite=overwrite,
        progress=not quiet,
        schedule=schedule,
    )
    say(f"Recorded {path}. Look at it: trainlapse explore {path}")


COMMANDS: list[click.Command] = [record, import_checkpoints, estimate]

"""``trainlapse import``: turn the checkpoints of a finished training into a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from recorder.startup import without_startup_noise
from store.commands import Command
from store.terminal import say

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import", cls=Command, short_help="Turn checkpoints into a run.")
@click.argument("checkpoints", nargs=-1, required=True, metavar="CHECKPOINTS")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="RUN",
    required=True,
    help="Directory of the run.",
)
@click.option(
    "--probe",
    type=_FILE,
    required=True,
    metavar="NPZ",
    help="Inputs to send through the network: x, or one array for each input by name; also "
    "labels, class_names, texts, vocabulary, feature_names, kind.",
)
@click.option(
    "--model",
    metavar="MODEL",
    help="The network, for checkpoints of weights only: a .keras file, JSON, or module:function.",
)
@click.option(
    "--custom",
    multiple=True,
    metavar="MODULE:NAME",
    help="A class or function of your own that the model needs; may be repeated.",
)
@click.option(
    "--pattern",
    help="How names were made, with {epoch}, {step} and {batch}; by default found out.",
)
@click.option("--steps-per-epoch", type=click.IntRange(min=1), help="Optimizer updates an epoch.")
@click.option("--csv", "csv_log", type=_FILE, help="Metrics, as CSVLogger wrote them.")
@click.option(
    "--tensorboard",
    "event_files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Metrics, from TensorBoard's event files.",
)
@click.option("--strict", is_flag=True, help="Refuse checkpoints that do not fit the model.")
@click.option("--name", help="Name of the run; by default that of its directory.")
@click.option("--overwrite", is_flag=True, help="Replace a run that is already there.")
@click.option("--quiet", is_flag=True, help="Show no progress bar.")
def import_checkpoints(
    checkpoints: tuple[str, ...],
    output: Path,
    probe: Path,
    model: str | None,
    custom: tuple[str, ...],
    pattern: str | None,
    steps_per_epoch: int | None,
    csv_log: Path | None,
    event_files: Path | None,
    strict: bool,
    name: str | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Turn CHECKPOINTS, a folder or a pattern in quotes, into RUN.

    It reads .keras, .weights.h5, .h5, TensorFlow checkpoints and Orbax steps.

    \b
    trainlapse import checkpoints -o runs/old.zarr --probe probe.npz
    trainlapse import "ckpt/w-*.weights.h5" -o runs/old.zarr --probe probe.npz \\
        --model train:build_model --csv log.csv
    """  # noqa: D301 - click wants the control character itself
    if len(checkpoints) > 1:
        raise click.UsageError(
            f"CHECKPOINTS is one folder or one pattern, and {len(checkpoints)} paths were given: "
            f"{checkpoints[0]}, {checkpoints[1]}{', ...' if len(checkpoints) > 2 else ''}. The "
            f"shell has filled in a pattern: quote it, as in {_pattern_of(checkpoints)}."
        )
    with without_startup_noise():
        import keras  # noqa: F401
    from recorder.checkpoints.import_run import import_run
    from recorder.checkpoints.probe_file import load_probe

    done = import_run(
        checkpoints[0],
        output,
        load_probe(probe),
        model=model,
        custom=custom,
        pattern=pattern,
        steps_per_epoch=steps_per_epoch,
        csv_log=csv_log,
        event_files=event_files,
        strict=strict,
        name=name,
        overwrite=overwrite,
        progress=not quiet,
    )
    for reason in done.skipped:
        say(f"Left out {reason}", err=True)
    say(
        f"Imported {len(done.steps)} steps into {done.path}. "
        f"Look at it: trainlapse explore {done.path}"
    )


def _pattern_of(paths: Sequence[str]) -> str:
    """Give the pattern that a shell may have filled in, in quotes.

    Examples
    --------
    >>> _pattern_of(["ckpt/w-01.keras", "ckpt/w-02.keras"])
    '"ckpt/w-0*.keras"'
    """
    begin = os.path.commonprefix(list(paths))  # noqa: RUF071 - characters are meant
    rests = [path[len(begin) :][::-1] for path in paths]
    end = os.path.commonprefix(rests)[::-1]  # noqa: RUF071 - as above
    return f'"{begin}*{end}"'

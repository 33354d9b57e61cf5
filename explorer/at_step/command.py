"""The commands `predict`, `checkpoint` and `verify --recompute`; `COMMANDS` lists them all.

Heavy modules are imported inside the commands, so that ``--help`` is quick.
"""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

import store.cli
from store.commands import Command, out_option
from store.errors import RunExistsError, SpecError, TrainlapseError, listed
from store.terminal import printable, say

_IN_MODULE = re.compile(r"[\w.]+:\w+")

_step = click.option(
    "--step", type=int, required=True, help="Recorded step (optimizer updates done)."
)
_part = click.option("--part", metavar="NAME", help="Of a run of several models, which.")
_custom = click.option(
    "--custom",
    multiple=True,
    metavar="MODULE:CLASS",
    help="A class or function of your own that the model is made of; may be repeated.",
)
_overwrite = click.option("--overwrite", is_flag=True, help="Replace what is there already.")


@click.command("predict", cls=Command)
@click.argument("run")
@_step
@click.option(
    "--input",
    "npz",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="NPZ",
    help="Inputs, one array for each of the model's by name; of a single one any name.",
)
@click.option("--text", "texts", multiple=True, help="A text to be read; may be repeated.")
@out_option([".nc"], "NetCDF file to write: a variable for each output.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "numpy", "keras"]),
    default="auto",
    show_default=True,
    help="What computes.",
)
@_part
@_custom
@_overwrite
def predict(
    run: str,
    step: int,
    npz: Path | None,
    texts: tuple[str, ...],
    out: Path,
    engine: Any,
    part: str | None,
    custom: tuple[str, ...],
    overwrite: bool,
) -> None:
    """Write what the network of RUN, as it was at a step, gives for new inputs.

    \b
    trainlapse predict runs/mine.zarr --step 300 --input x.npz -o out.nc
    trainlapse predict runs/reviews.zarr --step 300 --text "not a good film" -o out.nc
    """  # noqa: D301 - click wants the control character itself
    if (npz is None) == (not texts):
        raise click.UsageError("Give either --input or --text.")
    _refuse(out, overwrite)
    from explorer.at_step.door import network_at
    from explorer.at_step.npz import read_inputs

    objects = custom_objects(custom)
    net = network_at(run, step, engine=engine, part=part, custom_objects=objects)
    x = net.tokens(texts) if npz is None else read_inputs(npz, net.input_specs)
    found = net(x)
    outputs = found if isinstance(found, dict) else {net.outputs[0]: found}
    _write(out, outputs, {"run": str(run), "step": step, "engine": net.engine, "why": net.why})
    count = len(next(iter(outputs.values())))
    say(f"Wrote {out}: {listed(outputs)} of {count} example{'s' * (count != 1)} at step {step}.")
    say(net.why)


@click.command("checkpoint", cls=Command)
@click.argument("run")
@_step
@out_option([".keras"], "File to write: .keras.")
@_part
@_custom
@_overwrite
def checkpoint(
    run: str, step: int, out: Path, part: str | None, custom: tuple[str, ...], overwrite: bool
) -> None:
    """Make a checkpoint of RUN at a step: a .keras file that Keras loads.

    It has the optimizer's configuration, as far as the run knows it, and not its moments.
    """
    _refuse(out, overwrite)
    from explorer.at_step.door import write_checkpoint
    from store.storage.atomic import new_file, temporary_directory

    objects = custom_objects(custom)
    with temporary_directory(out) as folder, new_file(out) as path:
        made = folder / "model.keras"  # Keras looks at the ending
        said = write_checkpoint(run, step, made, part=part, custom_objects=objects)
        shutil.copyfile(made, path)
    say(f"Wrote {out}: step {step}. {said}")


@click.pass_context
def _verify(
    ctx: click.Context, /, recompute: bool, custom: tuple[str, ...], **options: Any
) -> None:
    if custom and not recompute:
        raise click.UsageError("--custom is for --recompute.")
    ctx.invoke(store.cli.verify, **options)  # ends here where anything is damaged
    if recompute and not _is_as_computed(str(options["run"]), custom):
        sys.exit(1)


verify = Command(
    name="verify",
    callback=_verify,
    help=f"""{store.cli.verify.help}

    With --recompute the probe's activations are also computed anew from the weights at every
    recorded step, and layers that differ by more than 1e-4 of their range (1e-2 where float16 was
    recorded) are named.
    """,
    params=[
        *store.cli.verify.params,
        click.Option(["--recompute"], is_flag=True, help="Compute the activations anew."),
        click.Option(
            ["--custom"],
            multiple=True,
            metavar="MODULE:CLASS",
            help="For --recompute: a class of your own that the model is made of.",
        ),
    ],
)


def _is_as_computed(location: str, custom: Sequence[str]) -> bool:
    from explorer.at_step.door import network_to_verify
    from explorer.at_step.recompute import deviations
    from store.reading.run import open_run

    opened = open_run(location)
    parts = dict(opened.parts) or {"": opened}
    objects, is_right, compared = custom_objects(custom), True, 0
    for name, run in parts.items():
        label = f"{name}: " if name else ""
        if not len(run) or not any(layer.has_activation for layer in run.layers.values()):
            say(f"{label}no activation was recorded: nothing is computed anew.")
            continue
        net = network_to_verify(run, objects)
        with _bar() as progress:
            found, layers = deviations(net, run, progress)
        compared += len(layers)
        is_right = is_right and not found
        for one in found:
            say(f"{label}{one}")
        left = [each.name for each in run.layers.values() if each.has_activation]
        left = [each for each in left if each not in layers]
        if left:
            say(f"{label}not computed anew: {listed(left)}.")
        if not found:
            say(
                f"{label}Recomputed: {len(layers)} layers at {len(run)} steps by {net.engine}, as "
                "recorded."
            )
    return is_right


@contextmanager
def _bar() -> Iterator[Callable[[int, int, str], None]]:
    """Show a progress bar of steps, if the output is a terminal."""
    from tqdm import tqdm

    with tqdm(desc="recompute", unit="step", disable=None, leave=False) as bar:

        def show(done: int, total: int, what: str) -> None:
            if bar.total != total:
                bar.reset(total)
            bar.set_postfix_str(printable(what), refresh=False)
            bar.update(done - bar.n)

        yield show


def custom_objects(names: Sequence[str]) -> dict[str, Any]:
    """Import what the user names as ``module:Class``, also from the working directory.

    Raises
    ------
    SpecError
        It cannot be imported.
    """
    found: dict[str, Any] = {}
    for name in names:
        if not _IN_MODULE.fullmatch(name):
            raise SpecError(f"--custom is module:Class, got {name!r}.")
        module, attribute = name.split(":")
        if "" not in sys.path:
            sys.path.insert(0, "")
        try:
            found[attribute] = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise SpecError(f"{name!r} cannot be imported: {error}") from error
    return found


def _write(out: Path, outputs: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Write outputs as NetCDF of version 3."""
    import xarray as xr

    from store.storage.atomic import new_file

    single = len(outputs) == 1
    variables = {}
    for name, values in outputs.items():
        own = "" if single else f"{name}_"
        places = [f"{own}place_{axis}" for axis in range(1, values.ndim - 1)]
        dims = ["example", *places, f"{own}unit"][: values.ndim]
        variables[name] = (dims, values)
    made = xr.Dataset(variables, attrs=dict(about))
    with new_file(out) as path:
        path.write_bytes(bytes(made.to_netcdf(engine="scipy", format="NETCDF3_64BIT")))


def _refuse(out: Path, overwrite: bool) -> None:
    if out.exists() and not overwrite:
        raise RunExistsError(f"{out} is there already; --overwrite replaces it.")
    if not out.parent.is_dir():
        raise TrainlapseError(f"There is no folder {out.parent}.")


COMMANDS: list[click.Command] = [predict, checkpoint, verify]

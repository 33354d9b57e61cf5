"""Commands that look at runs, check, pack, cut and share them; `COMMANDS` lists them all.

Everything heavy is imported inside a command, so that help comes at once.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from store.commands import Command
from store.errors import TrainlapseError, listed
from store.terminal import say, say_json

PRIVATE_HINT = {
    "inputs": "the inputs themselves",
    "labels": "the labels",
    "class_names": "the names of the classes",
    "texts": "the probe's texts",
    "vocabulary": "the vocabulary",
    "weights": "every recorded weight: the trained network can be rebuilt",
    "activations": "activations; those of the first layers can show the inputs",
    "model_config": "the model's configuration",
    "notes": "the notes on the run",
    "moments": "moments that were marked",
    "other_files": "files that lie beside the arrays",
}

# Lines of damage that are printed; the report counts the rest.
FINDINGS_SHOWN = 100


def _command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    return click.command(name, cls=Command)


_run = click.argument("run")
_out = click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="Where to write.", required=True
)
_overwrite = click.option("--overwrite", is_flag=True, help="Replace what is there already.")
_no_history = click.option(
    "--no-history",
    is_flag=True,
    help="Leave out the time-major copy: smaller, but histories of units are slow to read.",
)


_history = click.option(
    "--history/--no-history",
    default=None,
    help="With or without a time-major copy, by which histories of units are quick to read. "
    "Default: with it, unless the file would be larger than the run.",
)


_no_moments = click.option(
    "--no-moments", is_flag=True, help="Leave out the moments that were marked."
)


def _parse_precision(
    _: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    for value in values:
        kind, equals, choice = value.partition("=")
        if not equals:
            raise click.BadParameter(f"expected KIND=BITS, got {value!r}", param=option)
        found[kind] = int(choice) if choice.isdecimal() else choice
    return found


_precision = click.option(
    "--precision",
    multiple=True,
    metavar="KIND=BITS",
    callback=_parse_precision,
    help="Fewer bits for 'activation' or 'weights': float16, or mantissa bits to keep. "
    "Default: every bit is kept.",
)


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """Progress bar on a terminal, silence elsewhere."""
    from tqdm import tqdm

    with tqdm(desc=title, unit="B", unit_scale=True, disable=None, leave=False) as bar:

        def show(done: int, total: int, _: str) -> None:
            if bar.total != total:
                bar.reset(total)
            bar.update(done - bar.n)

        yield show


@_command("info")
@_run
@click.option("--json", "as_json", is_flag=True, help="Print the description as JSON.")
def info(run: str, as_json: bool) -> None:
    """Show what RUN is and holds: steps, layers, sizes, metrics.

    RUN is a directory, a .zip, or an http(s):// or s3:// address.
    """
    from store.reading.run import open_run
    from store.tools.info import describe, render

    description = describe(open_run(run))
    if as_json:
        say_json(description)
    else:
        say(*render(description).split("\n"))


@_command("verify")
@_run
@click.option(
    "--salvage",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Write what is sound into a new run.",
)
def verify(run: str, salvage: Path | None) -> None:
    """Read every chunk of RUN and name what is damaged; exit code 1 if anything is."""
    from store.reading.run import open_run
    from store.tools import verify as checks
    from store.tools.info import human_bytes

    opened = open_run(run)
    with _bar("verify") as progress:
        report = checks.verify(opened, progress)
    for finding in report.findings[:FINDINGS_SHOWN]:
        say(str(finding))
    if len(report.findings) > FINDINGS_SHOWN:
        say(f"and {len(report.findings) - FINDINGS_SHOWN} more")
    layers = sorted({finding.layer for finding in report.findings if finding.layer})
    read = f"{report.arrays} arrays, {human_bytes(report.bytes)}"
    if report.is_sound:
        without = len(report.unchecked)
        how = f"; {without} of them without checksums" if without else ""
        say(f"Sound: {read} read, every checksum is right{how}.")
    else:
        named = f"; layers: {', '.join(layers)}" if layers else ""
        say(f"Damaged: {len(report.findings)} findings in {read}{named}.")
    if salvage is not None:
        with _bar("salvage") as progress:
            written, lost = checks.salvage(opened, report, salvage, progress)
        missing = f", without {'; '.join(lost)}" if lost else ", with everything"
        say(f"Wrote {written.path}{missing}.")
    if not report.is_sound:
        sys.exit(1)


@_command("pack")
@_run
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="Directory to write. By default the run itself is replaced, once the new one is verified.",
)
@_overwrite
@_no_history
@_precision
@click.option("--level", type=click.IntRange(1, 9), help="Compression, 1 (quick) to 9 (small).")
def pack(
    run: str,
    out: Path | None,
    overwrite: bool,
    no_history: bool,
    precision: dict[str, str | int],
    level: int | None,
) -> None:
    """Turn RUN into its reading form: small, checksummed, quick frames and quick histories."""
    from store.packed.pack import pack as pack_run
    from store.tools.info import human_bytes

    with _bar("pack") as progress:
        report = pack_run(
            run,
            out,
            history=not no_history,
            precision=precision,
            level=level,
            overwrite=overwrite,
            progress=progress,
        )
    share = report.bytes / report.raw_bytes if report.raw_bytes else 1
    say(
        f"Packed {human_bytes(report.raw_bytes)} into {human_bytes(report.bytes)} ({share:.2f}; "
        f"frames {human_bytes(report.frames_bytes)}, histories "
        f"{human_bytes(report.history_bytes)}), verified: {report.path}"
    )
    _echo_errors(report.errors)


@_command("crop")
@_run
@_out
@_overwrite
@click.option("--steps", metavar="FIRST:LAST", help="Range of steps to keep, ends included.")
@click.option(
    "--every",
    type=click.IntRange(1),
    default=1,
    help="Keep every k-th recorded step, and those of moments.",
)
@click.option("--layers", multiple=True, metavar="GLOB", help="Keep arrays of these layers.")
@click.option("--probes", metavar="LIST", help="Keep these probes, for instance 0-7,12.")
@click.option("--no-activations", is_flag=True, help="Leave out the activations.")
@click.option("--no-weights", is_flag=True, help="Leave out the weights.")
@click.option("--no-inputs", is_flag=True, help="Leave out inputs, with texts and vocabularies.")
@click.option("--no-labels", is_flag=True, help="Leave out labels and class names.")
@click.option("--no-texts", is_flag=True, help="Leave out texts and vocabularies.")
@click.option("--no-metrics", is_flag=True, help="Leave out loss and metrics.")
@click.option("--no-model", is_flag=True, help="Leave out the model's configuration.")
@click.option("--no-notes", is_flag=True, help="Leave out notes, those of moments as well.")
@_no_moments
def crop(
    run: str,
    out: Path,
    overwrite: bool,
    steps: str | None,
    every: int,
    layers: tuple[str, ...],
    probes: str | None,
    **dropped: bool,
) -> None:
    """Write a part of RUN as a new run: fewer steps, layers or probes, or without private parts."""
    from store.tools.crop import Cut
    from store.tools.crop import crop as crop_run
    from store.tools.info import human_bytes

    first, last = _parse_steps(steps)
    drop = [name.removeprefix("no_") for name, wanted in dropped.items() if wanted]
    cut = Cut(first, last, every, layers, _parse_probes(probes), drop)
    with _bar("crop") as progress:
        report = crop_run(run, out, cut, overwrite=overwrite, progress=progress)
    say(f"Wrote {human_bytes(report.bytes)}, verified: {report.path}")
    if report.moments_lost:
        places = listed(f"step {moment.step}" for moment in report.moments_lost)
        say(f"  Left out with their steps, {len(report.moments_lost)} moments: {places}")
    if report.moments_without_probe:
        places = listed(f"probe {moment.probe}" for moment in report.moments_without_probe)
        say(f"  Moments no longer show the probes that are left out: {places}")


@_command("share")
@_run
@_out
@_overwrite
@_history
@_no_moments
@_precision
@click.option(
    "--author",
    "authors",
    multiple=True,
    metavar="NAME",
    help="Who made the run; repeatable. With an ORCID: 'Ada Lovelace <0000-0002-1825-0097>'.",
)
@click.option(
    "--licence",
    "--license",
    metavar="ID",
    help="What others may do with it: an SPDX identifier, such as CC-BY-4.0.",
)
@click.option("--cite", metavar="TEXT", help="How to cite it: a text, a DOI or an address.")
def share(
    run: str,
    out: Path,
    overwrite: bool,
    history: bool | None,
    no_moments: bool,
    precision: dict[str, str | int],
    authors: tuple[str, ...],
    licence: str | None,
    cite: str | None,
) -> None:
    """Write RUN as one verified .zip file that opens in place, from a disk or over the network.

    Before the file is written, what it will give away is listed; `crop` leaves parts out. In it,
    README.md and dataset.jsonld (schema.org) say what the run is, and whose. A run that was shared
    before keeps the authors, the licence and the citation that are not given anew.
    """
    from store.reading.run import open_run
    from store.tools.info import contents, human_bytes, kept_inputs, marked_moments, other_files
    from store.tools.publication import restated
    from store.tools.share import share as share_run

    opened = open_run(run)
    said = restated(opened, authors, licence, cite)
    say("The file will contain:")
    for name, there in contents(opened).items():
        if there and not (no_moments and name == "moments"):
            detail = {
                "inputs": kept_inputs,
                "moments": marked_moments,
                "other_files": other_files,
            }.get(name)
            each = f": {', '.join(detail(opened))}" if detail else ""
            say(f"  - {PRIVATE_HINT[name]}{each}")
    authored = ", ".join(map(str, said.authors)) or "authors not stated (--author)"
    licensed = said.licence or "licence not stated (--licence)"
    say(f"  - README.md and dataset.jsonld: {authored}; {licensed}")
    with _bar("share") as progress:
        report = share_run(
            run,
            out,
            history=history,
            precision=precision,
            overwrite=overwrite,
            with_moments=not no_moments,
            said=said,
            progress=progress,
        )
    say(f"Wrote {human_bytes(report.bytes)}, verified: {report.path}")
    if report.history_left_out:
        say("Without a time-major copy, which would make the file larger than the run: --history.")
    _echo_errors(report.errors)


@_command("serve-files")
@click.argument(
    "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default="."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port; 0: any free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. 0.0.0.0: everybody who reaches this machine can read FOLDER.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this origin read the files in a browser, such as https://example.org; "
    "by default none. Repeatable.",
)
def serve_files(folder: Path, port: int, host: str, origins: tuple[str, ...]) -> None:
    """Serve the runs in FOLDER over HTTP, to be opened in place from another program or machine.

    It sends parts of files (byte ranges), which `python -m http.server` does not. It only reads:
    plain files below FOLDER, none that is hidden, and through no link. By default only this
    machine is answered. It knows no passwords and no encryption: on a network that is not yours,
    use nginx or Caddy.

    Then, elsewhere: trainlapse explore http://127.0.0.1:8000/run.zip
    """
    from store.tools.serve_files import FileServer

    try:
        server = FileServer(folder, host, port, origins=origins)
    except OSError as error:
        raise TrainlapseError(
            f"Nothing can be served at {host}, port {port}: {error}. Choose another with --port."
        ) from error
    say(f"Serving {folder} at {server.url} (Ctrl-C ends it)")
    with server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


@_command("trust")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--withdraw", is_flag=True, help="Take the signature back.")
def trust(runs: tuple[str, ...], withdraw: bool) -> None:
    """Sign RUN: you know where it is from, and pages no longer mark it as foreign.

    The signature is yours and of this machine, and is kept in your settings; the run stays as it
    is. What you record here is signed when it is recorded. No right depends on it: no run is
    executed, signed or not.
    """
    from store.reading.run import open_run
    from store.tools import trust as signatures

    for location in runs:
        run = open_run(location)
        try:
            (signatures.withdraw if withdraw else signatures.sign)(run)
        except OSError as error:
            raise TrainlapseError(f"The signature cannot be kept: {error}") from error
        done = "No longer signed" if withdraw else "Signed"
        say(f"{done}: {run.name}, of {run.created:%Y-%m-%d %H:%M} ({run.location})")


def _echo_errors(errors: dict[str, float] | Any) -> None:
    for path, error in errors.items():
        say(f"  {path}: off by at most {error:.3g}")


def _parse_steps(text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    first, colon, last = text.partition(":")
    if not colon or not all(part == "" or part.isdecimal() for part in (first, last)):
        raise click.BadParameter(f"expected FIRST:LAST, got {text!r}", param_hint="--steps")
    return int(first) if first else None, int(last) if last else None


def _parse_probes(text: str | None) -> list[int] | None:
    if text is None:
        return None
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise click.BadParameter(
                f"expected for instance 0-7,12, got {text!r}", param_hint="--probes"
            )
        found.extend(range(int(first), int(last or first) + 1))
    return found


COMMANDS: list[click.Command] = [info, verify, pack, crop, share, serve_files, trust]

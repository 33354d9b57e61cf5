"""The pages of the explorer, and the server that makes a session for each visitor."""

from __future__ import annotations

import functools
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import panel as pn

from explorer.compare.page import ComparisonPage, facts_of
from explorer.compare.pair import RunPair
from explorer.data.run import RunData
from explorer.plots import style
from explorer.server.addresses import texts
from explorer.server.folder import RunFolder, run_list
from explorer.server.gate import Gate
from explorer.server.runs import ADDED, NUMBER, RunRegistry, another_run, disambiguated_names
from explorer.server.server import Server, free_port
from explorer.server.workarounds import reserve_core_for_browser
from explorer.session.following import Following, Latest
from explorer.session.session import Explorer, notice
from explorer.session.tour import Tour
from explorer.widgets.markup import TEMPLATE_ENGINE, TEMPLATES
from store import Run
from store.tools import trust

SCRIPTS = ("theme.js", "figures.js", "page.js", "narrow.js", "models.js")
COMPARE = "/compare"
# Pairs of runs whose computed results are kept in memory.
PAIRS_KEPT = 4

Switch = Sequence[tuple[str, str]]


def page(
    data: RunData,
    query: Mapping[str, Any] | None = None,
    runs: Switch = (),
    path: str = "/",
    latest: Latest | None = None,
    add: Callable[[str], int] | None = None,
    *,
    of_folder: bool = False,
) -> pn.Template:
    """Page of a session with one run.

    Parameters
    ----------
    data : RunData
        The run.
    query : mapping, optional
        Parameters of the page's address.
    runs : sequence of (path, name)
        All runs that the server shows, for the switch in the header.
    path : str
        Path of this page among them.
    latest : Latest, optional
        Gives newer readings of the run, if it may still be recorded.
    add : callable, optional
        Opens the run at a path and returns its number. With it the header offers to open another.
    of_folder : bool
        Whether the header leads back to a list of runs.
    """
    explorer = Explorer(data, query)
    run = data.run
    parameters = sum(layer.parameters for layer in run.layers.values())
    facts = [f"{len(run.layers)} layers", f"{parameters:,} parameters"]
    if len(run):
        facts.append(f"{len(run)} recorded steps ({run.steps[0]:,} to {run.steps[-1]:,})")
    if run.finished is None:
        facts.append("not finished")
    return _template(
        {
            "transport": _time_bar(explorer, latest),
            "graph": explorer.graph,
            "body": explorer.body,
            **_adding(data, add),
        },
        run_name=run.name,
        runs=runs,
        path=path,
        others=_others(runs, path),
        here=[other for other, _ in runs].index(path) + 1 if add else 0,
        adds=add is not None,
        of_folder=of_folder,
        facts=" · ".join(facts),
        foreign=_how_to_sign(run),
        part_names=run.part_names,
        part_shown=run.part,
    )


def comparison_page(
    pair: RunPair,
    query: Mapping[str, Any] | None = None,
    runs: Switch = (),
    numbers: tuple[int, int] = (1, 2),
    add: Callable[[str], int] | None = None,
    *,
    of_folder: bool = False,
) -> pn.Template:
    """Page of a session with two runs side by side.

    Parameters
    ----------
    pair : RunPair
        The runs.
    query : mapping, optional
        Parameters of the page's address.
    runs : sequence of (path, name)
        All runs that the server shows.
    numbers : (int, int)
        Numbers of the two runs among them, counted from 1.
    add : callable, optional
        As for `page`.
    of_folder : bool
        As for `page`.
    """
    shown = ComparisonPage(pair, query)
    sides = facts_of(shown.comparison.sides)
    names = disambiguated_names([pair.first.run, pair.second.run])
    of_sides = (pair.first.run, pair.second.run)
    for side, run, name, number in zip(sides, of_sides, names, numbers, strict=True):
        alone = runs[number - 1][0] if runs else ""
        foreign = _how_to_sign(run)
        side |= {"name": name, "number": number, "alone": alone, "foreign": foreign}
    return _template(
        {
            "transport": shown.transport,
            "graph": shown.graph,
            "body": shown.body,
            **_adding(pair.first, add),
        },
        run_name=" and ".join(names),
        runs=runs,
        sides=sides,
        adds=add is not None,
        part_names=pair.first.run.part_names or pair.second.run.part_names,
        part_shown=pair.first.run.part or pair.second.run.part,
        of_folder=of_folder,
    )


def _how_to_sign(run: Run) -> str:
    """Command by which the header no longer marks a run as foreign; empty for one that is not."""
    return "" if trust.is_signed(run) else f"trainlapse trust {shlex.quote(run.location)}"


def _adding(data: RunData, add: Callable[[str], int] | None) -> dict[str, Any]:
    """Part of the header that asks for the path of another run, if runs can be added."""
    return {} if add is None else {"another": another_run(data, add)}


def _time_bar(explorer: Explorer, latest: Latest | None) -> pn.Column:
    """Time control and moments, and the switch that follows a run while it is recorded."""
    tour = Tour(explorer.data, explorer.channel)
    row = pn.Row(explorer.transport, sizing_mode="stretch_width", margin=0)
    if latest is not None:

        def adopt(newer: RunData) -> None:
            explorer.adopt(newer)
            tour.adopt(newer)

        def is_busy() -> bool:
            return explorer.is_busy

        row.append(Following(latest, explorer.data, adopt, is_busy, explorer.channel).widget)
    return pn.Column(row, tour.widget, sizing_mode="stretch_width", margin=0)


def _refusal(said: str, runs: Switch, path: str) -> pn.Template:
    """Page that says why there is nothing to show."""
    parts = {"transport": pn.Column(), "graph": pn.Column(), "body": notice(said)}
    return _template(parts, run_name="Nothing to compare", runs=runs, path=path)


class Page(pn.Template):
    """A template with a short `repr`: Param formats it whenever a part is added."""

    def __repr__(self) -> str:
        return type(self).__name__


def _template(
    parts: Mapping[str, Any],
    *,
    run_name: str,
    runs: Switch,
    path: str = "",
    facts: str = "",
    foreign: str = "",
    sides: Sequence[Mapping[str, Any]] = (),
    others: Switch = (),
    here: int = 0,
    adds: bool = False,
    part_names: Sequence[str] = (),
    part_shown: str = "",
    of_folder: bool = False,
    file: str = "page.html",
    scripts: Sequence[str] = SCRIPTS,
) -> pn.Template:
    """Put parts into the page, below a header that names the runs."""
    template = Page(TEMPLATE_ENGINE.get_template(file))
    for name, part in parts.items():
        template.add_panel(name, part)
    variables = {
        "run_name": run_name,
        "runs": list(runs),
        "path": path,
        "facts": facts,
        "foreign": foreign,
        "sides": list(sides),
        "others": list(others),
        "here": here,
        "adds": adds,
        "parts": list(part_names),
        "part": part_shown,
        "of_folder": of_folder,
        "css": _read("page.css"),
        "script": "\n".join(_read(name) for name in scripts),
    }
    for name, value in variables.items():
        template.add_variable(name, value)
    return template


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _others(runs: Switch, path: str) -> list[tuple[str, str]]:
    """Address of the comparison with each other run, and the name of that run."""
    paths = [other for other, _ in runs]
    if path not in paths:
        return []
    here = paths.index(path) + 1
    return [
        (f"{COMPARE}?{urlencode({'a': here, 'b': number})}", name)
        for number, (_, name) in enumerate(runs, start=1)
        if number != here
    ]


def serve(
    runs: Sequence[Run],
    *,
    port: int | None = None,
    open_browser: bool = True,
    side_by_side: bool = False,
    folder: Path | None = None,
    allow: Sequence[str | Path] = (),
    allow_hosts: Sequence[str] = (),
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the explorer on this machine alone, until interrupted.

    Parameters
    ----------
    runs, port, side_by_side, folder, allow, allow_hosts
        As for `server`.
    open_browser : bool
        Whether to open the page in the default browser.
    ready : callable, optional
        Takes the address, with the token that opens it, as soon as the port answers.

    Raises
    ------
    OSError
        The port cannot be used, or none is free.
    ValueError
        As for `server`.
    """
    serving = server(
        runs,
        port=port,
        side_by_side=side_by_side,
        folder=folder,
        allow=allow,
        allow_hosts=allow_hosts,
    )
    serving.run(ready=ready, open_browser=open_browser)


def server(
    runs: Sequence[Run],
    *,
    port: int | None = None,
    side_by_side: bool = False,
    folder: Path | None = None,
    allow: Sequence[str | Path] = (),
    allow_hosts: Sequence[str] = (),
) -> Server:
    """Make a server of the explorer, for this machine alone, and for who has its token.

    The drawing options of HoloViews and the number of BLAS threads are set for the whole process.

    Parameters
    ----------
    runs : sequence of Run
        The runs. The first is shown at ``/``. The header leads to the others, to any two of them
        side by side, and to a run that is opened by its path.
    port : int, optional
        By default the first free port from `DEFAULT_PORT` on.
    side_by_side : bool
        Whether to show the first two runs side by side at ``/``.
    folder : Path, optional
        A folder whose runs are listed at ``/``; runs are then opened from there.
    allow : sequence of str or Path
        Folders and addresses from which pages may open runs, besides those where `runs` lie.
    allow_hosts : sequence of str
        Names besides those of this machine under which the server may be reached.

    Raises
    ------
    OSError
        No port is free.
    ValueError
        The token that the environment gives is too short, see `explorer.server.gate`.
    """
    style.for_pages()
    # The browser chooses light or dark (templates/theme.js); Panel would read it from the address.
    pn.extension(
        disconnect_notification="The connection to the explorer was lost.", theme="default"
    )
    reserve_core_for_browser()
    first = "/run-1" if side_by_side or folder is not None else "/"
    paths = [first, *(f"/run-{number}" for number in range(2, len(runs) + 1))][: len(runs)]
    registry = RunRegistry(runs, paths, of_folder=folder is not None, allow=allow)
    compared = _comparison(registry)
    routes = {path: _session(registry, number) for number, path in enumerate(paths, start=1)}
    routes |= {ADDED: _session(registry), COMPARE: compared}
    if side_by_side:
        routes["/"] = compared
    if folder is not None:
        routes["/"] = _list(RunFolder(folder), registry)
    return Server(routes, port if port is not None else free_port(), Gate(allow_hosts))


def _list(folder: RunFolder, registry: RunRegistry) -> Callable[[], pn.Template]:
    """Make the function that makes a page with the runs of a folder for each visitor."""

    def session() -> pn.Template:
        body = run_list(folder, registry)
        return _template(
            {"body": body},
            run_name=str(folder.path),
            runs=(),
            file="folder.html",
            scripts=("theme.js",),
        )

    return session


def _session(registry: RunRegistry, fixed: int | None = None) -> Callable[[], pn.Template]:
    """Make the function that makes a page of one run for each visitor.

    It shows the run with the number `fixed`, else the one with the number in the address.
    """

    def session() -> pn.Template:
        query, switch = _query(), registry.switch
        try:
            number = fixed or registry.number(query.get(NUMBER, ""), NUMBER)
        except ValueError as error:
            return _refusal(str(error), switch, ADDED)
        latest, path = registry.latest(number, query), switch[number - 1][0]
        return page(
            latest.data, query, switch, path, latest, registry.add, of_folder=registry.of_folder
        )

    return session


def _comparison(registry: RunRegistry) -> Callable[[], pn.Template]:
    """Make the function that makes a page of two runs, by their numbers in the address."""

    @functools.lru_cache(PAIRS_KEPT)
    def pair_of(first: RunData, second: RunData, overrides: str) -> RunPair:
        return RunPair(first, second, _overrides(overrides))

    def session() -> pn.Template:
        query, switch = _query(), registry.switch
        try:
            numbers = (
                registry.number(query.get("a", "1"), "a"),
                registry.number(query.get("b", "2"), "b"),
            )
            # The same part of both, as far as both have it.
            first, second = (registry.latest(number, query).data for number in numbers)
            pair = pair_of(first, second, query.get("map", ""))
        except ValueError as error:
            return _refusal(str(error), switch, COMPARE)
        return comparison_page(
            pair, query, switch, numbers, registry.add, of_folder=registry.of_folder
        )

    return session


def _query() -> dict[str, str]:
    """Parameters of the page's address, as texts."""
    location = pn.state.location
    return texts(location.search) if location else {}


def _overrides(text: str) -> Mapping[str, str | None]:
    """Read which layers of B correspond to layers of A from a parameter of the address."""
    if not text:
        return {}
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict) or any(
        type(value) not in (str, type(None)) for value in read.values()
    ):
        raise ValueError(
            f"map in the address should be layers of B by layers of A, such as "
            f'{{"conv1": "conv_a"}}, got {text!r}.'
        )
    return read

"""The explorer as a page, and the server that makes a session for each visitor."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import panel as pn

from explorer.data import RunData
from explorer.plots import style
from explorer.session import Explorer
from store import Run

HOST = "127.0.0.1"
DEFAULT_PORT = 5006
PORTS_TRIED = 20
TEMPLATES = Path(__file__).parent / "templates"


def page(
    data: RunData,
    query: Mapping[str, Any] | None = None,
    runs: Sequence[tuple[str, str]] = (),
    path: str = "/",
) -> pn.Template:
    """Page of a session.

    Parameters
    ----------
    data : RunData
        The run.
    query : mapping, optional
        Parameters of the page's address.
    runs : sequence of (path, name)
        Every run that the server shows, for the switch in the header.
    path : str
        Path of this page among them.
    """
    explorer = Explorer(data, query)
    run = data.run
    parameters = sum(layer.parameters for layer in run.layers.values())
    facts = [f"{len(run.layers)} layers", f"{parameters:,} parameters"]
    if len(run):
        facts.append(f"{len(run)} recorded steps ({run.steps[0]:,} to {run.steps[-1]:,})")
    if run.finished is None:
        facts.append("not finished")
    template = pn.Template((TEMPLATES / "page.html").read_text(encoding="utf-8"))
    template.add_panel("transport", explorer.transport)
    template.add_panel("graph", explorer.graph)
    template.add_panel("body", explorer.body)
    template.add_variable("run_name", run.name)
    template.add_variable("runs", list(runs))
    template.add_variable("path", path)
    template.add_variable("facts", " · ".join(facts))
    template.add_variable("css", (TEMPLATES / "page.css").read_text(encoding="utf-8"))
    template.add_variable("script", (TEMPLATES / "page.js").read_text(encoding="utf-8"))
    return template


def serve(
    runs: Sequence[Run],
    *,
    port: int | None = None,
    open_browser: bool = True,
    threaded: bool = False,
) -> Any:
    """Serve the explorer on this machine alone, until interrupted.

    Parameters
    ----------
    runs : sequence of Run
        The runs; the first is shown at ``/``, a switch in the header leads to the others.
    port : int, optional
        By default the first free one from `DEFAULT_PORT` on.
    open_browser : bool
        Open the page in the default browser.
    threaded : bool
        Return a running server thread instead of blocking.
    """
    style.register()
    pn.extension(disconnect_notification="The connection to the explorer was lost.")
    chosen = port if port is not None else free_port()
    paths = ["/", *(f"/run-{number}" for number in range(2, len(runs) + 1))]
    switch = [(path, run.name) for path, run in zip(paths, runs, strict=True)]
    routes = {
        path: _session(RunData(run), switch, path) for path, run in zip(paths, runs, strict=True)
    }
    return pn.serve(
        routes,
        port=chosen,
        address=HOST,
        websocket_origin=[f"{HOST}:{chosen}", f"localhost:{chosen}"],
        show=open_browser,
        threaded=threaded,
        title="Trainlapse",
        verbose=False,
    )


def _session(
    data: RunData, switch: Sequence[tuple[str, str]], path: str
) -> Callable[[], pn.Template]:
    """Make a factory of sessions: an object would be shared by all visitors."""

    def session() -> pn.Template:
        location = pn.state.location
        # As texts: Panel's own reading turns a layer called 1e3 into a number.
        query = parse_qsl(location.search.removeprefix("?")) if location else []
        return page(data, dict(query), switch, path)

    return session


def free_port(first: int = DEFAULT_PORT) -> int:
    """First port from `first` on that nobody listens to."""
    for port in range(first, first + PORTS_TRIED):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(
        f"Ports {first} to {first + PORTS_TRIED - 1} of {HOST} are all in use; pass --port."
    )

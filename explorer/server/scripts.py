"""The scripts of the page's components, as files that a browser fetches once and keeps."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import panel as pn
from bokeh.server.views.auth_request_handler import AuthRequestHandler
from tornado.web import StaticFileHandler

from explorer.widgets.base import BUNDLE, SCRIPTS, fetch_scripts


class ScriptFiles(AuthRequestHandler, StaticFileHandler):
    """Scripts, behind the gate."""


PATTERNS: tuple[tuple[str, type[ScriptFiles], dict[str, Any]], ...] = (
    (rf"/{SCRIPTS}/(.*)", ScriptFiles, {"path": str(BUNDLE)}),
)


def fetching(make: Callable[[], Any]) -> Callable[[], Any]:
    """Make the function that makes the page of a visitor, which fetches its scripts."""

    @functools.wraps(make)
    def page() -> Any:
        if pn.state.curdoc is not None:
            fetch_scripts(pn.state.curdoc)
        return make()

    return page

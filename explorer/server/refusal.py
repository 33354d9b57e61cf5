"""Answers to who is not let in: a page for a browser, a sentence for a program."""

from __future__ import annotations

from typing import Any

from tornado.web import Finish

from explorer.widgets.markup import TEMPLATES, render

# The page loads nothing; its style and its one script are within it.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def refuse(handler: Any, status: int, said: str, remedy: str, example: str = "") -> None:
    """Answer a request with why it is refused, and what to do.

    Parameters
    ----------
    handler : tornado RequestHandler
        Who would have answered.
    status : int
        Status of the answer.
    said, remedy : str
        A sentence each: why, and what to do.
    example : str
        What to type, or how it looks.

    Raises
    ------
    tornado.web.Finish
        Always.
    """
    handler.set_status(status)
    handler.set_header("X-Content-Type-Options", "nosniff")
    handler.set_header("Referrer-Policy", "no-referrer")
    handler.set_header("Cache-Control", "no-store")
    if "text/html" not in handler.request.headers.get("Accept", ""):
        handler.set_header("Content-Type", "text/plain; charset=utf-8")
        raise Finish(" ".join(filter(None, (said, remedy, example))) + "\n")
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    handler.set_header("Content-Security-Policy", CONTENT_POLICY)
    page = render(
        "refusal.html",
        said=said,
        remedy=remedy,
        example=example,
        css=_read("page.css"),
        script=_read("theme.js"),
    )
    raise Finish(page)


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")

"""Who is let in: who has the server's token, by a name of this machine, from its own pages.

A server on the loopback interface is open to every program of the machine and, through a browser,
to every page on the web: a page may ask for addresses here, or have its own name lead here (DNS
rebinding). So each request is asked for three things before anything is made for it: a name that
is allowed (``Host``), an origin that is this server's own, and the token or the cookie that the
token was exchanged for. What Bokeh and Panel ship as files (``/static/``) needs none of them.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from bokeh.server.auth_provider import AuthProvider, User
from bokeh.server.views.auth_request_handler import AuthRequestHandler
from bokeh.util.token import get_session_id
from panel.io.server import ComponentResourceHandler
from tornado.web import Finish

from explorer.server.refusal import refuse

TOKEN = "token"  # noqa: S105, the name of a parameter
# A token of the user's own, in place of a new one for each server.
TOKEN_VARIABLE = "TRAINLAPSE_TOKEN"  # noqa: S105, the name of a variable
TOKEN_BYTES = 24
DEFAULT_PORTS = {"http": 80, "https": 443}
# Short enough to type, and 16 random letters and digits are beyond all guessing.
SHORTEST_TOKEN = 16
# Pages at the same time. Each holds some 10 MB, and one that was closed goes half a minute later.
MOST_SESSIONS = 40
RETRY_S = 20

# What a page may load and reach: itself. Bokeh compiles templates and callbacks (eval), starts by a
# script within the page, and fetches and imports the modules of widgets from blobs of the page.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' blob: {sockets}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)


class Gate(AuthProvider):
    """Lets requests in, or answers them itself: Bokeh asks it first.

    Parameters
    ----------
    allow_hosts : sequence of str
        Names besides those of this machine under which the server may be reached, as by a proxy.
    most_sessions : int
        So many pages may be open at the same time.

    Attributes
    ----------
    token : str
        Opens the server: ``?token=`` of the first address, or ``Authorization: token ...``.

    Raises
    ------
    ValueError
        `TOKEN_VARIABLE` holds a token that is too short.
    """

    def __init__(self, allow_hosts: Sequence[str] = (), most_sessions: int = MOST_SESSIONS) -> None:
        self.token = _own_token() or secrets.token_urlsafe(TOKEN_BYTES)
        self._cookie = secrets.token_urlsafe(TOKEN_BYTES)
        self._hosts = frozenset(host.lower().rstrip(".") for host in allow_hosts)
        self.most_sessions = most_sessions
        super().__init__()

    @property
    def get_user_async(self) -> Callable[[Any], Awaitable[User]]:
        """Function by which Bokeh asks for the user of a request, before it handles it."""
        return self._let_in

    @property
    def login_url(self) -> str:
        """Nobody is sent there: who is not let in has been answered."""
        return "/"

    async def _let_in(self, handler: Any) -> User:
        """Give the user of a request that is let in.

        Raises
        ------
        tornado.web.Finish
            It has been answered: refused, or sent to the same address without its token.
        """
        request = handler.request
        if not self._is_named(request.host):
            refuse(
                handler,
                403,
                f"This server is not known as {request.host!r}.",
                "Open it as localhost, with the same port. Another name is allowed where the "
                "server is started:",
                "trainlapse explore --allow-host NAME",
            )
        if not self._is_own(request):
            refuse(
                handler,
                403,
                "Pages of other servers may ask nothing of this one.",
                "Open its address in a tab of its own.",
            )
        cookie = f"trainlapse-{_port_of(request.host)}"
        in_address = request.query_arguments.get(TOKEN, [b""])[-1]
        if _equal(in_address, self.token) or _equal(_token_in_header(request), self.token):
            handler.set_cookie(cookie, self._cookie, httponly=True, samesite="Lax")
            if request.method == "GET" and TOKEN in request.query_arguments:
                handler.set_header("Referrer-Policy", "no-referrer")
                handler.redirect(_without_token(request.uri))
                raise Finish
        elif not _equal(handler.get_cookie(cookie, "").encode("utf-8", "replace"), self._cookie):
            refuse(
                handler,
                403,
                "This page needs the token of its server.",
                "Open the whole address that was printed in the terminal where Trainlapse was "
                "started: paste it into the address line. It looks like this:",
                f"http://{request.host}/?{TOKEN}=...",
            )
        if self._is_full(handler):
            handler.set_header("Retry-After", str(RETRY_S))
            refuse(
                handler,
                503,
                f"{self.most_sessions} pages of this server are open, which is as many as it "
                "shows.",
                "Close one, and try again in half a minute.",
            )
        sockets = f"ws://{request.host} wss://{request.host}"  # older browsers: 'self' is http
        handler.set_header("Content-Security-Policy", CONTENT_POLICY.format(sockets=sockets))
        handler.set_header("X-Content-Type-Options", "nosniff")
        handler.set_header("Referrer-Policy", "no-referrer")
        return User("user")

    def _is_named(self, host: str) -> bool:
        """Whether a request asks for this machine, by any port: a tunnel has one of its own."""
        name = _name_of(host)
        return name is not None and (_is_loopback(name) or name in self._hosts)

    def _is_own(self, request: Any) -> bool:
        """Whether a page of this server asks, or nobody's page: the address line, a program.

        A websocket is always opened by a page, which says whose it is.
        """
        headers = request.headers
        origin = headers.get("Origin")
        if origin is not None:
            scheme, separator, host = origin.partition("://")
            if not separator or scheme not in DEFAULT_PORTS or not self._is_named(host):
                return False
            # Beside this server, others listen on the loopback interface.
            is_here = _port_of(host, scheme) == _port_of(request.host)
            return is_here or _name_of(host) in self._hosts
        if headers.get("Upgrade", "").lower() == "websocket":
            return False
        is_visit = (headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")) == (
            "navigate",
            "document",
        )
        return is_visit or headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")

    def _is_full(self, handler: Any) -> bool:
        """Whether a request would make one session more than there may be."""
        if not hasattr(handler, "application_context"):
            return False  # a file
        known = [
            session.id
            for context in handler.application.applications.values()
            for session in context.sessions
        ]
        return len(known) >= self.most_sessions and _session_of(handler.request) not in known


class ComponentFiles(AuthRequestHandler, ComponentResourceHandler):
    """Panel's files of components, behind the gate: it imports whatever module it is asked for."""


# In place of Panel's handler, which comes after these.
PATTERNS: tuple[tuple[str, type[ComponentFiles], dict[str, Any]], ...] = (
    (r"/components/(.*)", ComponentFiles, {}),
)


def _own_token() -> str | None:
    token = os.environ.get(TOKEN_VARIABLE)
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ValueError(
            f"{TOKEN_VARIABLE} holds {len(token)} characters. A token has at least "
            f"{SHORTEST_TOKEN}; without the variable, each server makes a new one."
        )
    return token


def _token_in_header(request: Any) -> bytes:
    scheme, _, token = str(request.headers.get("Authorization", "")).partition(" ")
    return token.strip().encode("utf-8", "replace") if scheme.lower() == TOKEN else b""


def _equal(given: bytes, expected: str) -> bool:
    """Compare in a time that does not tell how much is right."""
    return secrets.compare_digest(given, expected.encode())


def _without_token(uri: str) -> str:
    """Give the same address on this server, without its token."""
    parts = urlsplit(uri)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name != TOKEN
    ]
    # More than one slash at the beginning would lead to another server.
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{urlencode(query)}" if query else path


def _name_of(netloc: str) -> str | None:
    """Give the name of a host in small letters, without a port; None where that cannot be."""
    try:
        parts = urlsplit(f"//{netloc}")
        parts.port  # noqa: B018, raises for what is no port
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname and parts.hostname.rstrip(".")


def _port_of(netloc: str, scheme: str = "http") -> int:
    return urlsplit(f"//{netloc}").port or DEFAULT_PORTS[scheme]


def _is_loopback(name: str) -> bool:
    """Whether a name means the machine that asks, whatever a name server says."""
    try:
        # Panel cannot read the colons of an IPv6 address.
        return ipaddress.IPv4Address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _session_of(request: Any) -> str | None:
    """Session that a websocket belongs to: its second protocol is the token of one."""
    _, _, token = request.headers.get("Sec-WebSocket-Protocol", "").partition(",")
    try:
        return str(get_session_id(token.strip()))
    except Exception:  # Bokeh raises what it meets in a token that is none
        return None

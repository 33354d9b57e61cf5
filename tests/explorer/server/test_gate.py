"""Who is let in: with the token, under a name of this machine, from a page of this server."""

from __future__ import annotations

import re

import pytest

from explorer.server import gate
from explorer.server.gate import Gate
from explorer.server.server import HOST

pytestmark = pytest.mark.slow


OWN = "my own token, 16"


@pytest.fixture
def server(start, image_run):
    return start(image_run)


@pytest.fixture
def made(monkeypatch):
    """Every page that was made, by its path."""
    from explorer.server import app

    paths, page = [], app.page

    def noted(data, query, runs, path, *more, **options):
        paths.append(path)
        return page(data, query, runs, path, *more, **options)

    monkeypatch.setattr(app, "page", noted)
    return paths


# -- the token --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?token=",
        "/?token=wrong",
        "/?token=%FF%C3",
        "/?layer=dense",
        "/compare",
        "/run?number=1",
        "/autoload.js?bokeh-autoload-element=a",
        "/metadata",
        "/components/antigravity/a/b/c",
    ],
)
def test_without_the_token_nothing_is_made(server, made, path):
    status, text = server.ask(path)
    assert status == 403
    assert "token" in text
    assert "synthetic" not in text
    assert made == []
    assert server.ask(path, Cookie=f"trainlapse-{server.port}=wrong")[0] == 403
    assert server.ask(path, Authorization="token wrong")[0] == 403
    assert server.ask(path, Authorization=f"Bearer {server.token}")[0] == 403


def test_the_token_leaves_the_address_once_the_cookie_is_set(server):
    status, _ = server.ask(f"/?layer=a%26b&token={server.token}&step=")
    assert (status, server.headers["Location"]) == (302, "/?layer=a%26b&step=")
    cookie = server.headers["Set-Cookie"]
    assert cookie.startswith(f"trainlapse-{server.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert server.token not in cookie
    assert server.ask("/", Cookie=cookie.partition(";")[0])[0] == 200
    of_another_port = cookie.partition(";")[0].replace(f"-{server.port}=", f"-{server.port + 1}=")
    assert server.ask("/", Cookie=of_another_port)[0] == 403
    address = f"http://127.0.0.1:{server.port}/?token={server.token}"
    assert server.ask("/", Referer=address)[0] == 403
    assert server.ask(f"/?token={server.token}")[0] == 302
    assert server.headers["Location"] == "/"


def test_a_browser_without_the_token_gets_a_page_that_says_what_to_do(server):
    html = "text/html,application/xhtml+xml,*/*;q=0.8"
    status, text = server.ask("/?layer=conv1&step=5", Accept=html)
    assert status == 403
    assert server.headers["Content-Type"].startswith("text/html")
    assert server.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "that was printed in the terminal" in text
    assert f"http://127.0.0.1:{server.port}/?token=..." in text
    assert not re.search(r"""(?:src|href|action)\s*=|url\(""", text)
    status, text = server.ask("/", Accept=html, Host="<script>alert(1)</script>")
    assert status in (400, 403)
    assert "<script>alert" not in text


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\\\evil.example/", "http://evil.example/", "///run"]
)
def test_no_address_with_a_token_leads_to_another_server(server, path):
    server.ask(f"{path}?token={server.token}", Host="localhost")
    location = server.headers.get("Location", "/")
    assert re.match(r"/(?![/\\])", location), location


def test_a_token_of_the_users_own(monkeypatch):
    monkeypatch.setenv(gate.TOKEN_VARIABLE, OWN)
    assert Gate().token == OWN
    monkeypatch.setenv(gate.TOKEN_VARIABLE, "short")
    with pytest.raises(ValueError, match=r"TRAINLAPSE_TOKEN holds 5 characters.*at least 16"):
        Gate()
    monkeypatch.delenv(gate.TOKEN_VARIABLE)
    assert Gate().token != Gate().token


# -- names and origins ------------------------------------------------------------------------


def test_every_name_of_this_machine_works_on_any_port(server):
    for host in ("localhost", "localhost:9000", "127.0.0.1:1", "a.localhost:80"):
        assert server.get(Host=host)[0] == 200, host
    server.ask(f"/?token={server.token}", Host="localhost:9000")
    assert server.headers["Set-Cookie"].startswith("trainlapse-9000=")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5006",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "192.168.0.1",
        "0.0.0.0",  # noqa: S104, not bound
        "169.254.169.254",
        "localhost:port",
        "[::1",
        "[::1]:5006",
        "",
    ],
)
def test_no_other_name_does(server, made, host):
    status, _ = server.get(Host=host)
    assert status in (400, 403)
    assert made == []


def test_a_name_can_be_allowed(start, image_run):
    server = start(image_run, allow_hosts=["lab.example"])
    assert server.get(Host="Lab.example")[0] == 200
    assert server.get(Host="other.lab.example")[0] == 403
    # A proxy may ask under the name of this machine.
    assert server.upgrade("https://lab.example") == 101
    assert server.upgrade("https://other.example") == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://["},
        {"Origin": "file://"},
        {"Origin": "//localhost"},
        {"Origin": "http://localhost:99999"},
        {"Origin": "http://user@localhost"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_what_pages_of_others_ask_is_refused(server, made, headers):
    status, text = server.get("/autoload.js?bokeh-autoload-element=a", **headers)
    assert status == 403
    assert text.startswith("Pages of other servers may ask nothing of this one. ")
    assert made == []


def test_a_link_on_a_page_of_others_may_lead_here(server):
    visit = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert server.get(**{"Sec-Fetch-Site": "cross-site", **visit})[0] == 200


def test_a_socket_needs_an_origin_and_the_token(server):
    own = f"http://127.0.0.1:{server.port}"
    assert server.upgrade(own) == 101
    assert server.upgrade(None) == 403
    assert server.upgrade("null") == 403
    assert server.upgrade("http://[") == 403
    assert server.upgrade(own, Authorization="token wrong") == 403
    assert server.upgrade("http://localhost:9000", Host="localhost:9000") == 101
    assert server.upgrade(own, Host="localhost:9000") == 403


# -- sessions and answers ---------------------------------------------------------------------


def test_more_pages_than_a_server_shows_are_refused(server, made):
    server.running.gate.most_sessions = 2
    assert [server.get()[0] for _ in range(2)] == [200, 200]
    status, text = server.get()
    assert status == 503
    assert text.startswith("2 pages of this server are open")
    assert server.headers["Retry-After"] == "20"
    assert len(made) == 2


def test_a_page_may_reach_nothing_but_its_server(server):
    server.get()
    policy = dict(
        each.split(" ", 1) for each in server.headers["Content-Security-Policy"].split("; ")
    )
    host = f"{HOST}:{server.port}"
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == f"'self' blob: ws://{host} wss://{host}"
    assert policy["img-src"] == "'self' data: blob:"
    assert policy["font-src"] == "'self' data:"
    assert not re.search(r"\*|https?:", " ".join(policy.values()))
    assert server.headers["X-Content-Type-Options"] == "nosniff"
    assert server.headers["Referrer-Policy"] == "no-referrer"

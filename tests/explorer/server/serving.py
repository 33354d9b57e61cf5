"""A server of runs, as the tests of this folder ask it."""

from __future__ import annotations

import http.client
import re
import socket
from urllib.parse import parse_qsl, urlsplit

from explorer.server import app
from explorer.server.server import HOST

PATIENCE_S = 30


class Server:
    """A running explorer, and what it answers."""

    def __init__(self, runs, **options):
        with socket.socket() as probe:  # another test process never gets the same
            probe.bind((HOST, 0))
            self.port = probe.getsockname()[1]
        self.running = app.server(runs, port=self.port, **options)
        self.running.start()

    def stop(self):
        self.running.end()

    @property
    def token(self):
        return dict(parse_qsl(urlsplit(self.running.address).query))["token"]

    def get(self, path="/", **headers):
        """Status and text of an answer to who has the token."""
        return self.ask(path, **{"Authorization": f"token {self.token}", **headers})

    def ask(self, path="/", **headers):
        """Status and text of an answer to anybody."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path, headers={"Connection": "close", **headers})
            response = connection.getresponse()
            if response.status == 101:
                assert response.fp.read(1)  # the session is there
                return 101, ""
            self.headers = response.headers
            return response.status, response.read().decode()
        finally:
            connection.close()

    def upgrade(self, origin, **more):
        """Status of an attempt to open the web socket from a page of `origin`."""
        _, text = self.get()
        token = re.search(r'"token":"([^"]+)"', text)[1]
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": f"bokeh, {token}",
            "Authorization": f"token {self.token}",
            **({"Origin": origin} if origin else {}),
            **more,
        }
        return self.ask("/ws", **headers)[0]

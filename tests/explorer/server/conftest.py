"""What the tests of the server share."""

from __future__ import annotations

import pytest

from tests.explorer.server.serving import Server


@pytest.fixture
def start():
    """Start a server of some runs that ends with the test."""
    running = []

    def start(*runs, **options):
        running.append(Server(runs, **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()

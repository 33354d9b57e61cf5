"""The networks that the tests of the recorder go through."""

from __future__ import annotations

import pytest

from tests.recorder.networks import NETWORKS, Network


@pytest.fixture(params=list(NETWORKS))
def network(request: pytest.FixtureRequest) -> Network:
    """Builder of a network, with inputs and classes to train it on."""
    return NETWORKS[request.param]

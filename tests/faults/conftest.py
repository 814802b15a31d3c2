"""The fixtures of this folder."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.fixtures import server
from tests.support.wires import CHAT_COMPLETIONS, MESSAGES, PROXIED, Wire

__all__ = ["server"]


@pytest.fixture(params=[CHAT_COMPLETIONS, MESSAGES], ids=lambda wire: wire.name)
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each API format."""
    chosen: Wire = request.param
    return chosen


@pytest.fixture(params=[CHAT_COMPLETIONS, MESSAGES, PROXIED], ids=lambda wire: wire.name)
def any_wire(request: pytest.FixtureRequest) -> Wire:
    """Each way through the real gateway."""
    chosen: Wire = request.param
    return chosen


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections, and that nobody else takes meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]

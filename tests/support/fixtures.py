"""Fixtures that several test folders take into their `conftest.py`."""

from collections.abc import Iterator

import pytest

from tests.support.recording import RecordingServer


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    """A server on loopback that answers what the test wrote."""
    with RecordingServer() as running:
        yield running

"""Fixtures that several test folders take into their `conftest.py`."""

import asyncio
import inspect
from collections.abc import Iterator

import pytest

from tests.support.recording import RecordingServer


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    """A server on loopback that answers what the test wrote."""
    with RecordingServer() as running:
        yield running


@pytest.fixture(autouse=True)
def event_loop_of_the_thread(request: pytest.FixtureRequest) -> Iterator[None]:
    """LlamaIndex's sync ways run coroutines on the thread's event loop, and leave open the one that they make."""
    if inspect.iscoroutinefunction(request.function):
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.run_until_complete(loop.shutdown_asyncgens())  # closes the connections of its calls
    loop.close()
